"""Mutants: a file of the library with one operator, number, comparison or statement changed."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
COMPARISON = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
NAMES = {
    "maximum": "minimum",
    "minimum": "maximum",
    "max": "min",
    "min": "max",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "sum": "mean",
    "mean": "sum",
    "any": "all",
    "all": "any",
    "argmax": "argmin",
    "argmin": "argmax",
    "exp": "log",
    "log": "exp",
    "ceil": "floor",
    "floor": "ceil",
}


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, what it says, and the whole file with it."""

    place: str
    line: int
    change: str
    source: str
    function: str = ""

    def __str__(self) -> str:
        return f"{self.place}:{self.line} {self.function}: {self.change}"


def path_of(place: str) -> Path:
    """Return the file of a place such as "core.losses", or of a room of several files such as "perf.profiling"."""
    path = ROOT / "tinytorch" / place.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def swapped_operator(node):
    """Yield (what it says, changed node) for operators and comparisons."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        if isinstance(node, ast.BinOp) and any(
            isinstance(side, (ast.JoinedStr, ast.Constant)) and isinstance(getattr(side, "value", ""), str)
            for side in (node.left, node.right)
        ):
            return  # text put together
        other = copy.deepcopy(node)
        other.op = ARITHMETIC[type(node.op)]()
        yield "another operator", other
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            if type(operator) in COMPARISON:
                other = copy.deepcopy(node)
                other.ops[number] = COMPARISON[type(operator)]()
                yield "another comparison", other
    if isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and for or", other
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, (ast.Not, ast.USub))
        and not isinstance(node.operand, ast.Constant)
    ):
        yield "no sign or not", copy.deepcopy(node.operand)


def changed_value(node):
    """Yield (what it says, changed node) for numbers, truth values, conditions and names of NumPy functions."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} turned round", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield (
            f"{node.value} made larger",
            ast.Constant(node.value + 1 if isinstance(node.value, int) or node.value == 0 else node.value * 2),
        )
    elif isinstance(node, ast.Attribute) and node.attr in NAMES and isinstance(node.ctx, ast.Load):
        other = copy.deepcopy(node)
        other.attr = NAMES[node.attr]
        yield f"{NAMES[node.attr]} for {node.attr}", other
    elif isinstance(node, ast.IfExp):
        yield "the other branch", ast.IfExp(node.test, copy.deepcopy(node.orelse), copy.deepcopy(node.body))


def removed_statement(node):
    """Yield (what it says, changed node) for statements whose absence should be noticed."""
    if isinstance(node, ast.Raise):
        yield "raise left out", ast.Pass()
    elif isinstance(node, (ast.Assign, ast.AugAssign)) and any(
        isinstance(target, (ast.Subscript, ast.Attribute))
        for target in getattr(node, "targets", [getattr(node, "target", None)])
    ):
        yield "assignment left out", ast.Pass()
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call left out", ast.Pass()


def skipped(tree) -> set[int]:
    """Return ids of nodes that are text for people: docstrings, annotations, messages, representations."""
    found = set()
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, (ast.JoinedStr, ast.Raise)):
            parts = [node] if isinstance(node, ast.JoinedStr) else [node.exc] if node.exc else []
        elif isinstance(node, ast.arg):
            parts = [node.annotation] if node.annotation else []
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parts = [node.returns] if node.returns else []
            if node.name in ("__repr__", "extra_repr", "__dir__") or node.name.startswith("describe"):
                parts.append(node)
        for part in parts:
            found.update(id(inner) for inner in ast.walk(part))
    return found


def owners(tree) -> dict[int, str]:
    """Return, by id of node, the class or function it is in, such as "MatMul.backward"."""
    found = {}

    def visit(node, name):
        found[id(node)] = name
        for child in ast.iter_child_nodes(node):
            inner = isinstance(child, (ast.ClassDef, ast.FunctionDef))
            visit(child, f"{name}.{child.name}".lstrip(".") if inner else name)

    visit(tree, "")
    return found


def mutants(place: str) -> list[Mutant]:
    """Return every mutant of a file, in the order of its lines."""
    tree = ast.parse(path_of(place).read_text(encoding="utf-8"))
    text, inside = skipped(tree), owners(tree)
    found = []
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            for number, node in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(node, ast.AST) and id(node) not in text:
                    number = number if isinstance(value, list) else None
                    found += [
                        replace(mutant, function=inside[id(node)])
                        for mutant in changed(tree, place, parent, field, number, node)
                    ]
    return sorted(found, key=lambda mutant: (mutant.line, mutant.change))


def changed(tree, place, parent, field, number, node):
    """Return the mutants that one node gives."""
    results = []
    for change, other in [*swapped_operator(node), *changed_value(node), *removed_statement(node)]:
        before = getattr(parent, field) if number is None else getattr(parent, field)[number]
        ast.copy_location(other, node)
        put(parent, field, number, other)
        source = ast.unparse(ast.fix_missing_locations(tree))
        put(parent, field, number, before)
        shown = f"{change}: {ast.unparse(node).splitlines()[0]}"
        if not isinstance(other, ast.Pass):
            shown += f"  ->  {ast.unparse(other).splitlines()[0]}"
        results.append(Mutant(place, node.lineno, shown, source))
    return results


def put(parent, field, number, node):
    """Put a node where another one was."""
    if number is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[number] = node
