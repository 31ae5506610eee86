/**
 * "Open as notebook": before the reader leaves, what was written here is put into the notebook that
 * JupyterLite will open. JupyterLite 0.8 keeps files with localforage under the name
 * "JupyterLite Storage - <address of lite/>"; only the exercise cells are touched.
 */

import localforage from "localforage";
import { announce } from "./dom";
import type { Site } from "./page";
import type { Store } from "./store";

const PATIENCE_MS = 4000;

interface NotebookCell {
  cell_type: string;
  source: string | string[];
  metadata: { tinytorch?: { exercise?: string; lab?: string } };
}

interface Stored {
  content: { cells: NotebookCell[]; metadata: { tinytorch?: { digest?: string } } } | null;
  [field: string]: unknown;
}

function liteStorage(site: Site): LocalForage {
  const base = new URL("lite/", site.root).pathname;
  return localforage.createInstance({ name: `JupyterLite Storage - ${base}`, storeName: "files", version: 1, description: "Offline Storage for Notebooks and Files" });
}

async function publishedNotebook(site: Site, path: string): Promise<Stored["content"]> {
  const answer = await fetch(`${site.root}lite/files/${path}`, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`the notebook ${path} was not found (${answer.status})`);
  return answer.json();
}

function model(path: string, content: NonNullable<Stored["content"]>, old: Stored | null): Stored {
  const now = new Date().toISOString();
  const name = path.split("/").at(-1)!;
  const size = new TextEncoder().encode(JSON.stringify(content)).length;
  return { created: now, ...old, name, path, last_modified: now, format: "json", mimetype: "application/json", content, size, writable: true, type: "notebook" };
}

/** The cell keeps its first line, the `%%exercise` magic, and gets the text from the page below it. */
function fill(cell: NotebookCell, text: string): boolean {
  const source = Array.isArray(cell.source) ? cell.source.join("") : cell.source;
  const magic = /^%%exercise[^\n]*/.exec(source)?.[0];
  const next = magic ? `${magic}\n${text}` : text;
  if (next.trimEnd() === source.trimEnd()) return false;
  cell.source = next;
  return true;
}

async function textsById(store: Store): Promise<Map<string, string>> {
  const { exercises, labs } = await store.everything();
  return new Map([...exercises, ...labs].map((record) => [record.id, record.text]));
}

/** Writes only when something differs, so that a notebook without the reader's text stays the published one. */
async function carryOver(site: Site, store: Store, path: string): Promise<void> {
  const storage = liteStorage(site);
  const old = await storage.getItem<Stored>(path);
  const content = old?.content ?? (await publishedNotebook(site, path));
  const texts = await textsById(store);
  let changed = false;
  for (const cell of content!.cells) {
    const id = cell.metadata.tinytorch?.exercise ?? cell.metadata.tinytorch?.lab;
    const text = id && texts.get(id);
    if (text && cell.cell_type === "code") changed = fill(cell, text) || changed;
  }
  if (changed) await storage.setItem(path, model(path, content!, old));
}

function inTime(work: Promise<void>): Promise<void> {
  return Promise.race([work, new Promise<void>((_, reject) => setTimeout(() => reject(new Error("the browser's storage did not answer")), PATIENCE_MS))]);
}

export function enhanceNotebookLinks(links: HTMLAnchorElement[], site: Site, store: Store, flush: () => Promise<unknown>): void {
  for (const link of links) {
    const path = new URL(link.href).searchParams.get("path");
    if (!path) continue;
    link.addEventListener("click", (event) => {
      const work = flush().then(() => inTime(carryOver(site, store, path)));
      work.catch((error: Error) => announce(`The notebook opens without what you wrote here (${error.message}).`));
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      void work.catch(() => undefined).then(() => location.assign(link.href));
    });
  }
}
