/**
 * Whether what the reader wrote is safe, for the whole page: `html[data-saved]` and the words in
 * each card. The worst state of all cards is the page's.
 */

import { announce, button, h } from "./dom";

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
  private readonly notes = new Map<string, HTMLElement>();

  /** `backup` downloads everything that is kept and what this page holds besides; it resolves with words for the reader. */
  constructor(
    private readonly lasting: boolean,
    private readonly backup: () => Promise<string>,
  ) {
    this.show();
  }

  set(id: string, state: Saved, place: HTMLElement): void {
    const shown = this.lasting || state === "unsaved" ? state : "unavailable";
    this.states.set(id, shown);
    place.textContent = WORDS[shown];
    place.dataset.saved = shown;
    if (state === "saved") this.mended(id);
    this.show();
  }

  /** A failed write: the reason, and what to do, stand below `row` until the write has succeeded. */
  failed(id: string, error: unknown, row: Element): void {
    if (this.notes.get(id)?.isConnected) return;
    const full = (error as DOMException)?.name === "QuotaExceededError";
    const why = full ? "the browser's storage is full" : `the browser refused (${(error as Error)?.message ?? error})`;
    const sentence = `This could not be saved: ${why}. It is here only as long as the page is open. A backup holds it, too.`;
    const words = h("p", {}, sentence);
    const tell = (told: string) => announce((words.textContent = told));
    const note = h("div", { class: "tt-note tt-note--storage" }, words, h("p", { class: "tt-choices" }, button("Download a backup", () => void this.backup().then(tell))));
    this.notes.set(id, note);
    row.after(note);
    announce(sentence);
  }

  mended(id: string): void {
    this.notes.get(id)?.remove();
    this.notes.delete(id);
  }

  private show(): void {
    const all = new Set(this.states.values());
    if (!this.lasting) all.add("unavailable");
    document.documentElement.dataset.saved = WORST_FIRST.find((state) => all.has(state)) ?? "saved";
  }
}
