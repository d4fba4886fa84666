const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** A document of one element. */
export function xmlDocument(name: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}>${content}</${name}>`;
}

/** One element that holds text. */
export function element(name: string, text: string | number): string {
  return `<${name}>${escapeText(String(text))}</${name}>`;
}

/** Texts of all elements of a name, wherever they are. */
export function textsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))].map(([, text]) =>
    unescapeText(text ?? ""),
  );
}

/** Percent-encodes as signatures and `encoding-type=url` want it. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function escapeText(text: string): string {
  return text.replace(/[&<>"'\r\n]/g, (one) => `&#${one.charCodeAt(0)};`);
}

function unescapeText(text: string): string {
  return text.replace(/&(#x?[0-9a-f]+|amp|lt|gt|quot|apos);/gi, (_all, entity: string) => {
    if (!entity.startsWith("#")) return named[entity.toLowerCase()] ?? "";
    return String.fromCodePoint(entity[1] === "x" ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1)));
  });
}
