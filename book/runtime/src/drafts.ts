/**
 * The last words of a page that is going away. IndexedDB answers too late then; localStorage writes at
 * once. The next page takes the draft out and treats it as typed.
 */

import { forget, recall, remember } from "./local";

export interface Draft {
  text: string;
  rev: number;
}

const key = (id: string) => `tinytorch-draft:${id}`;

export function note(id: string, text: string, rev: number): void {
  remember(key(id), { text, rev } satisfies Draft);
}

export function take(id: string): Draft | null {
  const noted = recall<Draft>(key(id));
  forget(key(id));
  return noted;
}
