// Compiles the Python modules that pages and notebooks import at their start, with the very Python that will run them.
// usage: node precompile.mjs FOLDER PAGE NOTEBOOK   (FOLDER is laid out as for the site; the others are module names)
// Prints JSON: {"stdlib": {"enum.pyc": base64, …}, "site": {"numpy/__init__.pyc": base64, …}}

const [folder, page, notebook] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
// Without column positions in it, bytecode is a quarter smaller; lines stay.
const python = await loadPyodide({ indexURL: `${folder}/`, env: { HOME: "/home/pyodide", PYTHONNODEBUGRANGES: "1" } });
await python.loadPackage(Object.keys(python.lockfile.packages), { messageCallback() {} });
python.globals.set("PAGE", page);
python.globals.set("NOTEBOOK", notebook);
console.log(python.runPython(`
import base64, importlib, importlib.util, json, marshal, sys

PLACES = {"stdlib": "/lib/python314.zip/", "site": "/lib/python3.14/site-packages/"}
# The standard library goes without its docstrings, which no page shows; NumPy keeps them for help().
LEVELS = {"stdlib": 2, "site": 0}


def bytecode(module, level):
    """The content of a .pyc that is taken as it is: what a source would have to be compared with is not shipped."""
    source = module.__loader__.get_data(module.__file__)
    code = compile(source, module.__file__, "exec", dont_inherit=True, optimize=level)
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source) + marshal.dumps(code)


def loaded(kind):
    """Bytecode of every module that is loaded now from one place."""
    place, found = PLACES[kind], {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        frozen = not hasattr(module.__loader__, "get_data")  # compiled into the interpreter already
        if path.startswith(place) and path.endswith(".py") and not frozen:
            found[path[len(place):] + "c"] = base64.b64encode(bytecode(module, LEVELS[kind])).decode()
    return found


for name in PAGE.split():
    importlib.import_module(name)
# The standard library is part of every first visit, so only what pages need of it is compiled.
stdlib = loaded("stdlib")
for name in NOTEBOOK.split():
    importlib.import_module(name)
json.dumps({"stdlib": stdlib, "site": loaded("site")})
`));
