"""Arrays to audio files: written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from mixprior.stats.errors import InputError

_FORMATS = {".wav": ("WAV", "PCM_24"), ".flac": ("FLAC", "PCM_24"), ".ogg": ("OGG", "VORBIS")}
UNCLIPPED = ".float.wav"
"""In place of an extension in `write`: 32-bit floating point, for what may pass full scale."""
_BLOCK = 65_536
"""Samples handed to the encoder at once: Vorbis overflows the stack on a whole song (libsndfile issue 1095)."""


def write(path: Path, audio: np.ndarray, rate_hz: int, extension: str) -> None:
    """Write (channels, samples): 24-bit ".wav" or ".flac", Vorbis ".ogg", or `UNCLIPPED`."""
    container, subtype = ("WAV", "FLOAT") if extension == UNCLIPPED else _FORMATS[extension]
    with soundfile.SoundFile(path, "w", rate_hz, len(audio), subtype, format=container) as file:
        for start in range(0, audio.shape[1], _BLOCK):
            file.write(audio[:, start : start + _BLOCK].T)


def check_output(path: Path, inputs: Iterable[str | Path]) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises:
        InputError: if its extension is not one of a format, its folder does not exist, or it is one of the inputs.
    """
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"{path}: the name of a mix ends with {', '.join(_FORMATS)}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if path.resolve() in (Path(each).resolve() for each in inputs):
        raise InputError(f"{path} is one of the inputs; give the mix another name")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, which takes its place at the end if nothing went wrong.

    Raises:
        InputError: if it cannot be written; the message names `path` and the reason.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path} cannot be written ({error})") from error
    finally:
        temporary.unlink(missing_ok=True)
