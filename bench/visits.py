"""First and later visits to chapter and notebook, Python's start in its parts, Stop, memory, and the bytes that travel."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.conftest import ARGUMENTS, Server
from tests.browser.reader import Reader
from tinytorch import learn

from .measure import Table

REPEATS = 3
LATER = 5
REST = 1000  # milliseconds that a pointer rests on an exercise before the click
FIRST = "01.memory_footprint"
ENDLESS = "\nwhile True:\n    pass\n"
# The first visit reloads once; what counts is when text was first painted, before that.
NOTE_FIRST_PAINT = """new PerformanceObserver(list => {
    for (const entry of list.getEntriesByName('first-contentful-paint'))
        sessionStorage.paint ??= performance.timeOrigin + entry.startTime;
}).observe({ type: 'paint', buffered: true });"""


def measure(table: Table) -> None:
    server = Server().start()
    try:
        with sync_playwright() as playwright:
            for _ in range(REPEATS):
                with profile(playwright) as start:
                    chapter_visits(table, start, server.url)
                with profile(playwright) as start:
                    notebook_visits(table, start, server.url)
            with profile(playwright) as start:
                starts(table, start, server.url)
            for isolated, spare in (
                (True, False),
                (False, True),
                (False, False),
            ):  # a profile each: a kept service worker would isolate the next one too
                with profile(playwright) as start:
                    stops(table, start, server.url, isolated, spare)
            memory(table, playwright, server.url)
            with profile(playwright) as start:
                transfers(table, start, server.url)
    finally:
        server.stop()
    table.compare(
        "later visit : first visit, to first output",
        "chapter, later visit: first output",
        "chapter, first visit: first output",
    )
    table.compare(
        "JupyterLite : chapter page, first visit, to first output",
        "notebook, first visit: first output",
        "chapter, first visit: first output",
    )
    table.compare(
        "later visit : first visit, click to first output",
        "start, later visit: click to first output",
        "start, first visit: click to first output",
    )
    table.compare(
        "pointer first : later visit, click to first output",
        "start, pointer first visit: click to first output",
        "start, later visit: click to first output",
    )
    table.compare(
        "Stop until the next run is done, without isolation : with",
        "Stop, not isolated, with a spare: next run done",
        "Stop, isolated: next run done",
    )
    table.compare(
        "Stop until the next run is done, not isolated, without a spare : with",
        "Stop, not isolated, no spare: next run done",
        "Stop, not isolated, with a spare: next run done",
    )


@contextmanager
def profile(playwright):
    """A new, empty browser profile; calling it restarts the browser on the same profile."""
    running = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

        def start(**options):
            for context in running:
                context.close()
            running.clear()
            context = playwright.chromium.launch_persistent_context(
                folder,
                executable_path=find_chromium(),
                args=ARGUMENTS,
                viewport={"width": 1366, "height": 768},
                **options,
            )
            running.append(context)
            return context

        yield start
        for context in running:
            context.close()


def chapter_visits(table: Table, start, url: str) -> None:
    for visit in ("first", "later"):
        context = start()
        table.browser = context.browser.version if context.browser else table.browser
        context.add_init_script(NOTE_FIRST_PAINT)
        reader = Reader(context.new_page(), url)
        begin, clock = time.perf_counter(), time.time()
        reader.open("01").until_isolated()
        painted = float(reader.page.evaluate("sessionStorage.paint"))
        table.add(f"chapter, {visit} visit: text painted", painted / 1000 - clock)
        card = reader.exercise(FIRST)
        card.write(learn.exercise(FIRST).solution + "\nprint('first output')\n")
        reader.until_python("ready")
        table.add(f"chapter, {visit} visit: Python ready", time.perf_counter() - begin)
        pressed = time.perf_counter()
        card.run()
        table.add(f"chapter, {visit} visit: first output", time.perf_counter() - begin)
        table.add(f"chapter, {visit} visit: Run to output, Python ready", time.perf_counter() - pressed)
        if visit == "first":
            reader.page.wait_for_function("document.documentElement.dataset.offline === 'ready'", timeout=60_000)


def starts(table: Table, start, url: str) -> None:
    """From a click in an exercise of a page at rest to the first output, and what each part of Python's start took."""
    # The second visit is the first that reads from the cache what the first one wrote.
    for visit in ["first", "second"] + ["later"] * LATER + ["pointer first"] * LATER:
        reader = Reader(start().new_page(), url).open("01").until_isolated()
        card = reader.exercise(FIRST)
        editor = card.element.locator(".cm-content")
        editor.scroll_into_view_if_needed()
        assert reader.page.locator("html").get_attribute("data-python") == "off", "Python started before the click"
        if visit == "pointer first":
            editor.hover()
            reader.page.wait_for_timeout(REST)
        clicked = time.perf_counter()
        card.run(learn.exercise(FIRST).solution + "\nprint('first output')\n")
        seconds = time.perf_counter() - clicked
        table.add(f"start, {visit} visit: click to first output", seconds)
        for part, spent in reader.page.evaluate("window.tinytorch.session.phases").items():
            table.add(f"start, {visit} visit: {part}", spent / 1000)
        if visit in ("first", "second"):
            reader.page.wait_for_function("document.documentElement.dataset.offline === 'ready'", timeout=60_000)


def memory(table: Table, playwright, url: str) -> None:
    """What a page takes with one Python and with a spare one: the proportional set sizes of its processes (Linux)."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
    reader = Reader(browser.new_context(service_workers="block").new_page(), url).open("01")
    reader.exercise(FIRST).run(learn.exercise(FIRST).solution)
    table.add("memory of a page: one Python", renderers(browser), "MB")
    if reader.page.evaluate("navigator.deviceMemory") >= 4:
        reader.until_spare()
        table.add("memory of a page: with the spare", renderers(browser), "MB")
    browser.close()


def renderers(browser) -> float:
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    rollups = [Path(f"/proc/{process['id']}/smaps_rollup") for process in processes if process["type"] == "renderer"]
    lines = [
        line for path in rollups if path.exists() for line in path.read_text().splitlines() if line.startswith("Pss:")
    ]
    return sum(int(line.split()[1]) for line in lines) * 1024 / 1e6


def notebook_visits(table: Table, start, url: str) -> None:
    for visit in ("first", "later"):
        notebook_visit(table, start(), url, f"notebook, {visit} visit")


def notebook_visit(table: Table, context, url: str, name: str):
    """Open the first chapter as a notebook and run a cell; return the page."""
    page = context.new_page()
    begin = time.perf_counter()
    page.goto(f"{url}lite/notebooks/index.html?path=01_tensor.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=120_000)
    table.add(f"{name}: cells shown", time.perf_counter() - begin)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("import tinytorch; print('first', 'output')")
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output").filter(has_text="first output").first.wait_for(timeout=180_000)
    table.add(f"{name}: first output", time.perf_counter() - begin)
    return page


def stops(table: Table, start, url: str, isolated: bool, spare: bool) -> None:
    name = "isolated" if isolated else f"not isolated, {'with a' if spare else 'no'} spare"
    context = start(service_workers="allow" if isolated else "block")
    context.add_init_script(f"Object.defineProperty(navigator, 'deviceMemory', {{ value: {4 if spare else 2} }})")
    reader = Reader(context.new_page(), url).open("01")
    if isolated:
        reader.until_isolated()
    assert reader.page.evaluate("crossOriginIsolated") == isolated
    card = reader.exercise(FIRST)
    card.run(learn.exercise(FIRST).solution)
    for _ in range(REPEATS):
        if spare:
            reader.until_spare()
        card.write(learn.exercise(FIRST).solution + ENDLESS)
        card.press("Run").settle("running")
        reader.page.wait_for_timeout(1500)
        begin = time.perf_counter()
        card.press("Stop").settle()
        table.add(f"Stop, {name}: at rest", time.perf_counter() - begin)
        card.run(learn.exercise(FIRST).solution)
        table.add(f"Stop, {name}: next run done", time.perf_counter() - begin)


def transfers(table: Table, start, url: str) -> None:
    """Compressed bytes of a first visit that runs an exercise, by kind; the service worker is off so that nothing hides."""
    context = start(service_workers="block")
    finished = []
    context.on("requestfinished", lambda request: finished.append(request))
    reader = Reader(context.new_page(), url).open("01")
    reader.exercise(FIRST).run(learn.exercise(FIRST).solution)
    reader.page.wait_for_load_state("networkidle")
    total = {"page": 0, "Python": 0}
    for request in finished:
        total["Python" if "/pyodide/" in request.url else "page"] += request.sizes()["responseBodySize"]
    for kind, size in total.items():
        table.add(f"first visit transfers: {kind}", size / 1e6, "MB")
    table.add("first visit transfers: all", sum(total.values()) / 1e6, "MB")
    table.add("first visit: requests", len(finished), "")
