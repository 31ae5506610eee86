// Bundles the in-page runtime: page.js (with lazy chunks), worker.js, team.js, sw.js.
// usage: node esbuild.mjs --out FOLDER
//
// The worker is built first because the page asks for it by content (worker.js?v=HASH),
// so that a cached worker is never older than the page that uses it.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--out");
const out = resolve(at > 0 ? process.argv[at + 1] : join(here, "../../build/runtime"));

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({ ...common, entryPoints: ["src/worker.ts"], format: "esm", outfile: join(out, "worker.js") });
await build({ ...common, entryPoints: ["src/team.ts"], format: "esm", outfile: join(out, "team.js") }); // for notebooks: pages have it in a chunk
await build({ ...common, entryPoints: ["src/serviceworker.ts"], format: "iife", outfile: join(out, "sw.js") });
const worker = await readFile(join(out, "worker.js"));
const hash = createHash("sha256").update(worker).digest("hex").slice(0, 12);
await build({
  ...common,
  entryPoints: ["src/page.ts"],
  format: "esm",
  splitting: true,
  outdir: out,
  chunkNames: "[name]-[hash]",
  define: { __WORKER_HASH__: JSON.stringify(hash) },
});

let total = 0;
for (const name of (await readdir(out)).sort()) {
  const bytes = await readFile(join(out, name));
  const small = gzipSync(bytes, { level: 9 }).length;
  total += small;
  console.log(`${name.padEnd(34)} ${(bytes.length / 1024).toFixed(1).padStart(8)} kB ${(small / 1024).toFixed(1).padStart(7)} kB gzip`);
}
console.log(`${"all".padEnd(34)} ${"".padStart(11)} ${(total / 1024).toFixed(1).padStart(7)} kB gzip`);
