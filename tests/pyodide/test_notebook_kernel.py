"""Commands of Jupyter's in the kernel of the browser's notebook, under Node: they work, or a sentence says why not."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "starts another program, and a browser has none."
# A cell, the output that it has (stdout, stderr, result, display or error), and words of it. In this order.
CELLS = [
    ("%matplotlib inline", None, ""),
    ("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "display", "image/png"),
    ("%pip install numpy  # needed", "stdout", "numpy: here already. Nothing needs installing."),
    ("!pip install -q matplotlib 'numpy>=2'", "stdout", "matplotlib, numpy: here already."),
    ("%pip install seaborn", "stderr", "seaborn: not here, and this notebook installs nothing"),
    ("!python -m pip install seaborn", "stderr", "seaborn: not here, and this notebook installs nothing"),
    ("pip install seaborn", "stderr", "seaborn: not here, and this notebook installs nothing"),
    ("%conda list", "stdout", "Nothing needs installing here"),
    ("%%bash\nls", "error", f"`%%bash` {PROGRAM} Write it in Python."),
    ("%%sh\nls", "error", f"`%%sh` {PROGRAM}"),
    ("%%python\nprint(1)", "error", f"`%%python` {PROGRAM} This cell's Python runs here without that line."),
    ("%%script perl\n1", "error", f"`%%script` {PROGRAM}"),
    ("!ls -l", "error", f"`!ls` {PROGRAM}"),
    ("files = !ls", "error", f"`!ls` {PROGRAM}"),
    ("!!ls", "error", f"`!ls` {PROGRAM}"),
    ("input('Name? ')", "error", "input() cannot ask here"),
    ("%%time\nprint('timed')", "stdout", "timed"),
    ("%%exercise 01.none\npass", "stderr", "`%%exercise` not found"),
    ("%load_ext tinytorch.learn\nfrom tinytorch import learn", None, ""),
    ("learn.check('01.memory_footprint')", "stderr", "memory_footprint is not run yet, so there is nothing to check."),
    ("%%exercise 01.memory_footprint\ndef memory_footprint(self):\n    return 1", None, ""),
    ("learn.check('01.memory_footprint')", "error", "checks failed."),
    ("40 + 2", "result", "42"),
]


@pytest.fixture(scope="module")
def shown():
    settings = (ROOT / "lite/jupyter-lite.json").read_text(encoding="utf-8")
    command = [ROOT / ".venv/bin/node", ROOT / "tests/pyodide/kernel.mjs", ROOT / "build/pyodide"]
    cells = json.dumps([cell for cell, _, _ in CELLS])
    done = subprocess.run([*command, cells, settings], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    kinds = ("stdout", "stderr", "result", "display", "error")
    return [dict(zip(kinds, cell, strict=True)) for cell in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("number", range(len(CELLS)), ids=[repr(cell) for cell, _, _ in CELLS])
def test_a_cell_works_or_says_why_not(shown, number):
    _, kind, words = CELLS[number]
    outputs = shown[number]
    if kind is None:
        assert not outputs["error"] and not outputs["stderr"]
        return
    assert words in outputs[kind]
    assert "Traceback" not in outputs["error"] and outputs["error"].count("\n") == 0
