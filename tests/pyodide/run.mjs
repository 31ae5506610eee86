// Runs tests in the Python that readers have in their browsers, with the fast kernels in its NumPy.
// usage: node run.mjs PYODIDE PACKAGES REPOSITORY [pytest argument …]

const [folder, packages, repository, ...args] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${folder}/`, env: { HOME: "/home/pyodide", HYPOTHESIS_PROFILE: "browser" } });
await python.loadPackage("tinytorch-kernels", { messageCallback() {} });
for (const [place, source] of [["/packages", packages], ["/repository", repository]]) {
  python.FS.mkdir(place);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: source }, place);
}
python.globals.set("arguments", python.toPy(args));
const code = python.runPython(`
import os, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["/repository", "/packages"]
os.chdir("/repository")
import pytest, tinytorch_kernels
tinytorch_kernels.start()
assert tinytorch_kernels.grafted is not None, tinytorch_kernels.why
int(pytest.main(["-p", "no:cacheprovider", "--override-ini", "pythonpath=.", "-o", "addopts=", "-q", "-rs", *arguments]))
`);
process.exit(code);
