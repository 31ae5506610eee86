// Runs the tests of the in-page runtime in Node, without a browser.
// usage: node test.mjs [--test-reporter=tap] [NAME...]     NAME: of test/NAME.test.ts; default: all
//
// esbuild takes the types away, as it does for the pages. The bundles lie in node_modules, so that
// they find what the tests bring along.

import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "node_modules/.tests");
const options = process.argv.slice(2).filter((word) => word.startsWith("-"));
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const there = (await readdir(join(here, "test"))).filter((name) => name.endsWith(".test.ts")).map((name) => name.replace(/\.test\.ts$/, ""));
const unknown = wanted.filter((name) => !there.includes(name));
if (unknown.length) {
  console.error(`There is no test of ${unknown.join(", ")}; there are: ${there.sort().join(", ")}.`);
  process.exit(2);
}

await rm(out, { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: (wanted.length ? wanted : there).map((name) => `test/${name}.test.ts`),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node24",
  sourcemap: "inline",
  logLevel: "warning",
});
const files = (wanted.length ? wanted : there).map((name) => join(out, `${name}.test.mjs`));
// A page's channel to other tabs never closes, so the process is ended when all tests are.
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-force-exit", ...options, ...files], { cwd: here, stdio: "inherit" });
process.exit(run.status ?? 1);
