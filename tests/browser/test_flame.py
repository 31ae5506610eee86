"""Where the time goes, in the page: drawn by the reader's run and by the book, walked through with keys."""

import pytest
from playwright.sync_api import expect

from .reader import Reader
from .test_access import violations_in_light_and_dark

CELL = """
from tinytorch.perf.profiling import Profile, Row
from tinytorch.pictures.flame import Flame
rows = [("(model)", "Sequential", 1.0, ""), ("a", "Linear", 2.0, "(model)"), ("b", "MLP", 1.0, "(model)"), ("b.up", "Linear", 6.0, "b")]
Flame(Profile(tuple(Row(name, kind, seconds=s, inside=i) for name, kind, s, i in rows), 1))
"""


@pytest.fixture
def figure(new_context, server):
    reader = Reader(new_context(color_scheme="light").new_page(), server.url).open("14")
    lab = reader.lab("14.lab-flame")
    assert lab.run(CELL) == "idle"
    shown = lab.output.locator(".tt-flame")
    expect(shown.locator("[role=treeitem]")).to_have_count(5)
    return shown


def test_bars_are_as_wide_as_their_share_and_keys_walk_through_them(figure):
    page, line = figure.page, figure.locator(".tt-flame-line")
    wide = [bar.bounding_box()["width"] for bar in figure.locator(".tt-flame-name").all()]
    assert wide[0] == pytest.approx(wide[1], abs=1) and wide[3] == pytest.approx(wide[0] * 0.7, abs=2)
    assert wide[2] == pytest.approx(wide[0] * 0.2, abs=2) and wide[4] == pytest.approx(wide[0] * 0.6, abs=2)
    figure.locator("[role=treeitem]").first.focus()
    expect(line).to_have_text("forward pass: 10 s, 100.0% of all, of it 0 us itself.")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(line).to_have_text("b.up, Linear: 6 s, 60.0% of all.")
    page.keyboard.press("ArrowUp")
    expect(line).to_have_text("b, MLP: 7 s, 70.0% of all, of it 1 s itself.")


def test_what_the_book_has_drawn_can_be_walked_too_and_axe_finds_nothing(figure):
    figure.page.reload()
    drawn = figure.page.locator("[data-lab='14.lab-flame'] .tt-flame").first
    expect(drawn.locator("[role=treeitem]").first).to_be_attached()  # its script has come
    drawn.locator(".tt-flame-name").nth(1).click()
    expect(drawn.locator(".tt-flame-line")).to_contain_text("forward pass")
    assert violations_in_light_and_dark(figure.page) == []
