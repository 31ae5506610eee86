"""Build JupyterLite, the second door to the chapters, and take out what the site does not use.

    python lite/build.py --out build/lite

Python itself (`static/pyodide/`) and the notebooks (`files/`) are put in by book/assemble.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Build tools' leftovers, formats of the icon font that no living browser asks for, the kernel's wheels (prepare.py ships
# them), JupyterLite's own service worker (the site has one), the pages of apps that are not built.
UNUSED = [
    "rspack.config*.js", "package.json", "*/package.json", "service-worker.js", "build/service-worker.js",
    "build/fa-*.svg", "build/fa-*.eot", "build/fa-*.ttf", "build/fa-*.woff", "doc",
    "extensions/@jupyterlite/pyodide-kernel-extension/static/pypi",
    "build/schemas/all.json.map", "lab/favicon.ico", "jupyterlite.schema.v0.json",
]  # fmt: skip
# The tab's icon by what the notebook does; JupyterLite asks for these names.
ICONS = {"notebook": "2f4858", "busy-1": "b5651d", "busy-2": "b5651d", "busy-3": "b5651d", "file": "2f4858"}
HEAD = """<link rel="icon" href="../icon.svg"><script defer src="../tinytorch.js"></script>
</head>"""


def build(out: Path) -> None:
    """Run `jupyter lite build` into an empty folder, from a folder without its task database, which would skip steps."""
    command = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", str(HERE), "--output-dir", str(out)]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command, cwd=folder, check=True)


def prune(out: Path) -> None:
    for pattern in UNUSED:
        for path in sorted(out.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def configure(out: Path) -> None:
    """No index of wheels: every package the kernel may import is in Pyodide's lock file."""
    path = out / "jupyter-lite.json"
    document = json.loads(path.read_text())
    config = document["jupyter-config-data"]
    config["faviconUrl"] = "./icon.svg"
    config["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]["pipliteUrls"] = []
    path.write_text(json.dumps(document, indent=1))


def dress(out: Path) -> None:
    """Our icons, and the script that leads back to the book in every app."""
    for name in ("icon.svg", "tinytorch.js"):
        shutil.copy(HERE / name, out / name)
    icons = out / "static" / "favicons"
    icons.mkdir(parents=True, exist_ok=True)
    for name, colour in ICONS.items():
        (icons / f"favicon-{name}.ico").write_bytes(letter_t(bytes.fromhex(colour)))
    for page in out.glob("*/index.html"):
        text = page.read_text(encoding="utf-8")
        if text.count("</head>") != 1:
            sys.exit(f"{page} has no single </head>; this JupyterLite is not the one that lite/build.py knows")
        page.write_text(text.replace("</head>", HEAD).replace("<html>", '<html lang="en">', 1), encoding="utf-8")


def letter_t(colour: bytes) -> bytes:
    """A 32 x 32 PNG: a white T on a square of the given colour."""
    rows = b""
    for y in range(32):
        inside = [8 <= x < 24 if 8 <= y < 12 else 14 <= x < 18 and 12 <= y < 25 for x in range(32)]
        rows += b"\0" + b"".join(b"\xff\xff\xff" if white else colour for white in inside)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out.resolve()
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    build(part)
    prune(part)
    configure(part)
    dress(part)
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
