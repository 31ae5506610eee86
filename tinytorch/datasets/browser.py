"""In the browser: take the file of a data set from the site that the page or the notebook came from.

A page fetches what a cell names before the cell runs, with a bar and a Stop button. This is for everywhere
else: a notebook, and code that names a data set only while it runs. Nothing else happens while it waits.
The browser keeps the file, so that it is downloaded once and is there offline.
"""

import hashlib
import json
import os

import numpy as np

from .sheets import SHEET

sheets: dict = {}  # name of a data set to the names of the files of its sheets


def site():
    """Return the address of the site's root, from the address of the script that runs Python."""
    import js

    address = str(js.location.href)
    for below in ("_static/tinytorch/", "lite/"):
        root, found, _ = address.partition(below)
        if found:
            return root
    raise OSError(f"the site cannot be told from the address {address}")


def ask(address):
    """Return the bytes that the site answers with, or raise OSError; wait for them."""
    import tinytorch_wheels

    return tinytorch_wheels.ask(address)


def listed(name, root, ask):
    """Return what the site says of a data set, a dict; OSError where it has none of this name."""
    entry = json.loads(ask(f"{root}datasets/index.json")).get(name)
    if entry is None:
        raise OSError("this site was built without it")
    return entry


def fetch(name, place, root=None, ask=ask):
    """Put the file of a data set where it is looked for; say how large it is before it comes.

    Parameters
    ----------
    name : str, such as "mnist"
    place : str, the path of the file
    root : str, the address of the site
    ask : function of an address that returns bytes

    Raises
    ------
    OSError: the site has no such file, it cannot be reached, or other bytes arrive than it promised.

    Cost: the file once over the network, and twice in memory.
    """
    root = site() if root is None else root
    entry = listed(name, root, ask)
    size = entry.get("total", entry["bytes"])
    print(f"Downloading {entry['title']}, {size / 1e6:.1f} MB. It is kept for offline use.", flush=True)
    data = ask(f"{root}datasets/{entry['file']}")
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise OSError(f"{entry['file']} arrived damaged, {len(data):,} of {entry['bytes']:,} bytes; run it again")
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place + ".part", "wb") as file:
        file.write(data)
    os.replace(place + ".part", place)


def sheet(name, number, place, root=None, ask=ask):
    """Return the pixels of a sheet of a data set: from the file that the page has put at `place`, else from the site.

    The site's own server has sheets only as they are packed. The service worker, which stands between it and
    the page, unpacks one that is asked for as `?pixels`.

    Parameters
    ----------
    name : str, such as "cifar10". number : int, from 0
    place : str, the path at which a page without a service worker leaves the unpacked sheet
    root, ask : as for `fetch`

    Returns
    -------
    ndarray of uint8, of the shape of a sheet

    Raises
    ------
    OSError: it cannot be fetched, or did not come unpacked.
    """
    if os.path.exists(place):
        return np.fromfile(place, np.uint8).reshape(SHEET)
    root = site() if root is None else root
    if name not in sheets:
        sheets[name] = [one["file"] for one in listed(name, root, ask)["sheets"]]
    pixels = np.frombuffer(ask(f"{root}datasets/{sheets[name][number]}?pixels"), np.uint8)
    if pixels.size != np.prod(SHEET):
        raise OSError(
            "nothing here unpacks it: the browser's helper of this site is not at work. Reload the page and run it "
            "again; in a notebook, open the page of the milestone instead"
        )
    return pixels.reshape(SHEET)
