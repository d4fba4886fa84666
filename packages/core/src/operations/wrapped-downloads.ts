import { createHash } from "node:crypto";
import { pipeline, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { planTopFolder } from "../archive/top-folder.ts";
import type { Caller, Context } from "../context.ts";
import { type Archive, type ArchiveLocator, locate } from "./downloads.ts";

/** Folder that the publisher of the older generation puts around everything. */
const folder = "package";

/** An archive whose entries all lie in one folder. */
export interface WrappedArchive extends Pick<Archive, "audience" | "fileName"> {
  /** Size in bytes. */
  size: number;
  /** Stands for exactly these bytes. */
  tag: string;
  /**
   * Opens it, which counts as a download. The caller reads or destroys the stream.
   * @throws version_not_found when the bytes are missing, unavailable
   */
  open(): Promise<Readable>;
}

/**
 * The archive of a version with one folder around all of its entries, made as it is read; one that has a single folder already is
 * taken as it is. The stored archive stays what it is.
 * @throws what `downloads.locate` throws, unavailable
 */
export async function locateWrapped(ctx: Context, caller: Caller, input: ArchiveLocator): Promise<WrappedArchive> {
  const located = await locate(ctx, caller, input);
  const { size, sha256, audience, fileName } = located;
  const view = async (position: number, length: number) => {
    const range = { start: position, end: position + length - 1 };
    return length === 0 ? Buffer.alloc(0) : buffer((await located.open({ range, count: false })).body);
  };
  const plan = await planTopFolder({ size, view }, folder);
  if (plan === null) {
    return { audience, fileName, size, tag: sha256, open: async () => (await located.open()).body };
  }
  const tag = createHash("sha256").update(`one folder 1\n${folder}\n${sha256}`).digest("hex");
  const open = async () => {
    const { body } = await located.open({ count: true });
    return pipeline(body, plan.apply(), () => {});
  };
  return { audience, fileName, size: plan.size, tag, open };
}
