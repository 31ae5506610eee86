/** A data set's file: whole and the build's own, or refused with the reason; on a page without `crypto.subtle`, too. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { asksForTrained, downloadData, namedIn } from "../src/data";
import { sha256Hex } from "../src/hash";

Object.defineProperty(globalThis, "crypto", { configurable: true, value: {} }); // as browsers leave it on plain http

const content = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) % 251);
const set = { title: "MNIST", file: "mnist.npz", bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };

function download(sent: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  globalThis.fetch = async () => new Response(sent);
  return downloadData("http://school.test/", set, () => undefined, new AbortController().signal);
}

test("the file that the build made is taken", async () => assert.deepEqual(await download(content), content));

test("one changed byte is noticed", async () => {
  const changed = content.with(70_000, content[70_000]! ^ 1);
  await assert.rejects(download(changed), /mnist\.npz arrived damaged, 100,000 of 100,000 bytes/);
});

test("a file that is cut short says so", async () => {
  await assert.rejects(download(content.slice(0, 60_000)), /arrived cut short, 60,000 of 100,000 bytes/);
});

test("the hash is SHA-256, of bytes and of a text in UTF-8", () => {
  assert.equal(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(sha256Hex("Größe, 大きさ"), createHash("sha256").update("Größe, 大きさ").digest("hex"));
  assert.equal(sha256Hex(content), set.sha256);
});

test("code that asks for a trained network names its file, and the data that it is tested with once it is tested", () => {
  assert.deepEqual(namedIn('mlp = trained("mlp")'), ["trained-mlp"]);
  assert.deepEqual(namedIn('mlp = trained("mlp")\nprint(mlp.accuracy())'), ["trained-mlp", "mnist"]);
  assert.deepEqual(namedIn("found = trained( 'cnn' )\nx, y = found.test_part(500)"), ["trained-cnn", "cifar10"]);
  assert.deepEqual(namedIn('talks = trained("gpt")\ntalks.accuracy(count=100)'), ["trained-gpt"]);
  assert.deepEqual(namedIn('from tinytorch.datasets import MNIST\ntrained("cnn")'), ["trained-cnn", "mnist"]);
  assert.deepEqual(namedIn('untrained("mlp"); report.accuracy()'), []);
  assert.deepEqual(namedIn('trained("mlp").accuracy()', ["mnist"]), ["mnist"], "the reader's own needs no file of ours");
  assert.deepEqual(namedIn('trained("gpt"); trained("cnn")', ["talks-1", "mnist"]), ["trained-cnn"]);
  assert.deepEqual(namedIn('for name in ("mlp", "gpt"):\n    model = trained(name).model'), ["trained-mlp", "trained-gpt"]);
  assert.deepEqual(namedIn('name = "mlp"'), []);
  assert.ok(asksForTrained("model = trained(which)") && !asksForTrained("untrained(which), trained_for"));
});

test("pages and Python's worker ask for no `crypto.subtle`: only the service worker has it everywhere it runs", () => {
  const asking = readdirSync("src").filter((name) => /crypto\.subtle|subtle\.digest/.test(readFileSync(`src/${name}`, "utf8").replace(/\/\*[^]*?\*\//g, "")));
  assert.deepEqual(asking, ["serviceworker.ts"]);
});
