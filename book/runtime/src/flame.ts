/**
 * Bars that `tinytorch.pictures.flame` drew as a list of lists: the arrow keys walk through them, and a
 * line below says what the bar at hand means. Without this they are bars without a way to walk.
 */

import { h } from "./dom";

const HELP = "Click a bar or tab to it. Arrow down goes to the layers inside it, up to its caller, left and right to its neighbours, Enter to the largest inside.";

export function enhanceFlames(figures: Iterable<HTMLElement>): void {
  for (const figure of figures) {
    if (figure.dataset.walk) continue;
    figure.dataset.walk = "on";
    const words = h("p", { class: "tt-flame-line" }, HELP);
    new Walk(figure, words);
    figure.append(words);
  }
}

/**
 * The item of the tree is a bar's own label. The list item around it holds the bars inside it too, and would be called
 * by all their names.
 */
class Walk {
  private readonly bars: HTMLElement[];

  constructor(figure: HTMLElement, private readonly words: HTMLElement) {
    this.bars = [...figure.querySelectorAll<HTMLElement>("li")].filter((bar) => label(bar));
    const root = figure.querySelector("ul");
    root?.setAttribute("role", "tree");
    root?.setAttribute("aria-label", "Where the time goes");
    figure.querySelectorAll("ul ul").forEach((list) => list.setAttribute("role", "group"));
    this.bars.forEach((bar, i) => this.prepare(bar, i === 0));
    root?.addEventListener("keydown", (event) => this.key(event));
  }

  private prepare(bar: HTMLElement, first: boolean): void {
    const item = label(bar)!;
    bar.setAttribute("role", "none");
    bar.querySelector(":scope > .tt-flame-words")?.setAttribute("aria-hidden", "true");
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-label", sentence(bar));
    item.setAttribute("aria-level", String(depth(bar)));
    if (bar.querySelector("ul")) item.setAttribute("aria-expanded", "true");
    item.tabIndex = first ? 0 : -1;
    item.addEventListener("click", () => item.focus());
    item.addEventListener("pointerenter", () => (this.words.textContent = sentence(bar)));
    item.addEventListener("focus", () => {
      for (const other of this.bars) label(other)!.tabIndex = other === bar ? 0 : -1;
      this.words.textContent = sentence(bar);
    });
  }

  private key(event: KeyboardEvent): void {
    const bar = this.bars.find((each) => label(each) === event.target);
    if (!bar || event.altKey || event.metaKey || event.ctrlKey) return;
    const next = this.from(bar, event.key);
    if (next === undefined) return;
    event.preventDefault();
    if (next) label(next)?.focus();
  }

  /** The bar that a key leads to, null where there is none, undefined for a key that is the page's. */
  private from(bar: HTMLElement, key: string): HTMLElement | null | undefined {
    const inside = [...bar.querySelectorAll<HTMLElement>(":scope > ul > li")];
    const beside = (step: 1 | -1) => level(this.bars, bar).at(level(this.bars, bar).indexOf(bar) + step);
    const last = level(this.bars, bar).at(-1);
    if (key === "ArrowDown") return inside[0] ?? null;
    if (key === "ArrowUp") return bar.parentElement!.closest<HTMLElement>("li");
    if (key === "ArrowRight") return bar === last ? null : beside(1)!;
    if (key === "ArrowLeft") return bar === level(this.bars, bar)[0] ? null : beside(-1)!;
    if (key === "Home") return this.bars[0]!;
    if (key === "End") return last!;
    if (key === "Enter") return inside.sort((a, b) => share(b) - share(a))[0] ?? null;
    return undefined;
  }
}

function label(bar: HTMLElement): HTMLElement | null {
  return bar.querySelector<HTMLElement>(":scope > .tt-flame-name");
}

/** 1 for the whole, 2 for what is inside it, and so on. */
function depth(bar: Element | null): number {
  return bar ? 1 + depth(bar.parentElement!.closest("li")) : 0;
}

/** The bars that are as deep as this one, from left to right. */
function level(bars: HTMLElement[], bar: HTMLElement): HTMLElement[] {
  return bars.filter((each) => depth(each) === depth(bar));
}

function share(bar: HTMLElement): number {
  return Number.parseFloat(bar.style.width) || 0;
}

function sentence(bar: HTMLElement): string {
  return `${bar.querySelector(":scope > .tt-flame-words")?.textContent ?? ""}.`;
}
