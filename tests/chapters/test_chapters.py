"""Every chapter of the catalog keeps its promises to the reader.

Nothing here knows a particular chapter: its file of checks holds what its readers write, wrong and right.
"""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

from tinytorch import learn
from tinytorch.learn.checking import namespace
from tinytorch_book.catalog import chapter_record
from tinytorch_book.checks import AT_LEAST, checks_file
from tinytorch_book.law import Course, broken

from . import reading

EXERCISES = [pytest.param(chapter, exercise, id=exercise.id) for chapter, exercise in reading.exercises()]
SOURCES = [pytest.param(chapter, id=chapter.id) for chapter in reading.CHAPTERS]
COURSE = Course(reading.ROOT)


def kept(which):
    """One parameter for every answer kept in the files of checks."""
    return [
        pytest.param(exercise, answer, id=f"{exercise.id}-{number}")
        for _, exercise in reading.exercises()
        for number, answer in enumerate(which(exercise), 1)
    ]


def untouched(exercise):
    """What a reader hands in who has written nothing, in every form it can take."""
    yield "starter", exercise.starter
    yield "other-docstring", re.sub(r'("""|\'\'\')', r"\1 ", exercise.starter, count=1)
    yield "docstring", reading.written(exercise, '"""To be written."""')
    yield "pass", reading.written(exercise, "pass")
    yield "return-None", reading.written(exercise, "return None")
    yield "ellipsis", reading.written(exercise, "...")
    yield "nothing", ""


NOTHING = [
    pytest.param(exercise, text, id=f"{exercise.id}-{name}")
    for _, exercise in reading.exercises()
    for name, text in untouched(exercise)
]


@pytest.fixture
def workshop():
    session = learn.Workshop(on_output=lambda stream, text: None)
    yield session
    session.close()


def judged(workshop, exercise, text, wrong=None):
    """Check what a reader writes. It must pass; or, being wrong, fail with its words, where they are a mistake's as that."""
    outcome = workshop.check(exercise.id, text)
    if wrong is None:
        needed, as_kept = "a pass", outcome.state == "passed"
    else:
        said = [check.mistake for check in outcome.checks] if wrong.named else reading.feedback(outcome)
        needed, as_kept = wrong.words, outcome.state != "passed" and wrong.words in said
    if not as_kept:
        pytest.fail(reading.surprise(exercise, text, needed, outcome), pytrace=False)


def test_the_catalog_holds_the_chapters_as_they_are_now():
    assert reading.CHAPTERS
    for chapter in reading.CHAPTERS:
        file = Path(learn.__file__).parent / "chapters" / f"{chapter.stem}.json"
        assert file.exists() and json.loads(file.read_text(encoding="utf-8")) == json.loads(
            json.dumps(chapter_record(chapter))
        ), (
            "the catalog is older than the chapter; run `make build`, or PYTHONPATH=book python -m tinytorch_book catalog"
        )


@pytest.mark.parametrize("exercise, text", NOTHING)
def test_who_writes_nothing_gets_nothing(workshop, exercise, text):
    outcome = workshop.check(exercise.id, text)
    assert outcome.state in ("failed", "error")
    assert not [check.title for check in outcome.checks if check.passed]


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_the_solution_passes_and_its_checks_say_nothing_on_the_way(workshop, chapter, exercise):
    printed = []
    workshop.on_output = lambda stream, text: printed.append(text)
    judged(workshop, exercise, exercise.solution)
    assert "".join(printed) == ""


def test_who_asks_for_gradients_too_early_is_told_where_they_come_from(workshop):
    outcome = workshop.run_cell("Tensor([1.0], requires_grad=True)")
    assert "`requires_grad` comes with chapter 06" in outcome.error.sentence
    outcome = workshop.run_cell("Tensor([1.0]).backward()")
    assert "`backward` comes with chapter 06" in outcome.error.sentence


@pytest.mark.parametrize("exercise, answer", kept(reading.wrong))
def test_a_wrong_answer_fails_with_its_own_feedback(workshop, exercise, answer):
    judged(workshop, exercise, reading.written(exercise, answer.answer), answer)


@pytest.mark.parametrize("exercise, answer", kept(reading.right))
def test_another_right_answer_passes(workshop, exercise, answer):
    judged(workshop, exercise, reading.written(exercise, answer))


@pytest.mark.parametrize("chapter", [pytest.param(each, id=each.id) for each in [*COURSE.chapters, *COURSE.milestones]])
def test_a_chapter_keeps_the_law(chapter):
    """Every rule that can be known without running an answer: law.py, whose own test is tests/site/test_law.py."""
    assert [str(error) for error in broken(COURSE, chapter)] == []


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_three_different_wrong_and_right_answers_are_kept(chapter, exercise):
    assert len({reading.written(exercise, answer.answer) for answer in reading.wrong(exercise)}) >= AT_LEAST
    assert len({reading.written(exercise, answer) for answer in reading.right(exercise)}) >= AT_LEAST


@pytest.mark.parametrize("chapter", SOURCES)
def test_a_file_of_checks_imports_what_its_checks_see(chapter):
    """An editor that follows the imports shows what a check will meet."""
    for exercise in learn.chapter(chapter.id).exercises:
        space = namespace(exercise, "tinytorch", set(), {})
        tree = ast.parse("".join(check.code for check in exercise.checks))
        bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - bound
        imports = dict(imported_names(checks_file(chapter.path)))
        for name in used & set(imports):
            module = importlib.import_module(imports[name])
            assert name in space and (
                imports[name] == "tinytorch.learn.expecting" or space[name] is getattr(module, name)
            ), name


def imported_names(path):
    """(name, module) of every `from module import name` at the top of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, node.module) for alias in node.names)
