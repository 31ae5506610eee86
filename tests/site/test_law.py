"""The law of a chapter: a chapter of the book with one thing changed breaks exactly the rule that it should."""

import shutil

import pytest

from tinytorch_book.__main__ import main
from tinytorch_book.law import Course, before_further, broken

from .conftest import ROOT


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A copy of the course's texts."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("modules", "milestones"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "book").mkdir()
    shutil.copy(ROOT / "book/plan.yml", root / "book")
    return root


@pytest.fixture
def changed(whole, tmp_path):
    """changed(file, old, new, id): the errors of chapter `id` when `old` is replaced by `new` in a file."""

    def change(file, old, new, id="05"):
        root = tmp_path / "course"
        shutil.copytree(whole, root)
        text = (root / file).read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        course = Course(root)
        return broken(course, course.find(id))

    return change


TEXT, CHECKS, MILESTONE = "modules/05_dataloader.md", "modules/05_dataloader.py", "milestones/01_perceptron.md"
RULES = [
    (CHECKS, '        "return tuple([tensor[index] for tensor in self.tensors])",\n', "", "keeps 2 right answers"),
    (
        CHECKS,
        ',\n             "return self.tensors[index]")',
        ")",
        "no wrong answer stands behind the sentence 'You took one",
    ),
    (
        TEXT,
        "There may be one tensor, or two, or five.",
        "Write `return tuple(tensor[index] for tensor in self.tensors)`.",
        "holds a line of the answer, `return tuple(tensor[index] for tensor in self.tensors)`",
    ),
    (
        TEXT,
        "```{hint}\nThere may be one",
        "```{hnt}\nThere may be one",
        "{hnt} has no plain form for the notebook; look at its name",
    ),
    (TEXT, "minutes: 60", "minutes: 61", "takes 61 minutes"),
    (TEXT, "minutes: 60", "minutes: 30", "the exercises alone take"),
    (TEXT, "## Why\n", "## Why\n" + "\n" * 80, "lines; 300 to 600"),
    (TEXT, "## Use\n", "## Usage\n", "the parts are"),
    (TEXT, "shown_by: [getitem, ", "shown_by: [", "exercise 05.getitem shows no competency"),
    (TEXT, "unlocks: [8]", "unlocks: [21]", "names chapter 21"),
    (
        TEXT,
        "from tinytorch import Linear, ReLU, Sequential, Tensor, manual_seed",
        "from tinytorch import SGD, Linear, ReLU, Sequential, Tensor, manual_seed",
        "built in chapter 07",
    ),
    (
        TEXT,
        "data, model, loss_of = TinyDigits(), ",
        "print(samples)\ndata, model, loss_of = TinyDigits(), ",
        "uses `samples`, which only an example before it binds",
    ),
    (CHECKS, "You took one of the tensors out", "You took the gradient out", "'gradient' is a word of a later chapter"),
    (
        TEXT,
        "There may be one tensor, or two, or five.",
        "There may be one token.",
        "'token' is a word of a later chapter",
    ),
    (TEXT, "## Build\n", "## Build\n\nThis is simply so.\n", "does without 'simply'"),
    (
        TEXT,
        "## Build\n",
        '## Build\n\n<svg role="img"><title>Short</title><path stroke="currentColor"/></svg>\n',
        "<title> of at least 40",
    ),
    (
        TEXT,
        "## Build\n",
        '## Build\n\n<svg role="img"><title>' + "Long enough. " * 4 + '</title><path stroke="red"/></svg>\n',
        "in currentColor",
    ),
    (
        TEXT,
        "## Build\n",
        '## Build\n\n<svg role="img"><title>'
        + "Long enough. " * 4
        + '</title><path stroke="currentColor" fill="#c00"/></svg>\n',
        "stays the same in dark mode",
    ),
]
MILESTONE_RULES = [
    ("## Why\n", "## Where\n", "they begin with Why"),
    ("## Why\n", "## Why\n\nSuch words as epoch, token and transformer.\n", "is a word of a later chapter"),
    ("import numpy as np\n", "import numpy as np\nfrom tinytorch import GPT\n", "built in chapter 13"),
    ("import numpy as np\n", "import numpy as np\n" + "wide = 1" + " + 1" * 20 + "\n", "columns; 76 fit"),
]


def test_the_course_as_it_is_breaks_no_rule(whole, capsys):
    assert main(["--root", str(whole), "check"]) == 0
    assert "no rules broken" in capsys.readouterr().out


@pytest.mark.parametrize("file, old, new, says", RULES, ids=[says for *_, says in RULES])
def test_a_rule_that_is_broken_is_said_with_file_and_line(changed, file, old, new, says):
    errors = changed(file, old, new)
    assert [error for error in errors if says in str(error)], list(map(str, errors))
    assert len({error.sentence.split(";")[0] for error in errors}) == 1, list(map(str, errors))
    assert all(error.path in (TEXT, CHECKS) and error.line >= 1 for error in errors)


@pytest.mark.parametrize("old, new, says", MILESTONE_RULES, ids=[says for *_, says in MILESTONE_RULES])
def test_a_rule_of_a_milestone_is_said_with_its_line(changed, old, new, says):
    errors = changed(MILESTONE, old, new, "m1")
    assert [error for error in errors if says in str(error)], list(map(str, errors))


def test_a_chapters_room_of_several_files_is_that_chapters():
    course = Course(ROOT)
    assert (
        course.home_of("tinytorch.perf.profiling.latency", "measure_latency")
        == course.home_of("tinytorch", "Profiler")
        == 14
    )


def test_the_command_prints_the_rules_and_ends_with_1(whole, tmp_path, capsys):
    root = tmp_path / "course"
    shutil.copytree(whole, root)
    text = root / TEXT
    text.write_text(
        text.read_text(encoding="utf-8").replace("## Build\n", "## Build\n\nThis is powerful.\n", 1), encoding="utf-8"
    )
    line = text.read_text(encoding="utf-8").split("This is powerful")[0].count("\n") + 1
    assert main(["--root", str(root), "check", "05"]) == 1
    printed = capsys.readouterr()
    assert f"{TEXT}:{line}: " in printed.err and "05: 1 rule broken" in printed.out
    assert main(["--root", str(root), "check", "77"]) == 1
    assert "there is no chapter '77'" in capsys.readouterr().err


def test_exercises_under_the_last_heading_count_apart(whole, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(whole, root)
    path = root / TEXT
    text = path.read_text(encoding="utf-8")
    path.write_text(text + 100 * "\nMore.\n", encoding="utf-8")
    course = Course(root)
    assert broken(course, course.find("05")) == []
    assert {*course.find("05").exercises} - {*before_further(course.find("05"))} == {course.find("05").exercises[-1]}
    task = "````{exercise} tinytorch.core.dataloader:DataLoader.order"
    text = text.replace("\n## Further exercises\n", "")
    path.write_text(text.replace(task, "## Further exercises\n\n" + task), encoding="utf-8")
    course = Course(root)
    names = [exercise.name for exercise in before_further(course.find("05"))]
    assert names == ["getitem", "stack_samples", "collate", "take", "len"]
    sentences = [error.sentence for error in broken(course, course.find("05"))]
    assert sentences[0].startswith("the text has ") and "and Further exercises may follow" in sentences[1]
