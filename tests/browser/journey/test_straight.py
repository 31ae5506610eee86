"""Straight to the optimization tier: with nothing done before, every page of it works on the library's functions and our networks.

The other way of coming, after chapters 01 to 13, is that of the legs.
"""

import pytest
from playwright.sync_api import expect

from tests.chapters.course import COURSE

from .walking import Journey

TIER = [stop for stop in COURSE if stop.tier == "optimization" and not stop.programs]


@pytest.mark.parametrize("chapter", [pytest.param(chapter, id=chapter.id) for chapter in TIER])
def test_who_comes_straight_to_a_chapter_can_begin_and_measure_our_network(reader, chapter):
    journey = Journey(reader)
    journey.open(chapter)
    card = reader.exercise(chapter.exercises[0].id)  # the others: tests/pyodide, on the library's functions as here
    assert card.check(chapter.exercises[0].solution) == "passed", card.output.inner_text()
    networks = [place for place, lab in enumerate(chapter.labs) if 'trained("' in lab["code"]]
    for lab in chapter.labs[
        : networks[0] + 1 if networks else 1
    ]:  # later ones may use what these bind; the legs run all
        journey.measure(lab)
    if networks:
        expect(reader.lab(lab["id"]).output).to_contain_text(": ours. When it was trained, ")
    reader.until_saved()
