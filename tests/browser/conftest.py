"""What the browser tests share: a server for the built site, a real Chromium, and a reader who can use a chapter.

Every page of every test runs under one rule: a request to a host other than the site's own fails the test.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Page, expect, sync_playwright

from .chromium import find_chromium
from .reader import Reader

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("TINYTORCH_SITE", ROOT / "build" / "site"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=20_000)  # milliseconds; Playwright's own 5 seconds are few on a machine with two workers
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


class Server:
    """The project's own static server on a free port, which a test may stop to be offline for real."""

    def __init__(self, site: Path = SITE, port: int | None = None):
        self.site = site
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}/tinytorch/"
        self.process: subprocess.Popen | None = None

    def start(self) -> Server:
        command = [sys.executable, str(ROOT / "book" / "serve.py"), "--port", str(self.port), "--site", str(self.site)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(self.process.stderr.read().decode())
            try:
                urllib.request.urlopen(self.url, timeout=1)
                return self
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"the server did not answer at {self.url}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


SHOWN = """() => [document.title, location.pathname, JSON.stringify({...document.documentElement.dataset}),
  ...[...document.querySelectorAll("[data-state]:not([data-state=idle])")].map((card) =>
    `${card.dataset.exercise ?? card.dataset.lab ?? card.dataset.program}: ${card.dataset.state}: ${card.querySelector("[data-role=output]")?.innerText.slice(-400)}`),
].join("\\n")"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With a failed test goes what its pages showed and said in their consoles."""
    report = yield
    if report.when == "call" and report.failed:
        for context in item.stash.get(CONTEXTS, []):
            report.sections += [("a page", seen_in(page)) for page in context.pages]
        report.sections.append(("consoles", "\n".join(item.stash.get(CONSOLES, [])[-40:])))
    return report


CONTEXTS = pytest.StashKey[list[BrowserContext]]()
CONSOLES = pytest.StashKey[list[str]]()


def seen_in(page: Page) -> str:
    try:
        return page.evaluate(SHOWN)
    except Error as problem:
        return f"{page.url}: {problem}"


def observe(item: pytest.Item, context: BrowserContext) -> None:
    """Keep the context, and what its consoles say, for the report."""
    consoles = item.stash.setdefault(CONSOLES, [])
    item.stash.setdefault(CONTEXTS, []).append(context)
    context.on("console", lambda message: consoles.append(f"{message.type}: {message.text[:400]}"))
    context.on("weberror", lambda problem: consoles.append(f"uncaught: {problem.error}"))


def watch_hosts(context: BrowserContext, seen: list[str]) -> None:
    """Note each request that leaves the site's own host."""

    def note(request):
        if request.url.startswith(("http:", "https:", "ws:", "wss:")) and "//localhost:" not in request.url:
            seen.append(request.url)

    context.on("request", note)


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as instance:
        yield instance


@pytest.fixture(scope="session")
def chromium():
    return find_chromium()


@pytest.fixture(scope="session")
def browser(playwright, chromium):
    instance = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    yield instance
    instance.close()


@pytest.fixture(scope="session")
def server():
    if not (SITE / "index.html").exists():
        pytest.fail(f"{SITE} holds no built site; run `make build` first")
    running = Server().start()
    yield running
    running.stop()


@pytest.fixture
def own_server():
    """A server of this test's own, on a port and so an origin of its own; stop it to take the network away."""
    running = Server().start()
    yield running
    running.stop()


@pytest.fixture
def foreign_requests():
    seen: list[str] = []
    yield seen
    assert not seen, f"requests to foreign hosts: {seen}"


@pytest.fixture
def new_context(browser, foreign_requests, request):
    """Make browser profiles: each call is a new reader with empty storage."""
    made = []

    def make(**options) -> BrowserContext:
        context = browser.new_context(viewport=options.pop("viewport", {"width": 1366, "height": 768}), **options)
        if options.get("service_workers") == "block":
            context.add_init_script("window.noServiceWorker = true")
        context.set_default_timeout(30_000)
        watch_hosts(context, foreign_requests)
        observe(request.node, context)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def reader(new_context, server):
    """A new reader on the chapter page, after its one reload."""
    return Reader(new_context().new_page(), server.url).open("01").until_isolated()


@pytest.fixture
def phone(new_context, server):
    """A new reader with a phone."""
    return Reader(new_context(color_scheme="light", **PHONE).new_page(), server.url)


@pytest.fixture
def profile(playwright, chromium, tmp_path, foreign_requests, request):
    """Start the browser on one profile folder, as often as a test likes: what a restart keeps is kept."""
    running = []

    def start(**options) -> BrowserContext:
        for context in running:
            context.close()
        running.clear()
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=chromium, args=ARGUMENTS, **options
        )
        context.set_default_timeout(30_000)
        watch_hosts(context, foreign_requests)
        observe(request.node, context)
        running.append(context)
        return context

    yield start
    for context in running:
        context.close()
