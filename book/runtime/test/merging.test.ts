/** The law by which two copies of a reader's work become one, and files are read: the cases of tests/learn/merging.json. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { makeBackup, readBackup, restoreBackup, type Backup } from "../src/backup";
import { Store } from "../src/store";
import type { ExerciseRecord, HistoryRecord } from "../src/types";
import { openPage } from "./page";

openPage();

type List = "exercises" | "labs" | "answers" | "history";
type Lists = Record<List, any[]>;
type Copy = Partial<Lists>;
interface Table {
  defaults: Record<List, object>;
  merging: { name: string; mine: Copy; theirs: Copy; merged: Copy }[];
  writing: { name: string; old: object | null; record: object; known: number; stored: object; conflict?: boolean; history?: string[] }[];
  reading: { name: string; list: List; rows: unknown; read?: object[]; refused?: string }[];
}

const table: Table = JSON.parse(readFileSync("../../tests/learn/merging.json", "utf8"));
const LISTS = Object.keys(table.defaults) as List[];
const store = await Store.open();
beforeEach(() => store.clear());

const whole = (list: List, row: object) => ({ ...table.defaults[list], ...row }) as any;
const lists = (copy: Copy) => Object.fromEntries(LISTS.map((list) => [list, (copy[list] ?? []).map((row) => whole(list, row))])) as Lists;
const backup = (copy: Copy): Backup => ({ format: "tinytorch-backup", version: 1, saved: "", author: "", ...lists(copy) });
const trimmed = (text: string) => text.replace(/\s+$/, "");

/** What is kept, in the order of ids; the database's own numbers left out. */
async function kept(): Promise<Lists> {
  const all = await store.everything();
  const history = all.history.map(({ n, ...entry }) => entry);
  return { ...all, history };
}

function places(records: { id: string; text: string }[]): Set<string> {
  return new Set(records.map(({ id, text }) => `${id} ${trimmed(text)}`));
}

for (const { name, mine, theirs, merged } of table.merging) {
  for (const [here, file, way] of [[mine, theirs, "theirs into mine"], [theirs, mine, "mine into theirs"]] as const) {
    test(`restoring ${way}: ${name}`, async () => {
      await restoreBackup(store, backup(here));
      const expected = lists(merged);
      for (const _ of ["once", "again"]) {
        await restoreBackup(store, backup(file));
        const now = await kept();
        assert.deepEqual(now.answers, expected.answers);
        for (const list of ["exercises", "labs"] as const) {
          const texts = new Map(lists(file)[list].map((row) => [row.id, row.text]));
          const gains = ({ id, passed, hints, solution, text }: ExerciseRecord) => ({ id, passed, hints, solution, text: texts.get(id) ?? text });
          assert.deepEqual(now[list].map(gains), expected[list].map(gains));
          for (const row of now[list]) assert.equal(row.text, texts.get(row.id) ?? row.text);
        }
        const there = places([...now.history, ...now.exercises, ...now.labs]);
        for (const place of places([...expected.history, ...expected.exercises, ...expected.labs])) assert.ok(there.has(place), place);
        if (!expected.exercises.length && !expected.labs.length && !expected.answers.length) assert.deepEqual(byDate(now.history), expected.history);
      }
    });
  }
}

function byDate(history: HistoryRecord[]): HistoryRecord[] {
  return [...history].sort((one, other) => (one.at < other.at ? -1 : 1));
}

for (const { name, old, record, known, stored, conflict, history } of table.writing) {
  test(`writing: ${name}`, async () => {
    await seed(old && whole("exercises", old));
    const mine = whole("exercises", record) as ExerciseRecord;
    for (const time of conflict ? ["once", "again"] : ["once"]) {
      const result = await store.write("exercises", mine, known);
      assert.equal("conflict" in result, conflict ?? false);
      const { updated, ...there } = (await store.exercise(mine.id))!;
      const { updated: _, ...expected } = whole("exercises", stored);
      assert.deepEqual(there, expected, time);
      assert.deepEqual(Object.values(result)[0], { ...there, updated });
    }
    assert.deepEqual((await store.history(mine.id)).map((entry) => entry.text), history ?? []);
  });
}

/** Puts a record into the database as it is; its revision is one that nobody need have written. */
async function seed(record: ExerciseRecord | null): Promise<void> {
  if (!record) return;
  const request = indexedDB.open("tinytorch", 1);
  await new Promise((done, failed) => Object.assign(request, { onsuccess: done, onerror: failed }));
  const put = request.result.transaction("exercises", "readwrite").objectStore("exercises").put(record);
  await new Promise((done, failed) => Object.assign(put, { onsuccess: done, onerror: failed }));
  request.result.close();
}

for (const { name, list, rows, read, refused } of table.reading) {
  test(`reading: ${name}`, () => {
    const file = JSON.stringify({ format: "tinytorch-backup", version: 1, [list]: rows });
    if (refused) assert.throws(() => readBackup(file), (error: Error) => error.message.startsWith("The backup is damaged: ") && error.message.includes(refused));
    else assert.deepEqual(readBackup(file)[list], read!.map((row) => whole(list, row)));
  });
}

test("what is backed up is read back as it was", async () => {
  const everything = { exercises: [{ hints: 2 }], labs: [{}], answers: [{ right: true }], history: [{ text: "old" }] };
  await restoreBackup(store, backup(everything));
  const made = await makeBackup(store);
  const { history, ...rest } = readBackup(JSON.stringify(made));
  assert.deepEqual({ ...rest, history: made.history }, made);
  assert.deepEqual(history, lists(everything).history);
});
