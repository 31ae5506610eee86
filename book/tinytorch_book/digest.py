"""A short hash of what files say, by which a build knows what has changed."""

import hashlib


def digest(root, *patterns):
    """Twelve hex digits over names and contents of all files that match."""
    total = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()}):
        total.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]
