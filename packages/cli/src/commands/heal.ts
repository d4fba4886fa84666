import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { command } from "../command.ts";
import { CliError } from "../failures.ts";
import { withRegistry } from "../local.ts";

/** Replaces an archive that is missing or damaged. */
export const heal = command({
  name: "heal",
  summary: "put an archive's bytes in the place of stored ones that are missing or damaged",
  about:
    "fsck --deep names the SHA-256 of such archives. Where the bytes come from is all the same, such as a backup, or whoever published them: their own SHA-256 says which archive they are, and nothing is taken that no version needs. Servers may run meanwhile; an archive that is whole stays as it is.",
  args: { zip: { about: "file with the bytes" } },
  examples: ["heal hello-world-1.2.0.zip"],
  place: "local",
  async run(cli, { args: { zip } }) {
    const path = resolve(cli.cwd, zip);
    // A file that is not there is told before anything is opened.
    const { size: expectedSize } = await stat(path);
    const healed = await withRegistry(cli, async ({ registry }) => {
      const body = createReadStream(path, { signal: cli.signal });
      return registry.heal({ body, expectedSize }).catch((error: unknown) => {
        cli.signal.throwIfAborted();
        if (!(error instanceof Error && "code" in error && error.code === "version_not_found")) throw error;
        const hint = "fsck --deep names the SHA-256 of each archive that is missing or damaged";
        throw new CliError("not_needed", `no version needs the bytes of ${zip}`, {
          ending: "missing",
          hint,
          cause: error,
        });
      });
    });
    const { sha256, isHealed } = healed;
    return { json: healed, lines: [isHealed ? `Healed: ${sha256}` : `It was whole already: ${sha256}`] };
  },
});
