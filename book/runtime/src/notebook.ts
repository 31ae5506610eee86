/**
 * "Open as notebook": before the reader leaves, what was written here is put into the notebook that
 * JupyterLite will open. JupyterLite 0.8 keeps files with localforage under the name
 * "JupyterLite Storage - <address of lite/>"; only the cells of exercises and labs are touched.
 */

import localforage from "localforage";
import { announce, h } from "./dom";
import { sha256Hex } from "./hash";
import type { Store } from "./store";
import type { Site } from "./types";

const PATIENCE_MS = 4000;

const MAGIC = /^%%exercise[^\n]*\n?/;

interface NotebookCell {
  id?: string;
  cell_type: string;
  source: string | string[];
  metadata: { tinytorch?: { exercise?: string; lab?: string; filled?: string } };
}

interface Notebook {
  cells: NotebookCell[];
  metadata: { tinytorch?: { published?: string } };
}

interface Stored {
  content: Notebook | null;
  [field: string]: unknown;
}

function liteStorage(site: Site): LocalForage {
  const base = new URL("lite/", site.root).pathname;
  return localforage.createInstance({ name: `JupyterLite Storage - ${base}`, storeName: "files", version: 1, description: "Offline Storage for Notebooks and Files" });
}

/** Null when it cannot be had, as offline without a kept copy. */
async function publishedNotebook(site: Site, path: string): Promise<Notebook | null> {
  const answer = await fetch(`${site.root}lite/files/${path}`, { cache: "no-cache" }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

function model(path: string, content: Notebook, old: Stored | null): Stored {
  const now = new Date().toISOString();
  const name = path.split("/").at(-1)!;
  const size = new TextEncoder().encode(JSON.stringify(content)).length;
  return { created: now, ...old, name, path, last_modified: now, format: "json", mimetype: "application/json", content, size, writable: true, type: "notebook" };
}

function sourceOf(cell: NotebookCell): string {
  return Array.isArray(cell.source) ? cell.source.join("") : cell.source;
}

function idOf(cell: NotebookCell): string | undefined {
  return cell.cell_type === "code" ? (cell.metadata.tinytorch?.exercise ?? cell.metadata.tinytorch?.lab) : undefined;
}

/** The cell keeps its first line, the `%%exercise` magic, and gets the reader's text below it. */
function fill(cell: NotebookCell, text: string): void {
  const magic = MAGIC.exec(sourceOf(cell))?.[0] ?? "";
  if (sourceOf(cell).trimEnd() !== (magic + text).trimEnd()) cell.source = magic + text;
}

/** Sixteen digits are enough to tell two editions of a lesson apart. */
function digestOf(content: unknown): string {
  return sha256Hex(JSON.stringify(content)).slice(0, 16);
}

/** The notebook that was kept, if it was made from the lesson as it is published today. */
function isOfThisLesson(kept: Notebook, published: Notebook, digest: string): boolean {
  const noted = kept.metadata.tinytorch?.published;
  if (noted) return noted === digest;
  const there = new Set(kept.cells.map((cell) => cell.id));
  return published.cells.every((cell) => there.has(cell.id));
}

function bodyOf(cell: NotebookCell): string {
  return sourceOf(cell).replace(MAGIC, "").trimEnd();
}

/**
 * Puts the page's texts into the cells where the page has something new since they were last filled.
 * What was written in such a cell and never run is known nowhere else: it goes to the earlier versions.
 */
async function fillCells(store: Store, content: Notebook, published: Notebook | null): Promise<void> {
  const starters = new Map(published?.cells.map((cell) => [idOf(cell), bodyOf(cell)]));
  const { exercises, labs } = await store.everything();
  const texts = new Map([...exercises, ...labs].map((record) => [record.id, record.text.trimEnd()]));
  for (const cell of content.cells) {
    const id = idOf(cell);
    const text = texts.get(id ?? "");
    if (!id || text === undefined) continue;
    const [mark, mine] = [cell.metadata.tinytorch!, bodyOf(cell)];
    if (text === mark.filled) continue;
    if (![text, mark.filled, starters.get(id)].includes(mine)) await store.addHistory(id, mine, "conflict");
    fill(cell, text);
    mark.filled = text;
  }
}

/**
 * Puts the notebook where JupyterLite will look for it. A lesson that was updated replaces the kept
 * copy, which stays beside it under another name; the reader's code goes into the new one.
 */
async function carryOver(site: Site, store: Store, path: string): Promise<void> {
  const storage = liteStorage(site);
  const [old, published] = await Promise.all([storage.getItem<Stored>(path), publishedNotebook(site, path)]);
  const digest = published && digestOf(published);
  const same = old?.content && (!published || isOfThisLesson(old.content, published, digest!));
  if (!old?.content && !published) throw new Error("it could not be loaded; are you offline?");
  const content = same ? old!.content! : published!;
  await fillCells(store, content, published);
  if (digest && content.metadata.tinytorch) content.metadata.tinytorch.published = digest;
  if (old?.content && !same) await storage.setItem(earlier(path), model(earlier(path), old.content, old));
  await storage.setItem(path, model(path, content, old));
}

function earlier(path: string): string {
  return path.replace(/\.ipynb$/, "-earlier.ipynb");
}

function inTime(work: Promise<void>): Promise<void> {
  return Promise.race([work, new Promise<void>((_, reject) => setTimeout(() => reject(new Error("the browser's storage did not answer")), PATIENCE_MS))]);
}

export function enhanceNotebookLinks(links: HTMLAnchorElement[], site: Site, store: Store, flush: () => Promise<unknown>): void {
  for (const link of links) {
    const path = new URL(link.href).searchParams.get("path");
    if (!path) continue;
    const carry = () => flush().then(() => inTime(carryOver(site, store, path)));
    let failed = false;
    const failure = (error: Error) => {
      failed = true;
      const words = `What you wrote here could not be carried into the notebook (${error.message}). The link opens it all the same.`;
      link.parentElement!.after(h("p", { class: "tt-note" }, words));
      announce(words);
    };
    link.addEventListener("auxclick", () => void carry().catch(failure));
    link.addEventListener("click", (event) => {
      if (failed) return;
      if (event.ctrlKey || event.metaKey || event.shiftKey) return void carry().catch(failure);
      event.preventDefault();
      void carry().then(() => location.assign(link.href), failure);
    });
  }
}
