import type { BareAnswer, BareServerOptions } from "./bare-server.ts";
import { bareAnswer } from "./lib/bare-answers.ts";
import { compare, type Effort } from "./lib/compare.ts";
import type { Target } from "./lib/load.ts";
import { type ServerProcess, startServer } from "./lib/processes.ts";
import { printTitle } from "./lib/report.ts";
import { packageName, seed } from "./lib/seed.ts";
import { inTemporaryFolder } from "./lib/temporary.ts";
import type { RegistryServerOptions } from "./registry-server.ts";

const name = packageName(1);

/** What is read, and the bare route that answers the same. */
const reads = {
  latest: { path: `/${name}/releases/latest`, route: "/:package/releases/latest", aim: "0.95 x" },
  "exact version": { path: `/${name}/releases/tags/1.2.3`, route: "/:package/releases/tags/:version", aim: "0.95 x" },
  "list of 100": { path: `/${name}/releases`, route: "/:package/releases", aim: "0.9 x" },
} as const;

const plain = { path: "/plain/latest", route: "/plain/:package" } as const;

/** Reads through both adapters against bare routes of the same framework that answer the same bytes. */
export async function benchReads(effort: Effort): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const databasePath = `${folder}/registry.db`;
    await seed(databasePath, { packages: 1000, firstVersions: 100 });
    for (const framework of ["fastify", "express"] as const) {
      for (const rateLimits of ["off", "counting"] as const) {
        const options: RegistryServerOptions = { framework, databasePath, storageRoot: `${folder}/blobs`, rateLimits };
        await compareReads(options, effort);
      }
    }
  });
}

async function compareReads(options: RegistryServerOptions, effort: Effort): Promise<void> {
  const { framework, rateLimits } = options;
  printTitle(`reads through ${framework}, rate limits ${rateLimits}`);
  const server = await startServer("registry-server.ts", options);
  const answers = await bareAnswers(server);
  const bare = await startServer("bare-server.ts", { framework, answers, folder: "" } satisfies BareServerOptions);
  try {
    for (const [read, { path, aim }] of Object.entries(reads)) {
      // What counting costs is the same for all of them.
      if (rateLimits === "counting" && read !== "latest") continue;
      const peer: Target = { name: `bare ${framework}, same bytes`, server: bare, paths: [path] };
      const counted = rateLimits === "counting" ? ", limits counting" : "";
      await compare({ name: `${read}, ${framework}${counted}`, server, paths: [path] }, peer, effort, aim);
    }
    if (rateLimits === "counting") return;
    const latest: Target = { name: `latest, ${framework}`, server, paths: [reads.latest.path] };
    const peer: Target = { name: `bare ${framework}, same body only`, server: bare, paths: [plain.path] };
    await compare(latest, peer, effort);
    const headers = { "if-none-match": answers[reads.latest.route]?.headers.etag ?? "" };
    const unchanged: Target = { ...latest, name: `latest 304, ${framework}`, headers, status: 304 };
    await compare(unchanged, { ...latest, name: "the 200" }, effort, "1.1 x");
  } finally {
    await Promise.all([server.stop(), bare.stop()]);
  }
}

async function bareAnswers(server: ServerProcess): Promise<Record<string, BareAnswer>> {
  const answers: Record<string, BareAnswer> = {};
  for (const { path, route } of Object.values(reads)) answers[route] = await bareAnswer(server, path);
  const { text } = answers[reads.latest.route] as BareAnswer;
  answers[plain.route] = { headers: { "content-type": "application/json; charset=utf-8" }, text };
  return answers;
}
