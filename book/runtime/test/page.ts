/** What the tests have in place of a browser: a document (happy-dom) and a database (fake-indexeddb). */

import "fake-indexeddb/auto";
import { Window } from "happy-dom";

/** Gives the process a window's names. Called once a file, before anything is shown. */
export function openPage(html = ""): Window {
  const window = new Window({ url: "http://localhost/tinytorch/modules/01_tensor.html" });
  window.document.body.innerHTML = html;
  const names = ["document", "DOMParser", "Node", "Element", "HTMLElement", "localStorage", "requestAnimationFrame", "cancelAnimationFrame", "addEventListener"] as const;
  for (const name of names) Object.defineProperty(globalThis, name, { configurable: true, writable: true, value: (window as any)[name] });
  Object.defineProperty(globalThis, "window", { configurable: true, value: window });
  return window;
}
