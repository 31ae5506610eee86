"""The law of a chapter: what it promises its readers beyond being readable, each broken promise with its line.

    course = Course(root)
    for error in broken(course, course.find("05")):
        print(error)                # modules/05_dataloader.md:118: exercise 05.stack_samples: …

`python -m tinytorch_book check 05` prints them. What can only be known by running code (that a wrong answer is caught,
that a solution passes) is proven in tests/chapters, in CPython and in the browser's Python.
"""

import ast
import importlib
import importlib.util
import re
import symtable
from functools import cached_property
from pathlib import Path

from .chapter import ChapterError, Example, Lab, Prose
from .checks import AT_LEAST
from .frontmatter import line_of
from .plan import read_chapters, read_milestones, read_plan

PARTS = ["Why", "Build", "Use", "Reflect", "What PyTorch does"]
FURTHER = "Further exercises"  # a chapter may end with some, for those who want more; they and their text count apart
MILESTONE_FIRST, MILESTONE_LAST = ["Why"], ["Reflect", "What came after"]
LINES, MINUTES, EXERCISES = (300, 600), (25, 60), (4, 9)
# Minutes, and ten lines for each; for two or three evenings.
LONGEST = {"06": 75, "09": 75, "12": 70, "14": 70, "15": 70, "16": 75, "17": 75, "18": 75, "19": 70}
WIDEST = 76  # columns of a milestone's program, which is shown without its own scroll bar
SHORTEST_ANSWER = 12  # characters; a shorter statement, such as `return out`, gives nothing away
FIGURE_TEXT = 40  # characters that say what a figure shows
EVERYDAY = {"kernel"}  # milestones measure the kernels of the page's NumPy, long before chapter 09 convolves with one
STYLE = re.compile(r"!(?!\[)|\b(simply|powerful|just|obviously|congratulations|awesome)\b", re.I)


class Course:
    """All chapters and milestones below a folder, and which chapter builds what."""

    def __init__(self, root):
        self.root = Path(root)
        self.chapters, self.milestones = read_chapters(self.root), read_milestones(self.root)
        self.plan = read_plan(self.root, self.chapters)

    def find(self, id):
        """The chapter "05" or the milestone "m1"."""
        for chapter in [*self.chapters, *self.milestones]:
            if chapter.id == id:
                return chapter
        known = ", ".join(chapter.id for chapter in [*self.chapters, *self.milestones])
        raise ChapterError("modules", 1, f"there is no chapter {id!r}; there are {known}.")

    @cached_property
    def homes(self):
        """Module of the library -> number of the chapter that builds it."""
        found = {}
        for chapter in self.chapters:
            for exercise in chapter.exercises:
                found.setdefault(module_of(exercise), chapter.meta["number"])
        for entry in self.plan:
            for package in ("tinytorch.core", "tinytorch.perf"):
                found.setdefault(f"{package}.{entry['name']}", entry["number"])
        return found

    def home_of(self, module, name):
        """Number of the chapter that builds what `from module import name` gives; 0 when none does."""
        for place in (
            module,
            f"{module}.{name}",
            module.rpartition(".")[0],
        ):  # the last: a chapter's room of several files
            if place in self.homes:
                return self.homes[place]
        value = getattr(importlib.import_module(module), name or "", None)
        return self.homes.get(getattr(value, "__module__", None), 0)

    def words_after(self, number, everyday=()):
        """A pattern of the words that chapters after this one introduce."""
        later = [
            word
            for entry in self.plan
            if entry["number"] > number
            for word in entry["introduces"]
            if word not in everyday
        ]
        return re.compile(r"\b(" + "|".join(map(re.escape, later)) + r")\b" if later else r"(?!)", re.I)


def broken(course, chapter):
    """Every rule that a chapter or milestone breaks, as ChapterErrors in the order of the rules."""
    rules = MILESTONE_RULES if chapter.is_milestone else CHAPTER_RULES
    return [error for rule in rules for error in rule(course, chapter)]


def module_of(exercise):
    return exercise.symbol.partition(":")[0]


def modules_of(chapter):
    """The modules of the library that a chapter builds."""
    return sorted({module_of(exercise) for exercise in chapter.exercises})


def library_source(module):
    return importlib.util.find_spec(module).loader.get_source(module)


def imported(code):
    """(module, name or None, line) of everything that a piece of Python imports from tinytorch."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (
                (alias.name, None, node.lineno) for alias in node.names if alias.name.split(".")[0] == "tinytorch"
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tinytorch":
            yield from ((node.module, alias.name, node.lineno) for alias in node.names)


def prose_of(chapter):
    """(line, text) of all text that a reader sees outside code."""
    yield from ((block.line, block.text) for block in chapter.blocks if isinstance(block, Prose))
    for exercise in chapter.exercises:
        yield exercise.task_line, exercise.task
        yield from ((exercise.line, hint) for hint in exercise.hints)
    yield from ((question.text_line, question.text) for question in chapter.questions)


def code_of(chapter):
    """(file, line, code) of all Python that runs for a reader."""
    yield from ((chapter.name, block.line, block.code) for block in chapter.blocks if isinstance(block, (Example, Lab)))
    yield from ((chapter.name, program.line, program.code) for program in chapter.programs)
    for exercise in chapter.exercises:
        yield from ((chapter.checks_name, check.line, check.code) for check in exercise.checks)
        if exercise.scaffold:
            yield chapter.name, exercise.line, exercise.scaffold


def spoken(chapter):
    """(file, line, text) of hints, tasks, titles and checks, and of the messages its part of the library raises."""
    for exercise in chapter.exercises:
        yield from ((chapter.name, exercise.line, text) for text in (exercise.title, exercise.task, *exercise.hints))
        yield from ((chapter.checks_name, check.line, f"{check.title}\n{check.code}") for check in exercise.checks)
    for module in modules_of(chapter):
        for node in ast.walk(ast.parse(library_source(module))):
            if isinstance(node, ast.Raise):
                texts = [
                    part.value
                    for part in ast.walk(node)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                yield module.replace(".", "/") + ".py", node.lineno, " ".join(texts)


def line_in(text, position, first):
    return first + text.count("\n", 0, position)


# --- the rules of a chapter -------------------------------------------------------------------------------------------


def answers_are_kept(course, chapter):
    for exercise in chapter.exercises:
        source = chapter.checks[exercise.name.replace("-", "_")]
        for which, count in (("wrong", source.count_wrong), ("right", len(source.right))):
            if count < AT_LEAST:
                yield ChapterError(
                    chapter.checks_name,
                    source.line,
                    f"exercise {exercise.id} keeps {count} {which} answer{'' if count == 1 else 's'}; {AT_LEAST} are the least.",
                )


def every_mistake_has_its_answer(course, chapter):
    """A sentence that no wrong answer brings up may be wrong itself, and nobody would see it."""
    for source in chapter.checks.values():
        for check in source.checks:
            for mistake in check.mistakes:
                if not mistake.answers:
                    yield ChapterError(
                        chapter.checks_name,
                        mistake.line,
                        f"no wrong answer stands behind the sentence {mistake.sentence!r}; write one that must get it.",
                    )


def nothing_gives_the_answer_away(course, chapter):
    from tinytorch.learn import source

    for exercise in chapter.exercises:
        scaffold = "".join((exercise.scaffold or "").split())
        given = "".join("\n".join([*exercise.hints, exercise.task]).split())
        try:
            solution = source.definition(library_source(module_of(exercise)), exercise.symbol.partition(":")[2])
        except (LookupError, ImportError, AttributeError) as error:
            yield ChapterError(
                chapter.name,
                exercise.line,
                f"exercise {exercise.id} names {exercise.symbol}, which the library does not have: {error}.",
            )
            continue
        for line in statements(solution):
            squeezed = "".join(line.split())
            if len(squeezed) > SHORTEST_ANSWER and squeezed in given and squeezed not in scaffold:
                yield ChapterError(
                    chapter.name,
                    exercise.line,
                    f"exercise {exercise.id}: a hint or the task holds a line of the answer, `{line}`.",
                )


def statements(solution):
    """A solution's statements that say something: keywords alone on a line and the like are no answer."""
    function = ast.parse(solution).body[0]
    for node in ast.walk(ast.Module(body=function.body[1:], type_ignores=[])):
        if isinstance(node, (ast.Return, ast.Assign, ast.AugAssign, ast.Raise)):
            yield " ".join(ast.get_source_segment(solution, node).split())


def it_has_a_plain_form(course, chapter):
    """What a notebook cannot show stops the build after minutes; here it is said at once."""
    from .library import derive
    from .notebooks import chapter_notebook

    try:
        chapter_notebook(chapter, course.plan, derive)
    except ChapterError as error:
        yield ChapterError(chapter.name, error.line, error.sentence)


def it_has_its_length(course, chapter):
    text = chapter.path.read_text(encoding="utf-8")
    lines, minutes = len(re.split(rf"^## {FURTHER}$", text, flags=re.M)[0].splitlines()), chapter.meta["minutes"]
    longest = LONGEST.get(chapter.id, MINUTES[1])
    most = LINES[1] * longest // MINUTES[1]
    if not LINES[0] <= lines <= most:
        yield ChapterError(chapter.name, lines, f"the text has {lines} lines; {LINES[0]} to {most} are an evening's.")
    if not MINUTES[0] <= minutes <= longest:
        yield ChapterError(
            chapter.name,
            line_of(text, "minutes"),
            f"the chapter takes {minutes} minutes; {MINUTES[0]} to {longest} are right.",
        )
    working = sum(exercise.minutes for exercise in before_further(chapter))
    if working >= minutes:
        yield ChapterError(
            chapter.name,
            line_of(text, "minutes"),
            f"the exercises alone take {working} of the chapter's {minutes} minutes.",
        )


def it_has_its_parts(course, chapter):
    headings = headings_of(chapter)
    if headings not in (PARTS, [*PARTS, FURTHER]):
        yield ChapterError(
            chapter.name,
            1,
            f"the parts are {', '.join(headings) or 'none'}; they must be {', '.join(PARTS)}, "
            f"and {FURTHER} may follow.",
        )
    count = len(before_further(chapter))
    if not EXERCISES[0] <= count <= EXERCISES[1]:
        yield ChapterError(
            chapter.name,
            1,
            f"there are {count} exercises; {EXERCISES[0]} to {EXERCISES[1]} are right.",
        )
    if not chapter.labs:
        yield ChapterError(
            chapter.name, 1, "there is no measurement that the reader makes, a code-cell with the tag lab."
        )
    if len(chapter.questions) < 4:
        yield ChapterError(chapter.name, 1, f"there are {len(chapter.questions)} questions; four are the least.")
    yield from it_has_one_open_question(course, chapter)


def headings_of(chapter):
    return re.findall(r"^## (.+)$", "\n".join(text for _, text in prose_of(chapter)), flags=re.M)


def before_further(chapter):
    """The exercises that belong to the chapter's evening: all but those under its last heading, for more."""
    last = [
        line_in(text, found.start(), line)
        for line, text in prose_of(chapter)
        for found in re.finditer(rf"^## {FURTHER}$", text, flags=re.M)
    ]
    return [exercise for exercise in chapter.exercises if not last or exercise.line < last[0]]


def it_has_one_open_question(course, chapter):
    count = sum(question.kind == "open" for question in chapter.questions)
    if count != 1:
        yield ChapterError(chapter.name, 1, f"there are {count} open questions; there is exactly one.")


def the_competencies_cover_every_exercise(course, chapter):
    shown = {name for competency in chapter.meta["competencies"] for name in competency["shown_by"]}
    for exercise in chapter.exercises:
        if exercise.name not in shown:
            yield ChapterError(
                chapter.name,
                exercise.line,
                f"exercise {exercise.id} shows no competency; name it under `shown_by` of one.",
            )


def what_it_requires_is_planned(course, chapter):
    planned = {entry["number"] for entry in course.plan}
    text = chapter.path.read_text(encoding="utf-8")
    for key in ("requires", "unlocks"):
        for number in set(chapter.meta[key]) - planned:
            yield ChapterError(
                chapter.name,
                line_of(text, key),
                f"`{key}` names chapter {number}, which is neither written nor in book/plan.yml.",
            )


def it_uses_nothing_later(course, chapter):
    last = last_chapter(chapter)
    for file, line, code in code_of(chapter):
        try:
            found = list(imported(code))
        except SyntaxError:  # a scaffold with gaps to fill need not be Python yet
            continue
        for module, name, at in found:
            if (home := course.home_of(module, name)) > last:
                yield ChapterError(
                    file,
                    line + at,
                    f"{module}.{name or ''} is built in chapter {home:02d}, which the reader has not met yet.",
                )


def a_lab_needs_nothing_from_an_example(course, chapter):
    """A reader runs labs; the examples between them ran when the page was built."""
    shown, there = set(), {"np", *importlib.import_module("tinytorch").__all__}
    for block in chapter.blocks:
        if isinstance(block, Example):
            shown |= global_names(block.code)[0]
        elif isinstance(block, Lab):
            bound, used = global_names(block.code)
            for name in sorted((used & shown) - bound - there):
                yield ChapterError(
                    chapter.name,
                    block.line,
                    f"the code of {block.name} uses `{name}`, which only an example before it binds; readers run no examples.",
                )
            there |= bound


def global_names(code):
    """What a piece of Python binds at its top, and what it uses of that: two sets of names."""
    tables = [symtable.symtable(code, "<code>", "exec")]
    bound = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    bound |= {child.get_name() for child in tables[0].get_children()}
    used = {symbol.get_name() for symbol in tables[0].get_symbols() if symbol.is_referenced()}
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return bound, used


def its_library_imports_nothing_later(course, chapter):
    for module in modules_of(chapter):
        for other, name, line in imported(library_source(module)):
            if (home := course.home_of(other, name)) > chapter.meta["number"]:
                yield ChapterError(
                    module.replace(".", "/") + ".py",
                    line,
                    f"this file of chapter {chapter.id} imports {other}.{name or ''} of chapter {home:02d}.",
                )


def it_speaks_no_later_word(course, chapter):
    pattern = course.words_after(chapter.meta["number"])
    for file, line, text in spoken(chapter):
        if found := pattern.search(text):
            yield ChapterError(file, line, f"{found[0]!r} is a word of a later chapter: …{around(text, found)}…")


def every_figure_has_a_text_and_the_pages_colours(course, chapter):
    for line, text in prose_of(chapter):
        for found in re.finditer(r"<svg.*?</svg>", text, flags=re.S):
            figure, at = found[0], line_in(text, found.start(), line)
            if 'role="img"' not in figure or not re.search(rf"<title[^>]*>[^<]{{{FIGURE_TEXT},}}</title>", figure):
                yield ChapterError(
                    chapter.name,
                    at,
                    f'the figure needs role="img" and a <title> of at least {FIGURE_TEXT} characters that says what it shows.',
                )
            if "currentColor" not in figure or "\n\n" in figure:
                yield ChapterError(
                    chapter.name,
                    at,
                    "the figure must draw its lines in currentColor, and hold no empty line, which would end it.",
                )
            for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"var\([^()]*(\([^()]*\))?[^()]*\)", "", figure)):
                yield ChapterError(
                    chapter.name, at, f"{colour} stays the same in dark mode; write var(--tt-…, {colour})."
                )


def the_prose_keeps_to_the_house_style(course, chapter):
    for line, text in prose_of(chapter):
        plain = re.sub(
            r"`[^`]*`|<svg.*?</svg>",
            lambda found: " " * len(found[0]) if "\n" not in found[0] else re.sub(r"[^\n]", " ", found[0]),
            text,
            flags=re.S,
        )
        for found in STYLE.finditer(plain):
            yield ChapterError(
                chapter.name,
                line_in(plain, found.start(), line),
                f"the house style does without {found[0]!r}: …{around(text, found)}…",
            )


def around(text, found):
    return text[max(0, found.start() - 40) : found.end() + 20].replace("\n", " ")


def last_chapter(chapter):
    return max(chapter.meta["requires"], default=0) if chapter.is_milestone else chapter.meta["number"]


CHAPTER_RULES = (
    answers_are_kept,
    every_mistake_has_its_answer,
    nothing_gives_the_answer_away,
    it_has_a_plain_form,
    it_has_its_length,
    it_has_its_parts,
    the_competencies_cover_every_exercise,
    what_it_requires_is_planned,
    it_uses_nothing_later,
    a_lab_needs_nothing_from_an_example,
    its_library_imports_nothing_later,
    it_speaks_no_later_word,
    every_figure_has_a_text_and_the_pages_colours,
    the_prose_keeps_to_the_house_style,
)


# --- the rules of a milestone -----------------------------------------------------------------------------------------


def a_milestone_speaks_no_later_word(course, milestone):
    pattern = course.words_after(last_chapter(milestone), EVERYDAY)
    texts = list(prose_of(milestone))
    texts += [
        (each.line, f"{each.title}\n{each.code}")
        for program in milestone.programs
        for each in (program, *program.goals)
    ]
    for line, text in texts:
        if found := pattern.search(text):
            yield ChapterError(
                milestone.name,
                line_in(text, found.start(), line),
                f"{found[0]!r} is a word of a later chapter: …{around(text, found)}…",
            )


def a_milestone_has_its_parts(course, milestone):
    headings = headings_of(milestone)
    if headings[:1] != MILESTONE_FIRST or headings[-2:] != MILESTONE_LAST:
        yield ChapterError(
            milestone.name,
            1,
            f"the parts are {', '.join(headings) or 'none'}; they begin with {MILESTONE_FIRST[0]} and end "
            f"with {' and '.join(MILESTONE_LAST)}.",
        )
    yield from it_has_one_open_question(course, milestone)


def its_programs_fit_the_column(course, milestone):
    for program in milestone.programs:
        for number, line in enumerate(program.code.splitlines(), 1):
            if len(line) > WIDEST:
                yield ChapterError(
                    milestone.name,
                    program.line + number,
                    f"a line of {program.name} has {len(line)} columns; {WIDEST} fit.",
                )


MILESTONE_RULES = (
    what_it_requires_is_planned,
    it_uses_nothing_later,
    a_milestone_speaks_no_later_word,
    a_milestone_has_its_parts,
    its_programs_fit_the_column,
    every_figure_has_a_text_and_the_pages_colours,
    the_prose_keeps_to_the_house_style,
)
