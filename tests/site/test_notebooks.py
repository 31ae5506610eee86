"""Notebooks made from a chapter: valid, stable, plain Markdown, with what page and graders need."""

import copy
import json
import re
import shutil
from dataclasses import replace

import nbformat
import pytest

from .conftest import ROOT, SAMPLE


@pytest.fixture
def notebook(sample):
    from tinytorch_book.library import derive
    from tinytorch_book.notebooks import chapter_notebook
    from tinytorch_book.plan import read_plan

    return chapter_notebook(sample, read_plan(SAMPLE, [sample]), derive)


def by_id(notebook):
    return {cell["id"]: cell for cell in notebook["cells"]}


def test_it_is_a_valid_notebook_without_outputs(notebook):
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_it_opens_with_the_title_and_what_loads_the_checks(notebook):
    first, about, setup = notebook["cells"][:3]
    assert first["source"].startswith("# 01 Tensor")
    assert setup["source"] == "%load_ext tinytorch.learn\nfrom tinytorch import learn\nawait learn.open()"
    assert "next cell" in about["source"]


def test_an_exercise_is_task_code_and_check(notebook):
    cells = by_id(notebook)
    task, code, check = (cells[f"ex-memory_footprint{part}"] for part in ("-task", "", "-check"))
    assert task["source"].startswith("### 1.1 Count the bytes")
    assert task["source"].count("<details>") == 2
    assert code["source"].startswith("%%exercise 01.memory_footprint\ndef memory_footprint(self):")
    assert check["source"] == 'learn.check("01.memory_footprint")'


def test_exercise_cells_carry_what_page_and_graders_need(notebook):
    cells = by_id(notebook)
    code, check = cells["ex-memory_footprint"]["metadata"], cells["ex-memory_footprint-check"]["metadata"]
    assert code["tinytorch"]["exercise"] == "01.memory_footprint"
    assert re.fullmatch(r"[0-9a-f]{8,}", code["tinytorch"]["edition"])
    assert code["nbgrader"]["solution"] and not code["nbgrader"]["grade"]
    assert check["nbgrader"]["grade"] and check["nbgrader"]["locked"] and check["nbgrader"]["points"] == 2


def test_the_edition_is_the_one_that_learn_knows(notebook):
    from tinytorch.learn.catalog import Exercise
    from tinytorch_book.chapter import read_chapter

    (exercise,) = read_chapter(SAMPLE / "modules/01_tensor.md").exercises
    edition = by_id(notebook)["ex-memory_footprint"]["metadata"]["tinytorch"]["edition"]
    assert edition == Exercise.from_dict(exercise.to_dict()).edition


def test_questions_can_be_answered(notebook):
    cells = by_id(notebook)
    assert "1. A view, with `strides` swapped" in cells["q-copy-or-view"]["source"]
    assert cells["q-copy-or-view-answer"]["source"].endswith('learn.answer("01.copy-or-view", None)')
    assert "in MB" in cells["q-activations-answer"]["source"]
    assert "Half the bytes" not in json.dumps(notebook), "a model answer must not stand in the notebook"


def test_no_myst_is_left(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            assert not re.search(r"^`{3,}\{|\{[a-z-]+\}`|^\([\w-]+\)=", cell["source"], re.M), cell["source"]
    assert "unlocks     02 Activations" in by_id(notebook)["connection-map"]["source"]


def test_cell_ids_do_not_move_when_text_is_put_in(tmp_path, notebook):
    from tinytorch_book.chapter import read_chapter
    from tinytorch_book.library import derive
    from tinytorch_book.notebooks import chapter_notebook

    text = (SAMPLE / "modules/01_tensor.md").read_text(encoding="utf-8")
    path = tmp_path / "01_tensor.md"
    shutil.copy(SAMPLE / "modules/01_tensor.py", tmp_path)
    path.write_text(text.replace("## Build\n", "## Another section\n\nNew words.\n\n## Build\n"), encoding="utf-8")
    longer = chapter_notebook(read_chapter(path), [], derive)
    before, after = list(by_id(notebook)), list(by_id(longer))
    assert len(after) == len(before) + 1
    assert [cell for cell in after if cell in before] == before


def test_stripping_takes_outputs_and_nothing_else(notebook):
    from tinytorch_book.notebooks import strip_outputs

    used = copy.deepcopy(notebook)
    code = by_id(used)["ex-memory_footprint"]
    code["outputs"], code["execution_count"] = [nbformat.v4.new_output("stream", text="24")], 7
    assert strip_outputs(used) == notebook


@pytest.mark.parametrize(
    "myst,plain",
    [
        ("{math}`N^2` numbers", "$N^2$ numbers"),
        ("see {doc}`the tour <../book/running>`", "see the tour"),
        ("see [the tour](../book/running.md)", "see the tour"),
        ("see [PyTorch](https://pytorch.org)", "see [PyTorch](https://pytorch.org)"),
        ("```{note}\nMind this.\n```", "> Mind this."),
        ("```{math}\na + b\n```", "$$\na + b\n$$"),
        ("`{doc}` is a role", "`{doc}` is a role"),
        ("```python\n[a](b.md)\n```", "```python\n[a](b.md)\n```"),
    ],
)
def test_myst_becomes_plain_markdown(tmp_path, myst, plain):
    from tinytorch_book.plain import to_plain

    assert to_plain(myst, tmp_path / "01_x.md", 1)[0].strip() == plain


def test_a_box_to_type_in_becomes_a_sentence(tmp_path):
    from tinytorch_book.plain import to_plain

    plain, _ = to_plain("```{token-box} lab-playground\n```\n", tmp_path / "a.md", 1)
    assert "a box stands here, in which the tokens of what is typed are coloured" in plain and "```" not in plain


def test_a_directive_without_a_plain_form_is_an_error(tmp_path):
    from tinytorch_book.fences import ChapterError
    from tinytorch_book.plain import to_plain

    with pytest.raises(ChapterError, match=r"01_x\.md:7: \{mermaid\} has no plain form"):
        to_plain("```{mermaid}\nx\n```", tmp_path / "01_x.md", 7)


def test_a_figure_travels_with_the_notebook(tmp_path):
    from tinytorch_book.plain import to_plain

    (tmp_path / "strides.svg").write_text("<svg/>")
    text, attachments = to_plain(
        "```{figure} strides.svg\n:alt: Rows and strides\n\nTwo rows.\n```", tmp_path / "01_x.md", 1
    )
    assert text == "![Rows and strides](data:image/svg+xml;base64,PHN2Zy8+)\n\n*Two rows.*"
    assert attachments == {}


def test_the_real_chapters_make_notebooks(tmp_path):
    from tinytorch_book.notebooks import write_notebooks

    names = write_notebooks(ROOT, tmp_path)
    assert "01_tensor.ipynb" in names
    for name in names:
        nbformat.validate(nbformat.read(tmp_path / name, as_version=4))


def test_one_notebook_is_printed_as_it_is_written(tmp_path, capsys):
    from tinytorch_book.__main__ import main
    from tinytorch_book.notebooks import write_notebooks

    assert main(["notebook", "05"]) == 0
    printed = capsys.readouterr().out
    write_notebooks(ROOT, tmp_path)
    assert printed == (tmp_path / "05_dataloader.ipynb").read_text(encoding="utf-8")
    assert main(["notebook", "77"]) == 1
    assert "there is no chapter '77'" in capsys.readouterr().err


def test_a_symbol_that_the_library_lacks_is_named_with_file_and_line(sample):
    from tinytorch_book.chapter import ChapterError
    from tinytorch_book.library import derive

    exercise = replace(sample.exercises[0], symbol="tinytorch.core.tensor:Tensor.no_such_method")
    with pytest.raises(
        ChapterError, match=rf"01_tensor\.md:{exercise.line}: .*no_such_method, which the library does not have"
    ):
        derive(exercise, "01_tensor.md")
