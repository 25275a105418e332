"""Memory that is used again: what is new comes from the system page by page, each cleared and mapped when touched."""

from __future__ import annotations

import sys
from threading import Lock

import numpy as np

from mixprior.stats.fft.lanes import LINE_BYTES

_LINE = LINE_BYTES // np.dtype(np.float32).itemsize


class KeptMemory:
    """Gives out float32 arrays, and their memory again once nothing refers to it.

    Memory of one size is kept, that of the array asked for last: else a block would serve for less than it holds.

    Args:
        most_bytes: what is kept at most; arrays beyond it are in memory of their own.

    >>> memory = KeptMemory(1 << 20)
    >>> first, second = memory.array(2, 100), memory.array(2, 100)
    >>> np.shares_memory(first, second)
    False
    >>> place, view = first.__array_interface__["data"][0], first[1:]
    >>> del first
    >>> memory.array(2, 100).__array_interface__["data"][0] == place  # a view is left
    False
    >>> del view
    >>> memory.array(4, 50).__array_interface__["data"][0] == place
    True
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._blocks: list[np.ndarray] = []
        self._lock = Lock()
        self._free_count = _references([np.empty(0)], 0)

    def array(self, *shape: int) -> np.ndarray:
        """Return an array that is not cleared, and begins with a line of the cache."""
        size = int(np.prod(shape))
        with self._lock:
            block = self._free(size + _LINE)
            begin = -block.__array_interface__["data"][0] % LINE_BYTES // block.itemsize
            return block[begin : begin + size].reshape(shape)

    def _free(self, size: int) -> np.ndarray:
        for place in range(len(self._blocks)):
            if _references(self._blocks, place) == self._free_count and self._blocks[place].size == size:
                return self._blocks[place]
        self._blocks = [block for block in self._blocks if block.size == size]
        block = np.empty(size, np.float32)
        if sum(kept.nbytes for kept in self._blocks) + block.nbytes <= self._most_bytes:
            self._blocks.append(block)
        return block


def _references(blocks: list[np.ndarray], place: int) -> int:
    return sys.getrefcount(blocks[place])
