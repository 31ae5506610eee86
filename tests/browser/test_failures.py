"""When a piece is missing the reader gets a sentence within 20 seconds, and the book stays readable."""

import re
import time

import pytest
from playwright.sync_api import expect

from tinytorch import learn

from .reader import Reader

FIRST = "01.memory_footprint"


def told_within_20_seconds(reader: Reader) -> str:
    """Start Python, wait for the failure, and give back what the page says."""
    start = time.monotonic()
    reader.exercise(FIRST).focus()
    expect(reader.page.locator("html")).to_have_attribute("data-python", "failed", timeout=20_000)
    assert time.monotonic() - start < 20
    return reader.page.locator(".tt-boot").inner_text()


@pytest.fixture
def broken(new_context, server):
    """A reader for whom one address does not answer as it should."""

    def make(pattern, answer) -> Reader:
        context = new_context(service_workers="block")
        context.route(pattern, answer)
        return Reader(context.new_page(), server.url).open("01")

    return make


def cut_in_half(route):
    response = route.fetch()
    body = response.body()
    route.fulfill(status=200, body=body[: len(body) // 2], headers={"content-type": "application/wasm"})


CASES = {
    "missing wasm": ("**/*.wasm", lambda route: route.fulfill(status=404, body="not here")),
    "truncated wasm": ("**/*.wasm", cut_in_half),
    "wasm never answers": ("**/*.wasm", lambda route: None),
    "blocked worker": (re.compile(r"/worker\.js"), lambda route: route.abort("blockedbyclient")),
    "missing NumPy": ("**/numpy-*.whl", lambda route: route.fulfill(status=404, body="not here")),
    "missing library": (re.compile(r"/tinytorch-[^/]*\.whl"), lambda route: route.fulfill(status=404, body="not here")),
    "missing exercises": ("**/tinytorch_chapter_01-*.whl", lambda route: route.fulfill(status=404, body="not here")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_missing_piece_is_named_soon(broken, case):
    reader = broken(*CASES[case])
    said = told_within_20_seconds(reader)
    assert len(said) > 40
    assert reader.page.get_by_role("button", name="Try again").first.is_visible()
    assert reader.page.locator("h1").first.is_visible()


def test_what_was_typed_survives_a_failed_start(broken):
    reader = broken(*CASES["missing wasm"])
    reader.exercise(FIRST).write("# typed all the same\n")
    reader.until_saved().reload()
    assert reader.exercise(FIRST).text() == "# typed all the same\n"


def test_a_dead_interpreter_is_replaced(reader):
    """A chain of objects long enough to overflow the C stack kills the interpreter for good; the page notices."""
    assert reader.exercise(FIRST).check(learn.exercise(FIRST).solution) == "passed"
    other = next(e.id for e in learn.chapter("01").exercises if e.id != FIRST)
    card = reader.exercise(other)
    card.run(learn.exercise(other).solution + "\nimport pyodide_js\npyodide_js._module._abort()\n")
    reader.until_python("ready")
    assert reader.exercise(FIRST).check() == "passed"
    assert card.check(learn.exercise(other).solution) == "passed"
