/** One request of the story. */
export interface Call {
  operationId: string;
  /** The route's parameters, from what earlier answers said. */
  params?: (known: { upload_id: string }) => Record<string, string>;
  query?: string;
  json?: unknown;
  /** Sends the archive as a form. */
  form?: boolean;
  /** Sends the token of the last sign-in. */
  signedIn?: boolean;
  /** Name of the file that the answer is saved as. */
  save?: string;
  /** Needed for what follows, but not shown. */
  hidden?: boolean;
}

const ada = { username: "ada", password: "correct horse battery" };
const hello = () => ({ package: "hello-world" });
const version = () => ({ package: "hello-world", version: "1.0.0" });

/** The fifteen documented routes, in an order in which each succeeds. */
export const story: readonly Call[] = [
  { operationId: "register", json: { ...ada, email: "ada@example.com" } },
  {
    operationId: "register",
    json: { username: "grace", password: "another long password", email: "grace@example.com" },
    hidden: true,
  },
  { operationId: "login", json: ada },
  {
    operationId: "createRelease",
    signedIn: true,
    json: {
      name: "hello-world",
      version: "1.0.0",
      type: "component",
      description: "Says hello",
      provider: ["aliyun"],
      tags: ["example"],
      service: { service_name: "fc", permissions: "invoke" },
      command: { command_name: "greet", description: "prints a greeting" },
      properties: { language: "javascript" },
    },
  },
  { operationId: "uploadForm", params: ({ upload_id }) => ({ upload_id }), form: true, signedIn: true },
  { operationId: "listReleases", params: hello },
  { operationId: "getRelease", params: version },
  { operationId: "getLatestRelease", params: hello },
  { operationId: "searchPackages", query: "?search=hello" },
  { operationId: "downloadPackage", params: version, save: "hello-world.zip" },
  {
    operationId: "addMaintainer",
    params: hello,
    signedIn: true,
    json: { username: "grace", role: "maintainer" },
  },
  { operationId: "removeMaintainer", params: () => ({ package: "hello-world", username: "grace" }), signedIn: true },
  { operationId: "deleteRelease", params: version, signedIn: true },
  {
    operationId: "changePassword",
    signedIn: true,
    json: { old_password: ada.password, new_password: "an even longer password" },
  },
  { operationId: "refreshToken", signedIn: true },
  { operationId: "logout", signedIn: true },
];
