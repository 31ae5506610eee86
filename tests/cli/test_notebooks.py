"""Every notebook of the course runs in CPython, on the work of a reader who did everything before it.

Programs that take minutes are left out; `tests/chapters/test_alone.py` runs the same notebooks with them, shortened.
"""

import nbformat
import pytest
from nbclient import NotebookClient

from tests.chapters.course import COURSE, OPEN, records, shorter_form
from tinytorch.learn.keeping.folder_store import FolderStore

from .conftest import kept


def run(stop, tito, here):
    """A chapter's notebook after Run All on the reader's disk."""
    assert tito("start", stop.id, "--no-open").exit_code == 0
    path = next((here / "my-tinytorch" / "notebooks").glob("*.ipynb"))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not shorter_form(cell)]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


def scores(cell) -> bool:
    """Whether nbgrader gives points for a check: none where there is an error or a word on stderr."""
    return not any(o.output_type == "error" or o.get("name") == "stderr" for o in cell.outputs)


def printed(cell) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


@pytest.mark.parametrize("stop", [pytest.param(stop, id=stop.id) for stop in COURSE])
def test_it_runs_whole_and_everything_in_it_is_right(tito, here, stop):
    work = records(COURSE[: COURSE.index(stop)] if stop.programs else COURSE[: COURSE.index(stop) + 1])
    work.answers |= {
        id: answer for id, answer in records([stop]).answers.items() if id in {q["id"] for q in stop.questions}
    }
    FolderStore().keep(work)
    notebook = run(stop, tito, here)
    cells = {cell.id: printed(cell) for cell in notebook.cells if cell.cell_type == "code"}
    assert all(scores(cell) for cell in notebook.cells if cell.id.endswith("-check"))
    for exercise in stop.exercises:
        count = len(exercise.checks)
        assert ("its check passed" if count == 1 else f"all {count} checks passed") in cells[
            f"ex-{exercise.name}-check"
        ]
    for program in (program for program in stop.programs if not program.shorter):
        said = cells[program.name]
        assert f"{program.title}: reached, {len(program.goals)} of {len(program.goals)} goals" in said
        assert "The library's, with the number of calls: none" in said
    for question in stop.questions:
        answer = kept().answers[question["id"]]
        assert answer["right"] is (None if question["kind"] == "open" else True), question["id"]
        assert question["kind"] != "open" or answer["answer"].strip() == OPEN


@pytest.mark.parametrize("stop", [pytest.param(stop, id=stop.id) for stop in COURSE if stop.exercises])
def test_nothing_written_runs_to_the_end_says_so_and_scores_nothing(tito, here, stop):
    notebook = run(stop, tito, here)
    cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    for exercise in stop.exercises:
        check = cells[f"ex-{exercise.name}-check"]
        assert f"{exercise.leaf} is not written yet, so there is nothing to check." in printed(check)
        assert not scores(check)
    for question in stop.questions:
        assert "No answer yet" in printed(cells[f"q-{question['id'].partition('.')[2]}-answer"])
    assert kept().exercises == {} and kept().answers == {}
