"""Chapter 09: the checks of its exercises, with the wrong answers that each sentence is for, and right ones."""

import numpy as np

from tinytorch import Tensor
from tinytorch.core.spatial import (
    BatchNorm2d,
    Flatten,
    MaxPool2d,
    col2im,
    conv2d_loops,
    conv2d_parameter_gradients,
    conv_output_size,
    im2col,
    window_views,
)
from tinytorch.learn.expecting import expect, expect_raises, expect_shares_memory, raising

SIZES = ('size = check_size("conv_output_size", "size", size, least=0)\n'
         'kernel_size = check_size("conv_output_size", "kernel_size", kernel_size)\n'
         'stride = check_size("conv_output_size", "stride", stride)\n'
         'padding = check_size("conv_output_size", "padding", padding, least=0)\n')
TOO_LARGE = ("if kernel_size > padded:\n"
             '    raise ValueError(f"conv_output_size: a kernel of {kernel_size} does not fit into {padded} "\n'
             '                     f"(size {size}, padding {padding}); take a smaller kernel or more padding")\n')
PADDED = SIZES + "padded = size + 2 * padding\n" + TOO_LARGE
ARRAYS = "x, weight = read_numbers(x), read_numbers(weight)\nbias = None if bias is None else read_numbers(bias)\n"
STRIDES = "(down, right), padding = check_convolution(x, weight, bias, stride, padding)\n"
PAD = "x = pad_images(x, padding)\n"
MAKE = ("O, C, rows, columns = weight.shape\n"
        "H_out, W_out = conv_output_size(x.shape[2], rows, down), conv_output_size(x.shape[3], columns, right)\n"
        "out = np.empty((len(x), O, H_out, W_out), dtype=np.result_type(x, weight, np.float32))\n")
PRODUCT = "x[n, c, h * down + i, w * right + j] * weight[o, c, i, j]"
OUTER = ("for n in range(len(x)):\n    for o in range(O):\n        for h in range(H_out):\n            for w in range(W_out):\n")
INNER = ("                total = 0.0 if bias is None else bias[o]\n                for c in range(C):\n                    for i in range(rows):\n"
         f"                        for j in range(columns):\n                            total += {PRODUCT}\n")
STORE = "                out[n, o, h, w] = total\n"
BEFORE = ARRAYS + STRIDES + PAD + MAKE
LOOPS = BEFORE + OUTER + INNER + STORE + "return out"
COUNTED = ("(rows, columns), (down, right) = kernel_size, stride\nH_out = conv_output_size(images.shape[2], rows, down)\n"
           "W_out = conv_output_size(images.shape[3], columns, right)\n")
SLICE = "images[:, :, i : i + down * H_out : down, j : j + right * W_out : right]"
VIEWS = COUNTED + f"return [{SLICE} for i in range(rows) for j in range(columns)]"
PAIRS = ('kernel_size, stride = pair("im2col", "kernel_size", kernel_size), pair("im2col", "stride", stride)\n'
         'padding = pair("im2col", "padding", padding, least=0)\n')
FITS = 'check_images("im2col", images.shape, None, kernel_size, padding)\n'
LOOK = PAIRS + FITS + "views = window_views(pad_images(images, padding), kernel_size, stride)\nN, C, H_out, W_out = views[0].shape\n"
EMPTY = "columns = np.empty((N, len(views) * C + ones, H_out * W_out), dtype=images.dtype)\n"
FILL = "for k, view in enumerate(views):\n    columns[:, k * C : (k + 1) * C] = view.reshape(N, C, H_out * W_out)\n"
ONES = "if ones:\n    columns[:, -1] = 1\n"
COLUMNS = LOOK + EMPTY + FILL + ONES + "return columns"
ROWS = ("N, O, H_out, W_out = grad_output.shape\nC, grad_output = x.shape[1], grad_output.reshape(N, O, H_out * W_out)\n")
TOTAL = "total = np.zeros((math.prod(kernel_size) * C + 1, O), dtype=grad_output.dtype)\n"
BLOCKS = "for block in blocks(x, kernel_size, H_out * W_out):\n    columns = im2col(x[block], kernel_size, stride, padding, ones=True)\n"
ADD = "    total += np.matmul(columns, grad_output[block].transpose(0, 2, 1)).sum(axis=0)\n"
KERNELS = "return total[:-1].reshape(*kernel_size, C, O).transpose(3, 2, 0, 1), total[-1]"
SUMMED = ROWS + TOTAL + BLOCKS + ADD
BACK = ('kernel_size, stride = pair("col2im", "kernel_size", kernel_size), pair("col2im", "stride", stride)\n'
        'top, left = padding = pair("col2im", "padding", padding, least=0)\n'
        'check_images("col2im", shape, None, kernel_size, padding)\nN, C, H, W = shape\n')
ZEROS = BACK + ("padded = np.zeros((N, C, H + 2 * top, W + 2 * left), dtype=columns.dtype)\nviews = window_views(padded, kernel_size, stride)\n")
PLACED = ZEROS + "columns = columns.reshape(N, len(views), *views[0].shape[1:])\n"
ADDED = "for k, view in enumerate(views):\n    view += columns[:, k]\n"
INSIDE = "return padded[:, :, top : top + H, left : left + W]"
IMAGES = "images = pad_images(x.data, padding, lowest(x.dtype))\n"
NOTHING = IMAGES + "grad_x = np.zeros(images.shape, dtype=grad_output.dtype)\n"
WAITING = NOTHING + "waiting = np.ones(grad_output.shape, dtype=bool)\n"
PLACES = "places = zip(window_views(images, kernel_size, stride), window_views(grad_x, kernel_size, stride))\nfor view, grad_view in places:\n"
FOUND = "    found = waiting & ~(view < self.output)\n"
TAKE = "    grad_view += grad_output * found\n    waiting ^= found\n"
BORDER = "return without_border(grad_x, padding)"
CHECKED = ("x = x if isinstance(x, Tensor) else Tensor(x)\n"
           'check_images("BatchNorm2d", x.shape, self.num_features, kernel_size=(0, 0))\n')
RUNNING = "mean, variance = self.running_mean.copy(), self.running_var.copy()\n"
ASK = "from_batch = self.training and x.size > 0\n"
STATISTICS = "    mean, variance = batch_statistics(x.data)\n"
FOLLOW = "    self.update_running(mean, variance, x.size // self.num_features, x.shape)\n"
APPLY = "return BatchNorm2dFunction.apply(x, self.weight, self.bias, mean, variance, self.eps, from_batch)"
NORMALIZED = CHECKED + RUNNING + ASK + "if from_batch:\n" + STATISTICS + FOLLOW + APPLY
TENSOR = "x = x if isinstance(x, Tensor) else Tensor(x)\n"
SINGLE = 'if x.ndim == 0:\n    raise ValueError("Flatten: x has shape (); a batch has at least one axis: x.reshape(1)")\n'


class exercise_conv_output_size:

    def one_for_each_place_where_the_window_begins():
        """One for each place where the window can begin"""
        expect(conv_output_size(4, 3), 2, mistakes=[
            (1, "That is the number of steps between the first window and the last. The first one counts too: add 1.",
             PADDED + "return (padded - kernel_size) // stride"),
            (4, "At the last places the window would reach beyond the edge. Take the kernel away from the size first.",
             PADDED + "return padded // stride",
             PADDED + "return -(-padded // stride)"),
            (TypeError, "There are still dots in your function. Put a calculation in the place of each.",
             SIZES + "padded = ...\n" + TOO_LARGE + "return (padded - kernel_size) // stride + 1")])
        expect(conv_output_size(5, 5), 1)

    def a_stride_leaves_places_out():
        """A stride leaves places out"""
        expect(conv_output_size(7, 3, stride=2), 3, mistakes=[
            (5, "The stride has no part in it. With 2, every second place is left out.",
             PADDED + "return padded - kernel_size + 1"),
            (1, "The stride must divide the whole way between first and last window, padded - kernel_size, and not the picture.",
             PADDED + "return padded // stride - kernel_size + 1"),
            (2, "You added 1 before dividing. Divide the way between first and last window by the stride, then add 1.",
             PADDED + "return (padded - kernel_size + 1) // stride")])
        expect(conv_output_size(8, 3, stride=2), 3, mistakes=[
            (3.5, "A number of windows is a whole number. // divides without the rest.",
             PADDED + "return (padded - kernel_size) / stride + 1"),
            (4, "You rounded up, so the last window reaches beyond the edge. It is left out: //.",
             PADDED + "return math.ceil((padded - kernel_size) / stride) + 1")])

    def zeros_on_both_sides():
        """Zeros on both sides"""
        expect(conv_output_size(32, 3, padding=1), 32, mistakes=[
            (31, "Padding lies in front and behind, so it counts twice.",
             SIZES + "padded = size + padding\n" + TOO_LARGE + "return (padded - kernel_size) // stride + 1"),
            (30, "The padding has no part in it.",
             SIZES + "padded = size\n" + TOO_LARGE + "return (padded - kernel_size) // stride + 1")])
        expect(conv_output_size(0, 2, padding=3), 5)
        expect(conv_output_size(10, 4, 1, 2), 11)

    def a_kernel_that_fits_nowhere_is_refused():
        """A kernel that fits nowhere is refused"""
        expect_raises(ValueError, lambda: conv_output_size(4, 7, 1, 1), mentions=["a kernel of 7 does not fit into 6 (size 4, padding 1)"], mistakes=[
            (0, "A kernel of 7 does not fit into 4 and two zeros. Leave the refusal that was given.",
             SIZES + "padded = size + 2 * padding\nreturn (padded - kernel_size) // stride + 1"),
            (lambda error: "into 6 " not in str(error), "The sentence names a wrong size. padded is what the kernel must fit into: the picture and the zeros on both sides.",
             SIZES + "padded = size + 2 * padding\n" + TOO_LARGE.replace("{padded}", "{size}") + "return (padded - kernel_size) // stride + 1")])

    def numbers_that_make_no_sense_are_refused():
        """Numbers that make no sense are refused"""
        expect(conv_output_size(4, 3), 2)
        expect_raises(ValueError, lambda: conv_output_size(-1, 1), mentions=["conv_output_size: size is -1; it must be at least 0"], mistakes=[
            (lambda error: "size is -1" not in str(error), "The four lines that were given refuse numbers that make no sense; leave them as they are.",
             "padded = size + 2 * padding\n" + TOO_LARGE + "return (padded - kernel_size) // stride + 1")])
        expect_raises(ValueError, lambda: conv_output_size(4, 0), mentions=["conv_output_size: kernel_size is 0; it must be at least 1"])
        expect_raises(ValueError, lambda: conv_output_size(4, 2, 0), mentions=["conv_output_size: stride is 0; it must be at least 1"])
        expect_raises(ValueError, lambda: conv_output_size(4, 2, 1, -1), mentions=["conv_output_size: padding is -1; it must be at least 0"])

    right = [
        PADDED + "return (padded - kernel_size) // stride + 1",
        PADDED + "return (padded - kernel_size + stride) // stride",
        PADDED + "return len(range(0, padded - kernel_size + 1, stride))",
    ]


class exercise_conv2d_loops:

    def each_number_is_a_window_times_the_kernel():
        """Each number is a window times the kernel"""
        x, weight = np.arange(1.0, 10.0).reshape(1, 1, 3, 3), np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
        expect(conv2d_loops(x, weight), np.array([[[[37.0, 47.0], [67.0, 77.0]]]]), mistakes=[
            (lambda got: got[0, 0, 0, 0] == 23, "The kernel was turned round. Weight (0, 0) meets the pixel in the window's upper left corner.",
             LOOPS.replace("weight[o, c, i, j]", "weight[o, c, rows - 1 - i, columns - 1 - j]")),
            (lambda got: got[0, 0, 1, 1] == 77 + 37 + 47 + 67, "The total goes on from window to window. It begins anew for each element of out.",
             BEFORE + "total = 0.0\n" + OUTER + INNER.replace("                total = 0.0 if bias is None else bias[o]\n", "") + STORE + "return out"),
            (lambda got: got[0, 0, 0, 0] == 20, "Only the last product is left. Add each product to the total: +=.",
             LOOPS.replace("total += ", "total = ")),
            (lambda got: got[0, 0, 0, 1] == 37, "Every window is the same one: pixel (i, j) and not the one beneath. Add where the window begins: row h * down, column w * right.",
             LOOPS.replace("h * down + i, w * right + j", "i, j")),
            (lambda got: got[0, 0, 0, 1] == 65, "Rows and columns of the picture were exchanged. The row comes from h and i, the column from w and j.",
             LOOPS.replace("h * down + i, w * right + j", "w * right + j, h * down + i")),
            (lambda got: got[0, 0, 0, 1] == 45, "Rows and columns of the kernel were exchanged. weight[o, c, i, j] meets the pixel i rows and j columns further.",
             LOOPS.replace("weight[o, c, i, j]", "weight[o, c, j, i]")),
            (None, "Nothing came back. Return out after all seven loops.",
             LOOPS.replace("return out", "")),
            (raising(TypeError, "NoneType"), "There is no bias here, it is None. The sum begins with 0 then.",
             LOOPS.replace("0.0 if bias is None else bias[o]", "bias[o]")),
            (lambda got: got[0, 0, 0, 0] == 37 or not (abs(got) < 1000).all() or (got % 1).any(), "Elements of out were never set, and hold whatever was in memory. Each sum begins with 0, and return stands after all loops, at the margin.",
             BEFORE.replace("np.empty", "np.zeros") + OUTER + INNER + STORE + "                return out",
             BEFORE.replace("out = np.empty(", "out = np.full(").replace("dtype=", "1e9, dtype=") + OUTER + INNER.replace("                total = 0.0 if bias is None else bias[o]\n", "").replace("total +=", "out[n, o, h, w] +=") + "return out")])

    def channels_are_added_and_every_kernel_makes_a_map():
        """Channels are added, and every kernel makes a map"""
        x = np.array([[[[1.0, 2.0]], [[10.0, 20.0]]]])
        weight = np.array([[[[1.0]], [[1.0]]], [[[2.0]], [[-1.0]]], [[[0.0]], [[3.0]]]])
        expect(conv2d_loops(x, weight), np.array([[[[11.0, 22.0]], [[-8.0, -16.0]], [[30.0, 60.0]]]]), mistakes=[
            (lambda got: got[0, 0, 0, 0] == 1, "Only channel 0 was looked at. A window goes through all channels.",
             LOOPS.replace("x[n, c,", "x[n, 0,").replace("weight[o, c,", "weight[o, 0,").replace("range(C)", "range(1)")),
            (lambda got: got[0, 0, 0, 0] == 10, "Only the last channel counts. The total must not begin anew for each channel.",
             BEFORE + OUTER + "                for c in range(C):\n                    total = 0.0 if bias is None else bias[o]\n" + INNER.partition("for c in range(C):\n")[2] + STORE + "return out"),
            (lambda got: got[0, 1, 0, 0] == 11, "All maps are the same. The map o is made with the kernel o.",
             LOOPS.replace("weight[o, c, i, j]", "weight[0, c, i, j]")),
            (lambda got: got[0, 0, 0, 0] == 2, "Channel 0 of the picture was used for all channels of the kernel. Both have the same c.",
             LOOPS.replace("x[n, c,", "x[n, 0,"))])

    def every_picture_of_the_batch():
        """Every picture of the batch"""
        x = np.arange(8.0).reshape(4, 1, 1, 2)
        expect(conv2d_loops(x, np.ones((1, 1, 1, 2))), np.array([1.0, 5.0, 9.0, 13.0]).reshape(4, 1, 1, 1), mistakes=[
            (lambda got: got[1, 0, 0, 0] == 1, "Every picture gave the result of the first one. It is picture n.",
             LOOPS.replace("x[n, c,", "x[0, c,"))])

    def each_sum_begins_with_its_kernel_s_bias():
        """Each sum begins with its kernel's bias"""
        x, weight = np.ones((1, 1, 1, 2)), np.ones((2, 1, 1, 1))
        expect(conv2d_loops(x, weight, np.array([10.0, 20.0])), np.array([[[[11.0, 11.0]], [[21.0, 21.0]]]]), mistakes=[
            (raising(ValueError, "truth value"), "An array is not True or False as a whole. Ask whether there is one: bias is None.",
             LOOPS.replace("0.0 if bias is None else bias[o]", "bias[o] if bias else 0.0")),
            (lambda got: got[0, 0, 0, 0] == 1, "The bias is missing. Each sum begins with bias[o].",
             LOOPS.replace("0.0 if bias is None else bias[o]", "0.0")),
            (lambda got: got[0, 1, 0, 0] == 11, "Every kernel has a bias of its own: bias[o].",
             LOOPS.replace("else bias[o]", "else bias[0]"))])
        expect(conv2d_loops(np.ones((1, 2, 1, 2)), np.ones((1, 2, 1, 2)), np.array([10.0])), np.array([[[[14.0]]]]), mistakes=[
            (lambda got: got[0, 0, 0, 0] > 14, "The bias was added with every product. It belongs to a sum once.",
             BEFORE + OUTER + INNER.replace("0.0 if bias is None else bias[o]", "0.0").replace("total += ", "total += (0.0 if bias is None else bias[o]) + ") + STORE + "return out")])
        expect(conv2d_loops(np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1)), None), np.array([[[[1.0]]]]))

    def stride_and_padding_one_for_rows_and_one_for_columns():
        """Stride and padding, one for rows and one for columns"""
        x = np.arange(1.0, 13.0).reshape(1, 1, 2, 6)
        expect(conv2d_loops(x, np.ones((1, 1, 1, 2)), None, (1, 3)), np.array([[[[3.0, 9.0], [15.0, 21.0]]]]), mistakes=[
            (lambda got: got[0, 0, 0, 1] == 5, "The windows lie one column apart. With a stride of 3, window w begins at column 3 * w: w * right.",
             LOOPS.replace("w * right + j", "w + j")),
            (IndexError, "A pixel was asked for that is not there. The row is h * down + i, the column w * right + j: down is the stride of rows, right that of columns.",
             LOOPS.replace("h * down + i, w * right + j", "h * right + i, w * down + j"))])
        tall = np.arange(1.0, 7.0).reshape(1, 1, 3, 2)
        expect(conv2d_loops(tall, np.ones((1, 1, 1, 1)), None, (2, 1)), np.array([[[[1.0, 2.0], [5.0, 6.0]]]]), mistakes=[
            (lambda got: got[0, 0, 1, 0] == 3, "The windows lie one row apart. With a stride of 2, window h begins at row 2 * h: h * down.",
             LOOPS.replace("h * down + i", "h + i"))])
        expect(conv2d_loops(np.ones((1, 1, 7, 7)), np.ones((1, 1, 2, 2)), None, 3).shape, (1, 1, 2, 2))
        expect(conv2d_loops(np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 2)), None, 1, (0, 1)), np.array([[[[1.0, 1.0]]]]), mistakes=[
            (raising(ValueError, "does not fit"), "The zeros around the picture are missing. The line with pad_images was given.",
             ARRAYS + STRIDES + MAKE + OUTER + INNER + STORE + "return out")])

    def lists_and_float32_and_what_does_not_fit():
        """Lists are taken, float32 stays float32, and what does not fit is refused"""
        half = np.ones((1, 1, 1, 1), dtype=np.float32)
        expect(conv2d_loops(half, half), half, mistakes=[
            (lambda got: got.dtype == np.float64, "float32 pictures and kernels gave float64. Leave the dtype of out as it was given.",
             LOOPS.replace(", dtype=np.result_type(x, weight, np.float32)", ""))])
        expect(conv2d_loops([[[[1, 2]]]], [[[[3]]]], [0.5]), np.array([[[[3.5, 6.5]]]]), mistakes=[
            (AttributeError, "A list has no shape. read_numbers in the given lines makes arrays of lists.",
             LOOPS.replace(ARRAYS, "")),
            (lambda got: got.dtype.kind == "i", "Pictures and kernels of whole numbers gave whole numbers, and the halves of the bias are lost. Leave the dtype of out as it was given.",
             LOOPS.replace("x, weight, np.float32", "x, weight"))])
        expect_raises(ValueError, lambda: conv2d_loops(half, half, np.ones(2)), mentions=["bias has shape (2,)"], mistakes=[
            (np.array([[[[2.0]]]], dtype=np.float32), "There are two numbers for one kernel, and nobody noticed. check_convolution, in a line that was given, refuses it.",
             LOOPS.replace(STRIDES, '(down, right), padding = pair("conv2d", "stride", stride), pair("conv2d", "padding", padding, 0)\n'))])

    right = [
        LOOPS,
        (BEFORE + "for n, o, h, w in np.ndindex(out.shape):\n    total = 0.0 if bias is None else bias[o]\n    for c, i, j in np.ndindex(C, rows, columns):\n"
         f"        total += {PRODUCT}\n    out[n, o, h, w] = total\nreturn out"),
        (BEFORE + "out[...] = 0 if bias is None else bias[:, None, None]\nfor n in range(len(x)):\n    for o in range(O):\n        for c in range(C):\n"
         "            for i in range(rows):\n                for j in range(columns):\n                    for h in range(H_out):\n                        for w in range(W_out):\n"
         f"                            out[n, o, h, w] += {PRODUCT}\nreturn out"),
    ]

    equivalent = [
        (
            "out = np.empty((len(x), O, H_out, W_out), dtype=np.result_type(x, weight, np.float32))  ->  out = np.empty((len(x), O, H_out, W_out), dtype=np.result_type(weight, x, np.float32))",
            "the common dtype of three is the same in any order",
        ),
        (
            "out = np.empty((len(x), O, H_out, W_out), dtype=np.result_type(x, weight, np.float32))  ->  out = np.empty((len(x), O, H_out, W_out), dtype=np.result_type(x, np.float32, weight))",
            "the common dtype of three is the same in any order",
        ),
    ]


class exercise_window_views:

    def what_all_windows_have_at_each_place():
        """What each weight meets in all windows, row by row"""
        images = np.arange(12).reshape(1, 1, 3, 4)
        expect([view[0, 0].tolist() for view in window_views(images, (2, 2), (1, 1))], [[[0, 1, 2], [4, 5, 6]], [[1, 2, 3], [5, 6, 7]], [[4, 5, 6], [8, 9, 10]], [[5, 6, 7], [9, 10, 11]]], mistakes=[
            (lambda got: len(got) == 6, "You made one view for each window. Loop over the weights of a kernel, and let one slice go over all windows.",
             COUNTED + "return [images[:, :, h * down : h * down + rows, w * right : w * right + columns] for h in range(H_out) for w in range(W_out)]"),
            (lambda got: len(got) == 4 and got[1] == [[4, 5, 6], [8, 9, 10]], "The places come column by column. Row by row: (0, 0), (0, 1), then (1, 0), (1, 1).",
             COUNTED + f"return [{SLICE} for j in range(columns) for i in range(rows)]"),
            (lambda got: len(got) == 4 and len(got[0]) == 3, "The slices have no end, so they have not all the same shape. Each has one element for every window that fits: H_out rows, W_out columns.",
             COUNTED + "return [images[:, :, i::down, j::right] for i in range(rows) for j in range(columns)]"),
            (lambda got: len(got) == 4 and len(got[3]) == 1, "All slices end at the same place, so the later ones are shorter. The end moves with the beginning: i + down * H_out.",
             COUNTED + "return [images[:, :, i : down * H_out : down, j : right * W_out : right] for i in range(rows) for j in range(columns)]"),
            (TypeError, "Nothing came back, or no list. Return the list of views.",
             VIEWS.replace("return ", "views = ")),
            ([[[0, 1, 2], [4, 5, 6]]], "That is one view. There is one for every weight of a kernel.",
             COUNTED + "for i in range(rows):\n    for j in range(columns):\n        return [" + SLICE + "]")])

    def a_kernel_and_a_stride_that_differ():
        """Kernel and stride that differ between rows and columns"""
        images = np.arange(12).reshape(1, 1, 3, 4)
        expect([view[0, 0].tolist() for view in window_views(images, (1, 2), (2, 2))], [[[0, 2], [8, 10]], [[1, 3], [9, 11]]], mistakes=[
            (lambda got: got[0] == [[0]], "The slice ends too early. With a step of 2, H_out elements reach over 2 * H_out rows: the end is i + down * H_out.",
             COUNTED + "return [images[:, :, i : i + H_out : down, j : j + W_out : right] for i in range(rows) for j in range(columns)]"),
            (lambda got: len(got) == 2 and got[0][0] == [0, 1], "The windows lie side by side. With a stride of 2 the slice has a step of 2.",
             COUNTED + "return [images[:, :, i : i + H_out, j : j + W_out] for i in range(rows) for j in range(columns)]")])
        wide = np.arange(20).reshape(1, 1, 4, 5)
        expect([view[0, 0].tolist() for view in window_views(wide, (2, 1), (1, 3))], [[[0, 3], [5, 8], [10, 13]], [[5, 8], [10, 13], [15, 18]]], mistakes=[
            (lambda got: len(got) == 2 and (len(got[0]) == 1 or got[0][0] == [0, 1]), "The strides were exchanged. The first is that of the rows, down, the second that of the columns, right.",
             VIEWS.replace("down * H_out : down", "right * H_out : right").replace("right * W_out : right", "down * W_out : down").replace("i + down * W_out", "i + right * W_out"),
             COUNTED + "return [images[:, :, i : i + down * H_out : right, j : j + right * W_out : down] for i in range(rows) for j in range(columns)]")])
        expect([view.tolist() for view in window_views(np.arange(5).reshape(1, 1, 1, 5), (1, 2), (1, 2))], [[[[[0, 2]]]], [[[[1, 3]]]]], mistakes=[
            (lambda got: got[0] == [[[[0, 2, 4]]]], "The last pixel is in no window: its second place would be beyond the edge. A slice ends after W_out elements.",
             COUNTED + "return [images[:, :, i : i + images.shape[2] - rows + 1 : down, j::right] for i in range(rows) for j in range(columns)]")])

    def all_pictures_and_channels_at_once():
        """All pictures and channels at once"""
        images = np.zeros((3, 5, 6, 7))
        expect([view.shape for view in window_views(images, (3, 2), (1, 1))], [(3, 5, 4, 6)] * 6, mistakes=[
            (lambda got: len(set(got)) == 1 and len(got[0]) == 2, "That is one channel of one picture. A slice begins with [:, :, …], all pictures and all channels.",
             COUNTED + "return [images[0, 0, i : i + down * H_out : down, j : j + right * W_out : right] for i in range(rows) for j in range(columns)]")])

    def no_number_moves():
        """No number moves, and what is written arrives"""
        images = np.arange(9.0).reshape(1, 1, 3, 3)
        expect_shares_memory(window_views(images, (2, 2), (1, 1))[3], images, mistakes=[
            (lambda got: True, "The views are copies. A slice is a view as it is; copy nothing.",
             VIEWS.replace(SLICE, SLICE + ".copy()"),
             COUNTED + f"return list(np.stack([{SLICE} for i in range(rows) for j in range(columns)]))")])
        def written():
            window_views(images, (1, 2), (1, 1))[1][...] = -1
            return images[0, 0, 0].tolist()
        expect(written(), [0.0, -1.0, -1.0], mistakes=[
            (raising(ValueError, "read-only"), "These views cannot be written to. NumPy's sliding_window_view is made that way; take slices, or say writeable=True.",
             (COUNTED + "windows = np.lib.stride_tricks.sliding_window_view(images, kernel_size, axis=(2, 3))[:, :, ::down, ::right]\n"
              "return [windows[..., i, j] for i in range(rows) for j in range(columns)]"))])

    right = [
        VIEWS,
        COUNTED + "views = []\nfor i in range(rows):\n    for j in range(columns):\n        to_row, to_column = i + (H_out - 1) * down + 1, j + (W_out - 1) * right + 1\n        views.append(images[:, :, i:to_row:down, j:to_column:right])\nreturn views",
        (COUNTED + "windows = np.lib.stride_tricks.sliding_window_view(images, kernel_size, axis=(2, 3), writeable=True)[:, :, ::down, ::right]\n"
         "return [windows[..., i, j] for i in range(rows) for j in range(columns)]"),
        COUNTED + "return [images[:, :, i::down, j::right][:, :, :H_out, :W_out] for i, j in np.ndindex(rows, columns)]",
    ]


class exercise_im2col:

    def every_window_is_a_column():
        """Every window is a column"""
        images = np.arange(9).reshape(1, 1, 3, 3)
        expect(im2col(images, 2), np.array([[[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]]), mistakes=[
            (lambda got: got.shape == (1, 1, 4, 4) or got.ndim != 3, "The result has another number of axes. It has three: pictures, numbers in a window, windows.",
             LOOK + "columns = np.stack(views, axis=1)\nreturn columns",
             LOOK + "columns = np.stack(views, axis=2)\nreturn columns.reshape(N, C, len(views), -1)"),
            (None, "Nothing came back. Return the columns.",
             LOOK + EMPTY + FILL + ONES),
            (lambda got: got[0, 0, 1] == 1 and got[0, 1, 0] == 3, "You took the windows column by column. Keep the order of views, which goes row by row.",
             LOOK + EMPTY + FILL.replace("enumerate(views)", "enumerate(views[0::2] + views[1::2])") + ONES + "return columns"),
            (raising(ValueError, "broadcast"), "A view of shape (N, C, H_out, W_out) does not fit into rows of shape (N, C, H_out * W_out). Reshape it.",
             LOOK + EMPTY + "for k, view in enumerate(views):\n    columns[:, k * C : (k + 1) * C] = view\nreturn columns")])
        three = np.arange(6).reshape(1, 1, 2, 3)
        expect(im2col(three, 2), np.array([[[0, 1], [1, 2], [3, 4], [4, 5]]]), mistakes=[
            (lambda got: got.shape == (1, 2, 4), "The windows are rows. Turn it: one row for each number in a window, one column for each window.",
             LOOK + EMPTY + FILL + ONES + "return columns.transpose(0, 2, 1)")])

    def for_each_place_the_numbers_of_all_channels():
        """For each place the numbers of all channels"""
        images = np.arange(12).reshape(1, 2, 2, 3)
        expect(im2col(images, 2), np.array([[[0, 1], [6, 7], [1, 2], [7, 8], [3, 4], [9, 10], [4, 5], [10, 11]]]), mistakes=[
            (lambda got: got.shape[1] == 8 and got[0, 1, 0] == 1 and got[0, 4, 0] == 6, "All places of channel 0 come first. Place by place is asked for: place (0, 0) of all channels, then (0, 1) of all channels.",
             LOOK + "columns = np.stack(views, axis=2).reshape(N, C * len(views), H_out * W_out)\nif ones:\n    columns = np.concatenate([columns, np.ones_like(columns[:, :1])], axis=1)\nreturn columns"),
            (lambda got: got.shape == (1, 4, 2), "There are as many rows as places. With two channels there are twice as many.",
             LOOK + "columns = np.empty((N, len(views) + ones, H_out * W_out), dtype=images.dtype)\nfor k, view in enumerate(views):\n    columns[:, k] = view[:, 0].reshape(N, -1)\n" + ONES + "return columns"),
            (ValueError, "A view has C channels, so it fills C rows: from k * C to (k + 1) * C.",
             LOOK + EMPTY + FILL.replace("k * C : (k + 1) * C", "k : k + 1") + ONES + "return columns"),
            (lambda got: got[0, 4, 0] == 4 or got[0, 1, 0] == 1, "Later views wrote over the rows of earlier ones. The k-th view fills C rows, from k * C to (k + 1) * C.",
             LOOK + EMPTY.replace("np.empty", "np.zeros") + FILL.replace("k * C : (k + 1) * C", "k : k + C") + ONES + "return columns")])
        several = np.arange(12).reshape(3, 2, 1, 2)
        expect(im2col(several, 1), several.reshape(3, 2, 2), mistakes=[
            (lambda got: (got[1] == got[0]).all(), "Every picture has the columns of the first one.",
             LOOK + EMPTY + FILL.replace("view.reshape(N, C, H_out * W_out)", "view[0].reshape(C, H_out * W_out)") + ONES + "return columns")])

    def with_ones_a_last_row_of_ones():
        """With ones a last row of ones, and without it none"""
        images = np.arange(3, dtype=np.float32).reshape(1, 1, 1, 3)
        expect(im2col(images, (1, 2), ones=True), np.array([[[0, 1], [1, 2], [1, 1]]], dtype=np.float32), mistakes=[
            (lambda got: got.dtype == np.float64 and got.tolist() == [[[0, 1], [1, 2], [1, 1]]], "The numbers are right, and twice as large in memory: np.empty and np.ones are float64 where nothing else is said, and so is what np.ones is joined to. Say dtype=images.dtype.",
             LOOK + "columns = [view.reshape(N, C, H_out * W_out) for view in views]\nif ones:\n    columns.append(np.ones((N, 1, H_out * W_out)))\nreturn np.concatenate(columns, axis=1)"),
            (lambda got: got.shape == (1, 2, 2), "The row of ones is missing.",
             LOOK + EMPTY.replace(" + ones", "") + FILL + "return columns"),
            (lambda got: got[0, 0].tolist() == [1, 1], "The ones are in the first row. They come last.",
             LOOK + EMPTY + FILL.replace("k * C : (k + 1) * C", "k * C + ones : (k + 1) * C + ones") + "if ones:\n    columns[:, 0] = 1\nreturn columns"),
            (lambda got: got.shape == (1, 3, 2) and got[0, -1].tolist() != [1, 1], "There is a row for the ones, and something else in it. Write 1 into it; np.empty holds whatever was there before.",
             LOOK + EMPTY.replace("np.empty", "np.zeros") + FILL + "return columns")])
        expect(im2col(images, (1, 2)), np.array([[[0, 1], [1, 2]]], dtype=np.float32), mistakes=[
            (lambda got: got.shape == (1, 3, 2), "There are ones although nobody asked for them. Only ones=True adds a row.",
             LOOK + EMPTY.replace("+ ones", "+ 1") + FILL + "columns[:, -1] = 1\nreturn columns"),
            (lambda got: (got[0, -1] == 1).all(), "The last row was made of ones although nobody asked for them. Only ones=True does that.",
             LOOK + EMPTY + FILL + "columns[:, -1] = 1\nreturn columns")])

    def stride_padding_and_dtype():
        """Stride and padding, and the dtype of the pictures"""
        images = np.arange(1, 7, dtype=np.float32).reshape(1, 1, 2, 3)
        expect(im2col(images, (1, 2), (1, 2), (0, 1)), np.array([[[0, 2, 0, 5], [1, 3, 4, 6]]], dtype=np.float32), mistakes=[
            (lambda got: got.dtype == np.float64, "The pictures are float32 and the columns float64: twice the memory. Give np.empty the dtype of images.",
             LOOK + EMPTY.replace(", dtype=images.dtype", "") + FILL + ONES + "return columns")])
        expect(im2col(images, (2, 1), (2, 1), (1, 0)), np.array([[[0, 0, 0, 4, 5, 6], [1, 2, 3, 0, 0, 0]]], dtype=np.float32))
        small = np.ones((1, 1, 2, 2))
        expect_raises(ValueError, lambda: im2col(small, 3), mentions=["im2col: x has shape (1, 1, 2, 2)", "kernel needs 3 x 3"], mistakes=[
            (lambda error: "im2col" not in str(error), "A line that was given refuses this in its own words; leave it as it is.",
             LOOK.replace(FITS, "") + EMPTY + FILL + ONES + "return columns")])
        expect_raises(ValueError, lambda: im2col(small, 0), mentions=["im2col: kernel_size is 0"])
        expect_raises(ValueError, lambda: im2col(small, 1, 0), mentions=["im2col: stride is 0"])
        expect_raises(ValueError, lambda: im2col(small, 1, 1, -1), mentions=["im2col: padding is -1; it must be at least 0"])

    right = [
        COLUMNS,
        LOOK + "columns = np.concatenate([view.reshape(N, C, H_out * W_out) for view in views] + [np.ones((N, 1, H_out * W_out), dtype=images.dtype)] * ones, axis=1)\nreturn columns",
        (LOOK + "columns = np.stack(views, axis=1).reshape(N, len(views) * C, H_out * W_out)\nif not ones:\n    return columns\n"
         "return np.pad(columns, ((0, 0), (0, 1), (0, 0)), constant_values=1)"),
    ]


class exercise_conv2d_parameter_gradients:

    def what_each_weight_met():
        """What each weight met, times the gradient"""
        x, grad_output = np.arange(4.0).reshape(1, 1, 2, 2), np.ones((1, 1, 2, 1))
        def gradient_of_the_kernels(grad_output):
            weight, _ = conv2d_parameter_gradients(grad_output, x, (1, 2), (1, 1), (0, 0))
            return weight
        expect(gradient_of_the_kernels(grad_output), np.array([[[[2.0, 4.0]]]]), mistakes=[
            (raising(ValueError, "unpack"), "Two arrays must come back: the gradient of the kernels, and that of the bias.",
             SUMMED + "return total[:-1].reshape(*kernel_size, C, O).transpose(3, 2, 0, 1)"),
            (raising(TypeError, "unpack"), "Nothing came back. Return two arrays.",
             SUMMED),
            (raising(ValueError, "matmul"), "The inner sizes of the product differ. columns (n, R, L) and grad_output[block] (n, O, L) have L in common: turn the matrices of the second, so that it is (n, L, O).",
             SUMMED.replace(".transpose(0, 2, 1)", "") + KERNELS),
            (raising(ValueError, "reshape"), "All of total was reshaped. Its last row is the bias and no part of a kernel: total[:-1].",
             SUMMED + KERNELS.replace("total[:-1]", "total")),
            (np.array([[[[0.0, 0.0]]]]), "total is still 0. Add what each block gives to it: +=.",
             ROWS + TOTAL + BLOCKS + ADD.replace("total +=", "found =") + KERNELS),
            (raising(ValueError, "shape (3,3)"), "The product has shape (O, R), and total (R, O). Turn the other factor: columns come first, and grad_output[block] is transposed.",
             ROWS + TOTAL + BLOCKS + "    total += np.matmul(grad_output[block], columns.transpose(0, 2, 1)).sum(axis=0)\n" + KERNELS),
            (TypeError, "An array's sum has `axis`, not `dim`: .sum(axis=0).",
             SUMMED.replace("axis=0", "dim=0") + KERNELS),
            (raising(ValueError, "broadcast"), "The products are a stack, one for each picture, and total is one matrix. Sum over the pictures, axis 0.",
             SUMMED.replace(".sum(axis=0)", "") + KERNELS),
            (np.array([[[[8.0, 8.0]]]]), "You summed over the wrong axis. The pictures are axis 0.",
             SUMMED.replace(".sum(axis=0)", ".sum(axis=1)") + KERNELS)])
        expect(conv2d_parameter_gradients(grad_output, x, (1, 2), (1, 1), (0, 0))[1], np.array([2.0]), mistakes=[
            (np.array([4.0]), "The gradient of the bias is in the last row of total, total[-1].",
             SUMMED + KERNELS.replace(", total[-1]", ", total[-2]"))])
        expect(gradient_of_the_kernels(np.array([[[[1.0], [10.0]]]])), np.array([[[[20.0, 31.0]]]]), mistakes=[
            (np.array([[[[2.0, 4.0]]]]), "The gradient that arrives has no part in it.",
             ROWS + TOTAL + BLOCKS + "    total += columns.sum(axis=(0, 2))[:, None]\n" + KERNELS)])

    def summed_over_the_pictures():
        """Summed over the pictures, whatever the blocks"""
        def gradient_of_the_bias(pictures, size):
            x, grad_output = np.ones((pictures, 1, size, size)), np.full((pictures, 1, size - 1, size - 1), 0.5)
            _, bias = conv2d_parameter_gradients(grad_output, x, (2, 2), (1, 1), (0, 0))
            return bias
        expect(gradient_of_the_bias(pictures=3, size=3), np.array([6.0]), mistakes=[
            (np.array([2.0]), "That is the mean over the pictures, or one picture alone. The kernels were used for all of them, so their gradients are added.",
             SUMMED.replace(".sum(axis=0)", ".mean(axis=0)") + KERNELS,
             SUMMED.replace(".sum(axis=0)", "[0]") + KERNELS)])
        expect(gradient_of_the_bias(pictures=3, size=241), np.array([86400.0]), mistakes=[
            (np.array([259200.0]), "columns hold the pictures of one block, and each block met the gradients of all pictures. Take those of the block: grad_output[block].",
             SUMMED.replace("grad_output[block]", "grad_output") + KERNELS),
            (np.array([28800.0]), "These pictures are so large that each is a block of its own, and only the last block is left. Add to total: +=.",
             SUMMED.replace("total +=", "total =") + KERNELS)])

    def kernels_in_the_shape_of_the_weights():
        """Kernels in the shape of the weights"""
        x = np.arange(24.0).reshape(1, 2, 3, 4)
        grad_output = np.array([[[[1.0]], [[10.0]], [[100.0]]]])
        expect(conv2d_parameter_gradients(grad_output, x, (3, 4), (1, 1), (0, 0))[0], x * np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1, 1), mistakes=[
            (lambda got: got.shape != (3, 2, 3, 4), "The gradient has another shape than the kernels, (O, C, rows, columns). Reshape to (rows, columns, C, O), then move the axes.",
             SUMMED + KERNELS.replace(".transpose(3, 2, 0, 1)", ""),
             SUMMED + KERNELS.replace("(3, 2, 0, 1)", "(3, 2, 1, 0)")),
            (lambda got: got[0, 0, 0, 1] != 1.0, "The shape is right, and numbers are in wrong places. total is ordered by row, column, channel, then kernel; reshape to exactly that before you move axes.",
             SUMMED + "return total[:-1].T.reshape(O, C, *kernel_size), total[-1]",
             SUMMED + "return total[:-1].reshape(C, *kernel_size, O).transpose(3, 0, 1, 2), total[-1]",
             SUMMED + "return total[:-1].reshape(O, C, *kernel_size), total[-1]")])
        expect(conv2d_parameter_gradients(grad_output, x, (3, 4), (1, 1), (0, 0))[1], np.array([1.0, 10.0, 100.0]))

    def with_stride_and_padding():
        """With stride and padding, and in float32"""
        x = np.arange(1, 7, dtype=np.float32).reshape(1, 1, 2, 3)
        grad_output = np.array([[[[1, 10]]]], dtype=np.float32)
        expect(conv2d_parameter_gradients(grad_output, x, (2, 1), (2, 2), (0, 0))[0], np.array([[[[31], [64]]]], dtype=np.float32), mistakes=[
            (lambda got: got.dtype == np.float64, "The gradients became float64. total has the dtype of grad_output; add to it.",
             ROWS + TOTAL.replace(", dtype=grad_output.dtype", "") + BLOCKS + ADD + KERNELS)])
        expect(conv2d_parameter_gradients(np.ones((1, 1, 2, 5), dtype=np.float32), x, (1, 1), (1, 1), (0, 1))[0], np.array([[[[21]]]], dtype=np.float32))

    right = [
        SUMMED + KERNELS,
        ROWS + TOTAL + BLOCKS + "    for one, grad in zip(columns, grad_output[block]):\n        total += one @ grad.T\n" + "weight = np.moveaxis(total[:-1].reshape(*kernel_size, C, O), (3, 2), (0, 1))\nreturn weight, total[-1]",
        ROWS + "total = 0\n" + BLOCKS + "    total = total + (grad_output[block] @ columns.transpose(0, 2, 1)).sum(axis=0)\n" + "return total[:, :-1].reshape(O, *kernel_size, C).transpose(0, 3, 1, 2), total[:, -1]",
        ROWS + TOTAL + BLOCKS + "    total += np.einsum('nkl,nol->ko', columns, grad_output[block])\n" + KERNELS,
    ]


class exercise_col2im:

    def a_pixel_gets_from_all_its_windows():
        """A pixel gets from all its windows"""
        columns = np.ones((1, 4, 4))
        expect(col2im(columns, (1, 1, 3, 3), 2), np.array([[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]), mistakes=[
            (lambda got: got.size == 0, "Without padding nothing is left: a slice that ends at -0 is empty. Count from the front: top : top + H.",
             PLACED + ADDED + "return padded[:, :, top:-top, left:-left]"),
            (lambda got: (got == 1).all(), "The pixel in the middle lies in four windows, and only the last one counted. What arrives by several paths is added: +=.",
             PLACED + ADDED.replace("view += columns[:, k]", "view[...] = columns[:, k]") + INSIDE),
            (lambda got: (got == 0).all(), "The pictures are still 0. A plain `view = …` gives the name to another array; += writes into the picture.",
             PLACED + "for k, view in enumerate(views):\n    view = view + columns[:, k]\n" + INSIDE),
            (None, "Nothing came back. Return the pictures inside the padding.",
             PLACED + ADDED),
            (raising(ValueError, "broadcast"), "A view has four axes, (N, C, H_out, W_out). Reshape the columns to (N, places, C, H_out, W_out); then [:, k] fits.",
             ZEROS + "for k, view in enumerate(views):\n    view += columns[:, k]\n" + INSIDE)])
        numbered = np.array([[[1.0, 2.0], [10.0, 20.0]]])
        expect(col2im(numbered, (1, 1, 1, 3), (1, 2)), np.array([[[[1.0, 12.0, 20.0]]]]), mistakes=[
            (np.array([[[[10.0, 21.0, 2.0]]]]), "The places were exchanged: the k-th view gets the k-th rows.",
             PLACED + ADDED.replace("enumerate(views)", "enumerate(reversed(views))") + INSIDE)])

    def channels_and_pictures_keep_apart():
        """Channels and pictures keep apart"""
        columns = np.arange(1.0, 9.0).reshape(1, 4, 2)
        expect(col2im(columns, (1, 2, 1, 3), (1, 2)), np.array([[[[1.0, 7.0, 6.0]], [[3.0, 11.0, 8.0]]]]), mistakes=[
            (lambda got: got[0, 0, 0].tolist() == [1, 5, 4], "The rows were taken for all places of channel 0, then of channel 1. They come place by place, each with all channels.",
             ZEROS + "columns = columns.reshape(N, C, len(views), *views[0].shape[2:])\nfor k, view in enumerate(views):\n    view += columns[:, :, k]\n" + INSIDE)])
        expect(col2im(np.array([[[1.0]], [[2.0]]]), (2, 1, 1, 1), 1), np.array([[[[1.0]]], [[[2.0]]]]), mistakes=[
            (lambda got: got[0, 0, 0, 0] in (1.0, 3.0) and got[1, 0, 0, 0] != 2, "The pictures were mixed. Each has columns of its own.",
             PLACED + ADDED.replace("columns[:, k]", "columns[0, k]") + INSIDE)])

    def stride_and_padding():
        """With stride, and without the padding"""
        expect(col2im(np.ones((1, 1, 4)), (1, 1, 3, 3), 1, 2), np.array([[[[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]]]))
        columns = np.arange(1.0, 9.0).reshape(1, 1, 8)
        expect(col2im(columns, (1, 1, 2, 2), 1, 1, (0, 1)), np.array([[[[2.0, 3.0], [6.0, 7.0]]]]), mistakes=[
            (lambda got: got.shape == (1, 1, 2, 4), "The padding came back with the pictures. Return what lies inside: H rows from `top` on, W columns from `left` on.",
             PLACED + ADDED + "return padded"),
            (lambda got: got.shape == (1, 1, 2, 1), "The slice ends too early. W columns from `left` on end at left + W, not at W.",
             PLACED + ADDED + "return padded[:, :, top:H, left:W]"),
            (np.array([[[[1.0, 2.0], [5.0, 6.0]]]]), "The slice begins in the padding. The pictures begin at row `top` and column `left`.",
             PLACED + ADDED + "return padded[:, :, :H, :W]")])
        expect(col2im(np.arange(1.0, 9.0).reshape(1, 1, 8), (1, 1, 2, 2), 1, 1, (1, 0)), np.array([[[[3.0, 4.0], [5.0, 6.0]]]]), mistakes=[
            (lambda got: got.shape == (1, 1, 4, 2), "Only the columns were cut. The rows of the padding go as well: H rows from `top` on.",
             PLACED + ADDED + "return padded[:, :, :, left : left + W]")])

    def the_dtype_stays_and_what_does_not_fit_is_refused():
        """The dtype stays, and what does not fit is refused"""
        expect(col2im(np.ones((1, 1, 1), dtype=np.float32), (1, 1, 1, 1), 1).dtype, np.dtype(np.float32), mistakes=[
            (np.dtype(np.float64), "float32 columns gave float64 pictures. Leave the dtype of padded as it was given.",
             PLACED.replace(", dtype=columns.dtype", "") + ADDED + INSIDE)])
        columns = np.ones((1, 9, 1))
        expect_raises(ValueError, lambda: col2im(columns, (1, 1, 2, 2), 3), mentions=["col2im: x has shape (1, 1, 2, 2)", "3 x 3"], mistakes=[
            (lambda error: "col2im" not in str(error), "A line that was given refuses this in its own words; leave it as it is.",
             PLACED.replace('check_images("col2im", shape, None, kernel_size, padding)\n', "") + ADDED + INSIDE)])
        expect_raises(ValueError, lambda: col2im(columns, (1, 1, 2, 2), 0), mentions=["col2im: kernel_size is 0"])
        expect_raises(ValueError, lambda: col2im(columns, (1, 1, 2, 2), 1, 0), mentions=["col2im: stride is 0"])
        expect_raises(ValueError, lambda: col2im(columns, (1, 1, 2, 2), 1, 1, -1), mentions=["col2im: padding is -1; it must be at least 0"])

    right = [
        PLACED + ADDED + INSIDE,
        (ZEROS + "for k, view in enumerate(views):\n    view += columns[:, k * C : (k + 1) * C].reshape(view.shape)\n" + INSIDE),
        PLACED + "for view, values in zip(views, columns.swapaxes(0, 1)):\n    np.add(view, values, out=view)\nreturn padded[:, :, top:, left:][:, :, :H, :W]",
    ]


class exercise_max_pool_backward:

    def the_largest_gets_the_gradient():
        """The largest of each window gets the gradient, and nobody else"""
        from tinytorch import enable_autograd
        enable_autograd()
        def max_pool_gradient(image, grad, **sizes):
            x = Tensor(np.array(image, dtype=np.float32)[None, None], requires_grad=True)
            MaxPool2d(**sizes)(x).backward(np.array(grad, dtype=np.float32)[None, None])
            return x.grad[0, 0]
        expect(max_pool_gradient([[1, 2, 6, 3], [4, 0, 5, 1]], [[10, 20]], kernel_size=2), np.array([[0.0, 0.0, 20.0, 0.0], [10.0, 0.0, 0.0, 0.0]], dtype=np.float32), mistakes=[
            (lambda got: got[0][0] == 10, "Every pixel of a window got its gradient. Only the one that is as large as the result does.",
             WAITING + PLACES + "    grad_view += grad_output\n" + BORDER),
            (lambda got: not np.any(got), "No pixel got anything. Add to grad_view in place, +=, where the window's number is as large as its result.",
             WAITING + PLACES + FOUND + "    grad_view = grad_output * found\n    waiting ^= found\n" + BORDER,
             WAITING.replace("np.ones(", "np.zeros(") + PLACES + FOUND + TAKE + BORDER),
            (lambda got: got[1][0] in (1, 4) or got[0][2] in (1, 6), "The gradient that arrives is missing: the pixel got its own number, or 1. It gets grad_output.",
             WAITING + PLACES + FOUND + "    grad_view += found\n    waiting ^= found\n" + BORDER,
             WAITING + PLACES + FOUND + "    grad_view += view * found\n    waiting ^= found\n" + BORDER),
            (lambda got: got[0][2] == 20 and got[1][0] == 0, "A window that was not found at the first place was never asked again. Only those that were found stop waiting: waiting & ~found.",
             WAITING + PLACES + FOUND + "    grad_view += grad_output * found\n    waiting = found\n" + BORDER),
            (raising(ValueError, "truth value"), "`and` and `not` ask for one True or False. For arrays write & and ~, with the comparison in parentheses.",
             WAITING + PLACES + "    found = not (view < self.output) and waiting\n" + TAKE + BORDER),
            (raising(TypeError, "bitwise_and"), "& binds tighter than == and <. Put the comparison in parentheses: waiting & ~(view < self.output).",
             WAITING + PLACES + "    found = view == self.output & waiting\n" + TAKE + BORDER),
            (raising(TypeError, "subtract"), "True and False cannot be subtracted in NumPy. Those that still wait are waiting & ~found.",
             WAITING + PLACES + FOUND + "    grad_view += grad_output * found\n    waiting = waiting - found\n" + BORDER),
            (raising(RuntimeError, "returned NoneType"), "Nothing came back. Return what lies inside the border.",
             WAITING + PLACES + FOUND + TAKE)])

    def of_equals_the_first():
        """Of several that are equal the first one gets it"""
        from tinytorch import enable_autograd
        enable_autograd()
        def max_pool_gradient(image, grad, **sizes):
            x = Tensor(np.array(image, dtype=np.float32)[None, None], requires_grad=True)
            MaxPool2d(**sizes)(x).backward(np.array(grad, dtype=np.float32)[None, None])
            return x.grad[0, 0]
        expect(max_pool_gradient([[7, 7, 0, 3], [7, 7, 3, 3]], [[5, 6]], kernel_size=2), np.array([[5.0, 0.0, 0.0, 6.0], [0.0, 0.0, 0.0, 0.0]], dtype=np.float32), mistakes=[
            (lambda got: got[0][0] == got[1][0] == 5 and got[0][1] == 0, "A window that was found at one place waits again at the next but one. Take those found away from waiting: waiting & ~found.",
             WAITING + PLACES + FOUND + "    grad_view += grad_output * found\n    waiting = ~found\n" + BORDER),
            (lambda got: got[0][0] == got[1][1] == 5, "All that are equal got the whole gradient, so it counts several times. Those that were found wait no longer.",
             WAITING + PLACES + "    found = ~(view < self.output)\n    grad_view += grad_output * found\n" + BORDER,
             WAITING + PLACES + FOUND + "    grad_view += grad_output * found\n" + BORDER),
            (lambda got: got[0][0] == 1.25, "The gradient was divided among those that are equal. Here the first one gets all of it.",
             NOTHING + "count = sum(~(view < self.output) for view in window_views(images, kernel_size, stride))\n" + PLACES + "    grad_view += grad_output * ~(view < self.output) / count\n" + BORDER),
            (lambda got: got[0][0] == 0 and got[1][1] == 5, "The last of several equal ones got it. The first does, row by row.",
             (WAITING + "places = list(zip(window_views(images, kernel_size, stride), window_views(grad_x, kernel_size, stride)))\n"
              "for view, grad_view in reversed(places):\n" + FOUND + TAKE + BORDER))])

    def windows_that_overlap_add_up():
        """Windows that overlap add up, and what is in no window gets 0"""
        from tinytorch import enable_autograd
        enable_autograd()
        def max_pool_gradient(image, grad, **sizes):
            x = Tensor(np.array(image, dtype=np.float32)[None, None], requires_grad=True)
            MaxPool2d(**sizes)(x).backward(np.array(grad, dtype=np.float32)[None, None])
            return x.grad[0, 0]
        expect(max_pool_gradient([[1, 9, 2, 0]], [[5, 6]], kernel_size=(1, 3), stride=1), np.array([[0.0, 11.0, 0.0, 0.0]], dtype=np.float32), mistakes=[
            (lambda got: got[0][1] == 5, "The pixel is the largest of two windows, and what one of them gave was written over. Add: +=.",
             WAITING + PLACES + FOUND + "    grad_view[...] = np.where(found, grad_output, grad_view)\n    waiting ^= found\n" + BORDER,
             WAITING + PLACES + FOUND + "    grad_view[...] = grad_output * found\n    waiting ^= found\n" + BORDER)])
        expect(max_pool_gradient([[1, 2, 9]], [[5]], kernel_size=(1, 2)), np.array([[0.0, 5.0, 0.0]], dtype=np.float32))

    def a_border_gets_nothing():
        """A border gets nothing, and is never the largest"""
        from tinytorch import enable_autograd
        enable_autograd()
        def max_pool_gradient(image, grad, **sizes):
            x = Tensor(np.array(image, dtype=np.float32)[None, None], requires_grad=True)
            MaxPool2d(**sizes)(x).backward(np.array(grad, dtype=np.float32)[None, None])
            return x.grad[0, 0]
        expect(max_pool_gradient([[-1, -2], [3, -4]], [[1, 2], [3, 4]], kernel_size=2, padding=1), np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32), mistakes=[
            (raising(RuntimeError, "gave a gradient of shape"), "The border came back with the pictures. without_border takes it off.",
             WAITING + PLACES + FOUND + TAKE + "return grad_x"),
            (lambda got: got.tolist() == [[0, 0], [3, 4]], "Some of the gradient went into the border. It is made of the lowest number there is: pad_images with lowest(x.dtype), as given.",
             WAITING.replace(", lowest(x.dtype)", "") + PLACES + FOUND + TAKE + BORDER),
            (raising(ValueError, "broadcast"), "Forward put a border around the pictures, and the views here are of another size. pad_images was given.",
             WAITING.replace(IMAGES, "images = x.data\n") + PLACES + FOUND + TAKE + BORDER)])

    def a_nan_keeps_its_gradient():
        """A NaN keeps its gradient, and every channel its own"""
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor([[[[1, np.nan], [3, 2]]]], requires_grad=True)
        def gradient_of_a_window_with_nan():
            MaxPool2d(2)(x).backward(np.array([[[[5.0]]]], dtype=np.float32))
            return float(x.grad.sum())
        expect(gradient_of_a_window_with_nan(), 5.0, mistakes=[
            (0.0, "The result of this window is NaN, and NaN is equal to nothing, so the gradient was lost. Ask ~(view < self.output), which is true for it.",
             WAITING + PLACES + "    found = waiting & (view == self.output)\n" + TAKE + BORDER)])
        y = Tensor(np.arange(8.0).reshape(2, 2, 1, 2), requires_grad=True)
        def gradient():
            (MaxPool2d((1, 2))(y) * Tensor(np.arange(1.0, 5.0).reshape(2, 2, 1, 1))).sum().backward()
            return y.grad[:, :, 0]
        expect(gradient(), np.array([[[0.0, 1.0], [0.0, 2.0]], [[0.0, 3.0], [0.0, 4.0]]], dtype=np.float32))
        node = MaxPool2d((1, 2))(y)._grad_fn
        grad_output = np.ones((2, 2, 1, 1), dtype=np.float32)
        expect(node.backward(grad_output, *node.args).dtype, np.dtype(np.float32), mistakes=[
            (np.dtype(np.float64), "The gradient became float64, twice the memory. Leave the dtype of grad_x as it was given.",
             WAITING.replace(", dtype=grad_output.dtype", "") + PLACES + FOUND + TAKE + BORDER)])

    right = [
        WAITING + PLACES + FOUND + TAKE + BORDER,
        WAITING + PLACES + FOUND + "    grad_view[found] += grad_output[found]\n    waiting = waiting & ~found\n" + BORDER,
        (NOTHING + "views = np.stack(window_views(images, kernel_size, stride))\nfirst = views.argmax(axis=0)\n"
         "for k, grad_view in enumerate(window_views(grad_x, kernel_size, stride)):\n    grad_view += np.where(first == k, grad_output, 0)\n" + BORDER),
    ]


class exercise_batch_norm_forward:

    def in_training_the_batch_decides():
        """In training the batch's own mean and variance are used"""
        layer = BatchNorm2d(1, eps=0.0)
        x = Tensor([[[[1, 3]]]])
        expect(layer(x), Tensor([[[[-1, 1]]]]), mistakes=[
            (Tensor([[[[1, 3]]]]), "The running values were used, which are 0 and 1 at first. In training, self.training is true and the batch's own are taken.",
             CHECKED + RUNNING + "from_batch = False\n" + APPLY,
             NORMALIZED.replace("if from_batch:", "if not self.training:")),
            (lambda got: np.allclose(abs(got.data), 0.5 ** 0.5), "The variance was made larger, by count / (count - 1). update_running does that for the running one; the batch is divided by its variance as batch_statistics gives it.",
             NORMALIZED.replace(STATISTICS, STATISTICS + "    variance = variance * x.size / (x.size - 1)\n")),
            (lambda got: abs(got.data[0, 0, 0, 0]) > 0 and got.data[0, 0, 0, 1] != 1, "The running values were moved first, and then used. In training the batch's own are taken; the running ones only follow.",
             CHECKED + ASK + "if from_batch:\n" + STATISTICS + FOLLOW + RUNNING + APPLY),
            (raising(ValueError, "one value a channel"), "count is how many numbers one channel has, over all pictures and pixels: x.size // self.num_features. Here there are two.",
             NORMALIZED.replace("x.size // self.num_features", "len(x)")),
            (raising(TypeError, "not callable"), "size is a number here, without parentheses: x.size.",
             NORMALIZED.replace("x.size > 0", "x.size() > 0")),
            (NameError, "A name in the last line has no value. mean, variance and from_batch are yours to find, in both cases.",
             CHECKED + "if self.training:\n" + STATISTICS + FOLLOW + "else:\n    " + RUNNING + APPLY)])
        two = Tensor([[[[1.0, 3.0]], [[10.0, 30.0]]]])
        expect(BatchNorm2d(2, eps=0.0)(two), Tensor([[[[-1, 1]], [[-1, 1]]]]), mistakes=[
            (lambda got: True, "Each channel has a mean and a variance of its own. batch_statistics gives both for every channel.",
             NORMALIZED.replace("batch_statistics(x.data)", "np.full(self.num_features, x.data.mean()), np.full(self.num_features, x.data.var())"))])

    def the_running_values_follow():
        """The running values follow, a tenth of the way each time"""
        layer = BatchNorm2d(1)
        x = Tensor([[[[1, 3]]]])
        def running_values():
            layer(x)
            return layer.running_mean.tolist(), layer.running_var.tolist()
        expect(running_values(), ([0.2], [1.1]), mistakes=[
            (([0.0], [1.0]), "The running values have not moved. In training, self.update_running(mean, variance, …) moves them.",
             NORMALIZED.replace(FOLLOW, "")),
            (lambda got: got[0] == [2.0], "The running values became those of the batch. They move a tenth of the way, which update_running does.",
             CHECKED + RUNNING + ASK + "if from_batch:\n" + STATISTICS + "    self.running_mean[:], self.running_var[:] = mean, variance\n" + APPLY),
            (lambda got: np.isclose(got[1][0], 1.0) or np.isclose(got[1][0], 1.0333333), "The running variance is off. Leave it to update_running, which divides by the count less one; count is how many numbers one channel has.",
             NORMALIZED.replace("x.size // self.num_features", "10 ** 9"),
             NORMALIZED.replace("x.size // self.num_features", "x.size * 2"))])
        many = BatchNorm2d(2)
        many(Tensor(np.arange(12.0).reshape(3, 2, 1, 2)))
        expect(many.running_var, np.array([2.21, 2.21], dtype=np.float32), mistakes=[
            (lambda got: True, "count is how many numbers one channel has: x.size // self.num_features, here 6.",
             NORMALIZED.replace("x.size // self.num_features", "x.size"))])

    def in_use_nothing_depends_on_the_batch():
        """In use nothing depends on the batch, and nothing moves"""
        layer = BatchNorm2d(1, eps=0.0).eval()
        layer.running_mean[:], layer.running_var[:] = 3.0, 4.0
        x = Tensor([[[[5, 9]]]])
        expect(layer(x), Tensor([[[[1, 3]]]]), mistakes=[
            (Tensor([[[[-1, 1]]]]), "After eval() the batch's own statistics were used. A picture's result would depend on the others.",
             NORMALIZED.replace(ASK, "from_batch = x.size > 0\n"))])
        expect([layer.running_mean.tolist(), layer.running_var.tolist()], [[3.0], [4.0]], mistakes=[
            (lambda got: True, "After eval() the running values went on moving. Whoever tests a model would change it.",
             CHECKED + RUNNING + ASK + "self.update_running(*batch_statistics(x.data), x.size // self.num_features, x.shape)\nif from_batch:\n" + STATISTICS + APPLY)])
        expect(layer(Tensor([[[[5]]]])), Tensor([[[[1]]]]))

    def gradients_and_what_the_graph_keeps():
        """The way back knows which it was, and keeps its own copies"""
        from tinytorch import enable_autograd
        enable_autograd()
        layer = BatchNorm2d(1, eps=0.0)
        x = Tensor([[[[1, 3]]]], requires_grad=True)
        def gradient_in_training():
            layer(x).backward(np.array([[[[2.0, 5.0]]]], dtype=np.float32))
            return x.grad
        expect(gradient_in_training(), np.zeros((1, 1, 1, 2), dtype=np.float32), mistakes=[
            (lambda got: np.allclose(got, [2, 5]), "The gradient is that of fixed numbers. In training mean and variance depend on x; from_batch must be True.",
             CHECKED + RUNNING + ASK + "if from_batch:\n" + STATISTICS + FOLLOW + APPLY.replace("from_batch", "False"))])
        y = Tensor([[[[1, 3]]]], requires_grad=True)
        def gradient_in_use():
            fresh = BatchNorm2d(1, eps=0.0).eval()
            result = fresh(y)
            fresh.train()(Tensor([[[[50, 90]]]]))
            result.backward(np.array([[[[2.0, 5.0]]]], dtype=np.float32))
            return y.grad
        expect(gradient_in_use(), np.array([[[[2.0, 5.0]]]], dtype=np.float32), mistakes=[
            (lambda got: np.allclose(got, [-10, -24]), "In use the result is a plain multiplication and addition. from_batch must be False then.",
             CHECKED + RUNNING + ASK + "if from_batch:\n" + STATISTICS + FOLLOW + APPLY.replace("from_batch", "True")),
            (lambda got: True, "Between forward and backward the layer went on training, and wrote into the running arrays that this graph holds. Give it copies.",
             NORMALIZED.replace(".copy()", ""))])

    def empty_batches_and_what_does_not_fit():
        """An empty batch changes nothing, and what does not fit is refused"""
        layer = BatchNorm2d(2)
        empty = Tensor(np.zeros((0, 2, 3, 3)))
        expect(layer(empty).shape, (0, 2, 3, 3), mistakes=[
            (lambda got: True, "An empty batch has no mean.",
             NORMALIZED.replace(ASK, "from_batch = True\n") + ".sum()")])
        expect(np.isfinite(layer.running_mean).all() and layer.running_var.tolist() == [1.0, 1.0], True, mistakes=[
            (False, "The mean of no numbers is NaN, and it is now in the running values. Ask x.size > 0 as well.",
             NORMALIZED.replace(" and x.size > 0", ""))])
        wrong = np.zeros((2, 3, 4, 4))
        expect_raises(ValueError, lambda: layer(wrong), mentions=["BatchNorm2d: x has shape (2, 3, 4, 4)", "3 channels", "needs 2"], mistakes=[
            (lambda error: "BatchNorm2d" not in str(error), "A line that was given refuses this in its own words; leave it as it is.",
             NORMALIZED.replace('check_images("BatchNorm2d", x.shape, self.num_features, kernel_size=(0, 0))\n', ""))])
        single = np.ones((1, 2, 1, 1))
        expect_raises(ValueError, lambda: layer(single), mentions=["BatchNorm2d: x has shape (1, 2, 1, 1): one value a channel"], mistakes=[
            (lambda error: "(1, 2, 1, 1)" not in str(error), "The sentence names a wrong shape. The last argument of update_running is x.shape.",
             NORMALIZED.replace("x.shape)\n" + APPLY, "mean.shape)\n" + APPLY))])
        one = BatchNorm2d(1)
        expect_raises(ValueError, lambda: one(np.ones((1, 1, 1, 1))), mentions=["one value a channel"])
        expect([layer(np.zeros(shape)).shape for shape in ((2, 2, 0, 4), (2, 2, 4, 0))], [(2, 2, 0, 4), (2, 2, 4, 0)])
        expect([layer.running_mean.tolist(), layer.running_var.tolist()], [[0.0, 0.0], [1.0, 1.0]], mistakes=[
            (lambda got: np.isnan(got).any(), "Two pictures without a pixel have no mean either, and NaN is now in the running values. Ask whether there is a number: x.size > 0.",
             NORMALIZED.replace("x.size > 0", "len(x) > 0"))])

    right = [
        NORMALIZED,
        (CHECKED + ASK + "if from_batch:\n" + STATISTICS + FOLLOW + "else:\n    mean = self.running_mean.copy()\n    variance = self.running_var.copy()\n" + APPLY),
        (CHECKED + "if not self.training or not x.size:\n    mean, variance, from_batch = np.array(self.running_mean), np.array(self.running_var), False\nelse:\n"
         "    (mean, variance), from_batch = batch_statistics(x.data), True\n    N, C, H, W = x.shape\n    self.update_running(mean, variance, count=N * H * W, shape=x.shape)\n" + APPLY),
    ]

    equivalent = [
        (
            "return BatchNorm2dFunction.apply(x, self.weight, self.bias, mean, variance, self.eps, from_batch)  ->  return BatchNorm2dFunction.apply(x, self.weight, self.bias, mean, self.eps, variance, from_batch)",
            "only the sum of variance and eps is used, in either order",
        ),
    ]


class exercise_flatten_forward:

    def the_gradient_comes_through():
        """The gradient comes through"""
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor(np.ones((2, 3, 2, 2)), requires_grad=True)
        def gradient():
            rows = Flatten()(x)
            (rows * 3).sum().backward()
            return x.grad
        expect(gradient(), np.full((2, 3, 2, 2), 3, dtype=np.float32), mistakes=[
            (raising(RuntimeError, "depends on nothing"), "The result does not know where it came from: `.data` and a new Tensor cut the way back. Use the Tensor's own reshape.",
             TENSOR + SINGLE + "return Tensor(x.data.reshape(len(x), math.prod(x.shape[1:])))",
             TENSOR + SINGLE + "return x.detach().reshape(len(x), math.prod(x.shape[1:]))"),
            (None, "The result wants a gradient, but it is a new Tensor, from which no way leads to x. Use the Tensor's own reshape.",
             TENSOR + SINGLE + "return Tensor(x.data.reshape(len(x), math.prod(x.shape[1:])), requires_grad=x.requires_grad)"),
            (raising(TypeError, "not callable"), "size is a number here. The number of pictures is len(x) or x.shape[0].",
             TENSOR + SINGLE + "return x.view(x.size(0), math.prod(x.shape[1:]))"),
            (raising(TypeError, "NoneType"), "Nothing came back. Return the rows.",
             TENSOR + SINGLE + "x.reshape(len(x), math.prod(x.shape[1:]))")])

    def one_row_for_each_picture():
        """One row for each picture, and each number its own gradient"""
        from tinytorch import enable_autograd
        enable_autograd()
        x = Tensor(np.arange(12.0).reshape(2, 3, 1, 2), requires_grad=True)
        expect(Flatten()(x).data, np.arange(12, dtype=np.float32).reshape(2, 6), mistakes=[
            (lambda got: got.ndim == 1, "All pictures became one row. The first axis stays.",
             TENSOR + SINGLE + "return x.reshape(x.size)"),
            (lambda got: got.shape == (6, 2), "Rows and pictures changed places. The first axis stays the first.",
             TENSOR + SINGLE + "return x.reshape(len(x), math.prod(x.shape[1:])).T"),
            (lambda got: got[0][1] == 2.0, "The shape is right, and the channels lie last. Nothing moves: reshape as it is.",
             TENSOR + SINGLE + "return x.permute(0, 2, 3, 1).reshape(len(x), math.prod(x.shape[1:]))")])
        factors = Tensor(np.arange(12.0).reshape(2, 6))
        def gradient():
            (Flatten()(x) * factors).sum().backward()
            return x.grad
        expect(gradient(), np.arange(12, dtype=np.float32).reshape(2, 3, 1, 2))
        expect_shares_memory(Flatten()(x), x, mistakes=[
            (lambda got: True, "The numbers were copied. reshape gives a view where the memory allows it.",
             TENSOR + SINGLE + "return (x + 0).reshape(len(x), math.prod(x.shape[1:]))")])

    def an_empty_batch_and_other_shapes():
        """An empty batch, other shapes, and what is no batch"""
        from tinytorch import enable_autograd
        enable_autograd()
        expect(Flatten()(np.zeros((0, 3, 4))).shape, (0, 12), mistakes=[
            (ValueError, "With no pictures -1 cannot be worked out. Say how long a row is: math.prod(x.shape[1:]).",
             TENSOR + SINGLE + "return x.reshape(len(x), -1)"),
            (ZeroDivisionError, "With no pictures there is nothing to divide by. How long a row is stands in the shape: math.prod(x.shape[1:]).",
             TENSOR + SINGLE + "return x.reshape(len(x), x.size // len(x))"),
            (raising(IndexError, "tuple index"), "This batch has three axes, and not every batch has four. Multiply all sizes behind the first: math.prod(x.shape[1:]).",
             TENSOR + SINGLE + "return x.reshape(len(x), x.shape[1] * x.shape[2] * x.shape[3])"),
            (IndexError, "There is no picture number 0 to look at. How long a row is stands in the shape: math.prod(x.shape[1:]).",
             TENSOR + SINGLE + "return x.reshape(len(x), x.data[0].size)")])
        expect(Flatten()(np.zeros((2, 0, 3))).shape, (2, 0), mistakes=[
            (ValueError, "These are two pictures without a pixel, from which -1 cannot be worked out. The number of rows is known: len(x).",
             TENSOR + SINGLE + "return x.reshape(-1, math.prod(x.shape[1:]))")])
        expect(Flatten()([1, 2, 3]).shape, (3, 1), mistakes=[
            ((3,), "Three single numbers are three rows of one.",
             TENSOR + SINGLE + "return x if x.ndim == 1 else x.reshape(len(x), math.prod(x.shape[1:]))"),
            (AttributeError, "A list has no reshape. The first line makes a Tensor of it.",
             SINGLE.replace("x.ndim", "np.ndim(x)") + "return x.reshape(len(x), math.prod(np.shape(x)[1:]))"),
            (raising(ValueError, "axis 1 does not exist"), "A batch of single numbers, (N,), becomes (N, 1). math.prod of nothing is 1, so reshape(len(x), math.prod(x.shape[1:])) does it.",
             TENSOR + SINGLE + "return x.flatten(1)"),
            (IndexError, "There is no second axis here. math.prod of nothing is 1, so multiply all sizes behind the first.",
             TENSOR + SINGLE + "return x.reshape(len(x), x.shape[1] * math.prod(x.shape[2:]))")])
        expect_raises(ValueError, lambda: Flatten()(3.0), mentions=["Flatten: x has shape (); a batch has at least one axis"], mistakes=[
            (lambda error: "Flatten" not in str(error), "A single number is no batch. The two lines that were given refuse it in words; leave them.",
             TENSOR + "return x.reshape(len(x), math.prod(x.shape[1:]))")])

    right = [
        TENSOR + SINGLE + "return x.reshape(len(x), math.prod(x.shape[1:]))",
        TENSOR + SINGLE + "size = 1\nfor one in x.shape[1:]:\n    size *= one\nreturn x.reshape((len(x), size))",
        TENSOR + SINGLE + "N, *others = x.shape\nreturn x.view(N, int(np.prod(others)))",
    ]
