"""Layers: parameters, the class that collects them, and the layers that models are stacked from.

Built in chapter 03. Depends on `tinytorch.core.tensor`, `tinytorch.core.activations` and NumPy.

The file reads from top to bottom: what a parameter is, where random numbers come from, how the
parameters of a nested model are found (`children`, `walk`), `Layer` with everything that
follows from it, the two recipes for first weights, and then the layers `Linear`, `Dropout` and
`Sequential`.

A layer here is written with Tensor operations only, so it needs no code of its own when
chapter 06 adds what training needs.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.core.activations import Activation
from tinytorch.core.tensor import Tensor, check_dtype, is_real, is_whole, read_numbers, refuse_name, sizes_from, wrap


class Parameter(Tensor):
    """A Tensor that belongs to a layer and is learned.

    A layer that keeps a Parameter as an attribute has said all there is to say: `parameters()`
    finds it, `state_dict()` saves it. A plain Tensor as an attribute is a constant, and neither
    of them sees it.

    Parameters
    ----------
    data, dtype : as for Tensor

    >>> Parameter([[1, 2], [3, 4]]).shape
    (2, 2)
    """


# Random numbers. Everything that draws asks here, so one seed repeats a whole program.

GENERATOR = np.random.default_rng()


def default_rng(rng=None):
    """Return the generator to draw from: the one of `rng`, or the one all layers share.

    Parameters
    ----------
    rng : None for the shared generator, an int for a fresh one with that seed,
        or a numpy.random.Generator, which is returned as it is

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    TypeError: something else ("rng is 'a'; pass None, an int or …").
    ValueError: a negative seed.

    >>> default_rng(0).random() == default_rng(0).random()
    True
    """
    if rng is None:
        return GENERATOR
    if isinstance(rng, np.random.Generator):
        return rng
    check_seed("rng", rng)
    return np.random.default_rng(rng)


def manual_seed(seed):
    """Start the shared generator again from a seed, so that what follows can be repeated.

    Parameters
    ----------
    seed : int, 0 or larger

    Raises
    ------
    TypeError: not an integer. ValueError: negative.

    >>> manual_seed(7)
    >>> first = Linear(2, 2).weight.data
    >>> manual_seed(7)
    >>> np.array_equal(first, Linear(2, 2).weight.data)
    True
    """
    check_seed("seed", seed)
    GENERATOR.bit_generator.state = np.random.PCG64(seed).state


def randn(*sizes, dtype=np.float32, **options):
    """Return a Tensor of normal random numbers, of mean 0 and standard deviation 1, from the shared generator.

    Parameters
    ----------
    sizes : int, or one tuple of int
    dtype : NumPy dtype of floating-point numbers

    Raises
    ------
    TypeError: a size is not an integer, or the dtype holds no fractions. ValueError: a size is negative.

    Cost: one random number an element.

    >>> manual_seed(7)
    >>> first = randn(2, 3)
    >>> manual_seed(7)
    >>> first.shape, bool((first == randn(2, 3)).numpy().all())
    ((2, 3), True)
    """
    sizes, dtype = sizes_from("randn", sizes), check_dtype(dtype)
    if any(size < 0 for size in sizes):
        raise ValueError(f"randn: a size is 0 or larger; got {sizes}")
    if dtype.kind != "f":
        raise TypeError(f"randn: {dtype} cannot hold fractions; use for example np.float32")
    array = np.asarray(GENERATOR.standard_normal(sizes), dtype=dtype)
    return Tensor(array, dtype=dtype, **options) if options else wrap(array, array)


def check_seed(name, seed):
    """Raise when `seed` cannot start a generator.

    >>> check_seed("seed", 0)
    """
    if not is_whole(seed):
        raise TypeError(
            f"{name} is {seed!r}; pass None, an int or a numpy.random.Generator"
            if name == "rng"
            else f"{name} is {seed!r}; pass an int"
        )
    if seed < 0:
        raise ValueError(f"{name} is {seed}; a seed is 0 or larger")


def check_size(layer, name, value, least=1):
    """Return `value` as an int, or raise when it cannot be the size of something.

    Parameters
    ----------
    layer, name : str, for the message: whose argument, and which
    value : int
    least : int, the smallest that is allowed

    Raises
    ------
    TypeError: not an integer ("Linear: in_features is 2.0; …").
    ValueError: too small ("Linear: in_features is 0; …").

    >>> check_size("Linear", "in_features", 3)
    3
    """
    if not is_whole(value):
        raise TypeError(f"{layer}: {name} is {value!r}; it must be an integer of at least {least}")
    if value < least:
        raise ValueError(f"{layer}: {name} is {value}; it must be at least {least}")
    return int(value)


# What a layer holds. Everything that goes through a whole model goes through these two.


def children(holder):
    """Yield (name, thing) for each Parameter, Layer and activation that `holder` holds itself.

    Lists, tuples and dicts among the attributes are opened; layers inside are not.

    Parameters
    ----------
    holder : Layer, list, tuple or dict

    >>> layer = Layer()
    >>> layer.blocks = [Linear(2, 2), Linear(2, 3)]
    >>> [name for name, block in children(layer)]
    ['blocks.0', 'blocks.1']
    """
    if isinstance(holder, (list, tuple)):
        members = dict(enumerate(holder))
    else:
        members = holder if isinstance(holder, dict) else vars(holder)
    for name, value in members.items():
        if isinstance(value, (Parameter, Layer, Activation)):
            yield str(name), value
        elif isinstance(value, (list, tuple, dict)):
            yield from ((f"{name}.{inner}", found) for inner, found in children(value))


def walk(layer, prefix="", seen=None):
    """Yield (name, thing) for everything in a layer and in the layers inside it, each once.

    Names are the path of attributes with dots, such as "blocks.0.mlp.weight". What is reached
    by two paths has the name of the first one.

    >>> [name for name, thing in walk(Sequential(Linear(2, 2, bias=False)))]
    ['steps.0', 'steps.0.weight']
    """
    seen = {id(layer)} if seen is None else seen
    for name, found in children(layer):
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield prefix + name, found
        if isinstance(found, Layer):
            yield from walk(found, f"{prefix}{name}.", seen)


def check_state(own, state):
    """Raise when the arrays in `state` do not fit the arrays in `own` by name, shape and dtype.

    Raises
    ------
    TypeError: `state` is no dict, or an array has another dtype.
    ValueError: names are missing or unknown, or an array has another shape.

    >>> check_state({"weight": np.zeros(2)}, {"weight": np.ones(2)})
    """
    if not isinstance(state, dict):
        raise TypeError(f"load_state_dict: got {type(state).__name__}; it needs a dict of name to array")
    missing = ", ".join(name for name in own if name not in state)
    unknown = ", ".join(str(name) for name in state if name not in own)
    if missing or unknown:
        raise ValueError(
            f"load_state_dict: missing: {missing or 'none'}; unknown: {unknown or 'none'}; "
            "load it into a model built like the one that was saved"
        )
    for name, array in own.items():
        given = np.asarray(state[name])
        if given.shape != array.shape:
            raise ValueError(f"load_state_dict: {name} has shape {given.shape} and the model needs {array.shape}")
        if given.dtype != array.dtype:
            raise TypeError(
                f"load_state_dict: {name} holds {given.dtype} and the model {array.dtype}; "
                f"convert it with .astype({str(array.dtype)!r})"
            )


def also_called(name):
    """Return a property that is the attribute `name` by another name, as other texts call it.

    >>> class Twin(Layer):
    ...     gamma = also_called("weight")
    >>> twin = Twin()
    >>> twin.weight = 3
    >>> twin.gamma
    3
    """
    return property(
        lambda layer: getattr(layer, name),
        lambda layer, value: setattr(layer, name, value),
        doc=f"`{name}`, by another name.",
    )


def show(name, parts):
    """Return a class's name and its parts, one an indented line, as a model is printed.

    >>> print(show("Model", [("act", 1), ("out", 2)]))
    Model(
      (act): 1
      (out): 2
    )
    """
    lines = [f"({part}): {value!r}".replace("\n", "\n  ") for part, value in parts]
    return f"{name}(\n  " + "\n  ".join(lines) + "\n)" if lines else f"{name}()"


# What PyTorch's Module has and a layer of this library has not, and what to write instead.
INSTEAD = {
    "to cuda cpu device": "everything runs on one processor, so leave it out",
    "float double half type": "give each of layer.parameters() its numbers anew: p.data = p.data.astype(np.float64)",
    "zero_grad": "tinytorch.enable_autograd() brings it, which chapter 06 builds",
    "requires_grad_": "write for p in layer.parameters(): p.requires_grad = False",
    "register_forward_hook register_forward_pre_hook register_full_backward_hook": "there are no hooks; a Layer "
    "around this one, with a forward of its own, sees what goes in and what comes out",
    "register_parameter register_module add_module": "assign it in __init__: self.weight = Parameter(…)",
    "register_buffer": "assign the array in __init__ and name it in the class: buffers = (…,)",
    "modules named_modules children named_children apply": "write for name, sublayer in layer.named_layers()",
    "named_buffers": "write layer.state_dict(), which has them beside the parameters",
    "compile share_memory": "write layer(x); there is nothing to prepare",
}
INSTEAD = {name: advice for names, advice in INSTEAD.items() for name in names.split()}


class Layer:
    """What all layers are: something to call, that knows the parameters inside it.

    A layer of your own is a subclass with a `forward`. Its attributes say the rest: every
    Parameter and every Layer among them is found, also inside lists, tuples and dicts.

    Attributes
    ----------
    training : bool, True at first; `train()` and `eval()` set it here and in all layers inside
    buffers : tuple of str, names of attributes (arrays) that are kept with the parameters
        without being learned

    >>> class Twice(Layer):
    ...     def forward(self, x):
    ...         return x + x
    >>> Twice()(Tensor([1, 2]))
    Tensor([2., 4.], shape=(2,))
    """

    training = True
    buffers = ()

    def __getattr__(self, name):
        """Raise AttributeError, with what this library has instead. Python calls this for what is not there."""
        refuse_name(self, name, INSTEAD)

    def forward(self, *inputs):
        """Compute the layer's result. Each layer writes its own.

        Raises
        ------
        NotImplementedError: the subclass has no `forward`.
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name}: there is no forward; write def forward(self, x) in class {name}")

    def __call__(self, *inputs, **options):
        """Return `forward` of the same arguments: `layer(x)` is how a layer is used."""
        return self.forward(*inputs, **options)

    def named_parameters(self):
        """Return all parameters with their names, in the order of the attributes, each once.

        Returns
        -------
        list of (str, Parameter)

        >>> [name for name, parameter in Linear(3, 2).named_parameters()]
        ['weight', 'bias']
        """
        return [(name, found) for name, found in walk(self) if isinstance(found, Parameter)]

    def parameters(self):
        """Return all parameters, of this layer and of all layers inside, each once.

        Returns
        -------
        list of Parameter

        Cost: a visit to each attribute; no elements touched.

        >>> sum(p.numel() for p in Linear(3, 2).parameters())
        8
        """
        return [parameter for name, parameter in self.named_parameters()]

    def named_layers(self):
        """Return all layers inside this one with their names, at any depth.

        Returns
        -------
        list of (str, Layer)

        >>> [name for name, layer in Sequential(Linear(3, 2), Dropout(0.5)).named_layers()]
        ['steps.0', 'steps.1']
        """
        return [(name, found) for name, found in walk(self) if isinstance(found, Layer)]

    def sublayers(self):
        """Return all layers inside this one, at any depth, without itself.

        Returns
        -------
        list of Layer

        >>> Sequential(Linear(3, 2), Dropout(0.5)).sublayers()
        [Linear(in_features=3, out_features=2, bias=True), Dropout(p=0.5)]
        """
        return [layer for name, layer in self.named_layers()]

    def train(self, mode=True):
        """Switch this layer and all layers inside to training (or, with False, to use).

        Parameters
        ----------
        mode : bool

        Returns
        -------
        Layer: self

        Raises
        ------
        TypeError: mode is not a bool ("train: mode is …").

        >>> Dropout(0.5).train(False).training
        False
        """
        if not isinstance(mode, bool):
            raise TypeError(f"train: mode is {mode!r}; it must be True or False")
        self.training = mode
        for _, layer in self.named_layers():
            layer.training = mode
        return self

    def eval(self):
        """Switch this layer and all layers inside to use: nothing is dropped any more.

        Returns
        -------
        Layer: self

        >>> Dropout(0.5).eval().training
        False
        """
        return self.train(False)

    def state_arrays(self):
        """Return the arrays behind all parameters and buffers by name: not copies, the arrays.

        Returns
        -------
        dict of str to ndarray, parameters first

        Raises
        ------
        ValueError: two parameters have one name, as with the keys "a.b" and "a" then "b" of dicts.

        >>> layer = Linear(3, 2)
        >>> layer.state_arrays()["bias"] is layer.bias.data
        True
        """
        arrays = {}
        for name, parameter in self.named_parameters():
            if name in arrays:
                raise ValueError(
                    f"{type(self).__name__}: two parameters have the name {name}, so a saved "
                    "model would lose one; give other keys to the dict that holds their layer"
                )
            arrays[name] = parameter.data
        for name, layer in [("", self), *self.named_layers()]:
            for buffer in layer.buffers:
                arrays[f"{name}.{buffer}" if name else buffer] = getattr(layer, buffer)
        return arrays

    def state_dict(self):
        """Return a copy of all parameters and buffers by name.

        Returns
        -------
        dict of str to ndarray

        Cost: one copy of every array.

        >>> {name: array.shape for name, array in Linear(3, 2).state_dict().items()}
        {'weight': (3, 2), 'bias': (2,)}
        """
        return {name: array.copy() for name, array in self.state_arrays().items()}

    def load_state_dict(self, state):
        """Write saved arrays into the parameters and buffers, all of them or none.

        Parameters
        ----------
        state : dict of str to ndarray, as `state_dict` returned it

        Raises
        ------
        ValueError: a name is missing or unknown, or a shape differs.
        TypeError: a dtype differs, or `state` is no dict. Nothing has been written then.

        Cost: one copy of every array; no new memory.

        >>> a, b = Linear(3, 2), Linear(3, 2)
        >>> b.load_state_dict(a.state_dict())
        >>> np.array_equal(a.weight.data, b.weight.data)
        True
        """
        own = self.state_arrays()
        check_state(own, state)
        for name, array in own.items():
            array[...] = np.asarray(state[name])

    def extra_repr(self):
        """Return what stands between the brackets when the layer is printed."""
        return ""

    def __repr__(self):
        """Return the class's name with its arguments, or with the layers inside, a line each."""
        name = type(self).__name__
        parts = [(part, found) for part, found in children(self) if not isinstance(found, Parameter)]
        return show(name, parts) if parts else f"{name}({self.extra_repr()})"


# The first weights. Too large, and values grow from layer to layer; too small, and they vanish.


def xavier_uniform(shape, fan_in, fan_out, rng=None):
    """Return random weights that keep the spread of values from layer to layer.

    Every weight is drawn evenly from -limit to limit, with limit = sqrt(6 / (fan_in + fan_out)).
    Their variance is then 2 / (fan_in + fan_out).

    Parameters
    ----------
    shape : tuple of int
    fan_in, fan_out : int, how many inputs one output sums, and how many outputs one input feeds
    rng : None, int or numpy.random.Generator; see `default_rng`

    Returns
    -------
    ndarray of float32

    References: Glorot and Bengio 2010, Understanding the difficulty of training deep
    feedforward neural networks.

    >>> weight = xavier_uniform((300, 100), 300, 100, rng=0)
    >>> bool(abs(weight).max() <= (6 / 400) ** 0.5), round(float(weight.var()), 4)
    (True, 0.005)
    """
    fan_in = check_size("xavier_uniform", "fan_in", fan_in)
    fan_out = check_size("xavier_uniform", "fan_out", fan_out)
    limit = math.sqrt(6 / (fan_in + fan_out))
    return default_rng(rng).uniform(-limit, limit, shape).astype(np.float32)


def kaiming_normal(shape, fan_in, rng=None):
    """Return random weights for a layer that is followed by ReLU.

    Drawn from the normal distribution with mean 0 and standard deviation sqrt(2 / fan_in): the
    2 makes up for the half of the values that ReLU sets to 0.

    Parameters
    ----------
    shape : tuple of int
    fan_in : int, how many inputs one output sums
    rng : None, int or numpy.random.Generator; see `default_rng`

    Returns
    -------
    ndarray of float32

    References: He, Zhang, Ren and Sun 2015, Delving deep into rectifiers.

    >>> round(float(kaiming_normal((200, 500), 200, rng=0).std()), 3)
    0.1
    """
    fan_in = check_size("kaiming_normal", "fan_in", fan_in)
    return default_rng(rng).normal(0.0, math.sqrt(2 / fan_in), shape).astype(np.float32)


def linear_loops(x, weight, bias=None):
    """Return x @ weight + bias with every multiplication and addition written out, to be counted.

    Works on arrays, one number at a time. `Linear` computes the same with one matmul.

    Parameters
    ----------
    x : ndarray of shape (N, in_features)
    weight : ndarray of shape (in_features, out_features)
    bias : ndarray of shape (out_features,), or None

    Returns
    -------
    ndarray of shape (N, out_features)

    Raises
    ------
    ValueError: the shapes do not fit ("linear_loops: x (2, 3), weight (4, 5): …").

    Cost: 2 * N * in_features * out_features FLOPs.

    >>> linear_loops(np.array([[1.0, 2.0]]), np.array([[10.0], [1.0]]), np.array([0.5]))
    array([[12.5]])
    """
    x, weight = read_numbers(x), read_numbers(weight)
    if x.ndim != 2 or weight.ndim != 2 or x.shape[1] != weight.shape[0]:
        raise ValueError(
            f"linear_loops: x {x.shape}, weight {weight.shape}: they must be "
            "(N, in_features) and (in_features, out_features)"
        )
    if bias is not None and np.shape(bias) != weight.shape[1:]:
        raise ValueError(
            f"linear_loops: bias {np.shape(bias)}, weight {weight.shape}: bias must be "
            f"{weight.shape[1:]}, a number for each output"
        )
    N, in_features = x.shape
    out_features = weight.shape[1]
    out = np.empty((N, out_features), dtype=np.result_type(x, weight))
    for n in range(N):
        for j in range(out_features):
            total = 0.0 if bias is None else bias[j]
            for i in range(in_features):
                total += x[n, i] * weight[i, j]
            out[n, j] = total
    return out


class Linear(Layer):
    """Every output is a weighted sum of all inputs, plus a number: x @ weight + bias.

    Parameters
    ----------
    in_features, out_features : int, sizes of the last axis of input and output
    bias : bool; False leaves the number away
    init : "xavier", or "kaiming" for a layer that is followed by ReLU
    rng : None, int or numpy.random.Generator; see `default_rng`

    Attributes
    ----------
    weight : Parameter of shape (in_features, out_features)
    bias : Parameter of shape (out_features,), 0 at first; None without bias

    Raises
    ------
    ValueError, TypeError: a size is not an integer of at least 1, or there is no such init.

    >>> layer = Linear(3, 2)
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(Tensor([[1, 2, 3]])).shape
    (1, 2)
    """

    def __init__(self, in_features, out_features, bias=True, init="xavier", rng=None):
        self.in_features = check_size("Linear", "in_features", in_features)
        self.out_features = check_size("Linear", "out_features", out_features)
        if init not in ("xavier", "kaiming"):
            raise ValueError(f'Linear: init is {init!r}; it must be "xavier" or "kaiming"')
        shape = (self.in_features, self.out_features)
        if init == "xavier":
            weight = xavier_uniform(shape, self.in_features, self.out_features, rng)
        else:
            weight = kaiming_normal(shape, self.in_features, rng)
        self.weight = Parameter(weight)
        self.bias = Parameter(np.zeros(self.out_features, dtype=np.float32)) if bias else None

    def forward(self, x):
        """Return x @ weight + bias.

        Parameters
        ----------
        x : Tensor of shape (…, in_features), or a list or ndarray of such numbers

        Returns
        -------
        Tensor of shape (…, out_features)

        Raises
        ------
        ValueError: the last axis is not in_features long ("Linear: x has shape …").

        Cost: for each row 2 * in_features * out_features FLOPs, and out_features for the bias.

        >>> Linear(3, 2)(Tensor(np.ones((4, 5, 3)))).shape
        (4, 5, 2)
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"Linear: x has shape {x.shape} and the layer in_features={self.in_features}; "
                f"the last axis of x must have {self.in_features} values"
            )
        out = x @ self.weight
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        """Return the arguments, as the layer is printed."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Dropout(Layer):
    """In training, set a part of the values to 0 at random and enlarge the rest; else nothing.

    What is left is divided by 1 - p, so that sums stay as large as before on average, and
    nothing needs to be corrected when the model is used.

    Parameters
    ----------
    p : float, the part that is dropped: from 0 to 1
    rng : None, int or numpy.random.Generator; see `default_rng`

    Raises
    ------
    ValueError, TypeError: p is not such a number ("Dropout: p is 1.5; …").

    References: Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from
    overfitting.

    >>> Dropout(0.5, rng=1)(Tensor(np.ones(6)))
    Tensor([0., 2., 2., 2., 0., 0.], shape=(6,))
    """

    def __init__(self, p=0.5, rng=None):
        if not is_real(p):
            raise TypeError(f"Dropout: p is {p!r}; it must be a number from 0 to 1")
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is {p}; it is the part that is dropped, from 0 to 1")
        self.p = float(p)
        # Not the shared generator itself: a copy of the layer would take a copy of it along.
        self.rng = None if rng is None or rng is GENERATOR else default_rng(rng)

    def __call__(self, x, training=None):
        """Return `forward(x)`, and zeros where all is dropped: nothing is left that could be enlarged.

        Parameters
        ----------
        x : Tensor of any shape
        training : bool that stands for the layer's own `training` in this call; None leaves that in force

        >>> Dropout(1.0)(Tensor([1, 2])), Dropout(0.5)(Tensor([1, 2]), training=False)
        (Tensor([0., 0.], shape=(2,)), Tensor([1., 2.], shape=(2,)))
        """
        if training is None and not self.training:
            return self.forward(x)
        before, self.training = self.training, self.training if training is None else training
        try:
            return x * 0.0 if self.training and self.p == 1 else super().__call__(x)
        finally:
            self.training = before

    def forward(self, x):
        """Return x with a random part of it 0 and the rest enlarged, in training; else x itself.

        Parameters
        ----------
        x : Tensor of any shape, or a list or ndarray

        Returns
        -------
        Tensor of the same shape; x itself where nothing is dropped

        Cost: one random number and one multiplication an element, and a mask of x's size.

        >>> x = Tensor([1, 2])
        >>> Dropout(0.5).eval()(x) is x
        True
        """
        if not self.training or self.p == 0:
            return x
        x = x if isinstance(x, Tensor) else Tensor(x)
        kept = default_rng(self.rng).random(x.shape, dtype=np.float32) >= self.p
        dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
        return x * Tensor(np.multiply(kept, 1 / (1 - self.p), dtype=dtype), dtype=dtype)

    def extra_repr(self):
        """Return the argument, as the layer is printed."""
        return f"p={self.p}"


class Sequential(Layer):
    """Layers one after the other: each gets what the one before returned.

    Parameters
    ----------
    layers : anything that can be called with one Tensor: layers, activations, functions; one by one, or in
        one list

    Attributes
    ----------
    steps : list, the layers

    Raises
    ------
    TypeError: something cannot be called, or is a class ("Sequential: step 1 is …").

    >>> from tinytorch.core.activations import ReLU
    >>> model = Sequential(Linear(4, 8), ReLU(), Linear(8, 2))
    >>> model
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
      (2): Linear(in_features=8, out_features=2, bias=True)
    )
    >>> model(Tensor(np.ones((5, 4)))).shape, len(model), model[1]
    ((5, 2), 3, ReLU())
    """

    def __init__(self, *layers):
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = layers[0]
        for number, layer in enumerate(layers):
            if isinstance(layer, type):
                raise TypeError(
                    f"Sequential: step {number} is the class {layer.__name__}; "
                    f"make a layer of it: {layer.__name__}(...)"
                )
            if not callable(layer):
                raise TypeError(
                    f"Sequential: step {number} is of type {type(layer).__name__}, which cannot "
                    "be called; pass layers one by one, or one list of them"
                )
        self.steps = list(layers)

    def forward(self, x):
        """Return x after all steps.

        Parameters
        ----------
        x : whatever the first step takes

        Cost: the sum of the steps.

        >>> Sequential()(3)
        3
        """
        for step in self.steps:
            x = step(x)
        return x

    def __len__(self):
        """Return the number of steps."""
        return len(self.steps)

    def __iter__(self):
        """Go through the steps."""
        return iter(self.steps)

    def __getitem__(self, index):
        """Return the step at an index, or for a slice a Sequential of those steps.

        >>> len(Sequential(Linear(2, 3), Linear(3, 4))[:1])
        1
        """
        found = self.steps[index]
        return Sequential(*found) if isinstance(index, slice) else found

    def __repr__(self):
        """Return the steps, one a line."""
        return show(type(self).__name__, enumerate(self.steps))
