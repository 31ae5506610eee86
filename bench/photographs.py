"""The real run of milestone 4, whole: its accuracy, its minutes, and the most memory the page takes, in a new profile.

    python -m bench.photographs                in the page; takes up to ten minutes
    python -m bench.photographs --terminal     the same program natively

On the library's functions. It is part of `make bench`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.conftest import ARGUMENTS, Server
from tests.browser.reader import Reader

from .measure import Table

PROGRAM = "m4.cifar"
LONGEST = 1_500_000  # milliseconds
RIGHT = re.compile(r"Of 10,000 test pictures ([\d.]+)% are right")


def measure(table: Table) -> None:
    server = Server().start()
    try:
        with sync_playwright() as playwright:
            in_the_page(table, playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS), server.url)
    finally:
        server.stop()


def in_the_page(table: Table, browser, url: str) -> None:
    reader = Reader(browser.new_context().new_page(), url).open_milestone("m4").until_isolated()
    card = reader.program(PROGRAM)
    begin = time.perf_counter()
    card.press("Run")
    card.output.get_by_text("A pass takes").wait_for(timeout=LONGEST)
    table.add("milestone 4, in the page: first part done", time.perf_counter() - begin)
    card.settle("passed", "failed", "error", timeout=LONGEST)
    table.add("milestone 4, in the page: the whole run", time.perf_counter() - begin)
    text = card.output.inner_text()
    print(text)
    table.add("milestone 4, in the page: test pictures right", float(RIGHT.search(text)[1]), "%")
    table.add("milestone 4, in the page: most memory of its process", peak_memory(browser), "MB")
    browser.close()


def peak_memory(browser) -> float:
    """The largest resident size that a process of the browser's pages had at any time, in MB (Linux)."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    states = [Path(f"/proc/{process['id']}/status") for process in processes if process["type"] == "renderer"]
    sizes = [re.search(r"VmHWM:\s+(\d+) kB", state.read_text()) for state in states if state.exists()]
    return max(int(size[1]) for size in sizes) * 1024 / 1e6


def in_a_terminal(table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TINYTORCH_HOME": folder}
        command = [sys.executable, "-m", "tinytorch.learn", "milestone", "4", "cifar"]
        begin = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        table.add("milestone 4, in a terminal: the whole run", time.perf_counter() - begin)
    print(done.stdout + done.stderr)
    table.add("milestone 4, in a terminal: test pictures right", float(RIGHT.search(done.stdout)[1]), "%")


if __name__ == "__main__":
    figures = Table()
    in_a_terminal(figures) if "--terminal" in sys.argv else measure(figures)
    print(figures.text())
