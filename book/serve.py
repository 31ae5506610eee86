"""Serve the built site as a plain static host would, under a sub-path.

    python book/serve.py                      http://localhost:8000/tinytorch/
    python book/serve.py --port 9000 --site build/site
    python book/serve.py --isolate            also sends the headers that make pages cross-origin isolated

Without --isolate nothing is sent that a static host such as GitHub Pages does not send, so what works here works there:
the site's own service worker adds the isolation headers.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import functools
import gzip
import sys
from pathlib import Path

from tornado import web

SUB_PATH = "/tinytorch/"
TYPES = {
    ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json",
    ".ipynb": "application/x-ipynb+json", ".webmanifest": "application/manifest+json", ".whl": "application/zip",
    ".zip": "application/zip", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".md": "text/markdown",
}  # fmt: skip
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}


COMPRESSED = {
    "text",
    "application/json",
    "application/wasm",
    "application/x-ipynb+json",
    "application/manifest+json",
    "image/svg+xml",
}


@functools.lru_cache(maxsize=512)
def compressed(path: str, changed: int) -> bytes:
    """A file as hosts send it: 3.5 MB instead of 9.6 for the interpreter. `changed` makes an edited file a new entry."""
    return gzip.compress(Path(path).read_bytes(), 6)


class Files(web.StaticFileHandler):
    """Files of the site with ETag and If-None-Match; pages are always asked for again, the rest too (cheap: 304)."""

    isolate = False

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Vary", "Accept-Encoding")
        if self.is_compressed():
            self.set_header("Content-Encoding", "gzip")
        if self.isolate:
            for name, value in ISOLATION.items():
                self.set_header(name, value)

    def compute_etag(self) -> str:
        """From the file's state; Tornado's own is kept for ever and would hide a rebuilt file."""
        state = Path(self.absolute_path).stat()
        return f'"{state.st_mtime_ns:x}-{state.st_size:x}"'

    def is_compressed(self) -> bool:
        kind = self.get_content_type().split(";")[0]
        asked = "gzip" in self.request.headers.get("Accept-Encoding", "") and "Range" not in self.request.headers
        return asked and (kind in COMPRESSED or kind.split("/")[0] in COMPRESSED)

    def get_content_size(self) -> int:
        return len(self.packed()) if self.is_compressed() else super().get_content_size()

    def get_content(self, abspath: str, start: int | None = None, end: int | None = None):
        return self.packed() if self.is_compressed() else super().get_content(abspath, start, end)

    def packed(self) -> bytes:
        return compressed(self.absolute_path, Path(self.absolute_path).stat().st_mtime_ns)

    def get_content_type(self) -> str:
        kind = TYPES.get(Path(self.absolute_path).suffix) or super().get_content_type()
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    def write_error(self, status_code: int, **details) -> None:
        page = Path(self.root, "404.html")
        if status_code == 404 and page.exists():
            self.finish(page.read_bytes())
        else:
            super().write_error(status_code, **details)


def application(site: Path, isolate: bool = False) -> web.Application:
    """The site under /tinytorch/, and a redirect to it from the root."""
    handler = type("IsolatedFiles", (Files,), {"isolate": True}) if isolate else Files
    settings = {"path": str(site), "default_filename": "index.html"}
    return web.Application(
        [
            (SUB_PATH + "(.*)", handler, settings),
            ("(?:/|" + SUB_PATH.rstrip("/") + ")", web.RedirectHandler, {"url": SUB_PATH, "permanent": False}),
        ],
        log_function=log_problems,
    )


def log_problems(handler: web.RequestHandler) -> None:
    """Say which file was missing; everything else is silence."""
    if handler.get_status() >= 400:
        print(f"{handler.get_status()} {handler.request.uri}", file=sys.stderr, flush=True)


async def serve(site: Path, port: int, isolate: bool) -> None:
    application(site, isolate).listen(port, address="localhost")
    print(f"TinyTorch is at http://localhost:{port}{SUB_PATH}  (Ctrl-C stops it)", flush=True)
    await asyncio.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=Path(__file__).parents[1] / "build" / "site")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--isolate", action="store_true", help="send COOP, COEP and CORP from here")
    options = parser.parse_args()
    if not (options.site / "index.html").exists():
        print(f"There is no site in {options.site}; `make build` makes one.", file=sys.stderr)
        return 1
    try:
        asyncio.run(serve(options.site.resolve(), options.port, options.isolate))
    except KeyboardInterrupt:
        return 0
    except OSError as problem:
        if problem.errno != errno.EADDRINUSE:
            raise
        print(
            f"Port {options.port} is in use, perhaps by another `make serve`. Stop that one, or take another port: "
            f"make serve PORT={options.port + 1}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
