"""Putting the reader's function in the library's place, in the running session.

The function object of the library stays; its code, defaults and documentation are
exchanged. So every name that already refers to it, in other modules, in class
bodies (``__radd__ = __add__``), in properties, sees the new behaviour, and undoing
is putting the old parts back.
"""

from __future__ import annotations

import ast
import copy
import importlib
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType

from . import cell as cells
from . import source
from .explaining import Refused
from .guarding import MISSING, Guard, put_back

PROGRAM = "program"  # the name that the code of a milestone's program carries in tracebacks

PARTS = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__type_params__")
FUTURE = importlib.import_module("__future__").annotations.compiler_flag


@dataclass
class Site:
    """Where a symbol lives: its module, its class if any, and the one function object."""

    module: ModuleType
    owner: type | None
    owner_name: str
    outer: object
    function: FunctionType
    original: dict


def find_site(symbol: str) -> Site:
    """Return the site of ``"package.module:Class.method"``."""
    module_name, _, qualname = symbol.partition(":")
    module = importlib.import_module(module_name)
    owner_name, _, leaf = qualname.rpartition(".")
    owner = module
    for part in owner_name.split(".") if owner_name else ():
        owner = getattr(owner, part)
    outer = vars(owner)[leaf]
    function = unwrapped(outer)
    return Site(module, owner if owner_name else None, owner_name, outer, function, parts_of(function))


def unwrapped(value) -> FunctionType:
    """Return the plain function inside a property, static or class method, or decorated function."""
    while True:
        for name in ("fget", "__func__", "__wrapped__", "func"):
            inner = getattr(value, name, None)
            if callable(inner):
                value = inner
                break
        else:
            if not isinstance(value, FunctionType):
                raise TypeError(f"{value!r} is not a function written in Python; an exercise must name one")
            return value


def parts_of(function: FunctionType) -> dict:
    """Return the exchangeable parts of a function."""
    parts = {name: getattr(function, name) for name in PARTS if hasattr(function, name)}
    lazy = getattr(function, "__annotate__", None)  # Python 3.14 has it, unless the annotations are kept as text
    parts.update({"__annotate__": lazy} if lazy else {"__annotations__": function.__annotations__})
    return parts


def set_parts(site: Site, parts: dict) -> None:
    """Give the live function other parts."""
    for name, value in parts.items():
        setattr(site.function, name, value)
    if hasattr(site.outer, "cache_clear"):
        site.outer.cache_clear()


@dataclass
class Placement:
    """One reader's function, compiled and ready to be put in place."""

    exercise: object
    site: Site
    text: str
    cell: cells.Cell
    parts: dict
    helpers: dict = field(default_factory=dict)


class Placer:
    """Keeps which functions are the reader's at this moment, and undoes it."""

    def __init__(self, files: dict[str, str]):
        self.files = files
        self.live: dict[str, Placement] = {}
        self._sites: dict[str, Site] = {}
        self._owners: dict[tuple[str, str], dict[str, object]] = {}
        self._originals: dict[tuple[str, str], object] = {}
        self.guard = Guard(self.helper_names)

    def site(self, exercise) -> Site:
        if exercise.symbol not in self._sites:
            self._sites[exercise.symbol] = find_site(exercise.symbol)
        return self._sites[exercise.symbol]

    def build(self, exercise, text: str) -> Placement:
        """Compile the reader's text for its place; nothing is in place afterwards."""
        cell = cells.read(text, exercise)
        site = self.site(exercise)
        file = file_name(exercise)
        self.files[file] = cell.text
        space = vars(site.module)
        package, lent = exercise.module.partition(".")[0], (*cell.helpers, "__annotations__", "__annotate__")
        # Where `enable_autograd` has failed, the version in place is what this one may be the cure of.
        with self.guard.around(package, anew=self.guard.gradients_due, lent=(space, lent)):
            run_statements(cell.prelude, file, space)
            parts = parts_of(compile_target(cell, site, file))
            helpers = {name: space[name] for name in cell.helpers if name in space}
        placement = Placement(exercise, site, text, cell, parts, helpers)
        self._refuse_collisions(placement)
        return placement

    def apply(self, placement: Placement) -> None:
        """Put a built placement in place of whatever is there."""
        self.remove(placement.exercise.id)
        id, space = placement.exercise.id, vars(placement.site.module)
        self.live[id] = placement
        self.files[file_name(placement.exercise)] = placement.cell.text
        for name, value in placement.helpers.items():
            if space.get(name, MISSING) is not value:
                key = (placement.site.module.__name__, name)
                self._originals.setdefault(key, space.get(name, MISSING))
                self._owners.setdefault(key, {})[id] = value
                space[name] = value
        set_parts(placement.site, placement.parts)

    def remove(self, id: str) -> None:
        """Put the library's own function back."""
        placement = self.live.get(id)
        if placement is None:
            return
        set_parts(placement.site, placement.site.original)
        space, module = vars(placement.site.module), placement.site.module.__name__
        for name in placement.helpers:
            values = self._owners.get((module, name), {})
            if id in values:
                others = [value for owner, value in values.items() if owner != id]
                put_back(space, {name: others[-1] if others else self._originals[module, name]})
                del values[id]
                if not others:
                    del self._originals[module, name]
        del self.live[id]

    def helper_names(self, module: str) -> set[str]:
        """Return the names in a module that are the reader's at this moment."""
        return {name for (owner, name), values in self._owners.items() if owner == module and values}

    def _refuse_collisions(self, placement: Placement) -> None:
        space, module = vars(placement.site.module), placement.site.module.__name__
        for name, value in placement.helpers.items():
            owners = {id for id in self._owners.get((module, name), {}) if id != placement.exercise.id}
            theirs = name in space and not self._owners.get((module, name))
            line = _line_of(placement.cell, name)
            if owners:
                self._refuse_second(placement, name, owners, line)
            elif theirs and space[name] is not value and not self._reads_the_same(placement, name):
                raise Refused(
                    "collision",
                    f"Line {line}: `{name}` is already a name in {placement.exercise.file}, and the rest of that file "
                    "needs it as it is. Give your helper another name.",
                    line,
                )
            elif not theirs and cells.is_builtin(name):
                raise Refused(
                    "collision",
                    f"Line {line}: `{name}` is a name of Python itself, and the rest of {placement.exercise.file} "
                    "would get yours in its place. Give your helper another name.",
                    line,
                )

    def _reads_the_same(self, placement: Placement, name: str) -> bool:
        """In a package that the reader made, the module may have this very helper already."""
        tree = source.parsed(source.module_source(placement.exercise.module))
        return _meaning(tree.body, name) == _meaning(placement.cell.prelude, name)

    def _refuse_second(self, placement: Placement, name: str, owners: set[str], line: int | None) -> None:
        mine = _meaning(placement.cell.prelude, name)
        for id in owners:
            other = self.live[id]
            if _meaning(other.cell.prelude, name) != mine:
                raise Refused(
                    "collision",
                    f"Line {line}: your exercise {other.exercise.number} ({other.exercise.title}) already has a helper "
                    f"`{name}` that reads differently, and both go into {placement.exercise.file}. "
                    "Rename one, or write both the same.",
                    line,
                )


def file_name(exercise) -> str:
    """Return the name that the reader's code carries in tracebacks."""
    return f"{exercise.place} (yours)"


def _line_of(cell: cells.Cell, name: str) -> int | None:
    return next((s.lineno for s in cell.prelude if name in cells.bound_names(s)), None)


def _meaning(statements, name: str) -> list[str]:
    """Return the statements that make or fill a name, such that equal ones compare equal."""
    return [ast.dump(s) for s in statements if name in {*cells.bound_names(s), *cells.filled_names(s)}]


def run_statements(statements, file: str, space: dict) -> None:
    """Execute statements in a namespace, with the reader's line numbers; annotations are not evaluated."""
    module = ast.Module(body=list(statements), type_ignores=[])
    exec(compile(module, file, "exec", FUTURE, dont_inherit=True), space)


def compile_target(cell: cells.Cell, site: Site, file: str) -> FunctionType:
    """Return the reader's function, made as the class body or the module would make it.

    Its annotations are not evaluated: they may name the class that the function goes into.
    """
    node = copy.deepcopy(cell.target)
    node.decorator_list = []
    space = vars(site.module)
    if site.owner is None:
        local = {}
        exec(compile(ast.Module(body=[node], type_ignores=[]), file, "exec", FUTURE, dont_inherit=True), space, local)
        return local[node.name]
    _explicit_super(node, site)
    wrapper = ast.parse(f"class {site.owner.__name__}:\n    pass")
    wrapper.body[0].body = [node]
    code = compile(ast.fix_missing_locations(wrapper), file, "exec", FUTURE, dont_inherit=True)
    body = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
    local = dict(vars(site.owner))
    exec(body, space, local)
    return local[node.name]


def _explicit_super(node: ast.FunctionDef, site: Site) -> None:
    """Make ``super()`` work in a function object that was born without, or with, a class cell.

    Code and function must agree on free variables, and a function's cells cannot be
    exchanged. So ``super()`` becomes ``super(Tensor, self)``, where ``super`` is fetched
    from the builtins because its bare name would ask for a class cell; and where the
    library's function has that cell, the new code mentions ``__class__``, which costs nothing.
    """
    arguments = [*node.args.posonlyargs, *node.args.args]
    rewriter = _SuperRewriter(site.owner_name, arguments[0].arg if arguments else None)
    node.body = [rewriter.visit(statement) for statement in node.body]
    if "__class__" in site.function.__code__.co_freevars:
        mention = _at(node.body[0], ast.parse("if 0: __class__").body[0])
        node.body.insert(1 if source.docstring_node(node) else 0, mention)


def _at(place: ast.AST, tree: ast.AST) -> ast.AST:
    """Give all nodes of a tree the line of another node."""
    for part in ast.walk(tree):
        ast.copy_location(part, place)
    return tree


class _SuperRewriter(ast.NodeTransformer):
    def __init__(self, owner_name: str, first: str | None):
        self.owner_name, self.first = owner_name, first

    def _owner(self, node):
        return _at(node, ast.parse(self.owner_name, mode="eval").body)

    def visit_ClassDef(self, node):
        """A class inside the method has a ``super()`` of its own."""
        return node

    def visit_Call(self, node):
        is_super = isinstance(node.func, ast.Name) and node.func.id == "super"
        self.generic_visit(node)
        if is_super and not node.args and self.first:
            node.args = [self._owner(node), _at(node, ast.Name(self.first, ast.Load()))]
        return node

    def visit_Name(self, node):
        if node.id == "super":
            return _at(node, ast.parse("__import__('builtins').super", mode="eval").body)
        return self._owner(node) if node.id == "__class__" else node
