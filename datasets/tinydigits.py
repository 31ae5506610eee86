"""Make tinytorch/datasets/tinydigits.npz: 1,000 digits of 8 x 8 grey pixels, 100 of each, 800 to learn from.

    python datasets/tinydigits.py --wheel scikit_learn-….whl

The wheel is fetched with the command in datasets/README.md. The same wheel gives the same file, byte for byte.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "tinytorch" / "datasets" / "tinydigits.npz"


def source() -> dict:
    return tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8"))["tinydigits"]


def rows(wheel: Path, wanted: dict) -> np.ndarray:
    """The table of the wheel, (1797, 65): 64 pixels and the digit in each row."""
    packed = zipfile.ZipFile(wheel).read(wanted["member"])
    found = hashlib.sha256(packed).hexdigest()
    if found != wanted["sha256"]:
        sys.exit(f"{wanted['member']} of {wheel.name} is refused: its sha256 is {found}, {wanted['sha256']} is needed")
    return np.loadtxt(io.StringIO(gzip.decompress(packed).decode()), delimiter=",").astype(np.uint8)


def chosen(table: np.ndarray, wanted: dict) -> dict[str, np.ndarray]:
    """Equally many of each digit, drawn with a fixed seed; both parts are balanced and in mixed order."""
    rng = np.random.default_rng(wanted["seed"])
    images, labels = table[:, :64].reshape(-1, 1, 8, 8), table[:, 64]
    picked = [rng.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    per_train, per_test = wanted["train"] // 10, wanted["test"] // 10
    parts = {
        "train": np.concatenate([p[:per_train] for p in picked]),
        "test": np.concatenate([p[per_train : per_train + per_test] for p in picked]),
    }
    arrays = {}
    for name, places in parts.items():
        places = rng.permutation(places)
        arrays |= {f"{name}_images": images[places], f"{name}_labels": labels[places]}
    return arrays


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    wanted = source()
    np.savez_compressed(options.out, **chosen(rows(options.wheel, wanted), wanted))
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
