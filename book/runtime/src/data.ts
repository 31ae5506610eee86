/** Data sets that the site serves: which of them a piece of code names, how large they are, and how they come. */

import { h, megabytes } from "./dom";
import { sha256Hex } from "./hash";

export interface DataFile {
  file: string;
  bytes: number;
  sha256: string;
}

/** One file, or, where the pictures are packed, the file of the labels, the sheets, and the size of all of them. */
export interface DataSet extends DataFile {
  title: string;
  total?: number;
  sheets?: DataFile[];
}

export function sizeOf(set: DataSet): number {
  return set.total ?? set.bytes;
}

/** The ways in which code asks `tinytorch.datasets` for each of them. */
const NAMES: Record<string, RegExp> = { mnist: asked("mnist", "MNIST"), cifar10: asked("cifar10", "CIFAR10") };

/** The networks of `tinytorch.models`: the run that keeps the reader's own, the data set that each is tested with, and the ways in which code asks for that. */
const TRAINED: Record<string, { run: string; data?: string }> = { mlp: { run: "mnist", data: "mnist" }, cnn: { run: "cifar", data: "cifar10" }, gpt: { run: "talks" } };
const TESTED = /\.(accuracy|right|test_part|train_part|batches)\s*\(/;

export function asksForTrained(code: string): boolean {
  return /\btrained\s*\(/.test(code);
}

/** Their names stand in the call, or in the list that a loop goes through. */
function trainedIn(code: string): string[] {
  return asksForTrained(code) ? Object.keys(TRAINED).filter((name) => new RegExp(`["']${name}["']`).test(code)) : [];
}

function asked(name: string, maker: string): RegExp {
  return new RegExp(`\\b${maker}\\s*\\(|\\bimport\\b.*\\b${maker}\\b|\\b(load|dataset)\\(\\s*["']${name}["']`);
}

/** `runs` are the names of what the reader's milestones have kept: a network of one's own takes the place of ours. */
export function namedIn(code: string, runs: string[] = []): string[] {
  const trained = trainedIn(code);
  const sets = Object.keys(NAMES).filter((name) => NAMES[name]!.test(code) || (TESTED.test(code) && trained.some((network) => TRAINED[network]!.data === name)));
  const ours = trained.filter((name) => !runs.some((run) => run.startsWith(TRAINED[name]!.run)));
  return [...ours.map((name) => `trained-${name}`), ...sets];
}

/** What `datasets/index.json` says. */
export async function dataSets(root: string): Promise<Record<string, DataSet>> {
  const answer = await fetch(`${root}datasets/index.json`);
  if (!answer.ok) throw new Error(`The list of data sets is not there: the server answered ${answer.status}.`);
  return answer.json().catch(() => Promise.reject(new Error("The list of data sets is not this site's; a network that wants you to log in may be in between.")));
}

/** A file of a data set. `told` hears how much has come; what has another hash than the build's is refused. */
export async function downloadData(root: string, set: DataFile, told: (bytes: number) => void, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(`${root}datasets/${set.file}`, { signal, cache: "no-cache" });
  if (!answer.ok || !answer.body) throw new Error(`the server answered ${answer.status}.`);
  const bytes = new Uint8Array(set.bytes);
  let got = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    if (got + value.length <= bytes.length) bytes.set(value, got);
    told((got += value.length));
  }
  const size = `${got.toLocaleString("en")} of ${set.bytes.toLocaleString("en")} bytes`;
  if (got < set.bytes) throw new Error(`${set.file} arrived cut short, ${size}.`);
  if (got > set.bytes || sha256Hex(bytes) !== set.sha256) throw new Error(`${set.file} arrived damaged, ${size}.`);
  return bytes;
}

/** The line under a cell's buttons that says, before anything is fetched, what a run of its code will download. */
export class DataNote {
  private readonly line = h("p", { class: "tt-note tt-fetches", hidden: true });
  private about = "";

  constructor(
    private readonly root: string,
    after: HTMLElement,
  ) {
    after.after(this.line);
  }

  async show(code: string): Promise<void> {
    const wanted = namedIn(code);
    this.about = wanted.join();
    const known = wanted.length ? await dataSets(this.root).catch((): Record<string, DataSet> => ({})) : {};
    const sets = wanted.flatMap((name) => known[name] ?? []);
    const kept = await Promise.all(sets.map((set) => allKept(this.root, set)));
    if (this.about !== wanted.join()) return; // the reader has typed on meanwhile
    const list = (here: boolean) => sets.filter((_, i) => kept[i] === here).map((set) => `${set.title} (${megabytes(sizeOf(set))} MB)`).join(" and ");
    const missing = list(false);
    this.line.hidden = !sets.length;
    this.line.textContent = missing ? `The first run downloads ${missing}. The browser keeps it, for offline use too.` : `${capital(list(true))} ${sets.length > 1 ? "are" : "is"} kept in this browser.`;
  }
}

function capital(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

async function allKept(root: string, set: DataSet): Promise<boolean> {
  const kept = await Promise.all([set, ...(set.sheets ?? [])].map(({ file }) => isKept(`${root}datasets/${file}`)));
  return kept.every(Boolean);
}

async function isKept(address: string): Promise<boolean> {
  return "caches" in window && Boolean(await caches.match(address).catch(() => null));
}
