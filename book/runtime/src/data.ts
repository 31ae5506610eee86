/** Data sets that the site serves: which of them a piece of code names, and how large they are. */

import { h } from "./dom";

export interface DataSet {
  title: string;
  file: string;
  bytes: number;
  sha256: string;
}

/** The ways in which code asks `tinytorch.datasets` for each of them. */
const NAMES: Record<string, RegExp> = {
  mnist: /\bMNIST\s*\(|\bload\(\s*["']mnist["']/,
  cifar10: /\bCIFAR10\s*\(|\bload\(\s*["']cifar10["']/,
};

export function namedIn(code: string): string[] {
  return Object.keys(NAMES).filter((name) => NAMES[name]!.test(code));
}

/** What `datasets/index.json` says; empty where the site was built without the large data sets. */
export async function dataSets(root: string): Promise<Record<string, DataSet>> {
  return (await fetch(`${root}datasets/index.json`)).json();
}

/** Says under the buttons, before anything is fetched, what a run of this code will download. */
export async function sayWhatIsFetched(root: string, code: string, place: HTMLElement): Promise<void> {
  const wanted = namedIn(code);
  if (!wanted.length) return;
  const known = await dataSets(root).catch((): Record<string, DataSet> => ({}));
  const parts = wanted.flatMap((name) => (known[name] ? [`${known[name]!.title} (${(known[name]!.bytes / 1e6).toFixed(1)} MB)`] : []));
  if (parts.length) place.after(h("p", { class: "tt-note tt-fetches" }, `The first run downloads ${parts.join(" and ")}. The browser keeps it, for offline use too.`));
}
