"""The installer puts the kernels in whole, or leaves NumPy as it was and says why."""

import numpy as np
import pytest
import tinytorch_kernels
from tinytorch_kernels import graft, memory, verify

from tinytorch.learn import kernel


def pointers():
    """What NumPy calls for every place that the kernels may take."""
    found = []
    for name, types, _ in graft.PLACES:
        ufunc = getattr(np, name)
        fields, offset = graft.structure(ufunc), 4 * ufunc.types.index(types)
        found += [graft.words(fields[field] + offset, 1).item() for field in (graft.FUNCTIONS, graft.DATA)]
    return [*found, np.dot._implementation, np.inner._implementation]


@pytest.fixture
def untouched():
    """NumPy without the kernels; afterwards it must be exactly as it was."""
    tinytorch_kernels.switch(False)
    before = pointers()
    yield before
    assert pointers() == before


def test_an_unknown_numpy_is_left_alone(untouched, monkeypatch):
    monkeypatch.setattr(np, "__version__", "2.5.0")
    with pytest.raises(graft.Refused, match=r"NumPy is version 2.5.0; the kernels were written for 2.4.3"):
        graft.install()


def test_without_simd_nothing_is_installed(untouched, monkeypatch):
    class Browser:
        class WebAssembly:
            validate = staticmethod(lambda code: False)

        Uint8Array = graft.js.Uint8Array

    monkeypatch.setattr(graft, "js", Browser)
    with pytest.raises(graft.Refused, match="no SIMD"):
        graft.install()


def test_without_relaxed_simd_the_plain_module_is_taken(untouched, monkeypatch):
    monkeypatch.setattr(graft, "MODULES", graft.MODULES[1:])
    grafted = graft.install()
    assert grafted.on and not grafted.relaxed
    assert np.array_equal(np.ones((5, 6), "f4") @ np.ones((6, 7), "f4"), np.full((5, 7), 6))
    grafted.switch(False)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:200] + bytes([b[200] ^ 255]) + b[201:]]
)
def test_a_damaged_module_is_not_installed(untouched, monkeypatch, tmp_path, damage):
    for name, _ in graft.MODULES:
        with open(f"{tinytorch_kernels.__path__[0]}/{name}", "rb") as file:
            (tmp_path / name).write_bytes(damage(file.read()))
    monkeypatch.setattr(graft, "__file__", str(tmp_path / "graft.py"))
    with pytest.raises(graft.Refused, match="no SIMD, or the kernels' file is damaged"):
        graft.install()


@pytest.mark.parametrize(
    "place, wrong, sentence",
    [
        (("exp", "f->f", "float32_exp"), "float32_tanh", "exp and tanh are not NumPy's"),
        (("maximum", "ff->f", "float32_maximum"), "float32_minimum", "elementwise results are not NumPy's"),
        (("add", "ff->f", "float32_add"), "float32_subtract", "elementwise results are not NumPy's"),
        (("negative", "f->f", "float32_negative"), "float32_absolute", "elementwise results are not NumPy's"),
    ],
)
def test_a_kernel_that_computes_something_else_is_taken_out_again(untouched, monkeypatch, place, wrong, sentence):
    places = [(*place[:2], wrong) if one == place else one for one in graft.PLACES]
    monkeypatch.setattr(graft, "PLACES", places)
    with pytest.raises(graft.Refused, match=f"the kernels were taken out again: {sentence}"):
        graft.install()


@pytest.mark.parametrize("kind", [kind for kind, _ in verify.RULES])
def test_every_kind_of_result_is_compared(untouched, kind):
    calls = verify.cases()
    expected = verify.results(calls)
    grafted = graft.Grafted(*graft.best_module())
    grafted.switch(True)
    assert verify.difference(grafted, calls, expected) == ""
    expected[kind][len(expected[kind]) // 2] = 12345
    assert verify.difference(grafted, calls, expected) == f"{kind} are not NumPy's"
    grafted.switch(False)


def test_a_loop_that_numpy_does_not_call_is_noticed(untouched):
    grafted, calls = graft.Grafted(*graft.best_module()), verify.cases()
    assert "NumPy did not call the new loop of np.matmul ff->f" in verify.difference(
        grafted, calls, verify.results(calls)
    )


def test_a_wrong_int8_product_is_noticed(untouched, monkeypatch):
    monkeypatch.setattr(graft.Grafted, "int8_matmul", lambda self, a, b: np.zeros((len(a), b.shape[1]), np.int32))
    with pytest.raises(graft.Refused, match="the int8 product of shapes"):
        graft.install()


@pytest.mark.parametrize("error", [RuntimeError("something broke"), MemoryError(), KeyboardInterrupt()])
def test_an_error_halfway_leaves_numpy_as_it_was(untouched, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(verify, "difference", fail)
    with pytest.raises(type(error)):
        graft.install()


def test_another_layout_in_memory_is_refused(untouched, monkeypatch):
    monkeypatch.setattr(graft, "NTYPES", graft.NTYPES + 1)
    with pytest.raises(graft.Refused, match=r"np.matmul is laid out otherwise in memory"):
        graft.install()


def test_another_layout_of_dot_is_refused(untouched, monkeypatch):
    monkeypatch.setattr("tinytorch_kernels.routes.words", lambda address, count: np.zeros(count, np.uint32))
    with pytest.raises(graft.Refused, match=r"np.dot is laid out otherwise in memory"):
        graft.install()


def test_no_memory_is_a_refusal(untouched, monkeypatch):
    class Full:
        class _module:
            _malloc = staticmethod(lambda count: 0)

    monkeypatch.setattr(memory, "pyodide_js", Full)
    with pytest.raises(graft.Refused, match="no memory left for 64 bytes"):
        memory.allocate(64)


def test_start_never_fails_and_the_status_says_why(monkeypatch):
    monkeypatch.setattr(tinytorch_kernels, "grafted", None)
    for error, words in [(graft.Refused("no SIMD here"), "no SIMD here"), (MemoryError(), "MemoryError")]:

        def fail(error=error):
            raise error

        monkeypatch.setattr(graft, "install", fail)
        tinytorch_kernels.start()
        state = kernel.status()
        assert (state.name, state.on, state.available, state.why) == (kernel.OWN, False, False, words)
        assert kernel.switch(True) == state


def test_status_switch_and_measure():
    on = kernel.status()
    assert on.on and on.available and on.verified and on.why == ""
    assert on.name == (kernel.RELAXED if on.relaxed else kernel.PLAIN)
    fast = kernel.measure()
    off = kernel.switch(False)
    assert (off.name, off.on, off.available) == (kernel.OWN, False, True)
    own = kernel.measure()
    assert kernel.switch(True) == on
    print(f"{fast:.1f} GFLOP/s, {own:.1f} with NumPy's own loop")
    assert fast > 4 * own


def test_starting_twice_changes_nothing():
    before = pointers()
    tinytorch_kernels.start()
    assert pointers() == before


def test_memory_may_grow_under_the_kernels():
    a = np.ones((64, 64), "f4")
    keep = [np.ones(30_000_000, "f4") for _ in range(3)]
    assert ((a @ a) == 64).all() and np.exp(a)[0, 0] == np.exp(np.float32(1)) and len(keep) == 3
