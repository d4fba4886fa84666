import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../../scripts/test/free-port.ts";
import { describeWith } from "../../scripts/test/services.ts";
import { readConfig } from "../standalone/src/config.ts";
import { examples, startProgram, temporaryFolder } from "./processes.ts";

const folder = join(examples, "scaled");
const compose = readFileSync(join(folder, "compose.yaml"), "utf8");

/** The names below `services:`. */
const services = [...compose.slice(compose.indexOf("\nservices:")).matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);

describe("the compose file, which no test runs,", () => {
  test("gives the server variables that it takes", () => {
    const block = /^ {2}environment:\n((?: {4}.+\n)+)/m.exec(compose)?.[1] ?? "";
    const lines = block.replace(/\$\{\w+:\?[^}]*\}/g, "x".repeat(32)).matchAll(/^ {4}(\w+): (.+)$/gm);
    const env = Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
    const result = readConfig(env);
    if ("problems" in result) throw new Error(result.problems.join("\n"));
    expect(result.config).toMatchObject({
      database: { kind: "mysql" },
      storage: { kind: "s3", endpoint: "http://minio:9000" },
    });
    const places = [env.DATABASE_URL, env.REDIS_URL, "http://minio:9000"].map((url) => new URL(url ?? "").hostname);
    expect(services).toEqual(expect.arrayContaining(places));
    expect(compose).toContain(`subnet: ${result.config.trustedProxies[0]}`);
  });

  test("has the files that it mounts and the instances that nginx knows", () => {
    const mounts = [...compose.matchAll(/- \.\/(\S+?):/g)].map(([, file]) => file ?? "");
    expect(mounts.length).toBeGreaterThan(1);
    for (const file of mounts) expect(existsSync(join(folder, file)), file).toBe(true);
    const nginx = readFileSync(join(folder, "nginx.conf"), "utf8");
    const instances = [...nginx.matchAll(/server (\w+):8080 /g)].map(([, name]) => name);
    expect(instances).toHaveLength(3);
    expect(services).toEqual(expect.arrayContaining(instances));
    expect(nginx).toContain("include /etc/nginx/proxy.conf;");
  });
});

describeWith(["mysql", "redis", "s3", "nginx"], () => {
  test("the same set runs without containers, and leaves nothing", { timeout: 180_000 }, async () => {
    const cwd = await temporaryFolder();
    const env = { PORT: String(await freePort()), PATH: process.env.PATH ?? "", TMPDIR: cwd };
    const program = startProgram(["check"], { command: join(folder, "run.sh"), cwd, env });
    const { code } = await program.ended;
    expect([code, program.output().match(/ has it$/gm)], program.output()).toEqual([0, Array(4).fill(" has it")]);
    expect(await readdir(cwd)).toEqual([]);
  });
});
