"""Source text: where a symbol stands in a file, and how its lines move.

Everything that shows, cuts out or replaces a function goes through here. Lines
move as whole lines; a line that begins inside a multi-line string never moves,
because its spaces belong to the value of the string. Docstrings do move: Python's
tools ignore their indentation, and readers do not.

    dedent_lines(["    def f():", "        return 1"], 4)  ->  ["def f():", "    return 1"]
"""

from __future__ import annotations

import ast
import importlib.util
import io
import tokenize
from functools import lru_cache

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
STRINGS = tuple(getattr(ast, name) for name in ("Constant", "JoinedStr", "TemplateStr") if hasattr(ast, name))


def module_source(name: str) -> str:
    """Return the text of a module as it stands on disk, whatever was swapped since it was imported."""
    spec = importlib.util.find_spec(name)
    text = spec.loader.get_source(name) if spec and spec.loader else None
    if text is None:
        raise LookupError(f"there is no source text for module {name}; install tinytorch from its wheel or its folder")
    return text


@lru_cache(maxsize=128)
def parsed(text: str) -> ast.Module:
    """Parse a text once; callers must not change the tree."""
    return ast.parse(text)


def find(tree: ast.AST, qualname: str):
    """Return the definition named like ``"Tensor.sum"``, or raise LookupError.

    Of a property's getter and setter, which share a name, it is the first.
    """
    node = tree
    for part in qualname.split("."):
        here = [child for child in node.body if isinstance(child, DEFINITIONS) and child.name == part]
        if not here:
            raise LookupError(f"there is no definition of {qualname} in the module's source")
        node = here[0]
    return node


def span(node: ast.AST) -> tuple[int, int]:
    """Return first and last line (counted from 1) of a statement, decorators included."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return first, node.end_lineno


def docstring_node(node: ast.AST):
    """Return the expression that is the docstring of a definition, or None."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
        value = body[0].value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value
    return None


def frozen_lines(text: str) -> set[int]:
    """Return the lines (from 1) that begin inside a multi-line string which is no docstring."""
    tree = parsed(text)
    loose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS) and (doc := docstring_node(node)):
            loose.update(range(doc.lineno + 1, doc.end_lineno + 1))
    strings = (n for n in ast.walk(tree) if isinstance(n, STRINGS))
    if all(n.lineno == n.end_lineno or n.lineno + 1 in loose for n in strings):
        return set()
    return _lines_inside_strings(text) - loose


def _lines_inside_strings(text: str) -> set[int]:
    inside: set[int] = set()
    openings: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        elif kind in ("FSTRING_START", "TSTRING_START"):
            openings.append(token.start[0])
        elif kind in ("FSTRING_END", "TSTRING_END"):
            inside.update(range(openings.pop() + 1, token.end[0] + 1))
    return inside


def indent_lines(lines: list[str], width: int, frozen=frozenset()) -> list[str]:
    """Move lines to the right; ``frozen`` holds positions (from 0) that stay."""
    pad = " " * width
    return [line if i in frozen or not line.strip() else pad + line for i, line in enumerate(lines)]


def dedent_lines(lines: list[str], width: int, frozen=frozenset()) -> list[str]:
    """Move lines to the left by at most ``width`` blanks; ``frozen`` holds positions that stay."""
    return [line if i in frozen or not line.strip() else _without_blanks(line, width) for i, line in enumerate(lines)]


def _without_blanks(line: str, width: int) -> str:
    blanks = len(line) - len(line.lstrip(" \t"))
    return line[min(width, blanks) :]


def lines_of(text: str) -> list[str]:
    """Split at newlines only: a form feed or a line separator inside a string ends no line of Python."""
    return text.split("\n")


def cut(text: str, first: int, last: int, width: int) -> str:
    """Return lines first..last (from 1) of a text, moved left by ``width``."""
    frozen = {line - first for line in frozen_lines(text) if first <= line <= last}
    return "\n".join(dedent_lines(lines_of(text)[first - 1 : last], width, frozen))


def definition(text: str, qualname: str) -> str:
    """Return the source of one definition, moved to column 0.

    >>> definition("class A:\\n    def f(self):\\n        return 1\\n", "A.f")
    'def f(self):\\n    return 1'
    """
    node = find(parsed(text), qualname)
    return cut(text, *span(node), node.col_offset)


def header(text: str, qualname: str) -> str:
    """Return decorators, ``def`` line and docstring of one function, moved to column 0."""
    node = find(parsed(text), qualname)
    first, _ = span(node)
    doc = docstring_node(node)
    last = doc.end_lineno if doc else node.body[0].lineno - 1
    if last < node.lineno:
        return signature(node)
    return cut(text, first, last, node.col_offset)


def signature(node) -> str:
    """Return the ``def`` line of a function as one line of text."""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"def {node.name}({ast.unparse(node.args)}){returns}:"


def shifted(text: str, width: int) -> list[str]:
    """Return the lines of a text that stands at column 0, moved right."""
    frozen = {line - 1 for line in frozen_lines(text)}
    return indent_lines(lines_of(text), width, frozen)


def with_comment(text: str, first: int) -> int:
    """Return the line where the block of comments directly above line ``first`` begins."""
    lines = lines_of(text)
    while first > 1 and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    return first


def replace(text: str, changes: list[tuple[str, str, str]]) -> str:
    """Return a module's text with functions replaced.

    changes : list of (qualname, new definition at column 0, helpers at column 0)

    A definition takes the place and the indentation of the old one. Helpers go
    above the class or function that holds it, at the module's own level.
    """
    tree = parsed(text)
    edits: list[tuple[int, int, list[str]]] = []
    above: dict[int, list[str]] = {}
    for qualname, new, helpers in changes:
        node = find(tree, qualname)
        first, last = span(node)
        edits.append((first, last, shifted(new, node.col_offset)))
        if helpers:
            top, _ = span(find(tree, qualname.split(".")[0]))
            above.setdefault(with_comment(text, top), []).extend([*lines_of(helpers), "", ""])
    edits += [(line, line - 1, block) for line, block in above.items()]
    lines = lines_of(text)
    for first, last, block in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        lines[first - 1 : last] = block
    return "\n".join(lines)
