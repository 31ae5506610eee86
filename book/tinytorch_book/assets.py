"""Writes what pages load beside themselves: one style sheet, the fonts, the catalog for the progress page."""

import json
import re
import shutil
from pathlib import Path

from sphinx.util import logging

from .catalog import site_record, write_if_changed

logger = logging.getLogger(__name__)

STYLES = (
    "fonts",
    "tokens",
    "page",
    "prose",
    "code",
    "exercise",
    "question",
    "pad",
    "photo",
    "weights",
    "flame",
    "tokenbox",
    "home",
    "progress",
    "print",
)
# Latin only, and only the four cuts that pages use; from the npm packages that book/runtime/package.json pins.
FONTS = (
    "source-serif-4/files/source-serif-4-latin-wght-normal.woff2",
    "source-serif-4/files/source-serif-4-latin-wght-italic.woff2",
    "source-sans-3/files/source-sans-3-latin-wght-normal.woff2",
    "source-code-pro/files/source-code-pro-latin-wght-normal.woff2",
)


def write(app, error):
    """Called when the pages are written."""
    if error or app.builder.format != "html":
        return
    book, out = app.tinytorch, Path(app.outdir, "_static", "tinytorch")
    write_if_changed(out / "book.css", stylesheet(Path(__file__).resolve().parents[1] / "styles"))
    write_if_changed(
        out / "catalog.json",
        json.dumps(site_record(book.plan, book.version, book.milestones), ensure_ascii=False) + "\n",
    )
    copy_fonts(Path(__file__).resolve().parents[1] / "runtime" / "node_modules" / "@fontsource-variable", out / "fonts")
    shutil.copytree(
        Path(__file__).resolve().parents[1] / "fonts",
        out / "fonts",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("*.py"),
    )


def stylesheet(folder):
    """All style files in order, without comments and blank lines."""
    text = "\n".join((folder / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    # Where no script has chosen the colours, the reader's system does; the dark table is written once, in tokens.css.
    dark = re.search(r'^html\[data-theme="dark"\] (\{.*?^\})', text, flags=re.S | re.M)[1]
    text += f"@media (prefers-color-scheme: dark) {{ html:not([data-theme]) {dark} }}\n"
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"\n\s*", "\n", text).strip() + "\n"


def copy_fonts(source, target):
    """Copy the fonts; without them pages use the reader's own, and the build says so."""
    if not source.is_dir():
        logger.warning(
            "The fonts are missing: install the packages of book/runtime/package.json first (`npm ci` there).",
            type="tinytorch",
            subtype="fonts",
        )
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in FONTS:
        file = target / Path(name).name
        licence = target / f"{name.partition('/')[0]}-LICENSE.txt"
        if not licence.exists():
            shutil.copyfile(source / name.partition("/")[0] / "LICENSE", licence)
        if not file.exists() or file.stat().st_size != (source / name).stat().st_size:
            shutil.copyfile(source / name, file)
