/** A few lines that make HTML building readable, and the page's one status region. */

type Attributes = Record<string, string | boolean | null | ((event: any) => void)>;

/** `h("button", { class: "tt-button", click: run }, "Run")`: an attribute that is a function becomes a listener. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string | null)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function button(label: string, click: () => void, extra = ""): HTMLButtonElement {
  return h("button", { type: "button", class: `tt-button ${extra}`.trim(), click }, label);
}

/** Unlike `disabled`, this keeps the focus where it is when a button stops being usable. */
export function setUsable(element: HTMLButtonElement, usable: boolean): void {
  element.setAttribute("aria-disabled", String(!usable));
}

export function role(host: Element, name: string): HTMLElement | null {
  return host.querySelector<HTMLElement>(`[data-role="${name}"]`);
}

export function readData<T>(host: Element): T {
  return JSON.parse(role(host, "data")?.textContent || "{}") as T;
}

/** A sentence in which `names` stand between backticks, as text with code in it. */
export function prose(sentence: string): (Node | string)[] {
  return sentence.split(/`([^`\n]+)`/).map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

let lastAnnouncement = "";

/** Says something once in the status region; saying the same twice needs a change to be heard. */
export function announce(words: string): void {
  let region = document.querySelector(".tt-status");
  if (!region) {
    region = h("div", { role: "status", "aria-live": "polite", class: "tt-status" });
    document.body.append(region);
  }
  words = words.replace(/`/g, "");
  region.textContent = words === lastAnnouncement ? `${words}\u00a0` : words;
  lastAnnouncement = region.textContent;
}

/** Says above something what is wrong with it, for those who see and those who listen. */
export function warnAbove(place: Element, words: string): void {
  place.before(h("div", { class: "tt-note tt-note--storage" }, h("p", {}, words)));
  announce(words);
}

export function download(name: string, data: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([data], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
