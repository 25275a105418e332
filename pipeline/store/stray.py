"""What processes that ended before their work did have left behind: temporary files, and folders of calls.

Their names hold the machine, the process and a random number, so that only those of ended processes are removed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mixprior.pipeline.store import sources
from mixprior.pipeline.store.layout import RunFolder

_NAME = re.compile(r"\.?([0-9a-f]{8})-([0-9]+)-[0-9a-f]{12}(\.tmp)?")
_OLD_S = 7 * 24 * 3600.0
"""After which what was made on another machine, where it cannot be asked for, is taken for left behind."""


def name() -> str:
    """Return a name that no other call in any process has."""
    return f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def temporary(path: Path) -> Path:
    """Return the path of a temporary file beside `path`."""
    return path.with_name(f".{name()}.tmp")


def sweep(folder: RunFolder) -> list[str]:
    """Remove what was left behind in a run's folder on this machine; return the paths.

    Nothing that a process may still write is touched, nor what is not ours. Object stores have none: an object is there
    once it is whole.
    """
    found = list(strays(folder))
    for path in found:
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else Path(path).unlink(missing_ok=True)
    return found


def strays(folder: RunFolder) -> Iterator[str]:
    """Give the paths of what was left behind in a run's folder on this machine."""
    root = sources.local_path(folder.root)
    if sources.is_remote(folder.root) or not os.path.isdir(root):
        return
    for place, folders, names in os.walk(root):
        if os.path.basename(place) == "calls":
            names = [*names, *folders]
            folders.clear()
        for each in names:
            if is_left_behind(os.path.join(place, each)):
                yield os.path.join(place, each)


def is_left_behind(path: str) -> bool:
    """Whether a temporary file, or the folder of a call, is of a process that is there no more."""
    parts = _NAME.fullmatch(os.path.basename(path))
    if parts is None:
        return False
    machine, process, _ = parts.groups()
    if machine == _machine():
        return not _lives(int(process))
    try:
        return time.time() - os.stat(path).st_mtime > _OLD_S
    except OSError:
        return False


@cache
def _machine() -> str:
    """Stands for the machine since it was started, and for the container: process numbers are of these."""
    facts = [platform.node()]
    for fact in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            facts.append(os.readlink(fact) if os.path.islink(fact) else Path(fact).read_text())
        except OSError:  # no Linux
            continue
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
