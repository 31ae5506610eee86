/**
 * The Python worker: starts Python, tells every stage with its bytes, and hands each request to
 * `tinytorch.learn.Workshop`. One interpreter, one request at a time.
 */

import { dataSets, downloadData, namedIn, sizeOf, type DataFile, type DataSet } from "./data";
import { megabytes } from "./dom";
import { addWheels, allWheels, CHAPTER, fetchOnImport, limitMemory, phases, startPython, type Pyodide } from "./python";
import { pixelsOf, served } from "./sheets";
import { ports } from "./team";
import type { Action, FromWorker, Place, Runs, ToWorker } from "./types";

declare const self: DedicatedWorkerGlobalScope;

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
    from tinytorch.pictures import pad
    return json.dumps(pad.ask(np.frombuffer(ink.to_bytes(), np.uint8).reshape(-1, width) / 255))

def prompt(arguments):
    from tinytorch.pictures import prompt
    name, text, temperature, top_k = json.loads(arguments)
    return json.dumps(prompt.step(name, temperature, top_k) if text is None else prompt.begin(name, text))

def picture(name, about):
    import sys
    module = sys.modules.get("tinytorch.pictures." + name)  # where no cell has imported it, there is nothing to ask
    return json.dumps(module.ask(about) if module else {"state": "none"})

def placed():
    return json.dumps(workshop.placed)

def join(place, control):
    from tinytorch.core import pages
    pages.join(place, control)

def photo(pixels):
    import numpy as np
    from tinytorch.pictures import photos
    return json.dumps(photos.ask(np.frombuffer(pixels.to_bytes(), np.uint8).reshape(-1, 32, 3) / 255))
`;

const RUNS = "/home/pyodide/runs"; // tinytorch/learn/keeping/shelf.py

let pyodide: Pyodide | null = null;
type Callable = ((...args: any[]) => any) & { callPromising(...args: any[]): Promise<any> };
let call: Callable | null = null;
let interrupt: Uint8Array | null = null;
let site = ""; // the site's root: where Python lies without the folders that lead to it

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

async function haveWheels(names: string[]): Promise<void> {
  if (await addWheels(pyodide!, names)) pythonCall("reread");
}

/** An exercise needs its own checks; a milestone the whole package, and the checks of every function it called. */
function wheelsFor(action: Action, id: string): string[] {
  if (action === "milestone") return allWheels();
  return action === "cell" ? [] : [CHAPTER + id.split(".")[0]];
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

/** What `tinytorch.learn.keeping.shelf` has written goes to the page, which keeps it; bytes of Python come as a proxy. */
function keep(name: string, state: { toJs(): Uint8Array<ArrayBuffer> }): void {
  tell({ type: "keep", n: outbox.n, name, state: state.toJs().slice() });
}

/** Other Pythons, with the functions that are in place here, are started by the page: this one waits for them. */
function team(places: Place[], control: unknown): void {
  const words = `Starting ${places.length === 1 ? "another Python" : `${places.length} more Pythons`}`;
  tell({ type: "loading", n: outbox.n, words });
  const placed = JSON.parse(pyodide!.globals.get("placed")());
  tell({ type: "team", places, control, placed }, ports(control, ...places.flatMap((place) => Object.values(place))));
}

const disband = () => tell({ type: "disband" });

/** What the page has kept lies where `shelf` looks for it, in the place of what is there. */
function putRuns(runs: Runs): void {
  pyodide!.runPython(`import shutil; shutil.rmtree("${RUNS}", ignore_errors=True)`);
  pyodide!.FS.mkdirTree(RUNS);
  for (const [name, state] of Object.entries(runs)) pyodide!.FS.writeFile(`${RUNS}/${name}.npz`, state);
}

async function boot(message: Extract<ToWorker, { type: "boot" }>): Promise<void> {
  const began = performance.now();
  phases.end("worker script");
  try {
    limitMemory();
    site = message.python.replace(/lite\/static\/pyodide\/$/, "");
    const told = (loaded: number, total: number) => tell({ type: "stage", stage: "download", words: "Downloading Python", loaded, total });
    pyodide = await startPython(message.python, message.chapter, told);
    tell({ type: "stage", stage: "start", words: "Starting Python", loaded: 0, total: 0 });
    pyodide.registerJsModule("tinytorch_page", { emit: outbox.emit, keep, team, disband });
    pyodide.runPython("import numpy");
    phases.end("NumPy");
    pyodide.runPython("import tinytorch_kernels; tinytorch_kernels.start()");
    phases.end("kernels");
    fetchOnImport(pyodide, (words) => tell({ type: "loading", n: outbox.n, words }));
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

/** Packages such as matplotlib, and what of tinytorch pages do not start with, come the first time a cell imports them. */
async function loadImports(n: number, text: string): Promise<void> {
  if (!/\bimport\b/.test(text)) return;
  const messageCallback = (words: string) => tell({ type: "loading", n, words });
  try {
    await stoppable(() => pyodide!.loadPackagesFromImports(text, { messageCallback, errorCallback: messageCallback }));
  } catch (error) {
    if (error instanceof Stopped) throw error;
    // A cell that does not parse is explained by the run itself; a package that fails to load, by the import.
    console.warn(error);
  }
}

/**
 * A data set that the code names is put into Python's file system before the code runs, so that it
 * can be read without waiting. The service worker keeps the file, so it is downloaded once.
 */
async function loadData(n: number, text: string, runs: Runs): Promise<void> {
  for (const name of namedIn(text, Object.keys(runs))) {
    const place = `${dataFolder()}/${name}.npz`;
    if (pyodide!.FS.analyzePath(place).exists) continue;
    const set = (await dataSets(site))[name];
    if (set) pyodide!.FS.writeFile(place, await stoppable((signal) => fetchData(n, name, set, signal))); // else Python says that this site lacks it
  }
}

function dataFolder(): string {
  const folder = "/home/pyodide/.cache/tinytorch/datasets";
  pyodide!.FS.mkdirTree(folder);
  return folder;
}

/** The file of a data set; of one in sheets the first of these, and where Python cannot ask for the others all of them. */
async function fetchData(n: number, name: string, set: DataSet, signal: AbortSignal): Promise<Uint8Array> {
  let before = 0;
  const get = async (file: DataFile) => {
    const told = (bytes: number) => {
      const words = `Downloading ${set.title}: ${megabytes(before + bytes)} of ${megabytes(sizeOf(set))} MB`;
      tell({ type: "loading", n, words, share: (before + bytes) / sizeOf(set) });
    };
    told(0);
    const whole = await downloadData(site, file, told, signal);
    before += file.bytes;
    return whole;
  };
  try {
    const whole = await get(set);
    const [first, ...others] = set.sheets ?? [];
    if (!first) return whole;
    const packed = await get(first);
    if (served(`${site}datasets/${first.file}`)) return whole;
    let number = 0;
    const unpack = async (sheet: Uint8Array<ArrayBuffer>) => pyodide!.FS.writeFile(`${dataFolder()}/${name}_${String(number++).padStart(2, "0")}.rgb`, await pixelsOf(new Blob([sheet])));
    await unpack(packed);
    for (const sheet of others) await unpack(await get(sheet));
    return whole;
  } catch (error) {
    throw new Error(`${set.title} could not be downloaded: ${(error as Error).message.replace(/^The /, "the ")}`);
  }
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
async function guarded(n: number, work: () => unknown): Promise<void> {
  try {
    const value = await work();
    outbox.flush();
    tell({ type: "result", n, value });
  } catch (error) {
    outbox.flush();
    if (isPythonError(error)) tell({ type: "refused", n, message: shortError(error) });
    else tell({ type: "fatal", message: shortError(error) });
  }
}

/**
 * Without shared memory Python waits for the messages of other workers in the middle of a call. That needs a call of its
 * own kind, which not every browser has, and which leaves less room for deep recursion.
 */
async function patientCall(text: string, name: string, ...args: unknown[]): Promise<unknown> {
  const patient = !self.crossOriginIsolated && "Suspending" in WebAssembly && /\b(ProcessTeam|PrefetchLoader|team_up)\b/.test(text);
  return patient ? JSON.parse(await call!.callPromising(name, JSON.stringify(args))) : pythonCall(name, ...args);
}

async function join(n: number, place: Place, control: unknown): Promise<void> {
  const work: Callable = pyodide!.globals.get("join");
  await guarded(n, () => (self.crossOriginIsolated ? work(place, control) : work.callPromising(place, control)));
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

/** The package that leaves the browser is whole. */
async function exportWheel(n: number, author: string): Promise<void> {
  try {
    await haveWheels(allWheels());
  } catch (error) {
    return tell({ type: "refused", n, message: shortError(error) });
  }
  await guarded(n, () => wheel(author));
}

async function run(message: Extract<ToWorker, { type: "run" }>): Promise<void> {
  outbox.n = message.n;
  if (interrupt) interrupt[0] = 0;
  try {
    await loadImports(message.n, message.text);
    await stoppable(() => haveWheels(wheelsFor(message.action, message.id)));
    await loadData(message.n, message.text, message.more.runs ?? {});
    if (message.action === "milestone" || message.more.runs) putRuns(message.more.runs ?? {});
  } catch (error) {
    const why = error instanceof Stopped ? "interrupted" : "download";
    return tell({ type: "refused", n: message.n, why, message: `${(error as Error).message} Your code was not run. Press Run to try again.` });
  }
  if (interrupt) interrupt[0] = 0;
  tell({ type: "begun", n: message.n });
  const { action, id, text, more } = message;
  const further = action === "milestone" ? [more.shorter ?? false] : [];
  await guarded(message.n, () => (action === "cell" ? patientCall(text, "run_cell", text, id) : patientCall(text, action, id, text, ...further)));
}

async function hear(data: ToWorker): Promise<void> {
  if (data.type === "boot") return boot(data);
  if (data.type === "run") return run(data);
  if (data.type === "wheel") return exportWheel(data.n, data.author);
  if (data.type === "join") return join(data.n, data.place, data.control);
  return guarded(data.n, () => answerTo(data));
}

function answerTo(data: Exclude<ToWorker, { type: "boot" | "run" | "wheel" | "join" }>): unknown {
  if (data.type === "complete") return pythonCall("complete", data.text, data.position);
  if (data.type === "forget") return pythonCall("forget", data.id);
  if (data.type === "restore") return pythonCall("restore", data.accepted);
  const ask = (name: string, ...args: unknown[]) => JSON.parse(pyodide!.globals.get(name)(...args));
  if (data.type === "kernel") return ask("numpy_kernel", data.action, data.on);
  if (data.type === "drawing") return ask("drawing", data.width, data.ink);
  if (data.type === "prompt") return ask("prompt", JSON.stringify([data.name, data.text, data.temperature, data.topK]));
  if (data.type === "picture") return ask("picture", data.name, data.about);
  return ask("photo", data.pixels);
}

let last: Promise<void> = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  last = last.then(() => hear(data)); // one after the other, also while Python waits for something
};

tell({ type: "hello" });
