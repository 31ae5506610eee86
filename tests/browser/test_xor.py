"""Milestone 2 and the paths of chapter 07 in the page: drawn while the reader's own optimizer walks, told when it falls short."""

import re

from tinytorch import learn

from .reader import RUN
from .test_access import violations_in_light_and_dark


def pictures_of(card, page):
    """What the picture says of itself while the program runs, and at the end."""
    picture = card.output.locator("img[data-place]").first
    picture.wait_for(timeout=RUN)
    seen = []
    for _ in range(600):
        seen.append(picture.get_attribute("alt"))
        if card.state != "running":
            break
        page.wait_for_timeout(50)
    return [*seen, picture.get_attribute("alt")]  # it may have changed between the last look and the end


def test_the_paths_are_drawn_by_the_readers_own_rules(reader):
    reader.solve("07.move", "07.step", "07.sgd")
    card = reader.lab("07.lab-paths")
    card.press("Run")
    seen = pictures_of(card, reader.page)
    assert len(set(seen)) >= 5 and all("Contour lines of a surface and 3 paths" in alt for alt in seen)
    ends = {part.split(":")[0]: float(part.rpartition("height ")[2]) for part in seen[-1].split(". ")[2:]}
    assert ends["momentum"] < ends["SGD"] < 0.01 and ends["Adam"] < 0.2


def test_a_hidden_layer_learns_xor_on_typed_functions_and_its_lines_move(reader):
    reader.solve("01.matmul")
    reader.solve("07.move", "07.sgd")
    card = reader.open_milestone("m2").program("m2.hidden-layer")
    card.press("Run")
    seen = pictures_of(card, reader.page)
    card.settle("passed", timeout=RUN)
    assert len(set(seen)) >= 5 and all("the lines of 4 hidden units" in alt for alt in seen)
    assert seen[-1].endswith("0 on the wrong side")
    found = {id: whose for id, (whose, _) in card.credits().items()}
    assert [found[id] for id in ("01.matmul", "07.move", "07.sgd")] == ["yours"] * 3
    assert found["02.sigmoid"] == "the library's"


def test_a_run_that_is_cut_short_says_what_was_needed(reader):
    card = reader.open_milestone("m2").program("m2.twenty-starts")
    program = learn.catalog.catalog().program("m2.twenty-starts")
    card.write(program.code.replace("steps=300", "steps=30"))
    assert card.act("Run", timeout=RUN) == "failed"
    assert re.search(r"All four were right from 1?\d of 20 starts; 19 are needed\.", card.output.inner_text())


def test_axe_finds_nothing_after_a_run_and_a_phone_shows_it_all(phone):
    reader = phone.open_milestone("m2").until_isolated()
    assert reader.program("m2.hidden-layer").act("Run", timeout=RUN) == "passed"
    assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations_in_light_and_dark(reader.page) == []
