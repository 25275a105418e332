"""Separation in windows: a song in blocks in, its stems in blocks out, as `demucs.apply.apply_model` does on the whole.

Only the segments at work are in memory. Segments, their order, and the triangles by which neighbours are joined are
those of Demucs' `apply_model` with `split=True` and `shifts=0`, so that the stems are equal to the last bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from demucs.apply import BagOfModels


class Segments(Protocol):
    """Separates segments: `mixprior.pipeline.separation.batches.Batches`, or one elsewhere."""

    @property
    def ahead(self) -> int:
        """Segments that a song submits before it waits for the first."""

    def submit(self, model: int, segment: torch.Tensor) -> Future[torch.Tensor]:
        """Have a segment, (channels, samples), separated by the model of that number: (stems, channels, samples)."""


def stems(
    bag: BagOfModels,
    blocks: Iterable[torch.Tensor],
    overlap: float,
    segment_s: float | None,
    segments: Segments,
    separated: Callable[[], object] = lambda: None,
) -> Iterator[torch.Tensor]:
    """Separate a song that comes in blocks.

    Args:
        bag: models of which the estimates are averaged, by the weights of each stem.
        blocks: float32, shape (channels, samples), normalised.
        overlap: share of a segment that the next one overlaps.
        segment_s: length of the segments; None takes that of each model.
        segments: separates them; they are added in their order, whenever they come.
        separated: called after each segment.

    Yields:
        Float32, shape (stems, channels, samples), on the CPU: as many samples in all as the blocks have.
    """
    import torch

    windows = [_Windows(bag, number, overlap, segment_s, segments, separated) for number in range(len(bag.models))]
    totals = [sum(weights[k] for weights in bag.weights) for k in range(len(bag.sources))]
    try:
        for block in _then_none(blocks):
            for window in windows:
                window.add(block)
            ready = min(window.ready for window in windows)
            if not ready:
                continue
            estimates: Any = 0.0
            for window, weights in zip(windows, bag.weights, strict=True):
                out = window.take(ready)
                for k, weight in enumerate(weights):
                    out[k] *= weight
                estimates = estimates + out
            for k, total in enumerate(totals):
                estimates[k] /= total
            assert isinstance(estimates, torch.Tensor)
            yield estimates
    finally:
        for window in windows:
            window.cancel()


def _then_none(blocks: Iterable[torch.Tensor]) -> Iterator[torch.Tensor | None]:
    yield from blocks
    yield None


class _Windows:
    """One model that moves over a song: what it has heard and needs again, what it has said and is not finished."""

    def __init__(
        self,
        bag: BagOfModels,
        number: int,
        overlap: float,
        segment_s: float | None,
        segments: Segments,
        separated: Callable[[], object],
    ) -> None:
        import torch

        models: Any = bag.models
        model = models[number]
        self._model, self._number, self._segments, self._separated = model, number, segments, separated
        self._segment_s = segment_s
        self._at_work: deque[tuple[int, int, Future[torch.Tensor]]] = deque()
        """Where each begins, its length, and its stems."""
        length = int(model.samplerate * (model.segment if segment_s is None else segment_s))
        self._length, self._stride = length, int((1 - overlap) * length)
        rising = torch.arange(1, length // 2 + 1), torch.arange(length - length // 2, 0, -1)
        weight = torch.cat(rising)
        self._weight = (weight / weight.max()) ** 1.0
        self._heard, self._heard_from = torch.zeros(1, model.audio_channels, 0), 0
        self._next = 0  # where the next segment begins
        self._sum = torch.zeros(1, len(model.sources), model.audio_channels, 0)
        self._weights, self._taken = torch.zeros(0), 0

    def add(self, block: torch.Tensor | None) -> None:
        """Hear a block and separate the segments that are whole; None ends the song."""
        import torch

        if block is not None:
            self._heard = torch.cat([self._heard, block[None]], dim=-1)
        end = self._heard_from + self._heard.shape[-1]
        # A model that takes more than a segment reads on into the next.
        needed = self._length + self._beyond
        while self._next < end and (block is None or self._next + needed <= end):
            self._submit(min(self._length, end - self._next))
            self._next += self._stride
            self._add_all_but(self._segments.ahead)
        if block is None:
            self._next = end
            self._add_all_but(0)
        kept = min(max(0, self._next - self._length - self._beyond - self._heard_from), self._heard.shape[-1])
        self._heard, self._heard_from = self._heard[..., kept:].clone(), self._heard_from + kept

    @property
    def ready(self) -> int:
        """Samples that no later segment changes and that are not taken yet."""
        final = self._at_work[0][0] if self._at_work else self._next
        return min(final - self._taken, self._sum.shape[-1])

    def cancel(self) -> None:
        """Let go of the segments that are at work."""
        for _, _, stems in self._at_work:
            stems.cancel()

    def take(self, samples: int) -> torch.Tensor:
        """Return what is ready: shape (stems, channels, samples)."""
        out = self._sum[..., :samples] / self._weights[:samples]
        self._sum, self._weights = self._sum[..., samples:].clone(), self._weights[samples:].clone()
        self._taken += samples
        return out[0]

    @property
    def _beyond(self) -> int:
        valid_length: Any = getattr(self._model, "valid_length", None)
        return 0 if valid_length is None else max(0, int(valid_length(self._length)) - self._length)

    def _submit(self, samples: int) -> None:
        from demucs.apply import TensorChunk

        valid = samples
        if self._segment_s is not None and hasattr(self._model, "use_train_segment"):
            valid = self._length
        elif (valid_length := getattr(self._model, "valid_length", None)) is not None:
            valid = int(valid_length(samples))
        segment = TensorChunk(self._heard, self._next - self._heard_from, samples).padded(valid)[0]
        self._at_work.append((self._next, samples, self._segments.submit(self._number, segment)))

    def _add_all_but(self, most: int) -> None:
        """Add the oldest segments until so many are at work."""
        import torch
        from demucs.utils import center_trim

        while len(self._at_work) > most:
            begin, samples, at_work = self._at_work[0]
            estimate = center_trim(at_work.result(), samples)
            self._at_work.popleft()
            missing = begin + samples - self._taken - self._weights.shape[0]
            if missing > 0:
                self._sum = torch.nn.functional.pad(self._sum, (0, missing))
                self._weights = torch.nn.functional.pad(self._weights, (0, missing))
            place = slice(begin - self._taken, begin - self._taken + samples)
            self._sum[..., place] += self._weight[:samples] * estimate
            self._weights[place] += self._weight[:samples]
            self._separated()
