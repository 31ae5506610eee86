"""Mistakes with a name: the classic ways to get this library wrong. Each must be noticed, in every test run."""

from __future__ import annotations

from .mutants import Mutant, path_of

# name, file, what stands there, what would be wrong
NAMED = [
    (
        "attention without 1/sqrt(d)",
        "core.attention",
        "scaled = Q * (1 / math.sqrt(Q.shape[-1]))",
        "scaled = Q * 1.0",
    ),
    (
        "causal mask the wrong way up",
        "core.attention",
        "return from_numpy(np.tri(seq_len, dtype=bool))",
        "return from_numpy(np.tri(seq_len, dtype=bool).T.copy())",
    ),
    (
        "Adam without bias correction",
        "core.optimizers",
        "move(data, scratch, self.lr / (1 - beta1**step), scratch)",
        "move(data, scratch, self.lr, scratch)",
    ),
    (
        "Adam's v without bias correction",
        "core.optimizers",
        "scratch *= 1 / math.sqrt(1 - beta2**step)",
        "scratch *= 1",
    ),
    (
        "Adam's v with beta1",
        "core.optimizers",
        "mix_in(v, scratch, beta2, scratch)",
        "mix_in(v, scratch, beta1, scratch)",
    ),
    (
        "linear instead of cosine",
        "core.training",
        "share = (1 + math.cos(math.pi * progress)) / 2",
        "share = 1 - progress",
    ),
    (
        "LayerNorm's variance doubled",
        "core.transformers",
        "scale = 1 / np.sqrt(variance + eps)",
        "scale = 1 / np.sqrt(2 * variance + eps)",
    ),
    (
        "gradient overwritten instead of accumulated",
        "core.autograd",
        "arriving[key] = add_gradients(arriving.get(key), grad)",
        "arriving[key] = grad",
    ),
    (
        "broadcasting not undone",
        "core.autograd",
        "    if grad.shape == shape:\n        return grad\n    added",
        "    return grad\n    added",
    ),
    (
        "loss summed instead of averaged",
        "core.losses",
        "return wrap(losses.mean(), rows)",
        "return wrap(losses.sum(), rows)",
    ),
    ("dropout without making up for it", "core.layers", "np.multiply(kept, 1 / (1 - self.p)", "np.multiply(kept, 1"),
    ("running variance of BatchNorm biased", "core.spatial", "count / (count - 1)", "1"),
]


def named_mutants() -> list[Mutant]:
    """Return them; one whose place is no longer found is an error, not a success."""
    found = []
    for name, place, before, after in NAMED:
        source = path_of(place).read_text(encoding="utf-8")
        if source.count(before) != 1:
            raise SystemExit(
                f"{name}: {place} has {source.count(before)} times\n{before}\nso tests/mutation/named.py must be "
                "brought up to date"
            )
        found.append(Mutant(place, source[: source.index(before)].count("\n") + 1, name, source.replace(before, after)))
    return found
