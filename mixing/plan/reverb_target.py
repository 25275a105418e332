"""The reverb that a catalog's vocals have: settings that reach the priors' reverberation times and wet level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mixprior.analysis.packaged.default_priors import LEAST_SONGS
from mixprior.analysis.priors import EVERY_SONG, Prior, Priors, PriorsLookupError
from mixprior.analysis.regression import regress
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.tempo_rule import TempoRelation
from mixprior.mixing.rules.tempo_rule import reverberation_time_s as time_by_rule_s
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import PARAMETERS

STEM = "vocals"
OCTAVES, BROADBAND, LEVEL = "rt60_octaves_s", "rt60_s", "wet_dry_db"
"""The statistics of that stem that settings are made of."""
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
        """Median of the songs' wet levels: a mean would count the floor that dry voices read as a level."""
        assert self.level.p50 is not None
        return self.level.p50

    def to_dict(self) -> dict[str, Any]:
        """Group, counts and 95 % intervals of what was taken, and the rule."""
        return {
            "group": self.group,
            BROADBAND: {"n": self.broadband.n, **_median(asdict(self.broadband))},
            OCTAVES: [{"octave_hz": row["bin_hz"], "n": row["n"], **_median(row)} for row in self.octaves],
            LEVEL: {"n": self.level.n, **_median(asdict(self.level))},
            "tempo_rule": self.rule,
        }


def target(
    priors: Priors, group: str = EVERY_SONG, tempo_bpm: float | None = None, rule: str | None = None
) -> ReverbTarget:
    """Look up the reverb of a group of songs; that of all songs where there is no such group, or hardly a song in it.

    Args:
        priors: opened priors.
        group: the songs to go by.
        tempo_bpm: of the song that the reverb is for, with a rule.
        rule: "seed" for `mixing.rules.tempo_rule`, "catalog" for the regression of `rt60_s` on `backing:tempo_bpm`.

    Raises:
        InputError: if the priors hold no reverberation of vocals, or, for a rule, no joint moments.
    """
    warnings: list[Notice] = []
    taken = _of_group(priors, EVERY_SONG)
    if group != EVERY_SONG:
        try:
            of_group = _of_group(priors, group)
        except PriorsLookupError as error:
            warnings.append(Notice("prior", f"all songs stand in for the group: {error}"))
        else:
            if of_group.broadband.n >= LEAST_SONGS:
                taken = of_group
            else:
                few = f"its {of_group.broadband.n} songs with a reverb are fewer than {LEAST_SONGS}"
                warnings.append(Notice("prior", f"all songs stand in for the group {group}: {few}"))
    if taken.broadband.p50 is None or taken.level.p50 is None or any(row["p50"] is None for row in taken.octaves):
        raise InputError(f"{priors.path} has no {BROADBAND} of vocals: no song had a voice with a reverb to measure")
    if taken.broadband.n < LEAST_SONGS:
        warnings.append(Notice("prior", f"the prior rests on {taken.broadband.n} songs only"))
    time_s, told, notes = taken.broadband.p50, None, _sources(taken)
    if rule and tempo_bpm is not None:
        time_s, told, note = _by_seed(tempo_bpm) if rule == "seed" else _by_catalog(priors, taken.group, tempo_bpm)
        notes = (*notes, note)
        within_s = min(max(time_s, _TIME.low), _TIME.high)
        if within_s != time_s:
            beyond = f"the rule gives {time_s:.2f} s at {tempo_bpm:g} bpm; {within_s:g} s is taken"
            warnings.append(Notice("tempo", beyond))
        time_s = told["rt60_s"] = within_s
    return ReverbTarget(taken.group, taken.octaves, taken.broadband, taken.level, time_s, told, notes, tuple(warnings))


def _median(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"median": row["p50"], "median_low": row["median_low"], "median_high": row["median_high"]}


def _of_group(priors: Priors, group: str) -> ReverbTarget:
    try:
        broadband, level = priors.lookup(STEM, BROADBAND, group), priors.lookup(STEM, LEVEL, group)
        octaves = priors.rows(STEM, OCTAVES, group).sort_by("bin").to_pylist()
    except PriorsLookupError as error:
        if group == EVERY_SONG:
            raise InputError(f"{priors.path} knows no reverberation of vocals: mine them again ({error})") from error
        raise
    return ReverbTarget(group, octaves, broadband, level, broadband.p50 or 0.0)


def _sources(taken: ReverbTarget) -> tuple[str, ...]:
    time, level = taken.broadband, taken.level
    return (
        f"times: medians of {time.n} songs (group {taken.group}); broadband {time.p50:.2f} s"
        f"{_interval(time.median_low, time.median_high, 's')}",
        f"wet to dry: median of {level.n} songs, dry voices among them, {level.p50:.1f} dB"
        f"{_interval(level.median_low, level.median_high, 'dB', 1)}",
    )


def _interval(low: float | None, high: float | None, unit: str, decimals: int = 2) -> str:
    return "" if low is None or high is None else f", 95 % interval {low:.{decimals}f} to {high:.{decimals}f} {unit}"


def _by_seed(tempo_bpm: float) -> tuple[float, dict[str, Any], str]:
    time_s = time_by_rule_s(tempo_bpm)
    note = f"tempo: {time_s:.2f} s at {tempo_bpm:g} bpm by the textbook's rule, which no catalog was asked for"
    return time_s, {"name": "seed", "tempo_bpm": tempo_bpm}, note


def _by_catalog(priors: Priors, group: str, tempo_bpm: float) -> tuple[float, dict[str, Any], str]:
    (row,) = regress(priors, (STEM, BROADBAND), [TEMPO], group)
    told = ("slope", "slope_low", "slope_high", "intercept", "r2", "n")
    relation = TempoRelation(*(row[key] for key in told))  # type: ignore[arg-type]
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
