"""A milestone's program: run on the reader's own package, in a session of its own, and told how it went.

The package is the overlay, imported afresh. Nothing of the page's session is visible to the
program, and nothing of the program stays. Each function that an exercise asks for counts
its calls, so that the run can say which parts were the reader's and which the library's.
"""

from __future__ import annotations

import ast
import gc
import io
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from tinytorch.pictures import live

from . import checking
from .catalog import Catalog, Program
from .expecting import Expecting
from .guarding import OWN
from .overlay import Overlay, apart, yours
from .placing import PROGRAM

PATIENCE = 20.0  # seconds for finding out which function is to blame
SHORTER = "The goals are not reached. To find the reason, the program now runs again, unseen and much shorter, with the library's functions in the place of yours."
AGAIN = "The goals are not reached. To find the reason, the program now runs again, unseen, with the library's functions in the place of yours."


@dataclass
class Credit:
    """One function that a run called: which, whose it was, how often, and where its exercise is."""

    id: str
    place: str
    yours: bool
    calls: int
    chapter: str
    page: str

    def to_dict(self) -> dict:
        return asdict(self)


class Run:
    """One run of a program.

    accepted : exercise id -> text; these functions are the reader's, the others the library's
    files : file name -> text of the reader's lines; those of the overlay are added
    """

    def __init__(self, program: Program, accepted: dict[str, str], catalog: Catalog, files: dict[str, str]):
        self.program, self.accepted, self.catalog = program, accepted, catalog
        self.calls: Counter[str] = Counter()
        self.goals: list[checking.CheckResult] = []
        self.overlay = Overlay(accepted, catalog).files()
        self.installed = yours(catalog.package, self.overlay)["exercises"]
        self.files = files
        modules = {e.module for e in catalog.exercises if e.id in accepted}
        for path, text in self.overlay.items():
            if path.endswith(".py") and path[:-3].replace("/", ".") in modules:
                self.files[path] = text

    def start(self, execute) -> list[dict]:
        """Run the program by ``execute(namespace)`` and try its goals; what the program raises comes out."""
        gc.collect()  # the run before left its package and its data in circles of references
        space = {"__name__": "__main__"}
        exercises = self.catalog.exercises
        with apart(self.catalog.package, self.overlay, exercises, self.calls, OWN):
            shown = execute(space)
            calls = self.calls.copy()  # what the goals themselves call does not count
            self.goals = [self._try(goal, space) for goal in self.program.goals]
            self.calls = calls
        return shown

    def _try(self, goal, space: dict) -> checking.CheckResult:
        result = checking.run_check(PROGRAM, goal, {**space, **Expecting(self.files).names()}, self.files)
        if result.doubtful:
            result.message = (
                f"The goal's line `{result.input}` raised {result.got}. It needs names that the printed program makes."
            )
        return result

    @property
    def reached(self) -> bool:
        return bool(self.goals) and all(goal.passed for goal in self.goals)

    def credits(self) -> list[Credit]:
        """Return the functions that were called, in the order of the course."""
        found = []
        for chapter in self.catalog.chapters:
            for e in chapter.exercises:
                if self.calls[e.id]:
                    page = f"{chapter.page}#ex-{e.name}"
                    mine = e.id in self.accepted or e.id in self.installed
                    found.append(Credit(e.id, e.place, mine, self.calls[e.id], chapter.id, page))
        return found


def assigned(tree: ast.Module) -> dict[str, ast.Assign]:
    """Return the statements of a program that set one name, by that name.

    >>> list(assigned(ast.parse("IMAGES = 50_000; a, b = 1, 2")))
    ['IMAGES']
    """
    found = (node for node in tree.body if isinstance(node, ast.Assign) and len(node.targets) == 1)
    return {node.targets[0].id: node for node in found if isinstance(node.targets[0], ast.Name)}


def shortened(tree: ast.Module, shorter: str) -> ast.Module:
    """Return a program in which the names that `shorter` sets are set to its values.

    >>> ast.unparse(shortened(ast.parse("N = 9\nprint(N)"), "N = 2"))
    'N = 2\nprint(N)'
    """
    mine, wanted = assigned(tree), assigned(ast.parse(shorter))
    chosen = {id(mine[name]): node for name, node in wanted.items() if name in mine}
    body = [ast.copy_location(chosen.get(id(node), node), node) for node in tree.body]
    return ast.fix_missing_locations(ast.Module(body=body, type_ignores=[]))


def advice(program: Program, accepted: dict[str, str], catalog: Catalog, execute, called, fails) -> str:
    """Return why a run fell short: it is tried again with the library's functions in the place of the reader's.

    That may take as long as the run did, so it is said first. A program that takes minutes has a shorter form for it.

    called : ids of the exercises whose functions the run called
    fails : function of id that tells whether the reader's function fails its own checks
    """
    mine = [id for id in catalog.by_id if id in accepted and id in called]
    if not mine:
        return (
            "None of the exercises' functions that ran is yours, so look at what you changed in the program: the numbers "
            "that it was printed with reach the goals. Reset brings it back."
        )
    live.say(SHORTER if program.shorter else AGAIN)
    if not _reaches(program, {}, catalog, execute):
        return (
            "With the library's functions in the place of yours it falls short too, so your functions are not the reason. "
            "Look at what you changed in the program; Reset brings the printed one back."
        )
    if program.shorter and _reaches(program, accepted, catalog, execute):
        return (
            "A shorter run reaches its goals with your functions as with the library's, so they are not the reason. "
            "Look at what you changed in the program; Reset brings the printed one back."
        )
    with _unheard():
        guilty = [id for id in mine if fails(id)]
    if not guilty or not _reaches(program, _without(accepted, guilty), catalog, execute):
        guilty = _one_by_one(program, accepted, catalog, execute, mine)
    if not guilty:
        return (
            "With the library's functions in the place of yours all goals are reached, so more than one of yours has a part in it: "
            f"{catalog.named(mine)}. Check them again, the earliest first."
        )
    several = len(guilty) > 1
    return (
        f"With the library's function{'s' * several} in the place of your {catalog.named(guilty)} all goals are reached. "
        f"Look there: check {'these exercises' if several else 'that exercise'} again."
    )


def _without(accepted: dict[str, str], ids: list[str]) -> dict[str, str]:
    return {id: text for id, text in accepted.items() if id not in ids}


def _one_by_one(program: Program, accepted: dict[str, str], catalog: Catalog, execute, ids: list[str]) -> list[str]:
    """Return the functions without which the goals are reached; a search that takes long is given up."""
    deadline = time.monotonic() + PATIENCE
    guilty = []
    for id in ids:
        if time.monotonic() < deadline and _reaches(program, _without(accepted, [id]), catalog, execute):
            guilty.append(id)
    return guilty


def _reaches(program: Program, accepted: dict[str, str], catalog: Catalog, execute) -> bool:
    """Tell whether a program reaches its goals with these functions, unseen and unheard."""
    try:
        with _unheard(), live.shown_by(live.unseen):
            run = Run(program, accepted, catalog, {})
            run.start(execute)
    except (Exception, SystemExit):
        return False
    return run.reached


@contextmanager
def _unheard():
    streams = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = io.StringIO()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
