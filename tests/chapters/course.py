"""The course as a reader walks it: its stops in order, the legs they make, and the records of one who did all of it.

All of it comes from the catalog: each milestone stands behind the last chapter that it requires.
"""

import ast

from tinytorch import learn
from tinytorch.learn import programs, source
from tinytorch.learn.catalog import catalog
from tinytorch.learn.keeping.progress import Progress

from .reading import right, written

COURSE = sorted(
    [*learn.chapters(), *catalog().milestones],
    key=lambda stop: (max(stop.requires, default=0), 2) if stop.programs else (stop.number, 1),
)
MILESTONES = [stop for stop in COURSE if stop.programs]
MOST = 4  # chapters in a leg
OPEN = "I would measure it on this page first."


def legs() -> list[list]:
    """Part the course: a leg ends with a milestone, or with its fourth chapter where no milestone follows it."""
    parts = [[]]
    for stop in COURSE:
        if parts[-1] and (parts[-1][-1].programs or (len(parts[-1]) == MOST and not stop.programs)):
            parts.append([])
        parts[-1].append(stop)
    return parts


def before(leg) -> list:
    """Return the stops before a leg."""
    return COURSE[: COURSE.index(leg[0])]


def shorten(notebook):
    """Put the shorter form in the place of each program that takes minutes; return the notebook."""
    for cell in notebook.cells:
        if shorter := shorter_form(cell):
            head, code = cell.source.split("\n", 1)
            cell.source = f"{head}\n{ast.unparse(programs.shortened(ast.parse(code), shorter))}"
    return notebook


def shorter_form(cell) -> str:
    """Return what makes the program of a notebook's cell shorter, if the cell runs one that takes minutes."""
    id = cell.metadata.get("tinytorch", {}).get("program")
    return catalog().program(id).shorter if id else ""


def own_version(exercise) -> str:
    """Return a right answer that is not the library's: the first one kept whose statements differ from it."""
    texts = [written(exercise, answer) for answer in right(exercise)]
    return next(text for text in texts if body(text, exercise.leaf) != body(exercise.solution, exercise.leaf))


def body(text: str, leaf: str) -> str:
    """Return the statements of a function, without its docstring, in a form that can be compared."""
    function = source.find(ast.parse(text), leaf)
    return ast.dump(ast.Module(function.body[1:] if ast.get_docstring(function) is not None else function.body, []))


def right_answer(question: dict) -> tuple[str, bool | None]:
    """Return the answer as it is kept, and whether it is right; an open question takes some words."""
    if question["kind"] == "choice":
        return str(1 + next(i for i, choice in enumerate(question["choices"]) if choice.get("right"))), True
    return (OPEN, None) if question["kind"] == "open" else (str(question["answer"]), True)


def records(stops) -> Progress:
    """Return what is kept of someone who did everything at these stops, each exercise in a version of their own."""
    progress = Progress()
    for stop in stops:
        for exercise in stop.exercises:
            progress.write(exercise.id, own_version(exercise), exercise.edition, "passed")
        for question in stop.questions:
            progress.answer(question["id"], *right_answer(question))
        for program in stop.programs:
            count = sum(len(learn.chapter(f"{number:02}").exercises) for number in stop.requires)
            progress.answer(program.id, f"{count} of {count} functions mine", True)
    return progress


def broken_since(id: str) -> Progress:
    """The records of a reader who passed an exercise with the book's solution and then broke it."""
    progress, exercise = Progress(), catalog().exercise(id)
    progress.write(id, exercise.solution, exercise.edition, "passed")
    progress.write(id, exercise.starter, exercise.edition, "failed")
    return progress


def essence(progress: Progress) -> dict:
    """Return what two records of the same work agree in, whenever and wherever it was done."""
    programs = {program.id for stop in MILESTONES for program in stop.programs}
    exercises = {
        id: (
            record["text"].rstrip(),
            record["edition"],
            record["state"],
            record["passed"]["text"].rstrip(),
            record["passed"]["edition"],
        )
        for id, record in progress.exercises.items()
    }
    answers = {
        id: (all_mine(answer["answer"]) if id in programs else answer["answer"], answer["right"])
        for id, answer in progress.answers.items()
    }
    return {"exercises": exercises, "answers": answers, "labs": progress.labs, "history": progress.history}


def all_mine(words: str) -> bool:
    """Tell whether every function that a program's run called was the reader's: "12 of 12 functions mine"."""
    mine, _, rest = words.partition(" of ")
    return rest.split()[0] == mine and int(mine) > 0
