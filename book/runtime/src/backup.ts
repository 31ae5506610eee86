/**
 * One file that holds everything the reader wrote: made, checked when it comes back, and merged so
 * that neither what is here nor what is in the file is lost. The hand-in file is its smaller sister.
 */

import { later, type Store } from "./store";
import type { AnswerRecord, ExerciseRecord, HistoryRecord, LabRecord } from "./types";

export interface Backup {
  format: "tinytorch-backup";
  version: 1;
  saved: string;
  author: string;
  exercises: ExerciseRecord[];
  labs: LabRecord[];
  answers: AnswerRecord[];
  history: HistoryRecord[];
}

export async function makeBackup(store: Store): Promise<Backup> {
  const author = (await store.meta<string>("author")) ?? "";
  return { format: "tinytorch-backup", version: 1, saved: new Date().toISOString(), author, ...(await store.everything()) };
}

export async function makeHandin(store: Store): Promise<object> {
  const passed = (await store.exercises()).filter((record) => record.passed);
  const exercises = passed.map(({ id, passed }) => ({ id, edition: passed!.edition, text: passed!.text, at: passed!.at }));
  const author = (await store.meta<string>("author")) ?? "";
  return { format: "tinytorch-handin", version: 1, saved: new Date().toISOString(), author, exercises, answers: await store.answers() };
}

const FIELDS: Record<"exercises" | "labs" | "answers" | "history", string[]> = {
  exercises: ["id", "text", "edition"],
  labs: ["id", "text"],
  answers: ["id"],
  history: ["id", "text", "why"],
};

/** The backup in a file's text, or an error that says what the file is instead. */
export function readBackup(text: string): Backup {
  let data: any;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("This file is not JSON, or it was cut short. Choose a backup file that this page made.");
  }
  if (data?.format === "tinytorch-handin") throw new Error("This is a hand-in file. It holds only what passed; to restore, choose a backup file.");
  if (data?.format !== "tinytorch-backup") throw new Error("This JSON file is not a TinyTorch backup.");
  if (data.version !== 1) throw new Error(`This backup has version ${data.version}; this site reads version 1. Reload the page to get the newest site.`);
  for (const [list, fields] of Object.entries(FIELDS)) checkList(data, list, fields);
  return { ...data, author: typeof data.author === "string" ? data.author : "" };
}

function checkList(data: any, list: string, fields: string[]): void {
  if (!Array.isArray(data[list])) throw new Error(`The backup is damaged: its list of ${list} is missing.`);
  data[list].forEach((record: any, index: number) => {
    const missing = fields.filter((field) => !["string", "number"].includes(typeof record?.[field]));
    if (missing.length) throw new Error(`The backup is damaged: entry ${index + 1} of its ${list} lacks ${missing.join(", ")}.`);
  });
}

function wellFormed(record: any): ExerciseRecord {
  const passed = typeof record.passed?.text === "string" ? { text: record.passed.text, edition: String(record.passed.edition ?? ""), at: String(record.passed.at ?? "") } : null;
  const state = ["idle", "passed", "failed", "error"].includes(record.state) ? record.state : "idle";
  const count = (value: unknown) => Math.max(0, Math.floor(Number(value) || 0));
  return { id: record.id, text: record.text, edition: String(record.edition), rev: 0, updated: "", attempts: count(record.attempts), hints: count(record.hints), solution: Boolean(record.solution), state, passed };
}

/** The file's text comes into the editors; a different text that was there goes to the earlier versions. */
async function restoreExercise(store: Store, record: ExerciseRecord): Promise<void> {
  const here = await store.exercise(record.id);
  if (here && here.text !== record.text) await store.addHistory(record.id, here.text, "restore");
  const passed = later(record.passed, here?.passed ?? null);
  const other = passed === record.passed ? here?.passed : record.passed;
  if (other && other.text !== passed?.text) await store.addHistory(record.id, other.text, "restore");
  const result = await store.write("exercises", { ...record, passed, hints: Math.max(record.hints, here?.hints ?? 0), solution: record.solution || (here?.solution ?? false) }, here?.rev ?? 0);
  if ("conflict" in result) await store.addHistory(record.id, record.text, "restore"); // written elsewhere in this very moment
}

async function restoreLab(store: Store, record: LabRecord): Promise<void> {
  const here = await store.lab(record.id);
  if (here && here.text !== record.text) await store.addHistory(record.id, here.text, "restore");
  await store.write("labs", { id: record.id, text: record.text, rev: 0, updated: "" }, here?.rev ?? 0);
}

/** Of two answers the later one stays; the other goes to the earlier versions. */
async function restoreAnswer(store: Store, record: AnswerRecord): Promise<void> {
  const answer = { id: record.id, answer: String(record.answer ?? ""), right: record.right ?? null, at: String(record.at ?? "") };
  const here = await store.answer(record.id);
  if (here && here.at > answer.at) return;
  if (here && String(here.answer) !== answer.answer) await store.addHistory(record.id, String(here.answer), "restore");
  await store.putAnswer(answer);
}

export async function restoreBackup(store: Store, backup: Backup): Promise<void> {
  for (const record of backup.history) await store.keepHistory(record);
  for (const record of backup.exercises) await restoreExercise(store, wellFormed(record));
  for (const record of backup.labs) await restoreLab(store, record);
  for (const record of backup.answers) await restoreAnswer(store, record);
  if (backup.author && !(await store.meta("author"))) await store.setMeta("author", backup.author);
}
