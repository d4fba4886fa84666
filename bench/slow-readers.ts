import { connect } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

/** Clients that take an archive once, slowly or as fast as it comes. Started by `downloads.ts` in a process of its own. */
export interface SlowReadersPlan {
  port: number;
  path: string;
  readers: number;
  /** Bytes that each of them takes at a time, and how long it then looks away. */
  pieceBytes: number;
  pauseMs: number;
  durationMs: number;
}

const plan = (await json(process.stdin)) as SlowReadersPlan;
const received = await Promise.all(Array.from({ length: plan.readers }, readSlowly));
console.log(JSON.stringify({ bytes: received.reduce((sum, bytes) => sum + bytes, 0) }));

async function readSlowly(): Promise<number> {
  const socket = connect({ port: plan.port, host: "127.0.0.1", readableHighWaterMark: plan.pieceBytes } as never);
  socket.write(`GET ${plan.path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`);
  const endAt = performance.now() + plan.durationMs;
  let bytes = 0;
  for await (const piece of socket as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (performance.now() >= endAt) break;
    if (plan.pauseMs > 0) await delay(plan.pauseMs);
  }
  socket.destroy();
  return bytes;
}
