"""Reading what users point at: local files and folders, and object stores through fsspec."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, BinaryIO

from mixprior.pipeline.store import object_store
from mixprior.pipeline.store.copies import Copies
from mixprior.pipeline.store.records import InputError, SongError
from mixprior.pipeline.store.store_errors import CredentialsRefused
from mixprior.pipeline.store.versions import Versions
from mixprior.stats.secrets import without_secrets

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]+://")
_MOUNTS = "/proc/self/mountinfo"
_PSEUDO_FILE_SYSTEMS = {
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "fusectl"),
    *("hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "resctrl", "rpc_pipefs", "securityfs", "selinuxfs", "smackfs"),
    *("sysfs", "tracefs"),
}
"""File systems of the kernel, whose regular files may wait for ever, never end, or act when they are read."""

_VERSIONS = Versions()
_held: Copies | None = None


class Unreadable(SongError):
    """The file is missing, may not be read, or is no regular file."""


def is_remote(path: str) -> bool:
    """Whether it is a URL of an object store (`gs://`, `s3://`, `memory://`), not a path on this machine.

    >>> is_remote("s3://bucket/a.wav"), is_remote("/music/a.wav"), is_remote("file:///music/a.wav")
    (True, False, False)
    """
    return bool(_URL.match(path)) and not path.startswith(("file://", "local://"))


def local_path(path: str) -> str:
    """Return a local path without the `file://` it may carry."""
    return path.split("://", 1)[1] if path.startswith(("file://", "local://")) else path


@lru_cache(maxsize=1)
def _local() -> Any:
    import fsspec  # here, since a query of priors on this machine needs none of it

    return fsspec.filesystem("file")


def file_system(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path within it.

    Raises:
        InputError: if the driver is not installed, there is none, or the URL carries credentials.
    """
    if not is_remote(url) and "::" not in url:  # as fsspec has it, at an eighth of the time
        local = _local()
        return local, local._strip_protocol(url)
    return object_store.driver(url)


def need_driver(url: str) -> None:
    """Raise `InputError` if the driver of a URL is not installed, or the URL carries credentials."""
    object_store.need_driver(url.split("://", 1)[0])
    object_store.refuse_secrets(url)


def open_file(path: str, root: str | None = None) -> BinaryIO:
    """Open a regular file for reading, seekable; a remote one is read into memory, or its copy is opened (`holding`).

    What was opened is what is judged: a file that is replaced meanwhile by a pipe, a device or a link is refused too.

    Args:
        path: local path or fsspec URL.
        root: a folder that the file must not leave by way of links, where it is below it by its name.

    Raises:
        Unreadable: if it is missing, may not be read, is no regular file, belongs to the kernel (/proc, /sys) or lies
            outside the root; also by what is returned, if reading fails.
        CredentialsRefused: if its store wants others.
        InputError: if the driver of its URL is not installed.
    """
    if is_remote(path):
        return _open_remote(path)
    path = local_path(path)
    try:
        if root is not None:
            _refuse_escape(path, os.path.realpath(path), root)
        _refuse_others(os.stat(path))  # before it is opened: opening a device can act
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error
    file = _LocalFile(opened)
    try:
        _refuse_others(os.fstat(opened))
        if root is not None:
            _refuse_escape(path, _real_path(opened, path), root)
    except BaseException:
        file.close()
        raise
    return io.BufferedReader(file)


@contextmanager
def holding(copies: Copies) -> Iterator[None]:
    """Fetch remote files once while the context lasts, in this process; those that there are copies of, not at all."""
    global _held
    _held = copies
    try:
        yield
    finally:
        _held = None


def _open_remote(url: str) -> BinaryIO:
    held = _held
    copy = held.open(url) if held is not None else None
    if copy is not None:
        return copy
    try:
        content = object_store.read(url)
    except FileNotFoundError as error:
        raise Unreadable("read", "cannot be read: there is no such object") from error
    except CredentialsRefused:  # it is all songs'
        raise
    except Exception as error:  # every driver has exceptions of its own
        words = without_secrets(f"{type(error).__name__}: {error}")
        raise Unreadable("read", f"cannot be read: {words}") from error
    if held is not None:
        held.keep(url, content)
    return io.BytesIO(content)


class _LocalFile(io.FileIO):
    """A local file whose disk may fail while it is read: then, too, it is unreadable."""

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise _unreadable(error) from error

    def readall(self) -> bytes:
        """Read to the end."""
        try:
            return super().readall()
        except OSError as error:
            raise _unreadable(error) from error


def _unreadable(error: OSError | ValueError) -> Unreadable:
    return Unreadable("read", f"cannot be read: {getattr(error, 'strerror', None) or error}")


def _refuse_escape(path: str, real: str, root: str) -> None:
    if _is_below(path, root) and not _is_below(real, _real_root(root)):
        raise Unreadable("read", f"links to a file outside {root}; list its target in a manifest instead")


def _refuse_others(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise Unreadable("read", "is a folder that could not be listed, or no folder of stems")
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("read", "is not a regular file")
    if found.st_dev in _pseudo_devices():
        raise Unreadable("read", "is not a regular file: it belongs to the kernel")


@lru_cache(maxsize=1)
def _pseudo_devices() -> frozenset[int]:
    """The device numbers of the kernel's file systems (proc(5), /proc/pid/mountinfo)."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="replace") as mounts:
            lines = mounts.read().splitlines()
    except OSError:  # not Linux
        return frozenset()
    devices = set()
    for line in lines:
        mount, _, source = line.partition(" - ")
        if source.split(" ")[0] in _PSEUDO_FILE_SYSTEMS:
            major, minor = mount.split(" ")[2].split(":")
            devices.add(os.makedev(int(major), int(minor)))
    return frozenset(devices)


def _real_path(opened: int, path: str) -> str:
    """Path of an open file without links; where the system does not tell it, that which its name leads to."""
    descriptor = f"/proc/self/fd/{opened}"
    return os.path.realpath(descriptor if os.path.exists(descriptor) else path)


@lru_cache(maxsize=64)
def _real_root(root: str) -> str:
    return os.path.realpath(root)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


def size_bytes(path: str) -> int:
    """Size of a local file; 0 of a remote one, and of one that is missing."""
    try:
        return 0 if is_remote(path) else os.stat(local_path(path)).st_size
    except (OSError, ValueError):
        return 0


def sha256(file: BinaryIO) -> str:
    """SHA-256 of what is left to read of an open file, in hex.

    >>> sha256(io.BytesIO(b""))[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def sha256_of(path: str, root: str | None = None) -> str:
    """SHA-256 of a file, in hex. Arguments and errors are those of `open_file`."""
    with open_file(path, root) as file:
        return sha256(file)


def is_folder(path: str) -> bool:
    """Whether there is a folder."""
    if is_remote(path):
        return object_store.kind(path) == "directory"
    return os.path.isdir(local_path(path))


def is_file(path: str) -> bool:
    """Whether there is a regular file."""
    if is_remote(path):
        return object_store.kind(path) == "file"
    return os.path.isfile(local_path(path))


def entries(folder: str) -> list[tuple[str, bool]]:
    """Return (name, whether it is a folder) of what a folder holds, sorted by name; links are no folders.

    Raises:
        InputError: if it cannot be listed.
    """
    try:
        if is_remote(folder):
            found = object_store.listed(folder)
            _VERSIONS.remember(folder, found)
            return sorted((name, entry.is_folder) for name, entry in found.items())
        with os.scandir(local_path(folder)) as there:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in there)
    except OSError as error:
        raise InputError(f"{folder} cannot be listed: {error.strerror or error}") from error


def version(url: str) -> int | None:
    """Return what stands for a remote file as its folder was last listed: another number once it is written again.

    None where the store does not tell. A folder that was not listed since `forget_versions` is listed.
    """
    return _VERSIONS.of(url)


def forget_versions() -> None:
    """Have folders listed again: a process that mines once more may find other files there."""
    _VERSIONS.forget()


def file_names(folder: str) -> list[str]:
    """Return the names of the files in a folder, sorted."""
    return [name for name, is_dir in entries(folder) if not is_dir]


def is_link(path: str) -> bool:
    """Whether a path is a symbolic link on this machine."""
    return not is_remote(path) and os.path.islink(local_path(path))


def leads_out(path: str, root: str) -> bool:
    """Whether a local path, which is below a folder by its name, leads out of it by way of symbolic links."""
    real, real_root = os.path.realpath(path), _real_root(root)
    return real != real_root and not _is_below(real, real_root)
