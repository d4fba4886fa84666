import { closeSync, fstatSync, fsync, futimesSync, open, openSync, read, writev } from "node:fs";
import { promisify } from "node:util";

const openFile = promisify(open);
const syncFile = promisify(fsync);
const readFrom = promisify(read);
const writeTo = promisify(writev);

/**
 * An open file. What may have to wait for the disk runs in the thread pool; what only touches memory of the system (closing, size and
 * times of an open file) is done at once, since a trip to another thread would cost ten times as much.
 */
export interface Descriptor {
  /** Size of the file in bytes. */
  size(): number;
  read(into: Buffer, offset: number, position: number): Promise<number>;
  /** Writes at the end of what was written; as many bytes as the system takes. */
  write(chunks: readonly Buffer[]): Promise<number>;
  /** When the file was last written, from now on. */
  touch(time: Date): void;
  sync(): Promise<void>;
  /** Closes the file. A second time does nothing: the number may be somebody else's by then. */
  close(): void;
}

/** Opens a file; rejects as the system does. */
export async function openDescriptor(path: string, flags: string, mode?: number): Promise<Descriptor> {
  return descriptorOf(await openFile(path, flags, mode));
}

/** Makes the entries of a directory, one that was used just before, durable. Windows cannot do that, and needs no help. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = descriptorOf(openSync(path, "r"));
    await directory.sync().finally(directory.close);
  } catch (error) {
    if (process.platform !== "win32") throw error;
  }
}

function descriptorOf(fd: number): Descriptor {
  let isOpen = true;
  return {
    size: () => fstatSync(fd).size,
    read: async (into, offset, position) =>
      (await readFrom(fd, into, offset, into.length - offset, position)).bytesRead,
    write: async (chunks) => (await writeTo(fd, chunks)).bytesWritten,
    touch: (time) => futimesSync(fd, time, time),
    sync: () => syncFile(fd),
    close() {
      if (!isOpen) return;
      isOpen = false;
      closeSync(fd);
    },
  };
}
