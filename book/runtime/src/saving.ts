/**
 * Whether what the reader wrote is safe, for the whole page: `html[data-saved]` and the words in
 * each card. The worst state of all cards is the page's.
 */

import { announce } from "./dom";

export type Saved = "saved" | "saving" | "unsaved" | "unavailable";

const WORST_FIRST: Saved[] = ["unavailable", "unsaved", "saving", "saved"];
const WORDS: Record<Saved, string> = {
  saved: "Saved",
  saving: "Saving",
  unsaved: "Not saved",
  unavailable: "Kept only while this page is open",
};

export class Saving {
  private readonly states = new Map<string, Saved>();
  private told = false;

  constructor(private readonly lasting: boolean) {
    this.show();
  }

  set(id: string, state: Saved, place: HTMLElement): void {
    const shown = this.lasting || state === "unsaved" ? state : "unavailable";
    this.states.set(id, shown);
    place.textContent = WORDS[shown];
    place.dataset.saved = shown;
    this.show();
  }

  /** A failed write is told once in the status region, and stands in the card until it is mended. */
  failed(error: unknown): void {
    const full = (error as DOMException)?.name === "QuotaExceededError";
    const why = full ? "the browser's storage is full" : "the browser refused";
    if (!this.told) announce(`Your text could not be saved: ${why}. Download a backup on the progress page, or copy your text.`);
    this.told = true;
  }

  private show(): void {
    const all = new Set(this.states.values());
    if (!this.lasting) all.add("unavailable");
    document.documentElement.dataset.saved = WORST_FIRST.find((state) => all.has(state)) ?? "saved";
  }
}
