"""Pictures about photographs: confusions and mistakes by name, kernels in colour, and the network that names a picture."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from tinytorch import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, Softmax
from tinytorch.pictures import live, photos

NAMES = ("cat", "dog", "a & b")


@pytest.fixture(autouse=True)
def none_offered(monkeypatch):
    monkeypatch.setattr(photos, "_offered", {})


def shown(work):
    """The last state of each picture while `work` runs."""
    pictures = {}
    with live.shown_by(lambda place, svg: pictures.update({place: svg})):
        work()
    for svg in pictures.values():
        ElementTree.fromstring(svg)  # it is XML, or no browser shows it
    return list(pictures.values())


def opened(address):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


@pytest.mark.parametrize("shape", [(5, 7, 3), (4, 4)])
def test_a_png_has_the_pixels_that_were_given(shape):
    pixels = np.random.default_rng(0).random(shape)
    assert np.array_equal(opened(photos.address(pixels)), np.rint(pixels * 255))


def test_the_table_names_the_classes_and_what_each_is_taken_for():
    [svg] = shown(lambda: photos.show_confusion([0, 1, 1, 1, 2], [0, 0, 0, 1, 2], NAMES))
    assert live.title_of(svg) == (
        "Table of confusions: 3 of 5 right. cat: 1 of 3, most often taken for dog, 2 times. dog: 1 of 1. a & b: 1 of 1"
    )
    assert svg.count('class="fault"') == 1 and svg.count('class="cell"') == 3


def test_the_worst_mistakes_come_first_with_what_they_are():
    images = [(np.full((3, 32, 32), k / 4, np.float32), k) for k in range(4)]
    chances = np.array([[0.6, 0.4, 0], [0.9, 0.1, 0], [0.2, 0.8, 0], [0, 0, 1]])
    [svg] = shown(lambda: photos.show_mistakes(images, chances, [1, 1, 1, 2], NAMES))
    assert live.title_of(svg) == (
        "The worst mistakes: dog taken for cat with probability 0.900; dog taken for cat with probability 0.600"
    )
    pictures = re.findall(r'href="([^"]+)"', svg)
    assert [int(opened(address)[0, 0, 0]) for address in pictures] == [64, 0]


def test_kernels_are_drawn_in_colour_around_grey():
    weight = np.zeros((2, 3, 3, 3))
    weight[0, :, 1, 1] = 1  # light in the middle
    weight[1, 0, 1, 1], weight[1, 2, 1, 1] = 1, -1  # red against blue
    [svg] = shown(lambda: photos.show_filters(weight))
    assert "1 look for light and dark, 1 for colours" in live.title_of(svg)
    first, second = (opened(address) for address in re.findall(r'href="([^"]+)"', svg))
    assert first[1, 1].tolist() == [255, 255, 255] and first[0, 0].tolist() == [128, 128, 128]
    assert second[1, 1].tolist() == [255, 128, 0]


def test_in_a_terminal_they_are_words(capsys):
    photos.show_confusion([0], [0], NAMES[:2])
    photos.show_filters(np.ones((4, 3, 3, 3)))
    assert "cat: 1 of 1" in capsys.readouterr().out


def network():
    return Sequential(
        Sequential(Conv2d(3, 20, 3, padding=1), ReLU(), MaxPool2d(2), Conv2d(20, 4, 3, padding=1), MaxPool2d(4)),
        Flatten(),
        Linear(64, 3),
        Softmax(),
    )


def test_without_a_network_and_without_a_picture_it_says_so():
    assert photos.ask(np.zeros((32, 32, 3))) == {"state": "none"}
    photos.offer(network(), NAMES, "half of them right")
    assert photos.ask(np.zeros((0, 32, 3))) == {"state": "empty", "names": NAMES, "words": "half of them right"}


def test_a_picture_is_named_and_the_maps_after_each_pooling_are_shown():
    answering = network()
    photos.offer(answering, NAMES)
    pixels = np.random.default_rng(1).random((32, 32, 3))
    told = photos.ask(pixels)
    wanted = answering(type(answering.parameters()[0])(pixels.transpose(2, 0, 1)[None].astype(np.float32))).data
    assert told["state"] == "named" and np.allclose(told["probabilities"], wanted, atol=1e-5)
    assert [one["words"] for one in told["maps"]] == ["16 of 20 maps, 16 × 16", "4 maps, 4 × 4"]
    assert opened(told["maps"][0]["image"]).shape == (2 * 17 - 1, 8 * 17 - 1)


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match="got a int; needed is a network with parameters"):
        photos.offer(3, NAMES)
    photos.offer(Sequential(Flatten(), Linear(3072, 5)), NAMES)
    with pytest.raises(ValueError, match=r"numbers of shape \(5,\); needed are 3 probabilities"):
        photos.ask(np.zeros((32, 32, 3)))


def test_a_rehearsal_offers_nothing():
    with live.shown_by(live.unseen):
        photos.offer(network(), NAMES)
    assert photos.ask(np.zeros((32, 32, 3))) == {"state": "none"}
