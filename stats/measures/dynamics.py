"""How hard a sound hits: the level of its loudest onsets, and its crest factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from mixprior.stats.measures import onsets
from mixprior.stats.statistic import Column, Family, Statistic, Value

if TYPE_CHECKING:
    from mixprior.stats.stem import Stem

PEAK_DBFS = -10.0
"""Peak of the sound before its onsets are looked for."""

PERCENTILE = 75.0


def onset_peaks_db(audio: np.ndarray) -> tuple[float, float] | None:
    """Mean and standard deviation of the loudest onset peaks, once the sound's peak is at -10 dBFS.

    FxNorm-automix's compression feature: the peak |x| from each onset to the next, in dB; of these, the ones above
    their 75th percentile (all of them where none is above), channel by channel; then the mean over the channels.
    A channel without onsets is left out.

    Args:
        audio: float32, shape (channels, samples), with sound in it.

    Returns:
        Mean and standard deviation in dB; None where no channel has an onset.
    """
    gain = 10.0 ** (PEAK_DBFS / 20) / _peak(audio)
    channels = []
    for signal in audio:
        starts = onsets.find(signal, gain)
        if len(starts) == 0:
            continue
        peaks_db = 20.0 * np.log10(np.maximum.reduceat(np.abs(signal), starts) * gain)
        loudest = peaks_db[peaks_db > np.percentile(peaks_db, PERCENTILE)]
        kept = loudest if len(loudest) else peaks_db
        channels.append((kept.mean(), kept.std()))
    if not channels:
        return None
    mean_db, sd_db = np.mean(channels, axis=0)
    return float(mean_db), float(sd_db)


def crest_factor_db(audio: np.ndarray) -> float:
    """Peak over root mean square, both over all channels, in dB.

    A sine alike in both channels reads 3.01, and 6.02 if it is on one side only.

    Args:
        audio: float32, shape (channels, samples), with sound in it.
    """
    return float(20.0 * np.log10(_peak(audio)) - 10.0 * np.log10(_energy(audio) / audio.size))


def _peak(audio: np.ndarray) -> float:
    return float(max(audio.max(), -audio.min()))


@numba.njit(cache=True, fastmath={"reassoc"})
def _energy(audio: np.ndarray) -> float:
    """Sum of x^2 in float64 over a sound of shape (channels, samples)."""
    energy = 0.0
    for signal in audio:
        for value in signal:
            energy += np.float64(value) * np.float64(value)
    return energy


def _measure(stem: Stem) -> dict[str, Value]:
    if stem.silent:
        return dict.fromkeys((column.name for column in STATISTIC.columns), None)
    mean_db, sd_db = stem.onset_peaks_db or (None, None)
    return {"onset_peak_mean_db": mean_db, "onset_peak_sd_db": sd_db, "crest_factor_db": stem.crest_factor_db}


STATISTIC = Statistic(
    columns=(
        Column(
            "onset_peak_mean_db",
            "dBFS",
            "mean of the onset peaks above their 75th percentile, the sound's peak at -10 dBFS, mean over the channels "
            "(FxNorm-automix; onsets by high-frequency content)",
            0.05,
            title="Onset peaks, mean",
            family=Family.DYNAMICS,
        ),
        Column(
            "onset_peak_sd_db",
            "dB",
            "standard deviation of the same onset peaks, mean over the channels (FxNorm-automix)",
            0.05,
            title="Onset peaks, spread",
            family=Family.DYNAMICS,
        ),
        Column(
            "crest_factor_db",
            "dB",
            "peak over root mean square, both over all channels",
            0.05,
            title="Crest factor",
            family=Family.DYNAMICS,
        ),
    ),
    rows=None,
    measure=_measure,
    whole=True,
)
