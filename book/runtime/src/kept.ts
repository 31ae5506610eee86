/**
 * A mark outside the database that something was kept in it. A browser may empty the database when space
 * is short, and then only the mark can tell the reader that work is gone; see `gone`.
 */

import { forget, recall, remember } from "./local";

const KEY = "tinytorch-kept";

/** The day something was last written; `gone` from when the database is found empty until the reader has decided. */
interface Mark {
  day: string;
  gone?: boolean;
}

export function noteKept(): void {
  const [mark, day] = [recall<Mark>(KEY), new Date().toISOString().slice(0, 10)];
  if (mark?.gone || mark?.day === day) return;
  remember(KEY, { day } satisfies Mark);
}

/** The reader has cleared the storage, or has been told that it is gone. */
export function forgetKept(): void {
  forget(KEY);
}

/** The day of the last work that the browser removed; null where nothing is missing. `empty`: whether the database is. */
export function gone(empty: boolean): string | null {
  const mark = recall<Mark>(KEY);
  if (!mark) {
    if (!empty) noteKept(); // written by the notebook, or before there were marks
    return null;
  }
  if (empty && !mark.gone) remember(KEY, { ...mark, gone: true } satisfies Mark);
  return empty || mark.gone ? mark.day : null;
}
