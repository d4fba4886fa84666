/** How the program ends, and what each number tells a script. */
export const exitCodes = {
  ok: { code: 0, about: "done" },
  failed: { code: 1, about: "anything else went wrong" },
  usage: { code: 2, about: "the command line is wrong; nothing was tried" },
  denied: { code: 3, about: "not signed in, or not allowed to" },
  missing: { code: 4, about: "there is no such package, version, user, token or key" },
  conflict: { code: 5, about: "it is there already, or stands in the way" },
  away: { code: 6, about: "the registry cannot be reached, or asks to wait: trying again later makes sense" },
  refused: { code: 7, about: "the archive was refused, or looks as if it held secrets" },
  interrupted: { code: 130, about: "interrupted" },
} as const satisfies Record<string, { code: number; about: string }>;

/** Name of a way to end. */
export type Ending = keyof typeof exitCodes;
