"""The one reader of a chapter's file of checks (`modules/05_dataloader.py`), which stands beside its text.

    class exercise_getitem:

        def one_tensor_or_three():
            \"\"\"One tensor or three\"\"\"
            expect(TensorDataset(Tensor([10, 20]))[1], (Tensor(20),), mistakes=[
                (ValueError, "There is one tensor here. Write it for any number of tensors.",
                 "x, y = self.tensors\\nreturn x[index], y[index]")])

        wrong = [("return [tensor[index] for tensor in self.tensors]", "is a list")]
        right = ["return tuple(tensor[index] for tensor in self.tensors)"]
        equivalent = [("max(len(a), len(b))  ->  max(len(b), len(a))", "the larger of two is the same in either order")]

A check is a function: its docstring is the sentence that is true when it passes, its body the Python that tests it.
A mistake is (pattern, sentence, wrong answer, …): the sentence, and every answer kept that must get it. The check that
a reader's session runs has the pattern and the sentence only. `wrong` holds answers without a sentence of their own,
each with words of the feedback that it must get; `right` holds answers that differ in their way and must pass.
`equivalent` names the one-place changes of the library's solution that no check can notice, each with the reason
(`python -m tests.mutation answers 05` lists them).
A function `setup` at the margin stands, line by line, before every check of the chapter.

The file is read as text and never imported; only `answers` evaluates anything, and only what the answers are made of.
"""

import ast
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from .fences import ChapterError

PREFIX = "exercise_"
LISTS = ("wrong", "right", "equivalent")
PAIRS = {
    "wrong": "the answer, and words of the feedback that it must get",
    "equivalent": "the change, as `python -m tests.mutation answers` prints it, and why no check can notice it",
}
AT_LEAST = 3  # wrong and right answers that every exercise keeps


@dataclass
class Mistake:
    """A named mistake: its sentence, and how the answers are written that must get it."""

    sentence: str
    answers: list
    line: int


@dataclass
class CheckSource:
    """One check as it stands in the file."""

    title: str
    code: str
    line: int
    mistakes: list


@dataclass
class ExerciseSource:
    """What the file holds for one exercise; its three lists are expressions that nobody has evaluated yet."""

    name: str
    line: int
    checks: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    right: list = field(default_factory=list)
    equivalent: list = field(default_factory=list)

    @property
    def count_wrong(self):
        return len(self.wrong) + sum(len(mistake.answers) for check in self.checks for mistake in check.mistakes)


@dataclass
class Wrong:
    """A wrong answer and the words it must get; `named` when they are a mistake's whole sentence."""

    answer: str
    words: str
    named: bool
    line: int


def checks_file(chapter_path):
    """The file of checks that belongs to a chapter's text."""
    return Path(chapter_path).with_suffix(".py")


def read_checks(path, name=None):
    """Exercise name -> ExerciseSource. `name` is what error messages call the file (default: the path as given)."""
    path, name = Path(path), str(name or path)
    if not path.exists():
        raise ChapterError(
            name,
            1,
            "the chapter has exercises and no file of checks; write one beside it, with a class "
            f"`{PREFIX}NAME` for each exercise.",
        )
    text = path.read_text(encoding="utf-8")
    tree = _parse(text, name)
    setup = _setup(tree, text, name)
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            source = _exercise(node, text, setup, name)
            if source.name in found:
                raise ChapterError(
                    name,
                    node.lineno,
                    f"`{node.name}` stands here for the second time; the first is in line {found[source.name].line}.",
                )
            found[source.name] = source
    return found


def answers(path):
    """Exercise name -> (wrong answers, right answers), evaluated; a test's business, never the build's."""
    text = Path(path).read_text(encoding="utf-8")
    tree = ast.parse(text)
    space = {}
    kept = [
        node
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.FunctionDef)) and getattr(node, "name", "") != "setup"
    ]
    exec(compile(ast.Module(kept, []), str(path), "exec"), space)

    def value(node):
        return textwrap.dedent(eval(compile(ast.Expression(node), str(path), "eval"), space))

    found = {}
    for name, source in read_checks(path).items():
        wrong = [
            Wrong(value(answer), mistake.sentence, True, answer.lineno)
            for check in source.checks
            for mistake in check.mistakes
            for answer in mistake.answers
        ]
        wrong += [Wrong(value(pair.elts[0]), pair.elts[1].value, False, pair.lineno) for pair in source.wrong]
        found[name] = wrong, [value(answer) for answer in source.right]
    return found


def _parse(text, name):
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise ChapterError(name, error.lineno or 1, f"this Python cannot be read: {error.msg}.") from error


def _setup(tree, text, name):
    node = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "setup"), None)
    return _body(node, text, name)[1] if node else ""


def _exercise(node, text, setup, name):
    if not node.name.startswith(PREFIX):
        raise ChapterError(
            name,
            node.lineno,
            f"the class {node.name} is not for an exercise; its name must be `{PREFIX}` and the exercise's name.",
        )
    source = ExerciseSource(node.name.removeprefix(PREFIX), node.lineno)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            source.checks.append(_check(statement, text, setup, name))
        elif isinstance(statement, ast.Assign) and (list_name := getattr(statement.targets[0], "id", "")) in LISTS:
            setattr(source, list_name, _list(statement, list_name, name))
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            raise ChapterError(
                name,
                statement.lineno,
                f"in `{node.name}` stand checks, which are functions, and the lists "
                "`wrong`, `right` and `equivalent`; this is neither.",
            )
    return source


def _list(statement, list_name, name):
    if not isinstance(statement.value, ast.List):
        raise ChapterError(name, statement.lineno, f"`{list_name}` must be a list, written out.")
    for item in statement.value.elts if list_name in PAIRS else ():
        pair = item.elts if isinstance(item, ast.Tuple) else []
        if len(pair) != 2 or not all(_is_text(part) for part in (pair if list_name == "equivalent" else pair[1:])):
            raise ChapterError(name, item.lineno, f"in `{list_name}` stand pairs: {PAIRS[list_name]}.")
    return statement.value.elts


def _check(node, text, setup, name):
    title, code = _body(node, text, name)
    if title is None:
        raise ChapterError(
            name,
            node.lineno,
            f"the check {node.name} needs a docstring, a sentence that says what is true when it passes.",
        )
    if "expect" not in code:
        raise ChapterError(name, node.lineno, f"the check {title!r} never calls expect, so it cannot fail.")
    if node.args.args or node.decorator_list:
        raise ChapterError(
            name, node.lineno, f"the check {node.name} takes no arguments and has no decorators: only its body is run."
        )
    pairs = [pair for pair in _pairs(node, name) if len(pair.elts) > 2]
    mistakes = [Mistake(pair.elts[1].value, pair.elts[2:], pair.lineno) for pair in _pairs(node, name)]
    return CheckSource(title, setup + _without_answers(node, text, pairs), node.lineno, mistakes)


def _pairs(node, name):
    """The entries of every `mistakes=[…]` in a check, in the order of the text."""
    found = []
    for keyword in ast.walk(node):
        if not isinstance(keyword, ast.keyword) or keyword.arg != "mistakes":
            continue
        if not isinstance(keyword.value, ast.List):
            raise ChapterError(name, keyword.value.lineno, "`mistakes=` takes a list, written out.")
        for pair in keyword.value.elts:
            if not isinstance(pair, ast.Tuple) or len(pair.elts) < 2 or not _is_text(pair.elts[1]):
                raise ChapterError(
                    name,
                    pair.lineno,
                    "a mistake is a tuple: a pattern, the sentence that helps, and the wrong answers that must get it.",
                )
            found.append(pair)
    return sorted(found, key=lambda pair: (pair.lineno, pair.col_offset))


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _body(node, text, name):
    """(docstring or None, the function's own lines at the margin)."""
    title = ast.get_docstring(node, clean=False)
    if len(node.body) < 2 and title is not None:
        raise ChapterError(name, node.lineno, f"{node.name} has nothing in it but its sentence.")
    return title, _without_answers(node, text, [])


def _without_answers(node, text, pairs):
    """The lines of a check at the margin, without the answers that stand behind its sentences."""
    from tinytorch.learn import source

    statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
    above = node.lineno - 1  # lines that are left out here: only the function itself is read again
    lines = [
        line.encode() for line in source.lines_of(text)[above : node.end_lineno]
    ]  # positions in a syntax tree count bytes
    first, last = min(source.span(statement)[0] for statement in statements) - above, node.end_lineno - above
    first = _after(lines, node.body[0].end_lineno - above, first) if statements is not node.body else first
    for pair in reversed(pairs):
        start, end = pair.elts[1], pair.end_lineno - above
        joined = lines[start.end_lineno - above - 1][: start.end_col_offset] + lines[end - 1][pair.end_col_offset - 1 :]
        lines[start.end_lineno - above - 1 : end] = [joined]
        last -= end - (start.end_lineno - above)
    head = ["if True:"] if node.col_offset else []  # so that an indented function can be read by itself
    cut = "\n".join([*head, b"\n".join(lines).decode()])
    return source.cut(cut, first + len(head), last + len(head), node.body[0].col_offset) + "\n"


def _after(lines, docstring_end, first):
    """The line behind the docstring: comments between it and the first statement belong to the check."""
    return next((n for n in range(docstring_end + 1, first) if lines[n - 1].strip()), first)
