"""Requests to object stores, by fsspec: as few as can be, and each again while a store is in passing trouble."""

from __future__ import annotations

import errno
import io
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, BinaryIO, NamedTuple, TypeVar

from mixprior.pipeline.store.store_errors import (
    CredentialsRefused,
    Refused,
    StoreTrouble,
    is_of_a_store,
    is_of_credentials,
    is_passing,
    store_of,
    words,
)
from mixprior.stats.errors import InputError
from mixprior.stats.secrets import has_secret, without_secrets

T = TypeVar("T")

PATIENCE_S = 180.0
"""How long a store that has answered before is asked again: it may be restarted meanwhile."""
FIRST_PATIENCE_S = 3.0
"""The same of one that never answered this process: its name may be wrong."""

_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 15.0
_EXTRAS = {"gs": "gcp", "gcs": "gcp", "s3": "aws", "s3a": "aws"}
_BUCKETS = {*_EXTRAS, "abfs", "abfss", "adl", "az", "oci", "oss", "r2"}
"""Schemes whose URLs begin with a bucket, and whose folders need not be made."""
_OPTIONS = {scheme: {"max_concurrency": 1} for scheme in ("s3", "s3a")}
"""With more, each reading asks for the size first."""
_answering: set[str] = set()


def driver(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a remote URL, and the path within it. It keeps no listings.

    Raises:
        CredentialsRefused: if it wants others.
        InputError: if the driver is not installed, there is none, or the URL carries credentials.
    """
    import fsspec  # here, since what is on this machine needs none of it

    refuse_secrets(url)
    scheme = url.split("://", 1)[0]
    try:
        options = {"use_listings_cache": False, **_OPTIONS.get(scheme, {})} if scheme in _BUCKETS else {}
        return fsspec.core.url_to_fs(url, **options)
    except Exception as error:  # every driver has exceptions of its own
        if not isinstance(error, ImportError) and not is_of_a_store(error):
            raise
        if scheme in _BUCKETS and is_of_credentials(error):
            raise CredentialsRefused.by(url, error) from error
        extra = _EXTRAS.get(scheme) if isinstance(error, ImportError) else None
        remedy = f"pip install 'mixprior[{extra}]'" if extra else words(error)
        raise InputError(f"{scheme}:// cannot be read here: {remedy}") from error


def refuse_secrets(url: str) -> None:
    """Raise `InputError` if a URL carries credentials: it is stored with the songs, and shown."""
    if has_secret(url):
        raise InputError(
            f"{without_secrets(url)} carries credentials, which would be stored with the songs: leave them out, and "
            "give them by the environment (AWS_..., GOOGLE_APPLICATION_CREDENTIALS) or by fsspec's configuration"
        )


@lru_cache(maxsize=16)
def need_driver(scheme: str) -> None:
    """Raise `InputError` if the driver of a scheme is not installed."""
    driver(f"{scheme}://")


def read(url: str) -> bytes:
    """Return the content of an object, by one request. Raises FileNotFoundError if there is none."""
    fs, inner = driver(url)
    try:
        return bytes(asked(url, partial(fs.cat_file, inner)))
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "no such object", url) from error


def read_range(url: str, start: int, end: int) -> bytes:
    """Return bytes of an object, from `start` up to `end`, or to its end."""
    fs, inner = driver(url)
    return bytes(asked(url, partial(fs.cat_file, inner, start=start, end=end)))


def size_of(url: str) -> int:
    """Return the size of an object. Raises FileNotFoundError if there is none."""
    fs, inner = driver(url)
    return int(asked(url, partial(fs.info, inner))["size"])


def opened(url: str, size_bytes: int | None = None, buffer_bytes: int = 1 << 24) -> BinaryIO:
    """Open an object to be read in parts: a request for each part that is not in the buffer.

    Args:
        url: of the object.
        size_bytes: its size, as a listing has it; None to ask for it.
        buffer_bytes: read at once, at least.

    Raises:
        FileNotFoundError: if there is none.
    """
    return io.BufferedReader(_Parts(url, size_bytes), buffer_bytes)


class _Parts(io.RawIOBase):
    """An object that is read by requests for ranges of bytes."""

    def __init__(self, url: str, size_bytes: int | None) -> None:
        self.url = url
        self.size_bytes = size_of(url) if size_bytes is None else size_bytes
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place in the object."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size_bytes}[whence]
        self.place = max(0, start + offset)
        return self.place

    def readinto(self, buffer: Any) -> int:
        """Read as much as fits, by one request."""
        end = min(self.place + len(buffer), self.size_bytes)
        if end <= self.place:
            return 0
        content = read_range(self.url, self.place, end)
        buffer[: len(content)] = content
        self.place += len(content)
        return len(content)


def write(url: str, content: bytes) -> None:
    """Write an object: by one request, unless it is a large one. No bucket is made.

    Raises:
        InputError: if there is no such bucket.
    """
    fs, inner = driver(url)
    try:
        asked(url, partial(fs.pipe_file, inner, content))
    except FileNotFoundError as error:
        if url.split("://", 1)[0] in _BUCKETS:
            bucket = inner.split("/", 1)[0]
            raise InputError(
                f"{url} cannot be written: there is no bucket {bucket}; mend its name, or make it first"
            ) from error
        asked(url, partial(fs.makedirs, os.path.dirname(inner), exist_ok=True))
        asked(url, partial(fs.pipe_file, inner, content))


def for_queries(url: str) -> Any:
    """Return a file system for a reader that opens many objects by a pattern: what it lists it need not ask for again.

    It is a new one, since it keeps its listings.
    """
    fs, _ = driver(url)
    return type(fs)(**{**fs.storage_options, "use_listings_cache": True}, skip_instance_cache=True)


def remove(url: str) -> None:
    """Remove an object if it is there."""
    fs, inner = driver(url)
    with suppress(FileNotFoundError):
        asked(url, partial(fs.rm_file, inner))


def remove_folder(url: str) -> None:
    """Remove all objects below a URL, if there are any."""
    fs, inner = driver(url)
    with suppress(FileNotFoundError):
        if asked(url, partial(fs.find, inner)):
            asked(url, partial(fs.rm, inner, recursive=True))


def move(url: str, target: str) -> None:
    """Move an object to where none is."""
    fs, inner = driver(url)
    _, there = driver(target)
    if url.split("://", 1)[0] not in _BUCKETS:
        asked(url, partial(fs.makedirs, os.path.dirname(there), exist_ok=True))
    asked(url, partial(fs.mv, inner, there))


def exists(url: str) -> bool:
    """Whether there is an object, or one below the URL."""
    return kind(url) is not None


def kind(url: str) -> str | None:
    """Return "file" or "directory"; None if there is neither."""
    fs, inner = driver(url)
    try:
        return str(asked(url, partial(fs.info, inner))["type"])
    except FileNotFoundError:
        return None


class Entry(NamedTuple):
    """What a listing says.

    Attributes:
        is_folder: whether it is no object, but stands for those below it.
        size_bytes: of an object.
        version: another one once the object is written again; "" where the store tells none.
    """

    is_folder: bool
    size_bytes: int
    version: str

    @property
    def state(self) -> str:
        """What tells whether an object was replaced."""
        return f"{self.size_bytes} {self.version}"

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Entry:
        """Return what a driver says."""
        tag = info.get("ETag") or info.get("etag") or info.get("generation") or info.get("md5Hash") or ""
        changed = info.get("LastModified") or info.get("updated") or info.get("last_modified") or ""
        return cls(info["type"] == "directory", info.get("size") or 0, f"{tag} {changed}" if tag else "")


def entry(url: str) -> Entry:
    """Return what a store says of one object. Raises FileNotFoundError if there is none."""
    fs, inner = driver(url)
    return Entry.of(asked(url, partial(fs.info, inner)))


def listed(url: str) -> dict[str, Entry]:
    """Return what is right below a URL, by name."""
    fs, inner = driver(url)
    found = {each["name"].strip("/"): Entry.of(each) for each in asked(url, partial(fs.ls, inner, detail=True))}
    # A store may hold an empty object that stands for the folder itself.
    return {os.path.basename(name): entry for name, entry in found.items() if name != inner.strip("/")}


def below(url: str) -> dict[str, Entry]:
    """Return all objects below a URL, by the path from there: a request for each thousand of them."""
    fs, inner = driver(url)
    try:
        found = asked(url, partial(fs.find, inner, detail=True))
    except FileNotFoundError:
        return {}
    start = f"{inner.rstrip('/')}/"
    return {name[len(start) :]: Entry.of(each) for name, each in found.items() if name.startswith(start)}


def asked(url: str, call: Callable[[], T]) -> T:
    """Return what a request gives; ask again while the store is in passing trouble.

    Args:
        url: which it is about.
        call: the request: it may be sent twice.

    Raises:
        FileNotFoundError: if there is no such object.
        CredentialsRefused: if the store wants others.
        Refused: if the store does not do it.
        StoreTrouble: if the trouble lasts for minutes.
    """
    store = store_of(url)
    began_s, pause_s = time.monotonic(), _PAUSE_S
    while True:
        try:
            answer = call()
        except FileNotFoundError:
            _answering.add(store)
            raise
        except Exception as error:  # every driver has exceptions of its own
            # On the web, a page may want some that others do not.
            if url.split("://", 1)[0] in _BUCKETS and is_of_credentials(error):
                raise CredentialsRefused.by(url, error) from error
            if not is_passing(error):
                if not is_of_a_store(error):
                    raise
                raise Refused(f"{url}: {words(error)}") from error
            patience_s = PATIENCE_S if store in _answering else FIRST_PATIENCE_S
            if time.monotonic() + pause_s > began_s + patience_s:
                raise StoreTrouble(
                    f"{url}: {store} does not answer ({words(error)}); when it does, the same command continues "
                    "with what is not finished"
                ) from error
            time.sleep(pause_s * random.uniform(0.5, 1.5))  # nosec B311 # a pause
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            _answering.add(store)
            return answer
