"""A long program of a milestone, run whole on the library's functions: its result, its minutes and its memory.

In the page it runs in a new profile, in a terminal in a process of its own; photographs and answers say which programs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.conftest import ARGUMENTS, Server
from tests.browser.reader import Reader

from .measure import Table

LONGEST = 1_500_000  # milliseconds


@dataclass(frozen=True)
class Whole:
    """A program, and what to read in its output."""

    milestone: int
    program: str
    first: str  # words of the output that tell that the first part is done
    result: str  # a pattern whose group is a share in per cent
    of_what: str

    def measure(self, table: Table) -> None:
        """Run it in the page and then in a terminal."""
        self.in_the_page(table)
        self.in_a_terminal(table)

    def main(self) -> None:
        """Run it in the page, or with --terminal natively, and print the figures."""
        table = Table()
        self.in_a_terminal(table) if "--terminal" in sys.argv else self.in_the_page(table)
        print(table.text())

    def in_the_page(self, table: Table) -> None:
        server = Server().start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
                self._visit(table, browser, server.url)
                browser.close()
        finally:
            server.stop()

    def _visit(self, table: Table, browser, url: str) -> None:
        reader = Reader(browser.new_context().new_page(), url).open_milestone(f"m{self.milestone}").until_isolated()
        card, name = reader.program(f"m{self.milestone}.{self.program}"), f"milestone {self.milestone}, in the page"
        begin = time.perf_counter()
        card.press("Run")
        card.output.get_by_text(self.first).first.wait_for(timeout=LONGEST)
        table.add(f"{name}: first part done", time.perf_counter() - begin)
        card.settle("passed", "failed", "error", timeout=LONGEST)
        table.add(f"{name}: the whole run", time.perf_counter() - begin)
        self._result(table, name, card.output.inner_text())
        table.add(f"{name}: most memory of its process", peak_memory(browser), "MB")

    def in_a_terminal(self, table: Table) -> None:
        name = f"milestone {self.milestone}, in a terminal"
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tinytorch.learn", "milestone", str(self.milestone), self.program]
            environment = {**os.environ, "TINYTORCH_HOME": folder}
            begin = time.perf_counter()
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            text = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)  # of this process alone, not of all that have ended
            process.returncode = os.waitstatus_to_exitcode(status)
            table.add(f"{name}: the whole run", time.perf_counter() - begin)
        self._result(table, name, text)
        table.add(f"{name}: most memory of its process", usage.ru_maxrss * 1024 / 1e6, "MB")

    def _result(self, table: Table, name: str, text: str) -> None:
        print(text)
        table.add(f"{name}: {self.of_what}", float(re.search(self.result, text)[1]), "%")


def peak_memory(browser) -> float:
    """The largest resident size that a process of the browser's pages had at any time, in MB (Linux)."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    states = [Path(f"/proc/{process['id']}/status") for process in processes if process["type"] == "renderer"]
    sizes = [re.search(r"VmHWM:\s+(\d+) kB", state.read_text()) for state in states if state.exists()]
    return max(int(size[1]) for size in sizes) * 1024 / 1e6
