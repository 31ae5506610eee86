"""`make bench`: the library against plain NumPy, and what a reader waits for in a real Chromium, in one run.

The library comes first, in a process of its own on one thread (see bench/library). Then the built site is visited.
Writes build/bench/library.json and bench.json and prints the same. Times are medians over the repeats, in seconds; what
can be compared between machines are the ratios at the end. Nothing here is asserted: figures are not tests.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from . import answers, builds, generation, kernels, photographs, stock, team, visits
from .measure import Table

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    subprocess.run([sys.executable, "-m", "bench.library"], cwd=ROOT, check=True)
    table = Table()
    visits.measure(table)
    kernels.measure(table)
    generation.measure(table)
    stock.measure(table)
    team.measure(table)
    photographs.RUN.measure(table)
    answers.RUN.measure(table)
    builds.measure(table)
    report = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "python": platform.python_version(), "browser": table.browser},
        "figures": table.figures(),
        "ratios": table.ratios(),
    }
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    print(table.text())
    print(f"written to {folder.relative_to(ROOT) / 'bench.json'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
