"""A milestone in JupyterLite."""

from tinytorch.learn.catalog import catalog

from ..test_notebook import open_notebook


def reaches_its_goals(reader, milestone, ran) -> None:
    """Run the milestone's notebook: its goals are reached on the functions that the page's runs called."""
    notebook = open_notebook(reader)
    notebook.run_all()
    for program in milestone.programs:
        notebook.shows(f"{program.title}: reached, {len(program.goals)} of {len(program.goals)} goals")
        calls = [catalog().exercise(id).qualname + f" ({count:,})" for id, (_, count) in ran[program.id].items()]
        notebook.shows(f"Yours, with the number of calls: {', '.join(calls)}")
    notebook.shows("The library's, with the number of calls: none")
