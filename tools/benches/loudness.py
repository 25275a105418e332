"""Loudness, range and true peak of four minutes of stereo, beside pyloudnorm, scipy and FFmpeg."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.benches import ffmpeg
from tools.benches.comparison import Comparison, Peer, difference
from tools.benches.sounds import MINUTES, RATE_HZ, song, song_file


def integrated(audio: np.ndarray) -> float:
    from mixprior.stats.loudness_blocks import measure
    from mixprior.stats.measures.loudness import integrated_lufs

    return float(integrated_lufs(measure(audio, RATE_HZ).weighted) or 0.0)


def integrated_by_pyloudnorm(audio: np.ndarray) -> float:
    import pyloudnorm

    return float(pyloudnorm.Meter(RATE_HZ, filter_class="DeMan").integrated_loudness(audio.T))


def true_peak(audio: np.ndarray) -> float:
    from mixprior.stats.measures.true_peak import true_peak_dbtp

    return float(true_peak_dbtp(audio) or 0.0)


def true_peak_by_scipy(audio: np.ndarray) -> float:
    """By oversampling everything."""
    from scipy.signal import resample_poly

    return 20 * float(np.log10(np.abs(resample_poly(audio, 4, 1, axis=-1)).max()))


def clipped_noise() -> np.ndarray:
    """The sound whose true peak costs most: it has a peak in every millisecond."""
    noise = np.random.default_rng(1).standard_normal((2, MINUTES * 60 * RATE_HZ), dtype=np.float32)
    return np.clip(0.1 * noise, -0.05, 0.05)


def meters(path: Path) -> tuple[float, float, float]:
    from mixprior.pipeline.audio.decode import decode
    from mixprior.stats.sound import Sound

    sound = Sound(decode(str(path)), RATE_HZ)
    return sound.integrated_lufs or 0.0, sound.loudness_range_lu or 0.0, true_peak(sound.audio)


LENGTH = f"{MINUTES} minutes of stereo"
ROWS = (
    Comparison(
        "loudness",
        f"integrated loudness, {LENGTH}",
        integrated,
        Peer("pyloudnorm", integrated_by_pyloudnorm),
        song,
        off=difference,
        unit="LU",
    ),
    Comparison(
        "meters",
        f"a WAV file read; integrated loudness, range and true peak, {LENGTH}",
        meters,
        Peer("ffmpeg, ebur128", ffmpeg.loudness),
        song_file,
        off=difference,
        unit="LU or dB",
    ),
    Comparison(
        "true-peak",
        f"true peak of a song, {LENGTH}",
        true_peak,
        Peer("scipy, resample_poly", true_peak_by_scipy),
        song,
        off=difference,
        unit="dB",
    ),
    Comparison(
        "true-peak-noise",
        f"true peak of clipped noise, {LENGTH}",
        true_peak,
        Peer("scipy, resample_poly", true_peak_by_scipy),
        clipped_noise,
        off=difference,
        unit="dB",
    ),
)
