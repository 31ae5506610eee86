"""A small package of its own for the tests of `tinytorch.learn`: nothing here depends on a chapter."""

import sys
import textwrap

import pytest

from tinytorch.learn import Catalog, Chapter, Check, Exercise, Workshop

PACKAGE = "tinysample"

FILES = {
    "__init__.py": '''
        """A sample package."""

        from tinysample.core.tensor import Tensor, scale, total
        from tinysample import other

        __version__ = "0.3.0"
        __all__ = ["Tensor", "scale"]
    ''',
    "core/__init__.py": "",
    "core/tensor.py": '''
        """A sample module."""

        import functools
        import numpy as np

        EPSILON = 1e-6


        class Base:
            """What Tensor stands on."""

            def describe(self):
                return "base"

            def size(self):
                return -1


        class Tensor(Base):
            """An array with methods."""

            FACTOR = 4

            def __init__(self, data):
                self.data = np.asarray(data, dtype=np.float32)

            def __repr__(self):
                return f"Tensor({self.data.tolist()})"

            @property
            def shape(self):
                """The lengths of the axes."""
                return self.data.shape

            @shape.setter
            def shape(self, new):
                self.data = self.data.reshape(new)

            def memory_footprint(self):
                """Count the bytes.

                >>> Tensor([1, 2]).memory_footprint()
                8
                """
                return self.data.nbytes

            def __add__(self, other):
                return Tensor(self.data + operand(other))

            __radd__ = __add__
            plus = __add__

            def scaled(self, by=FACTOR, *, offset=0):
                """Multiply, then add."""
                return Tensor(self.data * by + offset)

            @staticmethod
            def zeros(*shape):
                return Tensor(np.zeros(shape))

            @classmethod
            def full(cls, shape, value):
                return cls(np.full(shape, value))

            def describe(self):
                return "tensor on " + super().describe()

            def size(self):
                """Count the elements."""
                return int(self.data.size)

            def text(self):
                """Show it over several lines."""
                return f"""
            shape {self.shape}
        end"""


        def operand(x):
            return x.data if isinstance(x, Tensor) else x


        def scale(values, by=2.0):
            """Multiply each value."""
            return [value * by for value in values]


        def total(values):
            """Add the values up."""
            result = 0
            for value in values:
                result += value
            return result


        @functools.lru_cache(maxsize=None)
        def square(n):
            return n * n


        def pairs(values):
            for value in values:
                yield value, value
    ''',
    "other.py": '''
        """A module that took names from another one when it was imported."""

        from tinysample.core.tensor import scale as multiplied

        kept = multiplied


        def twice(values):
            return multiplied(values)
    ''',
    "learn/__init__.py": '"""Where yours.json goes."""',
}

SYMBOLS = {
    "memory_footprint": "Tensor.memory_footprint",
    "add": "Tensor.__add__",
    "shape": "Tensor.shape",
    "scaled": "Tensor.scaled",
    "zeros": "Tensor.zeros",
    "full": "Tensor.full",
    "describe": "Tensor.describe",
    "size": "Tensor.size",
    "text": "Tensor.text",
    "scale": "scale",
    "total": "total",
    "square": "square",
    "pairs": "pairs",
}

CHECKS = {
    "memory_footprint": [
        (
            "Two rows of three take 24 bytes",
            't = Tensor([[1, 2, 3], [4, 5, 6]])\nexpect(t.memory_footprint(), 24, mistakes=[(6, "You counted the elements.")])',
        ),
        ("One number takes 4", "expect(Tensor(1).memory_footprint(), 4)"),
    ],
    "size": [("Six elements", "expect(Tensor([[1, 2, 3], [4, 5, 6]]).size(), 6)")],
    "scale": [("Twice", "expect(scale([1, 2]), [2.0, 4.0])")],
    "total": [("Three", "expect(total([1, 2]), 3)"), ("None at all", "expect(total([]), 0)")],
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write the sample package and make it importable; every test has a fresh one."""
    folder = tmp_path / "site"
    for name, text in FILES.items():
        path = folder / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    _forget()
    yield folder
    _forget()


def _forget():
    for name in [n for n in sys.modules if n == PACKAGE or n.startswith(PACKAGE + ".")]:
        del sys.modules[name]


@pytest.fixture
def catalog(package):
    exercises = tuple(
        Exercise(
            id=f"01.{name}",
            name=name,
            number=f"1.{i}",
            title=f"Write {name}",
            symbol=f"{PACKAGE}.core.tensor:{qualname}",
            checks=tuple(Check(*check) for check in CHECKS.get(name, ())),
        )
        for i, (name, qualname) in enumerate(SYMBOLS.items(), 1)
    )
    return Catalog((Chapter("01", 1, "tensor", "Tensor", exercises=exercises),), package=PACKAGE)


@pytest.fixture
def printed():
    return []


@pytest.fixture
def workshop(catalog, printed):
    made = Workshop(lambda stream, text: printed.append((stream, text)), catalog)
    yield made
    made.close()


@pytest.fixture
def module(workshop):
    return sys.modules[f"{PACKAGE}.core.tensor"]


def code(text):
    return textwrap.dedent(text).strip("\n") + "\n"
