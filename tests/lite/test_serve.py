"""The server: a plain static host under a sub-path, with the types and the compression a real one has."""

import gzip
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

SERVE = Path(__file__).resolve().parents[2] / "book" / "serve.py"
FILES = {
    "index.html": b"<p>home</p>", "modules/01_tensor.html": b"<p>chapter</p>", "a.mjs": b"export {}", "a.js": b"1", "a.json": b"{}",
    "a.wasm": b"\0asm" + b"\0" * 20_000, "a.whl": b"zip", "a.ipynb": b"{}" + b" " * 5000, "a.webmanifest": b"{}", "a.woff2": b"f",
}  # fmt: skip


def start(folder, *options):
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(SERVE), "--site", str(folder), "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert f"http://localhost:{port}/tinytorch/" in process.stdout.readline()
    return process, f"http://localhost:{port}"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    process, address = start(tmp_path_factory.mktemp("site"))
    yield address
    process.terminate()
    process.wait()


def get(address, **headers):
    request = urllib.request.Request(
        address, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return urllib.request.urlopen(request, timeout=10)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mjs", "text/javascript"), ("a.js", "text/javascript"), ("a.wasm", "application/wasm"), ("a.json", "application/json"),
        ("a.whl", "application/zip"), ("a.ipynb", "application/x-ipynb+json"), ("a.webmanifest", "application/manifest+json"),
        ("a.woff2", "font/woff2"), ("modules/01_tensor.html", "text/html"),
    ],
)  # fmt: skip
def test_types(host, name, kind):
    assert get(f"{host}/tinytorch/{name}").headers.get_content_type() == kind


@pytest.mark.parametrize("name", ["a.wasm", "a.ipynb"])
def test_compression(host, name):
    answer = get(f"{host}/tinytorch/{name}", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    body = answer.read()
    assert len(body) < len(FILES[name]) / 10 and gzip.decompress(body) == FILES[name]


def test_a_file_that_did_not_change_is_not_sent_again(host):
    tag = get(f"{host}/tinytorch/a.wasm").headers["ETag"]
    with pytest.raises(urllib.error.HTTPError) as answer:
        get(f"{host}/tinytorch/a.wasm", If_None_Match=tag)
    assert answer.value.code == 304


def test_a_file_that_was_rebuilt_is_sent_again(tmp_path):
    process, address = start(tmp_path)
    try:
        tag = get(f"{address}/tinytorch/a.js").headers["ETag"]
        (tmp_path / "a.js").write_bytes(b"2 + 2")
        answer = get(f"{address}/tinytorch/a.js", If_None_Match=tag, Accept_Encoding="gzip")
        assert gzip.decompress(answer.read()) == b"2 + 2"
    finally:
        process.terminate()
        process.wait()


def test_pages_are_asked_for_again_each_time(host):
    assert get(f"{host}/tinytorch/").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/tinytorch"])
def test_the_sub_path_is_found_from_above(host, path):
    answer = get(host + path)
    assert answer.url == f"{host}/tinytorch/" and answer.read() == FILES["index.html"]


def test_what_is_not_there_is_404_and_nothing_outside_is_served(host):
    for path in ("/tinytorch/none.html", "/a.js", "/tinytorch/../serve.py"):
        with pytest.raises(urllib.error.HTTPError) as answer:
            get(host + path)
        assert answer.value.code in (403, 404)


def test_isolation_headers_only_on_request(host, tmp_path):
    assert get(f"{host}/tinytorch/").headers["Cross-Origin-Embedder-Policy"] is None
    process, address = start(tmp_path, "--isolate")
    try:
        headers = get(f"{address}/tinytorch/").headers
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    finally:
        process.terminate()
        process.wait()


def test_a_taken_port_is_explained(host, tmp_path):
    (tmp_path / "index.html").write_text("x")
    port = re.search(r"\d+$", host)[0]
    command = [sys.executable, str(SERVE), "--site", str(tmp_path), "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and f"Port {port} is in use" in done.stderr and "Traceback" not in done.stderr


def test_a_site_that_is_not_built_is_explained(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SERVE), "--site", str(tmp_path)], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 1 and "make build" in done.stderr
