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

class Walk {
  private readonly bars: HTMLElement[];

  constructor(figure: HTMLElement, private readonly words: HTMLElement) {
    this.bars = [...figure.querySelectorAll<HTMLElement>("li")];
    const root = figure.querySelector("ul");
    root?.setAttribute("role", "tree");
    root?.setAttribute("aria-label", "Where the time goes");
    figure.querySelectorAll("ul ul").forEach((list) => list.setAttribute("role", "group"));
    this.bars.forEach((bar, i) => this.prepare(bar, i === 0));
    root?.addEventListener("keydown", (event) => this.key(event));
  }

  private prepare(bar: HTMLElement, first: boolean): void {
    bar.setAttribute("role", "treeitem");
    bar.setAttribute("aria-label", sentence(bar));
    if (bar.querySelector("ul")) bar.setAttribute("aria-expanded", "true");
    bar.tabIndex = first ? 0 : -1;
    const label = bar.querySelector<HTMLElement>(":scope > .tt-flame-name");
    label?.addEventListener("click", () => bar.focus());
    label?.addEventListener("pointerenter", () => (this.words.textContent = sentence(bar)));
    bar.addEventListener("focus", () => {
      for (const other of this.bars) other.tabIndex = other === bar ? 0 : -1;
      this.words.textContent = sentence(bar);
    });
  }

  private key(event: KeyboardEvent): void {
    const bar = event.target as HTMLElement;
    if (!this.bars.includes(bar) || event.altKey || event.metaKey || event.ctrlKey) return;
    const next = this.from(bar, event.key);
    if (next === undefined) return;
    event.preventDefault();
    next?.focus();
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

/** The bars that are as deep as this one, from left to right. */
function level(bars: HTMLElement[], bar: HTMLElement): HTMLElement[] {
  const depth = (each: Element | null): number => (each ? 1 + depth(each.parentElement!.closest("li")) : 0);
  return bars.filter((each) => depth(each) === depth(bar));
}

function share(bar: HTMLElement): number {
  return Number.parseFloat(bar.style.width) || 0;
}

function sentence(bar: HTMLElement): string {
  return `${bar.querySelector(":scope > .tt-flame-words")?.textContent ?? ""}.`;
}
