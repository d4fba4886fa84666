import { once } from "node:events";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { registryRouter } from "@serverless-registry/adapter-express";
import { memoryStorage } from "@serverless-registry/core/memory";
import type { ErrorRequestHandler, RequestHandler } from "express";
import { expect, test } from "vitest";
import { publicUrl, startHost } from "./harness.ts";

/** A host whose storage opens archives only once it is let; `fc` 1.0.0 is published. */
async function startGated(before: RequestHandler) {
  const inner = memoryStorage();
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const bodies: Readable[] = [];
  const storage = {
    ...inner,
    async open(...args: Parameters<typeof inner.open>) {
      asked.resolve();
      await gate.promise;
      const blob = await inner.open(...args);
      if (blob === null) return null;
      blob.body.destroy();
      // Gives a piece and then nothing more: it is closed by nobody but who destroys it.
      const body = new Readable({ read() {} });
      body.push("PK");
      bodies.push(body);
      return { ...blob, body };
    },
  };
  const handled: unknown[] = [];
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    handled.push(error);
    res.end();
  };
  const host = await startHost(
    (app, registry) => {
      app.use(before);
      app.use("/registry", registryRouter(registry, { publicUrl }));
      app.use(onError);
    },
    { storage },
  );
  const bea = await host.user("bea");
  await host.publish(bea, { package: "fc", version: "1.0.0" });
  return { ...host, asked: asked.promise, openGate: () => gate.resolve(), bodies, handled };
}

const question = "GET /registry/fc/zipball/1.0.0 HTTP/1.1\r\nHost: registry.example\r\n\r\n";

function ask(origin: string) {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined).write(question);
  return socket;
}

test("a client that has left before its archive is open leaves no open archive behind", async () => {
  const left = Promise.withResolvers<void>();
  const host = await startGated((_req, res, next) => {
    res.once("close", left.resolve);
    next();
  });
  const socket = ask(host.origin);
  await host.asked;
  socket.resetAndDestroy();
  await left.promise;
  host.openGate();
  await expect.poll(() => host.bodies.map((body) => body.closed)).toEqual([true]);
  expect(host.handled).toEqual([]);
});

test("a client that leaves in the middle of an archive leaves no open archive behind", async () => {
  const host = await startGated((_req, _res, next) => next());
  host.openGate();
  const socket = ask(host.origin);
  await once(socket, "data");
  socket.resetAndDestroy();
  await expect.poll(() => host.bodies.map((body) => body.closed)).toEqual([true]);
  expect(host.handled).toEqual([]);
});

test("a host that has answered meanwhile keeps its answer, and no open archive is left", async () => {
  const host = await startGated((_req, res, next) => {
    next();
    res.status(503).send("too late");
  });
  for (const path of ["/fc/zipball/1.0.0", "/fc/releases/latest"]) {
    const answer = await fetch(`${host.origin}/registry${path}`);
    expect([answer.status, await answer.text()], path).toEqual([503, "too late"]);
  }
  host.openGate();
  await expect.poll(() => host.bodies.map((body) => body.closed)).toEqual([true]);
  expect(host.handled).toEqual([]);
});
