// Runs in every page of JupyterLite: the way back to the book, and the site's service worker, which keeps
// notebooks for offline use and isolates the page so that the kernel sees the reader's files.
(() => {
  const site = new URL("../../", location.href);
  const RELOADED = "tinytorch-isolation-reload"; // the same mark that the book's pages use: one reload a tab
  let touched = false;
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (touched = true), { once: true, capture: true });

  function wayBack() {
    const link = document.createElement("a");
    const notebook = new URLSearchParams(location.search).get("path") ?? "";
    const chapter = /^(\d\d_\w+)\.ipynb$/.exec(notebook)?.[1];
    link.href = new URL(chapter ? `modules/${chapter}.html` : "", site).href;
    link.textContent = chapter ? "Back to the chapter" : "Back to the book";
    link.style.cssText = "position:fixed;right:12px;bottom:12px;z-index:900;padding:6px 12px;border-radius:4px;background:#2f4858;color:#fff;font:14px/1.4 sans-serif;text-decoration:none";
    document.body.append(link);
  }

  function wanted() {
    try {
      return !crossOriginIsolated && !touched && !sessionStorage.getItem(RELOADED);
    } catch {
      return false; // Storage is refused, so a reload could not be counted; the notebook works without isolation.
    }
  }

  async function serviceWorker() {
    await navigator.serviceWorker.register(new URL("sw.js", site), { scope: site.pathname, updateViaCache: "none" });
    await navigator.serviceWorker.ready;
    if (!wanted()) return;
    sessionStorage.setItem(RELOADED, "1");
    location.reload();
  }

  wayBack();
  if ("serviceWorker" in navigator) serviceWorker().catch((problem) => console.warn("no offline use here:", problem));
})();
