/**
 * The words that page, worker and storage share: the shapes of what Python makes and reads (outcomes,
 * records, the cards' data, the catalog), made from its classes, and the messages between page and worker.
 */

import type { Outcome, Status } from "./generated";

export type * from "./generated";

/** Where this page stands in the site: the site's root, the folder of the scripts, the page's chapter or "", the build. */
export interface Site {
  root: string;
  scripts: string;
  chapter: string;
  version: string;
}

export type State = Outcome["state"] | "running";
export type Action = Outcome["action"];

export interface Completion {
  label: string;
  type: string;
  detail?: string;
}

export type Why = "edition" | "conflict" | "reset" | "restore" | "solution";

/** The states of long runs that programs left, by name: what `tinytorch.learn.keeping.shelf` writes. */
export type Runs = Record<string, Uint8Array<ArrayBuffer>>;

/** What a run needs besides: what milestones' runs have kept, and whether a milestone is to run in its shorter form. */
export interface More {
  runs?: Runs;
  shorter?: boolean;
}

/** What another Python of a team needs to find the others: of `tinytorch.core.pages`. Ports are handed on. */
export interface Place {
  rank: number;
  workers: number;
  [link: string]: unknown;
}

export type KernelAction = "status" | "measure" | "switch";

/** What NumPy computes with; `speed` in GFLOP/s where it was measured. */
export type Kernel = Status & { speed: number | null };

/** What `tinytorch.pictures.pad` says of a drawing; "none" where no program has trained a network since Python started. */
export type Answered =
  | { state: "none" }
  | { state: "empty"; words: string }
  | { state: "answered"; words: string; image: number[]; probabilities: number[] };

/** What `tinytorch.pictures.prompt` says of a prompt; "none" where no program has offered a network since Python started. */
export type Begun =
  | { state: "none" }
  | { state: "empty"; words: string }
  | { state: "long"; given: number; most: number; words: string }
  | { state: "begun"; pieces: string[]; words: string };

/** The next token of its answer. */
export type Token =
  | { state: "none" }
  | { state: "end"; text: string; full: true }
  | { state: "token" | "end"; token: string; chance: number; candidates: [text: string, chance: number][]; seconds: number; text: string; full?: false };

/** What `tinytorch.pictures.tokens` says of a text; "none" where no cell has offered a tokenizer since Python started. */
export type Tokenized =
  | { state: "none" }
  | { state: "answered"; words: string; tokens: [number, string][]; characters: number; bytes: number; same: boolean };

/** What `tinytorch.pictures.photos` says of a picture of the reader's own. */
export type Named =
  | { state: "none" }
  | { state: "empty"; names: string[]; words: string }
  | { state: "named"; names: string[]; words: string; probabilities: number[]; maps: { words: string; image: string }[] };

/** What the worker is told. Every message with an `n` is answered by one `result` with the same `n`. */
export type ToWorker =
  | { type: "boot"; python: string; chapter: string; interrupt: SharedArrayBuffer | null; accepted: Record<string, string> }
  | { type: "run"; n: number; action: Action; id: string; text: string; more: More }
  | { type: "complete"; n: number; text: string; position: number }
  | { type: "forget"; n: number; id: string }
  | { type: "restore"; n: number; accepted: Record<string, string> }
  | { type: "kernel"; n: number; action: KernelAction; on: boolean }
  | { type: "drawing"; n: number; width: number; ink: Uint8Array<ArrayBuffer> }
  | { type: "prompt"; n: number; name: string; text: string | null; temperature: number; topK: number | null }
  | { type: "picture"; n: number; name: string; about: string }
  | { type: "photo"; n: number; pixels: Uint8Array<ArrayBuffer> }
  | { type: "wheel"; n: number; author: string }
  | { type: "join"; n: number; place: Place; control: unknown };

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
  | { type: "keep"; n: number; name: string; state: Uint8Array<ArrayBuffer> }
  | { type: "team"; places: Place[]; control: unknown; placed: Record<string, string> }
  | { type: "disband" }
  | { type: "result"; n: number; value: unknown }
  | { type: "refused"; n: number; message: string; why?: "download" | "interrupted" }
  | { type: "fatal"; message: string };
