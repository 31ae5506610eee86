"""One-place changes of the reference solutions, put through the checks of their exercises.

    python -m tests.mutation answers 05      # prints what survives, and the share noticed; all chapters without a number

A change that every check lets pass is a wrong answer that a reader would get "passed" for, unless it changes nothing.
Those that change nothing stand with their reason in the chapter's file of checks, in the exercise's list `equivalent`.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import resource
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.chapters import reading
from tinytorch import learn

from .mutants import changed_value, put, removed_statement, skipped, swapped_operator
from .running import bound_memory, until_it_ends

LIMIT = 0.97  # of the changes that are not equivalent, in each chapter
# A change that runs longer is stuck, and a reader notices that; the solution with the longest checks computes for 0.3 s.
CPU_SECONDS, SECONDS = 2, 20
EITHER_ORDER = (
    "np.maximum",
    "np.minimum",
    "np.add",
    "np.multiply",
    "np.result_type",
    "max",
    "min",
)  # the same either way
SIDES = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)


def swapped_sides(node):
    """Yield (what it says, changed node) for operands and arguments in another order."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, SIDES):
        yield "sides swapped", ast.BinOp(copy.deepcopy(node.right), copy.deepcopy(node.op), copy.deepcopy(node.left))
    if isinstance(node, ast.Call) and not (ast.unparse(node.func) in EITHER_ORDER and len(node.args) == 2):
        for i in range(len(node.args) - 1):
            if not any(isinstance(arg, ast.Starred) for arg in node.args[i : i + 2]):
                other = copy.deepcopy(node)
                other.args[i], other.args[i + 1] = other.args[i + 1], other.args[i]
                yield "arguments swapped", other
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) == 2:
        yield "order swapped", ast.Tuple([copy.deepcopy(node.elts[1]), copy.deepcopy(node.elts[0])], ast.Load())


def left_out(node):
    """Yield (what it says, changed node) for a keyword, an end of a slice or a sign that is not there."""
    if isinstance(node, ast.Call):
        for i, keyword in enumerate(node.keywords):
            other = copy.deepcopy(node)
            del other.keywords[i]
            yield f"without {keyword.arg or '**'}=", other
    if isinstance(node, ast.Slice):
        for end in ("lower", "upper", "step"):
            if getattr(node, end) is not None:
                other = copy.deepcopy(node)
                setattr(other, end, None)
                yield f"without the {end} end", other
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        yield "no sign", copy.deepcopy(node.operand)


def other_branch(node):
    """Yield (what it says, changed node) for a condition that is turned round and for a statement that is not there."""
    if isinstance(node, ast.If | ast.While):
        other = copy.deepcopy(node)
        other.test = ast.UnaryOp(ast.Not(), other.test)
        yield "the condition turned round", other
    statement = ast.If | ast.For | ast.While | ast.Assign | ast.AugAssign | ast.Return
    if isinstance(node, statement) and not list(removed_statement(node)):
        yield "left out", ast.Pass()
    if isinstance(node, ast.With):
        yield "without its block", ast.If(ast.Constant(True), copy.deepcopy(node.body), [])


def answers(exercise) -> Iterator[tuple[str, str]]:
    """Yield (what is changed, the whole text of the function) for each change of an exercise's solution."""
    tree = ast.parse(exercise.solution)
    function = tree.body[0]
    text = skipped(tree) | {id(part) for part in ast.walk(ast.Module(docstring(function), []))}
    before = ast.unparse(tree)
    seen, names = {before}, Counter()
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if parent is tree or (parent is function and name != "body"):
                continue
            for number, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.AST) or id(node) in text:
                    continue
                where = number if isinstance(value, list) else None
                for _, other in all_changes(node):
                    put(parent, name, where, ast.copy_location(other, node))
                    changed = ast.unparse(ast.fix_missing_locations(tree))
                    put(parent, name, where, node)
                    if changed not in seen:
                        seen.add(changed)
                        change = described(before, changed)
                        names[change] += 1
                        again = f" ({names[change]})" if names[change] > 1 else ""
                        yield change + again, changed + "\n"


def all_changes(node):
    """Yield every change of one node."""
    for changes in (swapped_operator, changed_value, removed_statement, swapped_sides, left_out, other_branch):
        yield from changes(node)


def docstring(function) -> list:
    """Return the statement that is the function's docstring, in a list, or an empty one."""
    return function.body[:1] if ast.get_docstring(function) is not None else []


def described(before: str, after: str) -> str:
    """Say what a change is: the first line that differs, before and after."""
    lines = zip_longest(before.splitlines(), after.splitlines(), fillvalue="")
    old, new = next((old.strip(), new.strip()) for old, new in lines if old != new)
    return f"left out: {old}" if new == "pass" else f"{old}  ->  {new}"


def passes(workshop, exercise, text: str) -> bool:
    """Tell whether every check lets a text pass, in a fork of this process that is ended when it takes too long."""
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        code = 1
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            bound_memory()
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            code = 0 if workshop.check(exercise.id, text).state == "passed" else 1
        finally:
            os._exit(code)
    return until_it_ends(process, SECONDS) == 0


@dataclass
class Result:
    """What became of the changes of some exercises; `mistaken` are the entries of `equivalent` that are wrong."""

    changes: int = 0
    survivors: list[str] = field(default_factory=list)
    equivalent: int = 0
    mistaken: list[str] = field(default_factory=list)

    @property
    def noticed(self) -> int:
        return self.changes - self.equivalent - len(self.survivors)

    @property
    def share(self) -> float:
        return self.noticed / max(1, self.changes - self.equivalent)

    @property
    def holds(self) -> bool:
        return self.share >= LIMIT and not self.mistaken

    def __str__(self) -> str:
        return (
            f"{self.noticed} of {self.changes - self.equivalent} changes noticed, {100 * self.share:.1f} %; "
            f"{self.equivalent} more change nothing"
        )


def of_exercise(exercise) -> Result:
    """Put every change of an exercise's solution through its checks."""
    workshop = learn.Workshop(on_output=lambda stream, text: None)
    try:
        if not passes(workshop, exercise, exercise.solution):
            raise SystemExit(f"{exercise.id}: the solution does not pass; run make check CHAPTER={exercise.id[:2]}")
        found = dict(answers(exercise))
        survived = {change for change, text in found.items() if passes(workshop, exercise, text)}
    finally:
        workshop.close()
    result, known = Result(len(found)), set()
    for change, _, place in reading.equivalent(exercise):
        if change in survived:
            known.add(change)
        else:
            why = "the checks notice it" if change in found else "no change of the solution reads like that"
            result.mistaken.append(f"{place}: exercise {exercise.id}: {change!r} stands in `equivalent`, but {why}.")
    result.equivalent = len(known)
    result.survivors = [f"{exercise.id}: {change}" for change in found if change in survived - known]
    return result


def of_chapter(chapter) -> Result:
    """Put the changes of all of a chapter's solutions through their checks, and print what survives."""
    total = Result()
    for exercise in chapter.exercises:
        result = of_exercise(exercise)
        for line in [*result.mistaken, *(f"survived: {survivor}" for survivor in result.survivors)]:
            print(f"  {line}", flush=True)
        total.changes += result.changes
        total.equivalent += result.equivalent
        total.survivors += result.survivors
        total.mistaken += result.mistaken
    print(f"{chapter.id}: {total}", flush=True)
    return total


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation answers",
        description="Do the checks notice an answer that is changed in one place?",
    )
    known = [chapter.id for chapter in learn.chapters()]
    parser.add_argument("chapters", nargs="*", metavar="chapter", help="such as 05; all of them by default")
    asked = parser.parse_args(arguments).chapters
    if unknown := [chapter for chapter in asked if chapter not in known]:
        parser.error(f"there is no chapter {unknown[0]}; there are {', '.join(known)}")
    results = [of_chapter(learn.chapter(chapter)) for chapter in asked or known]
    return 0 if all(result.holds for result in results) else 1
