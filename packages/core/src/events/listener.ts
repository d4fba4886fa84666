import type { EventListener, EventTarget, Outcome, RegistryEvent } from "../ports/events.ts";

/** A listener that takes longer is told again later. */
const listenerTimeoutMs = 30_000;

/** A function of the host's own as a target. */
export function listenerTarget(name: string, listener: EventListener): EventTarget {
  return {
    name,
    timeoutMs: listenerTimeoutMs,
    wants: () => true,
    async tell({ body }, signal): Promise<Outcome> {
      const aborted = Promise.withResolvers<never>();
      const onAbort = () => aborted.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        signal.throwIfAborted();
        const told = async () => listener(JSON.parse(body) as RegistryEvent, { signal });
        await Promise.race([told(), aborted.promise]);
        return { isDelivered: true };
      } catch (error) {
        return { isDelivered: false, error: errorText(error) };
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}

const longestText = 500;

/** What went wrong, for a column of the database. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.slice(0, longestText);
}
