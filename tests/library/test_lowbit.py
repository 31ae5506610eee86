"""Codes of four bits come back as they were, and training with rounding learns what rounding afterwards loses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinytorch import Adam, CrossEntropyLoss, Linear, ReLU, Sequential, Tensor
from tinytorch.core.autograd import enable_autograd
from tinytorch.datasets import TinyDigits
from tinytorch.perf.lowbit import (
    FakeQuantize,
    FakeQuantizedLinear,
    fake_quantize,
    highest_code,
    pack_int4,
    unpack_int4,
)

enable_autograd()


@given(q=arrays.arrays(np.int8, arrays.array_shapes(min_dims=1, min_side=0, max_side=9), elements=st.integers(-8, 7)))
def test_what_is_packed_comes_back(q):
    packed = pack_int4(q)
    assert packed.dtype == np.uint8 and packed.shape == ((q.size + 1) // 2,)
    assert np.array_equal(unpack_int4(packed, q.size), q.ravel())


def test_the_first_code_is_the_lower_half():
    assert pack_int4(np.int8([[1, -1], [-8, 7]])).tolist() == [0xF1, 0x78]
    assert pack_int4(np.int8([-1])).tolist() == [0x0F]


@pytest.mark.parametrize("code", [8, -9, 127, -128])
def test_what_four_bits_cannot_hold(code):
    with pytest.raises(ValueError, match=f"pack_int4: a code is {code}; four bits hold -8 to 7"):
        pack_int4(np.int8([0, code]))
    with pytest.raises(TypeError, match="pack_int4: q must be an int8 array; got int64"):
        pack_int4(np.int64([1]))


@pytest.mark.parametrize("bits", [1, 9, 0, -2, 2.5, True, None])
def test_bits_that_are_none(bits):
    with pytest.raises(ValueError, match=r"fake_quantize: bits is .* a whole number from 2 to 8"):
        FakeQuantizedLinear(2, 2, bits=bits)
    assert [highest_code(bits) for bits in (2, 3, 4, 8)] == [1, 3, 7, 127]


def test_numbers_land_on_the_marks_of_their_column():
    x = Tensor([[1.0, 0.0], [-3.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert fake_quantize(x, 2).data.tolist() == [[0, 0], [-2, 0], [0, 0], [0, 0]]
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((50, 3)) * [0.01, 1, 100])
    for bits in (2, 4, 8):
        result = fake_quantize(x, bits).data
        assert result.dtype == np.float32
        assert all(len(np.unique(result[:, column])) <= 2 * highest_code(bits) + 1 for column in range(3))
    assert np.abs(fake_quantize(x, 8).data / x.data - 1).mean() < 0.2
    with pytest.raises(ValueError, match="fake_quantize: 1 of 2 values are NaN"):
        fake_quantize(Tensor([[np.nan], [1.0]]), 4)


def test_the_gradient_passes_where_nothing_saturates():
    x = Tensor([[0.4], [1.6], [-1.4], [-2.6]], requires_grad=True)
    out = FakeQuantize.apply(x, np.float32([[1]]), 1)
    assert out.data.ravel().tolist() == [0, 1, -1, -1]
    out.backward(np.float32([[1], [2], [3], [4]]))
    assert x.grad.ravel().tolist() == [1, 0, 3, 0]


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_that_rounds_its_weights(bias):
    layer, x = FakeQuantizedLinear(6, 4, bits=3, bias=bias, rng=0), np.ones((2, 6), np.float32)
    rounded = fake_quantize(layer.weight, 3).data
    assert np.allclose(layer(x).data, x @ rounded, atol=1e-6)
    assert repr(layer) == f"FakeQuantizedLinear(in_features=6, out_features=4, bias={bias}, bits=3)"
    layer.load_state_dict(Linear(6, 4, bias=bias, rng=1).state_dict())
    layer(x).sum().backward()
    assert layer.weight.grad.shape == (6, 4) and layer.weight.grad.any()


def test_training_with_rounding_wins_back_what_rounding_lost():
    images, labels = TinyDigits(True).tensors
    images, test = images.reshape(len(images), 64), TinyDigits(False)

    def learn(model, steps):
        optimizer = Adam(model.parameters(), lr=0.01)
        for _ in range(steps):
            optimizer.zero_grad()
            CrossEntropyLoss()(model(images), labels).backward()
            optimizer.step()

    def right(model):
        answers = model(test.tensors[0].reshape(200, 64)).data.argmax(axis=1)
        return (answers == test.tensors[1].data).mean()

    plain = Sequential(Linear(64, 32, rng=1), ReLU(), Linear(32, 10, rng=11))
    aware = Sequential(FakeQuantizedLinear(64, 32, bits=2), ReLU(), FakeQuantizedLinear(32, 10, bits=2))
    learn(plain, 100)
    aware.load_state_dict(plain.state_dict())
    rounded = right(aware)
    learn(aware, 100)
    assert right(plain) > 0.9 and rounded < right(plain) - 0.05 and right(aware) > rounded + 0.05
