"""MyST to plain Markdown, for notebooks: directives and roles become what any Markdown viewer shows.

A directive without a plain form is an error, so that a notebook never shows raw MyST.
"""

import base64
import mimetypes
import re

from .drawings import svg_address, take_out_drawings
from .fences import ChapterError, find_fences

_ROLE = re.compile(r"\{([\w:-]+)\}`([^`]+)`")
_TARGET = re.compile(r"^\([\w-]+\)=\n", re.M)
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#|attachment:|mailto:)([^)\s]+)\)")
_IMAGE = re.compile(r"!\[([^\]]*)\]\((?!https?:|attachment:|data:)([^)\s]+)\)")

NOTES = ("note", "tip", "warning", "important", "admonition", "seealso")


def to_plain(text, path, line):
    """(plain Markdown, attachments of the cell) of a piece of a chapter that begins at `line`."""
    fences = [fence for fence in find_fences(text, path, line) if fence.kind not in ("code-cell", "exercise")]
    lines = text.splitlines()
    for fence in reversed(fences):
        lines[fence.start : fence.end] = _directive(fence, path).splitlines()
    text = _TARGET.sub("", "\n".join(lines))
    text = _outside_code(text, lambda part: _LINK.sub(_link, _ROLE.sub(_role, part)))
    attachments = {}
    text = take_out_drawings(text)
    text = _IMAGE.sub(lambda match: _attach(match, path, line, attachments), text)
    return text, attachments


def _directive(fence, path):
    body = fence.body.strip("\n")
    if fence.kind in ("figure", "image"):
        alt = fence.options.get("alt")
        if not alt:
            raise ChapterError(
                path,
                fence.line,
                f"the {fence.kind} {fence.argument} has no `:alt:`, a text for those who cannot see it.",
            )
        return f"![{alt}]({fence.argument})" + (f"\n\n*{body}*" if body else "")
    if fence.kind == "math":
        return f"$$\n{body or fence.argument}\n$$"
    if fence.kind in ("code-block", "code"):
        return f"```{fence.argument}\n{body}\n```"
    if fence.kind in NOTES:
        title = f"**{fence.argument}**\n\n" if fence.argument else ""
        return "\n".join(f"> {line}".rstrip() for line in (title + body).splitlines())
    if fence.kind == "digit-pad":
        return "*On the page of this milestone a box to draw a digit in stands here.*"
    if fence.kind == "prompt-box":
        return "*On the page of this milestone a box stands here, in which you type to the network.*"
    if fence.kind == "token-box":
        return "*On the page of this chapter a box stands here, in which the tokens of what is typed are coloured.*"
    if fence.kind == "picture-box":
        return "*On the page of this milestone a box for a picture from your disk stands here.*"
    if fence.kind == "dropdown":
        return f"<details><summary>{fence.argument}</summary>\n\n{body}\n\n</details>"
    raise ChapterError(
        path,
        fence.line,
        f"{{{fence.kind}}} has no plain form for the notebook; look at its name, write it another way, "
        "or teach book/tinytorch_book/plain.py what it becomes.",
    )


def _outside_code(text, change):
    """Apply `change` to the text outside fenced blocks."""
    parts = re.split(r"(^```.*?^```[ \t]*$)", text, flags=re.M | re.S)
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))


def _role(match):
    name, content = match.groups()
    if name == "math":
        return f"${content}$"
    shown = re.match(r"^(.*?)\s*<[^>]*>$", content)
    return shown[1] if shown else content


def _link(match):
    """A link to another page of the book has no target in a notebook: its text stays."""
    return match[1] or match[2]


def _attach(match, path, line, attachments):
    file = (path.parent / match[2]).resolve()
    if not file.exists():
        raise ChapterError(path, line, f"the image {match[2]} is not there.")
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind == "image/svg+xml":
        return f"![{match[1]}]({svg_address(file.read_bytes())})"
    attachments[file.name] = {kind: base64.b64encode(file.read_bytes()).decode()}
    return f"![{match[1]}](attachment:{file.name})"
