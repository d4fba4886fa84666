import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { describeIf } from "../../packages/storage-fs/test/harness.ts";
import { type Client, download, register } from "./client.ts";
import { startTestServer, temporaryFolder } from "./processes.ts";

const MIB = 1024 * 1024;

/** Mounts a file system of so many MiB; or tells why that is impossible here. */
function mountDisk(sizeMib: number): { path: string; unmount(): void } | { reason: string } {
  const path = mkdtempSync(join(tmpdir(), "registry-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m,mode=0700`, "tmpfs", path], { stdio: "pipe" });
  } catch (error) {
    rmSync(path, { recursive: true });
    const { message } = error as Error;
    return { reason: message.split("\n", 1)[0] ?? message };
  }
  return {
    path,
    unmount() {
      execFileSync("umount", ["--lazy", path]);
      rmSync(path, { recursive: true });
    },
  };
}

function whyNot(): string | null {
  const disk = mountDisk(1);
  if ("reason" in disk) return `it needs the right to mount a tmpfs, ${disk.reason}`;
  disk.unmount();
  return null;
}

/** One answer to a publisher, and what was published. */
interface Try {
  name: string;
  version: string;
  status: number;
  sha256: string;
}

/** Publishes archives of so many bytes, four publishers at once, `count` each. What each was answered. */
async function publishMany(client: Client, options: { round: string; count: number; bytes: number }): Promise<Try[]> {
  const { round, count, bytes } = options;
  const tries: Try[] = [];
  const publisher = async (name: string) => {
    for (let number = 0; number < count; number += 1) {
      const version = `${round}.${number}.0`;
      const payload = patternBytes(bytes + number, tries.length + 1);
      const zip = new Uint8Array(await zipOf({ [`${name}-${version}.bin`]: payload }, { store: true }));
      const uses =
        number % 2 === 0
          ? await inTwoSteps(client, { name, version }, zip)
          : await client.publish({ name, version }, zip);
      tries.push({ name, version, status: uses.status, sha256: digestOf(zip) });
    }
  };
  await Promise.all(["alpha", "beta", "gamma", "delta"].map(publisher));
  return tries;
}

async function inTwoSteps(client: Client, target: { name: string; version: string }, zip: Uint8Array<ArrayBuffer>) {
  const opened = await client.call("POST", "/releases", target);
  return opened.status === 201 ? client.sendForm(opened.json.upload_id, zip) : opened;
}

/** Everything that was acknowledged is there, whole, and nothing else. */
async function expectExactly(url: string, tries: readonly Try[]): Promise<void> {
  for (const name of new Set(tries.map((one) => one.name))) {
    const own = tries.filter((one) => one.name === name && one.status < 300);
    const response = await fetch(`${url}/${name}/releases`);
    const listed = response.status === 404 ? [] : ((await response.json()) as { tag_name: string; sha256: string }[]);
    const shown = listed.map(({ tag_name, sha256 }) => `${tag_name} ${sha256}`);
    expect(shown.toSorted()).toEqual(own.map(({ version, sha256 }) => `${version} ${sha256}`).toSorted());
    for (const { version, sha256 } of own) {
      expect(digestOf((await download(url, name, version)) ?? new Uint8Array()), `${name} ${version}`).toBe(sha256);
    }
  }
}

const accepted = (tries: readonly Try[]) => tries.filter(({ status }) => status < 300);
const statuses = (tries: readonly Try[]) => [...new Set(tries.map(({ status }) => status))].toSorted();

describeIf(whyNot(), "on a small disk", () => {
  test.each([
    // What fills the disk beside the archives is removed again: that frees the space.
    { what: "the archives", archives: true, database: false, bytes: 300_000 },
    { what: "the database", archives: false, database: true, bytes: 2000 },
    { what: "both", archives: true, database: true, bytes: 200_000 },
  ])(
    "running out of space for $what refuses with 507 or 503, keeps what was acknowledged, and is over when there is space",
    {
      timeout: 180_000,
    },
    async ({ archives, database, bytes }) => {
      const disk = mountDisk(24);
      if ("reason" in disk) throw new Error(disk.reason);
      onTestFinished(disk.unmount);
      const cwd = await temporaryFolder();
      const onDisk = (name: string, isSmall: boolean) => join(isSmall ? disk.path : cwd, name);
      const path = onDisk("registry.db", database);
      const env = { DATABASE: path, STORAGE: onDisk("packages", archives) };
      const server = await startTestServer({ cwd, env });
      const ada = await register(server.url, "ada");
      const before = await publishMany(ada, { round: "1", count: 2, bytes });
      expect(statuses(before).every((status) => status < 300)).toBe(true);

      const ballast = join(disk.path, "ballast");
      await fill(ballast, database && !archives ? 0 : MIB);
      const during = await publishMany(ada, { round: "2", count: 8, bytes });
      expect(
        statuses(during)
          .filter((status) => status >= 300)
          .every((status) => status === 507 || status === 503),
      ).toBe(true);
      expect(accepted(during).length, "that nothing fits any more is what is tested").toBeLessThan(during.length);
      await expectExactly(server.url, [...before, ...during]);

      await rm(ballast);
      const refused = during.filter(({ status }) => status >= 300);
      const after = await publishMany(ada, { round: "3", count: 2, bytes });
      expect(accepted(after)).toHaveLength(after.length);
      await expectExactly(server.url, [...before, ...during, ...after]);
      // What was refused can be published now.
      const [again] = refused;
      const zip = new Uint8Array(await zipOf({ "again.txt": "again" }));
      if (again !== undefined) expect((await ada.publish(again, zip)).status).toBe(201);

      server.send("SIGTERM");
      expect((await server.ended).code).toBe(0);
      const rows = new DatabaseSync(path, { readOnly: true });
      expect(rows.prepare("pragma integrity_check").get()).toEqual({ integrity_check: "ok" });
      rows.close();
    },
  );
});

/** Fills the disk up to so many bytes. */
async function fill(path: string, leaveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(join(path, ".."));
  await writeFile(path, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
}
