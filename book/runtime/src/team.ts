/**
 * A team: other Pythons that work for the page's own (`tinytorch.core.pages`). The page starts them, because that one
 * waits for them and could not; it hands on what connects them, says who has ended, and ends them.
 */

import type { FromWorker, Place, ToWorker } from "./types";

const NO_PROGRESS_MS = 60_000;

export const ports = (...values: unknown[]): MessagePort[] => values.filter((value) => value instanceof MessagePort);

export class Team {
  private readonly members: Worker[];
  private readonly ranks: number[];

  /** `control` is shared memory in which every worker has a number to sleep at, and then one that says that it has ended; or a port. */
  constructor(
    make: () => Worker,
    python: string,
    places: Place[],
    private readonly control: unknown,
    placed: Record<string, string>,
  ) {
    this.ranks = places.map(({ rank }) => rank);
    this.members = places.map((place) => {
      const member = make();
      const gone = () => this.ended(member, place.rank);
      let late = window.setTimeout(gone, NO_PROGRESS_MS);
      member.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        if (data.type === "stage" || data.type === "ready") clearTimeout(late);
        if (data.type === "stage") late = window.setTimeout(gone, NO_PROGRESS_MS);
        else if (data.type === "ready") this.seat(member, place);
        else if (data.type === "fatal" || data.type === "refused" || data.type === "result") gone();
      };
      member.onerror = (event) => (event.preventDefault(), gone());
      member.postMessage({ type: "boot", python, chapter: "", interrupt: null, accepted: placed } satisfies ToWorker);
      return member;
    });
  }

  private seat(member: Worker, place: Place): void {
    const control = this.control instanceof MessagePort ? null : this.control;
    member.postMessage({ type: "join", n: 0, place, control } satisfies ToWorker, ports(...Object.values(place)));
  }

  /** Whoever still counts on them is told. */
  close(): void {
    this.members.forEach((member, place) => this.ended(member, this.ranks[place]!));
  }

  private ended(member: Worker, rank: number): void {
    member.terminate();
    if (this.control instanceof MessagePort) return this.control.postMessage(rank);
    const numbers = this.control as Int32Array<SharedArrayBuffer>;
    Atomics.store(numbers, numbers.length / 2 + rank, 1);
    Atomics.add(numbers, 0, 1);
    Atomics.notify(numbers, 0);
  }
}
