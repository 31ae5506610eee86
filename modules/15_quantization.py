"""Chapter 15: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Conv2d, Linear, Tensor
from tinytorch.core.layers import Layer
from tinytorch.learn.expecting import expect, expect_cost, expect_raises, expect_unchanged, peak, raising
from tinytorch.perf.lowbit import FakeQuantize, pack_int4, unpack_int4
from tinytorch.perf.quantization import (
    LARGEST,
    QuantizedConv2d,
    RangeObserver,
    dequantize_int8,
    exact_float32_matmul,
    kernels,
    quantize_int8,
    quantize_model,
    quantize_with,
    rescale,
    scale_and_zero_point,
    value_range,
)

AFFINE = "scale = high / STEPS - low / STEPS\n"
SYMMETRIC = "if symmetric:\n    scale = np.maximum(-low, high) / HIGHEST\nelse:\n    scale = high / STEPS - low / STEPS\n"
NOT_ZERO = "scale = np.where(scale < SMALLEST, 1, scale).astype(np.float32)\n"
ZERO_POINT = "zero_point = np.zeros_like(scale) if symmetric else LOWEST - np.rint(low / scale)\n"
WHOLE = "return scale, zero_point.astype(np.int32)"
CHECKED = "check_codes(q, scale, zero_point)\n"
STEPS = "steps = np.subtract(q, zero_point, dtype=np.float32)\n"
TIMES = "with np.errstate(over=\"ignore\"):\n    numbers = np.multiply(steps, scale, dtype=np.float32)\n"
CLIPPED = "return np.clip(numbers, -LARGEST, LARGEST)"
OTHERS = "others = tuple(k for k in range(x.ndim) if k != axis)\n"
LOW = "low = np.min(x, axis=others, keepdims=True, initial=0)\n"
HIGH = "high = np.max(x, axis=others, keepdims=True, initial=0)\n"
SEEN = "x = to_float32(\"RangeObserver\", x)\n"
ANY = "if x.size == 0:\n    return\n"
ENDS = "low, high = np.percentile(x, [100 - self.percentile, self.percentile])\n"
LOWER = "self.low = min(0.0 if self.low is None else self.low, float(low))\n"
HIGHER = "self.high = max(0.0 if self.high is None else self.high, float(high))\n"
TOTAL = "total = np.zeros((a.shape[0], b.shape[1]), np.int32)\n"
EACH = "for start in range(0, a.shape[1], EXACT_TERMS):\n    stop = start + EXACT_TERMS\n"
BLOCK = "    block = a[:, start:stop].astype(np.float32) @ b[start:stop].astype(np.float32)\n"
ADD = "    total += block.astype(np.int32)\nreturn total"
CORRECTED = "sums = sums - zero_point * weight_sums\n"
NUMBERS = "numbers = np.multiply(sums, scale, dtype=np.float32)\n"
BIAS = "if bias is not None:\n    numbers += bias\nreturn numbers"
BATCHES = "batches = check_calibration(model, calibration_data)\n"
TWIN = "twin = inference_copy(model)\n"
OBSERVED = "observers = observe_inputs(twin, batches, percentile)\n"
REACHED = "if not observers:\n    raise ValueError(NOT_REACHED)\n"
TWINS = "quantized = {layer: quantized_layer(layer, observer) for layer, observer in observers.items()}\n"
REPLACED = "holder = [twin]\nreplace_layers(holder, lambda layer: quantized.get(layer, layer))\nreturn holder[0]"
IMAGES = "x, N, H_out, W_out = self.images(x)\n"
CODES = "q = pad_images(self.codes(x), self.padding, self.input_zero_point.item())\n"
SIZES = "O, kernel_size = len(self.weight), self.weight.shape[2:]\nweight = self.weight.reshape(O, -1)\nout = np.empty((N, O, H_out * W_out), np.float32)\n"
BLOCKS = "for block in blocks(q, kernel_size, H_out * W_out):\n    columns = kernels.fastest(\"columns\", columns_of)(q[block].swapaxes(0, 1), kernel_size, self.stride)\n"
SUMS = "    numbers = self.numbers(int8_matmul(weight, columns), down=True)\n"
OUT = "    out[block] = numbers.reshape(O, -1, H_out * W_out).swapaxes(0, 1)\nreturn from_numpy(out.reshape(N, O, H_out, W_out))"
FITS = "check_int4(q)\n"
HALVES = "halves = np.zeros(q.size + q.size % 2, np.uint8)\nhalves[: q.size] = q.ravel() & 15\n"


class exercise_scale_and_zero_point:

    def low_has_the_first_code():
        """Affine: low has the code -128, and 255 steps further lies high"""
        expect(scale_and_zero_point(np.float32([-100]), np.float32([155])), (np.float32([1]), np.int32([-28])), mistakes=[
            (lambda got: got[1][0] == 28, "The sign of the zero point is turned round. Low is 100 steps below 0 and has the code −128, so 0 has the code −128 + 100.",
             SYMMETRIC + NOT_ZERO + "zero_point = np.zeros_like(scale) if symmetric else -LOWEST + np.rint(low / scale)\n" + WHOLE),
            (lambda got: got[1][0] == -228, "0 lies above low, so its code is larger than −128. `low / scale` is negative here; take it away.",
             SYMMETRIC + NOT_ZERO + "zero_point = np.zeros_like(scale) if symmetric else LOWEST + np.rint(low / scale)\n" + WHOLE),
            (lambda got: got[1][0] == 100, "That is how many steps 0 lies above low. Low has the code −128, not 0.",
             SYMMETRIC + NOT_ZERO + "zero_point = np.zeros_like(scale) if symmetric else -np.rint(low / scale)\n" + WHOLE),
            (lambda got: np.allclose(got[0], 255 / 256), "Between 256 marks there are 255 steps.",
             SYMMETRIC.replace("high / STEPS - low / STEPS", "high / (STEPS + 1) - low / (STEPS + 1)") + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: np.allclose(got[0], 155 / 127), "That is the symmetric ruler, whatever was asked for. An affine one reaches from low to high in 255 steps.",
             "scale = np.maximum(-low, high) / HIGHEST\n" + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: np.allclose(got[0], 55 / 255), "You added low. It is negative; the length of the range is high minus low.",
             SYMMETRIC.replace("STEPS - low", "STEPS + low") + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: got[1][0] == 0, "The zero point is 0, that of a symmetric ruler. Here low has the code −128, and 0 lies 100 steps further.",
             SYMMETRIC + NOT_ZERO + "zero_point = np.zeros_like(scale)\n" + WHOLE),
            (lambda got: np.allclose(got[0], 255), "That is the whole range. Divide it by the number of steps.",
             "scale = high - low\n" + NOT_ZERO + ZERO_POINT + WHOLE)])

    def the_zero_point_is_rounded():
        """The zero point is rounded, not cut off"""
        expect(scale_and_zero_point(np.float32([-1]), np.float32([11]))[1], np.int32([-107]), mistakes=[
            (np.int32([-106]), "The exact place of 0 is −106.75. `astype` cuts off what is behind the point; `np.rint` rounds.",
             SYMMETRIC + NOT_ZERO + "zero_point = np.zeros_like(scale) if symmetric else LOWEST - low / scale\n" + WHOLE)])

    def a_symmetric_ruler_has_zero_in_its_middle():
        """Symmetric: 0 has the code 0, and the end further away gets 127 or -127"""
        low, high = np.float32([-254, -1]), np.float32([1, 254])
        expect(scale_and_zero_point(low, high, symmetric=True), (np.float32([2, 2]), np.int32([0, 0])), mistakes=[
            (raising(AttributeError, "astype"), "The zero point is an array too, also where it is 0: zeros in the shape of low, one for each range.",
             SYMMETRIC + NOT_ZERO + "zero_point = 0 if symmetric else LOWEST - np.rint(low / scale)\n" + WHOLE),
            (raising(ValueError, "truth value"), "`max` compares two things as a whole. `np.maximum` compares element by element.",
             SYMMETRIC.replace("np.maximum(-low, high)", "max(-low, high)") + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: np.allclose(got[0], [254 / 128, 254 / 128]), "128 steps do not fit above 0: the highest code is 127.",
             SYMMETRIC.replace("/ HIGHEST", "/ 128") + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: np.allclose(got[0], 508 / 255), "Twice the larger end in 255 steps would use the code −128 as well. A symmetric ruler has 127 steps on either side.",
             SYMMETRIC.replace("np.maximum(-low, high) / HIGHEST", "2 * np.maximum(-low, high) / STEPS") + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: np.allclose(got[0], 1), "The scale is that of the affine ruler. A symmetric one reaches equally far to both sides, as far as the end that is further away.",
             AFFINE + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: np.allclose(got[0], [1 / 127, 2]), "That looks at high alone. Here the first range reaches further down than up.",
             SYMMETRIC.replace("np.maximum(-low, high)", "high") + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: np.allclose(got[0], [2, 1 / 127]), "That looks at low alone. Here the second range reaches further up than down.",
             SYMMETRIC.replace("np.maximum(-low, high)", "-low") + NOT_ZERO + ZERO_POINT + WHOLE),
            (lambda got: got[1].any(), "The scale is right. A symmetric ruler has 0 at code 0, whatever low is.",
             SYMMETRIC + NOT_ZERO + "zero_point = LOWEST - np.rint(low / scale)\n" + WHOLE)])

    def each_range_has_its_own_ruler():
        """Several ranges, several rulers, in the shape of the ranges"""
        low, high = np.float32([[-100], [0]]), np.float32([[155], [510]])
        expect(scale_and_zero_point(low, high), (np.float32([[1], [2]]), np.int32([[-28], [-128]])), mistakes=[
            (lambda got: np.size(got[0]) == 1 or got[0][0] == got[0][1], "There are two ranges here, and both got the same ruler. Compute with the arrays as they are, without `.min()` and `.max()`.",
             SYMMETRIC.replace("high / STEPS - low / STEPS", "np.full(low.shape, high.max() / STEPS - low.min() / STEPS)") + NOT_ZERO + ZERO_POINT + WHOLE)])
        low, high = np.float32([[-127], [0]]), np.float32([[1], [254]])
        expect(scale_and_zero_point(low, high, symmetric=True), (np.float32([[1], [2]]), np.int32([[0], [0]])), mistakes=[
            (lambda got: np.size(got[0]) == 1 or got[0][0] == got[0][1], "There are two ranges here, and both got the same scale. Compare them element by element.",
             SYMMETRIC.replace("np.maximum(-low, high)", "np.full(low.shape, max(-low.min(), high.max()))") + NOT_ZERO + ZERO_POINT + WHOLE)])

    def all_zeros_get_the_scale_1():
        """A range from 0 to 0 gets the scale 1"""
        zero = np.float32([0])
        with np.errstate(all="ignore"):
            expect(scale_and_zero_point(zero, zero), (np.float32([1]), np.int32([-128])), mistakes=[
                (lambda got: got[0][0] == 0, "A scale of 0 cannot be divided by. The given line puts 1 in its place; keep it, before the zero point.",
                 SYMMETRIC + ZERO_POINT + "return scale.astype(np.float32), zero_point.astype(np.int32)"),
                (lambda got: got[0][0] == 1, "The scale is right, and the zero point was computed before the given line made it so: 0 / 0.",
                 SYMMETRIC + "zero_point = np.zeros_like(scale) if symmetric else LOWEST - np.rint(low / scale)\n" + NOT_ZERO + WHOLE)])
            expect(scale_and_zero_point(zero, zero, symmetric=True), (np.float32([1]), np.int32([0])))

    def the_largest_numbers_do_not_overflow():
        """A range from the lowest to the highest float32 has a finite scale"""
        low, high = np.float32([-LARGEST]), np.float32([LARGEST])
        with np.errstate(over="ignore"):
            expect(np.isfinite(scale_and_zero_point(low, high)[0]).all(), True, mistakes=[
                (False, "High − low is larger than any float32, and infinite. Divide each end by the number of steps, and subtract then.",
                 SYMMETRIC.replace("high / STEPS - low / STEPS", "(high - low) / STEPS") + NOT_ZERO + ZERO_POINT + WHOLE)])
            expect(np.isfinite(scale_and_zero_point(low, high, True)[0]).all(), True)

    wrong = [
        (SYMMETRIC + NOT_ZERO + ZERO_POINT + "return zero_point.astype(np.int32), scale", "expected"),
    ]

    right = [
        SYMMETRIC + NOT_ZERO + ZERO_POINT + WHOLE,
        ("if symmetric:\n    scale = np.maximum(np.abs(low), np.abs(high)) / 127\nelse:\n    scale = high / 255 - low / 255\n" + NOT_ZERO
         + "if symmetric:\n    zero_point = np.zeros(scale.shape)\nelse:\n    zero_point = np.rint(-low / scale) - 128\n" + WHOLE),
        ("top, steps = (np.where(-low > high, -low, high), HIGHEST) if symmetric else (high, STEPS)\nscale = top / steps - (0 if symmetric else low / steps)\n"
         + NOT_ZERO + "zero_point = 0 * scale if symmetric else LOWEST - np.round(low / scale)\n" + WHOLE),
    ]


class exercise_quantize_with:

    def halves_go_to_the_even_neighbour():
        """Halves go to the even neighbour, and the codes are int8"""
        x = np.float32([0.5, 1.5, 2.5, -0.5, 3.2])
        expect(quantize_with(x, 1.0, 0), np.int8([0, 2, 2, 0, 3]), mistakes=[
            (lambda got: got.dtype != np.int8 and np.array_equal(got, [0, 2, 2, 0, 3]), "The values are right, and each takes more than a byte. `astype(np.int8)` makes bytes.",
             "codes = np.rint(x / scale) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST)"),
            (lambda got: got[:3].tolist() == [1, 2, 3], "Halves went up, so all numbers become larger on average. `np.rint` takes them to the even neighbour.",
             "codes = np.floor(x / scale + 0.5) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)"),
            (lambda got: got[:3].tolist() == [0, 1, 2], "What is behind the point was cut off. Round first.",
             "codes = x / scale + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)",
             "codes = np.floor(x / scale) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)")])

    def divided_by_the_scale_and_moved():
        """Divided by the scale, then moved by the zero point"""
        expect(quantize_with(np.float32([3, -1, 0]), 0.5, -10), np.int8([-4, -12, -10]), mistakes=[
            (lambda got: got[2] == 10, "The number 0 must get the zero point as its code. You took the zero point away; add it.",
             "codes = np.rint(x / scale) - zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)"),
            (lambda got: got.tolist() == [-8, -10, -10], "You multiplied by the scale. How many steps of 0.5 is 3 away from 0?",
             "codes = np.rint(x * scale) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)"),
            (lambda got: got.tolist() == [-14, -22, -20], "The zero point is a code, not a number: add it after the division.",
             "codes = np.rint((x + zero_point) / scale)\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)"),
            (lambda got: got.tolist() == [6, -2, 0], "The zero point is missing: the number 0 must get it as its code.",
             "codes = np.rint(x / scale)\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)")])

    def rounded_before_it_is_moved():
        """Rounded before the zero point is added"""
        expect(quantize_with(np.float32([0.5, 1.5, 2.5]), 1.0, 1), np.int8([1, 3, 3]), mistakes=[
            (np.int8([2, 2, 4]), "With an odd zero point even neighbours have become odd ones. Round first, then add it.",
             "codes = np.rint(x / scale + zero_point)\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)")])

    def divided_and_not_by_the_way_of_a_reciprocal():
        """Divided by the scale, to the last digit"""
        expect(quantize_with(np.float32([-7.071429]), 0.14285715, 0), np.int8([-50]), mistakes=[
            (np.int8([-49]), "1 / scale is rounded once, and its product with x again. Here x lies close to the middle between two marks, and has gone to the wrong one. Divide x by the scale.",
             "codes = np.rint(x * (1 / scale)) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)")])

    def what_lies_outside_stays_at_the_end():
        """What lies beyond the ends of the ruler stays at its end"""
        x = np.float32([-1e6, -129, -128, 127, 128, 1e6])
        expect(quantize_with(x, 1.0, 0), np.int8([-128, -128, -128, 127, 127, 127]), mistakes=[
            (lambda got: got[2] == -127, "The lowest code is −128, which is `LOWEST`.",
             "codes = np.rint(x / scale) + zero_point\nreturn np.clip(codes, -HIGHEST, HIGHEST).astype(np.int8)"),
            (lambda got: got[2] == -128 and got[3] == 127 and got[4] != 127, "128 has come out as another number, since no int8 holds it. Clip to the ends before you make bytes.",
             "codes = np.rint(x / scale) + zero_point\nreturn np.array(codes, np.int64).astype(np.int8)",
             "codes = (np.rint(x / scale) + zero_point).astype(np.int64).astype(np.int8)\nreturn np.clip(codes, LOWEST, HIGHEST)")])
        expect(quantize_with(np.float32([-100, 100]), 1.0, -100), np.int8([-128, 0]), mistakes=[
            (lambda got: got[0] != -128, "−100 steps from the zero point −100 is beyond the end of the ruler, and must stay at −128. Clip after the zero point was added.",
             "codes = np.clip(np.rint(x / scale), LOWEST, HIGHEST) + zero_point\nreturn codes.astype(np.int64).astype(np.int8)")])

    def a_ruler_for_each_row():
        """Scales and zero points broadcast, for any number of axes"""
        x, scale, zero_point = np.float32([[1, -2], [4, 6]]), np.float32([[1], [2]]), np.int32([[0], [5]])
        expect(quantize_with(x, scale, zero_point), np.int8([[1, -2], [7, 8]]), mistakes=[
            (raising(TypeError, "only"), "The scale may be an array, one ruler a row. Leave it as it is, without `float` or `int`.",
             "codes = np.rint(x / float(scale)) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)")])
        expect(quantize_with(np.float32([[[7]]]), 1.0, 0).shape, (1, 1, 1))

    def x_stays_as_it_was():
        """x stays as it was"""
        x = np.float32([3, -1])
        with expect_unchanged(x):
            expect(quantize_with(x, 0.5, 0), np.int8([6, -2]))

    wrong = [
        ("x /= scale\ncodes = np.rint(x) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)", "changed its input"),
    ]

    right = [
        "codes = np.rint(x / scale) + zero_point\nreturn np.clip(codes, LOWEST, HIGHEST).astype(np.int8)",
        "steps = np.round(np.divide(x, scale))\nreturn np.int8(np.minimum(np.maximum(steps + zero_point, -128), 127))",
        "codes = (x / scale).round()\ncodes = codes + zero_point\ncodes[codes > HIGHEST] = HIGHEST\ncodes[codes < LOWEST] = LOWEST\nreturn codes.astype('int8')",
    ]

    equivalent = [
        ('return np.clip(codes, LOWEST, HIGHEST).astype(np.int8)  ->  return np.clip(LOWEST, codes, HIGHEST).astype(np.int8)', 'the larger of two is the same in either order'),
    ]


class exercise_dequantize_int8:

    def bytes_are_too_small_for_the_difference():
        """The difference of two codes is more than a byte holds"""
        expect(dequantize_int8(np.int8([-128, 127]), 1.0, -128), np.float32([0, 255]), mistakes=[
            (lambda got: got[0] == -256, "The code of 0 is the zero point, so it is taken away.",
             CHECKED + "steps = np.add(q, zero_point, dtype=np.float32)\n" + TIMES + CLIPPED),
            (lambda got: got[1] == -1, "127 − (−128) is 255, and a byte has made −1 of it. Subtract in float32.",
             CHECKED + "steps = q - np.int8(zero_point)\n" + TIMES + CLIPPED,
             CHECKED + "steps = (q - np.int8(zero_point)).astype(np.float32)\n" + TIMES + CLIPPED),
            (lambda got: got.tolist() == [-128, 127], "The zero point is missing: its code stands for the number 0.",
             CHECKED + "steps = q.astype(np.float32)\n" + TIMES + CLIPPED),
            (lambda got: got.tolist() == [0, -255], "It is turned round: the code less the zero point.",
             CHECKED + "steps = np.subtract(zero_point, q, dtype=np.float32)\n" + TIMES + CLIPPED)])

    def the_zero_point_is_a_code():
        """The zero point is taken away before the scale is multiplied with"""
        expect(dequantize_int8(np.int8([4, 2]), 0.5, 2), np.float32([1, 0]), mistakes=[
            (np.float32([0, -1]), "The zero point is a code, not a number: take it away first, then multiply.",
             CHECKED + "steps = np.multiply(q, scale, dtype=np.float32)\nnumbers = np.subtract(steps, zero_point, dtype=np.float32)\n" + CLIPPED),
            (np.float32([4, 0]), "You divided by the scale. It is the length of a step, so multiply.",
             CHECKED + STEPS + TIMES.replace("multiply", "divide") + CLIPPED),
            (lambda got: got.tolist() == [2, 0], "The scale is missing: a step is 0.5 here.",
             CHECKED + STEPS + "numbers = steps\n" + CLIPPED)])

    def float32_whatever_the_ruler_is():
        """A ruler for each row, and float32 all the same"""
        q, scale, zero_point = np.int8([[1, 2], [3, 4]]), np.float32([[1], [2]]), np.int32([[0], [5]])
        expect(str(dequantize_int8(q, scale, zero_point).dtype), "float32", mistakes=[
            ("float64", "The result has become float64, twice the bytes: float32 less int32 is float64. Say in what to compute, as in `np.subtract(…, dtype=np.float32)`.",
             CHECKED + "steps = q.astype(np.float32) - zero_point\nnumbers = steps * scale\n" + CLIPPED,
             CHECKED + "steps = q - zero_point\nnumbers = steps * np.float64(scale)\n" + CLIPPED),
            (raising(TypeError, "only"), "Scale and zero point may be arrays, one ruler a row. Leave them as they are, without `float` or `int`.",
             CHECKED + "steps = q.astype(np.float32) - float(zero_point)\n" + TIMES + CLIPPED)])
        expect(dequantize_int8(q, scale, zero_point), np.float32([[1, 2], [-4, -2]]))

    def the_largest_number_comes_back_finite():
        """The largest numbers come back finite"""
        q, scale, zero_point = quantize_int8(np.float32([-LARGEST, LARGEST]))
        expect(np.isfinite(dequantize_int8(q, scale, zero_point)).all(), True, mistakes=[
            (False, "The last code lies half a step beyond the largest float32, and has become infinite. The given last line brings it back.",
             CHECKED + STEPS + TIMES + "return numbers")])

    def what_is_no_code_is_refused():
        """What is no int8, and a scale that is not positive, are refused"""
        expect_raises(TypeError, lambda: dequantize_int8(np.float32([1]), 1.0, 0), mentions=["must be an int8 array"], mistakes=[
            (np.float32([1]), "A float32 array went through. The given first line refuses it; keep it.",
             STEPS + TIMES + CLIPPED)])
        expect_raises(ValueError, lambda: dequantize_int8(np.int8([1]), 0.0, 0), mentions=["positive"])
        expect(dequantize_int8(np.int8([3]), 2.0, 1), np.float32([4]))

    wrong = [
        (CHECKED + "steps = np.subtract(q, zero_point, dtype=np.int8)\n" + TIMES + CLIPPED, "255"),
    ]

    right = [
        CHECKED + STEPS + TIMES + CLIPPED,
        CHECKED + "steps = q.astype(np.float32) - np.asarray(zero_point, dtype=np.float32)\n" + TIMES + CLIPPED,
        CHECKED + "with np.errstate(over='ignore'):\n    numbers = ((q.astype(int) - zero_point) * np.float64(scale)).astype(np.float32)\n" + CLIPPED,
    ]

    equivalent = [
        ('return np.clip(numbers, -LARGEST, LARGEST)  ->  return np.clip(-LARGEST, numbers, LARGEST)', 'the larger of two is the same in either order'),
        ("with np.errstate(over='ignore'):  ->  if True:", "it keeps a warning away, which no browser's NumPy gives; no number changes"),
        ("with np.errstate(over='ignore'):  ->  with np.errstate():", "it keeps a warning away, which no browser's NumPy gives; no number changes"),
        ('numbers = np.multiply(steps, scale, dtype=np.float32)  ->  numbers = np.multiply(steps, scale)', 'a scale is a number or an array of float32, and with either float32 stays float32'),
    ]


class exercise_value_range:

    def a_range_for_each_row():
        """A range for each row, in a shape that broadcasts"""
        x = np.float32([[1, 3], [-2, -1]])
        expect(value_range(x, 0), (np.float32([[0], [-2]]), np.float32([[3], [0]])), mistakes=[
            (lambda got: np.array_equal(got[0].ravel(), [1, -2]), "0 must lie in every range, so that it has a code. The lowest of the first row is 1, and its range begins at 0.",
             OTHERS + LOW.replace(", initial=0", "") + HIGH.replace(", initial=0", "") + "return low, high"),
            (lambda got: got[0].shape == (1, 2), "That is a range for each column. `axis` is the one along which each position has its own range; look over the others.",
             "low = np.min(x, axis=axis, keepdims=True, initial=0)\nhigh = np.max(x, axis=axis, keepdims=True, initial=0)\nreturn low, high"),
            (lambda got: got[0].shape == (2,), "The values are right, and their shape does not broadcast to x. Keep the axes: `keepdims=True`.",
             OTHERS + LOW.replace("keepdims=True, ", "") + HIGH.replace("keepdims=True, ", "") + "return low, high"),
            (lambda got: got[0].shape == (1, 1), "That is one range for all. Look over all axes but `axis`.",
             "others = tuple(range(x.ndim))\n" + LOW + HIGH + "return low, high"),
            (raising(TypeError, "integer"), "NumPy takes several axes as a tuple, not as a list or a generator.",
             OTHERS.replace("tuple(k for k in range(x.ndim) if k != axis)", "[k for k in range(x.ndim) if k != axis]") + LOW + HIGH + "return low, high"),
            (lambda got: np.array_equal(got[0].ravel(), [3, 0]), "Lowest and highest have changed places.",
             OTHERS + LOW + HIGH + "return high, low"),
            (lambda got: np.array_equal(got[0].ravel(), [1, 0]), "The lower end is at 0 or below it: of the lowest value and 0 it is the smaller one.",
             OTHERS + "low = np.maximum(np.min(x, axis=others, keepdims=True), 0)\n" + HIGH + "return low, high")])

    def one_range_for_all():
        """Without an axis one range for all, still with x's number of axes"""
        x = np.float32([[1, 3], [-2, -1]])
        expect(value_range(x), (np.float32([[-2]]), np.float32([[3]])), mistakes=[
            (lambda got: np.ndim(got[0]) == 0, "The values are right, and they have no axes. Keep those of x, with size 1.",
             "if axis is None:\n    return min(x.min(), 0), max(x.max(), 0)\n" + OTHERS + LOW + HIGH + "return low, high"),
            (raising(TypeError, "NoneType"), "`axis` is None here: no axis is left out.",
             "others = tuple(k for k in range(x.ndim) if k < axis or k > axis)\n" + LOW + HIGH + "return low, high"),
            (lambda got: got[0].shape == (2, 2), "That is a range for each number. With `axis=None` look over all axes; an empty tuple means over none.",
             "others = () if axis is None else tuple(k for k in range(x.ndim) if k != axis)\n" + LOW + HIGH + "return low, high")])
        expect(value_range(np.float32([5]))[0], np.float32([0]))
        expect(value_range(np.float32([-5]))[1], np.float32([0]))

    def a_kernel_has_four_axes():
        """Kernels have four axes"""
        x = np.arange(-12, 12, dtype=np.float32).reshape(2, 3, 2, 2)
        low, high = value_range(x, 0)
        expect(low.shape, (2, 1, 1, 1), mistakes=[
            (lambda got: len(got) == 4, "Kernels have four axes, and the range goes over three of them. Count on any number: `range(x.ndim)`.",
             "others = None if axis is None else 1 - axis\nlow = np.min(x, axis=others, keepdims=True, initial=0)\nhigh = np.max(x, axis=others, keepdims=True, initial=0)\nreturn low, high")])
        expect((low.ravel().tolist(), high.ravel().tolist()), ([-12, 0], [0, 11]))
        expect(value_range(x, 1)[0].shape, (1, 3, 1, 1))

    def an_array_without_numbers():
        """An array without any number in it has the range from 0 to 0"""
        expect(value_range(np.zeros((0, 3), np.float32), 1), (np.zeros((1, 3), np.float32), np.zeros((1, 3), np.float32)), mistakes=[
            (raising(ValueError, "zero-size"), "There is no lowest of no numbers. With `initial=0` 0 takes part like one more number, and is the answer where it is the only one.",
             OTHERS + "low = np.minimum(np.min(x, axis=others, keepdims=True), 0)\nhigh = np.maximum(np.max(x, axis=others, keepdims=True), 0)\nreturn low, high")])

    wrong = [
        (OTHERS + LOW + HIGH.replace("np.max", "np.min") + "return low, high", "expected"),
    ]

    right = [
        OTHERS + LOW + HIGH + "return low, high",
        "others = None if axis is None else tuple({*range(x.ndim)} - {axis})\nreturn x.min(axis=others, keepdims=True, initial=0), x.max(axis=others, keepdims=True, initial=0)",
        ("axes = [k for k in range(x.ndim) if k != axis]\nlow = high = x\nfor k in axes:\n    low = np.min(low, axis=k, keepdims=True, initial=0)\n"
         "    high = np.max(high, axis=k, keepdims=True, initial=0)\nreturn low, high"),
    ]


class exercise_observe:

    def zero_and_all_that_passed():
        """The range holds 0 and all that passed"""
        observer = RangeObserver()
        observer.observe(np.float32([1, 4]))
        expect((observer.low, observer.high), (0.0, 4.0), mistakes=[
            ((1.0, 4.0), "0 must lie in the range, so that it has a code. At the first call the range so far is from 0 to 0.",
             SEEN + ANY + ENDS + "self.low = float(low) if self.low is None else min(self.low, float(low))\nself.high = float(high) if self.high is None else max(self.high, float(high))"),
            ((None, None), "Nothing was written down. The range is kept in `self.low` and `self.high`.",
             SEEN + ANY + ENDS + "low, high = min(0.0, float(low)), max(0.0, float(high))",
             SEEN + ANY + ENDS + "return min(0.0, float(low)), max(0.0, float(high))"),
            (lambda got: got == (0.0, 1.0), "The two ends have changed places: the lower one is at 100 − percentile.",
             SEEN + ANY + "low, high = np.percentile(x, [self.percentile, 100 - self.percentile])\n" + LOWER + HIGHER)])

    def the_first_call():
        """Before the first call there is no range"""
        observer = RangeObserver()
        observer.observe(np.float32([-3, -1]))
        expect((observer.low, observer.high), (-3.0, 0.0), mistakes=[
            ((-3.0, -1.0), "0 must lie in the range, so that it has a code, also where all numbers are negative.",
             SEEN + ANY + ENDS + LOWER + "self.high = float(high) if self.high is None else max(self.high, float(high))")])

    def the_range_only_grows():
        """Another batch makes the range wider and never narrower"""
        observer = RangeObserver()
        observer.observe(np.float32([-1, 4]))
        observer.observe(np.float32([[-2]]))
        expect((observer.low, observer.high), (-2.0, 4.0), mistakes=[
            ((-2.0, 0.0), "That is the range of the last batch alone. What passed before counts too.",
             SEEN + ANY + ENDS + "self.low, self.high = min(0.0, float(low)), max(0.0, float(high))"),
            ((-1.0, 0.0), "The range became narrower. The lower end is the smaller of both, the upper one the larger.",
             SEEN + ANY + ENDS + "self.low = min(0.0, float(low)) if self.low is None else max(self.low, float(low))\nself.high = max(0.0, float(high)) if self.high is None else min(self.high, max(0.0, float(high)))"),
            ((-1.0, 4.0), "That is the range of the first batch. Each call may widen it.",
             SEEN + ANY + "if self.low is not None:\n    return\n" + ENDS + LOWER + HIGHER)])
        observer.observe(np.float32([9, 1]))
        expect((observer.low, observer.high), (-2.0, 9.0))

    def what_lies_beyond_the_percentile_is_given_up():
        """With percentile 90 a tenth is given up at either end"""
        observer = RangeObserver(percentile=90)
        observer.observe(np.arange(101, dtype=np.float32) - 50)
        expect((observer.low, observer.high), (-40.0, 40.0), mistakes=[
            ((-50.0, 50.0), "Nothing was given up. `np.percentile(x, [10, 90])` says where the outer tenths begin.",
             SEEN + ANY + "low, high = x.min(), x.max()\n" + LOWER + HIGHER),
            ((-45.0, 45.0), "Half a tenth was given up at either end. With percentile 90 the upper end is at 90 percent, the lower one at 10.",
             SEEN + ANY + "rest = (100 - self.percentile) / 2\nlow, high = np.percentile(x, [rest, 100 - rest])\n" + LOWER + HIGHER),
            (lambda got: -50 < got[0] < -49, "`np.percentile` counts from 0 to 100, as self.percentile does; `np.quantile` from 0 to 1.",
             SEEN + ANY + "low, high = np.percentile(x, [1 - self.percentile / 100, self.percentile / 100])\n" + LOWER + HIGHER),
            ((-50.0, 40.0), "Only the upper end was given up. The lower one is at 100 − percentile.",
             SEEN + ANY + "low, high = x.min(), np.percentile(x, self.percentile)\n" + LOWER + HIGHER)])

    def the_ends_are_floats():
        """Both ends are floats, also where an end is 0"""
        above, below = RangeObserver(), RangeObserver()
        above.observe(np.float32([1, 4]))
        below.observe(np.float32([-3, -1]))
        kinds = [type(end).__name__ for end in (above.low, above.high, below.low, below.high)]
        expect([kind for kind in kinds if kind not in ("float", "float64")], [], mistakes=[
            (lambda got: "int" in got, "An end that is 0 has stayed the whole number 0, of type int. Write `0.0`, or `float(…)` around the result.",
             SEEN + ANY + ENDS + "self.low = min(self.low or 0, float(low), 0)\nself.high = max(self.high or 0, float(high), 0)"),
            (lambda got: "float32" in got, "The ends are NumPy's float32. `float(…)` makes Python numbers of them, which scale and zero point are, too.",
             SEEN + ANY + "low, high = np.percentile(x, [100 - self.percentile, self.percentile]).astype(np.float32)\nself.low = np.minimum(np.float32(self.low or 0), low)\nself.high = np.maximum(np.float32(self.high or 0), high)")])

    def a_batch_without_numbers():
        """A batch without any number changes nothing"""
        observer = RangeObserver()
        with np.errstate(all="ignore"):
            expect((observer.observe(np.zeros((0, 4), np.float32)), observer.low, observer.high), (None, None, None), mistakes=[
                (raising((IndexError, ValueError), ""), "There is no lowest of no numbers. Ask for `x.size` first, and leave.",
                 SEEN + ENDS + LOWER + HIGHER, SEEN + "low, high = (x.min(), x.max()) if self.percentile == 100 else np.percentile(x, [100 - self.percentile, self.percentile])\n" + LOWER + HIGHER),
                (lambda got: got[1] == 0, "An empty batch has seen nothing, and a range from 0 to 0 says that zeros were seen. Leave `low` and `high` as they were.",
                 SEEN + "low, high = np.percentile(x, [100 - self.percentile, self.percentile]) if x.size else (0.0, 0.0)\n" + LOWER + HIGHER),
                (lambda got: np.isnan(got[1]), "The percentile of no numbers is NaN. Ask for `x.size` first, and leave.",
                 SEEN + "low, high = np.percentile(x, [100 - self.percentile, self.percentile]) if x.size else (np.nan, np.nan)\nself.low, self.high = np.minimum(self.low or 0.0, low), np.maximum(self.high or 0.0, high)")])
        observer.observe([2.0, -1.0])
        observer.observe([])
        expect((observer.low, observer.high), (-1.0, 2.0))

    def what_is_no_number_is_refused():
        """NaN is refused, a list is taken"""
        observer = RangeObserver()
        expect_raises(ValueError, lambda: observer.observe([np.nan, 1.0]), mentions=["NaN"], mistakes=[
            (None, "NaN went through, and no ruler is made of it. The given first line refuses it; keep it.",
             "x = np.asarray(x, np.float32)\n" + ANY + ENDS + LOWER + HIGHER)])
        observer.observe([2.0, -1.0])
        expect((observer.low, observer.high), (-1.0, 2.0))

    wrong = [
        (SEEN + ANY + ENDS + "self.low = min(self.low, float(low))\nself.high = max(self.high, float(high))", "NoneType"),
    ]

    right = [
        SEEN + ANY + ENDS + LOWER + HIGHER,
        SEEN + "if x.size:\n    rest = 1 - self.percentile / 100\n    low, high = np.quantile(x, [rest, 1 - rest])\n    self.low = min(self.low or 0.0, float(low))\n    self.high = max(self.high or 0.0, float(high))",
        (SEEN + "if not x.size:\n    return\nif self.low is None:\n    self.low = self.high = 0.0\nself.low = float(np.minimum(self.low, np.percentile(x, 100 - self.percentile)))\n"
         "self.high = float(np.maximum(self.high, np.percentile(x, self.percentile)))"),
    ]


class exercise_exact_float32_matmul:

    def whole_numbers():
        """Sums of products, as int32"""
        a, b = np.int8([[1, 2, 0], [100, 100, 0]]), np.int8([[3, 2], [-4, 1], [5, 6]])
        expect(exact_float32_matmul(a, b), np.int32([[-5, 4], [-100, 300]]), mistakes=[
            (lambda got: got.dtype != np.int32 and np.array_equal(got, [[-5, 4], [-100, 300]]), "The numbers are right, and their type is not int32, in which all layers count on.",
             TOTAL.replace("int32", "float32") + EACH + BLOCK + "    total += block\nreturn total"),
            (lambda got: got[1, 1] == 44, "In int8 300 has become 44. Make float32 of both sides before the product.",
             TOTAL + EACH + "    total += (a[:, start:stop] @ b[start:stop]).astype(np.int32)\nreturn total",
             "return (a @ b).astype(np.int32)"),
            (raising(TypeError, "Cannot cast"), "The product is right, and NumPy does not add it to a total of int32: int32 plus float32 is float64, and `+=` would have to cut that off. Make whole numbers of each block's sum first, with `astype`.",
             TOTAL + EACH + BLOCK + "    total += block\nreturn total"),
            (raising(ValueError, "matmul"), "The inner axis is the columns of `a` and the rows of `b`: `a[:, start:stop]` and `b[start:stop]`.",
             TOTAL + EACH + BLOCK.replace("b[start:stop]", "b[:, start:stop].T") + ADD),
            (lambda got: got.shape == (2, 2) and not got.any(), "Nothing was added to the total.",
             TOTAL + EACH + BLOCK + "return total")])

    def a_long_sum_is_exact():
        """Sums of several thousand products are exact to the last digit"""
        a, b = np.full((2, 2049), -128, np.int8), np.full((2049, 1), -128, np.int8)
        a[:, 0], b[0] = 1, 1
        expect(exact_float32_matmul(a, b), np.int32([[33554433], [33554433]]), rtol=0, atol=0, mistakes=[
            (lambda got: got[1, 0] == 33554432, "One is missing in 33,554,433: beyond 2²⁴ a float32 rounds. Multiply blocks of EXACT_TERMS, and add them up as int32.",
             "return (a.astype(np.float32) @ b.astype(np.float32)).astype(np.int32)",
             TOTAL.replace("int32", "float32") + EACH + BLOCK + "    total += block\nreturn total.astype(np.int32)",
             TOTAL + EACH.replace("EXACT_TERMS", "2048") + BLOCK + ADD),
            (lambda got: got[1, 0] == 33538049, "The last block, of one product, was left out. A slice beyond the end is cut off there, so go on to the end.",
             TOTAL + EACH.replace("a.shape[1], EXACT_TERMS", "a.shape[1] - EXACT_TERMS + 1, EXACT_TERMS") + BLOCK + ADD,
             TOTAL + "for number in range(a.shape[1] // EXACT_TERMS):\n    start = number * EXACT_TERMS\n    stop = start + EXACT_TERMS\n" + BLOCK + ADD),
            (lambda got: got[1, 0] == 16384, "That is the last block alone. Add each block to the total.",
             TOTAL + EACH + BLOCK + "    total = block.astype(np.int32)\nreturn total"),
            (lambda got: got[1, 0] == 16760833, "That is the first block alone. The `return` stands in the loop.",
             TOTAL + EACH + BLOCK + "    total += block.astype(np.int32)\n    return total"),
            (lambda got: got[0, 0] > 33554433, "The blocks overlap: each begins where the last one ended.",
             TOTAL + EACH.replace("stop = start + EXACT_TERMS", "stop = start + EXACT_TERMS + 1") + BLOCK + ADD)])
        full = np.full((1, 131071), -128, np.int8)
        expect(exact_float32_matmul(full, full.T), np.int32([[2147467264]]), rtol=0, atol=0)

    def sizes_at_the_edge():
        """One block, and an inner axis of length 0"""
        expect(exact_float32_matmul(np.zeros((2, 0), np.int8), np.zeros((0, 3), np.int8)), np.zeros((2, 3), np.int32), mistakes=[
            (lambda got: np.ndim(got) == 0, "With an inner axis of length 0 there is no block at all, and the plain 0 that you began with came back. Begin with zeros of shape (M, N).",
             "total = 0\n" + EACH + BLOCK + "    total = total + block.astype(np.int32)\nreturn total"),
            (raising((ValueError, NameError, IndexError, TypeError, AttributeError), ""), "With an inner axis of length 0 there is no block at all, and every sum is 0. Begin with zeros.",
             "total = None\n" + EACH + BLOCK + "    total = block.astype(np.int32) if total is None else total + block.astype(np.int32)\nreturn total.astype(np.int32)")])
        a = np.arange(12, dtype=np.int8).reshape(3, 4)
        with expect_unchanged(a):
            exact_float32_matmul(a, a.T)
        expect(exact_float32_matmul(a[::2, ::-1], a.T[::-1]), (a[::2].astype(int) @ a.T.astype(int)).astype(np.int32))

    def only_a_block_is_float32():
        """No more than a block is float32 at a time"""
        a, b = np.ones((2, 65536), np.int8), np.ones((65536, 2), np.int8)
        expect(exact_float32_matmul(a, b), np.full((2, 2), 65536, np.int32))
        expect(peak(lambda: exact_float32_matmul(a, b)) < 200_000, True, mistakes=[
            (False, "A whole matrix was converted, four bytes for each of its numbers or more. Take the slices first, then `astype`.",
             "a, b = a.astype(np.float32), b.astype(np.float32)\n" + TOTAL + EACH + "    total += (a[:, start:stop] @ b[start:stop]).astype(np.int32)\nreturn total",
             "return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int32)")])

    def multiplied_as_float32():
        """The products are float32, for which NumPy is fast"""
        seen = []
        class Watched(np.ndarray):
            def __array_ufunc__(self, ufunc, method, *inputs, **options):
                if ufunc is np.matmul:
                    seen.append(str(inputs[0].dtype))
                return getattr(ufunc, method)(*map(np.asarray, inputs), **options)
        a, b = np.ones((2, 1500), np.int8).view(Watched), np.ones((1500, 3), np.int8).view(Watched)
        expect(np.array(exact_float32_matmul(a, b)), np.full((2, 3), 1500, np.int32))
        expect([kind for kind in seen if "int" in kind], [], mistakes=[
            (lambda got: got[0] != "int8", "Whole numbers were multiplied, for which NumPy has plain loops only, many times slower than its float32 product. Make float32 of both sides first.",
             TOTAL + EACH + BLOCK.replace("float32", "int32") + ADD,
             "return a.astype(np.int32) @ b.astype(np.int32)",
             TOTAL + EACH + "    total += (a[:, start:stop].astype(np.int64) @ b[start:stop]).astype(np.int32)\nreturn total")])

    wrong = [
        (TOTAL + EACH.replace("range(0,", "range(1,") + BLOCK + ADD, "expected"),
    ]

    right = [
        TOTAL + EACH + BLOCK + ADD,
        ("K = a.shape[1]\ntotal = np.zeros((len(a), b.shape[1]), dtype=np.int32)\nfirst = 0\nwhile first < K:\n    left = a[:, first:first + 1024].astype('f4')\n"
         "    right = b[first:first + 1024].astype('f4')\n    total = total + np.matmul(left, right).astype(np.int32)\n    first += 1024\nreturn total"),
        ("total = np.zeros((a.shape[0], b.shape[1]), np.int64)\nfor start in range(0, a.shape[1], 500):\n    part = slice(start, start + 500)\n"
         "    total += np.rint(np.float32(a[:, part]) @ np.float32(b[part])).astype(np.int64)\nreturn total.astype(np.int32)"),
    ]


class exercise_rescale:

    def corrected_scaled_moved():
        """Corrected by the zero point, multiplied by the scale, the bias added"""
        sums, weight_sums, scale, bias = np.int32([[100]]), np.int32([10]), np.float32([0.5]), np.float32([1])
        expect(rescale(sums, 2, weight_sums, scale, bias), np.float32([[41]]), mistakes=[
            (lambda got: got.dtype == np.float64 and got[0, 0] == 41, "The number is right, and float64: int32 times float32 is that in NumPy. `np.multiply` takes `dtype=np.float32`.",
             CORRECTED + "numbers = sums * scale\n" + BIAS),
            (np.float32([[61]]), "The zero point times the weights was counted too much in the sum: take it away.",
             CORRECTED.replace("sums - zero", "sums + zero") + NUMBERS + BIAS),
            (np.float32([[51]]), "The zero point is not corrected for: each of the products had z · q_w too much in it.",
             NUMBERS + BIAS),
            (np.float32([[40.5]]), "The bias is a number, not a code: add it after the multiplication.",
             CORRECTED + "sums = sums + (0 if bias is None else bias)\n" + NUMBERS + "return numbers"),
            (np.float32([[50]]), "Each product had the zero point times its weight too much in it, so it is the zero point times the sum of the weights.",
             CORRECTED.replace("zero_point * weight_sums", "zero_point") + NUMBERS + BIAS),
            (np.float32([[161]]), "You divided by the scale. It is the length of a step, so multiply.",
             CORRECTED + NUMBERS.replace("multiply", "divide") + BIAS),
            (np.float32([[40]]), "The bias is missing.", CORRECTED + NUMBERS + "return numbers"),
            (np.float32([[39]]), "The bias is added, not taken away.", CORRECTED + NUMBERS + BIAS.replace("+=", "-=")),
            (np.float32([[81]]), "The scale is missing: the sum is still in steps.", CORRECTED + "numbers = sums.astype(np.float32)\n" + BIAS)])

    def without_a_bias():
        """A bias may be None, and may have several numbers"""
        sums, weight_sums, scale = np.int32([[10, 20], [30, 40]]), np.int32([1, 2]), np.float32([1, 0.5])
        expect(rescale(sums, 3, weight_sums, scale), np.float32([[7, 7], [27, 17]]), mistakes=[
            (raising(TypeError, "NoneType"), "The bias is None here: there is none to add. Ask `bias is not None`.",
             CORRECTED + NUMBERS + "return numbers + bias")])
        sums = np.int32([[10, 20], [30, 40]])
        expect(rescale(sums, 3, weight_sums, scale, np.float32([0, 100])), np.float32([[7, 107], [27, 117]]), mistakes=[
            (raising(ValueError, "truth value"), "An array of several numbers is neither true nor false. Ask `bias is not None`.",
             CORRECTED + NUMBERS + "if bias:\n    numbers += bias\nreturn numbers",
             CORRECTED + NUMBERS + "return numbers + (bias or 0)")])

    def outputs_down_the_rows():
        """What there is for each output may stand in a column"""
        sums, weight_sums, scale = np.int32([[10, 20], [30, 40]]), np.int32([[1], [2]]), np.float32([[1], [0.5]])
        expect(rescale(sums, -1, weight_sums, scale, np.float32([[0], [100]])), np.float32([[11, 21], [116, 121]]), mistakes=[
            (lambda got: got.shape == (2, 2) and np.allclose(got, [[11, 111], [31, 121]]), "In a convolution the outputs are the rows, and what belongs to each stands in a column. Leave the shapes as they are: they broadcast.",
             CORRECTED.replace("weight_sums", "weight_sums.ravel()") + NUMBERS.replace("scale", "scale.ravel()") + "if bias is not None:\n    numbers += bias.ravel()\nreturn numbers")])

    def whole_until_the_end():
        """All stays whole until the multiplication"""
        expect(rescale(np.int32([[2**30 + 1]]), 1, np.int32([2**30]), np.float32([1])), np.float32([[1]]), mistakes=[
            (lambda got: got[0, 0] in (0, 64), "The difference is 1, and float32 has lost it: it has 24 bits, and these sums 31. Subtract the whole numbers, then multiply.",
             "numbers = sums.astype(np.float32) - np.float32(zero_point) * weight_sums.astype(np.float32)\nnumbers *= scale\n" + BIAS,
             "numbers = np.multiply(sums, scale, dtype=np.float32) - np.multiply(zero_point * weight_sums, scale, dtype=np.float32)\n" + BIAS)])

    def float32_comes_out():
        """float32 comes out"""
        sums, weight_sums, scale, bias = np.int32([[100]]), np.int32([10]), np.float32([0.5]), np.float32([1])
        expect(str(rescale(sums, 2, weight_sums, scale, bias).dtype), "float32", mistakes=[
            ("float64", "int32 times float32 is float64, twice the bytes. `np.multiply` takes `dtype=np.float32`.",
             CORRECTED + "numbers = sums * scale\n" + BIAS)])

    def what_is_given_stays():
        """What is given stays as it was"""
        sums, weight_sums, scale, bias = np.int32([[100]]), np.int32([10]), np.float32([0.5]), np.float32([1])
        with expect_unchanged(sums, weight_sums, scale, bias):
            expect(rescale(sums, 2, weight_sums, scale, bias).item(), 41.0)

    wrong = [
        ("sums -= zero_point * weight_sums\n" + NUMBERS + BIAS, "changed its input"),
        ("sums -= zero_point * weight_sums\nnumbers = sums * scale\n" + BIAS, "changed its input"),
    ]

    right = [
        CORRECTED + NUMBERS + BIAS,
        "whole = np.subtract(sums, weight_sums * zero_point)\nreturn (whole.astype(np.float32) * scale + (0 if bias is None else bias)).astype(np.float32)",
        "numbers = (sums - zero_point * weight_sums) * np.float64(scale)\nif bias is not None:\n    numbers = numbers + bias\nreturn numbers.astype(np.float32)",
    ]


class exercise_quantize_model:

    def the_layers_are_replaced():
        """Each Linear is replaced, and the ReLU stays"""
        from tinytorch import ReLU, Sequential
        model = Sequential(Linear(4, 8, rng=0), ReLU(), Linear(8, 2, rng=1))
        x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
        expect([type(layer).__name__ for layer in quantize_model(model, x)], ["QuantizedLinear", "ReLU", "QuantizedLinear"], mistakes=[
            (["Sequential"], "That is the list, with the model in it. Return what it holds.",
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + REPLACED.replace("holder[0]", "holder")),
            (["Linear", "ReLU", "Linear"], "Nothing was replaced. Are the layers that you observed those of the copy that you return, and does `replace_layers` work on that copy?",
             BATCHES + TWIN + OBSERVED.replace("twin", "model") + REACHED + TWINS + REPLACED,
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + REPLACED.replace("holder = [twin]", "holder = [inference_copy(model)]"),
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + "return twin"),
            (raising(TypeError, "NoneType"), "None came back. `replace_layers` works in place and returns nothing. And `get` without a second argument gives None for all that is not in the dict, the model itself too.",
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + "return replace_layers([twin], lambda layer: quantized.get(layer, layer))",
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + REPLACED.replace("quantized.get(layer, layer)", "quantized.get(layer)")),
            (raising(KeyError, ""), "`replace_layers` asks about every layer, the ReLU and the model itself too. Those that are not in the dict stay: `dict.get(key, default)`.",
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + REPLACED.replace("quantized.get(layer, layer)", "quantized[layer]")),
            (["RangeObserver", "ReLU", "RangeObserver"], "The observers were put in the place of the layers. `quantized_layer(layer, observer)` makes the twins.",
             BATCHES + TWIN + OBSERVED + REACHED + REPLACED.replace("quantized.get", "observers.get"))])
        exact = model(Tensor(x)).data
        expect(bool(np.abs(quantize_model(model, x)(Tensor(x)).data - exact).max() < 0.05), True)

    def the_original_stays():
        """The model itself stays as it was, and the copy is for use"""
        from tinytorch import Sequential
        model = Sequential(Linear(4, 2, rng=0))
        small = quantize_model(model, np.ones((3, 4), np.float32))
        expect(type(model[0]).__name__, "Linear", mistakes=[
            ("QuantizedLinear", "The model itself has been changed, and can no longer learn. Work on `inference_copy(model)`.",
             BATCHES + "twin = model\n" + OBSERVED + REACHED + TWINS + REPLACED)])
        expect(small.training, False, mistakes=[
            (True, "The copy is still in training mode. `inference_copy` makes one for use.",
             BATCHES + "import copy\ntwin = copy.deepcopy(model)\n" + OBSERVED + REACHED + TWINS + REPLACED)])

    def the_model_may_be_a_layer():
        """The model itself may be a Linear or a Conv2d"""
        model = Linear(4, 2, rng=0)
        expect(type(quantize_model(model, np.ones((3, 4), np.float32))).__name__, "QuantizedLinear", mistakes=[
            ("Linear", "Here the model itself is the layer to replace, and nothing holds it. Put the copy into a list of one, and return what that holds afterwards.",
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + "replace_layers(twin, lambda layer: quantized.get(layer, layer))\nreturn twin",
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + REPLACED.replace("holder[0]", "twin"))])
        conv = Conv2d(1, 2, 3, rng=0)
        expect(type(quantize_model(conv, np.ones((1, 1, 4, 4), np.float32))).__name__, "QuantizedConv2d", mistakes=[
            (raising(TypeError, "needs a Linear"), "A Conv2d has another twin than a Linear. `quantized_layer` knows both.",
             BATCHES + TWIN + OBSERVED + REACHED + "quantized = {layer: QuantizedLinear.from_linear(layer, observer) for layer, observer in observers.items()}\n" + REPLACED)])

    def nothing_was_reached():
        """Where no data reached a layer, that is said"""
        from tinytorch import ReLU, Sequential
        model = Sequential(ReLU())
        expect_raises(ValueError, lambda: type(quantize_model(model, np.ones((3, 4), np.float32))).__name__, mentions=["reached no Linear"], mistakes=[
            ("Sequential", "Nothing was reached, so nothing was made smaller, and nobody was told. Raise ValueError(NOT_REACHED).",
             BATCHES + TWIN + OBSERVED + TWINS + REPLACED)])
        expect_raises(ValueError, lambda: quantize_model(Linear(4, 2), np.zeros((0, 4), np.float32)), mentions=["reached no Linear"])
        expect_raises(ValueError, lambda: quantize_model(Linear(4, 2), []), mentions=["reached no Linear"])

    def one_twin_for_two_names():
        """A layer without data stays, and one with two names has one twin"""
        from tinytorch import Sequential
        class Odd(Layer):
            def __init__(self):
                self.first = self.again = Linear(4, 4, rng=0)
                self.inner, self.never = Sequential(Linear(4, 4, rng=1)), Linear(4, 4, rng=2)
            def forward(self, x):
                return self.inner(self.again(self.first(x)))
        small = quantize_model(Odd(), np.ones((3, 4), np.float32))
        expect((type(small.inner[0]).__name__, type(small.never).__name__), ("QuantizedLinear", "Linear"), mistakes=[
            (lambda got: got[0] == "Linear", "A layer deeper inside was not replaced. `replace_layers` looks at any depth.",
             BATCHES + TWIN + OBSERVED + REACHED + TWINS + "if twin in quantized:\n    return quantized[twin]\nholder = twin.steps if hasattr(twin, 'steps') else vars(twin)\nfor key, layer in (list(enumerate(holder)) if isinstance(holder, list) else list(holder.items())):\n    if isinstance(layer, Layer):\n        holder[key] = quantized.get(layer, layer)\nreturn twin")])
        expect(small.again is small.first, True, mistakes=[
            (False, "One layer with two names has become two, and takes its memory twice. Make all twins first, and look them up.",
             BATCHES + TWIN + OBSERVED + REACHED + "holder = [twin]\nreplace_layers(holder, lambda layer: quantized_layer(layer, observers[layer]) if layer in observers else layer)\nreturn holder[0]")])

    def the_percentile_is_handed_on():
        """The percentile is handed on to the observers"""
        x = np.arange(-50, 51, dtype=np.float32).reshape(101, 1)
        small = quantize_model(Linear(1, 1, rng=0), x, percentile=90)
        expect(small.input_scale.item(), 80 / 255, mistakes=[
            (lambda got: np.isclose(got, 100 / 255), "The ruler reaches to the last outlier: the percentile was not handed on to `observe_inputs`.",
             BATCHES + TWIN + OBSERVED.replace("percentile", "100.0") + REACHED + TWINS + REPLACED)])

    def what_is_no_data_is_refused():
        """What is no data is refused, and one array is one batch"""
        expect_raises(TypeError, lambda: quantize_model(Linear(4, 2), None), mentions=["calibration_data is NoneType"], mistakes=[
            (lambda error: isinstance(error, Exception), "The sentence comes from the inside. The given first line says it in terms of the data.",
             "batches = [calibration_data] if isinstance(calibration_data, np.ndarray) else calibration_data\n" + TWIN + OBSERVED + REACHED + TWINS + REPLACED)])
        expect(type(quantize_model(Linear(4, 2), [(np.ones((2, 4), np.float32), 0)])).__name__, "QuantizedLinear")

    wrong = [
        (BATCHES + TWIN + OBSERVED + REACHED + TWINS + "quantized = list(quantized.values())\nreturn Sequential(*quantized)", "ReLU"),
    ]

    right = [
        BATCHES + TWIN + OBSERVED + REACHED + TWINS + REPLACED,
        (BATCHES + "holder = [inference_copy(model)]\nobservers = observe_inputs(holder[0], batches, percentile)\nif len(observers) == 0:\n    raise ValueError(NOT_REACHED)\n"
         "twins = {}\nfor layer in observers:\n    twins[layer] = quantized_layer(layer, observers[layer])\ndef swap(layer):\n    return twins[layer] if layer in twins else layer\n"
         "replace_layers(holder, swap)\nreturn holder.pop()"),
        (BATCHES + TWIN + "twins = {layer: quantized_layer(layer, seen) for layer, seen in observe_inputs(twin, batches, percentile).items()}\nif not twins:\n    raise ValueError(NOT_REACHED)\n"
         "if twin in twins:\n    return twins[twin]\nreplace_layers(twin, lambda layer: twins.get(layer, layer))\nreturn twin"),
    ]


class exercise_quantized_conv2d:

    def the_company_does_not_matter():
        """A picture gets the same numbers alone and with others"""
        rng, observer = np.random.default_rng(0), RangeObserver()
        observer.observe([-1.0, 2.0])
        conv = Conv2d(2, 3, 3, padding=1, rng=0)
        layer = QuantizedConv2d.from_conv2d(conv, observer)
        dark = Tensor(rng.uniform(0, 0.2, (1, 2, 5, 5)).astype(np.float32))
        bright = rng.uniform(-1, 2, (1, 2, 5, 5)).astype(np.float32)
        expect(layer(dark), Tensor(conv(dark).data), atol=0.1, mistakes=[
            (raising(AttributeError, "QuantizedConv2d"), "A layer has its weights, and beside them what calibration found: `self.input_scale` and `self.input_zero_point`. `self.codes(x)` uses both.",
             IMAGES + "q = quantize_with(x.data, self.scale, self.zero_point)\nq = pad_images(q, self.padding, self.zero_point)\n" + SIZES + BLOCKS + SUMS + OUT),
            (raising((TypeError, AttributeError), "'Tensor'"), "`x` is a Tensor, and NumPy computes with arrays. `self.codes(x)` takes the Tensor.",
             IMAGES + "q = quantize_with(x, self.input_scale, self.input_zero_point)\nq = pad_images(q, self.padding, self.input_zero_point.item())\n" + SIZES + BLOCKS + SUMS + OUT),
            (lambda got: np.allclose(got.data[:, :, 1:-1, 1:-1], conv(dark).data[:, :, 1:-1, 1:-1], atol=0.1), "Inside the picture the numbers are right, and at its border they are not. The border is the number 0 in the codes of calibration: neither always the same code nor the zero point of this batch.",
             IMAGES + "q = pad_images(self.codes(x), self.padding, quantize_int8(x)[2])\n" + SIZES + BLOCKS + SUMS + OUT,
             IMAGES + "q = pad_images(self.codes(x), self.padding)\n" + SIZES + BLOCKS + SUMS + OUT,
             IMAGES + "q = pad_images(self.codes(x), self.padding, LOWEST)\n" + SIZES + BLOCKS + SUMS + OUT),
            (lambda got: np.abs(got.data).max() > 3 * np.abs(conv(dark).data).max(), "The picture is darker than those of calibration, and its numbers come out many times too large: q was made with the lowest and the highest number of this batch, and `self.numbers` uses the scale that calibration has found. `self.codes` uses that too.",
             IMAGES + "q, scale, zero_point = quantize_int8(x)\nq = pad_images(q, self.padding, self.input_zero_point.item())\n" + SIZES + BLOCKS + SUMS + OUT,
             IMAGES + "q, scale, zero_point = quantize_int8(x)\nq = pad_images(q, self.padding, zero_point)\n" + SIZES + BLOCKS + SUMS + OUT)])
        expect(layer(Tensor(np.concatenate([dark.data, bright]))).data[0], layer(dark).data[0])

    def the_border_is_black():
        """The border is made of the number 0"""
        conv, observer = Conv2d(1, 1, 3, padding=1), RangeObserver()
        conv.weight.data[...] = 1
        observer.observe([0.0, 1.0])
        layer = QuantizedConv2d.from_conv2d(conv, observer)
        white = Tensor(np.ones((1, 1, 3, 3), np.float32))
        expect(layer(white).data[0, 0], np.float32([[4, 6, 4], [6, 9, 6], [4, 6, 4]]), atol=1e-3, mistakes=[
            (lambda got: np.allclose(got, 9, atol=1e-3), "The border is white. The number 0 has the code that is called zero point.",
             IMAGES + "q = pad_images(self.codes(x), self.padding, HIGHEST)\n" + SIZES + BLOCKS + SUMS + OUT),
            (lambda got: np.isclose(got[1, 1], 9, atol=1e-3) and got[0, 0] > 6, "In the middle it is right, and at the border too large. The border has the code 0, which stands for a grey of 0.5 here. Which code stands for 0?",
             IMAGES + "q = pad_images(self.codes(x), self.padding)\n" + SIZES + BLOCKS + SUMS + OUT,
             IMAGES + "q, scale, zero_point = quantize_int8(x)\nq = pad_images(q, self.padding)\n" + SIZES + BLOCKS + SUMS + OUT)])

    def zero_need_not_be_the_lowest_code():
        """Nor is 0 always the lowest code"""
        conv, observer = Conv2d(1, 1, 3, padding=1), RangeObserver()
        conv.weight.data[...] = 1
        observer.observe([-64.0, 191.0])
        layer = QuantizedConv2d.from_conv2d(conv, observer)
        x = Tensor(np.float32([[[[-64, 0, 0], [0, 191, 0], [0, 0, 0]]]]))
        expect(layer(x).data[0, 0], np.float32([[127, 127, 191], [127, 127, 191], [191, 191, 191]]), atol=0.05, mistakes=[
            (lambda got: got[0, 0] < 0, "Here the numbers reach from −64 to 191, and the border has become −64, the lowest. The code of 0 is the zero point that calibration has fixed, `self.input_zero_point`.",
             IMAGES + "q = pad_images(self.codes(x), self.padding, LOWEST)\n" + SIZES + BLOCKS + SUMS + OUT),
            (lambda got: got[0, 0] > 400, "Here the numbers reach from −64 to 191, and the code 0 of the border stands for 64.",
             IMAGES + "q = pad_images(self.codes(x), self.padding, 0)\n" + SIZES + BLOCKS + SUMS + OUT)])

    def like_the_float32_layer():
        """It agrees with the float32 layer, for any stride, padding and size, and its columns take one byte an element"""
        rng, observer = np.random.default_rng(1), RangeObserver()
        observer.observe([-1.0, 2.0])
        conv = Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 2), rng=0)
        conv.bias.data[...] = [1, 2, 3, 4]
        x = Tensor(rng.uniform(-1, 2, (3, 2, 6, 5)).astype(np.float32))
        x.data[0, 0, 0, :2] = -1, 2
        exact = conv(x).data
        expect(QuantizedConv2d.from_conv2d(conv, observer)(x), Tensor(exact), atol=0.06, rtol=0, mistakes=[
            (lambda got: got.shape == exact.shape and np.allclose(got.data[:, :, 1:, 2:6], exact[:, :, 1:, 2:6], atol=0.06), "Where a window lies inside its picture the numbers are right; where it reaches into the border they are not. Only the value of the border is wrong.",
             IMAGES + "q = pad_images(self.codes(x), self.padding)\n" + SIZES + BLOCKS + SUMS + OUT),
            (lambda got: got.shape == exact.shape and np.allclose(np.sort(got.data.ravel()), np.sort(exact.ravel()), atol=0.06), "All numbers are there, in the wrong places. The product has a row for each kernel and, picture by picture, a column for each window; both given lines behind it are right as they were.",
             IMAGES + CODES + SIZES + BLOCKS + SUMS + OUT.replace("numbers.reshape(O, -1, H_out * W_out).swapaxes(0, 1)", "numbers.reshape(-1, O, H_out * W_out)"))])
        x = Tensor(rng.uniform(-1, 2, (20, 8, 32, 32)).astype(np.float32))
        conv = Conv2d(8, 2, 3, padding=1, rng=0)
        expect(bool(np.abs(QuantizedConv2d.from_conv2d(conv, observer)(x).data - conv(x).data).max() < 0.1), True)
        conv, x = Conv2d(8, 2, 5, rng=0), Tensor(np.full((1, 8, 64, 64), 0.5, np.float32))
        layer = QuantizedConv2d.from_conv2d(conv, observer)
        most = 6_000_000 if kernels.fastest("int8_matmul", None) is None else 2_500_000  # without the page's kernel, NumPy's float32
        expect(peak(lambda: layer(x)) < most, True, mistakes=[
            (False, "The windows were laid out as float32 and became codes afterwards: four times the bytes, and each pixel is divided and rounded as often as a kernel has weights. First the codes, then the columns.",
             IMAGES + "x = pad_images(x.data, self.padding)\n" + SIZES + "for block in blocks(x, kernel_size, H_out * W_out):\n    columns = self.codes(Tensor(columns_of(x[block].swapaxes(0, 1), kernel_size, self.stride)))\n" + SUMS + OUT)])

    wrong = [
        (IMAGES + CODES.replace("self.input_zero_point.item()", "self.input_zero_point.item() + 1") + SIZES + BLOCKS + SUMS + OUT, "expected"),
        (IMAGES + CODES + SIZES + BLOCKS + SUMS.replace(", down=True", "") + OUT, "broadcast"),
    ]

    right = [
        IMAGES + CODES + SIZES + BLOCKS + SUMS + OUT,
        IMAGES + "q = self.codes(x)\nzero = int(self.input_zero_point)\nq = pad_images(q, self.padding, zero)\n" + SIZES + BLOCKS + SUMS + OUT,
        IMAGES + "q = pad_images(x.data, self.padding)\nq = self.codes(Tensor(q))\n" + SIZES + BLOCKS + SUMS + OUT,
        IMAGES + "scale, zero = self.input_scale, self.input_zero_point\nq = pad_images(quantize_with(x.data, scale, zero), self.padding, zero)\n" + SIZES + BLOCKS + SUMS + OUT,
    ]

    equivalent = [
        ('out[block] = numbers.reshape(O, -1, H_out * W_out).swapaxes(0, 1)  ->  out[block] = numbers.reshape(O, -1, H_out * W_out).swapaxes(1, 0)', 'two axes are exchanged either way'),
        ("columns = kernels.fastest('columns', columns_of)(q[block].swapaxes(0, 1), kernel_size, self.stride)  ->  columns = kernels.fastest('columns', columns_of)(q[block].swapaxes(1, 0), kernel_size, self.stride)", 'two axes are exchanged either way'),
        ('weight = self.weight.reshape(O, -1)  ->  weight = self.weight.reshape(O, -2)', 'reshape takes every negative size for -1'),
        ('out[block] = numbers.reshape(O, -1, H_out * W_out).swapaxes(0, 1)  ->  out[block] = numbers.reshape(O, -2, H_out * W_out).swapaxes(0, 1)', 'reshape takes every negative size for -1'),
    ]


class exercise_pack_int4:

    def two_codes_in_a_byte():
        """The first code is the lower half of a byte, the second the upper"""
        expect(pack_int4(np.int8([1, 2, 3, 4])), np.uint8([33, 67]), mistakes=[
            (np.uint8([18, 52]), "The halves have changed places: the first code is the lower half.",
             FITS + HALVES + "return halves[1::2] | halves[::2] << 4"),
            (np.uint8([49, 66]), "The first half of the codes went into the lower halves. Neighbours share a byte: slices with a step of 2.",
             FITS + HALVES + "middle = halves.size // 2\nreturn halves[:middle] | halves[middle:] << 4"),
            (np.uint8([1, 2, 3, 4]), "There is still one code in each byte. Put two together.",
             FITS + "return (q.ravel() & 15).astype(np.uint8)"),
            (lambda got: got.dtype != np.uint8 and np.array_equal(got, [33, 67]), "The bytes are right, and their type is not uint8.",
             FITS + HALVES + "return (halves[::2] | halves[1::2] << 4).astype(np.int64)"),
            (np.uint8([3, 7]), "The second code lies over the first. Move it up by four bits.",
             FITS + HALVES + "return halves[::2] | halves[1::2]")])

    def negative_codes():
        """A negative code is stored as 16 more"""
        expect(pack_int4(np.int8([-1, 1, -8, -2])), np.uint8([31, 232]), mistakes=[
            (lambda got: got[0] == 255, "−1 has filled the whole byte with ones, and its neighbour is lost. Keep the lower four bits: `& 15`.",
             FITS + "halves = np.zeros(q.size + q.size % 2, np.uint8)\nhalves[: q.size] = q.ravel().view(np.uint8)\nreturn halves[::2] | halves[1::2] << 4"),
            (lambda got: got[0] == 151, "That moves all codes by 8. A code that is not negative is stored as it is, and −1 as 15.",
             FITS + "halves = np.zeros(q.size + q.size % 2, np.uint8)\nhalves[: q.size] = q.ravel() + 8\nreturn halves[::2] | halves[1::2] << 4")])

    def an_odd_number_of_codes():
        """With an odd number the last upper half is 0"""
        expect(pack_int4(np.int8([1, 2, 3, 4, -1])), np.uint8([33, 67, 15]), mistakes=[
            (lambda got: got.dtype != np.uint8 and pack_int4(np.int8([1, 2])).dtype == np.uint8, "The bytes are uint8 with an even number of codes, and not with an odd one: a plain 0 that is appended is an int64, and takes the whole array along. Begin with zeros of uint8, or append one of them.",
             FITS + "halves = (q.ravel() & 15).astype(np.uint8)\nhalves = np.append(halves, 0) if q.size % 2 else halves\nreturn halves[::2] | halves[1::2] << 4"),
            (raising(ValueError, "broadcast"), "With five codes there are three first ones and two second. Fill an array of even length first.",
             FITS + "halves = (q.ravel() & 15).astype(np.uint8)\nreturn halves[::2] | halves[1::2] << 4"),
            (np.uint8([33, 67]), "The last code is lost. An odd number of codes needs one more byte.",
             FITS + "halves = (q.ravel()[: q.size - q.size % 2] & 15).astype(np.uint8)\nreturn halves[::2] | halves[1::2] << 4"),
            (np.uint8([33, 67, 255]), "The last upper half must be 0, and the last code is in it a second time.",
             FITS + "halves = (q.ravel() & 15).astype(np.uint8)\nhalves = np.append(halves, halves[-1:]) if q.size % 2 else halves\nreturn halves[::2] | halves[1::2] << 4")])
        expect(pack_int4(np.int8([1, 2, -1])), np.uint8([33, 15]))
        expect(pack_int4(np.zeros(0, np.int8)), np.zeros(0, np.uint8))

    def a_matrix_is_read_row_by_row():
        """A matrix is read row by row, and stays as it was"""
        q = np.int8([[1, 2, 3], [4, 5, 6]])
        expect(pack_int4(q), np.uint8([33, 67, 101]), mistakes=[
            (lambda got: got.ndim == 2, "The result has one axis: `ravel` makes one of several.",
             FITS + "if q.ndim > 1:\n    return np.stack([pack_int4(row) for row in q])\n" + HALVES + "return halves[::2] | halves[1::2] << 4"),
            (raising((IndexError, ValueError), ""), "`q` may have several axes. `ravel` makes one of them.",
             FITS + "halves = np.zeros(q.size + q.size % 2, np.uint8)\nhalves[: q.size] = q & 15\nreturn halves[::2] | halves[1::2] << 4")])
        with expect_unchanged(q):
            pack_int4(q)

    def what_four_bits_cannot_hold():
        """What four bits cannot hold is refused"""
        expect_raises(ValueError, lambda: pack_int4(np.int8([8])), mentions=["a code is 8"], mistakes=[
            (np.uint8([8]), "8 went through, and would come back as −8. The given first line refuses it; keep it.",
             HALVES + "return halves[::2] | halves[1::2] << 4")])
        expect(pack_int4(np.int8([7, -8])), np.uint8([135]))

    def no_loop_in_python():
        """It takes no loop in Python"""
        q = np.ones(50_000, np.int8)
        expect(pack_int4(q)[-1], 17)
        expect_cost(lambda: pack_int4(q), lambda: q % 3, at_most=15)

    wrong = [
        (FITS + "codes = [int(code) & 15 for code in q.ravel()] + [0] * (q.size % 2)\nreturn np.array([codes[i] | codes[i + 1] << 4 for i in range(0, len(codes), 2)], np.uint8)", "times as long"),
    ]

    right = [
        FITS + HALVES + "return halves[::2] | halves[1::2] << 4",
        FITS + "codes = np.append(q.ravel(), np.zeros(q.size % 2, np.int8)) % 16\nreturn (codes[0::2] + 16 * codes[1::2].astype(int)).astype(np.uint8)",
        FITS + "flat = np.where(q < 0, q + np.int8(16), q).astype(np.uint8).reshape(-1)\npacked = flat[::2].copy()\npacked[: q.size // 2] |= flat[1::2] << 4\nreturn packed",
    ]


class exercise_unpack_int4:

    def both_halves_side_by_side():
        """Both halves of a byte, side by side, as int8"""
        expect(unpack_int4(np.uint8([33, 67]), 4), np.int8([1, 2, 3, 4]), mistakes=[
            (np.int8([2, 1, 4, 3]), "The halves have changed places: the lower one comes first.",
             "halves = np.stack([packed >> 4, packed & 15], axis=1).ravel()[:count]\ncodes = halves.astype(np.int8)\ncodes[codes > 7] -= 16\nreturn codes"),
            (np.int8([1, 3, 2, 4]), "First all lower halves, then all upper ones. Neighbours came from one byte: `np.stack(…, axis=1)` puts them side by side, and `ravel` reads that row by row.",
             "halves = np.stack([packed & 15, packed >> 4]).ravel()[:count]\ncodes = halves.astype(np.int8)\ncodes[codes > 7] -= 16\nreturn codes",
             "halves = np.concatenate([packed & 15, packed >> 4])[:count]\ncodes = halves.astype(np.int8)\ncodes[codes > 7] -= 16\nreturn codes"),
            (lambda got: got.dtype != np.int8, "The codes are right, and their type is not int8.",
             "halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]\nreturn np.where(halves > 7, halves.astype(int) - 16, halves)"),
            (lambda got: got.ndim == 2, "The result has one axis: `ravel` makes one of two.",
             "codes = np.stack([packed & 15, packed >> 4], axis=1).astype(np.int8)\ncodes[codes > 7] -= 16\nreturn codes[:count]")])

    def negative_codes_come_back():
        """A half from 8 to 15 is a negative code"""
        expect(unpack_int4(np.uint8([31, 232, 247]), 6), np.int8([-1, 1, -8, -2, 7, -1]), mistakes=[
            (lambda got: got.tolist() == [15, 1, 8, 14, 7, 15], "Halves from 8 to 15 are negative codes, 16 too large.",
             "return np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count].astype(np.int8)"),
            (lambda got: got[2] == 8, "8 is a negative code too, −8. The highest that is not negative is 7.",
             "halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]\ncodes = halves.astype(np.int8)\ncodes[codes > 8] -= 16\nreturn codes"),
            (lambda got: got[4] == -9, "7 is not negative. Halves from 8 on are.",
             "halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]\ncodes = halves.astype(np.int8)\ncodes[codes > 6] -= 16\nreturn codes"),
            (lambda got: got[0] == 7, "You took 8 away. A negative code was stored as 16 more.",
             "halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]\ncodes = halves.astype(np.int8)\ncodes[codes > 7] -= 8\nreturn codes"),
            (lambda got: got[0] == 241 or got[0] == 255, "A uint8 has no negative values. Make int8 of the halves first.",
             "halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]\nhalves[halves > 7] -= 16\nreturn halves")])

    def only_as_many_as_were_packed():
        """Only as many as were packed, and the bytes stay as they were"""
        packed = np.uint8([33, 15])
        expect(unpack_int4(packed, 3), np.int8([1, 2, -1]), mistakes=[
            (np.int8([1, 2, -1, 0]), "The last half was never a code. Return the first `count`.",
             "halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()\ncodes = halves.astype(np.int8)\ncodes[codes > 7] -= 16\nreturn codes")])
        with expect_unchanged(packed):
            unpack_int4(packed, 3)
        expect(unpack_int4(np.zeros(0, np.uint8), 0).size, 0)
        q = np.arange(-8, 8, dtype=np.int8)
        expect(unpack_int4(pack_int4(q), 16), q)

    def no_loop_in_python():
        """It takes no loop in Python"""
        packed = np.full(25_000, 17, np.uint8)
        expect(unpack_int4(packed, 50_000)[:2], np.int8([1, 1]))
        expect_cost(lambda: unpack_int4(packed, 50_000), lambda: packed % 3, at_most=25)

    wrong = [
        ("codes = []\nfor byte in packed.tolist():\n    codes += [byte & 15, byte >> 4]\nreturn np.array([code - 16 if code > 7 else code for code in codes[:count]], np.int8)", "times as long"),
    ]

    right = [
        "halves = np.stack([packed & 15, packed >> 4], axis=1).ravel()[:count]\ncodes = halves.astype(np.int8)\ncodes[codes > HIGHEST_INT4] -= 16\nreturn codes",
        "codes = np.empty(2 * packed.size, np.int8)\ncodes[::2], codes[1::2] = packed % 16, packed // 16\nreturn ((codes[:count] + 8) % 16 - 8).astype(np.int8)",
        "lower = (packed << 4).view(np.int8) >> 4\nupper = packed.view(np.int8) >> 4\nreturn np.column_stack((lower, upper)).reshape(-1)[:count]",
    ]


class exercise_straight_through:

    def straight_through_but_not_where_it_saturates():
        """The gradient passes, but not where x saturates"""
        x, grad = Tensor([0.2, 1.4, 1.6, -1.4, -1.6, 0.8]), np.float32([1, 2, 3, 4, 5, 6])
        expect(FakeQuantize().backward(grad, x, np.float32([1]), 1)[0], np.float32([1, 2, 0, 4, 0, 6]), mistakes=[
            (np.float32([1, 2, 3, 4, 5, 6]), "Where x saturates, more of it changes nothing, so its gradient is 0.",
             "return grad_output, None, None"),
            (np.zeros(6, np.float32), "That is the true slope of a staircase, 0 nearly everywhere, and nothing would be learned. Let the gradient pass where x is on the ruler.",
             "return grad_output * 0, None, None"),
            (np.float32([1, 0, 0, 0, 0, 6]), "1.4 has the code 1, which is still on the ruler. Round before you compare.",
             "inside = np.abs(x.data / scale) <= highest\nreturn grad_output * inside, None, None"),
            (lambda got: np.array_equal(got, [1, 2, 0, 4, 5, 6]), "Below the ruler x saturates too. Compare both ends, or the size.",
             "inside = np.rint(x.data / scale) <= highest\nreturn grad_output * inside, None, None"),
            (np.float32([0, 0, 3, 0, 5, 0]), "It is turned round: it passes where x is on the ruler.",
             "inside = np.abs(np.rint(x.data / scale)) > highest\nreturn grad_output * inside, None, None"),
            (lambda got: got[1] == 0, "The highest code itself is on the ruler: at most, not below.",
             "inside = np.abs(np.rint(x.data / scale)) < highest\nreturn grad_output * inside, None, None")])

    def a_scale_for_each_column():
        """Each column has its own scale, and the ruler its own end"""
        x, grad = Tensor([[3.0, 3.0], [-9.0, 8.0]]), np.ones((2, 2), np.float32)
        expect(FakeQuantize().backward(grad, x, np.float32([[1, 4]]), 3)[0], np.float32([[1, 1], [0, 1]]), mistakes=[
            (np.float32([[1, 1], [0, 0]]), "The scale is missing: a code is x / scale, rounded.",
             "inside = np.abs(np.rint(x.data)) <= highest\nreturn grad_output * inside, None, None"),
            (lambda got: not got[0].all(), "You multiplied by the scale. A code is x / scale, rounded.",
             "inside = np.abs(np.rint(x.data * scale)) <= highest\nreturn grad_output * inside, None, None"),
            (np.float32([[1, 4], [0, 4]]), "The gradient came out times the scale. It passes as it came.",
             "inside = np.abs(np.rint(x.data / scale)) <= highest\nreturn grad_output * inside * scale, None, None")])

    def three_gradients():
        """A tuple of three: there are no gradients for scale and highest"""
        result = FakeQuantize().backward(np.float32([1]), Tensor([0.5]), np.float32([1]), 1)
        expect(len(result), 3, mistakes=[
            (1, "Backward returns one thing for each argument of forward: x, scale and highest. For the last two it is None.",
             "inside = np.abs(np.rint(x.data / scale)) <= highest\nreturn grad_output * inside")])
        expect(result[1:], (None, None), mistakes=[
            (lambda got: True, "Scale and highest are no tensors, and learn nothing: None for both.",
             "inside = np.abs(np.rint(x.data / scale)) <= highest\nreturn grad_output * inside, 0, 0")])

    def float32_and_nothing_is_changed():
        """float32 stays float32, and the gradient that came stays as it was"""
        x, grad = Tensor([0.2, 1.6]), np.float32([1, 2])
        expect(str(FakeQuantize().backward(grad, x, np.float32([1]), 1)[0].dtype), "float32", mistakes=[
            ("float64", "The gradient has become float64, twice the bytes. True and False leave float32 as it is; `np.where(…, 1.0, 0.0)` makes an array of float64.",
             "inside = np.where(np.abs(np.rint(x.data / scale)) <= highest, 1.0, 0.0)\nreturn grad_output * inside, None, None")])
        fresh = np.float32([1, 2])
        with expect_unchanged(fresh):
            FakeQuantize().backward(fresh, x, np.float32([1]), 1)

    wrong = [
        ("grad_output[np.abs(np.rint(x.data / scale)) > highest] = 0\nreturn grad_output, None, None", "changed"),
    ]

    right = [
        "inside = np.abs(np.rint(x.data / scale)) <= highest\nreturn grad_output * inside, None, None",
        "codes = np.round(x.data / scale)\nreturn np.where((codes >= -highest) & (codes <= highest), grad_output, np.float32(0)), None, None",
        "codes = np.rint(x.data / scale)\ngradient = grad_output.copy()\ngradient[codes != np.clip(codes, -highest, highest)] = 0\nreturn gradient, None, None",
    ]
