/** The parts of JSON Schema that the registry's schemas use. */
export interface Schema {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  format?: string;
  description?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  anyOf?: readonly Schema[];
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: Schema | boolean;
}

/** What a value is, in few words: `string`, `list of string`, `"public" or "private"`. */
export function typeText(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(" or ");
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  if (schema.type === "array") return schema.items === undefined ? "list" : `list of ${typeText(schema.items)}`;
  if (schema.type === "object") return objectText(schema);
  if (schema.format === "date-time") return "time";
  return schema.format === "uri" ? "address" : String(schema.type ?? "any value");
}

/** What else a value must be. */
export function rulesText(schema: Schema): string {
  const { description, minimum, maximum, maxLength, maxItems, type } = schema;
  const range =
    minimum !== undefined && maximum !== undefined && type !== undefined ? [`${minimum} to ${maximum}`] : [];
  const length = maxLength === undefined ? [] : [`at most ${maxLength} characters`];
  const count = maxItems === undefined ? [] : [`at most ${maxItems}`];
  return [...(description === undefined ? [] : [description]), ...range, ...length, ...count].join("; ");
}

/** The form of an answer, as JSON with types in place of values. */
export function sketch(schema: Schema, indent = ""): string {
  if (schema.type === "array" && schema.items !== undefined) return `[${sketch(schema.items, indent)}, …]`;
  if (schema.properties === undefined) return typeText(schema);
  const inner = `${indent}  `;
  const members = Object.entries(schema.properties).map(
    ([name, member]) => `${inner}"${name}"${schema.required?.includes(name) ? "" : "?"}: ${sketch(member, inner)}`,
  );
  return `{\n${members.join(",\n")}\n${indent}}`;
}

function objectText({ additionalProperties: values, properties }: Schema): string {
  if (properties !== undefined) return "object";
  return typeof values === "object" && values.type !== undefined ? `map of ${typeText(values)}` : "object";
}
