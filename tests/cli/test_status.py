"""`tito status`: right, plain where it is not seen in a terminal, narrow where that is narrow, and quick."""

import os
import pty
import re
import resource
import subprocess
import sys

import pytest

from tinytorch import learn
from tinytorch.learn.keeping.folder_store import FolderStore

from .conftest import FIRST, TITO, solutions, wrote


def test_with_nothing_written_it_says_where_work_will_be_and_makes_nothing(tito, here):
    result = tito("status")
    assert result.exit_code == 0
    assert (
        f"Nothing is written yet. Your work will be kept in {here / 'my-tinytorch' / 'progress.json'}" in result.output
    )
    assert list(here.iterdir()) == []


def test_it_counts_chapters_milestones_and_competencies(tito):
    count = len(learn.chapter("01").exercises)
    progress = wrote(solutions({1}), author="Ada")
    for one in learn.catalog.catalog().milestone("m1").programs:
        progress.answer(one.id, "4 of 4 functions mine", True)
    for question in learn.chapter("01").questions:
        progress.answer(question["id"], "1", True)
    FolderStore().keep(progress)
    output = tito("status").output
    assert "Your work, Ada: " in output
    assert re.search(rf"^01  Tensor +{count} of {count}$", output, re.M)
    assert re.search(r"^M1  The perceptron of 1958 +3 of 3 programs$", output, re.M)
    assert re.search(r"^Milestones: 1 of \d+ reached$", output, re.M)
    assert re.search(r"^  Tensors and memory +[1-9] of \d+$", output, re.M)


def test_a_reader_who_did_everything_has_shown_every_competency(tito):
    """Labs are recorded nowhere, and an open question is answered, neither right nor wrong; both stand in the lists."""
    catalog = learn.catalog.catalog()
    progress = wrote(solutions())
    for chapter in (*catalog.chapters, *catalog.milestones):
        for question in chapter.questions:
            progress.answer(question["id"], "1", None if question["kind"] == "open" else True)
        for program in chapter.programs:
            progress.answer(program.id, "all mine", True)
    FolderStore().keep(progress)
    count = re.search(r"^Competencies: (\d+) of (\d+) shown$", tito("status").output, re.M)
    assert count and count[1] == count[2]
    for chapter in catalog.chapters:
        states = tito("status", chapter.id).output.split("Competencies\n")[1].splitlines()
        assert states and all(line.endswith("  shown") for line in states), states


def test_a_wrong_answer_shows_nothing(tito):
    progress = wrote(solutions())
    for chapter in learn.chapters():
        for question in chapter.questions:
            progress.answer(question["id"], "1", False)
    FolderStore().keep(progress)
    count = re.search(r"^Competencies: (\d+) of (\d+) shown$", tito("status").output, re.M)
    assert int(count[1]) < int(count[2])


def test_one_chapter_is_shown_in_full(tito):
    wrote({FIRST: solutions()[FIRST]})
    wrote({"01.mean": "def mean(self):\n    return 1\n"}, state="failed")
    output = tito("status", "1").output
    assert re.search(r"^1\.1  Count the bytes +passed$", output, re.M)
    assert re.search(r"^1\.4 .* in progress, 1 failed check$", output, re.M)
    assert "not begun" in output and re.search(r"copy-or-view +not answered$", output, re.M)
    assert re.search(r" \d of \d$", output, re.M)


def test_work_is_found_from_a_folder_below_and_where_the_variable_says(tito, here, monkeypatch):
    wrote({FIRST: "x"})
    (here / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(here / "a" / "b")
    assert f"Your work: {here / 'my-tinytorch' / 'progress.json'}" in tito("status").output
    monkeypatch.setenv("TINYTORCH_HOME", str(here / "other"))
    assert f"will be kept in {here / 'other' / 'progress.json'}" in tito("status").output


def in_a_terminal(columns, **variables):
    """Return what `tito status` writes to a terminal so wide."""
    controller, terminal = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "LINES")}
    environment = {**clean, "COLUMNS": str(columns), "TERM": "xterm-256color", **variables}
    process = subprocess.Popen([TITO, "status"], stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    parts = []
    while True:
        try:
            parts.append(os.read(controller, 65536))
        except OSError:  # the other end is closed
            break
        if not parts[-1]:
            break
    os.close(controller)
    assert process.wait() == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


COLOURED = re.compile(r"\x1b\[[0-9;]*m")


def test_a_terminal_gets_colours_and_no_line_that_is_too_long():
    wrote({FIRST: "x"})
    wide, narrow = in_a_terminal(100), in_a_terminal(32)
    assert "\x1b[34m" in wide
    lines = COLOURED.sub("", narrow).split("\n\n", 1)[1].split("\n")
    assert max(map(len, lines)) <= 32 and any("Tensor" in line for line in lines)


def test_no_color_is_respected():
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", in_a_terminal(80, NO_COLOR="1"))


def test_a_pipe_gets_plain_lines(program):
    wrote({FIRST: "x"})
    done = program("status", env={"COLUMNS": "20"})
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert not re.search(r" +$", done.stdout, re.M)
    assert re.search(r"^01  Tensor +1 of \d$", done.stdout, re.M)


def test_a_terminal_without_unicode_and_a_pipe_that_closes_are_no_errors(here):
    wrote({FIRST: "x"}, author="Žofie")
    done = subprocess.run(f"{TITO} status | head -n 1", shell=True, capture_output=True, text=True)
    assert done.stdout.startswith("Your work, Žofie") and done.stderr == ""
    done = subprocess.run(
        [TITO, "status"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0 and b"Your work, ?ofie" in done.stdout


def test_it_takes_less_than_half_a_second():
    """Counted on the processor's clock, the best of several runs, because the machine may have other things to do."""
    wrote(solutions())
    times = []
    while not times or (min(times) >= 0.5 and len(times) < 10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([TITO, "status"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.5, times


def test_it_loads_no_more_than_it_needs(here):
    code = (
        "import sys; from tinytorch.cli import main\n"
        "try: main()\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    )
    wrote({FIRST: "x"})
    done = subprocess.run([sys.executable, "-c", code, "status"], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    heavy = {
        "tinytorch.learn.workshop",
        "tinytorch.learn.doors.desk",
        "IPython",
        "nbformat",
        "asyncio",
        "pydantic",
        "matplotlib",
        "rich.markdown",
    }
    assert "tinytorch.learn.catalog" in loaded and not heavy & loaded, heavy & loaded
    assert not {m for m in loaded if m.startswith("tinytorch.core.") and m != "tinytorch.core.tensor"}


@pytest.mark.parametrize(
    "words",
    ["status", "start", "check", "export", "backup", "restore", "verify", "build", "serve", "milestone"],
)
def test_each_command_explains_itself(tito, words):
    result = tito(words, "--help")
    assert result.exit_code == 0 and f"Usage: tito {words}" in result.output
    first = result.output.split("\n\n")[1].strip().split("\n")[0]
    assert re.search(rf"^  {words} +{re.escape(first)}$", tito("--help").output, re.M), (
        "its first sentence fits into the list"
    )
