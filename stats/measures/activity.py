"""When a stem is active, and how far it can be trusted: bleed and residual."""

from __future__ import annotations

import numpy as np

from mixprior.stats.measures.loudness import ABSOLUTE_GATE_LUFS
from mixprior.stats.statistic import MIXTURE, SONG, VOCALS, Column, Family, Statistic
from mixprior.stats.stem import Stem, StemSet

ACTIVE_RANGE_LU = 20.0
"""A frame this far below the stem's integrated loudness is a pause."""
BLEED_MARGIN_LU = 6.0
"""An active frame stands out of the bleed by this much."""
BLEED_CAP_LU = 10.0
"""The bleed condition asks for no more than this far below the stem: the relative gate of BS.1770."""
AUDIBLE_RANGE_LU = 20.0
"""A frame this far below the mixture in the same 400 ms is bleed."""
MIN_ACTIVE_RATIO = 0.1
"""A song with less singing than this counts as instrumental."""

_BLEED_PERCENTILE = 10
_MAX_RESIDUAL_DB = 120.0
"""Beyond this the stems sum to the mixture but for the rounding of float32."""


def active(song: StemSet, name: str = VOCALS) -> np.ndarray:
    """Frames of 400 ms, at steps of 100 ms, in which a stem is active: of vocals, those with singing.

    A frame is active if its loudness M exceeds all of: -70 LUFS; the stem's integrated loudness I - 20 LU; the
    bleed floor + 6 LU, but no more than I - 10 LU; and the mixture's loudness in the same frame - 20 LU.

    The cap is for stems that hardly pause: their 10th percentile is then soft singing and no bleed, and uncapped,
    floor + 6 LU would cut most of it. So bleed less than 10 LU under the vocals counts as singing. The mixture decides
    about a stem that is nothing but bleed and has no level of its own to compare with: in excerpts of two
    instrumentals and two songs HTDemucs left bleed 40 to 55 LU under the mixture, and singing within 15 LU of it.

    Returns:
        bool, shape (100 ms blocks - 3,); all False where the stem is silent, or not there; empty under 400 ms.
    """
    mixture = song[MIXTURE].momentary_lufs
    if name not in song:
        return np.zeros(mixture.size, bool)
    return active_frames(song[name].momentary_lufs, song[name].integrated_lufs, mixture)


def active_frames(own_lufs: np.ndarray, level_lufs: float | None, mixture_lufs: np.ndarray) -> np.ndarray:
    """`active` by the momentary loudness of the stem, its integrated loudness, and the mixture's momentary loudness."""
    if level_lufs is None:
        return np.zeros(mixture_lufs.size, bool)
    bleed_lufs = np.percentile(own_lufs, _BLEED_PERCENTILE, method="lower")
    floor_lufs = min(bleed_lufs + BLEED_MARGIN_LU, level_lufs - BLEED_CAP_LU)
    threshold_lufs = max(ABSOLUTE_GATE_LUFS, level_lufs - ACTIVE_RANGE_LU, floor_lufs)
    return (own_lufs > threshold_lufs) & (own_lufs > mixture_lufs - AUDIBLE_RANGE_LU)


def active_ratio(song: StemSet, name: str = VOCALS) -> float | None:
    """Share of the song's frames in which a stem is active; None under 400 ms."""
    frames = active(song, name)
    return float(frames.mean()) if frames.size else None


def bleed_floor_lufs(stem: Stem) -> float | None:
    """Loudness that 90 % of the stem's 400 ms exceed; None where that is not above -70 LUFS.

    In a separated stem that pauses it is the level of what leaked in; in one that never does, its own.
    """
    levels = stem.momentary_lufs
    if levels.size == 0:
        return None
    floor = float(np.percentile(levels, _BLEED_PERCENTILE, method="lower"))
    return floor if floor > ABSOLUTE_GATE_LUFS else None


def separation_residual_db(song: StemSet) -> float | None:
    """Energy of the mixture over that of what the stems leave of it, in dB: high is complete.

    It shows whether the stems sum to the mixture, not whether each sound went to its own stem.

    Returns:
        The ratio; None where the mixture is silent, where the vocals are the only stem, or where the stems sum to the
        mixture but for rounding (120 dB): nothing was separated then.
    """
    if song.separated == (VOCALS,):
        return None
    left = song.levels.residual.plain.sum()
    whole = song[MIXTURE].blocks.plain.sum()
    if whole == 0 or left <= whole * 10 ** (-_MAX_RESIDUAL_DB / 10):
        return None
    return float(10 * np.log10(whole / left))


VOCAL_STATISTIC = Statistic(
    columns=(
        Column(
            "vocal_active_ratio",
            "1",
            "Share of the song's 400 ms frames with singing: above -70 LUFS, the voice's integrated loudness - 20 LU, "
            "its bleed floor + 6 LU (at most its loudness - 10 LU), and the mixture in the same frame - 20 LU.",
            0.001,
            title="Share of the song that is sung",
            family=Family.BALANCE,
        ),
    ),
    rows=("vocals",),
    measure=lambda stem: {"vocal_active_ratio": active_ratio(stem.song)},
)

STATISTIC = Statistic(
    columns=(
        Column(
            "bleed_floor_lufs",
            "LUFS",
            "10th percentile of the sound's momentary loudness (EBU Tech 3341): what is left where it pauses.",
            0.05,
            title="Bleed floor",
            family=Family.DYNAMICS,
        ),
    ),
    rows=None,
    measure=lambda stem: {"bleed_floor_lufs": bleed_floor_lufs(stem)},
)

SONG_STATISTIC = Statistic(
    columns=(
        Column(
            "separation_residual_db",
            "dB",
            "Energy of the mixture over that of the mixture minus the sum of its stems; null where they sum exactly.",
            0.05,
            title="Mixture over separation residual",
            family=Family.BALANCE,
        ),
        Column(
            "duration_s",
            "s",
            "Length of the song as decoded.",
            0.1,
            title="Duration",
            family=Family.TIME,
        ),
    ),
    rows=(SONG,),
    measure=lambda stem: {
        "separation_residual_db": separation_residual_db(stem.song),
        "duration_s": stem.song.duration_s,
    },
)
