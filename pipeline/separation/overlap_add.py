"""Separation in windows: a song in blocks in, its stems in blocks out, as `demucs.apply.apply_model` does on the whole.

Only the segments at work are in memory. Segments, their order, and the triangles by which neighbours are joined are
those of Demucs' `apply_model` with `split=True` and `shifts=0`, so that the stems are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from demucs.apply import BagOfModels, Model

RunSegment = Callable[["Model", Any], "torch.Tensor"]
"""Applies a model to a chunk of the song (`demucs.apply.TensorChunk`): shape (1, stems, channels, samples)."""


def stems(
    bag: BagOfModels, blocks: Iterable[torch.Tensor], overlap: float, segment_s: float | None, run: RunSegment
) -> Iterator[torch.Tensor]:
    """Separate a song that comes in blocks.

    Args:
        bag: models of which the estimates are averaged, by the weights of each stem.
        blocks: float32, shape (channels, samples), normalised.
        overlap: share of a segment that the next one overlaps.
        segment_s: length of the segments; None takes that of each model.
        run: applies a model to a segment.

    Yields:
        Float32, shape (stems, channels, samples), on the CPU: as many samples in all as the blocks have.
    """
    import torch

    models: Any = bag.models
    windows = [_Windows(model, overlap, segment_s, run) for model in models]
    totals = [sum(weights[k] for weights in bag.weights) for k in range(len(bag.sources))]
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


def _then_none(blocks: Iterable[torch.Tensor]) -> Iterator[torch.Tensor | None]:
    yield from blocks
    yield None


class _Windows:
    """One model that moves over a song: what it has heard and needs again, what it has said and is not finished."""

    def __init__(self, model: Model, overlap: float, segment_s: float | None, run: RunSegment) -> None:
        import torch

        self._model, self._run = model, run
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
            self._separate()
            self._next += self._stride
        if block is None:
            self._next = end
        kept = min(max(0, self._next - self._length - self._beyond - self._heard_from), self._heard.shape[-1])
        self._heard, self._heard_from = self._heard[..., kept:].clone(), self._heard_from + kept

    @property
    def ready(self) -> int:
        """Samples that no later segment changes and that are not taken yet."""
        return min(self._next - self._taken, self._sum.shape[-1])

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

    def _separate(self) -> None:
        import torch
        from demucs.apply import TensorChunk

        chunk = TensorChunk(self._heard, self._next - self._heard_from, self._length)
        estimate = self._run(self._model, chunk)
        samples = estimate.shape[-1]
        weight = self._weight.to(estimate.device)[:samples]
        missing = self._next + samples - self._taken - self._weights.shape[0]
        if missing > 0:
            self._sum = torch.nn.functional.pad(self._sum, (0, missing))
            self._weights = torch.nn.functional.pad(self._weights, (0, missing))
        place = slice(self._next - self._taken, self._next - self._taken + samples)
        self._sum[..., place] += (weight * estimate).to(self._sum.device)
        self._weights[place] += self._weight[:samples]
