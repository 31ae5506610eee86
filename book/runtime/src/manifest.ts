/** What the build tells the service worker about the site's files, with addresses relative to the site root; and what it and the pages tell each other. */

export interface Entry {
  url: string;
  size: number;
  /** A hash of the content; without it a kept file is taken as current until the network says otherwise. */
  hash?: string;
}

export interface Manifest {
  version: string;
  core: Entry[];
  all: Entry[];
}

export type ToServiceWorker = { type: "keep"; what: "core" | "all" } | { type: "pause" } | { type: "size" } | { type: "forget-python" };
export type FromServiceWorker = { type: "kept"; what: "core" | "all"; bytes: number; total: number; done: boolean; problem: string };

/** What is served out of the cache says so by the hash of its content: it is whole. */
export const HASH_HEADER = "x-tinytorch-hash";
