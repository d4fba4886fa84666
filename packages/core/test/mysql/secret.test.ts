import { expect, onTestFinished, test } from "vitest";
import { memoryStorage } from "../../src/memory/index.ts";
import { mysql } from "../../src/mysql/index.ts";
import { createRegistry } from "../../src/registry.ts";
import { testSecret } from "../../src/testing/registry.ts";

test("on MySQL a registry needs a secret: instances with keys of their own would refuse each other's addresses", async () => {
  // Nobody connects to it.
  const database = mysql({ uri: "mysql://registry@127.0.0.1:1/registry" });
  onTestFinished(() => database.close());
  const options = { database, storage: memoryStorage() };
  expect(() => createRegistry(options)).toThrow(
    new TypeError("A registry on MySQL needs a serverSecret of at least 32 bytes, the same for all instances"),
  );
  expect(() => createRegistry({ ...options, previousServerSecret: testSecret })).toThrow(TypeError);
  expect(() => createRegistry({ ...options, serverSecret: testSecret })).not.toThrow();
});
