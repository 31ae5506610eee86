"""Put the built parts together as the site: pages, in-page runtime, JupyterLite, Python, notebooks.

    python book/assemble.py --out build/site

Copies only what changed, takes away what is no longer built, writes the service worker's list of files, reports what a
first visit costs, and fails when that is too much or a page would load something from a foreign host.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import hashlib
import io
import json
import re
import sys
from pathlib import Path

import numpy as np

from tinytorch.cli.commit import commit

# Compressed bytes. What is over one of them came to every page: put it into a chapter's wheel, or into one that is
# fetched on first use (WHEELS in lite/pack.py).
BUDGET = 9_200_000
BASE_BUDGET = 350_000
CHAPTER_BUDGET = 60_000
BUILD = Path(__file__).resolve().parents[1] / "build"
# Scripts in which something is written that only the whole site knows: each has its place there once.
WORKER, MANIFEST = "sw.js", "self.__TT_MANIFEST"
THEME, COMMIT = "_static/tinytorch/theme.js", "self.__TT_COMMIT"
NOT_PUBLISHED = {".buildinfo", ".buildinfo.bak", "objects.inv"}
PACKED = {".whl", ".zip", ".png", ".jpg", ".webp", ".woff2", ".gz", ".npz"}
CHAPTER_PACKAGE = "tinytorch-chapter-"  # and the chapter's id, which a page's HTML tells
CHAPTER_OF = re.compile(rb'<meta name="tinytorch"[^>]*\bdata-chapter="(\w+)"')
# Parts of the runtime that only pages with one of these in their HTML load (page.ts, program.ts, cell.ts).
PART = re.compile(r"/(\w+)-[0-9A-Z]{8}\.js$")
LOADED_BY = {
    "pad": [b"data-pad="],
    "photo": [b"data-photo="],
    "prompt": [b"data-prompt="],
    "runs": [b"shelf.", b"trained("],
    "team": [b"ProcessTeam", b"PrefetchLoader", b"team_up"],
    "tokenbox": [b"data-token-box="],
    "progress": [b"tt-progress"],
}
PYODIDE = "lite/static/pyodide/"
START = PYODIDE + "start.json"  # what every page fetches to start Python, as lite/pack.py wrote it
# Hosts such as Netlify and Cloudflare Pages read this file; others ignore it and the service worker does its part.
HEADERS = """/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp
  Cross-Origin-Resource-Policy: same-origin
  X-Content-Type-Options: nosniff
"""


class AssemblyError(RuntimeError):
    """The site must not be published as it is; the message says why."""


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its relative path."""
    if not folder.is_dir():
        raise AssemblyError(f"{folder} is missing; `make build` makes it before the site is put together")
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def under(prefix: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {prefix + name: data for name, data in files.items()}


def data_files(folder: Path) -> dict[str, bytes]:
    """The data sets that were made, each under a name with its digest in it, and the list of them that pages read."""
    index, files = {}, {}
    for place in sorted(folder.glob("*.npz")):
        facts, data = place.with_suffix(".json"), place.read_bytes()
        entry = json.loads(facts.read_text()) if facts.is_file() else {}
        if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
            raise AssemblyError(
                f"{place} is not what {facts.name} beside it says; remove {place} and run `make build` again"
            )
        with np.load(place, allow_pickle=False) as arrays:
            kept = sheet_files(place.stem, arrays) if "sheets" in arrays else {f"{place.stem}-{digest(data)}.npz": data}
        first, *sheets = ({"file": name, **facts_of(content)} for name, content in kept.items())
        index[place.stem] = (
            entry | first | ({"total": sum(map(len, kept.values())), "sheets": sheets} if sheets else {})
        )
        files |= under("datasets/", kept)
    return files | {"datasets/index.json": json.dumps(index).encode()}


def facts_of(data: bytes) -> dict:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def sheet_files(name: str, arrays) -> dict[str, bytes]:
    """A data set of sheets, served one by one: first the file of the labels, then each sheet."""
    buffer = io.BytesIO()
    sheets = {key: arrays[key].tobytes() for key in arrays.files if key.startswith("sheet_")}
    np.savez_compressed(buffer, **{key: arrays[key] for key in arrays.files if key not in sheets})
    labels = {f"{name}-{digest(buffer.getvalue())}.npz": buffer.getvalue()}
    return labels | {f"{name}-{key[-2:]}-{digest(data)}.webp": data for key, data in sheets.items()}


def collect(html: Path, runtime: Path, lite: Path, pyodide: Path, notebooks: Path, datasets: Path) -> dict[str, bytes]:
    """The whole site in memory: path to content. Scripts still lack what is written into them at the end."""
    pages = {name: data for name, data in files_below(html).items() if published(name)}
    scripts = files_below(runtime)
    books = {name: data for name, data in files_below(notebooks).items() if name.endswith(".ipynb")}
    return (
        pages
        | {WORKER: scripts.pop(WORKER)}
        | under("_static/tinytorch/", scripts)
        | under("lite/", files_below(lite))
        | under("lite/static/pyodide/", files_below(pyodide))
        | under("lite/files/", books)
        | under("notebooks/", books)
        | data_files(datasets)
        | {"lite/api/contents/all.json": contents_listing(books), ".nojekyll": b"", "_headers": HEADERS.encode()}
    )


def published(name: str) -> bool:
    return Path(name).name not in NOT_PUBLISHED and not name.startswith((".doctrees/", "_sources/"))


def contents_listing(notebooks: dict[str, bytes]) -> bytes:
    """JupyterLite's list of the files it can open, in the form of Jupyter's contents interface."""
    then = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).isoformat().replace("+00:00", "Z")
    common = {
        "created": then,
        "last_modified": then,
        "mimetype": None,
        "writable": True,
        "hash": None,
        "hash_algorithm": None,
    }
    entries = [
        {**common, "name": name, "path": name, "type": "notebook", "format": None, "content": None, "size": len(data)}
        for name, data in sorted(notebooks.items())
    ]
    root = {**common, "name": "", "path": "", "type": "directory", "format": "json", "content": entries, "size": None}
    return json.dumps(root, indent=1).encode()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def manifest(site: dict[str, bytes]) -> dict:
    """What the service worker knows: a version for the whole; each file's size on the wire and digest, so that an update
    fetches little; and the core, book and Python, which is kept for offline use without being asked for."""
    names = [name for name in sorted(site) if name not in {"sw.js", ".nojekyll", "_headers"}]
    every = [{"url": name, "size": sent(name, site[name]), "hash": digest(site[name])} for name in names]
    python = {*python_files(site), *own_wheels(site).values()}
    asked = ("lite/", "notebooks/")  # a data set is kept when a page has fetched it
    core = [entry for entry in every if entry["url"] in python or not entry["url"].startswith((*asked, "datasets/"))]
    return {"version": digest(json.dumps(every).encode()), "core": core, "all": every}


def locked(site: dict[str, bytes]) -> dict[str, str]:
    """The wheels for the browser's Python: name of the package to path of the site."""
    packages = json.loads(site[PYODIDE + "pyodide-lock.json"])["packages"]
    return {name: PYODIDE + package["file_name"] for name, package in packages.items()}


def python_files(site: dict[str, bytes]) -> list[str]:
    """What every page fetches to start Python, by path of the site."""
    start, wheels = json.loads(site[START]), locked(site)
    return [START, *(PYODIDE + name for name in start["core"]), *(wheels[name] for name in start["packages"])]


def own_wheels(site: dict[str, bytes]) -> dict[str, str]:
    """All wheels of tinytorch: the name of each to path of the site."""
    return {name: path for name, path in locked(site).items() if name.startswith("tinytorch")}


def chapter_wheels(site: dict[str, bytes]) -> dict[str, str]:
    """The wheels with the exercises of one chapter or milestone each: its id to path of the site."""
    wheels = locked(site).items()
    return {name.removeprefix(CHAPTER_PACKAGE): path for name, path in wheels if name.startswith(CHAPTER_PACKAGE)}


def own_wheel(site: dict[str, bytes], page: str) -> set[str]:
    """The wheel with the exercises of a page, if it is a chapter's or a milestone's."""
    found = CHAPTER_OF.search(site[page])
    if not found:
        return set()
    id = found[1].decode()
    if id not in (wheels := chapter_wheels(site)):
        raise AssemblyError(
            f"{page} is the page of chapter {id}, and pyodide-lock.json lists no {CHAPTER_PACKAGE}{id}; build it again"
        )
    return {wheels[id]}


def written_in(site: dict[str, bytes], name: str, place: str, value: dict | str) -> bytes:
    """A script with the value in its place."""
    text = site[name].decode()
    if text.count(place) != 1:
        raise AssemblyError(f"{name} must name {place} exactly once, and it does {text.count(place)} times")
    return text.replace(place, json.dumps(value, separators=(",", ":"))).encode()


def write_changed(out: Path, site: dict[str, bytes]) -> tuple[int, int]:
    """Write what differs, remove what is gone; a file is renamed into place, so a stopped run leaves whole files."""
    written = removed = 0
    for name, data in site.items():
        path = out / name
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
        written += 1
    for path in sorted(out.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(out).as_posix() not in site:
            path.unlink()
            removed += 1
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return written, removed


def sent(name: str, data: bytes) -> int:
    """Bytes on the wire from a host that compresses what can be compressed."""
    return len(data) if Path(name).suffix in PACKED else min(len(data), len(gzip.compress(data, 6)))


LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|input)\b[^>]*?\bsrc=["']([^"']+)"""
    r"""|<link\b(?=[^>]*\brel=["'](?:stylesheet|icon|preload|modulepreload|manifest|shortcut icon)["'])[^>]*?\bhref=["']([^"']+)""",
    re.I,
)
IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.I)


def loads(name: str, data: bytes) -> list[str]:
    """Addresses that a page or style sheet makes the browser fetch."""
    text = data.decode("utf-8", "replace")
    found = LOADED.findall(text) if name.endswith(".html") else []
    found += IN_STYLE.findall(text)
    return [address for pair in found for address in pair if address and not address.startswith(("data:", "#"))]


def foreign(site: dict[str, bytes]) -> list[str]:
    """`page: address` for everything that pages would load from another host."""
    pages = {
        name: data
        for name, data in site.items()
        if name.endswith((".html", ".css")) and not name.startswith("lite/build")
    }
    return [
        f"{name}: {address}"
        for name, data in pages.items()
        for address in loads(name, data)
        if re.match(r"(?:[a-z]+:)?//", address, re.I)
    ]


def resolve(page: str, address: str) -> str:
    """A relative address seen from a page, as a path of the site."""
    parts = page.split("/")[:-1]
    for step in re.split(r"[?#]", address)[0].split("/"):
        if step == "..":
            parts = parts[:-1]
        elif step not in {"", "."}:
            parts.append(step)
    return "/".join(parts)


def first_visit(site: dict[str, bytes], page: str) -> dict[str, int]:
    """Bytes sent for a page with Python running, every font and every part of the runtime that it may load included."""
    own = (name for name in site if name.startswith("_static/tinytorch/") and may_load(site[page], name))
    names = {page, "sw.js"} | {name for name in own if not name.endswith("-LICENSE.txt")}  # which no page loads
    names |= {resolve(page, address) for address in loads(page, site[page])}
    names |= {*python_files(site), *own_wheel(site, page)}
    return {name: sent(name, site[name]) for name in names if name in site}


def may_load(page: bytes, name: str) -> bool:
    """Whether a page loads a part of the runtime sooner or later."""
    part = PART.search(name)
    marks = part and LOADED_BY.get(part[1])
    return not marks or any(mark in page for mark in marks)


def report(site: dict[str, bytes]) -> tuple[str, int]:
    """A table for the heaviest chapter page, its total, and the totals of all chapters and milestones."""
    chapters = [name for name in site if re.fullmatch(r"modules/\d\d_\w+\.html", name)]
    milestones = [name for name in site if re.fullmatch(r"milestones/\d\d_\w+\.html", name)]
    if not chapters:
        raise AssemblyError("there is no chapter page (modules/NN_name.html) among the built pages")
    page, sizes = max(((name, first_visit(site, name)) for name in chapters), key=lambda pair: sum(pair[1].values()))
    total = sum(sizes.values())
    rows = sorted(sizes.items(), key=lambda pair: -pair[1])
    lines = [
        f"First visit of {page} with Python running, compressed: {total / 1e6:.2f} MB of at most {BUDGET / 1e6:.1f} MB"
    ]
    lines += [f"{size:10,}  {name}" for name, size in rows]
    lines += [
        f"{sum(first_visit(site, name).values()):10,}  in all for {name}" for name in sorted([*chapters, *milestones])
    ]
    lines += [f"{sum(map(len, site.values())):10,}  the whole site on disk, {len(site)} files"]
    return "\n".join(lines), total


def check(site: dict[str, bytes], total: int) -> None:
    if addresses := foreign(site):
        raise AssemblyError(
            "pages would load from foreign hosts; serve these from the site:\n  " + "\n  ".join(addresses)
        )
    if total > BUDGET:
        raise AssemblyError(
            f"a first visit costs {total:,} bytes, {BUDGET:,} is the budget; the table above says where they are"
        )
    budgets = {name: CHAPTER_BUDGET for name in locked(site) if name.startswith(CHAPTER_PACKAGE)} | {
        "tinytorch": BASE_BUDGET
    }
    for name, budget in budgets.items():
        path = locked(site)[name]
        if len(site[path]) > budget:
            raise AssemblyError(
                f"the wheel {name} has {len(site[path]):,} bytes, {budget:,} is its budget; WHEELS in lite/pack.py says which wheel a file "
                "lies in: give what pages can do without at their start a wheel that is fetched on first use"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--html", type=Path, default=BUILD / "book" / "_build" / "html")
    parser.add_argument("--runtime", type=Path, default=BUILD / "runtime")
    parser.add_argument("--lite", type=Path, default=BUILD / "lite")
    parser.add_argument("--pyodide", type=Path, default=BUILD / "pyodide")
    parser.add_argument("--notebooks", type=Path, default=BUILD / "notebooks")
    parser.add_argument("--datasets", type=Path, default=BUILD / "datasets")
    parser.add_argument("--out", type=Path, default=BUILD / "site")
    options = parser.parse_args()
    try:
        site = collect(
            options.html, options.runtime, options.lite, options.pyodide, options.notebooks, options.datasets
        )
        site[THEME] = written_in(site, THEME, COMMIT, commit())
        listing = manifest(site)
        site[WORKER] = written_in(site, WORKER, MANIFEST, listing)
        table, total = report(site)
        print(table)
        check(site, total)
    except AssemblyError as problem:
        print(f"The site was not put together: {problem}", file=sys.stderr)
        return 1
    written, removed = write_changed(options.out, site)
    print(f"version {listing['version']}: {written} files written, {removed} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
