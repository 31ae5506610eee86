"""Chapter 02: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.activations import GELU, ReLU, Sigmoid, Softmax, Tanh
from tinytorch.learn.expecting import expect, expect_cost, expect_raises, expect_unchanged, raising

BLOCK = """
array = float_array(x)
out = np.multiply(array, array, out=np.empty_like(array))
out *= GELU_CUBIC
out += 1
out *= array
out *= GELU_SCALE
np.tanh(out, out=out)
out += 1
out *= 0.5
out *= array
"""


class exercise_relu:

    def what_is_negative_becomes_0():
        """What is negative becomes 0"""
        expect(ReLU()(Tensor([-2, 0, 3])), Tensor([0, 0, 3]), mistakes=[
            (Tensor([2, 0, 3]), "That is the absolute value. What is negative becomes 0.",
             "return wrap(np.abs(float_array(x)), float_array(x))"),
            (Tensor([-2, 0, 0]), "You kept what is negative: minimum and maximum are swapped.",
             "array = float_array(x)\nreturn wrap(np.minimum(array, 0), array)"),
            (Tensor([0, 0, 1]), "That is where x is positive, 1 or 0. Keep the number itself.",
             "array = float_array(x)\nreturn wrap((array > 0).astype(array.dtype), array)"),
            (lambda got: got.shape == (), "np.max looks for one largest value. np.maximum compares element by element.",
             "array = float_array(x)\nreturn wrap(np.max(array, 0), array)")])

    def any_shape_whole_numbers_become_float32_float64():
        """Any shape; whole numbers become float32, float64 stays"""
        expect(ReLU()(Tensor([[-1.5, 2], [0.5, -4]])), Tensor([[0, 2], [0.5, 0]]))
        expect(ReLU()(Tensor(np.array([-1, 2]))).dtype.name, "float32", mistakes=[(lambda got: got.startswith("int"), "The integers stayed integers. float_array(x) makes floating-point numbers of them.",
            "return wrap(np.maximum(x.data, 0), x)")])
        expect(ReLU()(Tensor([-1, 2], dtype=np.float64)).dtype.name, "float64", mistakes=[("float32", "The tensor was float64. Give wrap the result and the array it was made of.",
            "return Tensor(np.maximum(float_array(x), 0))")])

    def infinity_and_nan():
        """Infinity and nan"""
        x = Tensor([np.inf, -np.inf, np.nan])
        expect(ReLU()(x), Tensor([np.inf, 0, np.nan]), mistakes=[
            (lambda got: np.isnan(got.data[1]), "Minus infinity times 0 is nan. Choose between x and 0; do not multiply.",
             "array = float_array(x)\nreturn wrap(array * (array > 0), array)"),
            (lambda got: got.data[2] == 0, "nan went in and 0 came out, so nobody will learn that something went wrong. np.maximum hands nan on.",
             "array = float_array(x)\nreturn wrap(np.where(array > 0, array, 0), array)")])

    def the_input_is_left_alone_and_the_time_is_numpy_s():
        """The input is left alone, and the time is NumPy's"""
        x = Tensor(np.linspace(-1, 1, 100_000))
        with expect_unchanged(x):
            ReLU()(x)
        expect(ReLU()(x).shape, (100_000,))
        expect_cost(lambda: ReLU()(x), lambda: np.exp(x.data), at_most=10.0)

    wrong = [
        ("array = float_array(x)\narray[array < 0] = 0\nreturn wrap(array, array)", "Make a new array for the result"),
        ("array = float_array(x)\nreturn np.maximum(array, 0)", "Wrap the array"),
        ("""
         array = float_array(x)
         flat = [v if v != v else max(v, array.dtype.type(0)) for v in array.ravel()]
         return wrap(np.array(flat, dtype=array.dtype).reshape(array.shape), array)
         """, "times as long"),
    ]

    right = [
        "array = float_array(x)\nreturn wrap(np.maximum(array, 0), array)",
        "array = float_array(x)\nreturn wrap(np.where(array < 0, 0, array).astype(array.dtype), array)",
        "array = float_array(x)\nreturn wrap(np.maximum(0, array), array)",
        "out = float_array(x).copy()\nout[out < 0] = 0\nreturn wrap(out, out)",
    ]


class exercise_sigmoid:

    def c_0_becomes_one_half_2_becomes_0_881():
        """0 becomes one half, 2 becomes 0.881"""
        expect(Sigmoid()(Tensor([0, 2])), Tensor([0.5, 0.880797]), mistakes=[
            (Tensor([0.5, 0.119203]), "The curve is mirrored: the minus in exp(-x) is missing, or there is one too many.",
             "array = float_array(x)\nreturn wrap(1 / (1 + np.exp(array)), array)"),
            (Tensor([0, 0.9640276]), "That is the curve from -1 to 1, which is 0 in the middle. This one goes from 0 to 1.",
             "return wrap(np.tanh(float_array(x)), float_array(x))"),
            (Tensor([1, 7.389056]), "That is exp(x). It is one part of the formula.",
             "return wrap(np.exp(float_array(x)), float_array(x))"),
            (Tensor([2, 1.1353353]), "That is 1 + exp(-x). The result is 1 divided by it.",
             "return wrap(1 + np.exp(-float_array(x)), float_array(x))")])

    def no_nan_far_out_on_either_side():
        """No nan far out on either side"""
        expect(Sigmoid()(Tensor([-1000, 1000])), Tensor([0, 1]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "inf / inf is nan. Write the formula so that exp stands below the line only: 1 / inf is 0.",
             "array = float_array(x)\nreturn wrap(np.exp(array) / (1 + np.exp(array)), array)")])

    def small_results_keep_their_digits():
        """Small results keep their digits"""
        expect(Sigmoid()(Tensor([-20])).data[0] * 1e9, 2.0611536, mistakes=[
            (0.0, "The result is 0 instead of 2.06e-09: it was rounded away when a number near 1 was taken from 1. Use exp(-x) itself.",
             "array = float_array(x)\nreturn wrap(0.5 * (1 + np.tanh(array / 2)), array)"),
            (lambda got: got > 3, "The result is too large: x was cut off before exp. The formula needs no limit.",
             ("array = float_array(x)\narray = np.clip(array, -10, 10)\nout = 1 / (1 + np.exp(-array))\n"
              "out[float_array(x) < -500] = 0\nout[float_array(x) > 500] = 1\nreturn wrap(out, array)"))])

    def any_shape_and_dtype_the_input_is_left_alone_the():
        """Any shape and dtype; the input is left alone; the time is NumPy's"""
        x = Tensor(np.linspace(-4, 4, 100_000))
        with expect_unchanged(x):
            Sigmoid()(x)
        expect(Sigmoid()(Tensor([[True, False]])), Tensor([[0.7310586, 0.5]]), mistakes=[(TypeError, "A boolean has no minus. float_array(x) makes floating-point numbers of them.",
            "return wrap(1 / (1 + np.exp(-x.data)), x)")])
        expect(Sigmoid()(Tensor(0)), Tensor(0.5), mistakes=[(raising(TypeError, "return arrays must be"), "x has shape () here, and -array is then a bare number, which cannot be written into. Make the first array with np.empty_like(array) and out=.",
            "array = float_array(x)\nout = -array\nnp.exp(out, out=out)\nout += 1\nreturn wrap(1 / out, array)")])
        expect(Sigmoid()(Tensor([0], dtype=np.float64)).dtype.name, "float64", mistakes=[("float32", "The tensor was float64. Give wrap the result and the array it was made of.",
            "return Tensor(1 / (1 + np.exp(-float_array(x))))")])
        expect_cost(lambda: Sigmoid()(x), lambda: 1 / (1 + np.exp(-x.data)), at_most=12.0)

    wrong = [
        ("array = float_array(x)\nnp.negative(array, out=array)\nnp.exp(array, out=array)\narray += 1\nreturn wrap(1 / array, array)", "Make a new array for the result"),
        ("""
         array = float_array(x)
         flat = [0.0 if v < -700 else 1 / (1 + math.exp(-v)) for v in array.ravel().tolist()]
         return wrap(np.array(flat, dtype=array.dtype).reshape(array.shape), array)
         """, "times as long"),
    ]

    right = [
        "array = float_array(x)\nreturn wrap(1 / (1 + np.exp(-array)), array)",
        "array = float_array(x)\nwith np.errstate(over='ignore'):\n    out = 1 / (1 + np.exp(-array))\nreturn wrap(out, array)",
        "array = float_array(x)\ne = np.exp(-np.abs(array))\nreturn wrap(np.where(array >= 0, 1, e) / (1 + e), array)",
        "array = float_array(x)\nout = np.exp(-array)\nout += 1\nreturn wrap(np.reciprocal(out), array)",
    ]

    equivalent = [
        ("with np.errstate(over='ignore'):  ->  if True:", "the numbers are the same; whether NumPy also prints a warning is left to the reader"),
        ("with np.errstate(over='ignore'):  ->  with np.errstate():", "the numbers are the same; whether NumPy also prints a warning is left to the reader"),
        ("return wrap(np.divide(1, out, out=out), array)  ->  return wrap(np.divide(1, out), array)", "the same numbers in one more array; here, unlike in GELU, their number is left to the reader"),
    ]


class exercise_tanh:

    def the_curve_in_the_middle():
        """The curve in the middle"""
        expect(Tanh()(Tensor([[0, 0.5]])), Tensor([[0, 0.4621172]]), mistakes=[
            (Tensor([[0, 0.5463025]]), "That is the tangent of an angle, np.tan. The hyperbolic one has another name.",
             "return wrap(np.tan(float_array(x)), float_array(x))"),
            (Tensor([[0.5, 0.6224593]]), "That is the curve from 0 to 1. This one is 0 in the middle.",
             "array = float_array(x)\nreturn wrap(1 / (1 + np.exp(-array)), array)")])

    def no_nan_at_the_ends():
        """No nan at the ends"""
        expect(Tanh()(Tensor([-1000, 1000])), Tensor([-1, 1]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "inf / inf is nan: exp(1000) is too large, above and below the line.",
             "a = float_array(x)\nreturn wrap((np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)), a)")])

    def no_digits_lost_near_0():
        """No digits lost near 0"""
        expect(Tanh()(Tensor([1e-4])).data[0] * 1e4, 1.0, mistakes=[
            (lambda got: 0.99 < got < 1.01, "Only three or four digits are right: two numbers near 1 were subtracted, and the digits they share are gone.",
             "a = float_array(x)\nreturn wrap(2 / (1 + np.exp(-2 * a)) - 1, a)")])

    def float64_stays_whole_numbers_become_float32_the():
        """float64 stays, whole numbers become float32, the input is left alone"""
        expect(Tanh()(Tensor([1], dtype=np.float64)).dtype.name, "float64", mistakes=[("float32", "The tensor was float64. Give wrap the result and the array it was made of.",
            "return Tensor(np.tanh(float_array(x)))")])
        expect(Tanh()(Tensor(np.array([0, 1]))), Tensor([0, 0.7615942]))
        x = Tensor([1, 2])
        with expect_unchanged(x):
            Tanh()(x)

    wrong = [
        ("a = float_array(x)\nreturn wrap(np.tanh(a, out=a), a)", "Make a new array for the result"),
        ("return np.tanh(float_array(x))", "Wrap the array"),
    ]

    right = [
        "array = float_array(x)\nreturn wrap(np.tanh(array), array)",
        "array = float_array(x)\ne = np.expm1(-2 * np.abs(array))\nreturn wrap(np.copysign(-e / (e + 2), array), array)",
        "array = float_array(x)\nout = np.empty_like(array)\nnp.tanh(array, out=out)\nreturn wrap(out, out)",
    ]


class exercise_gelu:

    def the_values_of_the_formula():
        """The values of the formula"""
        expect(GELU()(Tensor([-2, 0, 2])), Tensor([-0.0454023, 0, 1.9545977]), mistakes=[
            (lambda got: np.allclose(got.data, [-0.0455003, 0, 1.9544997], atol=2e-6), "Those are the values of the exact GELU. Here the one with tanh is asked for; they differ in the fourth digit.",
             ("a = float_array(x)\nshare = np.array([math.erf(v / math.sqrt(2)) for v in a.ravel().tolist()]).reshape(a.shape)\n"
              "return wrap((0.5 * a * (1 + share)).astype(a.dtype), a)")),
            (lambda got: np.allclose(got.data, [-0.0908046, 0, 3.9091954], atol=1e-4), "Every value is twice too large: the 0.5 is missing.",
             "a = float_array(x)\nreturn wrap(a * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a * a * a))), a)"),
            (lambda got: np.allclose(got.data, [0.0227012, 0.5, 0.9772988], atol=1e-4), "That is the share alone. It is multiplied by x at the end.",
             "a = float_array(x)\nreturn wrap(0.5 * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a * a * a))), a)"),
            (lambda got: np.allclose(got.data, [-0.0790, 0, 1.9210], atol=1e-3), "The cubic part is missing: tanh gets only the scaled x.",
             "a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(GELU_SCALE * a)), a)"),
            (lambda got: np.allclose(got.data, [-0.0178, 0, 1.9822], atol=1e-3), "The scale is missing: GELU_SCALE multiplies everything that tanh gets.",
             "a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(a + GELU_CUBIC * a * a * a)), a)"),
            (Tensor([0, 0, 2]), "That is ReLU, with its corner.",
             "a = float_array(x)\nreturn wrap(np.maximum(a, 0), a)")])
        expect(GELU()(Tensor([[0.5], [-0.5]])), Tensor([[0.345714], [-0.154286]]))

    def huge_numbers():
        """Huge numbers"""
        expect(GELU()(Tensor([-1e30, 1e30])), Tensor([0, 1e30]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "nan far out: an exp became inf, and inf / inf has no value. np.tanh needs no exp of yours.",
             "a = float_array(x)\ne = np.exp(2 * GELU_SCALE * (a + GELU_CUBIC * a * a * a))\nreturn wrap(0.5 * a * (1 + (e - 1) / (e + 1)), a)")])

    def at_most_two_arrays_at_once():
        """At most two arrays at once"""
        import tracemalloc
        x = Tensor(np.linspace(-4, 4, 100_000))
        expect(GELU()(x).shape, (100_000,))
        tracemalloc.start()
        try:
            GELU()(x)
            held = tracemalloc.get_traced_memory()[1] / x.memory_footprint()
        finally:
            tracemalloc.stop()
        expect(held < 2.2, True, message=f"At its peak GELU()(x) held {held:.1f} arrays as large as x, its result included; at most 2 are asked for.",
               mistakes=[(False, "Every * and + that makes a new array counts until it is used. Change one array in place with *= and +=, or with out=.",
                   "a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a**3))), a)")])

    def a_single_number_float64_whole_numbers_the_input():
        """A single number, float64, whole numbers; the input is left alone"""
        expect(GELU()(Tensor(1)), Tensor(0.841192), mistakes=[
            (raising(TypeError, "return arrays must be"), "x has shape () here, and array * array is then a bare number, which cannot be written into. Make the first array with np.empty_like(array) and out=.",
             BLOCK.replace("np.multiply(array, array, out=np.empty_like(array))", "array * array") + "return wrap(out, array)")])
        expect(GELU()(Tensor([1], dtype=np.float64)).dtype.name, "float64", mistakes=[("float32", "The tensor was float64. Give wrap the result and the array it was made of.",
            BLOCK + "return Tensor(out)")])
        expect(GELU()(Tensor(np.array([0, 1]))), Tensor([0, 0.841192]))
        x = Tensor([1, 2])
        with expect_unchanged(x):
            GELU()(x)

    wrong = [
        ("a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a * a * a))), a)", "held 3.0 arrays"),
        (BLOCK + "array[...] = out\nreturn wrap(array, array)", "Make a new array for the result"),
    ]

    right = [
        BLOCK + "return wrap(out, array)",
        """
        array = float_array(x)
        out = array.copy()
        out *= array
        out *= array
        out *= GELU_CUBIC
        out += array
        out *= GELU_SCALE
        np.tanh(out, out=out)
        out += 1
        out *= array
        out *= 0.5
        return wrap(out, array)
        """,
        """
        array = np.atleast_1d(float_array(x))
        u = array * array
        u *= GELU_CUBIC * GELU_SCALE
        u += GELU_SCALE
        u *= array
        u = np.tanh(u, out=u)
        u += 1
        u *= array
        u /= 2
        return wrap(u.reshape(x.shape), array)
        """,
    ]

    equivalent = [
        ("with np.errstate(over='ignore'):  ->  if True:", "the numbers are the same; whether NumPy also prints a warning is left to the reader"),
        ("with np.errstate(over='ignore'):  ->  with np.errstate():", "the numbers are the same; whether NumPy also prints a warning is left to the reader"),
    ]


class exercise_softmax:

    def one_row():
        """One row"""
        expect(Softmax()(Tensor([1, 2, 3])), Tensor([0.0900306, 0.2447285, 0.665241]), mistakes=[
            (lambda got: np.allclose(got.data, [1 / 6, 1 / 3, 0.5]), "You divided the numbers themselves by their sum. exp comes first.",
             "a = float_array(x)\nreturn wrap(a / a.sum(axis=self.axis, keepdims=True), a)"),
            (lambda got: np.allclose(got.data, np.exp([1, 2, 3])) or np.allclose(got.data, np.exp([-2, -1, 0])), "Those are the exps. Divide them by their sum.",
             "a = float_array(x)\nreturn wrap(np.exp(a), a)"),
            (lambda got: np.allclose(got.data, [0.665241, 0.2447285, 0.0900306]), "The order is turned round: subtract the largest from x, not x from the largest.",
             "a = float_array(x)\nout = np.exp(a.max(axis=self.axis, keepdims=True) - a)\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)")])

    def each_row_on_its_own_or_each_column():
        """Each row on its own, or each column"""
        x = Tensor([[0, 0, 0], [0, 0, np.log(2)]])
        expect(Softmax()(x), Tensor([[1 / 3, 1 / 3, 1 / 3], [0.25, 0.25, 0.5]]), mistakes=[
            (lambda got: abs(got.data.sum() - 1) < 1e-5, "All six numbers sum to 1. Each row is a whole of its own: give the sum an axis.",
             "a = float_array(x)\nout = np.exp(a - a.max())\nreturn wrap(out / out.sum(), a)"),
            (raising(ValueError, "could not be broadcast"), "A reduction lost its axis, so the shapes no longer fit. Give max and sum keepdims=True.",
             "a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.max(axis=axis))\nreturn wrap(out / out.sum(axis=axis), a)"),
            (lambda got: np.allclose(got.data.sum(axis=0), 1), "The columns sum to 1. axis=-1 means along the last axis, so each row does.",
             "a = float_array(x)\nout = np.exp(a - a.max(axis=0, keepdims=True))\nreturn wrap(out / out.sum(axis=0, keepdims=True), a)")])
        expect(Softmax(axis=0)(Tensor([[0, 0], [0, np.log(3)]])), Tensor([[0.5, 0.25], [0.5, 0.75]]), mistakes=[
            (Tensor([[0.5, 0.5], [0.25, 0.75]]), "Each row sums to 1, and here axis is 0: use self.axis in both reductions.",
             "a = float_array(x)\nout = np.exp(a - a.max(axis=-1, keepdims=True))\nreturn wrap(out / out.sum(axis=-1, keepdims=True), a)")])

    def no_overflow_on_either_side():
        """No overflow, on either side"""
        expect(Softmax()(Tensor([1000, 1001])), Tensor([0.2689414, 0.7310586]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "exp(1000) is inf, and inf / inf is nan. Subtract the largest along the axis before exp.",
             "a = float_array(x)\nout = np.exp(a)\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)")])
        expect(Softmax()(Tensor([0, 1000])), Tensor([0, 1]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "exp(1000) is inf here. Subtract the largest along the axis: with the smallest or the mean, a large number stays large.",
             "a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.min(axis=axis, keepdims=True))\nreturn wrap(out / out.sum(axis=axis, keepdims=True), a)",
             "a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.mean(axis=axis, keepdims=True))\nreturn wrap(out / out.sum(axis=axis, keepdims=True), a)")])
        expect(Softmax()(Tensor([-1000, -1001])), Tensor([0.7310586, 0.2689414]), mistakes=[
            (lambda got: np.isnan(got.data).any(), "Every exp became 0, and 0 / 0 is nan. Subtract the largest even when it is negative.",
             "a = float_array(x)\nout = np.exp(a - np.maximum(a.max(axis=self.axis, keepdims=True), 0))\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)")])
        expect(Softmax()(Tensor([[0, 0], [1000, 1000]])), Tensor([[0.5, 0.5], [0.5, 0.5]]), mistakes=[
            (lambda got: np.isnan(got.data[0]).any(), "The first row became nan: the largest of the whole grid was subtracted. Each row has its own.",
             "a = float_array(x)\nout = np.exp(a - a.max())\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)")])

    def an_axis_that_is_missing_or_empty_is_refused():
        """An axis that is missing or empty is refused"""
        expect_raises(ValueError, lambda: Softmax(2)(Tensor([[1, 2]])), mentions=["Softmax", "axis 2", "(1, 2)"], mistakes=[
            (lambda error: "out of bounds" in str(error), "NumPy refused the axis with its own sentence. Let check_filled_axis look at it first.",
             "a = float_array(x)\nout = np.exp(a - a.max(axis=self.axis, keepdims=True))\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)")])
        expect_raises(ValueError, lambda: Softmax()(Tensor(np.zeros((3, 0)))), mentions=["Softmax", "(3, 0)"], mistakes=[
            (lambda error: "zero-size" in str(error), "That sentence is NumPy's. check_filled_axis refuses an empty axis before the maximum is looked for.",
             "a = float_array(x)\ncheck_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.max(axis=self.axis, keepdims=True))\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)")])

    def the_input_is_left_alone_float64_stays_whole():
        """The input is left alone; float64 stays; whole numbers become float32"""
        x = Tensor([1, 2])
        with expect_unchanged(x):
            Softmax()(x)
        expect(Softmax()(Tensor([1, 2], dtype=np.float64)).dtype.name, "float64", mistakes=[("float32", "The tensor was float64. Give wrap the result and the array it was made of.",
            ("a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.max(axis=axis, keepdims=True))\n"
             "return Tensor(out / out.sum(axis=axis, keepdims=True))"))])
        expect(Softmax()(Tensor(np.array([3, 3]))), Tensor([0.5, 0.5]))

    wrong = [
        (("a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\na -= a.max(axis=axis, keepdims=True)\nnp.exp(a, out=a)\n"
          "a /= a.sum(axis=axis, keepdims=True)\nreturn wrap(a, a)"), "Make a new array for the result"),
    ]

    right = [
        """
        array = float_array(x)
        axis = check_filled_axis("Softmax", self.axis, array.shape)
        exps = np.exp(array - array.max(axis=axis, keepdims=True))
        return wrap(exps / exps.sum(axis=axis, keepdims=True), array)
        """,
        """
        array = float_array(x)
        axis = check_filled_axis("Softmax", self.axis, array.shape)
        out = array - np.expand_dims(array.max(axis=axis), axis)
        np.exp(out, out=out)
        out /= np.expand_dims(out.sum(axis=axis), axis)
        return wrap(out, array)
        """,
        """
        array = float_array(x)
        axis = check_filled_axis("Softmax", self.axis, array.shape)
        rows = np.moveaxis(array, axis, 0)
        exps = np.exp(rows - rows.max(axis=0))
        return wrap(np.moveaxis(exps / exps.sum(axis=0), 0, axis), array)
        """,
    ]
