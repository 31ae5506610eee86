"""Pictures about small photographs that a network has named: its confusions and mistakes, what it looks for, what it sees.

    show_confusion(answers, labels, names)                  a table, a row for each class
    show_mistakes(images, probabilities, labels, names)     the nine worst, as pictures
    show_filters(network[0].weight)                         what the first layer looks for
    offer(Sequential(network, Softmax()), names, words)     let the page's box for pictures ask this network
    ask(pixels)                                             in the page, for each picture

In a terminal the first three print what there is to read.
"""

from __future__ import annotations

import base64
import html
import itertools
import struct
import zlib

import numpy as np

from . import live
from .digits import confusion, worst_mistakes
from .drawing import STYLE, numbers
from .live import Picture
from .palette import style

WIDTH = 310
SIDE = 32
LOOK = style(
    ".paper{fill:$paper}.cell{fill:$blue}.fault{fill:$red}.on{fill:$page}"
    ".name{font-size:12px}.count{font-size:10px}.mid{text-anchor:middle}.end{text-anchor:end}image{image-rendering:pixelated}"
)
_offered: dict = {}


def png(pixels: np.ndarray) -> bytes:
    """Return a picture as a PNG file.

    pixels : (H, W, 3) in colour or (H, W) in grey, from 0 to 1

    >>> png(np.zeros((2, 2)))[1:4]
    b'PNG'
    """
    whole = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in whole)
    head = struct.pack(">IIBBBBB", whole.shape[1], whole.shape[0], 8, 2 if whole.ndim == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def address(pixels: np.ndarray) -> str:
    """Return a picture as an address that needs no network."""
    return f"data:image/png;base64,{base64.b64encode(png(pixels)).decode()}"


def colours(image: np.ndarray) -> np.ndarray:
    """Return an image (3, H, W) as pixels (H, W, 3)."""
    return np.asarray(image).transpose(1, 2, 0)


# Which classes are taken for which.


def show_confusion(answers, labels, names) -> None:
    """Show the table of confusions: a row for each class, a column for each answer."""
    table = confusion(answers, labels, len(names))
    Picture().show(confusion_svg(table, names), text=confusion_words(table, names, "\n  "))


def confusion_words(table: np.ndarray, names, between: str = " ") -> str:
    """Return the table in words, for terminals and for those who do not see it."""
    words = [f"Table of confusions: {np.trace(table):,} of {table.sum():,} right"]
    for k, row in enumerate(table):
        others = np.where(np.arange(len(row)) == k, -1, row)
        most = int(others.argmax())
        often = f", most often taken for {names[most]}, {row[most]:,} times" if others[most] > 0 else ""
        words.append(f"{names[k]}: {row[k]:,} of {row.sum():,}{often}")
    return f".{between}".join(words)


def confusion_svg(table: np.ndarray, names) -> str:
    """Return the picture of the table. The colour of a mistake is its share of the most frequent one."""
    left, top = 76, 98
    step = (WIDTH - left - 24) / len(names)  # room for the last name, which leans over the edge
    most = max(int((table - np.diag(np.diag(table))).max()), 1)
    right = np.trace(table) / max(table.sum(), 1)
    parts = [f'<text x="2" y="15">{right:.1%} right. Row: is, column: said</text>']
    for i, name in enumerate(names):
        x, y = left + (i + 0.66) * step, top + (i + 0.7) * step
        parts.append(
            f'<text class="name" transform="translate({x:.1f} {top - 5}) rotate(-60)">{html.escape(name)}</text>'
        )
        parts.append(f'<text class="name end" x="{left - 6}" y="{y:.1f}">{html.escape(name)}</text>')
        parts += [_cell(table, i, j, left + j * step, top + i * step, step, most) for j in range(len(names))]
    return _svg(confusion_words(table, names), int(top + len(names) * step + 6), "".join(parts))


def _cell(table, i: int, j: int, x: float, y: float, step: float, most: int) -> str:
    count, size = int(table[i, j]), f'x="{x:.1f}" y="{y:.1f}" width="{step - 1.5:.1f}" height="{step - 1.5:.1f}" rx="2"'
    if not count:
        return f'<rect class="paper" {size}/>'
    kind, strength, on = ("cell", 1.0, " on") if i == j else ("fault", 0.05 + 0.45 * count / most, "")
    text = f'<text class="count mid{on}" x="{x + step / 2 - 0.75:.1f}" y="{y + step / 2 + 3:.1f}">{count}</text>'
    return f'<rect class="{kind}" {size} opacity="{strength:.2f}"/>{text}'


def show_mistakes(images, probabilities, labels, names, most: int = 9) -> None:
    """Show the answers that are wrong and give the right class the least probability, the worst first.

    images : (image, label) by position, such as a Dataset; probabilities : (N, C); labels : (N,)
    """
    chances, truth = numbers(probabilities), numbers(labels).astype(int)
    shown = [
        (colours(images[i][0]), names[truth[i]], names[chances[i].argmax()], float(chances[i].max()))
        for i in worst_mistakes(chances, truth)[:most].tolist()
    ]
    Picture().show(lambda: mistakes_svg(shown), text=mistakes_words(shown, "\n  "))


def mistakes_words(shown, between: str = " ") -> str:
    """Return the mistakes in words, with something between one and the next, such as a new line."""
    if not shown:
        return "No mistakes"
    each = (f"{name} taken for {said} with probability {p:.3f}" for _, name, said, p in shown)
    return f"The worst mistakes:{between}" + f";{between}".join(each)


def mistakes_svg(shown) -> str:
    """Return the mistakes as a sheet of pictures, three in a row."""
    wide, tall, top, size = 103, 112, 26, 80
    parts = [f'<text x="2" y="15">{"Its worst mistakes" if shown else "No mistakes"}</text>']
    for k, (pixels, name, said, p) in enumerate(shown):
        x, y = (k % 3) * wide + 8, top + (k // 3) * tall
        parts.append(_image(pixels, x, y, size, size))
        for line, words in enumerate((f"is {name}", f"{said}: {p:.0%}")):
            parts.append(
                f'<text class="name mid" x="{x + size / 2}" y="{y + size + 13 + 13 * line}">{html.escape(words)}</text>'
            )
    rows = max(1, -(-len(shown) // 3))
    return _svg(mistakes_words(shown), top + rows * tall, "".join(parts))


# What the first layer looks for.


def show_filters(weight) -> None:
    """Show the kernels of a first convolution as small pictures in colour; grey is 0.

    weight : (O, 3, rows, columns)
    """
    kernels = numbers(weight)
    Picture().show(lambda: filters_svg(kernels), text=filters_words(kernels))


def filters_words(kernels: np.ndarray) -> str:
    """Return in a sentence what the picture of the kernels shows."""
    # A kernel whose three colours go the same way looks for light and dark; else for a colour.
    swing = kernels - kernels.mean(axis=(2, 3), keepdims=True)
    same = np.abs(swing.mean(axis=1)).mean(axis=(1, 2)) / np.maximum(np.abs(swing).mean(axis=(1, 2, 3)), 1e-9)
    grey = int((same > 0.7).sum())
    return (
        f"{len(kernels)} kernels of the first layer: {grey} look for light and dark, {len(kernels) - grey} for colours"
    )


def filters_svg(kernels: np.ndarray) -> str:
    """Return the picture of the kernels, eight in a row, each scaled so that its largest weight has the full colour."""
    size, top = 33, 26
    parts = ['<text x="2" y="15">What the first layer looks for</text>']
    for k, kernel in enumerate(kernels):
        pixels = colours(kernel) / (2 * np.abs(kernel).max() or 1) + 0.5
        parts.append(_image(pixels, 2 + (k % 8) * 38.5, top + (k // 8) * 39, size, size))
    return _svg(filters_words(kernels), top + -(-len(kernels) // 8) * 39, "".join(parts))


# A picture of the reader's own.


def offer(network, names, words: str = "") -> None:
    """Let the page's box for pictures ask this network from now on.

    network : a Layer that takes (1, 3, 32, 32) and returns (1, C) probabilities
    names : of the C classes
    words : what to say of it, such as how good it is

    Raises TypeError for what cannot be called or has no parameters.
    """
    live.check_network(network)
    if not live.is_rehearsal():
        _offered.update(network=network, names=tuple(names), words=words)


def ask(pixels: np.ndarray) -> dict:
    """Return what the offered network says of a picture.

    pixels : (32, 32, 3) from 0 to 1; without any, it is only told whether a network is there

    Returns a dict with `state`: "none" where no network was offered since Python started, "empty" without a picture,
    else "named" with `probabilities` and the `maps` on the way. `names` and `words` are those of the network.
    """
    if not _offered:
        return {"state": "none"}
    told = {"names": _offered["names"], "words": _offered["words"]}
    if not pixels.size:
        return {"state": "empty", **told}
    outputs = on_the_way(_offered["network"], pixels.transpose(2, 0, 1)[None])
    answer = outputs[-1].ravel()
    if answer.shape != (len(told["names"]),) or not np.isfinite(answer).all():
        raise ValueError(
            f"the network gave numbers of shape {answer.shape}; needed are {len(told['names'])} probabilities"
        )
    maps = [pixels.transpose(2, 0, 1), *(output[0] for output in outputs if output.ndim == 4)]
    pooled = [after for before, after in itertools.pairwise(maps) if after.shape[1] < before.shape[1]]
    return {
        "state": "named",
        **told,
        "probabilities": [round(float(p), 6) for p in answer],
        "maps": [_map(one) for one in pooled],
    }


def on_the_way(network, images: np.ndarray) -> list[np.ndarray]:
    """Return what each layer of a network gives for some images, the layers of a Sequential inside it one by one."""
    tensor = type(network.parameters()[0])  # of the package that the network was made in, which is no longer imported
    network.eval()
    outputs = []

    def through(layer, x):
        if isinstance(getattr(layer, "steps", None), list):
            for step in layer.steps:
                x = through(step, x)
        else:
            x = layer(x)
            outputs.append(x.data)
        return x

    through(network, tensor(images.astype(np.float32)))
    return outputs


def _map(maps: np.ndarray, across: int = 8, most: int = 16) -> dict:
    """Return the first feature maps (C, H, W) as one grey picture, each scaled by itself, and what it is."""
    C, H, W = maps.shape
    shown = maps[:most]
    low, high = shown.min(axis=(1, 2), keepdims=True), shown.max(axis=(1, 2), keepdims=True)
    tiles = (shown - low) / np.maximum(high - low, 1e-9)
    rows = -(-len(tiles) // across)
    sheet = np.full((rows * (H + 1) - 1, across * (W + 1) - 1), 0.5)
    for k, tile in enumerate(tiles):
        y, x = (k // across) * (H + 1), (k % across) * (W + 1)
        sheet[y : y + H, x : x + W] = tile
    words = f"{len(tiles)} of {C} maps" if C > most else f"{C} maps"
    return {"words": f"{words}, {H} × {W}", "image": address(sheet)}


def _image(pixels: np.ndarray, x: float, y: float, width: float, height: float) -> str:
    return f'<image x="{x:.1f}" y="{y:.1f}" width="{width}" height="{height}" href="{address(pixels)}"/>'


def _svg(title: str, height: int, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
        f"<title>{html.escape(title)}</title><style>{STYLE}{LOOK}</style>{inside}</svg>"
    )
