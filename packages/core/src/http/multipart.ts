import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyHeaders, type BusboyInstance } from "@fastify/busboy";
import { RegistryError } from "../errors.ts";
import { rawBody } from "./bodies.ts";
import type { HttpRequest } from "./types.ts";

const fieldName = "package";

/** True for bodies that are forms with files. */
export function isMultipart(request: HttpRequest): boolean {
  return /^multipart\/form-data\s*;/i.test(request.headers["content-type"] ?? "");
}

/**
 * Hands the one file of a form, in the field `package`, to `use` while it arrives. The file ends for `use` only when the whole
 * form has arrived and is sound; a form that breaks off breaks the file too.
 * @throws no_file, invalid_multipart, incomplete_body
 */
export async function withPackageFile<T>(request: HttpRequest, use: (file: Readable) => Promise<T>): Promise<T> {
  const parser = makeParser(request);
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
    result = use(Readable.from(untilWhole(file, whole.promise), { objectMode: false }));
    // The rest of a form whose file was refused is of no interest.
    result.catch((error: unknown) => parser.destroy(error instanceof Error ? error : new Error(String(error))));
  });
  try {
    await pipeline(rawBody(request), parser);
    whole.resolve();
  } catch (error) {
    const failure = toFailure(error);
    whole.reject(failure);
    if (result === undefined) throw failure;
  }
  if (result === undefined) throw new RegistryError("no_file", { details: { field: fieldName } });
  return result;
}

async function* untilWhole(file: Readable, whole: Promise<void>): AsyncGenerator<Buffer> {
  whole.catch((error: Error) => file.destroy(error));
  try {
    for await (const chunk of file) yield chunk as Buffer;
  } catch (error) {
    // The parser breaks the file of a form that ends early, with an error of its own.
    throw toFailure(error);
  }
  await whole;
}

function makeParser(request: HttpRequest): BusboyInstance {
  try {
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      limits: { files: 1, fields: 10, parts: 12, headerPairs: 50, headerSize: 16 * 1024, fieldSize: 64 * 1024 },
    });
  } catch (error) {
    throw new RegistryError("invalid_multipart", { details: { reason: "no boundary" }, cause: error });
  }
}

function toFailure(error: unknown): unknown {
  if (RegistryError.is(error)) return error;
  return new RegistryError("invalid_multipart", { cause: error });
}
