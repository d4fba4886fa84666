import { parseRetryAfter } from "../domain/retries.ts";
import { webhookHeaders } from "../domain/webhooks.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventTarget, Outcome } from "../ports/events.ts";
import { errorText } from "./listener.ts";

/** A webhook whose options were checked. */
export interface WebhookTargetOptions extends Pick<EventTarget, "name" | "timeoutMs" | "wants"> {
  url: string;
  secrets: readonly Buffer[];
  clock: Clock;
}

const gone = 410;

/** A webhook as a target. Nothing of an answer matters but its status and `Retry-After`; its body is not read. */
export function webhookTarget({ url, secrets, clock, ...target }: WebhookTargetOptions): EventTarget {
  return {
    ...target,
    async tell({ id, body }, signal): Promise<Outcome> {
      const now = clock.now();
      const signature = webhookHeaders(secrets, { id, timestamp: Math.floor(now / 1000), body });
      const headers = { ...signature, "content-type": "application/json", "user-agent": "serverless-registry" };
      try {
        const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
        // Ends the connection, however much is still to come.
        await response.body?.cancel().catch(() => undefined);
        if (response.ok) return { isDelivered: true };
        const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), now);
        return {
          isDelivered: false,
          error: `answered ${response.status}`,
          ...(retryAfterMs === null ? {} : { retryAfterMs }),
          isFinal: response.status === gone,
        };
      } catch (error) {
        // "fetch failed" is all that the error itself says.
        const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
        return { isDelivered: false, error: errorText(signal.aborted ? signal.reason : cause) };
      }
    },
  };
}
