"""Chapter 01: what readers write. See test_chapters.py for how it is used.

WRONG: exercise -> list of (body, fragment of the feedback that names the mistake).
RIGHT: exercise -> list of bodies that differ in their way and must all pass.
A body stands under the `def` line of the starter; a text that begins with `def` or `import` stands alone.
"""

WRONG = {
    "memory_footprint": [
        ("return self.data.size", "You counted the elements"),
        ("return len(self.data) * self.data.itemsize", "You counted the rows only"),
        ("return self.data.size * 4", "A float64 takes 8"),
        ("return self.data.size * (8 if self.data.dtype == np.float64 else 4)", "A boolean takes 1"),
        ("return self.data.size() * self.data.itemsize", "without parentheses"),
        ("import sys\nreturn sys.getsizeof(self.data)", "Python's own bookkeeping"),
        ("rows, columns = self.shape\nreturn rows * columns * self.data.itemsize", "any number of axes"),
        ("self.data.size * self.data.itemsize", "None"),
    ],
    "broadcast_shape": [
        ("return tuple(max(a, b) for a, b in zip(shape_a, shape_b))", "You stopped at the shorter shape"),
        ("""
length = max(len(shape_a), len(shape_b))
a = tuple(shape_a) + (1,) * (length - len(shape_a))
b = tuple(shape_b) + (1,) * (length - len(shape_b))
for x, y in zip(a, b):
    if x != y and 1 not in (x, y):
        raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
return tuple(y if x == 1 else x for x, y in zip(a, b))
""", "you lined the shapes up at their left ends"),
        ("""
length = max(len(shape_a), len(shape_b))
a = list(shape_a) + [1] * (length - len(shape_a))
b = list(shape_b) + [1] * (length - len(shape_b))
return tuple(y if x == 1 else x for x, y in zip(a, b))
""", "You lined the shapes up at their left ends"),
        ("return shape_a", "You returned the first shape"),
        ("""
n = max(len(shape_a), len(shape_b))
a = (1,) * (n - len(shape_a)) + shape_a
b = (1,) * (n - len(shape_b)) + shape_b
out = []
for x, y in zip(a, b):
    if x != y and x != 1 and y != 1:
        raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
    out.append(max(x, y))
return tuple(out)
""", "You took the larger size"),
        ("""
n = max(len(shape_a), len(shape_b))
a = (1,) * (n - len(shape_a)) + shape_a
b = (1,) * (n - len(shape_b)) + shape_b
out = []
for x, y in zip(a, b):
    if x != y and x != 1 and y != 1:
        raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
    out.append(y if x == 1 else x)
return out
""", "That is a list"),
        ("""
n = max(len(shape_a), len(shape_b))
a = (1,) * (n - len(shape_a)) + shape_a
b = (1,) * (n - len(shape_b)) + shape_b
for x, y in zip(a, b):
    if x != y:
        raise ValueError(f"broadcast: {shape_a} and {shape_b}: sizes {x} and {y} do not fit")
return a
""", "A size of 1 fits every other size"),
        ("""
n = max(len(shape_a), len(shape_b))
a = (1,) * (n - len(shape_a)) + shape_a
b = (1,) * (n - len(shape_b)) + shape_b
return tuple(y if x == 1 else x for x, y in zip(a, b))
""", "expected it to raise ValueError"),
        ("return np.broadcast_shapes(shape_a, shape_b)", "does not mention"),
        ("try:\n    return np.broadcast_shapes(shape_a, shape_b)\nexcept ValueError:\n"
         "    raise ValueError(f'broadcast: {shape_a} and {shape_b}: sizes {shape_a[-1]} and {shape_b[-1]} do not fit')", "4 and 4 fit"),
    ],
    "combine": [
        ("return operation(operand(left), operand(right))", "Wrap the array"),
        ("a, b = operand(left), operand(right)\nif np.shape(a) != np.shape(b):\n    broadcast_shape(np.shape(a), np.shape(b))\nreturn wrap(operation(b, a), a, b)",
         "You swapped the operands"),
        ("broadcast_shape(left.shape, right.shape)\nreturn wrap(operation(left.data, right.data), left, right)", "np.shape(x) works for both"),
        ("return wrap(operation(left.data, right.data), left, right)", "operand(...) takes tensors and numbers alike"),
        ("a, b = operand(left), operand(right)\nif np.shape(a) != np.shape(b):\n    broadcast_shape(a, b)\nreturn wrap(operation(a, b), a, b)",
         "Give it np.shape(...) of each operand"),
        ("a, b = operand(left), operand(right)\nreturn wrap(operation(a, b), a, b)", "That sentence is NumPy's"),
        ("a, b = operand(left), operand(right)\nbroadcast_shape(np.shape(a), np.shape(b))\nreturn Tensor(operation(a, b))", "keeps the result in float64"),
        ("a, b = operand(left), operand(right)\nbroadcast_shape(np.shape(a), np.shape(b))\nreturn Tensor(operation(a, b), dtype=np.float32)",
         "A comparison answers in booleans"),
        ("""
a, b = operand(left), operand(right)
shape = broadcast_shape(np.shape(a), np.shape(b))
a2, b2 = np.broadcast_to(a, shape), np.broadcast_to(b, shape)
flat = [operation(x, y) for x, y in zip(a2.ravel(), b2.ravel())]
return wrap(np.array(flat, dtype=flat[0].dtype).reshape(shape), a, b)
""", "times as long"),
        ("""
a, b = operand(left), operand(right)
broadcast_shape(np.shape(a), np.shape(b))
if isinstance(left, Tensor) and operation is np.add and np.shape(a) == np.shape(b):
    a += b
    return left
return wrap(operation(a, b), a, b)
""", "You wrote the result into the left operand"),
    ],
    "mean": [
        ("return self.sum(axis, keepdims) / self.shape[0]", "do not count rows, or axes"),
        ("axes = check_axes('mean', axis, self.shape)\nreturn self.sum(axis, keepdims) / len(axes)", "do not count rows, or axes"),
        ("axes = check_axes('mean', axis, self.shape)\nreturn self.sum(axis, keepdims) / math.prod(axes)", "gives positions, here (0, 1), not sizes"),
        ("return self.sum(axis, keepdims) / self.shape[-1]", "You divided by the number of columns"),
        ("return self.sum(axis, keepdims) / self.size", "You divided by all 6 elements"),
        ("return self.sum(axis, keepdims)", "That is the sum"),
        ("axes = check_axes('mean', axis, self.shape)\nreturn self.sum(axes) / math.prod(self.shape[a] for a in axes)", "Hand keepdims on"),
        ("return self.sum() / self.size", "You averaged over everything"),
        ("count = self.size if axis is None else self.shape[axis]\nreturn self.sum(axis, keepdims) / count", "check_axes gives you a tuple"),
        ("axes = check_axes('mean', axis, self.shape)\ncount = math.prod(self.shape[a] for a in axes)\n"
         "return wrap(self.sum(axes, keepdims).data // count, self)", "rounds down"),
        ("if axis is None:\n    return wrap(self.data.mean(), self)\nreturn wrap(np.array([row.mean() for row in self.data]), self)",
         "You averaged along the other axis"),
        ("axes = range(self.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)\n"
         "count = math.prod(self.shape[a] for a in axes)\nreturn self.sum(axis, keepdims) / count", "Let check_axes look at it first"),
        ("return np.mean(self.data, axis=axis, keepdims=keepdims)", "Tensor"),
        ("check_axes('mean', axis, self.shape)\nreturn Tensor(np.mean(self.data, axis=axis, keepdims=keepdims))", "makes float32 of NumPy's float64"),
    ],
    "reshape": [
        ("shape = sizes_from('reshape', shape)\nreturn wrap(self.data.reshape(shape), self)", "That sentence is NumPy's"),
        ("shape = sizes_from('reshape', shape)\nif math.prod(shape) != self.size:\n"
         "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')\nreturn wrap(self.data.reshape(shape), self)",
         "-1 was taken as a size"),
        ("shape = sizes_from('reshape', shape)\nknown = math.prod(n for n in shape if n != -1)\nif self.size % known or (-1 not in shape and known != self.size):\n"
         "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')\nreturn wrap(self.data.reshape(shape), self)",
         "Only one size can be worked out"),
        ("shape = sizes_from('reshape', shape)\nself.data = self.data.reshape(shape)\nreturn self", "You changed the tensor itself"),
        ("shape = sizes_from('reshape', shape)\nreturn wrap(self.data.reshape(shape).copy(), self)", "is a copy"),
        ("shape = sizes_from('reshape', shape)\nreturn wrap(self.data.T.reshape(shape), self) if self.ndim < 2 else wrap(self.data.reshape(shape, order='F'), self)",
         "expected"),
        ("shape = sizes_from('reshape', shape)\nif shape.count(-1) > 1:\n    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')\n"
         "try:\n    return wrap(self.data.reshape(shape, order='A'), self)\nexcept ValueError:\n"
         "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')", "That is the order in memory"),
        ("shape = sizes_from('reshape', shape)\nreturn wrap(self.data.T, self)", "You turned rows into columns"),
        ("shape = sizes_from('reshape', shape)\ntry:\n    return Tensor(self.data.reshape(shape))\nexcept ValueError:\n"
         "    raise ValueError(f'reshape: {self.shape} has {self.size} elements and cannot become {shape}')", "The dtype changed"),
        ("shape = sizes_from('reshape', shape)\nreturn self.data.reshape(shape)", "Wrap the array"),
    ],
    "transpose": [
        ("return wrap(self.data.reshape(self.shape[::-1]), self)", "You reshaped"),
        ("return wrap(self.data.T, self)", "You reversed all axes"),
        ("return wrap(np.moveaxis(self.data, dim0, dim1), self)", "You moved one axis to the end"),
        ("return wrap(np.swapaxes(self.data, -2, -1), self)", "You swapped the last two axes"),
        ("first = check_axis('transpose', dim0, self.shape)\nsecond = check_axis('transpose', dim1, self.shape)\n"
         "return wrap(np.swapaxes(self.data, first, second).copy(), self)", "A view keeps them and swaps the strides"),
        ("def transpose(self, dim0=0, dim1=1):\n    first, second = check_axis('transpose', dim0, self.shape), check_axis('transpose', dim1, self.shape)\n"
         "    return wrap(np.swapaxes(self.data, first, second), self)", "keep the defaults"),
        ("first, second = check_axis('transpose', dim0, self.shape), check_axis('transpose', dim1, self.shape)\n"
         "return Tensor(np.swapaxes(self.data, first, second))", "The dtype changed"),
        ("first, second = check_axis('transpose', dim0, self.shape), check_axis('transpose', dim1, self.shape)\n"
         "shape, strides, step = list(self.shape), [], self.data.itemsize\nfor size in reversed(self.shape):\n    strides.insert(0, step)\n    step *= size\n"
         "shape[first], shape[second], strides[first], strides[second] = shape[second], shape[first], strides[second], strides[first]\n"
         "return wrap(np.lib.stride_tricks.as_strided(self.data, shape, strides), self)", "The strides were worked out anew"),
        ("return wrap(np.swapaxes(self.data, dim0, dim1), self)", "Let check_axis look at both axes first"),
        ("return np.swapaxes(self.data, dim0, dim1)", "Wrap the array"),
    ],
    "matmul": [
        ("k = other.shape[0] if len(other.shape) == 1 else other.shape[-2]\nif self.shape[-1] != k:\n"
         "    raise ValueError(f'matmul: {self.shape} @ {other.shape}: inner sizes {self.shape[-1]} and {k} differ')\nreturn wrap(np.matmul(self.data, other.data), self, other)",
         "to_array(other) makes an array"),
        ("a, b = self.data, to_array(other)\nk = b.shape[0] if b.ndim < 2 else b.shape[-2]\nif a.shape[-1] != k:\n"
         "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ')\nreturn wrap(np.matmul(a, b), a, b)",
         "Refuse it before you look at its sizes"),
        ("a, b = self.data, to_array(other)\nreturn wrap(a * b, a, b)", "element by element"),
        ("a, b = self.data, to_array(other)\nreturn wrap(b @ a, a, b)", "wrong order"),
        ("a, b = self.data, to_array(other)\nif a.shape != b.shape:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: shapes differ')\nreturn wrap(np.matmul(a, b), a, b)",
         "(2, 3) @ (3, 4) is allowed"),
        ("a, b = self.data, to_array(other)\nreturn wrap(np.matmul(a, b), a, b)", "That sentence is NumPy's"),
        ("a, b = self.data, to_array(other)\nif a.shape[-1] != b.shape[-2]:\n"
         "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {b.shape[-2]} differ')\nreturn wrap(np.matmul(a, b), a, b)",
         "The right side has one axis here"),
        ("a, b = self.data, to_array(other)\nif a.shape[1] != b.shape[0]:\n"
         "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[1]} and {b.shape[0]} differ')\nreturn wrap(np.matmul(a, b), a, b)",
         "The left side has one axis here"),
        ("a, b = self.data, to_array(other)\nif a.shape[-1] != b.shape[0]:\n"
         "    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {b.shape[0]} differ')\nreturn wrap(np.matmul(a, b), a, b)",
         "the last but one on the right"),
        ("a, b = self.data, to_array(other)\nreturn wrap(np.dot(a, b), a, b)", "np.dot pairs every matrix"),
        ("a, b = self.data, to_array(other)\nif a.ndim == 0 or b.ndim == 0:\n    raise ValueError('a number')\nk = b.shape[max(-2, -b.ndim)]\n"
         "if a.shape[-1] != k:\n    raise ValueError(f'matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {k} differ')\nreturn Tensor(np.matmul(a, b))",
         "Both sides are float64"),
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
    ],
}

RIGHT = {
    "memory_footprint": [
        "return self.data.nbytes",
        "count = 1\nfor size in self.data.shape:\n    count = count * size\nreturn count * self.data.itemsize",
        "return math.prod(self.shape) * self.dtype.itemsize",
        "return self.numel() * np.dtype(self.dtype).itemsize",
    ],
    "broadcast_shape": [
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
    ],
    "combine": [
        "a = operand(left)\nb = operand(right)\nbroadcast_shape(np.shape(a), np.shape(b))\nresult = operation(a, b)\nreturn wrap(result, a, b)",
        "a, b = operand(left), operand(right)\nshape = broadcast_shape(np.shape(a), np.shape(b))\n"
        "return wrap(operation(np.broadcast_to(a, np.shape(a)), b), a, b) if shape else wrap(operation(a, b), a, b)",
        "x, y = map(operand, (left, right))\nif np.shape(x) != np.shape(y):\n    broadcast_shape(np.shape(x), np.shape(y))\nreturn wrap(operation(x, y), left, right)",
        "values = [operand(left), operand(right)]\nbroadcast_shape(*[np.shape(v) for v in values])\nreturn wrap(operation(*values), *values)",
    ],
    "mean": [
        "check_axes('mean', axis, self.shape)\nreturn wrap(np.mean(self.data, axis=axis, keepdims=keepdims), self)",
        "axes = check_axes('mean', axis, self.shape)\ncount = 1\nfor a in axes:\n    count *= self.shape[a]\nreturn self.sum(axis=axes, keepdims=keepdims) / count",
        "axes = check_axes('mean', axis, self.shape)\ntotal = self.sum(axes, keepdims)\nreturn total / (self.size // total.size)",
        "axes = check_axes('mean', axis, self.shape)\nsizes = [self.shape[a] for a in axes]\nreturn self.sum(axes, keepdims) * (1 / math.prod(sizes))",
    ],
    "reshape": [
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
    if self.size % rest != 0:
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
fits = known == self.size if -1 not in shape else shape.count(-1) == 1 and self.size % known == 0
if not fits:
    raise ValueError(f"cannot view {self.shape} ({self.size} elements) as {shape}")
return wrap(self.data.reshape(*shape), self)
""",
    ],
    "transpose": [
        "order = list(range(self.ndim))\nfirst = check_axis('transpose', dim0, self.shape)\nsecond = check_axis('transpose', dim1, self.shape)\n"
        "order[first], order[second] = order[second], order[first]\nreturn wrap(self.data.transpose(order), self)",
        "check_axis('transpose', dim0, self.shape)\ncheck_axis('transpose', dim1, self.shape)\nreturn wrap(self.data.swapaxes(dim0, dim1), self)",
        """
i, j = [check_axis("transpose", d, self.shape) for d in (dim0, dim1)]
shape, strides = list(self.data.shape), list(self.data.strides)
shape[i], shape[j] = shape[j], shape[i]
strides[i], strides[j] = strides[j], strides[i]
return wrap(np.lib.stride_tricks.as_strided(self.data, shape, strides), self)
""",
    ],
    "matmul": [
        """
a = self.data
b = to_array(other)
if a.ndim == 0 or b.ndim == 0:
    raise ValueError("matmul needs at least one axis on both sides")
inner = b.shape[max(-2, -b.ndim)]
if a.shape[-1] != inner:
    raise ValueError(f"matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {inner} differ")
return wrap(a @ b, a, b)
""",
        """
a, b = self.data, to_array(other)
left, right = a.shape[-1:], b.shape[-2:][:1]
if left != right or left == ():
    k, l = left[0] if left else None, right[0] if right else None
    raise ValueError(f"matmul: {a.shape} @ {b.shape}: inner sizes {k} and {l} differ")
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
    raise ValueError(f"matmul: {a.shape} @ {b.shape}: inner sizes {a.shape[-1]} and {inner} differ") from None
""",
    ],
}
