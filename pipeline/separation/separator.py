"""Separation: a song in, its stems out, by one Demucs model that each process keeps loaded."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mixprior.pipeline.separation import model_store, overlap_add
from mixprior.pipeline.separation.batches import Batches
from mixprior.pipeline.separation.eager import Eager
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.separation.native import engine, kinds
from mixprior.pipeline.separation.overlap_add import Segments
from mixprior.pipeline.separation.remote import Remote
from mixprior.pipeline.song import cores
from mixprior.pipeline.store.records import InputError, SongError
from mixprior.stats.statistic import MIXTURE, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import torch
    from demucs.apply import BagOfModels

_log = logging.getLogger(__name__)
_loading = threading.Lock()

_BLOCK_SAMPLES = 1 << 18
_CUDA_BATCH = 8
_WHOLE_S = 20 * 60  # the longest song of which the level is taken as Demucs takes it

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
        precision: "fp32", or "bf16" (faster: docs/performance.md), or, on CUDA, "fp16"; "auto" takes fp16 on CUDA, and
            bf16 on a CPU whose native engine has it. Models that the engine does not know are computed in fp32 on a
            CPU, whatever is asked.
        overlap: share of a segment that the next one overlaps, 0 up to but not including 1.
        segment_s: length of the segments in seconds; None takes the model's own, which is also the most.
        threads: segments that a CPU separates at the same time; None takes as many as this process has cores. The stems
            do not depend on it.
        batch: segments that go through the model together, of whatever songs; None takes 8 on CUDA, 1 on a CPU.
        compiled: whether PyTorch compiles the model when it is first run: takes minutes, and no test runs it.
        server: socket of the process that owns the device (`mixprior.pipeline.song.device`); None: this one does.

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
    threads: int | None = None
    batch: int | None = None
    compiled: bool = False
    server: str | None = None

    def __post_init__(self) -> None:
        if self.precision not in ("auto", "fp32", "bf16", "fp16"):
            raise InputError(f"precision {self.precision} is not known: auto, fp32, bf16 or fp16")
        if not 0 <= self.overlap < 1:
            raise InputError(f"overlap {self.overlap:g} is out of range: 0 up to, not including, 1")
        if self.segment_s is not None and self.segment_s <= 0:
            raise InputError(f"segments of {self.segment_s:g} s: must be longer than 0")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"{self.threads} threads: at least 1")
        if self.batch is not None and self.batch < 1:
            raise InputError(f"batches of {self.batch}: at least 1")

    def resolved(self) -> SeparationSettings:
        """The same with device, precision and batch as they are chosen on this machine.

        Raises:
            InputError: if the device is not available, or slow in what is asked of it.
        """
        device = _device(self.device)
        precision = self.precision
        if precision == "auto":
            precision = "fp16" if device.startswith("cuda") else "bf16" if kinds.here("bf16") else "fp32"
        is_cpu = not device.startswith("cuda")
        batch = self.batch or (1 if is_cpu else _CUDA_BATCH)
        if is_cpu and precision == "fp16":
            raise InputError("fp16 is for CUDA: on a CPU take bf16 or fp32")
        return replace(self, device=device, precision=precision, batch=batch)


class Separator:
    """A loaded model. Threads may share it: segments of their songs then go in the same batches.

    Args:
        model: a model of Demucs, on the CPU.
        settings: resolved settings.
        segments: separates the segments.

    Raises:
        InputError: if the model is not for stereo songs at 44.1 kHz, has no vocals, or cannot take such segments.
    """

    def __init__(self, model: BagOfModels, settings: SeparationSettings, segments: Segments) -> None:
        if (model.samplerate, model.audio_channels) != (SAMPLE_RATE_HZ, 2) or "vocals" not in model.sources:
            raise InputError(f"model {settings.model} does not separate vocals from stereo songs at 44.1 kHz")
        if settings.segment_s is not None and settings.segment_s > model.max_allowed_segment:
            raise InputError(f"segments of {settings.segment_s:g} s: the model takes {model.max_allowed_segment:g} s")
        self.settings = settings
        self._model = model
        self.segments = segments

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
        stems = {name: np.empty(audio.shape, np.float32) for name in self._model.sources}
        edges = range(0, audio.shape[1], _BLOCK_SAMPLES)
        done = 0
        for piece in self.separate_blocks(lambda: (audio[:, k : k + _BLOCK_SAMPLES] for k in edges), None, progress):
            samples = piece[MIXTURE].shape[1]
            for name, stem in stems.items():
                stem[:, done : done + samples] = piece[name]
            done += samples
        return stems

    def separate_blocks(
        self,
        blocks: Callable[[], Iterator[np.ndarray]],
        begun: Callable[[float], object] | None = None,
        progress: Progress | None = None,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Separate a song that comes in blocks: the stems of `separate`, in memory that does not grow with the song.

        The blocks are read twice, as the model takes a song at its own level. Up to 20 minutes that level is, to the
        last bit, what Demucs takes of the whole; of a longer song it is summed in double precision.

        Args:
            blocks: begins with the first block when called: float32, shape (2, samples), 44.1 kHz.
            begun: called with the length in seconds before the first segment.
            progress: as `separate` has it.

        Yields:
            Float32 of shape (2, samples) by name: the stems, and the song itself as "mixture".

        Raises:
            SongError: of stage "separate", if it fails for any reason; and what `blocks` raises.
        """
        try:
            level = _Level()
            for block in blocks():
                level.add(block)
            if begun is not None:
                begun(level.samples / SAMPLE_RATE_HZ)
            for piece in self._pieces(blocks, level, progress):
                if not all(np.isfinite(audio).all() for audio in piece.values()):
                    raise SongError("separate", "the model gave values that are not finite numbers")
                yield piece
        except (SongError, InputError):
            raise
        except Exception as error:  # a song that fails, for whatever reason, must not end the run
            reason = str(error).strip().partition("\n")[0]
            raise SongError("separate", f"the model failed: {type(error).__name__}: {reason}") from error

    def _pieces(
        self, blocks: Callable[[], Iterator[np.ndarray]], level: _Level, progress: Progress | None
    ) -> Iterator[dict[str, np.ndarray]]:
        """Stems and mixture, normalised for the model as `demucs.api.Separator.separate_tensor` does."""
        import torch

        sources = self._model.sources
        if level.is_silent:  # has no level to normalise to
            yield from ({name: np.zeros_like(block) for name in (*sources, MIXTURE)} for block in blocks())
            return
        torch.set_num_threads(1)  # a sum by several threads has other last bits
        mean, scale = level.mean_and_scale()
        waiting = np.zeros((2, 0), np.float32)

        def normalised() -> Iterator[torch.Tensor]:
            nonlocal waiting
            for block in blocks():
                waiting = np.concatenate([waiting, block], axis=1)
                yield (torch.from_numpy(np.array(block, np.float32)) - mean) / scale  # torch warns of what is read-only

        done, total = 0, self._count(level.samples)

        def separated() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, total)

        settings = self.settings
        for stems in overlap_add.stems(
            *(self._model, normalised(), settings.overlap, settings.segment_s, self.segments, separated)
        ):
            audio = (stems * scale + mean).numpy()
            samples = audio.shape[-1]
            yield {**dict(zip(sources, audio, strict=True)), MIXTURE: waiting[:, :samples].copy()}
            waiting = waiting[:, samples:]

    def _count(self, samples: int) -> int:
        """How many segments `apply_model` computes for a song, over all models of the bag."""
        total = 0
        for model in self._model.models:
            segment_s: Any = self.settings.segment_s or model.segment
            length = int(SAMPLE_RATE_HZ * segment_s)
            total += len(range(0, samples, int((1 - self.settings.overlap) * length)))
        return total


class _Level:
    """Mean and standard deviation of the middle of a song that comes in blocks."""

    def __init__(self) -> None:
        self.samples, self.is_silent = 0, True
        self._middle: list[torch.Tensor] = []
        self._sums = np.zeros(2)

    def add(self, block: np.ndarray) -> None:
        import torch

        self.samples += block.shape[1]
        self.is_silent = self.is_silent and not block.any()
        middle = torch.from_numpy(np.mean(block, axis=0, dtype=np.float32))
        if self.samples <= _WHOLE_S * SAMPLE_RATE_HZ:
            self._middle.append(middle)
        else:
            self._middle.clear()
        exact = middle.double()
        self._sums += [exact.sum().item(), exact.square().sum().item()]

    def mean_and_scale(self) -> tuple[Any, Any]:
        import torch

        if self._middle:
            middle = torch.cat(self._middle)
            return middle.mean(), middle.std(correction=min(1, len(middle) - 1)) + 1e-8
        mean, square = self._sums / self.samples
        deviation = max(0.0, square - mean**2) ** 0.5
        return torch.tensor(mean, dtype=torch.float32), torch.tensor(deviation, dtype=torch.float32) + 1e-8


def _batches(model: BagOfModels, settings: SeparationSettings) -> Batches:
    """Return what separates segments by these models, with resolved settings."""
    size = settings.batch or 1
    if not settings.device.startswith("cuda"):
        # In bfloat16 PyTorch moves stems of one song in six by up to 0.06 LU: `separation_accuracy` in tools/benches.
        run = engine.of(model, settings.precision) or Eager(model, settings.device, "fp32", settings.compiled)
        return Batches(run, size, lambda: settings.threads or cores.at_hand())
    eager = Eager(model, settings.device, settings.precision, settings.compiled)
    rescue: list[Eager] = []

    def on_cpu(number: int, batch: torch.Tensor) -> torch.Tensor:
        if not rescue:
            rescue.append(eager.on_cpu())
        return rescue[0](number, batch)

    # One batch is computed while another is copied.
    return Batches(eager, size, lambda: 2, on_cpu, most_waiting=4 * size)


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
    folder = ModelFolder(files.folder, files.name)
    if settings.server is not None:
        return Separator(folder.outline(), settings, Remote(settings.server))
    resolved = settings.resolved()
    model = folder.load(weights_sha256, files.arguments_sha256)
    return Separator(model, resolved, _batches(model, resolved))


def _device(name: str) -> str:
    if name == "cpu" or (name == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {name} is not available: {str(error).partition(chr(10))[0]}") from None
    return str(device)


def _may_have_gpu() -> bool:
    """Whether there may be a GPU for torch, which takes seconds to load: a driver of one, or no Linux."""
    return sys.platform != "linux" or any(map(os.path.exists, ("/dev/nvidiactl", "/dev/nvmap", "/dev/kfd", "/dev/dxg")))
