import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { dropRest, toBodyPace } from "../../src/http/body-pace.ts";

/** Both ends of a connection. */
async function connection(): Promise<{ sender: Socket; body: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sender = connect(port, "127.0.0.1");
  const [[body]] = await Promise.all([once(server, "connection"), once(sender, "connect")]);
  onTestFinished(() => {
    sender.destroy();
    body.destroy();
    server.close();
  });
  return { sender, body };
}

/** Lets this process do nothing else for so long. */
function holdUp(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("a rest is not silent that came while the process was held up; it ends when nothing more comes", async () => {
  const pace = toBodyPace({ restMs: 500 });
  const { sender, body } = await connection();
  const closed = once(body, "close");
  // From here on timers are looked at before connections.
  await nextTurn();
  dropRest(body, pace);
  sender.write("in time");
  holdUp(pace.restMs + 50);
  await Promise.race([once(body, "data"), closed]);
  await nextTurn();
  expect([body.bytesRead, body.destroyed]).toEqual([7, false]);
  await closed;
});
