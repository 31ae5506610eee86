/**
 * The Python worker: boots Pyodide from our own folder, tells every stage with its bytes, and
 * hands each request to `tinytorch.learn.Workshop`. One interpreter, one request at a time.
 *
 * What could hang in silence is watched here: a file that is missing, a file that is cut short, a
 * download that stops. What could kill the tab is limited here: the WebAssembly memory.
 */

import { dataSets, downloadData, namedIn } from "./data";
import { megabytes } from "./dom";
import type { Action, FromWorker, ToWorker } from "./types";

declare const self: DedicatedWorkerGlobalScope;

const SILENCE_MS = 12_000;
const MEMORY_LIMIT = 1024 * 1024 * 1024;
const PACKAGES = ["numpy", "tinytorch-kernels", "tinytorch"];
const CHAPTER = "tinytorch-chapter-"; // and the id of a chapter or milestone: the wheel with its exercises
const HASH_HEADER = "x-tinytorch-hash"; // the service worker puts it on what it has kept whole
const CORE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];

interface Pyodide {
  globals: { get(name: string): any };
  runPython(code: string): any;
  unpackArchive(archive: ArrayBuffer, format: string): void;
  loadedPackages: Record<string, string>;
  loadPackagesFromImports(code: string, options?: object): Promise<unknown>;
  setInterruptBuffer(buffer: Uint8Array): void;
  registerJsModule(name: string, module: object): void;
  FS: { mkdirTree(path: string): void; analyzePath(path: string): { exists: boolean }; writeFile(path: string, data: Uint8Array): void };
}

/** The milliseconds that each part of a start took, in order: what `make bench` tabulates. */
class Phases {
  readonly spent: Record<string, number> = {};
  private since = 0; // a worker's clock starts when it is made, so its own script counts

  end(name: string): void {
    const now = performance.now();
    this.spent[name] = (this.spent[name] ?? 0) + now - this.since;
    this.since = now;
  }
}
const phases = new Phases();

const PYTHON = `
import json
from tinytorch import learn
from tinytorch_page import emit

workshop = learn.Workshop(on_output=emit, on_picture=emit)

def plain(value):
    return value.to_dict() if hasattr(value, "to_dict") else value

def call(name, arguments):
    return json.dumps(plain(getattr(workshop, name)(*json.loads(arguments))), default=str)

def wheel(author):
    return workshop.wheel(author)

def numpy_kernel(action, on):
    from tinytorch.learn import kernel
    state = (kernel.switch(on) if action == "switch" else kernel.status()).to_dict()
    return json.dumps({**state, "speed": kernel.measure() if action == "measure" else None})

def drawing(width, ink):
    import numpy as np
    from tinytorch.learn import pad
    return json.dumps(pad.ask(np.frombuffer(ink.to_bytes(), np.uint8).reshape(-1, width) / 255))
`;

let pyodide: Pyodide | null = null;
let call: ((name: string, args: string) => string) | null = null;
let interrupt: Uint8Array | null = null;
let locked: Locked = { base: "", lock: "", packages: {} };
let site = ""; // the site's root: where Python lies without the folders that lead to it

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

/** Past this size `memory.grow` fails, malloc returns NULL, and Python raises MemoryError instead of the tab dying. */
function limitMemory(): void {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (pages: number) {
    if (this.buffer.byteLength + pages * 65536 > MEMORY_LIMIT) throw new RangeError("memory limit of the page reached");
    return grow.call(this, pages);
  };
}

/** Counts the bytes of everything fetched during the boot, and ends a download that went silent. */
class Downloads {
  loaded = 0;
  total = 0;
  private sizes: Record<string, number> = {};
  private sized: Promise<void> = Promise.resolve();
  private told = 0;
  readonly failed: Promise<never>;
  fail!: (reason: Error) => void;

  constructor(private readonly original: typeof fetch) {
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
  }

  /** `sizes.json` beside Python tells the unpacked size of each file; a gzipped answer does not. */
  learnSizes(base: string): Promise<void> {
    const learn = async () => {
      const answer = await this.original(base + "sizes.json").catch(() => null);
      if (answer?.ok) this.sizes = await answer.json();
    };
    return (this.sized = learn().catch(() => undefined)); // without it only the bar is less exact
  }

  /** Modules come past this counter, so they are not part of the sum. */
  expect(names: string[]): void {
    for (const name of names) if (!name.endsWith(".mjs")) this.total += this.sizes[name.split("/").at(-1)!] ?? 0;
  }

  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const name = new URL(String((input as Request).url ?? input), self.location.href).pathname.split("/").pop()!;
    const answer = await this.silence(this.original(input, init), name).catch((error) => this.give(explainFetch(name, error)));
    if (!answer.ok) return this.give(new Error(`${name} could not be downloaded: ${refusal(answer)}`));
    if (!answer.body) return answer;
    await this.sized;
    if (name.endsWith(".wasm") && answer.headers.has(HASH_HEADER)) return this.untouched(answer, name);
    const length = answer.headers.get("content-encoding") ? 0 : Number(answer.headers.get("content-length") ?? 0);
    if (!(name in this.sizes)) this.total += length;
    const headers = new Headers(answer.headers);
    if (name.endsWith(".wasm")) headers.set("content-type", "application/wasm");
    return new Response(this.counted(answer.body, name, length), { status: answer.status, headers });
  };

  /** What the service worker has kept is whole: nothing to watch on the way, and the browser compiles as it reads. */
  private untouched(answer: Response, name: string): Response {
    this.count(this.sizes[name] ?? 0);
    return answer;
  }

  private counted(body: ReadableStream<Uint8Array>, name: string, length: number): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let got = 0;
    const pull = async (out: ReadableStreamDefaultController<Uint8Array>) => {
      const { done, value } = await this.silence(reader.read(), name).catch((error) => this.give(explainFetch(name, error)));
      if (value) {
        got += value.length;
        this.count(value.length);
        out.enqueue(value);
      }
      if (!done) return;
      if (length && got < length) this.give(new Error(`${name} is cut short: ${got} of ${length} bytes arrived.`));
      out.close();
    };
    return new ReadableStream({ pull });
  }

  private count(bytes: number): void {
    this.loaded += bytes;
    if (performance.now() - this.told < 100) return;
    this.told = performance.now();
    tell({ type: "stage", stage: "download", words: "Downloading Python", loaded: this.loaded, total: Math.max(this.total, this.loaded) });
  }

  private silence<T>(promise: Promise<T>, name: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const words = `The download of ${name} stopped: nothing arrived for ${SILENCE_MS / 1000} seconds.`;
      const timer = setTimeout(() => reject(new Error(words)), SILENCE_MS);
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** A module's bytes cannot be counted; it is given up when nothing else arrives either. */
  async patient<T>(promise: Promise<T>, name: string): Promise<T> {
    let seen = -1;
    let since = performance.now();
    const watch = setInterval(() => {
      if (seen !== this.loaded) [seen, since] = [this.loaded, performance.now()];
      else if (performance.now() - since > SILENCE_MS) this.fail(new Error(`The download of ${name} stopped: nothing arrived for ${SILENCE_MS / 1000} seconds.`));
    }, 500);
    return promise.catch(() => this.give(new Error(`${name} could not be loaded: it is missing, damaged or blocked.`))).finally(() => clearInterval(watch));
  }

  /** Pyodide may swallow a failed download and wait for ever, so the failure is told here as well. */
  private give(error: Error): never {
    this.fail(error);
    throw error;
  }
}

/** Our service worker answers `Offline` for what it has not kept. */
function refusal(answer: Response): string {
  return answer.statusText === "Offline" ? "there is no network, and this browser has not kept it." : `the server answered ${answer.status}.`;
}

function explainFetch(name: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  return text.includes(name) ? new Error(text) : new Error(`${name} could not be downloaded (${text}).`);
}

/** A WebAssembly file that is cut short fails to compile; Pyodide would wait for ever. */
function watchCompiler(downloads: Downloads): Promise<never> {
  return new Promise((_, reject) => {
    const broken = (error: unknown) => {
      reject(new Error(`pyodide.asm.wasm is damaged or not WebAssembly (${String((error as Error)?.message ?? error).slice(0, 160)}).`));
      throw error;
    };
    const streaming = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = (source, imports) =>
      streaming.call(WebAssembly, source, imports).finally(() => phases.end("WebAssembly")).catch(broken);
    downloads.failed.catch(reject);
  });
}

interface Wheel {
  file_name: string;
  sha256: string;
}

/** The text of the lock file, what it lists, and the folder that it lies in. */
interface Locked {
  base: string;
  lock: string;
  packages: Record<string, Wheel>;
}

async function readLock(base: string): Promise<Locked> {
  const answer = await fetch(base + "pyodide-lock.json", { cache: "no-cache" });
  const lock = await answer.text();
  return { base, lock, packages: JSON.parse(lock).packages };
}

function listed({ packages }: Locked, names: string[]): Wheel[] {
  const missing = names.filter((name) => !packages[name]);
  if (missing.length) throw new Error(`pyodide-lock.json does not list the package ${missing.join(" and ")}; the site was built incompletely.`);
  return names.map((name) => packages[name]!);
}

/** The browser refuses an answer whose hash is not the one in the lock file. */
async function fetchWheel(base: string, { file_name, sha256 }: Wheel): Promise<ArrayBuffer> {
  const hash = btoa(String.fromCharCode(...sha256.match(/../g)!.map((pair) => parseInt(pair, 16))));
  const answer = await fetch(base + file_name, { integrity: `sha256-${hash}` });
  return answer.arrayBuffer();
}

/**
 * Pyodide's own loading of a package also links every shared library in it, needed or not, which for NumPy is
 * twelve; Python links what it imports, when it imports it.
 */
function addPackages(python: Pyodide, names: string[], wheels: ArrayBuffer[]): void {
  for (const wheel of wheels) python.unpackArchive(wheel, "wheel");
  python.runPython("import importlib; importlib.invalidate_caches()"); // the folder's listing of a moment ago was empty
  for (const name of names) python.loadedPackages[name] = "default channel"; // so that matplotlib does not load NumPy again
}

/**
 * Python has the exercises of the page's own chapter, and of the others what each asks for, without checks.
 * Whatever needs more of them waits here.
 */
async function haveChapters(names: string[]): Promise<void> {
  const missing = names.filter((name) => !pyodide!.loadedPackages[name]);
  if (!missing.length) return;
  const some = missing.map((name) => name.slice(CHAPTER.length)).join(", ");
  const failed = (error: Error) => Promise.reject(new Error(`The exercises of other chapters (${some}) could not be fetched: ${error.message}`));
  const wheels = await Promise.all(listed(locked, missing).map((wheel) => fetchWheel(locked.base, wheel))).catch(failed);
  addPackages(pyodide!, missing, wheels);
  pythonCall("reread");
}

function allChapters(): string[] {
  return Object.keys(locked.packages).filter((name) => name.startsWith(CHAPTER));
}

/** An exercise needs its own checks; a milestone that falls short runs those of every function it called. */
function chaptersFor(action: Action, id: string): string[] {
  if (action === "milestone") return allChapters();
  return action === "cell" ? [] : [CHAPTER + id.split(".")[0]];
}

async function start(base: string, names: string[]): Promise<Pyodide> {
  const downloads = new Downloads(self.fetch.bind(self));
  self.fetch = downloads.fetch;
  const broken = watchCompiler(downloads);
  const begin = async () => {
    tell({ type: "stage", stage: "download", words: "Downloading Python", loaded: 0, total: 0 });
    const module = (name: string) => downloads.patient(import(base + name), name);
    const starter = module("pyodide.mjs");
    void module("pyodide.asm.mjs").catch(() => undefined); // told through `broken`; here it only begins early
    const lists = Promise.all([readLock(base), downloads.learnSizes(base)]).then(([read]) => (locked = read));
    const fetched = lists.then((read) => {
      const wheels = listed(read, names);
      downloads.expect([...CORE, ...wheels.map((wheel) => wheel.file_name)]);
      return Promise.all(wheels.map((wheel) => fetchWheel(base, wheel)));
    });
    fetched.catch(downloads.fail);
    const { loadPyodide } = await starter;
    phases.end("scripts");
    const python: Pyodide = await loadPyodide({
      indexURL: base,
      lockFileContents: lists.then(({ lock }) => lock),
      packageBaseUrl: base,
      stdout: () => undefined,
      stderr: (text: string) => console.warn(text),
    });
    phases.end("interpreter");
    addPackages(python, names, await fetched);
    phases.end("packages");
    return python;
  };
  return Promise.race([begin(), broken]);
}

/** Output leaves in batches: at most some twenty messages a second, however much Python prints. */
class Outbox {
  private parts: [string, string][] = [];
  private size = 0;
  private sent = 0;
  n = 0;

  emit = (stream: string, text: string): void => {
    // Of a picture that changes faster than it is sent, only the newest state goes out.
    if (stream.startsWith("live:")) this.parts = this.parts.filter(([name]) => name !== stream);
    const last = this.parts.at(-1);
    if (last && last[0] === stream) last[1] += text;
    else this.parts.push([stream, text]);
    this.size += text.length;
    if (this.size > 32_768 || performance.now() - this.sent > 50) this.flush();
  };

  flush(): void {
    if (this.parts.length) tell({ type: "output", n: this.n, parts: this.parts });
    this.parts = [];
    this.size = 0;
    this.sent = performance.now();
  }
}

const outbox = new Outbox();

async function boot(message: Extract<ToWorker, { type: "boot" }>): Promise<void> {
  const began = performance.now();
  phases.end("worker script");
  try {
    limitMemory();
    site = message.python.replace(/lite\/static\/pyodide\/$/, "");
    pyodide = await start(message.python, message.chapter ? [...PACKAGES, CHAPTER + message.chapter] : PACKAGES);
    tell({ type: "stage", stage: "start", words: "Starting Python", loaded: 0, total: 0 });
    pyodide.registerJsModule("tinytorch_page", { emit: outbox.emit });
    pyodide.runPython("import numpy");
    phases.end("NumPy");
    pyodide.runPython("import tinytorch_kernels; tinytorch_kernels.start()");
    phases.end("kernels");
    pyodide.runPython(PYTHON);
    phases.end("tinytorch");
    call = pyodide.globals.get("call");
    if (message.interrupt) pyodide.setInterruptBuffer((interrupt = new Uint8Array(message.interrupt)));
    const problems = JSON.parse(call!("restore", JSON.stringify([message.accepted])));
    phases.end("passed exercises");
    tell({ type: "ready", seconds: (performance.now() - began) / 1000, problems, phases: phases.spent });
  } catch (error) {
    tell({ type: "fatal", message: shortError(error) });
  }
}

function shortError(error: unknown): string {
  const lines = String((error as Error)?.message ?? error).trim().split("\n");
  return lines.at(-1)!.slice(0, 400);
}

/** Packages such as matplotlib come from our own folder the first time a cell imports them. */
async function loadImports(n: number, text: string): Promise<void> {
  if (!/\bimport\b/.test(text)) return;
  const messageCallback = (words: string) => tell({ type: "loading", n, words });
  try {
    await pyodide!.loadPackagesFromImports(text, { messageCallback, errorCallback: messageCallback });
  } catch (error) {
    // A cell that does not parse is explained by the run itself; a package that fails to load, by the import.
    console.warn(error);
  }
}

/**
 * A data set that the code names is put into Python's file system before the code runs, so that it
 * can be read without waiting. The service worker keeps the file, so it is downloaded once.
 */
async function loadData(n: number, text: string): Promise<void> {
  for (const name of namedIn(text)) {
    const place = `${dataFolder()}/${name}.npz`;
    if (pyodide!.FS.analyzePath(place).exists) continue;
    const bytes = await stoppable((signal) => fetchData(n, name, signal));
    if (bytes) pyodide!.FS.writeFile(place, bytes);
  }
}

function dataFolder(): string {
  const folder = "/home/pyodide/.cache/tinytorch/datasets";
  pyodide!.FS.mkdirTree(folder);
  return folder;
}

/** Null where the site has no such data set; Python says so then. */
async function fetchData(n: number, name: string, signal: AbortSignal): Promise<Uint8Array | null> {
  const set = (await dataSets(site))[name];
  if (!set) return null;
  const told = (bytes: number) => {
    const words = `Downloading ${set.title}: ${megabytes(bytes)} of ${megabytes(set.bytes)} MB`;
    tell({ type: "loading", n, words, share: bytes / set.bytes });
  };
  told(0);
  return downloadData(site, set, told, signal).catch((error: Error) => Promise.reject(new Error(`${set.title} could not be downloaded: ${error.message.replace(/^The /, "the ")}`)));
}

/** While something is fetched no Python runs that could see the reader's Stop, so the byte is looked at here. */
async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const watch = setInterval(() => interrupt?.[0] === 2 && abort.abort(), 50);
  const stopped = new Promise<never>((_, reject) => (abort.signal.onabort = () => reject(new Stopped("The download was stopped."))));
  return Promise.race([stopped, work(abort.signal)]).finally(() => clearInterval(watch));
}

class Stopped extends Error {}

function isPythonError(error: unknown): boolean {
  return (error as Error)?.name === "PythonError" || (error as Error)?.constructor?.name === "PythonError";
}

/** Anything but a Python exception out of the interpreter means that it can no longer be trusted. */
function guarded(n: number, work: () => unknown): void {
  try {
    const value = work();
    outbox.flush();
    tell({ type: "result", n, value });
  } catch (error) {
    outbox.flush();
    if (isPythonError(error)) tell({ type: "refused", n, message: shortError(error) });
    else tell({ type: "fatal", message: shortError(error) });
  }
}

function pythonCall(name: string, ...args: unknown[]): unknown {
  return JSON.parse(call!(name, JSON.stringify(args)));
}

function wheel(author: string): { name: string; bytes: Uint8Array } {
  const pair = pyodide!.globals.get("wheel")(author);
  const [name, data] = [pair.get(0), pair.get(1)];
  const bytes = data.toJs ? data.toJs() : data;
  pair.destroy();
  return { name, bytes };
}

/** The package that leaves the browser has all chapters. */
async function exportWheel(n: number, author: string): Promise<void> {
  try {
    await haveChapters(allChapters());
  } catch (error) {
    return tell({ type: "refused", n, message: shortError(error) });
  }
  guarded(n, () => wheel(author));
}

async function run(message: Extract<ToWorker, { type: "run" }>): Promise<void> {
  outbox.n = message.n;
  if (interrupt) interrupt[0] = 0;
  await loadImports(message.n, message.text);
  try {
    await stoppable(() => haveChapters(chaptersFor(message.action, message.id)));
    await loadData(message.n, message.text);
  } catch (error) {
    const why = error instanceof Stopped ? "interrupted" : "download";
    return tell({ type: "refused", n: message.n, why, message: `${(error as Error).message} Your code was not run. Press Run to try again.` });
  }
  if (interrupt) interrupt[0] = 0;
  tell({ type: "begun", n: message.n });
  const { action, id, text } = message;
  guarded(message.n, () => (action === "cell" ? pythonCall("run_cell", text, id) : pythonCall(action, id, text)));
}

self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "boot") await boot(data);
  else if (data.type === "run") await run(data);
  else if (data.type === "complete") guarded(data.n, () => pythonCall("complete", data.text, data.position));
  else if (data.type === "forget") guarded(data.n, () => pythonCall("forget", data.id));
  else if (data.type === "kernel") guarded(data.n, () => JSON.parse(pyodide!.globals.get("numpy_kernel")(data.action, data.on)));
  else if (data.type === "drawing") guarded(data.n, () => JSON.parse(pyodide!.globals.get("drawing")(data.width, data.ink)));
  else if (data.type === "restore") guarded(data.n, () => pythonCall("restore", data.accepted));
  else await exportWheel(data.n, data.author);
};

tell({ type: "hello" });
