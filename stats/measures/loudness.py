"""Loudness by ITU-R BS.1770-5 and EBU Tech 3341: integrated, short-term, momentary, and of a stem against its song."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mixprior.stats.loudness_blocks import BLOCKS_PER_S, PARTS_PER_BLOCK, Blocks
from mixprior.stats.statistic import MIXTURE, Column, Family, Statistic, Value

if TYPE_CHECKING:
    from mixprior.stats.stem import Stem

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
MOMENTARY_BLOCKS = 4
SHORT_TERM_BLOCKS = 30

OFFSET_LU = -0.691
# BS.1770-5 table 3: left, right, centre, low frequencies (left out), left surround, right surround.
_CHANNEL_WEIGHTS = {
    1: (1.0,),
    2: (1.0, 1.0),
    3: (1.0, 1.0, 1.0),
    4: (1.0, 1.0, 1.41, 1.41),
    5: (1.0, 1.0, 1.0, 1.41, 1.41),
    6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41),
}


def lufs(mean_square: np.ndarray) -> np.ndarray:
    """Loudness of a K-weighted mean square, summed over channels (BS.1770-5, annex 1, equation 4).

    Args:
        mean_square: any shape; zero gives minus infinity.

    Returns:
        float64 of the same shape, in LUFS.
    """
    with np.errstate(divide="ignore"):
        return OFFSET_LU + 10 * np.log10(mean_square)


def channel_sum(mean_squares: np.ndarray) -> np.ndarray:
    """Sum of the channels with the weights of BS.1770-5: surrounds 1.41, low-frequency effects 0.

    Args:
        mean_squares: shape (channels, blocks), or (blocks,) for one channel. Four channels are taken for left,
            right and two surrounds; five for left, right, centre and two surrounds; the fourth of six is LFE.

    Returns:
        float64, shape (blocks,).

    Raises:
        ValueError: for more than six channels.
    """
    mean_squares = np.atleast_2d(mean_squares)
    if len(mean_squares) not in _CHANNEL_WEIGHTS:
        raise ValueError(f"loudness is defined for 1 to 6 channels, got {len(mean_squares)}")
    return np.asarray(_CHANNEL_WEIGHTS[len(mean_squares)]) @ mean_squares


def window_means(mean_squares: np.ndarray, blocks: int) -> np.ndarray:
    """Channel-summed mean square of every run of so many blocks, one step a block.

    Args:
        mean_squares: shape (channels, n) or (n,).
        blocks: length of the window.

    Returns:
        float64, shape (n - blocks + 1,); empty where the sound is shorter than the window.
    """
    total = channel_sum(mean_squares)
    if total.size < blocks:
        return np.empty(0)
    return np.lib.stride_tricks.sliding_window_view(total, blocks).mean(axis=-1)


def integrated_lufs(mean_squares: np.ndarray) -> float | None:
    """Gated loudness of the whole (BS.1770-5, annex 1: blocks of 400 ms at 100 ms steps, -70 LUFS, -10 LU).

    Args:
        mean_squares: K-weighted, of 100 ms blocks: `Blocks.weighted`, shape (channels, blocks), or
            `Blocks.mono_weighted`, shape (blocks,).

    Returns:
        Loudness in LUFS; None where no block passes the gates or the sound is shorter than 400 ms.

    >>> round(integrated_lufs(np.full((2, 50), 0.005)), 3)
    -20.691
    >>> integrated_lufs(np.zeros((2, 50))) is None
    True
    """
    blocks = window_means(mean_squares, MOMENTARY_BLOCKS)
    blocks = blocks[lufs(blocks) > ABSOLUTE_GATE_LUFS]
    if blocks.size == 0:
        return None
    gate = blocks.mean() * 10 ** (RELATIVE_GATE_LU / 10)
    return float(lufs(blocks[blocks > gate].mean()))


def momentary_lufs(mean_squares: np.ndarray, blocks_per_s: int = BLOCKS_PER_S) -> np.ndarray:
    """Loudness of every 400 ms (EBU Tech 3341, "M").

    Args:
        mean_squares: K-weighted, shape (channels, blocks) or (blocks,).
        blocks_per_s: 10 for blocks of 100 ms.

    Returns:
        float64, one value a block from the fourth on, in LUFS; minus infinity in digital silence.
    """
    return lufs(window_means(mean_squares, MOMENTARY_BLOCKS * blocks_per_s // BLOCKS_PER_S))


def short_term_lufs(mean_squares: np.ndarray, blocks_per_s: int = BLOCKS_PER_S) -> np.ndarray:
    """Loudness of every 3 s (EBU Tech 3341, "S"); arguments and returns as for `momentary_lufs`."""
    return lufs(window_means(mean_squares, SHORT_TERM_BLOCKS * blocks_per_s // BLOCKS_PER_S))


def max_momentary_lufs(blocks: Blocks) -> float | None:
    """Loudest 400 ms, at steps of 20 ms; None where it is not above -70 LUFS, or shorter."""
    return _maximum(momentary_lufs(blocks.weighted_20ms, BLOCKS_PER_S * PARTS_PER_BLOCK))


def max_short_term_lufs(blocks: Blocks) -> float | None:
    """Loudest 3 s, at steps of 20 ms; None where it is not above -70 LUFS, or shorter."""
    return _maximum(short_term_lufs(blocks.weighted_20ms, BLOCKS_PER_S * PARTS_PER_BLOCK))


def _maximum(series: np.ndarray) -> float | None:
    loudest = float(series.max(initial=-np.inf))
    return loudest if loudest > ABSOLUTE_GATE_LUFS else None


def difference(level: float | None, reference: float | None) -> float | None:
    """`level - reference`; None where either is unknown."""
    return None if level is None or reference is None else level - reference


def _measure(stem: Stem) -> Mapping[str, Value]:
    own = stem.integrated_lufs
    against_mixture = against_rest = None
    if stem.name != MIXTURE:
        against_mixture = difference(own, stem.song[MIXTURE].integrated_lufs)
        against_rest = difference(own, integrated_lufs(stem.rest_blocks.weighted))
    return {
        "integrated_lufs": own,
        "max_short_term_lufs": max_short_term_lufs(stem.blocks),
        "max_momentary_lufs": max_momentary_lufs(stem.blocks),
        "loudness_vs_mixture_lu": against_mixture,
        "loudness_vs_rest_lu": against_rest,
    }


STATISTIC = Statistic(
    columns=(
        Column(
            "integrated_lufs",
            "LUFS",
            "Integrated loudness with both gates (ITU-R BS.1770-5, annex 1).",
            0.05,
            title="Integrated loudness",
            family=Family.LOUDNESS,
        ),
        Column(
            "max_short_term_lufs",
            "LUFS",
            "Loudest 3 s, ungated, at 20 ms steps (EBU Tech 3341).",
            0.05,
            title="Loudest 3 s",
            family=Family.LOUDNESS,
        ),
        Column(
            "max_momentary_lufs",
            "LUFS",
            "Loudest 400 ms, ungated, at 20 ms steps (EBU Tech 3341).",
            0.05,
            title="Loudest 400 ms",
            family=Family.LOUDNESS,
        ),
        Column(
            "loudness_vs_mixture_lu",
            "LU",
            "Integrated loudness (ITU-R BS.1770-5) of the stem minus that of the mixture.",
            0.05,
            title="Loudness against the mixture",
            family=Family.BALANCE,
        ),
        Column(
            "loudness_vs_rest_lu",
            "LU",
            "Integrated loudness (ITU-R BS.1770-5) of the stem minus that of the mixture without the stem.",
            0.05,
            title="Loudness against the rest",
            family=Family.BALANCE,
        ),
    ),
    rows=None,
    measure=_measure,
)
