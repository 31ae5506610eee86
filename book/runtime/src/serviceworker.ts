/**
 * The service worker, `sw.js` at the site root: keeps the site for offline use and adds the headers
 * that make pages cross-origin isolated where the host cannot send them.
 *
 * Pages, JSON and notebooks are asked from the network first, so a kept copy never hides a new
 * lesson. Files whose address changes with their content, and Python itself, are taken from the
 * cache first. The build writes the list of files in place of `self.__TT_MANIFEST`.
 */

import { pixelsOf, PIXELS } from "./sheets";
import { HASH_HEADER, type Entry, type FromServiceWorker, type Manifest, type ToServiceWorker } from "./manifest";

declare const self: ServiceWorkerGlobalScope & { __TT_MANIFEST?: Manifest };

const MANIFEST: Manifest = self.__TT_MANIFEST ?? { version: "", core: [], all: [] };
const SCOPE = self.registration.scope;
const CACHE = `tinytorch-1:${new URL(SCOPE).pathname}`;
const PYTHON = `${SCOPE}lite/static/pyodide/`;
const SLOW_NETWORK_MS = 8000;
const AT_ONCE = 3;
const GONE = [404, 410]; // other errors are a filter's or a tired server's; a kept copy is better

const entries = new Map<string, Entry>([...MANIFEST.all, ...MANIFEST.core].map((entry) => [new URL(entry.url, SCOPE).href, entry]));
let background = new AbortController();
let keepingAll = false;

self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), dropOldLayouts()])));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(SCOPE) || request.headers.has("range")) return;
  const url = new URL(request.url);
  if (url.searchParams.has(PIXELS)) return event.respondWith(unpacked(event, keyOf(url.href, false)));
  event.respondWith(isImmutable(url) ? cacheFirst(event) : networkFirst(event));
});
self.addEventListener("message", (event) => {
  const message = event.data as ToServiceWorker;
  if (message?.type === "keep") event.waitUntil(keep(message.what, event.source));
  if (message?.type === "pause") background.abort();
  if (message?.type === "forget-python") event.waitUntil(forgetPython().then(() => event.ports[0]?.postMessage("done")));
  if (message?.type === "size") event.waitUntil(size().then((answer) => event.ports[0]?.postMessage(answer)));
});

/** One address for `folder/` and `folder/index.html`, none for the part after `#`. */
function keyOf(address: string, withSearch: boolean): string {
  const url = new URL(address);
  url.hash = "";
  if (!withSearch) url.search = "";
  if (url.pathname.endsWith("/")) url.pathname += "index.html";
  return url.href;
}

function isImmutable(url: URL): boolean {
  if (url.href.startsWith(PYTHON)) return !url.pathname.endsWith(".json");
  if (url.searchParams.has("v") || url.searchParams.has("_")) return true;
  return /[-.]([0-9a-f]{7,}|[0-9A-Z]{8})\.(js|mjs|css|woff2?|svg|png|wasm|whl|npz|webp)$/.test(url.pathname) || url.pathname.endsWith(".woff2");
}

/**
 * Document-Isolation-Policy isolates a page without cutting it off from the window that opened it;
 * desktop Chromium has it since 137. Elsewhere COOP and COEP, with require-corp because Safari
 * does not know credentialless.
 */
function isolation(): Record<string, string> {
  const version = Number(/Chrom(?:e|ium)\/(\d+)/.exec(navigator.userAgent)?.[1] ?? 0);
  const mobile = /Mobile|Android/.test(navigator.userAgent);
  const corp = { "Cross-Origin-Resource-Policy": "same-origin" };
  if (version >= 137 && !mobile) return { ...corp, "Document-Isolation-Policy": "isolate-and-require-corp" };
  return { ...corp, "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
}

function withHeaders(response: Response, hash = ""): Response {
  if (response.type === "opaqueredirect" || response.type === "opaque" || response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(isolation())) headers.set(name, value);
  if (hash) headers.set(HASH_HEADER, hash);
  const body = [101, 204, 205, 304].includes(response.status) ? null : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

async function store(key: string, response: Response): Promise<void> {
  try {
    await (await caches.open(CACHE)).put(key, response);
    await dropOlder(key);
  } catch (error) {
    // A full disk only costs the offline copy; the page itself gets its answer.
    console.warn(`not kept for offline use: ${key}`, error);
  }
}

/** What a network puts in a file's place must not be kept as that file: it would hide the real one for good. */
async function storeWhole(key: string, whole: Blob, response: Response, hash: string | null): Promise<void> {
  if (!hash || (await digest(whole)) === hash) return store(key, new Response(whole, response));
  console.warn(`not kept: what arrived for ${key} is not this site's file`);
}

/**
 * The response for the page, kept as well once it has passed through whole. The pieces are collected
 * on the way: two branches of one body can stall each other when the cache is busy with another file.
 */
function keeping(event: FetchEvent, key: string, response: Response): Response {
  if (response.status !== 200 || !response.body) return response;
  const hash = response.headers.get(HASH_HEADER); // of files whose content never changes
  const reader = response.body.getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let finish!: (work: Promise<void> | null) => void;
  event.waitUntil(new Promise<void | null>((resolve) => (finish = resolve)));
  const pull = async (out: ReadableStreamDefaultController<Uint8Array>) => {
    try {
      const { done, value } = await reader.read();
      if (value) pieces.push(value), out.enqueue(value);
      if (!done) return;
      out.close();
      finish(storeWhole(key, new Blob(pieces), response, hash));
    } catch (error) {
      out.error(error);
      finish(null);
    }
  };
  const cancel = (reason: unknown) => (finish(null), reader.cancel(reason));
  const passing = new Response(new ReadableStream({ pull, cancel }), response);
  passing.headers.delete(HASH_HEADER); // it says: out of the cache, so whole
  return passing;
}

async function networkFirst(event: FetchEvent): Promise<Response> {
  const { request } = event;
  const key = keyOf(request.url, false);
  const kept = await (await caches.open(CACHE)).match(key);
  const fresh = fetch(request, { cache: "no-cache" }).then((response) => keeping(event, key, withHeaders(response)));
  if (!kept) return fresh.catch(() => absent(request));
  const slow = new Promise<Response>((resolve) => setTimeout(() => resolve(kept), SLOW_NETWORK_MS));
  const useful = (response: Response) => response.status < 400 || GONE.includes(response.status);
  const first = await Promise.race([fresh.then((response) => (useful(response) ? response : kept), () => kept), slow]);
  // What comes too late for this visit is read all the same, so that the next one has it.
  if (first === kept) void fresh.then((response) => response.arrayBuffer()).catch(() => undefined);
  return first;
}

function current(key: string, kept: Response): boolean {
  const wanted = entries.get(key)?.hash;
  const has = kept.headers.get(HASH_HEADER);
  return !wanted || !has || wanted === has;
}

async function cacheFirst(event: FetchEvent): Promise<Response> {
  const { request } = event;
  const key = keyOf(request.url, true);
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key);
  if (kept && current(key, kept)) return kept;
  try {
    const response = await fetch(request, { cache: "no-cache" });
    return keeping(event, key, withHeaders(response, entries.get(key)?.hash));
  } catch {
    // Offline: what was kept under the bare address is of the same build or the closest there is.
    return kept ?? (await cache.match(key, { ignoreSearch: true })) ?? absent(request);
  }
}

/** A sheet of pictures as its pixels, kept and checked like every file; meanwhile the next sheet is on its way. */
async function unpacked(event: FetchEvent, key: string): Promise<Response> {
  const entry = entries.get(key);
  if (!entry) return Response.error();
  const signal = new AbortController().signal;
  const problem = await keepOne(entry, signal);
  const kept = await (await caches.open(CACHE)).match(key);
  if (problem || !kept) return new Response(problem, { status: 502, headers: { "content-type": "text/plain", ...isolation() } });
  const next = MANIFEST.all[MANIFEST.all.indexOf(entry) + 1];
  if (next?.url.endsWith(".webp")) event.waitUntil(keepOne(next, signal));
  return new Response(await pixelsOf(await kept.blob()), { headers: { "content-type": "application/octet-stream", ...isolation() } });
}

/** Of `page.js?v=1` and `page.js?v=2` only the newer stays. */
async function dropOlder(key: string): Promise<void> {
  if (!key.includes("?")) return;
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys(key, { ignoreSearch: true })) {
    if (request.url !== key && request.url.includes("?")) await cache.delete(request);
  }
}

function absent(request: Request): Response {
  const words = "You are offline, and this page was not kept. Pages that you opened before, and everything if you chose that on the progress page, work offline.";
  if (request.mode !== "navigate") return new Response(words, { status: 503, statusText: "Offline", headers: { "content-type": "text/plain", ...isolation() } });
  const home = `<p><a href="${SCOPE}">To the start of the book</a></p>`;
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Offline</title><body style="font:18px/1.6 serif;max-width:36em;margin:3em auto;padding:0 1em"><h1>Offline</h1><p>${words}</p>${home}</body></html>`;
  return new Response(page, { status: 503, headers: { "content-type": "text/html; charset=utf-8", ...isolation() } });
}

async function isKept(cache: Cache, entry: Entry): Promise<boolean> {
  const kept = await cache.match(new URL(entry.url, SCOPE).href);
  return Boolean(kept && (!entry.hash || kept.headers.get(HASH_HEADER) === entry.hash));
}

type Listener = Client | ServiceWorker | MessagePort | null;

/** What the reader asked for runs to its end; what is kept unasked gives way to it and to a start of Python. */
async function keep(what: "core" | "all", client: Listener): Promise<void> {
  background.abort();
  if (keepingAll) return;
  background = new AbortController();
  if (what === "core") return keepList(what, client, background.signal);
  keepingAll = true;
  await keepList(what, client, new AbortController().signal).finally(() => (keepingAll = false));
}

/** Fetches what is missing of a list, a few files at a time, and tells the page how far it is. */
async function keepList(what: "core" | "all", client: Listener, signal: AbortSignal): Promise<void> {
  const list = MANIFEST[what];
  const total = list.reduce((sum, entry) => sum + entry.size, 0);
  const queue = [...list];
  let bytes = 0;
  let problem = "";
  const tell = (done: boolean) => client?.postMessage({ type: "kept", what, bytes, total, done, problem } satisfies FromServiceWorker);
  const work = async () => {
    for (let entry = queue.shift(); entry && !problem; entry = queue.shift()) {
      problem ||= await keepOne(entry, signal);
      bytes += entry.size;
      tell(false);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (!problem) await prune(what);
  tell(true);
}

/** Empty when the file is kept, else a sentence. */
async function keepOne(entry: Entry, signal: AbortSignal): Promise<string> {
  const cache = await caches.open(CACHE);
  const key = new URL(entry.url, SCOPE).href;
  try {
    if (await isKept(cache, entry)) return "";
    const response = await fetch(key, { cache: "no-cache", signal });
    if (response.status !== 200) return `${entry.url}: the server answered ${response.status}.`;
    // Read to the end first: a response waiting unread for its turn in the cache would hold a connection.
    const whole = await response.blob();
    if (entry.hash && (await digest(whole)) !== entry.hash) return `${entry.url}: what arrived is not this site's file.`;
    await cache.put(key, withHeaders(new Response(whole, response), entry.hash));
    return "";
  } catch (error) {
    return `${entry.url}: ${(error as Error).message}`;
  }
}

/** The first 12 digits of the SHA-256, as the build writes them. */
async function digest(content: Blob): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", await content.arrayBuffer());
  return [...new Uint8Array(sum)].slice(0, 6).map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function size(): Promise<{ core: number; all: number; kept: number; version: string }> {
  const cache = await caches.open(CACHE);
  const sum = (list: Entry[]) => list.reduce((bytes, entry) => bytes + entry.size, 0);
  const kept = new Set((await cache.keys()).map((request) => keyOf(request.url, false)));
  const there = MANIFEST.all.filter((entry) => kept.has(new URL(entry.url, SCOPE).href));
  return { core: sum(MANIFEST.core), all: sum(MANIFEST.all), kept: sum(there), version: MANIFEST.version };
}

async function forgetPython(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) if (request.url.startsWith(PYTHON)) await cache.delete(request);
}

/** Caches of older layouts go at once; what ours holds of the last edition is of use until this one is kept. */
async function dropOldLayouts(): Promise<void> {
  const path = new URL(SCOPE).pathname;
  for (const name of await caches.keys()) {
    if (name.startsWith("tinytorch-") && name.endsWith(`:${path}`) && name !== CACHE) await caches.delete(name);
  }
}

/** After an edition is kept whole, the files that the site no longer has go; JupyterLite's when all of it is kept. */
async function prune(what: "core" | "all"): Promise<void> {
  if (!entries.size) return;
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) {
    const key = keyOf(request.url, false);
    const lite = key.startsWith(`${SCOPE}lite/`) && !key.startsWith(PYTHON);
    if (!entries.has(key) && (what === "all" || !lite)) await cache.delete(request);
  }
}
