import { expect, onTestFinished, test } from "vitest";
import { temporaryDatabase } from "../../../../scripts/test/mysql.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { s3Storage } from "../../../storage-s3/src/index.ts";
import { miniStorage, realBucket, temporaryFolder } from "../../../storage-s3/test/harness.ts";
import { mysql } from "../../src/mysql/index.ts";
import { copyRegistry, type RegistryParts } from "../../src/transfer/index.ts";
import { copiesAWholeLife, copiesTheOriginal } from "./behaviours.ts";
import { fileParts, smallRegistry } from "./parts.ts";

async function mysqlAndBucket(serverUrl: string): Promise<RegistryParts> {
  const [place, mini] = [await temporaryDatabase(serverUrl), await miniStorage()];
  const database = mysql({ uri: place.uri });
  onTestFinished(async () => {
    await database.close();
    await place.drop();
    await mini.cleanup();
  });
  return { database, storage: mini.storage };
}

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("from SQLite and files to MySQL and a bucket", { timeout: 120_000 }, async () => {
    await copiesAWholeLife(await fileParts(), await mysqlAndBucket(MYSQL_URL));
  });

  test("from MySQL and a bucket to SQLite and files", { timeout: 120_000 }, async () => {
    await copiesAWholeLife(await mysqlAndBucket(MYSQL_URL), await fileParts());
  });

  test("a database of the original to MySQL", { timeout: 60_000 }, async () => {
    await copiesTheOriginal(await mysqlAndBucket(MYSQL_URL));
  });
});

describeWith(["s3"], (env) => {
  test("archives go into a bucket of a real server, and the rows stay", async () => {
    const { parts } = await smallRegistry();
    const [{ client, bucket, cleanup }, stagingFolder] = [await realBucket(env), await temporaryFolder()];
    onTestFinished(cleanup);
    const to = { database: parts.database, storage: s3Storage({ client, bucket, prefix: "moved", stagingFolder }) };
    expect(await copyRegistry({ from: parts, to })).toMatchObject({ isComplete: true, archives: { copied: 2 } });
    expect(await copyRegistry({ from: parts, to })).toMatchObject({ isComplete: true, archives: { present: 2 } });
  });
});
