"""The model in PyTorch, as it is: what every other way to run it must equal, and what a GPU runs."""

from __future__ import annotations

import copy
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from demucs.apply import BagOfModels


class Eager:
    """Runs the models of a bag, in batches.

    Threads may share it. On a GPU each batch at work has a stream and pinned memory of its own: while one is computed
    another is copied.

    Args:
        bag: moved to the device.
        device: "cpu", "cuda", "cuda:1".
        precision: "fp32", or "bf16" or "fp16" (autocast). What is not finite in these is computed again in fp32.
        compiled: whether PyTorch compiles the models at their first batch.
    """

    def __init__(self, bag: BagOfModels, device: str, precision: str, compiled: bool = False) -> None:
        import torch

        # The fused encoder layer multiplies its attention out; without it torch takes flash attention: a quarter less
        # time for a segment on a CPU, the same stems to -130 dBFS (tools/benches/separation.py).
        torch.backends.mha.set_fastpath_enabled(False)
        self._device = torch.device(device)
        self._bag = bag.to(self._device).eval()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)  # the streams of batches do not wait for the one that copied it
        self._dtype = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        for model in self._bag.models:
            _keep_single(model)
        models: Any = self._bag.models
        self._models = [torch.compile(model, dynamic=False) if compiled else model for model in models]
        self._lanes: deque[_Lane] = deque()

    def __call__(self, number: int, batch: torch.Tensor) -> torch.Tensor:
        """Separate a batch: see `mixprior.pipeline.separation.batches.Runner`."""
        import torch

        if self._device.type == "cpu":
            torch.set_num_threads(1)
            return self._apply(number, batch)
        try:
            lane = self._lanes.popleft()
        except IndexError:
            lane = _Lane(self._device)
        try:
            with torch.cuda.stream(lane.stream):
                return lane.back(self._apply(number, lane.there(batch)))
        finally:
            lane.stream.synchronize()  # after an error, too: its memory is used again
            self._lanes.append(lane)

    def on_cpu(self) -> Eager:
        """Return the same on the CPU, in single precision."""
        return Eager(copy.deepcopy(self._bag), "cpu", "fp32")

    def _apply(self, number: int, batch: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.inference_mode():
            if self._dtype is None:
                return self._computed(number, batch)
            with torch.autocast(self._device.type, self._dtype):
                stems = self._computed(number, batch)
            # fp16 ends at 65,504. Other segments of the batch stay: a song must not depend on those of others.
            beyond = ~stems.isfinite().flatten(1).all(1) & batch.isfinite().flatten(1).all(1)
            if beyond.any():
                stems[beyond] = self._computed(number, batch)[beyond]
            return stems

    def _computed(self, number: int, batch: torch.Tensor) -> torch.Tensor:
        stems: torch.Tensor = self._models[number](batch)
        return stems.float()


class _Lane:
    """A stream of a GPU, and the memory through which a batch goes there and back."""

    def __init__(self, device: torch.device) -> None:
        import torch

        self.stream = torch.cuda.Stream(device)
        self._device = device
        self._pinned: dict[tuple[int, ...], torch.Tensor] = {}

    def there(self, batch: torch.Tensor) -> torch.Tensor:
        return self._memory(batch).copy_(batch).to(self._device, non_blocking=True)

    def back(self, stems: torch.Tensor) -> torch.Tensor:
        pinned = self._memory(stems).copy_(stems, non_blocking=True)
        self.stream.synchronize()
        return pinned.clone()

    def _memory(self, like: torch.Tensor) -> torch.Tensor:
        import torch

        shape = tuple(like.size())
        if shape not in self._pinned:
            self._pinned[shape] = torch.empty(like.size(), pin_memory=True)
        return self._pinned[shape]


def _keep_single(model: Any) -> None:
    """Have the branches of the last frequency decoder computed in single precision.

    In bfloat16 they alone shift the level of the drums of a song by 0.1 dB.
    """
    decoders: Any = getattr(model, "decoder", None)
    branches = getattr(decoders[-1], "dconv", None) if decoders else None
    if branches is not None and not isinstance(branches, _Single):
        # The class changes: names of weights stay, and a copy of the model is changed, too.
        branches.__class__ = type("Single", (_Single, type(branches)), {})


class _Single:
    """A module that computes in single precision, whatever is around it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        import torch

        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())  # type: ignore[misc, no-any-return]
