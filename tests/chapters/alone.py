"""Run a notebook, its exercises solved, and print what went wrong in it as JSON: [] is what everybody hopes for.

    python alone.py NOTEBOOK FOLDER

The Python that runs it must find tinytorch in FOLDER: what is not there is not there for the notebook either.
"""

import contextlib
import io
import json
import os
import sys
from pathlib import Path


def problems(notebook: dict) -> list[str]:
    """Run the code cells in order, but for questions, and say which failed, what did not pass and which program fell short."""
    from IPython.core.interactiveshell import InteractiveShell

    from tinytorch import learn
    from tinytorch.learn.catalog import catalog
    from tinytorch.learn.doors.notebook import current

    found, asked, milestone = [], [], learn.Workshop.milestone

    def noted(workshop, id, *rest):
        outcome = milestone(workshop, id, *rest)
        if outcome.state != "passed":
            found.append(f"{id}: {outcome.error.sentence if outcome.error else [c.message for c in outcome.checks]}")
        return outcome

    learn.Workshop.milestone = noted
    shell = InteractiveShell()
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and "learn.answer(" not in text:  # a question wants a reader's own words
            if text.startswith("%%exercise "):
                head = text.partition("\n")[0]
                asked.append(head.split()[1])
                text = f"{head}\n{catalog().exercise(asked[-1]).solution}"
            result = shell.run_cell(text)
            error = result.error_before_exec or result.error_in_exec
            if error:
                found.append(f"{text.partition(chr(10))[0]} …: {type(error).__name__}: {error}")
    return found + [f"{id}: its checks do not pass" for id in asked if id not in current().progress.passed]


def main(file: str, folder: str) -> None:
    import tinytorch

    here = Path(tinytorch.__file__).resolve()
    if Path(folder).resolve() not in here.parents:
        raise SystemExit(f"tinytorch came from {here}, not from {folder}")
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        found = problems(json.loads(Path(file).read_text(encoding="utf-8")))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
