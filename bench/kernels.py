"""The fast kernels against NumPy's own loops in the same page, and against this machine's own NumPy in one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.conftest import ARGUMENTS, Server

from .measure import Table

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(__file__).with_name("kernel_work.py")
TURNS = 7
IN_PAGE = """async ([folder, source, turns]) => {
    const { loadPyodide } = await import(folder + 'pyodide.mjs');
    const python = await loadPyodide({ indexURL: folder, packages: ['numpy', 'tinytorch'] });
    python.runPython('import tinytorch_kernels; tinytorch_kernels.start()');
    python.runPython(source);
    return python.runPython(`import json; json.dumps(times(${turns}))`);
}"""
NATIVE = "import json, sys; from bench.kernel_work import times; print(json.dumps(times(int(sys.argv[1]))))"


def measure(table: Table) -> None:
    page, native = in_page(), natively()
    for name, ways in page.items():
        for way, values in ways.items():
            for value in values:
                table.add(f"{name}, {way}", value * 1000, "ms")
        for value in native[name]["own"]:
            table.add(f"{name}, native", value * 1000, "ms")
        table.compare(f"{name}: NumPy's own loops : fast kernels", f"{name}, own", f"{name}, fast")
    for name in page:
        if name.startswith("int8"):
            table.compare(f"float32 : {name}, both fast", f"{name[5:]}, fast", f"{name}, fast")
        elif not name.startswith("float64"):
            table.compare(f"{name}: fast kernels : native NumPy, one thread", f"{name}, fast", f"{name}, native")


def in_page() -> dict:
    """Times from a page of the built site, in Chromium."""
    server = Server().start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = browser.new_page()
            page.set_default_timeout(600_000)
            page.goto(server.url + "index.html")
            return json.loads(page.evaluate(IN_PAGE, [server.url + "lite/static/pyodide/", SOURCE.read_text(), TURNS]))
    finally:
        server.stop()


def natively() -> dict:
    """Times from this machine's Python; NumPy reads the number of threads when it is loaded."""
    threads = dict.fromkeys(
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
    )
    command = [sys.executable, "-c", NATIVE, str(TURNS)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | threads, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    only = Table()
    measure(only)
    print(only.text())
