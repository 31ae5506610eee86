"""`make bench`: what a reader waits for, measured in a real Chromium against the built site, in one run.

Writes build/bench/bench.json and prints the same as a table. Times are medians over the repeats, in seconds; what
can be compared between machines are the ratios at the end. Nothing here is asserted: figures are not tests.
"""

from __future__ import annotations

import json
import platform
import sys
from datetime import datetime, timezone
from pathlib import Path

from . import builds, kernels, visits
from .measure import Table

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    table = Table()
    visits.measure(table)
    kernels.measure(table)
    builds.measure(table)
    report = {
        "measured": datetime.now(timezone.utc).isoformat(timespec="seconds"),
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
