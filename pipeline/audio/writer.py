"""Arrays to audio files, in the formats that a mix is written in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from mixprior.pipeline.audio import encoder
from mixprior.pipeline.audio.codec import peak
from mixprior.stats.errors import InputError

_FORMATS = {".wav": ("WAV", "PCM_24"), ".flac": ("FLAC", "PCM_24"), ".ogg": ("OGG", "VORBIS")}
EXTENSIONS = (*_FORMATS, *encoder.FORMATS)
"""Of the files that are written."""
INTEGERS = (".flac",)
"""Of these, the formats that cannot hold samples past full scale; a WAV can, as `UNCLIPPED`."""
UNCLIPPED = ".float.wav"
"""In place of an extension: 32-bit float WAV, which keeps what exceeds full scale."""
_BLOCK = 65_536
"""Samples passed to the encoder at once: Vorbis overflows the stack on a whole song (libsndfile issue 1095)."""


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        duration_s: its length.
        rate_hz: its sampling rate.
        peak: largest absolute sample, full scale 1.0.
    """

    duration_s: float
    rate_hz: int
    peak: float


def write(path: Path, audio: np.ndarray, rate_hz: int, extension: str) -> Written:
    """Write float audio, (channels, samples), as a file.

    Args:
        path: the file; its name does not decide the format.
        audio: full scale 1.0; integer formats clip what exceeds it.
        rate_hz: its sampling rate.
        extension: ".wav" or ".flac" (24 bit), ".ogg" (Vorbis), one of `encoder.FORMATS`, or `UNCLIPPED`.

    Raises:
        OSError: if it cannot be written.
    """
    return write_blocks(path, blocks(audio), rate_hz, len(audio), extension)


def write_blocks(path: Path, parts: Iterable[np.ndarray], rate_hz: int, channels: int, extension: str) -> Written:
    """Write audio as `write` does, from blocks of (channels, samples), one at a time.

    Raises:
        OSError: if it cannot be written.
    """
    samples, highest = 0, 0.0

    def counted() -> Iterator[np.ndarray]:
        nonlocal samples, highest
        for block in parts:
            samples += block.shape[1]
            highest = max(highest, peak(block))
            yield block

    try:
        if extension in encoder.FORMATS:
            encoder.write(path, counted(), rate_hz, channels, extension)
            return Written(samples / rate_hz, encoder.rate_of(extension, rate_hz), highest)
        container, subtype = ("WAV", "FLOAT") if extension == UNCLIPPED else _FORMATS[extension]
        with soundfile.SoundFile(path, "w", rate_hz, channels, subtype, format=container) as file:
            for block in counted():
                file.write(block.T)
    except (soundfile.SoundFileError, av.FFmpegError) as error:
        raise OSError(str(error)) from error
    return Written(samples / rate_hz, rate_hz, highest)


def blocks(audio: np.ndarray) -> Iterator[np.ndarray]:
    """Audio, (channels, samples), in blocks of 65 536 samples.

    >>> [block.shape for block in blocks(np.zeros((2, 100_000), np.float32))]
    [(2, 65536), (2, 34464)]
    """
    for start in range(0, audio.shape[1], _BLOCK):
        yield audio[:, start : start + _BLOCK]


def check_output(path: Path, inputs: Iterable[str | Path]) -> None:
    """Refuse an output that cannot be written, before any work is done. Its folder may be missing, see `make_folder`.

    Raises:
        InputError: if its extension is of no format, a file is in place of its folder, it is a folder, or one of the
            inputs.
    """
    extension = path.suffix.lower()
    if extension not in EXTENSIONS:
        raise InputError(f"{path}: the name of a mix ends with {', '.join(EXTENSIONS)}")
    if extension in encoder.FORMATS:
        encoder.check(extension)
    check_folder(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the mix the name of a file")
    # `Path.resolve` raises where links form a loop.
    if os.path.realpath(path) in (os.path.realpath(each) for each in inputs):
        raise InputError(f"{path} is one of the inputs; give the mix another name")


def check_folder(path: Path) -> None:
    """Refuse a file whose folder cannot be made.

    Raises:
        InputError: if a file is in its place.
    """
    above = next(each for each in path.absolute().parents if each.exists())
    if not above.is_dir():
        raise InputError(f"{path}: {above} is no folder; give it another place")


def make_folder(path: Path) -> None:
    """Make the folder of a file, and those that it is in.

    Raises:
        InputError: if it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error})") from error
