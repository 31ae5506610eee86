"""The rest of tinytorch, fetched when it is first imported: what lies in other wheels than the one a page starts with.

    tinytorch_wheels.start(lock)    from now on `from tinytorch import Conv2d` fetches the wheel that has it

Pyodide's lock file says which wheel has which module (`imports`). Imports cannot wait for a promise, so a wheel comes
by a request that the worker waits for, from the site's own folder or from what the service worker has kept. The modules
of `tinytorch.learn` come as bytecode alone; whoever asks for the source of one, a traceback or `inspect`, gets it the
same way. pack.py puts this file into the wheel of tinytorch.
"""

import hashlib
import importlib
import io
import json
import os
import sys
import zipfile
from importlib.machinery import PathFinder, SourceFileLoader, SourcelessFileLoader

SOURCES = "tinytorch-sources"
PATIENCE_MS = 12_000  # as long as a page waits for any download
PLACE = os.path.dirname(os.path.abspath(__file__))


def ask(address, patience=0):
    """Return the bytes that the site answers with; wait for them, but no longer than `patience` milliseconds if given.

    Raises
    ------
    OSError: there is no network, or the answer is an error ("… answered 404").
    """
    import js

    request = js.XMLHttpRequest.new()
    request.open("GET", address, False)
    request.responseType = "arraybuffer"
    request.timeout = patience
    try:
        request.send()
    except Exception as error:  # a JsException, which exists in the browser only
        raise OSError("there is no answer from the site; look at the network and run it again") from error
    if request.status != 200:
        raise OSError(f"{address} answered {request.status}; run it again later")
    return request.response.to_bytes()


class Lean(SourcelessFileLoader):
    """Loads bytecode whose source is fetched when somebody asks for it."""

    def get_source(self, fullname):
        path = self.get_filename(fullname).removesuffix("c")
        if not os.path.exists(path):
            finder.fetch(SOURCES)
        return SourceFileLoader(fullname, path).get_source(fullname)


class Finder:
    """Finds the modules of tinytorch on the disk, or fetches the wheel that has them.

    packages : the lock's wheels of tinytorch, by name; read : gives the bytes of a wheel; told : hears what is fetched
    """

    def __init__(self, packages, read, told):
        self.packages, self.read, self.told = packages, read, told
        self.homes = {
            module: name for name, package in packages.items() for module in package["imports"] if "." in module
        }
        self.here = set()

    def find_spec(self, fullname, path=None, target=None):
        if not fullname.startswith("tinytorch."):
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is None and fullname in self.homes:
            try:
                self.fetch(self.homes[fullname])
            except OSError as error:
                raise ImportError(f"{fullname} could not be downloaded: {error}", name=fullname) from error
            spec = PathFinder.find_spec(fullname, path)
        if spec is not None and type(spec.loader) is SourcelessFileLoader:
            spec.loader = Lean(spec.loader.name, spec.loader.path)
        return spec

    def fetch(self, name):
        """Put a wheel's files in their place, if they are not there yet."""
        if name in self.here:
            return
        package = self.packages[name]
        self.told(f"Downloading {name}")
        data = self.read(package["file_name"])
        if hashlib.sha256(data).hexdigest() != package["sha256"]:
            raise OSError(f"{package['file_name']} arrived damaged, {len(data):,} bytes; run it again")
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(PLACE)
        importlib.invalidate_caches()
        self.here.add(name)


finder = None


def start(lock, base="", read=None, told=None):
    """Fetch from now on what is imported of tinytorch and not there.

    Parameters
    ----------
    lock : str, the text of pyodide-lock.json
    base : str, the address of the folder that it lies in
    read : function of a file's name in that folder that returns its bytes; a request that is waited for, if not given
    told : function that hears, as a sentence, what is fetched
    """
    global finder
    packages = {
        name: package for name, package in json.loads(lock)["packages"].items() if name.startswith("tinytorch-")
    }
    finder = Finder(packages, read or (lambda name: ask(base + name, PATIENCE_MS)), told or (lambda words: None))
    sys.meta_path.insert(0, finder)


def fetch_all():
    """Put the whole of tinytorch on the disk, sources too: what the reader's own package is made from."""
    for name, package in finder.packages.items():
        if not all(_has_source(module) for module in package["imports"]):
            finder.fetch(name)


def _has_source(module):
    stem = os.path.join(PLACE, *module.split("."))
    return os.path.exists(stem + ".py") or os.path.exists(os.path.join(stem, "__init__.py"))
