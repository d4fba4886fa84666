/** A `publish.yaml`. */
export function manifest(name: string, version = "1.0.0"): string {
  return `Edition: 3.0.0\nType: Component\nName: ${name}\nVersion: ${version}\nDescription: Says hello\n`;
}
