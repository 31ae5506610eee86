/**
 * A box for a picture from the reader's own disk, chosen or dropped. It is cut to 32 × 32 here, in the page, and goes to
 * the network that a program on this page has trained, in Python's memory; nothing leaves the machine.
 */

import { announce, button, h, megabytes, role } from "./dom";
import type { Session } from "./session";
import type { Store } from "./store";
import type { Named } from "./types";

const SIDE = 32;
const LARGEST = 40e6; // bytes of a file, and four times as many pixels would be a gigabyte
const MOST_PIXELS = 100e6;

export class Photo {
  private readonly words = h("p", { class: "tt-pad-words" });
  private readonly file = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "Picture to be named" });
  private readonly drop = h("div", { class: "tt-photo-drop" }, button("Choose a picture", () => this.file.click()), h("p", {}, "or drop one here. It stays on this machine."));
  private readonly seen = h("canvas", { class: "tt-photo-seen", width: String(SIDE), height: String(SIDE), role: "img", "aria-label": "No picture yet" });
  private readonly rows = h("tbody", {});
  private readonly maps = h("div", { class: "tt-photo-maps" });
  private readonly program: string;
  private name = "";
  private pixels = new Uint8Array(0); // of the picture chosen last, or none
  private known = false; // a network was there in this visit

  constructor(host: HTMLElement, private readonly session: Session, private readonly store: Store) {
    this.program = host.dataset.photo!;
    role(host, "photo")!.replaceChildren(
      this.words,
      h("div", { class: "tt-pad-body" },
        h("div", { class: "tt-pad-draw" }, this.drop, this.file, h("figure", {}, this.seen, h("figcaption", {}, "What the network sees, 32 × 32"))),
        h("div", { class: "tt-pad-answer" }, h("table", { class: "tt-pad-table tt-photo-table" }, h("caption", {}, "Probability of each class"), this.rows)),
      ),
      this.maps,
    );
    this.file.addEventListener("change", () => void this.take(this.file.files?.[0]));
    for (const kind of ["dragenter", "dragover"]) this.drop.addEventListener(kind, (event) => (event.preventDefault(), this.over(true)));
    this.drop.addEventListener("dragleave", () => this.over(false));
    this.drop.addEventListener("drop", (event) => (event.preventDefault(), this.over(false), void this.take(event.dataTransfer?.files[0])));
    this.session.addEventListener("state", () => void this.ask());
    this.session.addEventListener("done", () => void this.ask());
    void this.ask();
  }

  private over(is: boolean): void {
    this.drop.dataset.over = String(is);
  }

  private async take(file: File | undefined): Promise<void> {
    this.file.value = "";
    if (!file) return;
    try {
      this.pixels = this.cut(await opened(file));
      this.name = file.name;
      this.seen.setAttribute("aria-label", `${file.name}, cut to a square and made 32 pixels wide`);
    } catch (error) {
      return this.tell((error as Error).message, true);
    }
    await this.ask(true);
  }

  /** The middle square of a picture in 32 × 32 pixels, each the mean of those it stands for, shown and returned. */
  private cut(picture: ImageBitmap): Uint8Array<ArrayBuffer> {
    let size = Math.min(picture.width, picture.height);
    let from: CanvasImageSource = picture;
    let [x, y] = [(picture.width - size) / 2, (picture.height - size) / 2];
    while (size > 2 * SIDE) {
      const half = paper(Math.max(SIDE, Math.ceil(size / 2))); // halved again and again: browsers look at four pixels at most
      half.drawImage(from, x, y, size, size, 0, 0, half.canvas.width, half.canvas.width);
      [from, size, x, y] = [half.canvas, half.canvas.width, 0, 0];
    }
    const pen = this.seen.getContext("2d", { willReadFrequently: true })!;
    pen.fillStyle = "white"; // below what is transparent
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.drawImage(from, x, y, size, size, 0, 0, SIDE, SIDE);
    picture.close();
    const { data } = pen.getImageData(0, 0, SIDE, SIDE);
    return Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]!);
  }

  private async ask(aloud = false): Promise<void> {
    if (this.session.state !== "ready") return this.tellNone(aloud);
    if (document.querySelector('[data-state="running"]')) this.words.textContent = "Python is at work; it answers when the program above has ended.";
    try {
      this.show(await this.session.photo(this.pixels), aloud);
    } catch (error) {
      this.tell(`The network could not answer: ${(error as Error).message}.`, aloud);
    }
  }

  private show(answer: Named, aloud: boolean): void {
    if (answer.state === "none") return void this.tellNone(aloud);
    this.known = true;
    this.fill(answer);
    const trained = `The network was trained on this page: ${answer.words}.`;
    if (answer.state === "empty") return this.tell(trained, aloud);
    const order = answer.probabilities.map((share, place) => ({ name: answer.names[place]!, share })).sort((a, b) => b.share - a.share);
    const said = order.slice(0, 2).map(({ name, share }) => `${name}, ${percent(share)}`).join("; next ");
    this.words.textContent = `${trained} ${this.name} is named ${said}.`;
    if (aloud) announce(`Named ${said}.`);
  }

  private async tellNone(aloud: boolean): Promise<void> {
    this.rows.replaceChildren();
    this.maps.replaceChildren();
    const before = this.known || (await this.store.answer(this.program).catch(() => undefined));
    const again = "Run the program above again: it goes on from what was kept, and its network names your picture.";
    this.tell(before ? `The network that was trained here ended with Python. ${again}` : "There is no network yet. Run the program above; then its network names your picture.", aloud);
  }

  private tell(words: string, aloud: boolean): void {
    this.words.textContent = words;
    if (aloud) announce(words);
  }

  private fill(answer: Exclude<Named, { state: "none" }>): void {
    const shares = answer.state === "named" ? answer.probabilities : [];
    const best = shares.indexOf(Math.max(...shares));
    this.rows.replaceChildren(
      ...answer.names.map((name, place) => {
        const share = shares[place] ?? 0;
        const bar = h("span", { class: "tt-pad-bar", style: `width: ${share * 100}%` });
        return h("tr", { "data-best": String(place === best) }, h("th", { scope: "row" }, name), h("td", {}, h("span", { class: "tt-pad-track" }, bar)), h("td", { class: "tt-pad-share" }, shares.length ? percent(share) : "–"));
      }),
    );
    const maps = answer.state === "named" ? answer.maps : [];
    this.maps.replaceChildren(...maps.map(({ words, image }, place) => h("figure", {}, h("img", { src: image, alt: `Feature maps after block ${place + 1}: ${words}; light where a kernel finds what it looks for` }), h("figcaption", {}, `After block ${place + 1}: ${words}`))));
  }
}

/** The picture in a file, or an error whose sentence says what was given and what is needed. */
async function opened(file: File): Promise<ImageBitmap> {
  if (file.size > LARGEST) throw new Error(`${file.name} has ${megabytes(file.size)} MB; at most ${megabytes(LARGEST)} MB can be opened here. Make it smaller first: 32 × 32 pixels of it are used.`);
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) throw new Error(`${file.name} (${file.type || "of an unknown kind"}, ${megabytes(file.size)} MB) is no picture that this browser can read. A JPEG, PNG or WebP works.`);
  if (picture.width * picture.height > MOST_PIXELS) {
    const size = `${picture.width.toLocaleString("en")} × ${picture.height.toLocaleString("en")}`;
    picture.close();
    throw new Error(`${file.name} has ${size} pixels; at most ${MOST_PIXELS / 1e6} million can be opened here. Make it smaller first.`);
  }
  return picture;
}

function paper(size: number): CanvasRenderingContext2D {
  const canvas = h("canvas", { width: String(size), height: String(size) });
  const pen = canvas.getContext("2d")!;
  pen.imageSmoothingQuality = "high";
  return pen;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}
