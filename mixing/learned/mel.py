"""Log-mel spectra as networks read them: of Kelian Li's CNN (github likelian/Lab_spring2022, `MSD_fader_net.py`)."""

from __future__ import annotations

from functools import lru_cache

import librosa
import numpy as np
import scipy.fft

from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.windows import periodic_hann

BANDS, FFT, HOP = 128, 2048, 1024
FRAMES = 64
"""Of a block that a network reads at once: 1.49 s."""
FLOOR_DB = -100.0
LUFS = -20.0
"""Loudness that each sound is brought to before a network reads it, so that its level says nothing of the answer."""
QUIETEST_DB = -70.0
"""Of spectra at that loudness: above the floor of all but sounds below -50 LUFS."""

_BATCH = 512


def log_mel_db(audio: np.ndarray) -> np.ndarray:
    """Power of the mean of the channels in mel bands, in dB.

    Args:
        audio: float, shape (channels, samples), 44.1 kHz, full scale 1.0.

    Returns:
        Shape (128, frames), at least `FLOOR_DB`; a frame every 1024 samples, the first centred on sample 1024.

    >>> log_mel_db(np.zeros((2, 44_100))).shape
    (128, 42)
    """
    mono = np.asarray(audio, np.float32).mean(axis=0)
    if mono.size < FFT:
        mono = np.pad(mono, (0, FFT - mono.size))
    frames = np.lib.stride_tricks.sliding_window_view(mono, FFT)[::HOP]
    power = [
        _filters() @ np.abs(scipy.fft.rfft(frames[k : k + _BATCH] * _window(), axis=1)).T ** 2
        for k in range(0, len(frames), _BATCH)
    ]
    return np.maximum(10 * np.log10(np.maximum(np.concatenate(power, axis=1), 1e-12)), FLOOR_DB).astype(np.float32)


def at_loudness(mel_db: np.ndarray, lufs: np.ndarray) -> np.ndarray:
    """Spectra of sounds as they are at `LUFS`: `mel_db` (..., bands, frames), `lufs` (...); float32."""
    louder_db = np.asarray(LUFS - lufs, np.float32)[..., None, None]
    return np.maximum(mel_db.astype(np.float32) + louder_db, np.float32(QUIETEST_DB))


def blocks(mel_db: np.ndarray) -> np.ndarray:
    """Cut spectra, (..., bands, frames), into blocks, (blocks, ..., bands, 64); a rest at the end is left out.

    >>> blocks(np.zeros((2, 128, 200))).shape
    (3, 2, 128, 64)
    """
    count = mel_db.shape[-1] // FRAMES
    cut = mel_db[..., : count * FRAMES].reshape(*mel_db.shape[:-1], count, FRAMES)
    return np.moveaxis(cut, -2, 0)


@lru_cache(maxsize=1)
def _filters() -> np.ndarray:
    return librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=FFT, n_mels=BANDS).astype(np.float32)


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    return periodic_hann(FFT).astype(np.float32)
