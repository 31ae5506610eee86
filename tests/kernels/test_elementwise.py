"""exp and tanh within some units in the last place of the truth, the rest equal to NumPy's own to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import own_loops

BINARY = ["maximum", "minimum", "add", "subtract", "multiply", "divide"]
UNARY = ["sqrt", "negative", "absolute"]
ROUNDED = ["exp", "tanh"]
numbers = st.floats(width=32)
vectors = st.lists(numbers, max_size=37).map(lambda values: np.array(values, "f4"))


def same(found, expected):
    """Equal to the last bit; one NaN is like another."""
    number = ~np.isnan(expected)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    assert np.array_equal(np.isnan(found), ~number)
    assert np.array_equal(found[number].view("i4"), expected[number].view("i4"))


def ulps(found, true):
    """How many units in the last place of float32 the found numbers are away."""
    nearest = true.astype("f4")
    finite = np.isfinite(nearest) & np.isfinite(found)
    return np.abs(found[finite].astype("f8") - true[finite]) / np.spacing(np.abs(nearest[finite]).astype("f4"))


@pytest.mark.parametrize("name, low, high, bound", [
    ("exp", -104, 89, 1.1), ("exp", -1, 1, 1.1), ("tanh", -11, 11, 2.5), ("tanh", -1, 1, 2.5), ("tanh", -1e-3, 1e-3, 2.5),
])  # fmt: skip
def test_the_error_is_small_over_the_whole_range(name, low, high, bound):
    x = np.linspace(low, high, 1_000_003, dtype="f4")
    function = getattr(np, name)
    with np.errstate(all="ignore"):
        errors = ulps(function(x), function(x.astype("f8")))
    print(f"np.{name} from {low} to {high}: {errors.max():.2f} ulp")
    assert errors.max() < bound


@pytest.mark.parametrize("name", ROUNDED)
@given(x=vectors)
def test_any_number_gives_what_numpy_gives(name, x):
    function = getattr(np, name)
    with np.errstate(all="ignore"):
        found = function(x)
        with own_loops():
            expected = function(x)
    special = ~np.isfinite(expected) | (expected == 0)
    same(found[special], expected[special])
    assert np.array_equal(np.signbit(found[~special]), np.signbit(expected[~special]))
    assert (np.abs(found[~special].view("i4").astype("i8") - expected[~special].view("i4")) <= 4).all()


@pytest.mark.parametrize("name", ROUNDED + UNARY)
@pytest.mark.parametrize("stride", [1, 2, -1, -3])
def test_a_value_does_not_depend_on_where_it_lies(name, stride):
    x = np.abs(np.random.default_rng(0).standard_normal(101).astype("f4"))
    function = getattr(np, name)
    whole = function(x)
    same(function(x[::stride]), whole[::stride])
    out = np.zeros((101, 3), "f4")
    same(function(x, out=out[:, 1]), whole)
    assert not out[:, [0, 2]].any()


@pytest.mark.parametrize("name", BINARY)
@given(x=vectors, data=st.data())
def test_two_operands_give_the_very_same_bits(name, x, data):
    y = np.array(data.draw(st.lists(numbers, min_size=len(x), max_size=len(x))), "f4")
    function = getattr(np, name)
    one = np.float32(data.draw(numbers))
    calls = [
        (x, y),
        (x, one),
        (one, y),
        (x[::-1], y),
        (x[::2], y[::2]),
        (x[:, None], y[:5]),
        (np.broadcast_to(one, x.shape), y),
    ]
    for operands in calls:
        with np.errstate(all="ignore"):
            found = function(*operands)
            with own_loops():
                expected = function(*operands)
        same(found, expected)


@pytest.mark.parametrize("name", UNARY)
@given(x=vectors)
def test_one_operand_gives_the_very_same_bits(name, x):
    function = getattr(np, name)
    with np.errstate(all="ignore"):
        found = function(x)
        with own_loops():
            expected = function(x)
    same(found, expected)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("count", [0, 1, 5, 8, 64, 67])
def test_reductions_and_running_totals_are_numpys(name, count):
    function = getattr(np, name)
    x = np.random.default_rng(count).standard_normal((count + 1, 13)).astype("f4")
    calls = [
        lambda: function.reduce(x, axis=0), lambda: function.reduce(x, axis=1), lambda: function.accumulate(x, axis=0),
        lambda: function.accumulate(x, axis=1), lambda: function.accumulate(x[:, 0]), lambda: function.outer(x[0], x[:, 1]),
        lambda: function.reduceat(x, [0, count // 2], axis=0),
    ]  # fmt: skip
    for call in calls:
        with np.errstate(all="ignore"):
            found = call()
            with own_loops():
                expected = call()
        same(found, expected)


@pytest.mark.parametrize("name", BINARY + UNARY + ROUNDED)
@pytest.mark.parametrize("shift", [-5, -4, -3, -1, 0, 1, 2, 3, 4, 5])
def test_results_may_lie_over_operands(name, shift):
    function = getattr(np, name)
    start = np.abs(np.random.default_rng(1).standard_normal(80).astype("f4"))

    def compute():
        memory = start.copy()
        x, out = memory[10:50], memory[10 + shift : 50 + shift]
        return (function(x, memory[20:60], out=out), memory) if name in BINARY else (function(x, out=out), memory)

    expected = start.copy()
    x = start[10:50]
    expected[10 + shift : 50 + shift] = function(x, start[20:60]) if name in BINARY else function(x)
    found, memory = compute()
    same(memory, expected)
    assert found.base is memory


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("place", [0, 1, 5, 38, 39])
def test_one_number_of_the_result_may_be_an_operand(name, place):
    function, start = getattr(np, name), np.arange(1, 41, dtype="f4")
    for number in (slice(place, place + 1), place):
        memory = start.copy()
        function(memory, memory[number], out=memory)
        same(memory, function(start, start[place]))
        memory = start.copy()
        function(memory[number], memory, out=memory)
        same(memory, function(start[place], start))


@pytest.mark.parametrize("name", BINARY)
def test_where_and_other_types_are_numpys(name):
    function = getattr(np, name)
    x = np.arange(1, 40, dtype="f4")
    out = np.zeros(39, "f4")
    function(x, x[::-1], out=out, where=x % 2 == 0)
    assert not out[::2].any()
    assert function(x.astype("i4"), 3).dtype.kind in "if" and function(x.astype("f8"), 3).dtype == "f8"
