"""The journey: one reader with one profile goes through the whole course, and what was typed is what the milestones run.

The course comes from the catalog: every chapter in order, each milestone behind the last chapter that it requires.
"""

import ast
import zipfile
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import expect

from tests.chapters.reading import right, written
from tinytorch import learn
from tinytorch.learn import source
from tinytorch.learn.catalog import catalog

from .conftest import Server, watch_hosts
from .reader import Reader
from .test_notebook import open_notebook

RUN = 120_000
COURSE = sorted([*learn.chapters(), *catalog().milestones], key=lambda stop: (max(stop.requires, default=0), 2) if stop.programs else (stop.number, 1))
MILESTONES = [stop for stop in COURSE if stop.programs]
SKIPPED = ("02", "03")
# What one function must be called in a run whose number of steps is fixed: the count that the page shows is a count.
CALLS = {"m1.sigmoid-unit": ("02.sigmoid", 470)}


def each(stops):
    return [pytest.param(stop, id=stop.id) for stop in stops]


def own_version(exercise):
    """A right answer that is not the library's: the last one kept whose statements differ from it."""
    texts = [written(exercise, answer) for answer in right(exercise)]
    return next(text for text in reversed(texts) if body(text, exercise.leaf) != body(exercise.solution, exercise.leaf))


def body(text, leaf):
    function = source.find(ast.parse(text), leaf)
    return ast.dump(ast.Module(function.body[1:] if ast.get_docstring(function) is not None else function.body, []))


@dataclass
class Journey:
    """Someone who goes from page to page with one profile, and knows what was typed and what ran."""

    reader: Reader
    skipped: tuple = ()
    typed: dict = field(default_factory=dict)
    ran: dict = field(default_factory=dict)
    done: list = field(default_factory=list)

    def until(self, stop):
        """Do everything up to and with this stop, unless it is done already."""
        for each in COURSE[:COURSE.index(stop) + 1]:
            if each.id not in [*self.done, *self.skipped]:
                self.open(each)
                self.walk(each)
                self.reader.until_saved()
                self.done.append(each.id)
        return self

    def open(self, stop):
        (self.reader.open_milestone if stop.programs else self.reader.open)(stop.id)
        return self.reader.until_isolated()

    def walk(self, stop):
        """Everything that the page asks for, kind by kind; who skips chapters measures and answers nothing."""
        for exercise in stop.exercises:
            self.solve(stop, exercise)
        for program in stop.programs:
            self.ran[program.id] = self.run(program)
        if self.skipped:
            return
        for lab in stop.labs:
            self.measure(lab)
        for question in stop.questions:
            answered = "open" if question["kind"] == "open" else "right"
            expect(self.reader.answer(question).element).to_have_attribute("data-answered", answered)

    def solve(self, chapter, exercise):
        """The reader's own version passes every check; who skips nothing has looked at the reference solution first."""
        card, mine, count = self.reader.exercise(exercise.id), own_version(exercise), len(exercise.checks)
        for text in (mine,) if self.skipped else (exercise.solution, mine):
            assert card.check(text) == "passed", f"{exercise.id}: {card.output.inner_text()}"
            expect(self.reader.status).to_contain_text(f"Check passed: {count} of {count}")
        self.typed[exercise.id] = mine

    def measure(self, lab):
        """The code as printed runs without an error and shows something."""
        card = self.reader.lab(lab["id"])
        assert card.run() == "idle", f"{lab['id']}: {card.output.inner_text()}"
        assert card.output.inner_text().strip() or card.output.locator("img").count(), lab["id"]

    def run(self, program):
        """Every goal is reached; return whose functions ran, and how often."""
        card, count = self.reader.program(program.id), len(program.goals)
        assert card.act("Run", timeout=RUN) == "passed", f"{program.id}: {card.output.inner_text()}"
        expect(self.reader.status).to_contain_text(f"{count} of {count} goals")
        return card.credits()


@pytest.fixture(scope="module")
def own_site():
    """A server of this file's own: the last test takes it away."""
    running = Server().start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def profile_of(browser, own_site):
    """Make profiles for journeys, which last for all tests of this file."""
    made, foreign = [], []

    def make(**options):
        context = browser.new_context(viewport={"width": 1366, "height": 900}, accept_downloads=True)
        context.set_default_timeout(30_000)
        watch_hosts(context, foreign)
        made.append(context)
        return Journey(Reader(context.new_page(), own_site.url), **options)

    yield make
    for context in made:
        context.close()
    assert not foreign, f"requests to foreign hosts: {foreign}"


@pytest.fixture(scope="module")
def journey(profile_of):
    return profile_of()


@pytest.fixture(scope="module")
def hurried(profile_of):
    """Someone who skips two chapters."""
    return profile_of(skipped=SKIPPED)


@pytest.mark.parametrize("stop", each(COURSE))
def test_everything_that_a_page_asks_for_can_be_done(journey, stop):
    page = journey.until(stop).open(stop).page
    cards = page.locator("[data-exercise], [data-program]")
    expect(cards).to_have_count(len(stop.exercises) + len(stop.programs))
    for card in cards.all():
        expect(card).to_have_attribute("data-state", "passed")


@pytest.mark.parametrize("milestone", each(MILESTONES))
def test_a_milestone_runs_on_what_was_typed_in_the_chapters_before(journey, milestone):
    journey.until(milestone)
    ran = {program.id: journey.ran[program.id] for program in milestone.programs}
    assert {whose for functions in ran.values() for whose, _ in functions.values()} == {"yours"}
    assert {int(id[:2]) for functions in ran.values() for id in functions} == set(milestone.requires)
    for id, (exercise, calls) in CALLS.items():
        assert id not in ran or ran[id][exercise] == ("yours", calls)


@pytest.mark.parametrize("milestone", each(MILESTONES))
def test_what_was_skipped_the_library_fills_in_and_the_page_says_so(hurried, milestone):
    hurried.until(milestone)
    for program in milestone.programs:
        whose = {id: whose for id, (whose, _) in hurried.ran[program.id].items()}
        assert whose == {id: "the library's" if id[:2] in SKIPPED else "yours" for id in whose}
        filled_in = list(whose.values()).count("the library's")
        words = f"{len(whose) - filled_in} of them are yours; the library filled in the other {filled_in}."
        expect(hurried.reader.program(program.id).output.locator("[data-role=credits]")).to_contain_text(words)
    assert {id[:2] for program in milestone.programs for id in hurried.ran[program.id]} >= set(SKIPPED)


def test_at_the_end_everything_is_done_and_the_wheel_holds_what_was_typed(journey, tmp_path):
    page = journey.until(COURSE[-1]).reader.open_progress().page
    for stop in COURSE:
        count = len(stop.programs or stop.exercises)
        words = f"{count} of {count} {'programs reached' if stop.programs else 'exercises passed'}"
        expect(page.locator(".tt-progress-chapter", has=page.get_by_role("link", name=stop.title, exact=True))).to_contain_text(words)
    assert page.locator("tr[data-shown=false]").all_inner_texts() == []
    with page.expect_download(timeout=90_000) as download:
        page.get_by_role("button", name="Download my framework").click()
    download.value.save_as(tmp_path / "mine.whl")
    with zipfile.ZipFile(tmp_path / "mine.whl") as archive:
        for exercise in catalog().exercises:
            text = archive.read(exercise.module.replace(".", "/") + ".py").decode()
            mine = source.definition(journey.typed[exercise.id], exercise.leaf)
            assert source.definition(text, exercise.qualname) == mine, exercise.id


@pytest.mark.parametrize("milestone", each(MILESTONES))
def test_a_milestone_as_a_notebook_runs_on_the_same_code(journey, milestone):
    journey.until(milestone).open(milestone)
    notebook = open_notebook(journey.reader)
    notebook.run_all()
    for program in milestone.programs:
        notebook.shows(f"{program.title}: reached, {len(program.goals)} of {len(program.goals)} goals")
        ran = [catalog().exercise(id).qualname + f" ({calls:,})" for id, (_, calls) in journey.ran[program.id].items()]
        notebook.shows(f"Yours, with the number of calls: {', '.join(ran)}")
    notebook.shows("The library's, with the number of calls: none")


def test_stop_another_tab_a_broken_edit_a_reload_and_no_network_in_the_middle_of_a_run(journey, own_site):
    """Whatever happens meanwhile, the run is made of what passed last."""
    milestone = MILESTONES[0]
    program = milestone.programs[0]
    page = journey.until(milestone).open(milestone).page
    card = journey.reader.program(program.id)
    expect(card.element).to_have_attribute("data-state", "passed")  # as it was left
    card.press("Run").settle("running")
    card.output.locator("img").first.wait_for(timeout=RUN)
    card.press("Stop").settle("idle")

    changed = next(id for id in journey.ran[program.id] if not any("expect_cost" in check.code for check in learn.exercise(id).checks))
    text = journey.typed[changed]
    other = Journey(Reader(page.context.new_page(), own_site.url)).open(learn.chapter(changed[:2])).exercise(changed)
    assert other.check(text.replace("return ", "print('as the other tab has it'); return ")) == "passed"
    assert other.check(text.replace("return ", "return 0 * ")) == "failed"
    expect(other.element.locator("[data-role=state]")).to_have_text("this version does not pass")

    page.bring_to_front()
    card.press("Run").settle("running")
    expect(card.output).to_contain_text("as the other tab has it", timeout=RUN)
    page.wait_for_function("document.documentElement.dataset.offline === 'ready'", timeout=150_000)
    own_site.stop()
    card = journey.reader.reload().program(program.id)
    assert card.act("Run", timeout=RUN) == "passed"
    expect(card.output).to_contain_text("as the other tab has it")
    assert card.credits()[changed][0] == "yours"
