"""A reader goes wrong in each exercise of each chapter and is told how, on the page; the journey goes the right way.

Of the wrong answers the first with a sentence of its own and, once a chapter, the first without; the untouched starter
once a chapter. Every one of them is checked in the browser's own Python in tests/pyodide/test_answers.py, and what a
page adds to that does not depend on the answer.
"""

import pytest

from tests.chapters.reading import exercises, written, wrong
from tinytorch import learn

from .reader import Reader

EXERCISES = [exercise for _, exercise in exercises()]
FIRST = {exercise.id[:2]: exercise.id for exercise in reversed(EXERCISES)}
WRONG = [
    pytest.param(
        exercise.id,
        written(exercise, answer.answer),
        answer.words,
        id=f"{exercise.id}-{'named' if answer.named else 'unnamed'}",
    )
    for _, exercise in exercises()
    for answer in {answer.named: answer for answer in reversed(wrong(exercise))}.values()
    if answer.named or exercise.id in FIRST.values()
]


@pytest.fixture(scope="module")
def walker(browser, server):
    """One reader with one profile, who goes to another page only for another chapter: Python boots rarely."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    context.set_default_timeout(30_000)
    yield Reader(context.new_page(), server.url).open("01").until_isolated()
    context.close()


def card_of(walker, id):
    """The exercise's card, on the page of its chapter."""
    chapter = id.partition(".")[0]
    if f"/{chapter}_" not in walker.page.url:
        walker.open(chapter).until_isolated()
    return walker.exercise(id)


@pytest.mark.parametrize("id", sorted(FIRST.values()))
def test_the_untouched_starter_fails(walker, id):
    assert card_of(walker, id).check() == "failed"


@pytest.mark.parametrize("id, text, feedback", WRONG)
def test_a_wrong_answer_gets_its_own_feedback(walker, id, text, feedback):
    card = card_of(walker, id)
    assert card.check(text) == "failed"
    assert " ".join(feedback.replace("`", "").split()) in " ".join(
        card.output.inner_text().split()
    )  # the page shows code as code


def test_a_solution_typed_key_by_key_passes(reader):
    """With the editor's own indentation and bracket closing at work, as for someone who types."""
    card = reader.exercise("01.memory_footprint")
    card.focus()
    keyboard = reader.page.keyboard
    keyboard.press("ControlOrMeta+a")
    keyboard.press("Delete")
    keyboard.type("def memory_footprint(self):", delay=5)
    keyboard.press("Enter")
    keyboard.type("return int(self.data.nbytes)", delay=5)
    assert card.text().rstrip() == "def memory_footprint(self):\n    return int(self.data.nbytes)"
    keyboard.press("Shift+Enter")
    card.settle("passed")


def test_text_and_outputs_are_there_before_python(reader):
    page = reader.page
    assert page.locator("html").get_attribute("data-python") == "off"
    assert page.locator(".cell_output").count() >= 5
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [name for name in loaded if name.endswith(".wasm")]


def test_run_shows_what_the_cell_prints_and_its_last_value(reader):
    exercise = learn.exercise("01.memory_footprint")
    card = reader.exercise(exercise.id)
    state = card.run(exercise.solution + "\nprint('two', 'words')\nTensor([1.0, 2.0]).memory_footprint()\n")
    assert state == "idle"
    shown = card.output.inner_text()
    assert "two words" in shown
    assert "8" in shown


def test_what_one_exercise_put_in_place_the_next_one_uses(reader):
    exercise = learn.exercise("01.memory_footprint")
    assert reader.exercise(exercise.id).check(exercise.solution + "\n# counts, too\n") == "passed"
    loud = exercise.solution.replace("return ", "print('mine is called'); return ")
    assert reader.exercise(exercise.id).check(loud) == "passed"
    lab = reader.page.locator("[data-lab]").first.get_attribute("data-lab")
    card = reader.lab(lab)
    card.run("Tensor([[1.0, 2.0]]).memory_footprint()")
    assert "mine is called" in card.output.inner_text()


def test_code_that_has_not_passed_stays_in_its_own_card(reader):
    exercise = learn.exercise("01.memory_footprint")
    assert reader.exercise(exercise.id).check(exercise.solution) == "passed"
    broken = exercise.solution.replace("return ", "return 1000 + ")
    assert reader.exercise(exercise.id).check(broken) == "failed"
    lab = reader.page.locator("[data-lab]").first.get_attribute("data-lab")
    card = reader.lab(lab)
    card.run("print('bytes:', Tensor([1.0, 2.0]).memory_footprint())")
    assert "bytes: 8" in card.output.inner_text()
