import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { type Actor, anonymous } from "../../src/context.ts";
import { zipOf } from "../../src/testing/zips.ts";
import { rows } from "../operations/harness.ts";
import { instancesOn, outcomes } from "./two-instances.ts";

/**
 * Registers what holds when two instances change packages at the same moment. They connect to the servers by turns; these hold the
 * same databases.
 */
export function describeRaces(name: string, servers: readonly [string, ...string[]]): void {
  const start = instancesOn(servers);

  describe(name, () => {
    test("versions of one package published at once are all there, and the highest is the latest", async () => {
      const { one, ada, instance } = await start();
      await one.publish(ada, { package: "fc", version: "1.0.0" });
      const versions = ["1.3.0", "1.9.0", "1.10.0", "1.2.0", "2.0.0-rc.1", "1.4.0"];
      const said = await outcomes(versions.length, (at) =>
        instance(at).publish(ada, {
          package: "fc",
          version: versions[at] ?? "",
          description: `words of ${versions[at]}`,
        }),
      );
      expect(said).toEqual(versions.map(() => "done"));
      const seen = await one.registry.releases.list(anonymous, { package: "fc" });
      expect(seen.map((release) => release.version)).toEqual([
        ...["2.0.0-rc.1", "1.10.0", "1.9.0", "1.4.0", "1.3.0", "1.2.0", "1.0.0"],
      ]);
      expect((await one.registry.releases.latest(anonymous, { package: "fc" })).version).toBe("1.10.0");
      const hits = await one.registry.search.packages(anonymous, { text: "words" });
      expect(hits.map((hit) => hit.version)).toEqual(["1.10.0"]);
    });

    test("the same version published at once on two instances: one of the archives it is", async () => {
      const { one, ada, instance } = await start();
      await one.publish(ada, { package: "fc", version: "1.0.0" });
      const said = await outcomes(6, async (at) => {
        const body = Readable.from([await zipOf({ "index.js": `// ${at}` })]);
        return instance(at).registry.releases.publish(ada, { package: "fc", version: "2.0.0", body });
      });
      expect(said).toEqual(["done", ...Array(5).fill("version_exists")]);
      const found = await rows(one, "select version from Versions where version = '2.0.0'");
      expect(found).toHaveLength(1);
    });

    test("a new package opened by one user several times at once takes all the versions", async () => {
      const { one, ada, instance } = await start();
      const said = await outcomes(5, (at) => instance(at).publish(ada, { package: "fresh", version: `1.${at}.0` }));
      expect(said).toEqual(Array(5).fill("done"));
      expect((await one.registry.releases.latest(anonymous, { package: "fresh" })).version).toBe("1.4.0");
      expect(await one.registry.maintainers.list(anonymous, { package: "fresh" })).toEqual([
        { username: "ada", role: "owner" },
      ]);
    });

    test("a new name wanted by several users at once belongs to one of them, look-alikes included", async () => {
      const { one, two, ada, grace } = await start();
      for (let round = 0; round < 4; round++) {
        const said = await outcomes(2, (at) =>
          at === 0
            ? one.publish(ada, { package: `name-${round}x`, version: "1.0.0" })
            : two.publish(grace, { package: `name${round}x`, version: "1.0.0" }),
        );
        expect(said).toEqual(["done", "name_taken"]);
        const same = await outcomes(2, (at) =>
          at === 0
            ? one.publish(ada, { package: `same-${round}`, version: "1.0.0" })
            : two.publish(grace, { package: `same-${round}`, version: "1.0.0" }),
        );
        expect(same).toEqual(["done", "release_forbidden"]);
      }
    });

    test("two owners who make each other less at once: one owner stays", async () => {
      const { one, two, ada, grace } = await start();
      await one.publish(ada, { package: "fc", version: "1.0.0" });
      for (let round = 0; round < 4; round++) {
        await one.database.write((tx) => tx.updateTable("PackageMaintainers").set({ role: "owner" }).execute());
        if (round === 0) {
          await one.registry.maintainers.add(ada, { package: "fc", username: "grace", role: "owner" });
        }
        const lower = (by: Actor, username: string, at: number) =>
          (at === 0 ? one : two).registry.maintainers.add(by, { package: "fc", username, role: "reader" });
        const said = await outcomes(2, (at) => (at === 0 ? lower(ada, "ada", at) : lower(grace, "grace", at)));
        expect(said).toEqual(["done", "last_owner"]);
      }
    });

    test("one upload sent several archives at once takes one of them", async () => {
      const { one, ada, instance } = await start();
      const { uploadId } = await one.registry.releases.create(ada, { package: "fc", version: "1.0.0" });
      const said = await outcomes(4, async (at) => {
        const body = Readable.from([await zipOf({ "index.js": `// ${at}` })]);
        return instance(at).registry.uploads.receive(ada, { uploadId, body });
      });
      expect(said).toEqual(["done", "invalid_upload", "invalid_upload", "invalid_upload"]);
    });

    test("downloads that two instances write down at once all count", async () => {
      const { one, two, ada } = await start();
      const names = ["a1", "b2", "c3"];
      for (const name of names) await one.publish(ada, { package: name, version: "1.0.0" });
      for (let round = 0; round < 3; round++) {
        for (const { registry } of [one, two]) {
          for (const name of round % 2 === 0 ? names : names.toReversed()) {
            (await registry.downloads.open(anonymous, { package: name, version: "1.0.0" })).body.destroy();
          }
        }
        await Promise.all([one.registry.flush(), two.registry.flush()]);
      }
      const counts = await rows(one, "select downloads_count from Packages order by name");
      expect(counts).toEqual(names.map(() => ({ downloads_count: 6 })));
    });

    test("everything at once: no failure but those that are right, and no trace of a lost one", async () => {
      const { one, ada, grace, instance } = await start();
      await one.publish(ada, { package: "fc", version: "1.0.0", tags: ["web"] });
      await one.registry.maintainers.add(ada, { package: "fc", username: "grace", role: "maintainer" });
      const work: ((at: number) => Promise<unknown>)[] = [
        (at) => instance(at).publish(grace, { package: "fc", version: `1.${at}.1`, tags: ["web", `t${at % 3}`] }),
        (at) =>
          instance(at).publish(ada, { package: `p${at}`, version: "1.0.0", dependencies: { fc: "*" }, tags: ["web"] }),
        (at) => instance(at).registry.packages.update(ada, { package: "fc", description: `text ${at}` }),
        (at) => instance(at).registry.packages.deprecate(ada, { package: "fc", reason: `${at}` }),
        (at) =>
          instance(at).registry.maintainers.add(ada, {
            package: "fc",
            username: "grace",
            role: at % 2 ? "publisher" : "maintainer",
          }),
      ];
      const said = await outcomes(30, (at) => work[at % work.length]?.(at) ?? Promise.resolve());
      expect(new Set(said)).toEqual(new Set(["done"]));
      const latest = await one.registry.releases.latest(anonymous, { package: "fc" });
      expect(latest.version).toBe("1.25.1");
      expect(await one.registry.packages.dependents(anonymous, { package: "fc" })).toHaveLength(6);
    });
  });
}
