"""Straight to the optimization tier: with nothing done before, every page of it works, on the library's functions and our networks.

The other way of coming, after chapters 01 to 13, is that of the legs.
"""

import pytest
from playwright.sync_api import expect

from tests.chapters.course import COURSE

from .walking import Journey

TIER = [stop for stop in COURSE if stop.tier == "optimization" and not stop.programs]


@pytest.mark.parametrize("chapter", [pytest.param(chapter, id=chapter.id) for chapter in TIER])
def test_who_comes_straight_to_a_chapter_can_do_all_of_it(reader, chapter):
    journey = Journey(reader)
    journey.open(chapter)
    for exercise in chapter.exercises:
        card = reader.exercise(exercise.id)
        assert card.check(exercise.solution) == "passed", f"{exercise.id}: {card.output.inner_text()}"
    for lab in chapter.labs:
        journey.measure(lab)
        card = reader.lab(lab["id"])
        if 'trained("' in card.text():
            expect(card.output).to_contain_text(": ours. When it was trained, ")
    reader.until_saved()
