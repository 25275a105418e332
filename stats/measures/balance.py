"""Vocals against backing, by the four definitions in use: they differ by decibels on the same song."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mixprior.stats.measures.activity import MIN_ACTIVE_RATIO, vocal_active
from mixprior.stats.measures.loudness import MOMENTARY_BLOCKS, difference, integrated_lufs
from mixprior.stats.statistic import BACKING, SONG, VOCALS, Column, Family, Statistic, Value
from mixprior.stats.stem import Stem, StemSet

MAX_BELOW_BACKING_LU = 30.0
"""Vocals further below the backing than this are what the separator left, not singing."""


def has_vocals(song: StemSet) -> bool:
    """Whether there is enough singing: in a tenth of the song, and no more than 30 LU below the backing.

    A song without a backing has vocals if they sound.
    """
    active = vocal_active(song)
    if active.size == 0 or active.mean() < MIN_ACTIVE_RATIO:
        return False
    balance = vocal_to_backing_lu(song)
    return balance is None or balance >= -MAX_BELOW_BACKING_LU


def vocal_to_backing_lu(song: StemSet) -> float | None:
    """Integrated loudness of the vocals minus that of the backing (ITU-R BS.1770-5); None where either is silent."""
    return difference(song[VOCALS].integrated_lufs, song[BACKING].integrated_lufs)


def vocal_to_backing_mono_lu(song: StemSet) -> float | None:
    """The same, each measured on the mean of its channels: the definition of Kelian Li's mixing code.

    Against stereo it reads lower for what is wide or panned, mostly the backing, so the ratio reads higher.
    """
    vocals, backing = song[VOCALS].blocks, song[BACKING].blocks
    return difference(integrated_lufs(vocals.mono_weighted), integrated_lufs(backing.mono_weighted))


def vocal_to_backing_rms_db(song: StemSet) -> float | None:
    """RMS level of the vocals minus that of the backing, over the whole song; None where either is silent."""
    return _level_difference(song[VOCALS].blocks.plain, song[BACKING].blocks.plain)


def vocal_to_backing_active_rms_db(song: StemSet) -> float | None:
    """The same over the frames with singing, as in lead-to-accompaniment ratios (Gerdes and Siedenburg 2023)."""
    active = vocal_active(song)
    vocals, backing = (
        np.lib.stride_tricks.sliding_window_view(song[name].blocks.plain, MOMENTARY_BLOCKS, axis=-1)
        for name in (VOCALS, BACKING)
    )
    return _level_difference(vocals[:, active], backing[:, active])


def _level_difference(vocals: np.ndarray, backing: np.ndarray) -> float | None:
    if not vocals.any() or not backing.any():
        return None
    return float(10 * np.log10(vocals.sum() / backing.sum()))


def _measure(stem: Stem) -> Mapping[str, Value]:
    measures = {
        "vocal_to_backing_lu": vocal_to_backing_lu,
        "vocal_to_backing_mono_lu": vocal_to_backing_mono_lu,
        "vocal_to_backing_rms_db": vocal_to_backing_rms_db,
        "vocal_to_backing_active_rms_db": vocal_to_backing_active_rms_db,
    }
    if not has_vocals(stem.song):
        return dict.fromkeys(measures)
    return {name: measure(stem.song) for name, measure in measures.items()}


STATISTIC = Statistic(
    columns=(
        Column(
            "vocal_to_backing_lu",
            "LU",
            "Integrated loudness of the vocals minus that of the backing, both stereo (ITU-R BS.1770-5).",
            0.01,
            title="Vocal to backing, loudness",
            family=Family.BALANCE,
        ),
        Column(
            "vocal_to_backing_mono_lu",
            "LU",
            "The same on the mean of the channels, as in Kelian Li's mixing code.",
            0.01,
            title="Vocal to backing, loudness in mono",
            family=Family.BALANCE,
        ),
        Column(
            "vocal_to_backing_rms_db",
            "dB",
            "RMS level of the vocals minus that of the backing over the whole song, not weighted, not gated.",
            0.01,
            title="Vocal to backing, RMS",
            family=Family.BALANCE,
        ),
        Column(
            "vocal_to_backing_active_rms_db",
            "dB",
            "The same over the 400 ms frames with singing (see vocal_active_ratio), "
            "akin to the lead-to-accompaniment ratio of Gerdes and Siedenburg (JASA Express Letters 3, 043201, 2023).",
            0.01,
            title="Vocal to backing, RMS while singing",
            family=Family.BALANCE,
        ),
    ),
    rows=(SONG,),
    measure=_measure,
)
