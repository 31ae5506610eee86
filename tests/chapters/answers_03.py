"""Chapter 03: what readers write. See test_chapters.py for how it is used."""

FIT = """
if np.ndim(x) != 2 or np.ndim(weight) != 2 or x.shape[1] != weight.shape[0]:
    raise ValueError(f"linear_loops: x {np.shape(x)}, weight {np.shape(weight)}: they do not fit")
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
if x.shape[-1:] != (self.in_features,):
    raise ValueError(f"Linear: x has shape {x.shape} and the layer in_features={self.in_features}")
out = x @ self.weight
return out if self.bias is None else out + self.bias
"""
DROPOUT = """
if not self.training or self.p == 0:
    return x
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

WRONG = {
    "linear_loops": [
        (LOOPS.replace("total = 0.0 if bias is None else bias[j]", "total = 0.0")
         .replace("total += x[n, i] * weight[i, j]", "total += x[n, i] * weight[i, j] + (0 if bias is None else bias[j])"),
         "The bias was added once for each input"),
        (LOOPS.replace("total = 0.0 if bias is None else bias[j]", "total = 0.0"), "The bias is missing"),
        (LOOPS.replace("total = 0.0 if bias is None else bias[j]", "total = 0.0").replace("total +=", "total ="), "Only the last product was kept. Add"),
        (LOOPS.replace("total +=", "total =").replace("= total\n", "= total + (0 if bias is None else bias[j])\n"), "Only the last product was kept, and the bias"),
        (LOOPS.replace("weight[i, j]", "weight[j, i]"), "An index ran past the end"),
        (FIT + "total = 0.0\nfor n in range(N):\n    for j in range(out_features):\n        for i in range(in_features):\n"
         "            total += x[n, i] * weight[i, j]\n        out[n, j] = total + (0 if bias is None else bias[j])\nreturn out", "A sum went on where the last one stopped"),
        (LOOPS.replace("bias[j]", "bias[0]"), "The bias of output 2 is missing there"),
        (LOOPS.replace("0.0 if bias is None else bias[j]", "bias[j]"), "bias may be None"),
        (LOOPS.replace("dtype=np.result_type(x, weight)", "dtype=np.float64"), "Write into the array out that is given"),
        (LOOPS.replace("return out", "").replace("out[n, j] = total", "out[n, j] = total\n        return out"), "expected"),
    ],
    "xavier_uniform": [
        (XAVIER.replace("6 / (fan_in + fan_out)", "6 / (fan_out + fan_out)"), "The variance is twice too large"),
        (XAVIER.replace("6 / (", "2 / ("), "The limit has a 6"),
        (XAVIER.replace("math.sqrt(6 / (fan_in + fan_out))", "6 / (fan_in + fan_out)"), "The square root is missing"),
        (XAVIER.replace(".uniform(-limit, limit, shape)", ".uniform(-1, 1, shape)"), "Give the limits to uniform"),
        (XAVIER.replace(".uniform(-limit, limit, shape)", ".normal(0, math.sqrt(2 / (fan_in + fan_out)), shape)"), "drawn evenly, with uniform"),
        (XAVIER.replace(".uniform(-limit, limit, shape)", ".uniform(0, limit * 2, shape)"), "so that the mean is 0"),
        (XAVIER.replace(".astype(np.float32)", ""), "8 bytes each"),
        (XAVIER.replace("default_rng(rng)", "np.random.default_rng(rng)"), "not from a generator of your own"),
        (XAVIER.replace("default_rng(rng)", "default_rng()"), "rng=1 gave two different results"),
        (XAVIER.replace("default_rng(rng)", "np.random.default_rng(7)"), "expected False"),
        (XAVIER.replace('fan_in = check_size("xavier_uniform", "fan_in", fan_in)\n', "1 / fan_in\n"), "Call check_size before you divide"),
    ],
    "kaiming_normal": [
        (KAIMING.replace("math.sqrt(2 / fan_in)", "2 / fan_in"), "the square root is missing"),
        (KAIMING.replace("2 / fan_in", "1 / fan_in"), "The 2 is missing"),
        (KAIMING.replace("2 / fan_in", "2 / shape[1]"), "fan_in is given, here 200"),
        (KAIMING.replace(".normal(0.0, math.sqrt(2 / fan_in), shape)", ".uniform(-math.sqrt(2 / fan_in), math.sqrt(2 / fan_in), shape)"), "These are drawn evenly"),
        (KAIMING.replace(".astype(np.float32)", ""), "Convert with .astype"),
        (KAIMING.replace("default_rng(rng)", "default_rng()"), "The same seed gave other numbers"),
        (KAIMING.replace('fan_in = check_size("kaiming_normal", "fan_in", fan_in)\n', ""), "Call check_size before you divide"),
    ],
    "linear": [
        (LINEAR.replace("return out if self.bias is None else out + self.bias", "return out"), "The bias is missing"),
        (LINEAR.replace("x @ self.weight", "x @ self.weight.T"), "The weight was transposed"),
        (LINEAR.replace("x @ self.weight", "x * self.weight"), "element by element"),
        (LINEAR.replace("x.shape[-1:] != (self.in_features,)", "x.ndim != 2 or x.shape[1] != self.in_features"), "Axes in front are not your concern"),
        (LINEAR.replace("x.shape[-1:] != (self.in_features,)", "x.ndim < 2 or x.shape[-1] != self.in_features"), "One row without further axes is allowed"),
        (LINEAR.replace("return out if self.bias is None else out + self.bias", "return out + self.bias"), "Add it only where there is one"),
        ("return x @ self.weight if self.bias is None else x @ self.weight + self.bias", "That is the product's sentence"),
        (LINEAR.replace("x.shape[-1:] != (self.in_features,)", "x.shape[-1] != self.in_features"), "The slice x.shape[-1:] works for it"),
        (LINEAR.replace("out = x @ self.weight\nreturn out if self.bias is None else out + self.bias",
                        "out = x.data @ self.weight.data\nreturn Tensor(out if self.bias is None else out + self.bias.data)"), "You computed with arrays"),
        (LINEAR.replace("return out if self.bias is None else out + self.bias", "return out if self.bias is None else Tensor(out.data + self.bias.data)"),
         "The bias was added to an array"),
        (LINEAR.replace("x @ self.weight", "Tensor(x.data @ self.weight.data)"), "The product was computed with arrays"),
    ],
    "dropout": [
        (DROPOUT.replace("if not self.training or self.p == 0:\n    return x\n", ""), "In use (self.training is False) x itself comes back"),
        (DROPOUT.replace("return x\n", "return x * (1 - self.p)\n", 1), "In use (self.training is False) x itself comes back"),
        (DROPOUT.replace("kept / (1 - self.p)", "kept * 1.0"), "What is kept was not enlarged"),
        (DROPOUT.replace("kept / (1 - self.p)", "kept / self.p"), "You divided by p"),
        (DROPOUT.replace("kept / (1 - self.p)", "kept * (1 - self.p)"), "You multiplied by 1 - p"),
        (DROPOUT.replace("kept / (1 - self.p)", "np.ones(x.shape) / (1 - self.p)"), "Nothing was dropped"),
        (DROPOUT.replace(">= self.p", "< self.p"), "the comparison is the wrong way round"),
        (DROPOUT.replace("random(x.shape,", "random(x.shape[-1:],"), "Whole rows or columns were dropped together"),
        (DROPOUT.replace("default_rng(self.rng)", "np.random.default_rng(0)"), "The second call dropped the same elements"),
        (DROPOUT.replace("default_rng(self.rng)", "default_rng()"), "Two layers with the same seed"),
        (DROPOUT.replace("dtype=dtype)", "dtype=np.float32)").replace("return x * Tensor(kept", "return Tensor(x.data * (kept"
                         ).replace("(1 - self.p), dtype", "(1 - self.p)), dtype"), "x is float64 and the result float32"),
        (DROPOUT.replace("return x * Tensor(kept / (1 - self.p), dtype=dtype)", "return Tensor(x.data * kept / (1 - self.p), dtype=dtype)"), "You computed with arrays"),
        (DROPOUT.replace('x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)', "x.dtype"), "cannot hold 1 / (1 - p)"),
        (DROPOUT.replace("dtype=dtype)", "dtype=np.float64)"), "twice the bytes"),
    ],
    "sequential": [
        ("for step in reversed(self.steps):\n    x = step(x)\nreturn x", "The steps ran in the wrong order"),
        ("for step in self.steps:\n    out = step(x)\nreturn out", "Every step got the first x. Give"),
        ("for step in self.steps:\n    return step(x)\nreturn x", "The return belongs behind the loop"),
        ("for step in self.steps:\n    x = step.forward(x)\nreturn x", "A step may be a plain function"),
        ("return [step(x) for step in self.steps]", "the results were collected"),
        ("for step in self.steps:\n    x = step(x)", "None"),
    ],
    "walk": [
        (WALK.replace('yield from walk(found, f"{prefix}{name}.", seen)', "pass"), "It stopped at the first depth"),
        (WALK.replace("yield from walk(", "walk("), "hand out what that yields with yield from"),
        (WALK.replace("yield prefix + name, found", "yield name, found").replace('f"{prefix}{name}."', '""'), "The names inside lost their path"),
        (WALK.replace('f"{prefix}{name}."', 'f"{prefix}{name}"'), "The dot between the names is missing"),
        (WALK.replace('f"{prefix}{name}."', 'f"{name}."'), "The outer names are lost two layers down"),
        (WALK.replace("    yield prefix + name, found\n", "") + "    yield prefix + name, found\n", "Yield the layer first"),
        (WALK.replace('f"{prefix}{name}.", seen)', 'f"{prefix}{name}.")'), "by another path"),
        (WALK.replace("yield prefix + name, found", "yield prefix + name, name"), "the thing itself"),
        ("seen = set() if seen is None else seen\nfor name, found in children(layer):\n    if isinstance(found, Layer):\n        if id(found) in seen:\n"
         "            continue\n        seen.add(id(found))\n    yield prefix + name, found\n    if isinstance(found, Layer):\n"
         "        yield from walk(found, f'{prefix}{name}.', seen)", "One Parameter under two names came twice"),
        ("def walk(layer, prefix='', seen=set()):\n    for name, found in children(layer):\n        if id(found) in seen:\n            continue\n"
         "        seen.add(id(found))\n        yield prefix + name, found\n        if isinstance(found, Layer):\n            yield from walk(found, f'{prefix}{name}.', seen)",
         "Each walk from outside starts with its own"),
    ],
    "load_state_dict": [
        (LOAD.replace("array[...] = state[name]", "own[name] = state[name]").replace("own.items()", "list(own.items())"), "The weight is still the old one"),
        (LOAD.replace("array[...] = state[name]", "array = state[name]"), "write into it with array[...]"),
        ("check_state(self.state_arrays(), state)\nfor name, parameter in self.named_parameters():\n    parameter.data = state[name]", "The layer has a new array"),
        ("check_state(self.state_arrays(), state)\nfor name, parameter in self.named_parameters():\n    parameter.data[...] = state[name]", "The buffer was left out"),
        (LOAD.replace("check_state(own, state)\n", ""), "Python said so in its own words"),
        (LOAD.replace("check_state(own, state)\n", "").replace("    array", "    if name in state:\n        array"), "nothing was said"),
        ("own = self.state_arrays()\nfor name, array in own.items():\n    if name in state:\n        array[...] = state[name]\ncheck_state(own, state)", "Check everything before the first write"),
    ],
}

RIGHT = {
    "linear_loops": [
        LOOPS,
        FIT + "for j in range(out_features):\n    for n in range(N):\n        total = 0\n        for i in range(in_features):\n            total = total + weight[i, j] * x[n, i]\n"
        "        out[n, j] = total if bias is None else total + bias[j]\nreturn out",
        FIT + "out[...] = 0 if bias is None else bias\nfor n in range(N):\n    for i in range(in_features):\n        for j in range(out_features):\n"
        "            out[n, j] += x[n, i] * weight[i, j]\nreturn out",
    ],
    "xavier_uniform": [
        XAVIER,
        XAVIER.replace("return default_rng(rng).uniform(-limit, limit, shape)", "return (limit * (2 * default_rng(rng).random(shape) - 1))"),
        XAVIER.replace("math.sqrt(6 / (fan_in + fan_out))", "np.sqrt(6 / (fan_in + fan_out))"),
    ],
    "kaiming_normal": [
        KAIMING,
        KAIMING.replace("normal(0.0, math.sqrt(2 / fan_in), shape)", "normal(scale=(2 / fan_in) ** 0.5, size=shape)"),
        KAIMING.replace("return default_rng(rng).normal(0.0, math.sqrt(2 / fan_in), shape)", "return (math.sqrt(2 / fan_in) * default_rng(rng).standard_normal(shape))"),
    ],
    "linear": [
        LINEAR,
        "if x.ndim == 0 or x.shape[-1] != self.in_features:\n    raise ValueError(f'x {x.shape}, in_features={self.in_features}')\n"
        "if self.bias is None:\n    return x.matmul(self.weight)\nreturn x.matmul(self.weight) + self.bias",
        LINEAR.replace("out + self.bias", "self.bias + out"),
    ],
    "dropout": [
        DROPOUT,
        DROPOUT.replace("x * Tensor(kept / (1 - self.p), dtype=dtype)", "Tensor(kept / (1 - self.p), dtype=dtype) * x"),
        "if self.training and self.p > 0:\n    dropped = default_rng(self.rng).random(x.shape, dtype=np.float32) < self.p\n    dtype = x.dtype if x.dtype.kind == 'f' else np.float32\n"
        "    mask = np.where(dropped, 0, 1 / (1 - self.p)).astype(dtype)\n    x = x * Tensor(mask, dtype=dtype)\nreturn x",
    ],
    "sequential": [
        "for step in self.steps:\n    x = step(x)\nreturn x",
        "out = x\nfor i in range(len(self.steps)):\n    out = self.steps[i](out)\nreturn out",
        "import functools\nreturn functools.reduce(lambda value, step: step(value), self.steps, x)",
    ],
    "walk": [
        WALK,
        "if seen is None:\n    seen = {id(layer)}\nfor name, found in children(layer):\n    if id(found) not in seen:\n        seen.add(id(found))\n"
        "        yield (prefix + name, found)\n        if isinstance(found, Layer):\n            for pair in walk(found, prefix + name + '.', seen):\n                yield pair",
        "seen = {id(layer)} if seen is None else seen\nout = []\nfor name, found in children(layer):\n    if id(found) in seen:\n        continue\n    seen.add(id(found))\n"
        "    out.append((prefix + name, found))\n    if isinstance(found, Layer):\n        out.extend(walk(found, f'{prefix}{name}.', seen))\nreturn out",
    ],
    "load_state_dict": [
        LOAD,
        "arrays = self.state_arrays()\ncheck_state(arrays, state)\nfor name in arrays:\n    np.copyto(arrays[name], state[name])",
        "check_state(self.state_arrays(), state)\nfor name, array in self.state_arrays().items():\n    array[:] = state[name]",
    ],
}
