"""Fenced blocks of a Markdown text, with line numbers that are true in the file.

    ```{hint}
    :title: where to look
    Text.
    ```

is a Fence of kind "hint" with options {"title": "where to look"} and body "Text.\\n".
Depends on markdown-it and PyYAML; knows nothing of chapters.
"""

import re
from dataclasses import dataclass

import yaml
from markdown_it import MarkdownIt

_DIRECTIVE = re.compile(r"^\{([\w:.-]+)\}\s*(.*)$")
_OPTION = re.compile(r"^:([A-Za-z][\w-]*):[ \t]*(.*)$")


class ChapterError(Exception):
    """A mistake in a chapter file, said so that its author can find it: `file:line: sentence`."""

    def __init__(self, path, line, sentence):
        super().__init__(f"{path}:{line}: {sentence}")
        self.path, self.line, self.sentence = path, line, sentence


@dataclass
class Fence:
    """One directive: lines `start` to `end` (0-based, end excluded) of the text it was found in."""

    kind: str
    argument: str
    options: dict
    body: str
    line: int  # line of the opening fence in the file, 1-based
    body_line: int  # line of the first line of the body in the file
    start: int = 0
    end: int = 0


def find_fences(text, path, first_line=1):
    """The top-level directives of a Markdown text, in order.

    `first_line` is the number that the text's first line has in the file.
    """
    lines = text.splitlines()
    found = []
    for token in MarkdownIt("commonmark").parse(text):
        match = token.type == "fence" and _DIRECTIVE.match(token.info.strip())
        if not match:
            continue
        start, end = token.map
        line = first_line + start
        if token.level:
            raise ChapterError(
                path, line, f"{{{match[1]}}} stands inside a list or a quotation; move it to the left margin."
            )
        closing = lines[end - 1].strip()
        if set(closing) != {token.markup[0]} or len(closing) < len(token.markup) or end - 1 == start:
            raise ChapterError(
                path,
                line,
                f"the fence {token.markup}{{{match[1]}}} is never closed; end it with a line {token.markup}.",
            )
        options, body, skipped = split_options(token.content, path, line + 1)
        found.append(Fence(match[1], match[2].strip(), options, body, line, line + 1 + skipped, start, end))
    return found


def split_options(content, path, line):
    """(options, body, number of lines skipped) of a directive's content; options as `:key: value` lines or YAML between `---` lines."""
    lines = content.splitlines(keepends=True)
    if lines and lines[0].strip() == "---":
        return _yaml_block(lines, path, line)
    options, count = {}, 0
    while count < len(lines) and (match := _OPTION.match(lines[count].rstrip())):
        options[match[1]] = load_yaml(match[2], path, line + count)
        count += 1
    return options, "".join(lines[count:]), count


def _yaml_block(lines, path, line):
    ends = [i for i, text in enumerate(lines) if i and text.strip() == "---"]
    if not ends:
        raise ChapterError(path, line, "the block of settings opened with --- is never closed; end it with a line ---.")
    options = load_yaml("".join(lines[1 : ends[0]]), path, line + 1) or {}
    if not isinstance(options, dict):
        raise ChapterError(path, line, "the block between the --- lines must be `key: value` lines.")
    return options, "".join(lines[ends[0] + 1 :]), ends[0] + 1


def load_yaml(text, path, line):
    """PyYAML's reading of a text that begins at `line` of the file."""
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        where = line + (error.problem_mark.line if error.problem_mark else 0)
        raise ChapterError(path, where, f"this YAML cannot be read: {error.problem}.") from error


def without(text, fences):
    """The text with the lines of these fences taken out."""
    lines = text.splitlines()
    for fence in reversed(fences):
        lines[fence.start : fence.end] = []
    return "\n".join(lines).strip("\n") + "\n"
