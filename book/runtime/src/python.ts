/**
 * Getting Python: Pyodide from our own folder, NumPy, the library, and the exercises of chapters. What could kill the
 * tab is limited here: the WebAssembly memory.
 */

import { Downloads, type Start } from "./downloads";

declare const self: DedicatedWorkerGlobalScope;

const MEMORY_LIMIT = 1024 * 1024 * 1024;
const OURS = "tinytorch-";
export const CHAPTER = "tinytorch-chapter-"; // and the id of a chapter or milestone: the wheel with its exercises

export interface Pyodide {
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
export const phases = new Phases();

let locked: Locked = { base: "", lock: "", packages: {} };

/** Past this size `memory.grow` fails, malloc returns NULL, and Python raises MemoryError instead of the tab dying. */
export function limitMemory(): void {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (pages: number) {
    if (this.buffer.byteLength + pages * 65536 > MEMORY_LIMIT) throw new RangeError("memory limit of the page reached");
    return grow.call(this, pages);
  };
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
 * Fetches all that is needed at once, and starts the interpreter with the packages and the chapter's exercises in it.
 * `told` hears how many bytes of how many are there.
 */
export async function startPython(base: string, chapter: string, told: (loaded: number, total: number) => void): Promise<Pyodide> {
  const downloads = new Downloads(self.fetch.bind(self), told);
  self.fetch = downloads.fetch;
  const broken = watchCompiler(downloads);
  const begin = async () => {
    told(0, 0);
    const module = (name: string) => downloads.patient(import(base + name), name);
    const starter = module("pyodide.mjs");
    const started = downloads.learn(base);
    const early = ({ core }: Start) => core.filter((name) => name.endsWith(".mjs")).forEach((name) => void module(name).catch(() => undefined));
    started.then(early, () => undefined); // what fails is told through `broken`; here it only begins early
    const lists = readLock(base).then((read) => (locked = read));
    const fetched = Promise.all([lists, started]).then(async ([read, { core, packages }]) => {
      const names = chapter ? [...packages, CHAPTER + chapter] : packages;
      const wheels = listed(read, names);
      downloads.expect([...core, ...wheels.map((wheel) => wheel.file_name)]);
      return { names, archives: await Promise.all(wheels.map((wheel) => fetchWheel(base, wheel))) };
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
    const { names, archives } = await fetched;
    addPackages(python, names, archives);
    phases.end("packages");
    return python;
  };
  return Promise.race([begin(), broken]);
}

/**
 * Python has the exercises of the page's own chapter, and of the others what each asks for, without checks.
 * Whatever needs more of tinytorch waits here; the answer is whether something came.
 */
export async function addWheels(python: Pyodide, names: string[]): Promise<boolean> {
  const missing = names.filter((name) => !python.loadedPackages[name]);
  if (!missing.length) return false;
  const some = missing.map((name) => name.replace(CHAPTER, "").replace(OURS, "")).join(", ");
  const failed = (error: Error) => Promise.reject(new Error(`What this needs of tinytorch besides the page's own chapter (${some}) could not be fetched: ${error.message}`));
  const wheels = await Promise.all(listed(locked, missing).map((wheel) => fetchWheel(locked.base, wheel))).catch(failed);
  addPackages(python, missing, wheels);
  return true;
}

/** What of tinytorch lies in other wheels comes when it is imported; `told` hears so in words. */
export function fetchOnImport(python: Pyodide, told: (words: string) => void): void {
  const wheels = python.runPython("import tinytorch_wheels; tinytorch_wheels");
  wheels.start.callKwargs(locked.lock, locked.base, { told });
  wheels.destroy();
}

/** The wheels of tinytorch with the exercises of all chapters and with what comes on first use. */
export function allWheels(): string[] {
  return Object.keys(locked.packages).filter((name) => name.startsWith(OURS));
}
