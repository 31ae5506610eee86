"""A faster kernel takes a function's place, gets checked arguments, and can be taken out again."""

import numpy as np
import pytest

from tinytorch.perf import kernels
from tinytorch.perf.quantization import exact_float32_matmul, int8_matmul


@pytest.fixture(autouse=True)
def places(monkeypatch):
    monkeypatch.setattr(kernels, "REPLACEMENTS", {})


def test_without_a_replacement_the_function_itself_is_fastest():
    assert kernels.fastest("int8_matmul", exact_float32_matmul) is exact_float32_matmul


def test_the_int8_product_is_left_to_a_replacement_and_comes_back():
    a, seen = np.ones((2, 3), np.int8), []

    def kernel(x, y):
        seen.append((x.shape, y.shape))
        return np.full((2, 2), 7, np.int32)

    kernels.use("int8_matmul", kernel)
    assert int8_matmul(a, a.T).tolist() == [[7, 7], [7, 7]] and seen == [((2, 3), (3, 2))]
    kernels.use("int8_matmul", None)
    assert int8_matmul(a, a.T).tolist() == [[3, 3], [3, 3]] and len(seen) == 1


def test_a_replacement_is_not_given_what_the_function_refuses():
    kernels.use("int8_matmul", lambda a, b: pytest.fail("the kernel was called"))
    with pytest.raises(TypeError, match="must be int8"):
        int8_matmul(np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="needs shapes"):
        int8_matmul(np.ones((2, 3), np.int8), np.ones((2, 3), np.int8))


def test_taking_out_what_is_not_there_changes_nothing():
    kernels.use("nothing", None)
    assert kernels.REPLACEMENTS == {}
