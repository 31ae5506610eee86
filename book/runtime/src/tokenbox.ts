/**
 * A box to type text in, and below it the tokens that the reader's tokenizer makes of it, as it is typed.
 * The tokenizer was handed over by a cell of this page and lives in Python's memory as long as Python does.
 */

import { announce, h, role } from "./dom";
import type { Session } from "./session";
import type { Tokenized } from "./types";

const LONGEST = 2_000; // characters; each token is an element of the page
const TYPING_MS = 120;
const SILENCE_MS = 1_000;
const SAMPLE = "Where does the gradient of the loss go? Naïve: 損失, 🙂.";
const MARKS: Record<string, [string, string]> = { " ": ["·", "space"], "\n": ["↵", "line end"], "\t": ["⇥", "tab"] };

export class TokenBox {
  private asking = false;
  private again = false;
  private timer = 0;
  private silence = 0;
  private known = false; // a tokenizer was there in this visit
  private readonly words = h("p", { class: "tt-tokens-words" });
  private readonly text = h("textarea", { class: "tt-tokens-text", id: "tt-tokens-text", rows: "3", maxlength: String(LONGEST), spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-describedby": "tt-tokens-count", input: () => this.typed() });
  private readonly count = h("p", { class: "tt-tokens-count", id: "tt-tokens-count" });
  private readonly list = h("ol", { class: "tt-tokens-list", "aria-label": "The tokens, each with its id" });

  constructor(host: HTMLElement, private readonly session: Session) {
    this.text.value = SAMPLE;
    role(host, "tokens")!.replaceChildren(this.words, h("label", { for: "tt-tokens-text" }, "Your text"), this.text, this.count, this.list);
    this.session.addEventListener("state", () => void this.ask());
    this.session.addEventListener("done", () => void this.ask());
    void this.ask();
  }

  private typed(): void {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.timer = window.setTimeout(() => void this.ask(), TYPING_MS);
    this.silence = window.setTimeout(() => announce(this.count.textContent || this.words.textContent || ""), SILENCE_MS);
  }

  /** One question at a time; what is typed meanwhile is asked about after it. */
  private async ask(): Promise<void> {
    if (this.session.state !== "ready") return this.tellNone();
    if (this.asking) return void (this.again = true);
    this.asking = true;
    try {
      this.show(await this.session.picture<Tokenized>("tokens", this.text.value));
    } catch (error) {
      this.clear();
      this.words.textContent = `Your tokenizer could not encode this text: ${(error as Error).message}`;
    }
    this.asking = false;
    if (!this.again) return;
    this.again = false;
    void this.ask();
  }

  private show(answer: Tokenized): void {
    if (answer.state === "none") return this.tellNone();
    this.known = true;
    this.words.textContent = `Your tokenizer is at work${answer.words ? `: ${answer.words}` : ""}.`;
    const { tokens, bytes } = answer;
    const each = tokens.length ? `, ${(bytes / tokens.length).toFixed(1)} bytes a token` : "";
    const back = answer.same ? "" : " Decoded, they give another text.";
    this.count.textContent = `${many(answer.characters, "character")}, ${many(bytes, "byte")}, ${many(tokens.length, "token")}${each}.${back}`;
    this.list.replaceChildren(...tokens.map(([id, text]) => h("li", {}, h("span", { class: "tt-token" }, ...marked(text)), h("span", { class: "tt-token-id" }, String(id)))));
  }

  private tellNone(): void {
    this.clear();
    this.words.textContent = this.known
      ? "Python was started anew, and the tokenizer that was trained here is gone. Run the cell above again."
      : "There is no tokenizer yet. Run the cell above; then it colours what you type, as you type it.";
  }

  private clear(): void {
    this.count.textContent = "";
    this.list.replaceChildren();
  }
}

/** The text of a token, with a sign for each space and line end, which a screen reader gets by name. */
function marked(text: string): (Node | string)[] {
  return [...text].map((sign) => {
    const mark = MARKS[sign];
    return mark ? h("span", { class: "tt-token-mark", role: "img", "aria-label": mark[1] }, mark[0]) : sign;
  });
}

function many(count: number, name: string): string {
  return `${count.toLocaleString("en")} ${name}${count === 1 ? "" : "s"}`;
}
