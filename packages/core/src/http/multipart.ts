import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { RegistryError } from "../errors.ts";
import { rawBody } from "./bodies.ts";
import type { BodyPace } from "./body-pace.ts";
import type { HttpRequest } from "./types.ts";

const fieldName = "package";

/** Most bytes of a form beside its file: the limits of its fields and of its parts' headers, and a margin. */
export const formBytes = 1024 * 1024;

/** True for bodies that are forms with files. */
export function isMultipart(request: HttpRequest): boolean {
  return /^multipart\/form-data\s*;/i.test(request.headers["content-type"] ?? "");
}

/**
 * Hands the one file of a form, in the field `package`, to `use` while it arrives. The file ends for `use` only when the whole
 * form has arrived and is sound; a form that breaks off breaks the file too.
 * @throws no_file, invalid_multipart, incomplete_body, request_timeout
 */
export async function withPackageFile<T>(
  request: HttpRequest,
  pace: BodyPace,
  use: (file: Readable) => Promise<T>,
): Promise<T> {
  const boundary = boundaryOf(request);
  const parser = makeParser(boundary);
  const whole = Promise.withResolvers<void>();
  // Somebody always listens, also when the form breaks before its file begins.
  whole.promise.catch(() => {});
  let result: Promise<T> | undefined;
  const fail = (reason: string) => parser.destroy(new RegistryError("invalid_multipart", { details: { reason } }));
  for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const)
    parser.on(limit, () => fail("too many parts"));
  parser.on("file", (name, file) => {
    file.on("error", () => {});
    if (name !== fieldName) return void file.resume();
    result = use(untilWhole(file, whole.promise));
    // The rest of a form whose file was refused is of no interest.
    result.catch((error: unknown) => parser.destroy(error instanceof Error ? error : new Error(String(error))));
  });
  try {
    await pipeline(rawBody(request, pace), untilEnd(boundary), parser);
    whole.resolve();
  } catch (error) {
    const failure = toFailure(error);
    whole.reject(failure);
    if (result === undefined) throw failure;
  }
  if (result === undefined) throw new RegistryError("no_file", { details: { field: fieldName } });
  return result;
}

/** The bytes of the file, ending when the whole form has arrived and is sound. Who gives them up gives the file up. */
function untilWhole(file: Readable, whole: Promise<void>): Readable {
  const copy = new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, chunk),
    flush: (done) => void whole.then(() => done(), done),
  });
  // The parser breaks the file of a form that ends early, with an error of its own.
  file.on("error", (error) => copy.destroy(toFailure(error)));
  whole.catch((error: Error) => copy.destroy(error));
  // Whoever is to read it may not listen yet.
  copy.on("error", () => {});
  copy.once("close", () => file.destroy());
  return file.pipe(copy);
}

/** As RFC 2046 allows one; the parser is given it as it is understood here. */
function boundaryOf(request: HttpRequest): string {
  const type = request.headers["content-type"] ?? "";
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]*)"|([^\s;"]*))/i.exec(type) ?? [];
  const boundary = quoted ?? bare ?? "";
  if (/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) return boundary;
  throw new RegistryError("invalid_multipart", { details: { reason: "no boundary" } });
}

function makeParser(boundary: string): BusboyInstance {
  return new Busboy({
    headers: { "content-type": `multipart/form-data; boundary="${boundary}"` },
    limits: { files: 1, fields: 10, parts: 12, headerPairs: 50, headerSize: 16 * 1024, fieldSize: 64 * 1024 },
  });
}

/** Drops what follows the end of the form: the parser would wait for ever for a part that begins there and goes on in a later piece. */
function untilEnd(boundary: string): Transform {
  const mark = Buffer.from(`\r\n--${boundary}--`);
  // The first line of a form stands as if behind a line break.
  let before = Buffer.from("\r\n");
  let isOver = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (isOver) return done();
      const seam = Buffer.concat([before, chunk.subarray(0, mark.length)]).indexOf(mark);
      const at = seam === -1 ? chunk.indexOf(mark) : seam - before.length;
      isOver = at !== -1;
      before = Buffer.concat([before, chunk.subarray(-mark.length)]).subarray(-mark.length);
      done(null, isOver ? chunk.subarray(0, at + mark.length) : chunk);
    },
  });
}

function toFailure(error: unknown): RegistryError {
  if (RegistryError.is(error)) return error;
  return new RegistryError("invalid_multipart", { cause: error });
}
