"""Find a Chromium for the browser tests, or install one.

Order: $CHROMIUM, a browser on the PATH, the one that Playwright manages, Debian's package. Run as a script it
prints the path, which is what `make` does before the tests start.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HELP = """No Chromium was found and none could be installed. Any of these is enough:
  - install one: `sudo apt-get install chromium` (Debian), or Chrome from your system's store
  - say where it is: CHROMIUM=/path/to/chrome make test"""


class NoChromium(RuntimeError):
    """Neither found nor installed; the message says what to do."""


def find_chromium() -> str:
    """The path of a Chromium; raises NoChromium with instructions where there is none."""
    for look in (named, on_path, of_playwright):
        if found := look():
            return found
    raise NoChromium(HELP)


def named() -> str | None:
    path = os.environ.get("CHROMIUM")
    if path and not Path(path).exists():
        raise NoChromium(f"CHROMIUM is {path!r}, but there is no such file")
    return path


def on_path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Try Debian's package (as root or with a password-less sudo), then Playwright's own download."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    tries = []
    if shutil.which("apt-get"):
        tries += [[*prefix, "apt-get", "update", "-qq"], [*prefix, "apt-get", "install", "-y", "-qq", "chromium"]]
    tries.append([sys.executable, "-m", "playwright", "install", "chromium"])
    for command in tries:
        print("trying:", " ".join(command), file=sys.stderr)
        try:
            subprocess.run(command, stdout=sys.stderr, check=False, timeout=900)
        except (OSError, subprocess.TimeoutExpired) as problem:
            print(f"  {problem}", file=sys.stderr)
            continue
        if on_path() or of_playwright():
            return


def main() -> int:
    try:
        print(find_chromium())
    except NoChromium:
        install()
        try:
            print(find_chromium())
        except NoChromium as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
