import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { digestOf } from "@serverless-registry/core/testing";
import { expect, test } from "vitest";
import { describeIf, filesBelow, temporaryRoot } from "./harness.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("commit-once.ts", import.meta.url));
const digest = digestOf(Buffer.from("durable"));
const blob = join("blobs", digest.slice(0, 2), digest.slice(2, 4), digest);

/** Runs the script under strace; the system calls of `trace` go, one a line, into a file beside `root`. */
async function traced(
  root: string,
  trace: readonly string[],
  times: number,
): Promise<{ out: string[]; calls: string[] }> {
  const log = `${root}.strace`;
  const node = [process.execPath, "--conditions=@serverless-registry/source", script, root, String(times)];
  const { stdout } = await run("strace", ["-f", "-y", "-qq", "-s", "200", "-o", log, ...trace, ...node], {
    // One thread for files: then the system calls are in one order, and "the n-th" is one call.
    env: { ...process.env, UV_THREADPOOL_SIZE: "1", NODE_NO_WARNINGS: "1" },
  });
  return { out: stdout.trim().split("\n"), calls: (await readFile(log, "utf8")).split("\n") };
}

/** What the calls did to things below `root`, as `verb path`. */
function stepsBelow(root: string, calls: readonly string[]): string[] {
  const parent = join(root, "..");
  return calls.flatMap((line) => {
    const call = /^\d+\s+(\w+)\((.*)\)\s+= 0$/.exec(line);
    if (!call) return [];
    const [, verb = "", args = ""] = call;
    const paths = [...args.matchAll(/[<"]([^<>"]+)[>"]/g)].map((match) => match[1] ?? "");
    const path = paths.findLast((found) => found.startsWith(parent));
    return path === undefined ? [] : [`${verb.replace(/at$/, "")} ${path.slice(parent.length + 1) || "."}`];
  });
}

const hasStrace =
  process.platform === "linux" &&
  (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, "strace")));

describeIf(hasStrace ? null : "it needs strace", "under strace", () => {
  const order = ["-e", "trace=fsync,mkdir,mkdirat,link,linkat,unlink,unlinkat"];

  test("the first commit syncs file and folders in the order that keeps an acknowledged blob", async () => {
    const { root, cleanup } = await temporaryRoot();
    try {
      const { out, calls } = await traced(root, order, 1);
      expect(out).toEqual(["committed"]);
      const [aa, bb] = [digest.slice(0, 2), digest.slice(2, 4)];
      const steps = stepsBelow(root, calls).map((step) => step.replace(/tmp\/.+/, "tmp/<stage>"));
      expect(steps).toEqual([
        "mkdir data",
        "fsync .",
        "mkdir data/tmp",
        "fsync data",
        "mkdir data/blobs",
        "fsync data",
        "fsync data/tmp/<stage>",
        `mkdir data/blobs/${aa}`,
        "fsync data/blobs",
        `mkdir data/blobs/${aa}/${bb}`,
        `fsync data/blobs/${aa}`,
        `link data/${blob}`,
        `fsync data/blobs/${aa}/${bb}`,
        "unlink data/tmp/<stage>",
      ]);
    } finally {
      await cleanup();
    }
  });

  test("a later commit of the same bytes syncs the file and its folder", async () => {
    const { root, cleanup } = await temporaryRoot();
    try {
      await traced(root, order, 1);
      const steps = stepsBelow(root, (await traced(root, order, 1)).calls);
      expect(steps.map((step) => step.replace(/tmp\/.+/, "tmp/<stage>"))).toEqual([
        "fsync data/tmp/<stage>",
        `fsync data/blobs/${digest.slice(0, 2)}/${digest.slice(2, 4)}`,
        "unlink data/tmp/<stage>",
      ]);
    } finally {
      await cleanup();
    }
  });

  // Three commits: five folders made, then one file and one folder synced each time.
  const faults = [
    ...Array.from({ length: 11 }, (_, index) => ({ call: "fsync", n: index + 1 })),
    ...Array.from({ length: 3 }, (_, index) => ({ call: "link", n: index + 1 })),
  ];
  test.each(faults)(
    "$call number $n fails: that commit alone is refused, nothing is left, the next works",
    async ({ call, n }) => {
      const { root, cleanup } = await temporaryRoot();
      try {
        const inject = ["-e", "trace=fsync,link", "-e", `inject=${call}:error=EIO:when=${n}`];
        const { out, calls } = await traced(root, inject, 3);
        expect(calls.filter((line) => line.includes("(INJECTED)"))).toHaveLength(1);
        expect(out.sort()).toEqual(["committed", "committed", "failed EIO"]);

        const steps = stepsBelow(root, calls);
        const beforeLink = steps.slice(0, steps.indexOf(`link data/${blob}`));
        // A folder whose sync failed is there all the same when the next commit comes: its sync must be made up for.
        for (const folder of [".", "data", "data/blobs", `data/blobs/${digest.slice(0, 2)}`]) {
          expect(beforeLink).toContain(`fsync ${folder}`);
        }
        expect(beforeLink.filter((step) => step === "fsync data")).toHaveLength(2);
        expect(await filesBelow(root)).toEqual([blob]);
        expect(await readFile(join(root, blob), "utf8")).toBe("durable");
      } finally {
        await cleanup();
      }
    },
  );
});
