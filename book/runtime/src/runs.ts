/**
 * What a long run has left, under the buttons of its program: the browser keeps the last state, from which the next run
 * goes on; it can be taken along as a file, to `tito` and back, or thrown away.
 */

import { announce, button, download, h, megabytes } from "./dom";
import type { Store } from "./store";
import type { Runs } from "./types";

const KEY = "runs"; // of the store's meta records
const LARGEST = 50e6;
const NPZ = [0x50, 0x4b, 3, 4]; // how a file of arrays begins

export async function keptRuns(store: Store): Promise<Runs> {
  return (await store.meta<Runs>(KEY)) ?? {};
}

async function change(store: Store, name: string, state: Uint8Array<ArrayBuffer> | null): Promise<void> {
  const { [name]: _, ...others } = await keptRuns(store);
  await store.setMeta(KEY, state ? { ...others, [name]: state } : others);
}

/** `program` is the name of the program, with which the names of its runs begin; `goesOn`, whether its next run goes on from the last. */
export class RunsNote {
  private readonly named: RegExp;
  private readonly words = h("span", {});
  private readonly file = h("input", { type: "file", hidden: true, accept: ".npz", "aria-label": "File of a run" });
  private readonly save = button("Save as a file", () => void this.give());
  private readonly forget = button("Begin anew", () => void this.drop());
  private readonly line = h("p", { class: "tt-note tt-fetches tt-runs", "data-role": "runs" }, this.words, " ", this.save, button("Take one from a file", () => this.file.click()), this.forget, this.file);

  constructor(
    private readonly store: Store,
    private readonly program: string,
    after: HTMLElement,
    private readonly goesOn = true,
  ) {
    this.named = new RegExp(`^${program}\\b[\\w-]*$`);
    this.file.addEventListener("change", () => void this.take());
    if (!goesOn) this.forget.textContent = "Forget it";
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

  /** The states of this program's runs, by name; the one that was kept last comes last. */
  private async own(): Promise<[string, Uint8Array<ArrayBuffer>][]> {
    const runs = await keptRuns(this.store).catch((): Runs => ({}));
    return Object.entries(runs).filter(([name]) => this.named.test(name));
  }

  async show(): Promise<void> {
    const own = await this.own();
    const lasting = this.store.lasting ? "in this browser" : "until this page is closed";
    const list = own.map(([name, state]) => `${name} (${megabytes(state.length)} MB)`).join(" and ");
    const use = this.goesOn ? "The next such run goes on from it." : "Later chapters begin with it; a new run takes its place.";
    const none = this.goesOn ? "From its first part on it survives a reload." : "At its end the network is kept.";
    this.words.textContent = own.length ? `Kept ${lasting}: ${list}. ${use}` : `Nothing of a run is kept yet. ${none}`;
    this.save.hidden = this.forget.hidden = !own.length;
  }

  private async give(): Promise<void> {
    for (const [name, state] of await this.own()) download(`${name}.npz`, state, "application/zip");
  }

  private async drop(): Promise<void> {
    await this.give(); // what took minutes is not thrown away at one click: it lies among the downloads
    for (const [name] of await this.own()) await change(this.store, name, null);
    await this.show();
    announce(`${this.goesOn ? "The next run begins anew. " : ""}The old state is among your downloads.`);
  }

  private async take(): Promise<void> {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    const state = file.size > LARGEST ? null : new Uint8Array(await file.arrayBuffer());
    const name = /^[\w-]+/.exec(file.name)?.[0] ?? ""; // a browser adds " (1)" to a second file of a name
    if (!state || !NPZ.every((byte, place) => state[place] === byte) || !this.named.test(name)) {
      this.words.textContent = `${file.name} (${megabytes(file.size)} MB) is no state of a run of this program; needed is a file that “Save as a file” or tito wrote, with the name it had, such as ${this.program}-50000.npz.`;
      return announce(this.words.textContent);
    }
    await this.keep(name, state);
    announce(`The file is taken.${this.goesOn ? " Run goes on from it." : ""}`);
  }
}
