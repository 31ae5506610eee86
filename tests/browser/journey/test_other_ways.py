"""Ways through the course that are not straight: chapters left out, and a run that much happens to."""

import pytest
from playwright.sync_api import expect

from tests.chapters.course import COURSE, MILESTONES, own_version, records
from tinytorch import learn

from ..reader import RUN, Reader
from .walking import Journey

SKIPPED = ("02", "03")


def arrived(reader, milestone, folder, skipped=()):
    """Someone who did everything before a milestone but for some chapters, and opens it now."""
    stops = COURSE[: COURSE.index(milestone)]
    return Journey(reader).restore(records([stop for stop in stops if stop.id not in skipped]), folder).open(milestone)


@pytest.mark.parametrize("milestone", [pytest.param(milestone, id=milestone.id) for milestone in MILESTONES])
def test_what_was_skipped_the_library_fills_in_and_the_page_says_so(reader, milestone, tmp_path):
    journey = Journey(arrived(reader, milestone, tmp_path, SKIPPED))
    for program in (program for program in milestone.programs if not program.shorter):
        card = journey.run(program)
        whose = {id: whose for id, (whose, _) in journey.ran[program.id].items()}
        assert whose == {id: "the library's" if id[:2] in SKIPPED else "yours" for id in whose}
        filled_in = list(whose.values()).count("the library's")
        words = f"{len(whose) - filled_in} of them are yours; the library filled in the other {filled_in}."
        expect(card.output.locator("[data-role=credits]")).to_contain_text(words)
    assert {id[:2] for functions in journey.ran.values() for id in functions} >= set(SKIPPED)


def test_stop_another_tab_a_broken_edit_a_reload_and_no_network_in_the_middle_of_a_run(
    new_context, own_server, tmp_path
):
    """Whatever happens meanwhile, the run is made of what passed last."""
    milestone = MILESTONES[0]
    program = milestone.programs[0]
    reader = arrived(Reader(new_context().new_page(), own_server.url), milestone, tmp_path)
    page, card = reader.page, reader.program(program.id)
    card.press("Run").settle("running")
    card.output.locator("img").first.wait_for(timeout=RUN)
    card.press("Stop").settle("idle")
    assert card.act("Run", timeout=RUN) == "passed"

    changed = next(
        id for id in card.credits() if not any("expect_cost" in check.code for check in learn.exercise(id).checks)
    )
    text = own_version(learn.exercise(changed))
    other = Journey(Reader(page.context.new_page(), own_server.url)).open(learn.chapter(changed[:2])).exercise(changed)
    assert other.check(text.replace("return ", "print('as the other tab has it'); return ")) == "passed"
    assert other.check(text.replace("return ", "return 0 * ")) == "failed"
    expect(other.element.locator("[data-role=state]")).to_have_text("this version does not pass")

    page.bring_to_front()
    card.press("Run").settle("running")
    expect(card.output).to_contain_text("as the other tab has it", timeout=RUN)
    page.wait_for_function("document.documentElement.dataset.offline === 'ready'", timeout=150_000)
    own_server.stop()
    card = reader.reload().program(program.id)
    assert card.act("Run", timeout=RUN) == "passed"
    expect(card.output).to_contain_text("as the other tab has it")
    assert card.credits()[changed][0] == "yours"
