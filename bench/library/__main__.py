"""`python -m bench.library [file …]`: one thread, in this process; see the package's docstring."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
FILES = ["mlp", "convolution", "gpt", "generation", "int8", "bpe", "workers"]


def main(names: list[str]) -> int:
    if any(os.environ.get(name) != "1" for name in THREADS):
        # NumPy reads these when it is loaded, so they must be there before Python starts.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "bench.library", *names],
            {**os.environ, **dict.fromkeys(THREADS, "1")},
        )
    unknown = set(names) - set(FILES)
    if unknown:
        print(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(FILES)}", file=sys.stderr)
        return 2
    from .compare import has_torch, line, report

    if has_torch():
        import torch

        torch.set_num_threads(1)
    figures = []
    for name in names or FILES:
        for piece in importlib.import_module(f"bench.library.{name}").PIECES:
            figures.append(report(piece))
            print(line(figures[-1]), flush=True)
    if not names:
        for dtype in ("uint8", "float32"):
            subprocess.run([sys.executable, "-m", "bench.library.memory", dtype], check=True)
    folder = Path(__file__).resolve().parents[2] / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "library.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
