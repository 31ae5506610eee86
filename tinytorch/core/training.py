"""Training: the loop around model, loss and optimizer, and what long runs need besides.

Built in chapter 08. Depends on `tinytorch.core.tensor`, `layers`, `losses`, `autograd` and `optimizers`.

The file reads from top to bottom: a schedule for the learning rate, `clip_grad_norm`, `Trainer` with the loop
itself; then the files that a run is taken up from (`write_checkpoint`, `read_checkpoint`); and last
`checkpoint`, which trades time for memory inside one step. The two have nothing in common but the name, which
PyTorch gives to both.
"""

from __future__ import annotations

import math
from contextlib import contextmanager, nullcontext
from functools import partial
from types import ModuleType

import numpy as np

from tinytorch.core.autograd import MODE, Function, no_grad
from tinytorch.core.layers import Layer, check_size, check_state, default_rng
from tinytorch.core.losses import BCEWithLogitsLoss, BinaryCrossEntropyLoss, CrossEntropyLoss
from tinytorch.core.optimizers import Optimizer, check_number
from tinytorch.core.tensor import Tensor, is_real, read_numbers, wrap


class CosineSchedule:
    """A learning rate that falls from max_lr to min_lr along half a cosine wave: slow, fast, slow.

        lr = min_lr + (max_lr - min_lr) * (1 + cos(pi * epoch / total_epochs)) / 2

    Parameters
    ----------
    max_lr, min_lr : float, the first and the last learning rate, 0 or larger
    total_epochs : int, the epoch at which min_lr is reached

    Raises
    ------
    TypeError: not numbers. ValueError: min_lr above max_lr, total_epochs below 1, negative or infinite rates.

    References: Loshchilov and Hutter 2017, SGDR: stochastic gradient descent with warm restarts.

    >>> schedule = CosineSchedule(max_lr=0.1, min_lr=0.0, total_epochs=4)
    >>> [round(schedule.get_lr(epoch), 4) for epoch in range(6)]
    [0.1, 0.0854, 0.05, 0.0146, 0.0, 0.0]
    """

    def __init__(self, max_lr, min_lr, total_epochs):
        self.max_lr = check_number("CosineSchedule", "max_lr", max_lr)
        self.min_lr = check_number("CosineSchedule", "min_lr", min_lr)
        self.total_epochs = check_size("CosineSchedule", "total_epochs", total_epochs)
        if self.min_lr > self.max_lr:
            raise ValueError(
                f"CosineSchedule: min_lr is {min_lr} and max_lr {max_lr}; the rate falls from "
                "max_lr to min_lr, so exchange them"
            )

    def get_lr(self, epoch):
        """Return the learning rate of an epoch.

        Parameters
        ----------
        epoch : int or float, 0 or larger; from total_epochs on the rate is min_lr

        Returns
        -------
        float: exactly max_lr at 0, exactly min_lr from total_epochs on

        Raises
        ------
        TypeError: not a number. ValueError: a negative epoch ("CosineSchedule: epoch is -1; …").
        """
        epoch = check_number("CosineSchedule", "epoch", epoch)
        progress = min(epoch / self.total_epochs, 1.0)
        share = (1 + math.cos(math.pi * progress)) / 2  # from 1 to 0
        return share * self.max_lr + (1 - share) * self.min_lr

    def state_dict(self):
        """Return the three numbers it was made of, a dict."""
        return {"max_lr": self.max_lr, "min_lr": self.min_lr, "total_epochs": self.total_epochs}

    def check_state(self, state):
        """Raise TypeError or ValueError when `state` is not that of a CosineSchedule; change nothing."""
        CosineSchedule(**state)

    def load_state_dict(self, state):
        """Take over the three numbers of another schedule."""
        self.__init__(**state)


def norm_of(arrays):
    """Return the root of the sum of all squares in several arrays, a float.

    The sum is taken in the arrays' own precision, and again in float64 where that overflows.

    >>> norm_of([np.array([3.0]), np.array([4.0])])
    5.0
    """
    total = math.fsum(float(np.vdot(array, array)) for array in arrays)
    if not math.isfinite(total):
        total = sum(float(np.square(array, dtype=np.float64).sum()) for array in arrays)
    return math.sqrt(total)


def check_max_norm(max_norm):
    """Return `max_norm` as a float, or raise TypeError or ValueError when it is not a number above 0."""
    if not is_real(max_norm):
        raise TypeError(f"clip_grad_norm: max_norm is {max_norm!r}; it must be a number above 0")
    if not max_norm > 0:
        raise ValueError(f"clip_grad_norm: max_norm is {max_norm}; it must be above 0")
    return float(max_norm)


def clip_grad_norm(parameters, max_norm):
    """Shorten all gradients together, in place, so that their norm is at most `max_norm`.

    All are multiplied by the same number, max_norm / (norm + 1e-6), so that the direction of the step stays.
    Parameters without a gradient are left out.

    Parameters
    ----------
    parameters : list of Tensors, such as `model.parameters()`
    max_norm : float above 0; math.inf only measures

    Returns
    -------
    float: the norm of all gradients together, before. It is inf or nan where a gradient holds such a value;
        as in PyTorch the gradients are then useless (0 and nan), so look at it before `optimizer.step()`.

    Raises
    ------
    TypeError: max_norm is not a number. ValueError: max_norm is 0, negative or NaN.

    Cost: 2 FLOPs an element for the norm, and 1 where it is too large. 0 new bytes of a gradient's size.

    References: Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural networks.

    >>> w = Tensor([0.0, 0.0])
    >>> w.grad = np.array([3.0, 4.0])
    >>> clip_grad_norm([w], max_norm=1.0), w.grad.round(4).tolist()
    (5.0, [0.6, 0.8])
    """
    max_norm = check_max_norm(max_norm)
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = norm_of(grads)
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:  # so NaN is not passed over
        with np.errstate(invalid="ignore"):  # inf * 0 is NaN
            for grad in grads:
                grad *= factor
    return norm


# The loop.


def pairs(name, loader, ignored=None):
    """Yield (inputs, targets, count) for each batch, count being the number of target values in it.

    Parameters
    ----------
    name : str, the caller, for the messages
    loader : anything to go through that gives pairs
    ignored : the target value that the loss leaves out, and that is not counted; or None

    Raises
    ------
    ValueError: a batch that is no pair or empty, or no batch at all ("train_epoch: the loader gave …").
    """
    empty = True
    for batch in loader:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            what = f"{len(batch)} fields" if isinstance(batch, (tuple, list)) else f"a {type(batch).__name__}"
            raise ValueError(f"{name}: the loader gave {what} as a batch; it must give pairs (inputs, targets)")
        empty = False
        targets = read_numbers(batch[1])
        if targets.size == 0:
            raise ValueError(
                f"{name}: the loader gave a batch without targets, of shape {targets.shape}; leave empty batches out"
            )
        yield batch[0], batch[1], targets.size if ignored is None else int((targets != ignored).sum())
    if empty:
        raise ValueError(
            f"{name}: the loader gave no batch; a generator is used up after one pass, so pass a DataLoader or a list"
        )


def groups(items, size):
    """Yield lists of `size` items one after the other; the last one holds what is left.

    >>> list(groups("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    group = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


@contextmanager
def evaluation_mode(model):
    """Switch a model to use for a `with` block, and every layer back to what it was after it."""
    before = [(layer, layer.training) for layer in [model, *model.sublayers()]]
    model.eval()
    try:
        yield
    finally:
        for layer, training in before:
            layer.training = training


def count_right(loss_fn, predictions, targets):
    """Return how many predictions name the right class, an int; None where there are no classes.

    Parameters
    ----------
    loss_fn : the loss; the two binary ones say how to read a prediction
    predictions : Tensor of shape (…, C) with class targets, or of the targets' shape with a binary loss
    targets : Tensor or ndarray: classes of shape (…), or 0 and 1

    >>> count_right(None, Tensor([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    1
    """
    predicted, targets = predictions.data, read_numbers(targets)
    if isinstance(loss_fn, (BinaryCrossEntropyLoss, BCEWithLogitsLoss)):
        middle = 0.5 if isinstance(loss_fn, BinaryCrossEntropyLoss) else 0.0
        return int(((predicted > middle) == (targets > 0.5)).sum())
    classes = targets.dtype.kind in "iu" or isinstance(loss_fn, CrossEntropyLoss)
    if classes and targets.shape == predicted.shape[:-1]:
        return int((predicted.argmax(axis=-1) == targets).sum())
    return None


def share_right(counts, seen):
    """Return the part of the targets that was predicted right, a float; None where a batch had no classes.

    Parameters
    ----------
    counts : list of int or None, what `count_right` said of each batch
    seen : int, the number of targets in all batches

    >>> share_right([1, 2], 4), share_right([None], 4)
    (0.75, None)
    """
    return None if None in counts else sum(counts) / seen


def place_not_finite(name, value):
    """Return where a number of `value` is NaN or infinite, as in "inputs[1, 2] is nan"; None where all are finite.

    Parameters
    ----------
    name : str, what the value is
    value : Tensor, ndarray or numbers; anything else has no such place

    >>> place_not_finite("inputs", Tensor([[1.0, 2.0], [np.nan, 3.0]]))
    'inputs[1, 0] is nan'
    """
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    with np.errstate(over="ignore", invalid="ignore"):  # the sum is the quick way: finite, so all are
        if array.dtype.kind != "f" or np.isfinite(array.sum()) or np.isfinite(array).all():
            return None
    where = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
    return f"{name}{list(where) if where else ''} is {array[where]}"


class StopAtNan:
    """For a `with` block with one `train_step`: stop before its step where a loss or a gradient is not finite.

    The loss is looked at when it is computed, the gradients before the first parameter moves. Buffers of
    layers, such as running means, are put back. So the model is as it was before the batch.

    Parameters
    ----------
    trainer : Trainer
    group : list of (inputs, targets, count), what the step is made of
    first : int, the number of its first batch in the epoch

    Raises
    ------
    FloatingPointError: names the batch and what is not finite.
    """

    def __init__(self, trainer, group, first):
        self.trainer, self.group, self.first = trainer, group, first
        self.loss_fn, self.done = trainer.loss_fn, 0
        self.before = [(layer, name, getattr(layer, name).copy()) for layer, name in named_buffers(trainer.model)]

    def loss(self, predictions, targets):
        """Return what the trainer's loss returns, or raise where it is not finite."""
        loss = self.loss_fn(predictions, targets)
        place = min(self.done, len(self.group) - 1)
        self.done += 1
        if place_not_finite("the loss", loss):
            suspects = {"inputs": self.group[place][0], "targets": targets}
            refuse_nan(self.trainer, [self.first + place], suspects, predictions, loss)
        return loss

    def gradients(self):
        """Return what the optimizer's `gradients` returns, or raise where one is not finite."""
        optimizer, numbers = self.trainer.optimizer, range(self.first, self.first + len(self.group))
        grads = type(optimizer).gradients(optimizer)
        for place, grad in enumerate(grads):
            if grad is not None and place_not_finite("", grad):
                name = name_of(self.trainer.model, optimizer.params[place], place)
                refuse_nan(self.trainer, numbers, {f"the gradient of {name}": grad})
        return grads

    def __enter__(self):
        self.trainer.loss_fn, self.trainer.optimizer.gradients = self.loss, self.gradients

    def __exit__(self, kind, error, traceback):
        self.trainer.loss_fn = self.loss_fn
        del self.trainer.optimizer.gradients
        if kind is FloatingPointError:
            for layer, name, values in self.before:
                getattr(layer, name)[...] = values


def named_buffers(model):
    """Return (layer, attribute) for each buffer of a model and of the layers inside it."""
    return [(layer, name) for layer in (model, *model.sublayers()) for name in layer.buffers]


def name_of(model, parameter, place):
    """Return the name of a parameter in its model; "parameter 3" where it has none."""
    names = {id(found): name for name, found in model.named_parameters()}
    return names.get(id(parameter), f"parameter {place}")


def refuse_nan(trainer, numbers, suspects, predictions=None, loss=None):
    """Raise FloatingPointError, naming the batch and the first thing that is not finite.

    Parameters
    ----------
    trainer : Trainer
    numbers : the numbers of the batches in the epoch
    suspects : dict of name to array, in the order in which one follows from the other
    predictions, loss : Tensor, looked at after the weights; or None
    """
    weights = {f"the weight {name}": parameter for name, parameter in trainer.model.named_parameters()}
    last = {} if loss is None else {"predictions": predictions, "the loss": loss}
    found = [place_not_finite(name, value) for name, value in {**suspects, **weights, **last}.items()]
    batch = " or ".join(str(number) for number in numbers)
    raise FloatingPointError(
        f"train_epoch: batch {batch} of epoch {trainer.epoch} (both counted from 0): {next(filter(None, found))}; "
        "the model is as it was before this batch. Look at its samples or lower the learning rate; "
        "Trainer(…, check_finite=False) goes on with such numbers"
    )


class History(dict):
    """What a Trainer notes: a dict of lists, in which the learning rates are found by a second name too.

    >>> History(lr=[0.1])["learning_rates"]
    [0.1]
    """

    def __missing__(self, name):
        if name == "learning_rates":
            return self["lr"]
        raise KeyError(name)


class Trainer:
    """A model, an optimizer and a loss, and the loop that they are for.

    Parameters
    ----------
    model : Layer
    optimizer : Optimizer of the model's parameters
    loss_fn : function of (predictions, targets) that returns their mean loss, a single number
    scheduler : something with `get_lr(epoch)`, such as CosineSchedule, asked once an epoch; or None
    grad_clip_norm : float, the most that the norm of all gradients may be; or None
    check_finite : bool; True stops `train_epoch` before a step whose loss or gradient is NaN or infinite, since
        one such step makes all weights NaN. False takes the step.

    Attributes
    ----------
    epoch : int, how many epochs are done
    history : dict of list of float: "train_loss" and "lr", also called "learning_rates", have one value for
        each epoch, "eval_loss" and "eval_accuracy" one for each evaluation by `fit`

    Raises
    ------
    TypeError: one of them is something else. ValueError: grad_clip_norm is not above 0.

    >>> from tinytorch.core.autograd import enable_autograd
    >>> from tinytorch.core.layers import Linear
    >>> from tinytorch.core.losses import MSELoss
    >>> from tinytorch.core.optimizers import SGD
    >>> enable_autograd()
    >>> model = Linear(1, 1, rng=0)
    >>> trainer = Trainer(model, SGD(model.parameters(), lr=0.1), MSELoss())
    >>> data = [(Tensor([[0], [1], [2]]), Tensor([[1], [3], [5]]))]  # y = 2 x + 1
    >>> history = trainer.fit(data, epochs=300)
    >>> model.weight.data.round(2).tolist(), model.bias.data.round(2).tolist()
    ([[2.0]], [1.0])
    """

    def __init__(self, model, optimizer, loss_fn, scheduler=None, grad_clip_norm=None, check_finite=True):
        for name, value, kind in (("model", model, Layer), ("optimizer", optimizer, Optimizer)):
            if not isinstance(value, kind):
                raise TypeError(
                    f"Trainer: {name} is of type {type(value).__name__}; it must be of class {kind.__name__}"
                )
        if not callable(loss_fn):
            raise TypeError(f"Trainer: loss_fn is of type {type(loss_fn).__name__}, which cannot be called")
        if scheduler is not None and not callable(getattr(scheduler, "get_lr", None)):
            raise TypeError(f"Trainer: scheduler is of type {type(scheduler).__name__}; it needs get_lr(epoch)")
        if grad_clip_norm is not None and check_number("Trainer", "grad_clip_norm", grad_clip_norm) == 0:
            raise ValueError("Trainer: grad_clip_norm is 0; it must be above 0, or None for no clipping")
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.scheduler, self.grad_clip_norm, self.check_finite = scheduler, grad_clip_norm, check_finite
        self.epoch = 0
        self.history = History(train_loss=[], lr=[], eval_loss=[], eval_accuracy=[])

    def train_epoch(self, loader, accumulation_steps=1):
        """Go through a loader once, with a step of the optimizer for each group of batches.

        Parameters
        ----------
        loader : DataLoader, or anything to go through that gives pairs (inputs, targets)
        accumulation_steps : int, how many batches make a step. Their gradients add up to that of one large
            batch, also when the last group or batch is smaller, in the memory that one batch needs. A layer
            that compares the samples of a batch still sees the small ones.

        Returns
        -------
        float: the mean loss over the epoch; each batch was measured before its own step

        Raises
        ------
        ValueError, TypeError: accumulation_steps below 1, no batches, or batches that are no pairs.
        FloatingPointError: a loss or a gradient is NaN or infinite; names the batch, and the model is as it
            was before it.
        """
        steps = check_size("train_epoch", "accumulation_steps", accumulation_steps)
        if self.scheduler is not None:
            self.optimizer.lr = self.scheduler.get_lr(self.epoch)
        self.model.train()
        total, seen = 0.0, 0
        batches = pairs("train_epoch", loader, getattr(self.loss_fn, "ignore_index", None))
        for number, group in enumerate(groups(batches, steps)):
            count = sum(count for inputs, targets, count in group)
            with StopAtNan(self, group, number * steps) if self.check_finite else nullcontext():
                total += self.train_step(group, count) * count
            seen += count
        self.epoch += 1
        self.history["train_loss"].append(total / seen)
        self.history["lr"].append(self.optimizer.lr)
        return total / seen

    def train_step(self, group, count):
        """Make one step from a group of batches. Return their mean loss, a float.

        Parameters
        ----------
        group : list of (inputs, targets, number of target values)
        count : int, the number of target values in the whole group
        """
        self.optimizer.zero_grad()
        mean = 0.0
        for inputs, targets, own in group:
            share = own / count  # 1 where the batch is alone
            loss = self.loss_fn(self.model(inputs), targets)
            mean += loss.item() * share
            loss.backward(np.full(loss.shape, share))
        if self.grad_clip_norm is not None:
            clip_grad_norm(self.optimizer.params, self.grad_clip_norm)
        self.optimizer.step()
        return mean

    def evaluate(self, loader):
        """Measure the model on a loader, without recording and with all layers switched to use.

        Parameters
        ----------
        loader : as for `train_epoch`

        Returns
        -------
        (float, float): mean loss and the part of the targets that was predicted right; None in place of the
            second where targets are no classes

        Raises
        ------
        ValueError: no batches, or batches that are no pairs.
        """
        total, right, seen = 0.0, [], 0
        with no_grad(), evaluation_mode(self.model):
            for inputs, targets, count in pairs("evaluate", loader):
                predictions = self.model(inputs)
                total += self.loss_fn(predictions, targets).item() * count
                right.append(count_right(self.loss_fn, predictions, targets))
                seen += count
        return total / seen, share_right(right, seen)

    def fit(self, loader, epochs, eval_loader=None, accumulation_steps=1):
        """Train until `epochs` epochs are done in all, those before a checkpoint was loaded included.

        Parameters
        ----------
        loader : as for `train_epoch`
        epochs : int, 1 or larger
        eval_loader : the same, measured after each epoch; or None
        accumulation_steps : as for `train_epoch`

        Returns
        -------
        dict: `self.history`
        """
        epochs = check_size("fit", "epochs", epochs)
        while self.epoch < epochs:
            self.train_epoch(loader, accumulation_steps)
            if eval_loader is not None:
                loss, accuracy = self.evaluate(eval_loader)
                self.history["eval_loss"].append(loss)
                self.history["eval_accuracy"].append(accuracy)
        return self.history

    def state_dict(self, loader=None):
        """Return everything that the rest of the training depends on, a dict of dicts.

        Parameters
        ----------
        loader : DataLoader or PrefetchLoader whose place is kept too, or None

        Cost: one copy of the model's parameters and of the optimizer's buffers.
        """
        return {
            "epoch": self.epoch,
            "history": {name: list(values) for name, values in self.history.items()},
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": state_of(self.scheduler),
            "loader": state_of(loader),
            "generators": {
                name: generator.bit_generator.state for name, generator in named_generators(self.model).items()
            },
        }

    def check_state(self, state, loader=None):
        """Raise when `state` is not that of such a trainer; change nothing.

        Raises
        ------
        KeyError, TypeError, ValueError: something is missing or different; the message names it.
        """
        check_size("the file", "epoch", state["epoch"], least=0)
        if set(state["history"]) != set(self.history):
            raise ValueError(f"history has {', '.join(state['history'])}; needed are {', '.join(self.history)}")
        if not all(isinstance(values, list) for values in state["history"].values()):
            raise TypeError("history holds something else than lists of numbers")
        check_state(self.model.state_arrays(), state["model"])
        self.optimizer.check_state(state["optimizer"])
        check_part("scheduler", self.scheduler, state["scheduler"])
        check_part("loader", loader, None if loader is None else state["loader"])
        check_generators(named_generators(self.model), state["generators"])

    def save_checkpoint(self, path, loader=None):
        """Write everything that the rest of the training depends on into one file; see `save_checkpoint`.

        Parameters
        ----------
        path : str or path of the file; it is replaced in one go, so a crash leaves the old one whole
        loader : DataLoader or PrefetchLoader whose place is kept too, or None
        """
        save_checkpoint(path, self.state_dict(loader))

    def load_checkpoint(self, path, loader=None):
        """Go on where a run was saved: what follows is the same, bit for bit, as without the interruption.

        Model, optimizer, scheduler and loader are made as they were, and then filled from the file. Settings
        such as lr come from the file too, and so does the state of every generator of random numbers.

        Parameters
        ----------
        path : str or path of the file
        loader : the DataLoader or PrefetchLoader that was saved with it; None leaves its place alone

        Raises
        ------
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint, damaged, of another version, or of another model, optimizer,
            scheduler or loader; it says what differs. Nothing has changed then.
        """
        state = load_checkpoint(path)
        try:
            self.check_state(state, loader)
        except (KeyError, TypeError, ValueError) as error:
            missing = f"{error} is missing" if isinstance(error, KeyError) else error
            raise ValueError(f"{path}: {missing}") from error
        self.epoch, self.history = state["epoch"], History(state["history"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, part in (("scheduler", self.scheduler), ("loader", loader)):
            if hasattr(part, "load_state_dict"):
                part.load_state_dict(state[name])
        for name, generator in named_generators(self.model).items():
            generator.bit_generator.state = state["generators"][name]


# What belongs to the state of a run beside parameters and buffers.


def state_of(part):
    """Return the state of a scheduler or loader: None for None, and empty where it keeps none."""
    if part is None:
        return None
    return part.state_dict() if hasattr(part, "state_dict") else {}


def check_part(name, part, state):
    """Raise when a saved state and a scheduler or loader do not belong together; change nothing.

    >>> check_part("scheduler", None, None)
    """
    if (part is None) != (state is None):
        have = ("the file", "this trainer") if part is None else ("this trainer", "the file")
        raise ValueError(f"{have[0]} has a {name} and {have[1]} has none; make the trainer as it was")
    if hasattr(part, "check_state"):
        part.check_state(state)


def named_generators(model):
    """Return the generators that a model draws from, by name: the shared one, and those of its layers.

    >>> from tinytorch.core.layers import Dropout, Sequential
    >>> list(named_generators(Sequential(Dropout(0.5, rng=3))))
    ['shared', 'steps.0.rng']
    """
    found = {"shared": default_rng()}
    for name, layer in [("", model), *model.named_layers()]:
        for attribute, value in vars(layer).items():
            if isinstance(value, np.random.Generator):
                found[f"{name}.{attribute}" if name else attribute] = value
    return found


def check_generators(own, states):
    """Raise when saved states do not fit the generators by name and kind; change nothing."""
    if set(own) != set(states):
        raise ValueError(f"the file has generators {', '.join(states)} and the model {', '.join(own)}")
    for name, generator in own.items():
        spare = type(generator.bit_generator)()
        try:
            spare.state = states[name]
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"the state of generator {name} does not fit: {error}") from error


# Files to take up a run from.

FORMAT = "tinytorch checkpoint"
VERSION = 1


def split_arrays(value, name, arrays):
    """Return `value` with every array in it replaced by its name, and collect the arrays by name.

    Parameters
    ----------
    value : nested dicts and lists of ndarrays, numbers, text, bools and None
    name : str, where the value is
    arrays : dict of str to ndarray, to which the arrays are added

    >>> arrays = {}
    >>> split_arrays({"lr": 0.1, "m": [np.zeros(2)]}, "optimizer", arrays)
    {'lr': 0.1, 'm': [{'array': 'optimizer/m/0'}]}
    >>> list(arrays)
    ['optimizer/m/0']
    """
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        while name in arrays:  # {"a/b": …} and {"a": {"b": …}} make the same name
            name += "'"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: split_arrays(inner, f"{name}/{key}", arrays) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [split_arrays(inner, f"{name}/{place}", arrays) for place, inner in enumerate(value)]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(
        f"save_checkpoint: {name} is of type {type(value).__name__}; a file holds dicts with "
        "text as keys, lists, arrays of numbers, numbers, text, bools and None"
    )


def join_arrays(value, arrays):
    """Return `value` with every name of an array replaced by the array: what `split_arrays` took apart.

    >>> join_arrays({"lr": 0.1, "m": [{"array": "m/0"}]}, {"m/0": np.zeros(2)})
    {'lr': 0.1, 'm': [array([0., 0.])]}
    """
    if isinstance(value, dict):
        if list(value) == ["array"] and isinstance(value["array"], str):
            return arrays[value["array"]]
        return {key: join_arrays(inner, arrays) for key, inner in value.items()}
    if isinstance(value, list):
        return [join_arrays(inner, arrays) for inner in value]
    return value


@contextmanager
def replacing(path):
    """Give a file to write bytes to that becomes `path` in the end, so that a crash leaves the old one whole.

    The bytes go to a second file beside it, down to the disk, and then take the name.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    OSError: the file cannot be written.
    """
    import os

    beside = f"{os.fspath(path)}.{os.getpid()}.part"
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.remove(beside)


def save_checkpoint(path, state):
    """Write a state to a file that a crash cannot leave half written.

    It is a NumPy .npz: the arrays by name, and the rest as JSON text under "header". Reading it runs no code,
    as reading a pickle may. It is written beside its place first, forced to the disk, and then renamed.

    Parameters
    ----------
    path : str or path of the file, with any ending; its folder is made where there is none
    state : dict of str to nested dicts and lists of ndarrays, numbers, text, bools and None

    Raises
    ------
    TypeError: something in the state is none of these. Nothing has been written then.
    OSError: the file cannot be written; an older one of that name is as it was.

    Cost: the bytes of the arrays on disk, twice for a moment if the file was there before.
    """
    import json
    import os

    arrays = {}
    split = split_arrays(state, "state", arrays)
    header = json.dumps({"format": FORMAT, "version": VERSION, "state": split})
    folder = os.path.dirname(os.fspath(path))
    if folder:
        os.makedirs(folder, exist_ok=True)
    with replacing(path) as file:
        np.savez(file, header=np.array(header), **arrays)


def load_checkpoint(path):
    """Read the state that `save_checkpoint` wrote.

    Parameters
    ----------
    path : str or path of the file

    Returns
    -------
    dict, equal to the state that was saved; tuples have become lists

    Raises
    ------
    FileNotFoundError: there is no such file.
    ValueError: it is no checkpoint, was cut off or damaged, or has another version.
    """
    import json

    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            header = json.loads(arrays.pop("header").item())
            found, version = header["format"], header["version"]
        except Exception as error:  # a damaged file fails in many ways, all of which mean the same
            raise ValueError(
                f"{path}: this is no checkpoint, or it was cut off or damaged ({type(error).__name__}: {error})"
            ) from error
    if found != FORMAT or version != VERSION:
        raise ValueError(
            f"{path}: the file is a {found}, version {version}; this library reads a {FORMAT}, version {VERSION}"
        )
    try:
        return join_arrays(header["state"], arrays)
    except KeyError as error:
        raise ValueError(f"{path}: the file is damaged: {error} is missing") from error


# Less memory for more time.


@contextmanager
def recording():
    """Switch recording on for a `with` block, and back to what it was after it."""
    before = MODE.recording
    MODE.recording = True
    try:
        yield
    finally:
        MODE.recording = before


PLAIN = {int, float, bool, str, type(None), Tensor, np.ndarray}  # a list of data may hold many of these


def insides(thing):
    """Return what an object holds, where a layer or a generator may be among it.

    Looked into are containers, attributes, the object whose method it is, what a function was closed over or
    bound to, and the globals that it names.

    >>> insides({"a": 1, "b": [2]})
    [1, [2]]
    """
    if isinstance(thing, (list, tuple, dict)):
        return list(thing.values() if isinstance(thing, dict) else thing)
    if isinstance(thing, (Tensor, np.ndarray, np.random.Generator, type, ModuleType)):
        return []
    near = [getattr(thing, name, None) for name in ("__self__", "__defaults__", "__kwdefaults__")]
    if isinstance(thing, partial):
        near += [thing.func, thing.args, thing.keywords]
    near += [cell.cell_contents for cell in getattr(thing, "__closure__", None) or ()]
    if hasattr(thing, "__code__"):
        near += [thing.__globals__.get(name) for name in thing.__code__.co_names]
    return near + list(getattr(thing, "__dict__", {}).values())


def within_reach(function):
    """Return the layers and the generators of random numbers that a function can get at; see `insides`.

    Parameters
    ----------
    function : anything that can be called

    Returns
    -------
    (list of Layer, list of numpy.random.Generator), the shared generator among the latter

    Cost: a visit to each object that can be reached; no elements touched.

    >>> from tinytorch.core.layers import Dropout, Sequential
    >>> layers, generators = within_reach(Sequential(Dropout(0.5, rng=3)))
    >>> len(layers), len(generators)
    (2, 2)
    """
    waiting, seen = [default_rng(), function], {}
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen:
            seen[id(thing)] = thing  # kept, so that no other object gets its id meanwhile
            waiting += [inner for inner in insides(thing) if type(inner) not in PLAIN]
    return (
        [thing for thing in seen.values() if isinstance(thing, Layer)],
        [thing for thing in seen.values() if isinstance(thing, np.random.Generator)],
    )


@contextmanager
def draws_again(function, states):
    """For a `with` block, let random draws repeat from `states`; then put everything back as it was before.

    Put back are the generators, which must go on where they are, and the buffers of layers, which a second
    run must not update a second time.

    Parameters
    ----------
    function : what is going to be run
    states : list of dict, the states of its generators to begin from
    """
    layers, generators = within_reach(function)
    now = [generator.bit_generator.state for generator in generators]
    kept = [(layer, name, getattr(layer, name).copy()) for layer in layers for name in layer.buffers]
    for generator, state in zip(generators, states):
        generator.bit_generator.state = state
    try:
        yield
    finally:
        for generator, state in zip(generators, now):
            generator.bit_generator.state = state
        for layer, name, values in kept:
            getattr(layer, name)[...] = values


def fresh_leaves(inputs, needs):
    """Return the inputs on the same memory, but computed from nothing: a gradient ends in their `.grad`.

    Parameters
    ----------
    inputs : Tensors, and other things, which stay as they are
    needs : for each of them a bool: does it require a gradient?

    Cost: 0 bytes copied.
    """
    return [Tensor(x.data, need, dtype=x.dtype) if isinstance(x, Tensor) else x for x, need in zip(inputs, needs)]


def leaf_gradients(leaves, needs):
    """Return the gradient that arrived at each leaf: zeros where none did, None where none is needed."""
    return [(np.zeros_like(x.data) if x.grad is None else x.grad) if need else None for x, need in zip(leaves, needs)]


def check_same(result, output):
    """Raise RuntimeError when the second run of a function did not give the array that the first one gave.

    Parameters
    ----------
    result : Tensor, the second result
    output : ndarray, the first one
    """
    if not np.array_equal(result.data, output, equal_nan=True):
        raise RuntimeError(
            "checkpoint: the function gave another result when it was run again for its "
            "gradient; it must not depend on anything that changes in between, such as a "
            "generator of its own, a counter, or parameters that were updated"
        )


class Checkpoint(Function):
    """A whole function as one operation in the graph, which is run again when its gradient is needed."""

    def forward(self, anchor, function, *inputs):
        """Return function(*inputs). Nothing inside is recorded."""
        self.states = [generator.bit_generator.state for generator in within_reach(function)[1]]
        result = function(*inputs)
        if not isinstance(result, Tensor):
            raise TypeError(f"checkpoint: the function returned a {type(result).__name__}; it must return one Tensor")
        return wrap(result.data, result)

    def backward(self, grad_output, anchor, function, *inputs):
        """Run the function again, recorded, and send the gradient through it; return that of the inputs."""
        leaves = fresh_leaves(inputs, self.needs[2:])
        with recording(), draws_again(function, self.states):
            result = function(*leaves)
        check_same(result, self.output)
        if result.requires_grad:
            result.backward(grad_output)
        return (np.zeros_like(anchor.data), None, *leaf_gradients(leaves, self.needs[2:]))


def checkpoint(function, *inputs):
    """Return function(*inputs), forgetting all intermediate results; backward computes them again.

    What a graph keeps for its way back grows with its depth. Here only the inputs are kept, and when the
    gradient arrives the function is run a second time. A model of L equal blocks, each in a checkpoint, holds
    L inputs and the inside of one block instead of the insides of L blocks, and pays with one more forward:
    about a third more time, since backward costs about two.

    Parameters
    ----------
    function : a layer or function of Tensors that returns one Tensor. It must give the same result when it
        is run again: random draws are repeated, and buffers of layers are not updated twice
    inputs : Tensors (or other things) it is called with; everything it uses that was computed from something
        that requires a gradient belongs here, while parameters and other leaves may be reached by themselves

    Returns
    -------
    Tensor, with the gradients that function(*inputs) would have

    Raises
    ------
    TypeError: the function returns no Tensor. RuntimeError, in backward: its second result is another.

    Cost: memory of the inputs between forward and backward; the FLOPs of one more forward.

    References: Chen, Xu, Zhang and Guestrin 2016, Training deep nets with sublinear memory cost.

    >>> from tinytorch.core.autograd import enable_autograd
    >>> enable_autograd()
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: x * x * x, x).sum().backward()
    >>> x.grad.tolist()
    [3.0, 12.0]
    """
    if not MODE.recording or not hasattr(Tensor, "requires_grad"):
        return function(*inputs)
    # The parameters inside are not among the arguments, so something else must ask for a gradient.
    anchor = Tensor(0.0, requires_grad=True)
    return Checkpoint.apply(anchor, function, *inputs)
