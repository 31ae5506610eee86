/**
 * The words that page, worker and storage share: outcomes of a run as `tinytorch.learn` reports
 * them, the records kept in IndexedDB, and the messages between page and worker.
 */

/** Where this page stands in the site: the site's root, the folder of the scripts, the page's chapter or "", the build. */
export interface Site {
  root: string;
  scripts: string;
  chapter: string;
  version: string;
}

export type State = "idle" | "running" | "passed" | "failed" | "error";
export type Action = "run" | "check" | "cell" | "milestone";

export interface Display {
  mime: string;
  data: string;
}

export interface CheckResult {
  title: string;
  code: string;
  passed: boolean;
  message: string;
  input?: string | null;
  got?: string | null;
  expected?: string | null;
  mistake?: string | null;
  line?: number | null;
  traceback?: string | null;
}

export interface Problem {
  kind: string;
  sentence: string;
  line?: number | null;
  traceback?: string | null;
}

/** A function that a milestone's program called, and whose it was. */
export interface Credit {
  id: string;
  place: string;
  yours: boolean;
  calls: number;
  chapter: string;
  page: string;
}

export interface Outcome {
  id: string;
  action: Action;
  edition: string; // of the exercise as it was run and checked, which need not be this page's
  state: Exclude<State, "running">;
  seconds: number;
  cut: boolean;
  display: Display[];
  error: Problem | null;
  checks: CheckResult[];
  credits?: Credit[];
  advice?: string;
}

export interface Completion {
  label: string;
  type: string;
  detail?: string;
}

export interface Passed {
  text: string;
  edition: string;
  at: string;
}

export interface ExerciseRecord {
  id: string;
  text: string;
  edition: string;
  rev: number;
  updated: string;
  attempts: number;
  hints: number;
  solution: boolean;
  state: Exclude<State, "running">;
  passed: Passed | null;
}

export interface LabRecord {
  id: string;
  text: string;
  rev: number;
  updated: string;
}

export interface AnswerRecord {
  id: string;
  answer: string;
  right: boolean | null;
  at: string;
}

export type Why = "edition" | "conflict" | "reset" | "restore" | "solution";

export interface HistoryRecord {
  n?: number;
  id: string;
  text: string;
  at: string;
  why: Why;
}

export type KernelAction = "status" | "measure" | "switch";

/** What NumPy computes with, as `tinytorch.learn.kernel` reports it; `speed` in GFLOP/s where it was measured. */
export interface Kernel {
  name: string;
  on: boolean;
  available: boolean;
  relaxed: boolean;
  verified: boolean;
  why: string;
  speed: number | null;
}

/** What `tinytorch.pictures.pad` says of a drawing; "none" where no program has trained a network since Python started. */
export type Answered =
  | { state: "none" }
  | { state: "empty"; words: string }
  | { state: "answered"; words: string; image: number[]; probabilities: number[] };

/** What the worker is told. Every message with an `n` is answered by one `result` with the same `n`. */
export type ToWorker =
  | { type: "boot"; python: string; chapter: string; interrupt: SharedArrayBuffer | null; accepted: Record<string, string> }
  | { type: "run"; n: number; action: Action; id: string; text: string }
  | { type: "complete"; n: number; text: string; position: number }
  | { type: "forget"; n: number; id: string }
  | { type: "restore"; n: number; accepted: Record<string, string> }
  | { type: "kernel"; n: number; action: KernelAction; on: boolean }
  | { type: "drawing"; n: number; width: number; ink: Uint8Array<ArrayBuffer> }
  | { type: "wheel"; n: number; author: string };

export interface Stage {
  stage: "download" | "start" | "ready";
  words: string;
  loaded: number;
  total: number;
}

/** What the worker tells. `fatal` means: this interpreter is beyond use, make another. */
export type FromWorker =
  | { type: "hello" }
  | ({ type: "stage" } & Stage)
  | { type: "ready"; seconds: number; problems: { id: string; sentence: string }[]; phases: Record<string, number> }
  | { type: "loading"; n: number; words: string; share?: number }
  | { type: "begun"; n: number }
  | { type: "output"; n: number; parts: [stream: string, text: string][] }
  | { type: "result"; n: number; value: unknown }
  | { type: "refused"; n: number; message: string; why?: "download" | "interrupted" }
  | { type: "fatal"; message: string };
