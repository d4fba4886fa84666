import type { Identity, Session } from "./account-types.ts";
import { nothing, read } from "./answers.ts";
import type { Transport } from "./transport.ts";

/** Accounts and sign-ins. */
export function accountGroups({ request }: Transport) {
  return {
    users: {
      /** Makes an account. */
      register: (input: { username: string; password: string; email: string }) =>
        nothing(request({ method: "POST", path: "/register", json: input, repeatable: false })),
      /** Replaces the password; all other sign-ins end. */
      changePassword: ({ oldPassword, newPassword }: { oldPassword: string; newPassword: string }) => {
        const json = { old_password: oldPassword, new_password: newPassword };
        return nothing(request({ method: "POST", path: "/change_password", json, repeatable: false }));
      },
    },
    sessions: {
      /** Signs in. The client itself stays as it is: give the token to `as`. */
      login: (input: { username: string; password: string }) =>
        read(request({ method: "POST", path: "/login", json: input }), readSession),
      /** Replaces the token; the old one is void at once. */
      refresh: () => read(request({ method: "POST", path: "/refresh_token", repeatable: false }), readSession),
      /** Ends the token. */
      logout: () => nothing(request({ method: "POST", path: "/logout", repeatable: false })),
      /** Who the registry takes the client for. */
      whoami: () => read(request({ method: "GET", path: "/whoami" }), readIdentity),
    },
  };
}

function readSession(answer: unknown): Session {
  const { token, expires } = answer as { token: string; expires: string };
  return { token, expiresAt: expires };
}

function readIdentity(answer: unknown): Identity {
  const { username, admin } = answer as { username: string; admin: boolean };
  return { username, isAdmin: admin };
}
