"""The Sphinx side of the book: reading chapters, executing them, giving pages their data.

directives.py renders what chapters hold; pages.py fills the templates; assets.py writes styles, fonts and catalog.
"""

import os
import sys
from pathlib import Path

from sphinx.errors import ExtensionError

from . import assets, directives, mathrender, nodes, pages, streams
from .chapter import ChapterError, read_chapter
from .digest import digest
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
        self.library = digest(self.root, "tinytorch/**/*.py", "book/tinytorch_book/*.py", "book/plan.yml")
        self.version = digest(self.root, "tinytorch/**/*.py", "modules/*.md", "milestones/*.md", "book/tinytorch_book/*.py", "book/templates/*",
                              "book/styles/*", "book/plan.yml", "book/*.md", "index.md")

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
    # Outputs are kept as long as neither the examples nor the library they run with have changed.
    library = digest(app.tinytorch.root, "tinytorch/*.py", "tinytorch/core/*.py", "tinytorch/perf/*.py",
                     "tinytorch/datasets/*", "tinytorch/pictures/*.py")
    config.nb_execution_cache_path = str(Path(app.outdir).parent / "outputs" / library)

def outdated(app, env, added, changed, removed):
    """Chapters are read again when the library they quote or the directives have changed."""
    if getattr(env, "tinytorch_library", None) == app.tinytorch.library:
        return []
    env.tinytorch_library = app.tinytorch.library
    return [name for name in [*app.tinytorch.by_docname, app.config.root_doc] if name in env.found_docs and name not in added]

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
    app.connect("env-updated", rewritten)
    app.connect("doctree-read", labs)
    app.connect("doctree-read", programs)
    app.connect("doctree-read", chapter_head)
    app.connect("html-page-context", pages.page_context, priority=900)
    app.connect("build-finished", assets.write)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
