"""What the notebook's kernel in the browser makes of commands that a machine of one's own would follow.

    c.InteractiveShellApp.extensions = ["tinytorch.learn.doors.browser"]      lite/notebook.mjs writes this

A browser has no other program to start, and this site asks no other host for packages. A command that needs one gets a
sentence at once; `%matplotlib` fetches Matplotlib first, as an import of it does.
"""

from __future__ import annotations

import builtins
import re
import sys

PIP = ("pip", "conda", "mamba", "micromamba", "uv")
INSTALLS = re.compile(rf"\s*(?:python3?\s+-m\s+)?(?:{'|'.join(PIP)})\b(.*)", re.S)
PLOTS = re.compile(r"^\s*%(matplotlib|pylab)\b", re.M)
ELSEWHERE = "For anything else use Jupyter on your own machine; the chapter's page has the notebook to download."


class NoProgram(RuntimeError):
    """A command that needs another program; shown as its sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class NoKeyboard(RuntimeError):
    """A call of input() where no answer can come; shown as its sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def load_ipython_extension(shell, shipped=None, fetch=None) -> None:
    """Take the place of what starts programs, installs packages and asks for input.

    shipped : function that returns the names of all packages of the site; fetch : coroutine function that loads one
    """
    shipped, fetch = shipped or _shipped, fetch or _fetch
    magics = shell.magics_manager
    for name in ("script", "sx", "system", "!", *magics.registry["ScriptMagics"].script_magics):
        shell.register_magic_function(_refuse(f"%%{name}"), "cell", name)
    for name in ("sx", "system"):
        shell.register_magic_function(_refuse(f"%{name}"), "line", name)
    for name in PIP:
        shell.register_magic_function(lambda line: print_about_packages(line, shipped()), "line", name)
    shell.system = shell.getoutput = lambda command, *_, **__: run_command(command, shipped)
    shell.events.register("pre_run_cell", _ask_aloud)
    transforms = getattr(shell.kernel, "lite_transform_manager", None)
    if transforms is not None:  # its one transform hands `%pip` to an installer that would ask another host
        transforms.line_transforms = [lambda lines: _with_matplotlib(lines, fetch)]


def run_command(command: str, shipped) -> None:
    """Answer `!command`: what installs is told what is here, anything else is refused."""
    wanted = INSTALLS.match(command)
    if not wanted:
        _refuse(f"!{command.split()[0] if command.split() else ''}")("")
    print_about_packages(wanted[1], shipped())


def print_about_packages(line: str, shipped: set[str]) -> None:
    """Say of the packages in a line such as `install numpy  # needed` which are here."""
    words = [word.strip("'\"") for word in line.partition("#")[0].split() if not word.startswith("-")]
    wanted = words[words.index("install") + 1 :] if "install" in words else []
    names = [re.split(r"[\[<>=!~;@]", word)[0] for word in wanted]
    absent = [name for name in names if re.sub(r"[-_.]+", "-", name).lower() not in shipped]
    if names and not absent:
        print(f"{', '.join(names)}: here already. Nothing needs installing.")
    elif absent:
        print(
            f"{', '.join(absent)}: not here, and this notebook installs nothing: it works without any other host. "
            f"NumPy, Matplotlib and tinytorch are here. {ELSEWHERE}",
            file=sys.stderr,
        )
    else:
        print(f"Nothing needs installing here: NumPy, Matplotlib and tinytorch are here. {ELSEWHERE}")


def _refuse(command: str):
    """Return a magic that says why it does nothing."""

    def refuse(line: str, cell: str | None = None) -> None:
        advice = (
            "This cell's Python runs here without that line."
            if "python" in command or "pypy" in command
            else f"Write it in Python. {ELSEWHERE}"
        )
        raise NoProgram(f"`{command}` starts another program, and a browser has none. {advice}")

    return refuse


async def _with_matplotlib(lines: list[str], fetch) -> list[str]:
    if PLOTS.search("".join(lines)):
        await fetch("matplotlib")
    return lines


def _ask_aloud(*_) -> None:
    """Let input() say that no answer came, instead of returning None; the kernel sets it anew before each cell."""
    given = builtins.input

    def ask(*prompt):
        answer = given(*prompt)
        if answer is None:
            raise NoKeyboard(
                "input() cannot ask here: this page does not run isolated, so Python cannot wait for your answer. "
                'Write the value into the code: `name = "Ada"`.'
            )
        return answer

    builtins.input = ask


def _shipped() -> set[str]:
    import pyodide_js

    return {str(name) for name in pyodide_js.lockfile.packages.to_py()}


async def _fetch(name: str) -> None:
    import pyodide_js

    await pyodide_js.loadPackage(name)
