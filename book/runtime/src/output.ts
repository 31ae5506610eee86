/**
 * The output area of an exercise or a lab: results, then feedback, then tracebacks.
 *
 * Text is added in batches, one a frame, so that a loop that prints without end never blocks the
 * page. While a run goes on the area keeps at least its former height, so nothing above or below jumps.
 */

import { announce, h, prose } from "./dom";
import { sanitise } from "./sanitise";
import type { CheckResult, Credit, Display, Outcome, Problem } from "./types";

const MOST_CHARACTERS = 400_000;
/** Notes that wait for the reader's decision outlive the next run. */
const LASTING_NOTES = new Set(["conflict", "edition", "restore"]);

export class Output {
  private readonly results = h("div", { class: "tt-results" });
  private readonly feedback = h("div", { class: "tt-feedback-area" });
  private readonly tracebacks = h("div", { class: "tt-tracebacks" });
  private stream: HTMLElement | null = null;
  private waiting: [string, string][] = [];
  private drawing = 0;
  private characters = 0;

  constructor(private readonly host: HTMLElement) {}

  /** Takes the place of whatever the area showed before. */
  begin(): void {
    this.host.style.minHeight = `${this.host.offsetHeight}px`;
    this.clear();
    this.host.setAttribute("aria-busy", "true");
  }

  clear(): void {
    this.waiting = [];
    this.characters = 0;
    this.stream = null;
    for (const part of [this.results, this.feedback, this.tracebacks]) part.replaceChildren();
    const notes = [...this.host.querySelectorAll<HTMLElement>(":scope > [data-note]")].filter((note) => LASTING_NOTES.has(note.dataset.note!));
    this.host.replaceChildren(this.results, this.feedback, this.tracebacks, ...notes);
  }

  /** A passing remark such as "loading matplotlib", replaced by the next one. */
  remark(words: string, share?: number): void {
    const bar = share === undefined ? null : h("progress", { max: "1", value: String(share), "aria-label": words });
    const note = h("p", { class: "tt-note", "data-role": "remark" }, words, bar && " ", bar);
    const old = this.feedback.querySelector('[data-role="remark"]');
    if (old) old.replaceWith(note);
    else this.feedback.append(note);
  }

  clearRemark(): void {
    this.feedback.querySelector('[data-role="remark"]')?.remove();
  }

  write(parts: [string, string][]): void {
    this.waiting.push(...parts);
    if (this.drawing) return;
    // A hidden tab gets no frames; the timer draws there.
    const draw = () => {
      cancelAnimationFrame(frame);
      clearTimeout(this.drawing);
      this.drawing = 0;
      this.draw();
    };
    const frame = requestAnimationFrame(draw);
    this.drawing = window.setTimeout(draw, 200);
  }

  private draw(): void {
    const pictures = this.waiting.filter(([stream]) => stream.startsWith("live:"));
    const said = this.waiting.filter(([stream]) => stream === "say");
    this.waiting = this.waiting.filter(([stream]) => stream !== "say" && !stream.startsWith("live:"));
    if (said.length) announce(said.at(-1)![1]); // it is printed, too; of several at once the newest is enough
    for (const [place, svg] of pictures) this.picture(place, svg);
    if (!this.waiting.length) return;
    if (!this.stream) {
      this.stream = h("pre", { class: "tt-stdout", tabindex: "0", role: "group", "aria-label": "Printed output" });
      this.results.append(this.stream);
    }
    for (const [stream, text] of this.waiting) {
      const room = MOST_CHARACTERS - this.characters;
      if (room <= 0) break;
      const piece = text.slice(0, room);
      this.characters += piece.length;
      this.stream.append(stream === "stderr" ? h("span", { class: "tt-stderr" }, piece) : piece);
    }
    this.waiting = [];
  }

  /** A picture takes the place of the one it showed before. As an image, SVG can load nothing and run nothing. */
  private picture(place: string, svg: string): void {
    let image = this.results.querySelector<HTMLImageElement>(`img[data-place="${place}"]`);
    if (!image) {
      image = h("img", { "data-place": place, alt: "" });
      const text = this.stream; // pictures stand above what is printed, so that printing does not move them
      const box = h("div", { class: "tt-display tt-live" }, image);
      if (text) text.before(box);
      else this.results.append(box);
    }
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    const drawing = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    image.alt = drawing.querySelector("title")?.textContent ?? "A picture drawn by this program";
    for (const side of ["width", "height"]) image.setAttribute(side, drawing.getAttribute(side) ?? ""); // its room, before it is drawn
  }

  finish(outcome: Outcome): void {
    this.draw();
    this.clearRemark();
    for (const display of outcome.display) this.results.append(showDisplay(display));
    if (outcome.action === "check" && outcome.checks.length) this.feedback.append(...showChecks(outcome.checks));
    if (outcome.error) this.showProblem(outcome.error, outcome.state === "failed" ? "fail" : "error");
    if (outcome.action === "milestone") this.feedback.append(...showMilestone(outcome)); // below what stopped it
    if (outcome.action === "run" && outcome.advice) this.feedback.append(h("p", { class: "tt-note", "data-role": "advice" }, ...prose(outcome.advice)));
    if (outcome.behind) this.feedback.append(h("p", { class: "tt-note", "data-role": "behind" }, ...prose(outcome.behind)));
    for (const check of outcome.checks) if (check.traceback) this.tracebacks.append(traceback(check.traceback));
    this.host.style.minHeight = "";
    this.host.removeAttribute("aria-busy");
    this.showAboveKeyboard();
  }

  /** With a phone's keyboard up, the output may begin below what can be seen; then it comes into view. */
  private showAboveKeyboard(): void {
    const seen = window.visualViewport;
    if (!seen || seen.height > window.innerHeight * 0.75 || !this.host.textContent) return;
    const hidden = this.host.getBoundingClientRect().top + 80 - seen.height - seen.offsetTop;
    if (hidden > 0) window.scrollBy({ top: hidden });
  }

  private showProblem(problem: Problem, kind: string): void {
    const told = !problem.line || /\bline \d/i.test(problem.sentence);
    const words = told ? problem.sentence : `${problem.sentence} (line ${problem.line})`;
    this.feedback.append(h("div", { class: `tt-feedback tt-feedback--${kind}`, "data-kind": problem.kind }, h("p", {}, ...prose(words))));
    if (problem.traceback) this.tracebacks.append(traceback(problem.traceback));
  }

  /** A box with a question or a remark and its buttons, after everything else. */
  note(kind: string, ...children: (Node | string)[]): HTMLElement {
    const note = h("div", { class: "tt-note", "data-note": kind }, ...children);
    this.host.querySelector(`:scope > [data-note="${kind}"]`)?.remove();
    this.host.append(note);
    return note;
  }
}

function traceback(text: string): HTMLElement {
  return h("pre", { class: "tt-traceback", tabindex: "0", role: "group", "aria-label": "Traceback" }, text);
}

function showDisplay({ mime, data }: Display): HTMLElement {
  if (mime === "text/html") {
    const box = h("div", { class: "tt-display tt-html" });
    box.append(sanitise(data));
    walkable(box);
    return box;
  }
  // SVG as an image cannot run scripts or load anything.
  if (mime === "image/svg+xml") return image(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(data)}`);
  if (mime.startsWith("image/")) return image(`data:${mime};base64,${data.replace(/\s/g, "")}`);
  return h("pre", { class: "tt-display tt-value", tabindex: "0", role: "group", "aria-label": "Result" }, data);
}

/** Matrices of weights and bars of time can be walked through with the keyboard, here and where the book has drawn them. */
export function walkable(root: ParentNode): void {
  const flames = root.querySelectorAll<HTMLElement>("figure.tt-flame");
  if (flames.length) void import("./flame").then(({ enhanceFlames }) => enhanceFlames(flames));
  const figures = root.querySelectorAll<HTMLElement>("figure.tt-weights");
  if (figures.length) void import("./weights").then(({ enhanceWeights }) => enhanceWeights(figures));
}

function image(src: string): HTMLElement {
  return h("div", { class: "tt-display tt-figure" }, h("img", { src, alt: "Figure drawn by this cell" }));
}

function showMilestone({ checks, credits, advice, state }: Outcome): HTMLElement[] {
  const passed = checks.filter((check) => check.passed).length;
  const words = state === "passed" ? `Reached: ${passed} of ${checks.length} goals.` : `Fell short: ${passed} of ${checks.length} goals reached.`;
  const rows: HTMLElement[] = [];
  if (checks.length) rows.push(h("p", { class: `tt-feedback tt-feedback--${state === "passed" ? "pass" : "fail"}` }, words), h("ol", { class: "tt-check-rows" }, ...checks.map((check) => checkRow(check, "reached", "missed"))));
  if (advice) rows.push(h("p", { class: "tt-feedback tt-feedback--fail", "data-role": "advice" }, ...prose(advice)));
  return credits.length ? [...rows, ...showCredits(credits)] : rows;
}

function showCredits(credits: Credit[]): HTMLElement[] {
  const mine = credits.filter((credit) => credit.yours);
  const root = document.querySelector<HTMLMetaElement>('meta[name="tinytorch"]')?.dataset.root ?? "../";
  const words = `This run called ${credits.length} functions of the book's exercises. ${mine.length === credits.length ? "All of them are yours." : mine.length ? `${mine.length} of them ${mine.length === 1 ? "is" : "are"} yours; the library filled in the other ${credits.length - mine.length}.` : "All of them are the library's: you have not passed their exercises yet."}`;
  const rows = credits.map((credit) =>
    h("tr", { "data-yours": String(credit.yours) }, h("td", {}, h("a", { href: root + credit.page }, h("code", {}, credit.place.split(" · ").at(-1)!))), h("td", {}, credit.yours ? "yours" : "the library's"), h("td", { class: "tt-calls" }, credit.calls.toLocaleString("en"))),
  );
  const head = h("tr", {}, h("th", { scope: "col" }, "Function"), h("th", { scope: "col" }, "Whose"), h("th", { scope: "col", class: "tt-calls" }, "Calls"));
  const table = h("table", { class: "tt-credits" }, h("caption", { class: "tt-unseen" }, "Whose code ran"), h("thead", {}, head), h("tbody", {}, ...rows));
  const folded = h("details", {}, h("summary", {}, "Whose code ran"), h("div", { class: "tt-table-wrap", tabindex: "0", role: "group", "aria-label": "Whose code ran" }, table));
  return [h("p", { "data-role": "credits" }, words), folded];
}

function showChecks(checks: CheckResult[]): HTMLElement[] {
  const passed = checks.filter((check) => check.passed).length;
  const all = passed === checks.length;
  const head = h("p", { class: `tt-feedback tt-feedback--${all ? "pass" : "fail"}` }, all ? `Passed: ${passed} of ${checks.length} checks.` : `${passed} of ${checks.length} checks passed.`);
  return [head, h("ol", { class: "tt-check-rows" }, ...checks.map((check) => checkRow(check)))];
}

/** The call that was checked stands in the sentence as code. */
function withCallAsCode({ message, input }: CheckResult): string {
  return input && !message.includes("`") ? message.replace(input, () => `\`${input}\``) : message;
}

function checkRow(check: CheckResult, yes = "passed", no = "failed"): HTMLElement {
  const word = h("span", { class: "tt-check-word" }, check.passed ? yes : no);
  const row = h("li", { class: "tt-check-row", "data-passed": String(check.passed) }, h("p", { class: "tt-check-title" }, word, " ", ...prose(check.title)));
  if (check.passed) return row;
  if (check.mistake) row.append(h("p", { class: "tt-mistake" }, ...prose(check.mistake)));
  if (check.message && check.message !== check.mistake) row.append(h("p", { class: "tt-message" }, ...prose(withCallAsCode(check))));
  // A short value stands in the sentence already; a long one was shortened there and is shown in full.
  if ([check.got, check.expected].every((value) => check.message.includes(value))) return row;
  const facts: [string, string, string][] = [
    ["Input", "tt-input", check.input],
    ["Came back", "tt-got", check.got],
    ["Expected", "tt-expected", check.expected],
  ];
  const known = facts.filter(([, , value]) => value !== "");
  if (known.length) row.append(h("dl", { class: "tt-facts" }, ...known.flatMap(([name, kind, value]) => [h("dt", {}, name), h("dd", { class: kind }, h("code", {}, value))])));
  return row;
}
