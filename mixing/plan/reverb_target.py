"""The reverb that a catalog's vocals have: settings that reach the priors' reverberation times and wet level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.packaged.default_priors import PriorsChain, Source
from mixprior.analysis.priors import EVERY_SONG, Prior, Priors
from mixprior.analysis.regression import regress
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.space import NEARLY_DRY_DB
from mixprior.mixing.rules.tempo_rule import TempoRelation
from mixprior.mixing.rules.tempo_rule import reverberation_time_s as time_by_rule_s
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import PARAMETERS

STEM = "vocals"
OCTAVES, BROADBAND, LEVEL = "rt60_octaves_s", "rt60_s", "wet_dry_db"
"""The statistics of that stem that settings are made of."""
NAMES = tuple((STEM, name) for name in (BROADBAND, OCTAVES, LEVEL))
"""The same with their stem, to look for priors that hold them all."""
TEMPO = ("backing", "tempo_bpm")

_TIME = next(p for p in PARAMETERS if p.name == "reverberation_time_s")


@dataclass(frozen=True)
class ReverbTarget:
    """The reverb that a catalog's vocals have.

    Attributes:
        group: the songs it was taken from.
        octaves: a row of the priors for each octave 250 Hz to 4 kHz.
        broadband: prior of the broadband reverberation time.
        level: prior of the wet level, in dB of energies: knobs are never averaged.
        rt60_s: broadband time to reach: the median, or what a rule makes of a tempo.
        rule: how the time was made of a tempo; None without.
        notes: where the numbers come from, in sentences.
        warnings: what its user should know of them.
    """

    group: str
    octaves: list[dict[str, Any]]
    broadband: Prior
    level: Prior
    rt60_s: float
    rule: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()

    @property
    def rt60_octaves_s(self) -> np.ndarray:
        """The medians by octave, (5,), all longer or shorter by as much as the broadband time is."""
        assert self.broadband.p50 is not None
        return np.array([row["p50"] for row in self.octaves]) * (self.rt60_s / self.broadband.p50)

    @property
    def wet_dry_db(self) -> float:
        """Median of the songs' wet levels: a mean would count the floor that dry vocals read as a level."""
        assert self.level.p50 is not None
        return self.level.p50

    @property
    def dry_share(self) -> float | None:
        """Share of the songs whose vocals are nearly dry, from the quantiles of the level; None if not known."""
        shares = {"min": 0.0, "p5": 0.05, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "max": 1.0}
        levels_db = [getattr(self.level, name) for name in shares]
        if None in levels_db:
            return None
        return float(np.interp(NEARLY_DRY_DB, levels_db, list(shares.values()), left=0.0))

    def to_dict(self) -> dict[str, Any]:
        """Group, counts and 95 % intervals of what was taken, and the rule."""
        return {
            "group": self.group,
            BROADBAND: {"n": self.broadband.n, **_median(asdict(self.broadband))},
            OCTAVES: [{"octave_hz": row["bin_hz"], "n": row["n"], **_median(row)} for row in self.octaves],
            LEVEL: {"n": self.level.n, **_median(asdict(self.level))},
            "tempo_rule": self.rule,
        }


def source(priors: Priors, group: str = EVERY_SONG) -> Source:
    """Return the priors with the group to take the reverb from: all songs for a group that is missing or too small.

    Raises:
        InputError: if the priors hold no reverberation of vocals.
    """
    try:
        return PriorsChain((priors,)).source(NAMES, group)
    except PriorsLookupError as error:
        raise InputError(f"{priors.path} has no reverberation of vocals: mine the songs again ({error})") from error


def target(found: Source, tempo_bpm: float | None = None, rule: str | None = None) -> ReverbTarget:
    """Look up the reverb of the vocals of a group of songs.

    Args:
        found: priors and the group, as `source` or `PriorsChain.source` found them for `NAMES`.
        tempo_bpm: of the song that the reverb is for, with a rule.
        rule: "seed" for `mixing.rules.tempo_rule`, "catalog" for the regression of `rt60_s` on `backing:tempo_bpm`.

    Raises:
        InputError: if the priors have no medians of reverberation, or, for a rule, no joint moments.
    """
    priors, group = found.priors, found.group
    broadband, level = priors.lookup(STEM, BROADBAND, group), priors.lookup(STEM, LEVEL, group)
    octaves = priors.rows(STEM, OCTAVES, group).sort_by("bin").to_pylist()
    if broadband.p50 is None or level.p50 is None or any(row["p50"] is None for row in octaves):
        raise InputError(f"{priors.path} has no median of the reverberation of vocals: give priors that were mined")
    taken = ReverbTarget(group, octaves, broadband, level, broadband.p50)
    taken = replace(taken, notes=_sources(taken))
    if not rule or tempo_bpm is None:
        return taken
    time_s, facts, note = _by_seed(tempo_bpm) if rule == "seed" else _by_catalog(priors, group, tempo_bpm)
    within_s = min(max(time_s, _TIME.low), _TIME.high)
    beyond = f"the rule gives {time_s:.2f} s at {tempo_bpm:g} bpm; {within_s:g} s is taken"
    return replace(
        taken,
        rt60_s=within_s,
        rule={**facts, "rt60_s": within_s},
        notes=(*taken.notes, note),
        warnings=(Notice("tempo", beyond),) if within_s != time_s else (),
    )


def _median(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"median": row["p50"], "median_low": row["median_low"], "median_high": row["median_high"]}


def _sources(taken: ReverbTarget) -> tuple[str, ...]:
    time, level = taken.broadband, taken.level
    return (
        f"times: medians of {time.n} songs (group {taken.group}); broadband {time.p50:.2f} s"
        f"{_interval(time.median_low, time.median_high, 's')}",
        f"wet to dry: median of {level.n} songs, dry vocals included, {level.p50:.1f} dB"
        f"{_interval(level.median_low, level.median_high, 'dB', 1)}",
    )


def _interval(low: float | None, high: float | None, unit: str, decimals: int = 2) -> str:
    return "" if low is None or high is None else f", 95 % interval {low:.{decimals}f} to {high:.{decimals}f} {unit}"


def _by_seed(tempo_bpm: float) -> tuple[float, dict[str, Any], str]:
    time_s = time_by_rule_s(tempo_bpm)
    note = f"tempo: {time_s:.2f} s at {tempo_bpm:g} bpm by the textbook's rule, which comes from no catalog"
    return time_s, {"name": "seed", "tempo_bpm": tempo_bpm}, note


def _by_catalog(priors: Priors, group: str, tempo_bpm: float) -> tuple[float, dict[str, Any], str]:
    (row,) = regress(priors, (STEM, BROADBAND), [TEMPO], group)
    names = ("slope", "slope_low", "slope_high", "intercept", "r2", "n")
    relation = TempoRelation(*(row[key] for key in names))  # type: ignore[arg-type]
    time_s = relation.reverberation_time_s(tempo_bpm)
    slope, low, high = (
        f"{1000 * each:+.2f}"
        for each in (relation.slope_s_per_bpm, relation.slope_low_s_per_bpm, relation.slope_high_s_per_bpm)
    )
    note = (
        f"tempo: {time_s:.2f} s at {tempo_bpm:g} bpm by the regression of {relation.n} songs: "
        f"slope {slope} ms/bpm, 95 % interval {low} to {high}, R2 {relation.r2:.3f}"
    )
    if not relation.is_found:
        note += "\n  the interval holds 0: these songs show no relation of reverberation time and tempo"
    return time_s, {"name": "catalog", "tempo_bpm": tempo_bpm, **asdict(relation), "is_found": relation.is_found}, note
