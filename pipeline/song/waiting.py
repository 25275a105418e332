"""Which job is begun next: the policy of a pool, without its clock, threads and processes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar


@dataclass(eq=False)
class Turn:
    """When a job may be begun.

    Attributes:
        weight: heavier jobs are begun earlier; equal ones in the order of their numbers.
        number: counts jobs.
        alone: whether it is begun when no other job waits or runs, and none beside it.
        ready_s: the time from which it may be begun.
    """

    weight: float
    number: int
    alone: bool = False
    ready_s: float = 0.0

    def __lt__(self, other: Turn) -> bool:
        return (-self.weight, self.number) < (-other.weight, other.number)


Job = TypeVar("Job", bound=Turn)


class Waiting(Generic[Job]):
    """Jobs that wait. Whoever is free takes the heaviest that is ready: longest processing time first.

    The last to end is then late by the smallest jobs at most (R. L. Graham, Bounds on multiprocessing timing anomalies,
    1969), even if weights are estimates.

    >>> waiting = Waiting()
    >>> for number, weight in enumerate((1.0, 3.0, 2.0)):
    ...     waiting.add(Turn(weight, number))
    >>> [waiting.take(0.0, ()).weight for _ in range(3)], waiting.take(0.0, ())
    ([3.0, 2.0, 1.0], None)
    """

    def __init__(self) -> None:
        self._ready: list[Job] = []
        """A heap."""
        self._later: list[Job] = []
        self._alone: list[Job] = []

    def __len__(self) -> int:
        return self.beside + len(self._alone)

    @property
    def beside(self) -> int:
        """Number of those that may run beside others."""
        return len(self._ready) + len(self._later)

    def add(self, job: Job) -> None:
        """Let a job wait."""
        if job.alone:
            self._alone.append(job)
        elif job.ready_s > 0:
            self._later.append(job)
        else:
            heapq.heappush(self._ready, job)

    def take(self, now_s: float, running: Iterable[Job]) -> Job | None:
        """Take the job to be begun now, if there is one, for a worker that is free.

        Args:
            now_s: the time.
            running: the jobs that run.
        """
        running = list(running)
        if any(job.alone for job in running):
            return None
        for job in [job for job in self._later if job.ready_s <= now_s]:
            self._later.remove(job)
            heapq.heappush(self._ready, job)
        if self._ready:
            return heapq.heappop(self._ready)
        if self._alone and not self._later and not running and self._alone[0].ready_s <= now_s:
            return self._alone.pop(0)
        return None

    def clear(self) -> list[Job]:
        """Take all."""
        left = [*self._ready, *self._later, *self._alone]
        for jobs in (self._ready, self._later, self._alone):
            jobs.clear()
        return left
