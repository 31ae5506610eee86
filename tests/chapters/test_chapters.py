"""Every chapter of the catalog keeps its promises to the reader.

Nothing here knows a particular chapter: its file of checks holds what its readers write, wrong and right,
and its front matter the words that it introduces.
"""

import ast
import importlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

from tinytorch import learn
from tinytorch.learn.checking import namespace
from tinytorch_book.catalog import chapter_record
from tinytorch_book.checks import checks_file
from tinytorch_book.plan import read_plan

from . import reading

EXERCISES = [pytest.param(chapter, exercise, id=exercise.id) for chapter, exercise in reading.exercises()]
SOURCES = [pytest.param(chapter, id=chapter.id) for chapter in reading.CHAPTERS]
LONGEST = {"06": 75}  # minutes; the threshold chapter, in three parts for three evenings
PLAN = read_plan(reading.ROOT, reading.CHAPTERS)


def kept(which):
    """One parameter for every answer kept in the files of checks."""
    return [pytest.param(exercise, answer, id=f"{exercise.id}-{number}")
            for _, exercise in reading.exercises()
            for number, answer in enumerate(which(exercise), 1)]


@pytest.fixture
def workshop():
    session = learn.Workshop(on_output=lambda stream, text: None)
    yield session
    session.close()


def test_the_catalog_holds_the_chapters_as_they_are_now():
    assert reading.CHAPTERS
    for chapter in reading.CHAPTERS:
        file = Path(learn.__file__).parent / "chapters" / f"{chapter.stem}.json"
        assert file.exists() and json.loads(file.read_text(encoding="utf-8")) == json.loads(json.dumps(chapter_record(chapter))), (
            "the catalog is older than the chapter; run `make build`, or PYTHONPATH=book python -m tinytorch_book catalog")


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_the_untouched_starter_fails(workshop, chapter, exercise):
    assert workshop.check(exercise.id, exercise.starter).state == "failed"


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_the_starter_with_another_docstring_fails_every_check(workshop, chapter, exercise):
    outcome = workshop.check(exercise.id, re.sub(r'("""|\'\'\')', r"\1 ", exercise.starter, count=1))
    assert outcome.state == "failed"
    assert not [check.title for check in outcome.checks if check.passed]


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_the_solution_passes(workshop, chapter, exercise):
    outcome = workshop.check(exercise.id, exercise.solution)
    assert outcome.state == "passed", reading.feedback(outcome)


@pytest.mark.parametrize("exercise, answer", kept(reading.wrong))
def test_a_wrong_answer_fails_with_its_own_feedback(workshop, exercise, answer):
    outcome = workshop.check(exercise.id, reading.written(exercise, answer.answer))
    assert outcome.state != "passed", "a wrong answer passes"
    if answer.named:
        assert answer.words in [check.mistake for check in outcome.checks], reading.feedback(outcome)
    assert answer.words in reading.feedback(outcome), reading.feedback(outcome)


@pytest.mark.parametrize("exercise, answer", kept(reading.right))
def test_another_right_answer_passes(workshop, exercise, answer):
    outcome = workshop.check(exercise.id, reading.written(exercise, answer))
    assert outcome.state == "passed", reading.feedback(outcome)


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_three_wrong_and_three_right_answers_are_kept(chapter, exercise):
    assert len({reading.written(exercise, answer.answer) for answer in reading.wrong(exercise)}) >= 3
    assert len({reading.written(exercise, answer) for answer in reading.right(exercise)}) >= 3


@pytest.mark.parametrize("chapter", SOURCES)
def test_every_named_mistake_has_a_wrong_answer(chapter):
    """A sentence that no wrong answer brings up may be wrong itself, and nobody would see it."""
    without = [f"{chapter.checks_name}:{mistake.line}: {mistake.sentence}"
               for source in chapter.checks.values() for check in source.checks for mistake in check.mistakes if not mistake.answers]
    assert not without


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
            assert name in space and (imports[name] == "tinytorch.learn.expecting" or space[name] is getattr(module, name)), name


def imported_names(path):
    """(name, module) of every `from module import name` at the top of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, node.module) for alias in node.names)


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_no_hint_task_or_scaffold_holds_a_line_of_the_answer(chapter, exercise):
    given = "".join("\n".join([*exercise.hints, exercise.task, exercise.scaffold or ""]).split())
    for line in solution_lines(exercise):
        assert line not in given or line in "".join((exercise.scaffold or "").split()), line


def solution_lines(exercise):
    """The answer's statements without blanks; keywords alone on a line and the like are no answer."""
    function = ast.parse(exercise.solution).body[0]
    for node in ast.walk(ast.Module(body=function.body[1:], type_ignores=[])):
        if isinstance(node, (ast.Return, ast.Assign, ast.AugAssign, ast.Raise)):
            text = "".join(ast.get_source_segment(exercise.solution, node).split())
            if len(text) > 12:
                yield text


@pytest.mark.parametrize("chapter", SOURCES)
def test_a_chapter_has_300_to_600_lines_and_takes_25_to_60_minutes(chapter):
    most = LONGEST.get(chapter.id, 60)
    assert 300 <= reading.lines(chapter) <= 10 * most
    assert 25 <= chapter.meta["minutes"] <= most
    assert sum(exercise.minutes for exercise in chapter.exercises) < chapter.meta["minutes"]


@pytest.mark.parametrize("chapter", SOURCES)
def test_a_chapter_has_its_five_parts_in_order(chapter):
    headings = re.findall(r"^## (.+)$", reading.prose_of(chapter), flags=re.M)
    assert headings == ["Why", "Build", "Use", "Reflect", "What PyTorch does"]
    assert 4 <= len(chapter.exercises) <= 9 and chapter.labs
    kinds = [question.kind for question in chapter.questions]
    assert kinds.count("open") == 1 and len(kinds) >= 4


@pytest.mark.parametrize("chapter", SOURCES)
def test_the_competencies_cover_every_exercise(chapter):
    shown = {name for competency in chapter.meta["competencies"] for name in competency["shown_by"]}
    assert {exercise.name for exercise in chapter.exercises} <= shown


@pytest.mark.parametrize("chapter", SOURCES)
def test_required_chapters_are_written_or_planned(chapter):
    planned = {entry["number"] for entry in PLAN}
    assert set(chapter.meta["requires"]) | set(chapter.meta["unlocks"]) <= planned


def homes():
    """Module of the library -> number of the chapter that builds it."""
    found = {}
    for chapter, exercise in reading.exercises():
        found.setdefault(exercise.module, chapter.number)
    for entry in PLAN:
        for package in ("tinytorch.core", "tinytorch.perf"):
            found.setdefault(f"{package}.{entry['name']}", entry["number"])
    return found


def home_of(module, name):
    """Number of the chapter that builds what `from module import name` gives; 0 when none does."""
    found = homes()
    for place in (module, f"{module}.{name}"):
        if place in found:
            return found[place]
    value = getattr(importlib.import_module(module), name or "", None)
    return found.get(getattr(value, "__module__", None), 0)


@pytest.mark.parametrize("chapter", SOURCES)
def test_a_chapter_uses_no_symbol_of_a_later_one(chapter):
    for code in reading.code_of(chapter):
        for module, name in reading.imported(code):
            assert home_of(module, name) <= chapter.meta["number"], f"{module}.{name}"


@pytest.mark.parametrize("chapter", SOURCES)
def test_a_chapters_part_of_the_library_imports_no_later_one(chapter):
    for module in {exercise.symbol.partition(":")[0] for exercise in chapter.exercises}:
        source = importlib.util.find_spec(module).loader.get_source(module)
        for other, name in reading.imported(source):
            assert home_of(other, name) <= chapter.meta["number"], f"{module} imports {other}.{name}"


@pytest.mark.parametrize("chapter", SOURCES)
def test_no_hint_check_or_message_uses_a_word_of_a_later_chapter(chapter):
    pattern = words_after(chapter.meta["number"])
    for text in spoken(chapter):
        assert not pattern.search(text), (pattern.search(text)[0], text)


def words_after(number, everyday=()):
    """A pattern of the words that chapters after this one introduce."""
    later = [word for entry in PLAN if entry["number"] > number for word in entry["introduces"] if word not in everyday]
    return re.compile(r"\b(" + "|".join(map(re.escape, later)) + r")\b", flags=re.I)


def spoken(chapter):
    """Hints, tasks, titles and checks of a chapter, and the messages its part of the library raises."""
    for exercise in chapter.exercises:
        yield from (exercise.title, exercise.task, *exercise.hints)
        yield from (check.title + "\n" + check.code for check in exercise.checks)
    for module in {exercise.symbol.partition(":")[0] for exercise in chapter.exercises}:
        tree = ast.parse(importlib.util.find_spec(module).loader.get_source(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise):
                yield " ".join(part.value for part in ast.walk(node)
                               if isinstance(part, ast.Constant) and isinstance(part.value, str))


@pytest.mark.parametrize("chapter", SOURCES)
def test_every_figure_has_a_text_and_follows_the_page_colours(chapter):
    for figure in re.findall(r"<svg.*?</svg>", reading.prose_of(chapter), flags=re.S):
        assert 'role="img"' in figure and re.search(r"<title[^>]*>[^<]{40,}</title>", figure)
        assert "currentColor" in figure and "\n\n" not in figure
        for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"var\([^()]*(\([^()]*\))?[^()]*\)", "", figure)):
            pytest.fail(f"{colour} stays the same in dark mode; write var(--tt-…, {colour})")


@pytest.mark.parametrize("chapter", SOURCES)
def test_the_prose_keeps_to_the_house_style(chapter):
    prose = re.sub(r"`[^`]*`|<svg.*?</svg>", "", reading.prose_of(chapter), flags=re.S)
    found = re.search(r"!(?!\[)|\b(simply|powerful|just|obviously|congratulations|awesome)\b", prose, flags=re.I)
    assert not found, prose[max(0, found.start() - 60):found.end() + 20]
