"""Everyone can use it: no axe violation in light or dark, everything by keyboard, everything at 390 px."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tinytorch import learn

from .conftest import PHONE, ROOT
from .reader import Reader

AXE = ROOT / "book" / "runtime" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = [
    "index.html",
    "modules/01_tensor.html",
    "modules/06_autograd.html",
    "milestones/01_perceptron.html",
    "milestones/03_mlp.html",
    "book/progress.html",
]
FIRST = "01.memory_footprint"


def violations(page) -> list[str]:
    page.add_script_tag(content=Path(AXE).read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{v['id']}: {v['help']} at {[node['target'] for node in v['nodes'][:4]]}" for v in found]


def violations_in_light_and_dark(page) -> list[str]:
    """What axe finds on a light page, and after the reader has switched it to dark."""
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    light = violations(page)
    page.locator(".tt-theme:visible").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    return light + violations(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_comes_as_the_system_wants_it(new_context, server, scheme):
    page = Reader(new_context(color_scheme=scheme).new_page(), server.url).visit("").page
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    assert violations(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(new_context, server, path):
    page = Reader(new_context(color_scheme="light").new_page(), server.url).visit(path).page
    page.wait_for_load_state("networkidle")
    assert violations_in_light_and_dark(page) == []


def test_axe_finds_nothing_after_work_was_done(new_context, server):
    reader = Reader(new_context(color_scheme="light").new_page(), server.url).open("01").until_isolated()
    card = reader.exercise(FIRST)
    assert card.check() == "failed"
    card.press("Hint")
    assert card.run("print('x')\n1/0\n") == "error"
    assert card.check(learn.exercise(FIRST).solution) == "passed"
    assert violations_in_light_and_dark(reader.page) == []


def press_until(page, key: str, condition: str, most: int = 40) -> None:
    for _ in range(most):
        if page.evaluate(condition):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{most} times {key} and still not: {condition}")


def on_button(name: str) -> str:
    return f"document.activeElement.tagName === 'BUTTON' && document.activeElement.textContent.trim() === '{name}' && document.activeElement.closest('[data-exercise]')?.dataset.exercise === '{FIRST}'"


def test_an_exercise_by_keyboard_alone(reader):
    page, card = reader.page, reader.exercise(FIRST)
    in_editor = f"document.activeElement.closest('[data-exercise]')?.dataset.exercise === '{FIRST}' && document.activeElement.classList.contains('cm-content')"
    press_until(page, "Tab", in_editor, most=200)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(learn.exercise(FIRST).starter)
    page.keyboard.press("Shift+Enter")
    card.settle("failed")
    page.keyboard.press("Escape")
    press_until(page, "Tab", on_button("Hint"))
    page.keyboard.press("Enter")
    expect(card.element.locator(".tt-hint:visible")).to_have_count(1)
    press_until(page, "Shift+Tab", in_editor)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(learn.exercise(FIRST).solution)
    page.keyboard.press("Escape")  # closes what completion may have opened
    page.keyboard.press("Escape")
    press_until(page, "Tab", on_button("Check"))
    page.keyboard.press("Enter")
    card.settle("passed")
    expect(reader.status).to_contain_text("Check passed")


def test_completion_is_announced_once_in_one_region(reader):
    assert reader.status.count() == 1
    reader.page.evaluate(
        """() => { window.said = []; new MutationObserver(() => window.said.push(document.querySelector('[role=status]').textContent))
        .observe(document.querySelector('[role=status]'), {childList: true, characterData: true, subtree: true}); }"""
    )
    assert reader.exercise(FIRST).check(learn.exercise(FIRST).solution) == "passed"
    reader.page.wait_for_timeout(500)
    said = [text for text in reader.page.evaluate("window.said") if "passed" in text.lower()]
    assert len(said) == 1


@pytest.mark.parametrize("path", PAGES)
def test_nothing_overflows_on_a_phone(new_context, server, path):
    page = Reader(new_context(**PHONE).new_page(), server.url).visit(path).page
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.evaluate(
        """() => [...document.querySelectorAll('main *')].filter(e => {
            const box = e.getBoundingClientRect();
            if (!box.width || box.right <= 391) return false;
            for (let p = e.parentElement; p; p = p.parentElement) {
                if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX) && p.getBoundingClientRect().right <= 391) return false;
            }
            return true; }).map(e => e.tagName + '.' + e.className)"""
    )
    assert wide == []


def test_an_exercise_on_a_phone(new_context, server):
    reader = Reader(new_context(**PHONE).new_page(), server.url).open("01")
    card = reader.exercise(FIRST)
    card.element.locator(".cm-content").tap()
    reader.page.keyboard.press("ControlOrMeta+a")
    reader.page.keyboard.insert_text(learn.exercise(FIRST).solution)
    card.button("Check").tap()
    card.settle("passed")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_solution_after_three_tries_and_a_confirmation(reader):
    card = reader.exercise(FIRST)
    last = learn.exercise(FIRST).solution.strip().split("\n")[-1].strip()
    card.press("Solution")
    expect(card.output).to_contain_text("after 3 more failed checks")
    for _ in range(3):
        assert card.check() == "failed"
    card.press("Solution")
    expect(card.output).to_contain_text("Show it?")
    expect(card.output).not_to_contain_text(last)
    card.press("Show the solution")
    expect(card.element.locator(".tt-solution")).to_contain_text(last)


def test_hints_come_one_at_a_time(reader):
    card = reader.exercise(FIRST)
    count = len(learn.exercise(FIRST).hints)
    for number in range(1, count + 1):
        card.press("Hint")
        expect(card.element.locator(".tt-hint:visible")).to_have_count(number)
