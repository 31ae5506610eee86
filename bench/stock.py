"""Pyodide as it is published, and JupyterLite on it, in the same run: what the page's start and kernels are compared with.

Stock Pyodide is its npm package, NumPy's wheel of its distribution and our library's plain wheel, served by the same
server and started in a worker. The stock notebook is this site's with `pyodide.mjs` in the place of our loader.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import vendor
from tests.browser.conftest import Server
from tinytorch import learn

from .kernels import SOURCE
from .measure import Table
from .visits import FIRST, LATER, REPEATS, notebook_visit, profile

ROOT = Path(__file__).resolve().parents[1]
COMPARED = ["matmul 64×784·784×128", "matmul 256³", "matmul 512³", "MLP, 10 training steps"]
TURNS = 3
PAGE = "<!doctype html><title>Stock Pyodide</title>"
WORKER = """import { loadPyodide } from "./pyodide.mjs";
async function run([wheel, code]) {
  const python = await loadPyodide({ indexURL: new URL("./", self.location).href, packages: ["numpy"] });
  python.unpackArchive(await (await fetch(wheel)).arrayBuffer(), "wheel");
  return python.runPython(code);
}
self.onmessage = ({ data }) => run(data).then((answer) => self.postMessage({ answer }), (error) => self.postMessage({ error: String(error) }));"""
ANSWER = """([wheel, code]) => new Promise((resolve, reject) => {
  const began = performance.now();
  const worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve([(performance.now() - began) / 1000, data.answer]));
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage([wheel, code]);
})"""
RUN = "from tinytorch import learn\nstr(learn.Workshop().run({id!r}, {text!r}).to_dict()['state'])"
WORK = "import json\nWORK = {{name: WORK[name] for name in {names!r}}}\nanswer = json.dumps(times({turns}))\n"


def measure(table: Table) -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        site = Server(lay_out(Path(folder))).start()
        try:
            pyodide(table, playwright, site.url)
        finally:
            site.stop()
        site = Server().start()
        try:
            for name, stock in (("notebook without service worker", False), ("stock notebook", True)):
                notebook(table, playwright, site.url, name, stock)
        finally:
            site.stop()
    table.compare(
        "stock Pyodide : ours, later visit, click to first output",
        "stock Pyodide, later visit: first output",
        "start, later visit: click to first output",
    )
    table.compare(
        "stock Pyodide : ours, first visit, click to first output",
        "stock Pyodide, first visit: first output",
        "start, first visit: click to first output",
    )
    for name in COMPARED:
        table.compare(f"{name}: stock Pyodide : our page", f"{name}, stock Pyodide", f"{name}, fast")
        table.compare(
            f"{name}: stock notebook : ours", f"{name}, stock notebook", f"{name}, notebook without service worker"
        )


def lay_out(folder: Path) -> Path:
    """A site of nothing but stock Pyodide, NumPy, and our library as pip would install it."""
    config = vendor.manifest()
    cache = vendor.Cache(Path(os.environ.get("TINYTORCH_CACHE", ROOT / "build" / "vendor")))
    lock = vendor.pyodide_lock(cache, config)
    for name in [*config["pyodide"]["core"], "pyodide-lock.json"]:
        (folder / name).write_bytes(vendor.core_file(cache, config, name))
    for wanted in vendor.compiled_files(config, lock):
        if wanted.name.startswith("numpy-"):
            (folder / wanted.name).write_bytes(cache.read(wanted))
    shutil.copy(library(), folder)
    (folder / "worker.js").write_text(WORKER)
    (folder / "index.html").write_text(PAGE)
    return folder


def library() -> Path:
    [wheel] = (ROOT / "build" / "wheel").glob("*.whl")
    return wheel


def pyodide(table: Table, playwright, url: str) -> None:
    text = learn.exercise(FIRST).solution + "\nprint('first output')\n"
    with profile(playwright) as start:
        for visit in ["first"] + ["later"] * LATER:
            page = start().new_page()
            page.goto(url)
            seconds, state = page.evaluate(ANSWER, [library().name, RUN.format(id=FIRST, text=text)])
            assert state == "idle", state
            table.add(f"stock Pyodide, {visit} visit: first output", seconds)
        page.set_default_timeout(600_000)
        code = SOURCE.read_text() + WORK.format(names=COMPARED, turns=TURNS) + "answer"
        note(table, "stock Pyodide", page.evaluate(ANSWER, [library().name, code])[1], stock=True)


def note(table: Table, where: str, answer: str, stock: bool) -> None:
    """Take the figures of NumPy's own loops from stock Pyodide, those of the fast kernels from ours."""
    for name, ways in json.loads(answer).items():
        assert ("fast" in ways) != stock, f"{where} {'has' if stock else 'has not'} the fast kernels"
        for value in ways["own" if stock else "fast"]:
            table.add(f"{name}, {where}", value * 1000, "ms")


def notebook(table: Table, playwright, url: str, name: str, stock: bool) -> None:
    """Without the service worker on both sides: what it fetches could not be replaced."""
    loader = {"content_type": "text/javascript", "body": 'export * from "./pyodide.mjs";'}
    for _ in range(REPEATS):
        with profile(playwright) as start:
            for visit in ("first", "later"):
                context = start(service_workers="block")
                if stock:
                    context.route("**/notebook.mjs", lambda route: route.fulfill(**loader))
                page = notebook_visit(table, context, url, f"{name}, {visit} visit")
            code = SOURCE.read_text() + WORK.format(names=COMPARED, turns=TURNS) + "print('figures', answer)"
            page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(1).click()
            page.keyboard.press("ControlOrMeta+a")
            page.keyboard.insert_text(code)
            page.keyboard.press("Shift+Enter")
            output = page.locator(".jp-OutputArea-output").filter(has_text="figures {").first
            output.wait_for(timeout=600_000)
            note(table, name, output.inner_text().partition("figures ")[2], stock)
