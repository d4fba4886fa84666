import { testPassword } from "../registry.ts";
import { zipOf } from "../zips.ts";
import type { Call, World } from "./harness.ts";

/** A request of each route that changes something, all of which would succeed, and what they need. */
export async function changeRequests({ user, open, publish, send }: World): Promise<Record<string, [string, Call]>> {
  const [ada, bea] = [await user("ada"), await user("bea")];
  for (const version of ["1.0.0", "2.0.0", "3.0.0"]) await publish(ada, { name: "fc", version });
  await send("PUT /fc/releases/tags/2.0.0/yank", { as: ada });
  await send("DELETE /fc/releases/tags/3.0.0", { as: ada });
  await send("POST /fc/maintainers", { as: ada, json: { username: "bea", role: "reader" } });
  await send("PUT /fc/ratings/me", { as: bea, json: { rating: 1 } });
  const uploadId = await open(ada, { name: "fc", version: "4.0.0" });
  const named = { as: ada, json: { name: "builds" } };
  const [token, key] = [await send("POST /tokens", named), await send("POST /api_keys", named)];
  const body = await zipOf({ a: "1" });
  const form = new FormData();
  form.set("package", new Blob([new Uint8Array(body)]), "a.zip");
  const login = { username: "ada", password: testPassword };
  const tags = "/fc/releases/tags";
  return {
    register: ["POST /register", { json: { username: "cid", password: testPassword, email: "cid@example.com" } }],
    login: ["POST /login", { json: login }],
    logout: ["POST /logout", { as: ada }],
    refreshToken: ["POST /refresh_token", { as: ada }],
    changePassword: [
      "POST /change_password",
      { as: ada, json: { old_password: testPassword, new_password: "new horse battery" } },
    ],
    createToken: ["POST /tokens", named],
    revokeToken: [`DELETE /tokens/${token.json.id}`, { as: ada }],
    createApiKey: ["POST /api_keys", named],
    revokeApiKey: [`DELETE /api_keys/${key.json.id}`, { as: ada }],
    createRelease: ["POST /releases", { as: ada, json: { name: "fc", version: "5.0.0" } }],
    uploadForm: [`POST /upload/${uploadId}`, { as: ada, body: form }],
    uploadRaw: [`PUT /upload/${uploadId}`, { as: ada, body }],
    cancelUpload: [`DELETE /upload/${uploadId}`, { as: ada }],
    publishRelease: [`PUT ${tags}/6.0.0`, { as: ada, body }],
    deleteRelease: [`DELETE ${tags}/1.0.0`, { as: ada }],
    restoreRelease: [`POST ${tags}/3.0.0/restore`, { as: ada }],
    yankRelease: [`PUT ${tags}/1.0.0/yank`, { as: ada }],
    unyankRelease: [`DELETE ${tags}/2.0.0/yank`, { as: ada }],
    setRollout: [`PATCH ${tags}/1.0.0/rollout`, { as: ada, json: { ratio: 0.5 } }],
    updatePackage: ["PATCH /fc", { as: ada, json: { description: "x" } }],
    deprecatePackage: ["PUT /fc/deprecation", { as: ada }],
    undeprecatePackage: ["DELETE /fc/deprecation", { as: ada }],
    addMaintainer: ["POST /fc/maintainers", { as: ada, json: { username: "bea" } }],
    removeMaintainer: ["DELETE /fc/maintainers/bea", { as: ada }],
    transferPackage: ["POST /fc/transfer", { as: ada, json: { username: "bea" } }],
    setMyRating: ["PUT /fc/ratings/me", { as: bea, json: { rating: 5 } }],
    deleteMyRating: ["DELETE /fc/ratings/me", { as: bea }],
  };
}
