/**
 * Matrices of weights that `tinytorch.pictures.weights` drew as tables: the arrow keys walk through
 * them, and a line below says what the cell at hand means. Without this they are plain tables.
 */

import { h } from "./dom";

const HELP = "Click a cell or tab to it; arrow keys walk, Home and End go to the ends of the row, Enter to its largest weight.";
const STEPS: Record<string, [number, number]> = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export function enhanceWeights(figures: Iterable<HTMLElement>): void {
  for (const figure of figures) {
    if (figure.dataset.walk) continue;
    figure.dataset.walk = "on";
    const words = h("p", { class: "tt-weights-words" }, HELP);
    for (const table of figure.querySelectorAll("table")) new Walk(table, words);
    figure.append(words);
  }
}

class Walk {
  private readonly rows: HTMLElement[][];
  private readonly queries: string[];
  private readonly keys: string[];

  constructor(private readonly table: HTMLTableElement, private readonly words: HTMLElement) {
    const names = (selector: string) => [...table.querySelectorAll(selector)].map((head) => head.textContent ?? "");
    this.queries = names("tbody th");
    this.keys = names("thead th");
    this.rows = [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("td")]);
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", `Weights${table.caption ? `, ${table.caption.textContent}` : ""}`);
    const wrap = h("div", { class: "tt-weights-wrap" });
    table.replaceWith(wrap);
    wrap.append(table);
    this.rows.forEach((row, t) => row.forEach((cell, s) => this.prepare(cell, t, s)));
    table.addEventListener("keydown", (event) => this.key(event));
  }

  private prepare(cell: HTMLElement, t: number, s: number): void {
    cell.tabIndex = t + s ? -1 : 0;
    cell.setAttribute("aria-label", this.sentence(t, s));
    cell.addEventListener("click", () => cell.focus());
    cell.addEventListener("pointerenter", () => (this.words.textContent = this.sentence(t, s)));
    cell.addEventListener("focus", () => {
      this.table.querySelectorAll('td[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
      cell.tabIndex = 0;
      this.words.textContent = this.sentence(t, s);
    });
  }

  private sentence(t: number, s: number): string {
    const percent = this.rows[t]![s]!.textContent;
    const what = percent === "·" ? "a weight of exactly 0" : `${percent} percent`;
    return `Query ${this.name(this.queries, t)}, key ${this.name(this.keys, s)}: ${what}${percent !== "·" && s === this.largest(t) ? ", the largest of the row" : ""}.`;
  }

  private name(names: string[], i: number): string {
    return names[i] === String(i) ? names[i] : `${i}, ${names[i]}`;
  }

  private largest(t: number): number {
    const weights = this.rows[t]!.map((cell) => Number(cell.textContent) || 0);
    return weights.indexOf(Math.max(...weights));
  }

  private key(event: KeyboardEvent): void {
    const t = this.rows.findIndex((row) => row.includes(event.target as HTMLElement));
    if (t < 0 || event.altKey || event.metaKey || event.ctrlKey) return;
    const s = this.rows[t]!.indexOf(event.target as HTMLElement);
    const step = STEPS[event.key];
    const ends: Record<string, number> = { Home: 0, End: this.keys.length - 1, Enter: this.largest(t) };
    const next = step ? this.rows[t + step[0]]?.[s + step[1]] : this.rows[t]![ends[event.key] ?? -1];
    if (!step && !(event.key in ends)) return;
    event.preventDefault();
    next?.focus();
  }
}
