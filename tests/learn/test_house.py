"""What holds for the files of `tinytorch.learn` themselves."""

import doctest
import importlib
import subprocess
import sys

import pytest

from tinytorch import learn


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_library_does_not_load_learn():
    assert run("import sys, tinytorch; print(*[m for m in sys.modules if m.startswith('tinytorch.learn')])") == []


def test_learn_loads_nothing_slow_for_starting():
    slow = "zipfile tempfile hashlib difflib decimal statistics symtable asyncio argparse IPython matplotlib importlib.resources importlib.metadata"
    loaded = run(
        f"import sys, numpy; before = set(sys.modules)\nfrom tinytorch import learn; learn.Workshop()\nprint(*(set('{slow}'.split()) & (set(sys.modules) - before)))"
    )
    assert loaded == []


@pytest.mark.parametrize("name", ["cell", "comparing", "digits", "pad", "memory", "showing", "source", "wheel"])
def test_the_examples_in_the_docstrings_are_true(name):
    module = importlib.import_module(f"tinytorch.learn.{name}")
    failed, tried = doctest.testmod(module)
    assert tried and not failed


def test_every_public_name_is_there():
    for name in [*learn.__all__, "open", "load_ipython_extension", "progress"]:
        assert getattr(learn, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        learn.nothing
