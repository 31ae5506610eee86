"""The notebook's door and the terminal's, on the sample package."""

import asyncio
import dataclasses
import importlib
import json
import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tinytorch import learn
from tinytorch.learn import __main__ as terminal
from tinytorch.learn import workshop as workshops
from tinytorch.learn.catalog import Catalog, Check
from tinytorch.learn.doors import notebook as door

GOOD = "def size(self):\n    return int(self.data.size)\n"
WRONG = "def size(self):\n    return 2\n"

QUESTIONS = (
    {
        "id": "01.view",
        "kind": "choice",
        "choices": [{"text": "a", "why": "A copy costs."}, {"text": "b", "why": "No byte moves.", "right": True}],
    },
    {
        "id": "01.bytes",
        "kind": "number",
        "answer": 12.0,
        "unit": "MB",
        "tolerance": 0.01,
        "mistakes": [{"value": 12.6, "why": "MiB"}],
        "explanation": "3 times 4.",
    },
    {"id": "01.why", "kind": "open", "model_answer": "Because.\n"},
)


@pytest.fixture
def sample(catalog, monkeypatch):
    """Let the doors open on the sample package."""
    chapter = dataclasses.replace(
        catalog.chapters[0], questions=QUESTIONS, exercises=tuple(e for e in catalog.exercises if e.checks)
    )
    sample = Catalog((chapter,), catalog.package)
    for module in (door, terminal):
        monkeypatch.setattr(module, "catalog", lambda: sample)
    monkeypatch.setattr(workshops, "shipped_catalog", lambda: sample)
    return sample


@pytest.fixture
def shell(sample):
    shell = InteractiveShell()
    shell.user_ns["learn"] = learn
    assert shell.run_line_magic("load_ext", "tinytorch.learn") != "already loaded"
    door.load_ipython_extension(shell)
    yield shell
    door.unload_ipython_extension(shell)


def test_an_untouched_starter_takes_nobodys_place(shell, sample, capsys):
    exercise = sample.exercise("01.size")
    shell.run_cell(f"%%exercise 01.size\n{exercise.starter}")
    assert "The library's version stands in" in capsys.readouterr().out
    assert door.current().workshop.placer.live == {}
    assert shell.run_cell("learn.check('01.size')").success, "Run All goes on"
    assert "size is not written yet, so there is nothing to check." in capsys.readouterr().err
    assert door.current().progress.exercises == {}


@pytest.mark.parametrize("text, state", [("", "run"), ("\n", "written"), ("# later\n", "written")])
def test_a_cell_without_code_says_so_and_the_run_goes_on(shell, capsys, text, state):
    shell.run_cell("%%exercise 01.size\n" + text)
    assert shell.run_cell("learn.check('01.size')").success
    assert f"size is not {state} yet, so there is nothing to check." in capsys.readouterr().err


def shown(shell, text, capsys):
    """What a cell that fails shows: all of it, with the colours taken out."""
    capsys.readouterr()
    assert not shell.run_cell(text).success
    said = capsys.readouterr()
    return re.sub(r"\x1b\[[\d;]*m", "", said.out + said.err)


def test_a_failing_check_shows_its_sentences_and_no_line_of_ours(shell, capsys):
    shell.run_cell(f"%%exercise 01.size\n{WRONG}")
    said = shown(shell, "learn.check('01.size')", capsys)
    assert "FAILED  Six elements" in said and said.rstrip().endswith("size: 1 of 1 checks failed.")
    assert "Traceback" not in said and "notebook.py" not in said and "----" not in said


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("learn.check('01.sise')", "there is no exercise '01.sise'; did you mean '01.size'?"),
        ("learn.answer('01.view', 7)", "answer 7: this question has the choices 1 to 2; give the number of one"),
        ("learn.answer('01.views', 1)", "there is no question '01.views'"),
        ("learn.milestone('m7.none')", "there is no program 'm7.none'; there are: none"),
        ("%%exercise 01.sise\ndef size(self): pass", "there is no exercise '01.sise'; did you mean '01.size'?"),
        ("%%milestone m7.none\npass", "there is no program 'm7.none'; there are: none"),
        ("await learn.open('{damaged}')", "{damaged}/progress.json: This file is not JSON"),
    ],
)  # fmt: skip
def test_what_is_refused_is_said_without_a_line_of_ours(shell, capsys, tmp_path, text, sentence):
    (tmp_path / "progress.json").write_text("{")
    said = shown(shell, text.format(damaged=tmp_path), capsys)
    assert said.startswith(sentence.format(damaged=tmp_path)) and said.count("\n") <= 2


def test_a_starter_run_again_leaves_the_version_that_passed(shell, sample, capsys):
    shell.run_cell(f"%%exercise 01.size\n{GOOD}")
    shell.run_cell("learn.check('01.size')").raise_error()
    shell.run_cell(f"%%exercise 01.size\n{sample.exercise('01.size').starter}")
    assert "stays in place" in capsys.readouterr().out
    shell.run_cell("learn.check('01.size')").raise_error()
    assert door.current().progress.passed == {"01.size": GOOD}


def run(shell, text):
    return shell.run_cell(text)


def test_an_exercise_cell_is_placed_and_plain_cells_see_it(shell, capsys):
    assert run(shell, "%%exercise 01.size\n" + WRONG + "print('ran')\nTensor([1, 2, 3]).size()").success
    assert "ran" in capsys.readouterr().out
    assert run(shell, "Tensor([1, 2, 3]).size()").result == 2
    failed = run(shell, "learn.check('01.size')")
    assert isinstance(failed.error_in_exec, AssertionError), "a grader sees it"
    assert "FAILED  Six elements" in capsys.readouterr().out
    run(shell, "%%exercise 01.size\n" + GOOD)
    assert run(shell, "learn.check('01.size')").success
    assert "its check passed" in capsys.readouterr().out


def test_a_cell_without_the_function_runs_and_says_that_it_is_missing(shell, capsys):
    run(shell, "%%exercise 01.size\ndef sise(self):\n    return 1\nprint('ran', sise(0))\n")
    said = capsys.readouterr()
    assert said.err == "" and said.out.startswith("ran 1\nLine 1 defines `sise`; this exercise needs the name `size`.")


def test_errors_in_an_exercise_cell_are_sentences(shell, capsys):
    run(shell, "%%exercise 01.size\ndef size(self, axis):\n    return 1\n")
    said = capsys.readouterr().err
    assert "Line 1: `axis` is not a parameter" in said and "Traceback" not in said


def test_what_is_written_comes_back(shell, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(shell, "await learn.open()")
    run(shell, "%%exercise 01.size\n" + GOOD)
    run(shell, "learn.check('01.size')")
    run(shell, "learn.answer('01.view', 2)")
    saved = json.loads((tmp_path / "my-tinytorch" / "progress.json").read_text())
    assert saved["exercises"][0]["passed"]["text"].strip() == GOOD.strip() and saved["answers"][0]["right"] is True
    door.unload_ipython_extension(shell)
    door.load_ipython_extension(shell)
    capsys.readouterr()
    assert run(shell, "await learn.open()").success
    assert "1 of your functions is in place." in capsys.readouterr().out
    assert run(shell, "learn.check('01.size')").success


def test_a_damaged_folder_is_left_alone(sample, tmp_path):
    door._current[:] = [door.Notebook({})]
    (tmp_path / "progress.json").write_text("{")
    with pytest.raises(learn.progress.ProgressError, match="Nothing was changed"):
        asyncio.run(door.open(str(tmp_path)))
    door.current().run("01.size", GOOD)
    assert (tmp_path / "progress.json").read_text() == "{"
    door.current().workshop.close()
    door._current.clear()


def test_a_store_that_fails_is_said(sample, capsys):
    class Broken:
        async def load(self):
            return None

        async def put(self, kind, record, progress):
            raise OSError("the database is closed")

    async def work():
        book = door.Notebook({})
        book.store = Broken()
        book.run("01.size", GOOD)
        while book.pending:
            await asyncio.sleep(0)
        book.workshop.close()

    asyncio.run(work())
    assert "Not saved: the database is closed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "question, answer, right, words",
    [
        ("01.view", 1, False, "Not this one. A copy costs."),
        ("01.view", 2, True, "Right. No byte moves."),
        ("01.bytes", 12.05, True, "Right. 3 times 4."),
        ("01.bytes", 12.6, False, "Not yet. MiB"),
        ("01.bytes", 5, False, "5 MB is not it"),
        ("01.why", "mine", None, "To compare with: Because."),
        ("01.view", None, "unanswered", "No answer yet: put yours in place of None."),
        ("01.why", "\n", "unanswered", "No answer yet: put yours between the quotation marks."),
    ],
)
def test_answers_are_judged(sample, capsys, question, answer, right, words):
    book = door.Notebook({})
    book.answer(question, answer)
    assert words in capsys.readouterr().out
    assert book.progress.answers.get(question, {"right": "unanswered"})["right"] is right or right == "unanswered"


@pytest.mark.parametrize(
    "question, answer, words",
    [
        ("01.view", 3, "choices 1 to 2"),
        ("01.view", "b", "choices 1 to 2"),
        ("01.bytes", "much", "a number MB"),
    ],
)
def test_answers_of_the_wrong_kind_are_refused(sample, question, answer, words):
    with pytest.raises(ValueError, match=words):
        door.Notebook({}).answer(question, answer)


def test_the_terminal_checks_what_is_installed(sample, capsys):
    assert terminal.main(["check", "01"]) == 0
    assert "4 of 4 exercises passed." in capsys.readouterr().out
    assert terminal.main(["check", "1", "size"]) == 0
    assert terminal.main(["check", "7"]) == 2 and "there is no chapter '7'" in capsys.readouterr().err
    assert terminal.main(["check", "01", "sise"]) == 2 and "did you mean '01.size'" in capsys.readouterr().err


def test_the_terminal_says_what_fails(sample, package, capsys, monkeypatch):
    tensor = importlib.import_module("tinysample.core.tensor")
    monkeypatch.setattr(tensor.Tensor, "size", lambda self: 5)
    assert terminal.main(["check", "01", "size"]) == 1
    said = capsys.readouterr().out
    assert "FAILED  Six elements" in said and "returned 5; expected 6" in said and "0 of 1 exercises passed." in said


def test_the_terminal_verifies_a_hand_in(sample, tmp_path, capsys):
    progress = learn.progress.Progress()
    progress.write("01.size", GOOD, "e", "passed")
    file = tmp_path / "handin.json"

    def verify():
        file.write_text(json.dumps(progress.hand_in("Ada")))
        return terminal.main(["verify", str(file)])

    assert verify() == 0 and "1 of 1 exercises passed." in capsys.readouterr().out
    progress.write("01.total", "def total(values):\n    return 4\n", "e", "passed")
    assert verify() == 1 and "1 of 2 exercises passed." in capsys.readouterr().out
    assert terminal.main(["verify", str(tmp_path / "none.json")]) == 2
    file.write_text("{")
    assert terminal.main(["verify", str(file)]) == 2 and "not JSON" in capsys.readouterr().err
    file.write_text(learn.progress.Progress().to_json())
    assert terminal.main(["verify", str(file)]) == 1


def test_a_pass_is_of_the_edition_that_was_checked_whatever_the_catalog_says_by_then(shell, sample, monkeypatch):
    checked = sample.exercise("01.size")
    newer = dataclasses.replace(checked, checks=(*checked.checks, Check("One more", "assert True")))
    chapter = dataclasses.replace(sample.chapters[0], exercises=(newer,))
    monkeypatch.setattr(door, "catalog", lambda: Catalog((chapter,), sample.package))
    shell.run_cell_magic("exercise", "01.size", GOOD)
    door.check("01.size")
    passed = door.current().progress.exercises["01.size"]["passed"]
    assert passed["edition"] == checked.edition != newer.edition
