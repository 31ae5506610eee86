/**
 * "Open as notebook": before the reader leaves, what was written here is put into the notebook that
 * JupyterLite will open. JupyterLite 0.8 keeps files with localforage under the name
 * "JupyterLite Storage - <address of lite/>"; only the cells of exercises and labs are touched.
 */

import localforage from "localforage";
import { announce } from "./dom";
import type { Site } from "./page";
import type { Store } from "./store";

const PATIENCE_MS = 4000;

const MAGIC = /^%%exercise[^\n]*\n?/;

interface NotebookCell {
  id?: string;
  cell_type: string;
  source: string | string[];
  metadata: { tinytorch?: { exercise?: string; lab?: string } };
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

async function digestOf(content: unknown): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(content)));
  return [...new Uint8Array(bytes)].slice(0, 8).map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The notebook that was kept, if it was made from the lesson as it is published today. */
function isOfThisLesson(kept: Notebook, published: Notebook, digest: string): boolean {
  const noted = kept.metadata.tinytorch?.published;
  if (noted) return noted === digest;
  const there = new Set(kept.cells.map((cell) => cell.id));
  return published.cells.every((cell) => there.has(cell.id));
}

/** The reader's text of each exercise cell; the notebook's own first, then the page's, which is the newer. */
async function textsById(store: Store, kept: Notebook | null): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const cell of kept?.cells ?? []) if (idOf(cell)) texts.set(idOf(cell)!, sourceOf(cell).replace(MAGIC, ""));
  const { exercises, labs } = await store.everything();
  for (const record of [...exercises, ...labs]) texts.set(record.id, record.text);
  return texts;
}

/**
 * Puts the notebook where JupyterLite will look for it. A lesson that was updated replaces the kept
 * copy, which stays beside it under another name; the reader's code goes into the new one.
 */
async function carryOver(site: Site, store: Store, path: string): Promise<void> {
  const storage = liteStorage(site);
  const [old, published] = await Promise.all([storage.getItem<Stored>(path), publishedNotebook(site, path)]);
  const digest = published && (await digestOf(published));
  const same = old?.content && (!published || isOfThisLesson(old.content, published, digest!));
  if (!old?.content && !published) throw new Error("it could not be loaded; are you offline?");
  const content = same ? old!.content! : published!;
  const texts = await textsById(store, old?.content ?? null);
  for (const cell of content.cells) {
    const text = texts.get(idOf(cell) ?? "");
    if (text !== undefined) fill(cell, text);
  }
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
    link.addEventListener("click", (event) => {
      const work = flush().then(() => inTime(carryOver(site, store, path)));
      work.catch((error: Error) => announce(`The notebook opens without what you wrote here (${error.message}).`));
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      void work.catch(() => undefined).then(() => location.assign(link.href));
    });
  }
}
