// What JupyterLite's kernel loads as Pyodide: Pyodide, and then the fast kernels in its NumPy, as in the book's pages.
import { loadPyodide as load, version } from "./pyodide.mjs";

export { version };

export async function loadPyodide(options) {
  const python = await load(options);
  try {
    python.runPython("import tinytorch_kernels\ntinytorch_kernels.start()");
  } catch (problem) {
    console.warn("NumPy runs without the fast kernels here:", problem);
  }
  return python;
}
