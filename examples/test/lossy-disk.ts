import { execFileSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system in a file, whose power can be cut. */
export interface LossyDisk {
  /** Where it is mounted. */
  path: string;
  /**
   * Makes it what a disk holds after a loss of power at this moment: what no sync has brought there is gone. Nobody may have files
   * open on it.
   */
  cutPower(): void;
  remove(): void;
}

/** Room for a storage that wants some to be left free; the file itself is as large as what was written. */
const sizeMib = 2048;

/** Makes an ext4 file system and mounts it; or tells why that is impossible here. */
export function lossyDisk(): LossyDisk | { reason: string } {
  const folder = mkdtempSync(join(tmpdir(), "registry-lossy-"));
  const [image, copy, path] = [join(folder, "image"), join(folder, "copy"), join(folder, "disk")];
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: "pipe" });
  // By itself the journal would be written each five seconds, whether somebody syncs or not.
  const mount = () => run("mount", "-o", "loop,commit=600", image, path);
  try {
    run("mkdir", path);
    run("truncate", "-s", `${sizeMib}M`, image);
    run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,nodiscard", image);
    mount();
  } catch (error) {
    rmSync(folder, { recursive: true });
    const { message } = error as Error;
    return { reason: message.trim().split("\n").at(-1) ?? message };
  }
  return {
    path,
    cutPower() {
      // The file holds what came to the disk. To unmount would bring it the rest.
      run("cp", "--sparse=always", image, copy);
      run("umount", path);
      renameSync(copy, image);
      mount();
    },
    remove() {
      run("umount", "--lazy", path);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Why there can be none on this machine; null when there can. */
export function whyNoLossyDisk(): string | null {
  const disk = lossyDisk();
  if ("reason" in disk) return `it needs the right to mount a file, ${disk.reason}`;
  disk.remove();
  return null;
}
