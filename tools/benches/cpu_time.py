"""CPU time of a piece of work."""

from __future__ import annotations

import time
from collections.abc import Callable


def cpu_s(work: Callable[[], object], repeats: int = 3) -> float:
    """Least process time of a few runs, after one that compiles and warms up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)
