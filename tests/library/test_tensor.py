"""Tensor behaves like NumPy on every shape, keeps its dtype rule, and shares memory where it says so."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import tinytorch
from tinytorch import Tensor
from tinytorch.core import tensor as module
from tinytorch.core.tensor import broadcast_shape, from_numpy, to_array

FINITE = {"min_value": -1000, "max_value": 1000, "width": 32}
SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
FULL_SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def grids(shape=FULL_SHAPES, dtype=np.float32):
    return arrays.arrays(dtype, shape, elements=st.floats(**FINITE))


def agrees(tensor, array):
    """The tensor holds exactly NumPy's float32 result."""
    assert isinstance(tensor, Tensor)
    assert tensor.shape == np.shape(array)
    np.testing.assert_allclose(tensor.data, array, rtol=1e-5, atol=1e-4)


def test_the_package_names_its_version_and_main_names():
    assert tinytorch.__version__ == "0.1.0"
    assert tinytorch.Tensor is Tensor and "Tensor" in tinytorch.__all__


# What goes in


@pytest.mark.parametrize(
    "data, dtype",
    [
        ([1, 2], "float32"),
        (3, "float32"),
        (2.5, "float32"),
        ([[0.5]], "float32"),
        ([], "float32"),
        (range(3), "float32"),
        ((1, 2), "float32"),
        (True, "bool"),
        ([True, False], "bool"),
        (np.float64(1.5), "float32"),
        (np.int16(3), "int16"),
        (np.array([1.5]), "float32"),
        (np.array([1.5], dtype=np.float16), "float32"),
        (np.array([1], dtype=np.int8), "int8"),
        (np.array([1], dtype=np.uint8), "uint8"),
        (np.array([True]), "bool"),
    ],
)
def test_the_dtype_without_being_asked(data, dtype):
    assert Tensor(data).dtype == dtype


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "bool"])
def test_a_dtype_that_is_asked_for_is_kept_by_arithmetic_and_views(dtype):
    t = Tensor([[1, 0], [1, 1]], dtype=dtype)
    assert t.dtype == dtype
    for result in (
        t + t,
        t * t,
        t.T,
        t.reshape(-1),
        t.permute(1, 0),
        t.contiguous(),
        t[0],
        t.max(),
        t @ t,
        t.masked_fill(t == 0, 1),
    ):
        assert result.dtype == dtype
    assert Tensor(t).dtype == dtype


def test_float64_stays_and_nothing_else_becomes_float64():
    wide, plain, whole = Tensor([1, 2], dtype=np.float64), Tensor([1, 2]), Tensor(np.array([1, 2]))
    for result in (wide + 1, wide + plain, plain * wide, wide / 3, wide.sum(), wide.mean(), wide @ plain, 2**wide):
        assert result.dtype == np.float64
    for result in (
        plain * 0.1,
        plain * np.float64(0.1),
        whole / 2,
        whole + plain,
        whole @ plain,
        whole.mean(),
        whole * 0.5,
        plain + np.ones(2),
    ):
        assert result.dtype == np.float32


def test_what_stands_next_to_float64_is_not_rounded_to_float32():
    tenth = Tensor([0.1], dtype=np.float64)
    for result in (
        Tensor([1], dtype=np.float64) * 0.1,
        tenth + 0,
        Tensor([1]) @ tenth,
        tenth @ Tensor([1]),
        Tensor(tenth).sum(),
        Tensor([1]) * tenth,
    ):
        assert result.item() == 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
def test_a_tensor_owns_its_numbers_whatever_they_came_from(dtype):
    array = np.ones((2, 3), dtype=dtype)
    for source in (array, array[:, 1:], array.T, memoryview(array), Tensor(array), Tensor(array).T):
        t = Tensor(source)
        lender = source.data if isinstance(source, Tensor) else np.asarray(source)
        assert not np.shares_memory(t.data, lender) and not np.shares_memory(t.data, array)
        np.testing.assert_array_equal(t.data, lender)
    assert to_array(array.astype(np.float32, copy=False)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
def test_from_numpy_shares_an_array_in_its_own_dtype(dtype):
    array = np.zeros((2, 3), dtype=dtype)
    t = from_numpy(array)
    array[1, 2] = 1
    assert t.dtype == dtype and t.data is array and t[1, 2].item() == 1
    with pytest.raises(TypeError, match="from_numpy: got list; it shares a NumPy array, so write"):
        from_numpy([1, 2])


@given(grids(SHAPES))
def test_shape_size_bytes_and_back(array):
    t = Tensor(array)
    assert (t.shape, t.ndim, t.size, t.numel()) == (array.shape, array.ndim, array.size, array.size)
    assert t.memory_footprint() == array.nbytes
    assert t.numpy() is t.data
    np.testing.assert_array_equal(np.asarray(t), array)


@given(grids(), st.integers(0, 3))
def test_a_list_of_tensors_is_stacked(array, count):
    assume(count)
    assert Tensor([Tensor(array)] * count).shape == (count, *array.shape)


# Arithmetic

ELEMENTWISE = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("sign", ELEMENTWISE)
@given(st.data())
def test_two_tensors_combine_as_their_arrays_do(sign, data):
    shapes = data.draw(arrays.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=4)).input_shapes
    a, b = (data.draw(grids(shape)) for shape in shapes)
    agrees(ELEMENTWISE[sign](Tensor(a), Tensor(b)), ELEMENTWISE[sign](a, b))


@pytest.mark.parametrize("sign", ELEMENTWISE)
@given(grids(SHAPES), st.floats(**FINITE))
def test_a_number_stands_on_either_side(sign, array, number):
    agrees(ELEMENTWISE[sign](Tensor(array), number), ELEMENTWISE[sign](array, np.float32(number)))
    agrees(ELEMENTWISE[sign](number, Tensor(array)), ELEMENTWISE[sign](np.float32(number), array))


@given(grids(), st.floats(0.5, 100))
def test_division_power_and_minus(array, number):
    positive = np.abs(array) + 1
    t = Tensor(positive)
    agrees(t / number, positive / np.float32(number))
    agrees(number / t, np.float32(number) / positive)
    agrees((t**0.5) ** 2, np.sqrt(positive) ** 2)
    agrees(2 ** (t / 1001), 2 ** (positive / 1001))
    agrees(-t, -positive)


@given(grids())
def test_arrays_and_numpy_numbers_on_the_left_leave_the_work_to_the_tensor(array):
    for result in (
        array + Tensor(array),
        np.float32(2) * Tensor(array),
        np.float64(1) - Tensor(array),
        array == Tensor(array),
    ):
        assert isinstance(result, Tensor) and result.shape == array.shape


def test_augmented_assignment_changes_the_tensor_itself():
    t = Tensor([1, 2])
    before, array = t, t.data
    t += 1
    t *= [2, 4]
    t -= Tensor([1])
    t /= 2
    assert t is before and t.data is array and array.tolist() == [1.5, 5.5]


def test_an_assignment_writes_into_the_tensor_itself():
    t = Tensor(np.zeros((2, 3)))
    array = t.data
    t[0, 1] = 2.0
    t[1] = Tensor([5, 6, 7])
    t[t == 6] = -1
    t[Tensor([0], dtype=np.int64), 0] = 9
    assert t.data is array and array.tolist() == [[9, 2, 0], [5, -1, 7]]


@given(st.data())
def test_broadcast_shape_is_numpys(data):
    shape_a, shape_b = data.draw(st.tuples(SHAPES, SHAPES))
    try:
        expected = np.broadcast_shapes(shape_a, shape_b)
    except ValueError:
        with pytest.raises(ValueError, match=r"^broadcast: "):
            broadcast_shape(shape_a, shape_b)
    else:
        assert broadcast_shape(shape_a, shape_b) == expected


def test_comparison_with_something_that_is_no_number():
    t = Tensor([1, 2])
    assert (t == None, t != None, t == "x") == (False, True, False)  # noqa: E711
    assert (t == {}, t != object(), t in [{}, t]) == (False, True, True)
    assert t in [t] and {t: 1}[t] == 1


# Matrix products


@given(st.data())
def test_matmul_is_numpys_for_every_number_of_axes(data):
    shapes = data.draw(
        arrays.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=3, min_side=1, max_side=3)
    ).input_shapes
    a, b = (data.draw(grids(shape)) for shape in shapes)
    expected = np.matmul(a.astype(np.float64), b.astype(np.float64))
    for result in (Tensor(a) @ Tensor(b), Tensor(a).matmul(b), a @ Tensor(b), Tensor(a) @ b.tolist()):
        assert result.shape == expected.shape
        np.testing.assert_allclose(result.data, expected, rtol=1e-4, atol=2)


def test_matmul_with_an_inner_size_of_zero_is_zero():
    np.testing.assert_array_equal((Tensor(np.ones((2, 0))) @ Tensor(np.ones((0, 3)))).data, np.zeros((2, 3)))


# Shapes


@given(grids(SHAPES), st.data())
def test_reshape_is_a_view_of_the_same_elements(array, data):
    t = Tensor(array)
    flat = t.reshape(array.size)
    np.testing.assert_array_equal(flat.data, array.reshape(-1))
    np.testing.assert_array_equal(flat.reshape(array.shape).data, array)
    np.testing.assert_array_equal(flat.view(*array.shape).data, array)
    if array.size:
        assert np.shares_memory(t.data, flat.data) and np.shares_memory(t.data, t.view(-1).data)
        position = data.draw(st.integers(0, max(array.ndim - 1, 0)))
        shape = tuple(-1 if axis == position else size for axis, size in enumerate(array.shape)) or (-1,)
        assert flat.reshape(shape).shape == (array.shape or (1,))


@given(grids(), st.data())
def test_transpose_and_permute_are_views_that_move_axes(array, data):
    t = Tensor(array)
    first, second = (data.draw(st.integers(-array.ndim, array.ndim - 1)) for _ in range(2))
    order = data.draw(st.permutations(range(array.ndim)))
    for result, expected in (
        (t.transpose(first, second), np.swapaxes(array, first, second)),
        (t.permute(*order), array.transpose(order)),
        (t.permute(order), array.transpose(order)),
        (t.T, array.T),
    ):
        np.testing.assert_array_equal(result.data, expected)
        assert result.data.strides == expected.strides and np.shares_memory(result.data, t.data)


def test_transpose_swaps_the_last_two_axes_when_none_are_named():
    assert Tensor(np.zeros((2, 3, 4))).transpose().shape == (2, 4, 3)


@given(grids(), st.data())
def test_contiguous_copies_only_what_does_not_lie_row_by_row(array, data):
    t = Tensor(array).permute(data.draw(st.permutations(range(array.ndim))))
    result = t.contiguous()
    assert result.data.flags.c_contiguous
    np.testing.assert_array_equal(result.data, t.data)
    assert (result is t) == t.data.flags.c_contiguous


def test_contiguous_keeps_a_single_number_a_single_number():
    assert Tensor(1).contiguous().shape == ()


# Reductions


@pytest.mark.parametrize("name", ["sum", "mean", "max"])
@given(st.data())
def test_reductions_are_numpys_along_any_axes(name, data):
    array = data.draw(grids())
    axes = data.draw(
        st.none() | st.integers(-array.ndim, array.ndim - 1) | st.sets(st.integers(0, array.ndim - 1)).map(tuple)
    )
    keepdims = data.draw(st.booleans())
    expected = getattr(np, name)(array.astype(np.float64), axis=axes, keepdims=keepdims)
    result = getattr(Tensor(array), name)(axis=axes, keepdims=keepdims)
    assert result.shape == expected.shape and result.dtype == np.float32
    np.testing.assert_allclose(result.data, expected, rtol=1e-4, atol=0.1)


def test_a_count_of_a_mask_is_an_integer():
    assert Tensor([True, False, True]).sum().item() == 2
    assert Tensor([True, False, True, True]).mean().item() == 0.75


def test_the_sum_of_nothing_is_zero_and_of_a_number_itself():
    assert Tensor([]).sum().item() == 0 and Tensor(4).sum().item() == 4 and Tensor(4).max().item() == 4


# Choosing


@given(grids(), st.data())
def test_indexing_is_numpys(array, data):
    index = data.draw(arrays.basic_indices(array.shape, allow_newaxis=True))
    t = Tensor(array)
    result = t[index]
    agrees(result, array[index])
    if isinstance(array[index], np.ndarray) and result.size:
        assert np.shares_memory(result.data, t.data)


@given(grids(), st.data())
def test_a_tensor_of_booleans_or_integers_is_an_index(array, data):
    mask = data.draw(arrays.arrays(bool, array.shape))
    places = data.draw(arrays.arrays(np.int64, 3, elements=st.integers(-array.shape[0], array.shape[0] - 1)))
    agrees(Tensor(array)[Tensor(mask)], array[mask])
    agrees(Tensor(array)[Tensor(places)], array[places])
    agrees(Tensor(array)[..., Tensor(places % array.shape[-1])], array[..., places % array.shape[-1]])


@given(st.data())
def test_masked_fill_replaces_under_the_mask_and_nothing_else(data):
    array = data.draw(grids())
    mask_shape = data.draw(arrays.broadcastable_shapes(array.shape, max_dims=array.ndim))
    assume(np.broadcast_shapes(array.shape, mask_shape) == array.shape)
    mask = data.draw(arrays.arrays(bool, mask_shape))
    before = array.copy()
    for given_mask in (mask, Tensor(mask)):
        np.testing.assert_array_equal(
            Tensor(array).masked_fill(given_mask, -np.inf).data, np.where(mask, np.float32(-np.inf), array)
        )
    np.testing.assert_array_equal(array, before)


def test_going_through_a_tensor_gives_its_rows():
    t = Tensor([[1, 2], [3, 4]])
    assert len(t) == 2 and [row.sum().item() for row in t] == [3, 7]


def test_truth_and_item_of_one_element():
    assert bool(Tensor([[2]])) and not Tensor(0)
    assert isinstance(Tensor(1.5).item(), float) and isinstance(Tensor(True).item(), bool)


# What is printed


@pytest.mark.parametrize(
    "tensor, text",
    [
        (Tensor([1, 2]), "Tensor([1., 2.], shape=(2,))"),
        (Tensor(1.5), "Tensor(1.5, shape=())"),
        (Tensor([True]), "Tensor([ True], shape=(1,), dtype=bool)"),
        (Tensor([[0.5]], dtype=np.float64), "Tensor([[0.5]], shape=(1, 1), dtype=float64)"),
        (Tensor(np.zeros((2, 0))), "Tensor([], shape=(2, 0))"),
    ],
)
def test_repr_shows_elements_shape_and_unusual_dtype(tensor, text):
    assert repr(tensor) == text


def test_repr_of_a_large_tensor_is_short():
    assert len(repr(Tensor(np.zeros((1000, 1000))))) < 400


def test_functions_are_short_enough_to_be_exercises():
    import ast

    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            documented = ast.get_docstring(node) is not None
            lines = node.end_lineno - (node.body[0].end_lineno if documented else node.lineno)
            assert lines <= 25, node.name


def test_numel_is_the_product_of_the_shape():
    assert Tensor(np.zeros((2, 3, 4))).numel() == math.prod((2, 3, 4))
