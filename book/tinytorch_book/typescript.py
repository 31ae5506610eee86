"""The types of the in-page runtime, made from the classes in Python whose records it gets.

`SHAPES` lists them. A shape is a class, dataclass or TypedDict, all of its fields or some, and what other classes'
records stand in some of them; the types of the fields are the annotations in Python.
"""

import types
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from tinytorch.learn import catalog, checking, explaining, kernel, programs, showing, workshop
from tinytorch.learn.keeping import records

from . import pagedata
from .catalog import write_if_changed

FILE = Path("book/runtime/src/generated.ts")
HEAD = "// Made by `python -m tinytorch_book catalog` from the classes in Python that are named here; see book/tinytorch_book/typescript.py.\n"
PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


@dataclass(frozen=True)
class Shape:
    """One exported type.

    source : the class
    names : the fields and properties that the record has; default: all fields
    more : the type of some of them in TypeScript, where the record has other records in them than the class
    """

    source: type
    names: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)


def _without(kind, *names):
    return tuple(each.name for each in fields(kind) if each.name not in names)


SHAPES = {
    "Display": Shape(showing.Display),
    "CheckResult": Shape(checking.CheckResult, _without(checking.CheckResult, "doubtful")),
    "Problem": Shape(explaining.Problem),
    "Credit": Shape(programs.Credit),
    "Outcome": Shape(workshop.Outcome),
    "Status": Shape(kernel.Status),
    "Passed": Shape(records.Passed),
    "ExerciseRecord": Shape(records.ExerciseRecord),
    "LabRecord": Shape(records.LabRecord),
    "AnswerRecord": Shape(records.AnswerRecord),
    "HistoryRecord": Shape(records.HistoryRecord),
    "ExerciseData": Shape(catalog.Exercise, catalog.Exercise.PAGE),
    "LabData": Shape(pagedata.LabData),
    "MistakeData": Shape(pagedata.MistakeData),
    "QuestionData": Shape(pagedata.QuestionData),
    "Competency": Shape(catalog.Competency),
    "SiteExercise": Shape(catalog.Exercise, catalog.Exercise.SITE),
    "SiteProgram": Shape(catalog.Program, catalog.Program.SITE),
    "SiteQuestion": Shape(catalog.Question, ("id", "name", "kind"), {"anchor": "string"}),
    "SiteLab": Shape(catalog.Lab, ("id", "name"), {"anchor": "string"}),
    "SiteChapter": Shape(
        catalog.Chapter,
        catalog.Chapter.SITE,
        {"exercises": "SiteExercise[]", "questions": "SiteQuestion[]", "labs": "SiteLab[]"},
    ),
    "SiteMilestone": Shape(catalog.Chapter, catalog.Chapter.MILESTONE, {"programs": "SiteProgram[]"}),
    "Planned": Shape(catalog.Chapter, catalog.Chapter.FACTS),
}
SITE = """/** The site's catalog.json. */
export interface SiteCatalog {
  version: string;
  chapters: SiteChapter[];
  planned: Planned[];
  milestones: SiteMilestone[];
}
"""


def typescript():
    """Return the file's text."""
    return "\n".join([HEAD, *(_interface(name, shape) for name, shape in SHAPES.items()), SITE])


def write_types(root):
    """Write the file, and return its name."""
    write_if_changed(Path(root, FILE), typescript())
    return FILE.name


def _interface(name, shape):
    names = shape.names or _own(shape.source)
    hints = _hints(shape.source)
    lines = [_field(shape.source, key, hints[key]) for key in names] + [
        f"  {key}: {text};" for key, text in shape.more.items()
    ]
    return (
        f"/** `{shape.source.__module__}.{shape.source.__name__}` */\nexport interface {name} {{\n"
        + "\n".join(lines)
        + "\n}\n"
    )


def _own(source):
    """Return the names of a class's fields; its properties are in a record only where a shape names them."""
    return [each.name for each in fields(source)] if is_dataclass(source) else list(source.__annotations__)


def _hints(source):
    """Return field or property -> its annotation."""
    hints = get_type_hints(
        source, localns={"Credit": programs.Credit}, include_extras=True
    )  # imported for annotations only
    for key, value in vars(source).items():
        function = (
            value.fget if isinstance(value, property) else value.func if isinstance(value, cached_property) else None
        )
        if function:
            hints[key] = get_type_hints(function).get("return")
    return hints


def _field(source, name, hint):
    optional = get_origin(hint) is NotRequired
    return f"  {name}{'?' if optional else ''}: {_type(get_args(hint)[0] if optional else hint, f'{source.__name__}.{name}')};"


def _type(hint, where):
    """Return an annotation in TypeScript."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(f'"{value}"' for value in inner)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(_type(one, where) for one in inner))
    if origin in (list, tuple):
        one = _type(inner[0], where)
        return f"({one})[]" if " | " in one else f"{one}[]"
    if isinstance(hint, type) and (is_dataclass(hint) or is_typeddict(hint)):
        named = [name for name, shape in SHAPES.items() if shape.source is hint]
        if named:
            return named[0]
    raise TypeError(
        f"{where} is annotated {hint!r}; needed is text, a number, true or false, a list of such, or a class of SHAPES."
    )
