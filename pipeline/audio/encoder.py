"""The formats that FFmpeg codes: MP3, AAC in M4A, Opus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import soxr

from mixprior.stats.errors import InputError

_NEXT_RATE_HZ = 48_000


@dataclass(frozen=True)
class Format:
    """A coded format.

    Attributes:
        codec: FFmpeg's name of the encoder.
        container: and of the format of the file.
        bit_rate: of a stereo sound, per second.
        rates_hz: sample rates that are coded as they are, ascending; other sounds are converted to 48 kHz.
    """

    codec: str
    container: str
    bit_rate: int
    rates_hz: tuple[int, ...]


FORMATS = {
    ".mp3": Format("libmp3lame", "mp3", 320_000, (32_000, 44_100, 48_000)),
    ".m4a": Format("aac", "ipod", 256_000, (32_000, 44_100, 48_000, 88_200, 96_000)),
    ".opus": Format("libopus", "opus", 192_000, (48_000,)),
}
"""By the extension of the file; bit rates at which listeners do not tell the coded sound from the original."""


def check(extension: str) -> None:
    """Refuse a format that this FFmpeg does not code.

    Raises:
        InputError: if it lacks the encoder.
    """
    try:
        av.Codec(FORMATS[extension].codec, "w")
    except ValueError as error:  # UnknownCodecError
        raise InputError(
            f"this FFmpeg has no encoder {FORMATS[extension].codec} for {extension}: give the mix another extension"
        ) from error


def rate_of(extension: str, rate_hz: int) -> int:
    """The sample rate of the file.

    >>> rate_of(".opus", 44_100), rate_of(".mp3", 44_100), rate_of(".m4a", 192_000)
    (48000, 44100, 48000)
    """
    return rate_hz if rate_hz in FORMATS[extension].rates_hz else _NEXT_RATE_HZ


def write(
    path: Path | BinaryIO,
    parts: Iterable[np.ndarray],
    rate_hz: int,
    channels: int,
    extension: str,
    bit_rate: int | None = None,
) -> None:
    """Code blocks of float audio, (channels, samples), as a file; the same audio gives the same bytes.

    Args:
        path: the file, or one that is open; its name does not decide the format.
        parts: full scale 1.0.
        rate_hz: their sample rate.
        channels: 1 or 2.
        extension: one of `FORMATS`.
        bit_rate: of the sound, per second; None for that of the format.

    Raises:
        OSError: if it cannot be written.
    """
    made = FORMATS[extension]
    to_hz = rate_of(extension, rate_hz)
    layout = "stereo" if channels == 2 else "mono"
    # bitexact: without it an Ogg file gets a random serial number.
    bit_rate = bit_rate or made.bit_rate * channels // 2
    with av.open(
        str(path) if isinstance(path, Path) else path, "w", format=made.container, options={"fflags": "+bitexact"}
    ) as file:
        stream = file.add_stream(made.codec, rate=to_hz, layout=layout, bit_rate=bit_rate)
        samples = 0
        for block in _at(parts, rate_hz, to_hz, channels):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32), "fltp", layout)
            frame.rate, frame.time_base, frame.pts = to_hz, Fraction(1, to_hz), samples
            samples += block.shape[1]
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _at(parts: Iterable[np.ndarray], from_hz: int, to_hz: int, channels: int) -> Iterator[np.ndarray]:
    """Blocks at another rate."""
    if from_hz == to_hz:
        yield from (part for part in parts if part.shape[1])
        return
    resampler = soxr.ResampleStream(from_hz, to_hz, channels, "float32", "VHQ")
    for part in parts:
        block = resampler.resample_chunk(np.ascontiguousarray(part.T)).T
        if block.shape[1]:
            yield block
    block = resampler.resample_chunk(np.empty((0, channels), np.float32), last=True).T
    if block.shape[1]:
        yield block
