/** The page's scratch editor: a lab's card that no chapter prints, kept as a lab is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "../src/cell";
import { Saving } from "../src/saving";
import type { Session } from "../src/session";
import { Store } from "../src/store";
import { openPage } from "./page";

openPage();
const { Lab, scratch } = await import("../src/lab"); // listens to the window as soon as it is there
const store = await Store.open();

test("what is tried in the scratch editor is there on the chapter's next visit, and is no exercise", async () => {
  const page: Page = { root: "", store, session: new EventTarget() as Session, saving: new Saving(true, async () => ""), catalog: () => Promise.reject(new Error("not asked")) };
  const open = async (chapter: string) => {
    const host = scratch(chapter, "foundation");
    document.body.replaceChildren(host);
    const lab = new Lab(host, page);
    await lab.load();
    return lab;
  };
  const lab = await open("05");
  assert.match(lab.getText(), /^# Try things here/);
  await lab.save();
  assert.equal((await store.everything()).labs.length, 0); // untouched, it is nobody's text
  lab.setText("Tensor([1])");
  await lab.save();
  assert.equal((await open("05")).getText(), "Tensor([1])");
  assert.match((await open("06")).getText(), /^# Try things here/);
  const { exercises, labs } = await store.everything();
  assert.deepEqual([exercises.length, labs.map((record) => record.id)], [0, ["05.scratch"]]);
  assert.equal(lab.mainAction(), "cell");
});
