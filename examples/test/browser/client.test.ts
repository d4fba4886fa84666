import { digestOf, patternBytes, zipOf } from "@serverless-registry/core/testing";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { describeIf } from "../../../packages/storage-fs/test/harness.ts";
import { installedChromium, startChromium } from "./chromium.ts";
import type * as Page from "./page.ts";
import { type BrowserRegistry, type PageServer, servePages, serveRegistry } from "./servers.ts";

const program = installedChromium();
const timeout = 60_000;

describeIf(program === null ? "it needs chromium" : null, "the client in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(program ?? "");
  }, timeout);
  afterAll(() => browser?.close());

  /** Opens a page and calls one of its functions there. */
  async function onPage<Name extends keyof typeof Page>(
    { origin }: PageServer,
    name: Name,
    ...input: Parameters<(typeof Page)[Name]>
  ): Promise<Awaited<ReturnType<(typeof Page)[Name]>>> {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${origin}/`);
    const args = input.map((value) => JSON.stringify(value)).join(", ");
    return page.evaluate(`import("/page.js").then((page) => page.${name}(${args}))`);
  }

  async function served(): Promise<{ pages: PageServer; registry: BrowserRegistry; zip: Uint8Array }> {
    const zip = new Uint8Array(await zipOf({ "data.bin": patternBytes(3_000_000) }, { store: true }));
    const pages = await servePages(zip);
    return { pages, zip, registry: await serveRegistry([pages.origin]) };
  }

  test("registers, publishes with progress, searches and downloads what was published", { timeout }, async () => {
    const { pages, registry, zip } = await served();
    const archive = { sha256: digestOf(zip), size: zip.length };
    expect(await onPage(pages, "publishAndDownload", registry.url)).toEqual({
      who: { username: "ada", isAdmin: false },
      progress: [{ sentBytes: zip.length, totalBytes: zip.length }],
      published: archive,
      found: ["hello@1.0.0"],
      downloaded: archive,
    });
    // Nothing came as if the page were the registry's own, and the browser asked before it sent credentials.
    const methods = ["GET", "OPTIONS", "POST", "PUT"];
    expect(registry.callers()).toEqual(methods.map((method) => `${method} from ${pages.origin}`));
  });

  test.each(["v2", "documented"] as const)("signs requests with Web Crypto: %s", { timeout }, async (profile) => {
    const { pages, registry, zip } = await served();
    expect(await onPage(pages, "publishSigned", registry.url, profile)).toEqual({
      who: { username: `signer-${profile}`, isAdmin: false },
      sha256: digestOf(zip),
    });
  });

  test("failures have their codes, and say how long to wait", { timeout }, async () => {
    const { pages, registry } = await served();
    expect(await onPage(pages, "failures", registry.url)).toEqual({
      twice: { code: "version_exists", status: 409, waits: false },
      noZip: { code: "invalid_archive", status: 400, waits: false },
      nobody: { code: "invalid_token", status: 401, waits: false },
      tooOften: { code: "rate_limited", status: 429, waits: true },
      otherBytes: { code: "digest_mismatch", status: 0, waits: false },
    });
  });

  test("a page of an origin that the registry does not know reads nothing", { timeout }, async () => {
    const { registry, zip } = await served();
    const others = await servePages(zip);
    expect(await onPage(others, "ask", registry.url)).toEqual({ code: "network", status: 0, waits: false });
    expect(registry.callers()).toEqual([`GET from ${others.origin}`]);
  });
});
