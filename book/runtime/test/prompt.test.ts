/** The box to type in: what a reader sees of a network's answer, token by token. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Session } from "../src/session";
import type { Store } from "../src/store";
import { openPage } from "./page";

const window = openPage(`<section data-prompt="m5.talks" data-label="Your question" data-example="What is it?"><div data-role="prompt"></div></section>`);
const { Prompt } = await import("../src/prompt");
const host = document.querySelector<HTMLElement>("section")!;
const token = (text: string, chance: number, more = {}) => ({ state: "token", token: text, chance, candidates: [[text, chance], [" other", 1 - chance]], seconds: 0.002, text, ...more });

class Talk extends EventTarget {
  state = "off";
  asked: unknown[][] = [];
  begun: unknown = { state: "begun", pieces: ["what", " is"], words: "90% right" };
  steps: unknown[] = [];
  async prompt(name: string, text: string | null, temperature = 0, topK: number | null = null): Promise<unknown> {
    if (text === "") return this.begun === null || (this.begun as { state: string }).state === "none" ? { state: "none" } : { state: "empty", words: "90% right" };
    this.asked.push([name, text, temperature, topK]);
    const answer = text === null ? this.steps.shift() : this.begun;
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

const session = new Talk();
const before: { right?: boolean } = {};
const store = { answer: async () => (before.right ? { right: true } : undefined) } as unknown as Store;
new Prompt(host, session as unknown as Session, store);
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));
const find = (selector: string) => host.querySelector<HTMLInputElement>(selector)!;
const words = () => find(".tt-pad-words").textContent;
const send = () => (find(".tt-button").click(), settle());
const tokens = () => [...host.querySelectorAll<HTMLButtonElement>(".tt-prompt-token")];
const move = (selector: string, value: string) => {
  find(selector).value = value;
  find(selector).dispatchEvent(new window.Event("input") as unknown as Event);
};

test("before Python has started it says that there is no network, and what to do", async () => {
  await settle();
  assert.match(words()!, /There is no network yet. Run the program above/);
  assert.equal(find("input[type=text]").value, "What is it?");
  await send();
  assert.deepEqual(session.asked, []);
});

test("a network of an earlier visit is told from none", async () => {
  before.right = true;
  session.dispatchEvent(new Event("state"));
  await settle();
  assert.match(words()!, /trained one on an earlier visit/);
});

test("the answer appears token by token, with what each could have been and how long it took", async () => {
  session.state = "ready";
  session.steps = [token(" A", 0.9), token(" cat", 0.5), token("end", 1, { state: "end", text: "A cat", candidates: [["end", 1], ["\u0001", 0.1]] })];
  await send();
  assert.deepEqual(session.asked.slice(0, 2), [["m5.talks".split(".")[1], "What is it?", 0, null], ["talks", null, 0, null]]);
  assert.deepEqual(tokens().map((key) => key.textContent), ["␣A", "␣cat", "end"]);
  assert.equal(host.querySelectorAll(".tt-prompt-given").length, 2);
  assert.match(find(".tt-prompt-text").textContent!, /^what␣is␣A␣catend$/);
  assert.match(host.textContent!, /3 tokens in 0\.01 s: 2\.0 ms a token/);
  assert.match(find("table").textContent!, /What token 3 of the answer could be.*end.*\\x01/);
  assert.equal(tokens()[1]!.getAttribute("aria-label"), " cat, 50.0 %");
  assert.equal(find(".tt-button").textContent, "Send");
});

test("arrow keys go to an earlier token, and the table shows what could have stood there", () => {
  const press = (key: string) => document.activeElement!.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }) as unknown as Event);
  assert.deepEqual(tokens().map((key) => key.tabIndex), [-1, -1, 0]);
  tokens()[2]!.focus();
  press("ArrowLeft");
  press("ArrowLeft");
  press("ArrowLeft");
  assert.equal(document.activeElement, tokens()[0]);
  assert.match(find("table").textContent!, /token 1 of the answer.*␣A.*90\.0 %.*␣other/);
  tokens()[1]!.click();
  assert.deepEqual(tokens().map((key) => key.getAttribute("aria-pressed")), ["false", "true", "false"]);
});

test("the sliders say what they stand for and are passed on", async () => {
  move("#prompt-talks-temperature", "0.7");
  move("#prompt-talks-top-k", "5");
  assert.match(host.textContent!, /0\.7.*the likeliest 5/);
  session.asked = [];
  session.steps = [token("end", 1, { state: "end", text: "" })];
  await send();
  assert.deepEqual(session.asked[1], ["talks", null, 0.7, 5]);
  move("#prompt-talks-temperature", "0");
  move("#prompt-talks-top-k", "21");
  assert.match(host.textContent!, /always the likeliest.*all tokens/);
});

test("an empty prompt and one that is too long are said in a sentence", async () => {
  session.begun = { state: "empty", words: "" };
  await send();
  assert.match(words()!, /The prompt is empty/);
  session.begun = { state: "long", given: 70, most: 40, words: "" };
  await send();
  assert.match(words()!, /has 70 tokens. The network can look at 40/);
  assert.equal(tokens().length, 0);
});

test("an error of the reader's own function is shown, and the box can be used again", async () => {
  session.begun = { state: "begun", pieces: ["a"], words: "90% right" };
  session.steps = [new Error("TypeError: no chances")];
  await send();
  assert.match(words()!, /could not answer: TypeError: no chances/);
  assert.equal(find(".tt-button").textContent, "Send");
});

test("Stop ends an answer that does not", async () => {
  session.steps = Array.from({ length: 500 }, () => token(" so", 0.5));
  find(".tt-button").click();
  await new Promise((resolve) => setTimeout(resolve, 15));
  assert.equal(find(".tt-button").textContent, "Stop");
  find(".tt-button").click();
  await settle();
  const there = tokens().length;
  assert.ok(there > 0 && there < 500, String(there));
  await settle();
  assert.equal(tokens().length, there);
});

test("a network that ended with Python is said to be gone", async () => {
  session.begun = { state: "none" };
  session.dispatchEvent(new Event("done"));
  await settle();
  assert.match(words()!, /Python was started anew, and the network that was trained here is gone/);
});
