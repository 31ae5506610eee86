/**
 * The page's Python session: owns the worker, boots it once on first intent, runs one job at a
 * time, stops it, and replaces an interpreter that died, with the passed exercises put back.
 *
 * Stop has two ways. Where the page is cross-origin isolated, a shared byte interrupts Python and
 * everything in memory stays. Elsewhere, or when Python does not react, the worker is ended and a
 * new one takes its place: a spare that waits, where there is one.
 */

import { Spare } from "./spare";
import type { Team } from "./team";
import type { Action, Answered, Completion, FromWorker, Kernel, KernelAction, More, Named, Outcome, Stage, ToWorker } from "./types";

declare const __WORKER_HASH__: string;

export type PythonState = "off" | "starting" | "ready" | "failed";

const NO_HELLO_MS = 12_000;
const NO_PROGRESS_MS = 60_000;
const INTERRUPT_PATIENCE_MS = 700;
const PRESS_AGAIN_MS = 250; // long enough for Python to tidy up after the first one

export interface JobListener {
  begun?(): void;
  loading?(words: string, share?: number): void;
  output?(parts: [string, string][]): void;
  keep?(name: string, state: Uint8Array<ArrayBuffer>): void;
}

interface Job {
  n: number;
  id: string;
  action: Action;
  text: string;
  more: More;
  listener: JobListener;
  resolve(outcome: Outcome): void;
}

interface Question {
  resolve(value: any): void;
  reject(error: Error): void;
}

export interface RestoreProblem {
  id: string;
  sentence: string;
}

export class Session extends EventTarget {
  state: PythonState = "off";
  stage: Stage = { stage: "download", words: "", loaded: 0, total: 0 };
  failure = "";
  bootSeconds = 0;
  phases: Record<string, number> = {}; // milliseconds of each part of the last start
  private worker: Worker | null = null;
  private booting: Promise<void> | null = null;
  private settleBoot: Question | null = null;
  private watchdog = 0;
  private interrupt: Uint8Array | null = null;
  private queue: Job[] = [];
  private current: Job | null = null;
  private questions = new Map<number, Question>();
  private counter = 0;
  private readonly spare: Spare;
  private team: Promise<Team> | null = null; // the Pythons that train together with this one

  /** `python` is the folder of Pyodide; `chapter` the page's, or ""; `accepted` tells the passed texts to put in place after a start. */
  constructor(
    private readonly python: string,
    private readonly scripts: string,
    private readonly chapter: string,
    private readonly accepted: () => Promise<Record<string, string>>,
  ) {
    super();
    this.spare = new Spare(() => this.newWorker(), python, chapter, () => this.current !== null || this.state !== "ready");
  }

  /** Starts Python if it is not running; safe to call at every sign of interest. */
  boot(): Promise<void> {
    if (this.booting) return this.booting;
    this.booting = this.start();
    this.booting.catch(() => undefined);
    return this.booting;
  }

  /** Queues a Run, a Check or a lab cell; the promise always resolves with an outcome, never rejects. */
  submit(action: Action, id: string, text: string, listener: JobListener = {}, more: More = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      this.queue.push({ n: ++this.counter, id, action, text, more, listener, resolve });
      this.boot().then(() => this.next(), (error: Error) => this.drain(error.message));
    });
  }

  /** Ends the job of this exercise or lab, running or waiting. */
  stop(id: string): void {
    const waiting = this.queue.filter((job) => job.id === id);
    this.queue = this.queue.filter((job) => job.id !== id);
    for (const job of waiting) job.resolve(ended(job, "interrupted", "Stopped before it began."));
    if (this.current?.id === id) this.interruptCurrent();
  }

  complete(text: string, position: number): Promise<Completion[]> {
    if (this.state !== "ready" || this.current) return Promise.resolve([]);
    return this.ask<Completion[]>((n) => ({ type: "complete", n, text, position })).catch(() => []);
  }

  async wheel(author: string): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }> {
    await this.boot();
    return this.ask((n) => ({ type: "wheel", n, author }));
  }

  /** Asks what NumPy computes with, measures it or switches it; waits while a cell runs. */
  kernel(action: KernelAction, on = true): Promise<Kernel> {
    return this.ask((n) => ({ type: "kernel", n, action, on }));
  }

  /** Asks the network that a program has trained what a drawing shows; waits while a cell runs. */
  drawing(width: number, ink: Uint8Array<ArrayBuffer>): Promise<Answered> {
    return this.ask((n) => ({ type: "drawing", n, width, ink }));
  }

  /** Gives a prompt to the network that a program offered under this name; without a text, asks for the next token. */
  prompt<T>(name: string, text: string | null, temperature = 0, topK: number | null = null): Promise<T> {
    return this.ask<T>((n) => ({ type: "prompt", n, name, text, temperature, topK }));
  }

  /** Asks a picture of the page about a text, in `tinytorch.pictures`; waits while a cell runs. */
  picture<T>(name: string, about: string): Promise<T> {
    return this.ask((n) => ({ type: "picture", n, name, about }));
  }

  /** The same of a picture of 32 × 32 pixels in colour; without any, whether a network is there. */
  photo(pixels: Uint8Array<ArrayBuffer>): Promise<Named> {
    return this.ask((n) => ({ type: "photo", n, pixels }));
  }

  /** Before Python has started there is nothing to do: a start takes all that passed. */
  async restore(accepted: Record<string, string>): Promise<void> {
    if (this.state === "ready") this.tellProblems(await this.ask((n) => ({ type: "restore", n, accepted })));
  }

  private tellProblems(problems: RestoreProblem[]): void {
    if (problems.length) this.dispatchEvent(new CustomEvent<RestoreProblem[]>("problems", { detail: problems }));
  }

  private async start(): Promise<void> {
    this.change("starting");
    this.progress({ stage: "download", words: "Downloading Python", loaded: 0, total: 0 });
    const ready = new Promise<void>((resolve, reject) => (this.settleBoot = { resolve, reject }));
    const accepted = await this.accepted().catch((error: Error) => (console.warn("passed texts could not be read:", error), {}));
    const spare = this.spare.take();
    if (spare) return this.adopt(spare, accepted).then(() => ready);
    try {
      this.worker = this.listen(this.newWorker());
      this.watch(NO_HELLO_MS, "The Python worker did not start. A browser extension or a network filter may block worker.js.");
      const shared = crossOriginIsolated && typeof SharedArrayBuffer === "function" ? new SharedArrayBuffer(1) : null;
      this.interrupt = shared && new Uint8Array(shared);
      this.post({ type: "boot", python: this.python, chapter: this.chapter, interrupt: shared, accepted });
    } catch (error) {
      this.fail(`The Python worker could not be made (${(error as Error).message}).`);
    }
    return ready;
  }

  /** The spare has Python, but not the reader's functions; they may have changed since it was started. */
  private async adopt(spare: Worker, accepted: Record<string, string>): Promise<void> {
    const began = performance.now();
    this.worker = this.listen(spare);
    this.watch(NO_PROGRESS_MS, "The Python that was kept ready did not answer for a minute."); // a slow device needs some seconds for a whole course
    try {
      const problems = await this.ask<RestoreProblem[]>((n) => ({ type: "restore", n, accepted }));
      this.ready((performance.now() - began) / 1000, problems);
    } catch (error) {
      if (this.worker === spare) this.fail((error as Error).message);
    }
  }

  private newWorker(): Worker {
    return new Worker(new URL(`worker.js?v=${__WORKER_HASH__}`, this.scripts), { type: "module", name: "python" });
  }

  private listen(worker: Worker): Worker {
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (worker === this.worker) this.hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker === this.worker) this.broken(event.message || "worker.js could not be loaded; a browser extension or a network filter may block it");
    };
    worker.onmessageerror = () => this.broken("a message from Python could not be read");
    return worker;
  }

  private hear(message: FromWorker): void {
    const starting = this.state === "starting"; // packages that are fetched later report stages, too
    if (starting && (message.type === "hello" || message.type === "stage")) this.watch(NO_PROGRESS_MS, "Python did not get ready: nothing happened for a minute.");
    if (message.type === "stage") starting && this.progress(message);
    else if (message.type === "ready") {
      this.phases = message.phases;
      this.ready(message.seconds, message.problems);
    }
    else if (message.type === "fatal") this.broken(message.message);
    else if (message.type === "team") this.gather(message);
    else if (message.type === "disband") this.disband();
    else if (message.type === "result") this.answer(message.n, message.value);
    else if (message.type === "refused") this.refuse(message.n, message.message, message.why);
    else if ("n" in message && message.n === this.current?.n) this.relay(message, this.current.listener);
  }

  private relay(message: FromWorker, listener: JobListener): void {
    if (message.type === "begun") listener.begun?.();
    else if (message.type === "loading") listener.loading?.(message.words, message.share);
    else if (message.type === "output") listener.output?.(message.parts);
    else if (message.type === "keep") listener.keep?.(message.name, message.state);
  }

  private ready(seconds: number, problems: RestoreProblem[]): void {
    this.watch(0, "");
    this.bootSeconds = seconds;
    this.progress({ stage: "ready", words: "Python is ready", loaded: 0, total: 0 });
    this.change("ready");
    this.settleBoot?.resolve(undefined);
    this.spare.prepareSoon();
    this.tellProblems(problems);
  }

  /** There is one team at a time: a new one ends the last, which a cell may have forgotten. */
  private gather({ places, control, placed }: Extract<FromWorker, { type: "team" }>): void {
    this.disband();
    this.team = import("./team").then(({ Team }) => new Team(() => this.newWorker(), this.python, places, control, placed));
    this.team.catch((error: Error) => this.broken(`the script for a team of workers could not be loaded: ${error.message}`));
  }

  private disband(): void {
    this.team?.then((team) => team.close(), () => undefined);
    this.team = null;
  }

  private next(): void {
    if (this.current || this.state !== "ready") return;
    const job = this.queue.shift();
    if (!job) return;
    this.current = job;
    this.post({ type: "run", n: job.n, action: job.action, id: job.id, text: job.text, more: job.more });
  }

  private answer(n: number, value: unknown): void {
    if (this.current?.n === n) return this.finish(value as Outcome);
    this.questions.get(n)?.resolve(value);
    this.questions.delete(n);
  }

  private refuse(n: number, message: string, why?: string): void {
    const sentence = why ? message : `The workshop could not run this: ${message}`;
    if (this.current?.n === n) return this.finish(ended(this.current, why ?? "exception", sentence));
    this.questions.get(n)?.reject(new Error(message));
    this.questions.delete(n);
  }

  private finish(outcome: Outcome): void {
    const job = this.current;
    this.current = null;
    if (this.interrupt) this.interrupt[0] = 0; // one that came too late must not hit the next job
    if (outcome.error?.kind === "interrupted") this.disband(); // also where Stop came between two steps of the team
    job?.resolve(outcome);
    this.dispatchEvent(new Event("done"));
    this.next();
  }

  private interruptCurrent(): void {
    const job = this.current!;
    const began = performance.now();
    const press = () => {
      if (this.current !== job) return;
      if (!this.interrupt || performance.now() - began > INTERRUPT_PATIENCE_MS) return this.replace(ended(job, "interrupted", RESTARTED));
      this.interrupt[0] = 2; // again and again: a bare `except:` in a loop swallows one interrupt
      setTimeout(press, PRESS_AGAIN_MS);
    };
    press();
  }

  /** Ends the worker, gives the running job its outcome, and starts another with the passed exercises. */
  private replace(outcome: Outcome | null): void {
    this.discard();
    const job = this.current;
    this.current = null;
    if (job && outcome) job.resolve(outcome);
    this.boot().then(() => this.next(), (error: Error) => this.drain(error.message));
  }

  private discard(): void {
    this.watch(0, "");
    this.disband();
    this.worker?.terminate();
    this.worker = null;
    this.booting = null;
    for (const question of this.questions.values()) question.reject(new Error("Python was restarted"));
    this.questions.clear();
  }

  private broken(message: string): void {
    if (this.state === "starting") return this.fail(message);
    const words = `Python itself stopped working (${message}). It is being started again; your text and everything that passed is kept.`;
    this.replace(this.current && ended(this.current, "crash", words));
  }

  private fail(message: string): void {
    this.discard();
    this.failure = /[.!?]$/.test(message) ? message : `${message}.`;
    this.change("failed");
    this.settleBoot?.reject(new Error(this.failure));
    this.drain(this.failure);
  }

  private drain(message: string): void {
    const jobs = this.current ? [this.current, ...this.queue] : this.queue;
    this.current = null;
    this.queue = [];
    for (const job of jobs) job.resolve(ended(job, "boot", `Python did not start. ${message}`));
  }

  private ask<T>(make: (n: number) => ToWorker): Promise<T> {
    const n = ++this.counter;
    return new Promise((resolve, reject) => {
      this.questions.set(n, { resolve, reject });
      this.post(make(n));
    });
  }

  private post(message: ToWorker): void {
    this.worker?.postMessage(message);
  }

  private watch(ms: number, words: string): void {
    clearTimeout(this.watchdog);
    if (ms) this.watchdog = window.setTimeout(() => this.fail(words), ms);
  }

  private change(state: PythonState): void {
    this.state = state;
    document.documentElement.dataset.python = state;
    this.dispatchEvent(new Event("state"));
  }

  private progress(stage: Stage): void {
    this.stage = stage;
    this.dispatchEvent(new Event("stage"));
  }
}

const RESTARTED = "Stopped. Python was started anew; your text is kept, and everything that passed is put back.";

function ended(job: { id: string; action: Action }, kind: string, sentence: string): Outcome {
  return { id: job.id, action: job.action, edition: "", state: kind === "interrupted" ? "idle" : "error", seconds: 0, cut: false, display: [], error: { kind, sentence, line: null, traceback: "" }, checks: [], credits: [], advice: "", behind: "" };
}
