"""Milestone 4's training step in the page: two Pythons of the tab and one, in turn, isolated and not.

    python -m bench.team

It is part of `make bench`; `python -m bench.library workers` is the same between processes.
"""

from __future__ import annotations

import inspect
import json

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.conftest import ARGUMENTS, Server
from tests.browser.reader import Reader

from .library.workers import network, step
from .measure import Table

TURNS, WARM = 30, 5
CODE = f"""
import json
import numpy as np
{inspect.getsource(network)}
{inspect.getsource(step)}
alone, together = step(1), step(2)
reports = [(alone(), together()) for turn in range({WARM + TURNS})][{WARM}:]
print(json.dumps([[one.measured_step_seconds, two.measured_step_seconds, min(two.measured_ring_seconds)]
                  for one, two in reports]))
"""


def measure(table: Table) -> None:
    """Run the steps on a chapter's page of the built site."""
    server = Server().start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            for way in ("isolated", "not isolated"):
                steps(table, browser, server.url, way)
            browser.close()
    finally:
        server.stop()


def steps(table: Table, browser, url: str, way: str) -> None:
    """Add the seconds of all steps in a page that is isolated, or not."""
    context = browser.new_context(service_workers="allow" if way == "isolated" else "block")
    if way != "isolated":
        context.add_init_script("window.noServiceWorker = true")
    reader = Reader(context.new_page(), url).open("17")
    if way == "isolated":
        reader.until_isolated()
    lab = reader.lab(reader.page.locator("[data-lab]").first.get_attribute("data-lab"))
    lab.run(CODE)
    names = [f"milestone 4, a step of 64, {way}, {what}" for what in ("alone", "two workers", "in the ring")]
    for values in json.loads(lab.output.inner_text().splitlines()[-1]):
        for name, value in zip(names, values, strict=True):
            table.add(name, value * 1000, "ms")
    table.compare(f"milestone 4, a step of 64, {way}: alone : two workers", *names[:2])
    context.close()


if __name__ == "__main__":
    only = Table()
    measure(only)
    print(only.text())
