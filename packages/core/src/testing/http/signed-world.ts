import { signedHeaders, type UnsignedRequest } from "../signer.ts";
import type { Answer } from "./answers.ts";
import type { Call, HttpHarness, User, World, WorldOptions } from "./harness.ts";

/** Both ways to sign. */
export const profiles = ["documented", "v2"] as const;

/** How a request is signed, and how what is sent then differs from what was signed. */
export interface Signing extends Pick<Partial<UnsignedRequest>, "apiKey" | "profile" | "nonce" | "sendsKey"> {
  /** How far the client's clock is ahead. */
  aheadMs?: number;
  /** In place of what is sent. */
  signedRequest?: string;
  signedBody?: Buffer | string;
}

/** A request that is ready to be sent, as often as one likes. */
export interface SignedCall {
  request: string;
  call: Call & { headers: Readonly<Record<string, string>> };
}

/** A world in which `ada` has an API key. */
export interface SignedWorld extends World {
  readonly ada: User;
  readonly key: string;
  /** Makes an API key for somebody. */
  keyOf(user: User): Promise<string>;
  /** Signs a request by `ada`'s key. The body is bytes or text, or JSON. */
  sign(request: string, call?: Call, signing?: Signing): SignedCall;
  /** Signs it and sends it. */
  sendSigned(request: string, call?: Call, signing?: Signing): Promise<Answer>;
}

/** Opens a {@link SignedWorld}. */
export async function signedWorld(open: HttpHarness["world"], options: WorldOptions = {}): Promise<SignedWorld> {
  const world = await open({ serverSecret: "a secret of the tests that is long enough", ...options });
  const ada = await world.user("ada");
  const keyOf = async (user: User) => {
    const actor = await world.registry.sessions.authenticate(user.token);
    return (await world.registry.apiKeys.create(actor, { name: "test" })).key;
  };
  const key = await keyOf(ada);
  // A memory that begins now knows nothing of the seconds before.
  world.clock.advance(30_000);

  function sign(request: string, call: Call = {}, signing: Signing = {}): SignedCall {
    const { aheadMs = 0, signedRequest = request, ...others } = signing;
    const body = bodyOf(call);
    const { signedBody = body, ...given } = others;
    const [method = "", target = ""] = signedRequest.split(" ");
    const headers = signedHeaders({
      ...{ apiKey: key, method, url: world.mountPath + target, body: signedBody, ...given },
      timestamp: String(Math.floor((world.clock.now() + aheadMs) / 1000)),
    });
    const type = call.json === undefined ? {} : { "content-type": "application/json" };
    const length = body.length > 0 ? { "content-length": String(Buffer.byteLength(body)) } : {};
    const as = call.as === undefined ? {} : { as: call.as };
    return { request, call: { ...as, body, headers: { ...type, ...length, ...headers, ...call.headers } } };
  }

  return {
    ...{ ...world, ada, key, keyOf, sign },
    sendSigned(request, call, signing) {
      const signed = sign(request, call, signing);
      return world.sendRaw(signed.request, signed.call);
    },
  };
}

function bodyOf({ json, body = "" }: Call): Buffer | string {
  if (json !== undefined) return JSON.stringify(json);
  if (typeof body === "string" || Buffer.isBuffer(body)) return body;
  throw new Error("Only bytes and text are signed here");
}
