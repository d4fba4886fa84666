import { expect, test } from "vitest";
import { toCors } from "../../src/http/cors.ts";

test.each(["*", "https://app.example", "http://localhost:5173", "http://[::1]:8080"])("%s is an origin", (origin) => {
  expect(toCors({ origins: [origin] })).toEqual({ origins: [origin] });
});

test.each([
  "app.example",
  "https://app.example/",
  "https://app.example/path",
  "https://*.example",
  "null",
  "",
  "https://App.example",
  "https://app.example:443",
])("%s is none that a browser sends", (origin) =>
  expect(() => toCors({ origins: ["https://app.example", origin] })).toThrow(TypeError),
);

test("the host's list is copied", () => {
  const origins = ["https://app.example"];
  const cors = toCors({ origins });
  origins.push("https://evil.example");
  expect(cors).toEqual({ origins: ["https://app.example"] });
  expect(toCors(undefined)).toBeNull();
});
