/**
 * What an exercise and a lab have in common: an editor whose text is kept, a row of buttons, an
 * output area, and runs in the page's one Python session.
 */

import { saidBehind } from "./behind";
import { stageWords } from "./boot";
import { asksForTrained } from "./data";
import * as drafts from "./drafts";
import { announce, button, h, role, setUsable } from "./dom";
import type { Editor } from "./editor";
import { Output } from "./output";
import type { Saving } from "./saving";
import type { Session } from "./session";
import type { Store, TextRecord, TextStore, Unsaved } from "./store";
import type { Action, More, Outcome, Runs, SiteCatalog, State, Why } from "./types";

const SAVE_AFTER_MS = 500;
const STILL_RUNNING_MS = 20_000;
const SAVE_PATIENCE_MS = 2000;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The line of the text that ran where it stopped: on its way, or in the first check that raised. */
export function lineOf({ error, checks }: Outcome): number | null {
  return error?.line ?? checks.find((check) => !check.passed && check.stopped)?.stopped ?? null;
}

export interface Page {
  root: string;
  store: Store;
  session: Session;
  saving: Saving;
  catalog(): Promise<SiteCatalog>;
}

export abstract class Cell<R extends TextRecord = TextRecord> {
  text: string;
  protected editor: Editor | null = null;
  protected readonly output: Output;
  protected readonly outputHost: HTMLElement;
  protected readonly editorHost: HTMLElement;
  protected readonly buttonHost: HTMLElement;
  protected readonly stopButton: HTMLButtonElement;
  protected readonly saveBadge = h("span", { class: "tt-save" });
  protected record: R | null = null;
  private savedText: string;
  private saveTimer = 0;
  private saveChain: Promise<void> = Promise.resolve();
  private conflict: R | null = null; // the other text, while the reader has not chosen
  private question: HTMLElement | null = null; // which of the two it shall be
  protected running = false;
  protected ran = ""; // the text that was sent to Python; the reader may type on meanwhile

  protected abstract readonly store: TextStore;
  protected abstract readonly label: string;

  readonly starter: string;

  constructor(
    readonly host: HTMLElement,
    readonly id: string,
    starter: string,
    protected readonly page: Page,
  ) {
    this.starter = starter.trimEnd(); // as the printed page shows it, so that nothing jumps when the editor comes
    this.text = this.savedText = this.starter;
    this.editorHost = role(host, "editor")!;
    this.buttonHost = role(host, "buttons")!;
    this.outputHost = role(host, "output")!;
    this.output = new Output(this.outputHost);
    this.stopButton = button("Stop", () => this.stop(), "tt-button--stop");
    setUsable(this.stopButton, false);
    host.dataset.runs = "0";
  }

  /** The record to write: the reader's text and whatever else this kind of cell keeps. */
  protected abstract makeRecord(): R;
  protected abstract adopt(record: R): void;
  protected abstract settle(outcome: Outcome): string;
  abstract mainAction(): Action;

  /** Reads what was kept. Called once when the page opens and again when another tab wrote. */
  async load(): Promise<void> {
    const record = (await (this.store === "exercises" ? this.page.store.exercise(this.id) : this.page.store.lab(this.id))) as R | undefined;
    if (record && record.rev > (this.record?.rev ?? 0)) this.take(record);
    else if (!record) this.start();
  }

  /** Nothing is kept for this cell: it is new, or the reader has cleared the storage in another tab. */
  private start(): void {
    this.record = null;
    this.savedText = this.starter;
    this.page.saving.set(this.id, this.text === this.savedText ? "saved" : "unsaved", this.saveBadge);
  }

  /** Another tab's text is shown at once when nothing here would be lost; else saving finds the conflict. */
  private take(record: R): void {
    if (this.text !== this.savedText && this.text !== record.text) return;
    this.record = record;
    this.conflict = null;
    this.savedText = record.text;
    this.showText(record.text);
    this.adopt(record);
    this.page.saving.set(this.id, "saved", this.saveBadge);
  }

  private showText(text: string): void {
    this.text = text;
    this.editor?.setText(text, true);
  }

  mount(make: typeof import("./editor").makeEditor): void {
    const session = this.page.session;
    this.editor = make(this.editorHost, {
      text: this.text,
      label: this.label,
      changed: (text) => this.changed(text),
      focused: () => void session.boot().catch(() => undefined),
      run: () => void this.act(this.store === "labs" ? this.mainAction() : "run"),
      check: () => void this.act(this.mainAction()),
      complete: (text, position) => session.complete(text, position),
    });
  }

  getText(): string {
    return this.text;
  }

  setText(text: string): void {
    if (this.editor) this.editor.setText(text);
    else this.changed(text);
  }

  protected changed(text: string): void {
    this.text = text;
    this.page.saving.set(this.id, this.conflict ? "unsaved" : "saving", this.saveBadge);
    clearTimeout(this.saveTimer);
    this.saveTimer = window.setTimeout(() => void this.save(), SAVE_AFTER_MS);
  }

  /** Writes now; resolves when the text is kept or the reader has been told why not. */
  save(): Promise<void> {
    clearTimeout(this.saveTimer);
    return this.inTurn(() => this.write());
  }

  /** One after the other. A storage that refuses is told, and does not keep the next from trying. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    this.saveChain = this.saveChain.then(work).catch((error) => {
      this.page.saving.set(this.id, "unsaved", this.saveBadge);
      this.failed(error);
    });
    return this.saveChain;
  }

  /** The storage did not take this cell's text, or did not give it. */
  failed(error: unknown): void {
    this.page.saving.failed(this.id, error, this.buttonHost);
  }

  /** What a backup has to bring along, because the database has not got it. */
  unsaved(): Unsaved[] {
    if (this.text === this.savedText) return [];
    const record = { ...this.makeRecord(), rev: (this.record?.rev ?? 0) + 1, updated: new Date().toISOString() };
    return [{ store: this.store, record }];
  }

  /** Writes only what is not written yet; an untouched starter is nobody's text. */
  flush(): Promise<void> {
    return this.text === this.savedText ? this.saveChain : this.save();
  }

  /** The page is going away: IndexedDB may not answer any more, so the text is noted where writing takes no time. */
  leave(): void {
    if (this.text !== this.savedText || this.conflict) drafts.note(this.id, this.text, this.record?.rev ?? 0);
    void this.flush();
  }

  /** What a page that went away could only note: it goes on here, or to the earlier versions when someone wrote since. */
  async takeDraft(): Promise<void> {
    const draft = drafts.take(this.id);
    if (!draft || draft.text === this.text) return;
    if (draft.rev === (this.record?.rev ?? 0)) this.setText(draft.text);
    else await this.keepVersion(draft.text);
  }

  private async write(known = this.record?.rev ?? 0): Promise<void> {
    if (this.store === "labs" && !this.record && this.text === this.starter) return this.page.saving.set(this.id, "saved", this.saveBadge);
    const record = this.makeRecord();
    const result = await this.page.store.write<R>(this.store, record, known);
    if ("conflict" in result) return this.isConflict(result.conflict);
    this.conflict = null;
    this.record = { ...result.saved };
    this.savedText = record.text;
    if (this.text === record.text) this.page.saving.set(this.id, "saved", this.saveBadge);
  }

  /** The reader is asked once for each text that stands against the one shown here. */
  private async isConflict(other: R): Promise<void> {
    const asked = this.question?.isConnected && this.conflict?.text === other.text;
    this.conflict = other;
    this.page.saving.set(this.id, "unsaved", this.saveBadge);
    if (!asked) await this.askWhichText(other);
  }

  private async askWhichText(other: R): Promise<void> {
    await this.keepVersion(this.text); // before the reader chooses: the tab may be closed instead
    const mine = button("Keep the text shown here", () => void this.inTurn(() => this.resolve(true)));
    const theirs = button("Take the other text", () => void this.inTurn(() => this.resolve(false)));
    this.question = this.output.note(
      "conflict",
      h("p", {}, "This code was also changed in another tab or in the notebook. Nothing was overwritten. Choose one; the other goes to the earlier versions."),
      h("pre", { class: "tt-solution", tabindex: "0", role: "group", "aria-label": "The other text" }, other.text),
      h("div", { class: "tt-choices" }, mine, theirs),
    );
    announce("This code was also changed in another tab. Choose which text to keep.");
  }

  private keepVersion(text: string): Promise<void> {
    return this.page.store.addHistory(this.id, text, "conflict");
  }

  /** In turn with the writes: one that is under way when the reader chooses would find the conflict and ask again. */
  private async resolve(keepMine: boolean): Promise<void> {
    const other = this.conflict;
    this.question?.remove();
    if (!other) return;
    await this.keepVersion(keepMine ? other.text : this.text);
    if (keepMine) return this.write(other.rev);
    this.savedText = this.text; // what stood here is in the history now
    this.take(other);
  }

  /** Puts a text into the editor and the old one into the history, so that nothing is lost. */
  protected async replaceText(text: string, why: Why): Promise<void> {
    if (this.text.trim() && this.text !== text) await this.page.store.addHistory(this.id, this.text, why);
    this.setText(text);
    await this.save();
  }

  async act(action: Action): Promise<void> {
    if (this.running) return;
    this.running = true;
    await Promise.race([this.save(), wait(SAVE_PATIENCE_MS)]); // a storage that hangs must not keep Python waiting
    this.show("running");
    setUsable(this.stopButton, true);
    this.output.begin();
    this.editor?.markLine(null);
    const done = this.watchRun();
    const outcome = await this.page.session.submit(
      action,
      this.id,
      (this.ran = this.text),
      {
        begun: done.begun,
        loading: (words, share) => this.output.remark(words, share),
        output: (parts) => this.output.write(parts),
        keep: (name, state) => this.keepRun(name, state),
      },
      await this.more(),
    );
    done.end();
    await this.end(outcome);
  }

  protected async end(outcome: Outcome): Promise<void> {
    this.running = false;
    setUsable(this.stopButton, false);
    outcome.behind = await this.behind(outcome);
    this.output.finish(outcome);
    this.editor?.markLine(lineOf(outcome));
    const words = this.settle(outcome);
    await Promise.race([this.save(), wait(SAVE_PATIENCE_MS)]);
    this.host.dataset.runs = String(Number(this.host.dataset.runs) + 1);
    announce(words);
  }

  /** What the run needs besides: where the code asks for a trained network, what milestones have kept. See program.ts, too. */
  protected async more(): Promise<More> {
    if (!asksForTrained(this.text)) return {};
    return { runs: await this.keptRuns() };
  }

  protected async keptRuns(): Promise<Runs> {
    const { keptRuns } = await import("./runs");
    return keptRuns(this.page.store).catch((error) => (this.failed(error), {}));
  }

  protected keepRun(_name: string, _state: Uint8Array<ArrayBuffer>): void {}

  private async behind(outcome: Outcome): Promise<string> {
    try {
      return await saidBehind(outcome, await this.page.store.exercises(), this.page.catalog);
    } catch (error) {
      console.warn("which functions are behind is not known:", error); // a storage that cannot be read is told with the text
      return "";
    }
  }

  /** Says what is being waited for: Python's start, a package, a long run. */
  private watchRun(): { begun(): void; end(): void } {
    const { session } = this.page;
    const stage = () => this.output.remark(stageWords(session));
    let slow = 0;
    if (session.state !== "ready") stage();
    session.addEventListener("stage", stage);
    const begun = () => {
      session.removeEventListener("stage", stage);
      this.output.clearRemark();
      slow = window.setTimeout(() => this.output.remark("Still running. Stop ends it."), STILL_RUNNING_MS);
    };
    const end = () => {
      session.removeEventListener("stage", stage);
      clearTimeout(slow);
    };
    return { begun, end };
  }

  stop(): void {
    if (this.running) this.page.session.stop(this.id);
  }

  protected show(state: State): void {
    this.host.dataset.state = state;
  }
}
