import { createReadStream } from "node:fs";
import { finished, type Readable, type Writable } from "node:stream";
import type { PutObjectCommand, UploadPartCommand } from "@aws-sdk/client-s3";

/** A run of a local file, and the SHA-256 of its bytes in hexadecimal. */
export interface FileRun {
  path: string;
  start: number;
  length: number;
  sha256: string;
}

/** More at once would be faster and leave more garbage behind than a large upload may. */
const readBytes = 64 * 1024;

/**
 * Makes a run of a file the body of a request. Each of the client's attempts reads the file anew, so that uploads are
 * retried like every other request; the run's digest is signed, so that the store refuses other bytes.
 */
export function withFileBody<Command extends PutObjectCommand | UploadPartCommand>(
  command: Command,
  run: FileRun,
): Command {
  // Both commands' stacks take the same steps, which their types cannot say of a union.
  const { middlewareStack } = command as PutObjectCommand;
  middlewareStack.add(
    (next) => (args) => {
      headersOf(args.request)["x-amz-content-sha256"] = run.sha256;
      return next(args);
    },
    { step: "build", name: "payloadDigest" },
  );
  if (run.length === 0) return command;
  middlewareStack.add(
    (next) => async (args) => {
      const body = fileStream(run);
      try {
        // A request of this attempt's own: the client takes one that has a stream for impossible to repeat.
        return await next({ ...args, request: { ...(args.request as object), body } });
      } finally {
        body.destroy();
      }
    },
    { step: "finalizeRequest", priority: "low", name: "fileBody" },
  );
  return command;
}

function headersOf(request: unknown): Record<string, string> {
  return (request as { headers: Record<string, string> }).headers;
}

/** A file as a stream that ends the request when it fails, or when it is destroyed before its end; a mere pipe leaves it open. */
function fileStream({ path, start, length }: FileRun): Readable {
  const body = createReadStream(path, { start, end: start + length - 1, highWaterMark: readBytes });
  body.once("error", () => undefined);
  const pipe = body.pipe.bind(body);
  return Object.assign(body, {
    pipe<Target extends NodeJS.WritableStream>(target: Target): Target {
      finished(body, (error) => {
        if (error) (target as unknown as Writable).destroy(error);
      });
      return pipe(target);
    },
  });
}
