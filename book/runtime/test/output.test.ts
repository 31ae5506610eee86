/** The output area: what is printed, shown and drawn, in order, within limits, and nothing of it runs. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Output } from "../src/output";
import type { CheckResult, Outcome } from "../src/types";
import { openPage } from "./page";

openPage('<div id="area"></div>');
Object.defineProperty(window, "visualViewport", { configurable: true, value: null });
const host = document.querySelector<HTMLElement>("#area")!;
let output: Output;
beforeEach(() => {
  host.replaceChildren();
  output = new Output(host);
  output.begin();
});

const outcome = (more: Partial<Outcome> = {}): Outcome => ({ id: "01.x", action: "run", edition: "", state: "idle", seconds: 0, cut: false, display: [], error: null, checks: [], credits: [], advice: "", behind: "", ...more });
const check = (more: Partial<CheckResult> = {}): CheckResult => ({ title: "t", code: "c", passed: true, message: "", input: "", got: "", expected: "", mistake: null, line: null, traceback: "", stopped: null, ...more });
const frame = () => new Promise((done) => setTimeout(done, 40));
const one = (selector: string) => host.querySelector<HTMLElement>(selector)!;
const count = (selector: string) => host.querySelectorAll(selector).length; // an element in a failed assertion would be printed with all of its window

test("what is printed appears while the code still runs, in order, and errors are marked", async () => {
  output.write([["stdout", "a\n"], ["stderr", "careful\n"]]);
  output.write([["stdout", "b\n"]]);
  assert.equal(count(".tt-stdout"), 0); // in batches: not for each piece
  await frame();
  assert.equal(one(".tt-stdout").textContent, "a\ncareful\nb\n");
  assert.equal(one(".tt-stderr").textContent, "careful\n");
  assert.equal(host.getAttribute("aria-busy"), "true");
  output.write([["stdout", "c\n"]]);
  output.finish(outcome());
  assert.equal(one(".tt-stdout").textContent, "a\ncareful\nb\nc\n");
  assert.equal(host.hasAttribute("aria-busy"), false);
});

test("a loop that prints without end fills the area up to its limit and no further", async () => {
  for (let i = 0; i < 50; i++) {
    output.write([["stdout", "x".repeat(10_000)]]);
    if (i % 10 === 0) await frame();
  }
  output.finish(outcome());
  assert.equal(one(".tt-stdout").textContent!.length, 400_000);
  output.begin();
  output.write([["stdout", "anew"]]);
  output.finish(outcome());
  assert.equal(one(".tt-stdout").textContent, "anew");
});

test("a value is text, whatever it looks like", () => {
  output.finish(outcome({ display: [{ mime: "text/plain", data: "<b>Tensor</b>\n[1, 2]" }] }));
  assert.equal(one(".tt-value").textContent, "<b>Tensor</b>\n[1, 2]");
  assert.equal(count("b"), 0);
});

test("a table is shown as one, without what could run or ask a foreign host", () => {
  const html = '<table class="t"><tr><td onclick="go()" style="color: red">1</td><td style="background: url(//x)">2</td></tr></table><script>go()</script><img src="//x/a.png" alt="far"><a href="//x">a</a><iframe></iframe>';
  output.finish(outcome({ display: [{ mime: "text/html", data: html }] }));
  const [first, second] = host.querySelectorAll("td");
  assert.equal(one("table").className, "t");
  assert.deepEqual([first!.textContent, first!.getAttribute("style"), first!.hasAttribute("onclick"), second!.hasAttribute("style")], ["1", "color: red", false, false]);
  assert.equal(count("script, iframe"), 0);
  assert.equal(one("a").hasAttribute("href"), false);
  assert.equal(one("img").hasAttribute("src"), false);
});

test("pictures are images, with an alternative, and SVG among them", () => {
  output.finish(outcome({ display: [{ mime: "image/png", data: "iVBO\nRw0K" }, { mime: "image/svg+xml", data: '<svg onload="go()">#</svg>' }] }));
  const [png, svg] = host.querySelectorAll("img");
  assert.equal(png!.getAttribute("src"), "data:image/png;base64,iVBORw0K");
  assert.equal(svg!.getAttribute("src"), "data:image/svg+xml;charset=utf-8,%3Csvg%20onload%3D%22go()%22%3E%23%3C%2Fsvg%3E");
  assert.ok(png!.alt && svg!.alt);
  assert.equal(count("svg"), 0);
});

test("a live picture takes its own place again, above what is printed, and says what it shows", async () => {
  output.write([["stdout", "epoch 1\n"], ["live:loss", "<svg width=\"310\" height=\"104\"><title>Loss: 2</title></svg>"], ["live:map", "<svg/>"]]);
  await frame();
  await frame();
  assert.deepEqual([one("img").getAttribute("width"), one("img").getAttribute("height")], ["310", "104"]); // room for it, and no more
  output.write([["live:loss", "<svg><title>Loss: 1</title></svg>"], ["stdout", "epoch 2\n"]]);
  output.finish(outcome());
  const images = [...host.querySelectorAll("img")];
  assert.deepEqual(images.map((image) => image.dataset.place), ["live:loss", "live:map"]);
  assert.deepEqual(images.map((image) => image.alt), ["Loss: 1", "A picture drawn by this program"]);
  assert.match(decodeURIComponent(images[0]!.src), /Loss: 1/);
});

test("what a program says is told in the status region, the newest of several, without a line of its own", async () => {
  output.write([["say", "epoch 1"], ["say", "epoch 2"]]);
  await frame();
  assert.equal(document.querySelector(".tt-status")!.textContent, "epoch 2");
  assert.equal(count(".tt-stdout"), 0);
});

test("results come first, then feedback, then tracebacks", () => {
  output.write([["stdout", "printed"]]);
  output.finish(outcome({ state: "error", display: [{ mime: "text/plain", data: "42" }], error: { kind: "exception", sentence: "`x` is not known.", line: 3, traceback: "Traceback" } }));
  assert.deepEqual([...host.querySelectorAll("pre, [data-kind]")].map((part) => part.textContent), ["printed", "42", "x is not known. (line 3)", "Traceback"]);
  assert.equal(one("[data-kind] code").textContent, "x");
});

test("the line of a mistake is said once", () => {
  output.finish(outcome({ state: "failed", error: { kind: "syntax", sentence: "Line 3 has no colon.", line: 3, traceback: "" } }));
  assert.equal(one(".tt-feedback--fail").textContent, "Line 3 has no colon.");
});

test("checks are counted, each with its word; a failed one says what went wrong, its facts only where the sentence has not all of them", () => {
  const long = "[1, 2, 3, 4, 5, 6, 7, 8]";
  const checks = [
    check({ title: "first" }),
    check({ passed: false, message: "size(a) gave 3", input: "size(a)", got: "3", expected: "gave", mistake: "You counted the rows." }),
    check({ passed: false, message: "total(a) gave [1, …]", input: "total(a)", got: long, expected: "" }),
  ];
  output.finish(outcome({ action: "check", state: "failed", checks }));
  assert.equal(one(".tt-feedback--fail").textContent, "1 of 3 checks passed.");
  const rows = [...host.querySelectorAll<HTMLElement>(".tt-check-row")];
  assert.deepEqual(rows.map((row) => row.dataset.passed), ["true", "false", "false"]);
  assert.equal(rows[0]!.textContent, "passed first");
  assert.equal(rows[1]!.querySelector(".tt-mistake")!.textContent, "You counted the rows.");
  assert.equal(rows[1]!.querySelector(".tt-message code")!.textContent, "size(a)");
  assert.equal(rows[1]!.querySelector("dl"), null);
  assert.deepEqual([...rows[2]!.querySelectorAll("dt, dd")].map((part) => part.textContent), ["Input", "total(a)", "Came back", long]);
});

test("the next run takes the place of the last, but questions that wait for the reader stay", () => {
  output.finish(outcome({ display: [{ mime: "text/plain", data: "42" }] }));
  for (const kind of ["conflict", "edition", "restore", "undo", "solution"]) output.note(kind, kind);
  output.note("conflict", "asked anew");
  output.begin();
  assert.equal(count(".tt-value"), 0);
  assert.deepEqual([...host.querySelectorAll("[data-note]")].map((note) => note.textContent), ["edition", "restore", "asked anew"]);
});

test("a remark stands until the next one or the end, with how far it has come", () => {
  output.remark("loading matplotlib", 0.25);
  assert.equal(one("progress").getAttribute("value"), "0.25");
  output.remark("Still running.");
  assert.equal(host.querySelectorAll('[data-role="remark"]').length, 1);
  output.finish(outcome());
  assert.equal(count('[data-role="remark"]'), 0);
});

test("a milestone's error stands first, then the goals and the advice; whose code ran is folded", () => {
  const credit = { id: "01.x", place: "tensor.py · x", yours: true, calls: 1200, chapter: "01", page: "modules/01_tensor.html#ex-x" };
  const error = { kind: "exception", sentence: "Line 2 raised.", line: 2, traceback: "Traceback" };
  output.finish(outcome({ action: "milestone", state: "error", error, checks: [check({ passed: false, message: "m" })], credits: Array.from({ length: 31 }, () => credit), advice: "Look at `x`." }));
  const order = [...host.querySelectorAll("[data-kind], .tt-check-rows, [data-role=advice], [data-role=credits], details")].map((part) => (part as HTMLElement).dataset.kind ?? (part as HTMLElement).dataset.role ?? part.tagName);
  assert.deepEqual(order, ["exception", "OL", "advice", "credits", "DETAILS"]);
  assert.equal(one("details").hasAttribute("open"), false);
  assert.equal(host.querySelectorAll("details .tt-credits tbody tr").length, 31);
  assert.match(one("[data-role=credits]").textContent!, /This run called 31 functions.*All of them are yours/);
});

test("a run without the exercise's function says so in a quiet line below what it brought", () => {
  output.finish(outcome({ display: [{ mime: "text/plain", data: "42" }], advice: "There is no function `size` in this code." }));
  assert.equal(one("[data-role=advice]").className, "tt-note");
  assert.deepEqual([...host.querySelectorAll(".tt-value, [data-role=advice]")].map((part) => part.textContent), ["42", "There is no function size in this code."]);
  assert.equal(count("[data-kind]"), 0);
});
