/**
 * What could hang in silence while Python is fetched is watched here: a file that is missing, a file that is cut short,
 * a download that stops.
 */

import { HASH_HEADER } from "./manifest";

const SILENCE_MS = 12_000;

/** What `start.json` beside Python says: the files and packages that every page starts with, and the size of each file. */
export interface Start {
  core: string[];
  packages: string[];
  sizes: Record<string, number>;
}

/** Counts the bytes of everything fetched during the boot, and ends a download that went silent. */
export class Downloads {
  loaded = 0;
  total = 0;
  private sizes: Record<string, number> = {};
  private sized: Promise<void> = Promise.resolve();
  private last = 0;
  readonly failed: Promise<never>;
  fail!: (reason: Error) => void;

  constructor(
    private readonly original: typeof fetch,
    private readonly told: (loaded: number, total: number) => void,
  ) {
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
  }

  /** Other downloads that have begun meanwhile wait for the sizes, which a gzipped answer does not tell. */
  learn(base: string): Promise<Start> {
    const read = async () => {
      const answer = await this.answer("start.json", base + "start.json", { cache: "no-cache" });
      const start: Start = await this.silence(answer.json(), "start.json").catch(() => this.give(new Error("start.json is damaged or cut short.")));
      this.sizes = start.sizes;
      return start;
    };
    const learned = read();
    this.sized = learned.then(() => undefined, () => undefined); // whoever asked is told
    return learned;
  }

  /** Modules come past this counter, so they are not part of the sum. */
  expect(names: string[]): void {
    for (const name of names) if (!name.endsWith(".mjs")) this.total += this.sizes[name.split("/").at(-1)!] ?? 0;
  }

  fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const name = new URL(String((input as Request).url ?? input), self.location.href).pathname.split("/").pop()!;
    const answer = await this.answer(name, input, init);
    if (!answer.body) return answer;
    await this.sized;
    if (name.endsWith(".wasm") && answer.headers.has(HASH_HEADER)) return this.untouched(answer, name);
    const length = answer.headers.get("content-encoding") ? 0 : Number(answer.headers.get("content-length") ?? 0);
    if (!(name in this.sizes)) this.total += length;
    const headers = new Headers(answer.headers);
    if (name.endsWith(".wasm")) headers.set("content-type", "application/wasm");
    return new Response(this.counted(answer.body, name, length), { status: answer.status, headers });
  };

  private async answer(name: string, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const answer = await this.silence(this.original(input, init), name).catch((error) => this.give(explainFetch(name, error)));
    return answer.ok ? answer : this.give(new Error(`${name} could not be downloaded: ${refusal(answer)}`));
  }

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
    if (performance.now() - this.last < 100) return;
    this.last = performance.now();
    this.told(this.loaded, Math.max(this.total, this.loaded));
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
