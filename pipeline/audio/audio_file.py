"""Audio files as they are: at their own rate, mono or stereo, for what mixes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mixprior.pipeline.audio import codec
from mixprior.pipeline.audio.codec import AudioStream
from mixprior.pipeline.audio.flags import FLAGS
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.records import SongError
from mixprior.stats.errors import InputError
from mixprior.stats.sound import RATES_HZ, Sound

_MOST_BYTES = 4 << 30
"""Largest sound, decoded as stereo: 3 h 22 min at 44.1 kHz, and no more than a WAV of floats holds."""

_PADDING = 1 << 13
"""Samples that a coded file may have beyond the length that it declares: the last packets of AAC."""


@dataclass(frozen=True)
class AudioFile:
    """An audio file in memory.

    Attributes:
        path: as it was given.
        sha256: of the file's bytes, in hex.
        sound: its samples, stereo, and their rate; a mono file is on both channels.
        channels: number of channels in the file, 1 or 2.
        flags: what `mixprior.pipeline.audio.flags.FLAGS` says of it.
    """

    path: str
    sha256: str
    sound: Sound
    channels: int
    flags: frozenset[str] = frozenset()

    @property
    def doubts(self) -> tuple[str, ...]:
        """What its flags say, a sentence each."""
        return doubts(self.path, self.flags)


def read(path: str | Path) -> AudioFile:
    """Read a mono or stereo file, of any format that `mixprior.pipeline.audio.codec` knows, whole.

    Args:
        path: local path or fsspec URL.

    Raises:
        InputError: if it cannot be read, is damaged or cut short, holds no samples or samples that are not numbers, has
            more than two channels, a rate outside 8 to 192 kHz, or takes more than 4 GiB decoded, or more than 0.5 GB
            and a thousand times its size; the message names the file and the reason.
    """
    with _refusals(path), sources.open_file(str(path)) as file:
        stream = _stream(file)
        audio = _stereo(stream)
        file.seek(0)
        sha256 = sources.sha256(file)
    if not audio.shape[1]:
        raise InputError(f"{path} holds no samples")
    return AudioFile(str(path), sha256, Sound(audio, stream.rate_hz), len(stream.channels), stream.flags)


def _stereo(stream: AudioStream) -> np.ndarray:
    """Decode a stream on two channels. Where it is about as long as declared, it is in memory once."""
    audio = np.empty((2, round((stream.declared_s or 0.0) * stream.rate_hz) + _PADDING), np.float32)
    end = 0
    for block in stream.blocks():
        if end + block.shape[1] > audio.shape[1]:
            audio = np.concatenate([audio[:, :end], np.empty((2, max(end, block.shape[1])), np.float32)], axis=1)
        audio[:, end : end + block.shape[1]] = block
        end += block.shape[1]
    return _cut(audio, end)


def _cut(audio: np.ndarray, samples: int) -> np.ndarray:
    """The beginning of two channels, in the memory that they are in.

    >>> _cut(np.arange(10.0).reshape(2, 5), 3).tolist()
    [[0.0, 1.0, 2.0], [5.0, 6.0, 7.0]]
    """
    room, values = audio.shape[1], audio.reshape(-1)
    step = max(room - samples, 1)  # so that no piece is read after it was written over
    for start in range(0, samples if room > samples else 0, step):
        end = min(start + step, samples)
        values[samples + start : samples + end] = values[room + start : room + end]
    return values[: 2 * samples].reshape(2, samples)


def doubts(path: str | Path, flags: Iterable[str]) -> tuple[str, ...]:
    """Say what the flags of a file mean, a sentence each.

    >>> doubts("a.mp3", ["length_unsure"])
    ('a.mp3 may be cut short: its format does not tell',)
    """
    return tuple(f"{path} {FLAGS[flag]}" for flag in sorted(flags))


@contextmanager
def opened(path: str | Path) -> Iterator[AudioStream]:
    """Open a file as `read` does, to be decoded block by block while it is open.

    Raises:
        InputError: as `read`; while blocks are decoded, too.
    """
    with _refusals(path), sources.open_file(str(path)) as file:
        yield _stream(file)


def _stream(file: BinaryIO) -> AudioStream:
    stream = codec.open_audio(file)
    if len(stream.channels) > 2:
        raise codec.Unsupported("decode", f"has {len(stream.channels)} channels; give a mono or stereo file")
    if not RATES_HZ[0] <= stream.rate_hz <= RATES_HZ[1]:
        raise codec.Unsupported("decode", f"has a sampling rate of {stream.rate_hz} Hz; give a file of 8 to 192 kHz")
    stream.allow(_MOST_BYTES)
    return stream


@contextmanager
def _refusals(path: str | Path) -> Iterator[None]:
    """Turn the refusal of a file into one that names it."""
    try:
        yield
    except SongError as error:
        raise InputError(f"{path} {error.message}") from error
