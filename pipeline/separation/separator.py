"""Separation: a song in, its stems out, by one Demucs model that each process keeps loaded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mixprior.pipeline.separation import model_store
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.store.records import InputError, SongError
from mixprior.stats.statistic import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import torch
    from demucs.apply import BagOfModels

_log = logging.getLogger(__name__)
_loading = threading.Lock()

Progress = Callable[[int, int], None]
"""Called with the number of segments that are separated, and how many there are."""


@dataclass(frozen=True)
class SeparationSettings:
    """How to separate.

    Attributes:
        model: name of the model, see `mixprior.pipeline.separation.model_store`.
        model_repo: folder with the model; None searches $MIXPRIOR_MODEL_REPO, the cache, then downloads it.
        weights_sha256: digest that the model's weights must have; "" accepts those of the store.
        device: "cpu", "cuda", "cuda:1"; "auto" takes CUDA where there is one.
        precision: "fp32" or "bf16" (autocast: over twice as fast, levels of audible stems within 0.01 dB);
            "auto" takes bf16 on CUDA, and on a CPU that has instructions for it.
        overlap: share of a segment that the next one overlaps, 0 up to but not including 1.
        segment_s: length of the segments in seconds; None takes the model's own, which is also the most.
        threads: CPU threads for one song. Two processes of one thread beat one of two.

    Raises:
        InputError: if a value is out of range.
    """

    model: str = model_store.DEFAULT_MODEL
    model_repo: str | None = None
    weights_sha256: str = ""
    device: str = "auto"
    precision: str = "auto"
    overlap: float = 0.25
    segment_s: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.precision not in ("auto", "fp32", "bf16"):
            raise InputError(f"precision {self.precision} is not known: auto, fp32 or bf16")
        if not 0 <= self.overlap < 1:
            raise InputError(f"overlap {self.overlap:g} is out of range: 0 up to, not including, 1")
        if self.segment_s is not None and self.segment_s <= 0:
            raise InputError(f"segments of {self.segment_s:g} s: must be longer than 0")
        if self.threads < 1:
            raise InputError(f"{self.threads} threads: at least 1")

    def resolved(self) -> SeparationSettings:
        """The same with device and precision as "auto" chooses them on this machine.

        Raises:
            InputError: if the device is not available.
        """
        device = _device(self.device)
        precision = self.precision
        if precision == "auto":
            precision = "bf16" if device.type == "cuda" or _cpu_has_bf16() else "fp32"
        return replace(self, device=str(device), precision=precision)


class Separator:
    """A loaded model. Threads may share it; it separates one song at a time.

    Args:
        model: a model of Demucs, on the CPU.
        settings: resolved settings.

    Raises:
        InputError: if the model is not for stereo songs at 44.1 kHz, has no vocals, or cannot take such segments.
    """

    def __init__(self, model: BagOfModels, settings: SeparationSettings) -> None:
        if (model.samplerate, model.audio_channels) != (SAMPLE_RATE_HZ, 2) or "vocals" not in model.sources:
            raise InputError(f"model {settings.model} does not separate vocals from stereo songs at 44.1 kHz")
        if settings.segment_s is not None and settings.segment_s > model.max_allowed_segment:
            raise InputError(f"segments of {settings.segment_s:g} s: the model takes {model.max_allowed_segment:g} s")
        self.settings = settings
        self._model = model.to(settings.device)
        self._one_song = threading.Lock()

    def separate(self, audio: np.ndarray, progress: Progress | None = None) -> dict[str, np.ndarray]:
        """Separate a song. The same audio gives the same bytes on the same machine.

        Args:
            audio: float32, shape (2, samples), 44.1 kHz.
            progress: called after each segment; what it raises ends the separation, wrapped in a `SongError`.

        Returns:
            Stems by name, float32, of the shape of `audio`. They need not sum to it.

        Raises:
            SongError: of stage "separate", if it fails for any reason.
        """
        if audio.ndim != 2 or audio.shape[0] != 2 or audio.shape[1] == 0:
            raise SongError("separate", f"audio of shape {audio.shape} cannot be separated: give (2, samples)")
        try:
            with self._one_song:
                stems = self._separate(audio, progress)
        except Exception as error:  # a song that fails, for whatever reason, must not end the run
            reason = str(error).strip().partition("\n")[0]
            raise SongError("separate", f"the model failed: {type(error).__name__}: {reason}") from error
        if not np.isfinite(stems).all():
            raise SongError("separate", "the model gave values that are not finite numbers")
        return dict(zip(self._model.sources, stems, strict=True))

    def _separate(self, audio: np.ndarray, progress: Progress | None) -> np.ndarray:
        """Stems of shape (stem, 2, samples), normalised as `demucs.api.Separator.separate_tensor` does."""
        import torch

        if not audio.any():  # has no level to normalise to
            return np.zeros((len(self._model.sources), *audio.shape), np.float32)
        torch.set_num_threads(self.settings.threads)
        # The fused encoder layer multiplies its attention out; without it torch takes flash attention: a quarter less
        # time for a segment on a CPU, the same stems to -130 dBFS (tools/benches/separation.py).
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.inference_mode():
            song = torch.from_numpy(np.ascontiguousarray(audio, np.float32))
            mono = song.mean(0)
            mean, scale = mono.mean(), mono.std(correction=min(1, len(mono) - 1)) + 1e-8
            normalised = ((song - mean) / scale)[None]
            try:
                estimate = self._apply(normalised, self.settings.device, progress)
            except torch.OutOfMemoryError:
                estimate = None
            if estimate is None:  # out of the handler, whose traceback would keep the device's memory in use
                _log.warning("%s has too little memory for this song: separating it on the CPU", self.settings.device)
                estimate = self._apply(normalised, "cpu", progress)
            return (estimate[0] * scale + mean).numpy()

    def _apply(self, song: torch.Tensor, device: str, progress: Progress | None) -> torch.Tensor:
        """The model on a batch of one; only segments travel to the device, the song and the stems stay on the CPU."""
        import torch
        from demucs.apply import apply_model

        bf16 = self.settings.precision == "bf16"
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
            # shifts=0: a shift is random, and would make every run another.
            return apply_model(
                self._model,
                song,
                shifts=0,
                split=True,
                overlap=self.settings.overlap,
                segment=self.settings.segment_s,
                device=device,
                callback=None if progress is None else _Counter(progress, self._segments(song.shape[-1])),
            )

    def _segments(self, samples: int) -> int:
        """How many segments `apply_model` computes for a song, over all models of the bag."""
        total = 0
        for model in self._model.models:
            segment_s: Any = self.settings.segment_s or model.segment
            length = int(SAMPLE_RATE_HZ * segment_s)
            total += len(range(0, samples, int((1 - self.settings.overlap) * length)))
        return total


class _Counter:
    """Demucs' callback, which it calls at the start and at the end of each segment."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, event: dict[str, Any]) -> None:
        if event["state"] == "end":
            self._done += 1
            self._progress(self._done, self._total)


def load(settings: SeparationSettings) -> Separator:
    """The separator for these settings, kept loaded until other settings are used.

    Raises:
        InputError: if the model or the device is not available, or the weights do not have the digest of the settings.
    """
    with _loading:
        return _warm(settings)


@lru_cache(maxsize=1)
def _warm(settings: SeparationSettings) -> Separator:
    files = model_store.resolve(settings.model, settings.model_repo)
    weights_sha256 = settings.weights_sha256 or files.weights_sha256
    model = ModelFolder(files.folder, files.name).load(weights_sha256, files.arguments_sha256)
    return Separator(model, settings.resolved())


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {name} is not available: {str(error).partition(chr(10))[0]}") from None
    return device


def _cpu_has_bf16() -> bool:
    """Whether the CPU computes in bfloat16 itself; where it only emulates it, single precision is faster."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and bool({"avx512_bf16", "amx_bf16"} & set(cpuinfo.read_text().split()))
