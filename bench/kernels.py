"""The fast kernels against NumPy's own loops in the same page, and against this machine's own NumPy in one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .in_page import in_page
from .measure import Table

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(__file__).with_name("kernel_work.py")
TURNS = 7
NATIVE = "import json, sys; from bench.kernel_work import times; print(json.dumps(times(int(sys.argv[1]))))"


def measure(table: Table) -> None:
    work = f"{SOURCE.read_text()}\nimport json\njson.dumps(times({TURNS}))"
    page, native = in_page(work), natively()
    for name, ways in page.items():
        for way, values in ways.items():
            for value in values:
                table.add(f"{name}, {way}", value * 1000, "ms")
        for value in native[name]["own"]:
            table.add(f"{name}, native", value * 1000, "ms")
        table.compare(f"{name}: NumPy's own loops : fast kernels", f"{name}, own", f"{name}, fast")
    for name in page:
        if name.startswith("int8"):
            table.compare(f"float32 : {name}, both fast", f"{name[5:]}, fast", f"{name}, fast")
        elif not name.startswith("float64"):
            table.compare(f"{name}: fast kernels : native NumPy, one thread", f"{name}, fast", f"{name}, native")


def natively() -> dict:
    """Times from this machine's Python; NumPy reads the number of threads when it is loaded."""
    threads = dict.fromkeys(
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
    )
    command = [sys.executable, "-c", NATIVE, str(TURNS)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | threads, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    only = Table()
    measure(only)
    print(only.text())
