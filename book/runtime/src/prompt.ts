/**
 * A box in which the reader types to a network that a program on this page has trained: its answer
 * appears token by token, each with its probability. The network lives in Python's memory as long as Python does.
 */

import { announce, button, h, role, setUsable } from "./dom";
import type { Session } from "./session";
import type { Store } from "./store";
import type { Begun, Token } from "./types";

interface Slider {
  input: HTMLInputElement;
  row: HTMLElement;
}

const ALL = 21; // the last place of the slider for top-k stands for all tokens

export class Prompt {
  private readonly name: string;
  private readonly words = h("p", { class: "tt-pad-words" });
  private readonly field: HTMLInputElement;
  private readonly go = button("Send", () => void this.press(), "tt-button--primary");
  private readonly temperature: Slider;
  private readonly topK: Slider;
  private readonly text = h("p", { class: "tt-prompt-text", role: "group", "aria-label": "The prompt and its continuation, token by token" });
  private readonly timing = h("p", { class: "tt-note" });
  private readonly table = h("table", { class: "tt-pad-table tt-prompt-table" });
  private tokens: Extract<Token, { token: string }>[] = [];
  private known = false; // a network was there in this visit
  private running = false;

  constructor(private readonly host: HTMLElement, private readonly session: Session, private readonly store: Store) {
    this.name = host.dataset.prompt!.split(".")[1]!;
    const id = `prompt-${this.name}`;
    this.field = h("input", { type: "text", id: `${id}-text`, autocomplete: "off", maxlength: "2000", value: host.dataset.example ?? "" }) as HTMLInputElement;
    this.temperature = slider(`${id}-temperature`, "Temperature", { min: "0", max: "2", step: "0.1", value: "0" }, (value) => (value ? value.toFixed(1) : "0, always the likeliest"));
    this.topK = slider(`${id}-top-k`, "Top-k", { min: "1", max: String(ALL), step: "1", value: String(ALL) }, (value) => (value === ALL ? "all tokens" : `the likeliest ${value}`));
    const form = h("form", { class: "tt-prompt-form", submit: (event: Event) => (event.preventDefault(), void this.press()) }, h("label", { for: this.field.id }, host.dataset.label!), h("div", {}, this.field, this.go), this.temperature.row, this.topK.row);
    this.table.hidden = true;
    role(host, "prompt")!.replaceChildren(this.words, form, this.text, this.timing, this.table);
    this.text.addEventListener("keydown", (event) => this.walk(event));
    session.addEventListener("state", () => void this.tell());
    session.addEventListener("done", () => void this.tell());
    void this.tell();
  }

  /** What network there is, while nothing is being written. */
  private async tell(): Promise<void> {
    if (this.running) return;
    if (this.session.state !== "ready") return this.tellNone();
    const answer = await this.session.prompt<Begun>(this.name, "").catch(() => null);
    if (this.running || !answer) return;
    if (answer.state === "none") return this.tellNone();
    this.known = true;
    this.words.textContent = `The network was trained on this page: ${answer.words}.`;
  }

  private async tellNone(): Promise<void> {
    const again = "Run the program again; then its network answers.";
    const before = this.known || (await this.store.answer(this.host.dataset.prompt!).catch(() => undefined));
    let words = "There is no network yet. Run the program above; then its network answers.";
    if (before) words = `You have trained one on an earlier visit. It lived in Python's memory and ended with it. ${again}`;
    if (this.known) words = `Python was started anew, and the network that was trained here is gone. ${again}`;
    this.words.textContent = words;
  }

  private async press(): Promise<void> {
    if (this.running) return void (this.running = false);
    if (this.session.state !== "ready") return void (await this.tellNone(), announce(this.words.textContent!));
    this.running = true;
    this.go.textContent = "Stop";
    if (document.querySelector('[data-state="running"]')) this.words.textContent = "Python is at work; the network answers when the program above has ended.";
    try {
      await this.write();
    } catch (error) {
      this.say(`The network could not answer: ${(error as Error).message}`);
    }
    this.running = false;
    this.go.textContent = "Send";
    setUsable(this.go, true);
  }

  private say(words: string): void {
    this.words.textContent = words;
    announce(words);
  }

  private async write(): Promise<void> {
    const begun = await this.session.prompt<Begun>(this.name, this.field.value);
    this.clear();
    if (begun.state === "none") return void (await this.tellNone(), announce(this.words.textContent!));
    this.known = true;
    if (begun.state === "empty") return this.say("The prompt is empty. Type a few words.");
    if (begun.state === "long") return this.say(`The prompt has ${begun.given} tokens. The network can look at ${begun.most}, and the answer needs room too. Shorten it.`);
    this.words.textContent = `The network was trained on this page: ${begun.words}.`;
    this.text.append(...begun.pieces.map((piece) => h("span", { class: "tt-prompt-given" }, shown(piece))));
    await this.follow();
  }

  private async follow(): Promise<void> {
    while (this.running) {
      const top = Number(this.topK.input.value);
      const answer = await this.session.prompt<Token>(this.name, null, Number(this.temperature.input.value), top === ALL ? null : top);
      if (answer.state === "none") return void (await this.tellNone());
      if ("token" in answer) this.add(answer);
      if (answer.state === "end") return announce(`${answer.text} ${this.timing.textContent}${answer.full ? " There is no room for more." : ""}`);
      await new Promise((resolve) => setTimeout(resolve)); // let the page show it, and Stop be pressed
    }
  }

  private clear(): void {
    this.tokens = [];
    this.text.replaceChildren();
    this.timing.textContent = "";
    this.table.hidden = true;
  }

  private add(token: Extract<Token, { token: string }>): void {
    const place = this.tokens.push(token) - 1;
    const key = h("button", { type: "button", class: "tt-prompt-token", "data-end": String(token.state === "end"), "aria-label": `${token.token}, ${percent(token.chance)}`, click: () => this.choose(place) }, shown(token.token));
    key.style.setProperty("--share", String(token.chance));
    this.text.append(key);
    this.choose(place);
    const seconds = this.tokens.reduce((sum, each) => sum + each.seconds, 0);
    this.timing.textContent = `${this.tokens.length} tokens in ${seconds.toFixed(2)} s: ${((1000 * seconds) / this.tokens.length).toFixed(1)} ms a token; this one took ${(1000 * token.seconds).toFixed(1)} ms.`;
  }

  private keys(): HTMLButtonElement[] {
    return [...this.text.querySelectorAll("button")];
  }

  /** Shows what else could have stood in a token's place. Only the chosen token is a stop of the Tab key. */
  private choose(place: number): void {
    const token = this.tokens[place]!;
    this.keys().forEach((key, index) => {
      key.tabIndex = index === place ? 0 : -1;
      key.setAttribute("aria-pressed", String(index === place));
    });
    const rows = token.candidates.map(([text, share]) => {
      const bar = h("span", { class: "tt-pad-bar" });
      bar.style.width = `${share * 100}%`;
      return h("tr", { "data-best": String(text === token.token) }, h("th", { scope: "row" }, shown(text)), h("td", {}, h("span", { class: "tt-pad-track" }, bar)), h("td", { class: "tt-pad-share" }, percent(share)));
    });
    this.table.replaceChildren(h("caption", {}, `What token ${place + 1} of the answer could be`), h("tbody", {}, ...rows));
    this.table.hidden = false;
  }

  private walk(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const keys = this.keys();
    const now = keys.indexOf(event.target as HTMLButtonElement);
    if (!by || now < 0) return;
    event.preventDefault();
    const next = Math.min(keys.length - 1, Math.max(0, now + by));
    this.choose(next);
    keys[next]!.focus();
  }
}

/** A slider with its label before it and its value, in words, behind it. */
function slider(id: string, label: string, range: Record<string, string>, say: (value: number) => string): Slider {
  const input = h("input", { type: "range", id, ...range }) as HTMLInputElement;
  const value = h("span", { class: "tt-prompt-value", "aria-hidden": "true" }); // an <output> would be a second status region
  const show = () => {
    value.textContent = say(Number(input.value));
    input.setAttribute("aria-valuetext", value.textContent);
  };
  input.addEventListener("input", show);
  show();
  return { input, row: h("div", { class: "tt-prompt-slider" }, h("label", { for: id }, label), input, value) };
}

/** A token as it is shown: what cannot be seen gets a sign. */
function shown(piece: string): string {
  const unseen = (sign: string) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return piece.replace(/ /g, "\u2423").replace(/\n/g, "\u21b5").replace(/[\0-\x1f\x7f]/g, unseen) || "\u2205";
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}
