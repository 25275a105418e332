"""A voice, a band, and the files they lie in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from mixprior.stats.sound import Sound

RATE_HZ = 44_100


def voice(duration_s: float = 6.0, rate_hz: int = RATE_HZ, level: float = 0.1) -> np.ndarray:
    """Phrases of a harmonic tone with pauses between them, in the middle: (2, samples)."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    tone = sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 9))
    phrases = np.sin(2 * np.pi * 0.4 * time_s) > -0.3
    return np.tile((level * tone * phrases).astype(np.float32), (2, 1))


def band(duration_s: float = 6.0, rate_hz: int = RATE_HZ, level: float = 0.1) -> np.ndarray:
    """Wide noise: its channels are independent, so that its mono is 3 dB below its stereo. (2, samples)."""
    noise = np.random.default_rng(7).standard_normal((2, round(duration_s * rate_hz)))
    return (level * noise).astype(np.float32)


def sound(audio: np.ndarray, rate_hz: int = RATE_HZ) -> Sound:
    """Samples of any type as a sound."""
    return Sound(np.ascontiguousarray(audio, np.float32), rate_hz)


def save(path: Path, audio: np.ndarray, rate_hz: int = RATE_HZ, subtype: str = "FLOAT") -> str:
    soundfile.write(path, audio.T, rate_hz, subtype)
    return str(path)


def load(path: str | Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T
