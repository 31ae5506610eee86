/**
 * A text that passed and was broken since. The version that passed goes on running, and every check and program that
 * depends on it says so. The rule is that of tinytorch/learn/keeping/standing.py, case by case in tests/learn/behind.json.
 */

import { same } from "./merging";
import type { ExerciseRecord, Outcome, SiteCatalog, SiteChapter } from "./types";

type Course = { exercises: { id: string; symbol: string }[] } & Pick<SiteChapter, "id" | "requires">;

/** Passed once, changed since, and the change did not pass when it was tried. */
export function isBehind({ state, text, passed }: Pick<ExerciseRecord, "state" | "text" | "passed">): boolean {
  return passed !== null && (state === "failed" || state === "error") && !same(text, passed.text);
}

/** The exercises that a check depends on: the others of its chapter and those of all chapters below it. */
export function neededBy(id: string, chapters: Course[]): string[] {
  const below = new Set([id.split(".")[0]!]);
  for (const one of below) for (const number of chapters.find((chapter) => chapter.id === one)?.requires ?? []) below.add(String(number).padStart(2, "0"));
  return chapters.filter((chapter) => below.has(chapter.id)).flatMap(({ exercises }) => exercises.map((exercise) => exercise.id).filter((other) => other !== id));
}

export function behindWords(ids: string[], chapters: Course[]): string {
  if (!ids.length) return "";
  const names = chapters.flatMap(({ id, exercises }) => exercises.filter((exercise) => ids.includes(exercise.id)).map(({ symbol }) => `\`${symbol.split(":")[1]}\` (chapter ${id})`));
  const changed = ids.length === 1 ? "has been changed since it passed and does not pass as it stands there now. The version that passed runs here." : "have been changed since they passed and do not pass as they stand there now. The versions that passed run here.";
  return `Your ${names.join(", ")} ${changed}`;
}

/** What to say below an outcome. The list of chapters is fetched only when there may be something to say. */
export async function saidBehind(outcome: Outcome, records: ExerciseRecord[], catalog: () => Promise<SiteCatalog>): Promise<string> {
  const behind = records.filter(isBehind).map(({ id }) => id);
  if (!behind.length || !["check", "milestone"].includes(outcome.action)) return "";
  const { chapters } = await catalog();
  const needed = outcome.action === "milestone" ? outcome.credits.map(({ id }) => id) : neededBy(outcome.id, chapters);
  return behindWords(behind.filter((id) => needed.includes(id)), chapters);
}
