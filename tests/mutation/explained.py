"""Mutants that survive because they change nothing that can be seen, and why."""

from __future__ import annotations

# file, function or class, start of the change, why nothing shows
EQUIVALENT = [
    (
        "core.autograd",
        "Sum.backward",
        "False turned round",
        "keepdims is named to match forward; the gradient's own shape says it",
    ),
    (
        "core.autograd",
        "Mean.backward",
        "False turned round",
        "keepdims is named to match forward; the gradient's own shape says it",
    ),
    (
        "core.autograd",
        "Max.backward",
        "False turned round",
        "keepdims is named to match forward; the gradient's own shape says it",
    ),
    (
        "core.autograd",
        "Transpose.backward",
        "2 made larger",
        "a default that matches forward's, which always passes both",
    ),
    ("core.autograd", "numerical_gradient", "1e-06 made larger", "twice the step is as good a step"),
    ("core.autograd", "check_gradient", "1e-06 made larger", "twice the step is as good a step"),
    (
        "core.autograd",
        "MatMul.left_gradient",
        "another comparison: grad.ndim > 2",
        "a single matrix is its own stack of rows: only the way differs",
    ),
    ("core.autograd", "MatMul.right_gradient", "2 made larger", "the general way gives the same sum, with more memory"),
    (
        "core.autograd",
        "MatMul.right_gradient",
        "another comparison: grad.ndim > 2",
        "a single matrix is its own stack of rows: only the way differs",
    ),
    ("core.losses", "check_labels", "1 made larger: 1  ->  2", "reshape takes every negative size for -1"),
    (
        "core.embeddings",
        "sum_by_id",
        "1 made larger: 1  ->  2",
        "ids are never negative, so -2 differs from the first one as -1 does",
    ),
    ("core.spatial", "blocks", "1 made larger: 1  ->  2", "at most another number of images at a time"),
    ("core.transformers", "GPT.logits", "1 made larger: 1  ->  2", "reshape takes every negative size for -1"),
    (
        "perf.acceleration",
        "BufferPool",
        "1 made larger: 1  ->  2",
        "the buffer that the reference count is calibrated with may have any size",
    ),
    ("perf.acceleration", "", "10 made larger", "beyond 10 GELU is flat to the last bit"),
    (
        "perf.compression",
        "low_rank_approximate",
        "False turned round",
        "the full singular vectors are cut to the same rank",
    ),
    (
        "perf.parallel",
        "Stragglers",
        "another comparison: ",
        "a random number equals the probability in one case of 2**53",
    ),
    ("perf.memoization", "KVCache", "ones for zeros", "the array is written before it is read"),
    (
        "perf.quantization",
        "QuantizedLinear.forward",
        "1 made larger: 1  ->  2",
        "reshape takes every negative size for -1",
    ),
]


def reason(mutant) -> str:
    """Return why a mutant cannot be noticed, or an empty string."""
    for place, function, change, why in EQUIVALENT:
        if mutant.place == place and mutant.function.startswith(function) and mutant.change.startswith(change):
            return why
    return ""
