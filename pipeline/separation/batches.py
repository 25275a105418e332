"""Segments in, stems out: segments of all songs at work go through a model together, in batches of one size."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

Runner = Callable[[int, "torch.Tensor"], "torch.Tensor"]
"""Applies the model of that number in the bag to float32 of shape (batch, channels, samples), on the CPU, normalised;
returns float32 of shape (batch, stems, channels, samples), on the CPU. Threads call it at the same time."""


@dataclass(eq=False)
class _Segment:
    model: int
    audio: torch.Tensor
    stems: Future[torch.Tensor] = field(default_factory=Future)

    def goes_with(self, other: _Segment) -> bool:
        return (self.model, self.audio.shape) == (other.model, other.audio.shape)


class Batches:
    """A bounded queue of segments, and threads that take them to a model. Threads may share it.

    A batch that is not full is filled up with silence: a segment has the same stems, alone or among others. One that
    the device has too little memory for is halved, and so are all that follow; where a single segment is too much,
    `rescue` takes it. Threads live while segments wait.

    Args:
        run: the model.
        size: segments in a batch.
        threads: returns how many batches may be at work at the same time; asked before each.
        rescue: takes single segments for which the device has too little memory; None lets them fail.
        most_waiting: segments that wait; `submit` blocks while there are as many.

    >>> import torch
    >>> batches = Batches(lambda _, batch: torch.stack([batch, -batch], 1), size=4)
    >>> batches.submit(0, torch.ones(2, 3)).result()[:, 0].tolist()
    [[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]
    """

    def __init__(
        self,
        run: Runner,
        size: int = 1,
        threads: Callable[[], int] = lambda: 1,
        rescue: Runner | None = None,
        most_waiting: int = 4096,
    ) -> None:
        self.size = size
        self._run, self._threads, self._rescue, self._most_waiting = run, threads, rescue, most_waiting
        self._changed = threading.Condition()
        self._waiting: deque[_Segment] = deque()
        self._working = 0
        self._has_warned = False

    @property
    def ahead(self) -> int:
        """Segments that a song submits before it waits for the first, so that no thread is idle.

        With one thread there are none: decoding, measuring and separating take turns, on one core.
        """
        together = self.size * self._threads()
        return 0 if together == 1 else together + self.size

    def submit(self, model: int, segment: torch.Tensor) -> Future[torch.Tensor]:
        """Have a segment separated; block while too many wait.

        Args:
            model: its number in the bag.
            segment: float32, shape (channels, samples), not to be changed meanwhile.

        Returns:
            A future of the stems, float32 of shape (stems, channels, samples). It raises what the model raised, and may
            be cancelled.
        """
        new = _Segment(model, segment)
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < self._most_waiting)
            self._waiting.append(new)
            if self._working < self._threads():
                self._working += 1
                threading.Thread(target=self._work, name="separation", daemon=True).start()
        return new.stems

    def _work(self) -> None:
        while True:
            batch, size = self._next()
            if not batch:
                return
            self._carry_out(batch, size)

    def _next(self) -> tuple[list[_Segment], int]:
        """Take the oldest segment, and those that may go with it; none where this thread is not needed any more."""
        with self._changed:
            batch: list[_Segment] = []
            left: list[_Segment] = []
            is_needed = self._working <= max(1, self._threads())
            while is_needed and self._waiting and len(batch) < self.size:
                each = self._waiting.popleft()
                if batch and not each.goes_with(batch[0]):
                    left.append(each)
                elif each.stems.running() or each.stems.set_running_or_notify_cancel():
                    batch.append(each)
            self._waiting.extendleft(reversed(left))
            self._changed.notify_all()
            if not batch:
                self._working -= 1
            return batch, self.size

    def _carry_out(self, batch: list[_Segment], size: int) -> None:
        import torch

        failure = None
        try:
            self._hand_out(batch, size, self._run)
        except torch.OutOfMemoryError:
            is_too_much = True
        except Exception as error:
            is_too_much, failure = False, error
        else:
            return
        # Out of the handlers: the traceback of the error keeps the device's memory in use.
        if is_too_much and size > 1:
            self._halve(batch, size)
        elif is_too_much:
            self._save(batch[0])
        elif len(batch) > 1:  # what is wrong with one song is no matter of the others
            for each in batch:
                self._carry_out([each], size)
        else:
            batch[0].stems.set_exception(failure)

    def _hand_out(self, batch: list[_Segment], size: int, run: Runner) -> None:
        import torch

        audio = torch.stack([each.audio for each in batch])
        if size > len(batch):
            audio = torch.cat([audio, torch.zeros(size - len(batch), *audio.shape[1:])])
        stems = run(batch[0].model, audio)
        for k, each in enumerate(batch):
            each.stems.set_result(stems[k])

    def _halve(self, batch: list[_Segment], size: int) -> None:
        with self._changed:
            self.size = min(self.size, size // 2)
            _log.warning("the device has too little memory: %d segments at a time from now on", self.size)
            self._waiting.extendleft(reversed(batch))

    def _save(self, segment: _Segment) -> None:
        import torch

        if self._rescue is None:
            segment.stems.set_exception(torch.OutOfMemoryError("too little memory for one segment"))
            return
        if not self._has_warned:
            self._has_warned = True
            _log.warning("the device has too little memory for one segment: separating on the CPU")
        try:
            self._hand_out([segment], 1, self._rescue)
        except Exception as error:
            segment.stems.set_exception(error)
