"""`python -m tinytorch_book`: catalog and notebooks from the chapter files.

python -m tinytorch_book catalog                    tinytorch/learn/chapters/*.json, tinytorch/LICENSE*, book/runtime/src/generated.ts
python -m tinytorch_book notebooks build/notebooks  one .ipynb a chapter
python -m tinytorch_book notebook 05                that of one chapter, printed: what `tito start` asks for
python -m tinytorch_book check 05 m1                the rules that these break (default: every chapter and milestone)
python -m tinytorch_book strip FILE...              take the outputs out of notebooks
"""

import argparse
import sys
from pathlib import Path

from .catalog import copy_licences, write_catalog
from .fences import ChapterError

ROOT = Path(__file__).resolve().parents[2]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m tinytorch_book", description="Catalog and notebooks from the chapter files."
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder (default: this one)")
    commands = parser.add_subparsers(dest="command", required=True)
    catalog = commands.add_parser("catalog", help="write what tinytorch.learn reads")
    catalog.add_argument("output", type=Path, nargs="?", help="default: tinytorch/learn/chapters")
    notebooks = commands.add_parser("notebooks", help="write one notebook a chapter")
    notebooks.add_argument("output", type=Path, nargs="?", help="default: build/notebooks")
    notebook = commands.add_parser("notebook", help="print the notebook of one chapter or milestone")
    notebook.add_argument("chapter", help="such as 05 or m1")
    check = commands.add_parser("check", help="say which rules a chapter breaks, with file and line")
    check.add_argument("chapters", nargs="*", help="such as 05 or m1; default: all")
    strip = commands.add_parser("strip", help="take the outputs out of notebooks, in place")
    strip.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        return check_chapters(options) if options.command == "check" else run(options)
    except ChapterError as error:
        print(error, file=sys.stderr)
        return 1


def check_chapters(options):
    """Print every broken rule; 1 when there is one."""
    from .law import Course, broken

    course = Course(options.root)
    chosen = [course.find(id) for id in options.chapters] or [*course.chapters, *course.milestones]
    errors = [error for chapter in chosen for error in broken(course, chapter)]
    for error in errors:
        print(error, file=sys.stderr)
    print(
        f"check: {', '.join(chapter.id for chapter in chosen)}: {len(errors) or 'no'} rule{'' if len(errors) == 1 else 's'} broken"
    )
    return 1 if errors else 0


def run(options):
    if options.command == "catalog":
        from .typescript import write_types

        names = write_catalog(options.root, options.output or options.root / "tinytorch/learn/chapters")
        names += [] if options.output else [*copy_licences(options.root), write_types(options.root)]
    elif options.command == "notebooks":
        from .notebooks import write_notebooks

        names = write_notebooks(options.root, options.output or options.root / "build/notebooks")
    elif options.command == "notebook":
        from .law import Course
        from .notebooks import notebook_text

        course = Course(options.root)
        print(notebook_text(course.find(options.chapter), course.plan), end="")
        return 0
    else:
        from .notebooks import strip_file

        names = [str(path) for path in options.files if strip_file(path)]
    print(f"{options.command}: {', '.join(names) or 'nothing to do'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
