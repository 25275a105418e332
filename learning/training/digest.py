"""A digest of what a training is of, so that it does not go on from the checkpoint of another."""

from __future__ import annotations

import hashlib

import numpy as np


def digest(*parts: str | np.ndarray) -> str:
    """SHA-256 in hex of text and arrays, their shapes and types with them.

    >>> digest("a", "b") == digest("ab")
    False
    >>> digest(np.zeros(2)) == digest(np.zeros((2, 1)))
    False
    """
    found = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes()
        head = "text" if isinstance(part, str) else f"{part.dtype} {part.shape}"
        found.update(f"{head} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()
