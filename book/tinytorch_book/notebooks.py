"""A chapter as a Jupyter notebook: the same text, the same exercises, checked by the same three lines.

Cell ids come from names and content, never from positions, so a reader's notebook and a newer one can be compared.
Exercise cells carry `tinytorch: {exercise, edition}`, by which JupyterLite puts the reader's own text into them,
and nbgrader's metadata, by which an instructor can release and grade them.
"""

import hashlib
import json
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .catalog import write_if_changed
from .chapter import Example, Exercise, Lab, Map, Program, Prose, Question
from .connection import connection_text
from .library import derive
from .plain import to_plain
from .plan import read_chapters, read_milestones, read_plan

SETUP = "%load_ext tinytorch.learn\nfrom tinytorch import learn\nawait learn.open()"
ABOUT = """This is chapter {number} of TinyTorch as a notebook. Run the next cell first: it loads the checks and
what you have written before. A cell that begins with `%%exercise` puts your code in place of the library's
when you run it; the cell after it checks it."""
ABOUT_MILESTONE = """This is milestone {number} of TinyTorch as a notebook. Run the next cell first: it loads what you have written
before. A cell that begins with `%%milestone` runs its program on your own package, in a session of its own: it sees no variables of other cells."""


def notebook_name(chapter):
    """The name of a chapter's notebook; a milestone's says so, because both are numbered from 01."""
    return f"milestone_{chapter.stem}.ipynb" if chapter.is_milestone else f"{chapter.stem}.ipynb"


def write_notebooks(root, output):
    """Write `output/NN_name.ipynb` for every chapter and milestone; return the names."""
    chapters = read_chapters(Path(root))
    plan = read_plan(root, chapters)
    chapters += read_milestones(Path(root))
    for chapter in chapters:
        write_if_changed(Path(output, notebook_name(chapter)), notebook_text(chapter, plan))
    return [notebook_name(chapter) for chapter in chapters]


def notebook_text(chapter, plan):
    """The content of a chapter's file NN_name.ipynb."""
    return json.dumps(chapter_notebook(chapter, plan, derive), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def chapter_notebook(chapter, plan, derive):
    """The notebook of a chapter. `derive(exercise, path)` gives starter and edition from the library's source."""
    cells = []
    for block in chapter.blocks:
        cells += _cells(block, chapter, plan, derive)
    cells[0]["source"] = cells[0]["source"].replace("# ", f"# {chapter.id.upper()} ", 1)
    about = ABOUT_MILESTONE if chapter.is_milestone else ABOUT
    cells[1:1] = [
        new_markdown_cell(about.format(number=chapter.meta["number"]), id="about"),
        new_code_cell(SETUP, id="setup"),
    ]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "tinytorch": {"chapter": chapter.id, "title": chapter.meta["title"]},
    }
    notebook = new_notebook(cells=_with_distinct_ids(cells), metadata=metadata)
    nbformat.validate(notebook)
    return notebook


def _cells(block, chapter, plan, derive):
    if isinstance(block, Prose):
        return _prose_cells(block, chapter)
    if isinstance(block, Map):
        return [new_markdown_cell("```text\n" + connection_text(chapter, plan) + "\n```", id="connection-map")]
    if isinstance(block, Example):
        return [_code(block.code, _content_id("code", block.code), {"tags": block.tags} if block.tags else {})]
    if isinstance(block, Lab):
        return [_code(block.code, block.name, {"tags": block.tags, "tinytorch": {"lab": block.id}})]
    if isinstance(block, Program):
        goals = "\n".join(f"- {goal.title}" for goal in block.goals)
        return [
            new_markdown_cell(f"### {block.title}\n\nReached when:\n\n{goals}", id=f"{block.name}-goals"),
            _code(f"%%milestone {block.id}\n{block.code}", block.name, {"tinytorch": {"program": block.id}}),
        ]
    if isinstance(block, Exercise):
        return _exercise_cells(block, chapter, derive)
    if isinstance(block, Question):
        return _question_cells(block, chapter)
    raise TypeError(f"a chapter block of type {type(block).__name__} has no form in a notebook")


def _prose_cells(block, chapter):
    """One cell a section; the chapter's title gets a cell of its own, so that the setup can follow it."""
    parts, fenced = [[]], False
    for line in block.text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and line.startswith(("# ", "## ", "### ")) and parts[-1]:
            parts.append([])
        parts[-1].append(line)
        if not fenced and line.startswith("# ") and not line.startswith("## "):
            parts.append([])
    cells = []
    for part in parts:
        text, attachments = to_plain("\n".join(part).strip("\n"), chapter.path, block.line)
        if text.strip():
            cells.append(_markdown(text, _content_id("text", text), attachments))
    return cells


def _exercise_cells(exercise, chapter, derive):
    derived = derive(exercise, f"modules/{chapter.path.name}")
    head = f"### {exercise.number} {exercise.title}\n\n`{derived.place}` · {exercise.minutes} min\n\n"
    hints = "".join(
        f"\n<details><summary>Hint {i}</summary>\n\n{hint.strip()}\n\n</details>\n"
        for i, hint in enumerate(exercise.hints, 1)
    )
    text, attachments = to_plain(exercise.task.strip("\n"), chapter.path, exercise.task_line)
    cell_id = f"ex-{exercise.name}"
    solution = {
        "tinytorch": {"exercise": exercise.id, "edition": derived.edition},
        "nbgrader": _nbgrader(cell_id, solution=True),
    }
    check = {"nbgrader": _nbgrader(f"{cell_id}-check", grade=True, locked=True, points=len(exercise.checks))}
    return [
        _markdown(head + text + "\n" + hints, f"{cell_id}-task", attachments),
        _code(f"%%exercise {exercise.id}\n{derived.starter}", cell_id, solution),
        _code(f'learn.check("{exercise.id}")', f"{cell_id}-check", check),
    ]


def _nbgrader(grade_id, grade=False, solution=False, locked=False, points=None):
    record = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
        "cell_type": "code",
    }
    return record if points is None else {**record, "points": points}


def _question_cells(question, chapter):
    text, attachments = to_plain(question.text.strip("\n"), chapter.path, question.text_line)
    unit = question.data.get("unit")
    blanks = {
        "choice": ("# Put the number of your choice in place of None.", "None"),
        "number": (f"# Put your number in place of None{f', in {unit}' if unit else ''}.", "None"),
        "open": (
            "# Write your answer between the quotation marks; a model answer to compare with follows.",
            '"""\n"""',
        ),
    }
    if question.kind == "choice":
        text += "\n\n" + "\n".join(
            f"{i}. {choice['text'].strip()}" for i, choice in enumerate(question.data["choices"], 1)
        )
    comment, blank = blanks[question.kind]
    cell_id = f"q-{question.name}"
    return [
        _markdown("**Question.** " + text, cell_id, attachments),
        _code(
            f'{comment}\nlearn.answer("{question.id}", {blank})',
            f"{cell_id}-answer",
            {"tinytorch": {"question": question.id}},
        ),
    ]


def _markdown(text, cell_id, attachments):
    cell = new_markdown_cell(text.strip("\n"), id=cell_id)
    if attachments:
        cell["attachments"] = attachments
    return cell


def _code(text, cell_id, metadata):
    return new_code_cell(text.rstrip("\n"), id=cell_id, metadata=metadata)


def _content_id(kind, text):
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _with_distinct_ids(cells):
    seen = {}
    for cell in cells:
        count = seen[cell["id"]] = seen.get(cell["id"], 0) + 1
        if count > 1:
            cell["id"] += f"-{count}"
    return cells


def strip_outputs(notebook):
    """The notebook without outputs and execution counts; everything else as it was."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return notebook


def strip_file(path):
    """Strip a notebook in place; True when there was something to strip."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    return write_if_changed(
        Path(path), json.dumps(strip_outputs(notebook), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    )
