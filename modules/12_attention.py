"""Chapter 12: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import math

import numpy as np

from tinytorch import MultiHeadAttention, Tensor, create_causal_mask, scaled_dot_product_attention
from tinytorch.core.attention import attention_in_blocks, attention_scores, find_leaks, masked_softmax, softmax_backward, split_heads
from tinytorch.learn.expecting import expect, expect_raises, expect_shares_memory, expect_unchanged, peak, raising

FORBID = "if allowed is not None:\n    np.copyto(scores, -np.inf, where=~allowed)\n"
LARGEST = "largest = scores.max(axis=-1, keepdims=True)\nlargest[largest == -np.inf] = 0\n"
POWER = "scores -= largest\nnp.exp(scores, out=scores)\n"
SHARE = "total = scores.sum(axis=-1, keepdims=True)\ntotal[total == 0] = 1\nscores /= total\nreturn scores\n"
INNER = "inner = (grad_output * weights).sum(axis=-1, keepdims=True)\n"
TENSORS = "Q, K, V = [x if isinstance(x, Tensor) else Tensor(x) for x in (Q, K, V)]\nshape = check_attention_shapes(Q, K, V)\n"
ALLOWED = "allowed = None if mask is None else check_mask(mask, shape)\n"
WEIGHTS = "weights = AttentionWeights.apply(Q, K, allowed)\n"
LENGTH = ("if not is_whole(seq_len) or seq_len < 1:\n"
          "    raise ValueError(f\"create_causal_mask: seq_len {seq_len!r} is not a length; give an integer of at least 1\")\n")
REAL = ("if x.dtype.kind != \"f\":\n"
        "    raise ValueError(f\"find_leaks: x of {x.dtype} cannot hold random features; give a Tensor of real numbers\")\n")
BEFORE = REAL + "expected, leaks, rng = function(x).data, [], np.random.default_rng(0)\n"
EACH = "for s in range(1, x.shape[1]):\n    changed = x.data.copy()\n"
RANDOM = "    changed[:, s] = rng.standard_normal(changed[:, s].shape)\n"
AFTER = "    result = function(from_numpy(changed)).data\n"
PAIRS = "    leaks += [(t, s) for t in range(s) if not np.array_equal(result[:, t], expected[:, t])]\nreturn leaks\n"
PROJECTED = ("x = self.sequences(x)\nQ = split_heads(self.q_proj(x), self.num_heads)\nK = split_heads(self.k_proj(x), self.num_heads)\n"
             "V = split_heads(self.v_proj(x), self.num_heads)\n")
REMEMBERED = "if remember is not None:\n    K, V = remember(K, V)\n"
ATTENDED = "output, _ = scaled_dot_product_attention(Q, K, V, mask_for_heads(mask))\n"
MERGED = "return self.out_proj(merge_heads(output))\n"
NOTHING = "largest, total, output = -np.inf, 0.0, 0.0\n"
BLOCKS = "for first in range(0, K.shape[-2], size):\n    scores = attention_scores(Q, K[..., first : first + size, :])\n"
NEW = "    new = np.maximum(largest, scores.max(axis=-1, keepdims=True))\n"
TERMS = "    shrink = np.exp(largest - new)\n    weights = np.exp(scores - new)\n"
TOTAL = "    total = total * shrink + weights.sum(axis=-1, keepdims=True)\n"
OUTPUT = "    output = output * shrink + weights @ V[..., first : first + size, :]\n"
NEXT = "    largest = new\nreturn output / total\n"


class exercise_attention_scores:

    def each_query_with_each_key():
        """Each query with each key, divided by the root of the features"""
        Q = np.array([[1.0, 0.0, 2.0, 0.0]])
        K = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 4.0, 0.0, 0.0]])
        expect(attention_scores(Q, K), np.array([[1.5, 0.0]]), mistakes=[
            (np.array([[3.0, 0.0]]), "Those are the plain dot products. Divide them by the root of the number of features, here 2.",
             "return Q @ K.swapaxes(-2, -1)"),
            (np.array([[0.75, 0.0]]), "You divided by the number of features. It is its root.",
             "return Q @ K.swapaxes(-2, -1) / Q.shape[-1]"),
            (np.array([[6.0, 0.0]]), "You multiplied by the root. Divide by it.",
             "return Q @ K.swapaxes(-2, -1) * math.sqrt(Q.shape[-1])"),
            (lambda got: np.allclose(got, [[3 / math.sqrt(2), 0]]), "That is the root of the number of keys. The features are the last axis.",
             "return Q @ K.swapaxes(-2, -1) / math.sqrt(K.shape[-2])"),
            (lambda got: got.shape == (2, 1), "A row is a query and a column is a key. Here they have changed places: Q comes first in the product.",
             "return K @ Q.swapaxes(-2, -1) / math.sqrt(Q.shape[-1])"),
            (raising(ValueError, "matmul"), "In this product K stands as it came, so features would meet keys. `K.swapaxes(-2, -1)` exchanges its last two axes; NumPy's `transpose` lists all of them, and `transpose(-2, -1)` leaves a matrix as it is.",
             "return Q @ K / math.sqrt(Q.shape[-1])", "return Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])"),
            (raising(ValueError, "unpack"), "Q has two axes here, and elsewhere more. Count from the end: `Q.shape[-1]`.",
             "B, H, T, D = Q.shape\nreturn Q @ K.swapaxes(-2, -1) / math.sqrt(D)")])
        rng = np.random.default_rng(0)
        Q, K = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
        expect(attention_scores(Q, K)[2, 3], (Q[2] * K[3]).sum() / math.sqrt(2))

    def axes_in_front_stay_as_they_are():
        """Axes in front, such as one for sequences, stay as they are"""
        rng = np.random.default_rng(0)
        Q, K = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 6, 5))
        expect(attention_scores(Q, K).shape, (2, 3, 4, 6), mistakes=[
            (raising(ValueError, "axes don't match"), "NumPy's `transpose` wants all axes, here four. `swapaxes(-2, -1)` exchanges two, as a Tensor's `transpose` does.",
             "return Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])"),
            (raising(ValueError, "matmul"), "Of the four axes of K only the last two should change places. `.T` turns round all of them.",
             "return Q @ K.T / math.sqrt(Q.shape[-1])")])
        expect(attention_scores(Q, K)[1, 2], Q[1, 2] @ K[1, 2].T / math.sqrt(5))

    def float32_stays_and_nothing_is_changed():
        """float32 stays float32, and Q and K stay as they are"""
        Q, K = np.ones((2, 4), dtype=np.float32), np.ones((3, 4), dtype=np.float32)
        expect(str(attention_scores(Q, K).dtype), "float32", mistakes=[
            ("float64", "The scores have become float64, twice the bytes. `np.sqrt` of a number gives a float64 that pulls the array along; `math.sqrt` gives a Python number that does not.",
             "return Q @ K.swapaxes(-2, -1) / np.sqrt(Q.shape[-1])")])
        with expect_unchanged(Q, K):
            attention_scores(Q, K)

    wrong = [
        ("Q *= 1 / math.sqrt(Q.shape[-1])\nreturn Q @ K.swapaxes(-2, -1)", "changed its input"),
        ("return np.dot(Q, K.swapaxes(-2, -1)) / math.sqrt(Q.shape[-1])", "(2, 3, 4, 6)"),
    ]

    right = [
        "scaled = Q * (1 / math.sqrt(Q.shape[-1]))\nreturn scaled @ K.swapaxes(-2, -1)",
        "scores = np.matmul(Q, np.swapaxes(K, -1, -2))\nscores /= math.sqrt(K.shape[-1])\nreturn scores",
        "return np.einsum('...qd,...kd->...qk', Q, K) * Q.shape[-1] ** -0.5",
    ]

    equivalent = [
        ("return scaled @ K.swapaxes(-2, -1)  ->  return scaled @ K.swapaxes(-1, -2)", "two axes are exchanged either way"),
    ]


class exercise_masked_softmax:

    def each_row_becomes_weights():
        """Each row becomes weights that sum to 1"""
        scores = np.array([[0.0, math.log(3)], [2.0, 2.0], [800.0, 700.0]])
        expect(masked_softmax(scores), np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]]), mistakes=[
            (lambda got: np.allclose(got[1], 1), "Those are the exponentials. Divide each row by its sum.",
             FORBID + LARGEST + POWER + "return scores"),
            (lambda got: np.isnan(got).any() and np.isfinite(got[:2]).all(), "exp(800) is infinite, and inf / inf is NaN. Subtract the largest of each row first.",
             FORBID + "with np.errstate(all='ignore'):\n    np.exp(scores, out=scores)\n    scores /= scores.sum(axis=-1, keepdims=True)\nreturn scores"),
            (lambda got: np.isnan(got[0]).any() or not got[0].any(), "You subtracted the largest of the whole matrix. The exponentials of the other rows became 0; each row has a largest of its own.",
             FORBID + "with np.errstate(all='ignore'):\n    scores -= scores.max()\n    np.exp(scores, out=scores)\n    scores /= scores.sum(axis=-1, keepdims=True)\nreturn scores",
             FORBID + "scores -= scores.max()\nnp.exp(scores, out=scores)\n" + SHARE),
            (lambda got: np.allclose(got.sum(axis=0), 1), "The columns sum to 1. A row is a query, and its weights are what it gives to all keys: go over the last axis.",
             "scores -= scores.max(axis=-2, keepdims=True)\nnp.exp(scores, out=scores)\nscores /= scores.sum(axis=-2, keepdims=True)\nreturn scores"),
            (raising(TypeError, "unary ~"), "`allowed` is None here: everything is allowed, and there is nothing to forbid. Ask for that first.",
             "np.copyto(scores, -np.inf, where=~allowed)\n" + LARGEST + POWER + SHARE),
            (ValueError, "One number a row must stand in a shape that can be subtracted from the matrix: keepdims=True.",
             FORBID + "scores -= scores.max(axis=-1)\nnp.exp(scores, out=scores)\n" + SHARE)])

    def what_is_not_allowed_gets_0():
        """What is not allowed gets exactly 0, and the others share its part"""
        allowed = np.array([[True, False], [True, True]])
        expect(masked_softmax(np.zeros((2, 2)), allowed), np.array([[1.0, 0.0], [0.5, 0.5]]), mistakes=[
            (raising(ValueError, "truth value"), "An array of several booleans is neither true nor false. Ask `allowed is not None`.",
             FORBID.replace(" is not None", "") + LARGEST + POWER + SHARE),
            (lambda got: got[0, 0] == 0, "It is the other way round: True means that the key may be looked at.",
             FORBID.replace("~", "") + LARGEST + POWER + SHARE),
            (lambda got: np.allclose(got[0], [0.5, 0]), "Row 0 sums to 0.5. Set to 0 afterwards, a weight is lost; forbid before the exponential, and the others share it.",
             LARGEST + POWER + SHARE.replace("return scores\n", "if allowed is not None:\n    scores *= allowed\nreturn scores\n")),
            (np.full((2, 2), 0.5), "The mask had no effect on row 0. A score of 0 is no refusal, since exp(0) is 1; minus infinity is.",
             "if allowed is not None:\n    np.copyto(scores, 0, where=~allowed)\n" + LARGEST + POWER + SHARE,
             LARGEST + POWER + SHARE)])
        expect(allowed.tolist(), [[True, False], [True, True]], mistakes=[(lambda got: True, "The mask has been changed. Others use it too, so `~allowed` must be a new array.",
            "if allowed is not None:\n    np.logical_not(allowed, out=allowed)\n    np.copyto(scores, -np.inf, where=allowed)\n" + LARGEST + POWER + SHARE)])
        scores = np.array([[-3e9, 5.0]])
        expect(masked_softmax(scores, np.array([[True, False]])), np.array([[1.0, 0.0]]), mistakes=[
            (np.array([[0.0, 1.0]]), "A large negative number is not minus infinity. Here a score that is allowed is smaller still, and the forbidden key wins.",
             FORBID.replace("-np.inf", "-1e9") + LARGEST + POWER + SHARE),
            (lambda got: got[0, 1] != 1, "The largest of the row was a forbidden score, or a number like -1e9 in its place, and beside it the allowed one became exp(…) = 0. First forbid with -np.inf, then take the largest.",
             LARGEST + POWER + "if allowed is not None:\n    np.copyto(scores, 0, where=~allowed)\n" + SHARE,
             LARGEST + POWER + "if allowed is not None:\n    scores *= allowed\nwith np.errstate(all='ignore'):\n    scores /= scores.sum(axis=-1, keepdims=True)\nreturn scores",
             FORBID.replace("-np.inf", "-1e9") + LARGEST + POWER + "if allowed is not None:\n    scores *= allowed\n" + SHARE)])

    def one_mask_for_many_heads():
        """One mask serves matrices with more axes"""
        allowed = np.array([[True, False], [True, True]])
        scores = np.zeros((3, 2, 2))
        scores[2, 1] = 900
        expect(masked_softmax(scores, allowed)[2], np.array([[1.0, 0.0], [0.5, 0.5]]), mistakes=[
            (IndexError, "An index must have the shape of what it looks into, and a mask of fewer axes does not. `np.copyto(scores, …, where=…)` lines the shapes up.",
             "if allowed is not None:\n    scores[~allowed] = -np.inf\n" + LARGEST + POWER + SHARE)])

    def a_row_that_may_look_at_nothing():
        """A row in which nothing is allowed becomes zeros"""
        allowed = np.array([[False, False], [True, True]])
        expect(masked_softmax(np.array([[1.0, 2.0], [0.0, 0.0]]), allowed), np.array([[0.0, 0.0], [0.5, 0.5]]), mistakes=[
            (lambda got: np.isnan(got[0]).any(), "The row without an allowed key is NaN: minus infinity minus itself, or 0 / 0. Put something harmless in place of that largest and of that sum.",
             FORBID + "with np.errstate(all='ignore'):\n    scores -= scores.max(axis=-1, keepdims=True)\n    np.exp(scores, out=scores)\n    scores /= scores.sum(axis=-1, keepdims=True)\nreturn scores",
             FORBID + LARGEST + POWER + "with np.errstate(all='ignore'):\n    scores /= scores.sum(axis=-1, keepdims=True)\nreturn scores"),
            (lambda got: np.allclose(got[0], 0.5), "The row shares its weights among forbidden keys. Who may look at nothing takes nothing: zeros.",
             "if allowed is not None:\n    np.copyto(scores, np.finfo(scores.dtype).min, where=~allowed)\n" + LARGEST + POWER + SHARE)])

    def in_the_memory_of_the_scores():
        """The weights take the place of the scores"""
        scores = np.zeros((2, 2), dtype=np.float32)
        expect_shares_memory(masked_softmax(scores), scores, mistakes=[
            (lambda got: True, "The result is a new array, and at 2,048 positions that is 16.8 MB more. Write into the scores: `scores -= …`, `np.exp(scores, out=scores)`.",
             ("if allowed is not None:\n    scores = np.where(allowed, scores, -np.inf)\n" + LARGEST + "weights = np.exp(scores - largest)\n"
              "total = weights.sum(axis=-1, keepdims=True)\nreturn weights / np.where(total == 0, 1, total)"))])
        expect(scores.tolist(), [[0.5, 0.5], [0.5, 0.5]])
        scores = np.zeros((256, 256), dtype=np.float32)
        expect(peak(lambda: masked_softmax(scores)) < scores.nbytes, True, mistakes=[
            (False, "The result is in its place, and on the way another array of the scores' size was made. `scores -= …`, `scores /= …` and `np.exp(scores, out=scores)` make none; `scores - …`, `np.exp(scores)` and np.nan_to_num do.",
             FORBID + LARGEST + "powers = np.exp(scores - largest)\ntotal = powers.sum(axis=-1, keepdims=True)\ntotal[total == 0] = 1\nscores[...] = powers / total\nreturn scores")])

    def a_score_that_is_no_number_is_not_hidden():
        """A score that is NaN is not hidden"""
        with np.errstate(invalid="ignore"):
            expect(np.isnan(masked_softmax(np.array([[np.nan, 1.0, 2.0]]))).any(), True, mistakes=[
                (lambda got: not got, "One score was NaN, from a fault somewhere else, and the weights look as if nothing had been. Repair what a row without an allowed key leads to, its largest and its sum, and no other NaN.",
                 FORBID + "with np.errstate(all='ignore'):\n    scores -= scores.max(axis=-1, keepdims=True)\n    np.exp(scores, out=scores)\n    scores /= scores.sum(axis=-1, keepdims=True)\nscores[np.isnan(scores)] = 0\nreturn scores",
                 FORBID + "with np.errstate(all='ignore'):\n    scores -= scores.max(axis=-1, keepdims=True)\n    np.nan_to_num(scores, copy=False)\n" + "    np.exp(scores, out=scores)\n    scores /= scores.sum(axis=-1, keepdims=True)\nreturn np.nan_to_num(scores, copy=False)")])

    right = [
        FORBID + LARGEST + POWER + SHARE,
        ("if allowed is not None:\n    scores[...] = np.where(allowed, scores, -np.inf)\ntop = np.max(scores, -1, keepdims=True)\n"
         "scores -= np.where(np.isfinite(top), top, 0)\nnp.exp(scores, out=scores)\n"
         "scores /= np.maximum(scores.sum(-1, keepdims=True), np.finfo(scores.dtype).tiny)\nreturn scores"),
        ("may = np.broadcast_to(True if allowed is None else allowed, scores.shape)\nscores[~may] = -np.inf\n"
         "top = scores.max(axis=-1, keepdims=True)\nsome = top > -np.inf\nnp.subtract(scores, top, out=scores, where=some)\nnp.exp(scores, out=scores)\n"
         "total = scores.sum(axis=-1, keepdims=True)\nnp.divide(scores, total, out=scores, where=some)\nreturn scores"),
    ]

    equivalent = [
        ("largest[largest == -np.inf] = 0  ->  largest[largest == -np.inf] = 1", "minus infinity minus any number is minus infinity"),
        ("total[total == 0] = 1  ->  total[total == 0] = 2", "0 divided by any number is 0"),
    ]


class exercise_softmax_backward:

    def one_row():
        """The gradient minus its mean, times the weight"""
        expect(softmax_backward(np.array([[1.0, 0.0]]), np.array([[0.75, 0.25]])), np.array([[0.1875, -0.1875]]), mistakes=[
            (np.array([[0.1875, 0.0]]), "You took each weight for itself: w (1 - w) is the slope with respect to its own score. What it gains the others lose, so the gradients of the other weights have a part in it.",
             "return grad_output * weights * (1 - weights)"),
            (np.array([[0.75, 0.0]]), "The sum is missing: what the row would gain by equal shifts is to be subtracted, since its weights always add up to 1.",
             "return grad_output * weights"),
            (np.array([[-0.1875, 0.1875]]), "The sign is turned round: the gradient minus the sum.",
             INNER + "return weights * (inner - grad_output)"),
            (np.array([[0.25, -0.75]]), "The product with the weights is missing at the end.",
             INNER + "return grad_output - inner"),
            (np.array([[0.375, -0.125]]), "You subtracted the plain mean. Each gradient counts with its weight.",
             "return weights * (grad_output - grad_output.mean(axis=-1, keepdims=True))"),
            (np.array([[0.0, -0.25]]), "You subtracted the plain sum of the gradients. Each counts with its weight.",
             "return weights * (grad_output - grad_output.sum(axis=-1, keepdims=True))")])

    def each_row_for_itself():
        """Each row for itself, with any number of axes in front"""
        rng = np.random.default_rng(0)
        grad_output, weights = rng.standard_normal((2, 2, 3)), np.array([[[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.25, 0.5, 0.25]]])
        row = weights[0, 0]
        slopes = np.diag(row) - np.outer(row, row)  # of this row's weights with respect to its scores
        expect(softmax_backward(grad_output, weights)[0, 0], slopes @ grad_output[0, 0], mistakes=[
            (lambda got: np.allclose(got, row * (grad_output[0, 0] - (grad_output * weights).sum())), "You summed over the whole array. Each row is a softmax of its own: the last axis, with keepdims=True.",
             "return weights * (grad_output - (grad_output * weights).sum())"),
            (lambda got: np.allclose(got, row * (grad_output[0, 0] - (grad_output * weights).sum(axis=-2)[0])), "You summed over the queries. A softmax goes over the keys: the last axis.",
             "return weights * (grad_output - (grad_output * weights).sum(axis=-2, keepdims=True))"),
            (ValueError, "The sum has lost its last axis, and the shapes do not fit any more. keepdims=True keeps it, with size 1.",
             "return weights * (grad_output - (grad_output * weights).sum(axis=-1))")])
        expect(softmax_backward(grad_output, weights)[:, ::-1][[0, 1], [0, 1]], np.zeros((2, 3)))

    def equal_gradients_change_nothing():
        """Equal gradients change nothing, and no array that came in is changed"""
        grad_output, weights = np.array([[3.0, 1.0, 2.0, 0.0]]), np.array([[0.5, 0.25, 0.125, 0.125]])
        with expect_unchanged(grad_output, weights):
            softmax_backward(grad_output, weights)
        expect(softmax_backward(np.full((1, 4), 3.0), weights), np.zeros((1, 4)))

    def no_table_for_each_row():
        """No table of slopes for each row"""
        grad_output, weights = np.ones((64, 64)), np.full((64, 64), 1 / 64)
        expect(softmax_backward(grad_output, weights), np.zeros((64, 64)))
        expect(peak(lambda: softmax_backward(grad_output, weights)) < 16 * weights.nbytes, True, mistakes=[
            (False, "For 64 rows of 64 weights, 64³ slopes were in memory at once. The formula needs one sum for each row, and arrays of the size of the weights.",
             "slopes = weights[..., None] * (np.eye(weights.shape[-1]) - weights[..., None, :])\nreturn (slopes @ grad_output[..., None])[..., 0]")])

    wrong = [
        (INNER + "grad_output -= inner\ngrad_output *= weights\nreturn grad_output", "changed its input"),
        (INNER + "weights *= grad_output - inner\nreturn weights", "changed its input"),
    ]

    right = [
        INNER + "grad_scores = grad_output - inner\ngrad_scores *= weights\nreturn grad_scores",
        "inner = np.einsum('...k,...k->...', grad_output, weights)[..., None]\nreturn weights * (grad_output - inner)",
        "weighted = grad_output * weights\nweighted -= weights * np.sum(weighted, -1, keepdims=True)\nreturn weighted",
    ]


class exercise_scaled_dot_product_attention:

    def output_and_weights():
        """The output and the weights"""
        Q, K, V = Tensor([[1]]), Tensor([[0], [0]]), Tensor([[2], [4]])
        expect(scaled_dot_product_attention(Q, K, V), (Tensor([[3]]), Tensor([[0.5, 0.5]])), mistakes=[
            (lambda got: isinstance(got, tuple) and isinstance(got[1], np.ndarray), "The weights are an array, and no gradient can go back through them. `AttentionWeights.apply(Q, K, allowed)` gives a Tensor.",
             TENSORS + ALLOWED + "weights = masked_softmax(attention_scores(Q.data, K.data), allowed)\nreturn Tensor(weights) @ V, weights"),
            (lambda got: not isinstance(got, tuple), "One thing came back. Return two, the output and the weights: `return output, weights`.",
             TENSORS + ALLOWED + WEIGHTS + "return weights @ V"),
            (lambda got: np.allclose(got[0].data, [[0.5, 0.5]]), "The weights came first. The output does.",
             TENSORS + ALLOWED + WEIGHTS + "return weights, weights @ V"),
            (lambda got: isinstance(got, tuple) and got[0].shape == (2, 2), "The weights come first in the product: (…, Tq, Tk) and (…, Tk, Dv).",
             TENSORS + ALLOWED + WEIGHTS + "return V @ weights, weights"),
            (lambda got: np.allclose(got[0].data, 3) and got[0].shape != (1, 1), "`*` pairs elements. A sum of rows, each times its weight, is what a matrix product gives: the weights `@` the values.",
             TENSORS + ALLOWED + WEIGHTS + "return (weights * V).sum(axis=-2), weights", TENSORS + ALLOWED + WEIGHTS + "return (weights * V).sum(axis=-2, keepdims=True), weights"),
            (raising((AttributeError, NameError), "oftmax"), "Scores and softmax are one operation here: `AttentionWeights.apply(Q, K, allowed)`.",
             TENSORS + ALLOWED + "weights = (Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])).softmax(dim=-1)\nreturn weights @ V, weights",
             TENSORS + ALLOWED + "weights = Softmax(dim=-1)(Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1]))\nreturn weights @ V, weights"),
            (raising(TypeError, "got NoneType"), "There is no mask here, and check_mask cannot take None. What is allowed is None then, too.",
             TENSORS + "allowed = check_mask(mask, shape)\n" + WEIGHTS + "return weights @ V, weights")])
        rng = np.random.default_rng(0)
        Q, K, V = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4)), rng.standard_normal((2, 5, 6))
        expect(scaled_dot_product_attention(Q.tolist(), K.tolist(), V.tolist())[0].shape, (2, 3, 6))

    def a_mask_of_0_and_1():
        """A mask of 0 and 1 is understood, and one that makes no sense refused"""
        Q, K, V = Tensor([[1]]), Tensor([[0], [0]]), Tensor([[2], [4]])
        expect(scaled_dot_product_attention(Q, K, V, [[1, 0]])[0], Tensor([[2]]), mistakes=[
            (Tensor([[3]]), "The mask had no effect. Hand what check_mask gives to AttentionWeights.apply.",
             TENSORS + "weights = AttentionWeights.apply(Q, K, None)\nreturn weights @ V, weights",
             TENSORS + ALLOWED + "weights = AttentionWeights.apply(Q, K)\nreturn weights @ V, weights"),
            (TypeError, "The mask went in as it was. `check_mask(mask, shape)` makes booleans of lists and numbers.",
             TENSORS + "weights = AttentionWeights.apply(Q, K, mask)\nreturn weights @ V, weights"),
            (Tensor([[4]]), "The mask is turned round: 1 means that the key may be looked at.",
             TENSORS + ALLOWED + "weights = AttentionWeights.apply(Q, K, None if allowed is None else ~allowed)\nreturn weights @ V, weights")])
        expect(scaled_dot_product_attention(Q, K, V, np.array([[False, True]]))[0], Tensor([[4]]), mistakes=[
            (raising(ValueError, "truth value"), "An array of several booleans is neither true nor false. Ask `mask is None`.",
             TENSORS + "allowed = check_mask(mask, shape) if mask else None\n" + WEIGHTS + "return weights @ V, weights")])
        expect_raises(ValueError, lambda: scaled_dot_product_attention(Q, K, V, [[0.5, 1]])[0], mentions=["holds 0.5"], mistakes=[
            (Tensor([[3]]), "A mask of other numbers than 0 and 1 went through. check_mask refuses it.",
             TENSORS + "allowed = None if mask is None else np.array(mask) != 0\n" + WEIGHTS + "return weights @ V, weights")])

    def a_query_that_may_look_at_no_key():
        """A query that may look at no key gets zeros"""
        K, V = Tensor([[0], [0]]), Tensor([[2], [4]])
        expect(scaled_dot_product_attention(Tensor([[1], [1]]), K, V, [[0, 0], [0, 1]]), (Tensor([[0], [4]]), Tensor([[0, 0], [0, 1]])), mistakes=[
            (lambda got: np.array_equal(got[1].data[1], [0, 1]) and not (got[1].data[0] == 0).all(), "The first query may look at nothing, and must take nothing. Your masked_softmax sees to that, and `AttentionWeights.apply(Q, K, allowed)` uses it; Softmax of chapter 02 does not know of such rows.",
             ("from tinytorch import Softmax\n" + TENSORS + "scores = Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])\n"
              "if mask is not None:\n    scores = scores + np.where(check_mask(mask, shape), 0, -1e9)\nweights = Softmax()(scores)\nreturn weights @ V, weights"))])

    def gradients_reach_all_three():
        """Gradients reach Q, K and V"""
        from tinytorch import enable_autograd
        enable_autograd()
        rng = np.random.default_rng(0)
        Q, K, V = (Tensor(rng.standard_normal((2, 3)), requires_grad=True) for _ in range(3))
        expect(all(result.requires_grad for result in scaled_dot_product_attention(Q, K, V)), True, mistakes=[
            (False, "A result is not in the graph. Stay with tensors, and use AttentionWeights.apply, which records.",
             TENSORS + ALLOWED + WEIGHTS + "return from_numpy(weights.data @ V.data), weights",
             TENSORS + ALLOWED + "weights = AttentionWeights().forward(Q, K, allowed)\nreturn weights @ V, weights")])
        scaled_dot_product_attention(Q, K, V)[0][0, 0].backward()
        expect([x.grad is not None for x in (Q, K, V)], [True, True, True], mistakes=[
            ([False, False, True], "Queries and keys get no gradient: on the way the weights were taken out of the graph.",
             TENSORS + ALLOWED + WEIGHTS + "return weights.detach() @ V, weights"),
            ([True, True, False], "The values get no gradient: they were taken out of the graph.",
             TENSORS + ALLOWED + WEIGHTS + "return weights @ V.detach(), weights")])

    def shapes_that_do_not_belong_together():
        """Shapes that do not belong together are refused in a sentence"""
        expect_raises(ValueError, lambda: scaled_dot_product_attention(np.ones((2, 3)), np.ones((2, 4)), np.ones((2, 4))), mentions=["queries have 3 features"], mistakes=[
            (lambda error: "queries have" not in str(error), "The sentence comes from the product inside. The lines that were given say it in terms of queries and keys.",
             TENSORS.replace("shape = check_attention_shapes(Q, K, V)\n", "shape = Q.shape[:-1] + K.shape[-2:-1]\n") + ALLOWED + WEIGHTS + "return weights @ V, weights")])
        expect(scaled_dot_product_attention(np.ones((2, 3)), np.ones((4, 3)), np.ones((4, 5)))[1].shape, (2, 4))

    right = [
        TENSORS + ALLOWED + WEIGHTS + "return weights @ V, weights",
        TENSORS + "allowed = check_mask(np.ones(1, dtype=bool) if mask is None else mask, shape)\n" + WEIGHTS + "output = weights.matmul(V)\nreturn output, weights",
        TENSORS + "if mask is not None:\n    mask = check_mask(mask, shape)\nweights = AttentionWeights.apply(Q, K, mask)\nreturn (weights @ V, weights)",
    ]


class exercise_create_causal_mask:

    def itself_and_all_before():
        """Itself and all before"""
        expect(create_causal_mask(3), Tensor(np.array([[True, False, False], [True, True, False], [True, True, True]])), mistakes=[
            (lambda got: isinstance(got, np.ndarray), "That is an array. `from_numpy` makes a Tensor of it.",
             LENGTH + "return np.tri(seq_len, dtype=bool)"),
            (lambda got: got.dtype != bool, "The numbers are right where they are 0 and 1, but they are not booleans. `np.tri` and `np.ones` take `dtype=bool`.",
             LENGTH + "return from_numpy(np.tri(seq_len))",
             LENGTH + "return Tensor(np.tri(seq_len, dtype=np.float32))"),
            (lambda got: got.data.all(), "All may look at all. Only the diagonal and what is below it is True.",
             LENGTH + "return from_numpy(np.ones((seq_len, seq_len), dtype=bool))"),
            (lambda got: not got.data[0].any(), "Row 0 may look at nothing. A position may look at itself: the diagonal is True.",
             LENGTH + "return from_numpy(np.tri(seq_len, k=-1, dtype=bool))"),
            (lambda got: got.data[0].all(), "It is turned round: row 0 sees the whole future. A row is the query that looks.",
             LENGTH + "return from_numpy(np.triu(np.ones((seq_len, seq_len), dtype=bool)))"),
            (lambda got: got.data[0].tolist() == [False, True, True], "True means may look, and here it stands where nobody may. The mask at the top of the chapter is for a layer that means it the other way.",
             LENGTH + "return from_numpy(~np.tri(seq_len, dtype=bool))",
             LENGTH + "return from_numpy(np.triu(np.ones((seq_len, seq_len), dtype=bool), k=1))"),
            (raising(TypeError, "unary ~"), "A Tensor cannot be turned round with `~`. Do that to the array, before `from_numpy`.",
             LENGTH + "return ~from_numpy(np.triu(np.ones((seq_len, seq_len), dtype=bool), k=1))"),
            (raising(TypeError, "'diagonal'"), "NumPy's word for torch's `diagonal` is `k`. And where the mask at the top of the chapter is True, this one is False.",
             LENGTH + "return from_numpy(np.triu(np.ones((seq_len, seq_len), dtype=bool), diagonal=1))"),
            (lambda got: got.data.sum() == 3, "Only the diagonal is True. All that came before may be looked at as well.",
             LENGTH + "return from_numpy(np.eye(seq_len, dtype=bool))")])

    def any_length_and_a_byte_for_each_pair():
        """Any length, and one byte for each pair"""
        expect(create_causal_mask(100).data.sum(), 5050)
        expect(create_causal_mask(100).memory_footprint(), 10_000)
        expect(create_causal_mask(1).data.tolist(), [[True]])

    def what_is_no_length_is_refused():
        """What is no length is refused"""
        for length in (0, 2.5):
            expect_raises(ValueError, lambda: create_causal_mask(length).shape, mentions=["is not a length"], mistakes=[
                ((1, 1), "The lines that were given refuse what is no length, in a sentence. Keep them.",
                 "return from_numpy(np.tri(max(int(seq_len), 1), dtype=bool))")])
        expect(create_causal_mask(2).shape, (2, 2))

    right = [
        LENGTH + "return from_numpy(np.tri(seq_len, dtype=bool))",
        LENGTH + "return from_numpy(np.tril(np.ones((seq_len, seq_len), dtype=bool)))",
        LENGTH + "positions = np.arange(seq_len)\nreturn Tensor(positions[:, None] >= positions)",
    ]


class exercise_find_leaks:

    def the_mean_knows_everything():
        """A mean knows everything, and x stays as it is"""
        x = Tensor(np.arange(12.0).reshape(2, 3, 2))
        def mean(x):
            return x + x.mean(axis=1, keepdims=True)
        expect(sorted(find_leaks(mean, x)), [(0, 1), (0, 2), (1, 2)], mistakes=[
            ([(1, 0), (2, 0), (2, 1)], "The result comes first in a pair: (t, s), where t is the earlier one.",
             BEFORE + EACH + RANDOM + AFTER + PAIRS.replace("(t, s)", "(s, t)")),
            (lambda got: (0, 0) in got, "A result may know the input at its own position. Only t < s is a leak.",
             BEFORE + EACH.replace("range(1, ", "range(") + RANDOM + AFTER + PAIRS.replace("range(s)", "range(s + 1)")),
            (lambda got: len(got) == 6, "A result may know what came before it. Only t < s is a leak.",
             BEFORE + EACH.replace("range(1, ", "range(") + RANDOM + AFTER + PAIRS.replace("range(s) if", "range(x.shape[1]) if t != s and")),
            (IndexError, "x has the shape (B, T, D). The positions are its second axis, so the features at s are `changed[:, s]`.",
             BEFORE + EACH + RANDOM.replace("[:, s]", "[s]") + AFTER + PAIRS),
            (raising(TypeError, "memoryview"), "`function` takes a Tensor, and an array went in. `from_numpy(changed)` makes one.",
             BEFORE + EACH + RANDOM + AFTER.replace("from_numpy(changed)", "changed") + PAIRS),
            (raising(TypeError, "not callable"), "`size` is a number here, and `shape` a tuple. The number of positions is `x.shape[1]`.",
             BEFORE + EACH.replace("x.shape[1]", "x.size(1)") + RANDOM + AFTER + PAIRS),
            (raising((TypeError, AttributeError, RuntimeError), "grad"), "Gradients do not see what `function` computes on `.data`, and can be 0 by chance. Change an input, and look which results are others.",
             REAL + ("x = Tensor(x.data, requires_grad=True)\nleaks, result = [], function(x)\nfor t in range(x.shape[1]):\n    result[:, t].sum().backward()\n"
             "    leaks += [(t, s) for s in range(t + 1, x.shape[1]) if x.grad[:, s].any()]\nreturn leaks")),
            ([(0, 1)], "The last of the three positions was never changed. x has the shape (B, T, D), so there are `x.shape[1]` of them.",
             BEFORE + EACH.replace("x.shape[1]", "x.shape[0]") + RANDOM + AFTER + PAIRS),
            ([], "Nothing was found. Does `function` get the changed copy, is its result compared with that of x, and do both loops walk along the second axis, the positions?",
             BEFORE + EACH + RANDOM + AFTER.replace("from_numpy(changed)", "x") + PAIRS,
             BEFORE + EACH.replace("x.shape[1]", "x.shape[0]") + RANDOM.replace("[:, s]", "[s]") + AFTER + PAIRS.replace("[:, t]", "[t]"),
             "return []")])
        expect(x.data.ravel().tolist(), [float(i) for i in range(12)], mistakes=[
            (lambda got: True, "x itself has been changed, and everything after that starts from other numbers. Write into a copy of x.data.",
             BEFORE + EACH.replace("x.data.copy()", "x.data") + RANDOM + AFTER + PAIRS)])

    def one_position_at_a_time():
        """One position at a time"""
        def second_from_third(x):
            result = np.zeros(x.shape)
            result[:, 1] = x.data[:, 2]
            return Tensor(result)
        expect(find_leaks(second_from_third, Tensor(np.ones((1, 4, 2)))), [(1, 2)], mistakes=[
            (lambda got: (1, 3) in got, "The result at 1 has looked at 2 alone, and 3 is blamed as well: the change at 2 was still there. Begin with a fresh copy for each position.",
             BEFORE + "changed = x.data.copy()\nfor s in range(1, x.shape[1]):\n" + RANDOM + AFTER + PAIRS,
             BEFORE + "changed = x.data.copy()\nfor s in range(x.shape[1]):\n" + RANDOM + AFTER + PAIRS),
            (lambda got: (0, 2) in got, "Only the result at 1 has looked at 2, and 0 is named as well. Compare the results at t, not the whole arrays.",
             BEFORE + EACH + RANDOM + AFTER + PAIRS.replace("[:, t]", ""))])
        expect(find_leaks(lambda x: x * x, Tensor(np.ones((1, 3, 2)))), [])

    def layers_that_do_not_notice_every_change():
        """Functions that do not notice every kind of change"""
        x = Tensor(np.ones((1, 2, 2)) * [1, 3])
        expect(find_leaks(lambda x: x + x.mean(axis=1, keepdims=True), x), [(0, 1)], mistakes=[
            ([], "The mean of two positions is not seen through either, so more is missing than another kind of change. See to the first check.",
             "return []")])
        def centred(x):
            inner = x.data - x.data.mean(axis=2, keepdims=True)
            return Tensor(inner + inner.sum(axis=1, keepdims=True))
        expect(find_leaks(centred, Tensor(np.ones((1, 2, 2)) * [1, 3])), [(0, 1)], mistakes=[
            ([], "All features were changed by the same amount. This function subtracts the mean of each position, so it did not notice. Change each feature differently.",
             BEFORE + EACH + "    changed[:, s] += 1\n" + AFTER + PAIRS)])
        def even(x):
            return Tensor(np.abs(x.data).sum(axis=1, keepdims=True) + 0 * x.data)
        expect(find_leaks(even, Tensor(np.ones((1, 2, 2)) * [1, 3])), [(0, 1)], mistakes=[
            ([], "The features have changed their sign or their order, which this function does not notice. Take random numbers.",
             BEFORE + EACH + "    changed[:, s] *= -1\n" + AFTER + PAIRS)])
        expect(find_leaks(even, Tensor(np.zeros((1, 2, 2)))), [(0, 1)], mistakes=[
            ([], "These inputs are all 0, and 0 times anything is 0. Put other numbers in their place.",
             BEFORE + EACH + "    changed[:, s] *= rng.standard_normal(changed[:, s].shape)\n" + AFTER + PAIRS)])

    def small_leaks_and_those_of_one_sequence():
        """A small leak, and one in a single feature of a single sequence"""
        expect(find_leaks(lambda x: x + x.mean(axis=1, keepdims=True), Tensor(np.ones((2, 2, 3)))), [(0, 1)], mistakes=[
            ([], "The mean of two positions is not seen through either, so it is not the size of the leak. See to the first check.",
             "return []")])
        def a_little(x):
            return Tensor(x.data + 1e-6 * x.data.sum(axis=1, keepdims=True))
        expect(find_leaks(a_little, Tensor(np.ones((2, 2, 3)))), [(0, 1)], mistakes=[
            ([], "The leak is small, and np.allclose takes near numbers for equal. A weight that is masked is 0 to the last bit, so compare with np.array_equal.",
             BEFORE + EACH + RANDOM + AFTER + PAIRS.replace("array_equal", "allclose"))])
        def one_number(x):
            result = x.data.copy()
            result[1, 0, 2] += x.data[1, 1, 2]
            return Tensor(result)
        expect(find_leaks(one_number, Tensor(np.ones((2, 2, 3)))), [(0, 1)], mistakes=[
            ([], "One number of one sequence has moved, and it was not looked at. Change and compare all sequences and all features.",
             BEFORE + EACH + RANDOM + AFTER + PAIRS.replace("[:, t]", "[0, t]"),
             BEFORE + EACH + RANDOM + AFTER + PAIRS.replace("[:, t]", "[:, t, 0]"),
             BEFORE + EACH + "    changed[0, s] = rng.standard_normal(changed[0, s].shape)\n" + AFTER + PAIRS)])

    def attention_with_and_without_a_mask():
        """Attention without a mask leaks everywhere, with a causal one nowhere"""
        x, ordinary = Tensor(np.random.default_rng(1).standard_normal((1, 3, 4))), []
        def attend(mask):
            def function(x):
                ordinary.append(np.isfinite(x.data).all())
                return scaled_dot_product_attention(x, x, x, mask)[0]
            return function
        expect(len(find_leaks(attend(None), x)), 3)
        expect(find_leaks(attend(create_causal_mask(3)), x), [], mistakes=[
            (lambda got: not all(ordinary), "Behind a causal mask nothing leaks. But a weight of 0 times NaN or infinity is NaN, and spreads to all positions. Put ordinary numbers in.",
             BEFORE + EACH + "    changed[:, s] = np.nan\n" + AFTER + PAIRS,
             BEFORE + EACH + "    changed[:, s] = np.inf\n    with np.errstate(all='ignore'):\n    " + AFTER + PAIRS)])

    def integers_are_refused():
        """An x of integers is refused: random features would be cut to whole numbers"""
        expect_raises(ValueError, lambda: find_leaks(lambda x: x + x.mean(axis=1, keepdims=True), Tensor(np.zeros((1, 3, 1), dtype=int))), mentions=["x of int"], mistakes=[
            ([], "Random features would be cut to whole numbers in an x of integers, and leaks be missed. The lines that were given refuse it; keep them.",
             BEFORE.removeprefix(REAL) + EACH + RANDOM + AFTER + PAIRS)])
        expect(find_leaks(lambda x: x * x, Tensor(np.zeros((1, 3, 1)))), [])

    right = [
        BEFORE + EACH + RANDOM + AFTER + PAIRS,
        (REAL + "before = function(x).data\nfound = set()\nrng = np.random.default_rng(7)\nfor s in range(x.shape[1]):\n    other = np.array(x.data)\n"
         "    other[:, s, :] = 1 + 2 * rng.random(other[:, s, :].shape)\n    after = function(Tensor(other)).data\n    for t in range(s):\n"
         "        if (after[:, t] != before[:, t]).any():\n            found.add((t, s))\nreturn list(found)"),
        (REAL + "T = x.shape[1]\nexpected, moved = function(x).data, np.zeros((T, T), dtype=bool)\nfor s in range(T):\n    numbers = x.data.copy()\n"
         "    numbers[:, s] = np.random.default_rng(s).normal(size=numbers[:, s].shape)\n    after = function(from_numpy(numbers)).data\n"
         "    moved[:, s] = (after != expected).any(axis=tuple(i for i in range(after.ndim) if i != 1))\n"
         "return [(int(t), int(s)) for t, s in np.argwhere(np.triu(moved, 1))]"),
    ]

    equivalent = [
        ("rng = np.random.default_rng(0)  ->  rng = np.random.default_rng(1)", "other random numbers are as good"),
        ("leaks += [(t, s) for t in range(s) if not np.array_equal(result[:, t], expected[:, t])]  ->  leaks += [(t, s) for t in range(s) if not np.array_equal(expected[:, t], result[:, t])]", "equal is equal from both sides"),
    ]


class exercise_split_heads:

    def neighbouring_features_of_all_positions():
        """A head is a stretch of neighbouring features of all positions"""
        x = Tensor([[[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]])
        expect(split_heads(x, 2)[0, 0], Tensor([[0, 1], [10, 11], [20, 21]]), mistakes=[
            (Tensor([[0, 1], [2, 3], [10, 11]]), "That is one reshape: head 0 got both halves of position 0, and numbers in the order of memory from there on. Give the features two axes where they stand, then exchange axes.",
             "B, T, D = x.shape\nreturn x.reshape(B, num_heads, T, D // num_heads)"),
            (Tensor([[0, 1], [2, 3]]), "The features are cut, but the heads stand behind the positions. Exchange the two axes in the middle.",
             "B, T, D = x.shape\nreturn x.reshape(B, T, num_heads, D // num_heads)"),
            (Tensor([[0, 2], [10, 12], [20, 22]]), "Head 0 got every second feature. A head is a stretch of neighbours: the heads come before the features within them.",
             "B, T, D = x.shape\nreturn x.reshape(B, T, D // num_heads, num_heads).permute(0, 3, 1, 2)"),
            (raising(TypeError, "expected integers"), "`/` gives a float, even where it comes out even. `D // num_heads` is an integer.",
             "B, T, D = x.shape\nreturn x.reshape(B, T, num_heads, D / num_heads).transpose(1, 2)"),
            (raising(TypeError, "positional"), "`transpose` of a Tensor exchanges two axes and takes their two numbers. All at once in a new order is `permute`.",
             "B, T, D = x.shape\nreturn x.reshape(B, T, num_heads, D // num_heads).transpose(0, 2, 1, 3)"),
            (lambda got: got.shape == (2, 3), "The positions have become features. The last axis is the features of a head.",
             "B, T, D = x.shape\nreturn x.reshape(B, T, num_heads, D // num_heads).permute(0, 2, 3, 1)")])
        rng = np.random.default_rng(0)
        x = Tensor(rng.standard_normal((2, 5, 12)))
        expect(split_heads(x, 3).shape, (2, 3, 5, 4), mistakes=[
            ((2, 4, 5, 3), "num_heads is the number of heads, not the size of one.",
             "B, T, D = x.shape\nreturn x.reshape(B, T, D // num_heads, num_heads).transpose(1, 2)")])
        expect(split_heads(x, 3)[1, 2], x[1, :, 8:])

    def a_view_without_a_copy():
        """A view: not one number moves"""
        x = Tensor(np.zeros((2, 5, 12)))
        expect_shares_memory(split_heads(x, 3), x, mistakes=[
            (lambda got: True, "The numbers were copied. A reshape and an exchange of axes need no copy.",
             "B, T, D = x.shape\nreturn x.reshape(B, T, num_heads, D // num_heads).transpose(1, 2).contiguous()",
             "return Tensor(np.stack(np.split(x.data, num_heads, axis=2), axis=1))")])

    def it_stays_in_the_graph():
        """It stays in the graph"""
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor(np.zeros((1, 2, 4)), requires_grad=True)
        expect(split_heads(x, 2).requires_grad, True, mistakes=[
            (False, "Taken out of the array, the heads have lost the way back. reshape and transpose of the Tensor keep it.",
             "B, T, D = x.shape\nreturn from_numpy(x.data.reshape(B, T, num_heads, D // num_heads).swapaxes(1, 2))")])

    right = [
        "B, T, D = x.shape\nx = x.reshape(B, T, num_heads, D // num_heads)\nreturn x.transpose(1, 2)",
        "return x.reshape(x.shape[0], x.shape[1], num_heads, -1).permute(0, 2, 1, 3)",
        "B, T, _ = x.shape\nreturn x.view(B, T, num_heads, -1).transpose(-2, -3)",
    ]

    equivalent = [
        ("return x.transpose(1, 2)  ->  return x.transpose(2, 1)", "two axes are exchanged either way"),
    ]


class exercise_mended_heads:

    def each_position_keeps_its_own():
        """Each position keeps what its own heads have found"""
        rng = np.random.default_rng(0)
        layer, x = MultiHeadAttention(4, 2, rng=0), Tensor(rng.standard_normal((1, 3, 4)))
        mask = create_causal_mask(3)
        expect(find_leaks(lambda x: layer(x, mask), x), [], mistakes=[
            (lambda got: len(got) > 0, "The mask forbids the future, and still a position knows of a later one. It comes in behind the attention: a reshape alone puts numbers of one head from two positions side by side.",
             PROJECTED + REMEMBERED + ATTENDED + "return self.out_proj(output.reshape(*x.shape))"),
            (raising(ValueError, "mask: shape"), "A mask of two axes serves all sequences and heads as it is. Only one of three axes needs an axis for the heads; mask_for_heads tells them apart.",
             PROJECTED + REMEMBERED + ATTENDED.replace("mask_for_heads(mask)", "mask[:, None]") + MERGED),
            (ValueError, "merge_heads takes the heads as attention gives them, (B, H, T, D / H), and exchanges the axes itself.",
             PROJECTED + REMEMBERED + ATTENDED + "return self.out_proj(merge_heads(output.transpose(1, 2)))")])
        found = []
        for head in (0, 1):
            part = slice(2 * head, 2 * head + 2)
            Q, K, V = (project(x)[:, :, part] for project in (layer.q_proj, layer.k_proj, layer.v_proj))
            found.append(scaled_dot_product_attention(Q, K, V, mask)[0].data)
        expect(layer(x, mask), layer.out_proj(Tensor(np.concatenate(found, axis=2))), mistakes=[
            (lambda got: np.allclose(got.data, np.concatenate(found, axis=2), atol=1e-6), "The last layer is missing: out_proj mixes what the heads have found.",
             PROJECTED + REMEMBERED + ATTENDED + "return merge_heads(output)")])

    def a_mask_for_each_sequence():
        """A mask for each sequence, also when there are as many heads"""
        rng = np.random.default_rng(1)
        layer, x = MultiHeadAttention(4, 2, rng=0), Tensor(rng.standard_normal((2, 3, 4)))
        masks = np.stack([np.tri(3, dtype=bool), np.eye(3, dtype=bool)])
        alone = [layer(x[b:b + 1], masks[b]).data for b in (0, 1)]
        expect(find_leaks(lambda x: layer(x, masks), x), [], mistakes=[
            (lambda got: len(got) > 0, "With causal masks a position knows of a later one. A reshape alone puts numbers of one head from two positions side by side.",
             PROJECTED + REMEMBERED + ATTENDED + "return self.out_proj(output.reshape(*x.shape))")])
        expect(layer(x, masks), Tensor(np.concatenate(alone)), mistakes=[
            (lambda got: True, "Each sequence should get its own mask. Two sequences and two heads: the masks were lined up with the heads, and nothing complained. mask_for_heads gives them an axis for the heads.",
             PROJECTED + REMEMBERED + "output, _ = scaled_dot_product_attention(Q, K, V, mask)\n" + MERGED)])
        expect(layer(Tensor(np.ones((3, 2, 4))), np.ones((3, 2, 2))).shape, (3, 2, 4))
        expect(layer(x, masks.tolist()), Tensor(np.concatenate(alone)), mistakes=[
            (AttributeError, "A mask may be lists too, and lists have no `ndim` and no `dim`. mask_for_heads takes whatever a mask can be.",
             PROJECTED + REMEMBERED + "if mask is not None and mask.ndim == 3:\n    mask = mask[:, None]\noutput, _ = scaled_dot_product_attention(Q, K, V, mask)\n" + MERGED)])
        expect_raises(ValueError, lambda: layer(Tensor(np.ones((3, 4)))), mentions=["is not (B, T, D)"], mistakes=[
            (lambda error: "is not (B, T, D)" not in str(error), "An input of the wrong shape is refused by `self.sequences(x)`, in a sentence. Keep that line.",
             PROJECTED.replace("x = self.sequences(x)\n", "") + REMEMBERED + ATTENDED + MERGED)])

    def gradients_and_earlier_keys():
        """Every parameter gets a gradient, and earlier keys can be remembered"""
        from tinytorch import enable_autograd
        enable_autograd()
        rng = np.random.default_rng(2)
        layer, x = MultiHeadAttention(4, 2, rng=0), Tensor(rng.standard_normal((1, 3, 4)))
        kept, calls = [], []
        def remember(K, V):
            kept.append((K, V))
            return tuple(Tensor(np.concatenate([pair[i].data for pair in kept], axis=2)) for i in (0, 1))
        def keep(K, V):
            calls.append(K.shape)
            return K, V
        whole = layer(x, create_causal_mask(3)).data
        pieces = [layer(x[:, :2], create_causal_mask(2), remember).data, layer(x[:, 2:], None, remember).data]
        expect(find_leaks(lambda x: layer(x, create_causal_mask(3), keep), x), [])
        expect(np.concatenate(pieces, axis=1), whole, mistakes=[
            (lambda got: True, "The keys and values of an earlier call were not used. The two lines with remember were right: keep them.",
             PROJECTED + ATTENDED + MERGED)])
        expect(calls[0], (1, 2, 3, 2))
        layer(x, create_causal_mask(3))[0, 2, 0].backward()
        expect([name for name, p in layer.named_parameters() if p.grad is None], [], mistakes=[
            (lambda got: len(got) > 0, "Some parameters get no gradient: the heads were put together as arrays, outside of the graph.",
             PROJECTED + REMEMBERED + ATTENDED + "return self.out_proj(from_numpy(output.data.swapaxes(1, 2).reshape(x.shape)))")])

    right = [
        PROJECTED + REMEMBERED + ATTENDED + MERGED,
        (PROJECTED + REMEMBERED + "if mask is not None:\n    mask = read_numbers(mask)\n    if mask.ndim == 3:\n        mask = mask[:, None]\n"
         "output, _ = scaled_dot_product_attention(Q, K, V, mask)\nreturn self.out_proj(output.transpose(1, 2).reshape(*x.shape))"),
        ("x = self.sequences(x)\nQ, K, V = (split_heads(project(x), self.num_heads) for project in (self.q_proj, self.k_proj, self.v_proj))\n"
         "if remember:\n    K, V = remember(K, V)\noutput = scaled_dot_product_attention(Q, K, V, mask_for_heads(mask))[0].permute(0, 2, 1, 3)\n"
         "return self.out_proj(output.reshape(x.shape[0], x.shape[1], self.embed_dim))"),
    ]


class exercise_attention_in_blocks:

    def a_block_of_one_key():
        """Blocks of one key: what was summed is corrected when a larger score turns up"""
        Q, K, V = np.array([[1.0]]), np.array([[0.0], [math.log(3)]]), np.array([[4.0], [8.0]])
        expect(attention_in_blocks(Q, K, V, 1), np.array([[7.0]]), mistakes=[
            (np.array([[6.0]]), "Both keys count the same. What was summed before must be scaled down, by exp(old largest - new largest), when a larger score turns up.",
             NOTHING + BLOCKS + NEW + TERMS + TOTAL.replace(" * shrink", "") + OUTPUT.replace(" * shrink", "") + NEXT,
             "parts = [masked_softmax(attention_scores(Q, K[..., i : i + size, :])) @ V[..., i : i + size, :] for i in range(0, K.shape[-2], size)]\nreturn np.mean(parts, axis=0)"),
            (np.array([[12.0]]), "The answers of the blocks were added. In each of them the weights sum to 1 already; together they must.",
             "return sum(masked_softmax(attention_scores(Q, K[..., i : i + size, :])) @ V[..., i : i + size, :] for i in range(0, K.shape[-2], size))"),
            (lambda got: np.isnan(got).any(), "The factor is turned round: exp(old largest - new largest) is at most 1, and 0 at the first block. The other way it is infinite there.",
             NOTHING + "with np.errstate(all='ignore'):\n" + "".join("    " + line + "\n" for line in (BLOCKS + NEW + TERMS.replace("largest - new", "new - largest") + TOTAL + OUTPUT + NEXT).splitlines())),
            (np.array([[9.0]]), "The total shrinks and the output does not. Both were summed relative to the old largest.",
             NOTHING + BLOCKS + NEW + TERMS + TOTAL + OUTPUT.replace(" * shrink", "") + NEXT),
            (lambda got: np.allclose(got, 14 / 3), "The output shrinks and the total does not. Both were summed relative to the old largest.",
             NOTHING + BLOCKS + NEW + TERMS + TOTAL.replace(" * shrink", "") + OUTPUT + NEXT),
            (lambda got: np.allclose(got, 28 / 3), "That is the sum of values. Divide it by the total at the end.",
             NOTHING + BLOCKS + NEW + TERMS + TOTAL + OUTPUT + NEXT.replace(" / total", ""))])

    def the_same_as_the_whole():
        """The same as all at once, with axes in front and a last block that is smaller"""
        rng = np.random.default_rng(0)
        Q, K, V = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4)), rng.standard_normal((2, 5, 6))
        whole = masked_softmax(attention_scores(Q, K)) @ V
        expect(attention_in_blocks(Q, K, V, 2), whole, mistakes=[
            (lambda got: np.allclose(got, masked_softmax(attention_scores(Q, K[:, :4])) @ V[:, :4]), "The last key is left out: five keys are two blocks of two, and one of one.",
             NOTHING + BLOCKS.replace("range(0, K.shape[-2], size)", "range(0, K.shape[-2] - size + 1, size)") + NEW + TERMS + TOTAL + OUTPUT + NEXT),
            (ValueError, "The keys are the last axis but one: `[..., first:first + size, :]` cuts there, whatever stands in front.",
             (NOTHING + BLOCKS.replace("K[..., first : first + size, :]", "K[first : first + size]") + NEW + TERMS + TOTAL
              + OUTPUT.replace("V[..., first : first + size, :]", "V[first : first + size]") + NEXT))])
        for size in (1, 5, 9):
            expect(attention_in_blocks(Q, K, V, size), whole)

    def large_scores_and_very_small_ones():
        """Scores that are too large for exp, and very small ones"""
        Q, K, V = np.array([[1.0]]), np.array([[-2000.0], [-2000.0], [1000.0], [1000.0]]), np.array([[1.0], [3.0], [4.0], [8.0]])
        expect(attention_in_blocks(Q, K, V, 2), np.array([[6.0]]), mistakes=[
            (lambda got: np.isnan(got).any(), "exp(1000) is infinite. Subtract the largest score so far, before the exponential.",
             ("total, output = 0.0, 0.0\nwith np.errstate(all='ignore'):\n    for first in range(0, K.shape[-2], size):\n"
              "        weights = np.exp(attention_scores(Q, K[..., first : first + size, :]))\n        total = total + weights.sum(axis=-1, keepdims=True)\n"
              "        output = output + weights @ V[..., first : first + size, :]\n    return output / total"))])
        apart = np.array([[-2000.0], [1000.0]])
        expect(attention_in_blocks(np.array([[1.0], [-1.0]]), apart, V[:2], 2), np.array([[3.0], [1.0]]), mistakes=[
            (lambda got: np.isnan(got).any(), "These two queries have very different scores. Each needs the largest of its own row: the last axis, with keepdims=True.",
             NOTHING + BLOCKS + NEW.replace("scores.max(axis=-1, keepdims=True)", "scores.max()") + TERMS + TOTAL + OUTPUT + NEXT.replace("return output / total", "with np.errstate(all='ignore'):\n    return output / total"))])
        expect(attention_in_blocks(Q, K[:2], V[:2], 1), np.array([[2.0]]), mistakes=[
            (lambda got: np.isnan(got).any(), "All scores lie far below 0 and every exponential became 0. The largest so far must begin below every score, at minus infinity.",
             NOTHING.replace("-np.inf", "0.0") + BLOCKS + NEW + TERMS + TOTAL + OUTPUT + NEXT.replace("return output / total", "with np.errstate(all='ignore'):\n    return output / total"))])

    def never_the_whole_matrix():
        """float32 stays, and the whole matrix is never there"""
        rng = np.random.default_rng(0)
        Q, (K, V) = rng.standard_normal((16, 8), dtype=np.float32), rng.standard_normal((2, 4096, 8), dtype=np.float32)
        expect(str(attention_in_blocks(Q, K, V, 16).dtype), "float32", mistakes=[
            ("float64", "The result has become float64. New arrays are float64 unless they are told otherwise; plain numbers, or arrays with `dtype=Q.dtype`, leave float32 as it is.",
             "largest, total, output = np.full((len(Q), 1), -np.inf), np.zeros((len(Q), 1)), np.zeros((len(Q), V.shape[-1]))\n" + BLOCKS + NEW + TERMS + TOTAL + OUTPUT + NEXT)])
        expect(peak(lambda: attention_in_blocks(Q, K, V, 16)) < 16 * 4096 * 4, True, mistakes=[
            (False, "Here are 16 queries and 4,096 keys, and as much as all their scores was in memory at once. Blocks are cut from the keys and values; all queries meet one block, and its scores are let go.",
             "return masked_softmax(attention_scores(Q, K)) @ V",
             "parts = [masked_softmax(attention_scores(Q[..., i : i + size, :], K)) @ V for i in range(0, Q.shape[-2], size)]\nreturn np.concatenate(parts, axis=-2)")])

    right = [
        NOTHING + BLOCKS + NEW + TERMS + TOTAL + OUTPUT + NEXT,
        ("largest = np.full((*Q.shape[:-1], 1), -np.inf, dtype=Q.dtype)\ntotal = np.zeros_like(largest)\noutput = np.zeros((*Q.shape[:-1], V.shape[-1]), dtype=Q.dtype)\n"
         "start = 0\nwhile start < K.shape[-2]:\n    stop = start + size\n    scores = attention_scores(Q, K[..., start:stop, :])\n    old, largest = largest, np.maximum(largest, scores.max(-1, keepdims=True))\n"
         "    scores = np.exp(scores - largest)\n    total *= np.exp(old - largest)\n    total += scores.sum(-1, keepdims=True)\n    output *= np.exp(old - largest)\n"
         "    output += scores @ V[..., start:stop, :]\n    start = stop\nreturn output / total"),
        ("blocks = [slice(i, i + size) for i in range(0, K.shape[-2], size)]\nlargest = None\nfor block in blocks:\n    top = attention_scores(Q, K[..., block, :]).max(axis=-1, keepdims=True)\n"
         "    largest = top if largest is None else np.maximum(largest, top)\ntotal, output = 0, 0\nfor block in blocks:\n    weights = np.exp(attention_scores(Q, K[..., block, :]) - largest)\n"
         "    total = total + weights.sum(axis=-1, keepdims=True)\n    output = output + weights @ V[..., block, :]\nreturn output / total"),
    ]

    equivalent = [
        ("largest, total, output = (-np.inf, 0.0, 0.0)  ->  largest, total, output = (-np.inf, 1.0, 0.0)", "the first factor, exp(-inf), is 0, whatever was there"),
        ("largest, total, output = (-np.inf, 0.0, 0.0)  ->  largest, total, output = (-np.inf, 0.0, 1.0)", "the first factor, exp(-inf), is 0, whatever was there"),
    ]
