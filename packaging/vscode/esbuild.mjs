// Bundles the extension into one file, and its plain logic into another for the tests.
import { build } from "esbuild";

const common = {
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node18",
  minify: true,
  external: ["vscode", "bufferutil", "utf-8-validate"],
  logLevel: "warning",
};
await build({ ...common, entryPoints: ["src/extension.ts"], outfile: "dist/extension.js" });
await build({ ...common, minify: false, entryPoints: ["src/core.ts"], outfile: "dist/core.js" });
