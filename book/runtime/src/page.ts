/**
 * The entry of every page: finds what can be brought to life and does so in this order: storage,
 * buttons, service worker, and, when the browser is idle, the editors. Python waits for a sign of the reader.
 */

import { bootPanel } from "./boot";
import type { Cell, Page } from "./cell";
import { announce, h, warnAbove } from "./dom";
import { Exercise } from "./exercise";
import { startOnIntent } from "./intent";
import { Lab, scratch } from "./lab";
import { walkable } from "./output";
import { Program } from "./program";
import { enhanceQuestion } from "./question";
import { Saving } from "./saving";
import { Session, type RestoreProblem } from "./session";
import { registerServiceWorker } from "./offline";
import { Store, askPersistence, type News } from "./store";
import { tellGone, tellRefused } from "./storage";
import { readCatalog } from "./catalog";
import type { Site } from "./types";

const html = document.documentElement;
const PROGRESS = "[data-role='progress'], #tt-progress";

function readSite(): Site {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="tinytorch"]');
  const relative = meta?.dataset.root ?? html.dataset.ttRoot ?? "./";
  return {
    root: new URL(relative, location.href).href,
    scripts: new URL("./", import.meta.url).href,
    chapter: meta?.dataset.chapter ?? "",
    version: meta?.dataset.version ?? "",
  };
}

function idle(work: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(work, { timeout: 1500 });
  else setTimeout(work, 200);
}

async function mountEditors(cells: Cell<any>[]): Promise<void> {
  if (!cells.length) return;
  document.body.append(h("p", { id: "tt-editor-help", hidden: true }, "Control-Enter runs, Shift-Enter checks. Escape, then Tab, leaves the editor."));
  try {
    const { makeEditor } = await import("./editor");
    for (const cell of cells) cell.mount(makeEditor);
  } catch (error) {
    warnAbove(cells[0]!.host, `The editor could not be loaded (${(error as Error).message}). Reload the page when you are online.`);
  }
}

/** A click into the code before the editor is there counts as the first intent: load it now, then focus it. */
function mountOnIntent(cells: Cell<any>[]): void {
  let begun: Promise<void> | null = null;
  const begin = () => (begun ??= mountEditors(cells));
  for (const cell of cells) cell.host.addEventListener("pointerdown", begin, { once: true });
  idle(begin);
}

function listen({ store, session }: Page, cells: Cell<any>[]): void {
  const load = (cell: Cell<any>) => cell.load().catch((error) => cell.failed(error));
  store.addEventListener("news", (event) => {
    const news = (event as CustomEvent<News>).detail;
    for (const cell of cells) if (news.store === "all" || cell.id === news.id) void load(cell);
  });
  document.addEventListener("visibilitychange", () => {
    // A tab that slept may have missed what others told; look again when the reader comes back.
    for (const cell of cells) void (document.hidden ? cell.flush() : load(cell));
  });
  session.addEventListener("problems", (event) => {
    for (const { id, sentence } of (event as CustomEvent<RestoreProblem[]>).detail) {
      const cell = cells.find((one) => one.id === id);
      if (cell instanceof Exercise) cell.tellProblem(sentence);
    }
  });
  addEventListener("pagehide", () => cells.forEach((cell) => cell.leave()));
}

/**
 * For scripts and tests: `tinytorch.getText(id)` and `tinytorch.setText(id, text)` for every exercise and
 * lab of the page, by ids such as "01.memory_footprint" and "01.lab-double-n", and `tinytorch.session`.
 */
function handle(session: Session, cells: Cell<any>[]): void {
  const find = (id: string) => {
    const cell = cells.find((one) => one.id === id);
    if (!cell) throw new Error(`No exercise or lab "${id}" on this page; there are: ${cells.map((one) => one.id).join(", ")}`);
    return cell;
  };
  const getText = (id: string) => find(id).getText();
  const setText = (id: string, text: string) => find(id).setText(text);
  Object.assign(window, { tinytorch: { session, getText, setText } });
}

async function main(): Promise<void> {
  html.dataset.python = "off";
  html.dataset.isolated = String(crossOriginIsolated);
  const site = readSite();
  announce("");
  const store = await Store.open();
  const session = new Session(`${site.root}lite/static/pyodide/`, site.scripts, site.chapter, () => store.accepted());
  const backup = () => import("./backup").then(({ makeBackup, saveFile }) => saveFile("backup", makeBackup(store, cells.flatMap((cell) => cell.unsaved()))));
  const page = { root: site.root, store, session, saving: new Saving(store.lasting, backup), catalog: () => readCatalog(site) };
  const first = document.querySelector<HTMLElement>("[data-exercise], [data-lab], [data-program]");
  if (first) document.querySelector(".tt-page")?.append(scratch(site.chapter, first.dataset.tier ?? ""));
  const exercises = [...document.querySelectorAll<HTMLElement>("[data-exercise]")].map((host) => new Exercise(host, page));
  const labs = [...document.querySelectorAll<HTMLElement>("[data-lab]")].map((host) => new Lab(host, page));
  const programs = [...document.querySelectorAll<HTMLElement>("[data-program]")].map((host) => new Program(host, page));
  const cells: Cell<any>[] = [...exercises, ...labs, ...programs];
  if (first) bootPanel(session, first);
  const work = first ?? document.querySelector(PROGRESS);
  if (work) await (store.lasting ? tellGone(page, work) : tellRefused(store, work));
  // A storage that fails to answer for one cell must not take the others' editors away.
  await Promise.all(cells.map((cell) => cell.load().then(() => cell.takeDraft()).catch((error) => cell.failed(error))));
  for (const host of document.querySelectorAll<HTMLElement>("[data-question]")) void enhanceQuestion(host, store, page.saving);
  handle(session, cells);
  listen(page, cells);
  mountOnIntent(cells);
  addEventListener("input", () => void askPersistence(), { once: true });
  void registerServiceWorker(site, session).then(() => startOnIntent(session, cells.map((cell) => cell.host)));
  await lazyParts(site, store, session, cells);
}

async function lazyParts(site: Site, store: Store, session: Session, cells: Cell<any>[]): Promise<void> {
  const progress = document.querySelector<HTMLElement>(PROGRESS);
  if (progress) (await import("./progress")).showProgress(progress, site, store, session);
  walkable(document);
  const pads = document.querySelectorAll<HTMLElement>("[data-pad]");
  if (pads.length) await import("./pad").then(({ Pad }) => pads.forEach((host) => new Pad(host, session, store)));
  const prompts = document.querySelectorAll<HTMLElement>("[data-prompt]");
  if (prompts.length) await import("./prompt").then(({ Prompt }) => prompts.forEach((host) => new Prompt(host, session, store)));
  const boxes = document.querySelectorAll<HTMLElement>("[data-token-box]");
  if (boxes.length) await import("./tokenbox").then(({ TokenBox }) => boxes.forEach((host) => new TokenBox(host, session)));
  const photos = document.querySelectorAll<HTMLElement>("[data-photo]");
  if (photos.length) await import("./photo").then(({ Photo }) => photos.forEach((host) => new Photo(host, session, store)));
  const links = document.querySelectorAll<HTMLAnchorElement>('a[href*="lite/notebooks/"]');
  if (links.length) (await import("./notebook")).enhanceNotebookLinks([...links], site, store, () => Promise.all(cells.map((cell) => cell.flush())));
}

void main();
