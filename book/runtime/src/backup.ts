/**
 * One file that holds everything the reader wrote: made, checked when it comes back, and merged so
 * that neither what is here nor what is in the file is lost. The hand-in file is its smaller sister.
 */

import { mergedAnswer, mergedExercise, mergedText } from "./merging";
import { download } from "./dom";
import { forgetKept } from "./kept";
import type { Session } from "./session";
import type { Store, Unsaved } from "./store";
import type { AnswerRecord, ExerciseRecord, HistoryRecord, LabRecord, Passed } from "./types";

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

/** Everything that is kept, and in its place what a page holds that could not be kept. */
export async function makeBackup(store: Store, unsaved: Unsaved[] = []): Promise<Backup> {
  const author = (await store.meta<string>("author")) ?? "";
  const all = await store.everything();
  for (const { store: kind, record } of unsaved) Object.assign(all, { [kind]: [...all[kind].filter(({ id }) => id !== record.id), record] });
  return { format: "tinytorch-backup", version: 1, saved: new Date().toISOString(), author, ...all };
}

export async function makeHandin(store: Store): Promise<object> {
  const passed = (await store.exercises()).filter((record) => record.passed);
  const exercises = passed.map(({ id, passed }) => ({ id, edition: passed!.edition, text: passed!.text, at: passed!.at }));
  const author = (await store.meta<string>("author")) ?? "";
  return { format: "tinytorch-handin", version: 1, saved: new Date().toISOString(), author, exercises, answers: await store.answers() };
}

const STATES = ["idle", "passed", "failed", "error"];

/** A row of the file: each field is there and of its kind, or the place is named. Null is as good as nothing. */
class Row {
  constructor(
    private readonly row: any,
    private readonly where: string,
  ) {
    if (typeof row !== "object" || row === null || Array.isArray(row)) this.refuse("", row, "an object");
  }

  has(key: string): boolean {
    return (this.row[key] ?? null) !== null;
  }

  /** A text; without a default it must be there. */
  text(key: string, other?: string): string {
    return this.one(key, other, "text", (value) => typeof value === "string");
  }

  count(key: string): number {
    return this.one(key, 0, "a whole number of 0 or more", (value) => Number.isSafeInteger(value) && value >= 0);
  }

  flag(key: string): boolean {
    return this.one(key, false, "true or false", (value) => typeof value === "boolean");
  }

  id(): string {
    return this.one("id", undefined, 'an id such as "01.memory_footprint"', (value) => typeof value === "string" && value !== "");
  }

  /** A run that was on ended with the page or the notebook that it ran in. */
  state(): ExerciseRecord["state"] {
    return this.one("state", "", `one of ${STATES.join(", ")}`, (value) => ["", "running", ...STATES].includes(value)).replace(/^(running)?$/, "idle");
  }

  inner(key: string): Row {
    return new Row(this.row[key], `${this.where}.${key}`);
  }

  private one(key: string, other: unknown, needed: string, fits: (value: any) => boolean): any {
    const value = this.row[key] ?? other;
    return fits(value) ? value : this.refuse(`.${key}`, value, needed);
  }

  private refuse(key: string, value: unknown, needed: string): never {
    const found = value === undefined ? "missing" : JSON.stringify(value).slice(0, 60);
    throw new Error(`The backup is damaged: ${this.where}${key} is ${found}; needed is ${needed}.`);
  }
}

function readPass(row: Row): Passed {
  return { text: row.text("text"), edition: row.text("edition", ""), at: row.text("at", "") };
}

function readLab(row: Row): LabRecord {
  return { id: row.id(), text: row.text("text"), rev: row.count("rev"), updated: row.text("updated", "") };
}

function readExercise(row: Row): ExerciseRecord {
  const shown = { attempts: row.count("attempts"), hints: row.count("hints"), solution: row.flag("solution") };
  return { ...readLab(row), edition: row.text("edition", ""), ...shown, state: row.state(), passed: row.has("passed") ? readPass(row.inner("passed")) : null };
}

/** The notebook once kept the number of a choice as a number; a form shows text. */
function readAnswer(row: Row, { answer }: { answer?: unknown }): AnswerRecord {
  const given = typeof answer === "number" ? String(answer) : row.text("answer", "");
  return { id: row.id(), answer: given, right: row.has("right") ? row.flag("right") : null, at: row.text("at", "") };
}

function readPast(row: Row): HistoryRecord {
  return { id: row.id(), text: row.text("text"), at: row.text("at", ""), why: row.text("why", "") };
}

function rows<R>(data: any, list: string, read: (row: Row, plain: any) => R): R[] {
  const found = data[list] === undefined ? [] : data[list];
  if (!Array.isArray(found)) throw new Error(`The backup is damaged: ${list} is ${JSON.stringify(found).slice(0, 60)}; needed is a list.`);
  return found.map((row, index) => read(new Row(row, `${list}[${index}]`), row));
}

/** The backup in a file's text, or an error that says what the file is instead. */
export function readBackup(text: string): Backup {
  let data: any;
  try {
    data = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new Error("This file is not JSON, or it was cut short. Choose a backup file that this page made.");
  }
  if (data?.format === "tinytorch-handin") throw new Error("This is a hand-in file. It holds only what passed; to restore, choose a backup file.");
  if (data?.format !== "tinytorch-backup") throw new Error("This JSON file is not a TinyTorch backup.");
  if (data.version !== 1) throw new Error(`This backup has version ${data.version}; this site reads version 1. Reload the page to get the newest site.`);
  const file = new Row(data, "The file");
  const [exercises, labs] = [rows(data, "exercises", readExercise), rows(data, "labs", readLab)];
  const [answers, history] = [rows(data, "answers", readAnswer), rows(data, "history", readPast)];
  return { format: data.format, version: data.version, saved: String(data.saved ?? ""), author: file.text("author", ""), exercises, labs, answers, history };
}

/** The file's text comes into the editors; a different text that was there goes to the earlier versions. */
async function restoreExercise(store: Store, theirs: ExerciseRecord): Promise<void> {
  const here = await store.exercise(theirs.id);
  const { record, history } = here ? mergedExercise(theirs, here, "restore") : { record: theirs, history: [] };
  if (history.length) await store.keepHistory(history);
  const result = await store.write("exercises", record, here?.rev ?? 0);
  if ("conflict" in result) await store.addHistory(theirs.id, theirs.text, "restore"); // written elsewhere in this very moment
}

async function restoreLab(store: Store, theirs: LabRecord): Promise<void> {
  const here = await store.lab(theirs.id);
  const { record, history } = here ? mergedText(theirs, here, "restore") : { record: theirs, history: [] };
  if (history.length) await store.keepHistory(history);
  const result = await store.write("labs", record, here?.rev ?? 0);
  if ("conflict" in result) await store.addHistory(theirs.id, theirs.text, "restore");
}

async function restoreAnswer(store: Store, theirs: AnswerRecord): Promise<void> {
  const here = await store.answer(theirs.id);
  const { record, history } = here ? mergedAnswer(here, theirs, "restore") : { record: theirs, history: [] };
  if (history.length) await store.keepHistory(history);
  if (record !== here) await store.putAnswer(record);
}

/** The law of merging.ts, with the file's texts as the current ones, whatever their dates. */
export async function restoreBackup(store: Store, backup: Backup): Promise<void> {
  const updated = new Date().toISOString();
  await store.keepHistory(backup.history);
  for (const record of backup.exercises) await restoreExercise(store, { ...record, updated });
  for (const record of backup.labs) await restoreLab(store, { ...record, updated });
  for (const record of backup.answers) await restoreAnswer(store, record);
  if (backup.author && !(await store.meta("author"))) await store.setMeta("author", backup.author);
}

export async function saveFile(kind: "backup" | "hand-in", content: Promise<object>): Promise<string> {
  const name = `tinytorch-${kind}-${new Date().toISOString().slice(0, 10)}.json`;
  try {
    download(name, JSON.stringify(await content, null, 1), "application/json");
    return `${name} is in your downloads.`;
  } catch (error) {
    return `The file could not be made: the browser's storage could not be read (${(error as Error).message}).`;
  }
}

/** Brings back what is in the file that the reader chose; returns what to tell. */
export async function restoreFile(store: Store, session: Session, input: HTMLInputElement): Promise<string> {
  const file = input.files?.[0];
  if (!file) return "No file was chosen.";
  try {
    const backup = readBackup(await file.text());
    await restoreBackup(store, backup);
    await session.restore(await store.accepted());
    forgetKept(); // nothing is missing any more
    store.changed();
    return `Restored ${backup.exercises.length} exercises of ${backup.saved.slice(0, 10)}. Code that was here and differed is among the earlier versions of its exercise.`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    input.value = "";
  }
}
