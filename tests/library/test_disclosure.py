"""Chapters 01–05 know nothing of gradients, and `enable_autograd()` gives them to what was made before."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinytorch

EARLY = ["tensor", "activations", "layers", "losses", "dataloader"]
CORE = Path(tinytorch.__file__).parent / "core"

MODEL = """
import numpy as np
from tinytorch import Tensor, Sequential, Linear, ReLU, Dropout, CrossEntropyLoss, MSELoss, DataLoader, TensorDataset
from tinytorch import Sigmoid, Tanh, GELU, Softmax, manual_seed
manual_seed(0)
model = Sequential(Linear(4, 8), ReLU(), Dropout(0.5), Linear(8, 3))
data = TensorDataset(Tensor(np.arange(24.0).reshape(6, 4) / 24), Tensor(np.array([0, 0, 1, 1, 2, 2])))
loss_fn = CrossEntropyLoss()
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.processes
def test_chapters_1_to_5_run_where_there_is_no_autograd():
    out = run(f"""
import sys
sys.modules["tinytorch.core.autograd"] = None  # importing it fails
{MODEL}
for inputs, targets in DataLoader(data, batch_size=2, shuffle=True, seed=1):
    print(loss_fn(model(inputs), targets).item())
for activation in (Sigmoid(), Tanh(), GELU(), Softmax()):
    activation(Tensor([[1.0, 2.0]]))
print(MSELoss()(Tensor([1.0]), Tensor([3.0])).item())
print([name for name in ("requires_grad", "grad", "backward", "detach") if hasattr(Tensor, name)])
print([name for name in sys.modules if name.startswith("tinytorch.core.")
       and name.split(".")[-1] not in {EARLY + ["autograd"]!r}])
try:
    Tensor([1.0], requires_grad=True)
except TypeError as error:
    print(error)
""").splitlines()
    losses = [float(line) for line in out[:3]]
    assert all(0 < loss < 10 for loss in losses)
    assert out[3:6] == ["4.0", "[]", "[]"]
    assert "requires_grad" in out[6]


@pytest.mark.parametrize("name", EARLY)
def test_there_is_no_gradient_code_in_the_early_files(name):
    tree = ast.parse((CORE / f"{name}.py").read_text(encoding="utf-8"))
    names = {
        getattr(node, key)
        for node in ast.walk(tree)
        for key in ("id", "attr", "arg", "name")
        if isinstance(getattr(node, key, None), str)
    }
    assert [word for word in names if re.search("grad|backward|autograd", word)] == []


@pytest.mark.processes
def test_what_was_made_before_learns_afterwards():
    out = run(f"""{MODEL}
frozen = Linear(2, 2)
from tinytorch import enable_autograd, no_grad
inputs, targets = next(iter(DataLoader(data, batch_size=6)))
plain = loss_fn(model(inputs), targets)
enable_autograd()
enable_autograd()  # a second call changes nothing
print([parameter.requires_grad for parameter in model.parameters()], inputs.requires_grad)
frozen.weight.requires_grad = False
print(frozen.weight.requires_grad, frozen.bias.requires_grad)
for step in range(300):
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    for parameter in model.parameters():
        parameter.data -= 0.5 * parameter.grad
        parameter.zero_grad()
model.eval()
with no_grad():
    print(plain.item() > 2 * loss_fn(model(inputs), targets).item(), plain.requires_grad)
made_after = Linear(1, 1)
print([parameter.requires_grad for parameter in made_after.parameters()])
""").splitlines()
    assert out == ["[True, True, True, True] False", "False True", "True False", "[True, True]"]


@pytest.mark.processes
def test_a_loss_without_anything_to_learn_says_so():
    with pytest.raises(AssertionError, match="depends on nothing that requires a gradient"):
        run(f"""{MODEL}
import tinytorch
tinytorch.enable_autograd()
inputs, targets = next(iter(DataLoader(data, batch_size=6)))
with tinytorch.no_grad():
    loss = loss_fn(model(inputs), targets)
loss.backward()
""")
