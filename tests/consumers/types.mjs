// Makes the types of documents as `npx openapi-typescript --empty-objects-unknown` does.
// node types.mjs SPEC SCHEMA.d.ts ..., in pairs.
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const files = process.argv.slice(2);
for (let i = 0; i < files.length; i += 2) {
  const tree = await openapiTS(pathToFileURL(files[i]), { emptyObjectsUnknown: true });
  await writeFile(files[i + 1], astToString(tree));
}
