"""Vocals against backing, by the four definitions in use: they differ by decibels on the same song."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mixprior.stats.measures.activity import active
from mixprior.stats.measures.loudness import MOMENTARY_BLOCKS, difference, integrated_lufs
from mixprior.stats.measures.presence import is_present
from mixprior.stats.statistic import BACKING, SONG, VOCALS, Column, Family, Statistic, Value
from mixprior.stats.stem import Stem, StemSet


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
    sung = active(song)
    vocals, backing = (
        np.lib.stride_tricks.sliding_window_view(song[name].blocks.plain, MOMENTARY_BLOCKS, axis=-1)
        for name in (VOCALS, BACKING)
    )
    return _level_difference(vocals[:, sung], backing[:, sung])


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
    if not all(name in stem.song and is_present(stem.song[name]) for name in (VOCALS, BACKING)):
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
