import { expect } from "vitest";
import type { Behaviours } from "../behaviours.ts";
import { zipOf } from "../zips.ts";
import { type Answer, said } from "./answers.ts";
import type { HttpHarness, User, World } from "./harness.ts";
import { chunksOf } from "./wire.ts";

const boundary = "----pieces";
const noFile = "400 no_file: No file uploaded";
const invalid = "400 invalid_multipart: Request body is not valid multipart form data";
const file = 'form-data; name="package"; filename="a.zip"';

/** One part of a form, written out. */
function part(disposition: string, content: Buffer | string, headers = ""): Buffer {
  const head = `--${boundary}\r\nContent-Disposition: ${disposition}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from("\r\n")]);
}

const end = Buffer.from(`--${boundary}--\r\n`);

interface Post {
  body: Buffer;
  /** Default: a form with our boundary. */
  type?: string;
  /** Size of the chunks it is sent in. */
  chunkBytes?: number;
  /** Time between the chunks, so that they arrive one by one. */
  pauseMs?: number;
}

async function worldWithUpload(
  open: HttpHarness["world"],
): Promise<World & { ada: User; post(form: Post): Promise<Answer>; zip: Buffer }> {
  const it = await open();
  const ada = await it.user("ada");
  const uploadId = await it.open(ada, { name: "fc", version: "1.0.0" });
  return {
    ...it,
    ada,
    zip: await zipOf({ a: "1" }),
    post: ({ body, type = `multipart/form-data; boundary=${boundary}`, chunkBytes = 16_384, pauseMs = 0 }) =>
      it.sendRaw(`POST /upload/${uploadId}`, {
        as: ada,
        body: chunksOf(body, chunkBytes, pauseMs),
        headers: { "content-type": type },
      }),
  };
}

/** Forms at their edges. After each that is refused the upload can still be used. */
export const multipartBehaviours: Behaviours<HttpHarness> = {
  "takes forms however they are written": async ({ world }) => {
    const forms = (zip: Buffer) => [
      { body: Buffer.concat([part(file, zip), end]), chunkBytes: 1 },
      { body: Buffer.concat([part(file, zip), end, Buffer.from("an epilogue\r\n".repeat(5000))]), chunkBytes: 100 },
      { body: Buffer.concat([Buffer.from("a preamble\r\n"), part(file, zip), end]) },
      {
        body: Buffer.concat([
          part('form-data; name="note"', "hello"),
          part(file, zip),
          part('form-data; name="x"', "y"),
          end,
        ]),
      },
      {
        body: Buffer.concat([
          part('form-data; name="package"; filename="../../etc/passwd\0"', zip, "Content-Type: text/html\r\n"),
          end,
        ]),
      },
      {
        body: Buffer.concat([
          part('form-data; name="package"', zip, "Content-Type: application/octet-stream\r\n"),
          end,
        ]),
      },
      {
        body: Buffer.concat([part("form-data; name=package; filename=a.zip", zip), end]),
        type: `Multipart/Form-Data; Boundary="${boundary}"`,
      },
    ];
    for (const index of forms(Buffer.alloc(0)).keys()) {
      const { post, zip, send } = await worldWithUpload(world);
      const form = forms(zip)[index] ?? { body: zip };
      const answer = await post(form);
      expect(said(answer), `form ${index}`).toBe("200");
      const download = await send("GET /fc/zipball/1.0.0");
      expect(download.bytes.equals(zip)).toBe(true);
      expect(download.headers.get("content-disposition")).toBe('attachment; filename="fc-1.0.0.zip"');
    }
  },

  "misses the file where there is none": async ({ world }) => {
    const { post, zip, send } = await worldWithUpload(world);
    const forms: Post[] = [
      { body: end },
      { body: Buffer.concat([part('form-data; name="file"; filename="a.zip"', zip), end]) },
      { body: Buffer.concat([part('form-data; name="Package"; filename="a.zip"', zip), end]) },
      { body: Buffer.concat([part('form-data; name="package"', zip), end]) },
      { body: Buffer.concat([part(file, ""), end]) },
      { body: Buffer.concat([part("attachment", zip), end]) },
      { body: zip, type: "application/zip" },
      { body: zip, type: "multipart/form-data" },
      { body: Buffer.from("{}"), type: "application/json" },
      { body: Buffer.alloc(0), type: "text/plain" },
    ];
    for (const [index, form] of forms.entries()) expect(said(await post(form)), `form ${index}`).toBe(noFile);
    expect((await post({ body: Buffer.concat([part(file, zip), end]) })).status).toBe(200);
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(zip)).toBe(true);
  },

  "ends a form at its end, in whatever pieces more of it follows": async ({ world }) => {
    const { post, zip, send } = await worldWithUpload(world);
    const more = Buffer.concat([part(file, "PK"), end]);
    // Long enough that two pieces make the whole.
    const before = Buffer.from(`${"before the form ".repeat(20)}\r\n`);
    const body = Buffer.concat([before, end, more]);
    for (const cut of [2, end.length - 4, end.length - 3, end.length, end.length + 30, end.length + 80]) {
      const answer = await post({ body, chunkBytes: before.length + cut, pauseMs: 5 });
      expect(said(answer), `cut ${cut} bytes into its end`).toBe(noFile);
    }
    expect((await post({ body: Buffer.concat([part(file, zip), end, more]), chunkBytes: 100 })).status).toBe(200);
    expect((await send("GET /fc/zipball/1.0.0")).bytes.equals(zip)).toBe(true);
  },

  "refuses forms that are broken or hold too much": async ({ world }) => {
    const { post, zip } = await worldWithUpload(world);
    const many = Array.from({ length: 11 }, (_, index) => part(`form-data; name="f${index}"`, "x"));
    const forms: Post[] = [
      { body: part(file, zip) },
      { body: part('form-data; name="other"; filename="b"', zip) },
      { body: Buffer.concat([part(file, zip), end]).subarray(0, 150) },
      { body: Buffer.concat([part(file, zip), part(file, zip), end]) },
      { body: Buffer.concat([part('form-data; name="x"; filename="b"', "1"), part(file, zip), end]) },
      { body: Buffer.concat([...many, part(file, zip), end]) },
      { body: Buffer.concat([part(file, zip), ...many, end]) },
      { body: Buffer.concat([part(file, zip), end]), type: "multipart/form-data; charset=utf-8" },
      { body: Buffer.from("no form at all") },
      { body: Buffer.alloc(0) },
    ];
    for (const [index, form] of forms.entries()) {
      expect(said(await post(form)), `form ${index}`).toMatch(/^400 (invalid_multipart|no_file): /);
      if (index < 8) expect(said(await post(form)), `form ${index}`).toBe(invalid);
    }
    expect((await post({ body: Buffer.concat([part(file, zip), end]) })).status).toBe(200);
  },

  "refuses parts with endless headers": async ({ world }) => {
    const { post, zip } = await worldWithUpload(world);
    for (const headers of [`X-Long: ${"x".repeat(1024 * 1024)}\r\n`, "X-A: b\r\n".repeat(5000)]) {
      const answer = await post({ body: Buffer.concat([part(file, zip, headers), end]) });
      expect(said(answer)).toMatch(/^(200|400 )/);
    }
  },

  "does not take a form for an archive": async ({ world }) => {
    const { sendRaw, ada, zip, open } = await worldWithUpload(world);
    const uploadId = await open(ada, { name: "fc", version: "2.0.0" });
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
    const body = Buffer.concat([part(file, zip), end]);
    for (const path of [`/upload/${uploadId}`, "/fc/releases/tags/3.0.0"]) {
      expect(said(await sendRaw(`PUT ${path}`, { as: ada, body, headers }))).toBe(
        "415 unsupported_media_type: Unsupported content type",
      );
    }
  },
};
