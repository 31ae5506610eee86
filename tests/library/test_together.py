"""The files of the library work with each other: each milestone in small, on data made here."""

import numpy as np
import pytest

from tinytorch import (
    GPT,
    SGD,
    Adam,
    AdamW,
    BCEWithLogitsLoss,
    BenchmarkReport,
    BPETokenizer,
    Conv2d,
    CosineSchedule,
    CrossEntropyLoss,
    DataLoader,
    Flatten,
    Linear,
    MaxPool2d,
    RandomHorizontalFlip,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    Tensor,
    TensorDataset,
    Trainer,
    disable_kv_cache,
    enable_autograd,
    enable_kv_cache,
    generate_submission,
    magnitude_prune,
    manual_seed,
    measure_sparsity,
    no_grad,
    quantize_model,
    save_submission,
)
from tinytorch.olympics import compare_submissions, load_submission

enable_autograd()


@pytest.fixture(autouse=True)
def seeded():
    manual_seed(1)


def share_right(model, inputs, labels):
    with no_grad():
        return float((model(Tensor(inputs)).data.argmax(axis=1) == labels).mean())


def clusters(count, rng=0):
    """Points around four centres, one class each; the centres cannot be told apart by one straight line each."""
    rng = np.random.default_rng(rng)
    labels = rng.integers(0, 4, count)
    centres = np.array([[2, 2], [-2, -2], [2, -2], [-2, 2]], dtype=np.float32)
    return centres[labels] + rng.standard_normal((count, 2)).astype(np.float32) * 0.5, labels


def test_one_layer_learns_or_and_cannot_learn_xor_but_two_can():
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)

    def right(model, targets, steps=600):
        optimizer, loss_fn = Adam(model.parameters(), lr=0.05), BCEWithLogitsLoss()
        for _ in range(steps):
            optimizer.zero_grad()
            loss_fn(model(Tensor(inputs)), Tensor(targets)).backward()
            optimizer.step()
        with no_grad():
            return int(((Sigmoid()(model(Tensor(inputs))).data > 0.5) == (targets > 0.5)).sum())

    either, only_one = np.array([[0.0], [1.0], [1.0], [1.0]]), np.array([[0.0], [1.0], [1.0], [0.0]])
    assert right(Linear(2, 1), either) == 4
    assert right(Linear(2, 1), only_one) < 4
    assert right(Sequential(Linear(2, 8), Tanh(), Linear(8, 1)), only_one) == 4


def test_a_trainer_with_everything_trains_and_resumes_to_the_same_bits(tmp_path):
    inputs, labels = clusters(200)

    def make():
        manual_seed(3)
        model = Sequential(Linear(2, 16), ReLU(), Linear(16, 4))
        optimizer = AdamW(model.parameters(), lr=0.01)
        trainer = Trainer(model, optimizer, CrossEntropyLoss(), CosineSchedule(0.01, 0.001, 6), grad_clip_norm=1.0)
        return (
            model,
            trainer,
            DataLoader(TensorDataset(Tensor(inputs), Tensor(labels)), batch_size=32, shuffle=True, seed=5),
        )

    model, trainer, loader = make()
    trainer.fit(loader, 6)
    _, second, again = make()
    second.fit(again, 3)
    second.save_checkpoint(tmp_path / "half.npz", again)
    third_model, third, loader_of_third = make()
    third.load_checkpoint(tmp_path / "half.npz", loader_of_third)
    third.fit(loader_of_third, 6)
    assert share_right(model.eval(), *clusters(200, rng=1)) > 0.95
    assert all(
        np.array_equal(a.data, b.data) for a, b in zip(model.parameters(), third_model.parameters(), strict=True)
    )


def test_a_convolutional_network_tells_stripes_apart():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 120)
    stripes = np.zeros((120, 1, 8, 8), dtype=np.float32)
    for image, label in zip(stripes, labels, strict=True):
        lines = np.arange(8) % 2 == rng.integers(0, 2)
        image[0, lines if label else slice(None), slice(None) if label else lines] = 1
    stripes += rng.standard_normal(stripes.shape).astype(np.float32) * 0.3
    model = Sequential(Conv2d(1, 4, 3, padding=1), ReLU(), MaxPool2d(2), Flatten(), Linear(4 * 4 * 4, 2))
    optimizer, loss_fn = SGD(model.parameters(), lr=0.1, momentum=0.9), CrossEntropyLoss()
    for _ in range(15):
        for start in range(0, 100, 20):
            optimizer.zero_grad()
            loss_fn(model(Tensor(stripes[start : start + 20])), labels[start : start + 20]).backward()
            optimizer.step()
    assert share_right(model, stripes[100:], labels[100:]) >= 0.95


def test_a_transformer_learns_a_text_and_writes_it_with_and_without_cache():
    text = "the cat sat on the mat. " * 8
    tokenizer = BPETokenizer()
    tokenizer.train(text, 270)
    ids = np.array(tokenizer.encode(text))
    model = GPT(tokenizer.vocab_size, 32, 1, 2, 16)
    optimizer, loss_fn = Adam(model.parameters(), lr=0.01), CrossEntropyLoss()
    windows = np.stack([ids[start : start + 9] for start in range(len(ids) - 9)])
    for _ in range(40):
        optimizer.zero_grad()
        loss_fn(model(windows[:, :-1]), windows[:, 1:]).backward()
        optimizer.step()
    model.eval()
    prompt = [tokenizer.encode("the cat")]
    plain = model.generate(prompt, 8, temperature=0)
    enable_kv_cache(model)
    cached = model.generate(prompt, 8, temperature=0)
    disable_kv_cache(model)
    assert plain.data.tolist() == cached.data.tolist()
    assert tokenizer.decode(plain.data[0].tolist()).startswith("the cat sat on the")


def test_a_trained_model_is_made_smaller_measured_and_handed_in(tmp_path):
    inputs, labels = clusters(300)
    model = Sequential(Linear(2, 64), ReLU(), Linear(64, 4))
    trainer = Trainer(model, Adam(model.parameters(), lr=0.02), CrossEntropyLoss())
    trainer.fit(DataLoader(TensorDataset(Tensor(inputs), Tensor(labels)), batch_size=50, shuffle=True, seed=0), 5)
    model.eval()
    test_inputs, test_labels = clusters(200, rng=2)
    before = share_right(model, test_inputs, test_labels)
    baseline = BenchmarkReport("clusters", "four clusters", "two layers")
    baseline.measure(model, Tensor(test_inputs), test_labels, repeats=10)

    quantized = quantize_model(model, Tensor(inputs))
    assert share_right(quantized, test_inputs, test_labels) >= before - 0.02
    magnitude_prune(model, 0.5)
    assert measure_sparsity(model) == pytest.approx(0.5, abs=0.01)
    improved = BenchmarkReport("clusters", "four clusters", "two layers")
    improved.measure(quantized, Tensor(test_inputs), test_labels, repeats=10)
    for name, report, techniques in [("before", baseline, []), ("after", improved, ["int8"])]:
        save_submission(generate_submission(report, techniques), tmp_path / f"{name}.json")
    comparison = compare_submissions(*[load_submission(tmp_path / f"{name}.json") for name in ("before", "after")])
    assert "accuracy" in str(comparison)


@pytest.mark.parametrize(
    "load",
    [
        lambda x: next(iter(DataLoader(TensorDataset(x), batch_size=2))),
        lambda x: next(iter(DataLoader([x, x], batch_size=2))),
        lambda x: RandomHorizontalFlip(1.0)(x),
    ],
)
def test_data_whose_gradient_would_be_lost_is_refused(load):
    with pytest.raises(RuntimeError, match="this tensor requires a gradient, and NumPy would lose the way back"):
        load(Tensor(np.ones((2, 3)), requires_grad=True))
