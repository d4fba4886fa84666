import type { Command } from "../command.ts";
import { login, logout, register, whoami } from "./account.ts";
import { verifyAudit } from "./audit.ts";
import { createBackup, restoreBackup } from "./backup.ts";
import { completion } from "./completion.ts";
import { copy } from "./copy.ts";
import { deprecate, undeprecate } from "./deprecation.ts";
import { discardEvents, listEvents, redeliverEvents } from "./events.ts";
import { heal } from "./heal.ts";
import { importRegistry } from "./import.ts";
import { createKey, listKeys, revokeKey } from "./keys.ts";
import { addMaintainer, listMaintainers, removeMaintainer } from "./maintainers.ts";
import { publish } from "./publish.ts";
import { pull } from "./pull.ts";
import { info, search, versions } from "./reading.ts";
import { grantAdmin, init, migrate, revokeAdmin, serve } from "./server.ts";
import { createToken, listTokens, revokeToken } from "./tokens.ts";
import { fsck, sweep } from "./upkeep.ts";
import { deleteVersion, restore, rollout, unyank, yank } from "./versions.ts";

/** Commands that belong together. */
export interface CommandGroup {
  title: string;
  commands: readonly Command[];
  /** What the first words of commands with two words are about. */
  parents?: Readonly<Record<string, string>>;
}

/** Every command, in the order in which help shows them. */
export const groups: readonly CommandGroup[] = [
  { title: "Find and fetch:", commands: [search, info, versions, pull] },
  { title: "Publish:", commands: [publish, yank, unyank, rollout, deleteVersion, restore, deprecate, undeprecate] },
  {
    title: "Accounts:",
    commands: [
      ...[register, login, logout, whoami],
      ...[addMaintainer, removeMaintainer, listMaintainers],
      ...[createKey, listKeys, revokeKey, createToken, listTokens, revokeToken],
    ],
    parents: {
      maintainers: "who may do what to a package",
      keys: "API keys, which sign requests and never travel",
      tokens: "tokens for programs, such as a build server",
    },
  },
  {
    title: "Run a registry:",
    commands: [
      init,
      serve,
      migrate,
      importRegistry,
      createBackup,
      restoreBackup,
      copy,
      sweep,
      fsck,
      heal,
      listEvents,
      redeliverEvents,
      discardEvents,
      grantAdmin,
      revokeAdmin,
      verifyAudit,
    ],
    parents: {
      admin: "who may block versions and read the whole audit log",
      audit: "the log of all changes",
      events: "what webhooks are told of changes",
      backup: "keep a registry on SQLite in a folder, while it is in use",
    },
  },
  { title: "Shell:", commands: [completion] },
];
