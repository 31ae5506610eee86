"""Build JupyterLite, the second door to the chapters, and take out what the site does not use.

    python lite/build.py --out build/lite

Python itself (`static/pyodide/`) and the notebooks (`files/`) are put in by book/assemble.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Build tools' leftovers, formats of the icon font that no living browser asks for, the kernel's wheels (pack.py ships
# them), JupyterLite's own service worker (the site has one), the pages of apps that are not built.
UNUSED = [
    "rspack.config*.js", "package.json", "*/package.json", "service-worker.js", "build/service-worker.js",
    "build/fa-*.svg", "build/fa-*.eot", "build/fa-*.ttf", "build/fa-*.woff", "doc",
    "extensions/@jupyterlite/pyodide-kernel-extension/static/pypi",
    "build/schemas/all.json.map", "lab/favicon.ico", "jupyterlite.schema.v0.json",
]  # fmt: skip


def build(out: Path) -> None:
    """Run `jupyter lite build` into an empty folder."""
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", str(HERE), "--output-dir", str(out)]
    subprocess.run(command, check=True)
    # The task database only serves incremental builds in place; this build always starts from nothing.
    for leftover in HERE.glob(".jupyterlite.doit.db*"):
        leftover.unlink()


def prune(out: Path) -> None:
    for pattern in UNUSED:
        for path in sorted(out.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def configure(out: Path) -> None:
    """Our icon, and no index of wheels: every package the kernel may import is in Pyodide's lock file."""
    shutil.copy(HERE / "icon.svg", out / "icon.svg")
    path = out / "jupyter-lite.json"
    document = json.loads(path.read_text())
    config = document["jupyter-config-data"]
    config["faviconUrl"] = "./icon.svg"
    config["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]["pipliteUrls"] = []
    path.write_text(json.dumps(document, indent=1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    build(part)
    prune(part)
    configure(part)
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
