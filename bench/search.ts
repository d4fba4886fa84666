import type { BareAnswer, BareServerOptions } from "./bare-server.ts";
import { bareAnswer } from "./lib/bare-answers.ts";
import { alternate, compare, type Effort } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { printMeasured, printTitle } from "./lib/report.ts";
import { searchWords, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const packages = 100_000;

const questions = {
  "word in one of 10,000": searchWords.rare,
  "two Chinese characters, one of 100": searchWords.chinese,
  "word in one of 10": searchWords.tenth,
  "word in all": searchWords.all,
  "two words, one of 10": `${searchWords.all} ${searchWords.tenth}`,
  "two words, each in one of 10, never together": `${searchWords.tenth} ${searchWords.otherTenth}`,
  "two words, each in half, never together": `${searchWords.half} ${searchWords.otherHalf}`,
  "one name": "component-0000777",
} as const;

/** Those that are also asked on many connections. */
const busyQuestions = [
  "word in one of 10,000",
  "two Chinese characters, one of 100",
  "word in one of 10",
  "word in all",
] as const;

/**
 * Searches among many packages. One at a time where nothing is kept, so that each one is made; and on 32 connections beside a bare route that
 * answers the same bytes, both where what was found is kept for a second and where it is not.
 */
export async function benchSearch(effort: Effort): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const databasePath = `${folder}/registry.db`;
    await seed(databasePath, { packages, firstVersions: 1 });
    const options: RegistryServerOptions = {
      ...{ framework: "fastify", databasePath, storageRoot: `${folder}/blobs`, rateLimits: "off" },
    };
    const server = await startServer("registry-server.ts", options);
    const forgetful = await startServer("registry-server.ts", { ...options, cacheBytes: 0 });
    try {
      await searchOneByOne(forgetful, effort);
      await searchManyAtOnce({ server, forgetful }, effort);
    } finally {
      await Promise.all([server.stop(), forgetful.stop()]);
    }
  });
}

function pathOf(name: keyof typeof questions): string {
  return `/search?search=${encodeURIComponent(questions[name])}`;
}

async function searchOneByOne(server: ServerProcess, effort: Effort): Promise<void> {
  printTitle(`search among ${packages} packages, one connection`);
  const names = Object.keys(questions) as (keyof typeof questions)[];
  const targets = names.map((name): Target => ({ name, server, connections: 1, paths: [pathOf(name)] }));
  for (const measured of await alternate(targets, effort)) {
    printMeasured(measured);
    const [p50, p99] = [measured.p50Us, measured.p99Us].map((us) => (us / 1000).toFixed(1));
    const scenario = `search among ${packages}: ${measured.name}`;
    effort.figures.push({ scenario, figure: `p50 ${p50} ms, p99 ${p99} ms`, aim: "1 ms, 5 ms" });
  }
}

async function searchManyAtOnce(
  { server, forgetful }: Record<"server" | "forgetful", ServerProcess>,
  effort: Effort,
): Promise<void> {
  printTitle(`search among ${packages} packages, 32 connections`);
  const answers: Record<string, BareAnswer> = {};
  for (const [at, name] of busyQuestions.entries()) answers[`/${at}`] = await bareAnswer(server, pathOf(name));
  const bare = await startServer("bare-server.ts", {
    ...{ framework: "fastify", answers, folder: "" },
  } satisfies BareServerOptions);
  try {
    for (const [at, name] of busyQuestions.entries()) {
      const search: Target = { name: `search, ${name}`, server, paths: [pathOf(name)] };
      const peer: Target = { name: "bare fastify, same bytes", server: bare, paths: [`/${at}`] };
      await compare(search, peer, effort, "0.15 x");
      await compare({ ...search, name: `${search.name}, none kept`, server: forgetful }, peer, effort, "0.15 x");
    }
  } finally {
    await bare.stop();
  }
}
