/** What the build tells the service worker about the site's files; addresses are relative to the site root. */

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
