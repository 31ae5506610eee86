"""What people type who know PyTorch, and the values that PyTorch gives for it; or the sentence that they get here."""

import numpy as np
import pytest

import tinytorch
from tinytorch import (
    Linear,
    Parameter,
    ReLU,
    Sequential,
    Softmax,
    Tensor,
    arange,
    cat,
    enable_autograd,
    log_softmax,
    manual_seed,
    ones,
    ones_like,
    randn,
    stack,
    zeros,
    zeros_like,
)
from tinytorch.core import layers
from tinytorch.core.tensor import INSTEAD
from tinytorch.learn.explaining import suggestion

enable_autograd()


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_element_is_a_python_number_where_one_is_needed(shape, requires_grad):
    loss = Tensor(np.full(shape, 2.71828), requires_grad)
    if requires_grad:
        loss = loss * 1
    assert float(loss) == np.float32(2.71828) and int(loss) == 2 and round(float(loss), 1) == 2.7
    assert f"{loss:.4f}" == "2.7183" and f"{loss:8.2f}" == "    2.72" and f"{loss:.1e}" == "2.7e+00"
    assert type(float(loss)) is float and type(int(loss)) is int


def test_a_format_without_a_form_is_what_print_shows_but_for_a_single_number():
    assert f"{Tensor([1.5])}" == str(Tensor([1.5])) and f"{Tensor(1.5)}" == "1.5"
    assert f"{Tensor(3, dtype=np.int64):d}" == "3"


def test_an_integer_tensor_of_one_element_is_a_position():
    words = ["a", "b", "c"]
    logits = Tensor([[0.1, 0.7, 0.2]], requires_grad=True)
    assert words[logits.argmax()] == "b" and words[Tensor([2], dtype=np.int32)] == "c"
    assert list(range(Tensor(2, dtype=np.int64))) == [0, 1]


def test_reductions_know_both_names_of_an_axis():
    x = Tensor([[1, 5, 3], [4, 2, 6]])
    for name in ("sum", "mean", "max", "argmax"):
        for axis in (0, 1, -1):
            one = getattr(x, name)(axis=axis, keepdims=True)
            for other in (getattr(x, name)(dim=axis, keepdim=True), getattr(x, name)(axis, True)):
                assert np.array_equal(one.data, other.data) and one.shape == other.shape
    assert np.array_equal(Softmax(dim=0)(x).data, Softmax(axis=0)(x).data) and repr(Softmax(dim=0)) == "Softmax(axis=0)"
    assert np.array_equal(log_softmax(x, dim=0).data, log_softmax(x, 0).data)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Softmax(1, dim=1),
        lambda: log_softmax(Tensor([[1.0]]), axis=0, dim=0),
        lambda: cat([Tensor([1])], 0, dim=0),
        lambda: stack([Tensor([1])], axis=0, dim=0),
        lambda: Tensor([[1.0]]).argmax(axis=0, dim=0),
    ],
)
def test_an_axis_is_named_once(call):
    with pytest.raises(TypeError, match=r"^(Softmax|log_softmax|cat|stack|argmax): axis and dim are two names"):
        call()


def test_argmax_is_the_first_of_the_largest():
    x = Tensor([[3, 1, 3], [0, 2, 2]])
    assert x.argmax().item() == 0 and x.argmax(1).data.tolist() == [0, 1] and x.argmax(dim=0).data.tolist() == [0, 1, 0]
    assert x.argmax(1, keepdims=True).shape == (2, 1) and x.argmax().dtype == np.int64
    assert not Tensor([[1.0, 2.0]], requires_grad=True).argmax().requires_grad


def test_functions_of_one_number_have_their_limits_without_a_warning():
    assert Tensor([-1000, 1000]).exp().data.tolist() == [0, np.inf]
    assert Tensor([0]).log().data.tolist() == [-np.inf] and np.isnan(Tensor([-1]).log().item())
    assert np.isnan(Tensor([-1]).sqrt().item()) and Tensor([4], dtype=np.int64).sqrt().dtype == np.float32
    assert Tensor([-4], dtype=np.int64).abs().dtype == np.int64 and abs(Tensor([-4])).item() == 4
    assert Tensor([1], dtype=np.float64).exp().dtype == np.float64
    x = Tensor([0.0], requires_grad=True)
    (x.sqrt() + x.log() + x.abs()).sum().backward()
    assert x.grad.tolist() == [np.inf]


def test_a_clone_shares_nothing_and_what_only_changes_the_shape_shares_all():
    t = Tensor([[1, 2], [3, 4]])
    assert not np.shares_memory(t.clone().data, t.data)
    for other in (t.flatten(), t.squeeze(), t.unsqueeze(0)):
        assert np.shares_memory(other.data, t.data)


def test_tensors_are_made_as_in_pytorch():
    assert zeros(2, 3).shape == zeros((2, 3)).shape == (2, 3) and zeros(2).dtype == ones(2).dtype == np.float32
    assert zeros().shape == () and ones(2, dtype=np.int64).dtype == np.int64
    like = Tensor([[1, 2]], dtype=np.float64)
    assert zeros_like(like).dtype == np.float64 and ones_like(like).data.tolist() == [[1, 1]]
    assert zeros_like(like, dtype=bool).dtype == bool and zeros_like(np.ones(3)).shape == (3,)
    assert arange(5).dtype == np.int64 and arange(1, 4).data.tolist() == [1, 2, 3]
    assert arange(0, 1, 0.25).dtype == np.float32 and arange(5, 0, -2).data.tolist() == [5, 3, 1]
    assert arange(3, dtype=np.float32).dtype == np.float32
    for made in (zeros(2, requires_grad=True), ones_like(like, requires_grad=True), randn(2, requires_grad=True)):
        assert made.requires_grad
    assert arange(3.0, requires_grad=True).requires_grad


def test_random_tensors_come_from_the_generator_that_manual_seed_starts():
    manual_seed(3)
    first, layer = randn(4, 5), Linear(2, 2)
    manual_seed(3)
    assert np.array_equal(randn((4, 5)).data, first.data)
    assert np.array_equal(Linear(2, 2).weight.data, layer.weight.data)
    assert first.dtype == np.float32 and randn(1, dtype=np.float64).dtype == np.float64
    assert abs(randn(10_000).data.mean()) < 0.05 and abs(randn(10_000).data.std() - 1) < 0.05
    with pytest.raises(TypeError, match="randn: int64 cannot hold fractions"):
        randn(2, dtype=np.int64)
    with pytest.raises(ValueError, match="randn: a size is 0 or larger"):
        randn(-2)


def test_lists_of_numbers_are_joined_too():
    assert cat(([1, 2], Tensor([3]))).data.tolist() == [1, 2, 3] and stack([[1], [2]]).shape == (2, 1)
    assert cat([Tensor([1], dtype=np.int64), Tensor([2], dtype=np.int64)]).dtype == np.int64


@pytest.mark.parametrize("name", sorted(INSTEAD))
def test_what_a_tensor_has_not_is_said_with_what_to_write(name):
    """Also for the names that `enable_autograd` brings, on a tensor of chapters 01–05."""
    for t in (Tensor([1.0]), Parameter([1.0])):
        if hasattr(type(t), name):
            continue
        with pytest.raises(AttributeError, match=f"object has no attribute {name!r}; ") as caught:
            getattr(t, name)
        assert caught.value.name == name and not hasattr(t, name) and getattr(t, name, 1) == 1
        assert ".data." not in suggestion(caught.value)  # where the way back would be lost


@pytest.mark.parametrize("name", sorted(layers.INSTEAD))
def test_what_a_layer_has_not_is_said_with_what_to_write(name):
    for layer in (Linear(2, 2), Sequential([Linear(2, 2)])):
        if hasattr(layer, name):
            continue
        with pytest.raises(AttributeError, match=f"object has no attribute {name!r}; ") as caught:
            getattr(layer, name)
        assert caught.value.name == name and not hasattr(layer, name) and getattr(layer, name, 1) == 1


def test_a_layer_forgets_the_gradients_of_all_its_layers():
    model = Sequential([Linear(2, 3), ReLU(), Linear(3, 1, bias=False)])
    model(Tensor([[1.0, 2.0]])).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model.zero_grad() is None and all(p.grad is None for p in model.parameters())


def test_the_advice_names_what_exists():
    for advice in INSTEAD.values():
        if "tinytorch" in advice and advice.startswith("write "):
            assert hasattr(tinytorch, advice.removeprefix("write ").partition("(")[0])


def test_an_optimizer_as_papers_print_it_runs():
    w = Parameter([1.0, 2.0])
    m, v = zeros_like(w), zeros_like(w)
    (w * w).sum().backward()
    grad = Tensor(w.grad)
    m = 0.9 * m + 0.1 * grad
    v = 0.999 * v + 0.001 * grad * grad
    w.data = w.data - 0.1 * ((m / (1 - 0.9)) / ((v / (1 - 0.999)).sqrt() + 1e-8)).data
    np.testing.assert_allclose(w.data, [0.9, 1.9], rtol=1e-5)
