"""The one pool of this process: steps of a graph and threads of a runner have songs mined by the same children."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mixprior.pipeline.song.device import Devices
from mixprior.pipeline.song.pool import Call, Pool
from mixprior.pipeline.song.settings import MiningSettings

_devices = Devices()
_lock = threading.Lock()
_pool: Pool | None = None
_keeping = 0
_least = 1


def have(children: int) -> None:
    """Have at least so many children at a time from now on, whoever asks for fewer."""
    global _least
    _least = children


def get(workers: int, preparation: Call | None = None) -> Pool:
    """Return the pool, made if there is none, with at most so many children at a time.

    Args:
        workers: most children.
        preparation: of children that are started from now on.
    """
    global _pool
    with _lock:
        if _pool is None:
            _pool = Pool(max(workers, _least))
        _pool.workers, _pool.preparation = max(workers, _least), preparation
        return _pool


def serving(settings: MiningSettings, has_stems: bool) -> MiningSettings:
    """Return the settings with which the next song is mined, one that comes with stems or does not.

    Raises:
        InputError: if the device is not available.
    """
    if has_stems and not settings.separate_all:
        return settings
    return replace(settings, separation=_devices.serving(settings.separation))


@contextmanager
def kept() -> Iterator[None]:
    """Keep the children, with all they loaded, until the context is left, and every other one.

    Around several runs it lets the later ones use the children of the first.
    """
    global _keeping
    with _lock:
        _keeping += 1
    try:
        yield
    finally:
        with _lock:
            _keeping -= 1
            is_last = not _keeping
        if is_last:
            close()


def close() -> None:
    """End the children at once, whatever they are at."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close()
    _devices.close()
