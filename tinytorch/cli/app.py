"""The commands of `tito`: what each is called, what it asks for, and the sentence with which it answers."""

import functools
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tinytorch import __version__
from tinytorch.learn import catalog as catalogs
from tinytorch.learn.doors.reporting import error_sentence
from tinytorch.learn.keeping.folder import home
from tinytorch.learn.keeping.folder_store import FolderStore, write_whole
from tinytorch.learn.keeping.progress import Progress, ProgressError, now

from . import project, show
from .commit import commit

CANNOT = 2  # exit status of a request that cannot be followed; 1 is for checks that fail and goals that are missed

app = typer.Typer(
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""TinyTorch in a terminal: see how far you are, work in a local notebook, check what you wrote, run the
    milestones on it, take it with you.

    Your work is one file, my-tinytorch/progress.json, in the folder where you began; tito finds it from there and from
    every folder below, and so do the notebooks. The variable TINYTORCH_HOME names another folder.

    Exit status: 0 done, 1 a check failed or a goal was missed, 2 the request could not be followed.""",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
milestone = typer.Typer(help="List the milestones, or run one.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(milestone, name="milestone")

ChapterName = Annotated[
    str, typer.Argument(metavar="CHAPTER", help="A chapter's number or name, such as 01 or tensor.")
]


def run() -> int:
    """Run a command line; return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal that cannot show a sign still shows the rest
    try:
        app(prog_name="tito")
    except SystemExit as end:
        status = end.code
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def command(group: typer.Typer, name: str):
    """Make a function a command whose return value is the exit status, and whose errors are sentences."""

    def make(function):
        @functools.wraps(function)
        def told(*arguments, **options):
            try:
                status = function(*arguments, **options)
            except BrokenPipeError:
                status = 0  # the reader of the pipe, such as `head`, has seen enough
            except (catalogs.Unknown, ProgressError, project.ProjectError, OSError) as error:
                status = refuse(error)
            raise typer.Exit(status or 0)

        return group.command(name)(told)

    return make


def refuse(error: Exception) -> int:
    """Say why a request cannot be followed."""
    print(f"tito: {error_sentence(error)}", file=sys.stderr)
    return CANNOT


def course() -> catalogs.Catalog:
    """Return the catalog, or refuse where it was never made."""
    catalog = catalogs.catalog()
    if not catalog.chapters:
        raise project.ProjectError("The list of chapters is not built yet. Run `make build` in the clone of the book.")
    return catalog


def unit(name: str) -> catalogs.Chapter:
    """Return a chapter, or a milestone where the name begins with m and a number follows."""
    is_milestone = name.lower().startswith("m") and name[1:].isdecimal()
    return course().milestone(name) if is_milestone else course().chapter(name)


def version(wanted: bool) -> None:
    if wanted:
        built_from = commit()
        print(f"tito of tinytorch {__version__}" + (f" ({built_from})" if built_from else ""))
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version and its commit.")
    ] = False,
) -> None:
    pass


@command(app, "status")
def status(
    chapter: Annotated[str | None, typer.Argument(metavar="CHAPTER", help="Show one chapter in full.")] = None,
) -> None:
    """Show how far you are.

    Chapters, exercises, milestones and competencies; with a chapter, each of its exercises.
    """
    chosen = chapter and course().chapter(chapter)
    store = FolderStore()
    progress = store.read()
    if progress is None:
        show.say(f"Nothing is written yet. Your work will be kept in {store.path}")
    else:
        show.say(f"Your work{f', {progress.author}' if progress.author else ''}: {store.path}")
    progress = progress or Progress()
    show.say(*(show.chapter(chosen, progress) if chosen else show.course(course(), progress)))


@command(app, "start")
def start(
    chapter: ChapterName,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Take the book's newest notebook; the old one is kept.")
    ] = False,
    opened: Annotated[bool, typer.Option("--open/--no-open", help="Open it in JupyterLab, or only write it.")] = True,
) -> int:
    """Work on a chapter in a local notebook.

    It holds what you have written, here and in backups that you restored.

    The file is my-tinytorch/notebooks/NN_name.ipynb. What you run in it counts for tito, and the other way round.
    """
    from tinytorch.learn.doors.desk import Desk

    chosen = unit(chapter)
    published = project.published_notebook(chosen)
    started = Desk().start(chosen, published, fresh)
    if started.moved:
        print(f"The notebook that was there is now {started.moved}")
    if started.made:
        print(f"Made {started.path}")
    print(f"{started.filled} of its cells {'is' if started.filled == 1 else 'are'} filled with what you have written.")
    if started.outdated:
        print(f"The book has a newer one. `tito start {chapter} --fresh` takes it, with your code; this one is kept.")
    return project.open_notebook(started.path) if opened else 0


@command(app, "check")
def check(
    chapter: ChapterName,
    exercise: Annotated[
        str | None,
        typer.Argument(metavar="EXERCISE", help="One exercise, such as memory_footprint or 1.1."),
    ] = None,
) -> int:
    """Check what you wrote for a chapter.

    It takes your code from the notebook of the chapter (tito start) and from backups that you restored. What passes
    counts, and the exit status is 1 until all of it does.
    """
    from tinytorch.learn import __main__ as door

    chosen = course().chapter(chapter)
    return door.check(chosen, door.chosen_exercises(chosen, exercise), home())


@command(app, "export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the file.")] = Path("."),
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Your name, for the package. It is remembered."),
    ] = None,
) -> int:
    """Write your framework as a pip package.

    It is the library with your functions, those that passed, in place of its own.
    """
    from tinytorch.learn.__main__ import tell
    from tinytorch.learn.doors.desk import Desk
    from tinytorch.learn.overlay import OverlayError

    course()
    desk = Desk()
    try:
        file, content = desk.export(name or desk.progress.author)
    except OverlayError as error:
        return refuse(error)
    path = folder / file
    write_whole(path, content)
    if name and name != desk.progress.author:
        desk.progress.author = name
        desk.store.keep(desk.progress)
    count = len(desk.progress.passed) - len(desk.problems)
    print(f"{path}: {len(content):,} bytes, {count} {'function' if count == 1 else 'functions'} yours.")
    print(f"Install it with: pip install {path}")
    return tell(desk.problems)


@command(app, "backup")
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The file to write. Default: a name with today's date, here."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write all your work into one file.

    What you typed in a notebook of tito start and have not run yet is in it, too. The progress page of the site takes
    it (Restore from a backup), and so does tito restore on another machine.
    """
    from tinytorch.learn.doors.desk import Desk
    from tinytorch.learn.doors.local import free_name

    desk = Desk()
    for problem in desk.take_in_all():
        print(f"tito: not in the backup: {problem}", file=sys.stderr)
    progress = desk.progress
    if not any((progress.exercises, progress.labs, progress.answers, progress.history)):
        raise project.ProjectError(f"There is nothing to back up; {desk.store.path} has nothing of yours.")
    path = Path(f"tinytorch-backup-{now()[:10]}.json") if file is None else file
    if path.exists() and file is None:
        path = Path(free_name(str(path)))
    elif path.exists() and not force:
        raise project.ProjectError(f"{path} is there already. Choose another name, or write over it with --force.")
    write_whole(path, progress.to_json())
    print(f"{path}: {len(progress.exercises)} exercises, {len(progress.answers)} answers.")


@command(app, "restore")
def restore(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A backup file, from the progress page or from tito backup."),
    ],
) -> None:
    """Take over a backup file.

    Nothing that is here gets lost. The file's code becomes the current one; code that was here and differs goes to
    the earlier versions. What passed in either place counts.
    """
    from tinytorch.learn.doors.desk import Desk

    desk = Desk()
    taken, replaced = desk.restore(str(file))
    print(f"Restored {len(taken.exercises)} exercises of {taken.saved[:10] or 'an unknown day'} into {desk.store.path}")
    if replaced:
        what = "text that was here and differed is" if replaced == 1 else "texts that were here and differed are"
        print(f"{replaced} {what} among the earlier versions in that file.")
    unknown = [id for id in taken.exercises if id not in desk.catalog.by_id]
    if unknown:
        print(f"This edition has no exercise {', '.join(unknown)}; what you wrote there is kept.")


@command(app, "verify")
def verify(file: Annotated[Path, typer.Argument(metavar="FILE", help="A hand-in or backup file.")]) -> int:
    """Run somebody's hand-in file again.

    The code in it is put in place and checked. It touches no work of yours.
    """
    from tinytorch.learn import __main__ as door

    course()
    return door.verify(str(file))


@command(app, "build")
def build() -> int:
    """Build the site, in a clone of the book.

    What is missing or has changed is made; the site is the folder build/site.
    """
    return project.make("build")


@command(app, "serve")
def serve(
    port: Annotated[int, typer.Option("--port", metavar="PORT", min=1, max=65535, help="The port to serve at.")] = 8000,
) -> int:
    """Build the site and serve it here.

    In a clone of the book. Ctrl-C stops it.
    """
    return project.make("serve", f"PORT={port}")


@command(milestone, "list")
def milestone_list() -> None:
    """List the milestones and what you reached."""
    progress = FolderStore().read() or Progress()
    show.say(*show.programs(course(), progress))


@command(milestone, "run")
def milestone_run(
    number: Annotated[str, typer.Argument(metavar="MILESTONE", help="A milestone's number or name, such as 1.")],
    program: Annotated[
        str | None,
        typer.Argument(metavar="PROGRAM", help="One of its programs, as tito milestone list names them."),
    ] = None,
    shorter: Annotated[
        bool, typer.Option("--shorter", help="Programs that take minutes in a shorter form, whose goals ask for less.")
    ] = False,
) -> int:
    """Run a milestone on your own package.

    Its programs run one after the other, in a fresh Python. Each says first what it must reach, then what it reached
    and with whose functions. If one falls short, the exit status is 1.
    """
    from tinytorch.learn import __main__ as door

    chosen = course().milestone(number)
    named = [one.name for one in door.chosen_programs(chosen, program)] if program else []
    wish = ["--shorter"] if shorter else []
    return project.fresh_python(["milestone", chosen.id, *named, *wish, "--home", home()])
