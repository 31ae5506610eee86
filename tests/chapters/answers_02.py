"""Chapter 02: what readers write. See test_chapters.py for how it is used."""

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

WRONG = {
    "relu": [
        ("return wrap(np.abs(float_array(x)), float_array(x))", "That is the absolute value"),
        ("array = float_array(x)\nreturn wrap(np.minimum(array, 0), array)", "minimum and maximum are swapped"),
        ("array = float_array(x)\nreturn wrap((array > 0).astype(array.dtype), array)", "Keep the number itself"),
        ("array = float_array(x)\nreturn wrap(np.max(array, 0), array)", "np.max looks for one largest value"),
        ("return wrap(np.maximum(x.data, 0), x)", "The integers stayed integers"),
        ("return Tensor(np.maximum(float_array(x), 0))", "The tensor was float64"),
        ("array = float_array(x)\nreturn wrap(array * (array > 0), array)", "Minus infinity times 0 is nan"),
        ("array = float_array(x)\nreturn wrap(np.where(array > 0, array, 0), array)", "nan went in and 0 came out"),
        ("array = float_array(x)\narray[array < 0] = 0\nreturn wrap(array, array)", "Make a new array for the result"),
        ("array = float_array(x)\nreturn np.maximum(array, 0)", "Wrap the array"),
        ("""
array = float_array(x)
flat = [v if v != v else max(v, array.dtype.type(0)) for v in array.ravel()]
return wrap(np.array(flat, dtype=array.dtype).reshape(array.shape), array)
""", "times as long"),
    ],
    "sigmoid": [
        ("array = float_array(x)\nreturn wrap(1 / (1 + np.exp(array)), array)", "The curve is mirrored"),
        ("return wrap(np.tanh(float_array(x)), float_array(x))", "This one goes from 0 to 1"),
        ("return wrap(np.exp(float_array(x)), float_array(x))", "It is one part of the formula"),
        ("return wrap(1 + np.exp(-float_array(x)), float_array(x))", "The result is 1 divided by it"),
        ("array = float_array(x)\nreturn wrap(np.exp(array) / (1 + np.exp(array)), array)", "inf / inf is nan"),
        ("array = float_array(x)\nreturn wrap(0.5 * (1 + np.tanh(array / 2)), array)", "rounded away"),
        ("array = float_array(x)\narray = np.clip(array, -10, 10)\nout = 1 / (1 + np.exp(-array))\n"
         "out[float_array(x) < -500] = 0\nout[float_array(x) > 500] = 1\nreturn wrap(out, array)", "x was cut off before exp"),
        ("return wrap(1 / (1 + np.exp(-x.data)), x)", "A boolean has no minus"),
        ("return Tensor(1 / (1 + np.exp(-float_array(x))))", "The tensor was float64"),
        ("array = float_array(x)\nnp.negative(array, out=array)\nnp.exp(array, out=array)\narray += 1\nreturn wrap(1 / array, array)",
         "Make a new array for the result"),
        ("""
array = float_array(x)
flat = [0.0 if v < -700 else 1 / (1 + math.exp(-v)) for v in array.ravel().tolist()]
return wrap(np.array(flat, dtype=array.dtype).reshape(array.shape), array)
""", "times as long"),
    ],
    "tanh": [
        ("return wrap(np.tan(float_array(x)), float_array(x))", "The hyperbolic one has another name"),
        ("array = float_array(x)\nreturn wrap(1 / (1 + np.exp(-array)), array)", "That is the curve from 0 to 1"),
        ("a = float_array(x)\nreturn wrap((np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)), a)", "inf / inf is nan"),
        ("a = float_array(x)\nreturn wrap(2 / (1 + np.exp(-2 * a)) - 1, a)", "the digits they share are gone"),
        ("return Tensor(np.tanh(float_array(x)))", "The tensor was float64"),
        ("a = float_array(x)\nreturn wrap(np.tanh(a, out=a), a)", "Make a new array for the result"),
        ("return np.tanh(float_array(x))", "Wrap the array"),
    ],
    "gelu": [
        ("a = float_array(x)\nshare = np.array([math.erf(v / math.sqrt(2)) for v in a.ravel().tolist()]).reshape(a.shape)\n"
         "return wrap((0.5 * a * (1 + share)).astype(a.dtype), a)", "Those are the values of the exact GELU"),
        ("a = float_array(x)\nreturn wrap(a * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a * a * a))), a)", "the 0.5 is missing"),
        ("a = float_array(x)\nreturn wrap(0.5 * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a * a * a))), a)", "That is the share alone"),
        ("a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(GELU_SCALE * a)), a)", "The cubic part is missing"),
        ("a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(a + GELU_CUBIC * a * a * a)), a)", "The scale is missing"),
        ("a = float_array(x)\nreturn wrap(np.maximum(a, 0), a)", "That is ReLU"),
        ("a = float_array(x)\ne = np.exp(2 * GELU_SCALE * (a + GELU_CUBIC * a * a * a))\nreturn wrap(0.5 * a * (1 + (e - 1) / (e + 1)), a)",
         "np.tanh needs no exp of yours"),
        ("a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a * a * a))), a)", "held 3.0 arrays"),
        ("a = float_array(x)\nreturn wrap(0.5 * a * (1 + np.tanh(GELU_SCALE * (a + GELU_CUBIC * a**3))), a)", "counts until it is used"),
        (BLOCK.replace("np.multiply(array, array, out=np.empty_like(array))", "array * array") + "return wrap(out, array)",
         "array * array is then a bare number"),
        (BLOCK + "return Tensor(out)", "The tensor was float64"),
        (BLOCK + "array[...] = out\nreturn wrap(array, array)", "Make a new array for the result"),
    ],
    "softmax": [
        ("a = float_array(x)\nreturn wrap(a / a.sum(axis=self.axis, keepdims=True), a)", "exp comes first"),
        ("a = float_array(x)\nreturn wrap(np.exp(a), a)", "Divide them by their sum"),
        ("a = float_array(x)\nout = np.exp(a.max(axis=self.axis, keepdims=True) - a)\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)",
         "not x from the largest"),
        ("a = float_array(x)\nout = np.exp(a - a.max())\nreturn wrap(out / out.sum(), a)", "All six numbers sum to 1"),
        ("a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.max(axis=axis))\nreturn wrap(out / out.sum(axis=axis), a)",
         "A reduction lost its axis"),
        ("a = float_array(x)\nout = np.exp(a - a.max(axis=0, keepdims=True))\nreturn wrap(out / out.sum(axis=0, keepdims=True), a)", "The columns sum to 1"),
        ("a = float_array(x)\nout = np.exp(a - a.max(axis=-1, keepdims=True))\nreturn wrap(out / out.sum(axis=-1, keepdims=True), a)", "use self.axis in both"),
        ("a = float_array(x)\nout = np.exp(a)\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)", "exp(1000) is inf"),
        ("a = float_array(x)\nout = np.exp(a - np.maximum(a.max(axis=self.axis, keepdims=True), 0))\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)",
         "Subtract the largest even when it is negative"),
        ("a = float_array(x)\nout = np.exp(a - a.max())\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)", "Each row has its own"),
        ("a = float_array(x)\nout = np.exp(a - a.max(axis=self.axis, keepdims=True))\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)",
         "NumPy refused the axis"),
        ("a = float_array(x)\ncheck_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.max(axis=self.axis, keepdims=True))\nreturn wrap(out / out.sum(axis=self.axis, keepdims=True), a)",
         "check_filled_axis refuses an empty axis"),
        ("a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\na -= a.max(axis=axis, keepdims=True)\nnp.exp(a, out=a)\n"
         "a /= a.sum(axis=axis, keepdims=True)\nreturn wrap(a, a)", "Make a new array for the result"),
        ("a = float_array(x)\naxis = check_filled_axis('Softmax', self.axis, a.shape)\nout = np.exp(a - a.max(axis=axis, keepdims=True))\n"
         "return Tensor(out / out.sum(axis=axis, keepdims=True))", "The tensor was float64"),
    ],
}

RIGHT = {
    "relu": [
        "array = float_array(x)\nreturn wrap(np.maximum(array, 0), array)",
        "array = float_array(x)\nreturn wrap(np.where(array < 0, 0, array).astype(array.dtype), array)",
        "array = float_array(x)\nreturn wrap(np.maximum(0, array), array)",
        "out = float_array(x).copy()\nout[out < 0] = 0\nreturn wrap(out, out)",
    ],
    "sigmoid": [
        "array = float_array(x)\nreturn wrap(1 / (1 + np.exp(-array)), array)",
        "array = float_array(x)\nwith np.errstate(over='ignore'):\n    out = 1 / (1 + np.exp(-array))\nreturn wrap(out, array)",
        "array = float_array(x)\ne = np.exp(-np.abs(array))\nreturn wrap(np.where(array >= 0, 1, e) / (1 + e), array)",
        "array = float_array(x)\nout = np.exp(-array)\nout += 1\nreturn wrap(np.reciprocal(out, out=out), array)",
    ],
    "tanh": [
        "array = float_array(x)\nreturn wrap(np.tanh(array), array)",
        "array = float_array(x)\ne = np.expm1(-2 * np.abs(array))\nreturn wrap(np.copysign(-e / (e + 2), array), array)",
        "array = float_array(x)\nout = np.empty_like(array)\nnp.tanh(array, out=out)\nreturn wrap(out, out)",
    ],
    "gelu": [
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
    ],
    "softmax": [
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
    ],
}
