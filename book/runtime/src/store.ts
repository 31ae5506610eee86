/**
 * What the reader wrote, kept in IndexedDB (database "tinytorch", version 1) and told to other tabs.
 *
 * A write names the revision it started from. If another tab (or the notebook) has written since and
 * the text differs, no text is overwritten: the caller gets a conflict and the reader chooses. What
 * passed, and the rest of the law of merging, counts at once; see merging.ts.
 * Where IndexedDB is refused (private windows, full disks) the same store lives in memory, and
 * `Store.lasting` says so.
 */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { forgetKept, noteKept } from "./kept";
import { history, stays, written } from "./merging";
import type { AnswerRecord, ExerciseRecord, HistoryRecord, LabRecord, Why } from "./types";

const OPEN_MS = 4000;
const CLOSED = ["InvalidStateError", "UnknownError"]; // the second is Safari's word for a lost connection

interface Schema extends DBSchema {
  exercises: { key: string; value: ExerciseRecord };
  labs: { key: string; value: LabRecord };
  answers: { key: string; value: AnswerRecord };
  history: { key: number; value: HistoryRecord; indexes: { id: string } };
  meta: { key: string; value: { key: string; value: unknown } };
}

export type TextStore = "exercises" | "labs";
export type TextRecord = ExerciseRecord | LabRecord;
/** A record that a page holds and the database does not. */
export interface Unsaved {
  store: TextStore;
  record: TextRecord;
}
export type Everything = { exercises: ExerciseRecord[]; labs: LabRecord[]; answers: AnswerRecord[]; history: HistoryRecord[] };
export type Written<R> = { saved: R } | { conflict: R };
export interface News {
  store: string;
  id: string;
  rev: number;
  from: string;
}

type Kept = Schema[keyof Pick<Schema, "exercises" | "labs" | "answers" | "meta">]["value"];

/** The few operations both kinds of storage offer; `change` is one atomic read-then-write. */
interface Backend {
  get(store: string, id: string): Promise<any>;
  all(store: string): Promise<any[]>;
  change(store: string, id: string, decide: (old: any) => any | null): Promise<void>;
  addHistory(records: HistoryRecord[]): Promise<void>;
  clear(): Promise<void>;
}

class Disk implements Backend {
  constructor(private db: IDBPDatabase<Schema>) {}

  get(store: any, id: string): Promise<any> {
    return this.again((db) => db.get(store, id));
  }

  all(store: any): Promise<any[]> {
    return this.again((db) => db.getAll(store));
  }

  /** When the reader clears the site's data while the page is open, the browser closes the database; it is opened anew. */
  private async again<T>(work: (db: IDBPDatabase<Schema>) => Promise<T>): Promise<T> {
    try {
      return await work(this.db);
    } catch (error) {
      if (!CLOSED.includes((error as DOMException)?.name)) throw error;
      this.db = await withinTime(openDatabase(), OPEN_MS);
      return work(this.db);
    }
  }

  change(store: any, id: string, decide: (old: any) => any | null): Promise<void> {
    return this.again(async (db) => {
      const transaction = db.transaction(store, "readwrite");
      const next = decide(await transaction.store.get(id));
      if (next) await transaction.store.put!(next);
      await transaction.done;
    });
  }

  addHistory(records: HistoryRecord[]): Promise<void> {
    return this.again(async (db) => {
      const transaction = db.transaction("history", "readwrite");
      for (const id of new Set(records.map((record) => record.id))) {
        const past = await transaction.store.index("id").getAll(id);
        const kept = history([...past, ...records.filter((record) => record.id === id)]);
        for (const entry of past) if (!kept.includes(entry)) await transaction.store.delete(entry.n!);
        for (const entry of kept) if (!past.includes(entry)) await transaction.store.add(entry);
      }
      await transaction.done;
    });
  }

  clear(): Promise<void> {
    const names = ["exercises", "labs", "answers", "history", "meta"] as const;
    return this.again(async (db) => {
      const transaction = db.transaction(names, "readwrite");
      await Promise.all(names.map((name) => transaction.objectStore(name).clear()));
      await transaction.done;
    });
  }
}

class Memory implements Backend {
  private stores = new Map<string, Map<string, Kept>>();
  private past: HistoryRecord[] = [];

  private of(store: string): Map<string, Kept> {
    if (!this.stores.has(store)) this.stores.set(store, new Map());
    return this.stores.get(store)!;
  }

  async get(store: string, id: string) {
    return this.of(store).get(id);
  }

  async all(store: string) {
    return store === "history" ? [...this.past] : [...this.of(store).values()];
  }

  async change(store: string, id: string, decide: (old: any) => any | null) {
    const next = decide(this.of(store).get(id));
    if (next) this.of(store).set(id, next);
  }

  async addHistory(records: HistoryRecord[]) {
    this.past = history([...this.past, ...records]);
  }

  async clear() {
    this.stores.clear();
    this.past = [];
  }
}

export class Store extends EventTarget {
  readonly from = Math.random().toString(36).slice(2);
  private readonly channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("tinytorch") : null;

  /** `lasting` is false when everything is kept in memory only; `reason` says why, for the reader. */
  private constructor(
    private backend: Backend,
    public lasting: boolean,
    public reason: string,
  ) {
    super();
    this.channel?.addEventListener("message", ({ data }) => {
      if (data?.from !== this.from) this.dispatchEvent(new CustomEvent<News>("news", { detail: data }));
    });
  }

  static async open(): Promise<Store> {
    try {
      const db = await withinTime(openDatabase(), OPEN_MS);
      return new Store(new Disk(db), true, "");
    } catch (error) {
      return new Store(new Memory(), false, (error as Error)?.message || "the browser refused");
    }
  }

  exercise(id: string): Promise<ExerciseRecord | undefined> {
    return this.backend.get("exercises", id);
  }

  lab(id: string): Promise<LabRecord | undefined> {
    return this.backend.get("labs", id);
  }

  answer(id: string): Promise<AnswerRecord | undefined> {
    return this.backend.get("answers", id);
  }

  async meta<T>(key: string): Promise<T | undefined> {
    return (await this.backend.get("meta", key))?.value;
  }

  setMeta(key: string, value: unknown): Promise<void> {
    return this.backend.change("meta", key, () => ({ key, value }));
  }

  exercises(): Promise<ExerciseRecord[]> {
    return this.backend.all("exercises");
  }

  answers(): Promise<AnswerRecord[]> {
    return this.backend.all("answers");
  }

  async everything(): Promise<Everything> {
    const [exercises, labs, answers, history] = await Promise.all(["exercises", "labs", "answers", "history"].map((name) => this.backend.all(name)));
    return { exercises, labs, answers, history } as Everything;
  }

  /** Whether there is nothing of the reader's. */
  async isEmpty(): Promise<boolean> {
    const { exercises, labs, answers } = await this.everything();
    return !(exercises.length || labs.length || answers.length);
  }

  /** The texts that passed, for the Python session. */
  async accepted(): Promise<Record<string, string>> {
    const passed = (await this.exercises()).filter((record) => record.passed);
    return Object.fromEntries(passed.map((record) => [record.id, record.passed!.text]));
  }

  /** Writes a text record; where someone else moved it past `known` with a different text, that one stays. */
  async write<R extends TextRecord>(store: TextStore, record: R, known: number): Promise<Written<R>> {
    const mine = { ...record, updated: new Date().toISOString() };
    let outcome!: Written<R>;
    let lost: HistoryRecord[] = [];
    let rev = 0; // of what was stored
    await this.backend.change(store, record.id, (old: R | undefined) => {
      const { write, history, conflict } = written<R>(old, mine, known);
      outcome = conflict ? { conflict: write ?? old! } : { saved: write! };
      lost = history;
      rev = write?.rev ?? 0;
      return write;
    });
    if (lost.length) await this.keepHistory(lost);
    if (rev) this.tell(store, record.id, rev);
    return outcome;
  }

  /** Keeps an answer, unless the one that is kept is right and this one is not. */
  async putAnswer(record: AnswerRecord): Promise<void> {
    await this.backend.change("answers", record.id, (old) => (stays(old, record) ? null : record));
    this.tell("answers", record.id, 0);
  }

  addHistory(id: string, text: string, why: Why): Promise<void> {
    return this.keepHistory([{ id, text, why, at: new Date().toISOString() }]);
  }

  keepHistory(records: HistoryRecord[]): Promise<void> {
    return this.backend.addHistory(records.map(({ id, text, at, why }) => ({ id, text, at, why })));
  }

  /** Newest first. */
  async history(id: string): Promise<HistoryRecord[]> {
    const all: HistoryRecord[] = await this.backend.all("history");
    return history(all.filter((record) => record.id === id)).reverse();
  }

  async clear(): Promise<void> {
    await this.backend.clear();
    this.tell("all", "", 0);
  }

  /** Lets this page read everything anew; other tabs were told with each write. */
  changed(): void {
    this.dispatchEvent(new CustomEvent<News>("news", { detail: { store: "all", id: "", rev: 0, from: this.from } }));
  }

  private tell(store: string, id: string, rev: number): void {
    if (this.lasting) store === "all" ? forgetKept() : noteKept();
    this.channel?.postMessage({ store, id, rev, from: this.from } satisfies News);
  }
}

function openDatabase(): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>("tinytorch", 1, {
    upgrade(db) {
      db.createObjectStore("exercises", { keyPath: "id" });
      db.createObjectStore("labs", { keyPath: "id" });
      db.createObjectStore("answers", { keyPath: "id" });
      db.createObjectStore("history", { keyPath: "n", autoIncrement: true }).createIndex("id", "id");
      db.createObjectStore("meta", { keyPath: "key" });
    },
    // A newer page in another tab wants a newer schema: let it have the database.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
    },
  });
}

function withinTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the browser's storage did not answer")), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export type Persistence = "granted" | "asked" | "unknown";

/** Asks the browser not to throw the data away when space is short; some browsers decide silently. */
export async function askPersistence(): Promise<Persistence> {
  if (!navigator.storage?.persist) return "unknown";
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist()) ? "granted" : "asked";
  } catch {
    return "unknown";
  }
}
