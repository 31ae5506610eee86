"""Packing a wheel: the same input gives the same bytes, on every machine.

Files are stored and not compressed, in sorted order, with one fixed date, because
compression libraries differ in their output. Format: PEP 427; version: PEP 440.
"""

from __future__ import annotations

import base64
import hashlib
import re

DATE = (2020, 1, 1, 0, 0, 0)


def slug(author: str) -> str:
    """Return an author's name as the local part of a version.

    >>> slug("Ada Lovelace")
    'ada.lovelace'
    """
    import unicodedata

    plain = unicodedata.normalize("NFKD", author).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", ".", plain).strip(".")[:60].strip(".") or "reader"


def base_version(package: str, files: dict[str, str]) -> str:
    """Return the version that a package states in its ``__version__``, without a local part."""
    found = re.search(r"""^__version__ *= *["']([^"'+]+)""", files[f"{package}/__init__.py"], re.MULTILINE)
    if not found:
        raise ValueError(f"{package}/__init__.py states no __version__; a wheel needs one")
    return found.group(1)


def build_wheel(package: str, files: dict[str, str | bytes], author: str) -> tuple[str, bytes]:
    """Return file name and bytes of a wheel that holds the files of one pure-Python package."""
    version = f"{base_version(package, files)}+{slug(author)}"
    info = f"{package}-{version}.dist-info"
    everything = dict(sorted(files.items()))
    licences = {path.removeprefix(f"{package}/"): text for path, text in everything.items() if is_licence(path)}
    everything |= {f"{info}/licenses/{name}": text for name, text in licences.items()}
    everything[f"{info}/METADATA"] = _metadata(package, version, author, list(licences))
    everything[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: tinytorch.learn\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    contents = {path: text if isinstance(text, bytes) else text.encode("utf-8") for path, text in everything.items()}
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    return f"{package}-{version}-py3-none-any.whl", _zip(contents)


def is_licence(path: str) -> bool:
    """Say whether a file holds the licence of what lies beside and below it."""
    return path.rpartition("/")[2].startswith("LICENSE")


def _metadata(package: str, version: str, author: str, licences: list[str]) -> str:
    """Return what a wheel says of itself: no licence for the whole, for the author's part is the author's to license."""
    name = " ".join(author.split()) or "a reader"
    files = "".join(f"License-File: {file}\n" for file in licences)
    return (
        f"Metadata-Version: 2.4\nName: {package}\nVersion: {version}\n"
        f"Summary: A machine-learning framework in NumPy, with functions by {name}\n"
        f"Author: {name}\n{files}Requires-Python: >=3.11\nRequires-Dist: numpy>=2.0\n"
        "\n"
        "The licence files are for what comes from TinyTorch: its library, the tasks and checks of its chapters, its data.\n"
        f"What {name} wrote is {name}'s own to license.\n"
    )


def _record(contents: dict[str, bytes], itself: str) -> bytes:
    rows = []
    for path, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join([*rows, f"{itself},,", ""]).encode()


def _zip(contents: dict[str, bytes]) -> bytes:
    import io
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path, content in contents.items():
            entry = zipfile.ZipInfo(path, DATE)
            entry.create_system, entry.compress_type = 3, zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return file.getvalue()
