"""A folder of priors, with the songs it is of, written so that the files that a reader finds belong together.

No lock holds on an object store. The manifest names the content of every file and is written last; each writer checks
afterwards whether another wrote in between, and writes again if so. The files that remain are those of one writer.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping

from mixprior.pipeline.store import files
from mixprior.pipeline.store.layout import MANIFEST_FILE, MEMBERS_FILE
from mixprior.stats.errors import InputError

_TRIES = 30
_PAUSE_S = 0.1


def write(folder: str, contents: Callable[[], Iterator[tuple[str, bytes]]], beside: Mapping[str, bytes]) -> None:
    """Write the files of a folder, and those that go with it.

    Args:
        folder: where to write.
        contents: gives name and content of each file, the manifest last.
        beside: content of the files elsewhere, by URL.

    Raises:
        InputError: if they cannot be written, or others write the same files all the time.
    """
    manifest = f"{folder}/{MANIFEST_FILE}"
    for attempt in range(_TRIES):
        files.remove(manifest)  # no old one may describe new tables
        write_beside(beside)
        names = set()
        for name, content in contents():
            names.add(name)
            files.write_bytes(f"{folder}/{name}", content)
        if MEMBERS_FILE not in names:
            files.remove(f"{folder}/{MEMBERS_FILE}")
        if are_of_one(folder, beside):
            return
        time.sleep(_PAUSE_S * attempt * random.random())  # nosec B311 # a pause
    raise InputError(f"{folder}: others write into it all the time; name another folder")


def withdraw(folder: str, beside: Mapping[str, bytes]) -> None:
    """Leave a folder without priors, since there are none of what is beside it."""
    files.remove(f"{folder}/{MANIFEST_FILE}")
    write_beside(beside)


def manifest_sha256(folder: str) -> str:
    """Return the SHA-256 of a folder's manifest, in hex. Raises FileNotFoundError if there is none."""
    return hashlib.sha256(files.read_bytes(f"{folder}/{MANIFEST_FILE}")).hexdigest()


def broken(folder: str) -> list[str]:
    """Return the names of the files that are not those of the folder's manifest, or gone.

    Raises:
        FileNotFoundError: if there is no manifest.
    """
    said = json.loads(files.read_bytes(f"{folder}/{MANIFEST_FILE}")).get("files_sha256", {})
    return [name for name, sha256 in said.items() if _sha256(f"{folder}/{name}") != sha256]


def write_beside(beside: Mapping[str, bytes]) -> None:
    """Write what goes with the files of a folder: content by URL."""
    for url, content in beside.items():
        files.write_bytes(url, content)


def are_of_one(folder: str, beside: Mapping[str, bytes]) -> bool:
    """Whether the files are all of one writer, and what is beside them is ours if they are."""
    try:
        return not broken(folder) and all(files.read_bytes(url) == content for url, content in beside.items())
    except FileNotFoundError:
        return False


def _sha256(url: str) -> str | None:
    try:
        return hashlib.sha256(files.read_bytes(url)).hexdigest()
    except FileNotFoundError:
        return None
