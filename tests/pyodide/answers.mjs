// Checks what readers of a chapter write in the Python that they have in their browsers, as its page does.
// usage: node answers.mjs PYODIDE CHAPTER   (stdin: JSON, a list of [exercise id, text]; stdout: JSON, a list of outcomes)

import { readFileSync } from "node:fs";

const [folder, chapter] = process.argv.slice(2);
const answers = readFileSync(0, "utf8");
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${folder}/`, env: { HOME: "/home/pyodide" }, stdout: console.error });
await python.loadPackage(["tinytorch", `tinytorch-chapter-${chapter}`], { messageCallback() {} });
await python.loadPackagesFromImports(answers, { messageCallback() {} });
python.globals.set("answers", answers);
python.globals.set("lock", readFileSync(`${folder}/pyodide-lock.json`, "utf8"));
python.globals.set("read", (name) => new Uint8Array(readFileSync(`${folder}/${name}`)));
process.stdout.write(python.runPython(`
import json
import tinytorch_kernels
tinytorch_kernels.start()
assert tinytorch_kernels.grafted is not None, tinytorch_kernels.why
import tinytorch_wheels
tinytorch_wheels.start(lock, read=lambda name: read(name).to_bytes())
from tinytorch import learn
workshop = learn.Workshop(on_output=lambda stream, text: None)
json.dumps([workshop.check(id, text).to_dict() for id, text in json.loads(answers)], default=str)
`));
