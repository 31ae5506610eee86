"""A reader of the book, as the browser tests need one: opens chapters, types code, presses buttons, reads what comes."""

from __future__ import annotations

import re
import time
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect

from tinytorch import learn

PYTHON_STARTS_WITHIN = 60_000  # milliseconds; a cold first start on a loaded machine
RUN = 600_000  # for a program, which may take minutes there; what has a limit of its own measures it in the page
AT_WORK = "window.tinytorch !== undefined"
# A page reloads once, when the service worker has come; a context that blocks those says so (conftest.py).
NO_RELOAD_TO_COME = f"{AT_WORK} && (window.noServiceWorker || document.documentElement.dataset.settled === 'true')"


class Card:
    """One exercise, question or lab on the page."""

    def __init__(self, page: Page, element: Locator):
        self.page = page
        self.element = element

    @property
    def state(self) -> str:
        return self.element.get_attribute("data-state")

    @property
    def output(self) -> Locator:
        return self.element.locator("[data-role=output]")

    def button(self, name: str) -> Locator:
        return self.element.get_by_role("button", name=name, exact=True)

    def focus(self) -> None:
        self.element.scroll_into_view_if_needed()
        self.element.locator(".cm-content").click()

    def write(self, text: str) -> Card:
        """Replace the editor's text, as a paste does."""
        self.focus()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)
        return self

    def text(self) -> str:
        name = next(filter(None, map(self.element.get_attribute, ("data-exercise", "data-lab", "data-program"))))
        return self.page.evaluate("name => window.tinytorch.getText(name)", name)

    def press(self, name: str) -> Card:
        self.button(name).click()
        return self

    def settle(self, *states: str, timeout: int = PYTHON_STARTS_WITHIN) -> Card:
        """Wait until the last action is over; with `states`, until it ended in one of them."""
        wanted = states or ("idle", "passed", "failed", "error")
        self.page.wait_for_function(
            "([element, states]) => states.includes(element.dataset.state)",
            arg=[self.element.element_handle(), list(wanted)],
            timeout=timeout,
        )
        return self

    def act(self, name: str, timeout: int = PYTHON_STARTS_WITHIN) -> str:
        """Press Run or Check, wait for its end, and say the state it ended in."""
        before = self.element.get_attribute("data-runs") or "0"
        self.press(name)
        self.page.wait_for_function(
            "([element, before]) => element.dataset.runs !== before && element.dataset.state !== 'running'",
            arg=[self.element.element_handle(), before],
            timeout=timeout,
        )
        return self.state

    def check(self, text: str | None = None) -> str:
        if text is not None:
            self.write(text)
        return self.act("Check")

    def run(self, text: str | None = None) -> str:
        if text is not None:
            self.write(text)
        return self.act("Run")

    def credits(self) -> dict[str, tuple[str, int]]:
        """Exercise id -> whose function a milestone's run called and how often, from the card's table."""
        rows = self.element.locator(".tt-credits tbody tr").evaluate_all(
            "rows => rows.map(row => [row.querySelector('a').href, ...[...row.cells].slice(1).map(cell => cell.textContent)])"
        )
        found = {}
        for address, whose, calls in rows:
            chapter, name = re.search(r"/(\d\d)_\w+\.html#ex-(.+)$", address).groups()
            found[f"{chapter}.{name}"] = (whose, int(calls.replace(",", "")))
        return found


class Reader:
    """Someone with a browser and the address of the site."""

    def __init__(self, page: Page, url: str):
        self.page = page
        self.url = url

    def visit(self, address: str) -> Reader:
        """Open a page of the site and wait until it is ready and stays."""
        self.page.goto(self.url + address)
        self.page.wait_for_function(NO_RELOAD_TO_COME)
        return self

    def open(self, chapter: str) -> Reader:
        found = learn.chapter(chapter)
        return self.visit(f"modules/{found.id}_{found.name}.html")

    def solve(self, *ids: str) -> Reader:
        """Type the reference solution of some exercises of one chapter, on its page."""
        self.open(ids[0].partition(".")[0])
        for id in ids:
            assert self.exercise(id).check(learn.exercise(id).solution) == "passed"
        return self.until_saved()

    def exercise(self, id: str) -> Card:
        return Card(self.page, self.page.locator(f'[data-exercise="{id}"]'))

    def lab(self, id: str) -> Card:
        return Card(self.page, self.page.locator(f'[data-lab="{id}"]'))

    def open_milestone(self, id: str) -> Reader:
        return self.visit(learn.catalog.catalog().milestone(id).page)

    def program(self, id: str) -> Card:
        return Card(self.page, self.page.locator(f'[data-program="{id}"]'))

    def answer(self, question: dict) -> Card:
        """Give the right answer to a question of the catalog, or some words where there is no one right answer."""
        card = Card(self.page, self.page.locator(f'[data-question="{question["id"]}"]'))
        if question["kind"] == "choice":
            right = next(i for i, choice in enumerate(question["choices"]) if choice.get("right"))
            card.element.get_by_role("radio").nth(right).check()
        else:
            words = (
                str(question["answer"]) if question["kind"] == "number" else "I would measure it on this page first."
            )
            card.element.get_by_role("textbox").fill(words)
        return card.press("Compare with a model answer" if question["kind"] == "open" else "Check answer")

    def open_progress(self) -> Reader:
        self.visit("book/progress.html")
        self.page.locator(".tt-progress-chapter").first.wait_for()
        return self

    def download(self, button: str, folder: Path, name: str | None = None) -> Path:
        """Press a button of the progress page, with a name for the author if there is one, and keep the file that comes."""
        if name is not None:
            self.page.get_by_label("Your name").fill(name)
        with self.page.expect_download(timeout=90_000) as event:
            self.page.get_by_role("button", name=button).click()
        path = folder / event.value.suggested_filename
        event.value.save_as(path)
        return path

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    def until_saved(self) -> Reader:
        expect(self.page.locator("html")).to_have_attribute("data-saved", "saved", timeout=10_000)
        return self

    def until_python(self, state: str = "ready", timeout: int = PYTHON_STARTS_WITHIN) -> Reader:
        expect(self.page.locator("html")).to_have_attribute("data-python", state, timeout=timeout)
        return self

    def until_spare(self) -> Reader:
        """Wait for the second Python that a page keeps where Stop has to end the first."""
        expect(self.page.locator("html")).to_have_attribute("data-spare", "ready", timeout=PYTHON_STARTS_WITHIN)
        return self

    def reload(self) -> Reader:
        self.page.reload()
        self.page.wait_for_function(AT_WORK)
        return self

    def until_isolated(self) -> Reader:
        """Wait for the service worker's headers: they come with the page's one reload."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.page.evaluate(f"crossOriginIsolated && {AT_WORK}"):
                    return self
            except Error:
                continue  # the reload is under way: the old document is gone, the new one not there yet
            self.page.wait_for_timeout(100)
        raise AssertionError("the page did not become cross-origin isolated")
