"""Data: from a pile of samples to batches, in a new order each time, prepared while the model works.

Built in chapter 05. Depends on `tinytorch.core.tensor`, `tinytorch.core.layers` (for its generator of
random numbers) and NumPy.

The file reads from top to bottom: a `Dataset` hands out one sample, `default_collate` makes a batch of
several, transforms change images at random, `DataLoader` goes through all samples once in batches, and
`PrefetchLoader` lets others prepare the next batches meanwhile.

Nothing here remembers a stream of random numbers. The order of a pass follows from the seed and the
number of the pass, and the draws for a batch from those and the number of the batch. So three numbers
say where a loader is, and any worker can prepare any batch.
"""

from __future__ import annotations

import sys
from collections import deque, namedtuple

import numpy as np

from tinytorch.core.layers import check_seed, check_size, default_rng
from tinytorch.core.tensor import Tensor, is_real, read_numbers, wrap


class Dataset:
    """A number of samples, each found by its position: what a DataLoader takes its batches from.

    A dataset of your own is a subclass with `__len__` and `__getitem__`. A sample is a Tensor, an array,
    a number, or a tuple of these, such as (image, label).

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return index, index * index
    >>> Squares()[3]
    (3, 9)
    """

    def __len__(self):
        """Return the number of samples.

        Raises
        ------
        NotImplementedError: the subclass has no `__len__`.
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name}: there is no __len__; it returns the number of samples")

    def __getitem__(self, index):
        """Return the sample at position `index`, an int from 0.

        Raises
        ------
        NotImplementedError: the subclass has no `__getitem__`.
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name}: there is no __getitem__; it takes a position, returns a sample")


class TensorDataset(Dataset):
    """Samples that are in memory already: row i of each tensor makes sample i.

    Parameters
    ----------
    tensors : Tensors (or what a Tensor is made of) with equal first sizes N

    Attributes
    ----------
    tensors : tuple of Tensor

    Raises
    ------
    ValueError: no tensor, one without rows, or first sizes that differ ("TensorDataset: shapes …").

    Cost: 0 bytes; the tensors are kept, not copied.

    >>> data = TensorDataset(Tensor([[1, 2], [3, 4], [5, 6]]), Tensor([0, 1, 0]))
    >>> len(data), data[1]
    (3, (Tensor([3., 4.], shape=(2,)), Tensor(1., shape=())))
    """

    def __init__(self, *tensors):
        if not tensors:
            raise ValueError("TensorDataset: no tensor was given; pass at least one, of shape (N, …)")
        tensors = tuple(tensor if isinstance(tensor, Tensor) else Tensor(tensor) for tensor in tensors)
        shapes = " and ".join(str(tensor.shape) for tensor in tensors)
        if any(tensor.ndim == 0 for tensor in tensors):
            raise ValueError(
                f"TensorDataset: shapes {shapes}: a single number has no rows; "
                "every tensor needs one row for each sample"
            )
        if len({len(tensor) for tensor in tensors}) > 1:
            raise ValueError(
                f"TensorDataset: shapes {shapes}: the first sizes differ; every tensor needs one row for each sample"
            )
        self.tensors = tensors

    def __len__(self):
        """Return the number of samples, N."""
        return len(self.tensors[0])

    def __getitem__(self, index):
        """Return row `index` of each tensor.

        Parameters
        ----------
        index : int, or a slice for several rows

        Returns
        -------
        tuple of Tensor, views

        Raises
        ------
        IndexError: there is no such row.

        >>> TensorDataset(Tensor([10, 20, 30]))[1]
        (Tensor(20., shape=()),)
        """
        return tuple(tensor[index] for tensor in self.tensors)

    def take(self, rows):
        """Return several rows of each tensor as one batch, with one NumPy call a tensor.

        Parameters
        ----------
        rows : ndarray of int, shape (B,)

        Returns
        -------
        tuple of Tensor of shape (B, …), copies

        Raises
        ------
        IndexError: there is no such row.

        Cost: one copy of the rows. Stacking B rows makes the same batch with 2 B calls a tensor.

        >>> TensorDataset(Tensor([10, 20, 30])).take(np.array([2, 0]))
        (Tensor([30., 10.], shape=(2,)),)
        """
        return tuple(wrap(tensor.numpy().take(rows, axis=0), tensor) for tensor in self.tensors)


# From samples to a batch.


def array_of(sample):
    """Return the numbers of a sample as an array, whatever kind of sample it is.

    A Tensor is asked through `numpy()`, which refuses where its numbers alone would not be enough.

    Parameters
    ----------
    sample : Tensor, ndarray, number or list of numbers

    >>> array_of(Tensor([1, 2])).shape, array_of(7).shape
    ((2,), ())
    """
    return sample.numpy() if isinstance(sample, Tensor) else read_numbers(sample)


def stack_samples(samples):
    """Return several samples of one shape as one Tensor with a new axis in front.

    Parameters
    ----------
    samples : list of B Tensors, ndarrays, numbers or lists of numbers, B at least 1

    Returns
    -------
    Tensor of shape (B, …), a copy. Tensors keep their dtype; whole numbers stay whole (they are labels),
        and other numbers become float32.

    Raises
    ------
    ValueError: the samples have unequal shapes; the first that differs from sample 0 is named.

    Cost: one copy of every sample.

    >>> stack_samples([Tensor([1, 2]), Tensor([3, 4]), Tensor([5, 6])]).shape
    (3, 2)
    """
    arrays = [array_of(sample) for sample in samples]
    for number, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"default_collate: sample 0 of the batch has shape {arrays[0].shape} and sample "
                f"{number} has {array.shape}; make them equal (crop or pad), or pass a "
                "collate_fn of your own"
            )
    return wrap(np.stack(arrays), *[sample for sample in samples if isinstance(sample, Tensor)])


def default_collate(samples):
    """Return one batch made of several samples: numbers and arrays stacked, tuples field by field.

    Parameters
    ----------
    samples : list of B samples of one shape: Tensors, ndarrays, numbers, lists of numbers, or tuples of these

    Returns
    -------
    Tensor of shape (B, …); for tuples a tuple with one such Tensor for each field.
        Whole numbers stay whole (they are labels), and other numbers become float32.

    Raises
    ------
    ValueError: no samples, or samples of unequal shapes or numbers of fields, which it names.

    Cost: one copy of every sample.

    >>> inputs, labels = default_collate([([1.5, 2.5], 0), ([3.5, 4.5], 1)])
    >>> inputs.shape, labels.data.tolist()
    ((2, 2), [0, 1])
    """
    if len(samples) == 0:
        raise ValueError("default_collate: got no samples; a batch needs at least one")
    if has_fields(samples[0]):
        return tuple(default_collate(field) for field in fields_of(samples))
    return stack_samples(samples)


def has_fields(sample):
    """Return whether a sample has fields: a tuple has, and so has a list with Tensors or arrays in it.

    >>> has_fields((1, 2)), has_fields([np.zeros(2), 1]), has_fields([1, 2])
    (True, True, False)
    """
    if isinstance(sample, list):
        return any(isinstance(item, (Tensor, np.ndarray)) for item in sample)
    return isinstance(sample, tuple)


def fields_of(samples):
    """Return the fields of several tuples: all first entries, all second entries, and so on.

    Raises
    ------
    ValueError: the samples have different numbers of fields.

    >>> fields_of([(1, 2), (3, 4)])
    [(1, 3), (2, 4)]
    """
    counts = [len(sample) if has_fields(sample) else 0 for sample in samples]
    for number, count in enumerate(counts):
        if count != counts[0]:
            raise ValueError(
                f"default_collate: sample 0 of the batch has {counts[0]} fields and sample "
                f"{number} has {count}; every sample needs the same, such as (image, label)"
            )
    return list(zip(*samples))


# Transforms: the same picture, a little different each time.


class Transform:
    """Something that changes images, perhaps at random: what Compose and DataLoader hand a generator to.

    A transform of your own that draws is a subclass with `__call__(images, rng=None)`; one that does not
    draw can be any function of the images.

    Parameters
    ----------
    seed : int for draws that can be repeated; None for the generator that the layers share

    >>> Transform(seed=0).generator(None).random() == Transform(seed=0).generator(None).random()
    True
    """

    def __init__(self, seed=None):
        if seed is not None:
            check_seed("seed", seed)
        self.rng = None if seed is None else np.random.default_rng(seed)

    def generator(self, rng):
        """Return the generator to draw from: the one given, or else the transform's own."""
        return default_rng(self.rng) if rng is None else rng

    def __call__(self, images, rng=None):
        """Return the changed images. Each transform writes its own."""
        name = type(self).__name__
        raise NotImplementedError(f"{name}: there is no __call__; it takes images and returns them changed")


def as_stack(name, images):
    """Return images as an array of shape (N, C, H, W), whatever axes they came with.

    Parameters
    ----------
    name : str, the transform, for the message
    images : Tensor or ndarray of shape (H, W), (C, H, W) or (N, C, H, W)

    Raises
    ------
    ValueError: another number of axes ("RandomCrop: images of shape …").

    >>> as_stack("RandomCrop", Tensor(np.zeros((3, 8, 8)))).shape
    (1, 3, 8, 8)
    """
    array = array_of(images)
    if not 2 <= array.ndim <= 4:
        raise ValueError(
            f"{name}: images of shape {array.shape}; it takes one image of shape (H, W) or "
            "(C, H, W), or a batch of shape (N, C, H, W)"
        )
    return array.reshape((1,) * (4 - array.ndim) + array.shape)  # (N, C, H, W)


def like(images, stack):
    """Return a (N, C, H, W) array with the axes that `images` had: as a Tensor where that was one.

    >>> like(np.zeros((8, 8)), np.ones((1, 1, 4, 4))).shape
    (4, 4)
    """
    array = stack.reshape(np.shape(read_numbers(images))[:-2] + stack.shape[-2:])  # (…, H, W)
    return wrap(array, images) if isinstance(images, Tensor) else array


class RandomHorizontalFlip(Transform):
    """Mirror each image left to right with probability p. A cat that looks left is still a cat.

    Parameters
    ----------
    p : float from 0 to 1
    seed : int, or None for the generator that the layers share

    Raises
    ------
    ValueError: p is no probability ("RandomHorizontalFlip: p is 2; …").

    Cost: one copy of the images.

    >>> RandomHorizontalFlip(p=1.0)(Tensor([[1, 2, 3]]))
    Tensor([[3., 2., 1.]], shape=(1, 3))
    """

    def __init__(self, p=0.5, seed=None):
        if not is_real(p) or not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip: p is {p!r}; it must be a probability, from 0 to 1")
        super().__init__(seed)
        self.p = float(p)

    def __call__(self, images, rng=None):
        """Return the images, some of them mirrored; a batch has one draw for each image.

        Parameters
        ----------
        images : Tensor or ndarray of shape (H, W), (C, H, W) or (N, C, H, W)
        rng : numpy.random.Generator to draw from instead of the transform's own

        Returns
        -------
        Tensor or ndarray of the same shape; `images` stay as they are
        """
        stack = as_stack("RandomHorizontalFlip", images)
        flipped = self.generator(rng).random(len(stack)) < self.p  # (N,)
        result = stack.copy()
        result[flipped] = stack[flipped, :, :, ::-1]
        return like(images, result)


class RandomCrop(Transform):
    """Cut a window out of each image, at a random place, after a border of zeros was put around it.

    Parameters
    ----------
    size : int, or (height, width) of the window
    padding : int, the width of the border
    seed : int, or None for the generator that the layers share

    Raises
    ------
    ValueError, TypeError: a size below 1, a negative padding, or not integers.

    Cost: one copy of the images with their border, and one of the windows.

    >>> RandomCrop(2)(Tensor(np.zeros((3, 4, 4)))).shape
    (3, 2, 2)
    """

    def __init__(self, size, padding=0, seed=None):
        height, width = size if isinstance(size, (tuple, list)) and len(size) == 2 else (size, size)
        self.size = check_size("RandomCrop", "size", height), check_size("RandomCrop", "size", width)
        self.padding = check_size("RandomCrop", "padding", padding, least=0)
        super().__init__(seed)

    def __call__(self, images, rng=None):
        """Return a window of each image; a batch has one draw for each image.

        Parameters
        ----------
        images : Tensor or ndarray of shape (H, W), (C, H, W) or (N, C, H, W)
        rng : numpy.random.Generator to draw from instead of the transform's own

        Returns
        -------
        Tensor or ndarray of shape (…, height, width)

        Raises
        ------
        ValueError: the window is larger than image and border ("RandomCrop: a window of …").
        """
        stack = as_stack("RandomCrop", images)
        N, C, H, W = stack.shape
        height, width = self.size
        border = self.padding
        high, wide = H + 2 * border, W + 2 * border
        if height > high or width > wide:
            raise ValueError(
                f"RandomCrop: a window of {self.size} does not fit into images of shape "
                f"{(H, W)} with a border of {border}; take a smaller size or a larger padding"
            )
        padded = np.zeros((N, C, high, wide), dtype=stack.dtype)
        padded[:, :, border : border + H, border : border + W] = stack
        rng = self.generator(rng)
        tops = rng.integers(0, high - height, size=N, endpoint=True).tolist()
        lefts = rng.integers(0, wide - width, size=N, endpoint=True).tolist()
        result = np.empty((N, C, height, width), dtype=stack.dtype)
        for n, (top, left) in enumerate(zip(tops, lefts)):
            result[n] = padded[n, :, top : top + height, left : left + width]
        return like(images, result)


class Compose(Transform):
    """Several transforms, one after the other.

    Parameters
    ----------
    transforms : list of Transforms, or of functions of the images

    Raises
    ------
    TypeError: one of them cannot be called ("Compose: transform 1 is …").

    >>> Compose([RandomCrop(2), RandomHorizontalFlip()])(Tensor(np.zeros((3, 4, 4)))).shape
    (3, 2, 2)
    """

    def __init__(self, transforms):
        super().__init__()
        for number, transform in enumerate(transforms):
            if not callable(transform):
                raise TypeError(
                    f"Compose: transform {number} is of type {type(transform).__name__}, which cannot be called"
                )
        self.transforms = list(transforms)

    def __call__(self, images, rng=None):
        """Return the images after all transforms, in their order; `rng` goes to those that draw."""
        for transform in self.transforms:
            images = transform(images, rng) if isinstance(transform, Transform) else transform(images)
        return images


# From a dataset to batches.


Batch = namedtuple("Batch", "x y")
Batch.__doc__ = """A batch of two fields, inputs and targets, that can be unpacked or asked: `batch.x`, `batch.y`."""


class DataLoader:
    """All samples of a dataset once, in batches: `for inputs, targets in loader`.

    A batch of two fields is a `Batch`, so `for batch in loader` with `batch.x` and `batch.y` works too.

    Parameters
    ----------
    dataset : Dataset, or anything with `len` and positions, of N samples
    batch_size : int, B
    shuffle : bool; True takes the samples in a new random order each time
    drop_last : bool; True leaves out a last batch of fewer than B samples
    seed : int from which every order follows; None draws one from the generator the layers share
    collate_fn : function that makes a batch of a list of samples; `default_collate` if None
    transform : Transform or function, used on the first field of each batch, such as the images

    Attributes
    ----------
    epoch : int, the number of the next pass, from 0

    Raises
    ------
    TypeError: no dataset, a batch size that is not an integer, or a flag that is not a bool.
    ValueError: a batch size below 1, or a dataset without samples. With drop_last and fewer samples than a
        batch has, a pass has no batch and the length is 0.

    Cost: for each pass 8 N bytes for the order; for each batch one copy of its samples.

    >>> data = TensorDataset(Tensor([1, 2, 3, 4, 5]))
    >>> for (numbers,) in DataLoader(data, batch_size=2):
    ...     print(numbers.data)
    [1. 2.]
    [3. 4.]
    [5.]
    """

    def __init__(
        self, dataset, batch_size=1, shuffle=False, drop_last=False, seed=None, collate_fn=None, transform=None
    ):
        check_loader(dataset, shuffle, drop_last, collate_fn, transform)
        self.dataset = dataset
        self.batch_size = check_size("DataLoader", "batch_size", batch_size)
        self.shuffle, self.drop_last = shuffle, drop_last
        if len(dataset) == 0:
            raise ValueError("DataLoader: the dataset has 0 samples; there is nothing to make a batch of")
        self.collate_fn = default_collate if collate_fn is None else collate_fn
        self.transform = None if transform is None else Compose([transform])
        if seed is not None:
            check_seed("seed", seed)
        elif shuffle or transform is not None:
            seed = default_rng().integers(2**31)
        self.seed = None if seed is None else int(seed)
        self.epoch, self.first = 0, 0  # where the next pass begins: its number, and its first batch
        self.position = (0, 0)  # the pass and the batch that a resumed loader begins with

    def __len__(self):
        """Return the number of batches in a whole pass.

        >>> data = TensorDataset(Tensor([1, 2, 3, 4, 5]))
        >>> len(DataLoader(data, batch_size=2)), len(DataLoader(data, batch_size=2, drop_last=True))
        (3, 2)
        """
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole if self.drop_last or rest == 0 else whole + 1

    def order(self, epoch):
        """Return the order in which a pass takes the samples, an ndarray of int of shape (N,).

        Parameters
        ----------
        epoch : int, the number of the pass

        Cost: 8 N bytes, and with shuffle one random number a sample.

        >>> DataLoader(TensorDataset(Tensor([1, 2, 3]))).order(0)
        array([0, 1, 2])
        """
        count = len(self.dataset)
        if not self.shuffle:
            return np.arange(count)
        return np.random.default_rng([self.seed, epoch]).permutation(count)

    def tasks(self, epoch, first):
        """Yield what has to be loaded for a pass, beginning with batch `first`: arguments of `load`.

        Parameters
        ----------
        epoch : int, the number of the pass
        first : int, the number of the batch to begin with

        Yields
        ------
        (epoch, number, rows): two ints, and the ndarray of int that makes batch `number`

        Cost: 8 N bytes for the order; the rows are views of it.

        >>> loader = DataLoader(TensorDataset(Tensor([1, 2, 3])), batch_size=2)
        >>> [rows.tolist() for epoch, number, rows in loader.tasks(0, 0)]
        [[0, 1], [2]]
        """
        order = self.order(epoch)
        for number in range(first, len(self)):
            start = number * self.batch_size
            yield epoch, number, order[start : start + self.batch_size]

    def load(self, epoch, number, rows):
        """Return one batch. It depends on the arguments alone, so any worker may make it at any time.

        Parameters
        ----------
        epoch, number : int, of the pass and of the batch; transforms draw from a generator made of them
        rows : ndarray of int, shape (B,), the positions of the samples

        Returns
        -------
        what collate_fn returns; a tuple of Tensors of shape (B, …), as a `Batch` where it has two fields
        """
        if type(self.dataset) is TensorDataset and self.collate_fn is default_collate:
            batch = self.dataset.take(rows)  # all rows at once: no loop over samples
        else:
            batch = self.collate_fn([self.dataset[row] for row in rows.tolist()])
        if self.transform is not None:
            batch = self.changed(batch, epoch, number)
        return Batch(*batch) if type(batch) is tuple and len(batch) == 2 else batch

    def changed(self, batch, epoch, number):
        """Return a batch with its first field transformed; the draws follow from the two numbers."""
        # The order of the pass has [seed, epoch], which NumPy does not tell from [seed, epoch, 0].
        rng = np.random.default_rng([self.seed, epoch, number + 1])
        if isinstance(batch, tuple):
            return (self.transform(batch[0], rng), *batch[1:])
        return self.transform(batch, rng)

    def __iter__(self):
        """Begin a pass: return an iterator over its batches."""
        epoch, first = self.start_pass()
        batches = (self.load(*task) for task in self.tasks(epoch, first))
        return self.hand_out(batches, epoch, first)

    def start_pass(self):
        """Return (epoch, first), where a pass that begins now starts; the next one starts after it."""
        epoch, first = self.epoch, self.first
        self.epoch, self.first = epoch + 1, 0
        return epoch, first

    def hand_out(self, batches, epoch, first):
        """Yield the batches of a pass, and keep account of how many were handed out."""
        try:
            for number, batch in enumerate(batches, first):
                self.position = (epoch, number + 1)
                yield batch
        finally:
            batches.close()
            self.position = (self.epoch, 0)  # also when the pass was left early

    def state_dict(self):
        """Return where the loader is: all that is needed to go on from here with the same batches.

        Inside a loop over the loader, the batch that was handed out last counts as done.

        Returns
        -------
        dict of str to int, bool or None

        >>> DataLoader(TensorDataset(Tensor([1, 2, 3])), shuffle=True, seed=7).state_dict()["seed"]
        7
        """
        epoch, batch = self.position
        if 0 < batch == len(self):
            epoch, batch = epoch + 1, 0
        return {
            "samples": len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "seed": self.seed,
            "epoch": epoch,
            "batch": batch,
        }

    def check_state(self, state):
        """Raise when `state` is not that of a loader made like this one; change nothing.

        Raises
        ------
        TypeError: not a dict, or a number is none. ValueError: names what is missing or different.
        """
        own = self.state_dict()
        if not isinstance(state, dict):
            raise TypeError(f"load_state_dict: got {type(state).__name__}; it needs what state_dict() gave")
        if set(state) != set(own):
            raise ValueError(
                f"load_state_dict: the state of a loader has {', '.join(own)}; "
                f"got {', '.join(map(str, state)) or 'nothing'}"
            )
        for name in ("samples", "batch_size", "shuffle", "drop_last"):
            if state[name] != own[name]:
                raise ValueError(
                    f"load_state_dict: {name} is {state[name]} in the state and {own[name]} in "
                    "this loader; the batches would be others, so make the loader as it was"
                )
        seeded = state["seed"] is not None or self.shuffle or self.transform is not None
        for name in ("epoch", "batch", "seed") if seeded else ("epoch", "batch"):
            check_size("load_state_dict", name, state[name], least=0)
        if state["batch"] >= max(len(self), 1):
            raise ValueError(
                f"load_state_dict: there is no batch {state['batch']} of pass {state['epoch']}; "
                f"a pass has {len(self)} batches"
            )

    def load_state_dict(self, state):
        """Go on where another loader was: the next pass begins with the batch that came next there.

        Parameters
        ----------
        state : dict, as `state_dict` returned it

        Raises
        ------
        TypeError, ValueError: the state is of another loader ("load_state_dict: batch_size is …"); nothing
            has changed then.

        >>> data = TensorDataset(Tensor(np.arange(6)))
        >>> loader, other = DataLoader(data, 2, shuffle=True, seed=1), DataLoader(data, 2, shuffle=True)
        >>> batches = iter(loader)
        >>> first = next(batches)
        >>> other.load_state_dict(loader.state_dict())
        >>> np.array_equal(next(iter(other))[0].data, next(batches)[0].data)
        True
        """
        self.check_state(state)
        self.seed = state["seed"]
        self.position = self.epoch, self.first = state["epoch"], state["batch"]


def check_loader(dataset, shuffle, drop_last, collate_fn, transform):
    """Raise when these cannot be the arguments of a DataLoader.

    >>> check_loader([1, 2], True, False, None, None)
    """
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise TypeError(
            f"DataLoader: the dataset is of type {type(dataset).__name__}; it needs __len__ and "
            "__getitem__, so make a TensorDataset or a Dataset of your own"
        )
    for name, flag in (("shuffle", shuffle), ("drop_last", drop_last)):
        if not isinstance(flag, bool):
            raise TypeError(f"DataLoader: {name} is {flag!r}; it must be True or False")
    for name, function in (("collate_fn", collate_fn), ("transform", transform)):
        if function is not None and not callable(function):
            kind = type(function).__name__
            raise TypeError(f"DataLoader: {name} is of type {kind}, which cannot be called")


# Batches prepared while the model works on others.

WORKER = {}  # in a worker process: the loader it works for


def start_worker(loader):
    """Keep the loader that this process prepares batches for."""
    WORKER["loader"] = loader


def load_in_worker(*task):
    """Return the batch of one task, prepared in this process."""
    return WORKER["loader"].load(*task)


def available_mode(mode):
    """Return `mode`, or what comes nearest where Python runs: "processes", "threads" or "none".

    A browser has neither processes nor threads, but a page may have more Pythons, which count as processes. Some
    systems have no locks between processes.

    >>> available_mode("none")
    'none'
    """
    if sys.platform in ("emscripten", "wasi"):
        from tinytorch.core.pages import has_workers

        return "processes" if mode == "processes" and has_workers() else "none"
    if mode == "processes":
        try:
            import multiprocessing.synchronize  # noqa: F401
        except ImportError:
            return "threads"
    return mode


class PrefetchLoader:
    """A DataLoader whose next batches are prepared while the last one is being worked on.

    The batches are the same as the loader's, in the same order. What it can win is the time to prepare a
    batch, at most, and only where preparing and training do not need the same thing at the same time:

    - `"threads"` share all memory, so a batch costs nothing to hand over. Python lets one thread at a time
      run Python code, but waiting for a disk and much of NumPy's work on large arrays run beside it. Right
      for reading files and for transforms of whole batches.
    - `"processes"` run everything beside each other, also samples made one at a time in Python. Each batch
      is copied twice, into a pipe and out of it, and each pass starts the workers anew. Right where
      preparing a batch takes longer than copying it: many milliseconds of Python, not a fancy index.
    - `"none"` is plain iteration. For a TensorDataset without a transform nothing is faster.

    Parameters
    ----------
    loader : DataLoader; with more than one worker its dataset is read by several at once, and a dataset
        that draws random numbers itself does so in each worker: leave drawing to a transform
    ahead : int, how many batches may be ready or being prepared beside the one in use
    workers : int, how many threads or processes
    mode : "threads", "processes" or "none"

    Attributes
    ----------
    mode : what is really used: the one asked for, or what comes nearest. A browser has no threads, and in a
        chapter's page more Pythons for "processes"; they stay for the next pass

    Raises
    ------
    TypeError: no DataLoader, or numbers that are not integers.
    ValueError: numbers below 1, or no such mode. What goes wrong in a worker is raised by the pass.

    Cost: `ahead` more batches in memory.

    >>> loader = DataLoader(TensorDataset(Tensor([1, 2, 3])), batch_size=2)
    >>> [numbers.data.tolist() for (numbers,) in PrefetchLoader(loader)]
    [[1.0, 2.0], [3.0]]
    """

    def __init__(self, loader, ahead=2, workers=1, mode="threads"):
        if not isinstance(loader, DataLoader):
            raise TypeError(f"PrefetchLoader: the loader is of type {type(loader).__name__}; it takes a DataLoader")
        if mode not in ("threads", "processes", "none"):
            raise ValueError(f'PrefetchLoader: mode is {mode!r}; it must be "threads", "processes" or "none"')
        self.loader = loader
        self.ahead = check_size("PrefetchLoader", "ahead", ahead)
        self.workers = check_size("PrefetchLoader", "workers", workers)
        self.mode = available_mode(mode)

    def __len__(self):
        """Return the number of batches in a whole pass."""
        return len(self.loader)

    def __iter__(self):
        """Begin a pass: return an iterator over its batches. Closing it stops the workers."""
        if self.mode == "none":
            return iter(self.loader)
        epoch, first = self.loader.start_pass()
        return self.loader.hand_out(self.prepared(self.loader.tasks(epoch, first)), epoch, first)

    def prepared(self, tasks):
        """Yield the batches of the tasks in order, with `ahead` more of them begun meanwhile.

        `self.start_workers()` gives an executor and a function. `executor.submit(function, *task)` begins a batch
        and returns at once, with a future; `future.result()` is the batch, and waits for it where it must. At the
        end, also when the pass is left early, `executor.shutdown(cancel_futures=True)` sends the workers home.

        Parameters
        ----------
        tasks : iterable of tuples, each with what the function is called with

        Cost: `ahead` batches in memory beside the one in use.
        """
        executor, load = self.start_workers()
        waiting = deque()
        try:
            for task in tasks:
                waiting.append(executor.submit(load, *task))
                if len(waiting) > self.ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            executor.shutdown(cancel_futures=True)

    def start_workers(self):
        """Return (executor, function that loads a batch in one of its workers)."""
        from concurrent import futures

        if self.mode == "threads":
            return futures.ThreadPoolExecutor(self.workers), self.loader.load
        if sys.platform == "emscripten":
            from tinytorch.core.pages import PageExecutor

            return PageExecutor(self.workers, self.loader.load), self.loader.load
        keep = {"initializer": start_worker, "initargs": (self.loader,)}
        return futures.ProcessPoolExecutor(self.workers, **keep), load_in_worker

    def state_dict(self):
        """Return where the loader is; batches that are ready but not handed out are not done."""
        return self.loader.state_dict()

    def check_state(self, state):
        """Raise when `state` is not that of a loader made like this one; change nothing."""
        self.loader.check_state(state)

    def load_state_dict(self, state):
        """Go on where another loader was; see `DataLoader.load_state_dict`."""
        self.loader.load_state_dict(state)
