/** The state of a long run under its program: kept, told, taken along as a file, thrown away; a strange file is refused. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Store } from "../src/store";
import { openPage } from "./page";

const window = openPage();
const { RunsNote, keptRuns } = await import("../src/runs");
const store = await Store.open();
const STATE = Uint8Array.from([0x50, 0x4b, 3, 4, 7, 7]);
const saved: string[] = [];
URL.createObjectURL = () => "blob:state";
window.document.addEventListener("click", (event) => {
  const link = event.target as unknown as HTMLAnchorElement;
  if (link.download) saved.push(link.download);
});

beforeEach(async () => {
  await store.clear();
  document.body.replaceChildren();
  saved.length = 0;
});

function note() {
  const buttons = document.body.appendChild(document.createElement("div"));
  const shown = new RunsNote(store, "cifar", buttons);
  const line = document.querySelector<HTMLElement>("[data-role=runs]")!;
  const find = (label: string) => [...line.querySelectorAll("button")].find((one) => one.textContent === label)!;
  return { shown, line, find };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Chooses a file as a reader does. */
async function choose(line: HTMLElement, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const input = line.querySelector("input")!;
  Object.defineProperty(input, "files", { configurable: true, value: [new File([bytes], name)] });
  input.dispatchEvent(new (window as any).Event("change"));
  await settled();
}

test("a state is kept beside those of other runs, and the line says so", async () => {
  const { shown, line, find } = note();
  await settled();
  assert.match(line.textContent!, /Nothing of a run is kept yet/);
  assert.ok(find("Begin anew").hidden);
  await shown.keep("other", STATE.with(5, 1));
  await shown.keep("cifar-50000", STATE);
  assert.deepEqual(await keptRuns(store), { "other": STATE.with(5, 1), "cifar-50000": STATE });
  assert.match(line.textContent!, /Kept in this browser: cifar-50000 \(0\.0 MB\)\. The next such run/);
  assert.ok(!find("Begin anew").hidden);
});

test("who begins anew has the old state among the downloads", async () => {
  const { shown, find } = note();
  await shown.keep("other", STATE);
  await shown.keep("cifar-50000", STATE);
  find("Begin anew").click();
  await settled();
  assert.deepEqual([saved, Object.keys(await keptRuns(store))], [["cifar-50000.npz"], ["other"]]);
});

test("a state comes from a file", async () => {
  const { line } = note();
  await choose(line, "cifar-50000 (1).npz", STATE);
  assert.deepEqual((await keptRuns(store))["cifar-50000"], STATE);
});

test("a file that is no state is refused with its name, and the one that is kept stays", async () => {
  const { shown, line } = note();
  await shown.keep("cifar-50000", STATE);
  await choose(line, "other.npz", STATE);
  assert.match(line.textContent!, /^other\.npz \(0\.0 MB\) is no state of a run of this program/);
  await choose(line, "cat.jpg", Uint8Array.from([255, 216, 255, 224]));
  assert.match(line.textContent!, /cat\.jpg \(0\.0 MB\) is no state of a run of this program; needed is a file that .*cifar-50000\.npz/);
  assert.deepEqual((await keptRuns(store))["cifar-50000"], STATE);
});

test("a storage that is full is told, and nothing is thrown", async () => {
  const { shown, line } = note();
  await settled();
  const [put] = [store.setMeta];
  store.setMeta = () => Promise.reject(new Error("the quota has been exceeded"));
  await shown.keep("cifar-50000", STATE);
  store.setMeta = put;
  assert.match(line.textContent!, /did not keep the state of the run \(the quota has been exceeded\)/);
});
