"""Which commit this TinyTorch was built from.

A clone asks git. A wheel or a source archive made in one has the answer in it: hatch_build.py puts it there. Elsewhere
nobody knows, and the version stands alone. The build runs this file by itself, so it needs the standard library only.
"""

import subprocess
from pathlib import Path

WRITTEN = Path(__file__).with_name("commit.txt")
ROOT = Path(__file__).resolve().parents[2]


def commit() -> str:
    """Return such as "1a2bafb3c4d5" or "1a2bafb3c4d5, modified"; "" where nobody knows."""
    return WRITTEN.read_text(encoding="utf-8").strip() if WRITTEN.exists() else of_clone(ROOT)


def of_clone(folder: Path) -> str:
    """Return the commit of the clone whose top this folder is; modified: a file differs from it, or is new."""
    try:
        top, head = _git(folder, "rev-parse", "--show-toplevel", "--short=12", "HEAD").splitlines()
        if not folder.samefile(top):  # a package or an unpacked archive that lies in another project's clone
            return ""
        return f"{head}, modified" if _git(folder, "status", "--porcelain") else head
    except (OSError, subprocess.CalledProcessError):  # no git here, or no clone
        return ""


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


if __name__ == "__main__":
    print(commit())
