"""The matrix of who looks at whom, in the page: drawn by the reader's run and by the book, walked through with keys."""

import pytest
from playwright.sync_api import expect

from .reader import Reader
from .test_access import violations_in_light_and_dark

CELL = """
from tinytorch.pictures.weights import Weights
Weights([[[1, 0, 0], [0.25, 0.75, 0], [0.2, 0.3, 0.5]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]], "abc")
"""


@pytest.fixture
def figure(new_context, server):
    reader = Reader(new_context(color_scheme="light").new_page(), server.url).open("12")
    lab = reader.lab("12.lab-lookup")
    assert lab.run(CELL) == "idle"
    shown = lab.output.locator(".tt-weights")
    expect(shown.locator("[role=grid]")).to_have_count(2)
    return shown


def test_arrow_keys_walk_and_the_words_follow(figure):
    page, words = figure.page, figure.locator(".tt-weights-words")
    figure.locator("td[tabindex='0']").first.focus()
    expect(words).to_have_text("Query 0, a, key 0, a: 100 percent, the largest of the row.")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(words).to_have_text("Query 2, c, key 2, c: 50 percent, the largest of the row.")
    page.keyboard.press("Tab")  # one stop a matrix: the next is the second head
    expect(words).to_have_text("Query 0, a, key 0, a: 100 percent, the largest of the row.")
    assert page.evaluate("document.activeElement.closest('table').caption.textContent") == "Head 1"
    page.keyboard.press("ArrowRight")
    expect(words).to_have_text("Query 0, a, key 1, b: a weight of exactly 0.")


def test_what_the_book_has_drawn_can_be_walked_too_and_axe_finds_nothing(figure):
    drawn = figure.page.locator("[data-lab='12.lab-leak'] .tt-weights")
    expect(drawn.locator("[role=grid]")).to_have_count(1)
    drawn.locator("tbody td").nth(1).click()
    expect(drawn.locator(".tt-weights-words")).to_contain_text("Query 0, 3, key 1")
    assert violations_in_light_and_dark(figure.page) == []
