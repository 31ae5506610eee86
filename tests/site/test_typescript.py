"""The runtime's types are those of the classes in Python, and what Python really makes fits them."""

import json
import subprocess
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal, NotRequired, TypedDict

import pytest
from bs4 import BeautifulSoup

from tinytorch import learn
from tinytorch.learn import kernel
from tinytorch.learn.keeping.progress import Progress
from tinytorch_book import typescript
from tinytorch_book.typescript import Shape

from .conftest import ROOT

WRONG = "def memory_footprint(self):\n    return self.data.size\n"


class Row(TypedDict):
    name: str
    note: NotRequired[str]


@dataclass
class Thing:
    number: int | float
    rows: tuple[Row, ...]
    state: Literal["on", "off"] | None = None
    odd: object = None

    @property
    def place(self) -> str:
        return "here"


@pytest.fixture
def shapes(monkeypatch):
    """Make the file of these shapes only."""

    def of(**some):
        monkeypatch.setattr(typescript, "SHAPES", some)
        monkeypatch.setattr(typescript, "SITE", "")
        return typescript.typescript()

    return of


def test_a_class_becomes_an_interface_with_the_fields_and_properties_that_are_named(shapes):
    made = shapes(Row=Shape(Row), View=Shape(Thing, ("place", "number", "rows", "state"), {"more": "Row[]"}))
    assert "export interface Row {\n  name: string;\n  note?: string;\n}\n" in made
    fields = '  place: string;\n  number: number;\n  rows: Row[];\n  state: "on" | "off" | null;\n  more: Row[];\n'
    assert f"export interface View {{\n{fields}}}\n" in made


@pytest.mark.parametrize("names", [(), ("odd",), ("rows",)])
def test_an_annotation_that_says_nothing_to_the_runtime_is_named(shapes, names):
    with pytest.raises(
        TypeError, match=rf"^Thing\.{'odd' if names == ('odd',) else 'rows'} is annotated .* a class of SHAPES"
    ):
        shapes(Thing=Shape(Thing, names))


def outcomes():
    """Real runs of every kind: passed, failed with a mistake, refused, shown, a milestone's."""
    session = learn.Workshop(on_output=lambda stream, text: None, on_picture=lambda place, svg: None)
    good = learn.exercise("01.memory_footprint").solution
    try:
        yield session.check("01.memory_footprint", WRONG)
        yield session.check("01.memory_footprint", good)
        yield session.check("01.memory_footprint", "def f(:")
        yield session.run("01.memory_footprint", good + "\nTensor([1.0])")
        yield session.run_cell("1 / 0", "lab")
        yield session.milestone(learn.catalog.catalog().milestones[0].programs[0].id)
    finally:
        session.close()


def cards(book):
    """What the sample's pages hand to their scripts, with the name of its type."""
    kinds = {
        "data-exercise": "ExerciseData",
        "data-lab": "LabData",
        "data-program": "LabData",
        "data-question": "QuestionData",
    }
    for page in (*book.glob("modules/*.html"), *book.glob("milestones/*.html")):
        for script in BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select('[data-role="data"]'):
            marks = (mark for parent in script.parents for mark in parent.attrs)
            yield next(kinds[mark] for mark in marks if mark in kinds), json.loads(script.string)


@pytest.fixture
def compile(tmp_path):
    """Compile values against the types; return what the compiler says."""

    def run(values):
        (tmp_path / "generated.ts").write_text(typescript.typescript(), encoding="utf-8")
        lines = [
            f"export const v{i} = {json.dumps(value)} satisfies types.{name};" for i, (name, value) in enumerate(values)
        ]
        (tmp_path / "values.ts").write_text(
            'import type * as types from "./generated";\n' + "\n".join(lines), encoding="utf-8"
        )
        command = [
            ROOT / ".venv/bin/node",
            ROOT / "book/runtime/node_modules/typescript/bin/tsc",
            "--noEmit",
            "--strict",
            "--target",
            "es2022",
            "values.ts",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        return SimpleNamespace(code=done.returncode, said=done.stdout + done.stderr)

    return run


def test_what_python_makes_has_the_shape_that_the_runtime_is_told(sample_book, compile):
    progress = Progress.from_file(ROOT / "tests/learn/backup_of_old.json").to_dict()
    names = {"exercises": "ExerciseRecord", "answers": "AnswerRecord", "history": "HistoryRecord"}
    values = [(name, row) for list, name in names.items() for row in progress[list]]
    values += [("Outcome", outcome.to_dict()) for outcome in outcomes()] + [("Status", kernel.status().to_dict())]
    found = [*cards(sample_book)]
    assert {name for name, _ in found} == {"ExerciseData", "LabData", "QuestionData"}
    catalog = json.loads((sample_book / "_static/tinytorch/catalog.json").read_text(encoding="utf-8"))
    assert catalog["chapters"] and catalog["milestones"]
    done = compile([*values, *found, ("SiteCatalog", catalog)])
    assert done.code == 0, done.said


@pytest.mark.parametrize("change", [{"more": 1}, {"rev": "1"}, {"text": None}, {"state": "running"}])
def test_another_shape_does_not_compile(compile, change):
    record = Progress().write("01.x", "a", "e", "idle")
    assert compile([("ExerciseRecord", {**record, **change})]).code != 0
