"""Writing tokens one by one in plain NumPy, keys and values kept: the same steps as the library's, without one.

It reads the numbers of a GPT of the library, so that both write the same text; `check` says whether they do.
"""

import numpy as np

from .plain_gpt import gelu_forward, norm_forward


def parameters(model):
    """Return a GPT's arrays under the names of `plain_gpt`."""
    p = {"tok": model.embedding.token.weight.data, "pos": model.embedding.position.weight.data}
    for i, block in enumerate(model.blocks):
        at, mlp = block.attention, block.mlp
        for name, layer in [
            *zip("qkvo", (at.q_proj, at.k_proj, at.v_proj, at.out_proj), strict=True),
            ("up", mlp.up),
            ("down", mlp.down),
            ("n1", block.norm1),
            ("n2", block.norm2),
        ]:
            p[f"{i}.{name}"], p[f"{i}.{name}b"] = layer.weight.data, layer.bias.data
    p["n"], p["nb"], p["head"] = model.norm.weight.data, model.norm.bias.data, model.head.weight.data
    return p


def step(p, tokens, at, keys, values):
    """Return the logits (B, V) after one more token of each sequence, which stands at position `at`."""
    layers, b, h = keys.shape[:3]
    x = p["tok"][tokens] + p["pos"][at]  # (B, D)
    for i in range(layers):
        a, _ = norm_forward(x, p[f"{i}.n1"], p[f"{i}.n1b"])
        q = (a @ p[f"{i}.q"] + p[f"{i}.qb"]).reshape(b, h, 1, -1)
        keys[i, :, :, at] = (a @ p[f"{i}.k"] + p[f"{i}.kb"]).reshape(b, h, -1)
        values[i, :, :, at] = (a @ p[f"{i}.v"] + p[f"{i}.vb"]).reshape(b, h, -1)
        k, v = keys[i, :, :, : at + 1], values[i, :, :, : at + 1]
        s = (q @ k.swapaxes(-1, -2)) * np.float32(1 / np.sqrt(q.shape[-1]))  # (B, H, 1, at + 1)
        s = np.exp(s - s.max(-1, keepdims=True))
        w = s / s.sum(-1, keepdims=True)
        x = x + (w @ v).reshape(b, -1) @ p[f"{i}.o"] + p[f"{i}.ob"]
        m, _ = norm_forward(x, p[f"{i}.n2"], p[f"{i}.n2b"])
        g, _ = gelu_forward(m @ p[f"{i}.up"] + p[f"{i}.upb"])
        x = x + (g @ p[f"{i}.down"] + p[f"{i}.downb"])
    return norm_forward(x, p["n"], p["nb"])[0] @ p["head"]


def draw(logits, rng):
    """Return a token of each row, as often as its chance says."""
    logits = logits.astype(np.float64)
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    edges = chances.cumsum(-1)
    return (edges <= rng.random((len(edges), 1)) * edges[:, -1:]).sum(-1)


def generate(p, ids, count, layers, heads, seed):
    """Return ids of shape (B, 1) and `count` tokens more."""
    rng = np.random.default_rng(seed)
    shape = (layers, len(ids), heads, count, p["tok"].shape[1] // heads)
    keys, values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for at in range(count):
        token = draw(step(p, ids[:, -1], at, keys, values), rng)
        ids = np.concatenate([ids, token[:, None]], axis=1)
    return ids


def check(model, ids, count, seed):
    """Raise where the library and the plain code write different texts."""
    heads = model.blocks[0].attention.num_heads
    plain = generate(parameters(model), ids, count, len(model.blocks), heads, seed)
    ours = model.generate(ids, count, seed=seed).data
    if not np.array_equal(plain, ours):
        raise AssertionError(f"the plain code writes {plain.tolist()}, the library {ours.tolist()}")
