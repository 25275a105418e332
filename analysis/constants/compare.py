"""Two sets of constants compared, octave by octave and stem by stem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mixprior.analysis.constants.constants import Features
from mixprior.analysis.table import table
from mixprior.stats.statistic import SAMPLE_RATE_HZ

OCTAVES_HZ = tuple((1000.0 * 10.0 ** (0.3 * np.arange(-5, 5))).tolist())
"""Exact base-10 centres of the octaves named 31.5 Hz to 16 kHz (IEC 61260-1)."""

_NAMES = ("31.5", "63", "125", "250", "500", "1k", "2k", "4k", "8k", "16k")
_HALF_OCTAVE = 10.0**0.15


@dataclass(frozen=True)
class Comparison:
    """The differences A minus B; a stem or effect that only one of them has is left out.

    Attributes:
        octaves_hz: centres of the octaves.
        eq_level_db: by stem, the median of the ten octaves' differences: the offset in level.
        eq_shape_db: by stem, each octave's difference less that offset.
        panning: by stem, each octave's difference of the mean similarity phi.
        compression_db: by stem, differences of the mean and of the sd of the onset peaks.
        loudness_lu: by stem, difference in loudness.
        loudness_offset_lu: mean of these differences over the stems; None without any.
        imager: by stem, difference of the share of mid energy.
    """

    octaves_hz: tuple[float, ...]
    eq_level_db: dict[str, float]
    eq_shape_db: dict[str, list[float]]
    panning: dict[str, list[float]]
    compression_db: dict[str, list[float]]
    loudness_lu: dict[str, float]
    loudness_offset_lu: float | None
    imager: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The attributes, ready for JSON."""
        return asdict(self)


def compare(a: Features, b: Features) -> Comparison:
    """Compare constants A with constants B."""
    eq = {stem: octave_levels_db(x) - octave_levels_db(y) for stem, x, y in _both(a, b, "eq")}
    level = {stem: float(np.median(difference)) for stem, difference in eq.items()}
    loudness = {stem: float(x[0] - y[0]) for stem, x, y in _both(a, b, "loudness")}
    return Comparison(
        octaves_hz=OCTAVES_HZ,
        eq_level_db=level,
        eq_shape_db={stem: (difference - level[stem]).tolist() for stem, difference in eq.items()},
        panning={stem: (octave_means(x) - octave_means(y)).tolist() for stem, x, y in _both(a, b, "panning")},
        compression_db={stem: (x[:2] - y[:2]).tolist() for stem, x, y in _both(a, b, "compression")},
        loudness_lu=loudness,
        loudness_offset_lu=float(np.mean(list(loudness.values()))) if loudness else None,
        imager={stem: float(x[0] - y[0]) for stem, x, y in _both(a, b, "imager")},
    )


def octave_means(curve: np.ndarray) -> np.ndarray:
    """Mean of a curve over the bins of each octave; its bins go from 0 Hz to half of 44.1 kHz.

    >>> octave_means(np.full(32769, 2.0)).tolist() == [2.0] * 10
    True
    """
    bins_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2, curve.size)
    return np.array(
        [curve[(bins_hz >= centre / _HALF_OCTAVE) & (bins_hz < centre * _HALF_OCTAVE)].mean() for centre in OCTAVES_HZ]
    )


def octave_levels_db(magnitude: np.ndarray) -> np.ndarray:
    """20 log10 of the mean magnitude over each octave's bins."""
    return 20.0 * np.log10(octave_means(magnitude))


def to_table(comparison: Comparison) -> str:
    """Return a comparison as text tables."""
    blocks = []
    if comparison.eq_shape_db:
        rows = [
            [stem, f"{comparison.eq_level_db[stem]:+.2f}", *(f"{value:+.1f}" for value in shape)]
            for stem, shape in comparison.eq_shape_db.items()
        ]
        blocks.append(_block("eq, dB: level offset, then each octave less that offset", ("level", *_NAMES), rows))
    if comparison.panning:
        rows = [[stem, *(f"{value:+.3f}" for value in octaves)] for stem, octaves in comparison.panning.items()]
        blocks.append(_block("panning, phi: each octave (below 0: wider)", _NAMES, rows))
    if comparison.compression_db:
        rows = [[stem, *(f"{value:+.2f}" for value in pair)] for stem, pair in comparison.compression_db.items()]
        blocks.append(_block("compression, dB: onset peaks", ("mean", "sd"), rows))
    if comparison.loudness_offset_lu is not None:
        offset = comparison.loudness_offset_lu
        rows = [[stem, f"{value:+.2f}", f"{value - offset:+.2f}"] for stem, value in comparison.loudness_lu.items()]
        title = f"loudness, LU: difference, and less the mean difference of {offset:+.2f}"
        blocks.append(_block(title, ("all", "less mean"), rows))
    if comparison.imager:
        rows = [[stem, f"{value:+.3f}"] for stem, value in comparison.imager.items()]
        blocks.append(_block("imager: share of mid energy", ("mid",), rows))
    return "\n\n".join(blocks) or "A and B have nothing in common"


def _both(a: Features, b: Features, effect: str) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
    of_a: Mapping[str, np.ndarray] = a.get(effect, {})
    of_b: Mapping[str, np.ndarray] = b.get(effect, {})
    return [(stem, of_a[stem], of_b[stem]) for stem in of_a if stem in of_b]


def _block(title: str, names: Iterable[str], rows: Iterable[list[str]]) -> str:
    return f"{title}\n{table(('stem', *names), list(rows))}"
