"""Running an exercise's checks against whatever is in place, in namespaces of their own.

A check sees ``np``, the public names of the package, the names of the exercise's module,
and ``expect`` with its relatives: never the reader's session and never the reader's
helpers, so nothing that a reader names or renames can change what is asked.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import asdict, dataclass

import numpy as np

from .expecting import Expecting, Given, Unmet
from .explaining import error_line, explain, frames, message_of, traceback_text

FIRST_ARGUMENTS = {
    "expect": (0,),
    "expect_raises": (1,),
    "expect_shares_memory": (0, 1),
    "expect_copies": (0, 1),
    "expect_cost": (0, 1),
}
LONGEST_SETTING = 120


@dataclass
class CheckResult:
    """What one check found. ``line`` counts in the check's own code, ``stopped`` in the reader's text, if that raised."""

    title: str
    code: str
    passed: bool
    message: str = ""
    input: str = ""
    got: str = ""
    expected: str = ""
    mistake: str | None = None
    line: int | None = None
    traceback: str = ""
    stopped: int | None = None
    doubtful: bool = False

    def to_dict(self) -> dict:
        record = asdict(self)
        del record["doubtful"]
        return record


def public_names(package: str) -> dict:
    """Return the package's main names as far as they are there without loading more of it.

    A session must start quickly, and a chapter's cells must not see what later chapters build.
    """
    module = importlib.import_module(package)
    return {name: vars(module)[name] for name in module.__all__ if name in vars(module)}


def namespace(exercise, package: str, helpers: set[str], files: dict[str, str]) -> dict:
    """Return a fresh namespace for one check."""
    module = vars(importlib.import_module(exercise.module))
    names = {name: value for name, value in module.items() if name not in helpers and not name.startswith("__")}
    names.update(public_names(package))
    names.update(np=np, __name__="check", **Expecting(files).names())
    return names


def run_check(file: str, check, space: dict, files: dict[str, str]) -> CheckResult:
    """Run one check of the reader's text of that file name; KeyboardInterrupt passes through."""
    try:
        code = compile_check(check.code)
        space["__given__"] = Given
        exec(code, space)
    except KeyboardInterrupt:
        raise
    except Unmet as unmet:
        return _unmet_result(file, check, unmet, files)
    except BaseException as error:
        return _broken_result(file, check, error, files)
    return CheckResult(check.title, check.code, True)


def compile_check(text: str):
    """Compile a check with the compared expressions wrapped, so that ``expect`` evaluates them itself."""
    tree = _Deferring(text).visit(ast.parse(text))
    return compile(ast.fix_missing_locations(tree), "<check>", "exec", dont_inherit=True)


class _Deferring(ast.NodeTransformer):
    def __init__(self, text: str):
        self.text = text
        self.settings: dict[str, str] = {}
        self.steps: dict[str, ast.FunctionDef] = {}

    def visit_FunctionDef(self, node):
        before = dict(self.settings)
        self.generic_visit(node)
        self.settings = before  # what a helper assigns is known to it alone
        simple = all(isinstance(step, (ast.Assign, ast.AugAssign, ast.Expr)) for step in node.body[:-1])
        plain = ast.unparse(node.args) == ""
        if plain and simple and isinstance(node.body[-1], ast.Return) and node.body[-1].value:
            self.steps[node.name] = node
        return node

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.settings[target.id] = _one_line(ast.get_source_segment(self.text, node))
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        for i in FIRST_ARGUMENTS.get(name, ()):
            if i < len(node.args) and not isinstance(node.args[i], ast.Starred):
                node.args[i] = self._given(node.args[i])
        return node

    def _given(self, expression):
        text = _one_line(ast.get_source_segment(self.text, expression))
        text = text.removeprefix("lambda:").strip() if isinstance(expression, ast.Lambda) else text
        setting = self._setting([expression])
        helper = self.steps.get(text.removesuffix("()"))
        if helper and text.endswith("()"):  # a reader cannot know what a helper of the check does
            *steps, last = (_one_line(ast.get_source_segment(self.text, step)) for step in helper.body)
            told = self._setting([helper], steps)
            if told:
                text, setting = last.removeprefix("return "), told
        call = ast.parse("__given__(lambda: 0, '', '', 0)", mode="eval").body
        call.args = [
            ast.Lambda(call.args[0].args, expression),
            ast.Constant(text),
            ast.Constant(setting),
            ast.Constant(expression.lineno),
        ]
        return ast.copy_location(call, expression)

    def _setting(self, queue: list, steps=()) -> str:
        """Return the assignments that the names in some nodes stand on, and steps after them, if they are short."""
        names: list[str] = []
        while queue:
            for node in ast.walk(queue.pop()):
                if isinstance(node, ast.Name) and node.id in self.settings and node.id not in names:
                    names.append(node.id)
                    queue.append(ast.parse(self.settings[node.id]))
        text = ", ".join([*(self.settings[name] for name in self.settings if name in names), *steps])
        return text if len(text) <= LONGEST_SETTING * (2 if steps else 1) else ""


def _one_line(text: str | None) -> str:
    return (
        " ".join(part.strip() for part in (text or "").split("\n"))
        .replace("( ", "(")
        .replace("[ ", "[")
        .replace(" )", ")")
        .replace(" ]", "]")
    )


def _check_line(error: BaseException) -> int | None:
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<check>":
            line = step.tb_lineno
        step = step.tb_next
    return line


def _stopped(file: str, error: BaseException, files: dict[str, str]) -> int | None:
    """Return the line of the reader's text that an exception came through last."""
    lines = [frame.line for frame in frames(error, files) if frame.file == file]
    return lines[-1] if lines else None


def _unmet_result(file: str, check, unmet: Unmet, files) -> CheckResult:
    trace = traceback_text(unmet.error, files) if unmet.error else ""
    doubtful = unmet.error is not None and not frames(unmet.error, files)
    return CheckResult(
        check.title,
        check.code,
        False,
        unmet.message,
        unmet.input,
        unmet.got,
        unmet.expected,
        unmet.mistake,
        unmet.line or _check_line(unmet),
        trace,
        unmet.error and _stopped(file, unmet.error, files),
        doubtful,
    )


def _broken_result(file: str, check, error: BaseException, files) -> CheckResult:
    """The check stopped outside an expectation: in the reader's lines, or in its own."""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else _check_line(error)
    lines = check.code.split("\n")
    text = lines[line - 1].strip() if line and line <= len(lines) else ""
    mine = frames(error, files)
    result = CheckResult(
        check.title,
        check.code,
        False,
        input=text,
        got=error_line(error),
        line=line,
        traceback=traceback_text(error, files),
        stopped=_stopped(file, error, files),
    )
    if isinstance(error, AssertionError) and not mine:
        result.message = message_of(error) or f"`{text}` is not true."
    elif mine:
        problem = explain(error, files)
        result.message = f"The check's line `{text}` ran into this in your code. {problem.sentence}"
    else:
        result.message = (
            f"The check's line `{text}` raised {error_line(error)}. Your function ran without an error, but what it gave or "
            "changed does not fit there."
        )
        result.doubtful = True
    return result


def merge_equal_errors(results: list[CheckResult]) -> None:
    """Tell an error that stops several checks once: the others name the first of them."""
    first: dict[tuple, list[CheckResult]] = {}
    for result in results:
        if result.traceback or result.doubtful:
            first.setdefault((result.got, result.traceback), []).append(result)
    for told, *others in first.values():
        if others:
            told.message += f" The same in {len(others)} more {'check' if len(others) == 1 else 'checks'}."
        for other in others:
            other.message = f"The same error as in “{told.title}”."
            other.traceback = ""
            other.mistake = other.mistake if other.mistake != told.mistake else None


def blame_author(result: CheckResult) -> None:
    """Say that a check is broken: it fails in the same way with the library's own function."""
    result.message = (
        f"This check itself is broken: its line {result.line}, `{result.input}`, raises {result.got} even with the "
        "library's own function. That is a mistake in the book and not in your code."
    )
    result.mistake, result.doubtful = None, False
