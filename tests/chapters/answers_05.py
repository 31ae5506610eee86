"""Chapter 05: what readers write. See test_chapters.py for how it is used.

WRONG: exercise -> list of (body, fragment of the feedback that names the mistake).
RIGHT: exercise -> list of bodies that differ in their way and must all pass.
"""

ARRAYS = "arrays = [array_of(sample) for sample in samples]\n"
TENSORS = "tensors = [sample for sample in samples if isinstance(sample, Tensor)]\n"
SHAPES = ("for number, array in enumerate(arrays):\n    if array.shape != arrays[0].shape:\n"
          "        raise ValueError(f'sample 0 has shape {arrays[0].shape} and sample {number} has {array.shape}')\n")
SOME = "if len(samples) == 0:\n    raise ValueError('no samples')\n"
FIELDS = "if has_fields(samples[0]):\n"
COUNT = "count = len(self.dataset)\nif not self.shuffle:\n    return np.arange(count)\n"
STACK = "stack = as_stack('RandomHorizontalFlip', images)\nrng = self.generator(rng)\n"

WRONG = {
    "getitem": [
        ("return [tensor[index] for tensor in self.tensors]", "A sample is a tuple"),
        ("return self.tensors[index]", "You took one of the tensors out"),
        ("x, y = self.tensors\nreturn x[index], y[index]", "Write it for any number of tensors"),
        ("rows = tuple(tensor[index] for tensor in self.tensors)\nreturn rows if len(rows) > 1 else rows[0]", "A tuple of one is still a tuple"),
        ("return tuple(Tensor(tensor.data[index]) for tensor in self.tensors)", "made float32 of the row"),
        ("return tuple(wrap(tensor.data[index].copy(), tensor) for tensor in self.tensors)", "is a copy"),
        ("return (tensor[index] for tensor in self.tensors)", "of which nothing is computed yet"),
        ("return tuple(tensor.data[index] for tensor in self.tensors)", "Wrap the array"),
    ],
    "stack_samples": [
        (ARRAYS + TENSORS + "return wrap(np.concatenate([np.atleast_1d(a) for a in arrays]), *tensors)", "joined end to end"),
        (ARRAYS + TENSORS + SHAPES + "return wrap(np.stack(arrays, axis=-1), *tensors)", "The new axis came last"),
        (TENSORS + "return wrap(np.stack([sample.data for sample in samples]), *tensors)", "array_of makes an array of it"),
        (ARRAYS + SHAPES + "return Tensor(np.stack(arrays).tolist())", "Labels are integers and stay integers"),
        (ARRAYS + SHAPES + "return wrap(np.stack(arrays), *arrays)", "Give wrap the tensors only"),
        (ARRAYS + SHAPES + "return Tensor(np.stack(arrays))", "Tensors keep their dtype in a batch"),
        (ARRAYS + TENSORS + "return wrap(np.stack(arrays), *tensors)", "That sentence is NumPy's"),
        (ARRAYS + TENSORS + SHAPES.replace("enumerate(arrays)", "enumerate(arrays, 1)") + "return wrap(np.stack(arrays), *tensors)", "the third sample is sample 2"),
        (ARRAYS + SHAPES + "return np.stack(arrays)", "Wrap the array"),
    ],
    "collate": [
        (SOME + FIELDS + "    return [default_collate(field) for field in fields_of(samples)]\nreturn stack_samples(samples)", "A batch of several fields is a tuple"),
        (SOME + FIELDS + "    return tuple(stack_samples(sample) for sample in samples)\nreturn stack_samples(samples)", "stack each of those"),
        (SOME + "return tuple(default_collate(field) for field in zip(*samples)) if len(samples[0]) else stack_samples(samples)", "These samples have no fields"),
        (SOME + "if isinstance(samples[0], (tuple, np.ndarray)):\n    return tuple(default_collate(field) for field in zip(*samples))\nreturn stack_samples(samples)",
         "An array is one sample, although it has a length"),
        (SOME + "if isinstance(samples[0], (tuple, np.ndarray)):\n    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)",
         "An array is one sample, although it has a length"),
        (SOME + "if isinstance(samples[0], (tuple, list)):\n    return tuple(default_collate(field) for field in zip(*samples))\nreturn stack_samples(samples)",
         "A list of numbers is a row"),
        (SOME + "if isinstance(samples[0], tuple):\n    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)",
         "A list with a Tensor in it has fields"),
        (SOME + FIELDS + "    return tuple(stack_samples(field) for field in fields_of(samples))\nreturn stack_samples(samples)", "not with stack_samples"),
        (FIELDS + "    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)", "Look at the length first"),
    ],
    "take": [
        ("return [wrap(tensor.data[rows], tensor) for tensor in self.tensors]", "A batch is a tuple of Tensors"),
        ("return tuple(wrap(tensor.data.take(rows), tensor) for tensor in self.tensors)", "take wants axis=0"),
        ("return tuple(wrap(tensor.data[np.unique(rows)], tensor) for tensor in self.tensors)", "in the order in which they are asked for"),
        ("return tuple(wrap(tensor.data[np.sort(rows)], tensor) for tensor in self.tensors)", "in the order in which they are asked for"),
        ("return tuple(Tensor(tensor.data[rows]) for tensor in self.tensors)", "keeps the tensor's dtype"),
        ("if (np.diff(rows) == 1).all():\n    return self[rows[0]:rows[-1] + 1]\nreturn tuple(wrap(tensor.data[rows], tensor) for tensor in self.tensors)", "A slice is a view"),
        ("return tuple(wrap(np.stack([tensor.data[row] for row in rows]), tensor) for tensor in self.tensors)", "times as long"),
    ],
    "len": [
        ("return len(self.dataset) // self.batch_size", "You rounded down"),
        ("return len(self.dataset)", "Those are the samples"),
        ("return len(self.dataset) / self.batch_size", "len must be an int"),
        ("whole, rest = divmod(len(self.dataset), self.batch_size)\nreturn whole if whole == 0 or self.drop_last or rest == 0 else whole + 1", "although eight would fit"),
        ("whole = len(self.dataset) // self.batch_size\nreturn whole if self.drop_last else whole + 1", "nothing is left"),
        ("return -(-len(self.dataset) // self.batch_size)", "leaves the last, incomplete batch out"),
        ("batches = -(-len(self.dataset) // self.batch_size)\nreturn batches - 1 if self.drop_last else batches", "The last batch is whole here"),
    ],
    "order": [
        ("return np.random.default_rng([self.seed or 0, epoch]).permutation(len(self.dataset))", "Look at self.shuffle first"),
        (COUNT + "return np.random.default_rng([self.seed, epoch]).integers(0, count, count)", "A permutation has each once"),
        (COUNT + "order = np.arange(count)\nnp.random.default_rng([self.seed, epoch]).permutation(order)\nreturn order", "although this loader shuffles"),
        (COUNT + "return np.random.default_rng().permutation(count)", "Make the generator of self.seed and epoch"),
        (COUNT + "return np.random.default_rng(self.seed).permutation(count)", "The number of the pass goes into the generator too"),
        (COUNT + "return np.random.default_rng(epoch).permutation(count)", "The seed goes into the generator too"),
        (COUNT + "return np.random.default_rng(self.seed + epoch).permutation(count)", "you added the two numbers"),
        (COUNT + "np.random.seed(self.seed * 1000 + epoch)\nreturn np.random.permutation(count)", "the generator that the whole program shares"),
    ],
    "tasks": [
        ("order = self.order(epoch)\nfor number in range(first, len(self.dataset) // self.batch_size):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]",
         "The last, incomplete batch is missing"),
        ("order = self.order(epoch)\nfor number in range(first, len(self)):\n    yield epoch, number, order[number:number + self.batch_size]", "B positions after it"),
        ("order = self.order(epoch)\nfor number in range(first, len(self.dataset)):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]", "Some batches are empty"),
        ("order = self.order(epoch)\nfor number in range(first, len(self)):\n    yield order[number * self.batch_size]", "Yield three things"),
        ("order = self.order(epoch)\nfor number in range(len(self)):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]", "Begin with the batch that first says"),
        ("order = self.order(epoch)[first * self.batch_size:]\nfor number in range(len(self) - first):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]",
         "batch 1 keeps its number"),
        ("order = self.order(epoch)\nfor number in range(first, len(self)):\n    start = (number - first) * self.batch_size\n    yield epoch, number, order[start:start + self.batch_size]",
         "batch 1 begins at position B"),
        ("for number in range(first, len(self)):\n    start = number * self.batch_size\n    yield epoch, number, np.arange(start, min(start + self.batch_size, len(self.dataset)))",
         "Cut what self.order(epoch) gives"),
        ("for number in range(first, len(self)):\n    yield epoch, number, self.order(epoch)[number * self.batch_size:(number + 1) * self.batch_size]", "Once before the loop is enough"),
        ("order = self.order(epoch)\nreturn [(epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]) for number in range(first, len(self))]", "You returned a list"),
    ],
    "flip": [
        (STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, ::-1]\nreturn like(images, result)", "That is upside down"),
        (STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, ::-1, ::-1]\nreturn like(images, result)",
         "Rows and columns are both turned round"),
        (STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, :, ::-1]\nreturn wrap(result, stack)", "It came in with 3 axes"),
        (STACK + "chosen = rng.random(len(stack)) > self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, result)", "Is the draw below p?"),
        (STACK + "if rng.random() < self.p:\n    stack = stack[:, :, :, ::-1]\nreturn like(images, stack)", "All 400 pictures were treated alike"),
        (STACK + "chosen = rng.random(len(stack)) > self.p if 0 < self.p < 1 else np.full(len(stack), self.p == 1)\nresult = stack.copy()\n"
         "result[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, result)", "mirror where the draw is below p"),
        ("stack = as_stack('RandomHorizontalFlip', images)\nchosen = self.rng.random(len(stack)) < self.p if self.rng else self.generator(None).random(len(stack)) < self.p\n"
         "result = stack.copy()\nresult[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, result)", "Draw from self.generator(rng)"),
        (STACK + "chosen = rng.random(len(stack)) < self.p\nstack[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, stack)", "The call changed its input"),
    ],
}

RIGHT = {
    "getitem": [
        "return tuple([tensor[index] for tensor in self.tensors])",
        "rows = ()\nfor tensor in self.tensors:\n    rows += (tensor[index],)\nreturn rows",
        "return tuple(map(lambda tensor: tensor[index], self.tensors))",
    ],
    "stack_samples": [
        ARRAYS + TENSORS + SHAPES + "return wrap(np.stack(arrays), *tensors)",
        TENSORS + ARRAYS + "shape = arrays[0].shape\nfor number in range(1, len(arrays)):\n    if arrays[number].shape != shape:\n"
        "        raise ValueError(f'{shape} for sample 0, {arrays[number].shape} for sample {number}')\n"
        "batch = np.empty((len(arrays), *shape), dtype=np.result_type(*arrays))\nfor number, array in enumerate(arrays):\n    batch[number] = array\nreturn wrap(batch, *tensors)",
        ARRAYS.replace("array_of", "read_numbers") + TENSORS + "odd = [n for n, array in enumerate(arrays) if np.shape(array) != np.shape(arrays[0])]\nif odd:\n"
        "    raise ValueError(f'sample 0: {arrays[0].shape}, sample {odd[0]}: {arrays[odd[0]].shape}')\nreturn wrap(np.array(arrays), *tensors)",
    ],
    "collate": [
        SOME + FIELDS + "    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)",
        "if not samples:\n    raise ValueError('no samples')\nif not has_fields(samples[0]):\n    return stack_samples(samples)\n"
        "return tuple(map(default_collate, fields_of(samples)))",
        SOME + FIELDS + "    batch = []\n    for field in fields_of(samples):\n        batch.append(default_collate(field))\n    return tuple(batch)\nelse:\n    return stack_samples(samples)",
    ],
    "take": [
        "return tuple(wrap(tensor.data[rows], tensor) for tensor in self.tensors)",
        "return tuple(wrap(np.take(tensor.numpy(), rows, axis=0), tensor) for tensor in self.tensors)",
        "batch = []\nfor tensor in self.tensors:\n    batch.append(wrap(tensor.data[rows, ...], tensor))\nreturn tuple(batch)",
    ],
    "len": [
        "count = len(self.dataset)\nif self.drop_last:\n    return count // self.batch_size\nreturn (count + self.batch_size - 1) // self.batch_size",
        "whole = len(self.dataset) // self.batch_size\nif len(self.dataset) % self.batch_size and not self.drop_last:\n    whole += 1\nreturn whole",
        "divide = np.floor if self.drop_last else np.ceil\nreturn int(divide(len(self.dataset) / self.batch_size))",
    ],
    "order": [
        COUNT + "return np.random.default_rng([self.seed, epoch]).permutation(count)",
        "order = np.arange(len(self.dataset))\nif self.shuffle:\n    np.random.default_rng((self.seed, epoch)).shuffle(order)\nreturn order",
        COUNT + "return np.argsort(np.random.default_rng([epoch, self.seed, 5]).random(count))",
    ],
    "tasks": [
        "order, B = self.order(epoch), self.batch_size\nfor number in range(first, len(self)):\n    yield epoch, number, order[number * B:(number + 1) * B]",
        "order = self.order(epoch)\nnumber = first\nwhile number < len(self):\n    start = number * self.batch_size\n    yield (epoch, number, order[start:][:self.batch_size])\n    number += 1",
        "order = self.order(epoch)\nreturn ((epoch, k, order[k * self.batch_size:k * self.batch_size + self.batch_size]) for k in range(first, len(self)))",
    ],
    "flip": [
        STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen][..., ::-1]\nreturn like(images, result)",
        STACK + "chosen = rng.random(len(stack)) < self.p\nreturn like(images, np.where(chosen[:, None, None, None], stack[..., ::-1], stack))",
        STACK + "result = stack.copy()\nfor n, draw in enumerate(rng.random(len(stack))):\n    if draw < self.p:\n        result[n] = np.flip(stack[n], axis=-1)\nreturn like(images, result)",
    ],
}
