/** What is fetched for Python: counted, and given up with a sentence when it is missing, cut short or silent. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Downloads } from "../src/downloads";
import { HASH_HEADER } from "../src/manifest";

Object.defineProperty(globalThis, "self", { configurable: true, value: globalThis });
Object.defineProperty(globalThis, "location", { configurable: true, value: new URL("http://localhost/") });

type Answers = Record<string, () => Response | Promise<Response>>;

function downloads(answers: Answers) {
  const told: [number, number][] = [];
  const original = async (input: RequestInfo | URL) => {
    const make = answers[String(input).split("/").at(-1)!];
    if (!make) throw new TypeError("Failed to fetch");
    return make();
  };
  return { told, all: new Downloads(original as typeof fetch, (loaded, total) => told.push([loaded, total])) };
}

const bytes = (count: number) => new Uint8Array(count);
const file = (count: number, headers: Record<string, string> = { "content-length": String(count) }) => () => new Response(bytes(count), { headers });

const started = (sizes: Record<string, number>) => () => Response.json({ core: ["pyodide.mjs"], packages: ["numpy"], sizes });

/** A body that gives some bytes and then nothing, without an end. */
function stalled(first: number): () => Response {
  return () => new Response(new ReadableStream({ start: (out) => out.enqueue(bytes(first)) }), { headers: { "content-length": "1000" } });
}

test("bytes are counted as they arrive, towards the sizes that were told", async (context) => {
  let clock = 1000;
  context.mock.method(performance, "now", () => (clock += 200));
  const { all, told } = downloads({ "start.json": started({ "a.whl": 30, "b.zip": 70 }), "a.whl": file(30, { "content-encoding": "gzip" }), "b.zip": file(70) });
  await all.learn("http://localhost/py/");
  all.expect(["py/a.whl", "py/b.zip", "py/pyodide.mjs"]);
  assert.equal(all.total, 100);
  for (const name of ["a.whl", "b.zip"]) await (await all.fetch(`http://localhost/py/${name}`)).arrayBuffer();
  assert.deepEqual(told, [[30, 100], [100, 100]]);
});

test("without sizes the length that the server names is taken, and the bar never runs over", async (context) => {
  let clock = 1000;
  context.mock.method(performance, "now", () => (clock += 200));
  const { all, told } = downloads({ "start.json": started({}), "a.whl": file(30), "b.zip": file(70, { "content-encoding": "gzip", "content-length": "9" }) });
  await all.learn("http://localhost/py/");
  for (const name of ["a.whl", "b.zip"]) await (await all.fetch(`http://localhost/py/${name}`)).arrayBuffer();
  assert.deepEqual(told, [[30, 30], [100, 100]]);
});

test("what Python starts with is read, and a download that has begun meanwhile is counted by its size", async (context) => {
  let clock = 1000;
  context.mock.method(performance, "now", () => (clock += 200));
  const { all, told } = downloads({ "start.json": started({ "a.whl": 30 }), "a.whl": file(30, { "content-encoding": "gzip" }) });
  const [start, answer] = await Promise.all([all.learn("http://localhost/py/"), all.fetch("http://localhost/py/a.whl")]);
  all.expect(["py/a.whl"]);
  await answer.arrayBuffer();
  assert.deepEqual([start.core, start.packages, told], [["pyodide.mjs"], ["numpy"], [[30, 30]]]);
});

test("without what Python starts with nothing can start, and that is said", async () => {
  const cases: [Answers, RegExp][] = [
    [{}, /^start\.json could not be downloaded \(Failed to fetch\)\.$/],
    [{ "start.json": () => new Response("", { status: 404 }) }, /^start\.json could not be downloaded: the server answered 404\.$/],
    [{ "start.json": () => new Response('{"core": [') }, /^start\.json is damaged or cut short\.$/],
  ];
  for (const [answers, message] of cases) {
    const { all } = downloads(answers);
    await assert.rejects(all.learn("http://localhost/py/"), { message });
    await assert.rejects(all.failed, { message });
  }
});

test("progress is told ten times a second, not for every piece", async (context) => {
  context.mock.method(performance, "now", () => 1000);
  const { all, told } = downloads({ "a.whl": file(30), "b.zip": file(70) });
  for (const name of ["a.whl", "b.zip"]) await (await all.fetch(`http://localhost/${name}`)).arrayBuffer();
  assert.equal(told.length, 1);
  assert.equal(all.loaded, 100);
});

test("WebAssembly gets its type, and what the service worker has kept whole comes through untouched", async () => {
  const kept = new Response(bytes(8), { headers: { [HASH_HEADER]: "abc" } });
  const { all } = downloads({ "start.json": started({ "kept.wasm": 8 }), "new.wasm": file(8), "kept.wasm": () => kept });
  await all.learn("http://localhost/");
  const fresh = await all.fetch("http://localhost/new.wasm");
  assert.equal(fresh.headers.get("content-type"), "application/wasm");
  await fresh.arrayBuffer();
  assert.equal(all.loaded, 8);
  assert.equal(await all.fetch("http://localhost/kept.wasm"), kept);
  assert.equal(all.loaded, 16);
});

/** The sentence of a download that fails; it must come twice: to who asked, and to who waits for Python. */
async function failure(answers: Answers, name: string): Promise<string> {
  const { all } = downloads(answers);
  const asked = all.fetch(`http://localhost/py/${name}`).then((answer) => answer.arrayBuffer());
  const [one, other] = await Promise.allSettled([asked, all.failed]);
  assert.equal(one.status, "rejected");
  assert.equal(other.status, "rejected");
  const words = (result: PromiseSettledResult<unknown>) => (result as PromiseRejectedResult).reason.message as string;
  assert.equal(words(one), words(other));
  return words(one);
}

for (const [what, answers, sentence] of [
  ["is missing", { "a.whl": () => new Response("", { status: 404 }) }, "a.whl could not be downloaded: the server answered 404."],
  ["was not kept, offline", { "a.whl": () => new Response("", { status: 503, statusText: "Offline" }) }, "a.whl could not be downloaded: there is no network, and this browser has not kept it."],
  ["meets no network", {}, "a.whl could not be downloaded (Failed to fetch)."],
  ["is cut short", { "a.whl": file(30, { "content-length": "100" }) }, "a.whl is cut short: 30 of 100 bytes arrived."],
] as [string, Answers, string][]) {
  test(`a file that ${what} is named`, async () => assert.equal(await failure(answers, "a.whl"), sentence));
}

/** Moves the clock on once everything that could happen has happened. */
async function pass(ms: number): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
  mock.timers.tick(ms);
}

test("an answer or a body that goes silent for twelve seconds is given up", async (context) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.after(() => mock.timers.reset());
  for (const answers of [{ "a.whl": () => new Promise<Response>(() => undefined) }, { "a.whl": stalled(300) }]) {
    const words = failure(answers, "a.whl");
    await pass(11_999);
    let over = false;
    void words.finally(() => (over = true));
    await pass(0);
    assert.equal(over, false);
    await pass(2);
    assert.equal(await words, "The download of a.whl stopped: nothing arrived for 12 seconds.");
  }
});

test("a module is waited for while other bytes arrive, and given up when none do", async (context) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.after(() => mock.timers.reset());
  let clock = 0;
  context.mock.method(performance, "now", () => clock);
  const { all } = downloads({});
  let failed = "";
  all.failed.catch((error: Error) => (failed = error.message));
  void all.patient(new Promise(() => undefined), "pyodide.mjs");
  const seconds = async (count: number) => {
    for (let i = 0; i < count * 2; i++) {
      clock += 500;
      await pass(500);
    }
  };
  await seconds(11);
  all.loaded += 1;
  await seconds(12);
  assert.equal(failed, "");
  await seconds(1);
  await pass(0);
  assert.equal(failed, "The download of pyodide.mjs stopped: nothing arrived for 12 seconds.");
});

test("a module that cannot be loaded is named", async () => {
  const { all } = downloads({});
  await assert.rejects(all.patient(Promise.reject(new Error("import failed")), "pyodide.mjs"), /^Error: pyodide.mjs could not be loaded: it is missing, damaged or blocked.$/);
  await assert.rejects(all.failed, /pyodide.mjs/);
});
