/**
 * What a long run has left, under the buttons of its program: the browser keeps the last state, from which the next run
 * goes on; it can be taken along as a file, to `tito` and back, or thrown away.
 */

import { announce, button, download, h, megabytes } from "./dom";
import type { Store } from "./store";
import type { Runs } from "./types";

const KEY = "runs"; // of the store's meta records
const NAMED = /\bshelf\.(?:take|keep)\(\s*\w+\s*,\s*["']([\w-]+)["']/;
const LARGEST = 50e6;
const NPZ = [0x50, 0x4b, 3, 4]; // how a file of arrays begins

/** The name under which a program keeps its run, or "". */
export function runOf(code: string): string {
  return NAMED.exec(code)?.[1] ?? "";
}

export async function keptRuns(store: Store): Promise<Runs> {
  return (await store.meta<Runs>(KEY)) ?? {};
}

async function change(store: Store, name: string, state: Uint8Array<ArrayBuffer> | null): Promise<void> {
  const { [name]: _, ...others } = await keptRuns(store);
  await store.setMeta(KEY, state ? { ...others, [name]: state } : others);
}

export class RunsNote {
  private readonly words = h("span", {});
  private readonly file = h("input", { type: "file", hidden: true, accept: ".npz", "aria-label": "File of a run" });
  private readonly save = button("Save it as a file", () => void this.give());
  private readonly forget = button("Begin anew", () => void this.drop());
  private readonly line = h("p", { class: "tt-note tt-fetches tt-runs", "data-role": "runs" }, this.words, " ", this.save, button("Take one from a file", () => this.file.click()), this.forget, this.file);

  constructor(
    private readonly store: Store,
    private readonly name: string,
    after: HTMLElement,
  ) {
    this.file.addEventListener("change", () => void this.take());
    after.after(this.line);
    void this.show();
  }

  /** Keeps the newest state; a storage that is full is told, and the run goes on. */
  async keep(name: string, state: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await change(this.store, name, state);
      await this.show();
    } catch (error) {
      this.words.textContent = `This browser did not keep the state of the run (${(error as Error).message}). It is lost when the page is closed.`;
    }
  }

  async show(): Promise<void> {
    const state = (await keptRuns(this.store).catch((): Runs => ({})))[this.name];
    const lasting = this.store.lasting ? "kept in this browser" : "kept until this page is closed";
    this.words.textContent = state ? `The state of the last run is ${lasting} (${megabytes(state.length)} MB). Run goes on from it.` : "Nothing of this run is kept yet. From its first part on it survives a reload.";
    this.save.hidden = this.forget.hidden = !state;
  }

  private async give(): Promise<void> {
    const state = (await keptRuns(this.store))[this.name];
    if (state) download(`${this.name}.npz`, state, "application/zip");
  }

  private async drop(): Promise<void> {
    await this.give(); // what took minutes is not thrown away at one click: it lies among the downloads
    await change(this.store, this.name, null);
    await this.show();
    announce("The next run begins anew. The old state is among your downloads.");
  }

  private async take(): Promise<void> {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    const state = file.size > LARGEST ? null : new Uint8Array(await file.arrayBuffer());
    if (!state || !NPZ.every((byte, place) => state[place] === byte)) {
      this.words.textContent = `${file.name} (${megabytes(file.size)} MB) is no state of a run; needed is a file that “Save it as a file” or tito wrote, such as ${this.name}.npz.`;
      return announce(this.words.textContent);
    }
    await this.keep(this.name, state);
    announce("The file is taken. Run goes on from it.");
  }
}
