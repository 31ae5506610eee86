"""Values and gradients agree with those that PyTorch computed for the same inputs.

The numbers are in `references/*.json`, together with the inputs. `references/make_references.py` wrote them; to
renew them or add a case, run it where PyTorch 2.14.1 is installed and commit what it writes. A case names an
operation, and the tables below say how the library does that operation.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tinytorch import Tensor, cat, stack
from tinytorch.core.activations import GELU, ReLU, Sigmoid, Softmax, Tanh
from tinytorch.core.attention import MultiHeadAttention, create_causal_mask, scaled_dot_product_attention
from tinytorch.core.autograd import enable_autograd
from tinytorch.core.embeddings import Embedding
from tinytorch.core.layers import Dropout, Linear, Parameter, Sequential
from tinytorch.core.losses import BCEWithLogitsLoss, BinaryCrossEntropyLoss, CrossEntropyLoss, MSELoss, log_softmax
from tinytorch.core.optimizers import SGD, Adam, AdamW
from tinytorch.core.spatial import AvgPool2d, BatchNorm2d, Conv2d, Flatten, MaxPool2d
from tinytorch.core.training import CosineSchedule, clip_grad_norm
from tinytorch.core.transformers import GPT, LayerNorm, TransformerBlock

enable_autograd()

FOLDER = Path(__file__).parent / "references"
FILES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
CASES = [case | {"file": name} for name, file in FILES.items() for case in file["cases"]]

# float64 may differ from PyTorch by the order of additions only. float32 keeps 7 digits; what is left over after
# sums of a few dozen products and a division or two is 5 of them, measured against the largest element.
TOLERANCES = {np.float64: 1e-10, np.float32: 3e-5}
# PyTorch keeps p * (1 - p) from 0 with the float32 that is nearest to 1e-12, the library with 1e-12.
SPECIAL = {"bce: 0 and 1, where the logarithm stops at -100": 1e-8}

INDICES = {
    "row": 1,
    "element": (1, -1),
    "slice": slice(1, 3),
    "every second": slice(None, None, 2),
    "every second of columns": (slice(None), slice(None, None, 2)),
    "ellipsis": (..., 1),
    "new axis": (slice(None), None, slice(1, None)),
    "positions, one of them twice": np.array([0, 2, 2, -1]),
    "pairs of positions, one of them twice": (np.array([0, 2, 2, -1]), np.array([1, 0, 0, 2])),
    "positions and a slice": (np.array([0, 2, 2, -1]), slice(1, None)),
    "slice and positions": (slice(1, None), [2, 2, 0]),
    "grid of positions": np.array([[0, 0], [1, 0]]),
    "booleans for rows": np.array([True, False, True, True]),
}


def index(x, name):
    return x[x > 0] if name == "booleans" else x[INDICES[name]]


def change_results(x, y):
    total = x * 2
    total += y
    total -= x
    total *= y
    total /= y * y + 1
    return total


# How the library does each operation. `options` are keyword arguments.
FUNCTIONS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "add_number": lambda x: 1.5 + x + 2,
    "sub_number": lambda x: (1.5 - x) - 2,
    "mul_number": lambda x: 1.5 * x * 2,
    "div_number": lambda x: x / 4,
    "number_div": lambda x: 4 / x,
    "neg": lambda x: -x,
    "pow_number": lambda x, exponent: x**exponent,
    "pow": lambda x, y: x**y,
    "number_pow": lambda x, base: base**x,
    "x_used_twice": lambda x: x * x + x,
    "x_minus_itself": lambda x: x - x,
    "inner_used_twice": lambda x: (lambda y: y * y + y)(2 * x),
    "x_with_its_transpose": lambda x: x @ x.T,
    "matmul": lambda x, y: x @ y,
    "sum": lambda x, axis, keepdims: x.sum(axis, keepdims),
    "mean": lambda x, axis, keepdims: x.mean(axis, keepdims),
    "max": lambda x, axis, keepdims: x.max(axis, keepdims),
    "reshape": lambda x, shape: x.reshape(shape),
    "view": lambda x, shape: x.view(shape),
    "transpose": lambda x, dims: x.transpose(*dims),
    "permute": lambda x, dims: x.permute(dims),
    "permute_reshape": lambda x: x.permute(1, 0, 2).reshape(3, 4),
    "T": lambda x: x.T,
    "contiguous": lambda x: x.transpose(0, 1).contiguous(),
    "index": index,
    "masked_fill": lambda x, mask, value: x.masked_fill(mask, value),
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sqrt": lambda x: x.sqrt(),
    "abs": lambda x: x.abs(),
    "clone": lambda x: x.clone() * x,
    "squeeze": lambda x, dim=None: x.squeeze(dim=dim),
    "unsqueeze": lambda x, dim: x.unsqueeze(dim=dim),
    "flatten": lambda x, dims: x.flatten(*dims),
    "cat": lambda x, y, dim: cat([x, y, x], dim=dim),
    "stack": lambda x, y, dim: stack([x, y], dim=dim),
    "sum_dim": lambda x: x.sum(dim=1, keepdim=True),
    "mean_dim": lambda x: x.mean(dim=1, keepdim=True),
    "max_dim": lambda x: x.max(dim=1),
    "softmax_dim": lambda x: Softmax(dim=0)(x),
    "log_softmax_dim": lambda x: log_softmax(x, dim=0),
    "change_results": change_results,
    "relu": lambda x: ReLU()(x),
    "sigmoid": lambda x: Sigmoid()(x),
    "tanh": lambda x: Tanh()(x),
    "gelu": lambda x: GELU()(x),
    "softmax": lambda x, axis: Softmax(axis)(x),
    "log_softmax": lambda x, axis: log_softmax(x, axis),
    "mse": lambda input, target: MSELoss()(input, target.detach()),
    "cross_entropy": lambda input, target: CrossEntropyLoss()(input, target),
    "cross_entropy_ignoring": lambda input, target, ignore_index: CrossEntropyLoss(ignore_index)(input, target),
    "bce": lambda input, target: BinaryCrossEntropyLoss()(input, target.detach()),
    "bce_with_logits": lambda input, target: BCEWithLogitsLoss()(input, target.detach()),
    "max_pool2d": lambda x, **options: MaxPool2d(**options)(x),
    "avg_pool2d": lambda x, **options: AvgPool2d(**options)(x),
    "attention": lambda Q, K, V, mask=None, which="output": scaled_dot_product_attention(Q, K, V, mask)[
        which == "weights"
    ],
}
LAYERS = {
    "linear": Linear,
    "dropout_eval": lambda p: Dropout(p).eval(),
    "two_layers": lambda: Sequential(Linear(3, 4), ReLU(), Linear(4, 2)),
    "conv2d": Conv2d,
    "batch_norm_train": lambda **options: BatchNorm2d(2, **options),
    "batch_norm_eval": lambda **options: BatchNorm2d(2, **options).eval(),
    "embedding": Embedding,
    "layer_norm": LayerNorm,
    "multi_head_attention": MultiHeadAttention,
    "transformer_block": TransformerBlock,
    "gpt": GPT,
}
OPTIMIZERS = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}
NETWORKS = {
    "small_network": (lambda: Sequential(Linear(4, 5), GELU(), Linear(5, 3)), AdamW),
    "image_network": (
        lambda: Sequential(Conv2d(1, 2, 3, padding=1), BatchNorm2d(2), ReLU(), MaxPool2d(2), Flatten(), Linear(8, 3)),
        SGD,
    ),
}
OTHERS = {"cosine", "clip_grad_norm"}


def cases_of(table):
    """A parameter for each case whose operation is in the table; its name is the case's."""
    chosen = [case for case in CASES if case["operation"] in table]
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in chosen])


def agrees(got, expected, dtype, what, least=0.0):
    """The same shape, the dtype that went in, and values within the dtype's tolerance, or `least` if that is more."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == dtype, f"{what} is {got.dtype}"
    assert got.shape == expected.shape, f"{what} has shape {got.shape}, PyTorch's has {expected.shape}"
    tolerance = max(TOLERANCES[dtype], least) * max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance, err_msg=what)


def numbers(values, dtype):
    array = np.asarray(values)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def tensors(inputs, dtype):
    """The inputs as Tensors; floating-point ones require a gradient."""
    arrays = {name: numbers(values, dtype) for name, values in inputs.items()}
    return {name: Tensor(array, array.dtype.kind == "f", dtype=array.dtype) for name, array in arrays.items()}


def backward_agrees(case, output, leaves, dtype):
    """The output and the gradient of every leaf are PyTorch's; a leaf without one has None."""
    agrees(output.data, case["output"], dtype, "output")
    output.backward(numbers(case["grad_output"], dtype))
    for name, leaf in leaves.items():
        if name in case["gradients"]:
            assert leaf.grad is not None, f"{name} got no gradient"
            agrees(leaf.grad, case["gradients"][name], dtype, f"gradient of {name}", SPECIAL.get(case["name"], 0.0))
        else:
            assert leaf.grad is None


@pytest.mark.parametrize("dtype", TOLERANCES)
@cases_of(FUNCTIONS)
def test_a_function_agrees_with_pytorch(case, dtype):
    inputs = tensors(case["inputs"], dtype)
    options = case["options"]
    if case["operation"] == "index":
        options = {"name": case["name"].removeprefix("index: ")}
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    output = FUNCTIONS[case["operation"]](**inputs, **options)
    backward_agrees(case, output, {name: one for name, one in inputs.items() if one.requires_grad}, dtype)


@pytest.mark.parametrize("dtype", TOLERANCES)
@cases_of(LAYERS)
def test_a_layer_agrees_with_pytorch(case, dtype):
    options = dict(case["options"])
    causal = options.pop("causal", False)
    layer = LAYERS[case["operation"]](**options)
    own = dict(layer.named_parameters())
    assert sorted(own) == sorted(case["parameters"])
    for name, values in case["parameters"].items():
        own[name].data = np.array(values, dtype=dtype)
    for name, values in case.get("before", {}).items():
        setattr(layer, name, np.array(values, dtype=dtype))
    inputs = tensors(case["inputs"], dtype)
    output = layer(*inputs.values(), create_causal_mask(3)) if causal else layer(*inputs.values())
    backward_agrees(case, output, {name: one for name, one in inputs.items() if one.requires_grad} | own, dtype)
    for name, values in case.get("after", {}).items():
        np.testing.assert_allclose(getattr(layer, name), values, rtol=1e-5)


@pytest.mark.parametrize("dtype", TOLERANCES)
@cases_of(OPTIMIZERS)
def test_an_optimizer_takes_the_steps_of_pytorch(case, dtype):
    params = [Parameter(np.array(values, dtype=dtype), dtype=dtype) for values in case["start"]]
    optimizer = OPTIMIZERS[case["operation"]](params, **case["options"])
    for gradients, values in zip(case["gradients"], case["values"], strict=True):
        for param, gradient in zip(params, gradients, strict=True):
            param.grad = np.array(gradient, dtype=dtype)
        optimizer.step()
        for param, expected in zip(params, values, strict=True):
            agrees(param.data, expected, dtype, "parameter")


@cases_of({"cosine"})
def test_the_cosine_schedule_is_that_of_pytorch(case):
    schedule = CosineSchedule(**case["options"])
    rates = [schedule.get_lr(epoch) for epoch in range(len(case["values"]))]
    np.testing.assert_allclose(rates, case["values"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", TOLERANCES)
@cases_of({"clip_grad_norm"})
def test_clipping_is_that_of_pytorch(case, dtype):
    params = [Parameter(np.zeros(np.shape(one)), dtype=dtype) for one in case["gradients"]]
    for param, gradient in zip(params, case["gradients"], strict=True):
        param.grad = np.array(gradient, dtype=dtype)
    norm = clip_grad_norm(params, **case["options"])
    assert float(norm) == pytest.approx(case["norm"], rel=1e-6)
    for param, expected in zip(params, case["values"], strict=True):
        agrees(param.grad, expected, dtype, "clipped gradient")


@cases_of(NETWORKS)
def test_a_run_of_training_is_that_of_pytorch(case):
    """Eight steps with clipping and a schedule, in float64: every loss, and all parameters at the end."""
    make, optimizer_class = NETWORKS[case["operation"]]
    model = make()
    own = dict(model.named_parameters())
    assert own.keys() == case["start"].keys()
    for name, values in case["start"].items():
        own[name].data = np.array(values)
    optimizer = optimizer_class(model.parameters(), **case["options"])
    schedule = CosineSchedule(case["options"]["lr"], 0.01, 8)
    losses = []
    for epoch in range(8):
        optimizer.lr = schedule.get_lr(epoch)
        loss = CrossEntropyLoss()(model(Tensor(case["x"], dtype=np.float64)), np.array(case["labels"]))
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose(losses, case["losses"], rtol=1e-9)
    for name, values in case["end"].items():
        np.testing.assert_allclose(own[name].data, values, atol=1e-9, err_msg=name)


def test_every_reference_is_compared():
    known = FUNCTIONS.keys() | LAYERS.keys() | OPTIMIZERS.keys() | NETWORKS.keys() | OTHERS
    assert {case["operation"] for case in CASES} == known


def test_the_references_say_which_pytorch_made_them():
    assert {re.sub(r"\+.*", "", file["torch"]) for file in FILES.values()} == {"2.14.1"}
