/**
 * HTML that Python hands over (`_repr_html_`) is the reader's own output, but the text that made it
 * may come from a backup or a class mate's file, and nothing on this site may ask a foreign host.
 * So it is parsed in an inert document and only plain elements and attributes are taken over: no
 * scripts, no handlers, no forms, no addresses other than `data:` images and places on this page.
 */

const TAGS = new Set(
  ("A ABBR B BLOCKQUOTE BR CAPTION CODE COL COLGROUP DD DETAILS DIV DL DT EM FIGCAPTION FIGURE H1 H2 H3 H4 H5 H6 HR I IMG KBD LI MARK OL P PRE " +
    "S SAMP SMALL SPAN STRONG SUB SUMMARY SUP TABLE TBODY TD TFOOT TH THEAD TR U UL VAR").split(" "),
);
const ATTRIBUTES = new Set("alt class colspan dir height href lang open rowspan scope src style title width".split(" "));

function allowed(name: string, value: string): boolean {
  if (!ATTRIBUTES.has(name)) return false;
  if (name === "href") return value.startsWith("#");
  if (name === "src") return /^data:image\/(png|jpeg|gif|svg\+xml|webp)[;,]/i.test(value);
  if (name === "style") return !/url\s*\(|image-set|@import|expression|position\s*:|\\/i.test(value);
  return true;
}

function copy(from: Node, into: Node): void {
  for (const child of from.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) into.appendChild(document.createTextNode(child.textContent ?? ""));
    if (!(child instanceof Element) && child.nodeType !== Node.ELEMENT_NODE) continue;
    const element = child as Element;
    if (!TAGS.has(element.tagName)) continue;
    const twin = document.createElement(element.tagName);
    for (const { name, value } of element.attributes) if (allowed(name, value)) twin.setAttribute(name, value);
    copy(element, twin);
    into.appendChild(twin);
  }
}

export function sanitise(html: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  copy(new DOMParser().parseFromString(html, "text/html").body, fragment);
  return fragment;
}
