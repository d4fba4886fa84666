import { publicRoute, type Route, userRoute } from "../route.ts";
import * as schemas from "../schemas.ts";

/** Accounts and sign-ins. */
export const accountRoutes: readonly Route[] = [
  publicRoute({
    method: "POST",
    path: "/register",
    operationId: "register",
    summary: "Register a new user",
    group: "accounts",
    limit: "register",
    body: schemas.registerBody,
    invalid: "missing_fields",
    success: { schema: schemas.messageReply },
    errors: [
      "invalid_username",
      "invalid_email",
      "invalid_password",
      "registration_closed",
      "refused",
      "user_exists",
      "overloaded",
    ],
    async run({ registry, caller, body }) {
      await registry.users.register(caller, body);
      return { json: { message: "User registered successfully" } };
    },
  }),
  publicRoute({
    method: "POST",
    path: "/login",
    operationId: "login",
    summary: "Sign in and obtain a token",
    group: "accounts",
    auth: "none",
    limit: "login",
    body: schemas.loginBody,
    invalid: "missing_credentials",
    success: { schema: schemas.tokenReply },
    errors: ["invalid_credentials", "refused", "overloaded"],
    async run({ registry, caller, body }) {
      const { token, expiresAt } = await registry.sessions.login(caller, body);
      return { json: { token, expires: expiresAt } };
    },
  }),
  userRoute({
    method: "POST",
    path: "/logout",
    operationId: "logout",
    summary: "End the token that is presented",
    group: "accounts",
    limit: "write",
    success: { schema: schemas.messageReply },
    errors: ["refused"],
    async run({ registry, caller }) {
      await registry.sessions.logout(caller);
      return { json: { message: "Logged out successfully" } };
    },
  }),
  userRoute({
    method: "POST",
    path: "/refresh_token",
    operationId: "refreshToken",
    summary: "Replace the token that is presented by a new one",
    group: "accounts",
    limit: "write",
    success: { schema: schemas.tokenReply },
    errors: ["not_refreshable", "refused"],
    async run({ registry, caller }) {
      const { token, expiresAt } = await registry.sessions.refresh(caller);
      return { json: { token, expires: expiresAt } };
    },
  }),
  userRoute({
    method: "POST",
    path: "/change_password",
    operationId: "changePassword",
    summary: "Change the password and end all other sign-ins",
    group: "accounts",
    limit: "login",
    body: schemas.passwordsBody,
    invalid: "missing_passwords",
    success: { schema: schemas.messageReply },
    errors: ["invalid_password", "wrong_password", "refused", "overloaded"],
    async run({ registry, caller, body }) {
      await registry.users.changePassword(caller, {
        oldPassword: body.old_password,
        newPassword: body.new_password,
        keepNamedTokens: body.keep_named_tokens,
      });
      return { json: { message: "Password changed successfully" } };
    },
  }),
  userRoute({
    method: "GET",
    path: "/whoami",
    operationId: "whoami",
    summary: "Who the token belongs to",
    group: "accounts",
    limit: "read",
    success: { schema: schemas.whoamiReply },
    errors: [],
    async run({ registry, caller }) {
      const { username, isAdmin } = await registry.sessions.whoami(caller);
      return { json: { username, admin: isAdmin } };
    },
  }),
];
