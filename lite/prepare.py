"""Make from verified downloads what the browser gets of Python: slimmed, and compiled where it is imported at the start.

    python lite/prepare.py --cache build/vendor --out build/python

Leaves out what no reader needs, ships the modules that every page imports as bytecode (which spares a reader's machine
one to three seconds), and writes a lock file of our own that lists what is shipped with the hashes of what is shipped.
Every package lies in a folder named by its hash, so an address always means the same bytes and no stale copy can meet
a new lock file. pack.py adds tinytorch itself.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import nullcontext
from fnmatch import fnmatch
from pathlib import Path
from unittest.mock import patch

import deflate

from vendor import (
    Cache,
    VendorError,
    canonical,
    compiled_files,
    core_file,
    manifest,
    npm,
    pure_file,
    pyodide_lock,
    sha256,
)  # fmt: skip

HERE = Path(__file__).resolve().parent
EPOCH = (1980, 1, 1, 0, 0, 0)
STDLIB = "python_stdlib.zip"


def slimmed(archive: bytes, leave_out: list[str]) -> bytes:
    """The zip without the files that match, not packed yet."""
    return zipped(rewritten(archive, leave_out, {}), packed=False)


def rewrite(archive: bytes, leave_out: list[str], bytecode: dict[str, bytes] | None = None) -> bytes:
    """The zip without the files that match, bytecode in the place of sources; the same input gives the same bytes."""
    return zipped(rewritten(archive, leave_out, bytecode or {}))


def rewritten(
    archive: bytes, leave_out: list[str], bytecode: dict[str, bytes]
) -> Iterable[tuple[zipfile.ZipInfo, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        names = kept_names(old.namelist(), leave_out)
        for item in (item for item in old.infolist() if item.filename in names):
            compiled = bytecode.get(item.filename + "c")
            data = old.read(item) if compiled is None else compiled
            if item.filename.endswith(".dist-info/RECORD"):
                data = slim_record(data, names)
            entry = zipfile.ZipInfo(item.filename + ("" if compiled is None else "c"), EPOCH)
            entry.external_attr = item.external_attr
            yield entry, data


class Deflater:
    """A compressor for zipfile that takes its time: what it makes is 4 % smaller than zlib's best."""

    def __init__(self, *_):
        self.parts = []

    def compress(self, data: bytes) -> bytes:
        self.parts.append(bytes(data))
        return b""

    def flush(self) -> bytes:
        return deflate.deflate_compress(b"".join(self.parts), 12)


def zipped(files: Iterable[tuple[zipfile.ZipInfo, bytes]], packed: bool = True) -> bytes:
    """The files as a zip. zipfile offers no choice of a compressor, so its own is replaced while it writes."""
    out = io.BytesIO()
    better = patch("zipfile._get_compressor", Deflater) if packed else nullcontext()
    with better, zipfile.ZipFile(out, "w") as new:
        for entry, data in files:
            entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            new.writestr(entry, data)
    return out.getvalue()


def kept_names(names: list[str], patterns: list[str]) -> set[str]:
    """The names that match no pattern; a pattern without any match is a mistake in the manifest."""
    matched = {pattern: {name for name in names if fnmatch(name, pattern)} for pattern in patterns}
    if idle := [pattern for pattern, found in matched.items() if not found]:
        raise VendorError(
            f"lite/vendor.toml leaves out {', '.join(idle)}, but no such file is there; remove the pattern"
        )
    return set(names).difference(*matched.values())


def slim_record(record: bytes, names: set[str]) -> bytes:
    """A wheel's RECORD with only the lines of files that are still in it."""
    lines = record.decode().splitlines(keepends=True)
    return "".join(line for line in lines if line.rsplit(",", 2)[0].strip('"') in names).encode()


def kernel_wheels() -> dict[str, Path]:
    """The wheels inside the JupyterLite kernel extension of the environment this runs in."""
    folder = Path(sys.prefix, "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi")
    return {canonical(path.name.split("-")[0]): path for path in sorted(folder.glob("*.whl"))}


def entry(name: str, wheel: str, depends: list[str]) -> dict:
    """A lock entry for a package that Pyodide's lock does not know."""
    return {
        "name": name, "version": wheel.split("-")[1], "file_name": wheel, "depends": depends,
        "imports": [name.replace("-", "_")], "install_dir": "site", "package_type": "package", "unvendored_tests": False,
    }  # fmt: skip


def originals(cache: Cache, config: dict, lock: dict) -> dict[str, tuple[dict, bytes]]:
    """Every package from the cache: its lock entry and its verified bytes."""
    found = {}
    for name, wanted in zip(config["compiled"]["packages"], compiled_files(config, lock), strict=True):
        found[name] = (lock["packages"][name], cache.read(wanted))
    for name, pin in config["pure"].items():
        wanted = pure_file(name, pin, lock)
        found[name] = (lock["packages"].get(name) or entry(name, wanted.name, []), cache.read(wanted))
    return found


def packages(cache: Cache, config: dict, lock: dict) -> dict[str, tuple[dict, bytes]]:
    """Every package that is shipped, by name: its lock entry and its slimmed bytes."""
    found = originals(cache, config, lock)
    for name, path in kernel_wheels().items():
        if name in config["kernel"]:
            found[name] = (entry(name, path.name, config["kernel"][name]), path.read_bytes())
    for name, patterns in config["slim"].items():
        if name in found:
            found[name] = (found[name][0], slimmed(found[name][1], patterns))
    return found


def lock_entry(name: str, package: dict, data: bytes, without: list[str]) -> dict:
    digest = sha256(data)
    depends = [canonical(needed) for needed in package["depends"]]
    return package | {
        "file_name": f"packages/{digest[:12]}/{Path(package['file_name']).name}",
        "sha256": digest,
        "depends": [needed for needed in depends if needed not in without],
    }


def check_complete(entries: dict[str, dict], config: dict) -> None:
    """Every dependency is shipped too, and every kernel wheel was found."""
    needed = {name for package in entries.values() for name in package["depends"]} | set(config["kernel"])
    if missing := sorted(needed - set(entries)):
        raise VendorError(
            f"the lock file would name packages that are not shipped: {', '.join(missing)}; add them to lite/vendor.toml"
        )


def core_files(cache: Cache, config: dict) -> dict[str, bytes]:
    """Interpreter and standard library, the latter slimmed."""
    files = {name: core_file(cache, config, name) for name in config["pyodide"]["core"]}
    files[STDLIB] = slimmed(files[STDLIB], config["slim"]["python_stdlib"])
    return files


def write_all(out: Path, core: dict[str, bytes], shipped: dict, info: dict, config: dict) -> None:
    """Core files, packages and lock file into a folder."""
    without = config["without"]
    entries = {
        name: lock_entry(name, package, data, without.get(name, [])) for name, (package, data) in shipped.items()
    }
    check_complete(entries, config)
    out.mkdir(parents=True)
    for name, data in core.items():
        (out / name).write_bytes(data)
    for name, package in entries.items():
        place = out / package["file_name"]
        place.parent.mkdir(parents=True)
        place.write_bytes(shipped[name][1])
    write_lock(out, info, entries)


def write_lock(out: Path, info: dict, entries: dict) -> None:
    text = json.dumps({"info": info, "packages": dict(sorted(entries.items()))}, indent=1)
    (out / "pyodide-lock.json").write_text(text)


def compiled_modules(folder: Path, start: dict) -> dict[str, dict[str, bytes]]:
    """Bytecode of what is imported at the start, made by the Python in `folder`: {"stdlib": …, "site": …}."""
    node = npm()[0]
    command = [node, str(HERE / "precompile.mjs"), str(folder.resolve()), start["page"], start["notebook"]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise VendorError(f"the browser's Python could not compile its modules:\n{error_end(done.stderr)}")
    found = json.loads(done.stdout)
    return {kind: {name: base64.b64decode(code) for name, code in files.items()} for kind, files in found.items()}


def error_end(text: str) -> str:
    """The last lines of an error; Node quotes whole minified files before them."""
    return "\n".join(line[:300] for line in text.splitlines()[-40:] if line.strip())


def make(out: Path, cache: Cache, config: dict) -> None:
    """Lay out plainly, let that Python compile, lay out again with the bytecode in."""
    lock = pyodide_lock(cache, config)
    core, shipped = core_files(cache, config), packages(cache, config, lock)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain")
        write_all(plain, core, shipped, lock["info"], config)
        bytecode = compiled_modules(plain, config["start"])
    core[STDLIB] = rewrite(core[STDLIB], [], bytecode["stdlib"])
    shipped = {name: (package, rewrite(data, [], bytecode["site"])) for name, (package, data) in shipped.items()}
    write_all(out, core, shipped, lock["info"], config)


def replace(out: Path, fill) -> None:
    """Fill a folder beside the old one, then change places: a stopped run leaves the old one whole."""
    part, old = out.with_name(out.name + ".part"), out.with_name(out.name + ".old")
    for folder in (part, old):
        shutil.rmtree(folder, ignore_errors=True)
    fill(part)
    if out.exists():
        out.rename(old)
    part.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def report(out: Path) -> str:
    """A table of sizes, largest first: on disk, and as a host with gzip sends it."""
    rows = []
    for path in (path for path in out.rglob("*") if path.is_file()):
        data = path.read_bytes()
        sent = len(data) if path.suffix in {".whl", ".zip"} else len(gzip.compress(data, 6))
        rows.append((sent, len(data), path.name))
    rows.sort(reverse=True)
    lines = [f"{'sent':>10} {'on disk':>10}  file"] + [f"{sent:10,} {size:10,}  {name}" for sent, size, name in rows]
    return "\n".join([*lines, f"{sum(row[0] for row in rows):10,} {sum(row[1] for row in rows):10,}  all"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        replace(options.out, lambda part: make(part, Cache(options.cache), manifest()))
    except VendorError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(report(options.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
