/** Matrices of weights: walked through with the keys, each cell saying who looks at whom. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { enhanceWeights } from "../src/weights";
import { openPage } from "./page";

const row = (name: string, ...cells: string[]) => `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
const matrix = (caption: string) => `<table>${caption}<thead><tr><td></td><th scope="col">a</th><th scope="col">1</th></tr></thead><tbody>${row("a", "100", "·")}${row("1", "30", "70")}</tbody></table>`;
const window = openPage(`<figure class="tt-weights">${matrix("<caption>Head 0</caption>")}${matrix("")}<figcaption>f</figcaption></figure>`);
const figure = document.querySelector<HTMLElement>("figure")!;
enhanceWeights([figure]);
enhanceWeights([figure]); // a second time changes nothing
const cells = [...figure.querySelectorAll<HTMLElement>("tbody td")];
const words = () => figure.querySelector(".tt-weights-words")!.textContent;
const press = (key: string, more = {}) => {
  const event = new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  document.activeElement!.dispatchEvent(event as unknown as Event);
  return event.defaultPrevented;
};
const at = () => cells.indexOf(document.activeElement as HTMLElement);

test("each table is a grid with one stop for the Tab key, and one line of words stands below", () => {
  assert.deepEqual([...figure.querySelectorAll("table")].map((table) => table.getAttribute("role")), ["grid", "grid"]);
  assert.equal(figure.querySelector("table")!.getAttribute("aria-label"), "Weights, Head 0");
  assert.equal(figure.querySelectorAll(".tt-weights-words").length, 1);
  assert.deepEqual(cells.map((cell) => cell.tabIndex), [0, -1, -1, -1, 0, -1, -1, -1]);
  assert.match(words()!, /arrow keys walk/);
});

test("arrow keys walk to the edges and stay there, and the words follow", () => {
  cells[0]!.focus();
  assert.equal(words(), "Query 0, a, key 0, a: 100 percent, the largest of the row.");
  assert.equal(press("ArrowRight"), true);
  assert.equal(words(), "Query 0, a, key 1: a weight of exactly 0.");
  press("ArrowDown");
  assert.equal(words(), "Query 1, key 1: 70 percent, the largest of the row.");
  assert.equal(press("ArrowDown"), true);
  assert.equal(at(), 3);
  press("Home");
  assert.deepEqual([at(), words()], [2, "Query 1, key 0, a: 30 percent."]);
  press("ArrowLeft");
  assert.equal(at(), 2);
  press("Enter");
  assert.equal(at(), 3);
  press("ArrowUp");
  press("End");
  assert.equal(at(), 1);
  assert.deepEqual(cells.map((cell) => cell.tabIndex), [-1, 0, -1, -1, 0, -1, -1, -1]);
});

test("other keys are the page's", () => {
  assert.equal(press("x"), false);
  assert.equal(press("ArrowLeft", { ctrlKey: true }), false);
  assert.equal(at(), 1);
});

test("a screen reader is told the same at the cell itself, and a pointer shows it", () => {
  assert.equal(cells[6]!.getAttribute("aria-label"), "Query 1, key 0, a: 30 percent.");
  cells[6]!.dispatchEvent(new window.Event("pointerenter") as unknown as Event);
  assert.equal(words(), "Query 1, key 0, a: 30 percent.");
});
