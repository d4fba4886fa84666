import { command } from "../command.ts";
import { usageError } from "../failures.ts";
import { withRegistry } from "../local.ts";
import { columns, counted } from "../text.ts";

const target = { about: "name of the webhook, as serve logs it at its start" } as const;
const states = ["waiting", "dead", "delivered"] as const;

/** Shows what waits for a webhook, or was given up. */
export const listEvents = command({
  name: "events list",
  summary: "show events that were given up for a webhook, or wait for it",
  about: "At most 1000 are shown; --after goes on behind a number of the first column.",
  args: { target },
  options: {
    state: { value: "state", about: "which ones; dead, which is given up, when left out", choices: states },
    after: { value: "number", about: "show what follows this one" },
  },
  examples: ["events list webhook-0123456789ab", "events list webhook-0123456789ab --state waiting --json"],
  place: "local",
  async run(cli, { args, options: { state: given = "dead", after = "0" } }) {
    const state = states.find((one) => one === given) ?? "dead";
    if (!/^\d{1,15}$/.test(after)) throw usageError(`--after is a number, not ${after}`);
    const input = { target: args.target, state, after: Number(after), limit: 1000 };
    const found = await withRegistry(cli, ({ registry }) => registry.events.list(input));
    const rows = found.map(({ sequence, event, attempts, lastError }) => [
      ...[String(sequence), event.id, event.type, event.package ?? "-", state],
      ...[counted(attempts, "attempt"), lastError ?? "-"],
    ]);
    return { json: found.map((one) => ({ ...one, state })), lines: rows.length === 0 ? ["None."] : columns(rows) };
  },
});

/** Has events that were given up wait again. */
export const redeliverEvents = command({
  name: "events redeliver",
  summary: "have events that were given up for a webhook sent again",
  about:
    "A server that runs sends them within seconds. With the id of an event it is that one alone, also when it was delivered.",
  args: { target, event: { about: "id of one event", optional: true } },
  examples: ["events redeliver webhook-0123456789ab"],
  place: "local",
  async run(cli, { args: { target: name, event } }) {
    const input = event === undefined ? { target: name } : { target: name, event };
    const redelivered = await withRegistry(cli, ({ registry }) => registry.events.redeliver(input));
    return { json: { redelivered }, lines: [`${counted(redelivered, "event")} to be sent again.`] };
  },
});

/** Removes what waits or was given up for a webhook. */
export const discardEvents = command({
  name: "events discard",
  summary: "remove what waits or was given up for a webhook: for one that is configured no more",
  args: { target },
  examples: ["events discard webhook-0123456789ab"],
  place: "local",
  async run(cli, { args: { target: name } }) {
    const discarded = await withRegistry(cli, ({ registry }) => registry.events.discard({ target: name }));
    return { json: { discarded }, lines: [`${counted(discarded, "event")} removed.`] };
  },
});
