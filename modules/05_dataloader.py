"""Chapter 05: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.dataloader import DataLoader, PrefetchLoader, RandomHorizontalFlip, TensorDataset, default_collate, stack_samples
from tinytorch.learn.expecting import (
    expect, expect_copies, expect_cost, expect_raises, expect_shares_memory, expect_unchanged, raising,
)

ARRAYS = "arrays = [array_of(sample) for sample in samples]\n"
TENSORS = "tensors = [sample for sample in samples if isinstance(sample, Tensor)]\n"
SHAPES = ("for number, array in enumerate(arrays):\n    if array.shape != arrays[0].shape:\n"
          "        raise ValueError(f'sample 0 has shape {arrays[0].shape} and sample {number} has {array.shape}')\n")
SOME = "if len(samples) == 0:\n    raise ValueError('no samples')\n"
FIELDS = "if has_fields(samples[0]):\n"
COUNT = "count = len(self.dataset)\nif not self.shuffle:\n    return np.arange(count)\n"
STACK = "stack = as_stack('RandomHorizontalFlip', images)\nrng = self.generator(rng)\n"

BEGIN = "executor, load = self.start_workers()\nwaiting = deque()\ntry:\n    for task in tasks:\n        waiting.append(executor.submit(load, *task))\n"
NEXT = "        if len(waiting) > self.ahead:\n            yield waiting.popleft().result()\n"
REST = "    while waiting:\n        yield waiting.popleft().result()\n"
HOME = "finally:\n    executor.shutdown(cancel_futures=True)\n"
AHEAD = BEGIN + NEXT + REST + HOME


class exercise_getitem:

    def row_i_of_each_tensor_in_a_tuple():
        """Row i of each tensor, in a tuple"""
        data = TensorDataset(Tensor([[1, 2], [3, 4], [5, 6]]), Tensor([0, 1, 0]))
        expect(data[1], (Tensor([3, 4]), Tensor(1)), mistakes=[
            (lambda got: isinstance(got, list), "That is a list. A sample is a tuple: tuple(...) makes one of it.",
             "return [tensor[index] for tensor in self.tensors]"),
            (lambda got: isinstance(got, Tensor), "You took one of the tensors out of the tuple. Take row 1 of each of them.",
             "return self.tensors[index]")])

    def one_tensor_or_three():
        """One tensor or three"""
        expect(TensorDataset(Tensor([10, 20]))[1], (Tensor(20),), mistakes=[
            (ValueError, "There is one tensor here. Write it for any number of tensors.",
             "x, y = self.tensors\nreturn x[index], y[index]"),
            (lambda got: isinstance(got, Tensor), "A tuple of one is still a tuple, so that every dataset can be used alike.",
             "rows = tuple(tensor[index] for tensor in self.tensors)\nreturn rows if len(rows) > 1 else rows[0]")])
        expect(len(TensorDataset(Tensor([1]), Tensor([2]), Tensor([3]))[0]), 3)

    def rows_are_views_in_the_dtype_they_had():
        """Rows are views, in the dtype they had"""
        exact = Tensor([[1, 2], [3, 4]], dtype=np.float64)
        expect(TensorDataset(exact)[0][0].dtype.name, "float64", mistakes=[("float32", "Tensor(...) made float32 of the row. tensor[index] is a Tensor already, in its own dtype.",
            "return tuple(Tensor(tensor.data[index]) for tensor in self.tensors)")])
        expect_shares_memory(TensorDataset(exact)[0][0], exact)

    wrong = [
        ("return tuple(wrap(tensor.data[index].copy(), tensor) for tensor in self.tensors)", "is a copy"),
        ("return (tensor[index] for tensor in self.tensors)", "of which nothing is computed yet"),
        ("return tuple(tensor.data[index] for tensor in self.tensors)", "Wrap the array"),
    ]

    right = [
        "return tuple([tensor[index] for tensor in self.tensors])",
        "rows = ()\nfor tensor in self.tensors:\n    rows += (tensor[index],)\nreturn rows",
        "return tuple(map(lambda tensor: tensor[index], self.tensors))",
    ]


class exercise_stack_samples:

    def a_new_axis_in_front():
        """A new axis in front"""
        expect(stack_samples([Tensor([1, 2]), Tensor([3, 4]), Tensor([5, 6])]), Tensor([[1, 2], [3, 4], [5, 6]]), mistakes=[
            (lambda got: got.shape == (6,), "The samples were joined end to end. np.stack puts them along a new axis.",
             ARRAYS + TENSORS + "return wrap(np.concatenate([np.atleast_1d(a) for a in arrays]), *tensors)"),
            (lambda got: got.shape == (2, 3), "The new axis came last. It is the first: row i is sample i.",
             ARRAYS + TENSORS + SHAPES + "return wrap(np.stack(arrays, axis=-1), *tensors)")])
        expect(stack_samples([Tensor([1, 2])]), Tensor([[1, 2]]), mistakes=[
            (IndexError, "A batch may hold one sample only. Compare the others with samples[0], which is always there.",
             ARRAYS + TENSORS + SHAPES.replace("arrays[0]", "arrays[1]") + "return wrap(np.stack(arrays), *tensors)"),
            (lambda got: got.shape == (2,), "A batch of one sample is still a batch: the new axis in front has the length 1.",
             ARRAYS + TENSORS + SHAPES + "return wrap(np.stack(arrays) if len(arrays) > 1 else arrays[0], *tensors)")])

    def plain_numbers_and_the_dtypes():
        """Plain numbers, and the dtypes"""
        expect(stack_samples([7, 8]), Tensor(np.array([7, 8])), mistakes=[
            ((AttributeError, TypeError), "A sample may be a plain number, which has no .data and no shape. array_of makes an array of it.",
             TENSORS + "return wrap(np.stack([sample.data for sample in samples]), *tensors)"),
            (lambda got: got.dtype.name == "float32", "Labels are integers and stay integers. Stack the arrays and give the result to wrap.",
             ARRAYS + SHAPES + "return Tensor(np.stack(arrays).tolist())")])
        expect(stack_samples([0.5, 1.5]), Tensor([0.5, 1.5]), mistakes=[
            (lambda got: got.dtype.name == "float64", "Numbers that are no Tensors become float32. Give wrap the tensors only, of which there are none here.",
             ARRAYS + SHAPES + "return wrap(np.stack(arrays), *arrays)")])
        expect(stack_samples([Tensor([1], dtype=np.float64)] * 2).dtype.name, "float64", mistakes=[
            ("float32", "Tensors keep their dtype in a batch. wrap(array, *tensors) sees to it.",
             ARRAYS + SHAPES + "return Tensor(np.stack(arrays))")])

    def a_sample_of_another_shape_is_named():
        """A sample of another shape is named"""
        expect_raises(ValueError, lambda: stack_samples([np.zeros(2), np.zeros(2), np.zeros(3)]), mentions=["(2,)", "sample 2", "(3,)"], mistakes=[
            (lambda error: "must have the same shape" in str(error), "That sentence is NumPy's; it does not say which sample. Compare the shapes before you stack.",
             ARRAYS + TENSORS + "return wrap(np.stack(arrays), *tensors)"),
            (lambda error: "sample 3" in str(error), "Positions are counted from 0 here: the third sample is sample 2.",
             ARRAYS + TENSORS + SHAPES.replace("enumerate(arrays)", "enumerate(arrays, 1)") + "return wrap(np.stack(arrays), *tensors)")])
        expect_raises(ValueError, lambda: stack_samples([np.zeros(2), np.zeros(3)]), mentions=["(2,)", "sample 1", "(3,)"], mistakes=[
            (lambda error: "(2,)" not in str(error) or "(3,)" not in str(error), "Name both shapes: that of sample 0, and that of the sample which differs from it.",
             ARRAYS + TENSORS + SHAPES.replace("has shape {arrays[0].shape}", "has shape {arrays[1].shape}") + "return wrap(np.stack(arrays), *tensors)")])
        expect_raises(ValueError, lambda: stack_samples([np.zeros((2, 3)), np.zeros((3, 2))]), mentions=["(2, 3)", "sample 1", "(3, 2)"], mistakes=[
            (lambda error: "must have the same shape" in str(error), "As many numbers are not yet the same shape: compare .shape and not .size.",
             ARRAYS + TENSORS + SHAPES.replace("array.shape != arrays[0].shape", "array.size != arrays[0].size") + "return wrap(np.stack(arrays), *tensors)")])

    wrong = [
        (ARRAYS + SHAPES + "return np.stack(arrays)", "Wrap the array"),
    ]

    right = [
        ARRAYS + TENSORS + SHAPES + "return wrap(np.stack(arrays), *tensors)",
        (TENSORS + ARRAYS + "shape = arrays[0].shape\nfor number in range(1, len(arrays)):\n    if arrays[number].shape != shape:\n"
         "        raise ValueError(f'{shape} for sample 0, {arrays[number].shape} for sample {number}')\n"
         "batch = np.empty((len(arrays), *shape), dtype=np.result_type(*arrays))\nfor number, array in enumerate(arrays):\n    batch[number] = array\nreturn wrap(batch, *tensors)"),
        (ARRAYS.replace("array_of", "read_numbers") + TENSORS + "odd = [n for n, array in enumerate(arrays) if np.shape(array) != np.shape(arrays[0])]\nif odd:\n"
         "    raise ValueError(f'sample 0: {arrays[0].shape}, sample {odd[0]}: {arrays[odd[0]].shape}')\nreturn wrap(np.array(arrays), *tensors)"),
    ]


class exercise_collate:

    def one_tensor_for_each_field():
        """One tensor for each field"""
        expect(default_collate([(Tensor([1, 2]), 0), (Tensor([3, 4]), 1)]), (Tensor([[1, 2], [3, 4]]), Tensor(np.array([0, 1]))), mistakes=[
            (lambda got: isinstance(got, list), "That is a list. A batch of several fields is a tuple.",
             SOME + FIELDS + "    return [default_collate(field) for field in fields_of(samples)]\nreturn stack_samples(samples)"),
            (ValueError, "You tried to stack a picture and a label. fields_of(samples) gives all first entries, then all second ones; stack each of those.",
             SOME + FIELDS + "    return tuple(stack_samples(sample) for sample in samples)\nreturn stack_samples(samples)")])

    def samples_that_are_no_tuples():
        """Samples that are no tuples"""
        expect(default_collate([1.5, 2.5]), Tensor([1.5, 2.5]), mistakes=[
            (Exception, "These samples have no fields. Ask has_fields(samples[0]) first.",
             SOME + "return tuple(default_collate(field) for field in zip(*samples)) if len(samples[0]) else stack_samples(samples)")])
        expect(default_collate([7]), Tensor(np.array([7])), mistakes=[
            (IndexError, "A batch may hold one sample only. Look at samples[0], which is always there.",
             SOME + FIELDS.replace("[0]", "[1]") + "    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)"),
            (lambda got: not isinstance(got, Tensor), "A batch of one sample is still a batch. Stack it like any other.",
             SOME + "if len(samples) == 1:\n    return samples[0]\n" + FIELDS + "    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)")])
        expect(default_collate([np.array([1, 2]), np.array([3, 4])]), Tensor(np.array([[1, 2], [3, 4]])), mistakes=[
            (ValueError, "An array is one sample, although it has a length. has_fields tells what has fields.",
             SOME + "if isinstance(samples[0], (tuple, np.ndarray)):\n    return tuple(default_collate(field) for field in zip(*samples))\nreturn stack_samples(samples)",
             SOME + "if isinstance(samples[0], (tuple, np.ndarray)):\n    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)"),
            (lambda got: isinstance(got, tuple), "An array is one sample, although it has a length. has_fields tells what has fields.",
             SOME + "if isinstance(samples[0], (tuple, np.ndarray)):\n    return tuple(default_collate(field) for field in zip(*samples))\nreturn stack_samples(samples)")])

    def what_has_fields_and_fields_that_are_tuples():
        """What has fields, and fields that are tuples"""
        expect(default_collate([[1, 2], [3, 4]]), Tensor(np.array([[1, 2], [3, 4]])), mistakes=[
            (lambda got: isinstance(got, tuple), "A list of numbers is a row, and has no fields. Ask has_fields, which looks into the list.",
             SOME + "if isinstance(samples[0], (tuple, list)):\n    return tuple(default_collate(field) for field in zip(*samples))\nreturn stack_samples(samples)")])
        expect(default_collate([[Tensor([1, 2]), 7], [Tensor([3, 4]), 8]])[1], Tensor(np.array([7, 8])), mistakes=[
            ((ValueError, TypeError), "A list with a Tensor in it has fields, like a tuple. Ask has_fields.",
             SOME + "if isinstance(samples[0], tuple):\n    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)")])
        expect(default_collate([(1, (2, 3)), (4, (5, 6))])[1], (Tensor(np.array([2, 5])), Tensor(np.array([3, 6]))), mistakes=[
            (lambda got: isinstance(got, Tensor), "A field may be a tuple itself. Collate each field with this very function, not with stack_samples.",
             SOME + FIELDS + "    return tuple(stack_samples(field) for field in fields_of(samples))\nreturn stack_samples(samples)")])

    def as_many_fields_as_there_are():
        """As many fields as there are"""
        expect(default_collate([(1, 2, 3), (4, 5, 6)]), (Tensor(np.array([1, 4])), Tensor(np.array([2, 5])), Tensor(np.array([3, 6]))), mistakes=[
            (lambda got: len(got) == 2, "There are three fields here. Write it for any number of them: fields_of(samples) has as many entries.",
             SOME + FIELDS + "    return tuple(default_collate([sample[i] for sample in samples]) for i in range(2))\nreturn stack_samples(samples)")])
        expect_raises(ValueError, lambda: default_collate([(1, 2), (3,)]), mistakes=[
            ((Tensor(np.array([1, 3])),), "One sample has two fields and the other one, and the label was dropped without a word: zip ends with the shortest. fields_of(samples) refuses it.",
             SOME + FIELDS + "    return tuple(default_collate(field) for field in zip(*samples))\nreturn stack_samples(samples)")])

    def no_samples():
        """No samples"""
        expect_raises(ValueError, lambda: default_collate([]), mentions=["no samples"], mistakes=[
            (IndexError, "samples[0] of an empty list does not exist. Look at the length first.",
             FIELDS + "    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)")])

    right = [
        SOME + FIELDS + "    return tuple(default_collate(field) for field in fields_of(samples))\nreturn stack_samples(samples)",
        ("if not samples:\n    raise ValueError('no samples')\nif not has_fields(samples[0]):\n    return stack_samples(samples)\n"
         "return tuple(map(default_collate, fields_of(samples)))"),
        SOME + FIELDS + "    batch = []\n    for field in fields_of(samples):\n        batch.append(default_collate(field))\n    return tuple(batch)\nelse:\n    return stack_samples(samples)",
    ]


class exercise_take:

    def these_rows_in_this_order():
        """These rows, in this order"""
        data = TensorDataset(Tensor([[1, 2], [3, 4], [5, 6]]), Tensor(np.array([7, 8, 9])))
        expect(data.take(np.array([2, 0, 2])), (Tensor([[5, 6], [1, 2], [5, 6]]), Tensor(np.array([9, 7, 9]))), mistakes=[
            (lambda got: isinstance(got, list), "That is a list. A batch is a tuple of Tensors.",
             "return [wrap(tensor.data[rows], tensor) for tensor in self.tensors]"),
            (lambda got: got[0].shape == (3,), "Single numbers were taken, not rows. take wants axis=0.",
             "return tuple(wrap(tensor.data.take(rows), tensor) for tensor in self.tensors)"),
            (lambda got: len(got[0]) == 2 or got[0].data[0, 0] == 1, "The rows come in the order in which they are asked for, and as often.",
             "return tuple(wrap(tensor.data[np.unique(rows)], tensor) for tensor in self.tensors)",
             "return tuple(wrap(tensor.data[np.sort(rows)], tensor) for tensor in self.tensors)")])

    def the_dtype_stays_and_the_rows_are_copies():
        """The dtype stays, and the rows are copies"""
        exact = Tensor([[1, 2], [3, 4], [5, 6]], dtype=np.float64)
        expect(TensorDataset(exact).take(np.array([1]))[0].dtype.name, "float64", mistakes=[
            ("float32", "Tensor(...) makes float32 of NumPy's float64. wrap(array, tensor) keeps the tensor's dtype.",
             "return tuple(Tensor(tensor.data[rows]) for tensor in self.tensors)")])
        mixed = TensorDataset(Tensor([[1], [2]]), exact[:2], Tensor([7, 8], dtype=np.int64))
        expect([batch.dtype.name for batch in mixed.take(np.array([1]))], ["float32", "float64", "int64"], mistakes=[
            (lambda got: len(got) == 2, "There are three tensors here. Take the rows of each of them.",
             "return tuple(wrap(tensor.data[rows], tensor) for tensor in self.tensors[:2])"),
            (["float32", "float32", "int64"], "The second tensor is float64 and the first is not. wrap wants the tensor that the rows come from.",
             "return tuple(wrap(tensor.data[rows], self.tensors[0]) for tensor in self.tensors)")])
        expect_copies(TensorDataset(exact).take(np.array([0, 1]))[0], exact, mistakes=[
            (lambda got: got.shape == (2, 2), "A slice is a view: whoever changes the batch then changes the dataset. An array of positions gives a copy.",
             "if (np.diff(rows) == 1).all():\n    return self[rows[0]:rows[-1] + 1]\nreturn tuple(wrap(tensor.data[rows], tensor) for tensor in self.tensors)")])

    def without_a_loop_over_the_rows():
        """Without a loop over the rows"""
        table, rows = Tensor(np.zeros((2000, 16))), np.arange(1000)
        expect(TensorDataset(table).take(rows)[0].shape, (1000, 16))
        expect_cost(lambda: TensorDataset(table).take(rows), lambda: table.data[rows], at_most=10.0)

    wrong = [
        ("return tuple(wrap(np.stack([tensor.data[row] for row in rows]), tensor) for tensor in self.tensors)", "times as long"),
    ]

    right = [
        "return tuple(wrap(tensor.data[rows], tensor) for tensor in self.tensors)",
        "return tuple(wrap(np.take(tensor.numpy(), rows, axis=0), tensor) for tensor in self.tensors)",
        "batch = []\nfor tensor in self.tensors:\n    batch.append(wrap(tensor.data[rows, ...], tensor))\nreturn tuple(batch)",
    ]


class exercise_len:

    def the_last_batch_counts_even_with_one_sample_in_it():
        """The last batch counts, even with one sample in it"""
        expect(len(DataLoader(TensorDataset(Tensor([1, 2, 3, 4, 5])), batch_size=2)), 3, mistakes=[
            (2, "You rounded down. The fifth sample is left, and it makes a batch of its own.",
             "return len(self.dataset) // self.batch_size"),
            (5, "Those are the samples. Two of them make a batch.",
             "return len(self.dataset)"),
            (raising(TypeError, "cannot be interpreted"), "/ gives a number with a fraction, and len must be an int. Divide with // or divmod.",
             "return len(self.dataset) / self.batch_size")])
        expect(len(DataLoader(TensorDataset(Tensor([1, 2, 3])), batch_size=8)), 1, mistakes=[
            (0, "Three samples make a batch, although eight would fit into it.",
             "whole, rest = divmod(len(self.dataset), self.batch_size)\nreturn whole if whole == 0 or self.drop_last or rest == 0 else whole + 1")])

    def nothing_is_left():
        """Nothing is left"""
        expect(len(DataLoader(TensorDataset(Tensor([1, 2, 3, 4])), batch_size=2)), 2, mistakes=[
            (3, "Four samples are two whole batches, and nothing is left. Add one only for a rest.",
             "whole = len(self.dataset) // self.batch_size\nreturn whole if self.drop_last else whole + 1")])

    def an_incomplete_batch_can_be_left_out():
        """An incomplete batch can be left out"""
        expect(len(DataLoader(TensorDataset(Tensor([1, 2, 3, 4, 5])), batch_size=2, drop_last=True)), 2, mistakes=[
            (3, "drop_last=True leaves the last, incomplete batch out.",
             "return -(-len(self.dataset) // self.batch_size)")])
        expect(len(DataLoader(TensorDataset(Tensor([1, 2, 3, 4])), batch_size=2, drop_last=True)), 2, mistakes=[
            (1, "The last batch is whole here, so it stays. Only an incomplete one is left out.",
             "batches = -(-len(self.dataset) // self.batch_size)\nreturn batches - 1 if self.drop_last else batches")])

    right = [
        "count = len(self.dataset)\nif self.drop_last:\n    return count // self.batch_size\nreturn (count + self.batch_size - 1) // self.batch_size",
        "whole = len(self.dataset) // self.batch_size\nif len(self.dataset) % self.batch_size and not self.drop_last:\n    whole += 1\nreturn whole",
        "divide = np.floor if self.drop_last else np.ceil\nreturn int(divide(len(self.dataset) / self.batch_size))",
    ]


class exercise_order:

    def without_shuffle_one_after_the_other():
        """Without shuffle, one after the other"""
        expect(DataLoader(TensorDataset(Tensor([5, 6, 7, 8]))).order(0), np.arange(4), mistakes=[
            (lambda got: sorted(got) == [0, 1, 2, 3], "This loader does not shuffle. Look at self.shuffle first.",
             "return np.random.default_rng([self.seed or 0, epoch]).permutation(len(self.dataset))")])

    def with_shuffle_every_sample_once():
        """With shuffle, every sample once"""
        loader = DataLoader(TensorDataset(Tensor(np.arange(100))), shuffle=True, seed=3)
        expect(np.sort(loader.order(0)), np.arange(100), mistakes=[
            (lambda got: len(set(got.tolist())) < len(got), "Some samples come twice and others never. A permutation has each once.",
             COUNT + "return np.random.default_rng([self.seed, epoch]).integers(0, count, count)")])
        expect(bool((loader.order(0) == np.arange(100)).all()), False, mistakes=[(True, "The order is 0, 1, 2, … although this loader shuffles.",
            COUNT + "order = np.arange(count)\nnp.random.default_rng([self.seed, epoch]).permutation(order)\nreturn order")])

    def seed_and_pass_decide_and_nothing_else():
        """Seed and pass decide, and nothing else"""
        loader = DataLoader(TensorDataset(Tensor(np.arange(100))), shuffle=True, seed=3)
        again = DataLoader(TensorDataset(Tensor(np.arange(100))), shuffle=True, seed=3)
        other = DataLoader(TensorDataset(Tensor(np.arange(100))), shuffle=True, seed=4)
        expect(bool((loader.order(2) == again.order(2)).all()), True, mistakes=[(False, "Two loaders with seed 3 disagree about pass 2. Make the generator of self.seed and epoch.",
            COUNT + "return np.random.default_rng().permutation(count)")])
        expect(bool((loader.order(0) == loader.order(1)).all()), False, mistakes=[(True, "Pass 0 and pass 1 have the same order. The number of the pass goes into the generator too.",
            COUNT + "return np.random.default_rng(self.seed).permutation(count)")])
        expect(bool((loader.order(0) == other.order(0)).all()), False, mistakes=[(True, "Seeds 3 and 4 give the same order. The seed goes into the generator too.",
            COUNT + "return np.random.default_rng(epoch).permutation(count)")])
        expect(bool((loader.order(1) == other.order(0)).all()), False, mistakes=[(True, "Pass 1 of seed 3 is pass 0 of seed 4: you added the two numbers. Give the generator both, in a list.",
            COUNT + "return np.random.default_rng(self.seed + epoch).permutation(count)")])

    def other_random_numbers_are_left_alone():
        """Other random numbers are left alone"""
        loader = DataLoader(TensorDataset(Tensor(np.arange(100))), shuffle=True, seed=3)
        np.random.seed(1)
        undisturbed = np.random.random()
        np.random.seed(1)
        expect(len(loader.order(0)), 100)
        expect(np.random.random(), undisturbed, mistakes=[(lambda got: got != undisturbed, "You drew from the generator that the whole program shares. Make one of your own with np.random.default_rng.",
            COUNT + "np.random.seed(self.seed * 1000 + epoch)\nreturn np.random.permutation(count)")])

    right = [
        COUNT + "return np.random.default_rng([self.seed, epoch]).permutation(count)",
        "order = np.arange(len(self.dataset))\nif self.shuffle:\n    np.random.default_rng((self.seed, epoch)).shuffle(order)\nreturn order",
        COUNT + "return np.argsort(np.random.default_rng([epoch, self.seed, 5]).random(count))",
    ]


class exercise_tasks:

    def the_order_cut_into_pieces_of_b():
        """The order, cut into pieces of B"""
        loader = DataLoader(TensorDataset(Tensor(np.arange(5))), batch_size=2)
        expect([rows.tolist() for epoch, number, rows in loader.tasks(0, 0)], [[0, 1], [2, 3], [4]], mistakes=[
            ([[0, 1], [2, 3]], "The last, incomplete batch is missing. len(self) counts it.",
             "order = self.order(epoch)\nfor number in range(first, len(self.dataset) // self.batch_size):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]"),
            ([[0, 1], [1, 2], [2, 3]], "Each batch begins one position after the one before. It begins B positions after it.",
             "order = self.order(epoch)\nfor number in range(first, len(self)):\n    yield epoch, number, order[number:number + self.batch_size]"),
            (lambda got: got == [] or got[-1] == [], "Some batches are empty. There are len(self) batches, not len(self.dataset).",
             "order = self.order(epoch)\nfor number in range(first, len(self.dataset)):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]"),
            (raising(TypeError, "cannot unpack"), "Yield three things for each batch: the pass, the number of the batch, and its rows.",
             "order = self.order(epoch)\nfor number in range(first, len(self)):\n    yield order[number * self.batch_size]")])
        expect([(epoch, number) for epoch, number, rows in loader.tasks(4, 0)], [(4, 0), (4, 1), (4, 2)])

    def it_may_begin_in_the_middle_of_a_pass():
        """It may begin in the middle of a pass"""
        loader = DataLoader(TensorDataset(Tensor(np.arange(5))), batch_size=2)
        expect([(number, rows.tolist()) for epoch, number, rows in loader.tasks(0, 1)], [(1, [2, 3]), (2, [4])], mistakes=[
            (lambda got: len(got) == 3, "It began with batch 0. Begin with the batch that first says.",
             "order = self.order(epoch)\nfor number in range(len(self)):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]"),
            (lambda got: got == [(0, [2, 3]), (1, [4])], "The rows are right and the numbers are not: batch 1 keeps its number.",
             "order = self.order(epoch)[first * self.batch_size:]\nfor number in range(len(self) - first):\n    yield epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]"),
            (lambda got: got == [(1, [0, 1]), (2, [2, 3])], "The numbers are right and the rows are not: batch 1 begins at position B.",
             "order = self.order(epoch)\nfor number in range(first, len(self)):\n    start = (number - first) * self.batch_size\n    yield epoch, number, order[start:start + self.batch_size]")])

    def in_the_order_of_the_pass_worked_out_once():
        """In the order of the pass, worked out once"""
        class Counting(DataLoader):
            calls = 0
            def order(self, epoch):
                self.calls += 1
                return super().order(epoch)
        loader = Counting(TensorDataset(Tensor(np.arange(6))), batch_size=2, shuffle=True, seed=5)
        found = [rows.tolist() for epoch, number, rows in loader.tasks(1, 0)]
        calls = loader.calls
        expect(found, loader.order(1).reshape(3, 2).tolist(), mistakes=[
            ([[0, 1], [2, 3], [4, 5]], "These samples come one after the other, and this loader shuffles. Cut what self.order(epoch) gives.",
             "for number in range(first, len(self)):\n    start = number * self.batch_size\n    yield epoch, number, np.arange(start, min(start + self.batch_size, len(self.dataset)))")])
        expect(calls, 1, mistakes=[(3, "The order was worked out for every batch. Once before the loop is enough.",
            "for number in range(first, len(self)):\n    yield epoch, number, self.order(epoch)[number * self.batch_size:(number + 1) * self.batch_size]")])

    def one_at_a_time_when_asked():
        """One at a time, when asked"""
        tasks = DataLoader(TensorDataset(Tensor(np.arange(5))), batch_size=2).tasks(0, 0)
        expect(iter(tasks) is tasks, True, mistakes=[(False, "You returned a list, which is complete before the first batch is loaded. Use yield in the loop.",
            "order = self.order(epoch)\nreturn [(epoch, number, order[number * self.batch_size:(number + 1) * self.batch_size]) for number in range(first, len(self))]")])

    right = [
        "order, B = self.order(epoch), self.batch_size\nfor number in range(first, len(self)):\n    yield epoch, number, order[number * B:(number + 1) * B]",
        "order = self.order(epoch)\nnumber = first\nwhile number < len(self):\n    start = number * self.batch_size\n    yield (epoch, number, order[start:][:self.batch_size])\n    number += 1",
        "order = self.order(epoch)\nreturn ((epoch, k, order[k * self.batch_size:k * self.batch_size + self.batch_size]) for k in range(first, len(self)))",
    ]


class exercise_flip:

    def mirrored_left_to_right_and_only_with_probability():
        """Mirrored left to right, and only with probability p"""
        pictures = Tensor([[[1, 2, 3], [4, 5, 6]]])
        expect(RandomHorizontalFlip(p=1.0)(pictures), Tensor([[[3, 2, 1], [6, 5, 4]]]), mistakes=[
            (Tensor([[[4, 5, 6], [1, 2, 3]]]), "That is upside down: the rows changed places. The columns are the last axis.",
             STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, ::-1]\nreturn like(images, result)"),
            (Tensor([[[6, 5, 4], [3, 2, 1]]]), "Rows and columns are both turned round. Only the columns, the last axis, are.",
             STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, ::-1, ::-1]\nreturn like(images, result)"),
            (lambda got: got.ndim == 4, "It came in with 3 axes and went out with 4. like(images, stack) gives it back its form.",
             STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, :, ::-1]\nreturn wrap(result, stack)"),
            (Tensor([[[1, 2, 3], [4, 5, 6]]]), "Nothing was mirrored although p is 1. Is the draw below p?",
             STACK + "chosen = rng.random(len(stack)) > self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, result)")])
        expect(RandomHorizontalFlip(p=0.0)(pictures), pictures)
        expect(RandomHorizontalFlip(p=1.0)(np.array([[[1.0, 2.0]], [[3.0, 4.0]]])), np.array([[[2.0, 1.0]], [[4.0, 3.0]]]), mistakes=[
            (np.array([[[2.0, 1.0]], [[3.0, 4.0]]]), "The picture has two planes of (H, W), and only the first was mirrored. A colon takes all of an axis.",
             STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen, 0] = stack[chosen, 0, :, ::-1]\nreturn like(images, result)")])

    def each_picture_has_a_draw_of_its_own():
        """Each picture has a draw of its own"""
        pictures = np.tile(np.array([0.0, 1.0]), (400, 1, 1, 1))
        flipped = RandomHorizontalFlip(p=0.25, seed=0)(pictures)[:, 0, 0, 0].sum()
        expect(bool(50 < flipped < 150), True, mistakes=[
            (lambda got: flipped in (0, 400), "All 400 pictures were treated alike. random(N) draws one number for each.",
             STACK + "if rng.random() < self.p:\n    stack = stack[:, :, :, ::-1]\nreturn like(images, stack)"),
            (lambda got: flipped > 250, "With p = 0.25 about 300 of 400 were mirrored. It should be about 100: mirror where the draw is below p.",
             (STACK + "chosen = rng.random(len(stack)) > self.p if 0 < self.p < 1 else np.full(len(stack), self.p == 1)\nresult = stack.copy()\n"
              "result[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, result)"))])

    def the_generator_that_is_handed_in_decides():
        """The generator that is handed in decides"""
        pictures, flip = np.tile(np.array([0.0, 1.0]), (400, 1, 1, 1)), RandomHorizontalFlip(seed=0)
        first, second = (flip(pictures, np.random.default_rng(9)) for attempt in range(2))
        expect(bool((first == second).all()), True, mistakes=[
            (False, "The same generator was handed in twice, and different pictures were mirrored. Draw from self.generator(rng).",
             ("stack = as_stack('RandomHorizontalFlip', images)\nchosen = self.rng.random(len(stack)) < self.p if self.rng else self.generator(None).random(len(stack)) < self.p\n"
              "result = stack.copy()\nresult[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, result)"))])

    def what_came_in_stays_as_it_was():
        """What came in stays as it was"""
        pictures = Tensor([[[1, 2, 3], [4, 5, 6]]])
        with expect_unchanged(pictures):
            flipped = RandomHorizontalFlip(p=1.0)(pictures)
        expect(flipped.shape, (1, 2, 3))

    wrong = [
        (STACK + "chosen = rng.random(len(stack)) < self.p\nstack[chosen] = stack[chosen, :, :, ::-1]\nreturn like(images, stack)", "The call changed its input"),
    ]

    right = [
        STACK + "chosen = rng.random(len(stack)) < self.p\nresult = stack.copy()\nresult[chosen] = stack[chosen][..., ::-1]\nreturn like(images, result)",
        STACK + "chosen = rng.random(len(stack)) < self.p\nreturn like(images, np.where(chosen[:, None, None, None], stack[..., ::-1], stack))",
        STACK + "result = stack.copy()\nfor n, draw in enumerate(rng.random(len(stack))):\n    if draw < self.p:\n        result[n] = np.flip(stack[n], axis=-1)\nreturn like(images, result)",
    ]

    equivalent = [
        ("flipped = self.generator(rng).random(len(stack)) < self.p  ->  flipped = self.generator(rng).random(len(stack)) <= self.p", "a draw is exactly p once in 2**53 times at most"),
    ]


class exercise_prepared:

    def in_order_and_ahead():
        """All batches in order, and some begun ahead"""
        class Hands:
            def __init__(self):
                self.begun, self.ended = [], None
            def submit(self, load, *task):
                self.begun.append(task)
                class Future:
                    def result(future):
                        return load(*task)
                return Future()
            def shutdown(self, wait=True, *, cancel_futures=False):
                self.ended = cancel_futures
        def played(ahead, load):
            hands = Hands()
            class Played(PrefetchLoader):
                def start_workers(self):
                    return hands, load
            return hands, Played(DataLoader(TensorDataset(Tensor([1])), 1), ahead).prepared
        def walk(ahead, count):
            hands, prepared = played(ahead, lambda number, letter: f"{number}{letter}")
            seen = [(batch, len(hands.begun)) for batch in prepared((number, "a") for number in range(count))]
            return [batch for batch, begun in seen], [begun for batch, begun in seen]
        expect(walk(2, 5), (["0a", "1a", "2a", "3a", "4a"], [3, 4, 5, 5, 5]), mistakes=[
            (raising(TypeError, "NoneType"), "Nothing came back. A function that hands out one batch after another has `yield` in it.",
             "return None"),
            (raising(TypeError, "argument"), "The function needs the parts of a task one by one: `submit(load, *task)`.",
             AHEAD.replace("*task", "task")),
            (raising(ValueError, "unpack"), "`self.start_workers()` gives two things: an executor and what it shall do.",
             AHEAD.replace("executor, load = self", "executor, load, more = self")),
            (lambda got: got[0] == [], "There is no batch at all. What is in the line must be handed out: `yield` the result of the oldest.",
             BEGIN + HOME + "if False:\n    yield"),
            (lambda got: not isinstance(got[0][0], str), "Futures were handed out. `future.result()` is the batch.",
             AHEAD.replace("popleft().result()", "popleft()")),
            (lambda got: got[1] == [1, 2, 3, 4, 5], "Each batch was begun when it was asked for, so nobody is ahead. Submit first, and hand out the oldest when more than `ahead` are in the line.",
             "executor, load = self.start_workers()\ntry:\n    for task in tasks:\n        yield executor.submit(load, *task).result()\n" + HOME),
            (lambda got: got[1] == [5] * 5, "All batches were begun at once, and a large dataset would not fit into memory. At most `ahead` are begun beside the one in use.",
             BEGIN + REST + HOME),
            (lambda got: got[0] == ["0a", "1a", "2a"], "The last batches are missing. When the tasks are over, the line is not empty.",
             BEGIN + NEXT + HOME),
            (lambda got: got[1][0] == 2, "One too few is begun. Beside the one that is handed out, `ahead` are in the making.",
             AHEAD.replace("> self.ahead", ">= self.ahead")),
            (lambda got: got[1][0] == 4, "One too many is begun. Beside the one that is handed out, `ahead` are in the making.",
             AHEAD.replace("> self.ahead", "> self.ahead + 1")),
            (lambda got: sorted(got[0]) == ["0a", "1a", "2a", "3a", "4a"], "The batches come in another order. The oldest comes first: `popleft()`.",
             AHEAD.replace("popleft", "pop"))])
        expect(walk(1, 3), (["0a", "1a", "2a"], [2, 3, 3]), mistakes=[
            (lambda got: got[1][0] == 3, "How many are ahead, `self.ahead` says. Here it is 1.",
             AHEAD.replace("self.ahead", "2"))])
        expect(walk(5, 2), (["0a", "1a"], [2, 2]))
        expect(walk(1, 0), ([], []))

    def the_workers_go_home():
        """The workers go home, also when the pass is left early"""
        class Hands:
            def __init__(self):
                self.begun, self.ended = [], None
            def submit(self, load, *task):
                self.begun.append(task)
                class Future:
                    def result(future):
                        return load(*task)
                return Future()
            def shutdown(self, wait=True, *, cancel_futures=False):
                self.ended = cancel_futures
        def played(ahead, load):
            hands = Hands()
            class Played(PrefetchLoader):
                def start_workers(self):
                    return hands, load
            return hands, Played(DataLoader(TensorDataset(Tensor([1])), 1), ahead).prepared
        hands, prepared = played(1, lambda number: number)
        list(prepared((number,) for number in range(3)))
        expect(hands.ended, True, mistakes=[
            (None, "After the last batch the workers are still there. `executor.shutdown(cancel_futures=True)` sends them home.",
             AHEAD.replace("    executor.shutdown(cancel_futures=True)", "    pass")),
            (False, "Without `cancel_futures=True` the workers first make all batches that were begun, and nobody wants them.",
             AHEAD.replace("cancel_futures=True", ""))])
        hands, prepared = played(1, lambda number: number)
        batches = prepared((number,) for number in range(3))
        next(batches)
        batches.close()
        expect(hands.ended, True, mistakes=[
            (None, "The pass was left early, and the workers are still there. What stands after a loop is not reached then; what stands in `finally:` is.",
             "executor, load = self.start_workers()\nwaiting = deque()\nfor task in tasks:\n    waiting.append(executor.submit(load, *task))\n    if len(waiting) > self.ahead:\n"
             "        yield waiting.popleft().result()\nwhile waiting:\n    yield waiting.popleft().result()\nexecutor.shutdown(cancel_futures=True)")])
        hands, prepared = played(1, lambda number: 1 // number)
        expect_raises(ZeroDivisionError, lambda: list(prepared([(1,), (0,)])))
        expect(hands.ended, True)

    right = [
        AHEAD,
        "executor, load = self.start_workers()\nline = []\ntry:\n    for task in tasks:\n        line.append(executor.submit(load, *task))\n        if len(line) == self.ahead + 1:\n            yield line.pop(0).result()\n"
        "    for future in line:\n        yield future.result()\nfinally:\n    executor.shutdown(wait=True, cancel_futures=True)",
        "from itertools import islice\nexecutor, load = self.start_workers()\ntasks = iter(tasks)\ntry:\n    line = [executor.submit(load, *task) for task in islice(tasks, self.ahead)]\n    while True:\n"
        "        line += [executor.submit(load, *task) for task in islice(tasks, 1)]\n        if not line:\n            break\n        yield line.pop(0).result()\nfinally:\n    executor.shutdown(cancel_futures=True)",
    ]
