/** A function that passed and was broken since: the cases of tests/learn/behind.json, which hold in Python, too. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { behindWords, isBehind, neededBy } from "../src/behind";

const table = JSON.parse(readFileSync("../../tests/learn/behind.json", "utf8"));

for (const { name, record, behind } of table.records)
  test(name, () => assert.equal(isBehind({ ...record, passed: record.passed && { text: record.passed, edition: "e", at: "2026" } }), behind));

for (const { behind, words } of table.words) test(`${behind.length} of them in words`, () => assert.equal(behindWords(behind, table.chapters), words));

for (const { id, by } of table.needed) test(`a check of ${id} depends on ${by.length} others`, () => assert.deepEqual(neededBy(id, table.chapters), by));
