/**
 * A lab: a measurement the reader makes, in an editor that starts with the chapter's code and output. And the page's
 * scratch editor, a lab that no chapter prints.
 */

import { Cell, type Page } from "./cell";
import { DataNote } from "./data";
import { announce, button, h, readData } from "./dom";
import type { Action, LabData, LabRecord, Outcome } from "./types";

/** A large file that has just come is written to the browser's cache while the code already runs. */
const STORED_AFTER_MS = 4000;

const SCRATCH = "# Try things here: tinytorch's names, your functions that passed, NumPy as np.";

/** The card of an editor for trying things, one a page; what is written in it is kept. */
export function scratch(chapter: string, tier: string): HTMLElement {
  const data = h("script", { type: "application/json", "data-role": "data" }, JSON.stringify({ id: `${chapter}.scratch`, starter: SCRATCH } satisfies LabData));
  const head = h("header", { class: "tt-head" }, h("p", { class: "tt-title" }, "Scratch editor"), h("span", { class: "tt-state", "data-role": "state" }), h("a", { class: "tt-link", href: "#scratch", "aria-label": "Link to the scratch editor" }, "#"));
  const parts = ["editor", "buttons", "output"].map((role) => h("div", { class: `tt-${role}`, "data-role": role }));
  return h("section", { class: "tt-lab", id: "scratch", "data-lab": `${chapter}.scratch`, "data-state": "idle", "data-tier": tier, "aria-label": "Scratch editor" }, head, ...parts, data);
}

export class Lab extends Cell<LabRecord> {
  protected readonly store = "labs";
  protected readonly label: string;
  private readonly printed: Node[];
  private readonly data: DataNote;

  constructor(host: HTMLElement, page: Page) {
    const { id, starter } = readData<LabData>(host);
    super(host, id, starter, page);
    this.label = id.endsWith(".scratch") ? "Code to try" : "Code of this measurement";
    this.printed = [...this.outputHost.childNodes];
    const run = button("Run", () => void this.act(this.mainAction()), "tt-button--primary");
    const reset = button("Reset", () => void this.reset());
    this.buttonHost.append(run, this.stopButton, reset, this.saveBadge);
    this.data = new DataNote(page.root, this.buttonHost);
    void this.data.show(this.text);
  }

  mainAction(): Action {
    return "cell";
  }

  protected makeRecord(): LabRecord {
    return { id: this.id, text: this.text, rev: 0, updated: "" };
  }

  protected adopt(record: LabRecord): void {
    void this.data.show(record.text);
  }

  protected override changed(text: string): void {
    super.changed(text);
    void this.data.show(text);
  }

  protected override async end(outcome: Outcome): Promise<void> {
    await super.end(outcome);
    for (const ms of [0, STORED_AFTER_MS]) setTimeout(() => void this.data.show(this.text), ms);
  }

  protected settle(outcome: Outcome): string {
    this.show(outcome.state);
    return outcome.error ? `Run ended with an error: ${outcome.error.sentence}` : "Run finished.";
  }

  /** The code and the output of the printed page come back; Ctrl-Z in the editor undoes it. */
  private async reset(): Promise<void> {
    if (this.running) return;
    await this.replaceText(this.starter, "reset");
    this.outputHost.replaceChildren(...this.printed);
    this.show("idle");
    announce("The code is as printed.");
  }
}
