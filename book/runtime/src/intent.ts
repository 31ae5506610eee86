/**
 * Python begins to start before the click: when the pointer rests on an exercise, or the reader has
 * scrolled to one and stays. The text is painted long before, and no reload is to come any more.
 */

import type { Session } from "./session";

const REST_MS = 120; // a pointer that only crosses an exercise is gone by then
const STAY_MS = 1500;

export function startOnIntent(session: Session, exercises: HTMLElement[]): void {
  if (document.documentElement.dataset.settled !== "true") return;
  const begin = () => session.state === "off" && void session.boot().catch(() => undefined); // the panel shows why
  for (const host of exercises) onRest(host, begin);
  if (mayDownloadUnasked()) onStay(exercises, begin);
}

function onRest(host: HTMLElement, begin: () => void): void {
  let timer = 0;
  host.addEventListener("pointerenter", () => (timer = window.setTimeout(begin, REST_MS)));
  host.addEventListener("pointerleave", () => clearTimeout(timer));
}

/** An exercise reaches into the middle of the window, and nothing moves for a while. */
function onStay(exercises: HTMLElement[], begin: () => void): void {
  let timer = 0;
  let scrolled = false;
  const inside = new Set<Element>();
  const wait = () => {
    clearTimeout(timer);
    if (scrolled && inside.size) timer = window.setTimeout(begin, STAY_MS);
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? inside.add(target) : inside.delete(target);
      wait();
    },
    { rootMargin: "-35% 0px -35% 0px" },
  );
  for (const host of exercises) observer.observe(host);
  addEventListener("scroll", () => ((scrolled = true), wait()), { passive: true });
}

/** Scrolling is no request: a reader who saves data, or whose device has little memory, is not charged for it. */
function mayDownloadUnasked(): boolean {
  const { connection, deviceMemory = 4 } = navigator as { connection?: { saveData?: boolean }; deviceMemory?: number };
  return !connection?.saveData && deviceMemory >= 4;
}
