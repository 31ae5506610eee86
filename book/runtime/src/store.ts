/**
 * What the reader wrote, kept in IndexedDB (database "tinytorch", version 1) and told to other tabs.
 *
 * A write names the revision it started from. If another tab (or the notebook) has written since and
 * the text differs, nothing is overwritten: the caller gets a conflict and the reader chooses.
 * Where IndexedDB is refused (private windows, full disks) the same store lives in memory, and
 * `Store.lasting` says so.
 */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { AnswerRecord, ExerciseRecord, HistoryRecord, LabRecord, Why } from "./types";

const OPEN_MS = 4000;
const HISTORY_KEPT = 20;
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
  addHistory(record: HistoryRecord): Promise<void>;
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

  addHistory(record: HistoryRecord): Promise<void> {
    return this.again(async (db) => {
      const transaction = db.transaction("history", "readwrite");
      await transaction.store.add(record);
      const keys = await transaction.store.index("id").getAllKeys(record.id);
      for (const key of keys.slice(0, Math.max(0, keys.length - HISTORY_KEPT))) await transaction.store.delete(key);
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
  private history: HistoryRecord[] = [];

  private of(store: string): Map<string, Kept> {
    if (!this.stores.has(store)) this.stores.set(store, new Map());
    return this.stores.get(store)!;
  }

  async get(store: string, id: string) {
    return this.of(store).get(id);
  }

  async all(store: string) {
    return store === "history" ? [...this.history] : [...this.of(store).values()];
  }

  async change(store: string, id: string, decide: (old: any) => any | null) {
    const next = decide(this.of(store).get(id));
    if (next) this.of(store).set(id, next);
  }

  async addHistory(record: HistoryRecord) {
    this.history.push({ ...record, n: (this.history.at(-1)?.n ?? 0) + 1 });
    const own = this.history.filter((entry) => entry.id === record.id);
    if (own.length > HISTORY_KEPT) this.history.splice(this.history.indexOf(own[0]!), 1);
  }

  async clear() {
    this.stores.clear();
    this.history = [];
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

  /** The texts that passed, for the Python session. */
  async accepted(): Promise<Record<string, string>> {
    const passed = (await this.exercises()).filter((record) => record.passed);
    return Object.fromEntries(passed.map((record) => [record.id, record.passed!.text]));
  }

  /** Writes a text record unless someone else moved it past `known` with a different text. */
  async write<R extends TextRecord>(store: TextStore, record: R, known: number): Promise<Written<R>> {
    let outcome!: Written<R>;
    await this.backend.change(store, record.id, (old: R | undefined) => {
      const rev = old?.rev ?? 0;
      if (old && rev !== known && old.text !== record.text) {
        outcome = { conflict: old };
        return null;
      }
      const saved = { ...record, ...keepPass(old, record, known), rev: rev + 1, updated: new Date().toISOString() };
      outcome = { saved };
      return saved;
    });
    if ("saved" in outcome) this.tell(store, record.id, outcome.saved.rev);
    return outcome;
  }

  async putAnswer(record: AnswerRecord): Promise<void> {
    await this.backend.change("answers", record.id, () => record);
    this.tell("answers", record.id, 0);
  }

  async addHistory(id: string, text: string, why: Why): Promise<void> {
    await this.backend.addHistory({ id, text, why, at: new Date().toISOString() });
  }

  /** Takes over an entry of a backup, unless the same text of that exercise is already there. */
  async keepHistory(record: HistoryRecord): Promise<void> {
    const known = await this.history(record.id);
    if (known.some((entry) => entry.text === record.text)) return;
    if (record.why !== "conflict" && known.length >= HISTORY_KEPT) return; // what is here is not pushed out by what a file brings
    await this.backend.addHistory({ id: record.id, text: record.text, at: record.at, why: record.why });
  }

  /** Newest first. */
  async history(id: string): Promise<HistoryRecord[]> {
    const all: HistoryRecord[] = await this.backend.all("history");
    return all.filter((record) => record.id === id).reverse();
  }

  async clear(): Promise<void> {
    await this.backend.clear();
    this.tell("all", "", 0);
  }

  private tell(store: string, id: string, rev: number): void {
    this.channel?.postMessage({ store, id, rev, from: this.from } satisfies News);
  }
}

/** Of two passes of one exercise the later one. */
export function later(one: ExerciseRecord["passed"], other: ExerciseRecord["passed"]): ExerciseRecord["passed"] {
  if (!one || !other) return one ?? other;
  return one.at > other.at ? one : other;
}

/** A pass that another tab recorded for the same text is not taken away by a writer who did not see it. */
function keepPass(old: TextRecord | undefined, record: TextRecord, known: number): Partial<ExerciseRecord> {
  if (!old || !("passed" in old) || !("passed" in record) || old.rev === known) return {};
  return record.passed || !old.passed ? {} : { passed: old.passed, state: old.state };
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
