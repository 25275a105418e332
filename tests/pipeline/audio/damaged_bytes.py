"""Damage done to the samples of PCM as bytes, at random places away from the ends."""

from __future__ import annotations

import numpy as np
import soundfile

from mixprior.pipeline.audio.damage import DamageSearch


def zeroed(pcm: np.ndarray, rng: np.random.Generator, count: int = 200) -> np.ndarray:
    """Set so many bytes in a row to zero."""
    return _replaced(pcm, rng, bytes(count))


def garbage(pcm: np.ndarray, rng: np.random.Generator, count: int = 200) -> np.ndarray:
    """Set so many bytes in a row to random ones."""
    return _replaced(pcm, rng, rng.bytes(count))


def flipped(pcm: np.ndarray, rng: np.random.Generator, count: int = 1) -> np.ndarray:
    """Flip so many bits."""
    content = bytearray(pcm.tobytes())
    for place in rng.integers(len(content) // 20, len(content) * 19 // 20, count):
        content[place] ^= 1 << int(rng.integers(8))
    return np.frombuffer(bytes(content), pcm.dtype).reshape(pcm.shape)


def _replaced(pcm: np.ndarray, rng: np.random.Generator, piece: bytes) -> np.ndarray:
    content = bytearray(pcm.tobytes())
    place = int(rng.integers(len(content) // 20, len(content) * 19 // 20 - len(piece)))
    content[place : place + len(piece)] = piece
    return np.frombuffer(bytes(content), pcm.dtype).reshape(pcm.shape)


def as_16_bit(audio: np.ndarray) -> np.ndarray:
    """Samples as a WAV has them: int16, (samples, channels)."""
    return np.round(np.clip(audio, -1, 32_767 / 32_768) * 32_768).astype(np.int16).T.copy()


def is_flagged(pcm: np.ndarray, rate_hz: int = 44_100, block: int = 65_536) -> bool:
    """Whether int16 samples, (samples, channels), look damaged."""
    search = DamageSearch(rate_hz)
    audio = np.ascontiguousarray(pcm.T) / np.float32(32_768)
    for start in range(0, audio.shape[1], block):
        search.add(audio[:, start : start + block])
    return search.is_damaged()


def read_16_bit(path) -> tuple[np.ndarray, int]:
    """int16 samples, (samples, channels), and the rate of any file."""
    from mixprior.pipeline.audio import audio_file

    file = audio_file.read(path)
    return as_16_bit(file.sound.audio[: file.channels]), file.sound.rate_hz


def save(path, pcm: np.ndarray, rate_hz: int = 44_100):
    """Write int16 samples, (samples, channels)."""
    soundfile.write(path, pcm, rate_hz, "PCM_16")
    return path
