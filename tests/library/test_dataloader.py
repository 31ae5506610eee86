"""A loader hands out every sample once a pass, in an order that its seed repeats, whoever prepares the batches."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import Compose, DataLoader, Dataset, RandomCrop, RandomHorizontalFlip, Tensor, TensorDataset, manual_seed
from tinytorch.core import dataloader as module
from tinytorch.core.dataloader import PrefetchLoader, Transform, default_collate, stack_samples
from tinytorch.core.layers import default_rng
from tinytorch.core.tensor import from_numpy

BROWSER = sys.platform in ("emscripten", "wasi")
needs_workers = pytest.mark.skipif(BROWSER, reason="the browser's Python cannot start threads")
INT = np.array(3).dtype  # of whole numbers where nobody says otherwise: int32 in the browser


class Squares(Dataset):
    """Samples that are made one at a time, as tuples."""

    def __init__(self, count=10):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        assert type(index) is int
        return np.array([index, -index], dtype=np.float32), index * index


class Broken(Squares):
    """A dataset with one sample that cannot be read."""

    def __getitem__(self, index):
        if index == 7:
            raise OSError("sample 7 is not readable")
        return super().__getitem__(index)


class Leaving(Squares):
    """A dataset that says which process and thread reads it."""

    def __getitem__(self, index):
        return os.getpid(), threading.get_ident() % 2**31


def numbers(count=10):
    return TensorDataset(Tensor(np.arange(count)))


def passes(loader, count=1):
    return [[[field.data.tolist() for field in batch] for batch in loader] for _ in range(count)]


def ids(loader):
    return [batch[0].data.tolist() for batch in loader]


# Datasets


def test_a_tensor_dataset_hands_out_rows_that_share_its_memory():
    images, labels = np.arange(12, dtype=np.float32).reshape(3, 4), np.array([5, 6, 7])
    data = TensorDataset(from_numpy(images), labels)
    assert len(data) == 3 and isinstance(data.tensors, tuple)
    image, label = data[1]
    assert image.data.tolist() == [4, 5, 6, 7] and label.item() == 6 and label.dtype == INT
    assert np.shares_memory(image.data, images)
    assert [field.shape for field in data[1:]] == [(2, 4), (2,)]
    assert data[-1][1].item() == 7
    assert [len(sample) for sample in data] == [2, 2, 2]  # going through it ends
    with pytest.raises(IndexError, match="index: 3 does not fit shape"):
        data[3]


def test_several_rows_are_taken_as_copies_that_keep_their_dtype():
    data = TensorDataset(Tensor(np.arange(6.0).reshape(3, 2), dtype=np.float64), np.array([1, 2, 3], dtype=np.int8))
    values, labels = data.take(np.array([2, 0, 2]))
    assert values.data.tolist() == [[4, 5], [0, 1], [4, 5]] and labels.data.tolist() == [3, 1, 3]
    assert (values.dtype, labels.dtype) == (np.float64, np.int8)
    assert not np.shares_memory(values.data, data.tensors[0].data)
    with pytest.raises(IndexError):
        data.take(np.array([3]))


def test_a_dataset_is_a_class_to_be_filled_in():
    for action in (lambda: len(Dataset()), lambda: Dataset()[0]):
        with pytest.raises(NotImplementedError, match=r"Dataset: there is no __(len|getitem)__; it "):
            action()
    with pytest.raises(NotImplementedError, match="Transform: there is no __call__; it takes images"):
        Transform()(np.zeros((2, 2)))


# Collating


def test_samples_are_stacked_field_by_field():
    batch = default_collate([(Tensor([1, 2]), 3, 0.5, True), (Tensor([4, 5]), 6, 1.5, False)])
    assert isinstance(batch, tuple) and [field.data.tolist() for field in batch] == [
        [[1, 2], [4, 5]],
        [3, 6],
        [0.5, 1.5],
        [True, False],
    ]
    assert [str(field.dtype) for field in batch] == ["float32", str(INT), "float32", "bool"]


def test_samples_of_one_field_are_stacked_along_a_new_first_axis():
    rows = [Tensor([1, 2]), Tensor([3, 4]), Tensor([5, 6])]
    batch = stack_samples(rows)
    assert batch.data.tolist() == [[1, 2], [3, 4], [5, 6]] and batch.dtype == np.float32
    assert not any(np.shares_memory(batch.data, row.data) for row in rows)
    assert stack_samples([7, 8]).data.tolist() == [7, 8] and stack_samples([7, 8]).dtype == INT


def test_a_list_of_numbers_is_a_row_and_a_list_with_arrays_has_fields():
    assert default_collate([[1.5, 2], [3, 4]]).data.tolist() == [[1.5, 2], [3, 4]]
    for kind in (Tensor, np.array):
        batch = default_collate([[kind([1.0, 2.0]), 7], [kind([3.0, 4.0]), 8]])
        assert [field.data.tolist() for field in batch] == [[[1, 2], [3, 4]], [7, 8]]


def test_nested_tuples_keep_their_structure():
    batch = default_collate([(1, (2, 3)), (4, (5, 6))])
    assert batch[0].data.tolist() == [1, 4] and [field.data.tolist() for field in batch[1]] == [[2, 5], [3, 6]]


@pytest.mark.parametrize(
    "sample, dtype",
    [
        (Tensor([1.0], dtype=np.float64), "float64"),
        (np.array([1.0]), "float32"),
        (np.float64(2), "float32"),
        (np.array([1], dtype=np.uint8), "uint8"),
        (2.5, "float32"),
        (3, str(INT)),
        (Tensor([1.0]), "float32"),
    ],
)
def test_collating_keeps_a_tensors_dtype_and_whole_numbers(sample, dtype):
    assert str(default_collate([sample, sample]).dtype) == dtype


# The order of a pass


@pytest.mark.parametrize(
    "count, size, drop, sizes",
    [
        (10, 3, False, [3, 3, 3, 1]),
        (10, 3, True, [3, 3, 3]),
        (9, 3, False, [3, 3, 3]),
        (9, 3, True, [3, 3, 3]),
        (2, 5, False, [2]),
        (1, 1, True, [1]),
        (5, 5, True, [5]),
        (4, 1, False, [1, 1, 1, 1]),
    ],
)
def test_batches_have_the_size_asked_for_and_the_last_what_is_left(count, size, drop, sizes):
    loader = DataLoader(numbers(count), size, drop_last=drop)
    assert [len(batch[0]) for batch in loader] == sizes and len(loader) == len(sizes)
    assert [i for batch in ids(loader) for i in batch] == list(range(sum(sizes)))


def test_what_is_left_out_without_arguments():
    loader = DataLoader(Squares(3))
    assert (loader.batch_size, loader.shuffle, loader.drop_last, loader.seed, loader.transform) == (
        1,
        False,
        False,
        None,
        None,
    )
    assert [(x.data.tolist(), y.data.tolist()) for x, y in loader] == [
        ([[0, 0]], [0]),
        ([[1, -1]], [1]),
        ([[2, -2]], [4]),
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**40))
def test_a_shuffled_pass_has_every_sample_once(count, size, seed):
    loader = DataLoader(numbers(count), size, shuffle=True, seed=seed)
    for _ in range(2):
        assert sorted(i for batch in ids(loader) for i in batch) == list(range(count))


def test_every_pass_has_a_new_order_and_the_seed_repeats_them_all():
    first, again, other = (passes(DataLoader(numbers(20), 4, shuffle=True, seed=seed), 3) for seed in (5, 5, 6))
    assert first == again
    assert first != other
    assert first[0] != first[1] != first[2] != first[0]
    expected = np.random.default_rng([5, 1]).permutation(20).reshape(5, 4).tolist()
    assert [batch[0] for batch in first[1]] == expected


def test_without_shuffle_every_pass_is_in_order():
    loader = DataLoader(numbers(5), 2)
    assert ids(loader) == ids(loader) == [[0, 1], [2, 3], [4]]


def test_without_a_seed_the_shared_generator_chooses_one():
    manual_seed(3)
    loader = DataLoader(numbers(), 4, shuffle=True)
    manual_seed(3)
    assert loader.seed == DataLoader(numbers(), 4, shuffle=True).seed and type(loader.seed) is int
    assert loader.seed != DataLoader(numbers(), 4, shuffle=True).seed
    manual_seed(3)
    assert 0 <= loader.seed == int(default_rng().integers(2**31)) < 2**31


def draws_from_the_shared_generator(make):
    manual_seed(3)
    before = default_rng().bit_generator.state
    make()
    return default_rng().bit_generator.state != before


def test_only_a_loader_that_draws_and_has_no_seed_asks_the_shared_generator():
    assert not draws_from_the_shared_generator(lambda: DataLoader(numbers()))
    assert not draws_from_the_shared_generator(lambda: DataLoader(numbers(), shuffle=True, transform=abs, seed=0))
    assert draws_from_the_shared_generator(lambda: DataLoader(numbers(), shuffle=True))
    assert draws_from_the_shared_generator(lambda: DataLoader(numbers(), transform=abs))


def test_loops_inside_each_other_do_not_disturb_each_other():
    loader = DataLoader(numbers(6), 2, shuffle=True, seed=1)
    outer, inner = [], []
    for batch in loader:
        outer.append(batch[0].data.tolist())
        inner.append(ids(loader))
    other = DataLoader(numbers(6), 2, shuffle=True, seed=1)
    assert outer == ids(other)
    assert inner == [ids(other) for _ in range(3)]


def test_rows_are_taken_at_once_only_from_a_plain_tensor_dataset():
    class Negative(TensorDataset):
        def __getitem__(self, index):
            return tuple(-field for field in super().__getitem__(index))

    calls = []
    data = numbers(4)
    data.take = lambda rows: calls.append(rows.tolist()) or TensorDataset.take(data, rows)
    assert ids(DataLoader(data, 2)) == [[0, 1], [2, 3]] and calls == [[0, 1], [2, 3]]
    assert ids(DataLoader(Negative(Tensor(np.arange(4))), 2)) == [[0, -1], [-2, -3]]
    assert DataLoader(data, 2, collate_fn=len).load(0, 0, np.array([0, 1])) == 2


def test_batches_are_copies_so_that_changing_one_leaves_the_data():
    data = numbers(4)
    for (batch,) in DataLoader(data, 2):
        batch.data += 100
    assert data.tensors[0].data.tolist() == [0, 1, 2, 3]


def test_a_list_is_a_dataset_too():
    assert DataLoader([1.5, 2.5, 3.5], batch_size=2).load(0, 0, np.array([2, 0])).data.tolist() == [3.5, 1.5]


# Going on where a loader was


@pytest.mark.parametrize("stop", [0, 1, 3, 4, 5, 7, 8])
@pytest.mark.parametrize(
    "make", [DataLoader, lambda *args, **options: PrefetchLoader(DataLoader(*args, **options), ahead=3)]
)
def test_a_loader_goes_on_at_any_batch(stop, make):
    def endless(loader):
        while True:
            yield from loader

    whole, loader = (make(numbers(10), 3, shuffle=True, seed=2) for _ in range(2))
    batches, expected = endless(loader), endless(whole)
    for _ in range(stop):
        next(batches), next(expected)
    state = loader.state_dict()
    resumed = make(numbers(10), 3, shuffle=True, seed=99)
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    rest = endless(resumed)
    for _ in range(9):
        assert next(rest)[0].data.tolist() == next(expected)[0].data.tolist()


def test_the_state_says_where_the_loader_is():
    loader = DataLoader(numbers(10), 4, shuffle=True, seed=2)
    fixed = {"samples": 10, "batch_size": 4, "shuffle": True, "drop_last": False, "seed": 2}
    assert loader.state_dict() == {**fixed, "epoch": 0, "batch": 0}
    places = []
    for _ in range(2):
        for _ in loader:
            places.append((loader.state_dict()["epoch"], loader.state_dict()["batch"]))
    assert places == [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]
    assert loader.state_dict() == {**fixed, "epoch": 2, "batch": 0}


def test_a_pass_that_is_left_early_is_over():
    loader = DataLoader(numbers(10), 2, shuffle=True, seed=2)
    batches = iter(loader)
    next(batches)
    batches.close()
    assert (loader.state_dict()["epoch"], loader.state_dict()["batch"]) == (1, 0)
    other = DataLoader(numbers(10), 2, shuffle=True, seed=2)
    ids(other)
    assert ids(loader) == ids(other)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"samples": 11}, "samples is 11 in the state and 10 in this loader"),
        ({"batch_size": 5}, "batch_size is 5 in the state and 4 in this loader"),
        ({"shuffle": False}, "shuffle is False in the state and True in this loader"),
        ({"drop_last": True}, "drop_last is True in the state and False in this loader"),
        ({"batch": 3}, "there is no batch 3 of pass 1; a pass has 3 batches"),
        ({"batch": -1}, "batch is -1; it must be at least 0"),
        ({"epoch": -1}, "epoch is -1; it must be at least 0"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"batch": 1.5}, "batch is 1.5; it must be an integer"),
        ({"seed": None}, "seed is None; it must be an integer"),
        (
            {"more": 1},
            "the state of a loader has samples, batch_size, shuffle, drop_last, seed, epoch, batch; got samples",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, words):
    loader = DataLoader(numbers(10), 4, shuffle=True, seed=2)
    before = loader.state_dict()
    with pytest.raises((TypeError, ValueError)) as caught:
        PrefetchLoader(loader).load_state_dict({**before, "seed": 8, "epoch": 1, "batch": 2, **change})
    assert f"load_state_dict: {words}" in str(caught.value)
    assert loader.state_dict() == before and loader.epoch == loader.first == 0


def test_a_state_that_is_none_says_so():
    loader = DataLoader(numbers())
    with pytest.raises(TypeError, match="load_state_dict: got list; it needs what state_dict"):
        loader.load_state_dict([])
    with pytest.raises(ValueError, match="got nothing"):
        PrefetchLoader(loader).check_state({})


# Transforms


IMAGES = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


@pytest.mark.parametrize("images", [IMAGES, IMAGES[0], IMAGES[0, 0]])
def test_a_flip_mirrors_left_and_right_only(images):
    before = images.copy()
    assert np.array_equal(RandomHorizontalFlip(1.0)(images), images[..., ::-1])
    kept = RandomHorizontalFlip(0.0)(images)
    assert np.array_equal(kept, images) and not np.shares_memory(kept, images)
    assert np.array_equal(RandomHorizontalFlip(1)(Tensor(images)).data, images[..., ::-1])
    assert np.array_equal(images, before)


def test_each_image_of_a_batch_has_its_own_draw():
    images = np.tile(np.arange(3.0), (400, 1, 2, 1))
    result = RandomHorizontalFlip(0.25, seed=0)(images)
    flipped = result[:, 0, 0, 0] == 2
    assert np.array_equal(flipped, np.random.default_rng(0).random(400) < 0.25)
    assert np.array_equal(result[flipped], images[flipped, :, :, ::-1]) and np.array_equal(
        result[~flipped], images[~flipped]
    )
    assert RandomHorizontalFlip().p == 0.5


@pytest.mark.parametrize(
    "images, size, padding",
    [
        (IMAGES, (2, 3), 0),
        (IMAGES, 4, 1),
        (IMAGES[0], (6, 5), 1),
        (IMAGES[0, 0], 3, 2),
        (IMAGES, (4, 5), 0),
        (IMAGES, (8, 9), 2),
    ],
)
def test_a_crop_is_a_window_of_the_image_with_its_border(images, size, padding):
    result = RandomCrop(size, padding=padding, seed=1)(images)
    height, width = size if isinstance(size, tuple) else (size, size)
    assert result.shape == images.shape[:-2] + (height, width) and result.dtype == images.dtype
    stack = images.reshape((-1, *images.shape[-2:])) if images.ndim < 4 else images
    padded = np.pad(stack, [(0, 0)] * (stack.ndim - 2) + [(padding, padding)] * 2)
    if images.ndim < 4:
        padded, result = padded[None], result.reshape((1, -1, height, width))
    for image, window in zip(padded, result, strict=True):
        places = [
            (y, x)
            for y in range(image.shape[-2] - height + 1)
            for x in range(image.shape[-1] - width + 1)
            if np.array_equal(image[..., y : y + height, x : x + width], window)
        ]
        assert len(places) >= 1


def test_a_crop_reaches_every_place_and_only_those():
    image = np.arange(1.0, 7.0).reshape(2, 3)
    crop = RandomCrop((1, 2), seed=0)
    assert {tuple(crop(image)[0]) for _ in range(200)} == {(1, 2), (2, 3), (4, 5), (5, 6)}
    corner = RandomCrop(1, padding=1, seed=0)
    found = [corner(np.array([[9.0]])).item() for _ in range(300)]
    assert set(found) == {0.0, 9.0} and 15 < sum(value == 9 for value in found) < 60  # one place of nine


def test_images_of_a_batch_are_cropped_at_places_of_their_own():
    images = np.tile(np.arange(36.0).reshape(6, 6), (50, 1, 1, 1))
    rng = np.random.default_rng(3)
    tops, lefts = (rng.integers(0, 4, size=50, endpoint=True) for _ in range(2))
    result = RandomCrop(2, seed=3)(images)
    assert np.array_equal(result[:, 0, 0, 0], tops * 6 + lefts) and np.array_equal(
        result[:, 0, 1, 1], (tops + 1) * 6 + lefts + 1
    )


def test_a_transform_keeps_kind_and_dtype():
    for transform in (
        RandomHorizontalFlip(0.5),
        RandomCrop(2, padding=1),
        Compose([RandomCrop(2), RandomHorizontalFlip()]),
    ):
        for dtype in (np.float32, np.float64, np.uint8):
            array = np.ones((3, 4, 4), dtype=dtype)
            assert type(transform(array)) is np.ndarray and transform(array).dtype == dtype
            tensor = transform(Tensor(array, dtype=dtype))
            assert type(tensor) is Tensor and tensor.dtype == dtype


def test_transforms_repeat_from_their_seed_or_the_shared_generator():
    images = np.random.default_rng(0).random((8, 1, 6, 6))
    for make in (lambda seed=None: RandomCrop(3, seed=seed), lambda seed=None: RandomHorizontalFlip(seed=seed)):
        one, two = make(5), make(5)
        assert np.array_equal(one(images), two(images)) and np.array_equal(one(images), two(images))
        manual_seed(1)
        shared = make()(images)
        manual_seed(1)
        assert np.array_equal(shared, make()(images))
        assert np.array_equal(make(9)(images, np.random.default_rng(4)), make(4)(images))


def test_compose_goes_in_order_and_hands_the_generator_to_those_that_draw():
    steps = Compose([lambda images: images + 1, lambda images: images * 10, RandomHorizontalFlip(1.0)])
    assert steps(np.array([[1.0, 2.0]])).tolist() == [[30, 20]]
    images = np.random.default_rng(0).random((20, 1, 4, 4))
    one, two = (Compose([RandomCrop(3), abs])(images, np.random.default_rng(seed)) for seed in (1, 1))
    assert np.array_equal(one, two)


def test_a_loaders_transform_changes_the_first_field_from_seed_pass_and_batch():
    images = Tensor(np.random.default_rng(0).random((6, 1, 4, 4)))
    data = TensorDataset(images, np.arange(6))
    flip = RandomHorizontalFlip()
    loader = DataLoader(data, 4, seed=11, transform=flip)
    (a, labels), (b, _) = loader
    assert labels.data.tolist() == [0, 1, 2, 3]
    assert np.array_equal(a.data, flip(images.data[:4], np.random.default_rng([11, 0, 1])))
    assert np.array_equal(b.data, flip(images.data[4:], np.random.default_rng([11, 0, 2])))
    (c, _), _ = loader
    assert np.array_equal(c.data, flip(images.data[:4], np.random.default_rng([11, 1, 1])))
    single = DataLoader([np.ones((2, 2)), np.ones((2, 2))], 2, transform=lambda x: x + 1)
    assert [batch.data.tolist() for batch in single] == [[[[2, 2], [2, 2]], [[2, 2], [2, 2]]]]


def test_order_and_transform_draw_different_numbers():
    loader = DataLoader(numbers(5), 5, shuffle=True, seed=3, transform=lambda x: x)
    seen = []
    loader.transform = lambda images, rng: seen.append(rng.permutation(5).tolist()) or images
    assert ids(loader)[0] != seen[0]


# Batches prepared ahead


@needs_workers
@pytest.mark.parametrize("mode", ["threads", "processes", "none"])
@pytest.mark.parametrize("ahead, workers", [(1, 1), (4, 2)])
def test_prefetched_batches_are_the_same_in_the_same_order(mode, ahead, workers):
    images = Tensor(np.random.default_rng(0).random((13, 1, 5, 5)))

    def make():
        return DataLoader(
            TensorDataset(images, np.arange(13)),
            3,
            shuffle=True,
            seed=4,
            transform=Compose([RandomCrop(4), RandomHorizontalFlip()]),
        )

    loader = PrefetchLoader(make(), ahead, workers, mode)
    assert loader.mode == mode and len(loader) == 5
    assert passes(loader, 2) == passes(make(), 2)
    assert loader.state_dict() == {**make().state_dict(), "epoch": 2}


@needs_workers
def test_the_batches_are_made_where_the_mode_says():
    here = os.getpid(), threading.get_ident() % 2**31

    def makers(mode):
        return {
            (int(pid), int(thread))
            for pids, threads in PrefetchLoader(DataLoader(Leaving(8), 1), 2, 2, mode)
            for pid, thread in zip(pids.data, threads.data, strict=True)
        }

    assert makers("none") == {here}
    assert {pid for pid, thread in makers("threads")} == {here[0]} and here not in makers("threads")
    assert here[0] not in {pid for pid, thread in makers("processes")}
    assert PrefetchLoader(DataLoader(Squares())).mode == "threads"
    assert (PrefetchLoader(DataLoader(Squares())).ahead, PrefetchLoader(DataLoader(Squares())).workers) == (2, 1)


@needs_workers
@pytest.mark.parametrize("ahead", [1, 3])
def test_at_most_ahead_batches_are_prepared_in_advance(ahead):
    made = []

    class Watched(Squares):
        def __getitem__(self, index):
            made.append(index)
            return index

    batches = iter(PrefetchLoader(DataLoader(Watched(20), 1), ahead=ahead))
    for used in range(1, 10):
        next(batches)
        deadline = time.monotonic() + 5
        while len(made) < used + ahead and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.005)
        assert len(made) == used + ahead
    batches.close()
    assert len(made) <= 9 + ahead


@needs_workers
@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_nothing_is_left_running(mode):
    before = threading.active_count(), len(multiprocessing.active_children())
    loader = PrefetchLoader(DataLoader(Squares(20), 1), ahead=3, workers=2, mode=mode)
    for _ in loader:
        pass
    assert (threading.active_count(), len(multiprocessing.active_children())) == before
    batches = iter(loader)
    next(batches)
    assert (threading.active_count(), len(multiprocessing.active_children())) != before
    batches.close()
    assert (threading.active_count(), len(multiprocessing.active_children())) == before
    for _ in loader:
        break
    assert (threading.active_count(), len(multiprocessing.active_children())) == before
    iter(loader)
    assert (threading.active_count(), len(multiprocessing.active_children())) == before


@needs_workers
@pytest.mark.parametrize("mode", ["threads", "processes"])
def test_an_error_in_a_worker_reaches_the_caller_after_the_batches_before_it(mode):
    import traceback

    threads, seen = threading.active_count(), []
    with pytest.raises(OSError, match="sample 7 is not readable") as caught:
        for _, y in PrefetchLoader(DataLoader(Broken(), 2), ahead=4, mode=mode):
            seen += y.data.tolist()
    assert seen == [0, 1, 4, 9, 16, 25]
    text = "".join(traceback.format_exception(caught.value))
    assert 'raise OSError("sample 7 is not readable")' in text  # the line in the dataset
    assert threading.active_count() == threads


@pytest.mark.parametrize("platform", ["emscripten", "wasi"])
@pytest.mark.parametrize("mode", ["threads", "processes", "none"])
def test_in_a_browser_it_is_plain_iteration_and_says_so(platform, mode, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    loader = PrefetchLoader(DataLoader(numbers(5), 2, shuffle=True, seed=0), mode=mode)
    monkeypatch.undo()
    monkeypatch.setattr(PrefetchLoader, "start_workers", None)
    assert loader.mode == "none"
    assert ids(loader) == ids(DataLoader(numbers(5), 2, shuffle=True, seed=0))


@needs_workers
def test_without_locks_between_processes_it_uses_threads(monkeypatch):
    monkeypatch.setitem(sys.modules, "multiprocessing.synchronize", None)
    assert PrefetchLoader(DataLoader(Squares()), mode="processes").mode == "threads"
    assert PrefetchLoader(DataLoader(Squares()), mode="threads").mode == "threads"


@needs_workers
def test_the_file_loads_neither_threads_nor_processes_at_first():
    code = (
        "import sys, numpy; before = set(sys.modules); import tinytorch.core.dataloader; "
        "print(*({'multiprocessing', 'concurrent.futures', 'json', 'inspect', 'tinytorch.core.autograd'} & (set(sys.modules) - before)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


# Mistakes


MISTAKES = {
    "no tensor": (
        lambda: TensorDataset(),
        ValueError,
        "TensorDataset: no tensor was given; pass at least one, of shape (N, …)",
    ),
    "a number as a tensor": (
        lambda: TensorDataset(Tensor([1]), Tensor(1)),
        ValueError,
        "TensorDataset: shapes (1,) and (): a single number has no rows",
    ),
    "unequal first sizes": (
        lambda: TensorDataset(Tensor([[1], [2]]), Tensor([1, 2, 3])),
        ValueError,
        "TensorDataset: shapes (2, 1) and (3,): the first sizes differ; every tensor needs one row for each sample",
    ),
    "no samples": (
        lambda: default_collate([]),
        ValueError,
        "default_collate: got no samples; a batch needs at least one",
    ),
    "unequal shapes": (
        lambda: default_collate([np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((3, 2))]),
        ValueError,
        "default_collate: sample 0 of the batch has shape (2, 3) and sample 2 has (3, 2); make them equal (crop or pad), or pass a collate_fn",
    ),
    "unequal shapes in a field": (
        lambda: ids(DataLoader([(1, [1]), (2, [1, 2])], 2)),
        ValueError,
        "default_collate: sample 0 of the batch has shape (1,) and sample 1 has (2,)",
    ),
    "unequal fields": (
        lambda: default_collate([(1, 2), (1, 2, 3)]),
        ValueError,
        "default_collate: sample 0 of the batch has 2 fields and sample 1 has 3; every sample needs the same, such as (image, label)",
    ),
    "a sample without fields": (
        lambda: default_collate([(1,), 2]),
        ValueError,
        "default_collate: sample 0 of the batch has 1 fields and sample 1 has 0",
    ),
    "text as a sample": (lambda: default_collate(["a"]), TypeError, "Tensor: got text"),
    "a dataset that is none": (
        lambda: DataLoader(5),
        TypeError,
        "DataLoader: the dataset is of type int; it needs __len__ and __getitem__",
    ),
    "a set as a dataset": (
        lambda: DataLoader({1, 2}),
        TypeError,
        "DataLoader: the dataset is of type set; it needs __len__ and __getitem__",
    ),
    "a generator as a dataset": (
        lambda: DataLoader(x for x in [1]),
        TypeError,
        "DataLoader: the dataset is of type generator",
    ),
    "batches of nothing": (
        lambda: DataLoader(numbers(), 0),
        ValueError,
        "DataLoader: batch_size is 0; it must be at least 1",
    ),
    "batches of a negative size": (
        lambda: DataLoader(numbers(), -4),
        ValueError,
        "DataLoader: batch_size is -4; it must be at least 1",
    ),
    "batches of a half": (
        lambda: DataLoader(numbers(), 2.5),
        TypeError,
        "DataLoader: batch_size is 2.5; it must be an integer",
    ),
    "shuffle that is a number": (
        lambda: DataLoader(numbers(), 2, 64),
        TypeError,
        "DataLoader: shuffle is 64; it must be True or False",
    ),
    "drop_last that is none": (
        lambda: DataLoader(numbers(), 2, drop_last=None),
        TypeError,
        "DataLoader: drop_last is None; it must be True or False",
    ),
    "collate_fn that is no function": (
        lambda: DataLoader(numbers(), collate_fn=3),
        TypeError,
        "DataLoader: collate_fn is of type int, which cannot be called",
    ),
    "transform that is no function": (
        lambda: DataLoader(numbers(), transform=[abs]),
        TypeError,
        "DataLoader: transform is of type list, which cannot be called",
    ),
    "an empty dataset": (
        lambda: DataLoader([]),
        ValueError,
        "DataLoader: the dataset has 0 samples; there is nothing to make a batch of",
    ),
    "a negative seed": (lambda: DataLoader(numbers(), seed=-1), ValueError, "seed is -1; a seed is 0 or larger"),
    "a seed of text": (lambda: RandomCrop(2, seed="a"), TypeError, "seed is 'a'; pass an int"),
    "a probability above 1": (
        lambda: RandomHorizontalFlip(1.5),
        ValueError,
        "RandomHorizontalFlip: p is 1.5; it must be a probability, from 0 to 1",
    ),
    "a probability below 0": (
        lambda: RandomHorizontalFlip(-0.1),
        ValueError,
        "RandomHorizontalFlip: p is -0.1; it must be a probability",
    ),
    "a probability that is a truth": (
        lambda: RandomHorizontalFlip(True),
        ValueError,
        "RandomHorizontalFlip: p is True; it must be a probability",
    ),
    "a probability of text": (
        lambda: RandomHorizontalFlip("a"),
        ValueError,
        "RandomHorizontalFlip: p is 'a'; it must be a probability",
    ),
    "a probability that is no number": (
        lambda: RandomHorizontalFlip(float("nan")),
        ValueError,
        "RandomHorizontalFlip: p is nan; it must be a probability",
    ),
    "a window of nothing": (lambda: RandomCrop(0), ValueError, "RandomCrop: size is 0; it must be at least 1"),
    "a window of no width": (lambda: RandomCrop((2, 0)), ValueError, "RandomCrop: size is 0; it must be at least 1"),
    "a window of three sizes": (
        lambda: RandomCrop((1, 2, 3)),
        TypeError,
        "RandomCrop: size is (1, 2, 3); it must be an integer",
    ),
    "a negative border": (
        lambda: RandomCrop(2, padding=-1),
        ValueError,
        "RandomCrop: padding is -1; it must be at least 0",
    ),
    "half a border": (
        lambda: RandomCrop(2, padding=0.5),
        TypeError,
        "RandomCrop: padding is 0.5; it must be an integer of at least 0",
    ),
    "a border of truth": (
        lambda: RandomCrop(2, padding=True),
        TypeError,
        "RandomCrop: padding is True; it must be an integer",
    ),
    "a window that is too high": (
        lambda: RandomCrop((7, 5), padding=1)(IMAGES),
        ValueError,
        "RandomCrop: a window of (7, 5) does not fit into images of shape (4, 5) with a border of 1; take a smaller size or a larger padding",
    ),
    "a window that is too wide": (
        lambda: RandomCrop((4, 6))(IMAGES),
        ValueError,
        "RandomCrop: a window of (4, 6) does not fit into images of shape (4, 5) with a border of 0",
    ),
    "a window that is too wide for the border": (
        lambda: RandomCrop((4, 8), padding=1)(IMAGES),
        ValueError,
        "RandomCrop: a window of (4, 8) does not fit into images of shape (4, 5) with a border of 1",
    ),
    "a row as an image": (
        lambda: RandomCrop(2)(np.zeros(5)),
        ValueError,
        "RandomCrop: images of shape (5,); it takes one image of shape (H, W) or (C, H, W), or a batch of shape (N, C, H, W)",
    ),
    "five axes": (
        lambda: RandomHorizontalFlip()(np.zeros((1, 1, 1, 2, 2))),
        ValueError,
        "RandomHorizontalFlip: images of shape (1, 1, 1, 2, 2); it takes one image",
    ),
    "a transform that is none": (
        lambda: Compose([RandomCrop(2), 3]),
        TypeError,
        "Compose: transform 1 is of type int, which cannot be called",
    ),
    "prefetching a list": (
        lambda: PrefetchLoader([1]),
        TypeError,
        "PrefetchLoader: the loader is of type list; it takes a DataLoader",
    ),
    "no batch ahead": (
        lambda: PrefetchLoader(DataLoader(numbers()), ahead=0),
        ValueError,
        "PrefetchLoader: ahead is 0; it must be at least 1",
    ),
    "no worker": (
        lambda: PrefetchLoader(DataLoader(numbers()), workers=0),
        ValueError,
        "PrefetchLoader: workers is 0; it must be at least 1",
    ),
    "no such mode": (
        lambda: PrefetchLoader(DataLoader(numbers()), mode="fibers"),
        ValueError,
        'PrefetchLoader: mode is \'fibers\'; it must be "threads", "processes" or "none"',
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_a_sentence(mistake):
    action, kind, sentence = MISTAKES[mistake]
    with pytest.raises(kind) as caught:
        action()
    assert sentence in str(caught.value)


def test_the_modules_example_of_a_worker_is_kept_by_its_process():
    loader = DataLoader(numbers(4), 2)
    module.start_worker(loader)
    assert module.load_in_worker(0, 1, np.array([3, 2]))[0].data.tolist() == [3, 2]
    module.WORKER.clear()


def test_closing_a_pass_closes_what_prepares_it():
    loader = DataLoader(numbers(4), 2)
    inner = (batch for batch in [1, 2, 3])
    outer = loader.hand_out(inner, 0, 0)
    assert next(outer) == 1
    outer.close()
    assert list(inner) == [] and loader.position == (0, 0)


@needs_workers
def test_what_nobody_will_use_is_not_prepared():
    made = []

    class Slow(Squares):
        def __getitem__(self, index):
            made.append(index)
            time.sleep(0.05)
            return index

    batches = iter(PrefetchLoader(DataLoader(Slow(20), 1), ahead=10))
    next(batches)
    batches.close()
    assert len(made) < 11  # the one being prepared is finished, the others are given up


def test_a_batch_of_two_fields_can_be_unpacked_or_asked():
    data = TensorDataset(Tensor(np.arange(10).reshape(5, 2)), Tensor(np.arange(5)))
    plain = [(x, y) for x, y in zip(*data.tensors, strict=True)]
    for loader in (
        DataLoader(data, 2),
        DataLoader(plain, 2),
        DataLoader(data, 2, transform=lambda images: images),
        PrefetchLoader(DataLoader(data, 2)),
    ):
        for batch in loader:
            inputs, targets = batch
            assert batch.x is inputs and batch.y is targets and len(batch) == 2 and isinstance(batch, tuple)
            assert batch.x.data[:, 0].tolist() == (batch.y.data * 2).tolist()


def test_a_batch_of_another_number_of_fields_is_what_collate_gave():
    (batch,) = DataLoader(TensorDataset(Tensor([1, 2])), 2)
    assert type(batch) is tuple and len(batch) == 1
    (batch,) = DataLoader([1, 2], 2, collate_fn=lambda samples: [samples, samples])
    assert type(batch) is list


def test_a_loader_that_drops_everything_has_no_batch():
    loader = DataLoader(TensorDataset(Tensor([1, 2, 3])), 4, drop_last=True)
    assert len(loader) == 0 and list(loader) == [] and list(PrefetchLoader(loader)) == []
    other = DataLoader(TensorDataset(Tensor([1, 2, 3])), 4, drop_last=True)
    other.load_state_dict(loader.state_dict())
    assert other.epoch == loader.epoch and list(other) == []
