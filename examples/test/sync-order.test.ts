import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { zipOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { describeIf } from "../../packages/storage-fs/test/harness.ts";
import { register } from "./client.ts";
import { startTestServer, temporaryFolder } from "./processes.ts";

const strace = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "strace"));
const program = process.platform === "linux" ? strace.find((path) => existsSync(path)) : undefined;

describeIf(program === undefined ? "it needs strace" : null, "under strace", () => {
  test("a publish over HTTP syncs archive, folder and the transaction's log before it answers", {
    timeout: 120_000,
  }, async () => {
    const cwd = await temporaryFolder();
    const log = join(cwd, "calls");
    const calls = "trace=fsync,fdatasync,link,linkat,write,writev,sendto,sendmsg";
    // With -D the server is our child, and strace the one beside it: so a signal reaches the server.
    const under = [program ?? "", "-D", "-f", "-y", "-qq", "-s", "40", "-o", log, "-e", calls];
    const server = await startTestServer({ cwd, under, env: { UV_THREADPOOL_SIZE: "1" } });
    const ada = await register(server.url, "ada");
    expect((await ada.publish({ name: "fc", version: "1.0.0" }, await archive("first"))).status).toBe(201);
    expect((await ada.publish({ name: "fc", version: "2.0.0" }, await archive("second"))).status).toBe(201);
    server.send("SIGTERM");
    await server.ended;

    // A line of its own for each call's end; the second publish begins where the first was answered.
    const lines = (await readFile(log, "utf8")).split("\n");
    const answers = lines.flatMap((line, index) => (line.includes('"HTTP/1.1 201') ? [index] : []));
    expect(answers).toHaveLength(2);
    const steps = lines.slice((answers[0] ?? 0) + 1, (answers[1] ?? 0) + 1).flatMap(stepOf);
    const order = ["archive synced", "archive linked", "folder synced", "transaction synced", "answered"];
    // Folders above that are new are synced before the link.
    const places = order.map((step) => (step === "folder synced" ? steps.lastIndexOf(step) : steps.indexOf(step)));
    expect(places, steps.join(", ")).not.toContain(-1);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
  });
});

async function archive(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await zipOf({ "index.js": text }));
}

function stepOf(line: string): string[] {
  if (line.includes('"HTTP/1.1 201')) return ["answered"];
  if (/ f(data)?sync\(\d+<[^>]*\/tmp\/[^>]*>/.test(line) && line.includes("/packages/tmp/")) return ["archive synced"];
  if (/ link(at)?\(/.test(line)) return ["archive linked"];
  if (/ f(data)?sync\(\d+<[^>]*\/packages\/blobs\/../.test(line)) return ["folder synced"];
  if (/ f(data)?sync\(\d+<[^>]*-wal>/.test(line)) return ["transaction synced"];
  return [];
}
