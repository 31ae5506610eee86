"""The catalog: which chapters there are, and what each exercise asks for.

The JSON files in ``chapters/`` are made from the chapters' Markdown when the book is
built. They hold tasks, hints and checks, and no code of the library: an exercise
names a symbol, and starter, solution and edition are derived from that symbol's
source when somebody asks.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from typing import ClassVar, Literal, NotRequired, TypedDict

from . import source

FORMAT = 1
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chapters")
INDEX = "index.json"  # only in the browser: what the other chapters' pages need to know of each chapter


State = Literal["idle", "passed", "failed", "error"]  # what came of an exercise or a program when it was run last


class Competency(TypedDict):
    area: str
    verb: str
    text: str
    shown_by: list[str]


class Choice(TypedDict):
    text: str
    why: str
    right: bool


class Mistake(TypedDict):
    value: float
    why: str


class Question(TypedDict):
    """A question: choices, or a number with its unit and tolerance, or a model answer."""

    id: str
    name: str
    kind: Literal["choice", "number", "open"]
    text: str
    choices: NotRequired[list[Choice]]
    answer: NotRequired[float]
    unit: NotRequired[str]
    tolerance: NotRequired[float]
    mistakes: NotRequired[list[Mistake]]
    model_answer: NotRequired[str]
    explanation: NotRequired[str]


class Lab(TypedDict):
    """A measurement that the reader makes."""

    id: str
    name: str
    code: str


class Unknown(KeyError):
    """The catalog has nothing of a name; the message says what there is."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Check:
    """One check: a sentence that says what must be true, and the Python that tests it."""

    title: str
    code: str

    def to_dict(self) -> dict:
        return _record(self, Check)


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One function or method of the library for the reader to write; every door's and the book's only model of one.

    The order of the fields is that of the chapter's JSON. What is in no file, starter, solution and edition, is derived.
    """

    id: str
    name: str
    number: str
    title: str
    minutes: int = 5
    symbol: str
    task: str = ""
    scaffold: str | None = None
    hints: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()

    BRIEF: ClassVar = ("id", "name", "number", "title", "minutes", "symbol")
    SITE: ClassVar = (*BRIEF, "anchor")
    PAGE: ClassVar = ("id", "number", "title", "place", "edition", "starter", "solution")

    def to_dict(self) -> dict:
        """Return the record that a chapter's JSON holds."""
        return {**_record(self, Exercise), "checks": [check.to_dict() for check in self.checks]}

    def brief(self) -> dict:
        """Return what other chapters' pages need to know of it."""
        return _view(self, self.BRIEF)

    def site(self) -> dict:
        """Return what the progress page needs to know of it, with its place on its page."""
        return _view(self, self.SITE)

    def page(self) -> dict:
        """Return what its own page needs to know of it."""
        return _view(self, self.PAGE)

    @property
    def anchor(self) -> str:
        """Its place on its page."""
        return f"ex-{self.name}"

    @property
    def module(self) -> str:
        """The module that holds it, such as ``"tinytorch.core.tensor"``."""
        return self.symbol.partition(":")[0]

    @property
    def qualname(self) -> str:
        """Its name inside the module, such as ``"Tensor.memory_footprint"``."""
        return self.symbol.partition(":")[2]

    @property
    def leaf(self) -> str:
        """The name of the function alone."""
        return self.qualname.rpartition(".")[2]

    @property
    def file(self) -> str:
        """The name of the module's file."""
        return self.module.rpartition(".")[2] + ".py"

    @property
    def place(self) -> str:
        """Where it lives, for people: ``"tensor.py · Tensor.memory_footprint"``."""
        return f"{self.file} · {self.qualname}"

    @cached_property
    def solution(self) -> str:
        """The library's own source of the function."""
        return source.definition(source.module_source(self.module), self.qualname)

    @cached_property
    def starter(self) -> str:
        """What the reader begins with: signature, docstring, and a body to replace."""
        head = source.header(source.module_source(self.module), self.qualname)
        body = self.scaffold or f'raise NotImplementedError("write {self.leaf}")'
        return head + "\n" + "\n".join(_as_body(body))

    @property
    def runs(self) -> bool:
        """Tell whether the starter is a whole function already, which holds a mistake to be found."""
        return self.scaffold is not None and not re.search(r"NotImplementedError|\.\.\. *(#.*)?$", self.scaffold, re.M)

    @cached_property
    def edition(self) -> str:
        """A short hash that changes when symbol, starter or checks change."""
        import hashlib

        parts = [self.symbol, self.starter, *(check.code for check in self.checks)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]

    @classmethod
    def from_dict(cls, record: dict) -> Exercise:
        known = {each.name: record[each.name] for each in fields(Exercise) if each.name in record}
        checks = tuple(Check(**check) for check in record.get("checks", ()))
        return cls(**{**known, "hints": tuple(record.get("hints", ())), "checks": checks})


def _record(thing, kind) -> dict:
    """Return a thing's fields in order, as its own kind has them; what a parser adds, such as lines, stays out."""
    return {each.name: getattr(thing, each.name) for each in fields(kind)}


def _view(thing, names: tuple[str, ...]) -> dict:
    return {name: getattr(thing, name) for name in names}


def _as_body(text: str) -> list[str]:
    try:
        return source.shifted(text.strip("\n"), 4)
    except SyntaxError:  # a scaffold with gaps to fill need not be Python yet
        return source.indent_lines(text.strip("\n").split("\n"), 4)


@dataclass(frozen=True)
class Program:
    """One program of a milestone, and the goals that a run of it must reach.

    shorter : assignments, such as "IMAGES = 5_000", with which a program that takes minutes still says whether the
        functions that it calls are sound; the goals then ask for less
    """

    id: str
    name: str
    title: str
    code: str
    goals: tuple[Check, ...] = ()
    shorter: str = ""

    BRIEF: ClassVar = ("id", "name", "title")
    SITE: ClassVar = ("id", "title", "anchor")

    def to_dict(self) -> dict:
        """Return the record that a milestone's JSON holds."""
        return {**_record(self, Program), "goals": [goal.to_dict() for goal in self.goals]}

    def brief(self) -> dict:
        """Return what other pages need to know of it."""
        return _view(self, self.BRIEF)

    def site(self) -> dict:
        """Return what the progress page needs to know of it, with its place on its page."""
        return _view(self, self.SITE)

    @property
    def anchor(self) -> str:
        """Its place on its page."""
        return self.name

    @classmethod
    def from_dict(cls, record: dict) -> Program:
        goals = tuple(Check(**goal) for goal in record.get("goals", ()))
        shorter = record.get("shorter", "")
        return cls(record["id"], record["name"], record["title"], record.get("code", ""), goals, shorter)


@dataclass(frozen=True)
class Chapter:
    """One chapter: its place in the course and what it asks of the reader."""

    id: str
    number: int
    name: str
    title: str
    tier: str = "foundation"
    summary: str = ""
    requires: tuple[int, ...] = ()
    unlocks: tuple[int, ...] = ()
    minutes: int = 0
    textbook: tuple[str, ...] = ()
    competencies: tuple[Competency, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    questions: tuple[Question, ...] = ()
    labs: tuple[Lab, ...] = ()
    programs: tuple[Program, ...] = ()

    FACTS: ClassVar = ("id", "number", "name", "title", "tier", "summary")
    SITE: ClassVar = (*FACTS, "requires", "unlocks", "minutes", "textbook", "competencies", "page")
    MILESTONE: ClassVar = ("id", "number", "title", "tier", "summary", "competencies", "page")

    def site(self) -> dict:
        """Return what the progress page needs to know of it."""
        if self.programs:
            return {**_view(self, self.MILESTONE), "programs": [program.site() for program in self.programs]}
        return {
            **_view(self, self.SITE),
            "exercises": [exercise.site() for exercise in self.exercises],
            "questions": [
                {key: q[key] for key in ("id", "name", "kind")} | {"anchor": f"q-{q['name']}"} for q in self.questions
            ],
            "labs": [{"id": lab["id"], "name": lab["name"], "anchor": lab["name"]} for lab in self.labs],
        }

    @property
    def page(self) -> str:
        """Where the site has it."""
        folder = "milestones" if self.programs else "modules"
        return f"{folder}/{self.number:02d}_{self.name}.html"

    @classmethod
    def from_dict(cls, record: dict) -> Chapter:
        if record.get("format") != FORMAT:
            raise ValueError(
                f"chapter file has format {record.get('format')!r}; this tinytorch reads {FORMAT}: build it again"
            )
        known = {key: record[key] for key in ("id", "number", "name", "title")}
        plain = {key: record[key] for key in ("tier", "summary", "minutes") if key in record}
        lists = ("requires", "unlocks", "textbook", "competencies", "questions", "labs")
        many = {key: tuple(record.get(key, ())) for key in lists}
        exercises = tuple(Exercise.from_dict(e) for e in record.get("exercises", ()))
        programs = tuple(Program.from_dict(p) for p in record.get("programs", ()))
        return cls(**known, **plain, **many, exercises=exercises, programs=programs)


@dataclass(frozen=True)
class Catalog:
    """All chapters and milestones of one package."""

    chapters: tuple[Chapter, ...]
    package: str = "tinytorch"
    milestones: tuple[Chapter, ...] = ()
    by_id: dict = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self):
        for chapter in self.chapters:
            self.by_id.update((exercise.id, exercise) for exercise in chapter.exercises)

    @property
    def exercises(self) -> list[Exercise]:
        """All exercises in the order of the course."""
        return list(self.by_id.values())

    def chapter(self, id: str | int) -> Chapter:
        """Return the chapter ``"01"`` (or ``1``)."""
        wanted = str(id).lstrip("0").zfill(2) if str(id).isdecimal() else str(id).lower()
        for chapter in self.chapters:
            if wanted in (chapter.id, chapter.name):
                return chapter
        known = ", ".join(f"{chapter.id} {chapter.name}" for chapter in self.chapters) or "none"
        raise Unknown(f"there is no chapter {id!r}; there are: {known}")

    def exercise(self, id: str) -> Exercise:
        """Return the exercise ``"01.memory_footprint"``."""
        if id in self.by_id:
            return self.by_id[id]
        import difflib

        near = difflib.get_close_matches(str(id), self.by_id, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise Unknown(f"there is no exercise {id!r}{hint}")

    def question(self, id: str) -> Question:
        """Return the question ``"01.copy-or-view"``."""
        for chapter in (*self.chapters, *self.milestones):
            for question in chapter.questions:
                if question["id"] == id:
                    return question
        raise Unknown(f"there is no question {id!r}")

    def milestone(self, id: str | int) -> Chapter:
        """Return the milestone ``"m1"`` (or ``1``, or ``"perceptron"``)."""
        wanted = "m" + str(id).lstrip("0") if str(id).isdecimal() else str(id).lower()
        for milestone in self.milestones:
            if wanted in (milestone.id, milestone.name):
                return milestone
        known = ", ".join(f"{milestone.number} {milestone.name}" for milestone in self.milestones) or "none"
        raise Unknown(f"there is no milestone {id!r}; there are: {known}")

    def program(self, id: str) -> Program:
        """Return the program ``"m1.learn-and"``."""
        programs = {program.id: program for milestone in self.milestones for program in milestone.programs}
        if id not in programs:
            raise Unknown(f"there is no program {id!r}; there are: {', '.join(programs) or 'none'}")
        return programs[id]

    def named(self, ids: list[str]) -> str:
        """Return exercises as they are named in a sentence: "`Tensor.sum` (chapter 01), `relu` (chapter 02)"."""
        return ", ".join(f"`{self.exercise(id).qualname}` (chapter {self.chapter_of(id).id})" for id in ids)

    def chapter_of(self, exercise_id: str) -> Chapter:
        """Return the chapter that an exercise is in."""
        return next(chapter for chapter in self.chapters if any(e.id == exercise_id for e in chapter.exercises))


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """Return the catalog that ships with this package."""
    records = sorted(_records(FOLDER).values(), key=lambda record: record["number"])
    chapters = tuple(Chapter.from_dict(record) for record in records if not record.get("programs"))
    milestones = tuple(Chapter.from_dict(record) for record in records if record.get("programs"))
    return Catalog(chapters, milestones=milestones)


def _records(folder: str) -> dict[str, dict]:
    """Return the records of a folder by id: the brief ones of its index, if it has one, and over them the whole ones."""
    names = [name for name in os.listdir(folder) if name.endswith(".json")] if os.path.isdir(folder) else []
    records = {}
    for name in sorted(names, key=lambda name: (name != INDEX, name)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            content = json.load(file)
        records |= {record["id"]: record for record in (content if name == INDEX else [content])}
    return records


def chapters() -> list[Chapter]:
    """Return all chapters in order."""
    return list(catalog().chapters)


def chapter(id: str | int) -> Chapter:
    """Return one chapter by its number, id or name."""
    return catalog().chapter(id)


def exercise(id: str) -> Exercise:
    """Return one exercise by its id."""
    return catalog().exercise(id)
