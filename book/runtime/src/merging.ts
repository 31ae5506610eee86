/**
 * The law by which two copies of a reader's work become one.
 *
 * What a reader earned or wrote stays: a pass, a right answer and a milestone that was reached stay,
 * hints and solutions that were shown stay shown, and a text that does not become the current one goes
 * to the history, dated with what took its place. Merging once more gives the same.
 *
 * Terminal and notebook have the same law in tinytorch/learn/keeping/merging.py;
 * tests/learn/merging.json states it, case by case, for both.
 */

import type { AnswerRecord, ExerciseRecord, HistoryRecord, LabRecord, Passed, Why } from "./types";

const HISTORY_KEPT = 20; // entries of one id

type TextRecord = ExerciseRecord | LabRecord;
type Merged<R> = { record: R; history: HistoryRecord[] };

/** A text without the blanks and line ends at its end: a notebook adds a last line end of its own. */
function trimmed(text: string): string {
  return text.replace(/[ \t\r\n]+$/, "");
}

export function same(one: string, other: string): boolean {
  return trimmed(one) === trimmed(other);
}

/** Below 0 when the first field that differs is smaller in `one`. */
function compare(one: (string | number | boolean)[], other: (string | number | boolean)[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at < 0 ? 0 : one[at]! < other[at]! ? -1 : 1;
}

function laterPass(one: Passed | null, other: Passed | null): Passed | null {
  if (!one || !other) return one ?? other;
  const fields = (passed: Passed) => [passed.at, passed.text, passed.edition];
  return compare(fields(one), fields(other)) > 0 ? one : other;
}

/** The answer that counts: the right one, and of two alike the later. */
function betterAnswer(one: AnswerRecord, other: AnswerRecord): AnswerRecord {
  const fields = (answer: AnswerRecord) => [answer.right === true, answer.at, answer.answer, answer.right === null];
  return compare(fields(one), fields(other)) < 0 ? other : one;
}

/** Whether an answer that is kept outlasts a new one: what was right or reached once stays so. */
export function stays(old: AnswerRecord | undefined, answer: AnswerRecord): boolean {
  return Boolean(old?.right && !answer.right);
}

type Gains = Pick<ExerciseRecord, "passed" | "hints" | "solution">;

/** What counts of an exercise whichever text is the current one. */
export function gained(one: Gains, other: Gains): Gains {
  return { passed: laterPass(one.passed, other.passed), hints: Math.max(one.hints, other.hints), solution: one.solution || other.solution };
}

/** Two copies of an exercise; the text of `chosen` becomes the current one. */
export function mergedExercise(chosen: ExerciseRecord, other: ExerciseRecord, why: Why): Merged<ExerciseRecord> {
  const { record, history } = mergedText(chosen, other, why);
  Object.assign(record, gained(chosen, other));
  if (!record.passed) record.attempts = Math.max(chosen.attempts, other.attempts);
  if (same(chosen.text, other.text) && chosen.state === "idle" && other.state === "passed") record.state = "passed";
  return { record, history: [...history, ...outdone(chosen, other, record, record.updated, why)] };
}

/** Two copies of a lab; the text of `chosen` becomes the current one. */
export function mergedText<R extends TextRecord>(chosen: R, other: R, why: Why): Merged<R> {
  const record = { ...chosen, rev: Math.max(chosen.rev, other.rev) };
  const lost = same(other.text, chosen.text) ? [] : [{ id: record.id, text: other.text, at: record.updated, why }];
  return { record, history: lost };
}

export function mergedAnswer(mine: AnswerRecord, theirs: AnswerRecord, why: Why): Merged<AnswerRecord> {
  const record = betterAnswer(mine, theirs);
  const other = record === mine ? theirs : mine;
  const at = mine.at < theirs.at ? theirs.at : mine.at;
  return { record, history: same(other.answer, record.answer) ? [] : [{ id: record.id, text: other.answer, at, why }] };
}

/** The texts that passed and are neither the current text nor the pass that counts. */
function outdone(one: ExerciseRecord, other: ExerciseRecord, record: ExerciseRecord, at: string, why: Why): HistoryRecord[] {
  const stay = [record.text, record.passed?.text ?? ""];
  const passes = [one.passed, other.passed].flatMap((passed) => passed ?? []);
  const lost = passes.filter((passed) => !stay.some((text) => same(text, passed.text)));
  return lost.map(({ text }) => ({ id: record.id, text, at, why }));
}

function isExercise(record: TextRecord): record is ExerciseRecord {
  return "passed" in record;
}

/**
 * What a write does: the record to store, if any, and what goes to the history. Where somebody wrote
 * since the revision `known` and the texts differ, the stored text stays; what the writer gained counts
 * at once.
 */
export function written<R extends TextRecord>(old: R | undefined, record: R, known: number): { write: R | null; history: HistoryRecord[]; conflict: boolean } {
  if (!old) return { write: { ...record, rev: 1 }, history: [], conflict: false };
  const rev = old.rev + 1;
  const conflict = old.rev !== known && !same(old.text, record.text);
  if (!isExercise(old) || !isExercise(record)) return { write: conflict ? null : { ...record, rev }, history: [], conflict };
  if (old.rev === known) return { write: { ...record, ...gained(old, record), rev }, history: [], conflict };
  const [chosen, other] = conflict ? [old, record] : [record, old];
  const merged = mergedExercise(chosen, other, "conflict").record;
  const news = !conflict || merged.attempts !== old.attempts || merged.hints !== old.hints || merged.solution !== old.solution || !samePass(merged.passed, old.passed);
  return { write: news ? ({ ...merged, rev } as R) : null, history: outdone(old, record, merged, record.updated, "conflict"), conflict };
}

function samePass(one: Passed | null, other: Passed | null): boolean {
  return one === other || Boolean(one && other && one.text === other.text && one.edition === other.edition && one.at === other.at);
}

/** A history, the oldest first: each text of an id once, none blank, the latest of each id. */
export function history(entries: HistoryRecord[]): HistoryRecord[] {
  const rank = (entry: HistoryRecord) => [entry.at, entry.id, entry.why, entry.text];
  const inOrder = (some: Iterable<HistoryRecord>) => [...some].sort((one, other) => compare(rank(one), rank(other)));
  const latest = new Map<string, HistoryRecord>();
  for (const entry of inOrder(entries)) if (trimmed(entry.text)) latest.set(`${entry.id}\n${trimmed(entry.text)}`, entry);
  const counts = new Map<string, number>();
  const kept = inOrder(latest.values()).reverse().filter(({ id }) => {
    counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts.get(id)! <= HISTORY_KEPT;
  });
  return kept.reverse();
}
