"""Text for measurements, made on this machine from Python's own standard library: nothing is fetched."""

import ast
import sysconfig
import warnings
from pathlib import Path


def docstrings(size=1_000_000):
    """English prose: the docstrings of the standard library, files in sorted order, cut to `size` UTF-8 bytes."""
    parts, total = [], 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if {"site-packages", "test", "tests", "lib2to3"} & set(path.parts):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_docstring(node)
                if text:
                    parts.append(text)
                    total += len(text.encode("utf-8", "replace")) + 2
        if total >= size:
            break
    return cut("\n\n".join(parts), size)


def cut(text, size):
    """The first `size` bytes of the text in UTF-8, no character cut in two."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
