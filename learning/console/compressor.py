"""The compressor with gradients: its own recursion by the sample, and the adjoint of that recursion."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import torch

from mixprior.mixing.effects.ballistics import keep, smoothed, static_reduction_db
from mixprior.mixing.effects.compressor import DB_PER_LOG, DETECTOR_S, SILENCE, next_reduction_db
from mixprior.mixing.effects.gain import NEPERS_PER_DB


def compress(
    audio: torch.Tensor,
    rate_hz: float,
    threshold_dbfs: torch.Tensor,
    ratio: torch.Tensor,
    attack_s: torch.Tensor,
    release_s: torch.Tensor,
    knee_db: torch.Tensor,
    makeup_db: torch.Tensor,
) -> torch.Tensor:
    """Compress sounds, as `mixprior.mixing.effects.compressor.Compressor` does, all channels of a row alike.

    Where the compressor branches (the knee, attack or release, the louder channel), the gradient is that of the branch
    that was taken.

    Args:
        audio: shape (rows, channels, samples), one or two channels, float32 or float64; within, it is float64.
        rate_hz: sample rate.
        threshold_dbfs: (rows,).
        ratio: (rows,), at least 1; at 1 the sound is left as it is but for the gain afterwards, and that gain alone
            has a gradient.
        attack_s: (rows,), above 0 where it has a gradient.
        release_s: (rows,), likewise.
        knee_db: (rows,), at least 0.
        makeup_db: (rows,).

    Returns:
        Shape and type of `audio`. Gradients reach the sound and every setting.

    >>> at = lambda value: torch.tensor([value])
    >>> loud = torch.ones(1, 1, 48_000)  # 20 dB above the threshold: 10 dB are left of them
    >>> quiet = compress(loud, 48_000, at(-20.0), at(2.0), at(0.01), at(0.1), at(0.0), at(0.0))
    >>> round(20 * math.log10(quiet[0, 0, -1]), 2)
    -10.0
    """
    attack, release = (_kept(each.double(), rate_hz) for each in (attack_s, release_s))
    curve = (each.double() for each in (threshold_dbfs, ratio, knee_db, makeup_db))
    return _Compression.apply(audio, torch.stack([*curve, attack, release], -1), keep(DETECTOR_S, rate_hz))  # type: ignore[no-untyped-call]


def _kept(time_s: torch.Tensor, rate_hz: float) -> torch.Tensor:
    """As `mixprior.mixing.effects.ballistics.keep`."""
    at_once = time_s <= 0
    return torch.where(at_once, 0.0, torch.exp(-1 / (torch.where(at_once, 1.0, time_s) * rate_hz)))


class _Compression(torch.autograd.Function):
    """Compression on the processor, whatever device the tensors are on; settings as `_run` takes them."""

    @staticmethod
    def forward(ctx: Any, audio: torch.Tensor, settings: torch.Tensor, keep_level: float) -> torch.Tensor:
        sound = audio.detach().cpu().contiguous()
        out = torch.empty_like(sound)
        levels = torch.empty_like(sound)
        reductions_db = torch.empty((len(sound), sound.shape[-1]), dtype=sound.dtype)
        _run(
            sound.numpy(),
            settings.detach().cpu().contiguous().numpy(),
            keep_level,
            out.numpy(),
            levels.numpy(),
            reductions_db.numpy(),
        )
        ctx.save_for_backward(sound, settings, levels, reductions_db)
        ctx.keep_level = keep_level
        return out.to(audio.device)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        sound, settings, levels, reductions_db = ctx.saved_tensors
        of_sound = torch.empty_like(sound)
        of_settings = torch.zeros(settings.shape, dtype=torch.float64)
        _adjoint(
            sound.numpy(),
            settings.detach().cpu().contiguous().numpy(),
            ctx.keep_level,
            levels.numpy(),
            reductions_db.numpy(),
            gradient.detach().cpu().contiguous().numpy(),
            of_sound.numpy(),
            of_settings.numpy(),
        )
        return of_sound.to(gradient.device), of_settings.to(settings.device), None


@numba.njit(cache=True, nogil=True)
def _run(
    sound: np.ndarray,
    settings: np.ndarray,
    keep_level: float,
    out: np.ndarray,
    levels: np.ndarray,
    reductions_db: np.ndarray,
) -> None:
    """Compress, (rows, channels, samples), and keep what the way back needs: mean squares, and reductions in dB.

    Settings, (rows, 6): threshold, ratio, knee, gain afterwards, and what attack and release keep.
    """
    rows, channels, samples = sound.shape
    for row in range(rows):
        threshold_db, ratio, knee_db, makeup_db, attack, release = settings[row]
        lowest = 10 ** ((threshold_db - knee_db / 2) / 10)
        makeup = math.exp(makeup_db * NEPERS_PER_DB)
        left = right = reduction_db = 0.0
        for n in range(samples):
            x = np.float64(sound[row, 0, n])
            left = smoothed(x * x, left, keep_level)
            level, y = left, 0.0
            if channels == 2:
                y = np.float64(sound[row, 1, n])
                right = smoothed(y * y, right, keep_level)
                level = max(left, right)
            reduction_db = next_reduction_db(level, reduction_db, lowest, threshold_db, ratio, knee_db, attack, release)
            gain = makeup
            if reduction_db > 0.0:
                gain *= math.exp(-reduction_db * NEPERS_PER_DB)
            if level < SILENCE:
                left = right = 0.0
            out[row, 0, n], levels[row, 0, n], reductions_db[row, n] = x * gain, left, reduction_db
            if channels == 2:
                out[row, 1, n], levels[row, 1, n] = y * gain, right


@numba.njit(cache=True, nogil=True)
def _adjoint(
    sound: np.ndarray,
    settings: np.ndarray,
    keep_level: float,
    levels: np.ndarray,
    reductions_db: np.ndarray,
    gradient: np.ndarray,
    of_sound: np.ndarray,
    of_settings: np.ndarray,
) -> None:
    """Go back through `_run`, the last sample first."""
    rows, channels, samples = sound.shape
    of_squares = np.zeros(2)
    for row in range(rows):
        threshold_db, ratio, knee_db, makeup_db, attack, release = settings[row]
        lowest = 10 ** ((threshold_db - knee_db / 2) / 10)
        of_squares[:] = 0.0
        of_reduction = 0.0
        sums = of_settings[row]
        for n in range(samples - 1, -1, -1):
            reduction_db = np.float64(reductions_db[row, n])
            gain = math.exp((makeup_db - reduction_db) * NEPERS_PER_DB)
            of_gain_db = 0.0
            for channel in range(channels):
                through = gradient[row, channel, n] * gain
                of_sound[row, channel, n] = through
                of_gain_db += through * sound[row, channel, n] * NEPERS_PER_DB
            sums[3] += of_gain_db
            louder = 1 if channels == 2 and levels[row, 1, n] > levels[row, 0, n] else 0
            level = np.float64(levels[row, louder, n])
            before_db = np.float64(reductions_db[row, n - 1]) if n else 0.0
            wanted_db = steepness = above = within = 0.0
            bent = False
            if level > lowest:
                above = math.log(level) * DB_PER_LOG - threshold_db
                wanted_db = static_reduction_db(above, 0.0, ratio, knee_db)
                within = above + knee_db / 2
                bent = 2 * above < knee_db
                steepness = (1 - 1 / ratio) * (within / knee_db if bent else 1.0)
            of_reduction = of_reduction - of_gain_db if reduction_db > 0.0 else 0.0
            kept, place = (attack, 4) if wanted_db > before_db else (release, 5)
            sums[place] += of_reduction * (before_db - wanted_db)
            of_wanted = (1 - kept) * of_reduction
            of_reduction *= kept
            if wanted_db > 0.0:
                sums[0] -= of_wanted * steepness
                sums[1] += of_wanted * (within * within / (2 * knee_db) if bent else above) / (ratio * ratio)
                if bent:
                    sums[2] += of_wanted * (1 - 1 / ratio) * (within / knee_db) * (0.5 - within / (2 * knee_db))
                of_squares[louder] += of_wanted * steepness * DB_PER_LOG / level
            for channel in range(channels):
                of_sound[row, channel, n] += of_squares[channel] * (1 - keep_level) * 2 * sound[row, channel, n]
                of_squares[channel] *= keep_level
