import { onTestFinished, test } from "vitest";
import { temporaryDatabase } from "../../../../scripts/test/mysql.ts";
import { describeWith } from "../../../../scripts/test/services.ts";
import { miniStorage } from "../../../storage-s3/test/harness.ts";
import { mysql } from "../../src/mysql/index.ts";
import { importsTheOriginal } from "./harness.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  test("from the original to MySQL and a bucket", { timeout: 120_000 }, async () => {
    const [place, mini] = [await temporaryDatabase(MYSQL_URL), await miniStorage()];
    const database = mysql({ uri: place.uri });
    onTestFinished(async () => {
      await database.close();
      await place.drop();
      await mini.cleanup();
    });
    await importsTheOriginal({ database, storage: mini.storage });
  });
});
