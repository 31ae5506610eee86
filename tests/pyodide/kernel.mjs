// Runs cells in the kernel that JupyterLite runs, without JupyterLite, and prints what each of them shows as JSON.
// usage: node kernel.mjs PYODIDE CELLS, where CELLS is a JSON list of texts

const [folder, cells] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/notebook.mjs`);
const { "jupyter-config-data": config } = JSON.parse(process.argv[4]);
const { packages } = config.litePluginSettings["@jupyterlite/pyodide-kernel-extension:kernel"].loadPyodideOptions;
const python = await loadPyodide({ indexURL: `${folder}/`, packages, stdout() {}, stderr() {} });
python.globals.set("cells", python.toPy(JSON.parse(cells)));
console.log(
  await python.runPythonAsync(`
import json
import pyodide_kernel
shown = []
for stream in (pyodide_kernel.stdout_stream, pyodide_kernel.stderr_stream):
    stream.publish_stream_callback = lambda name, text: shown[-1].append([name, text])
interpreter = pyodide_kernel.ipython_shell
interpreter.display_pub.display_data_callback = lambda data, *_: shown[-1].append(["display", " ".join(data)])
interpreter.displayhook.publish_execution_result = lambda count, data, _: shown[-1].append(["result", data["text/plain"]])
for cell in cells:
    shown.append([])
    interpreter.input = lambda *prompt: None
    result = await pyodide_kernel.kernel_instance.run(cell)
    if result["status"] == "error":
        shown[-1].append(["error", "\\n".join(result["traceback"])])
json.dumps([["".join(text for kind, text in cell if kind == wanted) for wanted in ("stdout", "stderr", "result", "display", "error")] for cell in shown])
`),
);
process.exit(0);
