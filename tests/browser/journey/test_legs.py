"""The journey: a reader goes through the whole course, and what was typed is what the milestones run.

It is walked in legs, which run side by side. Each begins with a backup of the work that the legs before it end with,
and each ends by comparing what it exports with the backup that the next one begins with.
"""

import zipfile

import pytest
from playwright.sync_api import expect

from tests.chapters.course import COURSE, MILESTONES, before, essence, legs, own_version, records
from tinytorch.learn import source
from tinytorch.learn.catalog import catalog

from ..conftest import watch_hosts
from ..reader import Reader
from .notebook import reaches_its_goals
from .walking import Journey

LEGS = legs()
NAMES = [f"{leg[0].id}-{leg[-1].id}" for leg in LEGS]
STOPS = [pytest.param(leg, stop, id=f"{name}-{stop.id}") for leg, name in zip(LEGS, NAMES, strict=True) for stop in leg]
ENDS = [pytest.param(leg, id=name) for leg, name in zip(LEGS, NAMES, strict=True)]
# A notebook runs programs as they are printed, so in JupyterLite those milestones run that take seconds: first and last.
OF_SECONDS = [milestone for milestone in MILESTONES if not any(program.shorter for program in milestone.programs)]
# What one function must be called in a run whose number of steps is fixed: the count that the page shows is a count.
CALLS = {"m1.sigmoid-unit": ("02.sigmoid", 470)}


@pytest.fixture(scope="module")
def journey_of(browser, server, tmp_path_factory):
    """Begin a leg's journey, once for all its tests."""
    made, foreign = {}, []

    def begin(leg):
        if leg[0].id not in made:
            context = browser.new_context(viewport={"width": 1366, "height": 900}, accept_downloads=True)
            context.set_default_timeout(30_000)
            watch_hosts(context, foreign)
            journey = made[leg[0].id] = Journey(Reader(context.new_page(), server.url))
            if before(leg):
                journey.restore(records(before(leg)), tmp_path_factory.mktemp("leg"))
        return made[leg[0].id]

    yield begin
    for journey in made.values():
        journey.reader.page.context.close()
    assert not foreign, f"requests to foreign hosts: {foreign}"


@pytest.mark.parametrize("leg, stop", STOPS)
def test_everything_that_a_page_asks_for_can_be_done(journey_of, leg, stop):
    page = journey_of(leg).until(leg, stop).open(stop).page
    cards = page.locator("[data-exercise], [data-program]")
    expect(cards).to_have_count(len(stop.exercises) + len(stop.programs))
    for card in cards.all():
        expect(card).to_have_attribute("data-state", "passed")


@pytest.mark.parametrize("leg", [leg for leg in ENDS if leg.values[0][-1].programs])
def test_its_milestone_runs_on_what_was_typed_in_the_chapters_before(journey_of, leg):
    milestone = leg[-1]
    journey = journey_of(leg).until(leg, milestone)
    ran = {program.id: journey.ran[program.id] for program in milestone.programs}
    assert {whose for functions in ran.values() for whose, _ in functions.values()} == {"yours"}
    assert {int(id[:2]) for functions in ran.values() for id in functions} == set(milestone.requires)
    for id, (exercise, calls) in CALLS.items():
        assert id not in ran or ran[id][exercise] == ("yours", calls)
    if milestone in (OF_SECONDS[0], OF_SECONDS[-1]):
        reaches_its_goals(journey.open(milestone), milestone, journey.ran)


@pytest.mark.parametrize("leg", ENDS)
def test_it_ends_with_the_work_that_the_next_one_begins_with(journey_of, leg, tmp_path):
    exported = journey_of(leg).until(leg, leg[-1]).backup(tmp_path)
    assert essence(exported) == essence(records([*before(leg), *leg]))


@pytest.mark.parametrize("leg", ENDS[-1:])
def test_at_the_end_everything_is_done_and_the_wheel_holds_what_was_typed(journey_of, leg, tmp_path):
    reader = journey_of(leg).until(leg, leg[-1]).reader.open_progress()
    for stop in COURSE:
        count = len(stop.programs or stop.exercises)
        words = f"{count} of {count} {'programs reached' if stop.programs else 'exercises passed'}"
        chapter = reader.page.locator(
            ".tt-progress-chapter", has=reader.page.get_by_role("link", name=stop.title, exact=True)
        )
        expect(chapter).to_contain_text(words)
    assert reader.page.locator("tr[data-shown=false]").all_inner_texts() == []
    with zipfile.ZipFile(reader.download("Download my framework", tmp_path)) as archive:
        for exercise in catalog().exercises:
            text = archive.read(exercise.module.replace(".", "/") + ".py").decode()
            mine = source.definition(own_version(exercise), exercise.leaf)
            assert source.definition(text, exercise.qualname) == mine, exercise.id
