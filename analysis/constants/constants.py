"""Constants of a catalog by FxNorm-automix's definitions: the targets of its effect normalisation.

Definitions: sony/FxNorm-automix, automix/data_normalization.py (Martinez-Ramirez et al., "Automatic music mixing with
deep learning and out-of-domain data", ISMIR 2022).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.interpolate
import scipy.signal

from mixprior.analysis.errors import PriorsLookupError
from mixprior.stats.errors import InputError
from mixprior.stats.long_term_spectra import BINS, FRAME, POOL
from mixprior.stats.priors.grouping import EVERY_SONG
from mixprior.stats.statistic import MIXTURE, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from mixprior.analysis.priors import Priors

STEMS = ("vocals", "drums", "bass", "other")
"""The stems FxNorm-automix normalises."""

BIN_HZ = SAMPLE_RATE_HZ / FRAME
POOLED_BIN_HZ = BIN_HZ * POOL

_EQ_WINDOW = {"vocals": 401, "drums": 151, "bass": 151, "other": 401, MIXTURE: 401}
_PANNING_WINDOW = 501
_EDGES = np.concatenate([[0], np.arange(POOL // 2, BINS, POOL), [BINS]])
_SCALARS = {
    "compression": ("onset_peak_mean_db", "onset_peak_sd_db"),
    "loudness": ("integrated_lufs",),
    "imager": ("mid_energy_fraction",),
}

Features = Mapping[str, Mapping[str, np.ndarray]]
"""By effect, then stem: `eq` and `panning` (32,769 bins), `compression` (mean and sd of the onset peaks, in dB),
`loudness` (LUFS), `imager` (mid energy over mid and side)."""


@dataclass(frozen=True)
class Constants:
    """Means over songs, by effect and stem.

    Attributes:
        features: the means. `eq` is the mean |STFT| of the stem at -30 LUFS, `panning` the mean similarity phi: 1 in
            the centre, 0 at one side.
        sd: standard deviations over songs, of the same layout; those of `eq` and `panning` in the 2,049 pooled bins.
            NaN where fewer than two songs were measured.
        n: songs measured, by effect and stem.
        provenance: where the numbers come from: group, songs, features with model and weights, versions.
    """

    features: Features
    sd: Features
    n: Mapping[str, Mapping[str, int]]
    provenance: Mapping[str, Any]


def of_priors(
    priors: Priors, group: str = EVERY_SONG, stems: Sequence[str] = STEMS, weighted: bool = False
) -> Constants:
    """Read the constants out of priors.

    Args:
        priors: opened priors.
        group: group of songs.
        stems: whose constants.
        weighted: whether to weight songs by the confidence in their separation, so that residue in the stem of an
            absent instrument does not count; FxNorm-automix leaves out stems below -50 dBFS instead.

    Raises:
        PriorsLookupError: if the priors lack the group, a stem or, as older ones do, `magnitude_spectrum`.
        InputError: if a statistic was measured on no song of the group.
    """
    mean = "weighted_mean" if weighted else "mean"
    features: dict[str, dict[str, np.ndarray]] = {}
    sd: dict[str, dict[str, np.ndarray]] = {}
    n: dict[str, dict[str, int]] = {}
    for stem in stems:
        _check(priors, stem, group)
        spectrum, spectrum_sd, spectrum_n = _bins(priors, stem, "magnitude_spectrum", group, mean)
        similarity, similarity_sd, similarity_n = _bins(priors, stem, "sps_phi", group, mean)
        measured = {
            "eq": (smooth(expand(np.nan_to_num(spectrum)), _EQ_WINDOW[stem]), spectrum_sd, spectrum_n),
            "panning": (smooth(expand(_filled(similarity)), _PANNING_WINDOW), similarity_sd, similarity_n),
            **{effect: _scalars(priors, stem, names, group, mean) for effect, names in _SCALARS.items()},
        }
        for effect, (centre, spread, songs) in measured.items():
            features.setdefault(effect, {})[stem] = centre
            sd.setdefault(effect, {})[stem] = spread
            n.setdefault(effect, {})[stem] = songs
    return Constants(features, sd, n, {**provenance(priors, group), "mean": mean})


def stems_in(priors: Priors, group: str = EVERY_SONG) -> list[str]:
    """Return the stems of the priors that have constants: those of FxNorm-automix and the mixture."""
    there = {row["stem"] for row in priors.contents if row["group"] == group}
    return [stem for stem in _EQ_WINDOW if stem in there]


def provenance(priors: Priors, group: str) -> dict[str, Any]:
    """Return where numbers read from priors come from, for a file that holds them without the priors."""
    kept = ("songs", "hours", "features", "versions", "calibration")
    return {"made_by": "mixprior constants", "group": group, **{key: priors.manifest.get(key) for key in kept}}


def expand(pooled: np.ndarray) -> np.ndarray:
    """Spread 2,049 pooled bins over 32,769: smooth, monotone where they are, and equal to them when pooled again.

    Their running sum is known at every edge between pooled bins; a monotone cubic (Fritsch and Carlson 1980; PCHIP)
    goes through it, and its steps are the bins. No bin is negative where no pooled bin is.

    Args:
        pooled: shape (2049,), as `mixprior.stats.long_term_spectra.pool` makes it; no NaN.

    >>> from mixprior.stats.long_term_spectra import pool
    >>> pooled = np.exp(-np.arange(2049) / 100)
    >>> bool(np.allclose(pool(expand(pooled)), pooled))
    True
    """
    total = np.append(0.0, np.cumsum(pooled * np.diff(_EDGES)))
    return np.diff(scipy.interpolate.PchipInterpolator(_EDGES, total)(np.arange(BINS + 1)))


def smooth(curve: np.ndarray, window: int) -> np.ndarray:
    """Smooth a curve as FxNorm-automix does: Savitzky-Golay of order 1, mirrored at the ends."""
    return scipy.signal.savgol_filter(curve, window, 1, mode="mirror")


def _check(priors: Priors, stem: str, group: str) -> None:
    """Refuse priors without curves, saying whether the file is old or the group has none."""
    spectra = [row for row in priors.contents if row["statistic"] == "magnitude_spectrum"]
    if not spectra:
        raise PriorsLookupError(
            f"the priors in {priors.path} hold no magnitude_spectrum: build them again with `mixprior mine`; "
            "of the packaged priors, `starter` has it"
        )
    if group not in {row["group"] for row in spectra} and group in {row["group"] for row in priors.contents}:
        raise PriorsLookupError(f"group {group!r} has no curves: these are kept for all and for single groups")
    if group in {row["group"] for row in spectra} and stem not in {row["stem"] for row in spectra}:
        raise PriorsLookupError(f"the priors in {priors.path} have no stem {stem!r}, which FxNorm-automix normalises")


def _bins(priors: Priors, stem: str, statistic: str, group: str, mean: str) -> tuple[np.ndarray, np.ndarray, int]:
    rows = priors.rows(stem, statistic, group).sort_by("bin")
    songs = max(rows["n"].to_pylist())
    if songs == 0:
        raise InputError(f"{statistic} of {stem} was measured on no song of {group}: so it has no constant")
    centre, sd = (rows[name].to_numpy().astype(np.float64) for name in (mean, "sd"))
    if not np.isfinite(centre).any():
        raise InputError(f"every separated {stem} of {group} has a confidence of 0: there is no weighted {statistic}")
    return centre, sd, songs


def _scalars(
    priors: Priors, stem: str, names: Iterable[str], group: str, mean: str
) -> tuple[np.ndarray, np.ndarray, int]:
    found = [priors.lookup(stem, name, group) for name in names]
    for prior in found:
        if getattr(prior, mean) is None:
            raise InputError(f"{prior.statistic} of {stem} was measured on no song of {group}")
    sd = [math.nan if prior.sd is None else prior.sd for prior in found]
    return np.array([getattr(prior, mean) for prior in found], np.float64), np.array(sd), found[0].n


def _filled(similarity: np.ndarray) -> np.ndarray:
    """Interpolate bins in which no song has sound from their neighbours."""
    known = np.flatnonzero(np.isfinite(similarity))
    return np.interp(np.arange(similarity.size), known, similarity[known])
