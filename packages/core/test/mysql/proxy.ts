import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** Stands between a client and the server, and breaks what the test wants broken. */
export interface Proxy {
  /** The server's address, by way of the proxy. */
  uri: string;
  /** Ends every connection, and refuses new ones until `restore`. */
  cut(): void;
  /** Keeps connections, old and new, and lets nothing through any more, until `restore`. */
  silence(): void;
  restore(): void;
  /** From now on lets what clients say arrive so much later, in milliseconds. */
  slowDown(ms: number): void;
  /** How many packets of clients have arrived later so far. */
  delayed(): number;
  /** Counts from now on the packets of the server that hold this text; what it returns tells how many there were. */
  countAnswers(text: string): () => number;
  /** Ends the connection when a client's packet holds this text: before the server gets it, or when it has answered. */
  cutAt(text: string, moment: "asked" | "answered"): void;
}

/** A proxy to the server of `uri`, gone when the test is over. */
export async function startProxy(uri: string): Promise<Proxy> {
  const target = new URL(uri);
  const sockets = new Set<Socket>();
  const unheard = new Set<Socket>();
  let isDown = false;
  let isSilent = false;
  let delayMs = 0;
  let delayed = 0;
  const counted = new Map<string, number>();
  let trap: { text: string; moment: "asked" | "answered" } | null = null;

  const server = createServer((client) => {
    if (isDown) return client.destroy();
    if (isSilent) return void unheard.add(client.on("error", () => undefined).resume());
    const upstream = connect(Number(target.port), target.hostname);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    let isSprung = false;
    let passed = Promise.resolve();
    const pass = (data: Buffer) => {
      const due = performance.now() + delayMs;
      // One after the other, whatever the delay was.
      passed = passed.then(async () => {
        await sleep(Math.max(0, due - performance.now()));
        delayed += 1;
        upstream.write(data);
      });
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket) && end());
    }
    client.on("data", (data) => {
      if (isSilent) return;
      if (trap !== null && data.includes(trap.text)) {
        const { moment } = trap;
        trap = null;
        if (moment === "asked") return end();
        isSprung = true;
      }
      if (delayMs === 0) upstream.write(data);
      else pass(data);
    });
    upstream.on("data", (data) => {
      for (const [text, count] of counted) if (data.includes(text)) counted.set(text, count + 1);
      if (isSprung) end();
      else if (!isSilent) client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    isDown = true;
    for (const socket of [...sockets, ...unheard]) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const address = server.address();
  const proxied = new URL(uri);
  proxied.port = String(typeof address === "object" ? address?.port : "");
  return {
    uri: proxied.href,
    cut,
    silence() {
      isSilent = true;
    },
    restore() {
      isDown = false;
      isSilent = false;
      // Nobody has greeted these.
      for (const socket of unheard) socket.destroy();
    },
    slowDown(ms) {
      delayMs = ms;
    },
    delayed: () => delayed,
    countAnswers(text) {
      counted.set(text, 0);
      return () => counted.get(text) ?? 0;
    },
    cutAt(text, moment) {
      trap = { text, moment };
    },
  };
}
