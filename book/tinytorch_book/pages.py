"""What the templates need to know of a page: where it is, which chapter, the list of contents."""

import html
import re

from tinytorch import __version__

from .plan import by_tier

SHORT = 22  # characters of inline code that stay on one line
ABOUT = (
    ("book/running", "How this runs"),
    ("book/instructors", "For instructors"),
    ("book/contributing", "Write a chapter"),
)


def page_context(app, pagename, templatename, context, doctree):
    """Give the template `tt`; make scrolling code reachable by keyboard."""
    book = app.tinytorch
    chapter = book.chapter_of(pagename)
    context["tt"] = {
        "root": book.root_of(pagename),
        "version": book.version,
        "library": __version__,
        "chapter": chapter,
        "tier": chapter.meta["tier"] if chapter else "foundation",
        "tier_title": next(
            (title for tier, title, _ in by_tier(book.plan) if chapter and tier == chapter.meta["tier"]), ""
        ),
        "tiers": by_tier(book.plan),
        "milestones": book.milestones,
        "about": [(name, title) for name, title in ABOUT if name in app.env.found_docs],
        "home": pagename == app.config.root_doc,
    }
    if "body" in context:
        context["body"] = finished(context["body"])


def finished(body):
    """Code that scrolls can be reached by keyboard; code of a word or two is not broken across lines."""
    body = body.replace('<div class="highlight"><pre>', '<div class="highlight"><pre tabindex="0">')
    return re.sub(r"(?<!tabindex=\"0\">)<code[^>]*>([^\n]*?)</code>", _short, body)


def _short(match):
    text = html.unescape(re.sub(r"<[^>]+>", "", match[1]))
    return f'<code class="tt-short">{html.escape(text, quote=False)}</code>' if len(text) <= SHORT else match[0]
