"""Activations give the values of their formulas, keep dtypes, and overflow nowhere."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinytorch import GELU, ReLU, Sigmoid, Softmax, Tanh, Tensor
from tinytorch.core.activations import Activation, check_filled_axis, float_array


def gelu(x):
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


FORMULAS = {  # from the math module, one number at a time
    ReLU: lambda x: x if x > 0 else 0.0,
    Sigmoid: lambda x: 1 / (1 + math.exp(-x)),
    Tanh: math.tanh,
    GELU: gelu,
}
ELEMENTWISE = list(FORMULAS)
ALL = [*ELEMENTWISE, Softmax]
GRID = arrays.arrays(
    np.float64, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=st.floats(-30, 30)
)


def values(activation, x, dtype=np.float64):
    return activation(Tensor(x, dtype=dtype)).data


# Values


@pytest.mark.parametrize("kind", ELEMENTWISE)
@given(GRID)
def test_each_element_is_what_the_formula_says(kind, array):
    expected = [FORMULAS[kind](x) for x in array.ravel().tolist()]
    found = values(kind(), array)
    assert found.shape == array.shape and found.dtype == np.float64
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "kind, expected",
    [
        (ReLU, [0, 0, 0, 0.5, 2]),
        (Sigmoid, [0.11920292202211755, 0.3775406687981454, 0.5, 0.6224593312018546, 0.8807970779778825]),
        (Tanh, [-0.9640275800758169, -0.46211715726000973, 0, 0.46211715726000973, 0.9640275800758169]),
        (GELU, [-0.04540230591222494, -0.15428599017485606, 0, 0.34571400982514394, 1.954597694087775]),
    ],
)
def test_known_values(kind, expected):
    np.testing.assert_allclose(values(kind(), [-2, -0.5, 0, 0.5, 2]), expected, rtol=1e-9)


@given(arrays.arrays(np.float64, 12, elements=st.floats(-8, 8)))
def test_gelu_is_near_the_exact_one(array):
    exact = [0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in array.tolist()]
    np.testing.assert_allclose(values(GELU(), array), exact, atol=5e-4)


@given(
    arrays.arrays(np.float64, arrays.array_shapes(min_dims=1, max_dims=3, max_side=4), elements=st.floats(-1000, 1000)),
    st.data(),
)
def test_softmax_is_what_the_formula_says(array, data):
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    found = np.moveaxis(values(Softmax(axis), array), axis, -1)
    rows = np.moveaxis(array, axis, -1)
    for index in np.ndindex(rows.shape[:-1]):
        row = rows[index].tolist()
        for j, x in enumerate(row):
            expected = 1 / math.fsum(math.exp(min(y - x, 700)) for y in row)
            assert math.isclose(found[index][j], expected, rel_tol=1e-9, abs_tol=1e-300)


def test_softmax_takes_the_last_axis_unless_told():
    x = np.arange(6.0).reshape(2, 3)
    assert Softmax().axis == -1
    np.testing.assert_array_equal(values(Softmax(), x), values(Softmax(axis=1), x))
    np.testing.assert_allclose(values(Softmax(), x).sum(axis=1), [1, 1])
    np.testing.assert_allclose(values(Softmax(0), x).sum(axis=0), [1, 1, 1])
    np.testing.assert_allclose(values(Softmax(), [0, math.log(3)]), [0.25, 0.75])


@given(arrays.arrays(np.float64, (2, 3), elements=st.floats(-50, 50)), st.floats(-100, 100))
def test_softmax_does_not_notice_a_number_added_to_all(array, number):
    np.testing.assert_allclose(values(Softmax(), array + number), values(Softmax(), array), rtol=1e-9, atol=1e-13)


# Extremes


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "kind, expected",
    [
        (ReLU, [0, 0, 0, 1000, math.inf]),
        (Sigmoid, [0, 0, 0.5, 1, 1]),
        (Tanh, [-1, -1, 0, 1, 1]),
    ],
)
def test_extremes_are_right_and_warn_of_nothing(kind, expected, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = values(kind(), [-math.inf, -1000, 0, 1000, math.inf], dtype)
    assert found.dtype == dtype and found.tolist() == expected


@pytest.mark.parametrize("dtype, large", [("float16", 60000), ("float32", 1e30), ("float64", 1e300)])
def test_gelu_of_huge_numbers_warns_of_nothing(dtype, large):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = values(GELU(), [-large, -1000, 1000, large, math.inf], dtype)
    assert found.tolist() == Tensor([0, 0, 1000, large, math.inf], dtype=dtype).data.tolist()


def test_the_far_left_of_sigmoid_keeps_its_digits():
    np.testing.assert_allclose(values(Sigmoid(), [-40.0, -700.0]), [math.exp(-40), math.exp(-700)], rtol=1e-12)
    np.testing.assert_allclose(values(Sigmoid(), [-40.0], "float32"), [math.exp(-40)], rtol=1e-5)


def test_softmax_of_huge_numbers_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = values(Softmax(), [[1000, 1000, -1000], [-1000, -1000, -math.inf], [1e30, 0, 0]], "float32")
    assert found.tolist() == [[0.5, 0.5, 0], [0.5, 0.5, 0], [1, 0, 0]]


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_nan_passes_through_and_touches_nothing_else(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = values(kind(), [1, math.nan, 2])
    assert np.isnan(found).tolist() == [False, True, False]


def test_nan_passes_through_softmax_in_its_own_row():
    assert np.isnan(values(Softmax(), [[1, math.nan], [0, 0]])).tolist() == [[True, True], [False, False]]


# Shapes, dtypes, memory


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_floating_point_dtype_is_kept(kind, dtype):
    assert values(kind(), [[0.5, 1.0]], dtype).dtype == dtype


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    "data", [np.array([0, 2]), np.array([0, 2], dtype=np.uint8), [False, True], Tensor([0, 1], dtype=np.int64)]
)
def test_whole_numbers_and_truths_become_float32(kind, data):
    found = kind()(Tensor(data))
    assert isinstance(found, Tensor) and found.dtype == np.float32
    np.testing.assert_allclose(found.data, values(kind(), np.asarray(data)), rtol=1e-5)


@pytest.mark.parametrize("kind", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_shape_is_kept(kind, shape, dtype):
    found = kind()(Tensor(np.ones(shape), dtype=dtype))
    assert found.shape == shape and found.dtype == dtype


def test_softmax_along_an_axis_that_is_not_empty_may_be_empty_elsewhere():
    assert Softmax(axis=1)(Tensor(np.ones((0, 3)))).shape == (0, 3)


@pytest.mark.parametrize("kind", ALL)
def test_the_input_is_not_changed_and_the_result_has_its_own_memory(kind):
    x = Tensor([[-1.0, 2.0]])
    before = x.data.copy()
    found = kind()(x)
    np.testing.assert_array_equal(x.data, before)
    assert not np.shares_memory(found.data, x.data)


@pytest.mark.parametrize("kind", ALL)
def test_a_transposed_input_gives_the_same_values(kind):
    x = np.arange(6.0).reshape(2, 3) - 2
    activation = Softmax(axis=0) if kind is Softmax else kind()
    other = Softmax(axis=1) if kind is Softmax else kind()
    np.testing.assert_allclose(activation(Tensor(x).T.T).data, other(Tensor(x).T).data.T, rtol=1e-6)


@pytest.mark.parametrize("kind", ALL)
def test_calling_is_forward_and_remembers_nothing(kind):
    activation = kind()
    before = dict(vars(activation))
    np.testing.assert_array_equal(activation(Tensor([1.0, 2.0])).data, activation.forward(Tensor([1.0, 2.0])).data)
    assert vars(activation) == before


@pytest.mark.parametrize("kind", ALL)
def test_plain_numbers_and_lists_are_taken_too(kind):
    np.testing.assert_array_equal(kind()([0.5, 1.0]).data, kind()(Tensor([0.5, 1.0])).data)


def test_a_subclass_of_ones_own_is_called_by_its_forward():
    class Square(Activation):
        def forward(self, x):
            return x * x

    assert Square()(Tensor([3])).item() == 9


def test_how_they_print():
    assert [repr(kind()) for kind in ALL] == ["ReLU()", "Sigmoid()", "Tanh()", "GELU()", "Softmax(axis=-1)"]
    assert repr(Softmax(axis=1)) == "Softmax(axis=1)"


def test_float_array_is_the_tensors_own_where_it_can_be():
    t = Tensor([1.0])
    assert float_array(t) is t.data
    assert float_array(Tensor([1.0], dtype=np.float64)).dtype == np.float64
    assert float_array(3).dtype == np.float32


# Mistakes

MISTAKES = {
    "no such axis": (
        lambda: Softmax(axis=2)(Tensor([[1, 2]])),
        ValueError,
        "Softmax: axis 2 does not exist in shape (1, 2); axes run from -2 to 1",
    ),
    "no such axis from the end": (
        lambda: Softmax(axis=-3)(Tensor([[1, 2]])),
        ValueError,
        "Softmax: axis -3 does not exist in shape (1, 2)",
    ),
    "a single number": (
        lambda: Softmax()(Tensor(1.0)),
        ValueError,
        "Softmax: axis -1 does not exist in shape (); a single number has no axes",
    ),
    "an empty axis": (
        lambda: Softmax()(Tensor(np.ones((3, 0)))),
        ValueError,
        "Softmax: shape (3, 0) has no elements along axis 1; it needs at least one",
    ),
    "another empty axis": (
        lambda: Softmax(axis=0)(Tensor(np.ones((0, 3)))),
        ValueError,
        "Softmax: shape (0, 3) has no elements along axis 0",
    ),
    "an axis with a point": (
        lambda: Softmax(axis=1.0)(Tensor([[1, 2]])),
        TypeError,
        "Softmax: axis 1.0 is not an integer",
    ),
    "two axes": (lambda: Softmax(axis=(0, 1))(Tensor([[1, 2]])), TypeError, "Softmax: axis (0, 1) is not an integer"),
    "text": (lambda: ReLU()("abc"), TypeError, "Tensor: got text"),
    "nothing": (lambda: Sigmoid()(None), TypeError, "Tensor: got NoneType where a number is needed"),
    "no forward": (
        lambda: type("Square", (Activation,), {})()(Tensor([1])),
        NotImplementedError,
        "Square: there is no forward; write def forward(self, x) in class Square",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(mistake):
    action, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert str(caught.value).startswith(sentence)


def test_check_filled_axis_counts_from_the_front():
    assert [check_filled_axis("f", axis, (2, 1)) for axis in (-2, -1, 0, 1)] == [0, 1, 0, 1]
