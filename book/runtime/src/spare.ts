/**
 * A second Python that waits, for pages where Stop has to end the first: without cross-origin isolation
 * a running loop cannot be interrupted. It is started in a quiet moment and costs about 70 MB, so
 * only a browser that says it has memory gets one.
 */

import type { FromWorker, ToWorker } from "./types";

const QUIET_MS = 2500;
const ENOUGH_GB = 4;

export class Spare {
  private worker: Worker | null = null;
  private isReady = false;
  private timer = 0;

  constructor(
    private readonly make: () => Worker,
    private readonly python: string,
    private readonly chapter: string,
    private readonly busy: () => boolean,
  ) {}

  /** Starts the spare when the page has been quiet for a while. */
  prepareSoon(): void {
    clearTimeout(this.timer);
    if (this.worker || !affordable()) return;
    this.timer = window.setTimeout(() => (this.busy() || document.hidden ? this.prepareSoon() : this.prepare()), QUIET_MS);
  }

  private prepare(): void {
    const worker = this.make();
    this.worker = worker;
    this.isReady = false;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "ready") this.tell((this.isReady = true));
      if (data.type === "fatal") this.drop();
    };
    worker.onerror = (event) => (event.preventDefault(), this.drop());
    worker.postMessage({ type: "boot", python: this.python, chapter: this.chapter, interrupt: null, accepted: {} } satisfies ToWorker);
  }

  /** The waiting worker, now the caller's; null when there is none or it is not ready. */
  take(): Worker | null {
    clearTimeout(this.timer);
    const worker = this.isReady ? this.worker : null;
    if (!worker) this.worker?.terminate();
    this.forget();
    return worker;
  }

  private drop(): void {
    this.worker?.terminate();
    this.forget();
  }

  private forget(): void {
    this.worker = null;
    this.tell((this.isReady = false));
  }

  /** `html[data-spare="ready"]` for tests and measurements. */
  private tell(ready: boolean): void {
    document.documentElement.dataset.spare = ready ? "ready" : "none";
  }
}

function affordable(): boolean {
  return !crossOriginIsolated && ((navigator as { deviceMemory?: number }).deviceMemory ?? 0) >= ENOUGH_GB;
}
