/**
 * A box to draw a digit in, with mouse, finger or keys. What is drawn goes to the network that a
 * program on this page has trained, which lives in Python's memory as long as Python does.
 */

import { announce, button, h, role } from "./dom";
import type { Session } from "./session";
import type { Store } from "./store";
import type { Answered } from "./types";

const SIZE = 280; // pixels of the drawing; CSS may show it smaller
const CELLS = 28;
const PEN = 22; // about as thick, for its size, as in MNIST
const KEYS_PAUSE_MS = 500;
const MOVES: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP = "Draw with mouse, finger or pen. With the keyboard: arrow keys move the pen, Space puts it down and lifts it, Backspace takes the last stroke back, Delete clears.";

type Point = [number, number];

export class Pad {
  private strokes: Point[][] = [];
  private stroke: Point[] | null = null;
  private pen: Point = [8, 4]; // in cells, for the keys
  private penDown = false;
  private image: number[] = []; // what the network saw last
  private asking = false;
  private again: { aloud: boolean } | null = null;
  private timer = 0;
  private known = false; // a network was there in this visit
  private readonly canvas = h("canvas", { class: "tt-pad-canvas", width: String(SIZE), height: String(SIZE), tabindex: "0", role: "application", "aria-label": `Drawing area of ${CELLS} by ${CELLS} fields`, "aria-describedby": "tt-pad-help" });
  private readonly paper = this.canvas.getContext("2d", { willReadFrequently: true })!;
  private readonly cursor = h("span", { class: "tt-pad-cursor", hidden: true });
  private readonly seen = h("canvas", { class: "tt-pad-seen", width: String(CELLS), height: String(CELLS), role: "img", "aria-label": "Nothing drawn yet" });
  private readonly words = h("p", { class: "tt-pad-words" });
  private readonly rows: { row: HTMLElement; bar: HTMLElement; share: HTMLElement }[] = [];
  private readonly program: string;

  constructor(host: HTMLElement, private readonly session: Session, private readonly store: Store) {
    this.program = host.dataset.pad!;
    role(host, "pad")!.replaceChildren(
      this.words,
      h("div", { class: "tt-pad-body" },
        h("div", { class: "tt-pad-draw" }, h("div", { class: "tt-pad-paper" }, this.canvas, this.cursor), h("div", { class: "tt-pad-buttons" }, button("Clear", () => this.clear()), button("Undo", () => this.undo()))),
        h("div", { class: "tt-pad-answer" }, h("figure", {}, this.seen, h("figcaption", {}, "What the network sees, 28 × 28")), this.table()),
      ),
      h("p", { class: "tt-note", id: "tt-pad-help" }, HELP),
    );
    this.listen();
    void this.ask();
  }

  private table(): HTMLElement {
    for (let digit = 0; digit < 10; digit++) {
      const bar = h("span", { class: "tt-pad-bar" });
      const share = h("span", {}, "–");
      const row = h("tr", {}, h("th", { scope: "row" }, String(digit)), h("td", {}, h("span", { class: "tt-pad-track" }, bar)), h("td", { class: "tt-pad-share" }, share));
      this.rows.push({ row, bar, share });
    }
    return h("table", { class: "tt-pad-table" }, h("caption", {}, "Probability of each digit"), h("tbody", {}, ...this.rows.map(({ row }) => row)));
  }

  private listen(): void {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.end());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.showCursor());
    canvas.addEventListener("blur", () => (this.cursor.hidden = true));
    // The ink has the page's colour, also after the reader has chosen light or dark.
    new MutationObserver(() => (this.draw(), this.fillSeen())).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.session.addEventListener("state", () => void this.ask());
    this.session.addEventListener("done", () => void this.ask());
  }

  private begin(event: PointerEvent): void {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push((this.stroke = [this.place(event)]));
    this.draw();
  }

  private move(event: PointerEvent): void {
    if (!this.stroke) return;
    const between = event.getCoalescedEvents?.() ?? [];
    this.stroke.push(...(between.length ? between : [event]).map((each) => this.place(each)));
    this.draw();
  }

  private end(): void {
    if (!this.stroke) return;
    this.stroke = null;
    void this.ask(true);
  }

  private place(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
  }

  private key(event: KeyboardEvent): void {
    const step = MOVES[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) this.walk(step);
    else if (event.key === " ") this.turnPen();
    else if (event.key === "Backspace") this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
  }

  private walk([dx, dy]: Point): void {
    const inside = (value: number) => Math.min(CELLS - 1, Math.max(0, value));
    this.pen = [inside(this.pen[0] + dx), inside(this.pen[1] + dy)];
    if (this.penDown) this.strokes.at(-1)!.push(this.penPlace());
    this.draw();
    this.showCursor();
    announce(`row ${this.pen[1] + 1}, column ${this.pen[0] + 1}`);
    if (this.penDown) this.askSoon();
  }

  private turnPen(): void {
    this.penDown = !this.penDown;
    if (this.penDown) this.strokes.push([this.penPlace()]);
    announce(this.penDown ? "Pen down" : "Pen lifted");
    this.draw();
    this.showCursor();
    if (!this.penDown) this.askSoon();
  }

  private penPlace(): Point {
    return [((this.pen[0] + 0.5) / CELLS) * SIZE, ((this.pen[1] + 0.5) / CELLS) * SIZE];
  }

  private showCursor(): void {
    this.cursor.hidden = document.activeElement !== this.canvas || !this.canvas.matches(":focus-visible");
    this.cursor.dataset.down = String(this.penDown);
    const [x, y] = this.penPlace();
    this.cursor.style.left = `${(x / SIZE) * 100}%`;
    this.cursor.style.top = `${(y / SIZE) * 100}%`;
  }

  private undo(): void {
    this.strokes.pop();
    this.change();
  }

  private clear(): void {
    this.strokes = [];
    this.change();
    announce("The drawing area is empty.");
  }

  private change(): void {
    this.penDown = false;
    this.showCursor();
    this.draw();
    void this.ask();
  }

  private draw(): void {
    const pen = this.paper;
    pen.clearRect(0, 0, SIZE, SIZE);
    pen.strokeStyle = getComputedStyle(this.canvas).color;
    pen.lineWidth = PEN;
    pen.lineCap = pen.lineJoin = "round";
    for (const [first, ...others] of this.strokes) {
      if (!first) continue;
      pen.beginPath();
      pen.moveTo(...first);
      for (const point of others.length ? others : [first]) pen.lineTo(...point);
      pen.stroke();
    }
  }

  /** How much ink there is at each pixel, 0 to 255. */
  private ink(): Uint8Array<ArrayBuffer> {
    const { data } = this.paper.getImageData(0, 0, SIZE, SIZE);
    return Uint8Array.from({ length: SIZE * SIZE }, (_, i) => data[4 * i + 3]!);
  }

  private askSoon(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(true), KEYS_PAUSE_MS);
  }

  /** One question at a time; what is drawn meanwhile is asked about after it. `aloud` says the answer to the reader. */
  private async ask(aloud = false): Promise<void> {
    if (this.session.state !== "ready") return this.tellNone(aloud);
    if (this.asking) return void (this.again = { aloud: aloud || (this.again?.aloud ?? false) });
    this.asking = true;
    if (document.querySelector('[data-state="running"]')) this.words.textContent = "Python is at work; it answers when the program above has ended.";
    try {
      this.show(await this.session.drawing(SIZE, this.ink()), aloud);
    } catch (error) {
      this.fill(null);
      this.words.textContent = `The network could not answer: ${(error as Error).message}.`;
    }
    this.asking = false;
    const next = this.again;
    this.again = null;
    if (next) void this.ask(next.aloud);
  }

  private show(answer: Answered, aloud: boolean): void {
    if (answer.state === "none") return void this.tellNone(aloud);
    this.known = true;
    this.words.textContent = `The network was trained on this page: ${answer.words}.`;
    this.fill(answer.state === "answered" ? answer : null);
    if (answer.state !== "answered") return;
    const order = answer.probabilities.map((share, digit) => ({ digit, share })).sort((a, b) => b.share - a.share);
    const said = order.filter(({ share }, place) => place === 0 || (place === 1 && share >= 0.01)).map(({ digit, share }) => `${digit}, ${percent(share)}`);
    if (aloud) announce(`Named ${said.join("; next ")}.`);
  }

  private async tellNone(aloud: boolean): Promise<void> {
    this.fill(null);
    const before = this.known || (await this.store.answer(this.program).catch(() => undefined));
    const again = "Run the program again; then its network names what you draw.";
    let words = "There is no network yet. Run the program above; then its network names what you draw.";
    if (before) words = `You have trained one on an earlier visit. It lived in Python's memory and ended with it. ${again}`;
    if (this.known) words = `Python was started anew, and the network that was trained here is gone. ${again}`;
    this.words.textContent = words;
    if (aloud) announce(words);
  }

  private fill(answer: Extract<Answered, { state: "answered" }> | null): void {
    const shares = answer?.probabilities;
    const best = shares ? shares.indexOf(Math.max(...shares)) : -1;
    this.rows.forEach(({ row, bar, share }, digit) => {
      row.dataset.best = String(digit === best);
      bar.style.width = `${(shares?.[digit] ?? 0) * 100}%`;
      share.textContent = shares ? percent(shares[digit]!) : "–";
    });
    this.image = answer?.image ?? [];
    this.fillSeen();
    this.seen.setAttribute("aria-label", answer ? `Your digit, centred and scaled; named ${best}` : "Nothing drawn yet");
  }

  private fillSeen(): void {
    const pen = this.seen.getContext("2d")!;
    pen.clearRect(0, 0, CELLS, CELLS);
    pen.fillStyle = getComputedStyle(this.seen).color;
    this.image.forEach((ink, i) => {
      pen.globalAlpha = ink / 255;
      pen.fillRect(i % CELLS, Math.floor(i / CELLS), 1, 1);
    });
    pen.globalAlpha = 1;
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}
