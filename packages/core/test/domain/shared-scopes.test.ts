import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allows, type Scopes, scopeActions } from "../../src/domain/scopes.ts";
import { sharedScopes } from "../../src/domain/shared-scopes.ts";

const name = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 });
const pattern = fc.oneof(
  name,
  name.map((text) => `${text}*`),
  fc.constant("*"),
);
const scopes: fc.Arbitrary<Scopes | null> = fc.option(
  fc.record({ actions: fc.subarray([...scopeActions]), packages: fc.array(pattern, { maxLength: 3 }) }),
);
const step = fc.record({ action: fc.constantFrom(...scopeActions), package: fc.option(name, { nil: undefined }) });
const grant = (version: string) => ({
  actions: ["publish" as const],
  packages: ["fc"],
  grant: { package: "fc", version, sha256: "0".repeat(64) },
});

describe("sharedScopes", () => {
  test("allows exactly what both allow", () => {
    fc.assert(
      fc.property(scopes, scopes, step, (one, other, what) => {
        const shared = sharedScopes(one, other);
        expect(allows(shared, what)).toBe(allows(one, what) && allows(other, what));
        expect(allows(sharedScopes(other, one), what)).toBe(allows(shared, what));
      }),
      { numRuns: 2000 },
    );
  });

  test("keeps a grant, and makes nothing of two different ones", () => {
    const publish = { action: "publish", package: "fc", version: "1.0.0" } as const;
    expect(allows(sharedScopes(grant("1.0.0"), null), publish)).toBe(true);
    expect(allows(sharedScopes(grant("1.0.0"), grant("1.0.0")), publish)).toBe(true);
    expect(allows(sharedScopes(null, grant("1.0.0")), { ...publish, version: "1.0.1" })).toBe(false);
    expect(allows(sharedScopes(grant("1.0.0"), grant("2.0.0")), publish)).toBe(false);
    expect(allows(sharedScopes(grant("1.0.0"), { actions: ["publish"], packages: ["g*"] }), publish)).toBe(false);
  });
});
