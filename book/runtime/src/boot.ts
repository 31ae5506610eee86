/** The panel that tells about Python: off, downloading, starting, ready, failed and why. */

import { announce, button, h, megabytes } from "./dom";
import { aboutKernel } from "./kernel";
import { forgetPython } from "./offline";
import type { Session } from "./session";

export function bootPanel(session: Session, before: Element): void {
  const words = h("p", { class: "tt-boot-words" });
  const bar = h("progress", { class: "tt-boot-bar", "aria-label": "Download of Python", max: "1", hidden: true });
  const start = button("Start Python", () => void begin(session));
  const panel = document.querySelector<HTMLElement>('[data-role="boot"]') ?? h("div", {});
  panel.classList.add("tt-boot");
  panel.setAttribute("role", "group");
  panel.setAttribute("aria-label", "Python");
  const about = aboutKernel(session);
  panel.replaceChildren(words, bar, start, about);
  if (!panel.isConnected) before.before(panel);
  const update = () => show(session, panel, words, bar, start);
  session.addEventListener("state", () => {
    update();
    if (session.state === "failed") announce(words.textContent!);
    if (session.state === "ready" && !document.querySelector('[data-state="running"]')) announce("Python is ready.");
  });
  session.addEventListener("stage", update);
  update();
}

/** After a failure the copy that the browser kept may be the damaged one, so another try fetches anew. */
async function begin(session: Session): Promise<void> {
  if (session.state === "failed") await forgetPython();
  await session.boot().catch(() => undefined); // the panel shows why
}

function show(session: Session, panel: HTMLElement, words: HTMLElement, bar: HTMLProgressElement, start: HTMLButtonElement): void {
  const { state, stage, failure, bootSeconds } = session;
  panel.dataset.python = state;
  bar.hidden = state !== "starting";
  if (stage.total) bar.value = Math.min(1, stage.loaded / stage.total);
  else bar.removeAttribute("value");
  start.hidden = state === "starting" || state === "ready";
  start.textContent = state === "failed" ? "Try again" : "Start Python";
  words.textContent = {
    off: "Python is off. It starts when you rest at an exercise or click into one.",
    starting: stageWords(session),
    ready: `Python is ready (started in ${bootSeconds.toFixed(1)} s).`,
    failed: `Python did not start. ${failure} The text of the chapter and your code are not affected.`,
  }[state];
}

/** What Python is doing while it starts, with the megabytes where there are any. */
export function stageWords(session: Session): string {
  const { stage, words, loaded, total } = session.stage;
  if (session.state === "failed") return session.failure;
  return stage === "download" && loaded ? `${words}: ${megabytes(loaded)} of ${megabytes(total)} MB` : words;
}
