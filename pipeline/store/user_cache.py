"""What the user's cache keeps between runs: small JSON documents, whose loss or damage costs time and nothing else.

A document counts only if it is whole, and if no other user can have written it: what it says is believed.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mixprior.pipeline.store import files, sources
from mixprior.stats.errors import InputError

_MOST_BYTES = 1 << 30
_UNUSED_S = 90 * 24 * 3600.0
"""After which a document that was not written again is removed."""


def folder() -> Path:
    """Return the cache of this program: `$XDG_CACHE_HOME/mixprior`, by default under `~/.cache`.

    Raises:
        InputError: if the user has no home.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixprior"
    except RuntimeError as error:
        raise InputError("this user has no home folder to cache in: set XDG_CACHE_HOME to a folder") from error


def name_of(place: str) -> str:
    """Return the name under which something about a place, a local path or a URL, is kept.

    >>> name_of("gs://bucket/run")
    'e69e696cacd7ec22'
    """
    place = place if sources.is_remote(place) else os.path.realpath(sources.local_path(place))
    return hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:16]


def read(kind: str, name: str) -> Any:
    """Return a document; None where there is none that counts.

    Args:
        kind: of documents: a folder of the cache.
        name: of this one.
    """
    try:
        with (folder() / kind / f"{name}.json").open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            sha256, _, content = file.read().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != sha256:
            return None
        return json.loads(content)
    except (OSError, ValueError, RecursionError):
        return None


def write(kind: str, name: str, document: Any) -> None:
    """Keep a document in one piece: of several processes that keep it at once, one prevails. No matter if it fails."""
    content = json.dumps(document, separators=(",", ":")).encode()
    with suppress(InputError, OSError):
        place = folder() / kind
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with files.replacing(place / f"{name}.json") as temporary:
            temporary.touch(mode=0o600)
            temporary.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        for each in place.iterdir():
            if time.time() - each.stat().st_mtime > _UNUSED_S:
                each.unlink()


def _is_ours(found: os.stat_result) -> bool:
    """Whether a file is regular, of a sensible size, and can have been written by this user alone."""
    if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
