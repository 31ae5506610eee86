"""`tito milestone run`: on the reader's package, in a Python of its own, honest about what was missed."""

import os
import signal
import subprocess

import pytest

from tinytorch import learn
from tinytorch.learn.keeping.folder_store import FolderStore

from .conftest import TITO, kept, solutions, wrote

NEEDED = {1, 2, 3, 4}
BROKEN = {"01.transpose": "def transpose(self, dim0=-2, dim1=-1):\n    return wrap(self.data.T * 0 + 1, self)\n"}


@pytest.fixture
def reached(program):
    """Run a milestone; return the exit status, what it printed and what it said on stderr."""

    def run(*arguments):
        done = program("milestone", "run", *arguments)
        return done.returncode, done.stdout, done.stderr

    return run


def test_it_says_what_must_be_reached_then_what_was_and_keeps_it(reached, tito):
    wrote(solutions(NEEDED))
    status, said, _ = reached("1", "xor")
    assert status == 0
    before, _, after = said.partition("pass 1: weights")
    for goal in learn.catalog.catalog().program("m1.xor").goals:
        assert f"  - {goal.title}" in before and f"  reached  {goal.title}" in after
    assert said.endswith("\n1 of 1 programs reached their goals.\n")
    answer = kept().answers["m1.xor"]
    assert answer["right"] is True and answer["answer"].split(" of ")[0] == answer["answer"].split()[2]
    listed = tito("milestone", "list").output
    assert f"reached, {answer['answer']}" in listed and listed.count("not run") >= 2
    assert "M1 The perceptron of 1958, on chapters 01, 02, 03, 04" in listed


def test_a_program_without_a_shorter_form_runs_as_it_is_printed(reached):
    status, said, _ = reached("1", "xor", "--shorter")
    assert status == 0 and said.endswith("\n1 of 1 programs reached their goals.\n")


def test_a_run_that_falls_short_says_so_names_the_function_and_fails(reached):
    wrote({**solutions(NEEDED), **BROKEN})
    status, said, _ = reached("perceptron", "perceptron")
    assert status == 1
    assert "A perceptron corrects itself: fell short" in said and "MISSED " in said
    assert (
        "With the library's function in the place of your `Tensor.transpose` (chapter 01) all goals are reached" in said
    )
    assert said.endswith("\n0 of 1 programs reached their goals.\n")
    assert kept().answers["m1.perceptron"]["right"] is False


def test_what_was_reached_once_stays_reached(reached):
    progress = wrote(BROKEN)
    progress.answer("m1.perceptron", "9 of 9 functions mine", True)
    FolderStore().keep(progress)
    assert reached("m1", "perceptron")[0] == 1
    assert kept().answers["m1.perceptron"]["right"] is True


def test_one_program_that_falls_short_is_enough_to_fail(reached):
    sigmoid = next(e.id for e in learn.chapter("02").exercises if e.qualname == "Sigmoid.forward")
    wrote({sigmoid: "def forward(self, x):\n    return Tensor(x.data * 0 + 0.3)\n"})
    status, said, _ = reached("1")
    assert status == 1 and "A perceptron corrects itself: reached" in said and "fell short" in said
    assert " of 3 programs reached their goals." in said and "3 of 3" not in said.splitlines()[-1]


def test_an_error_in_the_readers_function_is_told_with_its_line(reached):
    wrote({"01.transpose": "def transpose(self, dim0=-2, dim1=-1):\n    return self.turn()\n"})
    status, said, error = reached("1", "perceptron")
    assert status == 1 and "stopped by an error" in said and "turn" in said
    assert "Traceback" not in error


def test_a_python_that_dies_is_told_and_nothing_counts(reached):
    wrote({"01.transpose": "def transpose(self, dim0=-2, dim1=-1):\n    import os\n    os.kill(os.getpid(), 9)\n"})
    status, _, error = reached("1", "perceptron")
    assert status == 2 and "ended by signal 9" in error and "that run is not recorded" in error
    assert "m1.perceptron" not in kept().answers


def as_in_a_terminal():
    """Ctrl-C ends a program, also when these tests run in the background of a shell, which makes it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_stops_a_run_which_then_counts_for_nothing():
    hangs = "    print('begun', flush=True)\n    while True: pass\n"
    wrote({"01.transpose": f"def transpose(self, dim0=-2, dim1=-1):\n{hangs}"})
    command = [TITO, "milestone", "run", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=as_in_a_terminal
    ) as process:
        while "begun" not in process.stdout.readline():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        said = process.stdout.read()
    assert process.returncode == 130
    assert "A perceptron corrects itself: stopped" in said and "A Sigmoid unit" not in said
    assert kept().answers == {}


def test_a_text_that_passed_and_fits_no_longer_is_named_and_fails(reached):
    wrote({"01.transpose": "def transposed(self):\n    return self\n"})
    status, said, _ = reached("1", "xor")
    assert status == 1 and "01.transpose: the version that passed could not be put in place." in said


def test_files_of_the_current_folder_do_not_take_the_place_of_pythons(reached, here):
    (here / "random.py").write_text("raise SystemExit('the wrong random')\n")
    (here / "tinytorch.py").write_text("raise SystemExit('the wrong tinytorch')\n")
    assert reached("1", "xor")[0] == 0
