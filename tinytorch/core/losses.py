"""Losses: one number that says how wrong a model is.

Built in chapter 04. Depends on `tinytorch.core.tensor`, `tinytorch.core.activations` and NumPy.

The file reads from top to bottom: logarithms of softmax without overflow (`log_sum_exp_parts`,
`log_sum_exp`, `LogSoftmax`), the checks that predictions and targets belong together, and the
losses. Each loss checks, computes one number for each example with NumPy, and returns their
mean as a Tensor of shape (). A loss remembers nothing between two calls.
"""

from __future__ import annotations

import numpy as np

from tinytorch.core.activations import Activation, check_filled_axis, float_array
from tinytorch.core.tensor import Tensor, by_dim, read_numbers, wrap

LOWEST_LOG = -100  # what stands for log(0) in BinaryCrossEntropyLoss, as in PyTorch


def log_sum_exp_parts(array, axis=-1):
    """Return log(sum(exp(array))) along an axis as two numbers to be added.

    exp of a large number is too large for its dtype. With the largest number taken out first,

        log(sum(exp(x))) = max(x) + log(sum(exp(x - max(x)))),

    every exp is at most 1 and one of them is 1. The parts are kept apart because a caller who
    subtracts something close to max(x) should do so first: 1000.7 - 1000 has lost digits that
    0.69315 still has.

    Parameters
    ----------
    array : ndarray of floating-point numbers
    axis : int, an axis that has elements

    Returns
    -------
    (largest, rest), two ndarrays with size 1 along the axis

    Cost: 1 exp and 3 more FLOPs an element, one temporary of the array's size.

    >>> largest, rest = log_sum_exp_parts(np.array([1000.0, 1000.0]))
    >>> largest, rest.round(5)
    (array([1000.]), array([0.69315]))
    """
    largest = array.max(axis=axis, keepdims=True)
    powers = array - largest
    np.exp(powers, out=powers)
    return largest, np.log(powers.sum(axis=axis, keepdims=True))


def log_sum_exp(array, axis=-1):
    """Return log(sum(exp(array))) along an axis, however large the numbers are.

    It is a soft maximum: a little more than the largest number. Works on arrays.

    Parameters
    ----------
    array : ndarray or nested lists
    axis : int

    Returns
    -------
    ndarray of the shape without the axis

    Raises
    ------
    ValueError: the axis does not exist or is empty ("log_sum_exp: axis 2 does not exist …").

    Cost: as `log_sum_exp_parts`.

    >>> log_sum_exp(np.array([[0.0, 0.0], [9000.0, 0.0]])).round(2)
    array([6.9e-01, 9.0e+03])
    """
    array = read_numbers(array)
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    axis = check_filled_axis("log_sum_exp", axis, array.shape)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN here, and put right below
        largest, rest = log_sum_exp_parts(array, axis)
    total = np.where(np.isinf(largest), largest, largest + rest)
    return np.squeeze(total, axis=axis)


class LogSoftmax(Activation):
    """The logarithm of softmax, computed in one go so that no probability rounds to 0 first.

    Parameters
    ----------
    axis : int, the axis along which the probabilities sum to 1

    >>> LogSoftmax()(Tensor([0, 1000]))
    Tensor([-1000.,     0.], shape=(2,))
    """

    def __init__(self, axis=-1):
        self.axis = axis

    def forward(self, x):
        """Return x - log(sum(exp(x))) along the axis.

        Parameters
        ----------
        x : Tensor with at least one axis

        Returns
        -------
        Tensor of the same shape; every value is 0 or less

        Raises
        ------
        ValueError: the axis does not exist or has no elements ("LogSoftmax: axis 2 does …").

        Cost: 1 exp and 5 more FLOPs an element.

        >>> LogSoftmax().forward(Tensor([0, 0])).numpy().round(3)
        array([-0.693, -0.693], dtype=float32)
        """
        array = float_array(x)
        axis = check_filled_axis("LogSoftmax", self.axis, array.shape)
        largest, rest = log_sum_exp_parts(array, axis)
        out = array - largest
        out -= rest
        return wrap(out, array)


@by_dim
def log_softmax(x, axis=-1):
    """Return the logarithm of softmax along an axis; see `LogSoftmax`.

    Parameters
    ----------
    x : Tensor with at least one axis
    axis : int, also called dim

    Returns
    -------
    Tensor of the same shape

    Raises
    ------
    ValueError: the axis does not exist or has no elements.

    >>> log_softmax(Tensor([[5, 5], [0, 1000]]), axis=1).numpy().round(3)
    array([[-6.93e-01, -6.93e-01],
           [-1.00e+03,  0.00e+00]], dtype=float32)
    """
    return LogSoftmax(axis)(x)


# Checks. A loss of shapes that do not belong together is a number too, only a wrong one.


def position(index):
    """Return an index as it is written behind a name: (1, 2) as "[1, 2]", () as "".

    >>> position((np.int64(3),))
    '[3]'
    """
    return f"[{', '.join(str(int(i)) for i in index)}]" if index else ""


def check_pairs(loss, predictions, targets):
    """Return predictions and targets as floating-point arrays of one shape, or raise.

    Parameters
    ----------
    loss : str, the loss's name for the message
    predictions, targets : Tensor, ndarray or nested lists, of the same shape

    Returns
    -------
    (ndarray, ndarray)

    Raises
    ------
    ValueError: the shapes differ ("MSELoss: predictions (3, 1) and targets (3,): …"), or there
        is no element ("MSELoss: predictions of shape (0, 2) hold nothing; …").

    >>> [array.dtype.name for array in check_pairs("MSELoss", Tensor([1, 2]), [3, 4])]
    ['float32', 'float32']
    """
    predictions, targets = float_array(predictions), float_array(targets)
    if predictions.shape != targets.shape:
        raise ValueError(
            f"{loss}: predictions {predictions.shape} and targets {targets.shape}: "
            "the shapes must be equal; reshape one of them"
        )
    if predictions.size == 0:
        raise ValueError(
            f"{loss}: predictions of shape {predictions.shape} hold nothing; the mean needs at least one example"
        )
    return predictions, targets


def check_probabilities(loss, name, array, advice):
    """Raise when a number in `array` is not from 0 to 1.

    Raises
    ------
    ValueError: the first such number, and where it is ("…: predictions[1] is 1.5; …").

    >>> check_probabilities("BinaryCrossEntropyLoss", "targets", np.array([0.0, 1.0]), "")
    """
    if array.min() >= 0 and array.max() <= 1:
        return
    outside = ~((array >= 0) & (array <= 1))  # true for NaN too
    where = tuple(np.argwhere(outside)[0])
    raise ValueError(f"{loss}: {name}{position(where)} is {array[where]:g}; it must be from 0 to 1; {advice}")


def check_labels(logits, targets):
    """Return logits as rows and labels as one list, or raise when they do not belong together.

    Parameters
    ----------
    logits : Tensor of shape (…, C), one number for each of C classes
    targets : Tensor, ndarray or list of integers from 0 to C - 1, of shape (…)

    Returns
    -------
    (rows, labels), ndarrays of shapes (N, C) and (N,)

    Raises
    ------
    ValueError: the shapes do not fit, there is no example, or a label is no class
        ("CrossEntropyLoss: targets[1] is 10; with 10 classes …").
    TypeError: the labels are not integers ("CrossEntropyLoss: targets hold float32; …").

    >>> rows, labels = check_labels(Tensor([[0.1, 0.9], [0.8, 0.2]]), [1, 0])
    >>> rows.shape, labels
    ((2, 2), array([1, 0]))
    """
    rows, labels = float_array(logits), read_numbers(targets)
    if rows.ndim == 0 or labels.shape != rows.shape[:-1]:
        raise ValueError(
            f"CrossEntropyLoss: logits {rows.shape} and targets {labels.shape}: "
            "targets must have the shape of logits without the last axis, the classes"
        )
    if rows.size == 0:
        raise ValueError(
            f"CrossEntropyLoss: logits of shape {rows.shape} hold nothing; "
            "the mean needs at least one example and one class"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"CrossEntropyLoss: targets hold {labels.dtype}; a label is the number of a class, "
            "so use integers: Tensor(labels, dtype=np.int64)"
        )
    C = rows.shape[-1]
    if labels.min() < 0 or labels.max() >= C:
        where = tuple(np.argwhere((labels < 0) | (labels >= C))[0])
        raise ValueError(
            f"CrossEntropyLoss: targets{position(where)} is {labels[where]}; "
            f"with {C} classes a label is from 0 to {C - 1}"
        )
    return rows.reshape(-1, C), labels.reshape(-1)  # (…, C) to (N, C), (…) to (N,)


class Loss:
    """What all losses are: something to call with predictions and targets."""

    def forward(self, predictions, targets):
        """Compute the loss. Each loss writes its own.

        Raises
        ------
        NotImplementedError: the subclass has no `forward`.
        """
        name = type(self).__name__
        raise NotImplementedError(
            f"{name}: there is no forward; write def forward(self, predictions, targets) in class {name}"
        )

    def __call__(self, predictions, targets):
        """Return `forward(predictions, targets)`, the mean loss."""
        return self.forward(predictions, targets)

    def __repr__(self):
        """Return the name, as in MSELoss()."""
        return f"{type(self).__name__}()"


class MSELoss(Loss):
    """Mean squared error, for predictions that are numbers: mean of (prediction - target)².

    >>> MSELoss()(Tensor([1, 2, 3]), Tensor([1, 2, 6]))
    Tensor(3., shape=())
    """

    def forward(self, predictions, targets):
        """Return the mean of the squared differences, over all elements.

        Parameters
        ----------
        predictions, targets : Tensor, of the same shape

        Returns
        -------
        Tensor of shape ()

        Raises
        ------
        ValueError: the shapes differ ("MSELoss: predictions (3, 1) and targets (3,): …"), or
            there is nothing to take the mean of.

        Cost: 3 FLOPs an element, one temporary.

        >>> MSELoss().forward(Tensor([[0.0], [2.0]]), Tensor([[0.0], [0.0]]))
        Tensor(2., shape=())
        """
        predictions, targets = check_pairs("MSELoss", predictions, targets)
        difference = predictions - targets
        return wrap(np.square(difference).mean(), predictions, targets)


class CrossEntropyLoss(Loss):
    """How surprised a model is by the right classes: mean of -log(softmax(logits)[label]).

    It takes logits, the numbers before softmax, and does softmax and logarithm together. A
    model that knows nothing and gives all C classes the same logit has a loss of log(C).

    Parameters
    ----------
    ignore_index : int, the label of examples that are left out of the mean, such as padding

    >>> CrossEntropyLoss()(Tensor([[1, 1], [1000, 0]]), [0, 1]).item() > 500
    True
    """

    def __init__(self, ignore_index=-100):
        self.ignore_index = ignore_index

    def __call__(self, logits, targets):
        """Return `forward` of the examples whose label is not `ignore_index`.

        Labels that are whole numbers in floating point, as a Tensor makes them, are taken as integers.

        Raises
        ------
        ValueError: no example is left ("CrossEntropyLoss: every target is …"), or as `forward`.

        >>> loss = CrossEntropyLoss(ignore_index=0)
        >>> loss([[0, 0], [9, 0]], [1, 0]).item() == loss([[0, 0]], [1]).item()
        True
        """
        labels = read_numbers(targets)
        if labels.dtype.kind == "f" and (labels == np.floor(labels)).all():
            targets = labels = labels.astype(np.int64)
        ignored = labels == self.ignore_index
        if not np.any(ignored) or labels.shape != np.shape(read_numbers(logits))[:-1]:
            return super().__call__(logits, targets)
        if ignored.all():
            raise ValueError(
                f"CrossEntropyLoss: every target is {self.ignore_index}, the label that is ignored; "
                "the mean needs at least one other"
            )
        logits = logits if isinstance(logits, Tensor) else Tensor(logits)
        return super().__call__(logits[~ignored], labels[~ignored])  # (…, C) to (N, C)

    def forward(self, logits, targets):
        """Return the mean over all examples of log(sum(exp(logits))) - logits[label].

        Parameters
        ----------
        logits : Tensor of shape (N, C), or (…, C)
        targets : Tensor, ndarray or list of integers of shape (N,), or (…): the right classes

        Returns
        -------
        Tensor of shape ()

        Raises
        ------
        ValueError: the shapes do not fit, there is no example, or a label is not from 0 to
            C - 1 ("CrossEntropyLoss: targets[1] is 10; with 10 classes …").
        TypeError: the labels are not integers ("CrossEntropyLoss: targets hold float32; …").

        Cost: 1 exp and 3 more FLOPs a logit, one temporary of the logits' size.

        >>> round(CrossEntropyLoss().forward(Tensor([[0, 0, 0, 0]]), [2]).item(), 3)
        1.386
        """
        rows, labels = check_labels(logits, targets)
        largest, rest = log_sum_exp_parts(rows)
        of_label = rows[np.arange(len(rows)), labels]
        losses = rest[:, 0] - (of_label - largest[:, 0])  # (N,)
        return wrap(losses.mean(), rows)


class BinaryCrossEntropyLoss(Loss):
    """Cross-entropy of a yes or no, from probabilities: -(t log(p) + (1 - t) log(1 - p)).

    PyTorch calls it BCELoss. A logarithm is never less than -100, so that a sure and wrong
    prediction costs 100 and not infinity.

    >>> BinaryCrossEntropyLoss()(Tensor([0.0, 1.0]), Tensor([1, 1]))
    Tensor(50., shape=())
    """

    def forward(self, predictions, targets):
        """Return the mean of -(t log(p) + (1 - t) log(1 - p)) over all elements.

        Parameters
        ----------
        predictions : Tensor, probabilities from 0 to 1
        targets : Tensor of the same shape, 0 for no and 1 for yes, or a probability

        Returns
        -------
        Tensor of shape ()

        Raises
        ------
        ValueError: the shapes differ, there is nothing to take the mean of, or a number is not
            from 0 to 1 ("BinaryCrossEntropyLoss: predictions[1] is 1.5; …").

        Cost: 2 logarithms and 7 more FLOPs an element.

        >>> round(BinaryCrossEntropyLoss().forward(Tensor([0.25, 0.75]), Tensor([0, 1])).item(), 3)
        0.288
        """
        name = "BinaryCrossEntropyLoss"
        predictions, targets = check_pairs(name, predictions, targets)
        check_probabilities(name, "predictions", predictions, "apply Sigmoid first, or use BCEWithLogitsLoss")
        check_probabilities(name, "targets", targets, "0 is no and 1 is yes")
        with np.errstate(divide="ignore"):  # log(0) is -inf, and -100 after the next step
            log_yes = np.maximum(np.log(predictions), LOWEST_LOG)
            log_no = np.maximum(np.log1p(-predictions), LOWEST_LOG)
        losses = (targets - 1) * log_no - targets * log_yes
        return wrap(losses.mean(), predictions, targets)


class BCEWithLogitsLoss(Loss):
    """Cross-entropy of a yes or no, from logits: sigmoid and logarithm computed together.

    With p = sigmoid(x), the loss -(t log(p) + (1 - t) log(1 - p)) is log(1 + exp(x)) - t x.
    Nothing rounds to 0 or 1 on the way, so nothing has to be cut off.

    >>> BCEWithLogitsLoss()(Tensor([-1000, 1000]), Tensor([1, 1]))
    Tensor(500., shape=())
    """

    def forward(self, logits, targets):
        """Return the mean of log(1 + exp(x)) - t x over all elements.

        log(1 + exp(x)) is computed as max(x, 0) + log(1 + exp(-|x|)), where no exp is above 1.

        Parameters
        ----------
        logits : Tensor of any numbers
        targets : Tensor of the same shape, 0 for no and 1 for yes, or a probability

        Returns
        -------
        Tensor of shape ()

        Raises
        ------
        ValueError: the shapes differ, there is nothing to take the mean of, or a target is not
            from 0 to 1 ("BCEWithLogitsLoss: targets[1] is 2; …").

        Cost: 1 exp, 1 logarithm and 6 more FLOPs an element.

        >>> round(BCEWithLogitsLoss().forward(Tensor([0, 0]), Tensor([0, 1])).item(), 3)
        0.693
        """
        logits, targets = check_pairs("BCEWithLogitsLoss", logits, targets)
        check_probabilities("BCEWithLogitsLoss", "targets", targets, "0 is no and 1 is yes")
        losses = np.log1p(np.exp(-np.abs(logits)))
        losses = losses + np.maximum(logits, 0) - targets * logits
        return wrap(losses.mean(), logits, targets)
