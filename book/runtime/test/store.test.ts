/** The reader's storage: kept over pages, told to other tabs, honest when it refuses. What merging does: merging.test.ts. */

import assert from "node:assert/strict";
import { beforeEach, mock, test, type TestContext } from "node:test";
import { forgetKept, gone } from "../src/kept";
import { Saving } from "../src/saving";
import { askPersistence, Store, type News } from "../src/store";
import type { ExerciseRecord } from "../src/types";
import { openPage } from "./page";

openPage();
const store = await Store.open();
beforeEach(() => store.clear());

function record(text: string, more: Partial<ExerciseRecord> = {}): ExerciseRecord {
  return { id: "01.x", text, edition: "e", rev: 0, updated: "", attempts: 0, hints: 0, solution: false, state: "idle", passed: null, ...more };
}

const passed = (text: string) => ({ text, edition: "e", at: "2026-01-01" });

/** What a store hears from the others while some work is done, of which so many are waited for. */
async function news(of: Store, count: number, work: () => Promise<unknown>): Promise<News[]> {
  const heard: News[] = [];
  const listen = (event: Event) => heard.push((event as CustomEvent<News>).detail);
  of.addEventListener("news", listen);
  await work();
  for (let i = 0; i < 200 && heard.length < count; i++) await new Promise((done) => setTimeout(done, 10));
  await new Promise((done) => setTimeout(done, 30)); // and whether there are more
  of.removeEventListener("news", listen);
  return heard;
}

test("what is written is there on the next page", async () => {
  const before = new Date().toISOString();
  const { saved } = (await store.write("exercises", record("a"), 0)) as { saved: ExerciseRecord };
  assert.ok(saved.rev === 1 && saved.updated >= before);
  await store.write("labs", { id: "01.lab", text: "b", rev: 0, updated: "" }, 0);
  await store.putAnswer({ id: "01.q", answer: "12", right: false, at: "2026" });
  await store.setMeta("author", "Ada");
  const next = await Store.open();
  assert.ok(next.lasting);
  assert.deepEqual(await next.exercise("01.x"), saved);
  assert.equal((await next.lab("01.lab"))!.text, "b");
  assert.equal((await next.answer("01.q"))!.answer, "12");
  assert.equal(await next.meta("author"), "Ada");
  assert.equal(await next.exercise("01.y"), undefined);
});

test("two tabs: who comes second is told of the other's text, writes nothing over it, and may then choose its own", async () => {
  const [one, two] = [store, await Store.open()];
  await one.write("exercises", record("both know this"), 0);
  await one.write("exercises", record("from one"), 1);
  for (const kind of ["exercises", "labs"] as const) {
    if (kind === "labs") for (const known of [0, 1]) await one.write("labs", { id: "01.x", text: `from one ${known}`, rev: 0, updated: "" }, known);
    const late = kind === "exercises" ? record("from two") : { id: "01.x", text: "from two", rev: 0, updated: "" };
    const told = (await two.write(kind, late, 1)) as { conflict: ExerciseRecord };
    assert.match(told.conflict.text, /^from one/);
    const chosen = (await two.write(kind, late, told.conflict.rev)) as { saved: ExerciseRecord };
    assert.deepEqual([chosen.saved.text, chosen.saved.rev], ["from two", 3]);
  }
});

test("a write is told to the other tabs, and only to them; what was refused is not", async () => {
  const other = await Store.open();
  const own = await news(store, 0, async () => {
    const heard = await news(other, 3, async () => {
      await store.write("exercises", record("a"), 0);
      await store.write("exercises", record("b"), 7);
      await store.putAnswer({ id: "01.q", answer: "1", right: null, at: "2026" });
      await store.clear();
    });
    assert.deepEqual(heard.map(({ store, id, rev }) => [store, id, rev]), [["exercises", "01.x", 1], ["answers", "01.q", 0], ["all", "", 0]]);
  });
  assert.deepEqual(own, []);
});

test("a pass in a tab whose text must wait is told to the others", async () => {
  const other = await Store.open();
  await other.write("exercises", record("theirs"), 0);
  const heard = await news(other, 1, () => store.write("exercises", record("mine", { passed: passed("mine") }), 0));
  assert.deepEqual(heard.map(({ id, rev }) => [id, rev]), [["01.x", 2]]);
});

test("only what passed goes to Python, in the text that passed", async () => {
  await store.write("exercises", record("typed on", { passed: passed("that passed") }), 0);
  await store.write("exercises", record("never passed", { id: "01.y" }), 0);
  assert.deepEqual(await store.accepted(), { "01.x": "that passed" });
});

test("earlier texts come newest first, each exercise's own", async () => {
  for (const text of ["one", "two", "three", "one"]) {
    await store.addHistory("01.x", text, "reset");
    await new Promise((done) => setTimeout(done, 2));
  }
  await store.addHistory("01.y", "other", "reset");
  assert.deepEqual((await store.history("01.x")).map((entry) => entry.text), ["one", "three", "two"]);
});

test("clearing takes everything away, the name too", async () => {
  await store.write("exercises", record("a"), 0);
  await store.addHistory("01.x", "b", "reset");
  await store.setMeta("author", "Ada");
  await store.clear();
  assert.deepEqual(await store.everything(), { exercises: [], labs: [], answers: [], history: [] });
  assert.equal(await store.meta("author"), undefined);
});

test("when the browser closes the database, as on clearing the site's data, it is opened anew", async () => {
  const fresh = await Store.open();
  await fresh.write("exercises", record("a"), 0);
  (fresh as any).backend.db.close();
  assert.equal((await fresh.exercise("01.x"))!.text, "a");
  (fresh as any).backend.db.close();
  assert.ok("saved" in (await fresh.write("exercises", record("b"), 1)));
});

const full = () => {
  throw new DOMException("the disk is full", "QuotaExceededError");
};

test("on a full disk a write fails, what was there stays, and the card says why, with a backup to download, until a write succeeds", async (context) => {
  await store.write("exercises", record("a"), 0);
  const puts = context.mock.method(IDBObjectStore.prototype, "put", full);
  const failure = await store.write("exercises", record("b"), 1).catch((error: Error) => error);
  puts.mock.restore();
  assert.equal((await store.exercise("01.x"))!.text, "a");

  const [row, badge] = [document.createElement("div"), document.createElement("span")];
  document.body.append(row);
  row.append(badge);
  let backups = 0;
  const saving = new Saving(true, async () => `backup ${++backups} is in your downloads.`);
  for (const _ of ["once", "again"]) {
    saving.set("01.x", "unsaved", badge);
    saving.failed("01.x", failure, row);
  }
  assert.deepEqual([badge.textContent, document.documentElement.dataset.saved], ["Not saved", "unsaved"]);
  const notes = () => [...document.querySelectorAll(".tt-note--storage")];
  const sentence = "This could not be saved: the browser's storage is full. It is here only as long as the page is open. A backup holds it, too.";
  assert.deepEqual(notes().map((note) => note.querySelector("p")!.textContent), [sentence]); // for all to see
  assert.equal(document.querySelector(".tt-status")!.textContent, sentence);
  notes()[0]!.querySelector("button")!.click();
  await new Promise((done) => setTimeout(done, 5));
  assert.equal(notes()[0]!.querySelector("p")!.textContent, "backup 1 is in your downloads.");
  assert.ok("saved" in (await store.write("exercises", record("b"), 1)));
  saving.set("01.x", "saved", badge);
  assert.equal(notes().length, 0);
  assert.equal(document.documentElement.dataset.saved, "saved");
});

test("work that the browser removed is missed until the reader has decided; what the reader cleared is not", async () => {
  const day = new Date().toISOString().slice(0, 10);
  const look = async () => gone(await store.isEmpty());
  localStorage.clear();
  assert.equal(await look(), null); // a new reader
  await store.write("labs", { id: "01.lab", text: "a", rev: 0, updated: "" }, 0);
  assert.equal(await look(), null);
  await (store as any).backend.clear(); // as a browser does it: without telling
  assert.equal(await look(), day);
  await store.write("exercises", record("anew"), 0);
  assert.equal(await look(), day, "still, on the next page");
  forgetKept();
  assert.equal(await look(), null);
  await store.clear();
  assert.equal(await look(), null);
  await (store as any).backend.change("answers", "01.q", () => ({ id: "01.q", answer: "1", right: true, at: "" })); // by the notebook
  assert.equal(await look(), null);
  await (store as any).backend.clear();
  assert.equal(await look(), day);
  localStorage.clear();
});

/** Where nothing can be kept everything works as long as the page is open, by the same law. */
async function worksInMemory(memory: Store, reason: RegExp): Promise<void> {
  assert.equal(memory.lasting, false);
  assert.match(memory.reason, reason);
  assert.ok("saved" in (await memory.write("exercises", record("a", { passed: passed("a") }), 0)));
  assert.ok("conflict" in (await memory.write("exercises", record("b"), 0)));
  await memory.addHistory("01.x", "old", "reset");
  await memory.addHistory("01.x", "old", "reset");
  await memory.putAnswer({ id: "01.q", answer: "1", right: true, at: "2026" });
  await memory.putAnswer({ id: "01.q", answer: "2", right: false, at: "2027" });
  assert.equal((await memory.history("01.x")).length, 1);
  assert.equal((await memory.answer("01.q"))!.answer, "1");
  assert.deepEqual(await memory.accepted(), { "01.x": "a" });
  await memory.clear();
  assert.deepEqual(await memory.everything(), { exercises: [], labs: [], answers: [], history: [] });
}

test("a browser that refuses storage, as in a private window, keeps everything in memory and says why", async (context) => {
  context.mock.method(indexedDB, "open", () => {
    throw new DOMException("The user denied permission", "SecurityError");
  });
  await worksInMemory(await Store.open(), /denied permission/);
  const saving = new Saving(false, async () => "");
  const badge = document.createElement("span");
  saving.set("01.x", "saved", badge);
  assert.deepEqual([badge.textContent, document.documentElement.dataset.saved], ["Kept only while this page is open", "unavailable"]);
});

test("a storage that never answers is given up after four seconds", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  context.mock.method(indexedDB, "open", () => new IDBOpenDBRequest());
  const opening = Store.open();
  let open = false;
  void opening.then(() => (open = true));
  mock.timers.tick(3999);
  await new Promise((done) => setImmediate(done));
  assert.equal(open, false);
  mock.timers.tick(1);
  await worksInMemory(await opening, /did not answer/);
});

test("whether the browser will keep the data is asked for, and not knowing is no failure", async (context: TestContext) => {
  const set = (storage: object | undefined) => Object.defineProperty(globalThis, "navigator", { configurable: true, value: { storage } });
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator")!;
  context.after(() => Object.defineProperty(globalThis, "navigator", before));
  const answers = (persisted: boolean, persist: boolean) => ({ persisted: async () => persisted, persist: async () => persist });
  for (const [storage, said] of [
    [answers(true, false), "granted"],
    [answers(false, true), "granted"],
    [answers(false, false), "asked"],
    [{ persisted: async () => Promise.reject(new Error("no")), persist: async () => true }, "unknown"],
    [{}, "unknown"],
    [undefined, "unknown"],
  ] as const) {
    set(storage);
    assert.equal(await askPersistence(), said);
  }
});
