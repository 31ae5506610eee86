"""The in-page runtime below a browser: its types, and its own tests in Node (`book/runtime/test`)."""

import re
import subprocess
from pathlib import Path

RUNTIME = Path(__file__).parents[2] / "book/runtime"
NODE = Path(__file__).parents[2] / ".venv/bin/node"
AT_LEAST = 165  # so that a runner which finds nothing does not pass


def node(*arguments, timeout=120):
    done = subprocess.run([NODE, *arguments], cwd=RUNTIME, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout + done.stderr


def test_the_types_of_the_runtime_and_of_its_tests_fit():
    for project in (".", "test"):
        code, said = node("node_modules/typescript/bin/tsc", "--noEmit", "--project", project)
        assert code == 0, said


def test_the_runtimes_own_tests_pass():
    code, said = node("test.mjs", "--test-reporter=tap")
    failures = re.findall(r"^ *not ok .*?^ *\.\.\.$", said, re.M | re.S)
    assert code == 0, "\n".join(failures) or said
    counts = {name: int(count) for name, count in re.findall(r"^# (tests|pass|skipped|todo) (\d+)$", said, re.M)}
    assert counts["pass"] == counts["tests"] >= AT_LEAST, said[-500:]
