"""Layers for images: convolution, pooling, batch normalization, and the step to a flat vector.

Built in chapter 09. Depends on `tinytorch.core.tensor`, `layers`, `autograd` and NumPy.

Images are arrays of shape (N, C, H, W): images, channels, rows, columns. The file reads from top
to bottom: sizes and their checks; `conv2d_loops`, the definition of convolution, to be counted;
`window_views`, the one way in which everything below looks at windows; `im2col` and `col2im`,
which turn convolution into a matrix product; then the layers `Conv2d`, `MaxPool2d`, `AvgPool2d`,
`BatchNorm2d` and `Flatten`.

References
----------
LeCun et al. (1998), Gradient-based learning applied to document recognition.
Chellapilla, Puri and Simard (2006), High performance convolutional neural networks for document
processing: convolution as a matrix product.
Ioffe and Szegedy (2015), Batch normalization.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.core.autograd import Function
from tinytorch.core.layers import Layer, Parameter, check_size, kaiming_normal
from tinytorch.core.tensor import Tensor, is_real, read_numbers, wrap

# Sizes.


def check_fraction(layer, name, value):
    """Return `value` as a float, or raise when it is not a number from 0 to 1.

    Raises
    ------
    TypeError: not a number. ValueError: outside ("BatchNorm2d: momentum is 2; …").

    >>> check_fraction("BatchNorm2d", "momentum", 0.1)
    0.1
    """
    if not is_real(value):
        raise TypeError(f"{layer}: {name} is {value!r}; it must be a number from 0 to 1")
    if not 0 <= value <= 1:
        raise ValueError(f"{layer}: {name} is {value}; it must be from 0 to 1")
    return float(value)


def pair(layer, name, value, least=1):
    """Return (rows, columns) for an argument that is one number for both or a pair.

    Parameters
    ----------
    layer, name : str, for the message
    value : int, or a tuple or list of two
    least : int, the smallest that is allowed

    Raises
    ------
    ValueError: not one or two numbers, or one is too small. TypeError: not integers.

    >>> pair("Conv2d", "kernel_size", 3), pair("Conv2d", "kernel_size", (1, 5))
    ((3, 3), (1, 5))
    """
    values = value if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{layer}: {name} is {value!r}; pass one number, or a pair (rows, columns)")
    return tuple(check_size(layer, name, one, least) for one in values)


def conv_output_size(size, kernel_size, stride=1, padding=0):
    """Return how many windows fit along one axis of an image.

    A last window that would reach beyond the edge is left out.

    Parameters
    ----------
    size : int, rows or columns of the image
    kernel_size : int, rows or columns of a window
    stride : int, how far one window lies from the next
    padding : int, zeros in front and behind

    Returns
    -------
    int

    Raises
    ------
    ValueError: not one window fits ("conv_output_size: a kernel of 5 …"), or a number is too small.

    >>> conv_output_size(32, 3, stride=1, padding=1), conv_output_size(7, 2, stride=2)
    (32, 3)
    """
    size = check_size("conv_output_size", "size", size, least=0)
    kernel_size = check_size("conv_output_size", "kernel_size", kernel_size)
    stride = check_size("conv_output_size", "stride", stride)
    padding = check_size("conv_output_size", "padding", padding, least=0)
    padded = size + 2 * padding
    if kernel_size > padded:
        raise ValueError(
            f"conv_output_size: a kernel of {kernel_size} does not fit into {padded} "
            f"(size {size}, padding {padding}); take a smaller kernel or more padding"
        )
    return (padded - kernel_size) // stride + 1


def check_images(layer, shape, channels=None, kernel_size=(1, 1), padding=(0, 0)):
    """Raise when a layer cannot work on images of this shape.

    Parameters
    ----------
    layer : str, for the message
    shape : tuple of int, what was given
    channels : int, how many channels the layer needs; None for any number
    kernel_size, padding : pairs of int

    Raises
    ------
    ValueError: no batch of images ("Conv2d: x has shape (3, 8, 8); …"), another number of channels,
        or an image smaller than the kernel.

    >>> check_images("Conv2d", (1, 3, 8, 8), channels=3, kernel_size=(3, 3))
    """
    if len(shape) != 4:
        advice = f"add a batch axis: x.reshape{(1, *shape)}" if len(shape) == 3 else "reshape it"
        raise ValueError(f"{layer}: x has shape {shape}; it must be a batch of images (N, C, H, W), so {advice}")
    if channels is not None and shape[1] != channels:
        last = "; here they seem to be last: x.permute(0, 3, 1, 2)" if shape[3] == channels else ""
        raise ValueError(
            f"{layer}: x has shape {shape}, which is {shape[1]} channels, and the layer needs "
            f"{channels}; the second axis holds the channels{last}"
        )
    room = tuple(size + 2 * border for size, border in zip(shape[2:], padding))
    if kernel_size[0] > room[0] or kernel_size[1] > room[1]:
        raise ValueError(
            f"{layer}: x has shape {shape}, with padding {room[0]} x {room[1]} pixels; the "
            f"kernel needs {kernel_size[0]} x {kernel_size[1]}: a smaller one, or larger images"
        )


def check_convolution(x, weight, bias, stride, padding):
    """Return stride and padding as pairs, or raise when these arrays cannot be convolved.

    Parameters
    ----------
    x, weight : ndarray; bias : ndarray or None; stride, padding : int or pair

    Raises
    ------
    ValueError: a shape does not fit the others ("conv2d: weight has shape …").

    >>> check_convolution(np.zeros((1, 1, 4, 4)), np.zeros((2, 1, 3, 3)), None, 1, (0, 1))
    ((1, 1), (0, 1))
    """
    stride = pair("conv2d", "stride", stride)
    padding = pair("conv2d", "padding", padding, least=0)
    if weight.ndim != 4:
        raise ValueError(
            f"conv2d: weight has shape {weight.shape}; it must be (out_channels, in_channels, rows, columns)"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"conv2d: bias has shape {bias.shape}; for {len(weight)} kernels it must be {weight.shape[:1]}"
        )
    check_images("conv2d", x.shape, weight.shape[1], weight.shape[2:], padding)
    return stride, padding


# Convolution as it is defined, and as it is computed.


def pad_images(images, padding, value=0):
    """Return the images with a border of zeros, or of another value, around each.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    padding : pair of int, how many above and below, and on the left and on the right
    value : number, what the border is made of

    Returns
    -------
    ndarray of shape (N, C, H + 2 * padding[0], W + 2 * padding[1]); `images` itself without padding

    Cost: one copy.

    >>> pad_images(np.ones((1, 1, 1, 1)), (1, 2))[0, 0].tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    if padding == (0, 0):
        return images
    N, C, H, W = images.shape
    top, left = padding
    padded = np.full((N, C, H + 2 * top, W + 2 * left), value, dtype=images.dtype)
    padded[:, :, top : top + H, left : left + W] = images
    return padded


def conv2d_loops(x, weight, bias=None, stride=1, padding=0):
    """Return the convolution with all its loops written out, to be counted.

    Works on arrays, one number at a time. Each output is a window of the image times a kernel,
    summed over the window's rows and columns and over all channels. As everywhere in this field,
    the kernel is not flipped, so a mathematician calls it cross-correlation.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
    weight : ndarray of shape (out_channels, C, rows, columns), the kernels
    bias : ndarray of shape (out_channels,), or None
    stride, padding : int or pair (rows, columns)

    Returns
    -------
    ndarray of shape (N, out_channels, H_out, W_out); see `conv_output_size`

    Raises
    ------
    ValueError: the shapes do not fit, or stride or padding is too small ("conv2d: …").

    Cost: 2 * N * out_channels * H_out * W_out * C * rows * columns FLOPs.

    >>> image = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_loops(image, np.ones((1, 1, 2, 2)))[0, 0].tolist()
    [[8.0, 12.0], [20.0, 24.0]]
    """
    x, weight = read_numbers(x), read_numbers(weight)
    bias = None if bias is None else read_numbers(bias)
    (down, right), padding = check_convolution(x, weight, bias, stride, padding)
    x = pad_images(x, padding)
    O, C, rows, columns = weight.shape
    H_out, W_out = conv_output_size(x.shape[2], rows, down), conv_output_size(x.shape[3], columns, right)
    out = np.empty((len(x), O, H_out, W_out), dtype=np.result_type(x, weight, np.float32))
    for n in range(len(x)):
        for o in range(O):
            for h in range(H_out):
                for w in range(W_out):
                    total = 0.0 if bias is None else bias[o]
                    for c in range(C):
                        for i in range(rows):
                            for j in range(columns):
                                total += x[n, c, h * down + i, w * right + j] * weight[o, c, i, j]
                    out[n, o, h, w] = total
    return out


def window_views(images, kernel_size, stride):
    """Return, for each place in a window, what all windows have at that place.

    With a kernel of 2 x 2 these are four views: the upper left pixels of all windows, the upper
    right ones, the lower left and the lower right ones. Everything that slides over an image can
    be written with whole arrays this way, with a loop over the kernel instead of one over the image.
    The views can be written to.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    kernel_size, stride : pairs of int

    Returns
    -------
    list of rows * columns views of shape (N, C, H_out, W_out), row by row

    Cost: 0 bytes.

    >>> image = np.arange(16).reshape(1, 1, 4, 4)
    >>> [view[0, 0].tolist() for view in window_views(image, (1, 2), (2, 2))]
    [[[0, 2], [8, 10]], [[1, 3], [9, 11]]]
    """
    (rows, columns), (down, right) = kernel_size, stride
    H_out = conv_output_size(images.shape[2], rows, down)
    W_out = conv_output_size(images.shape[3], columns, right)
    return [
        images[:, :, i : i + down * H_out : down, j : j + right * W_out : right]
        for i in range(rows)
        for j in range(columns)
    ]


def im2col(images, kernel_size, stride=1, padding=0, ones=False):
    """Return a matrix for each image in which every window is a column.

    A column holds what one window covers: for each place in the window the values of all channels.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    kernel_size, stride, padding : int or pair (rows, columns)
    ones : bool; True adds a last row of ones, so that a bias is one more weight in a product

    Returns
    -------
    ndarray of shape (N, rows * columns * C, H_out * W_out), with ones one row more

    Raises
    ------
    ValueError: no window fits, or a number is too small ("im2col: …").

    Cost: every pixel is copied once for each window it is in: rows * columns times the image with
    stride 1. A kernel of 3 x 3 makes nine copies.

    >>> im2col(np.arange(9).reshape(1, 1, 3, 3), 2)[0]
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    """
    kernel_size, stride = pair("im2col", "kernel_size", kernel_size), pair("im2col", "stride", stride)
    padding = pair("im2col", "padding", padding, least=0)
    check_images("im2col", images.shape, None, kernel_size, padding)
    views = window_views(pad_images(images, padding), kernel_size, stride)
    N, C, H_out, W_out = views[0].shape
    columns = np.empty((N, len(views) * C + ones, H_out * W_out), dtype=images.dtype)
    places = columns[:, : len(views) * C].reshape(N, len(views), C, H_out, W_out)  # a view
    for place, view in enumerate(views):
        places[:, place] = view
    columns[:, len(views) * C :] = 1
    return columns


def col2im(columns, shape, kernel_size, stride=1, padding=0):
    """Return images in which every column has been added where `im2col` took it from.

    It is the way back for gradients, not the inverse: a pixel in four windows gets four values.

    Parameters
    ----------
    columns : ndarray of shape (N, rows * columns * C, H_out * W_out)
    shape : tuple of int, the shape (N, C, H, W) of the images
    kernel_size, stride, padding : int or pair (rows, columns)

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Raises
    ------
    ValueError: no window fits, or a number is too small ("col2im: …").

    Cost: one addition for each element of `columns`.

    >>> col2im(np.ones((1, 4, 4)), (1, 1, 3, 3), 2)[0, 0].tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    kernel_size, stride = pair("col2im", "kernel_size", kernel_size), pair("col2im", "stride", stride)
    top, left = padding = pair("col2im", "padding", padding, least=0)
    check_images("col2im", shape, None, kernel_size, padding)
    N, C, H, W = shape
    padded = np.zeros((N, C, H + 2 * top, W + 2 * left), dtype=columns.dtype)
    views = window_views(padded, kernel_size, stride)
    columns = columns.reshape(N, len(views), *views[0].shape[1:])  # (N, rows * columns, C, H_out, W_out)
    for place, view in enumerate(views):
        view += columns[:, place]
    return padded[:, :, top : top + H, left : left + W]


CACHE_BYTES = 2**20  # about what one core keeps at hand; more would travel to main memory and back


def blocks(images, kernel_size, outputs):
    """Return slices of the batch, so many images each that their columns stay in the cache.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)
    kernel_size : pair of int
    outputs : int, number of windows of one image

    Returns
    -------
    list of slice, at least one image each

    Cost: nothing; it bounds the memory of a convolution, whose columns need not exist all at once.

    >>> len(blocks(np.zeros((32, 3, 32, 32), dtype=np.float32), (3, 3), 32 * 32))
    4
    """
    one = images.shape[1] * math.prod(kernel_size) * outputs * images.itemsize
    step = max(1, CACHE_BYTES // max(1, one))
    return [slice(start, start + step) for start in range(0, len(images), step)]


def kernel_matrix(weight, bias=None):
    """Return the kernels as rows of a matrix, in the order of `im2col`'s columns.

    Parameters
    ----------
    weight : ndarray of shape (out_channels, C, rows, columns)
    bias : ndarray of shape (out_channels,), the last column where there is one

    Returns
    -------
    ndarray of shape (out_channels, rows * columns * C), with a bias one column more

    Cost: one copy of the weights.

    >>> kernel_matrix(np.arange(8).reshape(1, 2, 2, 2)).tolist()
    [[0, 4, 1, 5, 2, 6, 3, 7]]
    """
    rows = weight.transpose(0, 2, 3, 1)  # (O, rows, columns, C)
    rows = rows.reshape(len(weight), math.prod(weight.shape[1:]))  # (O, rows * columns * C)
    return rows if bias is None else np.concatenate([rows, bias[:, None]], axis=1)


def conv2d_matmul(x, weight, bias=None, stride=1, padding=0):
    """Return the same as `conv2d_loops`, computed as kernels @ columns, some images at a time.

    The bias takes part in the product, as a weight whose input is always 1: adding it afterwards
    would go through the whole result once more.

    Parameters
    ----------
    x, weight, bias, stride, padding : as for `conv2d_loops`

    Returns
    -------
    ndarray of shape (N, out_channels, H_out, W_out)

    Raises
    ------
    ValueError: as `conv2d_loops`.

    Cost: the FLOPs of `conv2d_loops`, and columns of about CACHE_BYTES at a time.

    >>> image = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_matmul(image, np.ones((1, 1, 2, 2)))[0, 0].tolist()
    [[8.0, 12.0], [20.0, 24.0]]
    """
    stride, padding = check_convolution(x, weight, bias, stride, padding)
    kernels, kernel_size, ones = kernel_matrix(weight, bias), weight.shape[2:], bias is not None
    H_out = conv_output_size(x.shape[2], kernel_size[0], stride[0], padding[0])
    W_out = conv_output_size(x.shape[3], kernel_size[1], stride[1], padding[1])
    out = np.empty((len(x), len(weight), H_out * W_out), dtype=np.result_type(x, weight))
    for block in blocks(x, kernel_size, H_out * W_out):
        np.matmul(kernels, im2col(x[block], kernel_size, stride, padding, ones), out=out[block])
    return out.reshape(len(x), len(weight), H_out, W_out)  # (N, out_channels, H_out, W_out)


def conv2d_parameter_gradients(grad_output, x, kernel_size, stride, padding):
    """Return the gradients of kernels and bias: grad_output times the columns, summed over all windows.

    The columns are made again rather than kept from the way there: that costs a few copies, and
    keeping them would cost rows * columns times the memory of the images until backward.

    Parameters
    ----------
    grad_output : ndarray of shape (N, out_channels, H_out, W_out)
    x : ndarray of shape (N, C, H, W)
    kernel_size, stride, padding : pairs of int

    Returns
    -------
    two ndarrays, of shape (out_channels, C, rows, columns) and (out_channels,)

    Cost: as many FLOPs as the convolution.

    >>> x, grad_output = np.arange(4.0).reshape(1, 1, 2, 2), np.ones((1, 1, 2, 1))
    >>> weight, bias = conv2d_parameter_gradients(grad_output, x, (1, 2), (1, 1), (0, 0))
    >>> weight.tolist(), bias.tolist()
    ([[[[2.0, 4.0]]]], [2.0])
    """
    N, O, H_out, W_out = grad_output.shape
    C, grad_output = x.shape[1], grad_output.reshape(N, O, H_out * W_out)  # (N, O, H_out * W_out)
    total = np.zeros((math.prod(kernel_size) * C + 1, O), dtype=grad_output.dtype)
    for block in blocks(x, kernel_size, H_out * W_out):
        columns = im2col(x[block], kernel_size, stride, padding, ones=True)
        total += np.matmul(columns, grad_output[block].transpose(0, 2, 1)).sum(axis=0)
    grad_weight = total[:-1].reshape(*kernel_size, C, O).transpose(3, 2, 0, 1)  # (O, C, rows, columns)
    return np.ascontiguousarray(grad_weight), total[-1]


def conv2d_input_gradient(grad_output, x, weight, stride, padding):
    """Return the gradient of the images: what each window's kernel weights say, added where it lay.

    Parameters
    ----------
    grad_output : ndarray of shape (N, out_channels, H_out, W_out)
    x : ndarray of shape (N, C, H, W), of which only the shape matters
    weight : ndarray of shape (out_channels, C, rows, columns)
    stride, padding : pairs of int

    Returns
    -------
    ndarray of shape (N, C, H, W)

    Cost: as many FLOPs as the convolution.

    >>> x, weight = np.zeros((1, 1, 1, 3)), np.array([[[[10.0, 1.0]]]])
    >>> conv2d_input_gradient(np.array([[[[1.0, 2.0]]]]), x, weight, (1, 1), (0, 0)).tolist()
    [[[[10.0, 21.0, 2.0]]]]
    """
    N, O, H_out, W_out = grad_output.shape
    kernels, kernel_size = kernel_matrix(weight), weight.shape[2:]
    grad_output = grad_output.reshape(N, O, H_out * W_out)  # (N, O, H_out * W_out)
    grad_x = np.empty(x.shape, dtype=grad_output.dtype)
    for block in blocks(x, kernel_size, H_out * W_out):
        columns = np.matmul(kernels.T, grad_output[block])
        grad_x[block] = col2im(columns, grad_x[block].shape, kernel_size, stride, padding)
    return grad_x


class Conv2dFunction(Function):
    """Convolution and its way back.

    All gradients are matrix products like the convolution itself; what is not needed is not computed.
    """

    def forward(self, x, weight, bias, stride, padding):
        """Return the convolution, a Tensor, as `conv2d_matmul` does for arrays."""
        out = conv2d_matmul(x.data, weight.data, None if bias is None else bias.data, stride, padding)
        return wrap(out, x, weight)

    def backward(self, grad_output, x, weight, bias, stride, padding):
        """Return the gradients of x, weight and bias, each None where it is not needed."""
        grad_x = grad_weight = grad_bias = None
        if self.needs[0]:
            grad_x = conv2d_input_gradient(grad_output, x.data, weight.data, stride, padding)
        if self.needs[1] or self.needs[2]:
            grad_weight, grad_bias = conv2d_parameter_gradients(grad_output, x.data, weight.shape[2:], stride, padding)
        return grad_x, grad_weight, grad_bias


class Conv2d(Layer):
    """Slide learned kernels over images: every output pixel is a weighted sum of the window under it.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int, or pair (rows, columns)
    stride : int or pair, how far one window lies from the next
    padding : int or pair, zeros around the image; (kernel_size - 1) / 2 keeps its size
    bias : bool; False leaves the number that is added away
    rng : None, int or numpy.random.Generator, for the first weights

    Attributes
    ----------
    weight : Parameter of shape (out_channels, in_channels, rows, columns); see `kaiming_normal`
    bias : Parameter of shape (out_channels,), 0 at first; None without bias
    kernel_size, stride, padding : pairs of int

    Raises
    ------
    ValueError, TypeError: a size is not an integer, or too small ("Conv2d: stride is 0; …").

    >>> layer = Conv2d(3, 8, kernel_size=3, padding=1)
    >>> layer
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=True)
    >>> layer(Tensor(np.zeros((2, 3, 32, 32)))).shape
    (2, 8, 32, 32)
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True, rng=None):
        self.in_channels = check_size("Conv2d", "in_channels", in_channels)
        self.out_channels = check_size("Conv2d", "out_channels", out_channels)
        self.kernel_size = pair("Conv2d", "kernel_size", kernel_size)
        self.stride = pair("Conv2d", "stride", stride)
        self.padding = pair("Conv2d", "padding", padding, least=0)
        shape = (self.out_channels, self.in_channels, *self.kernel_size)
        self.weight = Parameter(kaiming_normal(shape, math.prod(shape[1:]), rng))
        self.bias = Parameter(np.zeros(self.out_channels, dtype=np.float32)) if bias else None

    def forward(self, x):
        """Return the convolution of a batch of images with all kernels.

        Parameters
        ----------
        x : Tensor of shape (N, in_channels, H, W)

        Returns
        -------
        Tensor of shape (N, out_channels, H_out, W_out); see `conv_output_size`

        Raises
        ------
        ValueError: no batch of images, another number of channels, or images smaller than the
            kernel ("Conv2d: x has shape …").

        Cost: 2 * N * out_channels * H_out * W_out * in_channels * rows * columns FLOPs, and an
        addition for each output with bias.

        >>> Conv2d(1, 4, kernel_size=3, stride=2)(Tensor(np.zeros((5, 1, 8, 8)))).shape
        (5, 4, 3, 3)
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        check_images("Conv2d", x.shape, self.in_channels, self.kernel_size, self.padding)
        return Conv2dFunction.apply(x, self.weight, self.bias, self.stride, self.padding)

    def extra_repr(self):
        """Return the arguments, as the layer is printed."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, bias={self.bias is not None}"
        )


# Pooling: smaller images, one number for each window.


def without_border(images, padding):
    """Return the images inside their border, a view: what `pad_images` put the border around.

    >>> without_border(np.ones((1, 1, 3, 6)), (1, 2)).shape
    (1, 1, 1, 2)
    """
    (top, left), (H, W) = padding, images.shape[2:]
    return images[:, :, top : H - top, left : W - left]


def lowest(dtype):
    """Return the number below all others of a dtype: what the border of a maximum is made of."""
    return -np.inf if dtype.kind == "f" else False if dtype.kind == "b" else np.iinfo(dtype).min


class MaxPool2dFunction(Function):
    """The largest of each window; only the pixel it came from gets the gradient, the first one of several."""

    def forward(self, x, kernel_size, stride, padding):
        """Return the largest value of each window, a Tensor."""
        views = window_views(pad_images(x.data, padding, lowest(x.dtype)), kernel_size, stride)
        out = views[0].copy()
        for view in views[1:]:
            np.maximum(out, view, out=out)
        return wrap(out, x)

    def backward(self, grad_output, x, kernel_size, stride, padding):
        """Return the gradient of x: each window's gradient goes to the first place that holds its maximum."""
        images = pad_images(x.data, padding, lowest(x.dtype))
        grad_x = np.zeros(images.shape, dtype=grad_output.dtype)
        waiting = np.ones(grad_output.shape, dtype=bool)  # windows whose maximum has not been met yet
        places = zip(window_views(images, kernel_size, stride), window_views(grad_x, kernel_size, stride))
        for view, grad_view in places:
            found = waiting & ~(view < self.output)  # with `==`, a window with a NaN would lose its gradient
            grad_view += grad_output * found
            waiting ^= found
        return without_border(grad_x, padding)


class AvgPool2dFunction(Function):
    """The mean of each window; every pixel of it gets the same share of the gradient."""

    def forward(self, x, kernel_size, stride, padding):
        """Return the mean of each window, a Tensor; the zeros of the border count."""
        views = window_views(pad_images(x.data, padding), kernel_size, stride)
        out = np.zeros(views[0].shape, dtype=x.dtype if x.dtype.kind == "f" else np.float32)
        for view in views:
            out += view
        out /= len(views)
        return wrap(out, x)

    def backward(self, grad_output, x, kernel_size, stride, padding):
        """Return the gradient of x: the sum, for each pixel, of the shares from its windows."""
        grad_x = pad_images(np.zeros(x.shape, dtype=grad_output.dtype), padding)
        share = grad_output / math.prod(kernel_size)
        for view in window_views(grad_x, kernel_size, stride):
            view += share
        return without_border(grad_x, padding)


class Pool2d(Layer):
    """What the pooling layers share: windows of one size that slide over each channel on its own.

    Parameters
    ----------
    kernel_size : int, or pair (rows, columns)
    stride : int or pair; None for kernel_size, so that windows lie side by side
    padding : int or pair, a border around the image, at most half of kernel_size: of zeros for a mean, which
        count as pixels; of what is smaller than every number for a maximum

    Attributes
    ----------
    kernel_size, stride, padding : pairs of int
    function : the Function that does the work; each subclass names its own

    Raises
    ------
    ValueError, TypeError: a size is not an integer of at least 1 ("MaxPool2d: kernel_size is 0; …"), or the
        padding is more than half of kernel_size, so that a window could lie in the border alone.

    >>> AvgPool2d(3, stride=2, padding=1)
    AvgPool2d(kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    """

    function = None

    def __init__(self, kernel_size, stride=None, padding=0):
        name = type(self).__name__
        self.kernel_size = pair(name, "kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else pair(name, "stride", stride)
        self.padding = pair(name, "padding", padding, least=0)
        if any(2 * border > size for border, size in zip(self.padding, self.kernel_size)):
            raise ValueError(
                f"{name}: padding is {padding} and kernel_size {kernel_size}; the padding may be at most "
                "half of it, or a window would hold no pixel"
            )

    def forward(self, x):
        """Return one number for each window of each channel.

        Rows and columns at the edge that fill no window are left out.

        Parameters
        ----------
        x : Tensor of shape (N, C, H, W)

        Returns
        -------
        Tensor of shape (N, C, H_out, W_out); see `conv_output_size`

        Raises
        ------
        ValueError: no batch of images, or images smaller than the kernel ("MaxPool2d: x has shape …").

        Cost: rows * columns operations for each output. Nothing but x and the output is kept for gradients.

        >>> MaxPool2d(2)(Tensor(np.zeros((5, 3, 7, 8)))).shape
        (5, 3, 3, 4)
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        check_images(type(self).__name__, x.shape, None, self.kernel_size, self.padding)
        return self.function.apply(x, self.kernel_size, self.stride, self.padding)

    def extra_repr(self):
        """Return the arguments, as the layer is printed."""
        border = "" if self.padding == (0, 0) else f", padding={self.padding}"
        return f"kernel_size={self.kernel_size}, stride={self.stride}{border}"


class MaxPool2d(Pool2d):
    """Keep the largest value of each window.

    Parameters
    ----------
    kernel_size, stride, padding : as for `Pool2d`

    >>> image = Tensor([[[[1, 2, 5, 3], [4, 0, 1, 1]]]])
    >>> MaxPool2d(2)(image)
    Tensor([[[[4., 5.]]]], shape=(1, 1, 1, 2))
    """

    function = MaxPool2dFunction


class AvgPool2d(Pool2d):
    """Keep the mean of each window.

    Parameters
    ----------
    kernel_size, stride, padding : as for `Pool2d`

    >>> image = Tensor([[[[1, 2, 5, 3], [4, 1, 1, 1]]]])
    >>> AvgPool2d(2)(image)
    Tensor([[[[2. , 2.5]]]], shape=(1, 1, 1, 2))
    """

    function = AvgPool2dFunction


# Batch normalization: every channel with mean 0 and variance 1, whatever came in.


def batch_statistics(images):
    """Return mean and variance of each channel, over all images, rows and columns.

    Parameters
    ----------
    images : ndarray of shape (N, C, H, W)

    Returns
    -------
    two ndarrays of shape (C,): mean, and the mean of the squared distances from it (divided by the
    number of values, not by one less)

    Cost: 3 FLOPs an element, and one array of the images' size on the way.

    >>> mean, variance = batch_statistics(np.array([1.0, 3.0, 10.0, 10.0]).reshape(1, 2, 1, 2))
    >>> mean.tolist(), variance.tolist()
    ([2.0, 10.0], [1.0, 0.0])
    """
    mean = images.mean(axis=(0, 2, 3))
    centered = images - mean[:, None, None]  # (N, C, H, W)
    np.multiply(centered, centered, out=centered)
    return mean, centered.mean(axis=(0, 2, 3))


class BatchNorm2dFunction(Function):
    """(x - mean) / sqrt(variance + eps) * weight + bias for each channel, and its way back.

    Where mean and variance were computed from x, x also acts through them. That takes away from the
    gradient what would only move all of a channel, or only stretch it.
    """

    def forward(self, x, weight, bias, mean, variance, eps, from_batch):
        """Return the normalized images, a Tensor; mean and variance are ndarrays of shape (C,)."""
        scale = weight.data / np.sqrt(variance + eps)
        out = x.data - mean[:, None, None]
        out *= scale[:, None, None]
        out += bias.data[:, None, None]
        return wrap(out, x, weight)

    def backward(self, grad_output, x, weight, bias, mean, variance, eps, from_batch):
        """Return the gradients of x, weight and bias."""
        deviation = np.sqrt(variance + eps)
        normalized = (x.data - mean[:, None, None]) / deviation[:, None, None]
        grad_bias = grad_output.sum(axis=(0, 2, 3))
        grad_weight = (grad_output * normalized).sum(axis=(0, 2, 3))
        grad_x = None
        if self.needs[0]:
            grad_x = grad_output
            if from_batch:
                count = x.size // x.shape[1]
                normalized *= (grad_weight / count)[:, None, None]
                grad_x = grad_output - normalized
                grad_x -= (grad_bias / count)[:, None, None]
            grad_x = grad_x * (weight.data / deviation)[:, None, None]
        return grad_x, grad_weight, grad_bias


class BatchNorm2d(Layer):
    """Give every channel mean 0 and variance 1, then a learned scale and shift.

    In training mean and variance are those of the batch, and running values follow them; after
    `eval()` the running values are used, so that an image's result does not depend on the others.

    Parameters
    ----------
    num_features : int, number of channels
    eps : float, added to the variance before the root
    momentum : float, how much of a running value each batch replaces

    Attributes
    ----------
    weight, bias : Parameters of shape (C,), the scale (1 at first) and the shift (0 at first)
    running_mean, running_var : ndarrays of shape (C,), 0 and 1 at first; the variance is the unbiased
        one, divided by the number of values less one

    Raises
    ------
    ValueError, TypeError: num_features is not an integer of at least 1, or eps or momentum not a number
        from 0 to 1 ("BatchNorm2d: …").

    References: Ioffe and Szegedy 2015, Batch normalization.

    >>> layer = BatchNorm2d(1)
    >>> layer(Tensor([[[[1, 3]]]])).data.round(3).tolist()
    [[[[-1.0, 1.0]]]]
    >>> layer.running_mean.round(3).tolist(), layer.running_var.round(3).tolist()
    ([0.20000000298023224], [1.100000023841858])
    """

    buffers = ("running_mean", "running_var")

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.num_features = check_size("BatchNorm2d", "num_features", num_features)
        self.eps = check_fraction("BatchNorm2d", "eps", eps)
        self.momentum = check_fraction("BatchNorm2d", "momentum", momentum)
        self.weight = Parameter(np.ones(self.num_features, dtype=np.float32))
        self.bias = Parameter(np.zeros(self.num_features, dtype=np.float32))
        self.running_mean = np.zeros(self.num_features, dtype=np.float32)
        self.running_var = np.ones(self.num_features, dtype=np.float32)

    def forward(self, x):
        """Return the normalized images.

        Parameters
        ----------
        x : Tensor of shape (N, num_features, H, W)

        Returns
        -------
        Tensor of the same shape

        Raises
        ------
        ValueError: no batch of images, another number of channels, or, in training, one value a
            channel ("BatchNorm2d: x has shape …"). The running values are unchanged then.

        Cost: some 8 passes over x in training and 3 after `eval()`. An empty batch changes nothing.

        >>> BatchNorm2d(3).eval()(Tensor(np.zeros((1, 3, 1, 1)))).shape
        (1, 3, 1, 1)
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        check_images("BatchNorm2d", x.shape, self.num_features, kernel_size=(0, 0))
        mean, variance = self.running_mean.copy(), self.running_var.copy()  # the graph keeps them, the layer goes on
        from_batch = self.training and x.size > 0
        if from_batch:
            mean, variance = batch_statistics(x.data)
            self.update_running(mean, variance, count=x.size // self.num_features, shape=x.shape)
        return BatchNorm2dFunction.apply(x, self.weight, self.bias, mean, variance, self.eps, from_batch)

    def update_running(self, mean, variance, count, shape):
        """Move the running values a little towards those of a batch.

        Parameters
        ----------
        mean, variance : ndarrays of shape (C,), as `batch_statistics` returns them
        count : int, number of values in each channel
        shape : tuple of int, x's shape, for the message

        Raises
        ------
        ValueError: one value a channel, whose variance says nothing ("BatchNorm2d: x has shape …").

        >>> layer = BatchNorm2d(1, momentum=0.5)
        >>> layer.update_running(np.array([4.0]), np.array([2.0]), count=3, shape=(3, 1, 1, 1))
        >>> layer.running_mean.tolist(), layer.running_var.tolist()
        ([2.0], [2.0])
        """
        if count == 1:
            raise ValueError(
                f"BatchNorm2d: x has shape {shape}: one value a channel has no spread to divide "
                "by; train with larger batches or images, or call eval() first"
            )
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (variance * count / (count - 1) - self.running_var)

    def extra_repr(self):
        """Return the arguments, as the layer is printed."""
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class Flatten(Layer):
    """Make one vector of each image, as a Linear layer needs it: (N, C, H, W) becomes (N, C * H * W).

    >>> Flatten()(Tensor(np.zeros((2, 3, 4, 4)))).shape
    (2, 48)
    """

    def forward(self, x):
        """Return x with all axes but the first one made into one.

        Parameters
        ----------
        x : Tensor of shape (N, …)

        Returns
        -------
        Tensor of shape (N, number of elements of one), a view where the memory order allows it

        Raises
        ------
        ValueError: x is a single number ("Flatten: x has shape (); …").

        Cost: 0 bytes for a view.

        >>> Flatten()(Tensor([[1], [2]])).shape
        (2, 1)
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.ndim == 0:
            raise ValueError("Flatten: x has shape (); a batch has at least one axis: x.reshape(1)")
        return x.reshape(len(x), math.prod(x.shape[1:]))  # (N, …) to (N, elements of one)
