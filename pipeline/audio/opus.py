"""Arrays to Ogg Opus in memory, at a bit rate."""

from __future__ import annotations

import io

import soundfile

from mixprior.pipeline.audio.writer import blocks
from mixprior.stats.sound import Sound

RATE_HZ = 48_000
"""The rate at which Opus codes whatever came in (RFC 6716, 2.1.1)."""
_LOWEST, _HIGHEST = 6_000, 256_000
"""Bits a second and channel of libsndfile's compression levels 1 and 0."""


def encoded(sound: Sound, bits_per_s: float) -> bytes:
    """Encode a sound as Ogg Opus; its decoder gives back as many samples, from the same first one.

    Args:
        sound: at any rate; it is coded at 48 kHz.
        bits_per_s: of all channels together, on average.

    >>> import numpy as np
    >>> encoded(Sound(np.zeros((2, 4800), np.float32), 48_000), 96_000)[:4]
    b'OggS'
    """
    sound = sound.at(RATE_HZ, "VHQ")
    level = (_HIGHEST - bits_per_s / sound.channels) / (_HIGHEST - _LOWEST)
    file = io.BytesIO()
    with soundfile.SoundFile(
        file,
        "w",
        RATE_HZ,
        sound.channels,
        "OPUS",
        format="OGG",
        compression_level=min(max(level, 0.0), 1.0),
    ) as opened:
        for block in blocks(sound.audio):
            opened.write(block.T)
    return file.getvalue()
