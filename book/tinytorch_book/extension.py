"""The Sphinx side of the book: reading chapters, executing them, giving pages their data.

directives.py renders what chapters hold; pages.py fills the templates; assets.py writes styles, fonts and catalog.
"""

import os
import sys
from pathlib import Path

from sphinx.errors import ExtensionError

from . import assets, directives, mathrender, nodes, pages, streams
from .chapter import ChapterError, read_chapter
from .digest import Digests, digest
from .plan import chapter_files, milestone_files, read_plan
from .transforms import chapter_head, labs, programs


class Book:
    """The chapters and the plan of one build; `app.tinytorch` everywhere."""

    def __init__(self, root):
        self.root = Path(root)
        self.by_docname, self.plan, self.version = {}, [], ""
        self.read()

    def read(self):
        try:
            for path in chapter_files(self.root):
                self.by_docname[f"modules/{path.stem}"] = read_chapter(path, path.relative_to(self.root))
            self.plan = read_plan(self.root, list(self.by_docname.values()))
            for path in milestone_files(self.root):
                self.by_docname[f"milestones/{path.stem}"] = read_chapter(path, path.relative_to(self.root))
        except ChapterError as error:
            raise ExtensionError(str(error)) from error
        self.digests = Digests(self.root, self.by_docname.values())
        self.version = digest(
            self.root,
            "tinytorch/**/*.py",
            "modules/*.md",
            "modules/*.py",
            "milestones/*.md",
            "book/tinytorch_book/*.py",
            "book/templates/*",
            "book/styles/*",
            "book/plan.yml",
            "book/*.md",
            "index.md",
        )

    @property
    def milestones(self):
        return [chapter for chapter in self.by_docname.values() if chapter.is_milestone]

    def chapter_of(self, docname):
        return self.by_docname.get(docname)

    def root_of(self, docname):
        """The relative way from a page to the site's root: "" or "../"."""
        return "../" * docname.count("/")


def start(app, config):
    """Read the chapters, and let this build and the worked examples use this repository's library."""
    app.tinytorch = Book(app.srcdir)
    root = str(app.tinytorch.root)
    if root not in sys.path:
        sys.path.insert(0, root)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))


def outputs(app, docname, source):
    """The outputs of a page are kept as long as neither its cells nor what they can reach have changed."""
    chapter, config = app.tinytorch.chapter_of(docname), app.env.mystnb_config
    digest = app.tinytorch.digests.ran(chapter)
    app.env.mystnb_config = config.copy(
        execution_cache_path=str(Path(app.outdir).parent / "outputs" / docname / digest)
    )


def outdated(app, env, added, changed, removed):
    """A page is read again when what it quotes, or what reads it, has changed."""
    before, digests = getattr(env, "tinytorch_shown", {}), app.tinytorch.digests
    env.tinytorch_shown = {name: digests.shown(chapter) for name, chapter in app.tinytorch.by_docname.items()}
    env.tinytorch_shown[app.config.root_doc] = digests.listed()
    return [
        name
        for name, digest in env.tinytorch_shown.items()
        if before.get(name) != digest and name in env.found_docs and name not in added
    ]


def rewritten(app, env):
    """Every page names the version and lists all chapters, so a new version writes every page again."""
    if getattr(env, "tinytorch_version", None) == app.tinytorch.version:
        return []
    env.tinytorch_version = app.tinytorch.version
    return sorted(env.found_docs)


def setup(app):
    app.add_html_theme("tinytorch", str(Path(__file__).resolve().parents[1] / "templates"))
    # Jupyter Book always sets this for an extension that is not loaded here; unknown, it would be a warning.
    app.add_config_value("comments_config", {}, "")
    for part in (nodes, directives, mathrender, streams):
        part.setup(app)
    app.connect("config-inited", start)
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", outputs)
    app.connect("env-updated", rewritten)
    app.connect("doctree-read", labs)
    app.connect("doctree-read", programs)
    app.connect("doctree-read", chapter_head)
    app.connect("html-page-context", pages.page_context, priority=900)
    app.connect("build-finished", assets.write)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
