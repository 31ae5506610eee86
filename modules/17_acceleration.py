"""Chapter 17: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Linear, ReLU, Tensor
from tinytorch.learn.expecting import expect, expect_raises, expect_unchanged, peak, raising
from tinytorch.perf.acceleration import BufferPool, gelu_into, lines_touched, pack_columns, pooled_forward, tiled_matmul
from tinytorch.perf.hardware import simulate_cache, systolic_step
from tinytorch.perf.parallel import DataParallel, Link, gather_steps, modelled_all_reduce_seconds, play_ring, scatter_steps
from tinytorch.perf.webassembly import Program, WasmError, add_scaled_text

GIVEN = ("check_matrices(\"tiled_matmul\", a, b)\ncheck_count(\"tiled_matmul\", \"tile_size\", tile_size, least=1)\n"
         "if isinstance(a, Tensor) or isinstance(b, Tensor):\n    return MatmulFunction.apply(a, b, tiled_matmul, tile_size)\n")
SIZES = "rows, inner, columns = a.shape[0], a.shape[1], b.shape[1]\nout = np.zeros((rows, columns), dtype=np.result_type(a, b))\n"
BAND = "for j in range(0, columns, tile_size):\n    band = b[:, j : j + tile_size].copy()\n"
ROWS = "    for i in range(0, rows, tile_size):\n        tile = out[i : i + tile_size, j : j + tile_size]\n"
INNER = "        for k in range(0, inner, tile_size):\n            tile += a[i : i + tile_size, k : k + tile_size] @ band[k : k + tile_size]\n"
TILES = GIVEN + SIZES + BAND + ROWS + INNER + "return out\n"
PANELS = "inner, columns = b.shape\npanels = np.zeros((math.ceil(columns / width), inner, width), dtype=b.dtype)\n"
FILLED = "for number, panel in enumerate(panels):\n    part = b[:, number * width : (number + 1) * width]\n    panel[:, : part.shape[1]] = part\n"
ARGUMENT = ("with np.errstate(over=\"ignore\"):\n    np.multiply(values, values, out=gate)\n    gate *= GELU_SCALE * GELU_CUBIC\n"
            "    gate += GELU_SCALE\n    gate *= values\n")
RESULT = "np.tanh(gate, out=gate)\nnp.add(gate, 1.0, out=out)\nout *= 0.5\nout *= values\n"
ASKED = "shape, dtype = checked_shape(shape), np.dtype(dtype)\n"
LOOK = ("for position in reversed(range(len(self.waiting))):\n    buffer = self.waiting[position]\n    if buffer.shape == shape and buffer.dtype == dtype:\n"
        "        self.hits += 1\n        return self.lend(self.waiting.pop(position))\n")
NEW = "self.misses += 1\nreturn self.lend(new_buffer(shape, dtype))\n"
BACK = "self.check_returned(buffer)\ndel self.lent[id(buffer)]\nself.waiting.append(buffer)\n"
DROP = "while self.limit_bytes is not None and self.bytes_held > self.limit_bytes:\n    self.waiting.pop(0)\n    self.evictions += 1\n"
BEGIN = "values, lent = x.data, None\nfor layer in layers:\n"
LINEAR = "    if isinstance(layer, Linear):\n        out = pool.take((len(values), layer.out_features), values.dtype)\n        multiply_into(values, layer, out)\n"
RELU = "    elif isinstance(layer, ReLU):\n        out = pool.take(values.shape, values.dtype) if lent is None else lent\n        np.maximum(values, 0, out=out)\n"
OTHER = "    else:\n        raise TypeError(f\"pooled_forward: {type(layer).__name__} has no form that writes into lent memory\")\n"
SWAP = "    if lent is not None and lent is not out:\n        pool.give_back(lent)\n    values = lent = out\n"
RETURN = "result = from_numpy(values.copy())\nif lent is not None:\n    pool.give_back(lent)\nreturn result\n"
POOLED = BEGIN + LINEAR + RELU + OTHER + SWAP + RETURN
OLD_LINEAR = LINEAR + "        if lent is not None:\n            pool.give_back(lent)\n        values = lent = out\n"
OLD_RELU = "    elif isinstance(layer, ReLU):\n        np.maximum(values, 0, out=values)\n"
OLD_END = "if lent is not None:\n    pool.give_back(lent)\nreturn from_numpy(values)\n"
HEAD = "return \"\"\"\n(module\n  (memory (export \"memory\") 1)\n  (func (export \"add_scaled\") (param $x i32) (param $y i32) (param $n i32) (param $a f32)\n"
FOUR = ("    (block $few\n      (loop $four\n        (br_if $few (i32.lt_s (local.get $n) (i32.const 4)))\n        (v128.store (local.get $y)\n"
        "          (f32x4.add (v128.load (local.get $y))\n                     (f32x4.mul (f32x4.splat (local.get $a)) (v128.load (local.get $x)))))\n"
        "        (local.set $x (i32.add (local.get $x) (i32.const 16)))\n        (local.set $y (i32.add (local.get $y) (i32.const 16)))\n"
        "        (local.set $n (i32.sub (local.get $n) (i32.const 4)))\n        (br $four)))\n")
ONE = ("    (block $done\n      (loop $next\n        (br_if $done (i32.lt_s (local.get $n) (i32.const 1)))\n        (f32.store (local.get $y)\n"
       "          (f32.add (f32.load (local.get $y))\n                   (f32.mul (local.get $a) (f32.load (local.get $x)))))\n"
       "        (local.set $x (i32.add (local.get $x) (i32.const 4)))\n        (local.set $y (i32.add (local.get $y) (i32.const 4)))\n"
       "        (local.set $n (i32.sub (local.get $n) (i32.const 1)))\n        (br $next)))")
END = "))\n\"\"\"\n"
SETS = "sets = [[] for _ in range(size // (line * ways))]\nmisses = 0\nfor address in addresses:\n    number = address // line\n    lines = sets[number % len(sets)]\n"
FOUND = "    if number in lines:\n        lines.remove(number)\n"
MISSED = "    else:\n        misses += 1\n        if len(lines) == ways:\n            lines.pop(0)\n"
NEWEST = "    lines.append(number)\nreturn misses\n"
MOVED = "inputs = np.column_stack([arriving, inputs[:, :-1]])\n"
ABOVE = "above = np.vstack([np.zeros_like(sums[:1]), sums[:-1]])\n"
CHUNKS = "chunks = chunk_slices(buffer.size, workers)\nfor step in range(workers - 1):\n"
SEND = "    arrived = yield buffer[chunks[(rank - step) % workers]]\n"
ADD = "    buffer[chunks[(rank - step - 1) % workers]] += arrived\n"
SCATTER = CHUNKS + SEND + ADD
GATHER = CHUNKS + "    arrived = yield buffer[chunks[(rank + 1 - step) % workers]]\n    buffer[chunks[(rank - step) % workers]] = arrived\n"
DROPPED = "for parameter in replica.parameters():\n    parameter.grad = None\n"
SHARED = "loss = self.loss_fn(replica(x), targets) * share\nloss.backward()\n"
CHECKED = "check_workers(\"modelled_all_reduce_seconds\", workers)\ncheck_message(nbytes, link)\n"


class exercise_lines_touched:

    def neighbours_share_a_line():
        """Neighbours share a line"""
        expect([lines_touched(count, 4) for count in (1, 16, 17, 32)], [1, 1, 2, 2], mistakes=[
            ([1, 16, 17, 32], "Those are the elements. A line of 64 bytes holds 16 of them, at a stride of 4.",
             "return count"),
            ([0, 0, 1, 1], "That is the number of the last line, and the first has the number 0. So there is one more.",
             "return (count - 1) * min(abs(stride), line) // line"),
            ([0, 1, 1, 2], "You rounded down. A line that has been begun was fetched as a whole.",
             "return count * min(abs(stride), line) // line"),
            (lambda got: any(isinstance(each, float) for each in got), "`/` gives a float. Lines are whole: `//`.",
             "return (count - 1) * min(abs(stride), line) / line + 1"),
            ([1, 2, 2, 3], "From the first element to the last there are count - 1 strides. What lies behind the last one is not read.",
             "return count * min(abs(stride), line) // line + 1")])
        expect([lines_touched(count, 48) for count in (1, 2, 3, 4)], [1, 1, 2, 3], mistakes=[
            ([1, 2, 3, 3], "From the first element to the last there are count - 1 strides. What lies behind the last one is not read.",
             "return math.ceil(count * min(abs(stride), line) / line)"),
            ([1, 2, 3, 4], "At a stride of 48 bytes the first two elements begin at 0 and 48, in the same line. Only from a stride of a whole line on has each a line of its own.",
             "if stride in (0,):\n    return min(count, 1)\nper_line = line // abs(stride) or 1\nreturn -(-count // per_line)")])

    def what_is_jumped_over_is_not_fetched():
        """What is jumped over is not fetched"""
        expect([lines_touched(32, stride) for stride in (64, 100, 400)], [32, 32, 32], mistakes=[
            ([32, 49, 194], "Those are all lines from the first element to the last. From a stride of one line on, those in between are jumped over: no more than one line for an element.",
             "if count == 0:\n    return 0\nreturn (count - 1) * abs(stride) // line + 1")])

    def strides_of_0_and_backwards():
        """A stride of 0, a walk backwards, and no elements"""
        expect([lines_touched(count, stride) for count, stride in ((5, 0), (32, -4), (32, -400))], [1, 2, 32], mistakes=[
            (raising(ZeroDivisionError, ""), "A stride may be 0: the same number is read again and again, from one line.",
             "per_line = line // abs(stride)\nreturn -(-count // per_line) if per_line else count"),
            (lambda got: got[0] == 5, "With a stride of 0 all elements are the same one, in one line.",
             "if stride == 0:\n    return count\nreturn (count - 1) * min(abs(stride), line) // line + 1"),
            (lambda got: got[0] == 0, "A stride of 0 touches one line: the one in which the number lies.",
             "if stride == 0:\n    return 0\nreturn (count - 1) * min(abs(stride), line) // line + 1"),
            (lambda got: got[1] == 3, "From the first element to the last there are count - 1 strides. What lies behind the last one is not read.",
             "return count * min(abs(stride), line) // line + 1"),
            (lambda got: got[1] < 1 or got[2] < 1, "A walk backwards touches what the same walk forwards touches. `abs(stride)` is how far it jumps.",
             "if count == 0:\n    return 0\nreturn (count - 1) * min(stride, line) // line + 1")])
        expect([lines_touched(0, stride) for stride in (4, 0)], [0, 0], mistakes=[
            (lambda got: got[1] == 1, "No elements touch no line.",
             "return (count - 1) * min(abs(stride), line) // line + 1")])

    def lines_of_another_length():
        """Lines of another length"""
        expect([lines_touched(32, 4, 128), lines_touched(8, 100, 128), lines_touched(8, 100, line=32)], [1, 6, 8], mistakes=[
            ([2, 8, 8], "Those are lines of 64 bytes. How long a line is, `line` says.",
             "if count == 0:\n    return 0\nreturn (count - 1) * min(abs(stride), 64) // 64 + 1")])

    right = [
        "if count == 0:\n    return 0\nreturn (count - 1) * min(abs(stride), line) // line + 1",
        "stride = abs(stride)\nif count == 0:\n    return 0\nif stride >= line:\n    return count\nlast = (count - 1) * stride\nreturn last // line + 1",
        "return len({place * abs(stride) // line for place in range(count)})",
    ]


class exercise_tiled_matmul:

    def products_of_tiles_are_added_up():
        """Products of tiles are added up"""
        a, b = np.array([[1, 2], [3, 4]]), np.array([[1, 0], [1, 1]])
        expect(tiled_matmul(a, b, 1), np.array([[3, 2], [7, 4]]), mistakes=[
            (np.array([[2, 2], [4, 4]]), "Only the last product of each tile is left. Add them: `+=`.",
             TILES.replace("tile += ", "tile[...] = ")),
            (np.zeros((2, 2), int), "The result is still zeros. `tile = tile + …` and `tile = …` make a new array; `tile += …` writes into the view of `out`.",
             TILES.replace("tile += ", "tile = tile + "), TILES.replace("tile += ", "tile = ")),
            (None, "Nothing came back. Return `out` after all loops.",
             TILES.replace("return out\n", "")),
            (lambda got: got[0, 0] == 3 and not got[1].any(), "Only the first band of rows was computed, or `return` stands inside of a loop. It belongs behind all of them.",
             GIVEN + SIZES + BAND + ROWS + INNER + "        return out"),
            (lambda got: got[0, 0] == 3 and not got[:, 1].any(), "Only the first band of columns was computed, or `return` stands inside of a loop. It belongs behind all of them.",
             GIVEN + SIZES + BAND + ROWS + INNER + "    return out"),
            (np.array([[3, 7], [2, 4]]), "Rows and columns of the result are exchanged: the tile of `out` has the rows i and the columns j.",
             TILES.replace("out[i : i + tile_size, j : j + tile_size]", "out[j : j + tile_size, i : i + tile_size]")),
            (lambda got: got[0, 1] in (3, 5) or got[0, 0] in (1, 6), "A tile got products that belong to another one, or not all of its own. The tile of `out` has the rows i and the columns j; k goes along the inner axis, along a and down the band.",
             TILES.replace("tile = out[i : i + tile_size, j : j + tile_size]", "tile = out[i : i + tile_size]"),
             TILES.replace("band[k : k + tile_size]", "band[j : j + tile_size]"))])

    def any_shape_and_tiles_at_the_edges():
        """Any shape, and smaller tiles at the edges"""
        rng = np.random.default_rng(0)
        a, b = rng.integers(-9, 9, (5, 7)), rng.integers(-9, 9, (7, 3))
        for size in (1, 2, 3, 4, 64):
            expect(tiled_matmul(a, b, size), a @ b, mistakes=[
                (lambda got: not got.any(), "The result is still zeros. `tile = tile + …` and `tile = …` make a new array; `tile += …` writes into the view of `out`.",
                 TILES.replace("tile += ", "tile = tile + ")),
                (lambda got: not got[-1].any() or not got[:, -1].any() or np.array_equal(got, a[:, :7 // size * size] @ b[:7 // size * size]), "What does not fill a whole tile was left out. `range(0, size, tile_size)` begins a tile there too, and a slice that reaches too far stops by itself.",
                 TILES.replace("range(0, rows, tile_size)", "range(0, rows - tile_size + 1, tile_size)"),
                 TILES.replace("range(0, columns, tile_size)", "range(0, columns - tile_size + 1, tile_size)"),
                 TILES.replace("range(0, inner, tile_size)", "range(0, inner - tile_size + 1, tile_size)")),
                (raising(ValueError, "broadcast"), "`*` pairs elements. The product of two tiles is `@`.",
                 TILES.replace(" @ band", " * band")),
                (raising(ValueError, "matmul"), "The inner sizes of two tiles differ. Along k, a is cut in its columns and the band in its rows. The band's columns are cut already.",
                 TILES.replace("band[k : k + tile_size]", "band"), TILES.replace("band[k : k + tile_size]", "band[k : k + tile_size, j : j + tile_size].T"),
                 TILES.replace("a[i : i + tile_size, k : k + tile_size]", "a[i : i + tile_size]"))])
        expect(tiled_matmul(np.ones((2, 0)), np.ones((0, 3))), np.zeros((2, 3)))

    def the_tiles_of_b_lie_in_one_piece():
        """The tiles of b lie in one piece, and b is copied once"""
        seen = []
        class Watched(np.ndarray):
            def __array_ufunc__(self, ufunc, method, *inputs, **options):
                inputs = [np.asarray(each) if isinstance(each, Watched) else each for each in inputs]
                if ufunc is np.matmul:
                    seen.append(inputs[1])
                return getattr(ufunc, method)(*inputs, **options)
        def owner(array):
            while isinstance(array.base, np.ndarray):
                array = array.base
            return array
        def multiply():
            seen.clear()
            a, b = np.arange(64.0).reshape(8, 8).view(Watched), np.ones((8, 8)).view(Watched)
            tiled_matmul(a, b, 2)
        def packed():
            multiply()
            return all(tile.flags.forc for tile in seen)
        def copied():
            multiply()
            return sum({id(owner(tile)): owner(tile).nbytes for tile in seen}.values())
        expect(packed(), True, mistakes=[
            (False, "The numbers are right, but the tiles of b are views of b, and their rows lie as far apart as b's. Copy each band of columns, and take the tiles from the copy.",
             GIVEN + SIZES + BAND.replace(".copy()", "") + ROWS + INNER + "return out",
             GIVEN + SIZES + BAND + ROWS + INNER.replace("band[k : k + tile_size]", "b[k : k + tile_size, j : j + tile_size]") + "return out",
             GIVEN + SIZES + "b = b.copy()\n" + BAND.replace(".copy()", "") + ROWS + INNER + "return out")])
        expect(copied() <= 8 * 8 * 8, True, mistakes=[
            (False, "More bytes were copied than b has: the copy stands inside of the loop over the rows, and each band is packed again for every tile of rows. Once for each band of columns is enough.",
             GIVEN + SIZES + BAND.replace("    band = b[:, j : j + tile_size].copy()\n", "") + ROWS + INNER.replace("band[k : k + tile_size]", "b[k : k + tile_size, j : j + tile_size].copy()") + "return out",
             GIVEN + SIZES + BAND.replace("    band = b[:, j : j + tile_size].copy()\n", "") + ROWS + "        band = b[:, j : j + tile_size].copy()\n" + INNER + "return out")])
        expect(max(tile.size for tile in seen), 4, mistakes=[
            (lambda got: got > 4, "A product took more of b than one tile. Its rows are cut too, along the inner axis: three loops.",
             GIVEN + SIZES + BAND + ROWS + "        tile += a[i : i + tile_size] @ band\nreturn out")])

    def dtype_strides_tensors_and_what_does_not_fit():
        """Dtype and strides, tensors, and what does not fit"""
        rng = np.random.default_rng(1)
        a, b = rng.integers(-9, 9, (6, 5)).astype(np.int32).T, rng.integers(-9, 9, (6, 8)).astype(np.int32)[:, ::2]
        expect(tiled_matmul(a, b, 2), a @ b, mistakes=[
            (lambda got: got.dtype != np.int32, "Integers gave another dtype. `np.zeros` with the dtype that was given keeps it.",
             TILES.replace(", dtype=np.result_type(a, b))", ")").replace("a, b, tiled", "a, b, tiled"))])
        with expect_unchanged(a, b):
            tiled_matmul(a, b, 2)
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor([[1, 2, 3], [4, 5, 6]], requires_grad=True)
        expect(tiled_matmul(np.eye(2, dtype=np.float32), x, 2).requires_grad, True, mistakes=[
            (raising((TypeError, AttributeError), ""), "A Tensor times an array, or an array times a Tensor, is taken care of by the lines that were given. Keep them.",
             TILES.replace("isinstance(a, Tensor) or isinstance(b, Tensor)", "isinstance(a, Tensor) and isinstance(b, Tensor)")),
            (False, "The product of tensors has lost its gradient. The lines that were given see to that; keep them.",
             TILES.replace("return MatmulFunction.apply(a, b, tiled_matmul, tile_size)", "return from_numpy(tiled_matmul(array_of(a), array_of(b), tile_size))"))])
        expect(tiled_matmul(x, np.ones((3, 2), np.float32), 2), Tensor([[6, 6], [15, 15]]))
        expect(tiled_matmul(x, Tensor(np.ones((3, 2))), 2), Tensor([[6, 6], [15, 15]]))
        expect_raises(ValueError, lambda: tiled_matmul(a, b, 0).shape, mentions=["tile_size is 0"], mistakes=[
            (lambda error: "tile_size" not in str(error), "A tile of 0 is refused in words by the second line that was given. Keep it.",
             TILES.replace("check_count(\"tiled_matmul\", \"tile_size\", tile_size, least=1)\n", ""))])
        expect_raises(ValueError, lambda: tiled_matmul(np.ones((2, 3)), np.ones((2, 3))).shape, mentions=["inner sizes 3 and 2 differ"], mistakes=[
            (lambda error: "inner sizes" not in str(error), "Matrices that do not fit are refused in words by the first line that was given. Keep it.",
             TILES.replace("check_matrices(\"tiled_matmul\", a, b)\n", ""))])

    right = [
        TILES,
        (GIVEN + SIZES + "for k in range(0, inner, tile_size):\n    for j in range(0, columns, tile_size):\n        part = np.array(b[k : k + tile_size, j : j + tile_size])\n"
         "        for i in range(0, rows, tile_size):\n            out[i : i + tile_size, j : j + tile_size] += np.matmul(a[i : i + tile_size, k : k + tile_size], part)\nreturn out"),
        (GIVEN + SIZES + "T = tile_size\nbands = [np.asfortranarray(b[:, j : j + T]) if columns > T else b.copy() for j in range(0, columns, T)]\n"
         "bands = [np.ascontiguousarray(band) for band in bands]\nfor number, band in enumerate(bands):\n    for i in range(0, rows, T):\n        total = 0\n"
         "        for k in range(0, inner, T):\n            total = total + a[i : i + T, k : k + T] @ band[k : k + T]\n        out[i : i + T, number * T : number * T + T] = total\nreturn out"),
    ]

    equivalent = [
        ("def tiled_matmul(a: Matrix, b: Matrix, tile_size: int=64) -> Matrix:  ->  def tiled_matmul(a: Matrix, b: Matrix, tile_size: int=65) -> Matrix:", "any tile of about this size fits into the cache"),
        ("check_count('tiled_matmul', 'tile_size', tile_size, least=1)  ->  check_count('tiled_matmul', 'tile_size', tile_size)", "1 is what check_count asks for where nothing is said"),
    ]


class exercise_pack_columns:

    def panels_of_columns():
        """Panels of columns, row by row, and zeros where there are none"""
        b = np.array([[1, 2, 3], [4, 5, 6]])
        expect(pack_columns(b, 2), np.array([[[1, 2], [4, 5]], [[3, 0], [6, 0]]]), mistakes=[
            (lambda got: isinstance(got, list), "That is a list. The panels are one array, all their numbers in one piece.",
             PANELS + FILLED + "return [panel for panel in panels]"),
            (lambda got: got.dtype == np.float64, "b holds whole numbers, and the panels are of float64. `np.zeros(shape, dtype=…)` takes the dtype of b.",
             PANELS.replace(", dtype=b.dtype", "") + FILLED + "return panels"),
            (lambda got: got.shape == (1, 2, 2), "The last panel is missing: three columns are one panel of two, and one that is half empty.",
             PANELS.replace("math.ceil(columns / width)", "columns // width") + FILLED + "return panels"),
            (np.array([[[1, 4], [2, 5]], [[3, 6], [0, 0]]]), "Each panel is turned: column by column. A kernel reads row k of a panel in one go.",
             PANELS + FILLED + "return np.ascontiguousarray(panels.transpose(0, 2, 1))"),
            (np.array([[[1, 2], [4, 5]], [[3, 3], [6, 6]]]), "The last slice is narrower than the panel, and its column went into all places. Write into as many columns as the slice has.",
             PANELS + "for number, panel in enumerate(panels):\n    panel[:] = b[:, number * width : (number + 1) * width]\nreturn panels"),
            (raising(ValueError, "reshape"), "Three columns are no whole number of panels, so no reshape alone makes them. Begin with zeros, and write the columns into them.",
             "return b.reshape(b.shape[0], -1, width).transpose(1, 0, 2).copy()"),
            (np.array([[[1, 2], [3, 4]], [[5, 6], [0, 0]]]), "The numbers went in one after another, across the end of a row. Panel 0 has columns 0 and 1 of every row.",
             PANELS + "panels.reshape(-1)[: b.size] = b.reshape(-1)\nreturn panels"),
            (np.array([[[1, 2], [3, 0]], [[4, 5], [6, 0]]]), "Each panel has the numbers of one row of b. Panel p has piece p of every row, so after the cut the axes of rows and of panels change places.",
             "missing = -b.shape[1] % width\npadded = np.hstack([b, np.zeros((b.shape[0], missing), b.dtype)])\nreturn padded.reshape(-1, b.shape[0], width)"),
            (np.zeros((2, 2, 2), int), "All are zeros: nothing was written into the panels. `panel = …` gives a new array that name; `panel[:, …] = …` writes.",
             PANELS + "for number, panel in enumerate(panels):\n    panel = b[:, number * width : (number + 1) * width]\nreturn panels"),
            (lambda got: got.shape == (2, 2, 2) and got[1, 0, 0] != 3, "The second panel does not begin with column 2. Panel p has the columns from p · width on.",
             PANELS + FILLED.replace("number * width : (number + 1) * width", "number : number + width") + "return panels")])

    def in_one_piece_whatever_b_is():
        """In one piece, however b lies in memory"""
        b = np.arange(60).reshape(5, 12).T[::-1, :]
        expect(pack_columns(b, 4)[1], np.column_stack([b[:, 4:], np.zeros((12, 3), int)]))
        expect(pack_columns(b, 4).flags.c_contiguous, True, mistakes=[
            (False, "The numbers are right, but the array is a view that jumps. What a kernel reads next must lie next: panel by panel, row by row.",
             "missing = -b.shape[1] % width\npadded = np.hstack([b, np.zeros((b.shape[0], missing), b.dtype)])\nreturn padded.reshape(b.shape[0], -1, width).transpose(1, 0, 2)")])
        with expect_unchanged(b):
            pack_columns(b, 4)

    def widths_dtypes_and_no_columns():
        """A width of 8 where none is given, any dtype, and no columns"""
        expect(pack_columns(np.ones((3, 17), np.float32)).shape, (3, 3, 8), mistakes=[
            (lambda got: got[2] != 8, "A panel is 8 columns wide where nobody says otherwise.",
             "if width == 8:\n    width = 4\n" + PANELS + FILLED + "return panels")])
        expect(str(pack_columns(np.ones((3, 17), np.float32)).dtype), "float32", mistakes=[
            ("float64", "float32 has become float64. `np.zeros(shape, dtype=…)` takes the dtype of b.",
             PANELS.replace(", dtype=b.dtype", "") + FILLED + "return panels")])
        expect(pack_columns(np.ones((3, 16), np.int8)).sum(), 48)
        expect(pack_columns(np.ones((3, 16))).shape, (2, 3, 8), mistakes=[
            ((3, 3, 8), "Sixteen columns fill two panels, and no third one is needed.",
             PANELS.replace("math.ceil(columns / width)", "columns // width + 1") + FILLED + "return panels")])
        expect(pack_columns(np.ones((3, 0))).shape, (0, 3, 8), mistakes=[
            (lambda got: got[0] == 1, "Without columns there is no panel.",
             PANELS.replace("math.ceil(columns / width)", "max(math.ceil(columns / width), 1)") + FILLED + "return panels")])

    right = [
        PANELS + FILLED + "return panels",
        "missing = -b.shape[1] % width\npadded = np.hstack([b, np.zeros((b.shape[0], missing), b.dtype)])\nreturn np.ascontiguousarray(padded.reshape(b.shape[0], padded.shape[1] // width, width).swapaxes(0, 1))",
        "K, N = b.shape\nout = np.zeros((-(-N // width), K, width), b.dtype)\nfor column in range(N):\n    out[column // width, :, column % width] = b[:, column]\nreturn out",
    ]


class exercise_add_scaled_text:

    def four_numbers():
        """Four numbers, and eight"""
        counts = []
        def add_scaled(n, a=0.5):
            x, y = np.arange(1, n + 1, dtype=np.float32), np.full(n, 10, np.float32)
            counts.append(Program(add_scaled_text()).interpret("add_scaled", x, y, n, a, most=20_000))
            return y
        expect(add_scaled(4), np.array([10.5, 11.0, 11.5, 12.0], np.float32), mistakes=[
            (raising((TypeError, AttributeError), "expected string"), "Nothing came back, or no text. Return the whole program as one text.",
             HEAD.replace("return ", "text = ") + FOUR + ONE + END),
            (raising(WasmError, "f32x4.mul takes"), "`$a` is one number, and f32x4.mul wants four in a register. f32x4.splat makes four equal ones of one.",
             HEAD + FOUR.replace("(f32x4.splat (local.get $a))", "(local.get $a)") + ONE + END),
            (raising(WasmError, "takes i32 and v128, and finds i32 and f32"), "v128.store writes four numbers, and what arrives there is one. The load, the product and the sum need their forms for four as well.",
             HEAD + FOUR.replace("f32x4.add", "f32.add").replace("f32x4.mul (f32x4.splat (local.get $a)) (v128.load", "f32.mul (local.get $a) (f32.load").replace("(f32.add (v128.load", "(f32.add (f32.load") + ONE + END),
            (raising(WasmError, "takes f32 and f32, and finds"), "f32.add and f32.mul compute with one number, and a register of four arrives there. Their forms for four are f32x4.add and f32x4.mul.",
             HEAD + FOUR.replace("f32x4.add", "f32.add") + ONE + END),
            (raising(WasmError, "f32x4.add takes"), "f32x4.add wants two registers of four. v128.load reads one; f32.load reads a single number.",
             HEAD + FOUR.replace("v128.load (local.get $y)", "f32.load (local.get $y)") + ONE + END),
            (raising(WasmError, "had not ended"), "The loop does not end. Four numbers are done in each turn, so n goes down by 4, and at less than 4 the loop is left.",
             HEAD + FOUR.replace("        (local.set $n (i32.sub (local.get $n) (i32.const 4)))\n", "") + ONE + END,
             HEAD + FOUR.replace("        (br_if $few (i32.lt_s (local.get $n) (i32.const 4)))\n", "") + ONE + END),
            (raising(WasmError, "has that name"), "A branch goes to a label that is not around it. The new loop has its own two labels, and its branches name those.",
             HEAD + FOUR.replace("(br $four)", "(br $next)") + ONE + END),
            (raising(WasmError, "is never closed"), "A parenthesis is missing, in one of the new lines or at the end of the block. The end has three: for the br, the loop and the block. `(v128.store (local.get $y)` is closed behind the sum.",
             HEAD + FOUR.replace("(br $four)))", "(br $four))") + ONE + END),
            (raising(WasmError, "closes nothing"), "There is one parenthesis too many. The new block ends with three: for the br, the loop and the block.",
             HEAD + FOUR.replace("(br $four)))", "(br $four))))") + ONE + END),
            (lambda got: np.allclose(got, [10.5, 10.5, 10.5, 10.5]), "All four numbers of x are the first one. v128.load reads four that lie side by side.",
             HEAD + FOUR.replace("v128.load (local.get $x)", "v128.load32_splat (local.get $x)") + ONE + END),
            (lambda got: np.allclose(got, [10.5, 10, 10, 10]), "Only the first of the four was done. f32.load and f32.store move one number, v128.load and v128.store four.",
             HEAD + FOUR.replace("v128.", "f32.").replace("f32x4.splat (local.get $a)", "local.get $a").replace("f32x4.", "f32.") + ONE + END)])
        expect(add_scaled(8), np.array([10.5, 11.0, 11.5, 12.0, 12.5, 13.0, 13.5, 14.0], np.float32), mistakes=[
            (lambda got: got[0] > 10.6, "The first four of y were done twice, and the second four not at all: y must go on too, by 16 bytes.",
             HEAD + FOUR.replace("        (local.set $y (i32.add (local.get $y) (i32.const 16)))\n", "") + ONE + END),
            (lambda got: got[1] > 11, "Numbers were done twice: the second turn began one number further, and not four. Addresses are in bytes: four numbers are 16.",
             HEAD + FOUR.replace("(i32.const 16)", "(i32.const 4)") + ONE + END,
             HEAD + FOUR.replace("(local.get $y) (i32.const 16)", "(local.get $y) (i32.const 4)") + ONE + END),
            (lambda got: np.allclose(got[4:], 10), "The second four were not reached. In each turn n goes down by 4, the numbers that were done, and the two addresses go on by 16 bytes.",
             HEAD + FOUR.replace("(i32.sub (local.get $n) (i32.const 4))", "(i32.sub (local.get $n) (i32.const 8))") + ONE + END),
            (lambda got: got[4] == 10.5, "The second four of y got the first four of x: x must go on too.",
             HEAD + FOUR.replace("        (local.set $x (i32.add (local.get $x) (i32.const 16)))\n", "") + ONE + END)])
        expect(counts[-1] < 100, True, mistakes=[
            (False, "The numbers are right, but many of them are still done one by one, with some 26 instructions for each. The loop for four stands before the old one, and goes on as long as n is at least 4.",
             HEAD + ONE + END)])

    def what_is_left_and_nothing_beside_it():
        """What is left at the end, and nothing beside it"""
        counts = []
        def add_scaled(n, a=-2.0):
            x, y = np.arange(1, n + 1, dtype=np.float32), np.full(n, 10, np.float32)
            counts.append(Program(add_scaled_text()).interpret("add_scaled", x, y, n, a, most=20_000))
            return y
        for n in (9, 7, 3, 1, 0):
            expect(add_scaled(n), (10 - 2 * np.arange(1, n + 1)).astype(np.float32), mistakes=[
                (raising(WasmError, "beside its arrays"), "Four numbers were done where fewer were left, and what lies beside the arrays was written over. The new loop is left as soon as n is less than 4.",
                 HEAD + FOUR.replace("(i32.const 4)))\n        (v128.store", "(i32.const 1)))\n        (v128.store") + ONE + END),
                (lambda got: got[-1] == 10 and len(got) == 9 and got[1] < 6, "Numbers were done twice, and the last ones not at all. Addresses are in bytes: four numbers further are 16.",
                 HEAD + FOUR.replace("(local.get $y) (i32.const 16)", "(local.get $y) (i32.const 4)") + ONE + END),
                (lambda got: got[-1] == 10, "The last numbers were not done. The old loop does them; it stays, behind the new one.",
                 HEAD + FOUR.rstrip("\n") + END,
                 HEAD + FOUR.replace("(i32.sub (local.get $n) (i32.const 4))", "(i32.sub (local.get $n) (i32.const 8))") + ONE + END)])
        expect(max(counts) < 150, True, mistakes=[
            (False, "The numbers are right, but many of them are still done one by one, with some 26 instructions for each. The loop for four stands before the old one, and goes on as long as n is at least 4.",
             HEAD + ONE + END)])

    def fewer_instructions():
        """A quarter of the instructions"""
        def instructions(n):
            x, y = np.ones((2, n), np.float32)
            return Program(add_scaled_text()).interpret("add_scaled", x, y, n, 0.5, most=20_000)
        expect(instructions(400) < 10 * 400, True, mistakes=[
            (False, "The numbers are right, but many of them are still done one by one, with some 26 instructions for each. The loop for four stands before the old one, and goes on as long as n is at least 4.",
             HEAD + ONE + END, HEAD + ONE.removesuffix(")))") + ")))\n" + FOUR.rstrip("\n") + END)])
        expect(instructions(4) < 60, True, mistakes=[
            (False, "Four numbers are exactly enough for one turn of the new loop, and it was left before. It is left when n is less than 4.",
             HEAD + FOUR.replace("lt_s", "le_s") + ONE + END)])

    wrong = [
        (HEAD + FOUR.replace("f32x4.mul", "f32x4.add") + ONE + END, "expected"),
        (HEAD + FOUR.replace("f32x4.add (v128.load (local.get $y))", "f32x4.mul (v128.load (local.get $y))") + ONE + END, "expected"),
        (HEAD.replace("add_scaled", "scale") + FOUR + ONE + END, "no function exports"),
    ]

    right = [
        HEAD + FOUR + ONE + END,
        HEAD + FOUR.replace("$few", "$done").replace("$four", "$next") + ONE + END,
        (HEAD + "    (local $factor v128)\n    (local.set $factor (f32x4.splat (local.get $a)))\n"
         + FOUR.replace("(f32x4.splat (local.get $a))", "(local.get $factor)").replace("i32.lt_s (local.get $n) (i32.const 4)", "i32.le_s (local.get $n) (i32.const 3)") + ONE + END),
        (HEAD + "    block $few loop $four\n    local.get $n i32.const 4 i32.lt_s br_if $few\n    local.get $y local.get $y v128.load local.get $x v128.load\n"
         "    local.get $a f32x4.splat f32x4.mul f32x4.add v128.store\n    local.get $x i32.const 16 i32.add local.set $x\n    local.get $y i32.const 16 i32.add local.set $y\n"
         "    local.get $n i32.const 4 i32.sub local.set $n br $four end end\n" + ONE + END),
    ]


class exercise_gelu_into:

    def gelu_and_its_tanh():
        """GELU in out, and the tanh in gate"""
        values = np.array([0.0, 1.0, -1.0, 2.0])
        cubic = np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3))
        def after():
            gate, out = np.full(4, 7.0), np.full(4, 9.0)
            gelu_into(values, gate, out)
            return out, gate
        with expect_unchanged(values):
            after()
        expect(after()[0], 0.5 * values * (1 + cubic), mistakes=[
            (np.full(4, 9.0), "`out` is as it was. `out = …` gives that name to a new array; `np.add(…, out=out)` and `out *= …` write into it.",
             ARGUMENT + "np.tanh(gate, out=gate)\nout = (gate + 1.0) * 0.5\nout *= values",
             ARGUMENT + "np.tanh(gate, out=gate)\nreturn 0.5 * values * (1 + gate)"),
            (lambda got: np.allclose(got, values * (1 + cubic)), "The half is missing: 0.5 · x · (1 + tanh).",
             ARGUMENT + RESULT.replace("out *= 0.5\n", "")),
            (lambda got: np.allclose(got, 0.5 * (1 + cubic)), "The product with the values is missing at the end.",
             ARGUMENT + RESULT.replace("out *= values\n", "")),
            (lambda got: np.allclose(got, 0.5 * values * cubic), "The 1 is missing: the tanh reaches from -1 to 1, and 1 is added to it.",
             ARGUMENT + RESULT.replace("np.add(gate, 1.0, out=out)", "np.multiply(gate, 1.0, out=out)")),
            (lambda got: np.allclose(got, 0.5 * values * (1 + np.tanh(0.044715 * np.sqrt(2 / np.pi) * values**2 + np.sqrt(2 / np.pi)))), "The argument of the tanh is x · (s c x² + s). The product with the values is missing.",
             ARGUMENT.replace("    gate *= values\n", "") + RESULT),
            (lambda got: np.allclose(got, 0.5 * values * (1 + np.tanh(np.sqrt(2 / np.pi) * (0.044715 * values**3 + 1)))), "The product with the values came before s was added. It belongs to both: x · (s c x² + s).",
             ARGUMENT.replace("    gate += GELU_SCALE\n    gate *= values\n", "    gate *= values\n    gate += GELU_SCALE\n") + RESULT),
            (lambda got: np.allclose(got, 0.5 * values * (1 + np.tanh(0.044715 * values**3 + np.sqrt(2 / np.pi) * values))), "The cubic term takes both factors, s and c: s · c · x² + s.",
             ARGUMENT.replace("GELU_SCALE * GELU_CUBIC", "GELU_CUBIC") + RESULT),
            (lambda got: np.allclose(got, 0.5 * values * (1 + values * np.sqrt(2 / np.pi) * (1 + 0.044715 * values**2))), "The tanh itself is missing.",
             ARGUMENT + RESULT.replace("np.tanh(gate, out=gate)\n", "")),
            (lambda got: np.allclose(got, values * (0.5 + cubic)) or np.allclose(got, 0.5 * values + values * cubic), "The half belongs to the whole bracket: first 1 + tanh, then times 0.5.",
             ARGUMENT + "np.tanh(gate, out=gate)\nnp.add(gate, 0.5, out=out)\nout *= values")])
        expect(after()[1], cubic, mistakes=[
            (lambda got: np.allclose(got, 1 + cubic), "`gate` has been changed after the tanh. Backward asks for the tanh; let 1 + tanh go into `out`.",
             ARGUMENT + "np.tanh(gate, out=gate)\ngate += 1.0\nnp.multiply(gate, values, out=out)\nout *= 0.5"),
            (lambda got: np.allclose(np.tanh(got), cubic), "`gate` holds the argument of the tanh. Backward asks for the tanh itself, in place: `out=gate`.",
             ARGUMENT + RESULT.replace("np.tanh(gate, out=gate)\nnp.add(gate, 1.0, out=out)", "np.tanh(gate, out=out)\nout += 1.0")),
            (lambda got: np.allclose(got, values**2) or np.allclose(got, 0.044715 * np.sqrt(2 / np.pi) * values**2), "`gate` still holds the square, or a multiple of it. `gate = …` gives that name to a new array; `gate *= …`, `gate += …` and `out=gate` write into it.",
             "np.multiply(values, values, out=gate)\ngate = np.tanh(values * (GELU_SCALE * GELU_CUBIC * gate + GELU_SCALE))\n" + RESULT.replace("np.tanh(gate, out=gate)\n", ""),
             "np.multiply(values, values, out=gate)\ngate *= GELU_SCALE * GELU_CUBIC\ngate = gate + GELU_SCALE\ngate *= values\n" + RESULT),
            (np.full(4, 7.0), "`gate` is as it was. The tanh belongs into it.",
             "np.copyto(out, 0.5 * values * (1 + np.tanh(GELU_SCALE * (values + GELU_CUBIC * values**3))))")])

    def no_new_array():
        """No new array is made"""
        values, gate, out = np.ones((3, 50_000), np.float32)
        gelu_into(values, gate, out)
        expect(float(out[-1]), 0.8411920, mistakes=[
            (1.0, "`out` is as it was. `out = …` gives that name to a new array; `np.add(…, out=out)` and `out *= …` write into it.",
             ARGUMENT + "np.tanh(gate, out=gate)\nout = (gate + 1.0) * 0.5\nout *= values")])
        expect(peak(lambda: gelu_into(values, gate, out)) < values.nbytes / 2, True, mistakes=[
            (False, "On the way an array of the values' size was made. `a * b`, `a + 1` and np.tanh(a) make one; `a *= b`, `a += 1` and np.tanh(a, out=a) do not.",
             "np.tanh(GELU_SCALE * (values + GELU_CUBIC * values**3), out=gate)\nnp.add(gate, 1.0, out=out)\nout *= 0.5\nout *= values",
             ARGUMENT + "np.tanh(gate, out=gate)\nout[:] = (gate + 1.0) * (0.5 * values)",
             ARGUMENT + "gate[:] = np.tanh(gate)\nnp.add(gate, 1.0, out=out)\nout *= 0.5\nout *= values")])
        with expect_unchanged(values):
            gelu_into(values, gate, out)

    def very_large_numbers():
        """Very large numbers: no warning, and no NaN"""
        values = np.array([-1e30, 1e30, -3.0], np.float32)
        gate, out = np.full_like(values, 7.0), np.full_like(values, 9.0)
        def warned():
            with np.errstate(all="raise", under="ignore"):
                gelu_into(values, gate, out)
            return out
        expect(warned()[:2], np.array([0, 1e30], np.float32), mistakes=[
            (lambda got: (got == 9).all(), "`out` is as it was. `out = …` gives that name to a new array; `np.add(…, out=out)` and `out *= …` write into it.",
             ARGUMENT + "np.tanh(gate, out=gate)\nout = (gate + 1.0) * 0.5\nout *= values"),
            (lambda got: not np.isfinite(got).all() or got[0] != 0, "Infinity less infinity, or times 0, is NaN. In the order x · (s c x² + s) there is no such step.",
             ("with np.errstate(all='ignore'):\n    np.multiply(values, values, out=gate)\n    gate *= values\n    gate *= GELU_CUBIC\n    gate += values\n"
              "    gate *= GELU_SCALE\n    np.tanh(gate, out=gate)\n    np.multiply(values, gate, out=out)\n    out += values\n    np.subtract(out, values * 1e30, out=out, where=values < -1e29)\n    out *= 0.5"))])

    wrong = [
        ("np.multiply(values, values, out=values)\n" + ARGUMENT + RESULT, "changed its input"),
        (ARGUMENT.replace("np.multiply(values, values, out=gate)", "np.add(values, values, out=gate)") + RESULT, "expected"),
    ]

    right = [
        ARGUMENT + RESULT,
        ("with np.errstate(over=\"ignore\"):\n    np.square(values, out=gate)\n    np.multiply(gate, GELU_CUBIC * GELU_SCALE, out=gate)\n    np.add(gate, GELU_SCALE, out=gate)\n"
         "    np.multiply(gate, values, out=gate)\nnp.tanh(gate, out=gate)\nnp.multiply(gate, 0.5, out=out)\nnp.add(out, 0.5, out=out)\nnp.multiply(out, values, out=out)"),
        ("with np.errstate(over=\"ignore\"):\n    gate[...] = values\n    gate *= values\n    gate *= GELU_CUBIC\n    gate += 1\n    gate *= values\n    gate *= GELU_SCALE\n"
         "np.tanh(gate, out=gate)\nout[...] = gate\nout += 1\nout *= values\nout /= 2"),
    ]


class exercise_take:

    def a_new_one_where_none_waits():
        """A new one where none waits"""
        pool = BufferPool()
        expect(pool.take((2, 3)).shape, (2, 3))
        expect((pool.hits, pool.misses), (0, 1), mistakes=[
            ((0, 2), "One array was made, and two misses were counted.",
             ASKED + "self.misses += 1\n" + LOOK + NEW),
            ((0, 0), "A new array is a miss. The last two lines were given.",
             ASKED + LOOK + "return self.lend(new_buffer(shape, dtype))")])
        buffer = pool.take(4, np.float64)
        expect((buffer.shape, str(buffer.dtype), pool.bytes_lent), ((4,), "float64", 32), mistakes=[
            (lambda got: got[2] == 0, "The new array is not written down as lent. `self.lend(buffer)` does that, and returns it.",
             ASKED + LOOK + "self.misses += 1\nreturn new_buffer(shape, dtype)"),
            (lambda got: got[1] == "float32", "float64 was asked for.",
             ASKED + LOOK + "self.misses += 1\nreturn self.lend(new_buffer(shape, np.dtype('float32')))")])
        pool.give_back(buffer)
        expect(pool.take((4,), "float64") is buffer, True, mistakes=[
            (False, "An array of this very shape and dtype was waiting, and a new one was made.",
             ASKED + NEW)])

    def a_waiting_one_is_lent_again():
        """A waiting one is lent again, and waits no longer"""
        pool = BufferPool()
        first = pool.take((2, 3))
        pool.give_back(first)
        second = pool.take((2, 3))
        expect(second is first, True, mistakes=[
            (False, "An array of this very shape and dtype was waiting, and a new one was made.",
             ASKED + NEW, ASKED + LOOK.replace("buffer.shape == shape and buffer.dtype == dtype", "buffer.shape is shape and buffer.dtype is dtype") + NEW)])
        expect((pool.hits, pool.misses), (1, 1), mistakes=[
            ((0, 1), "An array that was found is a hit.",
             ASKED + LOOK.replace("        self.hits += 1\n", "") + NEW),
            ((1, 2), "What was found is no miss. The hit ends the function.",
             ASKED + "self.misses += 1\n" + LOOK + "return self.lend(new_buffer(shape, dtype))")])
        expect((pool.bytes_held, pool.bytes_lent), (0, 24), mistakes=[
            ((24, 24), "The array is lent and waits at the same time, so the next one who asks gets it too. Take it out of the list.",
             ASKED + LOOK.replace("self.lend(self.waiting.pop(position))", "self.lend(buffer)") + NEW),
            ((0, 0), "The array is neither waiting nor lent. `self.lend(buffer)` writes it down, and give_back asks for that.",
             ASKED + LOOK.replace("self.lend(self.waiting.pop(position))", "self.waiting.pop(position)") + NEW)])
        pool.give_back(second)
        expect(pool.bytes_held, 24)

    def only_what_was_asked_for():
        """Only this shape, and only this dtype"""
        pool = BufferPool()
        pool.give_back(pool.take((2, 3)))
        expect(pool.take((3, 2)).shape, (3, 2), mistakes=[
            ((2, 3), "(3, 2) was asked for. That both take 24 bytes is not enough: the shape must agree.",
             ASKED + LOOK.replace("buffer.shape == shape", "buffer.size == math.prod(shape)") + NEW)])
        expect(str(pool.take((2, 3), np.int32).dtype), "int32", mistakes=[
            ("float32", "int32 was asked for, and an array of float32 came. The dtype must agree.",
             ASKED + LOOK.replace(" and buffer.dtype == dtype", "") + NEW)])
        expect((pool.hits, pool.bytes_held), (0, 24))
        expect((pool.take((2, 3)).shape, pool.hits), ((2, 3), 1))
        pool = BufferPool()
        for buffer in (pool.take((2, 3)), pool.take((3, 2))):
            pool.give_back(buffer)
        expect(pool.take((2, 3)).shape, (2, 3), mistakes=[
            ((3, 2), "(2, 3) was waiting and was asked for, and another array was taken out of the list. Where you walk over `reversed(…)` or `[::-1]`, numbers count from the end: number 0 there is the last one of the list.",
             ASKED + LOOK.replace("for position in reversed(range(len(self.waiting))):\n    buffer = self.waiting[position]", "for position, buffer in enumerate(reversed(self.waiting)):") + NEW,
             ASKED + LOOK.replace("for position in reversed(range(len(self.waiting))):\n    buffer = self.waiting[position]", "for position, buffer in enumerate(self.waiting[::-1]):").replace("pop(position)", "pop(-position)") + NEW)])

    def the_newest_of_several():
        """The newest of several that fit"""
        pool = BufferPool()
        one, two, three, other = pool.take(4), pool.take(4), pool.take(4), pool.take(8)
        for buffer in (one, two, three, other):
            pool.give_back(buffer)
        found = []
        def newest():
            found.append(pool.take(4))
            return found[-1] is three
        expect(newest(), True, mistakes=[
            (raising(ValueError, "truth value"), "`list.remove` compares the array with those in the list, element by element, and cannot say whether they are equal. `list.pop(position)` takes one out by its place.",
             ASKED + "for buffer in reversed(self.waiting):\n    if buffer.shape == shape and buffer.dtype == dtype:\n        self.hits += 1\n        self.waiting.remove(buffer)\n        return self.lend(buffer)\n" + NEW),
            (lambda got: found[-1] is one, "That is the one that has waited longest. The one given back last is the most likely to be still in the cache: walk from the end.",
             ASKED + LOOK.replace("reversed(range(len(self.waiting)))", "range(len(self.waiting))") + NEW),
            (False, "Of the three that fit, the one given back last is asked for. Another was chosen, or it was found and another taken out of the list: in `enumerate(reversed(…))` number 0 is the last one.",
             ASKED + LOOK.replace("self.lend(self.waiting.pop(position))", "self.lend(self.waiting.pop(position - 1))") + NEW)])
        expect([buffer.size for buffer in pool.waiting], [4, 4, 8], mistakes=[
            (lambda got: True, "Another array than the one that was found has left the list, or more than one has.",
             ASKED + LOOK.replace("return self.lend(self.waiting.pop(position))", "self.waiting.pop()\n        return self.lend(buffer)") + NEW)])
        expect((pool.take(4) is two, pool.take(4) is one), (True, True), mistakes=[
            (lambda got: True, "The one given back last comes first, then the one before.",
             ASKED + LOOK.replace("reversed(range(len(self.waiting)))", "reversed(range(1, len(self.waiting)))") + NEW)])

    def what_is_no_shape_is_refused():
        """What is no shape is refused"""
        pool = BufferPool()
        expect_raises(ValueError, lambda: pool.take((2, -1)).shape, mentions=["size is -1"], mistakes=[
            (lambda error: "size is -1" not in str(error), "`checked_shape`, in the first line that was given, says what is wrong with a shape. Keep it.",
             "dtype = np.dtype(dtype)\nshape = shape if isinstance(shape, tuple) else (shape,)\n" + LOOK + NEW)])
        pool.give_back(pool.take(4))
        expect((pool.take(4).shape, pool.hits, pool.misses), ((4,), 1, 1), mistakes=[
            (((4,), 0, 2), "An array of this very shape and dtype was waiting, and a new one was made.",
             ASKED + NEW),
            (lambda got: True, "What is refused is neither hit nor miss: nothing was lent.",
             "self.misses += 1\n" + ASKED + LOOK.replace("        self.hits += 1\n", "        self.hits += 1\n        self.misses -= 1\n") + "return self.lend(new_buffer(shape, dtype))")])

    right = [
        ASKED + LOOK + NEW,
        (ASKED + "fits = [place for place, buffer in enumerate(self.waiting) if (buffer.shape, buffer.dtype) == (shape, dtype)]\nif not fits:\n    self.misses += 1\n"
         "    return self.lend(new_buffer(shape, dtype))\nself.hits += 1\nreturn self.lend(self.waiting.pop(fits[-1]))"),
        (ASKED + "for back in range(1, len(self.waiting) + 1):\n    if self.waiting[-back].shape == shape and self.waiting[-back].dtype == dtype:\n        buffer = self.waiting[-back]\n"
         "        del self.waiting[-back]\n        self.hits += 1\n        return self.lend(buffer)\n" + NEW),
    ]


class exercise_give_back:

    def it_waits_and_is_no_longer_lent():
        """It waits, and is no longer lent"""
        pool = BufferPool()
        one, two = pool.take(2), pool.take(3)
        def after_one():
            pool.give_back(one)
            return pool.bytes_held, pool.bytes_lent
        expect(after_one(), (8, 12), mistakes=[
            ((8, 20), "The array waits, and is written down as lent as well. Take it out of `self.lent`.",
             BACK.replace("del self.lent[id(buffer)]\n", "") + DROP),
            ((0, 12), "The array is nowhere any more. It belongs into `self.waiting`.",
             BACK.replace("self.waiting.append(buffer)\n", "") + DROP),
            ((8, 0), "The other array is still lent. Only this one came back.",
             BACK.replace("del self.lent[id(buffer)]", "self.lent.clear()") + DROP),
            (raising(KeyError, ""), "`self.lent` is a dictionary by `id(buffer)`.",
             BACK.replace("id(buffer)", "0") + DROP),
            (raising(AttributeError, "setter"), "`bytes_held` is computed from `self.waiting` whenever it is asked for, so you do not set it.",
             BACK + "self.bytes_held += buffer.nbytes\n" + DROP),
            (raising(TypeError, "nhashable"), "`self.lent` is a dictionary by `id(buffer)`; an array itself can be no key.",
             BACK.replace("id(buffer)", "buffer") + DROP),
            (raising(TypeError, "NoneType"), "This pool has no limit: `limit_bytes` is None, and a number cannot be compared with it. Ask for that first.",
             BACK + DROP.replace("self.limit_bytes is not None and ", ""))])
        pool.give_back(two)
        expect([buffer.size for buffer in pool.waiting], [2, 3], mistakes=[
            ([3, 2], "The newest stands at the end of the list, where `take` looks first.",
             BACK.replace("self.waiting.append(buffer)", "self.waiting.insert(0, buffer)") + DROP.replace("pop(0)", "pop()"))])

    def a_limit():
        """A limit: what has waited longest goes"""
        pool = BufferPool(limit_bytes=16)
        one, two, three = pool.take(2), pool.take(2), pool.take(2)
        two[:] = 2.0
        for buffer in (one, two):
            pool.give_back(buffer)
        expect((pool.bytes_held, pool.evictions), (16, 0), mistakes=[
            ((8, 1), "16 bytes wait, and 16 are allowed. Nothing has to go before it is more.",
             BACK + DROP.replace(" > ", " >= "))])
        pool.give_back(three)
        expect((pool.bytes_held, pool.evictions), (16, 1), mistakes=[
            ((24, 0), "24 bytes wait, and the limit is 16.",
             BACK),
            ((16, 0), "One array was dropped, and not counted in `self.evictions`.",
             BACK + DROP.replace("    self.evictions += 1\n", "")),
            ((24, 1), "One was counted and none was dropped.",
             BACK + DROP.replace("while", "if").replace("    self.waiting.pop(0)\n", ""))])
        expect(pool.waiting[-1] is three and pool.waiting[0] is two, True, mistakes=[
            (False, "The wrong one was dropped: the one that has waited longest goes, at position 0.",
             BACK + DROP.replace("pop(0)", "pop()"), BACK + DROP.replace("pop(0)", "pop(1)"))])

    def several_have_to_go_or_all():
        """Several have to go, or all, and a limit of 0 is a limit"""
        pool = BufferPool(limit_bytes=16)
        one, two, large = pool.take(2), pool.take(2), pool.take(4)
        for buffer in (one, two, large):
            pool.give_back(buffer)
        expect((pool.bytes_held, pool.evictions), (16, 2), mistakes=[
            ((24, 1), "One dropped array was not enough: 24 bytes wait. Go on until the limit is kept.",
             BACK + DROP.replace("while", "if"))])
        pool.give_back(pool.take(5))
        expect((pool.bytes_held, pool.evictions), (0, 4), mistakes=[
            ((20, 3), "An array that is larger than the limit does not stay, either.",
             BACK + DROP.replace("self.bytes_held > self.limit_bytes:", "self.bytes_held > self.limit_bytes and len(self.waiting) > 1:"))])
        nothing = BufferPool(limit_bytes=0)
        nothing.give_back(nothing.take(2))
        expect((nothing.bytes_held, nothing.evictions), (0, 1), mistakes=[
            ((8, 0), "A limit of 0 is a limit, and Python takes 0 for false. Ask `is not None`.",
             BACK + DROP.replace("self.limit_bytes is not None", "self.limit_bytes"))])

    def what_must_not_come_back_is_refused():
        """What must not come back is refused"""
        pool = BufferPool()
        buffer = pool.take(4)
        view = buffer[1:]
        expect_raises(ValueError, lambda: pool.give_back(buffer), mentions=["a view of this buffer"], mistakes=[
            (None, "A view of the array is still there, and whoever holds it will see the numbers of the next user. `self.check_returned(buffer)`, in the line that was given, refuses that.",
             BACK.replace("self.check_returned(buffer)\n", "") + DROP)])
        expect((pool.bytes_held, pool.bytes_lent, view.size), (0, 16, 3), mistakes=[
            (lambda got: True, "What is refused stays lent, and does not wait. Check before anything is changed.",
             "self.lent.pop(id(buffer), None)\nself.lent[id(buffer)] = buffer\nself.waiting.append(np.empty(1))\nself.check_returned(buffer)\nself.waiting.pop()\ndel self.lent[id(buffer)]\nself.waiting.append(buffer)\n" + DROP)])
        del view
        pool.give_back(buffer)
        expect((pool.bytes_held, pool.bytes_lent), (16, 0))

    right = [
        BACK + DROP,
        ("self.check_returned(buffer)\nself.lent.pop(id(buffer))\nself.waiting = self.waiting + [buffer]\nif self.limit_bytes is not None:\n"
         "    while self.bytes_held > self.limit_bytes:\n        del self.waiting[0]\n        self.evictions += 1"),
        ("self.check_returned(buffer)\nlimit = math.inf if self.limit_bytes is None else self.limit_bytes\nself.waiting.append(self.lent.pop(id(buffer)))\n"
         "while self.bytes_held > limit:\n    self.evictions += 1\n    self.waiting = self.waiting[1:]"),
    ]


class exercise_pooled_forward:

    def what_the_layers_give():
        """What the layers give one after another"""
        rng = np.random.default_rng(0)
        layers = [Linear(3, 4, rng=0), ReLU(), Linear(4, 2, rng=1)]
        x = Tensor(rng.standard_normal((5, 3)))
        expect(pooled_forward(layers, x, BufferPool()), layers[2](layers[1](layers[0](x))), mistakes=[
            (lambda got: got.shape == (5, 4), "Only the first layer was run. The return stands inside of the loop, or the next layer got x again.",
             BEGIN + LINEAR + RELU + OTHER + SWAP + "    return from_numpy(values.copy())"),
            (raising(ValueError, "was not lent by this pool"), "What was given back is not what `take` returned. A copy is another array; give back the buffer itself, and x never.",
             BEGIN + LINEAR + RELU + OTHER + SWAP + "values = values.copy()\npool.give_back(values)\nreturn from_numpy(values)"),
            (raising(ValueError, "back already"), "A buffer was given back twice. A ReLU writes into the buffer that is lent already, and there is nothing to give back.",
             BEGIN + LINEAR + RELU + OTHER + "    if lent is not None:\n        pool.give_back(lent)\n    values = lent = out\n" + RETURN),
            (raising(ValueError, "a view of this"), "Somebody still looks at the buffer. `array.copy()` has memory of its own; a slice or a reshape has not.",
             POOLED.replace("values.copy()", "values[:]"))])
        pool = BufferPool()
        first = pooled_forward(iter(layers), x, pool)
        before = first.data.copy()
        pooled_forward(layers, x * 0, pool)
        expect(first.data, before, mistakes=[
            (lambda got: True, "The numbers were right, and they have changed when the next result was computed: its memory was given back, and lent to the next call. The caller keeps the result, so it needs memory of its own.",
             BEGIN + OLD_LINEAR + OLD_RELU + OTHER + OLD_END)])

    def a_result_stays():
        """A result stays as it is, whatever is computed afterwards"""
        pool, layers = BufferPool(), [Linear(3, 4, rng=0)]
        first = pooled_forward(layers, Tensor(np.ones((1, 3))), pool)
        before = first.data.copy()
        pooled_forward(layers, Tensor(np.zeros((1, 3))), pool)
        expect(first.data, before, mistakes=[
            (lambda got: True, "The first result has changed when the second was computed: its memory was given back, and lent to the next call. The caller keeps the result, so it needs memory of its own.",
             BEGIN + OLD_LINEAR + OLD_RELU + OTHER + OLD_END,
             BEGIN + LINEAR + RELU + OTHER + SWAP + OLD_END)])

    def x_stays():
        """x stays, also before a ReLU"""
        x = Tensor([[-1.0, 2.0]])
        layers = [ReLU(), Linear(2, 2, rng=0)]
        expect(pooled_forward(layers, x, BufferPool()), layers[1](layers[0](Tensor([[-1.0, 2.0]]))), mistakes=[
            (raising((AttributeError, ValueError, UnboundLocalError), ""), "If a ReLU comes first, no buffer is lent yet: `lent` is None. Take one for it.",
             POOLED.replace("out = pool.take(values.shape, values.dtype) if lent is None else lent", "out = lent").replace("np.maximum(values, 0, out=out)", "np.maximum(values, 0, out=out.reshape(out.shape))"))])
        x = Tensor([[-1.0, 2.0]])
        pooled_forward(layers, x, BufferPool())
        expect(x, Tensor([[-1.0, 2.0]]), mistakes=[
            (Tensor([[0.0, 2.0]]), "x has been changed. Before the first buffer is lent, `values` is the memory of x, and the ReLU wrote into it.",
             BEGIN + OLD_LINEAR + OLD_RELU + OTHER + RETURN)])
        result = pooled_forward([], x, BufferPool())
        expect(result, x)
        result.data[0, 0] = 5.0
        expect(x, Tensor([[-1.0, 2.0]]), mistakes=[
            (lambda got: True, "Without layers the result has the memory of x itself. Return a copy there too.",
             POOLED.replace("values.copy()", "values.copy() if lent is not None else values"))])

    def nothing_new_and_nothing_lent():
        """From the second call on no new buffer, and nothing stays lent"""
        pool, x = BufferPool(), Tensor(np.ones((4, 3)))
        layers = [ReLU(), Linear(3, 3, rng=0), ReLU(), Linear(3, 3, rng=1), ReLU(), Linear(3, 3, rng=2)]
        result = pooled_forward(layers, x, pool)
        before = result.data.copy()
        expect(pool.misses, 2, mistakes=[
            (lambda got: got > 2, "All arrays here have the same shape, so two buffers are enough. What the next layer has read goes back at once, and a ReLU writes into the buffer that it reads.",
             POOLED.replace("    if lent is not None and lent is not out:\n        pool.give_back(lent)\n", ""),
             POOLED.replace(" if lent is None else lent", "").replace("pool.give_back(lent)\n    values", "pool.give_back(lent)\n    values").replace("    if lent is not None and lent is not out:\n        pool.give_back(lent)\n", "    if lent is not None and isinstance(layer, Linear):\n        pool.give_back(lent)\n")),
            (lambda got: got < 2, "A layer was given the memory that it reads from as the place to write to, or none of the pool's. Give back what was read after the layer, not before.",
             POOLED.replace("    if isinstance(layer, Linear):\n        out = pool.take", "    if isinstance(layer, Linear):\n        if lent is not None:\n            pool.give_back(lent)\n        out = pool.take").replace(" and lent is not out:\n        pool.give_back(lent)", " and lent is not out:\n        pass"))])
        pooled_forward(layers, x, pool)
        expect((pool.misses, pool.bytes_lent), (2, 0), mistakes=[
            (lambda got: got[0] > 2, "A second call has made new buffers. At its end the first one must give back the last buffer too.",
             POOLED.replace("if lent is not None:\n    pool.give_back(lent)\nreturn result", "return result"),
             BEGIN + LINEAR + RELU + OTHER + SWAP + "return from_numpy(values)")])
        pooled_forward(layers, x * 0, pool)
        expect(result.data, before, mistakes=[
            (lambda got: True, "The first result has changed when others were computed: its memory was given back, and lent again.",
             BEGIN + LINEAR + RELU + OTHER + SWAP + OLD_END)])

    def only_the_result_is_new():
        """From the second call on only the result is new memory"""
        x, pool = Tensor(np.ones((2000, 64), np.float32)), BufferPool()
        layers = [ReLU(), Linear(64, 64, rng=0), ReLU(), Linear(64, 4, rng=1)]
        kept = pooled_forward(layers, x, pool)
        expect(kept.shape, (2000, 4))
        before = kept.data.copy()
        pooled_forward(layers, x * 0, pool)
        expect(kept.data, before, mistakes=[
            (lambda got: True, "The first result has changed when another was computed: its memory was given back, and lent again.",
             BEGIN + OLD_LINEAR + OLD_RELU + OTHER + OLD_END)])
        expect(peak(lambda: pooled_forward(layers, x, pool)) < x.data.nbytes / 2, True, mistakes=[
            (False, "The second call has made an array of the size of x. Where no buffer is lent yet, take one from the pool and write into it: `np.maximum(values, 0)` alone makes a new array, and so does a copy of x.",
             BEGIN + LINEAR + "    elif isinstance(layer, ReLU) and lent is None:\n        values = np.maximum(values, 0)\n        continue\n" + RELU + OTHER + SWAP + RETURN,
             POOLED.replace("values, lent = x.data, None", "values, lent = x.data.copy(), None"))])

    def what_was_given_back_is_not_read():
        """What was given back is not read any more"""
        class Wiped(BufferPool):
            def give_back(self, buffer):
                buffer[...] = -7.0
                super().give_back(buffer)
        x, layers = Tensor(np.ones((2, 3))), [Linear(3, 3, rng=0), ReLU(), Linear(3, 2, rng=1)]
        expect(pooled_forward(layers, x, Wiped()), layers[2](layers[1](layers[0](x))), mistakes=[
            (lambda got: True, "This pool writes -7 into what it gets back, as the next user might. A buffer was read after it was given back: copy the result, or compute the layer, first.",
             BEGIN + LINEAR + RELU + OTHER + SWAP + "if lent is not None:\n    pool.give_back(lent)\nreturn from_numpy(values.copy())")])

    def what_the_pool_cannot_do():
        """float64 stays float64, and layers it does not know are refused"""
        from tinytorch import Tanh
        x, pool = Tensor(np.ones((2, 3)), dtype=np.float64), BufferPool()
        kept = pooled_forward([Linear(3, 2, rng=0)], x, pool)
        before = kept.data.copy()
        pooled_forward([Linear(3, 2, rng=1)], x, pool)
        expect(kept.data, before)
        expect(str(pooled_forward([ReLU(), Linear(3, 2, rng=0)], x, BufferPool()).dtype), "float64", mistakes=[
            (raising(TypeError, "Cannot cast"), "x is float64, and its buffers must be too: `pool.take(shape, values.dtype)`.",
             POOLED.replace(", values.dtype)", ")")),
            ("float32", "x is float64, and its buffers must be too: `pool.take(shape, values.dtype)`.",
             POOLED.replace(", values.dtype)", ")").replace("values, lent = x.data, None", "values, lent = x.data.astype(np.float32), None"))])
        expect_raises(TypeError, lambda: pooled_forward([Linear(3, 2), Tanh()], Tensor(np.ones((2, 3))), BufferPool()).shape, mentions=["Tanh has no form"], mistakes=[
            ((2, 2), "Tanh was left out in silence. A layer that the pool cannot serve is refused, in the line that was given.",
             POOLED.replace(OTHER, "    else:\n        out = lent\n"))])
        expect(pooled_forward([Linear(3, 2, bias=False, rng=0)], Tensor(np.ones((2, 3))), BufferPool()).shape, (2, 2))

    right = [
        POOLED,
        BEGIN + OLD_LINEAR + "    elif isinstance(layer, ReLU) and lent is None:\n        values = lent = pool.take(values.shape, values.dtype)\n        np.maximum(x.data, 0, out=values)\n"
        + OLD_RELU + OTHER + RETURN,
        ("values = pool.take(x.shape, x.data.dtype)\nvalues[...] = x.data\nfor layer in layers:\n    if isinstance(layer, ReLU):\n        np.maximum(values, 0, out=values)\n"
         "    elif isinstance(layer, Linear):\n        out = pool.take((len(values), layer.out_features), values.dtype)\n        multiply_into(values, layer, out)\n        pool.give_back(values)\n"
         "        values = out\n" + OTHER + "result = Tensor(values.copy(), dtype=values.dtype)\npool.give_back(values)\nreturn result"),
    ]


class exercise_simulate_cache:

    def a_line_is_fetched_whole():
        """A line is fetched whole, and found from then on"""
        expect(simulate_cache([0, 60, 63, 64, 127, 0]), 2, mistakes=[
            (raising(ValueError, "not in list"), "A line is taken out of its list only if it is in it.",
             SETS + "    lines.remove(number)\n" + NEWEST),
            (6, "Every address was counted as a miss. After a miss the line is there: put it into its list.",
             SETS + "    if number not in lines:\n        misses += 1\nreturn misses"),
            (5, "Each address was taken for itself. A line brings all addresses with the same address // line.",
             SETS.replace("address // line", "address") + FOUND + MISSED + NEWEST),
            (4, "You counted the hits.",
             SETS + "    if number in lines:\n        lines.remove(number)\n        misses += 1\n    elif len(lines) == ways:\n        lines.pop(0)\n" + NEWEST),
            (None, "Nothing came back.",
             SETS + FOUND + MISSED + "    lines.append(number)")])
        expect(simulate_cache([]), 0)

    def the_one_not_used_for_longest_goes():
        """What was not used for longest has to go"""
        expect(simulate_cache([0, 64, 128, 64], size=128, line=64, ways=2), 3, mistakes=[
            (4, "Line 1 was thrown out, the newest, and it was asked for next. The oldest has to go: it stands at the front of its list.",
             SETS + FOUND + MISSED.replace("lines.pop(0)", "lines.pop()") + NEWEST),
            (raising(ZeroDivisionError, ""), "128 bytes are two lines of 64, so with two ways there is one set. The number of sets is size // (line · ways).",
             SETS.replace("size // (line * ways)", "size // (line * ways * 2)") + FOUND + MISSED + NEWEST)])
        expect(simulate_cache([0, 4, 64, 0, 128, 0], size=128, line=64, ways=2), 3, mistakes=[
            (4, "Line 0 was used after line 1, and was thrown out first all the same. A line that is found becomes the newest.",
             SETS + "    if number not in lines:\n        misses += 1\n        if len(lines) == ways:\n            lines.pop(0)\n        lines.append(number)\nreturn misses")])
        expect(simulate_cache([0, 64, 128, 0], size=128, line=64, ways=2), 4, mistakes=[
            (3, "The set holds two lines, and three were in it. Where it is full, one has to go.",
             SETS + FOUND + "    else:\n        misses += 1\n" + NEWEST,
             SETS + FOUND + MISSED.replace("== ways", "> ways") + NEWEST)])
        expect(simulate_cache([0, 64, 0, 128, 0, 64], size=128, line=64, ways=2), 4)

    def each_line_has_its_set():
        """Each line has its set, and sets do not help each other"""
        expect([simulate_cache(addresses, size=128, line=64, ways=1) for addresses in ([0, 64, 0, 64], [0, 128, 0, 128])], [2, 4], mistakes=[
            (lambda got: got == [2, 2] or got == [4, 4], "There are two sets of one line here. Line number n may lie in set n modulo the number of sets, and in no other. (And `[[]] * n` is one list, n times over; each set needs a list of its own.)",
             SETS.replace("[[] for _ in range(size // (line * ways))]", "[[]] * (size // (line * ways))") + FOUND + MISSED + NEWEST,
             SETS.replace("sets[number % len(sets)]", "sets[0]") + FOUND + MISSED.replace("== ways", "== ways * len(sets)") + NEWEST,
             SETS.replace("sets[number % len(sets)]", "sets[0]") + FOUND + MISSED + NEWEST),
            (raising(IndexError, ""), "Line numbers go on and on, and there are few sets: number modulo the number of sets.",
             SETS.replace("sets[number % len(sets)]", "sets[number]") + FOUND + MISSED + NEWEST),
            (raising(TypeError, "float"), "`/` gives a float. A number of sets, and of a line, is whole: `//`.",
             SETS.replace("size // (line", "size / (line") + FOUND + MISSED + NEWEST)])
        expect(simulate_cache([64 * i for i in range(512)] * 2), 512)
        expect(simulate_cache([4096 * i for i in range(9)] * 2), 18)
        expect(simulate_cache([4096 * i for i in range(8)] * 2), 8)

    right = [
        SETS + FOUND + MISSED + NEWEST,
        ("count = size // line // ways\nheld = {}\nmisses = 0\nfor when, address in enumerate(addresses):\n    number = address // line\n    used = held.setdefault(number % count, {})\n"
         "    if number not in used:\n        misses += 1\n        if len(used) >= ways:\n            del used[min(used, key=used.get)]\n    used[number] = when\nreturn misses"),
        ("sets = [{} for _ in range(size // (line * ways))]\nhits = total = 0\nfor address in addresses:\n    total += 1\n    lines = sets[address // line % len(sets)]\n"
         "    if lines.pop(address // line, None):\n        hits += 1\n    elif len(lines) == ways:\n        del lines[next(iter(lines))]\n    lines[address // line] = True\nreturn total - hits"),
    ]

    equivalent = [
        ("def simulate_cache(addresses: Iterable[int], size: int=32768, line: int=64, ways: int=8) -> int:  ->  def simulate_cache(addresses: Iterable[int], size: int=32769, line: int=64, ways: int=8) -> int:", "one byte more is no set more"),
    ]


class exercise_systolic_step:

    def inputs_go_right():
        """Inputs go to the right"""
        weights, inputs, sums = np.ones((2, 3)), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.zeros((2, 3))
        expect(systolic_step(weights, inputs, sums, np.array([7.0, 8.0]))[0], np.array([[7.0, 1.0, 2.0], [8.0, 4.0, 5.0]]), mistakes=[
            (lambda got: got.shape == (2, 4), "There is one input more than cells. The last one leaves at the right edge.",
             MOVED.replace("inputs[:, :-1]", "inputs") + "return inputs, sums"),
            (np.array([[2.0, 3.0, 7.0], [5.0, 6.0, 8.0]]), "The inputs went to the left. They arrive in the first column.",
             "inputs = np.column_stack([inputs[:, 1:], arriving])\n" + ABOVE + "return inputs, above + inputs * weights"),
            (np.array([[7.0, 7.0, 7.0], [8.0, 8.0, 8.0]]), "What arrives has reached all cells in one cycle. Each hands on what it held before: assign from a copy, or from right to left.",
             "inputs = inputs.copy()\ninputs[:, 0] = arriving\nfor column in range(1, inputs.shape[1]):\n    inputs[:, column] = inputs[:, column - 1]\n" + ABOVE + "return inputs, above + inputs * weights"),
            (np.array([[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]]), "What leaves at the right has come in at the left again. In the first column stands what arrives.",
             "inputs = np.roll(inputs, 1, axis=1)\n" + ABOVE + "return inputs, above + inputs * weights"),
            (raising(TypeError, "NoneType"), "Nothing came back. Return two arrays: the inputs and the sums.",
             MOVED + ABOVE + "sums = above + inputs * weights")])

    def sums_go_down():
        """Sums go down, and each cell adds its product"""
        weights = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        inputs, sums = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]), np.array([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]])
        expect(systolic_step(weights, inputs, sums, np.array([1.0, 0.0, 2.0]))[1], np.array([[1.0, 2.0], [10.0, 28.0], [40.0, 58.0]]), mistakes=[
            (lambda got: got[0, 0] == 11, "The sum stayed in its cell. It comes from the cell above, and in the first row it begins with 0.",
             MOVED + "return inputs, sums + inputs * weights"),
            (lambda got: got[0, 0] == 51, "What leaves at the bottom has come in at the top again. In the first row a sum begins with 0.",
             MOVED + "return inputs, np.roll(sums, 1, axis=0) + inputs * weights"),
            (lambda got: got[0, 0] == 31, "The sums went up. Each cell gets the one from above.",
             MOVED + "below = np.vstack([sums[1:], np.zeros_like(sums[:1])])\nreturn inputs, below + inputs * weights"),
            (lambda got: got[0, 1] == 0 and got[1, 0] == 16, "The product was made with the inputs of the last cycle. First they move, then each cell multiplies what it has got.",
             "old = inputs\n" + MOVED + ABOVE + "return inputs, above + old * weights"),
            (lambda got: got[1, 0] == 0 and got[1, 1] == 8, "The sums from above are missing.",
             MOVED + "return inputs, inputs * weights"),
            (lambda got: got[1, 1] == 20, "The products are missing: the input of a cell times its weight.",
             MOVED + ABOVE + "return inputs, above"),
            (lambda got: got[1, 0] == 1 and got[1, 1] == 10, "A sum has gone down through the whole column in one cycle. In a cycle it goes one cell: take what stood above before.",
             MOVED + "sums = sums.copy()\nsums[0] = inputs[0] * weights[0]\nfor row in range(1, len(sums)):\n    sums[row] = sums[row - 1] + inputs[row] * weights[row]\nreturn inputs, sums")])

    def nothing_that_came_in_is_changed():
        """What came in stays as it is"""
        weights, inputs, sums, arriving = np.ones((2, 2)), np.arange(4.0).reshape(2, 2), np.arange(5.0, 9.0).reshape(2, 2), np.full(2, 9.0)
        with expect_unchanged(weights, inputs, sums, arriving):
            systolic_step(weights, inputs, sums, arriving)
        expect([part.shape for part in systolic_step(np.ones((1, 3)), np.zeros((1, 3)), np.zeros((1, 3)), np.ones(1))], [(1, 3), (1, 3)])

    def the_dtype_stays():
        """What is one dtype before is the same one after"""
        for dtype in ("float32", "int64"):
            weights, nothing, arriving = np.array([[2], [3]], dtype), np.zeros((2, 1), dtype), np.array([10, 1], dtype)
            expect([str(part.dtype) for part in systolic_step(weights, nothing, nothing, arriving)], [dtype, dtype], mistakes=[
                (lambda got: "float64" in got, "Cells of another dtype have become float64. `np.zeros(shape)` makes float64; `np.zeros_like(array)` and `np.zeros(shape, array.dtype)` keep the dtype.",
                 MOVED + "above = np.vstack([np.zeros((1, sums.shape[1])), sums[:-1]])\nreturn inputs, above + inputs * weights",
                 "moved, down = np.zeros(inputs.shape), np.zeros(sums.shape)\nmoved[:, 0] = arriving\nmoved[:, 1:] = inputs[:, :-1]\ndown[1:] = sums[:-1]\ndown += moved * weights\nreturn moved, down")])

    def a_product_cycle_by_cycle():
        """A whole product, cycle by cycle"""
        a, weights = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0], [6.0]])
        inputs = sums = np.zeros((2, 1))
        leaving = []
        for arriving in ((1, 0), (3, 2), (0, 4)):
            inputs, sums = systolic_step(weights, inputs, sums, np.array(arriving, float))
            leaving.append(float(sums[-1, 0]))
        expect(leaving[1:], (a @ weights).ravel().tolist())

    wrong = [
        ("inputs[:, 1:] = inputs[:, :-1].copy()\ninputs[:, 0] = arriving\n" + ABOVE + "return inputs, above + inputs * weights", "changed its input"),
    ]

    right = [
        MOVED + ABOVE + "return inputs, above + inputs * weights",
        "moved, down = np.empty_like(inputs), np.zeros_like(sums)\nmoved[:, 1:] = inputs[:, :-1]\nmoved[:, 0] = arriving\ndown[1:] = sums[:-1]\ndown += moved * weights\nreturn moved, down",
        "moved = np.roll(inputs, 1, axis=1)\nmoved[:, 0] = arriving\ndown = np.roll(sums, 1, axis=0)\ndown[0] = 0\nreturn (moved, down + moved * weights)",
    ]


class exercise_gradients:

    def the_mean_times_the_share():
        """The part's mean times its share, as a number"""
        import tinytorch
        tinytorch.enable_autograd()
        loss_fn = tinytorch.CrossEntropyLoss()
        team = DataParallel(tinytorch.Linear(2, 3, rng=0), loss_fn, lambda parameters: tinytorch.SGD(parameters, lr=0.1), workers=1)
        model, x, targets = team.replicas[0], Tensor([[1.0, 2.0], [3.0, -1.0]]), Tensor([0, 2])
        mean = loss_fn(model(x), targets).item()
        expect(type(team.gradients(model, x, targets, 0.25)).__name__, "float", mistakes=[
            ("NoneType", "Nothing came back. Return the loss as a number.",
             DROPPED + SHARED),
            ("Tensor", "A Tensor came back. `loss.item()` is its number.",
             DROPPED + SHARED + "return loss"),
            (lambda got: True, "Return a float: `loss.item()`.",
             DROPPED + SHARED + "return loss.data")])
        expect(round(team.gradients(model, x, targets, 0.25) / mean, 3), 0.25, mistakes=[
            (1.0, "That is the mean over the part. Its share of the batch is `share`: multiply by it.",
             DROPPED + "loss = self.loss_fn(replica(x), targets)\nloss.backward()\nreturn loss.item()",
             DROPPED + SHARED + "return loss.item() / share"),
            (4.0, "The loss was divided by the share. A quarter of the batch counts a quarter: multiply.",
             DROPPED + SHARED.replace("* share", "/ share") + "return loss.item()"),
            (0.5, "The loss was divided by the number of samples. `loss_fn` is a mean already.",
             DROPPED + SHARED.replace("* share", "/ len(x)") + "return loss.item()"),
            (0.062, "The share was multiplied in twice, in the loss and in what is returned.",
             DROPPED + SHARED + "return loss.item() * share")])

    def gradients_have_the_share_too():
        """The gradients have the share too"""
        import tinytorch
        tinytorch.enable_autograd()
        loss_fn = tinytorch.CrossEntropyLoss()
        team = DataParallel(tinytorch.Linear(2, 3, rng=0), loss_fn, lambda parameters: tinytorch.SGD(parameters, lr=0.1), workers=1)
        model, x, targets = team.replicas[0], Tensor([[1.0, 2.0], [3.0, -1.0]]), Tensor([0, 2])
        loss_fn(model(x), targets).backward()
        mean = model.weight.grad.copy()
        model.weight.grad = model.bias.grad = None
        team.gradients(model, x, targets, 0.25)
        expect(model.weight.grad is None, False, mistakes=[
            (True, "No gradients were computed. `loss.backward()` does that.",
             DROPPED + "return self.loss_fn(replica(x), targets).item() * share",
             SHARED + DROPPED + "return loss.item()")])
        expect(model.weight.grad, mean * 0.25, mistakes=[
            (lambda got: np.allclose(got, mean), "The gradients are those of the part's mean. The share must stand in what is differentiated, before `backward()`.",
             DROPPED + "loss = self.loss_fn(replica(x), targets)\nloss.backward()\nreturn loss.item() * share"),
            (lambda got: np.allclose(got, mean * 0.0625), "The gradients have the share twice. Multiply the loss by it, and nothing else.",
             DROPPED + SHARED + "for parameter in replica.parameters():\n    parameter.grad = parameter.grad * share\nreturn loss.item()")])
        team.gradients(model, x, targets, 0.25)
        expect(model.weight.grad, mean * 0.25, mistakes=[
            (lambda got: np.allclose(got, mean * 0.5), "A second step has added to the gradients of the first. Set each parameter's `grad` to None before.",
             SHARED + "return loss.item()")])
        expect(model.bias.grad is None, False)

    right = [
        DROPPED + SHARED + "return loss.item()",
        "for parameter in replica.parameters():\n    parameter.grad = None\nloss = share * self.loss_fn(replica(x), targets)\nloss.backward()\nreturn float(loss.data)",
        "loss = self.loss_fn(replica(x), targets)\nfor _, parameter in replica.named_parameters():\n    parameter.grad = None\npart = loss * share\npart.backward()\nreturn part.item()",
    ]


class exercise_scatter_steps:

    def two_workers_one_message():
        """Two workers, one message each"""
        def ring():
            buffers = [np.array([1.0, 2.0]), np.array([10.0, 20.0])]
            sent = play_ring([scatter_steps(buffer, rank, 2) for rank, buffer in enumerate(buffers)])
            return [*[buffer.tolist() for buffer in buffers], sent]
        expect(ring(), [[1.0, 22.0], [11.0, 20.0], [8, 8]], mistakes=[
            (raising(TypeError, "NoneType"), "No message was sent. `arrived = yield chunk` sends one; a function without `yield` has no steps.",
             "chunks = chunk_slices(buffer.size, workers)\nreturn None"),
            (raising(TypeError, "sends a slice"), "A slice says where a chunk lies. Send the numbers: `buffer[chunks[…]]`.",
             SCATTER.replace("yield buffer[chunks[(rank - step) % workers]]", "yield chunks[(rank - step) % workers]")),
            ([[1.0, 20.0], [1.0, 20.0], [8, 8]], "What arrived was written over what was there. Here it is added.",
             SCATTER.replace("+=", "=")),
            ([[1.0, 2.0], [10.0, 20.0], [8, 8]], "The sums are in a new array, or nothing was added: the buffer is as it was. Add in place, into `buffer[chunk]`.",
             CHUNKS + SEND, CHUNKS + SEND + "    buffer = buffer + arrived\n"),
            ([[21.0, 2.0], [10.0, 21.0], [8, 8]], "What arrives was added to the chunk that was sent. The left neighbour has sent the chunk before yours.",
             SCATTER.replace("(rank - step - 1)", "(rank - step)")),
            (lambda got: got[2] == [16, 16], "Each worker has sent two chunks, and one is enough: workers - 1 steps. And a message is one chunk, not the whole buffer.",
             SCATTER.replace("range(workers - 1)", "range(workers)"),
             CHUNKS + "    arrived = yield buffer\n    place = chunks[(rank - step - 1) % workers]\n    buffer[place] += arrived[place]\n"),
            (lambda got: got[2] == [0, 0], "Nothing was sent. Two workers take one step.",
             SCATTER.replace("range(workers - 1)", "range(workers - 2)"))])

    def three_workers():
        """Three workers, and chunks counted around"""
        def ring(size):
            buffers = [10.0**rank * np.arange(1, size + 1) for rank in range(3)]
            play_ring([scatter_steps(buffer, rank, 3) for rank, buffer in enumerate(buffers)])
            return [buffer.tolist() for buffer in buffers]
        expect(ring(3), [[1.0, 222.0, 303.0], [11.0, 20.0, 333.0], [111.0, 220.0, 300.0]], mistakes=[
            (raising(IndexError, ""), "There are as many chunks as workers. After the last one comes chunk 0: `% workers`.",
             CHUNKS + "    arrived = yield buffer[chunks[rank - step + 2 * (rank == 2 and step == 0)]]\n" + ADD,
             CHUNKS + "    arrived = yield buffer[chunks[rank + step]]\n    buffer[chunks[rank + step - 1]] += arrived\n"),
            (lambda got: got[0][0] != 1.0 and got[0][1] != 222.0, "Worker 0 has not got chunk 1. In each step the chunk that goes is one lower: rank - step; what arrives belongs to the one before it.",
             CHUNKS + "    arrived = yield buffer[chunks[(rank + step) % workers]]\n    buffer[chunks[(rank + step - 1) % workers]] += arrived\n"),
            ([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [100.0, 200.0, 300.0]], "The buffer is as it was: the sums are in a copy of it. Add in place, into `buffer[chunk]`.",
             "buffer = buffer.copy()\n" + SCATTER),
            ([[1.0, 2.0, 303.0], [11.0, 20.0, 30.0], [100.0, 220.0, 300.0]], "One step is missing: three workers take workers - 1 = 2 steps.",
             SCATTER.replace("range(workers - 1)", "range(max(1, workers - 2))")),
            (lambda got: got[0][1] in (20.0, 200.0), "What arrived was written over what was there. Here it is added.",
             SCATTER.replace("+=", "=")),
            (lambda got: got[0][1] != 222.0, "In every step the same chunk was sent, or added to. The sum that has arrived goes on in the next step.",
             CHUNKS + "    arrived = yield buffer[chunks[rank]]\n    buffer[chunks[rank - 1]] += arrived\n",
             CHUNKS + SEND + "    buffer[chunks[rank - 1]] += arrived\n",
             CHUNKS + "    arrived = yield buffer[chunks[rank]]\n" + ADD)])
        expect(ring(5), [[1.0, 2.0, 333.0, 444.0, 505.0], [11.0, 22.0, 30.0, 40.0, 555.0], [111.0, 222.0, 330.0, 440.0, 500.0]])
        expect(ring(2), [[1.0, 222.0], [11.0, 20.0], [111.0, 220.0]])

    def one_alone():
        """One alone sends nothing"""
        def ring():
            buffer = np.array([5.0, 6.0])
            return play_ring([scatter_steps(buffer, 0, 1)]), buffer.tolist()
        expect(ring(), ([0], [5.0, 6.0]), mistakes=[
            (lambda got: got[0] != [0], "One worker has no neighbour. It takes workers - 1 steps: none.",
             SCATTER.replace("range(workers - 1)", "range(max(1, workers - 1))"))])

    right = [
        SCATTER,
        "chunks = chunk_slices(buffer.size, workers)\nplace = rank\nfor _ in range(1, workers):\n    arrived = yield buffer[chunks[place]]\n    place = (place - 1) % workers\n    buffer[chunks[place]] += arrived",
        "parts = [buffer[chunk] for chunk in chunk_slices(buffer.size, workers)]\nfor step in range(workers - 1):\n    arrived = yield parts[rank - step]\n    parts[rank - step - 1] += arrived",
    ]


class exercise_gather_steps:

    def finished_chunks_go_around():
        """Finished chunks go around"""
        def ring():
            buffers = [np.array([1.0, 222.0, 303.0]), np.array([11.0, 20.0, 333.0]), np.array([111.0, 220.0, 300.0])]
            sent = play_ring([gather_steps(buffer, rank, 3) for rank, buffer in enumerate(buffers)])
            return [*[buffer.tolist() for buffer in buffers], sent]
        expect(ring(), [[111.0, 222.0, 333.0]] * 3 + [[16] * 3], mistakes=[
            (raising(TypeError, "NoneType"), "No message was sent: a function without `yield` has no steps.",
             "chunks = chunk_slices(buffer.size, workers)\nreturn None"),
            (raising(TypeError, "sends a slice"), "A slice says where a chunk lies. Send the numbers: `buffer[chunks[…]]`.",
             GATHER.replace("yield buffer[chunks[(rank + 1 - step) % workers]]", "yield chunks[(rank + 1 - step) % workers]")),
            (raising(IndexError, ""), "The last worker begins with chunk rank + 1, which is chunk 0. Count around: `% workers`.",
             GATHER.replace("(rank + 1 - step) % workers", "rank + 1 - step")),
            (raising(RuntimeError, "still send"), "The steps do not end. There are workers - 1 of them.",
             GATHER.replace("range(workers - 1)", "iter(int, 1)")),
            (lambda got: got[3] == [24] * 3, "One step too many: workers - 1 are enough.",
             GATHER.replace("range(workers - 1)", "range(workers)")),
            (lambda got: got[3] == [8] * 3, "One step is missing: workers - 1.",
             GATHER.replace("range(workers - 1)", "range(workers - 2)")),
            ([[1.0, 222.0, 303.0], [11.0, 20.0, 333.0], [111.0, 220.0, 300.0], [16] * 3], "The buffer is as it was. Write into `buffer[chunk]`, not into a new name.",
             CHUNKS + "    part = buffer[chunks[(rank - step) % workers]]\n    part = yield buffer[chunks[(rank + 1 - step) % workers]]\n"),
            (lambda got: got[0][0] == 112.0, "What arrives is finished. Write it over what is there; nothing is added any more.",
             GATHER.replace("]] = arrived", "]] += arrived")),
            (lambda got: got[0][0] == 1.0 or got[0][0] == 11.0 or got[0] == [303.0, 222.0, 303.0], "A chunk was sent that was not finished. The first is rank + 1, and then what has just arrived.",
             SCATTER.replace("+=", "=")),
            (lambda got: 333.0 not in got[0] or got[0] != [111.0, 222.0, 333.0], "A chunk stands in a wrong place, or one was never sent on. What arrives belongs to the chunk before the one that was sent, and is what goes next.",
             GATHER.replace("[(rank - step) % workers]", "[(rank + 1 - step) % workers]"),
             CHUNKS + "    arrived = yield buffer[chunks[(rank + 1 + step) % workers]]\n    buffer[chunks[(rank + step) % workers]] = arrived\n",
             CHUNKS + "    arrived = yield buffer[chunks[(rank + 1) % workers]]\n    buffer[chunks[rank]] = arrived\n")])

    def both_halves():
        """After both halves everybody has the sum"""
        def ring(workers, size):
            buffers = [10.0**rank * np.arange(1, size + 1) for rank in range(workers)]
            for half in (scatter_steps, gather_steps):
                play_ring([half(buffer, rank, workers) for rank, buffer in enumerate(buffers)])
            return [buffer.tolist() for buffer in buffers]
        expect(ring(4, 6), [[1111.0 * number for number in range(1, 7)]] * 4)
        expect(ring(1, 2), [[1.0, 2.0]])

    right = [
        GATHER,
        "chunks = chunk_slices(buffer.size, workers)\nfor place in range(rank, rank - workers + 1, -1):\n    arrived = yield buffer[chunks[(place + 1) % workers]]\n    buffer[chunks[place % workers]] = arrived",
        "parts = [buffer[chunk] for chunk in chunk_slices(buffer.size, workers)]\nfor step in range(workers - 1):\n    parts[rank - step][:] = yield parts[(rank + 1 - step) % workers]",
    ]


class exercise_modelled_all_reduce_seconds:

    def steps_times_one_message():
        """2 · (N - 1) messages of one chunk"""
        link = Link(latency=0.0, bandwidth=1e9)
        expect([round(modelled_all_reduce_seconds(4_000_000, workers, link), 6) for workers in (1, 2, 4)], [0.0, 0.004, 0.006], mistakes=[
            (lambda got: got == [0.0, 0.002, 0.003], "That is one half. The ring goes around twice.",
             CHECKED + "return (workers - 1) * link.modelled_seconds(nbytes / workers)"),
            (lambda got: got == [0.0, 0.008, 0.024], "Each message is one chunk, nbytes / workers, and all links are busy at once: a step takes as long as one message.",
             CHECKED + "return 2 * (workers - 1) * link.modelled_seconds(nbytes)",
             CHECKED + "return 2 * (workers - 1) * workers * link.modelled_seconds(nbytes / workers)"),
            (lambda got: got == [0.008, 0.008, 0.008], "N workers take N - 1 steps for each half. One worker alone takes none.",
             CHECKED + "return 2 * workers * link.modelled_seconds(nbytes / workers)"),
            (raising(TypeError, "NoneType"), "Nothing came back.", CHECKED + "pass")])

    def every_message_waits():
        """Every message has its latency"""
        link = Link(latency=0.5, bandwidth=8.0)
        expect([modelled_all_reduce_seconds(8, workers, link) for workers in (1, 2, 4)], [0.0, 2.0, 4.5], mistakes=[
            (lambda got: got[1] == 1.5, "The latency was counted once. Each of the 2 · (N - 1) messages has it.",
             CHECKED + "return 2 * (workers - 1) / workers * nbytes / link.bandwidth + link.latency * (workers > 1)"),
            (lambda got: got[1] == 1.0, "The latency is missing. `link.modelled_seconds(n)` has it.",
             CHECKED + "return 2 * (workers - 1) / workers * nbytes / link.bandwidth")])
        expect(modelled_all_reduce_seconds(1, 4, link), 6 * (0.5 + 0.25 / 8), mistakes=[
            (lambda got: got == 3.0, "A quarter of a byte was rounded to none. In a model `/` is right.",
             CHECKED + "return 2 * (workers - 1) * link.modelled_seconds(nbytes // workers)")])

    def what_cannot_be_is_refused():
        """What cannot be is refused"""
        link = Link(latency=0.0, bandwidth=1e9)
        expect_raises(ValueError, lambda: modelled_all_reduce_seconds(8_000_000_000, 0, link), mentions=["at least 1"], mistakes=[
            (-16.0, "No workers at all cannot reduce anything. `check_workers` says so, with the function's name and the number.",
             "check_message(nbytes, link)\nreturn 2 * (workers - 1) * link.modelled_seconds(nbytes / max(workers, 1))"),
            (raising(ZeroDivisionError, ""), "With no workers it was divided by 0. `check_workers` refuses that before, in a sentence.",
             "check_message(nbytes, link)\nreturn 2 * (workers - 1) * link.modelled_seconds(nbytes / workers)")])
        expect_raises(ValueError, lambda: modelled_all_reduce_seconds(-8_000_000_000, 2, link), mentions=["nbytes is -8"], mistakes=[
            (-8.0, "There are no messages of less than 0 bytes. `check_message` says so.",
             "check_workers(\"modelled_all_reduce_seconds\", workers)\nreturn 2 * (workers - 1) * link.modelled_seconds(nbytes / workers)")])

    right = [
        CHECKED + "return 2 * (workers - 1) * link.modelled_seconds(nbytes / workers)",
        CHECKED + "steps = 2 * (workers - 1)\nreturn steps * link.latency + steps / workers * nbytes / link.bandwidth",
        CHECKED + "message = link.modelled_seconds(nbytes / workers)\nreturn sum([message] * (workers - 1)) * 2",
    ]
