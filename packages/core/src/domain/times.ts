/** A time as the tables hold it: UTC, `YYYY-MM-DD HH:MM:SS.mmm`. */
export function toRowTime(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").slice(0, 23);
}

/** Milliseconds since 1970 of a time in a row, with or without fractions. Null where the row holds something else. */
export function fromRowTime(text: string | null): number | null {
  if (text === null) return null;
  const ms = Date.parse(`${text.replace(" ", "T").replace(/Z$/, "")}Z`);
  return Number.isNaN(ms) ? null : ms;
}

const rowTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/;

/** A row's time as answers show it: ISO 8601 in UTC with `Z`. */
export function toIso(text: string): string {
  // As this registry writes them: a list has two hundred, and making dates of all took a tenth of its time.
  if (rowTime.test(text)) return `${text.slice(0, 10)}T${text.slice(11)}Z`;
  const ms = fromRowTime(text);
  return ms === null ? text : new Date(ms).toISOString();
}

/** The UTC day of a moment, `YYYY-MM-DD`. */
export function toDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
