"""Pictures that are kept as sheets: large pictures with many small ones side by side, in a lossy format.

Used by `CIFAR10`; no chapter builds this file. Depends on chapters 01 and 05 and on NumPy; outside of a browser on Pillow too.

A sheet is 1600 × 1600 pixels: 50 rows of 50 pictures of 32 × 32. As WebP it is about a fifth of what the
exact pixels take, even compressed. A sheet is unpacked when one of its pictures is first asked for, so a
program can begin with the first while the others are still on their way.

`Pictures` keeps one byte a pixel and makes numbers from 0 to 1 of those that are asked for: 50,000 pictures
take 154 MB this way, and would take 614 MB as float32.
"""

from __future__ import annotations

import io
import operator

import numpy as np

from tinytorch.core.dataloader import Dataset

SIDE, ACROSS = 32, 50  # of a picture, in pixels; pictures in a row of a sheet
EACH = ACROSS * ACROSS
SHEET = (ACROSS * SIDE, ACROSS * SIDE, 3)


class SheetError(ValueError):
    """A sheet that cannot be unpacked; the message says what it is."""


def pictures_of(pixels):
    """Return the pictures of a sheet, row by row.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (1600, 1600, 3)

    Returns
    -------
    ndarray of uint8, shape (2500, 3, 32, 32)

    Cost: one copy, 7.7 MB.

    >>> pictures_of(np.zeros(SHEET, np.uint8)).shape
    (2500, 3, 32, 32)
    """
    grid = pixels.reshape(ACROSS, SIDE, ACROSS, SIDE, 3)  # (row, y, column, x, colour)
    return np.ascontiguousarray(grid.transpose(0, 2, 4, 1, 3)).reshape(EACH, 3, SIDE, SIDE)


def sheet_of(pictures):
    """Return the sheet of 2,500 pictures: the way back of `pictures_of`.

    >>> some = np.arange(EACH * 3 * SIDE * SIDE).astype(np.uint8).reshape(EACH, 3, SIDE, SIDE)
    >>> np.array_equal(pictures_of(sheet_of(some)), some)
    True
    """
    grid = pictures.reshape(ACROSS, ACROSS, 3, SIDE, SIDE)  # (row, column, colour, y, x)
    return np.ascontiguousarray(grid.transpose(0, 3, 1, 4, 2)).reshape(SHEET)


def unpack(data):
    """Return the pixels of a sheet from the bytes of its file.

    Raises
    ------
    SheetError: Pillow is not there, the bytes are no picture, or it has another size.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise SheetError("the pictures are packed, and Pillow unpacks them: pip install pillow") from error
    try:
        with Image.open(io.BytesIO(data)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError) as error:  # Pillow's words for what is no picture, cut short or damaged
        raise SheetError(f"a sheet cannot be read as a picture: {error}") from error
    if pixels.shape != SHEET:
        raise SheetError(
            f"a sheet has {pixels.shape[1]} x {pixels.shape[0]} pixels; needed are {SHEET[1]} x {SHEET[0]}"
        )
    return pixels


class Sheets:
    """Sheets one after the other, each unpacked when it is first needed and kept then.

    Parameters
    ----------
    count : int, how many there are
    read : function of a number from 0 that returns the pixels of that sheet
    """

    def __init__(self, count, read):
        self.count, self.read = count, read
        self.unpacked = {}

    def __getitem__(self, number):
        """Return the pictures of a sheet, an ndarray of uint8 of shape (2500, 3, 32, 32)."""
        if number not in self.unpacked:
            self.unpacked[number] = pictures_of(self.read(number))
        return self.unpacked[number]


class Pictures(Dataset):
    """Pictures and their labels, as a Dataset whose pixels are bytes until they are asked for.

    Parameters
    ----------
    sheets : Sheets, or a sequence of ndarrays of uint8 of shape (2500, 3, 32, 32)
    labels : ndarray of int64, shape (N,): of the picture at each place
    places : ndarray of int, shape (N,): where each picture lies, counted through all sheets

    >>> data = Pictures([np.full((EACH, 3, SIDE, SIDE), 255, np.uint8)], np.arange(4), np.arange(4))
    >>> image, label = data[3]
    >>> image.shape, float(image.max()), int(label)
    ((3, 32, 32), 1.0, 3)
    >>> len(data[1:3])
    2
    """

    def __init__(self, sheets, labels, places):
        self.sheets, self.labels, self.places = sheets, labels, places

    def __len__(self):
        """Return N."""
        return len(self.labels)

    def __getitem__(self, index):
        """Return (picture, label) for a position: float32 of shape (3, 32, 32) from 0 to 1, and int64.

        A slice gives the Pictures at its positions, of which nothing is unpacked yet.
        """
        if isinstance(index, slice):
            return Pictures(self.sheets, self.labels[index], self.places[index])
        index = operator.index(index)
        number, place = divmod(int(self.places[index]), EACH)
        return self.sheets[number][place] * np.float32(1 / 255), self.labels[index]
