"""The overlay: a copy of the package in which the reader's functions are the source.

It is made from the files of the package as they stand on disk, never from what is
swapped in memory, and it is imported once, apart from the running session, before
anybody gets it.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import sys
from collections import Counter
from contextlib import contextmanager

from . import cell as cells
from . import source
from .catalog import INDEX, Catalog
from .catalog import catalog as shipped_catalog
from .explaining import explain

SKIP = (".pyc", ".pyo", f"chapters{os.sep}{INDEX}")
SKIPPED_FOLDERS = ("__pycache__", "cli")  # a framework has no use for the course's terminal program
DATA = (".npz",)


class OverlayError(Exception):
    """The reader's package cannot be made; the message says which function stands in the way."""


class Overlay:
    """The reader's package.

    accepted : exercise id -> text of the cell that passed
    """

    def __init__(self, accepted: dict[str, str], catalog: Catalog | None = None):
        self.catalog = catalog or shipped_catalog()
        self.exercises = [(e, accepted[e.id]) for e in self.catalog.exercises if e.id in accepted]

    def files(self, whole: bool = True) -> dict[str, str | bytes]:
        """Return path -> content of every file of the package, with the reader's functions, imported once to be sure.

        whole : also what a browser has not fetched yet; whoever only wants to be sure does without
        """
        files = package_files(self.catalog.package, whole)
        for module in dict.fromkeys(exercise.module for exercise, _ in self.exercises):
            path = module_path(files, module)
            files[path] = self._module_text(module, files[path])
        self._prove(files)
        return files

    def wheel(self, author: str) -> tuple[str, bytes]:
        """Return file name and content of an installable wheel with the author's name in it."""
        from .wheel import build_wheel

        files = self.files()
        before = yours(self.catalog.package, files)["exercises"]
        passed = list(dict.fromkeys([*before, *(exercise.id for exercise, _ in self.exercises)]))
        record = json.dumps({"author": author, "exercises": passed}, ensure_ascii=False, indent=1) + "\n"
        files[f"{self.catalog.package}/learn/yours.json"] = record
        return build_wheel(self.catalog.package, files, author)

    def _module_text(self, module: str, text: str) -> str:
        """Return a module's text with the reader's functions; what two of them share is there once, for the first."""
        tree = source.parsed(text)
        places = [(name, s.lineno) for s in tree.body for name in cells.bound_names(s)]
        bound = {name for name, _ in places}
        mine = [(e, cells.read(cell_text, e)) for e, cell_text in self.exercises if e.module == module]
        lines = {e.id: source.find(tree, e.qualname.partition(".")[0]).lineno for e, _ in mine}
        changes, below, late = [], [], set()
        for exercise, cell in sorted(mine, key=lambda pair: lines[pair[0].id]):
            helpers = _helpers(cell, bound)
            bound = bound.union(*map(cells.bound_names, helpers))
            late |= {name for name, line in places if line >= lines[exercise.id]}
            waiting = _needing(helpers, late)
            late = late.union(*map(cells.bound_names, waiting), *map(cells.filled_names, waiting))
            below += [_helpers_text(cell, waiting)] if waiting else []
            above = _helpers_text(cell, [s for s in helpers if s not in waiting])
            changes.append((exercise.qualname, _statement_text(cell, cell.target), above))
        return _with_future("\n\n\n".join([source.replace(text, changes).rstrip("\n"), *below]) + "\n")

    def _prove(self, files: dict[str, str]) -> None:
        modules = [exercise.module for exercise, _ in self.exercises]
        try:
            import_apart(self.catalog.package, files, modules)
        except Exception as error:
            raise OverlayError(self._blame(error)) from error

    def _blame(self, error: Exception) -> str:
        """Name the functions that cannot be imported by themselves, or all when only the whole fails."""
        guilty = [e for e, text in self.exercises if not self._stands_alone(e.id, text)]
        names = ", ".join(f"{e.number} {e.leaf}" for e in guilty or [e for e, _ in self.exercises])
        reason = explain(error, {}).sentence
        return (
            f"The package with your functions ({names}) cannot be imported: {reason} "
            "Look at what their cells do outside the function."
        )

    def _stands_alone(self, id: str, text: str) -> bool:
        if len(self.exercises) == 1:
            return False
        try:
            Overlay({id: text}, self.catalog).files(whole=False)
        except OverlayError:
            return False
        return True


def yours(package: str, files: dict[str, str | bytes]) -> dict:
    """Return who made a package and which exercises' functions are theirs; of the library itself: nobody and none."""
    return json.loads(files.get(f"{package}/learn/yours.json", '{"author": "", "exercises": []}'))


def package_files(package: str, whole: bool = True) -> dict[str, str | bytes]:
    """Return path -> text of every file of a package, with the package's name as first folder; data stays bytes."""
    if whole and (wheels := sys.modules.get("tinytorch_wheels")):  # a browser fetches some files when they are needed
        wheels.fetch_all()
    folder = importlib.util.find_spec(package).submodule_search_locations[0]
    files = {}
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = os.path.join(here, name)
            if not path.endswith(SKIP):
                with open(path, "rb") as file:
                    content = file.read()
                if not name.endswith(DATA):
                    content = content.decode("utf-8").replace("\r\n", "\n")
                files[f"{package}/{os.path.relpath(path, folder).replace(os.sep, '/')}"] = content
    return files


def module_path(files: dict[str, str], module: str) -> str:
    """Return the path of a module among a package's files."""
    stem = module.replace(".", "/")
    for path in (f"{stem}.py", f"{stem}/__init__.py"):
        if path in files:
            return path
    raise OverlayError(f"The package has no file for the module {module}.")


def _with_future(text: str) -> str:
    """Return a module's text in which annotations are not evaluated, as they are not when a function is placed."""
    tree = source.parsed(text)
    if any(isinstance(s, ast.ImportFrom) and s.module == "__future__" for s in tree.body):
        return text
    doc, lines = source.docstring_node(tree), source.lines_of(text)
    place = doc.end_lineno if doc else 0
    gap = [""] if place else []
    after = [] if place < len(lines) and not lines[place].strip() else [""]
    lines[place:place] = [*gap, "from __future__ import annotations", *after]
    return "\n".join(lines)


def _helpers(cell: cells.Cell, bound: set[str]) -> list[ast.stmt]:
    """Return a cell's helpers, without what the module has already.

    Placing has refused every helper that would change a name of the module, so a name
    that is bound is bound to the same thing. What fills a table goes where the table goes.
    """
    touched = [(s, set(cells.bound_names(s)) or cells.filled_names(s)) for s in cell.prelude]
    return [s for s, names in touched if not names or not names <= bound]


def _needing(helpers: list[ast.stmt], late: set[str]) -> list[ast.stmt]:
    """Return the helpers that must wait for the end of the file: Python reads in them a name that comes late."""
    waiting: list[ast.stmt] = []
    for statement in helpers:
        if cells.names_read_at_once(statement) & late:
            waiting.append(statement)
            late = late.union(cells.bound_names(statement), cells.filled_names(statement))
    return waiting


def _helpers_text(cell: cells.Cell, helpers: list[ast.stmt]) -> str:
    """Return the source of some of a cell's helpers."""
    groups: list[str] = []
    last_plain = False
    for statement in helpers:
        text = _statement_text(cell, statement)
        plain = not isinstance(statement, source.DEFINITIONS)
        close = last_plain and plain
        groups.append(text if not groups else ("\n" if close else "\n\n\n") + text)
        last_plain = plain
    return "".join(groups)


def _statement_text(cell: cells.Cell, statement: ast.stmt) -> str:
    """Return a statement's own lines with the comments directly above; one that shares a line is written anew."""
    first, last = source.span(statement)
    others = [
        s for s in source.parsed(cell.text).body if s.lineno != statement.lineno or s.col_offset != statement.col_offset
    ]
    if any(source.span(s)[0] <= last and first <= source.span(s)[1] for s in others):
        return ast.unparse(statement)
    return source.cut(cell.text, source.with_comment(cell.text, first), last, 0)


class _Finder:
    """Finds a package's modules among texts in memory.

    calls : where each call of an exercise's function is counted, by exercise id; None counts nothing
    """

    def __init__(self, package: str, files: dict, exercises=(), calls: Counter | None = None):
        self.files, self.exercises, self.calls = files, exercises, calls
        folder = importlib.util.find_spec(package).submodule_search_locations[0]
        self.above = os.path.dirname(folder)

    def find_spec(self, name, path=None, target=None):
        stem = name.replace(".", "/")
        for file, is_package in ((f"{stem}/__init__.py", True), (f"{stem}.py", False)):
            if file in self.files:
                spec = importlib.util.spec_from_loader(name, self, is_package=is_package)
                spec.origin = file
                return spec
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        file = module.__spec__.origin
        module.__file__ = os.path.join(self.above, *file.split("/"))  # data lies beside the module on the disk
        code = self.files[file] if self.calls is None else self._counting(module, self.files[file])
        exec(compile(code, file, "exec", dont_inherit=True), vars(module))

    def _counting(self, module, text: str) -> ast.Module:
        """Return a module's tree in which each exercise's function first counts that it was called."""
        tree = ast.parse(text)  # not the cached one: this one is changed
        for exercise in self.exercises:
            if exercise.module == module.__name__:
                function = source.find(tree, exercise.qualname)
                note = ast.parse(f"__called__({exercise.id!r})").body[0]
                first = function.body[0]
                for node in ast.walk(note):
                    if hasattr(node, "lineno"):
                        ast.copy_location(node, first)
                place = 1 if ast.get_docstring(function, clean=False) is not None else 0
                function.body.insert(place, note)
        vars(module)["__called__"] = self._count
        return tree

    def _count(self, id: str) -> None:
        self.calls[id] += 1


@contextmanager
def apart(package: str, files: dict, exercises=(), calls: Counter | None = None, shared: tuple[str, ...] = ()):
    """Let imports of a package come from texts in memory, fresh; afterwards the session is as it was.

    shared : subpackages that stay those of the running session
    """

    def ours(name: str) -> bool:
        return name == package or name.startswith(package + ".")

    def stays(name: str) -> bool:
        return any(name == f"{package}.{part}" or name.startswith(f"{package}.{part}.") for part in shared)

    saved = {name: module for name, module in sys.modules.items() if ours(name)}
    finder = _Finder(package, files, exercises, calls)
    try:
        for name in saved:
            if not stays(name):
                del sys.modules[name]
        sys.meta_path.insert(0, finder)
        yield importlib.import_module(package)
    finally:

        def put_back() -> None:
            sys.meta_path[:] = [each for each in sys.meta_path if each is not finder]
            for name in [name for name in sys.modules if ours(name) and not stays(name)]:
                del sys.modules[name]
            sys.modules.update(saved)

        _to_the_end(put_back)


def _to_the_end(tidy) -> None:
    """Tidy up whole; a Stop that comes meanwhile begins it again and is raised afterwards."""
    stopped = None
    while True:
        try:
            tidy()
            break
        except KeyboardInterrupt as error:
            stopped = error
    if stopped:
        raise stopped


def import_apart(package: str, files: dict, modules) -> dict:
    """Import modules of a package from texts in memory, leaving the running session as it was; return them."""
    with apart(package, files):
        return {name: importlib.import_module(name) for name in modules}
