"""Optimizers: from gradients to better parameters, in place.

Built in chapter 07. Depends on `tinytorch.core.tensor`, NumPy, and on `tinytorch.core.autograd`, which gives
the gradients and is told of each step.

The file reads from top to bottom: what an optimizer accepts, `Optimizer` with everything but the rule, the
arithmetic that rules share, and then the rules: `SGD`, `Adam`, `AdamW`. A rule is one method, `update`, on
plain arrays.

Every array of a parameter's size that is needed is made once, in the beginning: the buffers that a rule
remembers from step to step, and one scratch array that all parameters share. A step allocates nothing.
What that buys is measured in chapter 07.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.core.autograd import counting
from tinytorch.core.tensor import Tensor, is_real


def check_number(owner, name, value, below=math.inf):
    """Return `value` as a float, or raise when it is not a number from 0 to `below`.

    Parameters
    ----------
    owner, name : str, for the message: whose argument, and which
    value : number
    below : number that the value must not reach

    Raises
    ------
    TypeError: not a number ("SGD: lr is 'a'; …"). ValueError: negative, too large, infinite or NaN.

    >>> check_number("SGD", "lr", 1)
    1.0
    """
    if not is_real(value):
        raise TypeError(f"{owner}: {name} is {value!r}; it must be a number")
    if not 0 <= value < below:
        limit = "finite" if below == math.inf else f"below {below}"
        raise ValueError(f"{owner}: {name} is {value}; it must be 0 or larger, and {limit}")
    return float(value)


def check_params(owner, params):
    """Return the parameters as a list, or raise when they are not what an optimizer can change.

    Parameters
    ----------
    owner : str, the optimizer's name, for the message
    params : list of Tensors that require gradients, such as `model.parameters()`

    Raises
    ------
    RuntimeError: gradients are not switched on.
    TypeError: not a list of Tensors.
    ValueError: empty; one twice; one that requires no gradient, or was computed from others.
    """
    if not hasattr(Tensor, "requires_grad"):
        raise RuntimeError(f"{owner}: tensors have no gradients yet; call enable_autograd() first")
    if isinstance(params, (Tensor, str, dict)) or not hasattr(params, "__iter__"):
        raise TypeError(
            f"{owner}: params is of type {type(params).__name__}; pass a list of Tensors, such as model.parameters()"
        )
    params = list(params)
    if not params:
        raise ValueError(f"{owner}: params is empty; there is nothing to learn")
    for place, param in enumerate(params):
        check_param(f"{owner}: parameter {place}", param)
        if any(param is earlier for earlier in params[:place]):
            raise ValueError(
                f"{owner}: parameter {place} of shape {param.shape} is there twice; it would be "
                "moved twice a step, so pass each once"
            )
    return params


def check_param(what, param):
    """Raise when one parameter is not a Tensor that an optimizer can change.

    Parameters
    ----------
    what : str, the beginning of the message, such as "SGD: parameter 0"
    param : Tensor
    """
    if not isinstance(param, Tensor):
        raise TypeError(f"{what} is of type {type(param).__name__}; it must be a Tensor")
    if not param.requires_grad:
        raise ValueError(
            f"{what} of shape {param.shape} requires no gradient; leave frozen ones out: "
            "[p for p in model.parameters() if p.requires_grad]"
        )
    if param._grad_fn is not None:
        raise ValueError(
            f"{what} of shape {param.shape} is the result of a computation, which the next one "
            "computes anew; pass what it was computed from"
        )
    if not param.data.flags.writeable:
        raise ValueError(
            f"{what} of shape {param.shape} is read-only, and a step changes it in place; "
            "make it of a copy of its array"
        )


def check_grad(what, param, shape, dtype):
    """Raise when a parameter's gradient does not fit it.

    Parameters
    ----------
    what : str, the beginning of the message, such as "SGD.step: parameter 0"
    param : Tensor that requires a gradient
    shape, dtype : those that the parameter had when the optimizer was made
    """
    if not isinstance(param.grad, np.ndarray):
        raise TypeError(
            f"{what} of shape {shape} has a .grad of type {type(param.grad).__name__}; it must "
            "be an array of that shape"
        )
    if not param.shape == param.grad.shape == shape or param.dtype != dtype:
        raise RuntimeError(
            f"{what} had shape {shape} and {dtype}; now it has {param.shape} and "
            f"{param.dtype}, and its gradient {param.grad.shape}; make a new optimizer "
            "after replacing .data"
        )


class Optimizer:
    """What all optimizers are: parameters, their buffers, and a step that goes through them.

    An optimizer of your own is a subclass with an `update`.

    Parameters
    ----------
    params : list of Tensors that require gradients, such as `model.parameters()`
    lr : float, the learning rate, 0 or larger; it may be changed between steps

    Attributes
    ----------
    params : list of Tensor
    lr : float
    steps : list of int, for each parameter the number of updates it had
    buffers : dict of str to list of ndarray: what is remembered for each parameter, 0 at first

    Raises
    ------
    RuntimeError, TypeError, ValueError: as `check_params`; an lr that is no number from 0.

    Cost: the buffers, and one scratch array as large as the largest parameter.
    """

    settings = ("lr",)  # the attributes that belong to the state
    buffer_names = ()

    def __init__(self, params, lr):
        owner = type(self).__name__
        self.lr = check_number(owner, "lr", lr)
        self.params = check_params(owner, params)
        self.kinds = [(param.shape, param.dtype) for param in self.params]
        self.steps = [0] * len(self.params)
        self.buffers = {name: [np.zeros_like(param.data) for param in self.params] for name in self.buffer_names}
        self.scratch = np.empty(max(param.data.nbytes for param in self.params), dtype=np.uint8)

    def scratch_like(self, array):
        """Return the scratch memory as an array of the same shape and dtype; what it holds is arbitrary."""
        return self.scratch[: array.nbytes].view(array.dtype).reshape(array.shape)

    def zero_grad(self):
        """Forget the gradients: every parameter's `.grad` becomes None."""
        for param in self.params:
            param.zero_grad()

    def gradients(self):
        """Return the gradient of each parameter; None for those that got none, or were frozen meanwhile.

        Returns
        -------
        list of ndarray or None

        Raises
        ------
        RuntimeError: no parameter has a gradient, or one got another shape or dtype; says what may be the reason.
        TypeError: a gradient is no array.
        """
        name = f"{type(self).__name__}.step"
        grads = [param.grad if param.requires_grad else None for param in self.params]
        for place, (param, grad, kind) in enumerate(zip(self.params, grads, self.kinds)):
            if grad is not None:
                check_grad(f"{name}: parameter {place}", param, *kind)
        if any(param.requires_grad for param in self.params) and all(grad is None for grad in grads):
            raise RuntimeError(
                f"{name}: no parameter has a gradient. Either backward() was not called since "
                "zero_grad(), or the loss depends on none of them: they are not used, or no_grad() or "
                "NumPy on .data cut the way"
            )
        return grads

    def step(self):
        """Change every parameter that has a `.grad` by the rule.

        Raises
        ------
        RuntimeError: as `gradients`; nothing has changed then.

        Cost: 0 new bytes of a parameter's size; the passes over memory are in the docstring of each rule.
        """
        grads = self.gradients()
        for place, (param, grad) in enumerate(zip(self.params, grads)):
            if grad is not None:
                self.steps[place] += 1
                buffers = [self.buffers[name][place] for name in self.buffer_names]
                self.update(param.data, grad, self.scratch_like(param.data), self.steps[place], *buffers)

    def update(self, data, grad, scratch, step, *buffers):
        """Change one parameter in place. Each rule writes its own.

        Parameters
        ----------
        data : ndarray, the parameter's values
        grad : ndarray of the same shape; not to be changed
        scratch : ndarray of the same shape, for whatever is computed on the way
        step : int, the number of this update of this parameter, from 1
        buffers : ndarrays of the same shape, one for each of `buffer_names`
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name}: there is no update; it changes one parameter in place")

    def state_bytes(self):
        """Return the number of bytes that the buffers take, beside parameters and gradients.

        Returns
        -------
        int: 0 for plain SGD, the parameters' bytes with momentum, twice that for Adam
        """
        return sum(buffer.nbytes for buffers in self.buffers.values() for buffer in buffers)

    def state_dict(self):
        """Return a copy of everything that the next step depends on beside parameters and gradients.

        Returns
        -------
        dict: "type" (the class's name), the settings, "steps", and for each buffer a list of ndarray

        Cost: one copy of the buffers.
        """
        state = {"type": type(self).__name__}
        state.update({name: getattr(self, name) for name in self.settings})
        state["steps"] = list(self.steps)
        state.update({name: [buffer.copy() for buffer in buffers] for name, buffers in self.buffers.items()})
        return state

    def check_state(self, state):
        """Raise when `state` is not that of such an optimizer for such parameters; change nothing.

        Raises
        ------
        TypeError: not a dict. ValueError: names what is missing or different.
        """
        owner = type(self).__name__
        if not isinstance(state, dict):
            raise TypeError(f"load_state_dict: got {type(state).__name__}; it needs what state_dict() gave")
        if state.get("type") != owner:
            raise ValueError(f"load_state_dict: the state is of {state.get('type')}, and this is {owner}")
        needed = {"type", "steps", *self.settings, *self.buffer_names}
        if set(state) != needed:
            differ = ", ".join(sorted(map(str, set(state) ^ needed)))
            raise ValueError(
                f"load_state_dict: {differ}: in the state or in this {owner}, but not in both; "
                "make the optimizer as it was"
            )
        for name in ("steps", *self.buffer_names):
            if len(state[name]) != len(self.params):
                raise ValueError(
                    f"load_state_dict: the state is for {len(state[name])} parameters; "
                    f"this {owner} has {len(self.params)}"
                )
        for name in ("steps", *self.settings):
            self.check_setting(name, state[name])
        for name in self.buffer_names:
            self.check_buffers(name, state[name])

    def check_setting(self, name, saved):
        """Raise when a saved setting, or the saved steps, are of another kind than the own ones."""
        own = getattr(self, name)
        kinds = [
            "number" if kind in "iuf" else kind for kind in (np.asarray(own).dtype.kind, np.asarray(saved).dtype.kind)
        ]
        if kinds[0] != kinds[1] or np.shape(own) != np.shape(saved):
            raise ValueError(f"load_state_dict: {name} is {saved!r} in the state; it must be like {own!r}")

    def check_buffers(self, name, buffers):
        """Raise when the saved buffers of one name do not fit the parameters in shape and dtype."""
        for place, (own, saved) in enumerate(zip(self.buffers[name], map(np.asarray, buffers))):
            if own.shape != saved.shape or own.dtype != saved.dtype:
                raise ValueError(
                    f"load_state_dict: {name} of parameter {place} is {saved.dtype} of shape "
                    f"{saved.shape} in the state, and {own.dtype} of shape {own.shape} here"
                )

    def load_state_dict(self, state):
        """Take over the settings, the numbers of steps and the buffers of another optimizer; all or nothing.

        Parameters
        ----------
        state : dict, as `state_dict` returned it

        Raises
        ------
        TypeError, ValueError: as `check_state`; nothing has changed then.
        """
        self.check_state(state)
        for name in self.settings:
            value = state[name]
            setattr(self, name, tuple(value) if isinstance(value, list) else value)  # a file knows no tuples
        self.steps = list(state["steps"])
        for name, buffers in self.buffers.items():
            for own, saved in zip(buffers, state[name]):
                own[...] = saved


def with_decay(grad, data, weight_decay, scratch):
    """Return the gradient of the loss plus weight_decay / 2 times the sum of all squared values (L2).

    Parameters
    ----------
    grad, data, scratch : ndarray of one shape
    weight_decay : float

    Returns
    -------
    ndarray: grad + weight_decay * data, in `scratch`; `grad` itself where weight_decay is 0

    Cost: 2 FLOPs an element.

    >>> with_decay(np.array([1.0]), np.array([10.0]), 0.1, np.empty(1)).tolist()
    [2.0]
    """
    if weight_decay == 0:
        return grad
    np.multiply(data, weight_decay, out=scratch)
    scratch += grad
    return scratch


def move(data, direction, lr, scratch):
    """Take a step in place: data = data - lr * direction.

    Parameters
    ----------
    data : ndarray, changed in place
    direction : ndarray of the same shape; not changed, unless it is the scratch
    lr : float
    scratch : ndarray of the same shape, overwritten

    Cost: 2 FLOPs an element, 0 bytes allocated; 5 arrays are read or written.

    >>> data = np.array([1.0, 2.0])
    >>> move(data, np.array([10.0, 0.0]), 0.1, np.empty(2))
    >>> data.tolist()
    [0.0, 2.0]
    """
    np.multiply(direction, lr, out=scratch)
    data -= scratch


def mix_in(average, value, beta, scratch):
    """Take a value into an average: average = beta * average + (1 - beta) * value.

    Parameters
    ----------
    average : ndarray, changed in place
    value : ndarray of the same shape; not changed, unless it is the scratch
    beta : float from 0 to below 1, the share of what was there before
    scratch : ndarray of the same shape, overwritten

    Cost: 3 FLOPs an element, 0 bytes allocated.

    >>> average = np.array([0.0, 4.0])
    >>> mix_in(average, np.array([8.0, 4.0]), 0.75, np.empty(2))
    >>> average.tolist()
    [2.0, 4.0]
    """
    np.multiply(value, 1 - beta, out=scratch)
    average *= beta
    average += scratch


# A graph that used a parameter before the step must not be walked with the numbers after it.
Optimizer.step = counting(Optimizer.step, lambda self: [param for param in self.params if param.grad is not None])


class SGD(Optimizer):
    """Stochastic gradient descent: a step against the gradient, with momentum if wanted.

        velocity = momentum * velocity + grad
        data     = data - lr * velocity

    Parameters
    ----------
    params : list of Tensors that require gradients
    lr : float, 0 or larger
    momentum : float, from 0 (none) to below 1
    weight_decay : float, 0 or larger; adds weight_decay * data to the gradient

    Raises
    ------
    RuntimeError, TypeError, ValueError: as Optimizer, or a setting outside its range.

    Cost: 2 FLOPs an element, 4 with momentum. State: 0 bytes, the parameters' bytes with momentum.

    References: Robbins and Monro 1951, A stochastic approximation method; Polyak 1964, Some methods of
    speeding up the convergence of iteration methods.

    >>> from tinytorch.core.autograd import enable_autograd
    >>> enable_autograd()
    >>> w = Tensor([3.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(3).tolist() == np.float32([2.4]).round(3).tolist()
    True
    """

    settings = ("lr", "momentum", "weight_decay")

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0):
        self.momentum = check_number("SGD", "momentum", momentum, below=1)
        self.weight_decay = check_number("SGD", "weight_decay", weight_decay)
        self.buffer_names = ("velocity",) if self.momentum > 0 else ()
        super().__init__(params, lr)

    def update(self, data, grad, scratch, step, velocity=None):
        """Change one parameter in place; see `Optimizer.update`."""
        grad = with_decay(grad, data, self.weight_decay, scratch)
        if velocity is not None:
            velocity *= self.momentum
            velocity += grad
            grad = velocity
        move(data, grad, self.lr, scratch)


class Adam(Optimizer):
    """Steps of about lr for every parameter, whatever the size of its gradient.

        m = beta1 * m + (1 - beta1) * grad            the gradient, averaged over about 10 steps
        v = beta2 * v + (1 - beta2) * grad²           its square, averaged over about 1,000 steps
        data = data - lr * m' / (sqrt(v') + eps)      with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)

    m and v begin at 0 and are too small at first; m' and v' make up for it at step t.

    Parameters
    ----------
    params : list of Tensors that require gradients
    lr : float, 0 or larger
    betas : pair of float, each from 0 to below 1
    eps : float above 0, so that nothing is divided by 0
    weight_decay : float, 0 or larger; adds weight_decay * data to the gradient (see AdamW)

    Raises
    ------
    RuntimeError, TypeError, ValueError: as Optimizer, or a setting outside its range.

    Cost: 13 FLOPs an element. State: twice the parameters' bytes.

    References: Kingma and Ba 2015, Adam: a method for stochastic optimization.

    >>> from tinytorch.core.autograd import enable_autograd
    >>> enable_autograd()
    >>> w = Tensor([3.0, 3.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.1)
    >>> w.grad = np.array([1000.0, 0.001], dtype=np.float32)
    >>> optimizer.step()
    >>> w.data.round(2).tolist() == np.float32([2.9, 2.9]).tolist()
    True
    """

    settings = ("lr", "betas", "eps", "weight_decay")
    buffer_names = ("m", "v")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        owner = type(self).__name__
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"{owner}: betas is {betas!r}; it must be two numbers, such as (0.9, 0.999)")
        self.betas = tuple(check_number(owner, f"betas[{i}]", beta, below=1) for i, beta in enumerate(betas))
        self.eps = check_number(owner, "eps", eps)
        if self.eps == 0:
            raise ValueError(f"{owner}: eps is 0; it must be above 0, since a gradient of 0 would give 0 / 0")
        self.weight_decay = check_number(owner, "weight_decay", weight_decay)
        super().__init__(params, lr)

    def decayed(self, grad, data, scratch):
        """Return the gradient with the weight decay in it; see `with_decay`."""
        return with_decay(grad, data, self.weight_decay, scratch)

    def update(self, data, grad, scratch, step, m, v):
        """Change one parameter in place; see `Optimizer.update`."""
        beta1, beta2 = self.betas
        mix_in(m, self.decayed(grad, data, scratch), beta1, scratch)
        decayed = self.decayed(grad, data, scratch)  # once more: the scratch was needed
        np.multiply(decayed, decayed, out=scratch)
        mix_in(v, scratch, beta2, scratch)
        np.sqrt(v, out=scratch)
        scratch *= 1 / math.sqrt(1 - beta2**step)  # sqrt(v')
        scratch += self.eps
        np.divide(m, scratch, out=scratch)
        move(data, scratch, self.lr / (1 - beta1**step), scratch)


class AdamW(Adam):
    """Adam, with a weight decay that has nothing to do with the gradient.

        data = data - lr * weight_decay * data, and then Adam's step

    Added to the gradient, as Adam does it, a decay is divided by sqrt(v') too, and parameters with large
    gradients hardly decay. Here all shrink by the same part.

    Parameters
    ----------
    params, lr, betas, eps : as for Adam
    weight_decay : float, 0 or larger

    Cost: as Adam, and 1 FLOP an element.

    References: Loshchilov and Hutter 2019, Decoupled weight decay regularization.

    >>> from tinytorch.core.autograd import enable_autograd
    >>> enable_autograd()
    >>> w = Tensor([2.0], requires_grad=True)
    >>> w.grad = np.zeros(1, dtype=np.float32)
    >>> AdamW([w], lr=0.5, weight_decay=0.5).step()
    >>> w.data.tolist()
    [1.5]
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, lr, betas, eps, weight_decay)

    def decayed(self, grad, data, scratch):
        """Return the gradient as it is: the decay does not go through it."""
        return grad

    def update(self, data, grad, scratch, step, m, v):
        """Change one parameter in place; see `Optimizer.update`."""
        data *= 1 - self.lr * self.weight_decay
        super().update(data, grad, scratch, step, m, v)
