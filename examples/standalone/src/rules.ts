import { isIP } from "node:net";
import { isNginxPath } from "@serverless-registry/storage-fs";

/** What a text may be, and how it is understood. */
export interface Rule<T> {
  /** What is allowed, in words. */
  readonly allowed: string;
  parse(text: string): { value: T } | { reason: string };
}

function wholeNumber(min: number, max: number): Rule<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,16}$/.test(text)) return { reason: "is not a whole number in decimal digits" };
      const value = Number(text);
      return value >= min && value <= max ? { value } : { reason: value < min ? "is too small" : "is too large" };
    },
  };
}

function oneOf<const Word extends string>(...words: Word[]): Rule<Word> {
  return {
    allowed: words.join(", "),
    parse(text) {
      const value = words.find((word) => word === text);
      return value === undefined ? { reason: "is none of the allowed words" } : { value };
    },
  };
}

const listenAddress: Rule<string> = {
  allowed: "an IP address of this machine, such as 127.0.0.1, 0.0.0.0 or ::; or localhost, which means 127.0.0.1",
  parse(text) {
    if (text === "localhost") return { value: "127.0.0.1" };
    return isIP(text) === 0 ? { reason: "is no IP address" } : { value: text };
  },
};

const webAddress: Rule<string> = {
  allowed: "an http or https address without user name, query and fragment, such as https://registry.example.com",
  parse(text) {
    const url = URL.parse(text);
    if (url === null) return { reason: "is no address" };
    if (url.protocol !== "http:" && url.protocol !== "https:") return { reason: "begins with neither http nor https" };
    if (url.username !== "" || url.password !== "") return { reason: "holds a user name or password" };
    if (/[?#]/.test(text)) return { reason: "holds a query or fragment" };
    return { value: url.href.replace(/\/+$/, "") };
  },
};

const minSecretBytes = 32;

const secret: Rule<string> = {
  allowed: `${minSecretBytes} bytes or more, best random: openssl rand -base64 48`,
  parse(text) {
    const bytes = Buffer.byteLength(text);
    return bytes < minSecretBytes ? { reason: `has ${bytes} bytes, which is too short` } : { value: text };
  },
};

const webhookSecret: Rule<string> = {
  allowed: 'whsec_ and 24 to 64 random bytes in Base64: echo "whsec_$(openssl rand -base64 32)"',
  parse(text) {
    if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return { reason: "is no such secret" };
    const bytes = Buffer.from(text.slice("whsec_".length), "base64").length;
    return bytes < 24 || bytes > 64 ? { reason: `has ${bytes} bytes` } : { value: text };
  },
};

const webhookAddresses: Rule<string[]> = {
  allowed: "http and https addresses without user name, blanks between, such as https://example.com/registry-events",
  parse(text) {
    const urls = text
      .trim()
      .split(/\s+/)
      .map((one) => URL.parse(one));
    const known = urls.filter(
      (url) => url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "",
    );
    if (known.length < urls.length) return { reason: "one of them is none" };
    return { value: [...new Set(known.map((url) => url?.href ?? ""))] };
  },
};

const proxyPath: Rule<string> = {
  allowed: "a path that begins with a slash, does not end with one and has no segment . or .., such as /_archives",
  parse: (text) => (isNginxPath(text) ? { value: text } : { reason: "is no such path" }),
};

const networks: Rule<string[]> = {
  allowed: "IP addresses and networks (with a prefix of 1 bit or more), commas between, such as 10.0.0.0/8,::1",
  parse(text) {
    const items = text.split(",").map((item) => item.trim());
    const wrong = items.find((item) => !isNetwork(item));
    return wrong === undefined ? { value: items } : { reason: `${JSON.stringify(wrong)} is neither` };
  },
};

function isNetwork(text: string): boolean {
  const [, address = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = address.includes("%") ? 0 : isIP(address);
  // All of the internet is not a proxy: with a prefix of 0 every client could claim any address.
  return version !== 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128)));
}

const origins: Rule<string[]> = {
  allowed: "origins as browsers send them, commas between, such as https://app.example.com,http://localhost:3000; or *",
  parse(text) {
    const items = text.split(",").map((item) => item.trim());
    const wrong = items.find((item) => item !== "*" && !isOrigin(item));
    return wrong === undefined ? { value: items } : { reason: `${JSON.stringify(wrong)} is none` };
  },
};

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text && !text.includes("*");
}

/** What the variables may hold. */
export const rules = {
  wholeNumber,
  oneOf,
  listenAddress,
  webAddress,
  secret,
  webhookSecret,
  webhookAddresses,
  proxyPath,
  networks,
  origins,
};
