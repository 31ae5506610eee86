"""The whole course, chapter by chapter: those that are written and those that are still to come.

A written chapter is known from its own front matter; `book/plan.yml` lists only the others.
"""

from pathlib import Path

import yaml

from .chapter import ChapterError, read_chapter
from .frontmatter import TIERS

TIER_TITLES = {
    "foundation": "Foundation",
    "architecture": "Architecture",
    "optimization": "Optimization",
    "capstone": "Capstone",
}


def chapter_files(root):
    """The chapter files under `modules/`, in order."""
    return sorted(Path(root, "modules").glob("[0-9][0-9]_*.md"))


def milestone_files(root):
    """The milestone files under `milestones/`, in order."""
    return sorted(Path(root, "milestones").glob("[0-9][0-9]_*.md"))


def read_milestones(root):
    """All written milestones; error messages name files as seen from `root`."""
    return [read_chapter(path, path.relative_to(root)) for path in milestone_files(root)]


def read_chapters(root):
    """All written chapters; error messages name files as seen from `root`."""
    return [read_chapter(path, path.relative_to(root)) for path in chapter_files(root)]


def read_plan(root, chapters):
    """[{number, name, title, tier, summary, introduces, chapter}] in order; `chapter` is None for those to come."""
    path = Path(root, "book", "plan.yml")
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["chapters"] if path.exists() else []
    written = {chapter.meta["number"]: chapter for chapter in chapters}
    for entry in entries:
        if entry["number"] in written:
            raise ChapterError(
                "book/plan.yml", 1, f"chapter {entry['number']} is written now; take its lines out of this list."
            )
    plan = [{**entry, "chapter": None} for entry in entries]
    for chapter in written.values():
        facts = {key: chapter.meta[key] for key in ("number", "name", "title", "tier", "summary", "introduces")}
        plan.append({**facts, "chapter": chapter})
    return sorted(plan, key=lambda entry: entry["number"])


def by_tier(plan):
    """[(tier, its title, its entries)] for the tiers that have any."""
    groups = [(tier, TIER_TITLES[tier], [entry for entry in plan if entry["tier"] == tier]) for tier in TIERS]
    return [group for group in groups if group[2]]
