import { isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressKey, isPlainPath } from "../../src/http/addresses.ts";

const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
const groups = fc.array(group, { minLength: 8, maxLength: 8 });

describe("addressKey", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["2001:0db8:0000:0000:ffff:ffff:ffff:ffff", "2001:db8:0:0::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:3::", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::198.51.100.7", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1::2:3:4:5:6:7", "1:0:2:3::/64"],
    [undefined, "unknown"],
    ["", "unknown"],
    ["nonsense", "unknown"],
    ["203.0.113.7:80", "unknown"],
    ["203.0.113.256", "unknown"],
    ["203.0.113.7, 198.51.100.1", "unknown"],
    ["1::2::3", "unknown"],
  ])("%s is counted as %s", (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  test("all addresses of a /64 share a key, others have another", () => {
    fc.assert(
      fc.property(groups, groups, fc.integer({ min: 0, max: 3 }), (one, other, changed) => {
        const network = one.slice(0, 4);
        fc.pre(network.join("") !== "0000");
        const key = addressKey(one.join(":"));
        expect(addressKey([...network, ...other.slice(4)].join(":"))).toBe(key);
        const neighbour = network.with(
          changed,
          ((Number.parseInt(network[changed] ?? "", 16) + 1) % 0x10000).toString(16),
        );
        fc.pre(neighbour.join("") !== "0000");
        expect(addressKey([...neighbour, ...other.slice(4)].join(":"))).not.toBe(key);
      }),
    );
  });

  test("however an address is written, it has one key", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("0", "0", "1", "ab", "ffff"), { minLength: 8, maxLength: 8 }), (parts) => {
        const shortest = new URL(`http://[${parts.join(":")}]`).hostname.slice(1, -1);
        const longest = parts.map((part) => part.padStart(4, "0").toUpperCase()).join(":");
        expect(isIPv6(shortest) && isIPv6(longest)).toBe(true);
        expect(addressKey(shortest)).toBe(addressKey(longest));
      }),
    );
  });

  test("IPv4 addresses never share a key", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (one, other) => {
        expect(addressKey(one) === addressKey(`::ffff:${other}`)).toBe(one === other);
      }),
    );
  });

  test("anything has a short key", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6()), (text) => {
        expect(addressKey(text).length).toBeLessThan(50);
      }),
    );
  });
});

describe("isPlainPath", () => {
  test.each([
    "/",
    "/search",
    "/fc/releases",
    "/search?search=a//b/",
    "/fc/releases/tags/1.0.0%2Bx",
    "/a?b=%2f%00",
    "/%25",
  ])("%s is plain", (url) => expect(isPlainPath(url)).toBe(true));

  test.each(["/search/", "//search", "/a//b", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%00", "/search/?x", "//", "/a//?x"])(
    "%s is not",
    (url) => expect(isPlainPath(url)).toBe(false),
  );
});
