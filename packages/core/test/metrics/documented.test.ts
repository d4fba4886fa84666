import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { registries } from "../operations/harness.ts";
import { busyMetrics } from "./busy.ts";

const make = registries();

/** Names of metrics with their labels, as the guide's table has them. */
function documented(): Record<string, string[]> {
  const guide = readFileSync(new URL("../../../../docs/guide/observability.md", import.meta.url), "utf8");
  const [table = ""] = (guide.split("| metric (`registry_…`) | labels | |\n| --- | --- | --- |\n")[1] ?? "").split(
    "\n\n",
  );
  const codes = (cell = "") => [...cell.matchAll(/`(\w+)`/g)].map(([, code = ""]) => code);
  const rows = table.split("\n").map((row) => row.split("|"));
  return Object.fromEntries(
    rows.flatMap(([, names, labels]) => codes(names).map((name) => [name, codes(labels).sort()])),
  );
}

test("has the metrics that the guide lists, under its labels, and each shows what it is of", async () => {
  const { seen, receivedBytes, sentBytes } = await busyMetrics(make);
  const table = documented();
  expect(Object.keys(table).sort()).toEqual(Object.keys(seen).sort());
  for (const [name, samples] of Object.entries(seen)) {
    for (const { labels } of samples) {
      expect(Object.keys(labels).sort(), name).toEqual(table[name]);
      // An attribute that nobody sets shows as an empty text, which says of errors that there was none.
      const empty = Object.entries(labels).filter(([label, text]) => label !== "error" && text === "");
      expect(empty, name).toEqual([]);
    }
  }

  const zipball = "/:package/zipball/:version";
  const some = expect.any(Number);
  const causes: Record<string, [labels: Record<string, string>, value: number]> = {
    http_request_duration_seconds: [{ method: "GET", route: zipball, status: "200", error: "" }, 2],
    http_failures_total: [{ code: "rate_limited" }, 1],
    http_requests_running: [{}, 1],
    http_sends_running: [{}, 1],
    http_send_duration_seconds: [{ route: zipball, error: "" }, 1],
    http_received_bytes_total: [{}, receivedBytes],
    http_sent_bytes_total: [{}, sentBytes],
    operation_duration_seconds: [{ operation: "releases.list", error: "package_not_found" }, 1],
    db_duration_seconds: [{ operation: "transaction", error: "" }, some],
    db_retries_total: [{}, 1],
    storage_duration_seconds: [{ call: "commit", error: "" }, 3],
    storage_free_bytes: [{}, 123_456],
    password_duration_seconds: [{ call: "verify", error: "" }, 2],
    inspection_duration_seconds: [{ error: "invalid_archive" }, 1],
    inspections_running: [{}, 2],
    inspections_queued: [{}, 3],
    passwords_running: [{}, 5],
    passwords_queued: [{}, 7],
    cache_reads_total: [{ hit: "true" }, some],
    cache_packages: [{}, 11_001],
    cache_bytes: [{}, some],
    changes_total: [{ action: "release.publish" }, 3],
    downloads_total: [{}, 2],
    downloads_unwritten: [{}, 17_002],
    credential_uses_unwritten: [{}, 19_001],
    archives_refused_total: [{ finding: "not_a_zip" }, 1],
    rate_limit_refusals_total: [{ rule: "search" }, 1],
    events_waiting: [{ target: "broken" }, some],
    events_dead: [{ target: "broken" }, 1],
    missing_blobs: [{}, 1],
    damaged_blobs: [{}, 1],
    sweep_failures_total: [{ step: "staged" }, 1],
    sweep_last_complete_timestamp_seconds: [{}, some],
  };
  expect(Object.keys(causes).sort()).toEqual(Object.keys(seen).sort());
  for (const [name, [labels, value]] of Object.entries(causes)) {
    const shown = seen[name]?.find((sample) => JSON.stringify(sample.labels) === JSON.stringify(labels));
    expect(shown?.value, name).toEqual(value);
    expect(shown?.value, name).toBeGreaterThan(0);
  }
  expect(seen.cache_bytes?.[0]?.value).toBeGreaterThan(13_000_000);
});
