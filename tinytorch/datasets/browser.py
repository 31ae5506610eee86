"""In the browser: take the file of a data set from the site that the page or the notebook came from.

A page fetches what a cell names before the cell runs, with a bar and a Stop button. This is for everywhere
else: a notebook, and code that names a data set only while it runs. Nothing else happens while it waits.
The browser keeps the file, so that it is downloaded once and is there offline.
"""

import hashlib
import json
import os


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
    entry = json.loads(ask(f"{root}datasets/index.json")).get(name)
    if entry is None:
        raise OSError("this site was built without it")
    print(f"Downloading {entry['title']}, {entry['bytes'] / 1e6:.1f} MB. It is kept for offline use.", flush=True)
    data = ask(f"{root}datasets/{entry['file']}")
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise OSError(f"{entry['file']} arrived damaged, {len(data):,} of {entry['bytes']:,} bytes; run it again")
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place + ".part", "wb") as file:
        file.write(data)
    os.replace(place + ".part", place)
