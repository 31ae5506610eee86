"""Milestone 1 in the page: drawn while it learns, told when it falls short. journey runs it on typed functions."""

import json

from playwright.sync_api import expect

from .reader import RUN, Reader
from .test_access import violations_in_light_and_dark


def test_the_line_is_drawn_while_it_learns(reader):
    reader.open_milestone("m1")
    card = reader.program("m1.xor")
    card.press("Run")
    picture = card.output.locator("img[data-place]").first
    picture.wait_for(timeout=RUN)
    assert card.state == "running"
    seen = set()
    for _ in range(300):
        seen.add(picture.get_attribute("alt"))
        if card.state != "running":
            break
        reader.page.wait_for_timeout(50)
    card.settle("passed", timeout=RUN)
    assert len(seen) >= 5 and all("points and a line" in alt for alt in seen)
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert card.output.locator("img[data-place]").count() == 1


def test_it_is_there_before_python_and_links_to_the_exercises(reader):
    page = reader.page
    reader.open_milestone("m1")
    assert page.locator("html").get_attribute("data-python") == "off"
    printed = reader.program("m1.perceptron").output
    assert "AND: 4 of 4 right" in printed.inner_text()
    assert printed.get_by_role("img", name="points and a line").count() == 3
    expect(
        page.get_by_role("navigation", name="Contents").get_by_role("link", name="M1 The perceptron of 1958")
    ).to_be_visible()


def test_a_broken_function_makes_it_fall_short_and_is_named(reader, tmp_path):
    """It comes by a backup: no broken function passes its checks."""
    text = "def transpose(self, dim0=-2, dim1=-1):\n    return wrap(self.data.T * 0 + 1, self)\n"
    passed = {"text": text, "edition": "", "at": "2026-11-01T00:00:00.000Z"}
    record = {
        "id": "01.transpose",
        "text": text,
        "edition": "",
        "rev": 1,
        "updated": passed["at"],
        "attempts": 0,
        "hints": 0,
        "solution": False,
        "state": "passed",
        "passed": passed,
    }
    backup = {
        "format": "tinytorch-backup",
        "version": 1,
        "saved": passed["at"],
        "author": "",
        "exercises": [record],
        "labs": [],
        "answers": [],
        "history": [],
    }
    file = tmp_path / "backup.json"
    file.write_text(json.dumps(backup))
    page = reader.page
    reader.visit("book/progress.html")
    page.locator("#tt-restore").set_input_files(str(file))
    expect(page.locator(".tt-progress-files .tt-note")).to_contain_text("Restored 1 exercises")
    reader.open_milestone("m1")
    card = reader.program("m1.perceptron")
    assert card.act("Run", timeout=RUN) == "failed"
    assert (
        "With the library's function in the place of your Tensor.transpose (chapter 01) all goals are reached"
        in card.output.inner_text()
    )
    assert card.credits()["01.transpose"][0] == "yours"
    reader.visit("book/progress.html")
    expect(page.get_by_role("region", name="Milestones")).to_contain_text("fell short")


def test_a_milestone_whose_chapters_cannot_be_fetched_says_so_and_runs_when_they_can(new_context, server):
    context = new_context(service_workers="block")
    context.route("**/tinytorch_chapter_02*", lambda route: route.fulfill(status=404, body="not here"))
    card = Reader(context.new_page(), server.url).open_milestone("m1").program("m1.perceptron")
    assert card.act("Run", timeout=RUN) == "error"
    expect(card.output).to_contain_text("What this needs of tinytorch besides the page's own chapter (")
    expect(card.output).to_contain_text("Your code was not run. Press Run to try again.")
    context.unroute("**/tinytorch_chapter_02*")
    assert card.act("Run", timeout=RUN) == "passed"


def test_tinydigits_is_there_without_a_download(reader):
    card = reader.lab("01.lab-nearest")
    card.run("from tinytorch.datasets import TinyDigits\nprint(len(TinyDigits()), TinyDigits()[0][0].shape)")
    assert "800 (1, 8, 8)" in card.output.inner_text()


def test_axe_finds_nothing_after_a_run_and_a_phone_shows_it_all(phone):
    reader = phone.open_milestone("m1").until_isolated()
    assert reader.program("m1.xor").act("Run", timeout=RUN) == "passed"
    assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations_in_light_and_dark(reader.page) == []
