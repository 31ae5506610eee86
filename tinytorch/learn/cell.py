"""What a reader typed: cleaned, parsed, and sorted into three parts.

    import math                      prelude: what the function needs, goes into the module with it
    def memory_footprint(self): …    target: takes the place of the library's function
    Tensor([1, 2]).memory_footprint()   experiment: runs afterwards, in the session

Whatever is wrong with the text is said in a sentence with the reader's own line
number, by raising Refused. Line numbers never change: cleaning keeps every line.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from dataclasses import dataclass

from . import source
from .explaining import OTHER_FRAMEWORKS, Refused, explain_syntax, framework_words

PROMPT = re.compile(r"^\s*(>>>|\.\.\.)(?: |$)|^\s*In \[\d+\]: ")
BLANKS = str.maketrans({"\u00a0": " ", "\u2007": " ", "\u202f": " ", "\u3000": " ", "\u200b": "", "\ufeff": ""})


@dataclass(frozen=True)
class Cell:
    """One exercise cell, sorted. All nodes carry the reader's line numbers."""

    text: str
    target: ast.FunctionDef
    prelude: tuple[ast.stmt, ...]
    experiments: tuple[ast.stmt, ...]

    @property
    def helpers(self) -> list[str]:
        """The names that the prelude binds."""
        return list(dict.fromkeys(name for statement in self.prelude for name in bound_names(statement)))


def clean(text: str) -> str:
    """Return a text with the marks of pasting removed, line by line.

    >>> clean("\\ufeff>>> def f():\\r\\n...     return 1\\r\\n")
    'def f():\\n    return 1\\n'
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if _parses(text):
        return _spaces_for_tabs(text)
    for repair in (lambda t: t.translate(BLANKS), _without_prompts, _spaces_for_tabs, _moved_left):
        text = repair(text)
        if _parses(text):
            return _spaces_for_tabs(text)
    return text


def _parses(text: str) -> bool:
    try:
        parse_quietly(text)
    except SyntaxError:
        return False
    return True


def parse_quietly(text: str) -> ast.Module:
    """Parse a text; what cannot be read at all (null characters, endless nesting) is a SyntaxError too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return source.parsed(text)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"it cannot be read ({error or 'nested too deeply'})") from None


def _spaces_for_tabs(text: str) -> str:
    if "\t" not in text:
        return text
    frozen = source.frozen_lines(text) if _parses(text) else set()
    lines = text.split("\n")
    for i, line in enumerate(lines):
        body = line.lstrip(" \t")
        if i + 1 not in frozen:
            lines[i] = line[: len(line) - len(body)].expandtabs(4) + body
    return "\n".join(lines)


def _without_prompts(text: str) -> str:
    """Strip interactive prompts; where the text begins with one, lines without a prompt were output."""
    lines = text.split("\n")
    filled = [line for line in lines if line.strip()]
    if not any(PROMPT.match(line) for line in filled):
        return text
    only_prompted = bool(re.match(r"\s*>>>", filled[0]))
    kept = []
    for line in lines:
        prompt = PROMPT.match(line)
        kept.append(line[prompt.end() :] if prompt else "" if only_prompted else line)
    return "\n".join(kept)


def _moved_left(text: str) -> str:
    """Undo the indentation that the whole text was copied with."""
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    width = len(first) - len(first.lstrip())
    if not width or not _parses("if 1:\n" + text):
        return text
    frozen = {line - 2 for line in source.frozen_lines("if 1:\n" + text)}
    return "\n".join(source.dedent_lines(lines, width, frozen))


def parse(text: str) -> tuple[str, ast.Module]:
    """Return cleaned text and tree of any cell, or raise Refused with a sentence."""
    text = clean(text)
    try:
        tree = parse_quietly(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "cell", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise explain_syntax(error, text) from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise Refused("syntax", f"Python cannot compile this text: {error or 'it is nested too deeply'}.") from None
    return text, tree


def read(text: str, exercise) -> Cell:
    """Return an exercise's cell, checked against the function it replaces, or raise Refused."""
    text, tree = parse(text)
    model = source.find(source.parsed(source.module_source(exercise.module)), exercise.qualname)
    target = _target(tree, exercise, model)
    _compare_decorators(target, model)
    _compare_parameters(target, model, is_method="." in exercise.qualname)
    prelude = _prelude(tree, target)
    _refuse_stars(tree, target, exercise)
    _refuse_frameworks([*prelude, target])
    skip = {id(target), *map(id, prelude)}
    experiments = tuple(s for s in tree.body if id(s) not in skip and not _is_older(s, target) and not _is_future(s))
    return Cell(text, target, prelude, experiments)


def is_plain(cell: Cell) -> bool:
    """Tell whether nothing of a cell is evaluated before its function is called: no helpers, constant defaults."""
    defaults = [*cell.target.args.defaults, *cell.target.args.kw_defaults]
    return not cell.prelude and all(default is None or isinstance(default, ast.Constant) for default in defaults)


def unchanged(exercise) -> str:
    """Say that the function is as the page gave it: unwritten, or, where its body is given with a mistake, unmended."""
    if exercise.runs:
        return f"`{exercise.leaf}` is still the function with the mistake. Mend it, then check again."
    return f"`{exercise.leaf}` is still the starter. Write its body, then check again."


def is_starter(cell: Cell, exercise) -> bool:
    """Tell whether the function is still the one the reader was given (comments and spaces aside)."""
    try:
        starter = source.parsed(clean(exercise.starter))
    except SyntaxError:
        return False
    return any(ast.dump(node) == ast.dump(cell.target) for node in starter.body)


def is_untouched(text: str, exercise) -> bool:
    """Tell whether a cell holds the starter and nothing else."""
    try:
        cell = read(text, exercise)
    except Refused:
        return False
    return is_starter(cell, exercise) and not cell.prelude and not cell.experiments


def is_unwritten(text: str, exercise) -> bool:
    """Tell whether the function is still the starter's, or there is no code at all."""
    try:
        return not parse(text)[1].body or is_starter(read(text, exercise), exercise)
    except Refused:
        return False


def _is_older(statement: ast.stmt, target: ast.FunctionDef) -> bool:
    return isinstance(statement, ast.FunctionDef) and statement.name == target.name


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _target(tree: ast.Module, exercise, model) -> ast.FunctionDef:
    """Return the last definition of the exercise's function, or raise Refused for what stands in its place."""
    leaf, wanted = exercise.leaf, source.signature(model)
    here = [s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == leaf]
    if here:
        return here[-1]
    for statement in tree.body:
        found = _stand_in(statement, leaf, wanted)
        if found:
            raise Refused(*found, statement.lineno)
    raise _missing(tree, leaf, wanted)


def _stand_in(statement: ast.stmt, leaf: str, wanted: str) -> tuple[str, str] | None:
    """Return kind and sentence for a statement that has the right name and the wrong form."""
    line = statement.lineno
    inside = [s.name for s in getattr(statement, "body", ()) if isinstance(s, source.DEFINITIONS)]
    if isinstance(statement, ast.ClassDef) and leaf in inside:
        return "class", (
            f"`{leaf}` stands inside `class {statement.name}:` (line {line}). Write the function alone, "
            "beginning at the left edge; it is put into the class for you."
        )
    if isinstance(statement, ast.AsyncFunctionDef) and statement.name == leaf:
        return "signature", (
            f"Line {line}: `{leaf}` is written with `async def`, so a call would not run it. Begin it with `{wanted}`."
        )
    if leaf in bound_names(statement):
        return "missing", (
            f"Line {line} gives the name `{leaf}` to something else than a function made with def. "
            f"Write it as `{wanted}` with its body on the lines below."
        )
    return None


def _missing(tree: ast.Module, leaf: str, wanted: str) -> Refused:
    import difflib

    names = {s.name: s.lineno for s in tree.body if isinstance(s, ast.FunctionDef)}
    near = difflib.get_close_matches(leaf, names, n=1, cutoff=0.6) or (list(names) if len(names) == 1 else [])
    if near:
        line = names[near[0]]
        return Refused(
            "missing",
            f"Line {line} defines `{near[0]}`; this exercise needs the name `{leaf}`. Begin with `{wanted}`.",
            line,
        )
    if not tree.body:
        return Refused(
            "missing", f"There is no code here yet. This exercise needs `{wanted}`; Reset brings the starter back."
        )
    return Refused("missing", f"There is no function `{leaf}` in this code. Begin with `{wanted}` at the left edge.")


def _compare_decorators(target, model) -> None:
    want = [ast.unparse(d) for d in model.decorator_list]
    have = [ast.unparse(d) for d in target.decorator_list]
    missing = [d for d in want if d not in have]
    if missing:
        raise Refused(
            "decorator",
            f"The line `@{missing[0]}` is missing directly above `def {target.name}` (line {target.lineno}); "
            "without it the function would be called in another way. Put it back.",
            target.lineno,
        )
    extra = [d for d in have if d not in want]
    if extra:
        inside = " Put the lines that need no gradient into `with no_grad():`." if "no_grad" in extra[0] else ""
        raise Refused(
            "decorator",
            f"`@{extra[0]}` above `def {target.name}` (line {target.lineno}) is not in the starter and would change "
            f"how the function is called. Remove it.{inside}",
            target.lineno,
        )


@dataclass
class _Parameters:
    positional: list[str]
    with_default: set[str]
    keyword: list[str]
    star: str | None
    double_star: str | None


def _parameters(node) -> _Parameters:
    args = node.args
    positional = [a.arg for a in [*args.posonlyargs, *args.args]]
    count = len(args.defaults)
    defaults = set(positional[len(positional) - count :]) if count else set()
    keyword = [a.arg for a in args.kwonlyargs]
    defaults |= {name for name, default in zip(keyword, args.kw_defaults, strict=True) if default is not None}
    return _Parameters(positional, defaults, keyword, args.vararg and args.vararg.arg, args.kwarg and args.kwarg.arg)


def _compare_parameters(target, model, is_method: bool) -> None:
    want, have = _parameters(model), _parameters(target)
    keep = f"Keep the line as `{source.signature(model)}`."
    reason = _self_slip(want, have, is_method) or _missing_or_extra(want, have) or _order_or_defaults(want, have)
    if reason:
        raise Refused("signature", f"Line {target.lineno}: {reason} {keep}", target.lineno)


def _self_slip(want: _Parameters, have: _Parameters, is_method: bool) -> str | None:
    """A method's first parameter may have another name; it may not be forgotten."""
    if not (is_method and want.positional and want.positional[0] in ("self", "cls")):
        return None
    first = want.positional[0]
    if len(have.positional) < len(want.positional) and first not in have.positional and not have.star:
        return f"the first parameter must be `{first}`, the object that the method is called on; it is missing."
    if have.positional and have.positional[0] not in want.positional:
        want.positional[0] = have.positional[0]
    return None


def _missing_or_extra(want: _Parameters, have: _Parameters) -> str | None:
    names = {*have.positional, *have.keyword}
    stars = [("*", want.star, have.star), ("**", want.double_star, have.double_star)]
    missing = [name for name in [*want.positional, *want.keyword] if name not in names]
    missing += [mark + name for mark, name, own in stars if name and not own]
    known = {*want.positional, *want.keyword}
    extra = [name for name in [*have.positional, *have.keyword] if name not in known and name not in have.with_default]
    words = []
    if missing:
        words.append(
            f"the parameter {_listed(missing)} is missing"
            if len(missing) == 1
            else f"the parameters {_listed(missing)} are missing"
        )
    if extra:
        words.append(
            f"{_listed(extra)} is not a parameter of this function"
            if len(extra) == 1
            else f"{_listed(extra)} are not parameters of this function"
        )
    return "; ".join(words) + "." if words else None


def _order_or_defaults(want: _Parameters, have: _Parameters) -> str | None:
    shared = [name for name in have.positional if name in want.positional]
    moved = [name for name in want.positional if name in have.keyword]
    if moved:
        return f"{_listed(moved)} can only be given by name here, but callers give it by position."
    if shared != want.positional[: len(shared)] or have.positional[: len(shared)] != shared:
        return f"the parameters are in another order: {_listed(have.positional)} instead of {_listed(want.positional)}."
    lost = [
        name
        for name in [*want.positional, *want.keyword]
        if name in want.with_default and name not in have.with_default
    ]
    if lost:
        return f"the default value of {_listed(lost)} is missing, so calls that leave it out would fail."
    return None


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _refuse_frameworks(statements) -> None:
    for node in (n for s in statements for n in ast.walk(s)):
        modules = (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for module in modules:
            name = module.partition(".")[0]
            if name in OTHER_FRAMEWORKS:
                raise Refused("import", framework_words(name, f" (line {node.lineno})"), node.lineno)


def _refuse_stars(tree: ast.Module, target: ast.FunctionDef, exercise) -> None:
    """What ``from math import *`` brings could not go into the module with the function that uses it."""
    own = exercise.module.partition(".")[0]
    for node in ast.walk(tree):
        star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        if not star or (node.module or "").partition(".")[0] in (own, *OTHER_FRAMEWORKS):
            continue
        there = {
            name
            for s in (*tree.body, *source.parsed(source.module_source(exercise.module)).body)
            for name in bound_names(s)
        }
        wanted = sorted(name for name in needed_names(target) if name not in there and not is_builtin(name))
        raise Refused(
            "import",
            f"Line {node.lineno}: `{ast.unparse(node)}` does not say which names it brings, so they cannot go into "
            f"{exercise.file} with your function. Name them: `from {node.module} import {', '.join(wanted) or '…'}`.",
            node.lineno,
        )


def _symbols(statement: ast.stmt):
    """Return Python's own analysis of which names a statement reads, binds and passes on."""
    import symtable

    return symtable.symtable(ast.unparse(statement), "cell", "exec")


def bound_names(statement: ast.stmt) -> list[str]:
    """Return the names that a top-level statement gives a value to.

    >>> bound_names(ast.parse("import os.path, numpy as np").body[0])
    ['os', 'np']
    """
    if isinstance(statement, source.DEFINITIONS):
        return [statement.name]
    if isinstance(statement, ast.Import):
        return [a.asname or a.name.partition(".")[0] for a in statement.names]
    table = _symbols(statement)
    names = [s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()]
    return [name for name in names if name not in ("__annotations__", "__conditional_annotations__")]


def needed_names(statement: ast.stmt) -> set[str]:
    """Return the global names that a statement refers to, in nested functions too."""
    names: set[str] = set()
    tables = [_symbols(statement)]
    top = tables[0]
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        names.update(
            s.get_name() for s in table.get_symbols() if (s.is_referenced() if table is top else s.is_global())
        )
    return names


def names_read_at_once(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads when it runs, and not only when a function in it is called.

    >>> sorted(names_read_at_once(ast.parse("def f(x=K): return J").body[0]))
    ['K']
    """
    names: set[str] = set()
    tables = [_symbols(statement)]
    while tables:
        table = tables.pop()
        tables.extend(inner for inner in table.get_children() if inner.get_type() == "class")
        names.update(s.get_name() for s in table.get_symbols() if s.is_referenced())
    return names


def filled_names(statement: ast.stmt) -> set[str]:
    """Return names whose object a statement fills: ``table[i] = …``, ``table.append(…)``."""
    names = set()
    for node in ast.walk(statement):
        if (
            isinstance(node, (ast.Subscript, ast.Attribute))
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
        ):
            names.add(node.value.id)
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
        ):
            base = node.value.func.value
            names |= {base.id} if isinstance(base, ast.Name) else set()
    return names


def _prelude(tree: ast.Module, target: ast.FunctionDef) -> tuple[ast.stmt, ...]:
    """Return the statements that the target needs, directly or through one another, in order."""
    others = [s for s in tree.body if s is not target and not _is_older(s, target) and not _is_future(s)]
    binds = {id(s): set(bound_names(s)) for s in others}
    before = {name for s in others if s.lineno < target.lineno for name in binds[id(s)]}
    chosen: set[int] = set()
    queue = list(needed_names(target))
    seen = set(queue)
    while queue:
        name = queue.pop()
        for s in others:
            early = s.lineno < target.lineno
            fills = early and name in before and name in filled_names(s) and not isinstance(s, source.DEFINITIONS)
            if id(s) not in chosen and (fills or (name in binds[id(s)] and (early or name not in before))):
                chosen.add(id(s))
                queue.extend(needed_names(s) - seen)
                seen |= needed_names(s)
    return tuple(s for s in others if id(s) in chosen)


def is_builtin(name: str) -> bool:
    """Tell whether Python itself has a function of this name."""
    return hasattr(builtins, name)
