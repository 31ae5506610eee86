"""Data sets to train on: TinyDigits and TinyTalks come with the library, MNIST and CIFAR-10 are fetched.

Used by the milestones; no chapter builds this file. Depends on chapters 01 and 05 and on NumPy.

`TinyDigits` and `MNIST` give a TensorDataset of images and labels, `CIFAR10` a dataset that unpacks its pictures
when they are needed (`sheets`). All of them find a file of arrays, read it and refuse what is damaged:

    tinytorch/datasets/tinydigits.npz      in the package, so it works everywhere and offline
    $TINYTORCH_DATA/mnist.npz              a folder of your choice
    build/datasets/mnist.npz               in a clone of the book: `make build` puts the file there
    ~/.cache/tinytorch/datasets/mnist.npz  your own; in the browser, Python's file system, filled when it is needed

Where the files come from, and how they were made, is said in the folder datasets/ of the book.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

import numpy as np

from tinytorch.core.dataloader import TensorDataset
from tinytorch.core.tensor import from_numpy

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join("~", ".cache", "tinytorch", "datasets")
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


@dataclass(frozen=True)
class Facts:
    """What must be true of a data set's file.

    title : its name for people
    shape : of one image, (C, H, W)
    most : the largest value of a pixel
    classes : names of the classes, in the order of the labels
    command : what puts its file into build/datasets of a clone of the book
    on_page : whether the book's progress page hands out its file
    """

    title: str
    shape: tuple
    most: int
    classes: tuple
    command: str = ""
    on_page: bool = False


DIGITS = tuple("0123456789")
KNOWN = {
    "tinydigits": Facts("TinyDigits", (1, 8, 8), 16, DIGITS),
    "mnist": Facts("MNIST", (1, 28, 28), 255, DIGITS, "make build", on_page=True),
    "cifar10": Facts(
        "CIFAR-10",
        (3, 32, 32),
        255,
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        "make build",
    ),
}


class DatasetError(RuntimeError):
    """A data set that is not there or must not be used; the message says which, and what to do."""


def folders():
    """Return the folders in which a data set is looked for, in this order.

    >>> folders()[0] == HERE
    True
    """
    chosen = os.environ.get("TINYTORCH_DATA")
    clone = os.path.dirname(os.path.dirname(HERE))
    made = os.path.join(clone, "build", "datasets")
    is_clone = os.path.isfile(os.path.join(clone, "datasets", "convert.py"))
    return [HERE, *([chosen] if chosen else []), *([made] if is_clone else []), os.path.expanduser(KEPT)]


def find(name):
    """Return the path of a data set's file.

    Parameters
    ----------
    name : str, one of "tinydigits", "mnist", "cifar10"

    Raises
    ------
    ValueError: there is no data set of this name ("there is no data set 'minst'; …").
    DatasetError: its file is in none of the folders; the message names them.

    >>> os.path.basename(find("tinydigits"))
    'tinydigits.npz'
    """
    if name not in KNOWN:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(KNOWN)}")
    path, places = search(name, KNOWN[name].title)
    if path is None:
        raise DatasetError(missing(KNOWN[name], places))
    return path


def search(stem, title):
    """Return the path of the file `stem`.npz, or None, and the places looked at; in the browser it is fetched.

    Parameters
    ----------
    stem : str, the name of the file. title : str, for people, of what is in it

    Raises
    ------
    DatasetError: the browser could not fetch it; the message says why.
    """
    places = [os.path.join(folder, f"{stem}.npz") for folder in folders()]
    path = next((place for place in places if os.path.isfile(place)), None)
    if path is None and sys.platform == "emscripten":
        path = downloaded(stem, title, places[-1])
    return path, places


def missing(facts, places):
    """Return what to say of a data set whose file is in none of the places.

    >>> missing(KNOWN["mnist"], ["/data/mnist.npz"])[:47]
    'MNIST is not here; looked for /data/mnist.npz. '
    """
    name = os.path.basename(places[-1])
    page = f"download {name} from the book's progress page into {KEPT}, or " if facts.on_page else ""
    return (
        f"{facts.title} is not here; looked for {', '.join(places)}. In a clone of the book, `{facts.command}` "
        f"fetches it into build/datasets. Elsewhere, {page}set TINYTORCH_DATA to the folder that {name} is in"
    )


def downloaded(stem, title, place):
    """Return `place` after the file was downloaded to it; the browser's Python only.

    Raises
    ------
    DatasetError: it could not be downloaded; the message says why.
    """
    from . import browser

    try:
        browser.fetch(stem, place)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{title} could not be downloaded: {error}") from error
    return place


def load(name):
    """Return the four arrays of a data set, as they are stored.

    Parameters
    ----------
    name : str, one of "tinydigits", "mnist", "cifar10"

    Returns
    -------
    dict with train_images and test_images, ndarrays of uint8 of shape (N, C, H, W), and
        train_labels and test_labels, ndarrays of uint8 of shape (N,)

    Raises
    ------
    ValueError: there is no data set of this name.
    DatasetError: the file is missing, cannot be read, or does not hold what it should.

    Cost: one byte a pixel; 64 kB for TinyDigits, 47 MB for 60,000 images of MNIST.

    >>> arrays = load("tinydigits")
    >>> arrays["train_images"].shape, arrays["test_images"].shape
    ((800, 1, 8, 8), (200, 1, 8, 8))
    """
    path, facts = find(name), KNOWN[name]
    arrays = read(path, facts)
    if packed(arrays):
        arrays = unpacked(arrays, path, facts)
    reason = fault(arrays, facts)
    if reason:
        raise DatasetError(
            f"{facts.title}: {path} is not the file it should be: {reason}; remove it and fetch it again"
        )
    return arrays


def read(path, facts):
    """Return the arrays in a data set's file, as they lie there: images, or the sheets that they are packed in.

    Raises
    ------
    DatasetError: the file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in (file.files if "sheets" in file else ARRAYS)}
    except Exception as error:  # zipfile, zlib and NumPy each have their own for a file that is cut short
        raise DatasetError(
            f"{facts.title}: {path} is damaged and cannot be read ({type(error).__name__}: {error}); "
            "remove it and fetch it again"
        ) from error


# Pictures that are packed in sheets.


def packed(arrays):
    """Tell whether a file holds sheets: `sheets`, how many there are to learn from and to test with, and each as bytes.

    >>> packed({"sheets": np.array([20, 4])})
    True
    """
    return "sheets" in arrays


def sheets_of(arrays, path, facts):
    """Return the Sheets of a file: those to learn from, then those to test with.

    Raises
    ------
    DatasetError: the numbers of sheets and of labels differ; later, when one is unpacked, if that fails.
    """
    from .sheets import EACH, SheetError, Sheets, unpack

    counts = arrays["sheets"].tolist()
    labels = [len(arrays.get(f"{part}_labels", ())) for part in ("train", "test")]
    if labels != [EACH * count for count in counts]:
        raise DatasetError(
            f"{facts.title}: {path} has {labels} labels and {counts} sheets of {EACH:,} pictures; "
            "remove it and fetch it again"
        )

    stem = os.path.splitext(os.path.basename(path))[0]

    def pixels(number):
        name = f"sheet_{number:02}"
        try:
            if name in arrays:
                return unpack(arrays[name].tobytes())
            if sys.platform == "emscripten":
                from . import browser

                return browser.sheet(stem, number, os.path.join(os.path.dirname(path), f"{stem}_{number:02}.rgb"))
        except (SheetError, OSError, ValueError) as error:
            raise DatasetError(f"{facts.title}: sheet {number} of {path}: {error}") from error
        raise DatasetError(f"{facts.title}: {path} lacks sheet {number}; remove it and fetch it again")

    return Sheets(sum(counts), pixels)


def unpacked(arrays, path, facts):
    """Return the four arrays of a file of sheets, all of them unpacked: 184 MB for CIFAR-10."""
    train, test = arrays["sheets"].tolist()
    sheets = sheets_of(arrays, path, facts)
    return {
        "train_images": np.concatenate([sheets[number] for number in range(train)]),
        "train_labels": arrays["train_labels"],
        "test_images": np.concatenate([sheets[number] for number in range(train, train + test)]),
        "test_labels": arrays["test_labels"],
    }


def fault(arrays, facts):
    """Return what is wrong with the arrays of a data set, or None.

    Parameters
    ----------
    arrays : dict of ndarray, as `load` returns it
    facts : Facts

    >>> fault(load("tinydigits"), KNOWN["tinydigits"]) is None
    True
    """
    for part in ("train", "test"):
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        if images.dtype != np.uint8 or labels.dtype != np.uint8:
            return f"the {part} arrays are {images.dtype} and {labels.dtype}, both must be uint8"
        if images.shape[1:] != facts.shape or labels.shape != images.shape[:1]:
            return f"the {part} arrays have shapes {images.shape} and {labels.shape}, needed is (N, *{facts.shape}) and (N,)"
        if images.size and images.max() > facts.most:
            return f"a pixel of the {part} images is {images.max()}, the largest value is {facts.most}"
        missing = sorted(set(range(len(facts.classes))) - set(labels.tolist()))
        if missing or labels.max() >= len(facts.classes):
            return f"the {part} labels are not 0 to {len(facts.classes) - 1}"
    return None


def dataset(name, train):
    """Return one part of a data set as a TensorDataset of (images, labels).

    Parameters
    ----------
    name : str. train : bool, True for the images to learn from, False for those to test with

    Returns
    -------
    TensorDataset of images, float32 of shape (N, C, H, W) from 0 to 1, and labels, int64 of shape (N,)

    Raises
    ------
    TypeError: `train` is no bool. DatasetError: as for `load`.

    Cost: four bytes a pixel.

    >>> image, label = dataset("tinydigits", train=True)[0]
    >>> image.shape
    (1, 8, 8)
    """
    if not isinstance(train, bool):
        raise TypeError(f"{KNOWN[name].title}: train is {train!r}; it must be True or False")
    arrays, part = load(name), "train" if train else "test"
    images = arrays[f"{part}_images"].astype(np.float32)
    images /= KNOWN[name].most
    return TensorDataset(from_numpy(images), from_numpy(arrays[f"{part}_labels"].astype(np.int64)))


def TinyDigits(train=True):
    """Return 800 handwritten digits to learn from, or 200 to test with, of 8 × 8 grey pixels.

    Every digit occurs equally often. They are part of the library: nothing is fetched.

    Parameters
    ----------
    train : bool, True for the 800, False for the 200

    Returns
    -------
    TensorDataset of images (N, 1, 8, 8) from 0 to 1 and labels (N,)

    References: Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI repository.

    >>> len(TinyDigits()), len(TinyDigits(train=False))
    (800, 200)
    """
    return dataset("tinydigits", train)


def MNIST(train=True):
    """Return handwritten digits of 28 × 28 grey pixels, to learn from or to test with.

    Parameters
    ----------
    train : bool

    Returns
    -------
    TensorDataset of images (N, 1, 28, 28) from 0 to 1 and labels (N,)

    Raises
    ------
    DatasetError: the file is not there; the message says how to fetch it.

    References: LeCun, Cortes and Burges 1998, The MNIST database of handwritten digits.
    """
    return dataset("mnist", train)


def CIFAR10(train=True):
    """Return small colour photographs in ten classes, to learn from or to test with.

    Parameters
    ----------
    train : bool

    Returns
    -------
    Pictures, a Dataset of (image, label): float32 of shape (3, 32, 32) from 0 to 1, and int64. A slice of it is one
        too. The names of the classes are KNOWN["cifar10"].classes

    Raises
    ------
    DatasetError: the file is not there, or a sheet of it is damaged; the message says what to do.

    Cost: 3,072 bytes for each picture of a sheet of 2,500 that was asked for, and four times that for those in use.

    References: Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """
    from .sheets import EACH, Pictures

    if not isinstance(train, bool):
        raise TypeError(f"CIFAR-10: train is {train!r}; it must be True or False")
    path, facts = find("cifar10"), KNOWN["cifar10"]
    arrays = read(path, facts)
    if not packed(arrays):  # a file of exact pixels, as `convert.py --exact` makes it
        return exact_pictures(load("cifar10"), "train" if train else "test")
    sheets, first = sheets_of(arrays, path, facts), 0 if train else int(arrays["sheets"][0]) * EACH
    labels = arrays["train_labels" if train else "test_labels"].astype(np.int64)
    return Pictures(sheets, labels, np.arange(first, first + len(labels)))


def exact_pictures(arrays, part):
    """Return a part of a data set whose pixels are not packed as Pictures."""
    from .sheets import EACH, Pictures

    images = arrays[f"{part}_images"]
    sheets = [images[start : start + EACH] for start in range(0, len(images), EACH)]
    return Pictures(sheets, arrays[f"{part}_labels"].astype(np.int64), np.arange(len(images)))


def TinyTalks(train=True):
    """Return questions and their answers, to learn from or to test with.

    Each answer has several phrasings of its question. At least one of them is held out: it is in the test
    part only, and its answer is known from the others. They are part of the library: nothing is fetched.

    Parameters
    ----------
    train : bool, True for the 2,795 to learn from, False for the 510 held out

    Returns
    -------
    list of (question, answer), two str

    Raises
    ------
    TypeError: `train` is no bool. DatasetError: the file is missing or damaged.

    Cost: about 1 MB.

    >>> TinyTalks()[0]
    ('What sound does a cat make?', 'A cat says meow.')
    >>> question, answer = TinyTalks(train=False)[0]
    >>> question in [other for other, _ in TinyTalks()]
    False
    """
    if not isinstance(train, bool):
        raise TypeError(f"TinyTalks: train is {train!r}; it must be True or False")
    path, part = os.path.join(HERE, "tinytalks.json"), "train" if train else "test"
    try:
        with open(path, encoding="utf-8") as file:
            talks = json.load(file)
        return [(question, talk["answer"]) for talk in talks for question in talk[part]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DatasetError(
            f"TinyTalks: {path} cannot be read ({type(error).__name__}: {error}); install the library again"
        ) from error
