"""Excerpts of songs to train a mixer on: a few seconds in several places, as stems, one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixprior.learning.scenes.songs import Stems, TrainingSong, separated
from mixprior.mixing.evaluation import windows
from mixprior.mixing.evaluation.excerpts import there
from mixprior.mixing.evaluation.separated import kept
from mixprior.pipeline.audio.decode import decode_mixture
from mixprior.stats.statistic import SAMPLE_RATE_HZ

COUNT, LENGTH_S = 3, 5.8
"""Excerpts of a song, and the length of each: HTDemucs separates so much in one segment."""


def starts(samples: int, count: int = COUNT) -> list[int]:
    """First samples of the excerpts, evenly over a song; 0 alone for one that is no longer than they are together.

    Such a song is one excerpt, all of it.

    Args:
        samples: of the song.
        count: of the excerpts.

    >>> [round(each / SAMPLE_RATE_HZ, 1) for each in starts(180 * SAMPLE_RATE_HZ)]
    [43.5, 87.1, 130.7]
    """
    length = round(LENGTH_S * SAMPLE_RATE_HZ)
    if samples <= count * length:
        return [0]
    return [round(each) for each in np.linspace(0, samples - length, count + 2)[1:-1]]


def stems_of(song: TrainingSong, folder: Path, count: int = COUNT) -> Stems:
    """The stems of a song's excerpts: float32, (2, samples), 44.1 kHz, by name, summing to them.

    Of a song without stems, the excerpts alone are separated; what a separator leaves of absent parts goes to
    "other".

    Args:
        song: the song.
        folder: where they are kept, as float16.
        count: of the excerpts.

    Raises:
        SongError: if it cannot be read or separated.
    """
    return kept(folder / f"{song.song_id}.{count}_excerpts.npz", lambda: _excerpts(song, count))


def _excerpts(song: TrainingSong, count: int) -> Stems:
    if not song.is_separated:
        return there(windows.joined([separated(each) for each in _cut(decode_mixture(song.song), count)]))
    stems = song.stems()
    cut = {name: windows.joined([{name: each} for each in _cut(audio, count)])[name] for name, audio in stems.items()}
    return cut if song.song.has_stems else there(cut)


def _cut(audio: np.ndarray, count: int) -> list[np.ndarray]:
    length = round(LENGTH_S * SAMPLE_RATE_HZ)
    first = starts(audio.shape[1], count)
    size = audio.shape[1] if len(first) == 1 else length
    return [np.ascontiguousarray(audio[:, start : start + size]) for start in first]
