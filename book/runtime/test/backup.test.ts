/** One file of everything: made, refused when it is something else, restored. What merging does: merging.test.ts. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { makeBackup, makeHandin, readBackup, restoreBackup, type Backup } from "../src/backup";
import { Store } from "../src/store";
import type { ExerciseRecord } from "../src/types";
import { openPage } from "./page";

openPage();
const store = await Store.open();
beforeEach(() => store.clear());

const record = (text: string, more: Partial<ExerciseRecord> = {}): ExerciseRecord => ({ id: "01.x", text, edition: "e", rev: 1, updated: "2026-01-01", attempts: 0, hints: 0, solution: false, state: "idle", passed: null, ...more });
const backup = (more: Partial<Backup> = {}): Backup => ({ format: "tinytorch-backup", version: 1, saved: "", author: "", exercises: [], labs: [], answers: [], history: [], ...more });

for (const [what, text, words] of [
  ["is cut short", JSON.stringify(backup()).slice(0, 30), /not JSON, or it was cut short/],
  ["is empty", "", /not JSON/],
  ["is a picture", "\u0089PNG\r\n", /not JSON/],
  ["is a hand-in", '{"format": "tinytorch-handin", "version": 1}', /hand-in file. It holds only what passed/],
  ["is something else", '{"format": "something else"}', /not a TinyTorch backup/],
  ["is no object", "[1]", /not a TinyTorch backup/],
  ["is nothing", "null", /not a TinyTorch backup/],
  ["is of a newer site", '{"format": "tinytorch-backup", "version": 99}', /has version 99; this site reads version 1/],
  ["has a name that is none", JSON.stringify({ ...backup(), author: 7 }), /author is 7/],
] as const) {
  test(`a file that ${what} is refused with a sentence`, () => assert.throws(() => readBackup(text), words));
}

test("a file that an editor has saved with a byte order mark is read", () => {
  assert.equal(readBackup(`\uFEFF${JSON.stringify(backup({ author: "Ada" }))}`).author, "Ada");
});

test("what was made in one browser is there in another, and a further backup says the same", async () => {
  await store.setMeta("author", "Ada");
  await store.write("exercises", record("now", { passed: { text: "passed", edition: "e", at: "2026" }, hints: 2, solution: true, attempts: 1, state: "failed" }), 0);
  await store.write("labs", { id: "01.lab", text: "lab", rev: 0, updated: "" }, 0);
  await store.putAnswer({ id: "01.q", answer: "Größe, 大きさ", right: null, at: "2026" });
  await store.addHistory("01.x", "earlier", "reset");
  const made = await makeBackup(store);
  await store.clear();
  await restoreBackup(store, readBackup(JSON.stringify(made)));
  const timeless = ({ saved, ...rest }: Backup) => JSON.parse(JSON.stringify(rest, (key, value) => (["updated", "n"].includes(key) ? undefined : value)));
  assert.deepEqual(timeless(await makeBackup(store)), timeless(made));
});

test("the name of a backup fills an empty one and replaces none", async () => {
  await restoreBackup(store, backup({ author: "Ada" }));
  assert.equal(await store.meta("author"), "Ada");
  await restoreBackup(store, backup({ author: "Grace" }));
  assert.equal(await store.meta("author"), "Ada");
});

test("a text that is written elsewhere while the file is read in stays, and the file's goes to the earlier versions", async (context) => {
  await store.write("exercises", record("seen"), 0);
  await store.write("labs", { id: "01.x", text: "seen", rev: 0, updated: "" }, 0);
  const tab = await Store.open();
  for (const [name, kind] of [["exercise", "exercises"], ["lab", "labs"]] as const) {
    context.mock.method(store, name, async () => {
      const here = await tab[name]("01.x");
      await tab.write(kind, { ...(here as ExerciseRecord), text: `from the other tab, ${kind}` }, here!.rev);
      return here;
    });
  }
  await restoreBackup(store, backup({ exercises: [record("of the file")], labs: [{ id: "01.x", text: "lab of the file", rev: 1, updated: "" }] }));
  context.mock.restoreAll();
  assert.equal((await store.exercise("01.x"))!.text, "from the other tab, exercises");
  assert.equal((await store.lab("01.x"))!.text, "from the other tab, labs");
  const texts = (await store.history("01.x")).map((entry) => entry.text);
  assert.ok(texts.includes("of the file") && texts.includes("lab of the file"));
});

test("when the disk is full while the file is read in, that is said, and what was here is still here", async (context) => {
  await store.write("exercises", record("mine"), 0);
  const puts = context.mock.method(IDBObjectStore.prototype, "put", () => {
    throw new DOMException("the disk is full", "QuotaExceededError");
  });
  await assert.rejects(restoreBackup(store, backup({ exercises: [record("of the file")] })), /disk is full/);
  puts.mock.restore();
  assert.equal((await store.exercise("01.x"))!.text, "mine");
});

test("a hand-in holds what passed, in the text that passed, and the answers", async () => {
  await store.setMeta("author", "Ada");
  await store.write("exercises", record("typed on", { passed: { text: "passed", edition: "e0", at: "2026" } }), 0);
  await store.write("exercises", record("not passed", { id: "01.y" }), 0);
  await store.putAnswer({ id: "01.q", answer: "12", right: true, at: "2026" });
  const { saved, ...handin } = (await makeHandin(store)) as { saved: string };
  assert.deepEqual(handin, { format: "tinytorch-handin", version: 1, author: "Ada", exercises: [{ id: "01.x", edition: "e0", text: "passed", at: "2026" }], answers: [{ id: "01.q", answer: "12", right: true, at: "2026" }] });
});

test("a backup that an old version made restores with all that it holds", async () => {
  const text = readFileSync("../../tests/learn/backup_of_old.json", "utf8"); // of commit 0fdd89d; tests/cli/test_work.py says what is in it
  const made = JSON.parse(text) as Backup;
  await restoreBackup(store, readBackup(text));
  const now = await makeBackup(store);
  const passes = ({ exercises }: Backup) => Object.fromEntries(exercises.map(({ id, text, passed }) => [id, { text, passed }]));
  assert.ok(made.exercises.length === 12 && made.exercises.every((exercise) => exercise.passed));
  assert.deepEqual(passes(now), passes(made));
  assert.deepEqual(await store.accepted(), Object.fromEntries(made.exercises.map(({ id, passed }) => [id, passed!.text])));
  const answers = ({ answers }: Backup) => Object.fromEntries(answers.map(({ id, answer, right }) => [id, [String(answer), right]]));
  assert.deepEqual(answers(now), answers(made));
  assert.deepEqual(new Set(now.history.map((entry) => entry.text)), new Set(made.history.map((entry) => entry.text)));
  assert.equal(now.author, "Ada Lovelace");
});
