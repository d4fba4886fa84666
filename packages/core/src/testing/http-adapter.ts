import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Behaviours, describeBehaviours, type Skip } from "./behaviours.ts";
import { abortBehaviours } from "./http/aborts.ts";
import { accountRaceBehaviours } from "./http/account-races.ts";
import { accountBehaviours } from "./http/accounts.ts";
import { bodyBehaviours } from "./http/bodies.ts";
import { changeBehaviours } from "./http/changes.ts";
import { corsBehaviours } from "./http/cors.ts";
import { credentialBehaviours } from "./http/credentials.ts";
import { downloadBehaviours } from "./http/downloads.ts";
import { everywhereBehaviours } from "./http/everywhere.ts";
import type { HttpAdapter, HttpHarness, MadeOf, RunningAdapter, World } from "./http/harness.ts";
import { healthBehaviours } from "./http/health.ts";
import { hostBehaviours } from "./http/hosts.ts";
import { limitBehaviours } from "./http/limits.ts";
import { memberBehaviours } from "./http/members.ts";
import { metricsBehaviours } from "./http/metrics.ts";
import { multipartBehaviours } from "./http/multipart.ts";
import { packageBehaviours } from "./http/packages.ts";
import { pathBehaviours } from "./http/paths.ts";
import { privacyBehaviours } from "./http/privacy.ts";
import { publishGrantBehaviours } from "./http/publish-grants.ts";
import { quotaBehaviours } from "./http/quotas.ts";
import { raceBehaviours } from "./http/races.ts";
import { rateHeaderBehaviours } from "./http/rate-headers.ts";
import { readingBehaviours } from "./http/reading.ts";
import { coverageBehaviours, recorder } from "./http/recorder.ts";
import { refusalBehaviours } from "./http/refusals.ts";
import { releaseFieldBehaviours } from "./http/release-fields.ts";
import { releaseBehaviours } from "./http/releases.ts";
import { requestIdBehaviours } from "./http/request-ids.ts";
import { rolloutBehaviours } from "./http/rollouts.ts";
import { serverlessDevsBehaviours } from "./http/serverless-devs.ts";
import { serverlessDevsReadingBehaviours } from "./http/serverless-devs-reading.ts";
import { serverlessDevsUploadBehaviours } from "./http/serverless-devs-uploads.ts";
import { serverlessDevsV2Behaviours } from "./http/serverless-devs-v2.ts";
import { serviceBehaviours } from "./http/service.ts";
import { sessionBehaviours } from "./http/sessions.ts";
import { signedBehaviours } from "./http/signed.ts";
import { signedBoundBehaviours } from "./http/signed-bounds.ts";
import { signedModeBehaviours } from "./http/signed-modes.ts";
import { signedReplayBehaviours } from "./http/signed-replays.ts";
import { signedUploadBehaviours } from "./http/signed-uploads.ts";
import { slowBodyBehaviours } from "./http/slow-bodies.ts";
import { untrueStorageBehaviours } from "./http/untrue-storages.ts";
import { uploadBehaviours } from "./http/uploads.ts";
import { openWorld } from "./http/world.ts";

export type { HttpAdapter, MadeOf, RunningAdapter };

const behaviours: Behaviours<HttpHarness> = {
  ...accountBehaviours,
  ...sessionBehaviours,
  ...credentialBehaviours,
  ...publishGrantBehaviours,
  ...releaseBehaviours,
  ...releaseFieldBehaviours,
  ...uploadBehaviours,
  ...readingBehaviours,
  ...downloadBehaviours,
  ...untrueStorageBehaviours,
  ...changeBehaviours,
  ...packageBehaviours,
  ...memberBehaviours,
  ...serviceBehaviours,
  ...healthBehaviours,
  ...metricsBehaviours,
  ...requestIdBehaviours,
  ...everywhereBehaviours,
  ...refusalBehaviours,
  ...pathBehaviours,
  ...bodyBehaviours,
  ...multipartBehaviours,
  ...abortBehaviours,
  ...slowBodyBehaviours,
  ...hostBehaviours,
  ...corsBehaviours,
  ...rolloutBehaviours,
  ...privacyBehaviours,
  ...limitBehaviours,
  ...rateHeaderBehaviours,
  ...quotaBehaviours,
  ...raceBehaviours,
  ...accountRaceBehaviours,
  ...signedBehaviours,
  ...signedReplayBehaviours,
  ...signedBoundBehaviours,
  ...signedUploadBehaviours,
  ...signedModeBehaviours,
  ...serverlessDevsBehaviours,
  ...serverlessDevsUploadBehaviours,
  ...serverlessDevsReadingBehaviours,
  ...serverlessDevsV2Behaviours,
  ...coverageBehaviours,
};

/**
 * What every adapter has to show: the documented routes with their successes and failures word for word, our own ones, and
 * what may go wrong on the way, over real sockets.
 */
export function describeHttpAdapter(name: string, options: HttpAdapter & { skip?: readonly Skip[] }): void {
  const { skip = [], ...adapter } = options;
  const notes = recorder();
  const unhandled: unknown[] = [];
  const notice = (reason: unknown) => void unhandled.push(reason);

  describe(name, () => {
    beforeAll(() => {
      process.on("unhandledRejection", notice);
      process.on("uncaughtExceptionMonitor", notice);
    });
    afterAll(() => {
      process.off("unhandledRejection", notice);
      process.off("uncaughtExceptionMonitor", notice);
    });

    describeBehaviours("HTTP", behaviours, {
      skip,
      async create() {
        const worlds: World[] = [];
        return {
          recorder: notes,
          async world(settings = {}) {
            const world = await openWorld(adapter, settings, notes);
            worlds.push(world);
            return world;
          },
          async cleanup() {
            for (const world of worlds) await world.close();
          },
        };
      },
    });

    test("left no failure unhandled", () => expect(unhandled).toEqual([]));
  });
}
