"""How long a contributor waits: a build with nothing to do, and one after a chapter changed."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from .measure import Table

ROOT = Path(__file__).resolve().parents[1]


def measure(table: Table) -> None:
    build()
    for _ in range(3):
        table.add("build: nothing changed", build())
    chapter = next((ROOT / "modules").glob("01_*.md"))
    text = chapter.read_text()
    try:
        chapter.write_text(text + "\nA sentence more.\n")
        table.add("build: one chapter's prose changed", build())
    finally:
        chapter.write_text(text)
        build()


def build() -> float:
    start = time.perf_counter()
    subprocess.run(["make", "build"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
