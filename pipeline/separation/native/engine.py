"""Runs the models of a bag by the native engine, where it knows them and this processor."""

from __future__ import annotations

import ctypes
import inspect
import logging
from collections import deque
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixprior.pipeline.separation.native import kinds, weights

if TYPE_CHECKING:
    import torch
    from demucs.apply import BagOfModels

_log = logging.getLogger(__name__)
_FREE = {"sources", "samplerate", "segment", "freq_emb", "emb_scale", "emb_smooth", "dconv_init", "rescale"}
_FREE |= {"t_dropout", "t_weight_decay", "t_lr", "t_sin_random_shift", "t_max_period", "t_max_positions", "dconv_mode"}
"""Arguments of HTDemucs that the engine does not depend on, or reads from the model."""
_KNOWN = {"bottom_channels": 512}
"""Arguments that must differ from Demucs' defaults; all others must be as these."""


def is_known(model: Any) -> bool:
    """Whether the engine computes this model: HTDemucs with four stems, of any weights."""
    from demucs.htdemucs import HTDemucs

    given = getattr(model, "_init_args_kwargs", None)
    if type(model) is not HTDemucs or given is None or len(model.sources) != 4 or model.samplerate != 44_100:
        return False
    signature = inspect.signature(HTDemucs)
    arguments = signature.bind(*given[0], **given[1])
    arguments.apply_defaults()
    wanted = {name: _KNOWN.get(name, each.default) for name, each in signature.parameters.items() if name not in _FREE}
    both = all(hasattr(layer, "dconv") for layer in (*model.encoder, *model.decoder))
    return both and {name: arguments.arguments[name] for name in wanted} == wanted


class Native:
    """A `mixprior.pipeline.separation.batches.Runner` without PyTorch: one thread a segment, any number at a time.

    Each thread at work has arrays of its own (some 220 MB in bfloat16, 420 MB in single precision); weights are shared.

    Args:
        bag: of models that `is_known`, on the CPU.
        kind: of this processor.
        path: its library.

    Raises:
        OSError: if the library cannot be loaded, or takes weights in another arrangement.
    """

    def __init__(self, bag: BagOfModels, kind: kinds.Kind, path: Path) -> None:
        self._library = _loaded(path)
        self._packing = weights.Packing(kind.precision == "bf16", kind.depth)
        models: Any = bag.models
        self._samples = [int(model.segment * model.samplerate) for model in models]
        pairs = zip(models, self._samples, strict=True)
        self._models = [weights.pack(model, samples, self._packing) for model, samples in pairs]
        self._idle: dict[int, deque[_Engine]] = {samples: deque() for samples in self._samples}
        self.kind = kind

    def begin(self) -> None:
        """Allocate the arrays of a first thread.

        Raises:
            MemoryError: if there is no memory for them, or no leave to use the processor's tiles.
        """
        for samples, idle in self._idle.items():
            idle.append(_Engine(self._library, samples))

    def __call__(self, number: int, batch: torch.Tensor) -> torch.Tensor:
        """Separate a batch, segment by segment.

        Raises:
            ValueError: if a segment is longer than the model takes, or not finite.
            MemoryError: if there is no memory for the arrays.
        """
        import torch

        samples, length = self._samples[number], batch.shape[-1]
        if length > samples:
            raise ValueError(f"a segment of {length} samples: the model takes {samples}")
        if not torch.isfinite(batch).all():
            raise ValueError("a segment has values that are not finite numbers")
        padded = torch.nn.functional.pad(batch.float(), (0, samples - length)).contiguous()
        stems = torch.empty(len(batch), 4, 2, samples)
        for segment, out in zip(padded, stems, strict=True):
            self._separate(number, segment, out)
        return stems[..., :length]

    def _separate(self, number: int, segment: torch.Tensor, out: torch.Tensor) -> None:
        import torch

        idle = self._idle[self._samples[number]]
        try:
            engine = idle.popleft()
        except IndexError:
            engine = _Engine(self._library, self._samples[number])
        self._library.engine_separate(
            engine.address, ctypes.byref(self._models[number]), segment.data_ptr(), out.data_ptr()
        )
        if torch.isfinite(out).all():  # else its arrays may hold what is no number
            idle.append(engine)


class _Engine:
    """The arrays of one thread."""

    def __init__(self, library: Any, samples: int) -> None:
        self._library = library
        self.address = library.engine_new(samples)
        if not self.address:
            raise MemoryError("no memory for the arrays of the native engine")

    def __del__(self) -> None:
        if getattr(self, "address", None):
            self._library.engine_free(self.address)


@lru_cache
def _loaded(path: Path) -> Any:
    library = ctypes.CDLL(str(path))
    if not hasattr(library, "engine_layout") or library.engine_layout() != weights.LAYOUT:
        raise OSError(f"{path} takes weights in another arrangement: install mixprior again")
    library.engine_new.argtypes, library.engine_new.restype = [ctypes.c_long], ctypes.c_void_p
    library.engine_free.argtypes, library.engine_free.restype = [ctypes.c_void_p], None
    library.engine_separate.argtypes, library.engine_separate.restype = [ctypes.c_void_p] * 4, None
    return library


def of(bag: BagOfModels, precision: str) -> Native | None:
    """Return the engine for these models, or None where PyTorch is to run them: see `reason`."""
    kind = kinds.here(precision)
    path = kind and kinds.library(kind)
    if kind is None or path is None or not all(map(is_known, bag.models)):
        return None
    try:
        native = Native(bag, kind, path)
        native.begin()  # the system may refuse its tiles
    except (OSError, MemoryError) as error:
        _log.warning("PyTorch separates, and not the native engine: %s", error)
        return None
    return native


def reason(precision: str) -> str:
    """Return in words which way separation takes on this machine, for models that the engine knows, and why."""
    kind = kinds.here(precision)
    path = kind and kinds.library(kind)
    if kind is not None and path is not None:
        try:
            _loaded(path)
        except OSError as error:
            return f"PyTorch, fp32: {error}"
        return f"native engine, {kind.name}, {precision}"
    if kinds.chosen(precision, *kinds.machine()):
        return "PyTorch, fp32: the native engine is not built; install a C compiler and mixprior again"
    return "PyTorch, fp32: the native engine is not for this processor"
