/** Bars of time: walked through with the keys, each bar saying whose time it is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { enhanceFlames } from "../src/flame";
import { openPage } from "./page";

const bar = (name: string, width: number, inside = "") =>
  `<li style="width:${width}%"><span class="tt-flame-name">${name}</span><span class="tt-flame-words">${name}: ${width} ms</span>${inside && `<ul>${inside}</ul>`}</li>`;
const window = openPage(
  `<figure class="tt-flame"><ul>${bar("step", 100, bar("forward", 40, bar("a", 30) + bar("b", 60)) + bar("backward", 55, bar("c", 90)))}</ul><figcaption>f</figcaption></figure>`,
);
const figure = document.querySelector<HTMLElement>("figure")!;
enhanceFlames([figure]);
enhanceFlames([figure]); // a second time changes nothing
const bars = [...figure.querySelectorAll<HTMLElement>(".tt-flame-name")];
const line = () => figure.querySelector(".tt-flame-line")!.textContent;
const at = () => bars.indexOf(document.activeElement as HTMLElement);
const press = (key: string, more = {}) => {
  const event = new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  document.activeElement!.dispatchEvent(event as unknown as Event);
  return event.defaultPrevented;
};

test("it is a tree with one stop for the Tab key and one line of words", () => {
  assert.equal(figure.querySelector("ul")!.getAttribute("role"), "tree");
  assert.deepEqual(bars.map((each) => each.getAttribute("role")), Array(6).fill("treeitem"));
  assert.deepEqual(bars.map((each) => each.tabIndex), [0, -1, -1, -1, -1, -1]);
  assert.equal(figure.querySelectorAll(".tt-flame-line").length, 1);
  assert.equal(bars[1]!.getAttribute("aria-expanded"), "true");
  assert.equal(bars[2]!.getAttribute("aria-expanded"), null);
  assert.equal(bars[2]!.getAttribute("aria-label"), "a: 30 ms.");
  assert.deepEqual(bars.map((each) => each.getAttribute("aria-level")), ["1", "2", "3", "3", "2", "3"]);
  assert.deepEqual([...figure.querySelectorAll("li")].map((each) => each.getAttribute("role")), Array(6).fill("none"));
});

test("down goes inside, up to the caller, left and right along the level also past a caller's edge", () => {
  bars[0]!.focus();
  assert.equal(line(), "step: 100 ms.");
  press("ArrowDown");
  press("ArrowDown");
  assert.equal(at(), 2);
  press("ArrowRight");
  press("ArrowRight");
  assert.deepEqual([at(), line()], [5, "c: 90 ms."]);
  assert.equal(press("ArrowRight"), true);
  assert.equal(at(), 5);
  press("ArrowUp");
  assert.equal(at(), 4);
  press("ArrowLeft");
  assert.equal(at(), 1);
  assert.equal(press("ArrowLeft"), true);
  assert.equal(at(), 1);
  press("ArrowUp");
  press("ArrowUp");
  assert.equal(at(), 0);
  assert.deepEqual(bars.map((each) => each.tabIndex), [0, -1, -1, -1, -1, -1]);
});

test("Enter goes to the largest inside, Home to the whole, End to the last of the level", () => {
  bars[1]!.focus();
  press("Enter");
  assert.equal(at(), 3);
  assert.equal(press("Enter"), true);
  press("End");
  assert.equal(at(), 5);
  press("Home");
  assert.equal(at(), 0);
});

test("other keys are the page's, and a pointer shows what a bar is", () => {
  assert.equal(press("x"), false);
  assert.equal(press("ArrowDown", { metaKey: true }), false);
  bars[3]!.dispatchEvent(new window.Event("pointerenter") as unknown as Event);
  assert.equal(line(), "b: 60 ms.");
  bars[3]!.click();
  assert.equal(at(), 3);
});
