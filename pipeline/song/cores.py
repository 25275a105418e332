"""The cores that a process may use: all of the machine, or the share that a pool deals to each child at work.

A pool with more cores than jobs lets its children use them all. Children read their share while they work, from memory
that the pool alone writes: whatever becomes of a child, no core is lost.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

VARIABLE = "MIXPRIOR_CORES"
"""Set in the environment of a child: file descriptor and place of its share."""

_MOST = 65_535


class Cores:
    """Cores, dealt to the children of a pool that are at work.

    >>> cores = Cores()
    >>> cores.deal(5, [0, 3])
    >>> [cores.share(number) for number in (0, 1, 3)]
    [3, 1, 2]
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with it)
        self._file.truncate(2 * _MOST)
        self.descriptor = self._file.fileno()
        self._shares = mmap.mmap(self.descriptor, 2 * _MOST)

    def deal(self, total: int, busy: Iterable[int]) -> None:
        """Deal cores to the children of these numbers: equal shares, at least one each, the rest to the first."""
        numbers = sorted(busy)
        for rank, number in enumerate(numbers):
            share = max(1, total // len(numbers) + (rank < total % len(numbers)))
            self._shares[2 * number : 2 * number + 2] = share.to_bytes(2, "little")

    def share(self, number: int) -> int:
        """Return the cores of a child."""
        return _share(self._shares, number)

    def variable(self, number: int) -> dict[str, str]:
        """Return what a child's environment needs."""
        return {VARIABLE: f"{self.descriptor}:{number}"}

    def close(self) -> None:
        """Let go of the memory; children keep theirs."""
        self._shares.close()
        self._file.close()


def usable_cores() -> int:
    """Return how many cores of this machine a process like this one may use: a cluster may give it some of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def at_hand() -> int:
    """Return how many cores this process may use now: a child of a pool, its share."""
    told = os.environ.get(VARIABLE)
    if told is None:
        return usable_cores()
    with suppress(OSError, ValueError):
        descriptor, _, number = told.partition(":")
        return _share(_opened(int(descriptor)), int(number))
    return 1


@lru_cache(maxsize=1)
def _opened(descriptor: int) -> mmap.mmap:
    return mmap.mmap(descriptor, 2 * _MOST, access=mmap.ACCESS_READ)


def _share(shares: mmap.mmap, number: int) -> int:
    return max(1, int.from_bytes(shares[2 * number : 2 * number + 2], "little"))
