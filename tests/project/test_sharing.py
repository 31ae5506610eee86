"""How workers share the tests: seen in a small run of its own."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTES = """
import json, os, time
import pytest

@pytest.mark.parametrize("n", range(4))
def test_it(n, worker_id):
    start = time.time()
    time.sleep({seconds})
    with open({log!r}, "a") as log:
        log.write(json.dumps([__file__, worker_id, start, time.time()]) + chr(10))
"""
FILES = {
    "tests/browser/alone/test_a.py": 0.05,
    "tests/browser/alone/test_b.py": 0.05,
    "tests/browser/test_quick.py": 0.01,
    "tests/browser/journey/test_long.py": 0.3,
    "tests/library/test_x.py": 0.01,
}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_what_has_a_limit_of_time_runs_last_on_one_worker_with_nothing_beside_it(tmp_path, workers):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    log = tmp_path / "log"
    for name, seconds in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(NOTES.format(seconds=seconds, log=str(log)))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        str(workers),
        "--no-loadscope-reorder",
        "tests",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0 and "20 passed" in ran.stdout, ran.stdout + ran.stderr
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    alone = [line for line in lines if "/alone/" in line[0]]
    others = [line for line in lines if "/alone/" not in line[0]]
    assert len(alone) == 8 and len({worker for _, worker, _, _ in alone}) == 1
    assert max(end for *_, end in others) <= min(start for _, _, start, _ in alone)
    assert len({worker for _, worker, *_ in others}) == workers
    for worker in {line[1] for line in others}:
        natively = [end for file, name, _, end in others if name == worker and "/library/" in file]
        in_browsers = [start for file, name, start, _ in others if name == worker and "/browser/" in file]
        assert not natively or not in_browsers or max(natively) <= min(in_browsers)


def test_one_worker_walks_a_leg_once():
    """All tests of a leg are one scope, whatever each of them is about; another leg is another."""
    read = runpy.run_path(str(ROOT / "conftest.py"))["scope"]
    file = "tests/browser/journey/test_legs.py"
    leg = {
        read(f"{file}::{test}") for test in ("test_each[09-m4-09]", "test_each[09-m4-m4]", "test_its_milestone[09-m4]")
    }
    assert len(leg) == 1 and read(f"{file}::test_each[10-m5-m5]") not in leg
