"""Whole files on any file system, written so that no reader ever sees half of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from mixprior.pipeline.store import object_store, seal, sources, stray
from mixprior.pipeline.store.layout import parquet_bytes
from mixprior.stats.errors import InputError


def read_bytes(url: str) -> bytes:
    """Return the content of a file. Raises FileNotFoundError if there is none."""
    if sources.is_remote(url):
        return object_store.read(url)
    fs, path = sources.file_system(url)
    return bytes(fs.cat_file(path))


def opened(url: str, size_bytes: int | None = None, buffer_bytes: int = 1 << 24) -> BinaryIO:
    """Open a file to be read in parts. Raises FileNotFoundError if there is none.

    Args:
        url: local path or fsspec URL.
        size_bytes: size of a remote file, where it is known: it is asked for otherwise.
        buffer_bytes: of a remote file are read at once, at least.
    """
    if sources.is_remote(url):
        return object_store.opened(url, size_bytes, buffer_bytes)
    return open(sources.local_path(url), "rb")


def read_range(url: str, start: int, end: int) -> bytes:
    """Return bytes of a file, from `start` up to `end`, or to the file's end."""
    if sources.is_remote(url):
        return object_store.read_range(url, start, end)
    fs, path = sources.file_system(url)
    return bytes(fs.cat_file(path, start, end))


@contextmanager
def need_readable(url: str) -> Iterator[None]:
    """Name a file that is there and that its disk does not give: that is no damage, and the file stays where it is.

    Raises:
        InputError: with the reason.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) or not seal.is_trouble(error):
            raise
        raise InputError(
            f"{url} cannot be read ({error.strerror or error}): it may be sound; the same command reads it again"
        ) from error


def size_bytes(url: str) -> int:
    """Return the size of a file."""
    if sources.is_remote(url):
        return object_store.size_of(url)
    fs, path = sources.file_system(url)
    return int(fs.size(path))


def state(url: str) -> str:
    """Return what tells whether a file was replaced: its size and version. Raises FileNotFoundError if it is gone.

    The version is what its store tells; of a local file, the time it was written and its inode.
    """
    if sources.is_remote(url):
        return object_store.entry(url).state
    status = os.stat(sources.local_path(url))
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def below(folder: str) -> list[str]:
    """Return the paths of all files below a folder, from there, sorted.

    A remote folder takes one request for each thousand of its files.
    """
    if sources.is_remote(folder):
        return sorted(object_store.below(folder))
    fs, path = sources.file_system(folder)
    return sorted(os.path.relpath(each, path) for each in fs.find(path))


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside a local `path` to write to, which takes its place at the end if nothing went wrong.

    Whoever opens `path` sees the old content or the new, whole. The temporary file is synced before it is renamed. Of a
    link the file behind it is replaced. A device or a pipe (/dev/stdout) is not replaced but written to.

    Raises:
        InputError: if it cannot be written; the message names `path` and the reason.
    """
    need_name(path)
    path = Path(path)
    special = path.exists() and not (path.is_file() or path.is_dir())
    target = Path(os.path.realpath(path))
    temporary = path if special else stray.temporary(target)
    try:
        yield temporary
        if not special:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error})") from error
    finally:
        if not special:
            temporary.unlink(missing_ok=True)


def need_name(path: str | Path) -> None:
    """Refuse to write to what has no name: an empty text is the current folder to some, the root to others.

    Raises:
        InputError: if there is none.
    """
    if not str(path).strip() or (isinstance(path, Path) and not path.name):
        raise InputError("there is no name of a file or folder to write to: -o takes one")


def write_bytes(url: str, content: bytes) -> None:
    """Write a file in one piece, and the folders it is in.

    Locally as `replacing` does; an object store shows an object once it is complete.

    Raises:
        InputError: if it cannot be written; the message names it and the reason.
        StoreTrouble: if its store does not answer.
    """
    need_name(url)
    if sources.is_remote(url):
        object_store.write(url, content)
        return
    _, path = sources.file_system(url)
    for last in (False, True):
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror or error})") from error
        try:
            with replacing(path) as temporary:
                temporary.write_bytes(content)
            return
        except InputError as error:
            # Another process removed the folder, which it had emptied, before there was a file in it.
            if last or not isinstance(error.__cause__, FileNotFoundError):
                raise


def need_writable(folder: str) -> None:
    """Refuse a folder that cannot be written to, before any work is done.

    Raises:
        InputError: with the reason.
    """
    write_bytes(f"{folder}/.writable", b"")
    remove(f"{folder}/.writable")


def remove(url: str) -> None:
    """Remove a file if it is there."""
    if sources.is_remote(url):
        object_store.remove(url)
        return
    fs, path = sources.file_system(url)
    with suppress(FileNotFoundError):  # another removed it first
        if fs.exists(path):
            fs.rm_file(path)


def remove_as(path: str, expected: str) -> bool:
    """Remove a local file, unless its `state` is another than expected; return whether that file is there no more.

    It is renamed first: what is compared is what is removed, whatever another process writes meanwhile. A process that
    is killed before it puts the file back leaves it under its temporary name; the song's rows are in the part as well.
    """
    target = Path(sources.local_path(path))
    claimed = stray.temporary(target)
    try:
        os.rename(target, claimed)
    except FileNotFoundError:  # another removed it first
        return True
    is_same = state(str(claimed)) == expected
    if not is_same:
        try:
            os.link(claimed, target)
        except FileExistsError:  # it was replaced once more
            pass
        except OSError:  # a file system without links
            os.replace(claimed, target)
    claimed.unlink(missing_ok=True)
    return is_same


def remove_folder(url: str) -> None:
    """Remove a folder with all that is in it, if it is there; what others write into it meanwhile may stay.

    On this machine the folder around it goes too, if nothing else is in there.
    """
    if sources.is_remote(url):
        object_store.remove_folder(url)
        return
    path = sources.local_path(url)
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):  # it holds others
        os.rmdir(os.path.dirname(path))


def exists(url: str) -> bool:
    """Whether there is a file or a folder."""
    if sources.is_remote(url):
        return object_store.exists(url)
    fs, path = sources.file_system(url)
    return bool(fs.exists(path))


def read_table(url: str) -> pa.Table:
    """Read a Parquet file. Raises `seal.Damaged`, which is a `pyarrow.ArrowInvalid`, if it is none or damaged."""
    return seal.table(read_bytes(url))


def move(url: str, target: str) -> None:
    """Move a file; one that is there already under the new name stays, and the other gets a number behind it."""
    number = 0
    while exists(there := target if not number else f"{target}.{number}"):
        number += 1
    with suppress(FileNotFoundError):  # another moved it first
        if sources.is_remote(url):
            object_store.move(url, there)
        else:
            fs, path = sources.file_system(url)
            fs.makedirs(os.path.dirname(sources.local_path(there)), exist_ok=True)
            fs.mv(path, sources.local_path(there))


def write_table(url: str, table: pa.Table) -> None:
    """Write a Parquet file in one piece; the same table gives the same bytes."""
    write_bytes(url, parquet_bytes(table))
