"""A GPT training step in plain NumPy: forward, backward by hand, Adam. No framework.

d 64, 2 layers, 4 heads, 64 tokens, batch 16, learned positions, pre-norm, GELU (tanh), untied head, cross-entropy.
`check` compares its gradients with central differences; the benchmark calls it first.
"""

import numpy as np

D, LAYERS, HEADS, T, B, V = 64, 2, 4, 64, 16, 96
C = np.float32(np.sqrt(2 / np.pi))


def make_parameters(rng, d=D, layers=LAYERS, vocab=V, tokens=T):
    def normal(*shape):
        return rng.normal(0, 0.02 if shape[0] > 1000 else shape[0] ** -0.5, shape).astype(np.float32)

    p = {
        "tok": rng.normal(0, 0.02, (vocab, d)).astype(np.float32),
        "pos": rng.normal(0, 0.02, (tokens, d)).astype(np.float32),
    }
    for i in range(layers):
        for name, shape in [
            ("q", (d, d)),
            ("k", (d, d)),
            ("v", (d, d)),
            ("o", (d, d)),
            ("up", (d, 4 * d)),
            ("down", (4 * d, d)),
        ]:
            p[f"{i}.{name}"] = normal(*shape)
            p[f"{i}.{name}b"] = np.zeros(shape[1], np.float32)
        for name in ("n1", "n2"):
            p[f"{i}.{name}"] = np.ones(d, np.float32)
            p[f"{i}.{name}b"] = np.zeros(d, np.float32)
    p["n"], p["nb"] = np.ones(d, np.float32), np.zeros(d, np.float32)
    p["head"] = normal(d, vocab)
    return p


def norm_forward(x, g, b):
    xc = x - x.mean(-1, keepdims=True)
    inv = 1 / np.sqrt((xc * xc).mean(-1, keepdims=True) + np.float32(1e-5))
    xhat = xc * inv
    return xhat * g + b, (xhat, inv)


def norm_backward(dy, g, kept):
    xhat, inv = kept
    dg, db = (dy * xhat).sum(0), dy.sum(0)
    dx = dy * g
    dx = (dx - dx.mean(-1, keepdims=True) - xhat * (dx * xhat).mean(-1, keepdims=True)) * inv
    return dx, dg, db


def gelu_forward(x):
    t = np.tanh(C * (x + np.float32(0.044715) * (x * x * x)))
    return np.float32(0.5) * x * (1 + t), t


def gelu_backward(dy, x, t):
    return dy * np.float32(0.5) * (1 + t + x * (1 - t * t) * C * (1 + np.float32(3 * 0.044715) * (x * x)))


def heads(x, b, t, h):
    return x.reshape(b, t, h, -1).transpose(0, 2, 1, 3)


def unheads(x, n):
    return x.transpose(0, 2, 1, 3).reshape(n, -1)


def attention_forward(p, i, x, b, t, h, mask):
    q = heads(x @ p[f"{i}.q"] + p[f"{i}.qb"], b, t, h)
    k = heads(x @ p[f"{i}.k"] + p[f"{i}.kb"], b, t, h)
    v = heads(x @ p[f"{i}.v"] + p[f"{i}.vb"], b, t, h)
    s = (q @ k.swapaxes(-1, -2)) * np.float32(1 / np.sqrt(q.shape[-1]))
    s = np.where(mask, s, -np.inf)
    s = np.exp(s - s.max(-1, keepdims=True))
    w = s / s.sum(-1, keepdims=True)
    y = unheads(w @ v, b * t)
    return y @ p[f"{i}.o"] + p[f"{i}.ob"], (x, q, k, v, w, y)


def attention_backward(p, grads, i, dout, kept, b, t, h):
    x, q, k, v, w, y = kept
    grads[f"{i}.o"], grads[f"{i}.ob"] = y.T @ dout, dout.sum(0)
    dy = heads(dout @ p[f"{i}.o"].T, b, t, h)
    dw, dv = dy @ v.swapaxes(-1, -2), w.swapaxes(-1, -2) @ dy
    ds = w * (dw - (dw * w).sum(-1, keepdims=True)) * np.float32(1 / np.sqrt(q.shape[-1]))
    dx = 0
    for name, g in (("q", ds @ k), ("k", ds.swapaxes(-1, -2) @ q), ("v", dv)):
        g = unheads(g, b * t)
        grads[f"{i}.{name}"], grads[f"{i}.{name}b"] = x.T @ g, g.sum(0)
        dx = dx + g @ p[f"{i}.{name}"].T
    return dx


def forward_backward(p, ids, targets, layers=LAYERS, h=HEADS):
    b, t = ids.shape
    n = b * t
    mask = np.tril(np.ones((t, t), bool))
    x = (p["tok"][ids] + p["pos"][:t]).reshape(n, -1)
    kept = []
    for i in range(layers):
        a, k1 = norm_forward(x, p[f"{i}.n1"], p[f"{i}.n1b"])
        a, ka = attention_forward(p, i, a, b, t, h, mask)
        x = x + a
        m, k2 = norm_forward(x, p[f"{i}.n2"], p[f"{i}.n2b"])
        u = m @ p[f"{i}.up"] + p[f"{i}.upb"]
        g, tanh = gelu_forward(u)
        x = x + (g @ p[f"{i}.down"] + p[f"{i}.downb"])
        kept.append((k1, ka, k2, m, u, tanh, g))
    y, kn = norm_forward(x, p["n"], p["nb"])
    logits = y @ p["head"]

    logits = logits - logits.max(-1, keepdims=True)
    e = np.exp(logits)
    total = e.sum(-1, keepdims=True)
    rows, flat = np.arange(n), targets.reshape(-1)
    loss = (np.log(total[:, 0]) - logits[rows, flat]).mean()
    d = e / total
    d[rows, flat] -= 1
    d /= n

    grads = {"head": y.T @ d}
    dx, grads["n"], grads["nb"] = norm_backward(d @ p["head"].T, p["n"], kn)
    for i in reversed(range(layers)):
        k1, ka, k2, m, u, tanh, g = kept[i]
        grads[f"{i}.down"], grads[f"{i}.downb"] = g.T @ dx, dx.sum(0)
        du = gelu_backward(dx @ p[f"{i}.down"].T, u, tanh)
        grads[f"{i}.up"], grads[f"{i}.upb"] = m.T @ du, du.sum(0)
        dm, grads[f"{i}.n2"], grads[f"{i}.n2b"] = norm_backward(du @ p[f"{i}.up"].T, p[f"{i}.n2"], k2)
        dx = dx + dm
        da = attention_backward(p, grads, i, dx, ka, b, t, h)
        da, grads[f"{i}.n1"], grads[f"{i}.n1b"] = norm_backward(da, p[f"{i}.n1"], k1)
        dx = dx + da
    grads["tok"] = np.zeros_like(p["tok"])
    np.add.at(grads["tok"], ids.reshape(-1), dx)
    grads["pos"] = np.zeros_like(p["pos"])
    grads["pos"][:t] = dx.reshape(b, t, -1).sum(0)
    return loss, grads


def make_adam(p):
    return {"t": 0, "m": {k: np.zeros_like(v) for k, v in p.items()}, "v": {k: np.zeros_like(v) for k, v in p.items()}}


def adam_step(p, grads, adam, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    adam["t"] += 1
    c1, c2 = 1 - b1 ** adam["t"], 1 - b2 ** adam["t"]
    for name, g in grads.items():
        m, v = adam["m"][name], adam["v"][name]
        m *= b1
        m += (1 - b1) * g
        v *= b2
        v += (1 - b2) * (g * g)
        p[name] -= lr / c1 * m / (np.sqrt(v / c2) + eps)


def step(p, adam, ids, targets):
    loss, grads = forward_backward(p, ids, targets)
    adam_step(p, grads, adam)
    return loss


def check():
    """Gradients against central differences in float64, on a tiny model."""
    rng = np.random.default_rng(0)
    p = {k: v.astype(np.float64) for k, v in make_parameters(rng, 8, 2, 5, 4).items()}
    ids, targets = rng.integers(0, 5, (2, 4)), rng.integers(0, 5, (2, 4))
    _, grads = forward_backward(p, ids, targets, h=2)
    for name, value in p.items():
        where = tuple(rng.integers(0, s) for s in value.shape)
        old, eps = value[where], 1e-5
        value[where] = old + eps
        up = forward_backward(p, ids, targets, h=2)[0]
        value[where] = old - eps
        down = forward_backward(p, ids, targets, h=2)[0]
        value[where] = old
        assert abs((up - down) / (2 * eps) - grads[name][where]) < 1e-6, name
