/**
 * The page's side of the service worker: registers it on every load, reloads once to become
 * cross-origin isolated while the reader has not touched the page, and lets it keep the book and
 * Python for offline use when the browser is idle.
 */

import type { FromServiceWorker, ToServiceWorker } from "./manifest";
import type { Session } from "./session";
import type { Site } from "./types";

const RELOADED = "tinytorch-isolation-reload";
const KEEP_AFTER_MS = 4000;
const READY_MS = 8000;

let touched = false;
for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(kind, () => (touched = true), { once: true, capture: true, passive: true });

/** `html[data-settled]` appears when no reload will come any more. */
export async function registerServiceWorker(site: Site, session: Session): Promise<void> {
  const settled = () => (document.documentElement.dataset.settled = "true");
  if (!("serviceWorker" in navigator)) return void settled();
  try {
    await navigator.serviceWorker.register(`${site.root}sw.js`, { scope: site.root, updateViaCache: "none" });
    await inTime(navigator.serviceWorker.ready);
  } catch (error) {
    console.warn("no offline use here:", error);
    return void settled();
  }
  if (shouldReload(session)) {
    sessionStorage.setItem(RELOADED, "1");
    return location.reload();
  }
  settled();
  sayWhenKept();
  keepWhenIdle(session);
}

/** Where something outside blocks service workers, `ready` stays open for ever. */
function inTime<T>(promise: Promise<T>): Promise<T> {
  const late = new Promise<T>((_, reject) => setTimeout(() => reject(new Error("the service worker did not become active")), READY_MS));
  return Promise.race([promise, late]);
}

/** Only a page that was not fetched through the service worker gains by it, and only once a tab. */
function shouldReload(session: Session): boolean {
  if (crossOriginIsolated || touched || session.state !== "off") return false;
  try {
    return !sessionStorage.getItem(RELOADED);
  } catch {
    return false;
  }
}

/** `html[data-offline="ready"]` appears when book and Python are kept: from then on the network may go. */
function sayWhenKept(): void {
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<FromServiceWorker>) => {
    if (data?.type === "kept" && data.done && !data.problem) document.documentElement.dataset.offline = "ready";
  });
}

/** The reader's own start of Python goes first: what is fetched in the background stops for it and goes on afterwards. */
function keepWhenIdle(session: Session): void {
  if ((navigator as { connection?: { saveData?: boolean } }).connection?.saveData) return;
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    if (session.state === "starting") tell({ type: "pause" });
    else timer = window.setTimeout(() => tell({ type: "keep", what: "core" }), KEEP_AFTER_MS);
  };
  session.addEventListener("state", later);
  later();
}

function tell(message: ToServiceWorker, ports: MessagePort[] = []): boolean {
  const worker = navigator.serviceWorker?.controller;
  worker?.postMessage(message, ports);
  return Boolean(worker);
}

function ask<T>(message: ToServiceWorker, ms: number): Promise<T | null> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    if (!tell(message, [port2])) resolve(null);
    setTimeout(() => resolve(null), ms);
  });
}

export interface Sizes {
  core: number;
  all: number;
  kept: number;
  version: string;
}

export function offlineSizes(): Promise<Sizes | null> {
  return ask<Sizes>({ type: "size" }, 5000);
}

/** After a failed start the kept copy of Python may be the culprit. */
export function forgetPython(): Promise<unknown> {
  return ask({ type: "forget-python" }, 3000);
}

/** Keeps every file of the site; `progress` is told until it is done or has failed. */
export function keepEverything(progress: (news: FromServiceWorker) => void): boolean {
  const listen = ({ data }: MessageEvent<FromServiceWorker>) => {
    if (data?.type !== "kept" || data.what !== "all") return;
    progress(data);
    if (data.done) navigator.serviceWorker.removeEventListener("message", listen);
  };
  navigator.serviceWorker?.addEventListener("message", listen);
  return tell({ type: "keep", what: "all" });
}
