import { describeWith } from "../../../../scripts/test/services.ts";
import { describeAccountRaces } from "./account-races.ts";
import { describeRaces } from "./races.ts";

describeWith(["mysql"], ({ MYSQL_URL = "" }) => {
  describeRaces("two instances on one MySQL server", [MYSQL_URL]);
  describeAccountRaces("accounts of two instances on one MySQL server", [MYSQL_URL]);
});
