"""Chapter 03: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.layers import (
    Dropout, Layer, Linear, Sequential, kaiming_normal, linear_loops, manual_seed, walk, xavier_uniform,
)
from tinytorch.learn.expecting import expect, expect_copies, expect_cost, expect_raises, raising

FIT = """
x, weight = read_numbers(x), read_numbers(weight)
if x.ndim != 2 or weight.ndim != 2 or x.shape[1] != weight.shape[0]:
    raise ValueError(f"linear_loops: x {x.shape}, weight {weight.shape}: they do not fit")
if bias is not None and np.shape(bias) != weight.shape[1:]:
    raise ValueError(f"linear_loops: bias {np.shape(bias)}, weight {weight.shape}: they do not fit")
N, in_features = x.shape
out_features = weight.shape[1]
out = np.empty((N, out_features), dtype=np.result_type(x, weight))
"""
LOOPS = FIT + """
for n in range(N):
    for j in range(out_features):
        total = 0.0 if bias is None else bias[j]
        for i in range(in_features):
            total += x[n, i] * weight[i, j]
        out[n, j] = total
return out
"""
XAVIER = """
fan_in = check_size("xavier_uniform", "fan_in", fan_in)
fan_out = check_size("xavier_uniform", "fan_out", fan_out)
limit = math.sqrt(6 / (fan_in + fan_out))
return default_rng(rng).uniform(-limit, limit, shape).astype(np.float32)
"""
KAIMING = """
fan_in = check_size("kaiming_normal", "fan_in", fan_in)
return default_rng(rng).normal(0.0, math.sqrt(2 / fan_in), shape).astype(np.float32)
"""
LINEAR = """
x = x if isinstance(x, Tensor) else Tensor(x)
if x.shape[-1:] != (self.in_features,):
    raise ValueError(f"Linear: x has shape {x.shape} and the layer in_features={self.in_features}")
out = x @ self.weight
return out if self.bias is None else out + self.bias
"""
DROPOUT = """
if not self.training or self.p == 0:
    return x
x = x if isinstance(x, Tensor) else Tensor(x)
kept = default_rng(self.rng).random(x.shape, dtype=np.float32) >= self.p
dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
return x * Tensor(kept / (1 - self.p), dtype=dtype)
"""
WALK = """
seen = {id(layer)} if seen is None else seen
for name, found in children(layer):
    if id(found) in seen:
        continue
    seen.add(id(found))
    yield prefix + name, found
    if isinstance(found, Layer):
        yield from walk(found, f"{prefix}{name}.", seen)
"""
LOAD = """
own = self.state_arrays()
check_state(own, state)
for name, array in own.items():
    array[...] = state[name]
"""


class exercise_linear_loops:

    def one_output():
        """One output"""
        expect(linear_loops(np.array([[1.0, 2.0]]), np.array([[10.0], [1.0]]), np.array([0.5])), np.array([[12.5]]), mistakes=[
            (np.array([[13.0]]), "The bias was added once for each input. It is added once for each output.",
             (LOOPS.replace("total = 0.0 if bias is None else bias[j]", "total = 0.0")
              .replace("total += x[n, i] * weight[i, j]", "total += x[n, i] * weight[i, j] + (0 if bias is None else bias[j])"))),
            (np.array([[12.0]]), "The bias is missing.",
             LOOPS.replace("total = 0.0 if bias is None else bias[j]", "total = 0.0")),
            (np.array([[2.0]]), "Only the last product was kept. Add to the total with +=.",
             LOOPS.replace("total = 0.0 if bias is None else bias[j]", "total = 0.0").replace("total +=", "total =")),
            (np.array([[2.5]]), "Only the last product was kept, and the bias. Add to the total with +=.",
             LOOPS.replace("total +=", "total =").replace("= total\n", "= total + (0 if bias is None else bias[j])\n"))])

    def rows_and_outputs_each_with_a_sum_of_its_own():
        """Rows and outputs, each with a sum of its own"""
        x, weight = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 10.0, 0.0], [0.0, 1.0, 2.0]])
        expect(linear_loops(x, weight, np.array([0.0, 0.0, 100.0])), np.array([[1.0, 12, 104], [3, 34, 108]]), mistakes=[
            (raising(IndexError, "out of bounds"), "An index ran past the end. weight[i, j] leads from input i to output j; x[n, i] is input i of row n.",
             LOOPS.replace("weight[i, j]", "weight[j, i]")),
            (lambda got: got[1, 0] > 3, "A sum went on where the last one stopped. Begin each element with a total of its own.",
             (FIT + "total = 0.0\nfor n in range(N):\n    for j in range(out_features):\n        for i in range(in_features):\n"
              "            total += x[n, i] * weight[i, j]\n        out[n, j] = total + (0 if bias is None else bias[j])\nreturn out")),
            (lambda got: (got[:, 2] == [4, 8]).all(), "The bias of output 2 is missing there: output j has bias[j].",
             LOOPS.replace("bias[j]", "bias[0]"))])

    def without_a_bias():
        """Without a bias"""
        expect(linear_loops(np.array([[1.0, 2.0]]), np.array([[3.0, 0.5], [4.0, 0.25]])), np.array([[11.0, 1.0]]), mistakes=[
            (raising(TypeError, "NoneType"), "bias may be None. Begin with 0 then.",
             LOOPS.replace("0.0 if bias is None else bias[j]", "bias[j]"))])

    def the_dtype_of_the_inputs_and_shapes_that_do_not():
        """The dtype of the inputs, and shapes that do not fit"""
        small = np.ones((2, 2), dtype=np.float32)
        expect(linear_loops(small, small).dtype.name, "float32", mistakes=[("float64", "Both inputs are float32. Write into the array out that is given.",
            LOOPS.replace("dtype=np.result_type(x, weight)", "dtype=np.float64"))])
        expect_raises(ValueError, lambda: linear_loops(np.ones((2, 3)), np.ones((4, 5))), mentions=["(2, 3)", "(4, 5)"])
        expect_raises(ValueError, lambda: linear_loops(np.ones((2, 3)), np.ones((3, 2)), np.ones(5)), mentions=["bias (5,)", "(3, 2)"], mistakes=[
            (np.full((2, 2), 4.0), "This bias has 5 numbers and there are 2 outputs, so three of them would be left over in silence. Keep the given lines that refuse it.",
             LOOPS.replace("if bias is not None and np.shape(bias) != weight.shape[1:]:", "if bias is not None and len(bias) < weight.shape[1]:"),
             LOOPS.replace("np.shape(bias) != weight.shape[1:]", "False"))])
        expect(linear_loops([[1, 2]], [[10], [1]]), np.array([[12]]), mistakes=[(raising(AttributeError, "ndim"), "A list has no ndim and no shape. Keep the given line that makes arrays of x and weight.",
            LOOPS.replace("x, weight = read_numbers(x), read_numbers(weight)\n", ""))])

    wrong = [
        (LOOPS.replace("return out", "").replace("out[n, j] = total", "out[n, j] = total\n        return out"), "expected"),
    ]

    right = [
        LOOPS,
        (FIT + "for j in range(out_features):\n    for n in range(N):\n        total = 0\n        for i in range(in_features):\n            total = total + weight[i, j] * x[n, i]\n"
         "        out[n, j] = total if bias is None else total + bias[j]\nreturn out"),
        (FIT + "out[...] = 0 if bias is None else bias\nfor n in range(N):\n    for i in range(in_features):\n        for j in range(out_features):\n"
         "            out[n, j] += x[n, i] * weight[i, j]\nreturn out"),
    ]


class exercise_xavier_uniform:

    def even_between_the_limits():
        """Even between the limits"""
        weight = xavier_uniform((300, 100), 300, 100, rng=0)
        expect(weight.shape, (300, 100))
        expect(float(weight.var()), 0.005, rtol=0.03, mistakes=[
            (lambda got: abs(got - 0.01) < 5e-4, "The variance is twice too large. fan_in and fan_out are added; one of them was left out, or taken twice.",
             XAVIER.replace("6 / (fan_in + fan_out)", "6 / (fan_out + fan_out)")),
            (lambda got: abs(got - 0.005 / 3) < 2e-4, "2 / (fan_in + fan_out) is the variance. The limit has a 6: numbers drawn evenly up to a have the variance a * a / 3.",
             XAVIER.replace("6 / (", "2 / (")),
            (lambda got: abs(got - 0.015**2 / 3) < 1e-5, "The square root is missing.",
             XAVIER.replace("math.sqrt(6 / (fan_in + fan_out))", "6 / (fan_in + fan_out)")),
            (lambda got: got > 0.3, "The numbers go from -1 to 1 or further. Give the limits to uniform.",
             XAVIER.replace(".uniform(-limit, limit, shape)", ".uniform(-1, 1, shape)"))])
        expect(bool(weight.min() < -0.12), True, mistakes=[(False, "There are no weights near the lower limit. Draw from -limit to limit, so that the mean is 0.",
            XAVIER.replace(".uniform(-limit, limit, shape)", ".uniform(0, limit * 2, shape)"))])
        expect(bool(abs(weight).max() <= 0.1225), True, mistakes=[(False, "Some numbers lie beyond the limit. They are to be drawn evenly, with uniform, not from the bell curve.",
            XAVIER.replace(".uniform(-limit, limit, shape)", ".normal(0, math.sqrt(2 / (fan_in + fan_out)), shape)"))])

    def a_weight_takes_4_bytes():
        """A weight takes 4 bytes"""
        expect(xavier_uniform((2, 3), 2, 3, rng=0).dtype.name, "float32", mistakes=[("float64", "The generator draws in float64, 8 bytes each. Convert the array with .astype(np.float32).",
            XAVIER.replace(".astype(np.float32)", ""))])

    def one_seed_repeats_everything():
        """One seed repeats everything"""
        manual_seed(5)
        first = xavier_uniform((4, 4), 4, 4)
        manual_seed(5)
        expect(xavier_uniform((4, 4), 4, 4), first, mistakes=[(lambda got: True, "After the same manual_seed come other numbers. Draw from default_rng(rng), not from a generator of your own.",
            XAVIER.replace("default_rng(rng)", "np.random.default_rng(rng)"))])
        expect(xavier_uniform((4, 4), 4, 4, rng=1), xavier_uniform((4, 4), 4, 4, rng=1), mistakes=[(lambda got: True, "rng=1 gave two different results: hand rng to default_rng.",
            XAVIER.replace("default_rng(rng)", "default_rng()"))])
        expect(bool((xavier_uniform((4, 4), 4, 4, rng=1) == xavier_uniform((4, 4), 4, 4, rng=2)).any()), False)

    def a_size_of_0_is_refused():
        """A size of 0 is refused"""
        expect_raises(ValueError, lambda: xavier_uniform((0, 3), 0, 3), mentions=["fan_in is 0"], mistakes=[
            (ZeroDivisionError, "Call check_size before you divide.",
             XAVIER.replace('fan_in = check_size("xavier_uniform", "fan_in", fan_in)\n', "1 / fan_in\n")),
            (lambda error: "xavier_uniform is 0" in str(error), "check_size takes the function's name first and the argument's second, then the size.",
             XAVIER.replace('"xavier_uniform", "fan_in"', '"fan_in", "xavier_uniform"'))])
        expect_raises(ValueError, lambda: xavier_uniform((3, 0), 3, 0), mentions=["fan_out is 0"], mistakes=[
            (lambda error: "xavier_uniform is 0" in str(error), "check_size takes the function's name first and the argument's second, then the size.",
             XAVIER.replace('"xavier_uniform", "fan_out"', '"fan_out", "xavier_uniform"'))])

    wrong = [
        (XAVIER.replace("default_rng(rng)", "np.random.default_rng(7)"), "expected False"),
    ]

    right = [
        XAVIER,
        XAVIER.replace("return default_rng(rng).uniform(-limit, limit, shape)", "return (limit * (2 * default_rng(rng).random(shape) - 1))"),
        XAVIER.replace("math.sqrt(6 / (fan_in + fan_out))", "np.sqrt(6 / (fan_in + fan_out))"),
    ]


class exercise_kaiming_normal:

    def a_standard_deviation_of_0_1():
        """A standard deviation of 0.1"""
        expect(float(kaiming_normal((200, 500), 200, rng=0).std()), 0.1, rtol=0.02, mistakes=[
            (lambda got: abs(got - 0.01) < 1e-3, "normal wants the standard deviation: the square root is missing.",
             KAIMING.replace("math.sqrt(2 / fan_in)", "2 / fan_in")),
            (lambda got: abs(got - 0.0707) < 2e-3, "The 2 is missing. Without it the numbers shrink at every ReLU.",
             KAIMING.replace("2 / fan_in", "1 / fan_in")),
            (lambda got: abs(got - 0.0632) < 2e-3, "You took the size from the shape, 500 outputs. fan_in is given, here 200.",
             KAIMING.replace("2 / fan_in", "2 / shape[1]")),
            (lambda got: abs(got - 0.0577) < 2e-3, "These are drawn evenly up to the limit. Draw from the normal distribution.",
             KAIMING.replace(".normal(0.0, math.sqrt(2 / fan_in), shape)", ".uniform(-math.sqrt(2 / fan_in), math.sqrt(2 / fan_in), shape)"))])

    def mean_0_in_float32_from_the_generator_that_was():
        """Mean 0, in float32, from the generator that was asked for"""
        expect(float(abs(kaiming_normal((200, 500), 200, rng=0).mean())) < 0.002, True)
        expect(kaiming_normal((2, 3), 2, rng=0).dtype.name, "float32", mistakes=[("float64", "The generator draws in float64. Convert with .astype(np.float32).",
            KAIMING.replace(".astype(np.float32)", ""))])
        expect(kaiming_normal((4, 4), 4, rng=1), kaiming_normal((4, 4), 4, rng=1), mistakes=[(lambda got: True, "The same seed gave other numbers. Draw from default_rng(rng).",
            KAIMING.replace("default_rng(rng)", "default_rng()"))])
        expect_raises(ValueError, lambda: kaiming_normal((0, 3), 0), mentions=["fan_in is 0"], mistakes=[
            (lambda error: "kaiming_normal is 0" in str(error), "check_size takes the function's name first and the argument's second, then the size.",
             KAIMING.replace('"kaiming_normal", "fan_in"', '"fan_in", "kaiming_normal"')),
            (ZeroDivisionError, "Call check_size before you divide.",
            KAIMING.replace('fan_in = check_size("kaiming_normal", "fan_in", fan_in)\n', ""))])

    right = [
        KAIMING,
        KAIMING.replace("normal(0.0, math.sqrt(2 / fan_in), shape)", "normal(scale=(2 / fan_in) ** 0.5, size=shape)"),
        KAIMING.replace("return default_rng(rng).normal(0.0, math.sqrt(2 / fan_in), shape)", "return (math.sqrt(2 / fan_in) * default_rng(rng).standard_normal(shape))"),
    ]


class exercise_linear:

    def weights_and_bias():
        """Weights and bias"""
        layer = Linear(2, 2)
        layer.weight.data[...], layer.bias.data[...] = [[1, 10], [2, 20]], [0.5, 0.25]
        expect(layer.forward(Tensor([[1, 3]])), Tensor([[7.5, 70.25]]), mistakes=[
            (Tensor([[7.0, 70.0]]), "The bias is missing.",
             LINEAR.replace("return out if self.bias is None else out + self.bias", "return out")),
            (Tensor([[31.5, 62.25]]), "The weight was transposed. It has shape (in, out) here, so x @ weight is right as it stands.",
             LINEAR.replace("x @ self.weight", "x @ self.weight.T")),
            (Tensor([[1.5, 30.25], [2.5, 60.25]]), "That is element by element. The product is written with @.",
             LINEAR.replace("x @ self.weight", "x * self.weight"))])

    def any_number_of_axes_with_and_without_bias():
        """Any number of axes, with and without bias"""
        expect(Linear(3, 2).forward(Tensor(np.ones((4, 5, 3)))).shape, (4, 5, 2), mistakes=[
            (ValueError, "Only the last axis counts, and it has 3 values here. Axes in front are not your concern.",
             LINEAR.replace("x.shape[-1:] != (self.in_features,)", "x.ndim != 2 or x.shape[1] != self.in_features"))])
        expect(Linear(3, 2).forward(Tensor([1, 2, 3])).shape, (2,), mistakes=[(ValueError, "One row without further axes is allowed: its last axis has 3 values.",
            LINEAR.replace("x.shape[-1:] != (self.in_features,)", "x.ndim < 2 or x.shape[-1] != self.in_features"))])
        expect(Linear(3, 2, bias=False).forward(Tensor([1, 2, 3])).shape, (2,), mistakes=[(TypeError, "self.bias is None in this layer. Add it only where there is one.",
            LINEAR.replace("return out if self.bias is None else out + self.bias", "return out + self.bias"))])

    def an_array_or_a_list_is_taken_too():
        """An array or a list is taken too"""
        expect(Linear(3, 2).forward([[1, 2, 3]]).shape, (1, 2), mistakes=[(raising(AttributeError, "shape"), "A list has no shape. Make a Tensor of what is not one: Tensor(x).",
            LINEAR.replace("x = x if isinstance(x, Tensor) else Tensor(x)\n", ""))])

    def a_last_axis_of_another_length_is_refused():
        """A last axis of another length is refused"""
        expect_raises(ValueError, lambda: Linear(3, 2).forward(Tensor(np.ones((4, 2)))), mentions=["(4, 2)", "in_features=3"], mistakes=[
            (lambda error: "inner sizes" in str(error), "That is the product's sentence. Compare the sizes before you compute, and name the layer's in_features.",
             "return x @ self.weight if self.bias is None else x @ self.weight + self.bias")])
        expect_raises(ValueError, lambda: Linear(3, 2).forward(Tensor(5.0)), mentions=["()", "in_features=3"], mistakes=[
            (IndexError, "A single number has shape (), which has no last size. The slice x.shape[-1:] works for it.",
             LINEAR.replace("x.shape[-1:] != (self.in_features,)", "x.shape[-1] != self.in_features"))])

    def written_with_tensors():
        """Written with Tensors"""
        seen = []
        class Watched(Tensor):
            def matmul(self, other):
                seen.append("@")
                return super().matmul(other)
            def __add__(self, other):
                seen.append("+")
                return super().__add__(other)
            __radd__ = __add__
        layer = Linear(2, 2)
        layer.bias = Watched([0, 0])
        layer.forward(Watched([[1, 2]]))
        expect(seen, ["@", "+"], mistakes=[
            ([], "You computed with arrays. Write x @ self.weight, without .data: later chapters follow every Tensor operation.",
             (LINEAR.replace("out = x @ self.weight\nreturn out if self.bias is None else out + self.bias",
              "out = x.data @ self.weight.data\nreturn Tensor(out if self.bias is None else out + self.bias.data)"))),
            (["@"], "The bias was added to an array. Add it to the Tensor, without .data.",
             LINEAR.replace("return out if self.bias is None else out + self.bias", "return out if self.bias is None else Tensor(out.data + self.bias.data)")),
            (["+"], "The product was computed with arrays, or with a Tensor made anew. Write x @ self.weight, without .data, and make a Tensor only of what is not one.",
             LINEAR.replace("x @ self.weight", "Tensor(x.data @ self.weight.data)"),
             LINEAR.replace("x if isinstance(x, Tensor) else Tensor(x)", "Tensor(x)"))])

    def the_time_is_one_product_s():
        """The time is one product's"""
        layer, x = Linear(64, 64), Tensor(np.ones((64, 64)))
        expect(layer.forward(x).shape, (64, 64))
        expect_cost(lambda: layer.forward(x), lambda: x.data @ layer.weight.data + layer.bias.data, at_most=8.0)

    right = [
        LINEAR,
        ("if not isinstance(x, Tensor):\n    x = Tensor(x)\nif x.ndim == 0 or x.shape[-1] != self.in_features:\n    raise ValueError(f'x {x.shape}, in_features={self.in_features}')\n"
         "if self.bias is None:\n    return x.matmul(self.weight)\nreturn x.matmul(self.weight) + self.bias"),
        LINEAR.replace("out + self.bias", "self.bias + out"),
    ]


class exercise_dropout:

    def in_use_and_with_p_0_nothing_happens():
        """In use, and with p 0, nothing happens"""
        x = Tensor([1, 2, 3])
        expect(Dropout(0.5).eval().forward(x) is x, True, mistakes=[(False, "In use (self.training is False) x itself comes back: nothing dropped, nothing scaled, nothing copied.",
            DROPOUT.replace("if not self.training or self.p == 0:\n    return x\n", ""),
            DROPOUT.replace("return x\n", "return x * (1 - self.p)\n", 1))])
        expect(Dropout(0.0).forward(x) is x, True, mistakes=[(False, "With p 0 nothing is dropped, and x itself comes back: no random numbers, no mask.",
            DROPOUT.replace("if not self.training or self.p == 0:", "if not self.training:"))])

    def the_rest_is_enlarged():
        """The rest is enlarged"""
        kept = Dropout(0.75, rng=0).forward(Tensor(np.ones(1000)))
        expect(float(kept.data.max()), 4.0, mistakes=[
            (1.0, "What is kept was not enlarged. Divide it by 1 - p, here 0.25.",
             DROPOUT.replace("kept / (1 - self.p)", "kept * 1.0")),
            (4 / 3, "You divided by p. The part that is kept is 1 - p, here 0.25.",
             DROPOUT.replace("kept / (1 - self.p)", "kept / self.p")),
            (0.25, "You multiplied by 1 - p. Divide, so that the sum stays as large.",
             DROPOUT.replace("kept / (1 - self.p)", "kept * (1 - self.p)"))])
        expect(float(kept.data.min()), 0.0, mistakes=[(4.0, "Nothing was dropped.",
            DROPOUT.replace("kept / (1 - self.p)", "np.ones(x.shape) / (1 - self.p)"))])

    def a_part_p_is_dropped_each_element_by_itself_anew():
        """A part p is dropped, each element by itself, anew each time"""
        drop = Dropout(0.25, rng=0)
        first, second = (drop.forward(Tensor(np.ones((100, 200)))).data == 0 for _ in range(2))
        expect(float(first.all(axis=0).sum() + first.all(axis=1).sum()), 0.0, mistakes=[(lambda got: got > 0, "Whole rows or columns were dropped together. Draw a number for every element: x.shape.",
            DROPOUT.replace("random(x.shape,", "random(x.shape[-1:],"))])
        expect(float(first.mean()), 0.25, atol=0.02, mistakes=[(lambda got: abs(got - 0.75) < 0.03, "A part of 0.75 was dropped, and p is 0.25: the comparison is the wrong way round.",
            DROPOUT.replace(">= self.p", "< self.p"))])
        expect(bool((first == second).all()), False, mistakes=[(True, "The second call dropped the same elements. Draw anew each time, from default_rng(self.rng).",
            DROPOUT.replace("default_rng(self.rng)", "np.random.default_rng(0)"))])

    def the_same_seed_drops_the_same_elements():
        """The same seed drops the same elements"""
        x = Tensor(np.ones(50))
        expect(Dropout(0.5, rng=3).forward(x).shape, (50,))
        expect(Dropout(0.5, rng=3).forward(x), Dropout(0.5, rng=3).forward(x), mistakes=[(lambda got: True, "Two layers with the same seed dropped other elements. Draw from default_rng(self.rng).",
            DROPOUT.replace("default_rng(self.rng)", "default_rng()"))])

    def written_with_tensors_in_the_dtype_of_x():
        """Written with Tensors, in the dtype of x"""
        seen = []
        class Watched(Tensor):
            def __mul__(self, other):
                seen.append("*")
                return super().__mul__(other)
            __rmul__ = __mul__
        expect(Dropout(0.5).forward(Watched([1, 2], dtype=np.float64)).dtype.name, "float64", mistakes=[("float32", "x is float64 and the result float32. Make the mask in the dtype of x.",
            (DROPOUT.replace("dtype=dtype)", "dtype=np.float32)").replace("return x * Tensor(kept", "return Tensor(x.data * (kept"
             ).replace("(1 - self.p), dtype", "(1 - self.p)), dtype")))])
        expect(seen, ["*"], mistakes=[([], "You computed with arrays, or with a Tensor made anew. Multiply the Tensor x itself by a Tensor, without .data: later chapters follow every Tensor operation.",
            DROPOUT.replace("x if isinstance(x, Tensor) else Tensor(x)", "Tensor(x, dtype=x.dtype)"),
            DROPOUT.replace("return x * Tensor(kept / (1 - self.p), dtype=dtype)", "return Tensor(x.data * kept / (1 - self.p), dtype=dtype)"))])
        expect(Dropout(0.5).forward(Tensor([1.0, 2.0])).dtype.name, "float32", mistakes=[("float64", "x is float32 and the result float64, twice the bytes. Make the mask in the dtype of x.",
            DROPOUT.replace("dtype=dtype)", "dtype=np.float64)"))])
        exact = Tensor(np.ones(8), dtype=np.float64)
        expect(float(Dropout(0.1, rng=0).forward(exact).data.max()), 1 / 0.9, rtol=1e-12, atol=0, mistakes=[(lambda got: abs(got - 1 / 0.9) < 1e-6, "1 / 0.9 was rounded to float32, and x is float64. Make the mask in the dtype of x.",
            DROPOUT.replace(", dtype=dtype)", ")"))])
        expect(Dropout(0.5).forward([1.0, 2.0]).dtype.name, "float32", mistakes=[(raising(AttributeError, "shape"), "A list has no shape. Make a Tensor of what is not one: Tensor(x).",
            DROPOUT.replace("x = x if isinstance(x, Tensor) else Tensor(x)\n", ""))])
        expect(Dropout(0.5).forward(Tensor(np.arange(4))).dtype.name, "float32", mistakes=[(lambda got: got.startswith("int"), "A mask of whole numbers cannot hold 1 / (1 - p). Make it float32 for whole numbers.",
            DROPOUT.replace('x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)', "x.dtype"))])

    right = [
        DROPOUT,
        DROPOUT.replace("x * Tensor(kept / (1 - self.p), dtype=dtype)", "Tensor(kept / (1 - self.p), dtype=dtype) * x"),
        ("if self.training and self.p > 0:\n    x = x if isinstance(x, Tensor) else Tensor(x)\n    dropped = default_rng(self.rng).random(x.shape, dtype=np.float32) < self.p\n    dtype = x.dtype if x.dtype.kind == 'f' else np.float32\n"
         "    mask = np.where(dropped, 0, 1 / (1 - self.p)).astype(dtype)\n    x = x * Tensor(mask, dtype=dtype)\nreturn x"),
    ]

    equivalent = [
        ("kept = default_rng(self.rng).random(x.shape, dtype=np.float32) >= self.p  ->  kept = default_rng(self.rng).random(x.shape, dtype=np.float32) > self.p",
         "a random number equals p in one of 16 million cases"),
        ("kept = default_rng(self.rng).random(x.shape, dtype=np.float32) >= self.p  ->  kept = default_rng(self.rng).random(x.shape) >= self.p",
         "numbers drawn in float64 are as even; only their bytes are twice as many while they are compared"),
        ("return x * Tensor(np.multiply(kept, 1 / (1 - self.p), dtype=dtype), dtype=dtype)  ->  return x * Tensor(np.multiply(kept, 1 / (1 - self.p)), dtype=dtype)",
         "the Tensor has the dtype either way; the product is in float64 for a moment"),
    ]


class exercise_sequential:

    def each_step_gets_what_the_one_before_returned():
        """Each step gets what the one before returned"""
        model = Sequential(lambda x: x + 1, lambda x: x * 10)
        expect(model.forward(3), 40, mistakes=[
            (31, "The steps ran in the wrong order: the first one first.",
             "for step in reversed(self.steps):\n    x = step(x)\nreturn x"),
            (30, "Every step got the first x. Give each what the one before returned.",
             "for step in self.steps:\n    out = step(x)\nreturn out"),
            (4, "It stopped after the first step. The return belongs behind the loop.",
             "for step in self.steps:\n    return step(x)\nreturn x"),
            (raising(AttributeError, "forward"), "A step may be a plain function. Call it: step(x).",
             "for step in self.steps:\n    x = step.forward(x)\nreturn x"),
            ([4, 30], "Every step got the first x, and the results were collected. Give each step what the one before returned.",
             "return [step(x) for step in self.steps]")])

    def layers_and_no_steps_at_all():
        """Layers, and no steps at all"""
        expect(Sequential(Linear(4, 8), Linear(8, 2)).forward(Tensor(np.ones((5, 4)))).shape, (5, 2))
        expect(Sequential().forward(7), 7)
        expect(len(Sequential(Linear(4, 8), Linear(8, 2)).steps), 2)

    wrong = [
        ("for step in self.steps:\n    x = step(x)", "None"),
    ]

    right = [
        "for step in self.steps:\n    x = step(x)\nreturn x",
        "out = x\nfor i in range(len(self.steps)):\n    out = self.steps[i](out)\nreturn out",
        "import functools\nreturn functools.reduce(lambda value, step: step(value), self.steps, x)",
    ]


class exercise_walk:

    def a_layer_and_what_it_holds():
        """A layer and what it holds"""
        layer = Linear(2, 3)
        expect([name for name, thing in walk(layer)], ["weight", "bias"])
        expect([name for name, thing in walk(layer)], ["weight", "bias"], mistakes=[([], "Nothing was found the second time: the set of the first walk was used again. Each walk from outside starts with its own.",
            ("def walk(layer, prefix='', seen=set()):\n    for name, found in children(layer):\n        if id(found) in seen:\n            continue\n"
             "        seen.add(id(found))\n        yield prefix + name, found\n        if isinstance(found, Layer):\n            yield from walk(found, f'{prefix}{name}.', seen)"))])
        expect([thing is layer.weight or thing is layer.bias for name, thing in walk(layer)], [True, True], mistakes=[(lambda got: True, "The second of each pair is the thing itself, not a copy and not its name.",
            WALK.replace("yield prefix + name, found", "yield prefix + name, name"))])

    def layers_inside_layers():
        """Layers inside layers"""
        model = Sequential(Sequential(Linear(2, 2, bias=False)), Linear(2, 3))
        expect([name for name, thing in walk(model)], ["steps.0", "steps.0.steps.0", "steps.0.steps.0.weight", "steps.1", "steps.1.weight", "steps.1.bias"], mistakes=[
            (["steps.0", "steps.1"], "It stopped at the first depth. Walk on inside every Layer that is found, and hand out what that yields with yield from.",
             WALK.replace('yield from walk(found, f"{prefix}{name}.", seen)', "pass"),
             WALK.replace("yield from walk(", "walk(")),
            (["steps.0", "steps.0", "weight", "steps.1", "weight", "bias"], "The names inside lost their path: put prefix in front of every name you yield, and give the inner walk its own.",
             WALK.replace("yield prefix + name, found", "yield name, found").replace('f"{prefix}{name}."', '""')),
            (lambda got: "steps.0steps.0" in got, "The dot between the names is missing: the inner prefix ends with one.",
             WALK.replace('f"{prefix}{name}."', 'f"{prefix}{name}"')),
            (lambda got: "steps.0.weight" in got, "The outer names are lost two layers down: the inner prefix is made of this prefix and the name.",
             WALK.replace('f"{prefix}{name}."', 'f"{name}."')),
            (lambda got: len(got) == 6 and got[0] != "steps.0", "What is inside comes before the layer itself. Yield the layer first.",
             WALK.replace("    yield prefix + name, found\n", "") + "    yield prefix + name, found\n")])

    def each_thing_once_by_whatever_path():
        """Each thing once, by whatever path"""
        model = Sequential(Linear(2, 2), Sequential(Linear(2, 2)))
        model.steps[1].steps.append(model.steps[0])
        expect([name for name, thing in walk(model)].count("steps.1.steps.1"), 0, mistakes=[(1, "The first Linear came twice, the second time by another path. Keep the ids in one set, and give that same set to the inner walk.",
            WALK.replace('f"{prefix}{name}.", seen)', 'f"{prefix}{name}.")'))])
        layer = Linear(2, 2)
        layer.bias = layer.weight
        expect([name for name, thing in walk(layer)], ["weight"], mistakes=[(["weight", "bias"], "One Parameter under two names came twice. Look whether its id is in the set before you yield, and put it in.",
            ("seen = set() if seen is None else seen\nfor name, found in children(layer):\n    if isinstance(found, Layer):\n        if id(found) in seen:\n"
             "            continue\n        seen.add(id(found))\n    yield prefix + name, found\n    if isinstance(found, Layer):\n"
             "        yield from walk(found, f'{prefix}{name}.', seen)"))])

    def a_layer_that_holds_itself_ends():
        """A layer that holds itself ends"""
        layer = Linear(1, 1)
        layer.me = layer
        expect([name for name, thing in walk(layer)], ["weight", "bias"])

    right = [
        WALK,
        ("if seen is None:\n    seen = {id(layer)}\nfor name, found in children(layer):\n    if id(found) not in seen:\n        seen.add(id(found))\n"
         "        yield (prefix + name, found)\n        if isinstance(found, Layer):\n            for pair in walk(found, prefix + name + '.', seen):\n                yield pair"),
        ("seen = {id(layer)} if seen is None else seen\nout = []\nfor name, found in children(layer):\n    if id(found) in seen:\n        continue\n    seen.add(id(found))\n"
         "    out.append((prefix + name, found))\n    if isinstance(found, Layer):\n        out.extend(walk(found, f'{prefix}{name}.', seen))\nreturn out"),
    ]


class exercise_load_state_dict:

    def the_arrays_are_written():
        """The arrays are written"""
        a, b = Linear(3, 2, rng=0), Linear(3, 2, rng=1)
        a.load_state_dict(b.state_dict())
        expect(a.weight, b.weight, mistakes=[(lambda got: True, "The weight is still the old one. A new entry in the dict, or a new name for an array, changes nothing in the layer: write into it with array[...] = …",
            LOAD.replace("array[...] = state[name]", "own[name] = state[name]").replace("own.items()", "list(own.items())"),
            LOAD.replace("array[...] = state[name]", "array = state[name]"))])

    def into_the_memory_that_is_there():
        """Into the memory that is there"""
        a, state = Linear(3, 2, rng=0), Linear(3, 2, rng=1).state_dict()
        before = a.weight.data
        a.load_state_dict(state)
        expect(a.weight.data is before, True, mistakes=[(False, "The layer has a new array, and whoever held the old one still sees the old numbers. Write into it with array[...] = …",
            "check_state(self.state_arrays(), state)\nfor name, parameter in self.named_parameters():\n    parameter.data = state[name]")])
        expect_copies(a.weight.data, state["weight"])
        expect(a.weight.data, state["weight"])

    def buffers_too():
        """Buffers too"""
        class Counter(Layer):
            buffers = ("count",)
            def __init__(self):
                self.count = np.zeros(1)
        counter = Counter()
        counter.load_state_dict({"count": np.array([7.0])})
        expect(counter.count, np.array([7.0]), mistakes=[(np.array([0.0]), "The buffer was left out. state_arrays() lists parameters and buffers.",
            "check_state(self.state_arrays(), state)\nfor name, parameter in self.named_parameters():\n    parameter.data[...] = state[name]")])

    def a_state_that_does_not_fit_changes_nothing():
        """A state that does not fit changes nothing"""
        layer = Linear(3, 2, rng=0)
        old = layer.weight.data.copy()
        expect_raises(ValueError, lambda: layer.load_state_dict({"weight": np.ones((3, 2), dtype=np.float32)}), mentions=["missing: bias"], mistakes=[
            (lambda error: "unknown: bias" in str(error), "The bias is missing from the state, and the message says that the layer does not know it. check_state takes the own arrays first.",
             LOAD.replace("check_state(own, state)", "check_state(state, own)")),
            (KeyError, "A name is missing from the state, and Python said so in its own words. Call check_state first.",
             LOAD.replace("check_state(own, state)\n", "")),
            (None, "The bias is missing from this state, and nothing was said. Call check_state first.",
             LOAD.replace("check_state(own, state)\n", "").replace("    array", "    if name in state:\n        array"))])
        expect(layer.weight.data, old, mistakes=[(lambda got: True, "The weight was written before the bias was found missing. Check everything before the first write.",
            "own = self.state_arrays()\nfor name, array in own.items():\n    if name in state:\n        array[...] = state[name]\ncheck_state(own, state)")])
        expect_raises(ValueError, lambda: layer.load_state_dict({"weight": np.ones((3, 2), dtype=np.float32), "bias": np.ones(5, dtype=np.float32)}), mentions=["bias", "(5,)"])

    right = [
        LOAD,
        "arrays = self.state_arrays()\ncheck_state(arrays, state)\nfor name in arrays:\n    np.copyto(arrays[name], state[name])",
        "check_state(self.state_arrays(), state)\nfor name, array in self.state_arrays().items():\n    array[:] = state[name]",
    ]
