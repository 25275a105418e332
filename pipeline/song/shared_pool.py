"""The one pool of this process: steps of a graph and threads of a runner have songs mined by the same children."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mixprior.pipeline.song.pool import Pool

_lock = threading.Lock()
_pool: Pool | None = None
_keeping = 0


def get(workers: int) -> Pool:
    """Return the pool, made if there is none, with at most so many children at a time."""
    global _pool
    with _lock:
        if _pool is None:
            _pool = Pool(workers)
        _pool.workers = workers
        return _pool


@contextmanager
def kept() -> Iterator[None]:
    """Keep the children for the next run, with all they loaded, until the context is left."""
    global _keeping
    with _lock:
        _keeping += 1
    try:
        yield
    finally:
        with _lock:
            _keeping -= 1
        release()


def release(interrupted: bool = False) -> None:
    """End the children, unless they are kept; kept or not where their jobs are not wanted any more."""
    global _pool
    with _lock:
        if _pool is None or (_keeping and not interrupted):
            return
        pool, _pool = _pool, None
    pool.close()
