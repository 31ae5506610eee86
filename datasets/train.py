"""Train the networks that chapters 14 to 20 measure and make smaller, where the library trains them otherwise than before.

    python datasets/train.py --cache build/vendor --out build/datasets

`tinytorch.models` says how. What comes out lies in the cache under a digest of all that it depends on: the code of the
library's modules that it uses, without comments and docstrings, the data, NumPy and Python. So an edit elsewhere
trains nothing anew, and neither does a second clone. A network that answers too few of its test right stops the build.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import hashlib
import json
import platform
import sys
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

from tinytorch.datasets import DatasetError  # noqa: E402
from tinytorch.models import NAMES, TrainedError, make  # noqa: E402
from tinytorch_book.reach import Library  # noqa: E402

CODE = ("tinytorch/core/", "tinytorch/datasets/", "tinytorch/models/")  # what else is reached trains nothing
DATA = {"mlp": "mnist.json", "cnn": "cifar10.json"}  # which say what the build's files are
TALKS = "tinytorch/datasets/tinytalks.json"
KEPT = 5  # earlier ones of a network that the cache keeps, for going back and forth between commits


@cache
def essence(data: bytes) -> bytes:
    """What a module does: its statements without comments and docstrings.

    >>> essence(b"def f():\\n    'Adds.'\\n    return 1  # one") == essence(b"def f(): return 1")
    True
    """
    tree = ast.parse(data)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            node.body = body[1:]
    return ast.dump(tree).encode()


def depends_on(name: str, data: Path, root: Path = ROOT) -> str:
    """Twelve hex digits over everything that the weights of a network depend on."""
    used = Library(root).used(f"tinytorch.models.{name}")
    total = hashlib.sha256(f"{np.__version__} {platform.python_version()}".encode())
    for path in sorted(path for path in used if path.startswith(CODE)):
        total.update(path.encode() + b"\0" + essence((root / path).read_bytes()) + b"\0")
    total.update((data / DATA[name] if name in DATA else root / TALKS).read_bytes())
    return total.hexdigest()[:12]


def whole(folder: Path, stem: str) -> tuple[dict, bytes] | None:
    """The JSON and the file of a network, if both are there and belong together."""
    facts, place = folder / f"{stem}.json", folder / f"{stem}.npz"
    if not (facts.is_file() and place.is_file()):
        return None
    entry, data = json.loads(facts.read_text()), place.read_bytes()
    return (entry, data) if hashlib.sha256(data).hexdigest() == entry.get("sha256") else None


def put(folder: Path, stem: str, entry: dict, data: bytes) -> None:
    """Write both, each renamed into place, so that a stopped run leaves nothing half written."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".json", json.dumps(entry, indent=1).encode() + b"\n"), (".npz", data)):
        part = folder / f"{stem}{suffix}.part"
        part.write_bytes(content)
        part.replace(folder / f"{stem}{suffix}")


@contextmanager
def alone(folder: Path):
    """Keep other builds that share the folder waiting."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def trained(name: str, store: Path, stem: str) -> tuple[dict, bytes]:
    """Train a network and put it into the cache, which lets go of the oldest of its name."""
    with tempfile.TemporaryDirectory() as folder:
        make(name, folder)
        kept = whole(Path(folder), f"trained-{name}")
    put(store, stem, *kept)
    for old in sorted(store.glob(f"trained-{name}-*.npz"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink()
        old.with_suffix(".json").unlink(missing_ok=True)
    return kept


def have(name: str, store: Path, out: Path) -> str:
    """See that `out` has the network as it is trained now; return how it came there."""
    stem, now = f"trained-{name}", depends_on(name, out)
    there = whole(out, stem)
    if there and there[0].get("depends_on") == now:
        return "as it was"
    with alone(store):  # another clone's build may be training the same
        kept, how = whole(store, f"{stem}-{now}"), "from the cache"
        if kept is None:
            kept, how = trained(name, store, f"{stem}-{now}"), "trained"
    put(out, stem, kept[0] | {"depends_on": now}, kept[1])
    return how


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder for what was trained before; may be shared")
    parser.add_argument("--out", type=Path, required=True, help="folder with the data sets")
    options = parser.parse_args()
    try:
        for name in NAMES:
            print(f"  {name}: {have(name, options.cache / 'models', options.out)}")
    except (TrainedError, DatasetError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
