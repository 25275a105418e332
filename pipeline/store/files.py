"""Whole files on any file system, written so that no reader ever sees half of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from mixprior.pipeline.store import seal, sources, stray
from mixprior.pipeline.store.layout import parquet_bytes
from mixprior.stats.errors import InputError


def read_bytes(url: str) -> bytes:
    """Return the content of a file."""
    fs, path = sources.file_system(url)
    return bytes(fs.cat_file(path))


def read_range(url: str, start: int, end: int) -> bytes:
    """Return bytes of a file, from `start` up to `end`, or to the file's end."""
    fs, path = sources.file_system(url)
    return bytes(fs.cat_file(path, start, end))


def size_bytes(url: str) -> int:
    """Return the size of a file."""
    fs, path = sources.file_system(url)
    return int(fs.size(path))


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
        InputError: if it cannot be written on this machine; the message names it and the reason.
    """
    need_name(url)
    fs, path = sources.file_system(url)
    if not isinstance(fs, LocalFileSystem):
        fs.makedirs(os.path.dirname(path), exist_ok=True)
        fs.pipe_file(path, content)
        return
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
    try:
        write_bytes(f"{folder}/.writable", b"")
        remove(f"{folder}/.writable")
    except InputError:
        raise
    except Exception as error:  # every driver of an object store has exceptions of its own
        raise InputError(f"{folder} cannot be written ({getattr(error, 'strerror', None) or error})") from error


def remove(url: str) -> None:
    """Remove a file if it is there."""
    fs, path = sources.file_system(url)
    with suppress(FileNotFoundError):  # another removed it first
        if fs.exists(path):
            fs.rm_file(path)


def remove_folder(url: str) -> None:
    """Remove a folder with all that is in it, if it is there; what others write into it meanwhile may stay.

    On this machine the folder around it goes too, if nothing else is in there.
    """
    fs, path = sources.file_system(url)
    if isinstance(fs, LocalFileSystem):
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # it holds others
            os.rmdir(os.path.dirname(path))
    elif fs.exists(path):
        fs.rm(path, recursive=True)


def exists(url: str) -> bool:
    """Whether there is a file or a folder."""
    fs, path = sources.file_system(url)
    return bool(fs.exists(path))


def read_table(url: str) -> pa.Table:
    """Read a Parquet file. Raises `seal.Damaged`, which is a `pyarrow.ArrowInvalid`, if it is none or damaged."""
    return seal.table(read_bytes(url))


def move(url: str, target: str) -> None:
    """Move a file; one that is there already under the new name stays, and the other gets a number behind it."""
    fs, path = sources.file_system(url)
    _, there = sources.file_system(target)
    number = 0
    while fs.exists(there if not number else f"{there}.{number}"):
        number += 1
    fs.makedirs(os.path.dirname(there), exist_ok=True)
    with suppress(FileNotFoundError):  # another moved it first
        fs.mv(path, there if not number else f"{there}.{number}")


def write_table(url: str, table: pa.Table) -> None:
    """Write a Parquet file in one piece; the same table gives the same bytes."""
    write_bytes(url, parquet_bytes(table))
