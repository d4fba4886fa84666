import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** Path of a browser of this machine; null when there is none. */
export function installedChromium(): string | null {
  const folders = (process.env.PATH ?? "").split(":");
  const paths = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.find((path) => mayRun(path)) ?? null;
}

function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts the browser with an empty profile, which goes when it is closed. As root it has no sandbox: it sees our own pages only. */
export function startChromium(executablePath: string): Promise<Browser> {
  const args = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
  const quiet = ["--disable-background-networking", "--disable-component-update"];
  return chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: [...args, ...quiet] });
}
