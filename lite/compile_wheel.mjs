// Compiles the modules of a wheel with the very Python that will run them.
// usage: node compile_wheel.mjs FOLDER WHEEL   (FOLDER holds Pyodide)
// Prints JSON: {"tinytorch/core/tensor.py": base64 of the .pyc, …}

import { readFile } from "node:fs/promises";

const [folder, wheel] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
// Without column positions in it, bytecode is a quarter smaller; lines stay.
const python = await loadPyodide({ indexURL: `${folder}/`, env: { HOME: "/home/pyodide", PYTHONNODEBUGRANGES: "1" } });
python.FS.writeFile("/wheel.zip", await readFile(wheel));
console.log(python.runPython(`
import base64, importlib.util, json, marshal, zipfile

PLACE = "/lib/python3.14/site-packages/"


def bytecode(name, source):
    """The content of a .pyc that is taken as it is: the wheel is never changed after this."""
    code = compile(source, PLACE + name, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source) + marshal.dumps(code)


with zipfile.ZipFile("/wheel.zip") as archive:
    modules = {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}
json.dumps({name: base64.b64encode(bytecode(name, source)).decode() for name, source in modules.items()})
`));
