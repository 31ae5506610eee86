"""The library's tests pass in the Python that readers have in their browsers, under Node."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.library.conftest import MISSING

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run():
    command = [
        ROOT / ".venv/bin/node",
        ROOT / "tests/pyodide/run.mjs",
        ROOT / "build/pyodide",
        ROOT / "build/pyodide-tests",
        ROOT,
    ]
    return subprocess.run([*command, "tests/library"], capture_output=True, text=True, timeout=900)


def test_the_library_passes_its_tests_in_the_browsers_python(run):
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    assert int(passed[1]) > 500


def test_what_is_skipped_there_is_what_a_browser_cannot_do(run):
    reasons = re.findall(r"^SKIPPED \[\d+\] \S+: (.*)$", run.stdout, re.M)
    print("\n".join(reasons))
    assert set(reasons) <= set(MISSING.values())
