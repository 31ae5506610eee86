/** Reflect questions: which text is which number, what is near enough, what is said, what is kept. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { enhanceQuestion, readNumber } from "../src/question";
import { Saving } from "../src/saving";
import { Store } from "../src/store";
import { openPage } from "./page";

openPage();
const store = await Store.open();
beforeEach(() => store.clear());

for (const [text, value] of [
  ["12", 12],
  [" 1,024.5 MB ", 1024.5],
  ["1 024,5", 1024.5],
  ["1,024", 1024],
  ["12,5", 12.5],
  ["1_000_000 bytes", 1000000],
  ["\u22123", -3],
  ["+.5", 0.5],
  ["2.4e7 FLOPs", 2.4e7],
  ["12MB", 12],
  ["1,2,3", null],
  ["about 12", null],
  ["MB", null],
  ["", null],
  [".", null],
  ["1.2.3", null],
  ["1e999", null],
] as const) {
  test(`"${text}" is read as ${value}`, () => assert.equal(readNumber(text), value));
}

const NUMBER = { id: "07.adam", kind: "number", answer: 12, unit: "MB", tolerance: 0.01, mistakes: [{ value: 3, why: "<p>You counted elements.</p>" }], explanation: "<p>Four bytes each.</p>" };
const CHOICE = { id: "01.view", kind: "choice", answer: 1, whys: ["<p>A view.</p>", "<p>Copied.</p>"], explanation: "<p>Strides change.</p>" };
const OPEN = { id: "01.why", kind: "open", explanation: "<p>Half the bytes.</p>" };

const FIELDS: Record<string, string> = {
  number: '<input type="text">',
  choice: '<input type="radio" name="c" value="0"><input type="radio" name="c" value="1">',
  open: "<textarea></textarea>",
};

const saving = new Saving(true, async () => "made");

async function question(data: { id: string; kind: string }): Promise<HTMLElement> {
  const host = document.createElement("div");
  host.innerHTML = `<script type="application/json" data-role="data">${JSON.stringify(data).replace(/</g, "\\u003c")}</script><form>${FIELDS[data.kind]}</form><div data-role="output"></div><details data-role="explanation"></details>`;
  document.body.append(host);
  await enhanceQuestion(host, store, saving);
  return host;
}

/** Answers as a reader does, and waits for the record. */
async function give(host: HTMLElement, id: string, text: string): Promise<string> {
  const place = host.querySelector<HTMLInputElement>("input[type=text], textarea");
  if (place) place.value = text;
  else host.querySelectorAll<HTMLInputElement>("input[type=radio]")[Number(text)]!.click();
  host.querySelector("form")!.toggleAttribute("data-given"); // happy-dom remembers what `:checked` found until an attribute changes
  const before = (await store.answer(id))?.at;
  host.querySelector("form")!.dispatchEvent(new window.Event("submit", { cancelable: true }));
  for (let tries = 0; tries < 50 && (await store.answer(id))?.at === before; tries++) await new Promise((done) => setTimeout(done, 2));
  return host.querySelector('[data-role="output"]')!.textContent!;
}

for (const [text, said, right] of [
  ["12", "Right.Four bytes each.", true],
  ["12.1 MB", "Right.Four bytes each.", true],
  ["11.88", "Right.Four bytes each.", true],
  ["12.13", "Not this number: it is too large.", false],
  ["-12", "Not this number: it is too small.", false],
  ["3", "Not this number.You counted elements.", false],
  ["twelve", "That is not a number yet.", false],
] as const) {
  test(`the answer "${text}" to 12 MB, within a hundredth, gets: ${said}`, async () => {
    const host = await question(NUMBER);
    assert.equal(await give(host, NUMBER.id, text), said);
    assert.equal(host.dataset.answered, right ? "right" : "wrong");
    const { id, answer, right: kept } = (await store.answer(NUMBER.id))!;
    assert.deepEqual({ id, answer, kept }, { id: NUMBER.id, answer: text, kept: right });
  });
}

test("a tolerance of 0 takes the number itself, whatever its size", async () => {
  const host = await question({ ...NUMBER, tolerance: 0 } as typeof NUMBER);
  assert.match(await give(host, NUMBER.id, "12.001"), /too large/);
  assert.match(await give(host, NUMBER.id, "12.0"), /^Right/);
});

test("a choice is judged, its reason said, and kept as the reader counts, from 1", async () => {
  const host = await question(CHOICE);
  assert.equal(await give(host, CHOICE.id, "0"), "Not this one.A view.");
  assert.equal((await store.answer(CHOICE.id))!.answer, "1");
  assert.equal(await give(host, CHOICE.id, "1"), "Right.Copied.Strides change.");
  const kept = (await store.answer(CHOICE.id))!;
  assert.deepEqual([kept.answer, kept.right], ["2", true]);
});

test("an open answer has no right or wrong; its model answer opens", async () => {
  const host = await question(OPEN);
  assert.match(await give(host, OPEN.id, "Because."), /^Compare your answer/);
  assert.ok(host.querySelector("details")!.hasAttribute("open"));
  assert.equal((await store.answer(OPEN.id))!.right, null);
  assert.equal(host.dataset.answered, "open");
});

test("without an answer nothing is kept", async () => {
  for (const [data, words] of [[OPEN, "Write your answer first."], [CHOICE, "Choose one first."]] as const) {
    const host = await question(data);
    host.querySelector("form")!.dispatchEvent(new window.Event("submit", { cancelable: true }));
    assert.equal(host.querySelector('[data-role="output"]')!.textContent, words);
    assert.equal(await store.answer(data.id), undefined);
  }
});

test("an answer that was kept stands in the form again, the notebook's number too", async () => {
  await store.putAnswer({ id: CHOICE.id, answer: 2 as unknown as string, right: true, at: "2026" });
  await store.putAnswer({ id: NUMBER.id, answer: "12.1 MB", right: true, at: "2026" });
  const [choice, number] = [await question(CHOICE), await question(NUMBER)];
  assert.ok(choice.querySelectorAll<HTMLInputElement>("input")[1]!.checked);
  assert.equal(number.querySelector("input")!.value, "12.1 MB");
  assert.deepEqual([choice.dataset.answered, number.dataset.answered], ["right", "right"]);
});

test("an open answer that was being written when the page went away is there again", async () => {
  const host = await question({ ...OPEN, id: "01.draft" });
  host.querySelector("textarea")!.value = "half a thou";
  window.dispatchEvent(new window.Event("pagehide"));
  assert.equal((await question({ ...OPEN, id: "01.draft" })).querySelector("textarea")!.value, "half a thou");
});

test("an answer that cannot be saved says so beside it, with a backup to download, until it can", async (context) => {
  const host = await question({ id: "01.full", kind: "open" });
  const puts = context.mock.method(store, "putAnswer", async () => {
    throw new DOMException("the disk is full", "QuotaExceededError");
  });
  const submit = async () => {
    host.querySelector("textarea")!.value = "mine";
    host.querySelector("form")!.dispatchEvent(new window.Event("submit", { cancelable: true }));
    await new Promise((done) => setTimeout(done, 20));
  };
  await submit();
  const note = host.querySelector(".tt-note--storage")!;
  assert.match(note.textContent!, /This could not be saved: the browser's storage is full\..*Download a backup$/);
  puts.mock.restore();
  await submit();
  assert.equal(host.querySelectorAll(".tt-note--storage").length, 0);
});
