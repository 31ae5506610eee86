"""Fetching the browser's Python: verified, never half, never twice, and clear words when it cannot be had."""

import http.server
import io
import sys
import threading
import zipfile
from functools import partial

import pytest

import vendor
from vendor import Cache, VendorError, Wanted, sha256

DATA = b"a wheel's bytes" * 1000
WHEEL = Wanted("numpy-2.4.3-cp314.whl", sha256(DATA))
LOCK = {"packages": {"numpy": {"file_name": WHEEL.name, "sha256": WHEEL.sha256}}}


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def distribution(tmp_path):
    """A server in the place of Pyodide's distribution: a folder to fill, and its address."""
    folder = tmp_path / "distribution"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        log_message = staticmethod(lambda *words: None)

    server = http.server.ThreadingHTTPServer(("localhost", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def config(address):
    return {
        "compiled": {
            "packages": ["numpy"], "distribution": address, "timeout": 5,
            "carrier": "carrier==1", "carrier_sha256": "0" * 64, "carrier_folder": "inside/",
        }
    }  # fmt: skip


def carrier_of(data):
    """A stand-in for pip that delivers a carrying wheel with `data` in it."""

    def download(requirements, folder, needs):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as wheel:
            wheel.writestr("inside/" + WHEEL.name, data)
        with open(f"{folder}/carrier-1-py3-none-any.whl", "wb") as file:
            file.write(out.getvalue())

    return download


def never(*arguments):
    raise AssertionError("nothing should be fetched")


def test_a_file_with_another_hash_is_refused_and_not_kept(cache):
    with pytest.raises(VendorError, match=r"numpy-2.4.3-cp314.whl from elsewhere is refused: its sha256 is"):
        cache.keep(WHEEL, DATA + b"!", "elsewhere")
    assert not cache.has(WHEEL)


def test_a_truncated_file_in_the_cache_is_not_taken_for_whole(cache):
    cache.keep(WHEEL, DATA, "a test")
    cache.place(WHEEL).write_bytes(DATA[:-1])
    assert not cache.has(WHEEL)
    with pytest.raises(VendorError, match="damaged"):
        cache.read(WHEEL)


def test_a_write_that_stopped_half_way_leaves_no_file_of_that_name(cache, monkeypatch):
    monkeypatch.setattr(vendor.Path, "replace", never)
    with pytest.raises(AssertionError):
        cache.keep(WHEEL, DATA, "a test")
    assert not cache.place(WHEEL).exists()


def test_the_distribution_is_asked_first(cache, distribution, monkeypatch):
    folder, address = distribution
    (folder / WHEEL.name).write_bytes(DATA)
    monkeypatch.setattr(vendor, "pip_download", never)
    vendor.fetch_compiled(cache, config(address), LOCK)
    assert cache.read(WHEEL) == DATA


@pytest.mark.parametrize("served", [b"<html>Sign in to the school's network</html>", DATA[:100]])
def test_a_distribution_that_serves_something_else_is_passed_over(cache, distribution, monkeypatch, served):
    folder, address = distribution
    (folder / WHEEL.name).write_bytes(served)
    monkeypatch.setattr(vendor, "pip_download", carrier_of(DATA))
    vendor.fetch_compiled(cache, config(address), LOCK)
    assert cache.read(WHEEL) == DATA


def test_an_unreachable_distribution_is_passed_over(cache, monkeypatch):
    monkeypatch.setattr(vendor, "pip_download", carrier_of(DATA))
    vendor.fetch_compiled(cache, config("http://localhost:1/"), LOCK)
    assert cache.read(WHEEL) == DATA


def test_a_carrier_with_another_file_in_it_is_refused(cache, monkeypatch):
    monkeypatch.setattr(vendor, "pip_download", carrier_of(DATA[::-1]))
    with pytest.raises(VendorError, match="from carrier==1 is refused"):
        vendor.fetch_compiled(cache, config("http://localhost:1/"), LOCK)
    assert not cache.has(WHEEL)


def test_what_is_there_is_not_fetched_again(cache, monkeypatch):
    cache.keep(WHEEL, DATA, "a test")
    monkeypatch.setattr(vendor, "fetch_address", never)
    monkeypatch.setattr(vendor, "pip_download", never)
    vendor.fetch_compiled(cache, config("http://localhost:1/"), LOCK)


def test_no_source_in_reach_says_which_file_and_why(cache, monkeypatch, capsys):
    command = [sys.executable, "-c", "import sys; sys.exit('connection refused')"]
    monkeypatch.setattr(vendor, "pip_download", lambda pins, folder, needs: vendor.run(command, needs))
    with pytest.raises(VendorError) as error:
        vendor.fetch_compiled(cache, config("http://localhost:1/"), LOCK)
    assert WHEEL.name in str(error.value) and "connection refused" in str(error.value)


def test_the_manifest_names_every_file_with_a_hash():
    manifest = vendor.manifest()
    assert all(len(pin["sha256"]) == 64 and pin["version"] for pin in manifest["pure"].values())
    assert len(manifest["pyodide"]["sha256"]) == len(manifest["compiled"]["carrier_sha256"]) == 64
