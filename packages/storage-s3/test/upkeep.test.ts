import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { createRegistry } from "@serverless-registry/core";
import { mysql } from "@serverless-registry/core/mysql";
import { describeUpkeep } from "@serverless-registry/core/testing";
import { recycledDatabases } from "../../../scripts/test/mysql.ts";
import { describeWith } from "../../../scripts/test/services.ts";
import { bucket, miniStorage } from "./harness.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  const recycled = recycledDatabases(MYSQL_URL);
  describeUpkeep("upkeep on MySQL and S3", {
    async create() {
      const [{ uri, giveBack }, { client, storage, cleanup }] = [await recycled.take(), await miniStorage()];
      const database = mysql({ uri });
      await createRegistry({ database, storage, serverSecret: "a secret of the tests, 32 bytes long" }).migrate();
      return {
        ...{ database, storage },
        async overwrite(digest, bytes) {
          const place = { Bucket: bucket, Key: `registry/blobs/${digest}` };
          await (bytes === null
            ? client.send(new DeleteObjectCommand(place))
            : client.send(new PutObjectCommand({ ...place, Body: bytes })));
        },
        async cleanup() {
          await database.close();
          await giveBack();
          await cleanup();
        },
      };
    },
  });
});
