"""Build JupyterLite, the second door to the chapters, and take out what the site does not use.

    python lite/build.py --out build/lite

Python itself (`static/pyodide/`) and the notebooks (`files/`) are put in by book/assemble.py.
"""

from __future__ import annotations

import argparse
import json
import re
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
KERNEL = "extensions/@jupyterlite/pyodide-kernel-extension/static"
COINCIDENT = "64e10b34-2bf7-4616-9668-f99de5aa046e"  # the mark of its messages
# coincident 1.2 (in jupyterlite-pyodide-kernel 0.8) sends an answer's length and then its characters through shared
# memory; whoever asked waits for the first four bytes to change. On a busy machine the other side may have begun before
# the wait: then it returns at once, with "not-equal". In the worker the rest of the answer was missing ("Bad control
# character in string literal in JSON", and the kernel was dead); in the page `"not-equal".then` is no function, and the
# cell stayed at [*]. So the first bytes are written last and atomically, and the word is taken for what it is.
MENDS = [
    (r"(\w+)\[0\]=1\}else\{let ", r"Atomics.store(\1,0,1)}else{let "),
    (
        r"for\(let (\w+)=new (\w+)\((\w+)\.buffer\),(\w+)=0;\4<(\w+)\.length;\4\+\+\)\1\[\4\]=\5\.charCodeAt\(\4\)",
        r"for(let \1=new \2(\3.buffer),\4=2;\4<\5.length;\4++)\1[\4]=\5.charCodeAt(\4);"
        r"Atomics.store(\3,0,\5.charCodeAt(0)|\5.charCodeAt(1)<<16)",
    ),
    (r"=>(\w+)\?(\w+)\((\w+),0\):\(", r"=>\1?{value:Promise.resolve(\2(\3,0).value)}:("),
]
STYLES = HERE.parent / "book" / "styles"
# The book's colours and letters: where its style sheets name the root, JupyterLite has its theme's own; the body is nearer.
AS_THERE = {":root {": "body {", 'html[data-theme="dark"] {': 'body[data-jp-theme-light="false"] {'}
FONTS = ('url("fonts/', 'url("../_static/tinytorch/fonts/')
HEAD = """<link rel="icon" href="../icon.svg"><link rel="stylesheet" href="../tinytorch.css"><script defer src="../tinytorch.js"></script>
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


def mend(out: Path) -> None:
    """Let the page and the kernel's worker, which pass each other strings in shared memory, wait for a whole answer."""
    paths = [path for path in (out / KERNEL).glob("*.js") if COINCIDENT in path.read_text(encoding="utf-8")]
    if len(paths) != 2:
        sys.exit(
            f"{len(paths)} files of the kernel's extension have coincident in them, not the page's and the worker's"
        )
    for path in paths:
        path.write_text(mended(path.read_text(encoding="utf-8"), path.name), encoding="utf-8")


def mended(code: str, name: str) -> str:
    """Return the code with each of MENDS done; each place is there once."""
    for pattern, better in MENDS:
        code, count = re.subn(pattern, better, code)
        if count != 1:
            sys.exit(
                f"{name} has {count} places like {pattern}; this coincident is not the one that lite/build.py knows"
            )
    return code


def dress(out: Path) -> None:
    """Our icons, the book's face, and the script that leads back to the book, in every app."""
    (out / "tinytorch.css").write_text(face(), encoding="utf-8")
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


def face() -> str:
    """The style sheet of every app: the book's fonts and variables, and what JupyterLite makes of them."""
    tokens = (STYLES / "tokens.css").read_text(encoding="utf-8")
    for name, there in AS_THERE.items():
        if tokens.count(name) != 1:
            sys.exit(
                f"book/styles/tokens.css has no single {name!r}; lite/build.py gives JupyterLite its variables by it"
            )
        tokens = tokens.replace(name, there)
    fonts = (STYLES / "fonts.css").read_text(encoding="utf-8").replace(*FONTS)
    return fonts + tokens + (HERE / "tinytorch.css").read_text(encoding="utf-8")


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
    mend(part)
    dress(part)
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
