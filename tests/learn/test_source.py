"""Lines move; the contents of strings do not."""

import ast
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.learn import source

TEXT = st.text(alphabet="ab \t'#\\x\u2028", max_size=12)


@st.composite
def functions(draw):
    """A function with a docstring, nested blocks, and multi-line strings of several kinds."""
    doc = draw(TEXT).replace("\\", "").replace("'", "")
    inner = draw(TEXT).replace("\\", "").replace("'", "")
    prefix = draw(st.sampled_from(["", "f", "r", "b"]))
    inner = inner.encode("ascii", "ignore").decode() if prefix == "b" else inner
    blanks = draw(st.integers(0, 6)) * " "
    return (
        f'def f(x):\n    """{doc}\n\n    more {doc}\n    """\n    # a comment\n    if x:\n        y = {prefix}"""{inner}\n{blanks}{inner}\n"""\n'
        f"        return (y,\n  x)\n    return 'a\\\n  b'\n"
    )


def values(text):
    """All constants of a text except docstrings, in order."""
    tree = ast.parse(textwrap.dedent(text))
    docs = {id(doc) for node in ast.walk(tree) if (doc := source.docstring_node(node))}
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]


@settings(max_examples=150, deadline=None)
@given(functions())
def test_into_a_class_and_out_again_gives_the_same_text(text):
    text = text.rstrip("\n")
    wrapped = "class A:\n" + "\n".join(source.shifted(text, 4)) + "\n"
    assert source.definition(wrapped, "A.f") == text


@settings(max_examples=150, deadline=None)
@given(functions())
def test_moving_a_function_changes_no_string(text):
    old = "class A:\n    def before(self): pass\n\n    def f(self):\n        return 0\n\n    def after(self): pass\n"
    new = source.replace(old, [("A.f", text.rstrip("\n"), "")])
    assert values(source.definition(new, "A.f")) == values(text)
    assert [n.name for n in ast.parse(new).body[0].body] == ["before", "f", "after"]


def test_docstrings_move_with_their_function():
    text = 'class A:\n    def f(self):\n        """One.\n\n        Two.\n        """\n        return """\n    kept"""\n'
    assert (
        source.definition(text, "A.f") == 'def f(self):\n    """One.\n\n    Two.\n    """\n    return """\n    kept"""'
    )


def test_decorators_and_comments_stay_with_their_function():
    text = "class A:\n    @property\n    def f(self):\n        return 1\n\n    @f.setter\n    def f(self, x):\n        pass\n"
    new = source.replace(text, [("A.f", "@property\ndef f(self):\n    return 2", "HELP = 1")])
    assert (
        new
        == "HELP = 1\n\n\nclass A:\n    @property\n    def f(self):\n        return 2\n\n    @f.setter\n    def f(self, x):\n        pass\n"
    )


def test_helpers_go_above_the_comment_of_the_class():
    text = "import os\n\n# about A\nclass A:\n    def f(self):\n        return 1\n"
    assert source.replace(text, [("A.f", "def f(self):\n    return K", "K = 2")]).startswith(
        "import os\n\nK = 2\n\n\n# about A\nclass A:\n"
    )


def test_several_functions_of_one_file_at_once():
    text = "def f():\n    return 1\n\n\ndef g():\n    return 2\n"
    new = source.replace(text, [("g", "def g():\n    return F + 20", "F = 1"), ("f", "def f():\n    return 10", "")])
    space = {}
    exec(new, space)
    assert (space["f"](), space["g"]()) == (10, 21)


def test_header_of_a_function_on_one_line():
    assert source.header("class A:\n    def f(self, x=1): return x\n", "A.f") == "def f(self, x=1):"


def test_an_unknown_name_is_said():
    with pytest.raises(LookupError, match=r"no definition of A.g"):
        source.definition("class A:\n    def f(self): pass\n", "A.g")
