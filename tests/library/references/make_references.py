"""Write the values and gradients that PyTorch computes for small inputs, as JSON files next to this one.

Run by hand, with PyTorch 2.14.1 installed in any environment of its own:

    python tests/library/references/make_references.py

PyTorch is no dependency of the library and no test imports this file; `test_references.py` reads the JSON.
Everything is computed in float64 on the CPU. Inputs have few digits, so that they are short and exact;
results are written with all their digits. Weights are stored in the library's own layout: that of a Linear
layer is (in_features, out_features), the transpose of PyTorch's.

A case is one line of its file: an operation's name, its inputs, the options, the parameters of a layer, what
comes out, the `grad_output` that is fed into backward, and the gradient of every input and parameter.
"""

import json
import re
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


# Numbers in, numbers out


def numbers(rng, *shape, digits=2):
    """Normal numbers with few digits."""
    return np.round(rng.normal(size=shape), digits)


def to_tensor(value):
    """Numbers as a torch tensor; floating-point ones require a gradient."""
    tensor = torch.tensor(np.asarray(value))
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


def plain(value):
    """A tensor or an array as nested lists; a number as a number."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def plain_all(values):
    return {name: plain(value) for name, value in values.items()}


class Cases:
    """The cases of one file. Each draws its numbers from its own generator, seeded with its name."""

    def __init__(self, file):
        self.file, self.cases = file, []

    def rng(self, name):
        return np.random.default_rng(list(f"{self.file} {name}".encode()))

    def function(self, operation, name, compute, inputs, **options):
        """One function of tensors: the output, and the gradient of every floating-point input."""
        tensors = {key: to_tensor(value) for key, value in inputs.items()}
        output = compute(**tensors)
        case = {"name": f"{operation}: {name}", "operation": operation, "options": options, "inputs": plain_all(inputs)}
        leaves = {key: value for key, value in tensors.items() if value.requires_grad}
        self.finish(case, output, leaves, {})

    def layer(self, operation, name, module, compute, inputs, rename, after=(), **options):
        """One layer: as `function`, with its parameters, stored under the library's names.

        `rename` maps the library's name to where PyTorch has it: "weight", "weight.T" for the transpose,
        "weight[0:4].T" for the transpose of some rows.
        """
        rng = self.rng(name)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.tensor(numbers(rng, *parameter.shape)))
        own = dict(module.named_parameters())
        tensors = {key: to_tensor(value) for key, value in inputs.items()}
        stored = {ours: layout(own[parameter_name(theirs)], theirs) for ours, theirs in rename.items()}
        case = {
            "name": f"{operation}: {name}",
            "operation": operation,
            "options": options,
            "inputs": plain_all(inputs),
            "parameters": plain_all(stored),
        }
        leaves = {key: value for key, value in tensors.items() if value.requires_grad}
        output = compute(module, **tensors)
        leaves |= {ours: own[parameter_name(theirs)] for ours, theirs in rename.items()}
        self.finish(case, output, leaves, rename)
        if after:
            case["after"] = {key: plain(getattr(module, key)) for key in after}

    def finish(self, case, output, leaves, rename):
        """Feed a fixed gradient in, and keep the output and all gradients."""
        grad_output = numbers(self.rng(case["name"] + " gradient"), *output.shape)
        gradients = torch.autograd.grad(output, list(leaves.values()), torch.tensor(grad_output), allow_unused=True)
        case["output"], case["grad_output"] = plain(output), plain(grad_output)
        case["gradients"] = {
            key: plain(layout(gradient, rename.get(key, "")))
            for key, gradient in zip(leaves, gradients, strict=True)
            if gradient is not None
        }
        self.add(case)

    def add(self, case):
        if case["name"] in [other["name"] for other in self.cases]:
            raise ValueError(f"{self.file}: two cases are called {case['name']!r}")
        self.cases.append(case)

    def write(self):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in self.cases)
        path = HERE / f"{self.file}.json"
        path.write_text(f'{{"torch":"{torch.__version__}","cases":[\n{lines}\n]}}\n')
        print(f"{path.name}: {len(self.cases)} cases, {path.stat().st_size / 1000:.0f} kB")


def parameter_name(theirs):
    """The name of the whole parameter: "weight" of "weight[0:4].T"."""
    return theirs.removesuffix(".T").split("[")[0]


def layout(tensor, theirs):
    """The tensor as the library stores it."""
    rows = re.search(r"\[(\d+):(\d+)\]", theirs)
    if rows:
        tensor = tensor[int(rows[1]) : int(rows[2])]
    return tensor.T if theirs.endswith(".T") else tensor


# Chapter 01: operations on tensors


def elementwise(cases):
    two = {"add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "div": lambda x, y: x / y}
    shapes = {
        "same shape": ((2, 3), (2, 3)),
        "row to matrix": ((2, 3), (3,)),
        "matrix to row": ((3,), (2, 3)),
        "column and row": ((3, 1), (1, 2)),
        "single number left": ((), (2, 2)),
        "single number right": ((2, 2), ()),
        "size 1 in the middle": ((2, 1, 3), (2, 2, 1)),
    }
    for operation, compute in two.items():
        for name, (first, second) in shapes.items():
            rng = cases.rng(operation + name)
            y = numbers(rng, *second)
            y = np.sign(y) * (np.abs(y) + 0.5)  # away from a division by zero
            cases.function(operation, name, compute, {"x": numbers(rng, *first), "y": y})
    x = numbers(cases.rng("numbers"), 2, 3)
    away = np.sign(x) * (np.abs(x) + 0.5)
    cases.function("add_number", "on both sides", lambda x: 1.5 + x + 2, {"x": x})
    cases.function("sub_number", "on both sides", lambda x: (1.5 - x) - 2, {"x": x})
    cases.function("mul_number", "on both sides", lambda x: 1.5 * x * 2, {"x": x})
    cases.function("div_number", "number below", lambda x: x / 4, {"x": x})
    cases.function("number_div", "number above", lambda x: 4 / x, {"x": away})
    cases.function("neg", "matrix", lambda x: -x, {"x": x})


def powers(cases):
    x = numbers(cases.rng("powers"), 2, 3)
    positive = np.abs(x) + 0.5
    signs = np.array([-1.5, 0.0, 2.0])
    for exponent in (0, 1, 2, 3):
        cases.function(
            "pow_number", f"{exponent}, also at 0 and below", lambda x: x**exponent, {"x": signs}, exponent=exponent
        )
    for exponent in (0.5, -1, -2.5):
        cases.function("pow_number", f"{exponent}", lambda x: x**exponent, {"x": positive}, exponent=exponent)
    cases.function("pow", "both tensors", lambda x, y: x**y, {"x": positive, "y": x})
    cases.function("pow", "broadcast", lambda x, y: x**y, {"x": positive, "y": x[0]})
    cases.function(
        "pow", "zero to positive exponents", lambda x, y: x**y, {"x": np.zeros(3), "y": np.array([1.0, 2.0, 3.0])}
    )
    cases.function("number_pow", "2 below", lambda x: 2**x, {"x": signs}, base=2)
    cases.function("number_pow", "0 below", lambda x: 0.0**x, {"x": np.array([0.0, 1.0, 2.5])}, base=0)


def reuse(cases):
    x = numbers(cases.rng("reuse"), 2, 3)
    cases.function("x_used_twice", "x * x + x", lambda x: x * x + x, {"x": x})
    cases.function("x_minus_itself", "x - x", lambda x: x - x, {"x": x})
    cases.function("inner_used_twice", "y = 2 x; y * y + y", lambda x: (2 * x) * (2 * x) + 2 * x, {"x": x})
    cases.function("x_with_its_transpose", "x @ x.T", lambda x: x @ x.T, {"x": x})


def matrix_products(cases):
    shapes = {
        "matrices": ((2, 3), (3, 2)),
        "vector @ matrix": ((3,), (3, 2)),
        "matrix @ vector": ((2, 3), (3,)),
        "vector @ vector": ((3,), (3,)),
        "batches": ((2, 2, 3), (2, 3, 2)),
        "batch @ matrix": ((2, 2, 3), (3, 2)),
        "matrix @ batch": ((2, 3), (2, 3, 2)),
        "batch @ vector": ((2, 2, 3), (3,)),
        "vector @ batch": ((3,), (2, 3, 2)),
        "batch axes broadcast": ((2, 1, 2, 3), (3, 3, 1)),
        "batch of one": ((1, 2, 3), (3, 3, 2)),
        "inner size 1": ((2, 1), (1, 3)),
    }
    for name, (first, second) in shapes.items():
        rng = cases.rng("matmul " + name)
        cases.function("matmul", name, lambda x, y: x @ y, {"x": numbers(rng, *first), "y": numbers(rng, *second)})


def reductions(cases):
    x = numbers(cases.rng("reductions"), 2, 3, 2)
    ties = np.array([[[1.0, 3.0], [3.0, 3.0], [0.0, 2.0]], [[1.0, 3.0], [2.0, 2.0], [2.0, -1.0]]])
    for axis in (None, 0, -1, (0, 2), (2, 0)):
        dim = (0, 1, 2) if axis is None else axis
        for keepdims in (False, True):
            name = f"axis {axis}, keepdims {keepdims}"
            options = {"axis": axis, "keepdims": keepdims}
            cases.function("sum", name, lambda x: x.sum(dim, keepdim=keepdims), {"x": x}, **options)
            cases.function("mean", name, lambda x: x.mean(dim, keepdim=keepdims), {"x": x}, **options)
            # amax shares the gradient among equal elements, as max() over all elements does.
            cases.function("max", name + ", ties", lambda x: x.amax(dim, keepdim=keepdims), {"x": ties}, **options)
    cases.function("max", "of all, torch.max(x)", lambda x: torch.max(x), {"x": ties}, axis=None, keepdims=False)


def shapes(cases):
    x = numbers(cases.rng("shapes"), 2, 3, 2)
    cases.function("reshape", "(4, 3)", lambda x: x.reshape(4, 3), {"x": x}, shape=[4, 3])
    cases.function("reshape", "-1", lambda x: x.reshape(-1), {"x": x}, shape=[-1])
    cases.function("view", "(3, 4)", lambda x: x.view(3, 4), {"x": x}, shape=[3, 4])
    cases.function("transpose", "0 and 2", lambda x: x.transpose(0, 2), {"x": x}, dims=[0, 2])
    cases.function("transpose", "-1 and -2", lambda x: x.transpose(-1, -2), {"x": x}, dims=[-1, -2])
    cases.function("permute", "2 0 1", lambda x: x.permute(2, 0, 1), {"x": x}, dims=[2, 0, 1])
    cases.function("permute_reshape", "a copy in between", lambda x: x.permute(1, 0, 2).reshape(3, 4), {"x": x})
    cases.function("T", "matrix", lambda x: x.T, {"x": x[0]})
    cases.function("contiguous", "after transpose", lambda x: x.transpose(0, 1).contiguous(), {"x": x})


def choosing(cases):
    x = numbers(cases.rng("choosing"), 4, 3)
    rows, columns = np.array([0, 2, 2, -1]), np.array([1, 0, 0, 2])
    above = x > 0
    picked = {
        "row": lambda x: x[1],
        "element": lambda x: x[1, -1],
        "slice": lambda x: x[1:3],
        "every second": lambda x: x[::2],
        "every second of columns": lambda x: x[:, ::2],
        "ellipsis": lambda x: x[..., 1],
        "new axis": lambda x: x[:, None, 1:],
        "positions, one of them twice": lambda x: x[torch.tensor(rows)],
        "pairs of positions, one of them twice": lambda x: x[torch.tensor(rows), torch.tensor(columns)],
        "positions and a slice": lambda x: x[torch.tensor(rows), 1:],
        "slice and positions": lambda x: x[1:, torch.tensor([2, 2, 0])],
        "grid of positions": lambda x: x[torch.tensor([[0, 0], [1, 0]])],
        "booleans": lambda x: x[torch.tensor(above)],
        "booleans for rows": lambda x: x[torch.tensor([True, False, True, True])],
    }
    for name, compute in picked.items():
        cases.function("index", name, compute, {"x": x})
    mask = np.array([[True, False, True], [False] * 3, [True] * 3, [False, True, False]])
    cases.function(
        "masked_fill",
        "mask of the same shape",
        lambda x, mask: x.masked_fill(mask, -1.5),
        {"x": x, "mask": mask},
        value=-1.5,
    )
    cases.function(
        "masked_fill", "mask is a row", lambda x, mask: x.masked_fill(mask, 0.0), {"x": x, "mask": mask[0]}, value=0.0
    )


def everyday(cases):
    """What else is typed: functions of one number, other shapes, joining, and changes by + of a result."""
    x = numbers(cases.rng("everyday"), 2, 3)
    away = np.sign(x) * (np.abs(x) + 0.5)
    cases.function("exp", "matrix", lambda x: x.exp(), {"x": x})
    cases.function("log", "matrix", lambda x: x.log(), {"x": np.abs(away)})
    cases.function("sqrt", "matrix", lambda x: x.sqrt(), {"x": np.abs(away)})
    cases.function("abs", "both signs and 0", lambda x: x.abs(), {"x": np.array([-1.5, 0.0, 2.0])})
    cases.function("clone", "used beside its origin", lambda x: x.clone() * x, {"x": x})
    y = numbers(cases.rng("sizes of 1"), 1, 2, 1, 3)
    for name, options in {"all": {}, "the first": {"dim": 0}, "the third": {"dim": -2}, "no 1": {"dim": 1}}.items():
        cases.function("squeeze", name, lambda x, o=options: x.squeeze(**o), {"x": y}, **options)
    for dim in (0, 1, -1):
        cases.function("unsqueeze", f"{dim}", lambda x, dim=dim: x.unsqueeze(dim), {"x": x}, dim=dim)
    for name, dims in {"all": [], "from 1": [1], "1 and 2": [1, 2]}.items():
        cases.function("flatten", name, lambda x, dims=dims: x.flatten(*dims), {"x": y}, dims=dims)
    for dim in (0, 1, -1):
        cases.function(
            "cat", f"{dim}", lambda x, y, dim=dim: torch.cat([x, y, x], dim=dim), {"x": x, "y": away}, dim=dim
        )
        cases.function(
            "stack", f"{dim}", lambda x, y, dim=dim: torch.stack([x, y], dim=dim), {"x": x, "y": away}, dim=dim
        )
    for operation in ("sum", "mean"):
        cases.function(
            f"{operation}_dim", "1, kept", lambda x, o=operation: getattr(x, o)(dim=1, keepdim=True), {"x": x}
        )
    cases.function("max_dim", "1", lambda x: x.max(dim=1).values, {"x": x})
    cases.function("softmax_dim", "0", lambda x: torch.softmax(x, dim=0), {"x": x})
    cases.function("log_softmax_dim", "0", lambda x: torch.log_softmax(x, dim=0), {"x": x})

    def change_results(x, y):
        total = x * 2
        total += y
        total -= x
        total *= y
        total /= y * y + 1
        return total

    cases.function("change_results", "+= -= *= /=", change_results, {"x": x, "y": away})


def operations():
    cases = Cases("operations")
    everyday(cases)
    for part in (elementwise, powers, reuse, matrix_products, reductions, shapes, choosing):
        part(cases)
    return cases


# Chapters 02 to 04: activations, layers, losses


def activations():
    cases = Cases("activations")
    x = np.concatenate([numbers(cases.rng("x"), 6), [0.0, -0.0]]).reshape(2, 4)
    far = np.array([[-800.0, -40.0, -3.0], [800.0, 40.0, 3.0]])
    scores = {"x": numbers(cases.rng("scores"), 2, 3, 2)}
    functions = {
        "relu": torch.relu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "gelu": lambda x: F.gelu(x, approximate="tanh"),
    }
    for operation, compute in functions.items():
        cases.function(operation, "near 0", compute, {"x": x})
        cases.function(operation, "far out", compute, {"x": far})
    for axis in (-1, 0, 1):
        for operation, compute in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
            cases.function(operation, f"axis {axis}", lambda x: compute(x, axis), scores, axis=axis)
    for operation, compute in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
        cases.function(operation, "far out", lambda x: compute(x, -1), {"x": far}, axis=-1)
    return cases


def layers():
    cases = Cases("layers")
    names = {"weight": "weight.T", "bias": "bias"}
    call = lambda module, x: module(x)
    for name, shape in {"batch": (2, 3), "one sample": (3,), "sequence": (2, 2, 3)}.items():
        cases.layer(
            "linear",
            name,
            nn.Linear(3, 2),
            call,
            {"x": numbers(cases.rng(name + "x"), *shape)},
            names,
            in_features=3,
            out_features=2,
            bias=True,
        )
    x = numbers(cases.rng("x"), 2, 3)
    cases.layer(
        "linear",
        "without bias",
        nn.Linear(3, 2, bias=False),
        call,
        {"x": x},
        {"weight": "weight.T"},
        in_features=3,
        out_features=2,
        bias=False,
    )
    cases.layer("dropout_eval", "p 0.5", nn.Dropout(0.5).eval(), call, {"x": x}, {}, p=0.5)
    two = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    cases.layer(
        "two_layers",
        "ReLU between",
        two,
        call,
        {"x": x},
        {
            "steps.0.weight": "0.weight.T",
            "steps.0.bias": "0.bias",
            "steps.2.weight": "2.weight.T",
            "steps.2.bias": "2.bias",
        },
    )
    return cases


def with_target(loss):
    """The loss with a target that is a constant."""
    return lambda input, target: loss(input, target.detach())


def losses():
    cases = Cases("losses")
    rng = cases.rng("all")
    x, y = numbers(rng, 3, 2), numbers(rng, 3, 2)
    cases.function("mse", "matrix", with_target(F.mse_loss), {"input": x, "target": y})
    cases.function("mse", "batch of one", with_target(F.mse_loss), {"input": x[:1], "target": y[:1]})
    labels = np.array([2, 0, 3])
    logits = numbers(rng, 3, 4)
    cases.function("cross_entropy", "batch", F.cross_entropy, {"input": logits, "target": labels})
    cases.function("cross_entropy", "batch of one", F.cross_entropy, {"input": logits[:1], "target": labels[:1]})
    far = np.array([[900.0, -900.0, 0.0], [0.0, 1e4, -1e4]])
    cases.function("cross_entropy", "far out", F.cross_entropy, {"input": far, "target": np.array([1, 1])})
    ignored = lambda input, target, ignore_index: F.cross_entropy(input, target, ignore_index=ignore_index)
    for index in (-100, 0):
        cases.function(
            "cross_entropy_ignoring",
            f"label {index}",
            lambda input, target: ignored(input, target, index),
            {"input": logits, "target": np.array([2, index, 3])},
            ignore_index=index,
        )
    steps = numbers(rng, 2, 3, 4)
    cases.function(
        "cross_entropy",
        "sequences",
        lambda input, target: F.cross_entropy(input.transpose(1, 2), target),
        {"input": steps, "target": np.array([[0, 1, 3], [2, 2, 0]])},
    )
    chance = np.array([[0.25, 0.9], [0.01, 0.5]])
    cases.function(
        "bce",
        "probabilities",
        with_target(F.binary_cross_entropy),
        {"input": chance, "target": np.array([[0.0, 1.0], [1.0, 0.0]])},
    )
    cases.function(
        "bce",
        "soft targets",
        with_target(F.binary_cross_entropy),
        {"input": chance, "target": np.array([[0.2, 0.7], [1.0, 0.5]])},
    )
    cases.function(
        "bce",
        "0 and 1, where the logarithm stops at -100",
        with_target(F.binary_cross_entropy),
        {"input": np.array([0.0, 1.0, 0.0, 1.0, 1e-300, 1e-20]), "target": np.array([0.0, 1.0, 1.0, 0.0, 1.0, 1.0])},
    )
    logits = np.array([[-800.0, 800.0, 0.0], [0.7, -1.5, 40.0]])
    cases.function(
        "bce_with_logits",
        "near 0 and far out",
        with_target(F.binary_cross_entropy_with_logits),
        {"input": logits, "target": np.array([[1.0, 1.0, 0.0], [0.0, 0.25, 1.0]])},
    )
    return cases


# Chapters 07 and 08: optimizers and training


OPTIMIZERS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "weight_decay": 0.01},
        {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1},
    ],
    "Adam": [{"lr": 0.01}, {"lr": 0.1, "betas": [0.5, 0.9], "eps": 1e-3}, {"lr": 0.01, "weight_decay": 0.1}],
    "AdamW": [{"lr": 0.01}, {"lr": 0.1, "betas": [0.8, 0.99], "eps": 1e-6, "weight_decay": 0.2}],
}


def optimizers():
    """Four steps with given gradients; two parameters; the values after each step."""
    cases = Cases("optimizers")
    rng = cases.rng("all")
    start = [numbers(rng, 2, 2), numbers(rng, 3)]
    gradients = [[numbers(rng, 2, 2), numbers(rng, 3)] for _ in range(4)]
    gradients[1][1][:] = 0  # a step in which one parameter gets nothing but zeros
    for kind, variants in OPTIMIZERS.items():
        for options in variants:
            params = [nn.Parameter(torch.tensor(values)) for values in start]
            optimizer = getattr(torch.optim, kind)(params, **options)
            values = []
            for step in gradients:
                for param, gradient in zip(params, step, strict=True):
                    param.grad = torch.tensor(gradient)
                optimizer.step()
                values.append([plain(param) for param in params])
            name = ", ".join(f"{key} {value}" for key, value in options.items())
            cases.add(
                {
                    "name": f"{kind}: {name}",
                    "operation": kind,
                    "options": options,
                    "start": [plain(one) for one in start],
                    "gradients": [[plain(one) for one in step] for step in gradients],
                    "values": values,
                }
            )
    return cases


def training():
    cases = Cases("training")
    for top, bottom, epochs in ((0.1, 0.0, 10), (0.3, 0.01, 7), (1.0, 0.5, 1)):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=top)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs, eta_min=bottom)
        values = []
        for _ in range(epochs + 1):
            values.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        cases.add(
            {
                "name": f"cosine: {top} to {bottom} in {epochs}",
                "operation": "cosine",
                "options": {"max_lr": top, "min_lr": bottom, "total_epochs": epochs},
                "values": values,
            }
        )
    gradients = [numbers(cases.rng("clip"), 2, 2), numbers(cases.rng("clip 2"), 3)]
    for max_norm in (0.5, 1.0, 100.0):
        params = [nn.Parameter(torch.zeros(one.shape)) for one in gradients]
        for param, gradient in zip(params, gradients, strict=True):
            param.grad = torch.tensor(gradient)
        norm = nn.utils.clip_grad_norm_(params, max_norm)
        cases.add(
            {
                "name": f"clip_grad_norm: {max_norm}",
                "operation": "clip_grad_norm",
                "options": {"max_norm": max_norm},
                "gradients": [plain(one) for one in gradients],
                "norm": plain(norm),
                "values": [plain(param.grad) for param in params],
            }
        )
    images = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    numbers_in = nn.Sequential(nn.Linear(4, 5), nn.GELU(approximate="tanh"), nn.Linear(5, 3))
    a_run(cases, "small_network", numbers_in, (6, 4), torch.optim.AdamW, lr=0.1, weight_decay=0.1)
    a_run(cases, "image_network", images, (4, 1, 4, 4), torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.01)
    return cases


def a_run(cases, operation, model, shape, make_optimizer, **options):
    """Eight steps of training with clipping and a schedule: the loss of each, and the parameters afterwards."""
    rng = cases.rng(operation)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.tensor(numbers(rng, *parameter.shape)))
    names = {
        f"steps.{name}" + (".T" if isinstance(model[int(name[0])], nn.Linear) and "weight" in name else ""): value
        for name, value in model.named_parameters()
    }
    x, labels = numbers(rng, *shape), rng.integers(0, 3, size=shape[0])
    case = {
        "name": f"{operation}: eight steps",
        "operation": operation,
        "options": options,
        "x": plain(x),
        "labels": plain(labels),
        "start": {key.removesuffix(".T"): plain(layout(value, key).clone()) for key, value in names.items()},
    }
    optimizer = make_optimizer(model.parameters(), **options)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8, eta_min=0.01)
    losses = []
    for _ in range(8):
        loss = F.cross_entropy(model(torch.tensor(x)), torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(plain(loss))
    case |= {
        "losses": losses,
        "end": {key.removesuffix(".T"): plain(layout(value, key)) for key, value in names.items()},
    }
    cases.add(case)


# Chapter 09: images


def spatial():
    cases = Cases("spatial")
    call = lambda module, x: module(x)
    variants = {
        "3x3": {"kernel_size": 3},
        "3x3, padding 1": {"kernel_size": 3, "padding": 1},
        "3x3, stride 2, padding 1": {"kernel_size": 3, "stride": 2, "padding": 1},
        "1x1": {"kernel_size": 1},
        "2x2, stride 2": {"kernel_size": 2, "stride": 2},
        "2x2, stride 3, padding 2": {"kernel_size": 2, "stride": 3, "padding": 2},
        "5x5 on padding 2": {"kernel_size": 5, "padding": 2},
        "without bias": {"kernel_size": 3, "bias": False},
    }
    for name, options in variants.items():
        x = numbers(cases.rng(name + "x"), 2, 2, 5, 4, digits=1)
        names = {"weight": "weight", "bias": "bias"} if options.get("bias", True) else {"weight": "weight"}
        cases.layer(
            "conv2d", name, nn.Conv2d(2, 2, **options), call, {"x": x}, names, in_channels=2, out_channels=2, **options
        )
    x = numbers(cases.rng("pool"), 1, 2, 5, 4, digits=1)
    ties = np.array([[[[1.0, 1.0, 0.0, 2.0], [1.0, 0.0, 2.0, 2.0], [3.0, 3.0, 3.0, 3.0], [0.0, 3.0, 3.0, 0.0]]]])
    pools = {
        "2x2": {"kernel_size": 2},
        "3x3, stride 1": {"kernel_size": 3, "stride": 1},
        "2x2, stride 3": {"kernel_size": 2, "stride": 3},
        "3x3, padding 1": {"kernel_size": 3, "padding": 1},
        "2x3, stride 1, padding 1 and 0": {"kernel_size": (2, 3), "stride": 1, "padding": (1, 0)},
    }
    for name, options in pools.items():
        compute = lambda x: F.max_pool2d(x, **options)
        cases.function("max_pool2d", name, compute, {"x": x}, **options)
        cases.function("max_pool2d", name + ", ties", compute, {"x": ties}, **options)
        cases.function("avg_pool2d", name, lambda x: F.avg_pool2d(x, **options), {"x": x}, **options)
    batch_norm(cases)
    return cases


def batch_norm(cases):
    names, buffers = {"weight": "weight", "bias": "bias"}, ("running_mean", "running_var")
    x = numbers(cases.rng("batch norm"), 3, 2, 2, 2)
    call = lambda module, x: module(x)
    cases.layer("batch_norm_train", "one batch", nn.BatchNorm2d(2), call, {"x": x}, names, buffers)
    cases.layer(
        "batch_norm_train",
        "momentum and eps",
        nn.BatchNorm2d(2, eps=0.1, momentum=0.3),
        call,
        {"x": x},
        names,
        buffers,
        eps=0.1,
        momentum=0.3,
    )
    trained = nn.BatchNorm2d(2)
    for step in range(3):
        trained(torch.tensor(x * (step + 1) + step))
    before = {key: plain(getattr(trained, key)) for key in buffers}
    cases.layer("batch_norm_eval", "after three batches", trained.eval(), call, {"x": x}, names, buffers)
    cases.cases[-1]["before"] = before


# Chapters 11 to 13: embeddings, attention, transformers


def embeddings():
    cases = Cases("embeddings")
    call = lambda module, ids: module(ids)
    for name, ids in {"ids that repeat": [[1, 3, 1], [0, 1, 4]], "one id": 2, "one sequence": [4, 4, 0]}.items():
        cases.layer(
            "embedding",
            name,
            nn.Embedding(5, 3),
            call,
            {"ids": np.array(ids)},
            {"weight": "weight"},
            vocab_size=5,
            embed_dim=3,
        )
    for index in (1, -1):
        cases.layer(
            "embedding",
            f"padding {index}",
            nn.Embedding(5, 3, padding_idx=index),
            call,
            {"ids": np.array([[1, 3, 1], [0, 1, 4]])},
            {"weight": "weight"},
            vocab_size=5,
            embed_dim=3,
            padding_idx=index,
        )
    return cases


def attend(query, key, value, mask=None):
    """Attention by its formula; the same as F.scaled_dot_product_attention, which does not return the weights."""
    scores = query @ key.transpose(-2, -1) / np.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -torch.inf)
    weights = scores.softmax(-1)
    allowed = None if mask is None else mask != 0
    torch.testing.assert_close(weights @ value, F.scaled_dot_product_attention(query, key, value, allowed))
    return weights @ value, weights


def attention():
    cases = Cases("attention")
    causal = np.tril(np.ones((3, 3)))
    padding = np.array([[[1, 1, 0]], [[0, 1, 1]]])
    shapes = {
        "heads": ((2, 2, 3, 4), None),
        "no heads": ((2, 3, 4), None),
        "causal": ((2, 2, 3, 4), causal.astype(int)),
        "causal, no heads": ((2, 3, 4), causal.astype(bool)),
        "padding": ((2, 3, 4), padding),
    }
    for name, (shape, mask) in shapes.items():
        rng = cases.rng(name)
        inputs = {key: numbers(rng, *shape) for key in ("Q", "K", "V")}
        if mask is not None:
            inputs["mask"] = mask
        for part, which in enumerate(("output", "weights")):
            if which == "weights" and name not in ("heads", "causal, no heads"):
                continue
            cases.function(
                "attention",
                f"{name}, {which}",
                lambda Q, K, V, mask=None: attend(Q, K, V, mask)[part],
                inputs,
                which=which,
            )
    rng = cases.rng("fewer queries")
    cases.function(
        "attention",
        "fewer queries than keys",
        lambda Q, K, V: attend(Q, K, V)[0],
        {"Q": numbers(rng, 2, 2, 3), "K": numbers(rng, 2, 4, 3), "V": numbers(rng, 2, 4, 3)},
        which="output",
    )
    rng = cases.rng("a query that may look at nothing")
    inputs = {key: numbers(rng, 2, 3, 4) for key in ("Q", "K", "V")}
    cases.function(
        "attention",
        "a query that may look at nothing",
        lambda Q, K, V, mask: F.scaled_dot_product_attention(Q, K, V, mask != 0),
        inputs | {"mask": np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]])},
        which="output",
    )
    return cases


def attention_names(D, ours="", theirs=""):
    """Where PyTorch keeps the projections: queries, keys and values are the rows of one matrix."""
    names = {}
    for place, projection in enumerate(("q_proj", "k_proj", "v_proj")):
        rows = f"[{place * D}:{(place + 1) * D}]"
        names[f"{ours}{projection}.weight"] = f"{theirs}in_proj_weight{rows}.T"
        names[f"{ours}{projection}.bias"] = f"{theirs}in_proj_bias{rows}"
    names[f"{ours}out_proj.weight"], names[f"{ours}out_proj.bias"] = (
        f"{theirs}out_proj.weight.T",
        f"{theirs}out_proj.bias",
    )
    return names


def block_names(D, ours="", theirs=""):
    """The parameters of a TransformerBlock, which PyTorch calls a TransformerEncoderLayer."""
    names = attention_names(D, ours + "attention.", theirs + "self_attn.")
    for mine, its in (("norm1", "norm1"), ("norm2", "norm2"), ("mlp.up", "linear1"), ("mlp.down", "linear2")):
        names[f"{ours}{mine}.weight"] = f"{theirs}{its}.weight" + ("" if "norm" in its else ".T")
        names[f"{ours}{mine}.bias"] = f"{theirs}{its}.bias"
    return names


def block(D, heads):
    """PyTorch's block with the normalization first and GELU in its tanh form."""
    return nn.TransformerEncoderLayer(
        D,
        heads,
        4 * D,
        dropout=0.0,
        batch_first=True,
        norm_first=True,
        activation=lambda x: F.gelu(x, approximate="tanh"),
    )


def forbidden(T):
    """PyTorch's mask: True where a query may not look. The library's says where it may."""
    return torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1)


class TorchGPT(nn.Module):
    """The GPT of the library, put together from PyTorch's own layers."""

    def __init__(self, vocab_size, D, num_layers, heads, max_seq_len, tie_weights):
        super().__init__()
        self.token, self.position = nn.Embedding(vocab_size, D), nn.Embedding(max_seq_len, D)
        self.blocks = nn.ModuleList(block(D, heads) for _ in range(num_layers))
        self.norm = nn.LayerNorm(D)
        self.head = None if tie_weights else nn.Linear(D, vocab_size, bias=False)

    def forward(self, ids):
        x = self.token(ids) + self.position(torch.arange(ids.shape[1]))
        for one in self.blocks:
            x = one(x, src_mask=forbidden(ids.shape[1]))
        x = self.norm(x)
        return x @ self.token.weight.T if self.head is None else self.head(x)


def transformers():
    cases = Cases("transformers")
    D, T = 4, 3
    x = numbers(cases.rng("x"), 2, T, D)
    call = lambda module, x: module(x)
    affine = {"weight": "weight", "bias": "bias"}
    cases.layer("layer_norm", "sequences", nn.LayerNorm(D), call, {"x": x}, affine, normalized_shape=D)
    cases.layer(
        "layer_norm",
        "one row, large eps",
        nn.LayerNorm(D, eps=0.1),
        call,
        {"x": x[0, 0]},
        affine,
        normalized_shape=D,
        eps=0.1,
    )
    cases.layer(
        "layer_norm",
        "a row of equal numbers",
        nn.LayerNorm(D),
        call,
        {"x": np.full((2, D), 1.5)},
        affine,
        normalized_shape=D,
    )
    heads = nn.MultiheadAttention(D, 2, batch_first=True)
    cases.layer(
        "multi_head_attention",
        "no mask",
        heads,
        lambda module, x: module(x, x, x)[0],
        {"x": x},
        attention_names(D),
        embed_dim=D,
        num_heads=2,
    )
    cases.layer(
        "multi_head_attention",
        "causal",
        heads,
        lambda module, x: module(x, x, x, attn_mask=forbidden(T))[0],
        {"x": x},
        attention_names(D),
        embed_dim=D,
        num_heads=2,
        causal=True,
    )
    cases.layer("transformer_block", "no mask", block(D, 2), call, {"x": x}, block_names(D), embed_dim=D, num_heads=2)
    cases.layer(
        "transformer_block",
        "causal",
        block(D, 2),
        lambda module, x: module(x, src_mask=forbidden(T)),
        {"x": x},
        block_names(D),
        embed_dim=D,
        num_heads=2,
        causal=True,
    )
    ids = np.array([[1, 4, 1], [0, 2, 3]])
    for name, tie_weights in (("untied", False), ("tied", True)):
        options = {"vocab_size": 5, "num_layers": 2, "max_seq_len": 4, "tie_weights": tie_weights}
        names = {"embedding.token.weight": "token.weight", "embedding.position.weight": "position.weight"}
        for number in range(2):
            names |= block_names(D, f"blocks.{number}.", f"blocks.{number}.")
        names |= {"norm.weight": "norm.weight", "norm.bias": "norm.bias"}
        names |= {} if tie_weights else {"head.weight": "head.weight.T"}
        cases.layer(
            "gpt",
            name,
            TorchGPT(**options, D=D, heads=2),
            lambda module, ids: module(ids),
            {"ids": ids},
            names,
            **options,
            embed_dim=D,
            num_heads=2,
        )
    return cases


FILES = [operations, activations, layers, losses, optimizers, training, spatial, embeddings, attention, transformers]

if __name__ == "__main__":
    for file in FILES:
        file().write()
