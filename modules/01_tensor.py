"""Chapter 01: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.tensor import broadcast_shape, combine
from tinytorch.learn.expecting import expect, expect_cost, expect_raises, expect_shares_memory, raising


class exercise_memory_footprint:

    def two_rows_of_three_float32_numbers_take_24_bytes():
        """Two rows of three float32 numbers take 24 bytes"""
        expect(Tensor([[1, 2, 3], [4, 5, 6]]).memory_footprint(), 24, mistakes=[
            (raising(TypeError, "not callable"), "size and itemsize are attributes of the array: write them without parentheses.",
             "return self.data.size() * self.data.itemsize"),
            (6, "You counted the elements. The question is bytes, and each float32 takes 4 of them.",
             "return self.data.size"),
            (8, "You counted the rows only. All 6 elements take room.",
             "return len(self.data) * self.data.itemsize"),
            (lambda got: got > 50, "sys.getsizeof also counts Python's own bookkeeping. Count the elements' bytes only.",
             "import sys\nreturn sys.getsizeof(self.data)")])

    def the_dtype_decides_how_many_bytes_an_element():
        """The dtype decides how many bytes an element takes"""
        expect(Tensor([[1, 2, 3], [4, 5, 6]], dtype=np.float64).memory_footprint(), 48, mistakes=[(24, "You took 4 bytes for every element. A float64 takes 8: ask the array for its itemsize.",
            "return self.data.size * 4")])
        expect(Tensor([True, False, True]).memory_footprint(), 3, mistakes=[(ValueError, "A tensor may have any number of axes; two is only one case.",
            "rows, columns = self.shape\nreturn rows * columns * self.data.itemsize"),
            (12, "You took 4 bytes for every element. A boolean takes 1: ask the array for its itemsize.",
             "return self.data.size * (8 if self.data.dtype == np.float64 else 4)")])

    def a_single_number_has_a_size_and_an_empty_tensor():
        """A single number has a size, and an empty tensor has none"""
        expect(Tensor(7.0).memory_footprint(), 4, mistakes=[(raising(TypeError, "len() of unsized"), "A single number has shape (), so it has no length. Ask the array for its number of elements.",
            "return len(self.data) * self.data.itemsize")])
        expect(Tensor(np.zeros((0, 3))).memory_footprint(), 0)
        expect(Tensor([[1, 2, 3], [4, 5, 6]])[0].memory_footprint(), 12)

    wrong = [
        ("self.data.size * self.data.itemsize", "None"),
    ]

    right = [
        "return self.data.nbytes",
        "count = 1\nfor size in self.data.shape:\n    count = count * size\nreturn count * self.data.itemsize",
        "return math.prod(self.shape) * self.dtype.itemsize",
        "return self.numel() * np.dtype(self.dtype).itemsize",
    ]


class exercise_broadcast_shape:

    def shapes_of_equal_length():
        """Shapes of equal length"""
        expect(broadcast_shape((4, 1), (1, 5)), (4, 5), mistakes=[
            ([4, 5], "That is a list. A shape is a tuple: tuple(...) makes one of it.",
             """
             n = max(len(shape_a), len(shape_b))
             a = (1,) * (n - len(shape_a)) + shape_a
             b = (1,) * (n - len(shape_b)) + shape_b
             out = []
             for x, y in zip(a, b):
                 if x != y and x != 1 and y != 1:
                     raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
                 out.append(y if x == 1 else x)
             return out
             """),
            ((4, 1), "You returned the first shape. Where it has 1, the other shape's size counts.",
             "return shape_a"),
            (ValueError, "A size of 1 fits every other size, on either side.",
             """
             n = max(len(shape_a), len(shape_b))
             a = (1,) * (n - len(shape_a)) + shape_a
             b = (1,) * (n - len(shape_b)) + shape_b
             for x, y in zip(a, b):
                 if x != y:
                     raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
             return a
             """)])
        expect(broadcast_shape((2, 1, 3), (2, 4, 1)), (2, 4, 3))

    def a_shorter_shape_is_lined_up_at_the_right():
        """A shorter shape is lined up at the right"""
        expect(broadcast_shape((2, 3), (3,)), (2, 3), mistakes=[
            (lambda got: len(got) == 1, "You stopped at the shorter shape. The axes it lacks count as 1 and take the other's size.",
             "return tuple(max(a, b) for a, b in zip(shape_a, shape_b))"),
            ((ValueError, IndexError), "These two fit. Either you lined the shapes up at their left ends, while the missing sizes are in front, or a size of 1 was refused.",
             """
             length = max(len(shape_a), len(shape_b))
             a = tuple(shape_a) + (1,) * (length - len(shape_a))
             b = tuple(shape_b) + (1,) * (length - len(shape_b))
             for x, y in zip(a, b):
                 if x != y and 1 not in (x, y):
                     raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
             return tuple(y if x == 1 else x for x, y in zip(a, b))
             """)])
        expect(broadcast_shape((5,), (3, 1)), (3, 5), mistakes=[
            ((5, 1), "You lined the shapes up at their left ends. The missing sizes are in front.",
             """
             length = max(len(shape_a), len(shape_b))
             a = list(shape_a) + [1] * (length - len(shape_a))
             b = list(shape_b) + [1] * (length - len(shape_b))
             return tuple(y if x == 1 else x for x, y in zip(a, b))
             """),
            ((ValueError, IndexError), "These two fit. Either you lined the shapes up at their left ends, while the missing sizes are in front, or a size of 1 was refused.",
             """
             length = max(len(shape_a), len(shape_b))
             a = tuple(shape_a) + (1,) * (length - len(shape_a))
             b = tuple(shape_b) + (1,) * (length - len(shape_b))
             for x, y in zip(a, b):
                 if x != y and 1 not in (x, y):
                     raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
             return tuple(y if x == 1 else x for x, y in zip(a, b))
             """)])
        expect(broadcast_shape((), (2, 3)), (2, 3))
        expect(broadcast_shape((5, 2, 3), (3,)), (5, 2, 3), mistakes=[(ValueError, "These two fit: an axis that one shape lacks counts as 1, and a 1 fits every size.",
            """
            length = max(len(shape_a), len(shape_b))
            a = (1,) * (length - len(shape_a)) + tuple(shape_a)
            b = (2,) * (length - len(shape_b)) + tuple(shape_b)
            for x, y in zip(a, b):
                if x != y and 1 not in (x, y):
                    raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
            return tuple(y if x == 1 else x for x, y in zip(a, b))
            """)])

    def sizes_that_do_not_fit_are_named():
        """Sizes that do not fit are named"""
        expect_raises(ValueError, lambda: broadcast_shape((2, 3), (4,)), mentions=["(2, 3)", "(4,)", "sizes 3 and 4"])
        expect_raises(ValueError, lambda: broadcast_shape((2, 3), (2,)), mentions=["sizes 3 and 2"])
        expect_raises(ValueError, lambda: broadcast_shape((3, 4), (2, 4)), mentions=["sizes 3 and 2"], mistakes=[
            (lambda error: "sizes 4 and 4" in str(error), "4 and 4 fit. Name the two sizes that do not, wherever they stand.",
             ("try:\n    return np.broadcast_shapes(shape_a, shape_b)\nexcept ValueError:\n"
              "    raise ValueError(f'broadcast: {shape_a} and {shape_b}: sizes {shape_a[-1]} and {shape_b[-1]} do not fit')"))])
        expect_raises(ValueError, lambda: broadcast_shape((2,), (4,)), mentions=["sizes 2 and 4"])

    def a_size_of_0_stays_0():
        """A size of 0 stays 0"""
        expect(broadcast_shape((1, 3), (0, 3)), (0, 3), mistakes=[((1, 3), "You took the larger size. Between 0 and 1 the result is 0: the one that is not 1.",
            """
            n = max(len(shape_a), len(shape_b))
            a = (1,) * (n - len(shape_a)) + shape_a
            b = (1,) * (n - len(shape_b)) + shape_b
            out = []
            for x, y in zip(a, b):
                if x != y and x != 1 and y != 1:
                    raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
                out.append(max(x, y))
            return tuple(out)
            """)])
        expect_raises(ValueError, lambda: broadcast_shape((0,), (3,)), mentions=["sizes 0 and 3"])

    wrong = [
        ("""
         n = max(len(shape_a), len(shape_b))
         a = (1,) * (n - len(shape_a)) + shape_a
         b = (1,) * (n - len(shape_b)) + shape_b
         return tuple(y if x == 1 else x for x, y in zip(a, b))
         """, "expected it to raise ValueError"),
        ("return np.broadcast_shapes(shape_a, shape_b)", "does not mention"),
    ]

    right = [
        """
        a, b = list(shape_a), list(shape_b)
        while len(a) < len(b):
            a.insert(0, 1)
        while len(b) < len(a):
            b.insert(0, 1)
        result = ()
        for x, y in zip(a, b):
            if x == 1:
                result += (y,)
            elif y == 1 or x == y:
                result += (x,)
            else:
                raise ValueError(f"cannot broadcast {shape_a} with {shape_b}, because of sizes {x} and {y}")
        return result
        """,
        """
        from itertools import zip_longest

        def broadcast_shape(shape_a, shape_b):
            result = []
            for a, b in zip_longest(reversed(shape_a), reversed(shape_b), fillvalue=1):
                if a == b or b == 1:
                    result.append(a)
                elif a == 1:
                    result.append(b)
                else:
                    raise ValueError(f"{shape_a} {shape_b}: sizes {a} and {b}")
            return tuple(result[::-1])
        """,
        """
        try:
            return np.broadcast_shapes(shape_a, shape_b)
        except ValueError:
            pairs = zip(reversed(shape_a), reversed(shape_b))
            a, b = next((a, b) for a, b in pairs if a != b and 1 not in (a, b))
            raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {a} and {b} do not fit")
        """,
        """
        def size_at(shape, position):
            return shape[position] if position >= -len(shape) else 1

        def broadcast_shape(shape_a, shape_b):
            sizes = []
            for position in range(-max(len(shape_a), len(shape_b)), 0):
                a, b = size_at(shape_a, position), size_at(shape_b, position)
                if a != b and 1 not in (a, b):
                    raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {a} and {b} do not fit")
                sizes.append(a if b == 1 else b)
            return tuple(sizes)
        """,
    ]


class exercise_combine:

    def two_tensors_or_a_number_on_either_side():
        """Two tensors, or a number on either side"""
        expect(combine(np.add, Tensor([1, 2]), Tensor([10, 20])), Tensor([11, 22]))
        expect(combine(np.subtract, 10, Tensor([1, 2])), Tensor([9, 8]), mistakes=[
            (Tensor([-9, -8]), "You swapped the operands: this is right minus left.",
             "a, b = operand(left), operand(right)\nif np.shape(a) != np.shape(b):\n    broadcast_shape(np.shape(a), np.shape(b))\nreturn wrap(operation(b, a), a, b)"),
            (raising(AttributeError, "'data'"), "A plain number has no .data. operand(...) takes tensors and numbers alike.",
             "return wrap(operation(left.data, right.data), left, right)"),
            (raising(AttributeError, "'shape'"), "operand leaves a plain number as it is, and that has no .shape. np.shape(x) works for both.",
             "broadcast_shape(left.shape, right.shape)\nreturn wrap(operation(left.data, right.data), left, right)"),
            (raising(TypeError, "has no len()"), "broadcast_shape takes two shapes. Give it np.shape(...) of each operand.",
             "a, b = operand(left), operand(right)\nif np.shape(a) != np.shape(b):\n    broadcast_shape(a, b)\nreturn wrap(operation(a, b), a, b)")])

    def every_sign_goes_through_it_and_the_dtype_stays():
        """Every sign goes through it, and the dtype stays what it was"""
        expect(2 * Tensor([[1, 2], [3, 4]]) - Tensor([1, 1]), Tensor([[1, 3], [5, 7]]))
        expect(Tensor(np.arange(8).reshape(2, 2, 2)) + Tensor([[10], [20]]), Tensor([[[10, 11], [22, 23]], [[14, 15], [26, 27]]]))
        expect((Tensor([1, 5]) > 3).dtype.name, "bool", mistakes=[("float32", "A comparison answers in booleans. Leave the result's dtype to wrap.",
            "a, b = operand(left), operand(right)\nbroadcast_shape(np.shape(a), np.shape(b))\nreturn Tensor(operation(a, b), dtype=np.float32)")])
        expect((Tensor([1, 2], dtype=np.float64) + 1).dtype.name, "float64", mistakes=[("float32", "An operand in float64 keeps the result in float64. Give wrap the result and both operands.",
            "a, b = operand(left), operand(right)\nbroadcast_shape(np.shape(a), np.shape(b))\nreturn Tensor(operation(a, b))")])

    def shapes_that_do_not_fit_raise_your_sentence():
        """Shapes that do not fit raise your sentence"""
        expect_raises(ValueError, lambda: Tensor([1, 2, 3]) + Tensor([1, 2, 3, 4]), mentions=["sizes 3 and 4"], mistakes=[
            (lambda error: "could not be broadcast" in str(error), "That sentence is NumPy's. Call broadcast_shape before you compute.",
             "a, b = operand(left), operand(right)\nreturn wrap(operation(a, b), a, b)")])

    def the_operands_are_left_alone_and_the_time_is():
        """The operands are left alone, and the time is NumPy's"""
        a, b = Tensor(np.ones(200_000)), Tensor(np.ones(200_000))
        expect(combine(np.add, a, b).shape, (200_000,))
        expect(a.data[0], np.float32(1), mistakes=[(2.0, "You wrote the result into the left operand. Make a new Tensor.",
            """
            a, b = operand(left), operand(right)
            broadcast_shape(np.shape(a), np.shape(b))
            if isinstance(left, Tensor) and operation is np.add and np.shape(a) == np.shape(b):
                a += b
                return left
            return wrap(operation(a, b), a, b)
            """)])
        expect_cost(lambda: combine(np.add, a, b), lambda: np.add(a.data, b.data), at_most=5.0)

    wrong = [
        ("return operation(operand(left), operand(right))", "Wrap the array"),
        ("""
         a, b = operand(left), operand(right)
         shape = broadcast_shape(np.shape(a), np.shape(b))
         a2, b2 = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
         flat = [operation(x, y) for x, y in zip(a2.ravel(), b2.ravel())]
         return wrap(np.array(flat, dtype=flat[0].dtype).reshape(shape), a, b)
         """, "times as long"),
    ]

    right = [
        "a = operand(left)\nb = operand(right)\nbroadcast_shape(np.shape(a), np.shape(b))\nresult = operation(a, b)\nreturn wrap(result, a, b)",
        ("a, b = operand(left), operand(right)\nshape = broadcast_shape(np.shape(a), np.shape(b))\n"
         "return wrap(operation(np.broadcast_to(a, np.shape(a)), b), a, b) if shape else wrap(operation(a, b), a, b)"),
        "x, y = map(operand, (left, right))\nif np.shape(x) != np.shape(y):\n    broadcast_shape(np.shape(x), np.shape(y))\nreturn wrap(operation(x, y), left, right)",
        "values = [operand(left), operand(right)]\nbroadcast_shape(*[np.shape(v) for v in values])\nreturn wrap(operation(*values), *values)",
    ]

    equivalent = [
        ("if shape_a != shape_b and shape_a[-1:] != shape_b:  ->  if shape_a != shape_b or shape_a[-1:] != shape_b:", "broadcast_shape is asked more often, and finds that the shapes fit"),
        ("if shape_a != shape_b and shape_a[-1:] != shape_b:  ->  if shape_a != shape_b and shape_a[:] != shape_b:", "broadcast_shape is asked more often, and finds that the shapes fit"),
        ("if shape_a != shape_b and shape_a[-1:] != shape_b:  ->  if shape_a != shape_b and shape_a[1:] != shape_b:", "what stands behind the first size fits like what stands in the last place"),
        ("if shape_a != shape_b and shape_a[-1:] != shape_b:  ->  if shape_a != shape_b and shape_a[-2:] != shape_b:", "the last two sizes fit like the last one"),
        ("return wrap(operation(a, b), a, b)  ->  return wrap(operation(a, b), b, a)", "wrap asks whether any operand has the result's dtype, in either order"),
    ]


class exercise_mean:

    def the_mean_over_everything():
        """The mean over everything"""
        expect(Tensor([[1, 2, 3], [4, 5, 6]]).mean(), Tensor(3.5), mistakes=[
            (Tensor(10.5), "You divided by 2. All 6 elements go into this mean: multiply the sizes of the axes; do not count rows, or axes.",
             "return self.sum(axis, keepdims) / self.shape[0]",
             "axes = check_axes('mean', axis, self.shape)\nreturn self.sum(axis, keepdims) / len(axes)"),
            (Tensor(7.0), "You divided by the number of columns; the mean is over all elements.",
             "return self.sum(axis, keepdims) / self.shape[-1]"),
            (Tensor(3.0), "You divided with //, which rounds down. The mean here is 3.5.",
             ("axes = check_axes('mean', axis, self.shape)\ncount = math.prod(self.shape[a] for a in axes)\n"
              "return wrap(self.sum(axes, keepdims).data // count, self)")),
            (lambda got: not np.isfinite(got.item()), "You divided by 0. check_axes gives positions, here (0, 1), not sizes: the size along axis i is self.shape[i].",
             "axes = check_axes('mean', axis, self.shape)\nreturn self.sum(axis, keepdims) / math.prod(axes)"),
            (Tensor(21.0), "That is the sum. Divide it by the number of elements.",
             "return self.sum(axis, keepdims)")])
        expect(Tensor([1, 2, 9]).mean(), Tensor(4))
        expect(Tensor(np.array([1, 2])).mean(), Tensor(1.5))
        expect(Tensor([1, 2], dtype=np.float64).mean().dtype.name, "float64", mistakes=[("float32", "Tensor(...) makes float32 of NumPy's float64. self.sum keeps the dtype; so does wrap(result, self).",
            "check_axes('mean', axis, self.shape)\nreturn Tensor(np.mean(self.data, axis=axis, keepdims=keepdims))")])

    def the_mean_along_one_axis():
        """The mean along one axis"""
        t = Tensor([[1, 2, 3], [4, 5, 6]])
        expect(t.mean(axis=0), Tensor([2.5, 3.5, 4.5]), mistakes=[
            (t.sum(axis=0) / 6, "You divided by all 6 elements. Only 2 numbers, one from each row, go into each result.",
             "return self.sum(axis, keepdims) / self.size"),
            (t.sum(axis=0) / 3, "You divided by the size of the axis that stays. Divide by the size of the one that disappears.",
             "return self.sum(axis, keepdims) / self.shape[-1]"),
            (lambda got: got.shape == (2,), "You averaged along the other axis: axis 0 is the one that disappears.",
             "if axis is None:\n    return wrap(self.data.mean(), self)\nreturn wrap(np.array([row.mean() for row in self.data]), self)"),
            (lambda got: got.shape == (), "You averaged over everything. Here only axis 0 disappears.",
             "return self.sum() / self.size")])
        expect(t.mean(axis=1, keepdims=True), Tensor([[2], [5]]), mistakes=[(lambda got: got.shape == (2,), "The axis is gone. Hand keepdims on to sum.",
            "axes = check_axes('mean', axis, self.shape)\nreturn self.sum(axes) / math.prod(self.shape[a] for a in axes)")])

    def a_negative_axis_several_axes_an_axis_that_does():
        """A negative axis, several axes, an axis that does not exist"""
        cube = Tensor(np.arange(24).reshape(2, 3, 4))
        expect(cube.mean(axis=-1).shape, (2, 3))
        expect(cube.mean(axis=(0, 2)), Tensor([7.5, 11.5, 15.5]), mistakes=[(TypeError, "The axis may be a tuple. check_axes gives you a tuple in every case.",
            "count = self.size if axis is None else self.shape[axis]\nreturn self.sum(axis, keepdims) / count")])
        expect_raises(ValueError, lambda: Tensor([[1, 2, 3], [4, 5, 6]]).mean(axis=2), mentions=["axis 2", "(2, 3)"], mistakes=[
            (IndexError, "Python refused the axis with a sentence of its own. Let check_axes look at it first.",
             ("axes = range(self.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)\n"
              "count = math.prod(self.shape[a] for a in axes)\nreturn self.sum(axis, keepdims) / count"))])

    wrong = [
        ("return np.mean(self.data, axis=axis, keepdims=keepdims)", "Tensor"),
    ]

    right = [
        "check_axes('mean', axis, self.shape)\nreturn wrap(np.mean(self.data, axis=axis, keepdims=keepdims), self)",
        "axes = check_axes('mean', axis, self.shape)\ncount = 1\nfor a in axes:\n    count *= self.shape[a]\nreturn self.sum(axis=axes, keepdims=keepdims) / count",
        "axes = check_axes('mean', axis, self.shape)\ntotal = self.sum(axes, keepdims)\nreturn total / (self.size // total.size)",
        "axes = check_axes('mean', axis, self.shape)\nsizes = [self.shape[a] for a in axes]\nreturn self.sum(axes, keepdims) * (1 / math.prod(sizes))",
    ]


class exercise_reshape:

    def the_same_elements_in_the_same_order():
        """The same elements in the same order"""
        t = Tensor([[1, 2, 3], [4, 5, 6]])
        expect(t.reshape(3, 2), Tensor([[1, 2], [3, 4], [5, 6]]), mistakes=[(Tensor([[1, 4], [2, 5], [3, 6]]), "You turned rows into columns. reshape keeps the order in which the elements lie.",
            "shape = sizes_from('reshape', shape)\nreturn wrap(self.data.T, self)")])
        expect(t.reshape((6,)), Tensor([1, 2, 3, 4, 5, 6]))
        expect(t.shape, (2, 3), mistakes=[(lambda got: got != (2, 3), "You changed the tensor itself. Make a new one and leave self alone.",
            "shape = sizes_from('reshape', shape)\nself.data = self.data.reshape(shape)\nreturn self")])
        expect(t.T.reshape(-1), Tensor([1, 4, 2, 5, 3, 6]), mistakes=[(Tensor([1, 2, 3, 4, 5, 6]), "That is the order in memory. reshape goes by the rows that the tensor shows, here those of t.T.",
            ("shape = sizes_from('reshape', shape)\nif shape.count(-1) > 1:\n    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')\n"
             "try:\n    return wrap(self.data.reshape(shape, order='A'), self)\nexcept ValueError:\n"
             "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')"))])

    def a_size_of_1_is_worked_out():
        """A size of -1 is worked out"""
        expect(Tensor([[1, 2, 3], [4, 5, 6]]).reshape(3, -1).shape, (3, 2), mistakes=[(ValueError, "-1 was taken as a size. It stands for the size that makes the product right, here 6 / 3.",
            ("shape = sizes_from('reshape', shape)\nif math.prod(shape) != self.size:\n"
             "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')\nreturn wrap(self.data.reshape(shape), self)"))])
        expect(Tensor([[1, 2, 3], [4, 5, 6]]).reshape(-1).shape, (6,))

    def an_empty_tensor_has_shapes_too():
        """An empty tensor has shapes too"""
        empty = Tensor(np.zeros((0, 3)))
        expect(empty.reshape(3, 0).shape, (3, 0), mistakes=[(ValueError, "3 × 0 is 0, and the tensor has 0 elements. A size of 0 is a size; refuse what is below 0.",
            ("shape = sizes_from('reshape', shape)\nfits = -1 in shape or (math.prod(shape) == self.size and all(size > 0 for size in shape))\n"
             "if not fits:\n    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')\n"
             "try:\n    return wrap(self.data.reshape(shape), self)\nexcept ValueError:\n"
             "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}') from None"))])
        expect(empty.reshape(-1, 3).shape, (0, 3))
        expect_raises(ValueError, lambda: empty.reshape(0, -1), mentions=["(0, 3)"], mistakes=[(ZeroDivisionError, "Beside a size of 0 the -1 could be any size. Refuse it before you divide by the product of the others.",
            ("shape = sizes_from('reshape', shape)\nasked = shape\nif shape.count(-1) == 1:\n    missing = self.size // math.prod(size for size in shape if size != -1)\n"
             "    shape = tuple(missing if size == -1 else size for size in shape)\nif math.prod(shape) != self.size or min(shape, default=0) < 0:\n"
             "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {asked}')\nreturn wrap(self.data.reshape(shape), self)"))])

    def it_is_a_view_in_the_dtype_it_had():
        """It is a view, in the dtype it had"""
        t = Tensor([[1, 2, 3], [4, 5, 6]])
        expect(Tensor([1, 2, 3, 4], dtype=np.float64).reshape(2, 2).dtype.name, "float64", mistakes=[("float32", "The dtype changed, and with it every byte was copied. Return wrap(array, self).",
            ("shape = sizes_from('reshape', shape)\ntry:\n    return Tensor(self.data.reshape(shape))\nexcept ValueError:\n"
             "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')"))])
        expect_shares_memory(t.reshape(3, 2), t)

    def a_shape_that_cannot_hold_the_elements_is_refused():
        """A shape that cannot hold the elements is refused"""
        t = Tensor([[1, 2, 3], [4, 5, 6]])
        expect_raises(ValueError, lambda: t.reshape(4, 2), mentions=["(2, 3)", "6", "(4, 2)"], mistakes=[
            (lambda error: "cannot reshape array" in str(error), "That sentence is NumPy's; it does not name the tensor's shape. Raise your own.",
             "shape = sizes_from('reshape', shape)\nreturn wrap(self.data.reshape(shape), self)")])
        expect_raises(ValueError, lambda: t.reshape(4, -1), mentions=["(2, 3)", "6"])
        expect_raises(ValueError, lambda: t.reshape(-1, -1), mentions=["(2, 3)", "6"], mistakes=[(lambda error: "unknown dimension" in str(error), "Only one size can be worked out. NumPy refused two of them with its own sentence; raise yours.",
            ("shape = sizes_from('reshape', shape)\nknown = math.prod(n for n in shape if n != -1)\nif self.size % known or (-1 not in shape and known != self.size):\n"
             "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')\nreturn wrap(self.data.reshape(shape), self)"))])
        expect_raises(ValueError, lambda: Tensor([5]).reshape(-1, -1), mentions=["(1,)", "1"], mistakes=[(Tensor([[5]]), "One element fits into (1, 1), and still only one size can be worked out. Refuse a second -1, however many elements there are.",
            ("shape = sizes_from('reshape', shape)\nasked = shape\nknown = math.prod(size for size in shape if size != -1)\nif known > 0:\n"
             "    shape = tuple(self.size // known if size == -1 else size for size in shape)\nif math.prod(shape) != self.size or min(shape, default=0) < 0:\n"
             "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {asked}')\nreturn wrap(self.data.reshape(shape), self)"))])

    wrong = [
        ("shape = sizes_from('reshape', shape)\nreturn wrap(self.data.reshape(shape).copy(), self)", "is a copy"),
        ("shape = sizes_from('reshape', shape)\nreturn wrap(self.data.T.reshape(shape), self) if self.ndim < 2 else wrap(self.data.reshape(shape, order='F'), self)", "expected"),
        ("shape = sizes_from('reshape', shape)\nreturn self.data.reshape(shape)", "Wrap the array"),
    ]

    right = [
        """
        shape = sizes_from("reshape", shape)
        try:
            return wrap(self.data.reshape(shape), self)
        except ValueError:
            raise ValueError(f"reshape: {self.shape} has {self.size} elements and cannot become {shape}") from None
        """,
        """
        shape = list(sizes_from("reshape", shape))
        message = f"reshape: {self.shape} has {self.size} elements and cannot become {tuple(shape)}"
        if shape.count(-1) > 1:
            raise ValueError(message)
        if -1 in shape:
            rest = math.prod(s for s in shape if s != -1)
            if rest == 0 or self.size % rest != 0:
                raise ValueError(message)
            shape[shape.index(-1)] = self.size // rest
        if math.prod(shape) != self.size:
            raise ValueError(message)
        return wrap(np.reshape(self.data, shape), self)
        """,
        """
        shape = sizes_from("reshape", shape)
        known = 1
        for size in shape:
            if size != -1:
                known *= size
        fits = known == self.size if -1 not in shape else shape.count(-1) == 1 and known != 0 and self.size % known == 0
        if not fits:
            raise ValueError(f"cannot view {self.shape} ({self.size} elements) as {shape}")
        return wrap(self.data.reshape(*shape), self)
        """,
    ]

    equivalent = [
        ("if math.prod(shape) != self.data.size or min((0, *shape)) < 0:  ->  if math.prod(shape) != self.data.size or min((*shape, 0)) < 0:", "the smallest is the same in any order"),
        ("if math.prod(shape) != self.data.size or min((0, *shape)) < 0:  ->  if math.prod(shape) != self.data.size or min((1, *shape)) < 0:", "the first number only keeps min from being asked about nothing"),
    ]


class exercise_transpose:

    def rows_become_columns():
        """Rows become columns"""
        expect(Tensor([[1, 2, 3], [4, 5, 6]]).transpose(0, 1), Tensor([[1, 4], [2, 5], [3, 6]]), mistakes=[
            (Tensor([[1, 2], [3, 4], [5, 6]]), "You reshaped: the order in memory stayed. Transposing turns row 0 into column 0.",
             "return wrap(self.data.reshape(self.shape[::-1]), self)")])

    def only_the_two_axes_that_are_named_move():
        """Only the two axes that are named move"""
        cube = Tensor(np.zeros((2, 3, 4)))
        expect(cube.transpose(0, 2).shape, (4, 3, 2), mistakes=[
            ((3, 4, 2), "You moved one axis to the end. The two axes change places, and the third stays in the middle.",
             "return wrap(np.moveaxis(self.data, dim0, dim1), self)"),
            ((2, 4, 3), "You swapped the last two axes. Swap dim0 and dim1.",
             "return wrap(np.swapaxes(self.data, -2, -1), self)")])
        expect(cube.transpose(-2, -1).shape, (2, 4, 3), mistakes=[((4, 3, 2), "You reversed all axes. Only the last two change places here.",
            "return wrap(self.data.T, self)")])
        expect(cube.transpose().shape, (2, 4, 3), mistakes=[((3, 2, 4), "Without arguments the last two axes change places: keep the defaults -2 and -1.",
            ("def transpose(self, dim0=0, dim1=1):\n    first, second = check_axis('transpose', dim0, self.shape), check_axis('transpose', dim1, self.shape)\n"
             "    return wrap(np.swapaxes(self.data, first, second), self)"))])

    def nothing_is_copied():
        """Nothing is copied"""
        t = Tensor([[1, 2, 3], [4, 5, 6]])
        expect(t.transpose(0, 1).data.strides, (4, 12), mistakes=[((8, 4), "The elements were written out again, row by row. A view keeps them and swaps the strides.",
            ("first = check_axis('transpose', dim0, self.shape)\nsecond = check_axis('transpose', dim1, self.shape)\n"
             "return wrap(np.swapaxes(self.data, first, second).copy(), self)"))])
        exact = Tensor([[1, 2]], dtype=np.float64)
        expect_shares_memory(exact.transpose(0, 1), exact, mistakes=[(lambda got: got.dtype.name == "float32", "The dtype changed, and with it every byte was copied. Return wrap(array, self).",
            ("first, second = check_axis('transpose', dim0, self.shape), check_axis('transpose', dim1, self.shape)\n"
             "return Tensor(np.swapaxes(self.data, first, second))"))])
        expect_shares_memory(t.transpose(0, 1), t)
        expect(t.T.transpose(0, 1), t, mistakes=[(lambda got: got.shape == (2, 3), "The strides were worked out anew. Swap those that the array has, which need not lie row by row.",
            ("first, second = check_axis('transpose', dim0, self.shape), check_axis('transpose', dim1, self.shape)\n"
             "shape, strides, step = list(self.shape), [], self.data.itemsize\nfor size in reversed(self.shape):\n    strides.insert(0, step)\n    step *= size\n"
             "shape[first], shape[second], strides[first], strides[second] = shape[second], shape[first], strides[second], strides[first]\n"
             "return wrap(np.lib.stride_tricks.as_strided(self.data, shape, strides), self)"))])

    def an_axis_that_does_not_exist_is_refused():
        """An axis that does not exist is refused"""
        expect_raises(ValueError, lambda: Tensor([[1, 2, 3], [4, 5, 6]]).transpose(0, 5), mentions=["axis 5", "(2, 3)"], mistakes=[
            (lambda error: "out of bounds" in str(error), "NumPy refused the axis with its own sentence. Let check_axis look at both axes first.",
             "return wrap(np.swapaxes(self.data, dim0, dim1), self)")])

    wrong = [
        ("return np.swapaxes(self.data, dim0, dim1)", "Wrap the array"),
    ]

    right = [
        ("order = list(range(self.ndim))\nfirst = check_axis('transpose', dim0, self.shape)\nsecond = check_axis('transpose', dim1, self.shape)\n"
         "order[first], order[second] = order[second], order[first]\nreturn wrap(self.data.transpose(order), self)"),
        "check_axis('transpose', dim0, self.shape)\ncheck_axis('transpose', dim1, self.shape)\nreturn wrap(self.data.swapaxes(dim0, dim1), self)",
        """
        i, j = [check_axis("transpose", d, self.shape) for d in (dim0, dim1)]
        shape, strides = list(self.data.shape), list(self.data.strides)
        shape[i], shape[j] = shape[j], shape[i]
        strides[i], strides[j] = strides[j], strides[i]
        return wrap(np.lib.stride_tricks.as_strided(self.data, shape, strides), self)
        """,
    ]

    equivalent = [
        ("return wrap(array.swapaxes(first, second), self)  ->  return wrap(array.swapaxes(second, first), self)", "two axes change places, whichever is named first"),
    ]


class exercise_matmul:

    def a_matrix_times_a_matrix():
        """A matrix times a matrix"""
        expect(Tensor([[1, 2], [3, 4]]).matmul(Tensor([[10, 0], [0, 1]])), Tensor([[10, 2], [30, 4]]), mistakes=[
            (Tensor([[10, 0], [0, 4]]), "You multiplied element by element. The matrix product sums row times column.",
             "a, b = self.data, to_array(other)\nreturn wrap(a * b, a, b)"),
            (Tensor([[10, 20], [3, 4]]), "You multiplied in the wrong order: this is other @ self.",
             "a, b = self.data, to_array(other)\nreturn wrap(b @ a, a, b)")])
        expect((Tensor(np.ones((2, 3))) @ Tensor(np.ones((3, 4)))).shape, (2, 4), mistakes=[(ValueError, "(2, 3) @ (3, 4) is allowed: the last size of the left and the first of the right are equal.",
            "a, b = self.data, to_array(other)\nif a.shape != b.shape:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: shapes differ')\nreturn wrap(np.matmul(a, b), a, b)")])

    def one_axis_on_either_side():
        """One axis on either side"""
        grid, row = Tensor([[1, 2, 3], [4, 5, 6]]), Tensor([1, 0, 2])
        expect(grid @ row, Tensor([7, 16]), mistakes=[(IndexError, "The right side has one axis here, so it has no last but one size. Use its only size.",
            ("a, b = self.data, to_array(other)\nif a.shape[-1] != b.shape[-2]:\n"
             "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {b.shape[-2]} differ')\nreturn wrap(np.matmul(a, b), a, b)"))])
        expect(Tensor([1, 2]) @ grid, Tensor([9, 12, 15]), mistakes=[(IndexError, "The left side has one axis here. Its inner size is the last one, shape[-1].",
            ("a, b = self.data, to_array(other)\nif a.shape[1] != b.shape[0]:\n"
             "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[1]} and {b.shape[0]} differ')\nreturn wrap(np.matmul(a, b), a, b)"))])
        expect(row @ row, Tensor(5))

    def stacks_of_matrices():
        """Stacks of matrices"""
        stack, pair = Tensor(np.ones((5, 2, 3))), Tensor([[[0, 1], [2, 3]], [[4, 5], [6, 7]]])
        expect((stack @ Tensor(np.ones((5, 3, 4)))).shape, (5, 2, 4), mistakes=[
            (ValueError, "The inner sizes are the last on the left and the last but one on the right, here 3 and 3.",
             ("a, b = self.data, to_array(other)\nif a.shape[-1] != b.shape[0]:\n"
              "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {b.shape[0]} differ')\nreturn wrap(np.matmul(a, b), a, b)")),
            ((5, 2, 5, 4), "np.dot pairs every matrix with every other. np.matmul goes through the two stacks together.",
             "a, b = self.data, to_array(other)\nreturn wrap(np.dot(a, b), a, b)")])
        expect(pair @ pair, Tensor([[[2, 3], [6, 11]], [[46, 55], [66, 79]]]))
        expect((Tensor(np.ones((2, 1, 2, 3))) @ Tensor(np.ones((5, 3, 4)))).shape, (2, 5, 2, 4), mistakes=[(ValueError, "The axes in front broadcast: (2, 1) and (5,) fit. They are all but the last two, shape[:-2].",
            ("a, b = self.data, to_array(other)\nif a.ndim == 0 or b.ndim == 0:\n    raise ValueError('a number')\nk = b.shape[max(-2, -b.ndim)]\n"
             "if a.shape[-1] != k:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ')\n"
             "if a.ndim > 2 and b.ndim > 2 and a.shape[:-2] != b.shape[:-2]:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: {a.shape[:-2]} and {b.shape[:-2]} differ')\n"
             "return wrap(np.matmul(a, b), a, b)"))])

    def stacks_that_do_not_fit_are_named():
        """Stacks that do not fit are named"""
        expect_raises(ValueError, lambda: Tensor(np.ones((2, 2, 3))) @ Tensor(np.ones((5, 3, 2))), mentions=["sizes 2 and 5"], mistakes=[
            (lambda error: "could not be broadcast" in str(error), "That sentence is NumPy's. Let broadcast_shape compare the axes in front, shape[:-2] of both, before you compute.",
             ("a, b = self.data, to_array(other)\nif a.ndim == 0 or b.ndim == 0:\n    raise ValueError('a number')\nk = b.shape[max(-2, -b.ndim)]\n"
              "if a.shape[-1] != k:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ')\nreturn wrap(np.matmul(a, b), a, b)")),
            (lambda error: "sizes 5 and 2" in str(error), "The sizes are named in the wrong order: the left side has 2 matrices and the right side 5.",
             ("a, b = self.data, to_array(other)\nif a.ndim == 0 or b.ndim == 0:\n    raise ValueError('a number')\nk = b.shape[max(-2, -b.ndim)]\n"
              "if a.shape[-1] != k:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ')\n"
              "broadcast_shape(b.shape[:-2], a.shape[:-2])\nreturn wrap(np.matmul(a, b), a, b)"))])

    def inner_sizes_that_differ_are_named():
        """Inner sizes that differ are named"""
        expect_raises(ValueError, lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((4, 5))), mentions=["(2, 3)", "(4, 5)", "inner sizes 3 and 4"], mistakes=[
            (lambda error: "core dimension" in str(error) or "not aligned" in str(error), "That sentence is NumPy's. Compare the inner sizes before you compute.",
             "a, b = self.data, to_array(other)\nreturn wrap(np.matmul(a, b), a, b)")])
        expect_raises(ValueError, lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones(2)), mentions=["inner sizes 3 and 2"])
        expect_raises(ValueError, lambda: Tensor(np.ones((5, 2, 3))) @ Tensor(np.ones((5, 4, 2))), mentions=["inner sizes 3 and 4"])
        expect_raises(ValueError, lambda: Tensor([1, 2]) @ 3, mistakes=[
            (IndexError, "The right side is a single number here, with shape (). Refuse it before you look at its sizes.",
             ("a, b = self.data, to_array(other)\nk = b.shape[0] if b.ndim < 2 else b.shape[-2]\nif a.shape[-1] != k:\n"
              "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ')\nreturn wrap(np.matmul(a, b), a, b)")), (AttributeError, "The right side may be a plain number. to_array(other) makes an array of whatever it is.",
                ("k = other.shape[0] if len(other.shape) == 1 else other.shape[-2]\nif self.shape[-1] != k:\n"
                 "    raise ValueError(f'matmul: {self.shape} @ {other.shape}: inner sizes {self.shape[-1]} and {k} differ')\nreturn wrap(np.matmul(self.data, other.data), self, other)"))])

    def float64_stays_and_the_time_is_numpy_s():
        """float64 stays, and the time is NumPy's"""
        wide = Tensor(np.ones((2, 2)), dtype=np.float64)
        expect((wide @ wide).dtype.name, "float64", mistakes=[("float32", "Both sides are float64. Give wrap the result and both arrays.",
            ("a, b = self.data, to_array(other)\nif a.ndim == 0 or b.ndim == 0:\n    raise ValueError('a number')\nk = b.shape[max(-2, -b.ndim)]\n"
             "if a.shape[-1] != k:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ')\nreturn Tensor(np.matmul(a, b))"))])
        a, b = Tensor(np.ones((96, 96))), Tensor(np.ones((96, 96)))
        expect_cost(lambda: a.matmul(b), lambda: np.matmul(a.data, b.data), at_most=5.0)

    wrong = [
        ("""
         a, b = self.data, to_array(other)
         if a.ndim == 0 or b.ndim == 0:
             raise ValueError("a number")
         k = b.shape[max(-2, -b.ndim)]
         if a.shape[-1] != k:
             raise ValueError(f"matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ")
         if a.ndim == 2 and b.ndim == 2:
             out = np.zeros((a.shape[0], b.shape[1]), dtype=a.dtype)
             for i in range(a.shape[0]):
                 for j in range(b.shape[1]):
                     out[i, j] = (a[i] * b[:, j]).sum()
             return wrap(out, a, b)
         return wrap(np.matmul(a, b), a, b)
         """, "times as long"),
    ]

    right = [
        """
        a = self.data
        b = to_array(other)
        if a.ndim == 0 or b.ndim == 0:
            raise ValueError("matmul needs at least one axis on both sides")
        inner = b.shape[max(-2, -b.ndim)]
        if a.shape[-1] != inner:
            raise ValueError(f"matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {inner} differ")
        broadcast_shape(a.shape[:-2], b.shape[:-2])
        return wrap(a @ b, a, b)
        """,
        """
        a, b = self.data, to_array(other)
        left, right = a.shape[-1:], b.shape[-2:][:1]
        if left != right or left == ():
            k, l = left[0] if left else None, right[0] if right else None
            raise ValueError(f"matmul: {a.shape} @ {b.shape}: inner sizes {k} and {l} differ")
        for k, l in zip(a.shape[-3::-1], b.shape[-3::-1]):
            if k != l and 1 not in (k, l):
                raise ValueError(f"matmul: {a.shape} @ {b.shape}: the stacks have sizes {k} and {l}")
        return wrap(np.matmul(a, b), self, b)
        """,
        """
        a, b = self.data, to_array(other)
        if () in (a.shape, b.shape):
            raise ValueError(f"matmul: {a.shape} @ {b.shape}: a single number")
        try:
            return wrap(np.matmul(a, b), a, b)
        except ValueError:
            inner = b.shape[-2] if b.ndim >= 2 else b.shape[0]
            if a.shape[-1] == inner:
                broadcast_shape(a.shape[:-2], b.shape[:-2])
            raise ValueError(f"matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {inner} differ") from None
        """,
    ]

    equivalent = [
        ("if a.ndim > 2 and b.ndim > 2:  ->  if a.ndim > 2 or b.ndim > 2:", "where one side has no axes in front, broadcast_shape finds nothing to refuse"),
        ("if a.ndim > 2 and b.ndim > 2:  ->  if a.ndim >= 2 and b.ndim > 2:", "where one side has no axes in front, broadcast_shape finds nothing to refuse"),
        ("if a.ndim > 2 and b.ndim > 2:  ->  if a.ndim > 2 and b.ndim >= 2:", "where one side has no axes in front, broadcast_shape finds nothing to refuse"),
        ("return wrap(np.matmul(a, b), a, b)  ->  return wrap(np.matmul(a, b), b, a)", "wrap asks whether any operand has the result's dtype, in either order"),
    ]
