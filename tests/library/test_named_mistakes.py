"""The tests notice the classic ways to get this library wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.processes
def test_every_classic_mistake_is_noticed():
    done = subprocess.run([sys.executable, "-m", "tests.mutation", "--named"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("noticed: ") == 12 and "12 of 12 noticed" in done.stdout
