/**
 * The progress page: chapters, exercises and competencies from the catalog and the reader's records,
 * without Python; and everything that leaves or enters the browser: my framework, backup, restore,
 * hand-in, offline use, clearing.
 */

import { makeBackup, makeHandin, restoreFile, saveFile } from "./backup";
import { isBehind } from "./behind";
import { readCatalog } from "./catalog";
import { type DataSet, dataSets } from "./data";
import { announce, button, download, h, megabytes } from "./dom";
import { keepEverything, offlineSizes, type Sizes } from "./offline";
import type { Session } from "./session";
import { askPersistence, type Store } from "./store";
import type { AnswerRecord, Competency, ExerciseRecord, Site, SiteCatalog, SiteChapter, SiteMilestone } from "./types";

interface Known {
  exercises: Map<string, ExerciseRecord>;
  answers: Map<string, AnswerRecord>;
}

interface Here {
  site: Site;
  store: Store;
  session: Session;
  chapters: SiteChapter[];
  milestones: SiteMilestone[];
  known: Known;
  redraw(): Promise<void>;
}

export async function showProgress(host: HTMLElement, site: Site, store: Store, session: Session): Promise<void> {
  const { chapters, milestones } = await chaptersOf(site, host);
  const redraw = async () => {
    const known = await readKnown(store);
    const here: Here = { site, store, session, chapters, milestones, known, redraw };
    chaptersPart.replaceChildren(...chapterSections(here));
    milestonePart.replaceChildren(...milestoneSections(here));
    competencyPart.replaceChildren(...competencySection(here));
  };
  const chaptersPart = h("section", { class: "tt-progress-chapters", "aria-label": "Chapters" });
  const milestonePart = h("section", { class: "tt-progress-chapters", "aria-label": "Milestones" });
  const competencyPart = h("section", { class: "tt-progress-competencies", "aria-label": "Competencies" });
  const here: Here = { site, store, session, chapters, milestones, known: await readKnown(store), redraw };
  await redraw(); // nothing is shown half, so that nothing jumps
  host.replaceChildren(chaptersPart, milestonePart, competencyPart, await frameworkPart(here), filesPart(here), await storagePart(here), clearPart(here));
  store.addEventListener("news", () => void redraw());
  document.addEventListener("visibilitychange", () => document.hidden || void redraw());
}

async function chaptersOf(site: Site, host: HTMLElement): Promise<Pick<SiteCatalog, "chapters" | "milestones">> {
  try {
    return await readCatalog(site);
  } catch (error) {
    host.before(h("p", { class: "tt-note" }, `The list of chapters could not be loaded (${(error as Error).message}). Reload the page.`));
    return { chapters: [], milestones: [] };
  }
}

async function readKnown(store: Store): Promise<Known> {
  const { exercises, answers } = await store.everything();
  return { exercises: new Map(exercises.map((record) => [record.id, record])), answers: new Map(answers.map((record) => [record.id, record])) };
}

function chapterSections(here: Here): HTMLElement[] {
  return [h("h2", {}, "Chapters"), ...here.chapters.map((chapter) => chapterSection(here, chapter))];
}

function chapterSection({ site, known }: Here, chapter: SiteChapter): HTMLElement {
  const passed = chapter.exercises.filter((exercise) => known.exercises.get(exercise.id)?.passed).length;
  const page = new URL(chapter.page, site.root).href;
  const title = h("h3", {}, h("span", { class: "tt-number" }, `${String(chapter.number).padStart(2, "0")} `), h("a", { href: page }, chapter.title));
  const count = h("p", { class: "tt-count" }, `${passed} of ${chapter.exercises.length} exercises passed`);
  const bar = h("progress", { max: String(chapter.exercises.length || 1), value: String(passed), "aria-label": `Exercises passed in ${chapter.title}` });
  const rows = chapter.exercises.map((exercise) => {
    const words = exerciseWords(known.exercises.get(exercise.id));
    return h("li", { "data-state": known.exercises.get(exercise.id)?.passed ? "passed" : "idle" }, h("a", { href: `${page}#${exercise.anchor}` }, `${exercise.number} ${exercise.title}`), " ", h("span", { class: "tt-state" }, words));
  });
  return h("article", { class: "tt-progress-chapter", "data-tier": chapter.tier }, title, count, bar, h("ol", {}, ...rows));
}

/** A milestone is reached when each of its programs has reached its goals in one run. */
function milestoneSections(here: Here): HTMLElement[] {
  return here.milestones.length ? [h("h2", {}, "Milestones"), ...here.milestones.map((milestone) => milestoneSection(here, milestone))] : [];
}

function milestoneSection({ site, known }: Here, milestone: SiteMilestone): HTMLElement {
  const page = new URL(milestone.page, site.root).href;
  const reached = milestone.programs.filter(({ id }) => known.answers.get(id)?.right).length;
  const rows = milestone.programs.map(({ id, title, anchor }) => {
    const answer = known.answers.get(id);
    const words = answer?.right ? `reached, ${answer.answer}` : answer ? "fell short" : "not run";
    return h("li", { "data-state": answer?.right ? "passed" : "idle" }, h("a", { href: `${page}#${anchor}` }, title), " ", h("span", { class: "tt-state" }, words));
  });
  const title = h("h3", {}, h("span", { class: "tt-number" }, `M${milestone.number} `), h("a", { href: page }, milestone.title));
  const count = h("p", { class: "tt-count" }, `${reached} of ${milestone.programs.length} programs reached`);
  const bar = h("progress", { max: String(milestone.programs.length), value: String(reached), "aria-label": `Programs reached in ${milestone.title}` });
  return h("article", { class: "tt-progress-chapter", "data-tier": milestone.tier }, title, count, bar, h("ol", {}, ...rows));
}

function exerciseWords(record: ExerciseRecord | undefined): string {
  if (!record) return "not begun";
  if (isBehind(record)) return "passed, but not as it stands there now";
  if (record.passed) return record.solution ? "passed, solution seen" : "passed";
  return record.attempts ? `in progress, ${record.attempts} failed ${record.attempts === 1 ? "check" : "checks"}` : "in progress";
}

/** A competency is shown when every exercise and question that shows it is passed or answered right. */
function competencySection({ chapters, milestones, known }: Here): HTMLElement[] {
  const rows = [...chapters, ...milestones].flatMap((chapter) => chapter.competencies.map((one) => competencyRow(chapter, one, known)));
  if (!rows.length) return [];
  const head = h("thead", {}, h("tr", {}, ...["Area", "What you can do", "Chapter", "Shown"].map((name) => h("th", { scope: "col" }, name))));
  const table = h("table", {}, h("caption", {}, "Shown by exercises passed and questions answered right; an open question counts when it is answered"), head, h("tbody", {}, ...rows));
  return [h("h2", {}, "Competencies"), h("div", { class: "tt-table-wrap", tabindex: "0", role: "group", "aria-label": "Table of competencies" }, table)];
}

function competencyRow(chapter: SiteChapter | SiteMilestone, { area, text, shown_by }: Competency, known: Known): HTMLElement {
  const measured = new Set("labs" in chapter ? chapter.labs.map((lab) => lab.name) : []); // that a measurement was made is kept nowhere
  const names = shown_by.filter((name) => !measured.has(name));
  const shown = names.filter((name) => {
    const id = `${chapter.id}.${name}`;
    return known.exercises.get(id)?.passed || (known.answers.has(id) && known.answers.get(id)!.right !== false); // an open question has no right answer
  }).length;
  const words = shown === names.length ? "yes" : `${shown} of ${names.length}`;
  const cells = [area, text, "programs" in chapter ? `M${chapter.number}` : String(chapter.number).padStart(2, "0"), words];
  return h("tr", { "data-shown": String(shown === names.length) }, ...cells.map((cell) => h("td", {}, cell)));
}

async function frameworkPart({ site, store, session }: Here): Promise<HTMLElement> {
  const name = h("input", { type: "text", id: "tt-author", autocomplete: "name", value: (await store.meta<string>("author")) ?? "", maxlength: "80" });
  const words = h("p", { class: "tt-note", hidden: true });
  name.addEventListener("change", () => void store.setMeta("author", name.value.trim()).catch((error: Error) => tell(words, `The name could not be saved (${error.message}).`)));
  return h(
    "section",
    { class: "tt-progress-framework" },
    h("h2", {}, "My framework"),
    h("p", {}, "Your functions in place of the library's, as a Python package that you can install and import anywhere. What you have not written is the library's."),
    h("p", {}, h("label", { for: "tt-author" }, "Your name, for the package: "), name),
    h("p", { class: "tt-choices" }, button("Download my framework", () => void buildWheel(store, session, name.value.trim(), words), "tt-button--primary")),
    words,
    dataFiles(site),
  );
}

/** What a program in a terminal needs besides the package; the rest of the page does not wait for the list. */
function dataFiles(site: Site): HTMLElement {
  const part = h("div", { class: "tt-progress-data", hidden: true });
  const link = ([name, set]: [string, DataSet]) => h("li", {}, h("a", { href: `${site.root}datasets/${set.file}`, download: `${name}.npz` }, `${name}.npz`), ` (${set.title}, ${megabytes(set.bytes)} MB)`);
  const show = (sets: Record<string, DataSet>) => {
    const words = h("p", {}, "In a terminal, programs look for data sets and trained networks in the folder ", h("code", {}, "~/.cache/tinytorch/datasets"), ":");
    const whole = Object.entries(sets).filter(([, set]) => !set.sheets); // what is in sheets is no one file
    part.replaceChildren(words, h("ul", {}, ...whole.map(link)));
    part.hidden = !whole.length;
  };
  void dataSets(site.root).then(show, (error: Error) => console.warn(error));
  return part;
}

async function buildWheel(store: Store, session: Session, author: string, words: HTMLElement): Promise<void> {
  tell(words, "Starting Python and building the package. This takes some seconds.");
  try {
    await session.boot();
    await session.restore(await store.accepted()); // what passed in another tab since Python started here
    const { name, bytes } = await session.wheel(author);
    download(name, bytes, "application/zip");
    tell(words, `${name} is in your downloads. Install it with: pip install ${name}`);
  } catch (error) {
    tell(words, `The package could not be built. ${(error as Error).message}`);
  }
}

function tell(place: HTMLElement, words: string): void {
  place.hidden = false;
  place.textContent = words;
  announce(words);
}

function filesPart(here: Here): HTMLElement {
  const words = h("p", { class: "tt-note", hidden: true });
  const file = h("input", { type: "file", id: "tt-restore", accept: ".json,application/json" });
  file.addEventListener("change", () => void restoreFile(here.store, here.session, file).then((told) => tell(words, told)));
  return h(
    "section",
    { class: "tt-progress-files" },
    h("h2", {}, "Backup and hand-in"),
    h("p", {}, "The backup holds everything you wrote, in one file. The hand-in file holds what passed and your answers."),
    h(
      "p",
      { class: "tt-choices" },
      button("Download a backup", () => void saveFile("backup", makeBackup(here.store)).then((told) => tell(words, told))),
      button("Download the hand-in file", () => void saveFile("hand-in", makeHandin(here.store)).then((told) => tell(words, told))),
    ),
    h("p", {}, h("label", { for: "tt-restore" }, "Restore from a backup: "), file),
    words,
  );
}

async function storagePart({ store }: Here): Promise<HTMLElement> {
  const persistence = h("p", {}, await persistenceWords(store));
  const ask = button("Ask the browser to keep my work", async () => {
    await askPersistence();
    persistence.textContent = await persistenceWords(store);
    announce(persistence.textContent);
  });
  const sizes = await offlineSizes();
  const kept = sizes ? `Kept for offline use so far: ${megabytes(sizes.kept)} of ${megabytes(sizes.all)} MB. Pages you open and Python are kept by themselves.` : "";
  const { keep, bar, words } = keepControls(sizes);
  return h("section", { class: "tt-progress-storage" }, h("h2", {}, "This browser"), persistence, h("p", {}, kept), h("p", { class: "tt-choices" }, keep, store.lasting ? ask : null), bar, words);
}

function keepControls(sizes: Sizes | null): { keep: HTMLElement; bar: HTMLElement; words: HTMLElement } {
  const words = h("p", { class: "tt-note", hidden: true });
  const bar = h("progress", { max: "1", value: "0", hidden: true, "aria-label": "Keeping the site for offline use" });
  const left = sizes ? ` (${megabytes(Math.max(0, sizes.all - sizes.kept))} MB)` : "";
  const keep = button(`Keep everything for offline use${left}`, () => {
    bar.hidden = false;
    const begun = keepEverything((news) => {
      bar.value = news.total ? news.bytes / news.total : 1;
      if (news.done) tell(words, news.problem ? `Not everything could be kept. ${news.problem}` : "Everything is kept. The whole site works offline in this browser.");
    });
    if (!begun) tell(words, "This browser does not let the site work offline here (no service worker). Reload the page once and try again.");
  });
  return { keep, bar, words };
}

async function persistenceWords(store: Store): Promise<string> {
  if (!store.lasting) return `Nothing is kept: ${store.reason}. Your work is gone when you close the page; download a backup first.`;
  const granted = await navigator.storage?.persisted?.().catch(() => false);
  if (granted) return "Your work is kept in this browser, and the browser has agreed not to remove it when space is short.";
  return "Your work is kept in this browser. The browser may remove it when space is short or after weeks without a visit; a backup is safe.";
}

function clearPart({ site, store, redraw }: Here): HTMLElement {
  const words = h("p", { class: "tt-note", hidden: true });
  const box = h("div", { class: "tt-choices" });
  const reallyClear = button("Yes, clear everything", async () => {
    await store.clear();
    indexedDB.deleteDatabase(`JupyterLite Storage - ${new URL("lite/", site.root).pathname}`);
    box.replaceChildren(first);
    await redraw();
    tell(words, "Everything you wrote is removed from this browser.");
  });
  const keep = button("Keep my work", () => box.replaceChildren(first));
  const first = button("Clear everything", () => {
    box.replaceChildren(h("p", {}, "This removes all code, answers, progress and notebooks from this browser. A backup is the only way back."), reallyClear, keep);
    keep.focus();
  });
  box.append(first);
  return h("section", { class: "tt-progress-clear" }, h("h2", {}, "Start over"), box, words);
}
