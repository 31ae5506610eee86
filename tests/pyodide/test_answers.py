"""Every answer kept for an exercise gets in the browser's own Python what it gets here, without a browser.

One start of Python a chapter, and one session for all of its answers, as on its page. That a page shows what Python
says is proven for some answers of each exercise in tests/browser/test_walk.py.
"""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.chapters import reading
from tinytorch import learn
from tinytorch.learn import cell

ROOT = Path(__file__).resolve().parents[2]


def kept(chapter):
    """(exercise, text, sentence) of everything that readers of a chapter write; a right answer has no sentence.

    The wrong ones first: nothing has passed, so they meet the library's functions, for which their sentences are kept.
    """
    for exercise in chapter.exercises:
        yield exercise, exercise.starter, cell.unchanged(exercise)
        for answer in reading.wrong(exercise):
            yield exercise, reading.written(exercise, answer.answer), answer.words
    for exercise in chapter.exercises:
        for text in (exercise.solution, *(reading.written(exercise, body) for body in reading.right(exercise))):
            yield exercise, text, None


def checked(chapter, answers):
    """The outcome of each answer, from Pyodide under Node."""
    command = [ROOT / ".venv/bin/node", ROOT / "tests/pyodide/answers.mjs", ROOT / "build/pyodide", chapter.id]
    run = subprocess.run(command, input=json.dumps(answers), capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
    return json.loads(run.stdout, object_hook=lambda record: SimpleNamespace(**record))


def plain(text):
    """As it reads on a page, where code is shown as code and lines are broken anew."""
    return " ".join(text.replace("`", "").split())


@pytest.mark.parametrize("chapter", [pytest.param(chapter, id=chapter.id) for chapter in learn.chapters()])
def test_every_kept_answer_is_judged_as_it_should(chapter):
    answers = list(kept(chapter))
    outcomes = checked(chapter, [(exercise.id, text) for exercise, text, _ in answers])
    surprises = []
    for (exercise, text, sentence), outcome in zip(answers, outcomes, strict=True):
        said = reading.feedback(outcome)
        if sentence is None:
            as_kept = outcome.state == "passed" and all(check.passed for check in outcome.checks)
        else:
            as_kept = outcome.state == "failed" and plain(sentence) in plain(said)
        if not as_kept:
            surprises.append(reading.surprise(exercise, text, sentence or "a pass", outcome))
    if surprises:
        pytest.fail("In the browser's Python:\n" + "\n".join(surprises), pytrace=False)
