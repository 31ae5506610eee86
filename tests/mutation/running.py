"""Run a file's tests on a mutant in a fork of a process that has loaded NumPy, pytest and hypothesis already."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .mutants import ROOT, Mutant, path_of

SECONDS = 60  # a mutant that runs longer is stuck, and noticed
ROOM = 2**31  # bytes that one may take; a list that grows for ever would take the machine's
TESTS = ROOT / "tests" / "library"
WIDE = ["test_gradients.py", "test_references.py", "test_hard_cases.py"]


def tests_of(place: str) -> list[list[str]]:
    """Return the test files that should notice, in rounds: the file's own first, the wide ones after."""
    name = place.split(".")[:2][-1]  # the files of a room have their tests together
    own = sorted(str(file) for file in TESTS.glob(f"test_{name}*.py"))
    house = [f"{TESTS / 'test_house.py'}::test_the_examples_in_the_docstrings_are_true[{place}]"]
    wide = [str(TESTS / file) for file in WIDE if (TESTS / file).exists()] if place.startswith("core.") else []
    return [own + house, wide] if wide else [own + house]


class MutantFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant's source in the place of one module."""

    def __init__(self, mutant: Mutant):
        self.name, self.source, self.file = f"tinytorch.{mutant.place}", mutant.source, str(path_of(mutant.place))

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        spec = importlib.util.spec_from_loader(name, self, is_package=Path(self.file).stem == "__init__")
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(str(Path(self.file).parent))
        return spec

    def exec_module(self, module):
        module.__file__ = self.file
        exec(compile(self.source, f"<mutant of {self.name}>", "exec"), vars(module))


def child(mutant: Mutant, files: list[str]) -> int:
    """Run the tests on the mutant, in this process; return 0 when they all pass."""
    import pytest

    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    sys.meta_path.insert(0, MutantFinder(mutant))
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore", *files]))


def run(mutant: Mutant, files: list[str]) -> str:
    """Return "survived", "noticed" or "stuck"."""
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        code = 1
        try:
            bound_memory()
            code = child(mutant, files)
        finally:
            os._exit(1 if code else 0)
    status = until_it_ends(process, SECONDS)
    return "stuck" if status is None else "survived" if status == 0 else "noticed"


def bound_memory() -> None:
    """Let what this process asks for beyond `ROOM` be a MemoryError."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (ROOM if hard == resource.RLIM_INFINITY else min(ROOM, hard), hard))


def until_it_ends(process: int, seconds: float) -> int | None:
    """Return the status with which a process with a group of its own ends; kill it, and return None, if it takes longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return status
        time.sleep(0.005)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def verdict(mutant: Mutant) -> str:
    """Run the mutant against its tests, round after round, until one notices."""
    result = "survived"
    for files in tests_of(mutant.place):
        result = run(mutant, files)
        if result != "survived":
            break
    return result


def warm_up() -> None:
    """Load what every child needs, but nothing of the library."""
    import hypothesis.extra.numpy  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401

    sys.dont_write_bytecode = True
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)


def check_unchanged(place: str) -> None:
    """Raise when the tests fail without any mutant: then they would notice everything."""
    source = path_of(place).read_text(encoding="utf-8")
    for files in tests_of(place):
        if run(Mutant(place, 0, "nothing", ast.unparse(ast.parse(source))), files) != "survived":
            names = " ".join(os.path.relpath(file, ROOT) for file in files)
            raise SystemExit(f"{place}: the tests fail on the library as it is; run pytest {names}")


def verdicts(mutants: list[Mutant], workers: int):
    """Yield (mutant, verdict) as they come."""
    with ThreadPoolExecutor(workers) as pool:
        yield from zip(mutants, pool.map(verdict, mutants), strict=True)
