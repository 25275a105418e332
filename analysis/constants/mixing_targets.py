"""Targets for a mixer, stem by stem, as one JSON document."""

from __future__ import annotations

import json
from typing import Any

from mixprior.analysis.constants.constants import provenance
from mixprior.analysis.priors import EVERY_SONG, Priors
from mixprior.stats.priors.derived import CORRECTED
from mixprior.stats.statistic import SONG

_OF_STEM = (
    "loudness_vs_mixture_lu",
    "loudness_vs_rest_lu",
    "integrated_lufs",
    "pan_position",
    "mid_energy_fraction",
    "crest_factor_db",
    "loudness_range_lu",
)
_OF_SONG = ("vocal_to_backing_lu", "vocal_to_backing_mono_lu")
_NUMBERS = ("unit", "n", "mean", "sd", "p50", "mean_low", "mean_high", "median_low", "median_high")


def to_json(priors: Priors, group: str = EVERY_SONG) -> str:
    """Return third-octave levels, loudness differences, pan, crest and range of each stem, and the vocal ratio.

    Every number comes with n, sd and the 95 % intervals of the priors; null where they have none. The calibrated
    statistic (`..._corrected`) is included where there is one.

    Raises:
        PriorsLookupError: if there is no such group.
    """
    document: dict[str, Any] = {"provenance": provenance(priors, group), "song": {}, "stems": {}}
    scalars, kept = priors.rows(group=group).to_pylist(), priors.contents
    for row in scalars:
        name = row["statistic"].removesuffix(CORRECTED)
        if row["stem"] == SONG and name in _OF_SONG:
            document["song"][row["statistic"]] = {key: row[key] for key in _NUMBERS}
        elif name in _OF_STEM and row["n"]:
            document["stems"].setdefault(row["stem"], {})[row["statistic"]] = {key: row[key] for key in _NUMBERS}
    for stem, facts in document["stems"].items():
        if not any((row["stem"], row["statistic"], row["group"]) == (stem, "third_octave_db", group) for row in kept):
            continue  # pairs of groups keep scalars only
        bands = priors.rows(stem, "third_octave_db", group).sort_by("bin")
        facts["third_octave_db"] = {
            "unit": "dB",
            "n": max(bands["n"].to_pylist()),
            **{key: bands[key].to_pylist() for key in ("bin_hz", "mean", "sd")},
        }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
