/** An exercise's card between the reader, Python and other tabs: what is kept, asked and said. Editor and Python are stand-ins. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { makeBackup } from "../src/backup";
import type { Page } from "../src/cell";
import type { Editor } from "../src/editor";
import type { Exercise } from "../src/exercise";
import { Saving } from "../src/saving";
import type { Session } from "../src/session";
import { Store } from "../src/store";
import type { ExerciseData, ExerciseRecord, Outcome, SiteCatalog } from "../src/types";
import { openPage } from "./page";

openPage();
const cards = await import("../src/exercise"); // listens to the window as soon as it is there
const [store, tab] = [await Store.open(), await Store.open()]; // this page's, and another tab's
let DATA: ExerciseData = { id: "01.x", number: "1.1", title: "Count", place: "tensor.py · x", edition: "page", starter: "def x():\n    raise NotImplementedError\n", solution: "def x():\n    return 1\n" };
let count = 0;
/** Each test has an exercise of its own: a card that is left behind still writes what it has. */
const anew = () => (DATA = { ...DATA, id: `01.x${++count}` });
beforeEach(async () => {
  anew();
  localStorage.clear();
  document.body.replaceChildren();
});

/** A Python that gives the outcome it is told, and remembers what it was given. */
class Python extends EventTarget {
  state = "ready";
  ran: string[] = [];
  restored: Record<string, string>[] = [];
  next: Partial<Outcome> = {};
  async submit(action: Outcome["action"], id: string, text: string): Promise<Outcome> {
    this.ran.push(text);
    return { id, action, edition: "python", state: "idle", seconds: 0, cut: false, display: [], error: null, checks: [], credits: [], advice: "", behind: "", ...this.next };
  }
  async restore(accepted: Record<string, string>): Promise<void> {
    this.restored.push(accepted);
  }
}

const catalog = { version: "", planned: [], milestones: [], chapters: [{ id: "01", requires: [], exercises: [{ id: "01.other", symbol: "core.tensor:Tensor.other" }] }] } as unknown as SiteCatalog;

interface Card {
  exercise: Exercise;
  python: Python;
  output: HTMLElement;
  state(): string;
  press(label: string): Promise<void>;
}

async function card(hints = 0): Promise<Card> {
  const host = document.createElement("section");
  const folded = "<details><summary>Hint</summary></details>".repeat(hints);
  host.innerHTML = `<script type="application/json" data-role="data">${JSON.stringify(DATA)}</script><span data-role="state"></span><div data-role="editor"></div><div data-role="buttons"></div><div data-role="output"></div><div data-role="hints">${folded}</div>`;
  document.body.append(host);
  const python = new Python();
  const page: Page = { root: "", store, session: python as unknown as Session, saving: new Saving(true, async () => "made"), catalog: async () => catalog };
  const exercise = new cards.Exercise(host, page);
  await exercise.load();
  const output = host.querySelector<HTMLElement>('[data-role="output"]')!;
  const press = async (label: string) => {
    const button = [...host.querySelectorAll("button")].find((one) => one.textContent === label);
    assert.ok(button, `there is a button "${label}"`);
    button.click();
    await settled(exercise);
  };
  return { exercise, python, output, state: () => host.querySelector('[data-role="state"]')!.textContent!, press };
}

/** Waits until what a press began is written: until nothing changes any more, on the page and in the store. */
async function settled(exercise: Exercise): Promise<void> {
  let before = "";
  for (let same = 0; same < 6; ) {
    await new Promise((done) => setTimeout(done, 5));
    await exercise.flush();
    const now = exercise.host.innerHTML + JSON.stringify(await store.everything());
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

async function elsewhere(text: string, more: Partial<ExerciseRecord> = {}): Promise<void> {
  const here = await tab.exercise(DATA.id);
  const plain = { id: DATA.id, edition: "page", attempts: 0, hints: 0, solution: false, state: "idle" as const, passed: null, updated: "" };
  assert.ok("saved" in (await tab.write("exercises", { ...plain, ...here, text, rev: 0, ...more }, here?.rev ?? 0)));
}

const kept = async () => (await store.exercise(DATA.id))!;
const earlier = async () => (await store.history(DATA.id)).map((entry) => entry.text);
const questions = ({ output }: Card) => output.querySelectorAll('[data-note="conflict"]').length;

test("a pass is of the text that was checked, in the edition of the Python that checked it", async () => {
  const one = await card();
  one.exercise.setText("mine");
  one.python.next = { state: "passed" };
  await one.press("Check");
  const { passed, edition, state } = await kept();
  assert.deepEqual([passed!.text, passed!.edition, edition, state], ["mine", "python", "python", "passed"]);
  assert.equal(one.state(), "passed in another edition");
});

test("a failed check counts; a run, one that was stopped and one that Python could not make do not", async () => {
  const one = await card();
  one.exercise.setText("mine");
  const error = (kind: string) => ({ kind, sentence: "s", line: null, traceback: "" });
  for (const [label, next, attempts] of [
    ["Check", { state: "failed" }, 1],
    ["Run", { state: "error", error: error("exception") }, 1],
    ["Check", { state: "idle", error: error("interrupted") }, 1],
    ["Check", { state: "error", error: error("crash") }, 1],
    ["Check", { state: "error", error: error("exception") }, 2],
    ["Check", { state: "passed" }, 0],
  ] as const) {
    one.python.next = next;
    await one.press(label);
    assert.equal((await kept()).attempts, attempts, `${label}: ${next.state}`);
  }
});

test("the solution opens after three failed checks, and hints one at a time; both stay so", async () => {
  const one = await card(2);
  one.python.next = { state: "failed" };
  one.exercise.setText("mine");
  await one.press("Solution");
  assert.match(one.output.textContent!, /after 3 more failed checks/);
  for (let i = 0; i < 3; i++) await one.press("Check");
  await one.press("Solution");
  assert.match(one.output.textContent!, /Seeing the solution ends the search/);
  for (const count of [1, 2, 2]) {
    await one.press("Hint");
    assert.equal((await kept()).hints, count);
  }
  const again = await card(2);
  assert.equal(again.exercise.host.querySelectorAll("details:not([hidden])").length, 2);
});

test("another tab's text is shown at once when nothing here would be lost, and its pass is put in place", async () => {
  const one = await card();
  await elsewhere("theirs", { state: "passed", passed: { text: "theirs", edition: "page", at: "2026" } });
  await one.exercise.load();
  assert.equal(one.exercise.getText(), "theirs");
  assert.deepEqual(one.python.restored, [{ [DATA.id]: "theirs" }]);
  assert.equal(one.state(), "passed");
});

/** Both tabs wrote: this one typed a text that is not saved when the other's comes. */
async function conflict(): Promise<Card> {
  const one = await card();
  one.exercise.setText("first");
  await one.exercise.save();
  await elsewhere("theirs");
  one.exercise.setText("mine");
  await one.exercise.save();
  assert.equal(questions(one), 1);
  assert.equal((await kept()).text, "theirs");
  return one;
}

test("the reader is asked once which of two texts to keep, and typing on asks no more", async () => {
  const one = await conflict();
  assert.deepEqual(await earlier(), ["mine"]); // before the choice: the tab may be closed instead
  for (const text of ["mine and", "mine and more"]) {
    one.exercise.setText(text);
    await one.exercise.save();
  }
  assert.equal(questions(one), 1);
  assert.equal(document.documentElement.dataset.saved, "unsaved");
  await elsewhere("theirs, changed");
  await one.exercise.save();
  assert.equal(questions(one), 1);
  assert.match(one.output.textContent!, /theirs, changed/);
});

test("keeping one's own text puts the other's among the earlier versions", async () => {
  const one = await conflict();
  one.exercise.setText("mine and more");
  await one.press("Keep the text shown here");
  assert.equal((await kept()).text, "mine and more");
  assert.ok((await earlier()).includes("theirs"));
  assert.equal(questions(one), 0);
  assert.equal(document.documentElement.dataset.saved, "saved");
});

test("taking the other text puts one's own among the earlier versions, as it is by then", async () => {
  const one = await conflict();
  one.exercise.setText("mine and more");
  await one.press("Take the other text");
  assert.equal(one.exercise.getText(), "theirs");
  assert.equal((await kept()).text, "theirs");
  assert.ok((await earlier()).includes("mine and more"));
  assert.equal(questions(one), 0);
});

test("a save that is under way or comes while the reader chooses does not ask again", async () => {
  for (const choice of ["Keep the text shown here", "Take the other text"]) {
    anew();
    const one = await conflict();
    one.exercise.setText("mine and more");
    const before = one.exercise.save();
    const chosen = one.press(choice);
    await Promise.all([before, one.exercise.save(), chosen]);
    assert.equal(questions(one), 0);
    assert.equal((await kept()).text, choice.startsWith("Keep") ? "mine and more" : "theirs");
    assert.equal(document.documentElement.dataset.saved, "saved");
  }
});

test("what passes while the reader has not chosen counts at once, and choosing then works", async () => {
  for (const choice of ["Keep the text shown here", "Take the other text"]) {
    anew();
    const one = await conflict();
    one.python.next = { state: "passed" };
    await one.press("Check");
    const record = await kept();
    assert.deepEqual([record.text, record.passed?.text], ["theirs", "mine"]);
    assert.equal(questions(one), 1);
    await one.press(choice);
    const chosen = await kept();
    assert.deepEqual([chosen.text, chosen.passed?.text], [choice.startsWith("Keep") ? "mine" : "theirs", "mine"]);
    assert.equal(questions(one), 0);
  }
});

test("the last words of a page that went away are there on the next one", async () => {
  const one = await card();
  one.exercise.setText("saved");
  await one.exercise.save();
  one.exercise.setText("the last words");
  one.exercise.leave();
  const next = await card();
  await next.exercise.takeDraft();
  assert.equal(next.exercise.getText(), "the last words");
});

test("last words that someone has written past since go to the earlier versions", async () => {
  const one = await card();
  one.exercise.setText("saved");
  await one.exercise.save();
  localStorage.setItem(`tinytorch-draft:${DATA.id}`, JSON.stringify({ text: "the last words", rev: 1 }));
  await elsewhere("theirs");
  const next = await card();
  await next.exercise.takeDraft();
  assert.equal(next.exercise.getText(), "theirs");
  assert.deepEqual(await earlier(), ["the last words"]);
});

test("a reset keeps what was written, and can be taken back", async () => {
  const one = await card();
  one.exercise.setText("mine");
  await one.exercise.save();
  await one.press("Reset");
  await one.press("Yes, start over");
  assert.equal(one.exercise.getText(), DATA.starter.trimEnd());
  assert.deepEqual(await earlier(), ["mine"]);
  await one.press("Undo");
  assert.equal(one.exercise.getText(), "mine");
});

test("the line where the code stopped is marked: of a run's error, and of the first check that raised", async () => {
  const one = await card();
  const marked: (number | null)[] = [];
  const editor: Editor = { getText: () => "", setText: () => undefined, markLine: (line) => void marked.push(line), focus: () => undefined };
  one.exercise.mount(() => editor);
  const check = { title: "t", code: "c", passed: false, message: "", input: "", got: "", expected: "", mistake: null, line: 9, traceback: "", stopped: null };
  for (const [label, next, line] of [
    ["Run", { state: "error", error: { kind: "syntax", sentence: "s", line: 3, traceback: "" } }, 3],
    ["Check", { state: "failed", checks: [{ ...check, passed: true }, check, { ...check, stopped: 5 }, { ...check, stopped: 6 }] }, 5],
    ["Check", { state: "failed", checks: [check] }, null],
    ["Check", { state: "passed", checks: [{ ...check, passed: true }] }, null],
  ] as const) {
    one.python.next = next as Partial<Outcome>;
    await one.press(label);
    assert.deepEqual(marked.splice(0), [null, line], `${label}: ${next.state}`);
  }
});

test("a backup brings what the page holds and the full database does not", async (context) => {
  const one = await card();
  one.exercise.setText("saved");
  await one.exercise.save();
  assert.deepEqual(one.exercise.unsaved(), []);
  const writes = context.mock.method(store, "write", async () => {
    throw new DOMException("the disk is full", "QuotaExceededError");
  });
  one.exercise.setText("only here");
  await one.exercise.save();
  const note = one.exercise.host.querySelector(".tt-note--storage")!;
  assert.match(note.textContent!, /the browser's storage is full\. It is here only as long as the page is open\. A backup holds it, too\.Download a backup/);
  const [mine] = (await makeBackup(store, one.exercise.unsaved())).exercises.filter(({ id }) => id === DATA.id);
  assert.deepEqual([mine!.text, mine!.rev], ["only here", 2]);
  writes.mock.restore();
  await one.exercise.save();
  assert.equal(one.exercise.host.querySelectorAll(".tt-note--storage").length, 0);
});

test("a check says which function of another exercise is behind, as long as it is", async () => {
  const one = await card();
  const other = { id: "01.other", edition: "page", attempts: 1, hints: 0, solution: false, rev: 0, updated: "" };
  one.exercise.setText("mine");
  for (const [state, text, said] of [
    ["failed", "broken", "Your Tensor.other (chapter 01) has been changed since it passed and does not pass as it stands there now. The version that passed runs here."],
    ["passed", "good", ""],
  ] as const) {
    const rev = (await store.exercise("01.other"))?.rev ?? 0;
    await store.write("exercises", { ...other, text, state, passed: { text: "good", edition: "page", at: "2026" } }, rev);
    await one.press("Check");
    assert.equal(one.output.querySelector("[data-role=behind]")?.textContent ?? "", said);
  }
});
