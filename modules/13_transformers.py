"""Chapter 13: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Layer, Tensor
from tinytorch.core.transformers import (
    GPT,
    MLP,
    RMSNorm,
    TransformerBlock,
    gpt_parameters,
    keep_top_k,
    next_chances,
    normalize_rows,
    repeat_heads,
    rotate_by_position,
)
from tinytorch.learn.expecting import expect, expect_raises, raising

CENTRED = "centred = x - mean_of_rows(x)\n"
FACTOR = "scale = 1 / np.sqrt(mean_of_rows(centred * centred) + eps)\n"
BOTH = "return centred * scale, scale"
LOOK = "x = x + self.dropout(self.attention(self.norm1(x), mask, remember))\n"
THINK = "return x + self.dropout(self.mlp(self.norm2(x)))"
GIVEN = "ids = self.check_window(ids, start)\nmask = causal_rows(start, ids.shape[1])\n"
EMBED = "x = self.dropout(self.embedding(ids, start))\n"
BLOCKS = "for number, block in enumerate(self.blocks):\n    x = block(x, mask, memory_of(remember, number))\n"
HEAD = "logits = self.logits(self.norm(x))\n"
LOSS = "return logits if targets is None else CrossEntropyLoss()(logits, targets)"
SIZES = "V, D, L, T = vocab_size, embed_dim, num_layers, max_seq_len\n"
ATTENTION = "attention = 4 * (D * D + D)\n"
WIDE = "mlp = D * 4 * D + 4 * D + 4 * D * D + D\n"
NORM = "norm = 2 * D\n"
TIED = "head = 0 if tie_weights else D * V\n"
COUNT = "return V * D + T * D + L * (attention + mlp + 2 * norm) + norm + head"
PARTS = SIZES + ATTENTION + WIDE + NORM + TIED
LARGEST = "largest = np.argsort(-logits, axis=-1, kind='stable')[:, :k]\n"
EMPTY = "kept = np.full_like(logits, -np.inf)\n"
PUT = "np.put_along_axis(kept, largest, np.take_along_axis(logits, largest, axis=-1), axis=-1)\n"
CHECKED = "check_sampling(temperature, top_k)\nlogits = check_logits(logits)\n"
ZERO = "if temperature == 0:\n    temperature, top_k = 1.0, 1\n"
CUT = "if top_k is not None:\n    logits = keep_top_k(logits, top_k)\n"
POWERS = "chances = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)\n"
SHARES = "return chances / chances.sum(axis=-1, keepdims=True)"
PROMPT = ('check_sampling(temperature, top_k)\ncheck_size("GPT.generate", "max_new_tokens", max_new_tokens, least=0)\n'
          'ids = check_ids("GPT.generate", self.check_shape(ids), self.vocab_size)\nrng = default_rng(seed)\n')
QUIET = "with no_grad(), evaluation_mode(self):\n    for _ in range(max_new_tokens):\n"
DRAW = "        token = sample_next(self.next_logits(ids), temperature, top_k, rng)\n"
APPEND = "        ids = np.concatenate([ids, token[:, None]], axis=1)\n"
TEXT = "return Tensor(ids, dtype=np.int64)"
LOST = "if self.head is None:\n    table = Tensor(self.embedding.token.weight.data)\n    return x @ table.transpose(0, 1)\nreturn self.head(x)"
MENDED = "if self.head is None:\n    return x @ self.embedding.token.weight.transpose(0, 1)\nreturn self.head(x)"
ROWS = 'x = check_last_axis("RMSNorm", x, self.normalized_shape)\n'
SQUARE = "mean_square = (x * x).mean(axis=-1, keepdims=True)\n"
ROOT = "return x / (mean_square + self.eps).sqrt() * self.weight"
ANGLES = ("half = check_pairs(x)\nangles = position_angles(np.arange(start, start + x.shape[-2]), half)\n"
          "cos, sin = wrap(np.cos(angles), x), wrap(np.sin(angles), x)\n")
HALVES = ANGLES + "a, b = x[..., :half], x[..., half:]\n"
TURNED = "return cat([a * cos - b * sin, a * sin + b * cos], axis=-1)"


class exercise_normalize_rows:

    def a_row_of_two():
        """A row of two: mean 0, variance 1"""
        expect(normalize_rows(np.array([[1.0, 5.0]]), 0.0), (np.array([[-1.0, 1.0]]), np.array([[0.5]])), mistakes=[
            (lambda got: isinstance(got, np.ndarray), "One array came back. Two are asked for: the rows, and the factor of each.",
             CENTRED + FACTOR + "return centred * scale"),
            (lambda got: np.shape(got[1]) == (1,), "The factor has lost its last axis. keepdims=True keeps it with size 1, so that it broadcasts along the row.",
             "centred = x - x.mean(axis=-1)\nscale = 1 / np.sqrt((centred ** 2).mean(axis=-1) + eps)\n" + BOTH,
             "centred = x - mean_of_rows(x)\nscale = 1 / np.sqrt(x.var(axis=-1) + eps)\n" + BOTH),
            (lambda got: np.allclose(got[0], [[-2, 2]]), "The mean is gone and the spread is as it was. Multiply by the factor.",
             CENTRED + FACTOR + "return centred, scale"),
            (lambda got: np.allclose(got[0], [[0.5, 2.5]]), "The row was divided by its spread, but its mean is still there.",
             CENTRED + FACTOR + "return x * scale, scale"),
            (lambda got: np.allclose(got[0], [[-0.5, 0.5]]), "You divided by the variance. The spread is its root.",
             CENTRED + "scale = 1 / (mean_of_rows(centred * centred) + eps)\n" + BOTH),
            (lambda got: np.allclose(got[0], [[-4, 4]]), "You multiplied by the spread. The factor is 1 divided by it.",
             CENTRED + "scale = np.sqrt(mean_of_rows(centred * centred) + eps)\n" + BOTH),
            (lambda got: np.allclose(np.abs(got[0]), 0.70710678), "The variance was divided by D - 1. Here it is the plain mean of the squares, over D.",
             "centred = x - mean_of_rows(x)\nscale = 1 / np.sqrt(x.var(axis=-1, keepdims=True, ddof=1) + eps)\n" + BOTH),
            (lambda got: np.allclose(got[0], [[-2 / 13**0.5, 2 / 13**0.5]]), "The squares are those of x itself. The variance takes what remains without the mean.",
             CENTRED + "scale = 1 / np.sqrt(mean_of_rows(x * x) + eps)\n" + BOTH),
            (lambda got: np.allclose(got[0], [[-1, 1]]) and np.allclose(got[1], 2), "The rows are right. The factor that was asked for is 1 / spread, by which they were multiplied.",
             CENTRED + "spread = np.sqrt(mean_of_rows(centred * centred) + eps)\nreturn centred / spread, spread")])

    def each_row_by_itself():
        """Each row by itself, in a square as well"""
        x = np.array([[1.0, 5.0], [30.0, 10.0]])
        expect(normalize_rows(x, 0.0), (np.array([[-1.0, 1.0], [1.0, -1.0]]), np.array([[0.5], [0.1]])), mistakes=[
            (lambda got: isinstance(got, tuple) and np.allclose(got[0], [[-1, -1], [1, 1]]), "You went down the columns, and mixed two positions. A square array does not complain. A row lies along the last axis, axis=-1.",
             "centred = x - x.mean(axis=0, keepdims=True)\nscale = 1 / np.sqrt((centred ** 2).mean(axis=0, keepdims=True) + eps)\n" + BOTH),
            (lambda got: isinstance(got, tuple) and np.size(got[1]) == 1, "There is one mean for the whole array. Each row has its own, along the last axis.",
             "centred = x - x.mean()\nscale = 1 / np.sqrt((centred ** 2).mean() + eps)\n" + BOTH),
            (lambda got: isinstance(got, tuple) and np.shape(got[1]) == (2,), "The axis is gone: shape (2,) broadcasts along the wrong side. keepdims=True keeps it, with size 1.",
             "centred = x - x.mean(axis=-1)\nscale = 1 / np.sqrt((centred ** 2).mean(axis=-1) + eps)\n" + BOTH)])
        expect(normalize_rows(np.arange(24.0).reshape(2, 3, 4), 0.0)[1].shape, (2, 3, 1), mistakes=[
            (lambda got: got == (2, 1, 4), "With three axes the rows still lie along the last one, axis=-1.",
             "centred = x - x.mean(axis=1, keepdims=True)\nscale = 1 / np.sqrt((centred ** 2).mean(axis=1, keepdims=True) + eps)\n" + BOTH)])

    def eps_keeps_a_row_of_equals_from_dividing_by_0():
        """eps belongs to the variance, and keeps a row of equals from a division by 0"""
        expect(normalize_rows(np.array([[0.0, 2.0]]), 3.0)[1], np.array([[0.5]]), mistakes=[
            (np.array([[0.25]]), "eps was added to the spread. Add it to the variance, before the root is taken.",
             CENTRED + "scale = 1 / (np.sqrt(mean_of_rows(centred * centred)) + eps)\n" + BOTH),
            (np.array([[1.0]]), "eps has no effect. Add it to the variance.",
             CENTRED + "scale = 1 / np.sqrt(mean_of_rows(centred * centred))\n" + BOTH)])
        expect(normalize_rows(np.array([[7.0, 7.0, 7.0]]), 1e-5)[0], np.zeros((1, 3)))

    def x_stays_and_float32_stays():
        """x stays as it is, and float32 stays float32"""
        x = np.array([[1.0, 5.0]], dtype=np.float32)
        expect(normalize_rows(x, 1e-5)[0].dtype.name, "float32", mistakes=[
            ("float64", "The rows came back in float64, twice the bytes. Compute with x as it is.",
             "x = x.astype(np.float64)\n" + CENTRED + FACTOR + BOTH)])
        expect(x, np.array([[1.0, 5.0]], dtype=np.float32), mistakes=[
            (lambda got: got[0, 0] != 1, "You wrote into x, which belongs to whoever called: x -= … changes their array. Make a new one.",
             "x -= mean_of_rows(x)\nscale = 1 / np.sqrt(mean_of_rows(x * x) + eps)\nreturn x * scale, scale")])

    right = [
        CENTRED + FACTOR + BOTH,
        "mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)\nscale = (variance + eps) ** -0.5\nreturn (x - mean) * scale, scale",
        CENTRED + "spread = np.sqrt((centred ** 2).mean(-1, keepdims=True) + eps)\nreturn centred / spread, 1 / spread",
        "D = x.shape[-1]\ncentred = x - x.sum(axis=-1, keepdims=True) / D\nvariance = np.square(centred).sum(axis=-1)[..., None] / D\nscale = np.reciprocal(np.sqrt(variance + eps))\n" + BOTH,
    ]


class exercise_mlp:

    def up_then_bent_then_down():
        """Up, then bent, then down"""
        def part(function):
            layer = Layer()
            layer.forward = function
            return layer
        mlp = MLP(2)
        mlp.up, mlp.act, mlp.down = part(lambda x: x + 1), part(lambda x: x * 10), part(lambda x: x + 2)
        expect(mlp.forward(Tensor([1, 2])), Tensor([22, 32]), mistakes=[
            (Tensor([4, 5]), "The activation is missing. Two linear layers without one are a single linear layer.",
             "return self.down(self.up(x))"),
            (Tensor([40, 50]), "The activation came last. It stands between the two layers, where the features are many.",
             "return self.act(self.down(self.up(x)))"),
            (Tensor([220, 320]), "The activation was used twice. It stands between the two layers and nowhere else.",
             "return self.act(self.down(self.act(self.up(x))))"),
            (Tensor([31, 41]), "down came first. up is the inner one: it gets x.",
             "return self.up(self.act(self.down(x)))"),
            (Tensor([13, 23]), "The activation came first. It gets what up gives.",
             "return self.down(self.up(self.act(x)))"),
            (Tensor([23, 34]), "x was added to the result. That sum is the block's business, and it would be made twice.",
             "return x + self.down(self.act(self.up(x)))"),
            (Tensor([20, 30]), "down is missing: the result would have 4 D features.",
             "return self.act(self.up(x))")])

    def in_the_shapes_of_a_model():
        """In the shapes of a model, with a way back"""
        from tinytorch import enable_autograd
        enable_autograd()
        mlp = MLP(8)
        expect(mlp(Tensor(np.ones((2, 5, 8)))).shape, (2, 5, 8), mistakes=[
            (RuntimeError, "The numbers were taken out of the Tensors, and the way back is lost. Call the layers with Tensors.",
             "return Tensor(self.down(self.act(self.up(x))).data)")])

    wrong = [
        ("return self.up(x)", "expected"),
        ("self.down(self.act(self.up(x)))", "without `return`"),
    ]

    right = [
        "return self.down(self.act(self.up(x)))",
        "x = self.up(x)\nx = self.act(x)\nreturn self.down(x)",
        "for layer in (self.up, self.act, self.down):\n    x = layer(x)\nreturn x",
        "return self.down.forward(self.act.forward(self.up.forward(x)))",
    ]


class exercise_block:

    def each_branch_reads_the_line_and_adds_to_it():
        """Each branch reads the line and adds to it (tried with parts that multiply or add one number)"""
        def part(function):
            layer = Layer()
            layer.forward = function
            return layer
        block = TransformerBlock(2, 1)
        block.norm1, block.norm2, block.dropout = part(lambda x: x * 10), part(lambda x: x * 100), part(lambda x: x)
        block.attention, block.mlp = part(lambda x, mask=None, remember=None: x + 1), part(lambda x: x + 2)
        expect(block.forward(Tensor([[[1]]])), Tensor([[[1214]]]), mistakes=[
            (Tensor([[[1102]]]), "Both sums are missing. Through many blocks nothing would be left, forward or back.",
             "x = self.dropout(self.attention(self.norm1(x), mask, remember))\nreturn self.dropout(self.mlp(self.norm2(x)))"),
            (Tensor([[[1202]]]), "The second sum is missing.",
             LOOK + "return self.dropout(self.mlp(self.norm2(x)))"),
            (Tensor([[[1113]]]), "The first sum is missing.",
             "x = self.dropout(self.attention(self.norm1(x), mask, remember))\n" + THINK),
            (Tensor([[[1203]]]), "The second sum was made with the x that came in, so what attention added is gone. Both branches add to the same line.",
             "y = x + self.dropout(self.attention(self.norm1(x), mask, remember))\nreturn x + self.dropout(self.mlp(self.norm2(y)))"),
            (Tensor([[[114]]]), "The MLP read the x that came in. It reads what the line holds after attention's branch.",
             "y = x + self.dropout(self.attention(self.norm1(x), mask, remember))\nreturn y + self.dropout(self.mlp(self.norm2(x)))"),
            (Tensor([[[1014]]]), "norm2 read what norm1 gave. It reads the line, to which attention's branch has been added.",
             "seen = self.norm1(x)\nx = x + self.dropout(self.attention(seen, mask, remember))\nreturn x + self.dropout(self.mlp(self.norm2(seen)))"),
            (Tensor([[[8000]]]), "Both norms stand at the end, on the line. Each begins its branch, and the line is never multiplied.",
             "x = x + self.dropout(self.attention(x, mask, remember))\nx = x + self.dropout(self.mlp(x))\nreturn self.norm2(self.norm1(x))"),
            (raising(TypeError, "argument"), "The attention is called once, with its input, mask and remember, and gives one Tensor.",
             "h = self.norm1(x)\nx = x + self.dropout(self.attention(h, h, h, attn_mask=mask)[0])\n" + THINK),
            (Tensor([[[134]]]), "norm1 was used twice. The second branch has norm2, with weights of its own.",
             LOOK + "return x + self.dropout(self.mlp(self.norm1(x)))"),
            (Tensor([[[8]]]), "The norms are missing. What a branch reads is normalized first.",
             "x = x + self.dropout(self.attention(x, mask, remember))\nreturn x + self.dropout(self.mlp(x))"),
            (Tensor([[[6200]]]), "That is the older kind, with the norm behind the sum. Here the norm stands inside the branch, and the line is never multiplied.",
             "x = self.norm1(x + self.dropout(self.attention(x, mask, remember)))\nreturn self.norm2(x + self.dropout(self.mlp(x)))"),
            (Tensor([[[4202]]]), "The sums were made with the normalized x. The norm is for the branch alone; what is added to is x itself.",
             "x = self.norm1(x)\nx = x + self.dropout(self.attention(x, mask, remember))\nx = self.norm2(x)\nreturn x + self.dropout(self.mlp(x))"),
            (lambda got: got.data.item() in (1134, 1314), "The MLP came first. A block looks around, then thinks.",
             "x = x + self.dropout(self.mlp(self.norm2(x)))\nreturn x + self.dropout(self.attention(self.norm1(x), mask, remember))",
             "x = x + self.dropout(self.mlp(self.norm1(x)))\nreturn x + self.dropout(self.attention(self.norm2(x), mask, remember))")])

    def mask_and_remember_reach_the_attention():
        """mask and remember reach the attention"""
        def part(function):
            layer = Layer()
            layer.forward = function
            return layer
        block, got = TransformerBlock(2, 1), []
        block.attention = part(lambda x, mask=None, remember=None: got.append((mask, remember)) or x)
        block.forward(Tensor(np.ones((1, 2, 2))), "the mask", "the memory")
        expect(got, [("the mask", "the memory")], mistakes=[
            ([(None, None)], "The attention got no mask, so every position sees what comes after it.",
             "x = x + self.dropout(self.attention(self.norm1(x)))\n" + THINK),
            ([("the mask", None)], "`remember` was not handed on. Chapter 18 needs it; it is the attention's third argument.",
             LOOK.replace(", remember", "") + THINK),
            ([("the memory", "the mask")], "The two came in the wrong places: the mask is the second argument, remember the third.",
             LOOK.replace("mask, remember", "remember, mask") + THINK),
            (lambda got: len(got) == 2, "The attention was called twice.",
             LOOK + LOOK + THINK)])

    def dropout_acts_on_what_is_added_never_on_the_line():
        """Dropout acts on what is added, never on the line"""
        def part(function):
            layer = Layer()
            layer.forward = function
            return layer
        block = TransformerBlock(2, 1)
        block.norm1, block.norm2, block.dropout = part(lambda x: x), part(lambda x: x), part(lambda x: x * 0)
        x = Tensor([[[1, 2], [3, 5]]])
        expect(block.forward(x), Tensor([[[1, 2], [3, 5]]]), mistakes=[
            (Tensor(np.zeros((1, 2, 2))), "Dropout acted on the sum, so the line itself lost numbers. It belongs inside, around what is added.",
             "x = self.dropout(x + self.attention(self.norm1(x), mask, remember))\nreturn self.dropout(x + self.mlp(self.norm2(x)))"),
            (lambda got: True, "Something was added that dropout did not see. Both branches end with it.",
             "x = x + self.attention(self.norm1(x), mask, remember)\nreturn x + self.mlp(self.norm2(x))",
             LOOK + "return x + self.mlp(self.norm2(x))",
             "x = x + self.attention(self.norm1(x), mask, remember)\n" + THINK)])

    def lists_and_arrays_are_taken_and_x_stays():
        """Lists and arrays are taken, and x stays as it was"""
        block = TransformerBlock(2, 1)
        expect(block.forward([[[1.0, 2.0]]]).shape, (1, 1, 2), mistakes=[
            (AttributeError, "A list came in, and it has no `.data`. The norms and the sum take x as it is.",
             "x = Tensor(x.data)\n" + LOOK + THINK)])
        x = Tensor([[[1, 2], [3, 5]]])
        def after():
            block.forward(x)
            return x
        expect(after(), Tensor([[[1, 2], [3, 5]]]), mistakes=[
            (lambda got: True, "The x of whoever called was changed: `x += …` writes into their Tensor, and so does x.data. `x = x + …` makes a new one.",
             "x += self.dropout(self.attention(self.norm1(x), mask, remember))\n" + THINK,
             "x = x if isinstance(x, Tensor) else Tensor(x)\nx.data += self.dropout(self.attention(self.norm1(x), mask, remember)).data\n" + THINK)])

    right = [
        LOOK + THINK,
        "seen = self.attention(self.norm1(x), mask, remember)\nx = x + self.dropout(seen)\nthought = self.mlp(self.norm2(x))\nreturn x + self.dropout(thought)",
        "look = lambda x: self.attention(x, mask, remember)\nfor norm, branch in ((self.norm1, look), (self.norm2, self.mlp)):\n    x = x + self.dropout(branch(norm(x)))\nreturn x",
    ]


class exercise_gpt_forward:

    def through_all_parts_in_their_order():
        """Through all parts, in their order"""
        def part(function):
            layer = Layer()
            layer.forward = function
            return layer
        model, order = GPT(5, 2, 2, 1, 4), []
        def named(name):
            return part(lambda x, *others, **options: order.append(name) or x)
        model.dropout, model.norm, model.logits = named("dropout"), named("norm"), named("logits")
        model.embedding = part(lambda ids, *others, **options: order.append("embedding") or Tensor(np.zeros((1, 3, 2))))
        model.blocks = [named("block 0"), named("block 1")]
        def parts():
            model.forward([[1, 2, 3]])
            return order
        expect(parts(), ["embedding", "dropout", "block 0", "block 1", "norm", "logits"], mistakes=[
            (lambda got: "dropout" not in got, "Dropout is missing. It acts on what the embedding gives.",
             GIVEN + "x = self.embedding(ids, start)\n" + BLOCKS + HEAD + LOSS),
            (lambda got: "norm" not in got, "The last norm is missing. After many blocks the line is large, and the head would get it as it is.",
             GIVEN + EMBED + BLOCKS + "logits = self.logits(x)\n" + LOSS),
            (lambda got: got.count("logits") != 1, "The head is used once, at the very end: self.logits(…).",
             GIVEN + EMBED + BLOCKS + "return self.norm(x)",
             GIVEN + EMBED + BLOCKS + "    logits = self.logits(self.norm(x))\n" + LOSS),
            (lambda got: got.count("norm") > 1, "The norm was used in the loop. The blocks have norms of their own; this one comes once, after them.",
             GIVEN + EMBED + BLOCKS + "    x = self.norm(x)\nlogits = self.logits(x)\n" + LOSS),
            (lambda got: "block 1" not in got, "Only one block was used. Go through all of self.blocks.",
             GIVEN + EMBED + "x = self.blocks[0](x, mask, memory_of(remember, 0))\n" + HEAD + LOSS),
            (lambda got: got.index("block 0") > got.index("block 1"), "The blocks came in the wrong order.",
             GIVEN + EMBED + BLOCKS.replace("enumerate(self.blocks)", "reversed(list(enumerate(self.blocks)))") + HEAD + LOSS),
            (lambda got: got[:2] != ["embedding", "dropout"], "Dropout follows the embedding. The blocks drop what they add themselves.",
             GIVEN + "x = self.embedding(ids, start)\n" + BLOCKS + "x = self.dropout(x)\n" + HEAD + LOSS),
            (lambda got: got[-2:] != ["norm", "logits"], "The norm comes before the head, on D features. Scores are not normalized.",
             GIVEN + EMBED + BLOCKS + "logits = self.norm(self.logits(x))\n" + LOSS)])

    def each_part_gets_what_the_one_before_gave():
        """Each part gets what the one before it gave"""
        def part(function):
            layer = Layer()
            layer.forward = function
            return layer
        model = GPT(5, 2, 3, 1, 4)
        model.dropout, model.norm, model.logits = part(lambda x: x + 1), part(lambda x: x * 3), part(lambda x: x + 5)
        model.embedding = part(lambda ids, *others, **options: Tensor(np.zeros((1, 3, 1))))
        double, more = part(lambda x, *others, **options: x * 2), part(lambda x, *others, **options: x + 10)
        model.blocks = [double, more, double]
        expect(model.forward([[1, 2, 3]]).data.ravel()[0].item(), 77.0, mistakes=[
            (raising(AttributeError, "'tuple'"), "Return one thing: the scores or, with targets, the loss alone.",
             GIVEN + EMBED + BLOCKS + HEAD + "return logits, None if targets is None else CrossEntropyLoss()(logits, targets)"),
            (lambda got: got in (8, 11), "What a part gave was not handed on. x takes a new value in each step of the loop, and the norm gets the last one.",
             GIVEN + EMBED + BLOCKS.replace("    x = block(x,", "    y = block(x,") + "logits = self.logits(self.norm(y))\n" + LOSS,
             GIVEN + EMBED + BLOCKS.replace("    x = block(x,", "    y = block(x,") + HEAD + LOSS)])

    def nothing_looks_ahead():
        """Nothing looks ahead"""
        model = GPT(5, 4, 2, 2, 4, rng=0).eval()
        one, other = model.forward([[1, 2, 3]]).data, model.forward([[1, 2, 4]]).data
        expect(bool(np.array_equal(one[:, :2], other[:, :2])), True, mistakes=[
            (False, "Another third token changed the scores at the first two. The mask is missing: it is the block's second argument.",
             GIVEN + EMBED + BLOCKS.replace("mask, ", "None, ") + HEAD + LOSS,
             GIVEN + EMBED + "for block in self.blocks:\n    x = block(x)\n" + HEAD + LOSS)])
        expect(bool(np.allclose(one[:, 2], other[:, 2])), False, mistakes=[
            (True, "The scores at the last position do not depend on the last token, which is the one that matters most there.",
             GIVEN + "x = self.dropout(self.embedding(ids[:, [0, 0, 0]], start))\n" + BLOCKS + HEAD + LOSS)])
        expect(one.shape, (1, 3, 5))

    def with_targets_it_is_the_loss():
        """With targets it is the loss"""
        from tinytorch import CrossEntropyLoss
        model = GPT(5, 4, 1, 2, 4, rng=0).eval()
        ids, targets = np.array([[1, 2, 3]]), np.array([[2, 3, 0]])
        expect(model.forward(ids, targets).shape, (), mistakes=[
            ((1, 3, 5), "targets were given, and the scores came back. Return the loss then.",
             GIVEN + EMBED + BLOCKS + HEAD + "return logits"),
            (raising(ValueError, "truth value"), "Ask `targets is None`. An array has no single truth value.",
             GIVEN + EMBED + BLOCKS + HEAD + "if targets:\n    return CrossEntropyLoss()(logits, targets)\nreturn logits"),
            (TypeError, "CrossEntropyLoss is a class. Make one with CrossEntropyLoss(), then call it with the scores and the targets.",
             GIVEN + EMBED + BLOCKS + HEAD + "return logits if targets is None else CrossEntropyLoss(logits, targets)")])
        expected = CrossEntropyLoss()(model.forward(ids), targets).item()
        expect(model.forward(ids, targets).item(), expected, mistakes=[
            (lambda got: got != expected, "CrossEntropyLoss takes the scores and the targets as they are: the scores first, without a softmax, without a shift.",
             GIVEN + EMBED + BLOCKS + HEAD + "return logits if targets is None else CrossEntropyLoss()(logits[:, :-1], np.asarray(targets)[:, 1:])",
             GIVEN + EMBED + BLOCKS + HEAD + "from tinytorch import Softmax\nreturn logits if targets is None else CrossEntropyLoss()(Softmax()(logits), targets)",
             GIVEN + EMBED + BLOCKS + HEAD + "return logits if targets is None else CrossEntropyLoss()(logits, ids)")])
        expect(model.forward([[1, 2, 3]], [[2, 3, 0]]).item(), expected, mistakes=[
            (AttributeError, "targets may be lists, as ids may, and lists have no shape. CrossEntropyLoss takes scores of shape (B, T, V) and targets of shape (B, T) as they are.",
             GIVEN + EMBED + BLOCKS + HEAD + "if targets is None:\n    return logits\nB, T, V = logits.shape\nreturn CrossEntropyLoss()(logits.reshape(B * T, V), targets.reshape(B * T))")])

    def what_cannot_be_read_is_refused():
        """What cannot be read is refused"""
        model = GPT(5, 4, 1, 2, 4)
        expect(model.forward([[0, 1, 2, 3]]).shape, (1, 4, 5))
        expect_raises(ValueError, lambda: model.forward([[0, 1, 2, 3, 0]]), mentions=["GPT: 5 tokens", "max_seq_len is 4"], mistakes=[
            (lambda error: "LearnedPositionalEncoding" in str(error), "The window is 4 and there are 5 ids. The first line that was given, with check_window, says so in a sentence.",
             "ids = self.check_shape(ids)\n" + GIVEN.replace("ids = self.check_window(ids, start)\n", "") + EMBED + BLOCKS + HEAD + LOSS)])
        expect_raises(ValueError, lambda: model.forward([[]]), mentions=["at least one token"])

    def start_and_remember_are_handed_on():
        """start and remember are handed on, for chapter 18"""
        def part(function):
            layer = Layer()
            layer.forward = function
            return layer
        model, got = GPT(5, 2, 2, 1, 4).eval(), []
        embedding = model.embedding
        model.embedding = part(lambda ids, start=0: got.append(start) or embedding(ids, start))
        def remember(number, keys, values):
            got.append(number)
            return keys, values
        def numbers():
            model.forward([[1, 2]], start=0, remember=remember)
            return got
        expect(numbers(), [0, 0, 1], mistakes=[
            ([0], "No block got the memory. memory_of(remember, number) is a block's third argument.",
             GIVEN + EMBED + BLOCKS.replace(", memory_of(remember, number)", "") + HEAD + LOSS),
            ([0, 0, 0], "All blocks got the number 0. Count them: enumerate gives the number with the block.",
             GIVEN + EMBED + BLOCKS.replace("remember, number", "remember, 0") + HEAD + LOSS),
            ([0, 1, 2], "The numbers of the blocks begin at 1. They count from 0.",
             GIVEN + EMBED + BLOCKS.replace("enumerate(self.blocks)", "enumerate(self.blocks, 1)") + HEAD + LOSS),
            ((TypeError, AttributeError), "A block takes x, the mask, and memory_of(remember, number), which adds the block's number to `remember`.",
             GIVEN + EMBED + BLOCKS.replace("memory_of(remember, number)", "remember") + HEAD + LOSS)])
        got.clear()
        model.forward([[1]], start=3)
        expect(got, [3], mistakes=[
            ([0], "The embedding did not get `start`, so a token at position 3 got the vector of position 0.",
             GIVEN + "x = self.dropout(self.embedding(ids))\n" + BLOCKS + HEAD + LOSS)])
        masks = []
        model.blocks = [part(lambda x, mask, *others, **options: masks.append(mask.shape) or x)]
        def shapes():
            model.forward([[1, 2]], start=1)
            return masks
        expect(shapes(), [(2, 3)], mistakes=[
            ([(2, 2)], "Two tokens that follow one look at three positions. The mask that was given knows `start`.",
             GIVEN.replace("causal_rows(start, ids.shape[1])", "create_causal_mask(ids.shape[1])") + EMBED + BLOCKS + HEAD + LOSS)])

    right = [
        GIVEN + EMBED + BLOCKS + HEAD + LOSS,
        GIVEN + "x = self.embedding(ids, start)\nx = self.dropout(x)\nnumber = 0\nfor block in self.blocks:\n    x = block(x, mask, memory_of(remember, number))\n    number += 1\nx = self.norm(x)\nlogits = self.logits(x)\nif targets is not None:\n    return CrossEntropyLoss()(logits, targets)\nreturn logits",
        GIVEN + EMBED + "for i in range(len(self.blocks)):\n    x = self.blocks[i](x, mask, remember=memory_of(remember, i))\nscores = self.logits(self.norm(x))\nif targets is None:\n    return scores\nloss = CrossEntropyLoss()\nreturn loss(scores, targets)",
    ]


class exercise_gpt_parameters:

    def two_blocks_of_six_features():
        """Two blocks of six features, then other sizes"""
        expect(gpt_parameters(vocab_size=11, embed_dim=6, num_layers=2, max_seq_len=16), 1260, mistakes=[
            (1152, "All biases of the blocks are missing: a Linear from a to b has a · b weights and b biases, so D in each of the four layers of the attention, 4 D and D in the MLP.",
             PARTS.replace("4 * (D * D + D)", "4 * D * D").replace("D * 4 * D + 4 * D + 4 * D * D + D", "8 * D * D") + COUNT),
            (1104, "A block has its weights here, and nothing else. Biases and norms count too.",
             PARTS + COUNT.replace("attention + mlp + 2 * norm", "12 * D * D")),
            (1224, "The first layer of the MLP has 4 · D biases, one for each number that it gives.",
             PARTS.replace("D * 4 * D + 4 * D + 4", "D * 4 * D + D + 4") + COUNT),
            (1254, "The last norm has a weight and a bias too, 2 · D numbers.",
             PARTS + COUNT.replace("+ norm +", "+ D +")),
            (1212, "The biases of the attention are missing: four layers with D each.",
             PARTS.replace("4 * (D * D + D)", "4 * D * D") + COUNT),
            (1176, "The attention has four layers: for queries, keys and values, and one for the result.",
             PARTS.replace("4 * (D * D + D)", "3 * (D * D + D)") + COUNT),
            (1200, "The biases of the MLP are missing: 4 D of the first layer, D of the second.",
             PARTS.replace("D * 4 * D + 4 * D + 4 * D * D + D", "8 * D * D") + COUNT),
            (792, "The MLP is four times as wide inside: D to 4 D, and 4 D to D.",
             PARTS.replace("D * 4 * D + 4 * D + 4 * D * D + D", "2 * (D * D + D)") + COUNT),
            (1248, "The last norm is missing, the one after all blocks.",
             PARTS + COUNT.replace(" + norm +", " +")),
            (1236, "A block has two norms.",
             PARTS + COUNT.replace("2 * norm", "norm")),
            (1230, "A norm has a weight and a bias, 2 · D numbers.",
             PARTS.replace("norm = 2 * D", "norm = D") + COUNT),
            (1194, "The head is missing. Without tied weights it has D · V numbers of its own.",
             PARTS + COUNT.replace(" + head", "")),
            (1271, "The head has no bias.",
             PARTS.replace("else D * V", "else D * V + V") + COUNT),
            (1164, "The table of positions is missing: T · D.",
             PARTS + COUNT.replace(" + T * D", "")),
            (750, "That is a model of one block. Here are two.",
             PARTS + COUNT.replace("L * (", "("))])
        expect(gpt_parameters(3, 1, 5, 2), 135, mistakes=[
            (lambda got: got != 135, "With other sizes the sum is off. Which of your numbers hold for the first example only?",
             PARTS + COUNT.replace("L * (", "2 * ("),
             SIZES + "return 1260 - (66 if tie_weights else 0)")])

    def tied_weights_save_the_head():
        """Tied weights save the head"""
        expect(gpt_parameters(11, 6, 2, 16, tie_weights=True), 1194, mistakes=[
            (1260, "With tied weights the head is the table of tokens, which is counted already.",
             PARTS.replace("head = 0 if tie_weights else D * V", "head = D * V") + COUNT),
            (1128, "The table of tokens is still there, once. Only the head is saved.",
             PARTS + COUNT.replace("V * D + T * D", "(not tie_weights) * V * D + T * D"))])

    def gpt_2_to_the_last_one():
        """GPT-2 to the last parameter, as a made model has them, and a model that nobody can make"""
        expect(gpt_parameters(10**15, 6, 2, 16), 12 * 10**15 + 1128, mistakes=[
            ((MemoryError, ValueError, OverflowError), "A model was made, and there is no memory for one of this size. Count without making it.",
             "return sum(p.numel() for p in GPT(vocab_size, embed_dim, num_layers, 1, max_seq_len, tie_weights=tie_weights).parameters())")])
        expect(gpt_parameters(50257, 768, 12, 1024, tie_weights=True), 124439808)
        model = GPT(7, 4, 3, 2, 5)
        expect(gpt_parameters(7, 4, 3, 5), sum(p.numel() for p in model.parameters()))
        expect(type(gpt_parameters(7, 4, 3, 5)).__name__, "int", mistakes=[
            ("float", "A number of parameters is an int. Write // or multiply, so that no fraction arises.",
             PARTS + COUNT.replace("norm + head", "norm * 1.0 + head")),
            ("int64", "A Python int is asked for.",
             PARTS + COUNT.replace("return V * D", "return np.int64(V * D)"))])

    wrong = [
        (PARTS + COUNT.replace("V * D + T * D", "V + T"), "expected 1260"),
        ("return sum(p.numel() for p in GPT(vocab_size, embed_dim, num_layers, 1, max_seq_len).parameters())", "expected 1194"),
    ]

    right = [
        PARTS + COUNT,
        "D = embed_dim\nblock = 12 * D ** 2 + 13 * D\nreturn D * (vocab_size * (1 if tie_weights else 2) + max_seq_len) + num_layers * block + 2 * D",
        ("def linear(a, b, bias=True):\n    return a * b + (b if bias else 0)\n\nD = embed_dim\nblock = 4 * linear(D, D) + linear(D, 4 * D) + linear(4 * D, D) + 4 * D\n"
         "total = vocab_size * D + max_seq_len * D + num_layers * block + 2 * D\nif not tie_weights:\n    total += linear(D, vocab_size, bias=False)\nreturn total"),
    ]


class exercise_keep_top_k:

    def the_k_largest_stay():
        """The k largest stay, the others become minus infinity"""
        expect(keep_top_k(np.array([[1.0, 4.0, 2.0, 3.0]]), 2), np.array([[-np.inf, 4, -np.inf, 3]]), mistakes=[
            (np.array([[1, -np.inf, 2, -np.inf]]), "The k smallest stayed. Sort the logits with a minus before them, and the largest come first.",
             LARGEST.replace("-logits", "logits") + EMPTY + PUT + "return kept"),
            (np.array([[0, 4, 0, 3]]), "The others became 0. A score of 0 has a chance, often a good one. Minus infinity has none.",
             LARGEST + EMPTY.replace("-np.inf", "0") + PUT + "return kept"),
            (None, "Nothing came back. np.put_along_axis writes into its first argument and gives None; return the array that it wrote into.",
             LARGEST + EMPTY + "return " + PUT),
            (np.array([[1, 4, 2, 3]]), "All stayed. [:k] takes k rows; [:, :k] takes k positions of each row.",
             LARGEST.replace("[:, :k]", "[:k]") + EMPTY + PUT + "return kept"),
            (lambda got: np.isfinite(got).all() and (got[0, 0], got[0, 2]) < (-100, -100), "A large negative number is still a score. Minus infinity is -np.inf.",
             "rest = np.argsort(-logits, axis=-1, kind='stable')[:, k:]\nkept = logits.copy()\nnp.put_along_axis(kept, rest, -1e9, axis=-1)\nreturn kept"),
            (IndexError, "Plain indexing took the positions for rows. Along a row, np.put_along_axis writes at positions.",
             "kept = logits.copy()\nkept[np.argsort(-logits, axis=-1, kind='stable')[:, k:]] = -np.inf\nreturn kept"),
            (raising(ValueError, "shape mismatch"), "There are k places and V numbers for them. np.take_along_axis(logits, positions, axis=-1) reads the k numbers.",
             LARGEST + EMPTY + PUT.replace("np.take_along_axis(logits, largest, axis=-1)", "logits") + "return kept"),
            (lambda got: np.shape(got) == (1, 2), "Only the k numbers came back. Which tokens they belong to is lost; return an array as large as logits.",
             LARGEST + "return np.take_along_axis(logits, largest, axis=-1)"),
            (lambda got: np.array_equal(got, np.array([[-np.inf, -np.inf, -np.inf, -np.inf]])), "Nothing stayed. Put the numbers at the sorted positions back.",
             LARGEST + EMPTY + "return kept"),
            (lambda got: (np.isfinite(got).sum(), got[0, 1]) == (2, 1), "The places are wrong: those are positions that were written as if they were scores.",
             LARGEST + EMPTY + PUT.replace("np.take_along_axis(logits, largest, axis=-1)", "largest") + "return kept"),
            (np.array([[-np.inf, np.inf, -np.inf, np.inf]]), "The places are right and the numbers are gone. Put the logits themselves there.",
             LARGEST + EMPTY + PUT.replace("np.take_along_axis(logits, largest, axis=-1)", "np.inf") + "return kept")])

    def of_equals_the_first():
        """Of equal ones the first, and exactly k"""
        expect(keep_top_k(np.array([[1.0, 3.0, 3.0, 2.0]]), 1), np.array([[-np.inf, 3, -np.inf, -np.inf]]), mistakes=[
            (np.array([[-np.inf, 3, 3, -np.inf]]), "Both 3s stayed, and k is 1. A comparison with the k-th largest keeps all of its equals; take the sorted positions.",
             "least = np.sort(logits, axis=-1)[:, ::-1][:, :k][:, -1:]\nreturn np.where(logits >= least, logits, -np.inf)"),
            (np.array([[-np.inf, -np.inf, 3, -np.inf]]), "The later of the two 3s stayed. Sorted from small to large and read from the end, equal ones come in the wrong order.",
             "largest = np.argsort(logits, axis=-1, kind='stable')[:, ::-1][:, :k]\n" + EMPTY + PUT + "return kept")])
        equals = np.zeros((1, 40))
        equals[0, 20:] = 1
        expect(np.flatnonzero(np.isfinite(keep_top_k(equals, 5)[0])).tolist(), [20, 21, 22, 23, 24], mistakes=[
            (lambda got: got != [20, 21, 22, 23, 24], "Among many equal scores others than the first ones stayed. kind=\"stable\" keeps equal ones in their order.",
             LARGEST.replace(", kind='stable'", "") + EMPTY + PUT + "return kept",
             "largest = np.argpartition(-logits, min(k, logits.shape[-1]) - 1, axis=-1)[:, :k]\n" + EMPTY + PUT + "return kept")])

    def each_row_its_own():
        """Each row its own"""
        logits = np.array([[5.0, 1.0, 2.0], [1.0, 2.0, 9.0]])
        expect(keep_top_k(logits, 1), np.array([[5, -np.inf, -np.inf], [-np.inf, -np.inf, 9]]), mistakes=[
            (np.array([[-np.inf, -np.inf, -np.inf], [-np.inf, -np.inf, 9]]), "You took the largest of all rows together. Each row has k of its own.",
             "flat = np.full(logits.size, -np.inf)\nlargest = np.argsort(-logits.ravel(), kind='stable')[:k]\nflat[largest] = logits.ravel()[largest]\nreturn flat.reshape(logits.shape)"),
            (lambda got: np.isfinite(got).sum() == 4, "Of each row one number should stay. Plain indexing writes at the positions of all rows in every row; np.put_along_axis takes each row's own.",
             LARGEST + EMPTY + "kept[:, largest] = logits[:, largest]\nreturn kept")])

    def a_large_k_keeps_all_and_logits_stay():
        """A large k keeps all, and logits stay as they were"""
        logits = np.array([[1.0, 2.0]])
        expect(keep_top_k(logits, 5), np.array([[1.0, 2.0]]), mistakes=[
            ((IndexError, ValueError), "k may be larger than V. A slice does not mind that, a single position does.",
             "bound = np.sort(logits, axis=-1)[:, [-k]]\nreturn np.where(logits >= bound, logits, -np.inf)")])
        keep_top_k(logits, 1)
        expect(logits, np.array([[1.0, 2.0]]), mistakes=[
            (lambda got: True, "You wrote into logits, which belong to whoever called.",
             "order = np.argsort(-logits, axis=-1, kind='stable')[:, k:]\nnp.put_along_axis(logits, order, -np.inf, axis=-1)\nreturn logits")])

    equivalent = [
        ("largest = np.argsort(-logits, axis=-1, kind='stable')[:, :k]  ->  largest = np.argsort(-logits, kind='stable')[:, :k]", "np.argsort takes the last axis where none is named"),
        ("largest = np.argsort(-logits, axis=-1, kind='stable')[:, :k]  ->  largest = np.argsort(-logits, axis=1, kind='stable')[:, :k]", "of two axes the last is axis 1"),
        ("np.put_along_axis(kept, largest, np.take_along_axis(logits, largest, axis=-1), axis=-1)  ->  np.put_along_axis(kept, largest, np.take_along_axis(logits, largest), axis=-1)", "np.take_along_axis takes the last axis where none is named"),
        ("np.put_along_axis(kept, largest, np.take_along_axis(logits, largest, axis=-1), axis=-1)  ->  np.put_along_axis(kept, largest, np.take_along_axis(logits, largest, axis=-1), axis=1)", "of two axes the last is axis 1"),
        ("np.put_along_axis(kept, largest, np.take_along_axis(logits, largest, axis=-1), axis=-1)  ->  np.put_along_axis(kept, largest, np.take_along_axis(logits, largest, axis=1), axis=-1)", "of two axes the last is axis 1"),
    ]

    right = [
        LARGEST + EMPTY + PUT + "return kept",
        "order = np.argsort(-logits, axis=-1, kind='stable')\nkept = logits.copy()\nnp.put_along_axis(kept, order[:, k:], -np.inf, axis=-1)\nreturn kept",
        "ranks = np.argsort(np.argsort(-logits, axis=-1, kind='stable'), axis=-1, kind='stable')\nreturn np.where(ranks < k, logits, -np.inf)",
        "kept = np.full(logits.shape, -np.inf)\nfor row, out in zip(logits, kept):\n    for position in sorted(range(len(row)), key=lambda v: (-row[v], v))[:k]:\n        out[position] = row[position]\nreturn kept",
    ]


class exercise_next_chances:

    def a_softmax():
        """At temperature 1, a softmax"""
        expect(next_chances(np.log([[1.0, 3.0, 4.0]])), np.array([[0.125, 0.375, 0.5]]), mistakes=[
            (lambda got: np.isclose(np.sum(got), 2), "The powers were not divided by their sum. Chances add up to 1.",
             CHECKED + ZERO + CUT + POWERS + "return chances"),
            (np.array([[1.0, 1.0, 1.0]]), "The columns add up to 1, and there is one row. Each row is a softmax of its own: axis=-1.",
             CHECKED + ZERO + CUT + POWERS + "return chances / chances.sum(axis=0)"),
            (lambda got: np.allclose(got, np.log([[1.0, 3.0, 4.0]])), "Those are the scores. The softmax is missing.",
             CHECKED + ZERO + CUT + "return logits / temperature"),
            (lambda got: isinstance(got, Tensor), "An array is asked for; numbers are drawn from it, and no gradient comes back.",
             CHECKED + ZERO + CUT + "from tinytorch import Softmax\nreturn Softmax()(Tensor(logits / temperature, dtype=np.float64))")])
        expect(next_chances(np.log([[1.0, 3.0], [1.0, 1.0]])), np.array([[0.25, 0.75], [0.5, 0.5]]), mistakes=[
            (lambda got: np.isclose(np.sum(got), 1), "All rows together add up to 1. Each row is a softmax of its own: axis=-1.",
             CHECKED + ZERO + CUT + POWERS + "return chances / chances.sum()"),
            (lambda got: got[0, 0] < 0.25, "Each row has its own largest score and its own sum.",
             CHECKED + ZERO + CUT + POWERS + "return chances / chances.sum(axis=-1).max()")])

    def temperature_divides_the_scores():
        """Temperature divides the scores"""
        logits = np.log([[1.0, 3.0]])
        expect(next_chances(logits, 0.5), np.array([[0.1, 0.9]]), mistakes=[
            (lambda got: 0.25 < got[0, 0] < 0.5, "Below 1 the chances came nearer to each other: the scores were multiplied by the temperature. Divide.",
             CHECKED + ZERO + CUT + POWERS.replace("/ temperature", "* temperature") + SHARES),
            (np.array([[0.25, 0.75]]), "The temperature has no effect. Divide the scores by it, before the softmax; divided afterwards it cancels.",
             CHECKED + ZERO + CUT + POWERS.replace("np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)", "np.exp(logits - logits.max(axis=-1, keepdims=True)) / temperature") + SHARES,
             CHECKED + ZERO + CUT + POWERS.replace(" / temperature", "") + SHARES)])
        expect(next_chances(logits, 2.0), np.array([[0.3660254, 0.6339746]]))

    def only_the_k_largest():
        """Only the k largest, and their chances add up to 1"""
        expect(next_chances(np.log([[1.0, 3.0, 4.0]]), temperature=0.5, top_k=2), np.array([[0, 0.36, 0.64]]), mistakes=[
            (lambda got: got[0, 0] > 0, "top_k has no effect: the smallest score still has a chance.",
             CHECKED + ZERO + POWERS + SHARES),
            (lambda got: got[0, 0] == 0 and np.sum(got) < 0.99, "The chances do not add up to 1: some were taken out after the softmax. Take the scores out before it.",
             CHECKED + ZERO + POWERS + "shares = chances / chances.sum(axis=-1, keepdims=True)\nreturn shares if top_k is None else np.where(np.isfinite(keep_top_k(logits, top_k)), shares, 0.0)"),
            (lambda got: np.isneginf(got).any(), "Minus infinity is a score and no chance. Cut the scores first, then take the softmax.",
             CHECKED + ZERO + POWERS + "chances = chances / chances.sum(axis=-1, keepdims=True)\nreturn chances if top_k is None else keep_top_k(chances, top_k)"),
            (ValueError, "The scores that were taken out are minus infinity. Look at the row's largest one after that, or before; never at its smallest.",
             CHECKED + ZERO + CUT + "logits = check_logits(-logits)\n" + POWERS + SHARES)])

    def temperature_0_takes_the_likeliest():
        """Temperature 0 takes the likeliest, whatever top_k says"""
        expect(next_chances([[1.0, 5.0, 5.0]], temperature=0, top_k=3), np.array([[0.0, 1.0, 0.0]]), mistakes=[
            (lambda got: np.isnan(got).any(), "0 / 0 is NaN. Where the temperature is 0, set both before you divide: top_k to 1, the temperature to any number above 0.",
             "import warnings\nwarnings.simplefilter('ignore')\n" + CHECKED + "if temperature == 0:\n    top_k = 1\n" + CUT + POWERS + SHARES,
             "import warnings\nwarnings.simplefilter('ignore')\n" + CHECKED + CUT + POWERS + SHARES),
            (lambda got: np.isneginf(got).any(), "Those are scores. At temperature 0 chances are asked for too: 1 for the likeliest token, 0 for the others.",
             CHECKED + "if temperature == 0:\n    return keep_top_k(logits, 1)\n" + CUT + POWERS + SHARES),
            (lambda got: got[0, 0] == 0 and got[0, 1] == got[0, 2], "Two equal scores got the same chance. At temperature 0 the first of them has all of it: keep one, k = 1.",
             CHECKED + "if temperature == 0:\n    return 1.0 * (logits == logits.max(axis=-1, keepdims=True))\n" + CUT + POWERS + SHARES,
             CHECKED + CUT + "temperature = max(temperature, 1e-9)\n" + POWERS + SHARES),
            (lambda got: np.shape(got) != (1, 3), "The token came back. The chances of all tokens are asked for, 1 for that token and 0 for the others.",
             CHECKED + "if temperature == 0:\n    return logits.argmax(axis=-1)\n" + CUT + POWERS + SHARES),
            (lambda got: 0 < got[0, 0] < 0.1, "Temperature 0 was treated like 1. Only the likeliest token remains: keep one score.",
             CHECKED + "if temperature == 0:\n    temperature = 1.0\n" + CUT + POWERS + SHARES)])

    def large_scores_do_no_harm():
        """Large scores do no harm"""
        expect(next_chances([[1000.0, 999.0]], temperature=0.5), np.array([[0.8807971, 0.1192029]]), mistakes=[
            (lambda got: np.isnan(got).any(), "e to the power of 2,000 is more than a float can hold, and inf / inf is NaN. Take the row's largest score away first.",
             "import warnings\nwarnings.simplefilter('ignore')\n" + CHECKED + ZERO + CUT + "chances = np.exp(logits / temperature)\n" + SHARES)])
        expect(next_chances([[0.0, 0.0], [-2000.0, -2000.0]]), np.full((2, 2), 0.5), mistakes=[
            (lambda got: np.isnan(got).any(), "In the second row all powers are 0, and 0 / 0 is NaN. The largest score is that of its own row: axis=-1, keepdims=True.",
             "import warnings\nwarnings.simplefilter('ignore')\n" + CHECKED + ZERO + CUT + POWERS.replace("logits.max(axis=-1, keepdims=True)", "logits.max()") + SHARES)])

    def nonsense_is_refused_and_logits_stay():
        """Nonsense is refused, and the scores stay as they were"""
        expect(next_chances([[2.0, 2.0]]), np.array([[0.5, 0.5]]))
        expect_raises(ValueError, lambda: next_chances([[1.0, 2.0]], temperature=-1), mentions=["temperature is -1"], mistakes=[
            (np.array([[0.73105858, 0.26894142]]), "A temperature below 0 would prefer the unlikeliest token. The first line that was given refuses it.",
             CHECKED.replace("check_sampling(temperature, top_k)\n", "") + ZERO + CUT + POWERS + SHARES)])
        expect_raises(ValueError, lambda: next_chances([[np.nan, 2.0]]), mentions=["row 0"])
        logits = np.array([[1.0, 2.0]])
        next_chances(logits, 0.5, 1)
        expect(logits, np.array([[1.0, 2.0]]))

    wrong = [
        (CHECKED + ZERO + CUT + POWERS.replace("np.exp", "np.exp2") + SHARES, "expected"),
    ]

    equivalent = [
        ("temperature, top_k = (1.0, 1)  ->  temperature, top_k = (2.0, 1)", "one score that remains has the whole chance at any temperature"),
        ("largest = logits.max(axis=-1, keepdims=True)  ->  largest = logits.max(axis=1, keepdims=True)", "of two axes the last is axis 1"),
        ("return chances / chances.sum(axis=-1, keepdims=True)  ->  return chances / chances.sum(axis=1, keepdims=True)", "of two axes the last is axis 1"),
    ]

    right = [
        CHECKED + ZERO + CUT + POWERS + SHARES,
        (CHECKED + "if temperature == 0:\n    return 1.0 * (np.arange(logits.shape[-1]) == logits.argmax(axis=-1)[:, None])\nif top_k is not None:\n    logits = keep_top_k(logits, top_k)\n"
         "scaled = logits / temperature\npowers = np.exp(scaled - scaled.max(axis=1)[:, None])\nreturn powers / powers.sum(axis=1)[:, None]"),
        (CHECKED + "rows = []\nfor row in keep_top_k(logits, 1 if temperature == 0 else top_k or logits.shape[-1]):\n    powers = np.exp((row - row.max()) / (temperature or 1))\n"
         "    rows.append(powers / powers.sum())\nreturn np.array(rows)"),
    ]


class exercise_generate:

    def each_token_becomes_part_of_the_text():
        """Each token becomes part of the text"""
        model, read = GPT(5, 4, 1, 2, 3), []
        def scores(ids, *others, **options):
            ids = model.check_window(ids, 0)
            read.append(ids.tolist())
            return Tensor(np.eye(5)[(ids + 1) % 5])
        model.forward = scores
        expect(model.generate([[1, 2]], 3, temperature=0).data.tolist(), [[1, 2, 3, 4, 0]], mistakes=[
            ([[1, 2, 3, 3, 3]], "The model read the beginning again and again. What was drawn belongs to the text that is read next.",
             PROMPT + "tokens = []\n" + QUIET + "        tokens.append(sample_next(self.next_logits(ids), temperature, top_k, rng))\nreturn Tensor(np.concatenate([ids, *[token[:, None] for token in tokens]], axis=1), dtype=np.int64)"),
            ([[3, 4, 0]], "Only the new tokens came back. The beginning is part of the result.",
             PROMPT + QUIET + DRAW + APPEND + "return Tensor(ids[:, -max_new_tokens:] if max_new_tokens else ids[:, :0], dtype=np.int64)"),
            ([[1, 2, 3]], "One token was drawn. Does `return` stand in the loop?",
             PROMPT + QUIET + DRAW + APPEND + "        return Tensor(ids, dtype=np.int64)"),
            (lambda got: len(got[0]) == 5 and got[0][:2] != [1, 2], "The new tokens stand in front. The text comes first, then the token.",
             PROMPT + QUIET + DRAW + APPEND.replace("[ids, token[:, None]]", "[token[:, None], ids]") + TEXT),
            (raising(ValueError, "max_seq_len"), "The text has grown longer than the window, which forward refuses. self.next_logits(ids) cuts it, and gives the last row.",
             PROMPT + QUIET + DRAW.replace("self.next_logits(ids)", "self.forward(ids).data[:, -1]") + APPEND + TEXT),
            (raising(ValueError, "dimension"), "The drawn tokens have the shape (B,), and ids has two axes. token[:, None] is (B, 1).",
             PROMPT + QUIET + DRAW + APPEND.replace("token[:, None]", "token") + TEXT),
            (raising(ValueError, "sizes must be equal"), "The drawn tokens have the shape (B,), and the text has two axes. token[:, None] is (B, 1).",
             PROMPT + QUIET + DRAW + "        ids = cat([ids, token], axis=1)\nreturn ids"),
            (raising(TypeError, "context manager"), "Both are called in the `with` line: no_grad(), evaluation_mode(self).",
             PROMPT + QUIET.replace("no_grad()", "no_grad") + DRAW + APPEND + TEXT)])
        expect(read, [[[1, 2]], [[1, 2, 3]], [[2, 3, 4]]], mistakes=[
            (lambda got: len(got) == 3 and len(got[-1][0]) < 3, "The model did not get the whole text, as far as its window goes. self.next_logits(ids) sees to that.",
             PROMPT + QUIET + DRAW.replace("self.next_logits(ids)", "self.next_logits(ids[:, -1:])") + APPEND + TEXT),
            (lambda got: len(got) > 3, "The model was asked more often than there are tokens to draw. Each forward pass is dear.",
             PROMPT + QUIET + "        self.next_logits(ids)\n" + DRAW + APPEND + TEXT)])

    def several_texts_at_once():
        """Several texts at once, none of them mixed up, and none at all"""
        model = GPT(5, 4, 1, 2, 3)
        model.forward = lambda ids, *others, **options: Tensor(np.eye(5)[(model.check_window(ids, 0) + 1) % 5])
        expect(model.generate([[1], [3]], 2, temperature=0).data.tolist(), [[1, 2, 3], [3, 4, 0]], mistakes=[
            (lambda got: len(got) == 1 or len(got[0]) != 3, "Two texts came in, and their tokens got mixed up. New tokens stand on a second axis: (B, 1), along axis=1.",
             PROMPT + QUIET + DRAW + "        ids = np.concatenate([ids.ravel(), token]).reshape(1, -1)\n" + TEXT),
            ([[1, 2, 3], [3, 2, 3]], "Both texts got the token that was drawn for the first one. sample_next draws one for each row.",
             PROMPT + QUIET + DRAW + APPEND.replace("token[:, None]", "np.full((len(ids), 1), token[0])") + TEXT)])
        expect(model.generate([[1, 2]], 0).data.tolist(), [[1, 2]])
        expect(model.generate([[1, 2]], 1).dtype.name, "int64", mistakes=[
            ("float32", "Ids are whole numbers, and floating-point ones came back. Name the dtype of the Tensor.",
             PROMPT + QUIET + DRAW + APPEND + "return Tensor(ids.astype(float))")])
        expect(isinstance(model.generate([[1, 2]], 1), Tensor), True, mistakes=[
            (False, "An array came back. Make a Tensor of it at the end.",
             PROMPT + QUIET + DRAW + APPEND + "return ids.astype(np.int64)")])

    def settings_and_seed_are_used():
        """temperature, top_k and seed are used"""
        model = GPT(5, 4, 1, 2, 3)
        model.forward = lambda ids, *others, **options: Tensor(np.tile([0.0, 1.0, 1.2, 0.0, 0.0], (*model.check_window(ids, 0).shape, 1)))
        many = [[0]] * 300
        expect(sorted(set(model.generate(many, 1, top_k=2, seed=0).data[:, 1].tolist())), [1, 2], mistakes=[
            (lambda got: len(got) == 5, "With top_k=2 all five tokens were drawn. Hand top_k to sample_next.",
             PROMPT + QUIET + DRAW.replace(", top_k, rng", ", rng=rng") + APPEND + TEXT),
            ([2], "Always the likeliest token was taken. sample_next draws.",
             PROMPT + QUIET + "        token = self.next_logits(ids).argmax(axis=-1)\n" + APPEND + TEXT)])
        expect(sorted(set(model.generate(many, 1, temperature=0.01, seed=0).data[:, 1].tolist())), [2], mistakes=[
            (lambda got: len(got) > 1, "At a temperature near 0 only the likeliest token is drawn. Hand temperature to sample_next.",
             PROMPT + QUIET + DRAW.replace("temperature, top_k, rng", "top_k=top_k, rng=rng") + APPEND + TEXT)])
        first, second = (model.generate([[0]], 40, seed=3).data.tolist() for _ in range(2))
        expect(first == second, True, mistakes=[
            (False, "The same seed gave two texts. Hand rng to sample_next.",
             PROMPT + QUIET + DRAW.replace(", rng)", ")") + APPEND + TEXT)])
        expect(model.generate(many, 1, seed=0).data.tolist() == model.generate(many, 1, temperature=1.0, seed=0).data.tolist(), True)
        expect(len(set(first[0][1:])) > 2, True, mistakes=[
            (False, "Every token got the same random number. Make one generator before the loop, and draw from it each time.",
             PROMPT + QUIET + DRAW.replace(", rng)", ", seed)") + APPEND + TEXT)])

    def no_dropout_no_gradient_meanwhile():
        """No dropout and no gradient meanwhile, and afterwards all as before"""
        from tinytorch import enable_autograd, is_grad_enabled
        enable_autograd()
        model, seen = GPT(5, 4, 1, 2, 3, dropout=0.5), []
        model.blocks[0].eval()
        def scores(ids, *others, **options):
            seen.append(("dropout " + ("on" if model.dropout.training else "off"), "gradients " + ("on" if is_grad_enabled() else "off")))
            return Tensor(np.zeros((1, 1, 5)))
        model.forward = scores
        model.generate([[1]], 1)
        expect(seen, [("dropout off", "gradients off")], mistakes=[
            ([("dropout on", "gradients off")], "Dropout was on, so a part of the numbers was missing from each prediction. evaluation_mode(self) turns it off.",
             PROMPT + QUIET.replace(", evaluation_mode(self)", "") + DRAW + APPEND + TEXT),
            ([("dropout off", "gradients on")], "Gradients were recorded, and the graph of every token would be kept. no_grad() turns that off.",
             PROMPT + QUIET.replace("no_grad(), ", "") + DRAW + APPEND + TEXT,
             PROMPT + QUIET.replace("no_grad(), ", "no_grad() and ") + DRAW + APPEND + TEXT),
            ([("dropout on", "gradients on")], "Dropout was on and gradients were recorded. The loop belongs inside of no_grad() and evaluation_mode(self).",
             PROMPT + "for _ in range(max_new_tokens):\n" + DRAW[4:] + APPEND[4:] + TEXT)])
        expect((model.training, model.dropout.training, model.blocks[0].training), (True, True, False), mistakes=[
            ((False, False, False), "The model stayed in the mode for use, and training would go on without dropout. evaluation_mode(self) takes it back.",
             PROMPT + "self.eval()\nwith no_grad():\n    for _ in range(max_new_tokens):\n" + DRAW + APPEND + TEXT),
            ((True, True, True), "The first block was in the mode for use before, and now it trains. evaluation_mode(self) gives each layer its own mode back.",
             PROMPT + "self.eval()\nwith no_grad():\n    for _ in range(max_new_tokens):\n" + DRAW + APPEND + "self.train()\n" + TEXT)])

    def what_cannot_be_continued_is_refused():
        """What cannot be continued is refused"""
        model = GPT(5, 4, 1, 2, 3)
        expect(model.generate([[4]], 0).data.tolist(), [[4]])
        expect_raises(ValueError, lambda: model.generate([[1, 7]], 0), mentions=["id 7"], mistakes=[
            (Tensor([[1, 7]], dtype=np.int64), "Id 7 is not in a vocabulary of 5. Keep the lines that were given.",
             PROMPT.replace('check_ids("GPT.generate", self.check_shape(ids), self.vocab_size)', "self.check_shape(ids)") + QUIET + DRAW + APPEND + TEXT)])
        expect_raises(ValueError, lambda: model.generate([[]], 2), mentions=["at least one token"])
        expect_raises(ValueError, lambda: model.generate([[1]], -1), mentions=["max_new_tokens is -1"], mistakes=[
            (Tensor([[1]], dtype=np.int64), "There are no -1 tokens. Keep the lines that were given.",
             PROMPT.replace('check_size("GPT.generate", "max_new_tokens", max_new_tokens, least=0)\n', "") + QUIET + DRAW + APPEND + TEXT)])
        expect_raises(ValueError, lambda: model.generate([[1]], 0, temperature=-1), mentions=["temperature is -1"], mistakes=[
            (Tensor([[1]], dtype=np.int64), "This temperature is refused by the first line that was given.",
             PROMPT.replace("check_sampling(temperature, top_k)\n", "") + QUIET + DRAW + APPEND + TEXT)])

    equivalent = [
        ("return Tensor(ids, dtype=np.int64)  ->  return Tensor(ids)", "where an index has 64 bits ids is int64 already; in the browser it has 32"),
    ]

    right = [
        PROMPT + QUIET + DRAW + APPEND + TEXT,
        PROMPT + QUIET + "        logits = self(ids[:, -self.max_seq_len:])[:, -1]\n" + DRAW.replace("self.next_logits(ids)", "logits") + APPEND + TEXT,
        PROMPT + "with evaluation_mode(self):\n    with no_grad():\n        while max_new_tokens > 0:\n            token = sample_next(self.next_logits(ids), temperature, top_k, rng)\n            ids = np.hstack([ids, token.reshape(-1, 1)])\n            max_new_tokens -= 1\n" + TEXT,
        (PROMPT + "B, T = ids.shape\ntext = np.zeros((B, T + max_new_tokens), dtype=np.int64)\ntext[:, :T] = ids\nwith no_grad(), evaluation_mode(self):\n    for end in range(T, T + max_new_tokens):\n"
         "        text[:, end] = sample_next(self.next_logits(text[:, :end]), temperature=temperature, top_k=top_k, rng=rng)\nreturn Tensor(text, dtype=np.int64)"),
    ]


class exercise_tied_logits:

    def the_table_turned_round_and_it_learns():
        """The table turned round, which learns from the scores"""
        from tinytorch import enable_autograd
        enable_autograd()
        model = GPT(3, 2, 1, 1, 4, tie_weights=True)
        table, x = model.embedding.token.weight, Tensor([[[1, 10]]], requires_grad=True)
        table.data[...] = [[1, 0], [0, 1], [2, 3]]
        expect(model.logits(x), Tensor([[[1, 10, 32]]]), mistakes=[
            (Tensor([[[11, 20, 30]]]), "Each score is a product of x with one row of the table. reshape cuts the numbers anew; transpose turns the table round.",
             "if self.head is None:\n    weight = self.embedding.token.weight\n    return x @ weight.reshape(weight.shape[1], weight.shape[0])\nreturn self.head(x)"),
            (raising(TypeError, "not callable"), "With tied weights self.head is None, and cannot be called.",
             "return self.head(x)"),
            (ValueError, "The sizes do not fit. The table is (V, D), and D has to come first.",
             "if self.head is None:\n    return x @ self.embedding.token.weight\nreturn self.head(x)")])
        def gradients():
            table.grad = x.grad = None
            model.logits(x).sum().backward()
            return [x.grad, None if table.grad is None else np.array(table.grad)]
        expect(gradients(), [np.array([[[3, 4]]], dtype=np.float32), np.array([[1, 10], [1, 10], [1, 10]], dtype=np.float32)], mistakes=[
            (lambda got: got[1] is None, "The scores are right and the table gets no gradient: on the way its numbers were taken out, and what was made of them is a leaf. Use the parameter itself.",
             LOST,
             "if self.head is None:\n    return x @ self.embedding.token.weight.detach().transpose(0, 1)\nreturn self.head(x)",
             "if self.head is None:\n    with no_grad():\n        table = self.embedding.token.weight.transpose(0, 1)\n    return x @ table\nreturn self.head(x)"),
            (lambda got: got[0] is None, "x gets no gradient, so nothing below the head learns. Use x itself.",
             "if self.head is None:\n    return Tensor(x.data) @ self.embedding.token.weight.transpose(0, 1)\nreturn self.head(x)"),
            (RuntimeError, "Nothing was recorded: the numbers were taken out of both Tensors. Use the Tensors themselves.",
             "if self.head is None:\n    return Tensor(x.data @ self.embedding.token.weight.data.T)\nreturn self.head(x)")])

    def a_head_of_its_own_and_a_square_table():
        """A head of its own is used where there is one, and a square table is turned round too"""
        from tinytorch import enable_autograd
        enable_autograd()
        model = GPT(3, 2, 1, 1, 4)
        model.head.weight.data[...] = [[1, 2, 3], [4, 5, 6]]
        expect(model.logits(Tensor([[[1, 10]]])), Tensor([[[41, 52, 63]]]), mistakes=[
            (lambda got: True, "This model has a head of its own, and it was not used.",
             "return x @ self.embedding.token.weight.transpose(0, 1)")])
        model = GPT(2, 2, 1, 1, 4, tie_weights=True)
        table = model.embedding.token.weight
        table.data[...] = [[1, 2], [3, 4]]
        expect(model.logits(Tensor([[[1, 10]]])), Tensor([[[21, 43]]]), mistakes=[
            (Tensor([[[31, 42]]]), "V and D are both 2 here, so the product is possible without turning the table round, and wrong.",
             "if self.head is None:\n    weight = self.embedding.token.weight\n    return x @ (weight if weight.shape[0] == x.shape[-1] else weight.T)\nreturn self.head(x)")])
        model.logits(Tensor([[[1, 10]]]) + table[0] * 0).sum().backward()
        expect(np.array(table.grad), np.array([[1, 10], [1, 10]], dtype=np.float32))

    equivalent = [
        ("return x @ self.embedding.token.weight.transpose(0, 1)  ->  return x @ self.embedding.token.weight.transpose(1, 0)", "the same two axes change places"),
    ]

    right = [
        MENDED,
        "if self.head is not None:\n    return self.head(x)\ntable = self.embedding.token.weight\nreturn x @ table.T",
        "if self.head is None:\n    return (self.embedding.token.weight @ x.transpose(-2, -1)).transpose(-2, -1)\nreturn self.head(x)",
    ]


class exercise_rms_norm:

    def a_row_of_two():
        """A row of two"""
        layer = RMSNorm(2, eps=0)
        expect(layer.forward(Tensor([[1, 7]])), Tensor([[0.2, 1.4]]), mistakes=[
            (Tensor([[0.04, 0.28]]), "You divided by the mean square. Its root is missing.",
             ROWS + SQUARE + "return x / (mean_square + self.eps) * self.weight"),
            (Tensor([[-1, 1]]), "That is layer norm, which takes the mean away. Here the mean stays.",
             ROWS + "centred = x - x.mean(axis=-1, keepdims=True)\nreturn centred / ((centred * centred).mean(axis=-1, keepdims=True) + self.eps).sqrt() * self.weight"),
            (Tensor([[0.25, 1.75]]), "You divided by the mean. Square first, then take the mean, then the root.",
             ROWS + "return x / (x.mean(axis=-1, keepdims=True) + self.eps) * self.weight"),
            (Tensor([[0.14142136, 0.98994949]]), "You divided by the root of the sum of the squares. It is their mean.",
             ROWS + "return x / ((x * x).sum(axis=-1, keepdims=True) + self.eps).sqrt() * self.weight"),
            (Tensor([[5, 35]]), "You multiplied by the root. Divide by it.",
             ROWS + SQUARE + "return x * (mean_square + self.eps).sqrt() * self.weight")])

    def each_row_with_eps_and_the_weight():
        """Each row by itself, with eps and the weight"""
        layer = RMSNorm(2, eps=3)
        layer.weight.data[...] = [10, 100]
        expect(layer.forward(Tensor([[1, 1], [2, 12**0.5 + 0]])), Tensor([[5, 50], [6.030227, 104.44659]]), mistakes=[
            (lambda got: np.allclose(got.data[0], [0.5, 0.5]), "The weight is missing.",
             ROWS + SQUARE + "return x / (mean_square + self.eps).sqrt()"),
            (lambda got: np.allclose(got.data[0], [2.5, 25]), "eps was added to the root. Add it to the mean square, before the root is taken.",
             ROWS + SQUARE + "return x / (mean_square.sqrt() + self.eps) * self.weight"),
            (lambda got: np.allclose(got.data[0], [10, 100]), "eps has no effect.",
             ROWS + SQUARE + "return x / mean_square.sqrt() * self.weight"),
            (lambda got: any(np.isclose(got.data[0, 0], 10 / (mean + 3) ** 0.5, rtol=1e-3) for mean in (4.5, 2.5)), "The rows got mixed up. The mean is taken along the last axis, axis=-1, which keepdims=True keeps with size 1.",
             ROWS + "mean_square = (x * x).mean(axis=0, keepdims=True)\n" + ROOT,
             ROWS + "mean_square = (x * x).mean()\n" + ROOT)])

    def with_a_way_back_and_a_look_at_the_shape():
        """With a way back, and a look at the shape"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer, x = RMSNorm(2, eps=0), Tensor([[3, 4]], requires_grad=True)
        def gradients():
            x.grad = layer.weight.grad = None
            layer.forward(x)[0, 0].backward()
            return [x.grad, layer.weight.grad]
        expect(gradients(), [np.array([[0.18101934, -0.1357645]], dtype=np.float32), np.array([0.8485281, 0.0], dtype=np.float32)], rtol=1e-4, mistakes=[
            (lambda got: got[0] is None or not np.isclose(got[0][0, 1], -0.1357645, rtol=1e-3), "The root depends on x as well, and that part of the gradient is lost. Compute it with Tensors, not with .data.",
             ROWS + "root = np.sqrt((x.data ** 2).mean(axis=-1, keepdims=True) + self.eps)\nreturn x / Tensor(root) * self.weight"),
            (lambda got: got[1] is None, "The weight gets no gradient: self.weight itself is to be multiplied by.",
             ROWS + SQUARE + "return x / (mean_square + self.eps).sqrt() * Tensor(self.weight.data)")])
        expect(RMSNorm(2, eps=0).forward(Tensor([[[1, 7], [14, 2]]])), Tensor([[[0.2, 1.4], [1.4, 0.2]]]))
        expect_raises(ValueError, lambda: RMSNorm(3).forward(Tensor([[1.0]])), mentions=["normalized_shape=3"], mistakes=[
            (Tensor(np.full((1, 3), 0.999995)), "One feature came where three belong, and broadcasting hid it. Keep the line that was given.",
             SQUARE + ROOT)])

    right = [
        ROWS + SQUARE + ROOT,
        ROWS + "return self.weight * x * ((x ** 2).mean(axis=-1, keepdims=True) + self.eps) ** -0.5",
        ROWS + "D = x.shape[-1]\nroot = ((x * x).sum(axis=-1, keepdims=True) / D + self.eps).sqrt()\nnormalized = x / root\nreturn normalized * self.weight",
    ]


class exercise_rotate_by_position:

    def one_pair_at_two_positions():
        """One pair, at two positions"""
        expect(rotate_by_position(Tensor([[1, 0], [1, 0]])), Tensor([[1, 0], [0.5403023, 0.841471]]), mistakes=[
            (lambda got: got.dtype == np.float64, "The angles are float64, and so is the result. wrap(array, x) takes the dtype of x.",
             HALVES.replace("wrap(np.cos(angles), x), wrap(np.sin(angles), x)", "Tensor(np.cos(angles), dtype=np.float64), Tensor(np.sin(angles), dtype=np.float64)") + TURNED),
            (Tensor([[1, 0], [0.5403023, -0.841471]]), "Turned the other way round: a sine has the wrong sign. The first half is a cos - b sin.",
             HALVES + "return cat([a * cos + b * sin, b * cos - a * sin], axis=-1)"),
            (Tensor([[0, 1], [0.841471, 0.5403023]]), "Position 0 was turned. cos and sin changed places, or the halves of the result did.",
             HALVES + "return cat([a * sin + b * cos, a * cos - b * sin], axis=-1)"),
            (lambda got: got.shape == (4, 1), "The halves were put below each other. They belong side by side: axis=-1.",
             HALVES + "return cat([a * cos - b * sin, a * sin + b * cos], axis=0)"),
            (lambda got: got.shape == (2, 1), "Half of the features came back. Put both halves together with cat.",
             HALVES + "return a * cos - b * sin")])

    def two_pairs_each_at_its_own_pace():
        """Two pairs, each at its own pace"""
        x = Tensor([[[1, 2, 3, 4], [1, 2, 3, 4]]])
        expect(rotate_by_position(x), Tensor([[[1, 2, 3, 4], [-1.9841106, 1.9599006, 2.462378, 4.0197997]]]), mistakes=[
            (lambda got: np.isclose(got.data[0, 1, 0], -1.1426396, rtol=1e-3), "Features 0 and 1 were taken for a pair, and 2 and 3. Here i and i + D / 2 belong together: the first half is x[..., :half].",
             ANGLES + "a, b = x[..., ::2], x[..., 1::2]\nturned = [a * cos - b * sin, a * sin + b * cos]\nreturn cat([turned[0][..., :1], turned[1][..., :1], turned[0][..., 1:], turned[1][..., 1:]], axis=-1)"),
            (lambda got: got.shape == (2, 2, 2), "The halves were put below each other. They belong side by side: axis=-1.",
             HALVES + TURNED.replace(", axis=-1", "")),
            (lambda got: np.allclose(got.data[0, 1, :2], [-1.9841106, 1.9599006]), "The first half is right. The second is a sin + b cos, with the a that came in.",
             HALVES + "a = a * cos - b * sin\nreturn cat([a, a * sin + b * cos], axis=-1)",
             HALVES + "return cat([a * cos - b * sin, b * sin + a * cos], axis=-1)"),
            (lambda got: np.allclose(got.data[0, 1, 2:], [2.462378, 4.0197997]), "The second half is right. The first is a cos - b sin, with the b that came in.",
             HALVES + "b = a * sin + b * cos\nreturn cat([a * cos - b * sin, b], axis=-1)",
             HALVES + "return cat([a * cos, a * sin + b * cos], axis=-1)")])

    def products_depend_on_the_distance():
        """Products depend on the distance alone, in the middle of a text too"""
        q, k = Tensor([[1, 2, 3, 4]]), Tensor([[4, 1, 2, 1]])
        def product(m, n):
            return float((rotate_by_position(q, m) * rotate_by_position(k, n)).sum().item())
        expect(product(7, 4), product(3, 0), rtol=1e-4, mistakes=[
            (lambda got: np.isclose(got, -12.211370, rtol=1e-4), "Moved on by four positions, query and key give another product. Turn by the angles of `start` and after, which the lines that were given compute.",
             "half = check_pairs(x)\nangles = (start ** 2 + np.arange(x.shape[-2]))[:, None] * np.ones(half)\ncos, sin = wrap(np.cos(angles), x), wrap(np.sin(angles), x)\na, b = x[..., :half], x[..., half:]\n" + TURNED)])
        expect(abs(product(3, 0) - product(0, 0)) > 1, True, mistakes=[
            (False, "At every position the product is the same: nothing was turned by `start`.",
             HALVES.replace("np.arange(start, start + x.shape[-2])", "np.arange(x.shape[-2])") + TURNED)])

    def a_way_back():
        """With a way back"""
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor([[1, 0], [1, 0]], requires_grad=True)
        def gradient():
            x.grad = None
            rotate_by_position(x)[1, 1].backward()
            return x.grad
        expect(gradient(), np.array([[0, 0], [0.841471, 0.5403023]], dtype=np.float32), mistakes=[
            ((RuntimeError, TypeError), "The way back is lost: the numbers were taken out with .data. Compute with Tensors.",
             "half = check_pairs(x)\nangles = position_angles(np.arange(start, start + x.shape[-2]), half)\na, b = x.data[..., :half], x.data[..., half:]\nreturn wrap(np.concatenate([a * np.cos(angles) - b * np.sin(angles), a * np.sin(angles) + b * np.cos(angles)], axis=-1), x)")])
        expect_raises(ValueError, lambda: rotate_by_position(Tensor([[1, 2, 3]])), mentions=["even D"], mistakes=[
            (Tensor([[1, 2]]), "Three features make no pairs. The first line that was given, with check_pairs, refuses them.",
             HALVES.replace("check_pairs(x)", "x.shape[-1] // 2").replace("x[..., half:]", "x[..., half:2 * half]") + TURNED)])

    right = [
        HALVES + TURNED,
        ANGLES + "swapped = cat([-x[..., half:], x[..., :half]], axis=-1)\nreturn x * cat([cos, cos], axis=-1) + swapped * cat([sin, sin], axis=-1)",
        HALVES + "first = a * cos - b * sin\nsecond = b * cos + a * sin\nreturn cat((first, second), axis=x.ndim - 1)",
    ]


class exercise_repeat_heads:

    def copies_side_by_side():
        """Copies stand side by side"""
        x = Tensor([[[[1, 2]], [[3, 4]]]])
        expect(repeat_heads(x, 3).data[0, :, 0, 0].tolist(), [1.0, 1.0, 1.0, 3.0, 3.0, 3.0], mistakes=[
            ([1.0, 3.0, 1.0, 3.0, 1.0, 3.0], "The heads came in turns, 0, 1, 0, 1, …. The copies of a head stand side by side, beside their group of queries. np.tile repeats the whole row of positions; an array's repeat repeats each.",
             "return x[:, np.tile(np.arange(x.shape[1]), times)]",
             "return cat([x] * times, axis=1)"),
            (raising(AttributeError, "object has no attribute"), "Index the Tensor with an array of positions. PyTorch's repeat_interleave is such an index here.",
             "return x.repeat_interleave(times, dim=1)",
             "B, H, T, D = x.shape\nreturn x[:, :, None].expand(B, H, times, T, D).reshape(B, H * times, T, D)"),
            (raising(IndexError, "for axis 0"), "The heads are on axis 1: x[:, positions].",
             "return x[np.arange(x.shape[1]).repeat(times)]"),
            (raising(IndexError, "for axis 1"), "There are fewer heads than that. The positions are those of the heads, each `times` times.",
             "return x[:, np.arange(times).repeat(x.shape[1])]"),
            (TypeError, "An array came back, which knows no way back. Index the Tensor itself.",
             "return np.repeat(x.data, times, axis=1)"),
            ([1.0, 3.0], "Nothing was repeated.",
             "return x"),
            ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], "Head 0 took every place. Repeat the positions of all heads.",
             "return x[:, np.zeros(x.shape[1] * times, dtype=int)]"),
            (lambda got: len(got) == 4, "Every head is there twice. It should be `times` times.",
             "return x[:, np.arange(x.shape[1]).repeat(2)]")])
        expect(repeat_heads(Tensor(np.ones((2, 3, 4, 5))), 2).shape, (2, 6, 4, 5), mistakes=[
            ((4, 3, 4, 5), "The sequences were repeated. The heads are on axis 1.",
             "return x[np.arange(x.shape[0]).repeat(times), :] if x.shape[0] > 1 else x[:, np.arange(x.shape[1]).repeat(times)]"),
            ((2, 3, 8, 5), "The positions were repeated. The heads are on axis 1.",
             "return x[:, :, np.arange(x.shape[2]).repeat(times)] if x.shape[2] > 1 else x[:, np.arange(x.shape[1]).repeat(times)]")])

    def gradients_of_the_copies_add_up():
        """The gradients of the copies add up"""
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor([[[[1]], [[3]]]], requires_grad=True)
        def gradient():
            x.grad = None
            (repeat_heads(x, 2) * Tensor([[[[1]], [[10]], [[100]], [[1000]]]])).sum().backward()
            return x.grad.ravel().tolist()
        expect(gradient(), [11.0, 1100.0], mistakes=[
            (RuntimeError, "The way back is lost: the numbers were taken out with .data. Index the Tensor itself.",
             "return Tensor(x.data.repeat(times, axis=1))")])

    wrong = [
        ("return np.repeat(x.data, times, axis=1)", "raised TypeError"),
    ]

    right = [
        "return x[:, np.arange(x.shape[1]).repeat(times)]",
        "B, H, T, D = x.shape\nreturn (x.reshape(B, H, 1, T, D) * Tensor(np.ones((1, 1, times, 1, 1)))).reshape(B, H * times, T, D)",
        "return cat([x[:, [head]] for head in range(x.shape[1]) for copy in range(times)], axis=1)",
    ]
