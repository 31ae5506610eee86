"""Running Python in a page of the built site, in Chromium, as its readers do."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.conftest import ARGUMENTS, Server

SCRIPT = """async ([folder, files, source]) => {
    const { loadPyodide } = await import(folder + 'pyodide.mjs');
    const lock = await (await fetch(folder + 'pyodide-lock.json')).json();
    const ours = Object.keys(lock.packages).filter((name) => name.startsWith('tinytorch'));
    const python = await loadPyodide({ indexURL: folder, packages: ['numpy', ...ours] });
    python.runPython('import tinytorch_kernels; tinytorch_kernels.start()');
    const archive = Uint8Array.from(atob(files), (letter) => letter.charCodeAt(0));
    if (files) python.unpackArchive(archive, 'zip', { extractDir: '/measured' });
    return python.runPython(source);
}"""


def in_page(source: str, files: str = "") -> Any:
    """Return what the last line of some Python gives, a text of JSON, with the site's Python, kernels and whole library.

    files : a zip archive in base64, to be unpacked into /measured before
    """
    server = Server().start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = browser.new_page()
            page.set_default_timeout(600_000)
            page.goto(server.url + "index.html")
            return json.loads(page.evaluate(SCRIPT, [server.url + "lite/static/pyodide/", files, source]))
    finally:
        server.stop()
