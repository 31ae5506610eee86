"""Every mistake with a Tensor is answered with a sentence: what was given, what is needed, what to do."""

import numpy as np
import pytest

from tinytorch import Tensor, arange, cat, ones, stack, zeros

GRID = Tensor([[1, 2, 3], [4, 5, 6]])
WHOLE = Tensor(np.array([1, 2, 3]))

MISTAKES = {
    "uneven rows": (
        lambda: Tensor([[1, 2, 3], [4, 5]]),
        ValueError,
        "Tensor: the rows have lengths 2 and 3; a tensor is a full grid, so make all rows equally long",
    ),
    "a number among rows": (
        lambda: Tensor([1, [2, 3]]),
        ValueError,
        "Tensor: the rows have lengths 0 (a bare number) and 2; a tensor is a full grid",
    ),
    "uneven deeper down": (
        lambda: Tensor([[[1, 2], [3]], [[1, 2], [3]]]),
        ValueError,
        "Tensor: the inner lists have different lengths; a tensor is a full grid",
    ),
    "text": (
        lambda: Tensor("abc"),
        TypeError,
        "Tensor: got text; a tensor holds numbers, so convert with float(...) first",
    ),
    "numbers as text": (lambda: Tensor(["1", "2"]), TypeError, "Tensor: got text"),
    "a text among numbers": (lambda: Tensor([1, "a"]), TypeError, "Tensor: got text"),
    "nothing": (
        lambda: Tensor(None),
        TypeError,
        "Tensor: got NoneType where a number is needed; pass a number, nested lists of numbers, or a NumPy array of numbers",
    ),
    "a hole": (lambda: Tensor([1, None]), TypeError, "Tensor: got NoneType where a number is needed"),
    "a dict": (lambda: Tensor({"a": 1}), TypeError, "Tensor: got dict where a number is needed"),
    "a set": (lambda: Tensor({1, 2}), TypeError, "Tensor: got set where a number is needed"),
    "a generator": (lambda: Tensor(x for x in [1]), TypeError, "Tensor: got generator where a number is needed"),
    "an object array": (
        lambda: Tensor(np.array([{}], dtype=object)),
        TypeError,
        "Tensor: got dict where a number is needed",
    ),
    "complex numbers": (
        lambda: Tensor([1j]),
        TypeError,
        "Tensor: got complex numbers; a tensor holds real ones, so pass .real or abs(...)",
    ),
    "an integer too long": (
        lambda: Tensor([2**70]),
        TypeError,
        "Tensor: got an integer of more than 64 bits; pass it as a float",
    ),
    "no such dtype": (
        lambda: Tensor([1], dtype="float33"),
        TypeError,
        "Tensor: dtype 'float33': a tensor stores booleans, integers or floating-point numbers; use for example np.float32",
    ),
    "a dtype of text": (
        lambda: Tensor([1], dtype=str),
        TypeError,
        "a tensor stores booleans, integers or floating-point numbers",
    ),
    "shapes that do not fit": (
        lambda: GRID + Tensor([1, 2, 3, 4]),
        ValueError,
        "broadcast: (2, 3) and (4,): sizes 3 and 4 do not fit; lined up from the right, they must be equal or 1",
    ),
    "shapes that do not compare": (
        lambda: GRID == Tensor([1, 2]),
        ValueError,
        "broadcast: (2, 3) and (2,): sizes 3 and 2 do not fit",
    ),
    "adding text": (lambda: GRID + "1", TypeError, "Tensor: got text"),
    "adding nothing": (lambda: GRID * None, TypeError, "Tensor: got NoneType where a number is needed"),
    "inner sizes": (
        lambda: GRID @ Tensor(np.ones((4, 5))),
        ValueError,
        "matmul: (2, 3) @ (4, 5): inner sizes 3 and 4 differ; they must be equal, so transpose one side or check the order",
    ),
    "inner sizes with a row": (
        lambda: GRID @ Tensor([1, 2]),
        ValueError,
        "matmul: (2, 3) @ (2,): inner sizes 3 and 2 differ",
    ),
    "inner sizes of two rows": (
        lambda: Tensor([1, 2]) @ Tensor([1, 2, 3]),
        ValueError,
        "matmul: (2,) @ (3,): inner sizes 2 and 3 differ",
    ),
    "a matrix times a number": (
        lambda: GRID @ 2,
        ValueError,
        "matmul: (2, 3) @ (): a single number has no rows or columns; use * to scale",
    ),
    "a number times a matrix": (
        lambda: 2 @ GRID,
        ValueError,
        "matmul: () @ (2, 3): a single number has no rows or columns; use * to scale",
    ),
    "stacks of unequal height": (
        lambda: Tensor(np.ones((2, 1, 3))) @ Tensor(np.ones((3, 3, 1))),
        ValueError,
        "broadcast: (2,) and (3,): sizes 2 and 3 do not fit",
    ),
    "too many elements asked": (
        lambda: GRID.reshape(4, 2),
        ValueError,
        "reshape: (2, 3) has 6 elements and cannot become (4, 2); the sizes must multiply to 6, and one of them may be -1",
    ),
    "-1 that does not divide": (
        lambda: GRID.reshape(4, -1),
        ValueError,
        "reshape: (2, 3) has 6 elements and cannot become (4, -1)",
    ),
    "two sizes of -1": (lambda: GRID.reshape(-1, -1), ValueError, "cannot become (-1, -1)"),
    "-1 next to 0": (
        lambda: Tensor([]).reshape(0, -1),
        ValueError,
        "reshape: (0,) has 0 elements and cannot become (0, -1)",
    ),
    "negative sizes": (lambda: GRID.reshape(-2, -3), ValueError, "cannot become (-2, -3)"),
    "a negative size that NumPy takes for -1": (lambda: GRID.reshape(-2, 3), ValueError, "cannot become (-2, 3)"),
    "a size with a point": (
        lambda: GRID.reshape(2.0, 3),
        TypeError,
        "reshape: expected integers, got 2.0; write for example reshape(2, 3)",
    ),
    "a view that needs a copy": (
        lambda: GRID.T.view(6),
        ValueError,
        "view: (3, 2) to (6,) needs a copy, because the elements do not lie in that order in memory; use reshape(...), or contiguous() first",
    ),
    "transpose of no axis": (
        lambda: GRID.transpose(0, 2),
        ValueError,
        "transpose: axis 2 does not exist in shape (2, 3); axes run from -2 to 1",
    ),
    "transpose of a number": (
        lambda: Tensor(1).transpose(0, 1),
        ValueError,
        "transpose: axis 0 does not exist in shape (); a single number has no axes",
    ),
    "transpose by a letter": (lambda: GRID.transpose("x", 1), TypeError, "transpose: axis 'x' is not an integer"),
    "permute with one axis twice": (
        lambda: GRID.permute(0, 0),
        ValueError,
        "permute: (0, 0) does not name each of the 2 axes of shape (2, 3) once",
    ),
    "permute with too few axes": (
        lambda: GRID.permute(1),
        ValueError,
        "permute: (1,) does not name each of the 2 axes of shape (2, 3) once",
    ),
    "permute with no axis": (lambda: GRID.permute(0, 5), ValueError, "permute: axis 5 does not exist in shape (2, 3)"),
    "sum along no axis": (
        lambda: GRID.sum(axis=2),
        ValueError,
        "sum: axis 2 does not exist in shape (2, 3); axes run from -2 to 1",
    ),
    "mean along no axis": (lambda: GRID.mean(axis=-3), ValueError, "mean: axis -3 does not exist in shape (2, 3)"),
    "max along no axis": (lambda: GRID.max(axis=9), ValueError, "max: axis 9 does not exist in shape (2, 3)"),
    "an axis twice": (
        lambda: GRID.sum(axis=(0, -2)),
        ValueError,
        "sum: axis (0, -2) names the same axis twice; name each once",
    ),
    "an axis with a point": (lambda: GRID.sum(axis=1.0), TypeError, "sum: axis 1.0 is not an integer"),
    "an axis that is a truth": (lambda: GRID.sum(True), TypeError, "sum: axis True is not an integer"),
    "the largest of nothing": (
        lambda: Tensor([]).max(),
        ValueError,
        "max: shape (0,) has no elements along axis (0,); the largest of nothing is not defined",
    ),
    "a mask of numbers": (
        lambda: GRID.masked_fill(GRID, 0),
        TypeError,
        "masked_fill: the mask holds float32; it must hold booleans, so write a comparison such as mask == 0",
    ),
    "a mask too large": (
        lambda: GRID.masked_fill(np.ones((2, 2, 3), dtype=bool), 0),
        ValueError,
        "masked_fill: a mask of shape (2, 2, 3) is larger than the tensor of shape (2, 3)",
    ),
    "a mask that does not fit": (
        lambda: GRID.masked_fill(Tensor([True, False]), 0),
        ValueError,
        "broadcast: (2, 3) and (2,): sizes 3 and 2 do not fit",
    ),
    "infinity among integers": (
        lambda: WHOLE.masked_fill(WHOLE > 1, -np.inf),
        TypeError,
        "cannot hold -inf; make a floating-point tensor first",
    ),
    "a fraction among integers": (
        lambda: WHOLE.masked_fill(WHOLE > 1, 0.5),
        TypeError,
        "cannot hold 0.5; make a floating-point tensor first",
    ),
    "item of many": (
        lambda: GRID.item(),
        ValueError,
        "item: shape (2, 3) holds 6 elements and item() needs exactly one; index first, or use numpy()",
    ),
    "item of none": (
        lambda: Tensor([]).item(),
        ValueError,
        "item: shape (0,) holds 0 elements and item() needs exactly one",
    ),
    "truth of many": (
        lambda: bool(GRID),
        ValueError,
        "bool: shape (2, 3) holds 6 elements, so it is neither true nor false; use .numpy().all() or .numpy().any()",
    ),
    "length of a number": (lambda: len(Tensor(1)), TypeError, "len: a single number has no length; shape is ()"),
    "going through a number": (lambda: list(Tensor(1)), TypeError, "len: a single number has no length"),
    "index outside": (
        lambda: GRID[5],
        IndexError,
        "index: 5 does not fit shape (2, 3): index 5 is out of bounds for axis 0 with size 2",
    ),
    "too many indices": (lambda: GRID[0, 0, 0], IndexError, "index: (0, 0, 0) does not fit shape (2, 3)"),
    "index by a word": (lambda: GRID["row"], IndexError, "index: 'row' does not fit shape (2, 3)"),
    "index by fractions": (lambda: WHOLE[Tensor([0.0])], IndexError, "does not fit shape (3,)"),
    "assignment outside": (lambda: GRID.__setitem__(5, 1), IndexError, "index: 5 does not fit shape (2, 3)"),
    "assignment of too many": (
        lambda: GRID.__setitem__(0, [1, 2]),
        ValueError,
        "broadcast: (3,) and (2,): sizes 3 and 2 do not fit",
    ),
    "assignment of a larger shape": (
        lambda: GRID.__setitem__((0, 0), [1, 2]),
        ValueError,
        "index: values of shape (2,) do not fit into () elements",
    ),
    "assignment of fractions": (
        lambda: WHOLE.__setitem__(0, 0.5),
        TypeError,
        f"index: a tensor of {WHOLE.dtype} cannot hold fractions; make it with dtype=np.float32",
    ),
    "in place with fractions": (
        lambda: WHOLE.__itruediv__(2),
        TypeError,
        f"divide in place: a tensor of {WHOLE.dtype} cannot hold a result of float64; write t = t + …",
    ),
    "in place with a larger shape": (
        lambda: Tensor([1, 2, 3]).__iadd__(GRID),
        ValueError,
        "add in place: a result of shape (2, 3) does not fit into the tensor of shape (3,)",
    ),
    "float of several": (lambda: float(GRID), ValueError, "item: shape (2, 3) holds 6 elements"),
    "int of several": (lambda: int(GRID), ValueError, "item: shape (2, 3) holds 6 elements"),
    "format of several": (
        lambda: f"{GRID:.2f}",
        TypeError,
        "format: '.2f' is for one number, and shape (2, 3) holds 6",
    ),
    "position of several": (
        lambda: [1, 2, 3][WHOLE],
        TypeError,
        f"index: a tensor of shape (3,) and {WHOLE.dtype} is no position; a position is one element of an integer dtype",
    ),
    "position of a fraction": (lambda: [1, 2][Tensor(1.0)], TypeError, "of shape () and float32 is no position"),
    "axis and dim": (
        lambda: GRID.sum(0, dim=1),
        TypeError,
        "sum: axis and dim are two names for the same; give one",
    ),
    "keepdims and keepdim": (
        lambda: GRID.mean(axis=0, keepdims=True, keepdim=True),
        TypeError,
        "mean: keepdims and keepdim are two names for the same; give one",
    ),
    "squeeze an axis that is not there": (lambda: GRID.squeeze(2), ValueError, "squeeze: axis 2 does not exist"),
    "unsqueeze too far": (lambda: GRID.unsqueeze(3), ValueError, "unsqueeze: axis 3 does not exist"),
    "flatten backwards": (lambda: GRID.flatten(1, 0), ValueError, "flatten: axis 0 comes before axis 1"),
    "argmax of nothing": (lambda: Tensor([]).argmax(), ValueError, "argmax: shape (0,) has no elements"),
    "argmax of two axes": (lambda: GRID.argmax((0, 1)), TypeError, "argmax: axis (0, 1) is not an integer"),
    "cat of one tensor": (lambda: cat(GRID), TypeError, "cat: got Tensor; pass a list of tensors, as in cat([a, b])"),
    "cat of nothing": (lambda: cat([]), ValueError, "cat: the list is empty; pass one tensor at least"),
    "cat of other shapes": (
        lambda: cat([GRID, GRID.T]),
        ValueError,
        "cat: (2, 3) and (3, 2): the sizes must be equal along all axes but axis 0",
    ),
    "stack of other shapes": (
        lambda: stack([GRID, GRID.T]),
        ValueError,
        "stack: (2, 3) and (3, 2): all shapes must be equal; cat joins others",
    ),
    "a negative size": (lambda: zeros(-1), ValueError, "zeros: a size is 0 or larger; got (-1,)"),
    "a size that is no integer": (lambda: ones(2.0), TypeError, "ones: expected integers, got 2.0"),
    "arange without end": (lambda: arange(0, 2, 0), ValueError, "arange: the step is 0"),
    "arange of a word": (lambda: arange("3"), TypeError, "arange: '3' is not a number"),
    "another processor": (
        lambda: GRID.cuda(),
        AttributeError,
        "'Tensor' object has no attribute 'cuda'; everything runs on one processor, so leave it out",
    ),
    "a hook": (lambda: GRID.register_hook, AttributeError, "there are no hooks; a subclass of tinytorch.Function"),
    "a method in place": (lambda: GRID.add_(1), AttributeError, "in place there are += -= *= /= and t[index] = value"),
    "no such method": (lambda: GRID.summ(), AttributeError, "'Tensor' object has no attribute 'summ'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(mistake):
    action, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert type(caught.value) is kind and sentence in str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_shows_no_second_exception(mistake):
    """`raise … from None`: the reader sees one sentence, not NumPy's below it."""
    action, kind, _ = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert caught.value.__context__ is None or caught.value.__suppress_context__
