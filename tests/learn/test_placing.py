"""The reader's function takes the place of the library's, everywhere, and leaves without a trace."""

import inspect
import sys

import pytest

from .conftest import code


def kinds(module):
    """Everything observable of the functions that can be exchanged."""

    def parts(f):
        return (
            f.__code__,
            f.__defaults__,
            f.__kwdefaults__,
            f.__doc__,
            str(inspect.signature(f)),
            f.__annotations__,
            dict(f.__dict__),
        )

    found = {}
    for holder in (module, module.Tensor, module.Base):
        for name, value in list(vars(holder).items()):
            f = getattr(value, "fget", None) or getattr(value, "__func__", None) or getattr(value, "__wrapped__", value)
            if inspect.isfunction(f):
                found[holder.__name__, name] = (id(value), parts(f))
    return found


VERSIONS = {
    "memory_footprint": "def memory_footprint(self):\n    return 'mine'\n",
    "add": "def __add__(self, other):\n    return 'added'\n",
    "shape": "@property\ndef shape(self):\n    return 'mine'\n",
    "scaled": "STEP = 10\ndef scaled(self, by=STEP, *, offset=1, more=3):\n    'new'\n    return by, offset, more\n",
    "zeros": "@staticmethod\ndef zeros(*shape):\n    return shape\n",
    "full": "@classmethod\ndef full(cls, shape, value):\n    return cls.__name__, value\n",
    "describe": "def describe(self):\n    return 'mine'\n",
    "size": "def size(self):\n    return super().size() * 10, __class__.__name__\n",
    "scale": "def scale(values, by=3.0):\n    return [by] * len(values)\n",
    "total": "import math\ndef total(values):\n    return math.fsum(values)\n",
    "square": "@functools.lru_cache(maxsize=None)\ndef square(n):\n    return -n\n",
    "pairs": "def pairs(values):\n    return iter(zip(values, values))\n",
    "text": 'def text(self):\n    return """\n  a\n"""\n',
}


def test_every_kind_of_function_is_exchanged_and_put_back_exactly(workshop, module):
    before, names = kinds(module), set(vars(module))
    t = module.Tensor([1, 2])
    module.square(3)
    for name, text in VERSIONS.items():
        outcome = workshop.run(f"01.{name}", text)
        assert outcome.state == "idle", (name, outcome.error)
        workshop._accept(workshop.placer.live[f"01.{name}"])
    assert t.memory_footprint() == "mine"
    assert (t + 1, 1 + t, t.plus(1)) == ("added", "added", "added")
    assert t.shape == "mine"
    assert t.scaled() == (10, 1, 3) and module.Tensor.scaled.__doc__ == "new"
    assert module.Tensor.zeros(2) == (2,) and module.Tensor.full(1, 7) == ("Tensor", 7)
    assert t.describe() == "mine" and t.size() == (-10, "Tensor")
    assert module.square(3) == -3 and list(module.pairs([1])) == [(1, 1)]
    workshop.close()
    assert kinds(module) == before and set(vars(module)) == names
    assert module.square(3) == 9 and t.describe() == "tensor on base" and t.size() == 2


def test_names_taken_by_other_modules_and_by_the_session_see_it(workshop, module):
    other = sys.modules["tinysample.other"]
    assert workshop.run("01.scale", VERSIONS["scale"]).error is None
    assert other.twice([1, 2]) == other.kept([1, 2]) == workshop.session["scale"]([1, 2]) == [3.0, 3.0]
    workshop.forget("01.scale")
    assert other.twice([1, 2]) == other.kept([1, 2]) == workshop.session["scale"]([1, 2]) == [2.0, 4.0]


def test_super_works_in_a_place_that_had_it_and_in_one_that_had_not(workshop, module):
    t = module.Tensor([1])
    assert (
        workshop.run("01.describe", "def describe(self):\n    '''doc'''\n    return super().describe() + '!'\n").error
        is None
    )
    assert t.describe() == "base!" and module.Tensor.describe.__doc__ == "doc"
    assert (
        workshop.run(
            "01.size", "def size(self):\n    return [super(Tensor, self).size() for _ in (1, 2)], __class__\n"
        ).error
        is None
    )
    assert t.size() == ([-1, -1], module.Tensor)


def test_private_names_are_mangled_as_in_the_class(workshop, module):
    assert (
        workshop.run("01.size", "def size(self):\n    self.__kept = 5\n    return self._Tensor__kept\n").error is None
    )
    assert module.Tensor([1]).size() == 5


def test_helpers_imports_and_constants_live_in_the_module(workshop, module):
    outcome = workshop.run(
        "01.size",
        code("""
        import math as m
        from collections import Counter
        LIMIT = 2 + 3
        TABLE = [double(i) for i in range(3)] if False else [0]
        class Box:
            def __init__(self, n): self.n = n
        def double(n):
            return n * 2 + quarter(n)
        def quarter(n):
            return m.floor(n / 4)
        def size(self):
            return double(LIMIT), Counter("aa")["a"], Box(3).n, TABLE
        Tensor([1]).size(), double(4), LIMIT
    """),
    )
    assert outcome.error is None
    assert outcome.display[0]["data"] == "((11, 2, 3, [0]), 9, 5)"
    assert module.quarter(8) == 2
    workshop.forget("01.size")
    assert not hasattr(module, "quarter") and not hasattr(module, "m") and not hasattr(module, "Box")


def test_an_import_that_the_module_has_already_is_no_collision(workshop, module):
    outcome = workshop.run(
        "01.size",
        "import numpy as np\nfrom tinysample import Tensor\ndef size(self):\n    return int(np.size(self.data)) + len(Tensor([1, 2]).data)\n",
    )
    assert outcome.error is None
    workshop.forget("01.size")
    assert module.np is sys.modules["numpy"] and module.Tensor.__name__ == "Tensor"


@pytest.mark.parametrize(
    "helper, words",
    [
        ("def operand(x):\n    return x", ["Line 1", "`operand`", "already a name in tensor.py", "another name"]),
        ("EPSILON = 5", ["`EPSILON`", "already a name"]),
        ("Tensor = list", ["`Tensor`", "already a name"]),
        ("def max(x):\n    return x", ["`max`", "name of Python itself"]),
    ],
)
def test_helpers_that_would_change_the_module_are_refused(workshop, module, helper, words):
    before = dict(vars(module))
    name = helper.split("=")[0].removeprefix("def ").split("(")[0].strip()
    outcome = workshop.run("01.size", f"{helper}\ndef size(self):\n    return {name}\n")
    assert outcome.state == "error" and outcome.error.kind == "collision" and outcome.error.line == 1
    for word in words:
        assert word in outcome.error.sentence
    assert dict(vars(module)) == before


def test_two_exercises_with_one_helper_name(workshop, module):
    first = "def rows(t):\n    return 6\ndef size(self):\n    return rows(self)\n"
    assert workshop.check("01.size", first).state == "passed"
    clash = "def rows(t):\n    return 24\ndef memory_footprint(self):\n    return rows(self)\n"
    outcome = workshop.check("01.memory_footprint", clash)
    assert outcome.error.kind == "collision"
    for word in ("Line 1", "1.8", "Write size", "`rows`", "Rename one"):
        assert word in outcome.error.sentence
    same = "def rows(t):\n    return 6\ndef memory_footprint(self):\n    return rows(self) * (4 if self.data.ndim else 4 / 6)\n"
    assert workshop.check("01.memory_footprint", same).state == "passed"
    workshop.forget("01.size")
    assert module.rows(0) == 6
    workshop.forget("01.memory_footprint")
    assert not hasattr(module, "rows")


@pytest.mark.parametrize(
    "text, kind",
    [
        ("def size(self):\n    return (\n", "syntax"),
        ("K = 1 / 0\ndef size(self):\n    return K\n", "exception"),
        ("def size(self, more=undefined):\n    return 1\n", "exception"),
        ("import nothing_of_this_name as n\ndef size(self):\n    return n\n", "import"),
        ("def size(self):\n    return 5\nundefined\n", "exception"),
    ],
)
def test_an_error_anywhere_leaves_the_version_before_in_place(workshop, module, text, kind):
    t = module.Tensor([1, 2])
    names = set(vars(module))
    outcome = workshop.run("01.size", text)
    assert (outcome.state, outcome.error.kind) == ("error", kind)
    assert t.size() == 2 and set(vars(module)) == names
    assert workshop.run("01.size", "HELP = 7\ndef size(self):\n    return HELP\n").error is None
    assert workshop.run("01.size", text).state == "error"
    assert t.size() == 7 and module.HELP == 7


def test_a_default_may_name_what_the_class_body_holds(workshop, module):
    assert workshop.run("01.scaled", "def scaled(self, by=FACTOR, *, offset=0):\n    return by\n").error is None
    assert module.Tensor([1]).scaled() == 4


def test_a_class_inside_the_method_has_a_super_of_its_own(workshop, module):
    text = code("""
        def describe(self):
            class Inner(list):
                def __len__(self):
                    return super().__len__() + 10
            return len(Inner([1])), super().describe()
    """)
    assert workshop.run("01.describe", text).error is None
    assert module.Tensor([1]).describe() == (11, "base")
