"""The one parser of chapter files (`modules/01_tensor.md`, whose checks stand in `modules/01_tensor.py`: checks.py).

    chapter = read_chapter("modules/01_tensor.md")
    chapter.meta["title"], chapter.exercises, chapter.questions, chapter.labs
    chapter.blocks      # everything in reading order: Prose, Example, Lab, Exercise, Question, Map

The Sphinx extension calls `read_exercise` and `read_question` on one directive at a time, so page,
notebook and catalog cannot disagree. Every mistake is a ChapterError that names file and line.
"""

import ast
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from tinytorch.learn import catalog
from tinytorch.learn.programs import assigned

from .checks import checks_file, read_checks
from .fences import ChapterError, find_fences, load_yaml, without
from .frontmatter import check_meta

__all__ = ["Chapter", "ChapterError", "read_cell", "read_chapter", "read_exercise", "read_question"]

QUESTION_KINDS = ("choice", "number", "open")
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*$")
_SYMBOL = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")


@dataclass
class Prose:
    text: str
    line: int


@dataclass
class Example:
    """A worked example, run when the book is built."""

    code: str
    tags: list
    line: int


@dataclass
class Lab:
    """A measurement that the reader makes: a worked example with an editor on the page."""

    id: str
    name: str
    code: str
    tags: list
    line: int


@dataclass(frozen=True)
class Program(catalog.Program):
    """A milestone's program as it stands in the text, with the broken function by which tests try it."""

    tags: tuple = ()
    line: int = 0
    broken: "Broken | None" = None


@dataclass
class Broken:
    """A wrong version of one function with which a program must fall short and name that function."""

    exercise: str
    code: str
    line: int


@dataclass
class Map:
    """The place of the connection map."""

    line: int


@dataclass(frozen=True)
class Check(catalog.Check):
    """A check or a goal, and the line where it stands."""

    line: int = 0


@dataclass(frozen=True, kw_only=True)
class Exercise(catalog.Exercise):
    """An exercise and the lines where it and its task stand."""

    line: int
    task_line: int


@dataclass
class Question:
    id: str
    name: str
    kind: str
    text: str
    text_line: int
    data: dict  # the keys of its kind: choices | answer, unit, tolerance, mistakes | model_answer; explanation
    line: int


@dataclass
class Chapter:
    path: Path
    meta: dict
    heading: str
    name: str  # what error messages call the file
    blocks: list = field(default_factory=list)
    checks: dict = field(default_factory=dict)  # exercise name -> what the file of checks holds for it

    @property
    def checks_name(self):
        """What error messages call the file of checks."""
        return str(checks_file(self.name))

    @property
    def is_milestone(self):
        return is_milestone(self.path)

    @property
    def id(self):
        return f"m{self.meta['number']}" if self.is_milestone else f"{self.meta['number']:02d}"

    @property
    def page(self):
        """Where the site has it, without `.html`."""
        return f"{self.path.parent.name}/{self.stem}"

    @property
    def stem(self):
        return self.path.stem

    def _of(self, kind):
        return [block for block in self.blocks if isinstance(block, kind)]

    @property
    def exercises(self):
        return self._of(Exercise)

    @property
    def questions(self):
        return self._of(Question)

    @property
    def labs(self):
        return self._of(Lab)

    @property
    def programs(self):
        return self._of(Program)


def read_chapter(path, name=None):
    """Parse a chapter file. `name` is what error messages call it (default: the path as given)."""
    path, name = Path(path), str(name or path)
    text = path.read_text(encoding="utf-8")
    meta, body, first_line = split_front_matter(text, name)
    check_meta(meta, path, text, name)
    heading = next((line[2:].strip() for line in body.splitlines() if line.startswith("# ")), None)
    if heading is None:
        raise ChapterError(name, first_line, "the chapter has no title; begin it with a line `# Title`.")
    chapter = Chapter(path, meta, heading, name)
    fences = find_fences(body, name, first_line)
    if any(fence.kind == "exercise" for fence in fences):
        chapter.checks = read_checks(checks_file(path), chapter.checks_name)
    chapter.blocks = _blocks(body, first_line, fences, chapter, name)
    _check_names(chapter, name)
    _check_exercises_and_checks(chapter)
    _check_programs(chapter, name)
    _check_competencies(chapter, text, name)
    return chapter


def split_front_matter(text, name):
    """(the `tinytorch:` block, the text after the front matter, its first line's number)."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        raise ChapterError(
            name, 1, "a chapter begins with front matter: a line ---, YAML with a block `tinytorch:`, a line ---."
        )
    end = next((i for i, line in enumerate(lines) if i and line.strip() == "---"), None)
    if end is None:
        raise ChapterError(name, 1, "the front matter opened with --- is never closed; end it with a line ---.")
    meta = load_yaml("".join(lines[1:end]), name, 2) or {}
    if not isinstance(meta, dict) or not isinstance(meta.get("tinytorch"), dict):
        raise ChapterError(
            name, 1, "the front matter has no block `tinytorch:` with number, name, title, tier and the rest."
        )
    return meta["tinytorch"], "".join(lines[end + 1 :]), end + 2


def _blocks(body, first_line, fences, chapter, name):
    lines, blocks, at, count = body.splitlines(), [], 0, 0
    for fence in fences:
        if fence.kind == "exercise":
            count += 1
            block = read_exercise(fence, chapter, f"{chapter.meta['number']}.{count}", name)
        elif fence.kind in QUESTION_KINDS:
            block = read_question(fence, chapter.id, name)
        elif fence.kind == "code-cell":
            block = read_cell(fence, chapter.id, name)
        elif fence.kind == "goal":
            _add_goal(blocks, fence, name)
            block = None
        elif fence.kind == "broken":
            _add_broken(blocks, fence, name)
            block = None
        elif fence.kind == "connection-map":
            block = Map(fence.line)
        elif fence.kind == "check":
            raise _misplaced_check(fence, chapter, name)
        elif fence.kind in ("hint", "scaffold"):
            raise ChapterError(
                name,
                fence.line,
                f"{{{fence.kind}}} stands outside an exercise. If it was meant to be inside, "
                "the exercise's own fence needs more backticks than the fences in it.",
            )
        else:
            continue
        _add_prose(blocks, lines[at : fence.start], first_line + at)
        blocks += [block] if block else []
        at = fence.end
    _add_prose(blocks, lines[at:], first_line + at)
    return blocks


def _add_goal(blocks, fence, path):
    """A goal belongs to the program above it."""
    if not blocks or not isinstance(blocks[-1], Program):
        raise ChapterError(
            path,
            fence.line,
            "{goal} stands directly below the program that must reach it, a code-cell with the tag milestone.",
        )
    blocks[-1] = replace(blocks[-1], goals=(*blocks[-1].goals, _goal(fence, path)))


def _add_broken(blocks, fence, path):
    """A broken function belongs to the program above it."""
    if not blocks or not isinstance(blocks[-1], Program) or blocks[-1].broken:
        raise ChapterError(
            path,
            fence.line,
            "{broken} stands once, below the program that must name the broken function and its goals.",
        )
    if not re.fullmatch(r"\d\d\.[\w-]+", fence.argument):
        raise ChapterError(
            path, fence.line, "{broken} names an exercise on the line of its fence, such as `{broken} 02.relu`."
        )
    code = fence.body.strip("\n") + "\n"
    _compile(code, path, fence.body_line)
    blocks[-1] = replace(blocks[-1], broken=Broken(fence.argument, code, fence.line))


def _misplaced_check(fence, chapter, path):
    return ChapterError(
        path,
        fence.line,
        f"{{check}} stands in the text; checks stand in {chapter.checks_name}, as functions of the exercise's class.",
    )


def _add_prose(blocks, lines, line):
    text = "\n".join(lines)
    if text.strip():
        skipped = len(text) - len(text.lstrip("\n"))
        blocks.append(Prose(text.strip("\n") + "\n", line + skipped))


def read_exercise(fence, chapter, number, path):
    """The Exercise of one `{exercise}` fence; its checks come from the chapter's file of checks."""
    symbol = fence.argument
    if not _SYMBOL.match(symbol):
        raise ChapterError(
            path,
            fence.line,
            f"the exercise names {symbol or 'no symbol'!r}; write module:name, "
            "such as `{exercise} tinytorch.core.tensor:Tensor.sum`.",
        )
    options = _options(fence, {"name": None, "title": None, "minutes": 5}, path)
    name = exercise_name(symbol, options)
    parts = find_fences(fence.body, path, fence.body_line)
    for part in parts:
        if part.kind == "check":
            raise _misplaced_check(part, chapter, path)
    inner = [part for part in parts if part.kind in ("hint", "scaffold")]
    task, task_line = without(fence.body, inner), fence.body_line
    source = chapter.checks.get(name.replace("-", "_"))
    exercise = Exercise(
        id=f"{chapter.id}.{name}",
        name=name,
        number=number,
        title=options["title"],
        minutes=options["minutes"],
        symbol=symbol,
        task=task,
        task_line=task_line,
        scaffold=_scaffold(inner, path),
        hints=tuple(part.body.strip() + "\n" for part in inner if part.kind == "hint"),
        checks=tuple(Check(each.title, each.code, each.line) for each in source.checks) if source else (),
        line=fence.line,
    )
    _check_exercise(exercise, chapter, path)
    return exercise


def exercise_name(symbol, options):
    """The exercise's name: its own, or the last part of the symbol (`Tensor.__add__` gives `add`)."""
    return str(options.get("name") or symbol.rpartition(":")[2].rpartition(".")[2].strip("_"))


def _options(fence, known, path):
    for key in fence.options:
        if key not in known:
            raise ChapterError(
                path, fence.line, f"{{{fence.kind}}} has no setting `{key}`; it knows {', '.join(known) or 'none'}."
            )
    return {**known, **fence.options}


def _scaffold(inner, path):
    found = [part for part in inner if part.kind == "scaffold"]
    if len(found) > 1:
        raise ChapterError(path, found[1].line, "an exercise has at most one {scaffold}.")
    return found[0].body.strip("\n") + "\n" if found else None


def _goal(part, path):
    if not part.argument:
        raise ChapterError(
            path, part.line, "a goal needs a title that says what is true when it is reached, on the line of its fence."
        )
    code = part.body.strip("\n") + "\n"
    _compile(code, path, part.body_line)
    if "expect" not in code:
        raise ChapterError(path, part.line, f"the goal {part.argument!r} never calls expect, so it cannot fail.")
    return Check(part.argument, code, part.line)


def _compile(code, path, line):
    try:
        compile(code, path, "exec")
    except SyntaxError as error:
        raise ChapterError(path, line + (error.lineno or 1) - 1, f"this Python cannot be read: {error.msg}.") from error


def _check_exercise(exercise, chapter, path):
    def fail(sentence):
        raise ChapterError(path, exercise.line, f"exercise {exercise.id}: {sentence}")

    if not _NAME.match(exercise.name):
        fail(f"the name {exercise.name!r} must be letters, digits, _ or -, and begin with a letter.")
    if not exercise.title or not isinstance(exercise.title, str):
        fail("it has no `:title:`; say in a few words what the reader does.")
    if not isinstance(exercise.minutes, int) or exercise.minutes < 1:
        fail(f"`:minutes:` is {exercise.minutes!r}; give a whole number of minutes.")
    if not exercise.task.strip():
        fail("it has no task text; say what the function is for, give one example, and its cost.")
    if not exercise.checks:
        fail(
            f"it has no check. Checks are functions of a class `exercise_{exercise.name.replace('-', '_')}` in {chapter.checks_name}."
        )
    if len(exercise.hints) > 3:
        fail(f"it has {len(exercise.hints)} hints; three are the most: where to look, the idea, the shape of the code.")


def read_cell(fence, chapter_id, path):
    """The Example of one `{code-cell}` fence, the Lab when it is tagged `lab`, the Program when it is tagged `milestone`."""
    tags = fence.options.get("tags") or []
    tags = [tags] if isinstance(tags, str) else list(tags)
    code = fence.body.strip("\n") + "\n"
    if "milestone" in tags:
        return _program(fence, chapter_id, path, tags, code)
    if "lab" not in tags:
        return Example(code, tags, fence.line)
    names = [tag for tag in tags if tag.startswith("lab-")]
    if len(names) != 1 or not _NAME.match(names[0]):
        raise ChapterError(
            path, fence.line, "a lab cell carries its name as a second tag, such as `:tags: [lab, lab-double-n]`."
        )
    return Lab(f"{chapter_id}.{names[0]}", names[0], code, tags, fence.line)


def _program(fence, chapter_id, path, tags, code):
    names = [tag.removeprefix("milestone-") for tag in tags if tag.startswith("milestone-")]
    if len(names) != 1 or not _NAME.match(names[0]):
        raise ChapterError(
            path,
            fence.line,
            "a milestone's program carries its name as a second tag, such as `:tags: [milestone, milestone-learn-and]`.",
        )
    if not fence.options.get("title"):
        raise ChapterError(
            path, fence.line, f"the program {names[0]} has no `:title:`; say in a few words what it does."
        )
    shorter = str(fence.options.get("shorter") or "")
    _check_shorter(shorter, code, path, fence.line)
    title = str(fence.options["title"])
    return Program(f"{chapter_id}.{names[0]}", names[0], title, code, (), shorter, tuple(tags), fence.line)


def _check_shorter(shorter, code, path, line):
    """What shortens a program sets names that it sets itself."""
    try:
        names = set(assigned(ast.parse(shorter)))
    except SyntaxError as error:
        raise ChapterError(path, line, f"`:shorter:` is no Python: {error.msg}; such as `IMAGES = 5_000`.") from error
    if unknown := names - set(assigned(ast.parse(code))):
        raise ChapterError(
            path, line, f"`:shorter:` sets {', '.join(sorted(unknown))}, which the program does not set."
        )
    if shorter and not names:
        raise ChapterError(path, line, "`:shorter:` sets no name; write assignments, such as `IMAGES = 5_000`.")


def read_question(fence, chapter_id, path):
    """The Question of one `{choice}`, `{number}` or `{open}` fence."""
    name = fence.argument
    if not _NAME.match(name):
        raise ChapterError(
            path,
            fence.line,
            f"a question needs a name on the line of its fence, such as `{{{fence.kind}}} copy-or-view`.",
        )
    if not fence.body.strip():
        raise ChapterError(
            path, fence.line, f"question {name}: the question itself is missing; it stands after the settings."
        )
    readers = {"choice": _choice, "number": _number, "open": _open}
    data = readers[fence.kind](fence, path)
    return Question(
        f"{chapter_id}.{name}", name, fence.kind, fence.body.strip("\n") + "\n", fence.body_line, data, fence.line
    )


def _choice(fence, path):
    options = _options(fence, {"choices": None, "explanation": ""}, path)
    choices = options["choices"]
    if not isinstance(choices, list) or len(choices) < 2:
        raise ChapterError(path, fence.line, "a choice question needs `choices:`, a list of at least two.")
    for choice in choices:
        if (
            not isinstance(choice, dict)
            or not choice.get("text")
            or not choice.get("why")
            or set(choice) - {"text", "why", "right"}
        ):
            raise ChapterError(
                path,
                fence.line,
                f"each choice needs `text` and `why` (and `right: true` if it is); this one is {choice!r}.",
            )
    if sum(bool(choice.get("right")) for choice in choices) != 1:
        raise ChapterError(path, fence.line, "exactly one choice must have `right: true`.")
    choices = [{"text": str(c["text"]), "why": str(c["why"]), "right": bool(c.get("right"))} for c in choices]
    return {"choices": choices, "explanation": str(options["explanation"])}


def _number(fence, path):
    known = {"answer": None, "unit": "", "tolerance": 0.01, "mistakes": [], "explanation": ""}
    options = _options(fence, known, path)
    for key in ("answer", "tolerance"):
        if isinstance(options[key], bool) or not isinstance(options[key], (int, float)):
            raise ChapterError(
                path, fence.line, f"a number question needs `{key}:` with a number; it has {options[key]!r}."
            )
    if not options["explanation"]:
        raise ChapterError(path, fence.line, "a number question needs an `explanation:` that shows the calculation.")
    for mistake in options["mistakes"]:
        if not isinstance(mistake, dict) or set(mistake) != {"value", "why"}:
            raise ChapterError(path, fence.line, f"each mistake needs `value` and `why`; this one is {mistake!r}.")
        if abs(mistake["value"] - options["answer"]) <= abs(options["answer"]) * options["tolerance"]:
            raise ChapterError(
                path,
                fence.line,
                f"the mistake {mistake['value']} counts as right: it is as near to the answer {options['answer']} as "
                f"`tolerance: {options['tolerance']}` allows.",
            )
    return options


def _open(fence, path):
    options = _options(fence, {"model_answer": None}, path)
    if not options["model_answer"]:
        raise ChapterError(path, fence.line, "an open question needs a `model_answer:` to compare with.")
    return {"model_answer": str(options["model_answer"])}


def is_milestone(path):
    """Tell whether a file is a milestone's and not a chapter's: the folder decides."""
    return path.parent.name == "milestones"


def _check_exercises_and_checks(chapter):
    """A class of checks without an exercise is a name misspelt, or an exercise that was taken out."""
    names = {exercise.name.replace("-", "_") for exercise in chapter.exercises}
    for source in chapter.checks.values():
        if source.name not in names:
            raise ChapterError(
                chapter.checks_name,
                source.line,
                f"`exercise_{source.name}` belongs to no exercise of the chapter; it has {', '.join(sorted(names))}.",
            )


def _check_programs(chapter, name):
    for program in chapter.programs:
        if not chapter.is_milestone:
            raise ChapterError(
                name, program.line, "a program with goals can only stand in a milestone, a file milestones/NN_name.md."
            )
        if not program.goals:
            raise ChapterError(
                name,
                program.line,
                f"the program {program.name} has no {{goal}}; a milestone states what must be reached.",
            )
        if not program.broken:
            raise ChapterError(
                name,
                program.line,
                f"the program {program.name} has no {{broken}}: a wrong version of a function with which "
                "it must fall short and say whose fault it is.",
            )
    if chapter.is_milestone and not chapter.programs:
        raise ChapterError(name, 1, "a milestone has at least one program, a code-cell with the tag milestone.")


def _check_names(chapter, name):
    seen = {}
    for block in chapter.exercises + chapter.questions + chapter.labs + chapter.programs:
        if block.name in seen:
            raise ChapterError(
                name,
                block.line,
                f"the name {block.name!r} is already taken in line {seen[block.name]}; give this one another.",
            )
        seen[block.name] = block.line


def _check_competencies(chapter, text, name):
    known = {block.name for block in chapter.exercises + chapter.questions + chapter.labs + chapter.programs}
    for competency in chapter.meta["competencies"]:
        for shown in competency["shown_by"]:
            if shown not in known:
                line = next((i for i, t in enumerate(text.splitlines(), 1) if str(shown) in t), 1)
                raise ChapterError(
                    name,
                    line,
                    f"a competency is shown by {shown!r}, but the chapter has no "
                    "exercise, question, lab or program of that name.",
                )
        if set(competency["shown_by"]) <= {lab.name for lab in chapter.labs}:
            line = next((i for i, t in enumerate(text.splitlines(), 1) if competency["text"] in t), 1)
            raise ChapterError(
                name,
                line,
                f"the competency {competency['text']!r} is shown by labs alone, and that a lab was run is "
                "kept nowhere; add an exercise, a question or a program.",
            )
