import { type FileHandle, open } from "node:fs/promises";
import { refusal } from "./findings.ts";

/** Reads a file through one window, so that a walk from front to back touches the disk in large reads. */
export interface ByteReader {
  /** Size of the file when it was opened, in bytes. */
  readonly size: number;
  /**
   * Exactly these bytes, at most 256 KiB of them. They are valid until the next call only: the window moves.
   * @throws invalid_archive `truncated` when the file ends earlier
   */
  view(position: number, length: number): Promise<Buffer>;
  /** At least one and at most `maxLength` bytes, as many as the window can give. Valid until the next call only. */
  slice(position: number, maxLength: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Up to here an archive needs no more memory as a whole than the window through which a larger one is read. */
export const smallArchiveBytes = 512 * 1024;

const windowBytes = smallArchiveBytes;

/** Opens a file, or its bytes, for {@link ByteReader}. Failures of the file system reject as they are. */
export async function openByteReader(source: string | Buffer): Promise<ByteReader> {
  return typeof source === "string"
    ? openFile(source)
    : { size: source.length, ...viewsOf(source), close: async () => {} };
}

async function openFile(path: string): Promise<ByteReader> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    return { size, ...windowOver(file, size), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function viewsOf(bytes: Buffer): Pick<ByteReader, "view" | "slice"> {
  const view = async (position: number, length: number) => {
    if (position < 0 || position + length > bytes.length) throw refusal("truncated");
    return bytes.subarray(position, position + length);
  };
  const slice = async (position: number, maxLength: number) =>
    view(position, Math.max(1, Math.min(maxLength, bytes.length - position)));
  return { view, slice };
}

function windowOver(file: FileHandle, size: number): Pick<ByteReader, "view" | "slice"> {
  const window = Buffer.allocUnsafe(Math.min(windowBytes, size));
  let start = 0;
  let filled = 0;

  async function fill(position: number): Promise<void> {
    // At the end it holds what lies before, too: a small file is read once, and the directory with the record behind it.
    start = Math.max(0, Math.min(position, size - window.length));
    filled = 0;
    while (filled < window.length) {
      const { bytesRead } = await file.read(window, filled, window.length - filled, start + filled);
      if (bytesRead === 0) return;
      filled += bytesRead;
    }
  }

  async function view(position: number, length: number): Promise<Buffer> {
    if (position < start || position + length > start + filled) await fill(position);
    const offset = position - start;
    if (offset + length > filled) throw refusal("truncated");
    return window.subarray(offset, offset + length);
  }

  async function slice(position: number, maxLength: number): Promise<Buffer> {
    const inside = position >= start && position < start + filled;
    return view(position, inside ? Math.min(maxLength, start + filled - position) : Math.min(maxLength, windowBytes));
  }

  return { view, slice };
}
