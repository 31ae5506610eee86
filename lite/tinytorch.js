// Runs in every page of JupyterLite: the way back to the book, the chapter's name, what becomes of Python (interrupted,
// died), and the site's service worker, which keeps notebooks for offline use and isolates the page so that the kernel
// sees the reader's files.
(() => {
  const site = new URL("../../", location.href);
  const RELOADED = "tinytorch-isolation-reload"; // the same mark that the book's pages use: one reload a tab
  let touched = false;
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (touched = true), { once: true, capture: true });

  const notebook = new URLSearchParams(location.search).get("path") ?? location.pathname.split("/").pop() ?? "";
  const [, milestone, stem] = /^(milestone_)?(\d\d_\w+)\.ipynb$/.exec(notebook) ?? [];
  const page = stem && `${milestone ? "milestones" : "modules"}/${stem}.html`;

  function wayBack() {
    const link = document.createElement("a");
    link.className = "tinytorch-back";
    link.href = new URL(page ?? "", site).href;
    link.textContent = stem ? `Back to the ${milestone ? "milestone" : "chapter"}` : "Back to the book";
    document.body.append(link);
    return link;
  }

  /** Tab and link say what the notebook is about, as soon as it is open. */
  async function name(link) {
    if (!stem) return;
    const panel = await found(() => globalThis.jupyterapp?.shell.currentWidget?.context?.isReady && globalThis.jupyterapp.shell.currentWidget);
    await panel.context.ready;
    const { chapter, title } = panel.context.model.getMetadata("tinytorch") ?? {};
    if (!title) return;
    const label = `${chapter.toUpperCase()} ${title}`;
    keepTitle(`${label} · notebook · TinyTorch`);
    const top = await found(() => document.querySelector("#top-panel"));
    /** In the head of the page; a narrow window has none, there the link stays in its corner. */
    function place() {
      const head = top.offsetHeight > 0;
      link.classList.toggle("tinytorch-named", head);
      link.textContent = head ? label : `Back to ${label}`;
      if (head) top.prepend(link);
      else document.body.append(link);
    }
    link.ariaLabel = `Back to ${milestone ? "milestone" : "chapter"} ${label}`;
    addEventListener("resize", place);
    place();
  }

  /** JupyterLite writes its own name there whenever its layout changes. */
  function keepTitle(title) {
    const keep = () => document.title !== title && (document.title = title);
    new MutationObserver(keep).observe(document.querySelector("title"), { childList: true });
    keep();
  }

  const found = (look) =>
    new Promise((resolve) => {
      const again = setInterval(() => {
        const what = look();
        if (!what) return;
        clearInterval(again);
        resolve(what);
      }, 100);
    });

  function say(sentence) {
    document.querySelector(".tinytorch-news")?.remove();
    const box = document.createElement("div");
    box.className = "tinytorch-news";
    box.setAttribute("role", "alert");
    const close = document.createElement("button");
    close.textContent = "Close";
    close.addEventListener("click", () => box.remove());
    box.append(Object.assign(document.createElement("p"), { textContent: sentence }), close);
    document.body.append(box);
  }

  // --- Python: notebook.mjs tells where to leave an interrupt, and when the interpreter died ---

  const session = () => globalThis.jupyterapp?.shell.currentWidget?.sessionContext;
  let signal = null;

  async function died(problem) {
    console.warn("Python stopped for good:", problem);
    signal = null;
    try {
      await session().restartKernel();
      say("Python broke down in this cell and was started again. Your text is all here; run the cells from the top.");
    } catch (error) {
      say(`Python broke down in this cell and could not be started again (${error.message}). Reload this page; your text is kept.`);
    }
  }

  globalThis.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        if (data?.tinytorch?.signal) signal = data.tinytorch.signal;
        if (data?.tinytorch?.died) died(data.tinytorch.died);
        if (data?.tinytorch?.team) gather((this.team = data.tinytorch.team));
        if (data?.tinytorch?.disband) disband();
      });
    }

    terminate() {
      if (this.team) disband(); // the kernel ends, and with it who works for it
      super.terminate();
    }
  };

  // --- other Pythons that work for the notebook's: the runtime's team.ts, which chapters have ---

  let team = null;

  function disband() {
    team?.then((members) => members.close()).catch(() => undefined); // who could not be loaded need not be ended
    team = null;
  }

  function gather({ places, control, placed }) {
    disband();
    const script = (name) => new URL(`_static/tinytorch/${name}`, site).href;
    const make = () => new Worker(script("worker.js"), { type: "module", name: "python" });
    team = import(script("team.js")).then(({ Team }) => new Team(make, new URL("lite/static/pyodide/", site).href, places, control, placed));
    team.catch((problem) => say(`Another Python could not be started (${problem.message}). Interrupt the kernel, and run the cell again.`));
  }

  function interrupt() {
    if (session()?.session?.kernel?.status !== "busy") return;
    if (signal) signal[0] = 2; // SIGINT
    else say("A running cell cannot be interrupted here, because this page does not run isolated. Kernel, Restart Kernel stops it; your text stays, and the cells run again from the top.");
  }

  found(() => globalThis.jupyterapp).then((app) =>
    app.commands.commandExecuted.connect((_, { id }) => /(^|:)interrupt(-kernel)?$/.test(id) && interrupt()),
  );

  /** A notebook that has lost its Python, as a slow machine's may, asks which one to start: there is only one. */
  function answerWhichPython() {
    const asked = [...document.querySelectorAll(".jp-Dialog")].find((dialog) => dialog.querySelector("select"));
    if (asked && session()?.hasNoKernel) asked.querySelector(".jp-mod-accept")?.click();
  }

  new MutationObserver(answerWhichPython).observe(document.body, { childList: true });

  // --- the site's service worker ---

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

  name(wayBack());
  if ("serviceWorker" in navigator) serviceWorker().catch((problem) => console.warn("no offline use here:", problem));
})();
