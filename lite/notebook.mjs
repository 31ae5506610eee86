// What JupyterLite's kernel loads as Pyodide: Pyodide, the exercises of all chapters, and the fast kernels in its NumPy.
// It also tells the page what JupyterLite does not ask for: where to leave an interrupt, and that the interpreter died.
import { loadPyodide as load, version } from "./pyodide.mjs";

export { version };

// IPython loads this extension before the first cell.
const CONFIG = `
from pathlib import Path
place = Path.home() / ".ipython" / "profile_default" / "ipython_config.py"
place.parent.mkdir(parents=True, exist_ok=True)
place.write_text('c.InteractiveShellApp.extensions = ["tinytorch.learn.doors.browser"]\\n')
`;

const tell = (news, ports = []) => globalThis.postMessage?.({ tinytorch: news }, ports);

/**
 * What a chapter's page gives its Python (worker.ts): other Pythons that work for it, started by the page. What a long run
 * leaves the kernel keeps itself.
 */
function offerTeams(python) {
  const placed = `
import json
from tinytorch.learn.doors import notebook
json.dumps(notebook.current().workshop.placed)
`;
  const ports = (...values) => values.filter((value) => value instanceof MessagePort);
  python.registerJsModule("tinytorch_page", {
    keep() {},
    team(places, control) {
      const all = ports(control, ...places.flatMap((place) => Object.values(place)));
      tell({ team: { places, control, placed: JSON.parse(python.runPython(placed)) } }, all);
    },
    disband: () => tell({ disband: true }),
  });
}

function takeInterrupts(python) {
  if (!globalThis.crossOriginIsolated) return;
  const signal = new Uint8Array(new SharedArrayBuffer(1));
  python.setInterruptBuffer(signal);
  tell({ signal });
}

/** The kernel sets a handler of its own later; both are called. */
function reportDeath(python) {
  let theirs;
  Object.defineProperty(python._api, "on_fatal", {
    get: () => (problem) => {
      tell({ died: String(problem?.message ?? problem) });
      return theirs?.(problem);
    },
    set: (handler) => (theirs = handler),
  });
}

export async function loadPyodide(options) {
  const python = await load(options);
  const chapters = Object.keys(python.lockfile.packages).filter((name) => name.startsWith("tinytorch-chapter-"));
  await python.loadPackage([...chapters, "tinytorch-doors"], { messageCallback() {} });
  python.pyimport("tinytorch_wheels").start(JSON.stringify(python.lockfile), new URL("./", import.meta.url).href);
  python.runPython(CONFIG);
  offerTeams(python);
  takeInterrupts(python);
  reportDeath(python);
  try {
    python.runPython("import tinytorch_kernels\ntinytorch_kernels.start()");
  } catch (problem) {
    console.warn("NumPy runs without the fast kernels here:", problem);
  }
  return python;
}
