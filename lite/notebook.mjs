// What JupyterLite's kernel loads as Pyodide: Pyodide, the exercises of all chapters, and the fast kernels in its NumPy.
import { loadPyodide as load, version } from "./pyodide.mjs";

export { version };

// IPython loads this extension before the first cell.
const CONFIG = `
from pathlib import Path
place = Path.home() / ".ipython" / "profile_default" / "ipython_config.py"
place.parent.mkdir(parents=True, exist_ok=True)
place.write_text('c.InteractiveShellApp.extensions = ["tinytorch.learn.doors.browser"]\\n')
`;

export async function loadPyodide(options) {
  const python = await load(options);
  const chapters = Object.keys(python.lockfile.packages).filter((name) => name.startsWith("tinytorch-chapter-"));
  await python.loadPackage([...chapters, "tinytorch-doors"], { messageCallback() {} });
  python.pyimport("tinytorch_wheels").start(JSON.stringify(python.lockfile), new URL("./", import.meta.url).href);
  python.runPython(CONFIG);
  try {
    python.runPython("import tinytorch_kernels\ntinytorch_kernels.start()");
  } catch (problem) {
    console.warn("NumPy runs without the fast kernels here:", problem);
  }
  return python;
}
