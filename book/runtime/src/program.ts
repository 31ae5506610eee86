/**
 * A milestone's program: an editor like a lab's, run on the reader's own package in a fresh session.
 * Reaching all goals is kept as an answer, so that backup, hand-in and the progress page have it.
 */

import type { Page } from "./cell";
import { button, role } from "./dom";
import { Lab } from "./lab";
import type { RunsNote } from "./runs";
import type { Action, More, Outcome } from "./types";

const WORDS: Record<string, string> = { idle: "", running: "running", passed: "reached", failed: "fell short", error: "stopped by an error" };

export class Program extends Lab {
  private readonly stateHost: HTMLElement | null;
  private readonly shelf: Promise<RunsNote | null>;
  private shorter = false;

  constructor(host: HTMLElement, page: Page) {
    super(host, page);
    this.stateHost = role(host, "state");
    if (host.dataset.shorter) this.stopButton.after(button("Run the shorter form", () => void this.runShorter()));
    this.shelf = this.starter.includes("shelf.") ? import("./runs").then(({ RunsNote }) => new RunsNote(page.store, this.id.split(".")[1]!, this.buttonHost, this.starter.includes("shelf.take"))) : Promise.resolve(null);
    void page.store.answer(this.id).then((answer) => answer?.right && host.dataset.state === "idle" && this.show("passed"));
  }

  override mainAction(): Action {
    return "milestone";
  }

  /** What passed in another tab since Python started here belongs to the reader's package, too. */
  override async act(action: Action): Promise<void> {
    const { session, store } = this.page;
    if (!this.running && session.state === "ready") await session.restore(await store.accepted()).catch((error: Error) => console.warn(error));
    await super.act(action === "cell" ? "milestone" : action);
  }

  /** Its run is one of the same program with other numbers; the text stays as it is. */
  private async runShorter(): Promise<void> {
    this.shorter = true;
    await this.act("milestone").finally(() => (this.shorter = false));
  }

  protected override async more(): Promise<More> {
    const { shorter } = this;
    if (!this.text.includes("shelf.")) return { shorter };
    return { shorter, runs: await this.keptRuns() };
  }

  protected override keepRun(name: string, state: Uint8Array<ArrayBuffer>): void {
    void this.shelf.then((note) => note?.keep(name, state));
  }

  protected override show(state: "idle" | "running" | "passed" | "failed" | "error"): void {
    super.show(state);
    if (this.stateHost) this.stateHost.textContent = WORDS[state] ?? "";
  }

  protected override settle(outcome: Outcome): string {
    this.show(outcome.state);
    const reached = outcome.checks.filter((check) => check.passed).length;
    void this.keep(outcome).catch((error) => this.failed(error));
    if (outcome.error) return `The program ended with an error: ${outcome.error.sentence}`;
    const words = outcome.state === "passed" ? "Milestone program reached" : "The run fell short";
    return `${words}: ${reached} of ${outcome.checks.length} goals. ${outcome.advice}`.trim();
  }

  private async keep(outcome: Outcome): Promise<void> {
    if (outcome.state === "idle") return;
    const right = outcome.state === "passed";
    const mine = outcome.credits.filter((credit) => credit.yours).length;
    const answer = `${mine} of ${outcome.credits.length} functions mine`;
    await this.page.store.putAnswer({ id: this.id, answer, right, at: new Date().toISOString() });
  }
}
