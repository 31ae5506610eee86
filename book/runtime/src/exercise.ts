/**
 * An exercise: a cell with checks, hints shown one at a time, and a solution that opens after a
 * pass, or after three failed checks and a confirmation.
 */

import { Cell, type Page } from "./cell";
import { announce, button, h, prose, readData, role, setUsable } from "./dom";
import { gained } from "./merging";
import type { Action, ExerciseData, ExerciseRecord, Outcome } from "./types";

const TRIES_BEFORE_SOLUTION = 3;
const NOT_THE_READERS = new Set(["interrupted", "boot", "crash"]);

export class Exercise extends Cell<ExerciseRecord> {
  protected readonly store = "exercises";
  protected readonly label: string;
  private readonly data: ExerciseData;
  private readonly hints: HTMLElement[];
  private readonly hintButton = button("Hint", () => this.showHint());
  private readonly solutionButton = button("Solution", () => void this.solution());
  private readonly stateWords: HTMLElement | null;
  private mine = { attempts: 0, hints: 0, solution: false, state: "idle" as ExerciseRecord["state"], passed: null as ExerciseRecord["passed"], edition: "" };

  constructor(host: HTMLElement, page: Page) {
    const data = readData<ExerciseData>(host);
    super(host, data.id, data.starter, page);
    this.data = data;
    this.mine.edition = data.edition;
    this.label = `Code for exercise ${data.number}, ${data.title}`;
    this.stateWords = role(host, "state");
    this.hints = [...(role(host, "hints")?.querySelectorAll<HTMLElement>("details") ?? [])];
    this.buildButtons();
    this.showHints(false);
    this.present();
  }

  mainAction(): Action {
    return "check";
  }

  protected makeRecord(): ExerciseRecord {
    return { ...this.mine, id: this.id, text: this.text, rev: 0, updated: "" };
  }

  protected adopt(record: ExerciseRecord): void {
    const { attempts, state, edition } = record;
    const gains = gained(this.mine, record);
    this.passElsewhere(gains.passed);
    this.mine = { attempts, state, edition, ...gains };
    if (gains.passed !== record.passed) void this.save(); // passed here while the other text was written
    this.showHints(false);
    this.present();
    if (edition !== this.data.edition) this.tellEdition();
  }

  /** What passed in another tab or in the notebook is put in place here too. */
  private passElsewhere(passed: ExerciseRecord["passed"]): void {
    if (!passed || passed.text === this.mine.passed?.text) return;
    this.page.session.restore({ [this.id]: passed.text }).catch((error: Error) => console.warn(error));
  }

  /** A text that passed once and cannot be put in place today, in this edition of the library. */
  tellProblem(sentence: string): void {
    this.output.note("restore", h("p", {}, `What you passed with earlier could not be put in place; the library's version stands in. `, ...prose(sentence)));
  }

  protected changed(text: string): void {
    super.changed(text);
    this.present();
  }

  private buildButtons(): void {
    const run = button("Run", () => void this.act("run"));
    const check = button("Check", () => void this.act("check"), "tt-button--primary");
    const reset = button("Reset", () => void this.askReset());
    this.buttonHost.append(run, check, this.stopButton, reset, this.hintButton, this.solutionButton, this.saveBadge);
    run.title = "Ctrl-Enter in the editor";
    check.title = "Shift-Enter in the editor";
  }

  /** Takes over what a Run or Check brought; returns the one sentence to announce. */
  protected settle(outcome: Outcome): string {
    const ours = !NOT_THE_READERS.has(outcome.error?.kind ?? "");
    if (outcome.action === "check" && ours) this.count(outcome);
    this.mine.state = outcome.state === "idle" && this.mine.passed ? "passed" : outcome.state;
    this.present();
    return announcement(outcome);
  }

  private count(outcome: Outcome): void {
    if (outcome.state === "passed") {
      this.mine.passed = { text: this.ran, edition: outcome.edition, at: new Date().toISOString() };
      this.mine.attempts = 0;
      this.mine.edition = outcome.edition;
    } else this.mine.attempts += 1;
  }

  private present(): void {
    if (!this.running) this.show(this.mine.state);
    this.sayState();
  }

  protected show(state: ExerciseRecord["state"] | "running"): void {
    super.show(state);
    this.sayState();
  }

  private sayState(): void {
    if (!this.stateWords) return;
    this.stateWords.textContent = this.words();
  }

  private words(): string {
    if (this.running) return "running";
    const { state, passed } = this.mine;
    if (state === "passed" && passed && passed.edition !== this.data.edition) return "passed in another edition";
    if (state === "passed") return passed && passed.text !== this.text ? "passed, edited since" : "passed";
    if (state === "failed") return passed ? "this version does not pass" : "not passed yet";
    if (state === "error") return "stopped by an error";
    if (passed) return "passed before";
    return this.text === this.starter ? "" : "in progress";
  }

  private showHints(announceIt: boolean): void {
    this.hints.forEach((hint, index) => {
      hint.classList.add("tt-hint");
      hint.hidden = index >= this.mine.hints;
      if (announceIt && index === this.mine.hints - 1) hint.setAttribute("open", "");
    });
    setUsable(this.hintButton, this.mine.hints < this.hints.length);
  }

  private showHint(): void {
    if (this.mine.hints >= this.hints.length) return announce(this.hints.length ? "All hints are shown." : "This exercise has no hints.");
    this.mine.hints += 1;
    this.showHints(true);
    announce(`Hint ${this.mine.hints} of ${this.hints.length} is shown below the exercise.`);
    void this.save();
  }

  private async solution(): Promise<void> {
    const { passed, attempts, solution } = this.mine;
    if (passed || solution) return this.showSolution();
    const left = TRIES_BEFORE_SOLUTION - attempts;
    if (left > 0) {
      const words = `The solution opens when you pass, or after ${left} more failed ${left === 1 ? "check" : "checks"}.`;
      this.output.note("solution", h("p", {}, words));
      return announce(words);
    }
    const show = button("Show the solution", () => void this.showSolution());
    const keep = button("Try once more", () => note.remove());
    const note = this.output.note("solution", h("p", {}, "Seeing the solution ends the search. Show it?"), h("div", { class: "tt-choices" }, show, keep));
    show.focus();
  }

  private async showSolution(): Promise<void> {
    const { showCode } = await import("./editor");
    const code = showCode(this.data.solution, `Solution of exercise ${this.data.number}`);
    const put = button("Put it into the editor", () => void this.replaceText(this.data.solution, "solution").then(() => this.offerUndo("The solution is in the editor.")));
    const close = button("Close the solution", () => (note.remove(), this.solutionButton.focus()));
    const note = this.output.note("solution", h("p", {}, "The library's own version:"), h("div", { class: "tt-solution" }, code), h("div", { class: "tt-choices" }, put, close));
    if (!this.mine.solution) {
      this.mine.solution = true;
      await this.save();
    }
    announce("The solution is shown.");
  }

  private async askReset(): Promise<void> {
    const reset = button("Yes, start over", () => void this.reset(note));
    const keep = button("Keep my code", () => note.remove());
    const earlier = await this.earlierVersions();
    const note = this.output.note("reset", h("p", {}, "Put the starter back? Your code goes to the earlier versions, from where you can take it back."), h("div", { class: "tt-choices" }, reset, keep), earlier);
    reset.focus();
  }

  private async reset(note: HTMLElement): Promise<void> {
    note.remove();
    this.mine.edition = this.data.edition;
    this.mine.state = "idle";
    await this.replaceText(this.starter, "reset");
    this.output.clear();
    this.present();
    this.offerUndo("The starter is back.");
  }

  private offerUndo(words: string): void {
    const undo = button("Undo", () => void this.undo(note));
    const note = this.output.note("undo", h("p", {}, words), h("div", { class: "tt-choices" }, undo));
    announce(words);
  }

  private async undo(note: HTMLElement): Promise<void> {
    note.remove();
    const [latest] = await this.page.store.history(this.id);
    if (latest) await this.replaceText(latest.text, "restore");
    announce("Your earlier code is back.");
  }

  private async earlierVersions(): Promise<HTMLElement | string> {
    const versions = await this.page.store.history(this.id);
    if (!versions.length) return "";
    const rows = versions.map((version) => {
      const take = button("Take this one", () => void this.replaceText(version.text, "restore").then(() => announce("The earlier version is in the editor.")));
      return h("li", {}, h("p", {}, `${new Date(version.at).toLocaleString()} `, take), h("pre", { tabindex: "0", role: "group", "aria-label": "An earlier version" }, version.text));
    });
    return h("details", { class: "tt-versions" }, h("summary", {}, `Earlier versions (${versions.length})`), h("ol", {}, ...rows));
  }

  /** A new edition never takes the reader's text away; the reader decides when to look at the new starter. */
  private tellEdition(): void {
    if (this.text === this.starter) {
      this.mine.edition = this.data.edition;
      return void this.save();
    }
    const look = button("Look at the new starter", () => void this.showStarter(note));
    const keep = button("Keep working with mine", () => (note.remove(), (this.mine.edition = this.data.edition), void this.save()));
    const note = this.output.note("edition", h("p", {}, "This exercise has a new edition since you wrote this. Your code is unchanged."), h("div", { class: "tt-choices" }, look, keep));
  }

  private async showStarter(note: HTMLElement): Promise<void> {
    const { showCode } = await import("./editor");
    note.append(h("div", { class: "tt-solution" }, showCode(this.starter, "The new starter")), h("p", {}, "Reset puts it into the editor and keeps your code among the earlier versions."));
  }
}

function announcement(outcome: Outcome): string {
  if (outcome.error?.kind === "interrupted") return outcome.error.sentence;
  if (outcome.error && outcome.state === "failed") return `Check failed: ${outcome.error.sentence}`;
  if (outcome.error) return `${outcome.action === "check" ? "Check" : "Run"} ended with an error: ${outcome.error.sentence}`;
  if (outcome.action !== "check") return "Run finished.";
  const passed = outcome.checks.filter((check) => check.passed).length;
  if (outcome.state === "passed") return `Check passed: ${passed} of ${outcome.checks.length}.`;
  const first = outcome.checks.find((check) => !check.passed);
  return `Check failed: ${passed} of ${outcome.checks.length}. ${first ? first.mistake || first.message : ""}`.trim();
}
