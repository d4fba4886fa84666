import { writeFileSync } from "node:fs";
import { zipFolder } from "../packages/core/src/testing/zips.ts";

/** Zips a folder, for machines without a zip program: `node scripts/zip.ts folder archive.zip`. */
const [folder, archive] = process.argv.slice(2);
if (folder === undefined || archive === undefined) {
  console.error("Usage: node scripts/zip.ts folder archive.zip");
  process.exit(2);
}
writeFileSync(archive, await zipFolder(folder));
