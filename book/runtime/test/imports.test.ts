/** The rooms of the runtime: no file imports, by way of others, itself; types count, too. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import ts from "typescript";

/** Each file's imports of its neighbours, by name without the ending. */
function imports(): Map<string, string[]> {
  const names = readdirSync("src").map((file) => file.replace(/\.ts$/, ""));
  const of = (name: string) => ts.preProcessFile(readFileSync(`src/${name}.ts`, "utf8"), true, true).importedFiles.map((file) => file.fileName);
  return new Map(names.map((name) => [name, of(name).filter((file) => file.startsWith("./")).map((file) => file.slice(2))]));
}

/** The first way that leads back to where it began. */
function circle(graph: Map<string, string[]>): string[] | null {
  const clear = new Set<string>();
  const walk = (name: string, way: string[]): string[] | null => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (clear.has(name)) return null;
    for (const next of graph.get(name) ?? []) {
      const found = walk(next, [...way, name]);
      if (found) return found;
    }
    clear.add(name);
    return null;
  };
  for (const name of graph.keys()) {
    const found = walk(name, []);
    if (found) return found;
  }
  return null;
}

test("no import leads back to its own file", () => {
  assert.deepEqual(circle(imports()), null);
});

test("every import of a neighbour is seen, those of types and those made later too", () => {
  const graph = imports();
  assert.ok(graph.get("page")!.includes("types"), "import type");
  assert.ok(graph.get("page")!.includes("pad"), "import()");
  for (const [name, others] of graph) for (const other of others) assert.ok(graph.has(other), `${name} imports ${other}`);
});

test("a circle is named", () => {
  assert.deepEqual(circle(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])), ["b", "c", "b"]);
});
