"""What the equaliser leaves of tilts, on spectra drawn from the packaged priors: as shipped, at half and at double."""

from __future__ import annotations

import numpy as np

from mixprior.mixing.plan.raw_error import raw_error
from mixprior.mixing.plan.targets import THIRD_OCTAVES, Targets
from mixprior.mixing.rules.timbre import COMPARED, SONG_OCTAVES, SpectrumPrior, shrink
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ

STEMS = ("vocals", "drums")
"""Whose spectra are reliable in the packaged priors."""
TILTS_DB_PER_OCTAVE = (0.0, 0.5, 1.0, 2.0)
FACTORS = {"half": 0.5, "as shipped": 1.0, "double": 2.0}
SONGS = 200
_OCTAVES = np.log2(BAND_CENTRES_HZ / 1000)


def songs_db(prior: SpectrumPrior, count: int = SONGS, seed: int = 1) -> np.ndarray:
    """Spectra of songs, (songs, 30): as far apart as the priors have it, and correlated as the rule takes it."""
    sd_db = np.nan_to_num(prior.sd_db)
    correlation = np.exp(-np.abs(_OCTAVES[:, np.newaxis] - _OCTAVES) / SONG_OCTAVES)
    root = np.linalg.cholesky(np.outer(sd_db, sd_db) * correlation + 1e-9 * np.eye(len(sd_db)))
    return prior.centre_db + np.random.default_rng(seed).standard_normal((count, len(sd_db))) @ root.T


def off_db(bands_db: np.ndarray) -> float:
    """Mean distance over the compared bands, levels made alike."""
    return float(np.abs(bands_db[COMPARED] - bands_db[COMPARED].mean()).mean())


def left_db(prior: SpectrumPrior, error_db: float, tilt: float) -> np.ndarray:
    """Distances of songs from themselves, after a tilt up or down and the equaliser: (songs,)."""
    songs = songs_db(prior)
    tilts_db = tilt * np.where(np.arange(len(songs)) % 2, 1, -1)[:, np.newaxis] * _OCTAVES
    found = []
    for song, tilted in zip(songs, tilts_db, strict=True):
        equaliser = shrink(song + tilted, prior, error_db)
        assert equaliser is not None
        found.append(off_db(tilted + equaliser.gains_db))
    return np.array(found)


def table() -> str:
    """A row for each stem and error; a column for each tilt."""
    tilts = " | ".join(f"{tilt:g} dB an octave" for tilt in TILTS_DB_PER_OCTAVE)
    lines = [
        "Mean distance of 200 drawn spectra from themselves after the step, dB a band, 63 Hz to 12.5 kHz.",
        "",
        f"| stem | raw material is off by | {tilts} | 0: median, p90 |",
        f"|---|---|{'--:|' * (len(TILTS_DB_PER_OCTAVE) + 1)}",
    ]
    for stem in STEMS:
        prior = Targets.of().spectrum(stem)[0]
        error = raw_error("eq", THIRD_OCTAVES, stem)
        assert error is not None
        untouched = " | ".join(f"{off_db(tilt * _OCTAVES):.2f}" for tilt in TILTS_DB_PER_OCTAVE)
        lines.append(f"| {stem} | without the step | {untouched} | |")
        for name, factor in FACTORS.items():
            found = [left_db(prior, factor * error.sd, tilt) for tilt in TILTS_DB_PER_OCTAVE]
            means = " | ".join(f"{each.mean():.2f}" for each in found)
            ends = f"{np.median(found[0]):.2f}, {np.percentile(found[0], 90):.2f}"
            lines.append(f"| {stem} | {factor * error.sd:g} dB, {name} | {means} | {ends} |")
    return "\n".join(lines) + "\n"
