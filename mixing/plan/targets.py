"""Targets from the priors, each with the numbers it was taken from."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.packaged.default_priors import PriorsChain, Source, centre, open_chain, title
from mixprior.analysis.priors import EVERY_SONG, Prior, Priors
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.plan import aim
from mixprior.mixing.plan.aim import Aim
from mixprior.mixing.plan.excerpt import spread
from mixprior.mixing.plan.like import NOTHING, Like
from mixprior.mixing.plan.raw_error import raw_error
from mixprior.mixing.plan.step import Step
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.posterior import AS_MEASURED, QUARTILE_SD
from mixprior.mixing.rules.ratio import RATIO, RATIO_MONO
from mixprior.mixing.rules.timbre import SpectrumPrior
from mixprior.pipeline.store.layout import PRIORS_FILE
from mixprior.pipeline.store.places import Place
from mixprior.stats.errors import InputError
from mixprior.stats.priors.grouping import SINGING
from mixprior.stats.priors.reliability import LEAST
from mixprior.stats.statistic import SONG

THIRD_OCTAVES = "third_octave_db"
_NUMBERS = (
    *("n", "mean", "sd", "p25", "p50", "p75", "mean_low", "mean_high", "median_low", "median_high"),
    *("n_absent", "share_present", "share_present_low", "share_present_high"),
)


class Unreliable(InputError):
    """A default was to be taken from a statistic that is not to be relied on: the step is left out."""

    def step(self, name: str, of: str) -> Step:
        """The step that is left out, with the reason."""
        warning = Notice("unreliable", f"{of}: the step {name} is left out: {self}")
        return Step(name=name, of=of, reason=f"no {name} for {of}: {self}", warnings=(warning,))


@dataclass(frozen=True)
class Target:
    """A number to aim for.

    Attributes:
        statistic: what it is of, with the unit at the end.
        value: the number.
        reason: where it comes from, in words.
        priors: the numbers it was taken from; empty if a person gave it.
        warnings: that it is not from the priors or group that were given.
        notes: the same in sentences, where no priors or group were given.
        half: the range of the middle half of the songs: quartiles, or two thirds of a standard deviation about the
            mean; None where that is not known.
        stem: what the statistic is of: a stem, or "song".
        sd: standard deviation of the songs; None where that is not known.
        n: the songs; None where that is not known.
    """

    statistic: str
    value: float
    reason: str
    priors: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[Notice, ...] = ()
    notes: tuple[str, ...] = ()
    half: tuple[float, float] | None = None
    stem: str = SONG
    sd: float | None = None
    n: int | None = None

    @property
    def given(self) -> bool:
        """Whether a person gave it."""
        return not self.priors and self.sd is None

    @property
    def spread(self) -> float | None:
        """Standard deviation of a further song about the value: sd * sqrt(1 + 1/n); None where no sd is known."""
        return None if self.sd is None else self.sd * sqrt(1 + 1 / self.n) if self.n else self.sd

    def aim(self, heard: float | None, step: str, trust: float = AS_MEASURED, rule: str = "posterior") -> Aim:
        """Say how far to go from what is measured.

        Args:
            heard: the statistic of the sound; None if it cannot be measured, and then there is no value to aim for.
            step: the step, one of `mixprior.mixing.plan.step.STEPS`; how far raw material is off is looked up for it,
                the statistic and the stem, in `raw_errors.csv`.
            trust: 0 keeps what is measured, 0.5 weighs as measured, 1 goes to the centre: see
                `mixprior.mixing.rules.posterior.weight`. Other rules do without.
            rule: one of `mixprior.mixing.plan.aim.RULES`.

        >>> target = Target("vocal_to_backing_lu", -2.0, "median of 150 songs", sd=2.5, n=150)
        >>> target.aim(-8.0, "level", trust=1.0).value, target.aim(-8.0, "level", trust=0.0).value
        (-2.0, -8.0)
        """
        if self.given:
            return aim.given(self.statistic, heard, self.value)
        if rule == "quartiles":
            return aim.into_half(self.statistic, heard, self.value, self.half)
        if rule == "centre":
            return aim.to_centre(self.statistic, heard, self.value)
        error = raw_error(step, self.statistic, self.stem)
        return aim.to_posterior(self.statistic, heard, self.value, self.spread, error, trust)


@dataclass(frozen=True)
class Targets:
    """Priors to look up one after the other, for one group of songs.

    Attributes:
        chain: the priors.
        group: the songs to go by; all of them where there is no such group, or hardly a song in it.
        asked: whether a person chose priors or group, and is warned where others are used in their place.
        sung: whether vocals are in the mix: targets are those of songs with vocals where there are enough of them.
        like: songs to be like: every target is drawn from the priors towards them.
        duration_s: length of what is mixed: songs that are short differ more (`mixprior.mixing.plan.excerpt`); None for
            a whole song.
    """

    chain: PriorsChain
    group: str = EVERY_SONG
    asked: bool = False
    sung: bool = False
    like: Like = NOTHING
    duration_s: float | None = None

    @classmethod
    def of(
        cls, priors: Priors | str | Path | None = None, group: str = EVERY_SONG, like: Sequence[SongRows] = ()
    ) -> Targets:
        """Open priors by name or folder, with those that come with mixprior behind them.

        Args:
            priors: opened priors, their name or folder; None for those that come with mixprior.
            group: the songs to go by.
            like: statistics of songs that the mix is to be like.

        Raises:
            InputError: if there are no such priors.
        """
        chain = open_chain(priors)
        return cls(chain, group, priors is not None or group != EVERY_SONG, like=Like(tuple(like), chain))

    @property
    def preferred(self) -> tuple[str, ...]:
        """The part of the group with vocals, if vocals are in the mix."""
        if not self.sung:
            return ()
        parts = () if self.group == EVERY_SONG else (self.group,)
        return (",".join(sorted((*parts, SINGING))),)

    def lookup(self, stem: str, statistic: str) -> tuple[Prior, Source]:
        """Look up a scalar for the group, or the part of it that is preferred: see `PriorsChain.lookup`."""
        prior, source = self.chain.lookup(stem, statistic, self.group, preferred=self.preferred)
        return prior, _relied_on(source, [(stem, statistic)])

    def source(self, names: Sequence[tuple[str, str]], given: Collection[tuple[str, str]] = ()) -> Source:
        """Find the priors that hold all the statistics named: see `PriorsChain.source`.

        Args:
            names: stem and statistic of each.
            given: those of them that a person gives a number for: they need not be reliable.

        Raises:
            Unreliable: if one of the others differs less between songs than separation errs.
        """
        relied_on = [name for name in names if name not in given]
        return _relied_on(self.chain.source(names, self.group, preferred=self.preferred), relied_on)

    def ratio(self, asked_lu: float | None = None) -> Target:
        """Ratio of vocals to backing, in stereo or, where priors hold no other, of the means of channels."""
        if asked_lu is not None:
            return Target(RATIO, asked_lu, "as given")
        lacking: list[str] = []
        for link in self.chain.links:
            for statistic in (RATIO, RATIO_MONO):
                try:
                    prior, source = replace(self, chain=PriorsChain((link,))).lookup("song", statistic)
                except (PriorsLookupError, Unreliable):
                    continue
                note = f"{', '.join(lacking)} has no ratio of vocals to backing: taken from {title(link)}"
                return self.of_prior(prior, replace(source, notes=(*([note] if lacking else []), *source.notes)))
            lacking.append(title(link))
        raise InputError("no priors hold the ratio of vocals to backing: give --ratio-lu, or leave the step out")

    def scalar(self, stem: str, statistic: str, asked: float | None = None) -> Target:
        """The median of a statistic, or its mean where no median is known.

        Raises:
            InputError: if no priors hold it.
        """
        if asked is not None:
            return Target(statistic, asked, "as given", stem=stem)
        return self.of_prior(*self.lookup(stem, statistic))

    def spread(self, stem: str, statistic: str) -> Target:
        """As `scalar`, of the first priors that know how far songs differ; of the first of all where none knows.

        Raises:
            InputError: if no priors hold it.
        """
        for link in self.chain.links:
            try:
                found = replace(self, chain=PriorsChain((link,))).scalar(stem, statistic)
            except (PriorsLookupError, Unreliable):
                continue
            if found.sd is not None:
                return found
        return self.scalar(stem, statistic)

    def spectrum(self, stem: str) -> tuple[SpectrumPrior, Source, tuple[Mapping[str, Any], ...]]:
        """Third-octave levels of a stem in the first priors that hold them, where that is, and what a recipe says.

        Raises:
            Unreliable: if half of the bands differ less between songs than separation errs.
            InputError: if no priors hold them.
        """
        name = (stem, THIRD_OCTAVES)
        source = self.source([name])
        rows = source.priors.rows(*name, source.group).sort_by("bin").to_pylist()
        known = [source.priors.reliabilities.find(*name, row["bin_hz"]) for row in rows]
        reliable = [each is None or each.reliability is None or each.reliability >= LEAST for each in known]
        centre_db, sd_db = (np.array([row[key] for row in rows], np.float64) for key in ("mean", "sd"))
        prior = SpectrumPrior(centre_db, sd_db, np.array([row["n"] for row in rows]), np.array(reliable))
        place = {**_place(source), "statistic": THIRD_OCTAVES, "stem": stem, "n": int(prior.n.max())}
        drawn, references = self.like.draw_spectrum(stem, prior)
        return drawn, source, (place, *references)

    def warnings_and_notes(self, sentences: tuple[str, ...]) -> tuple[tuple[Notice, ...], tuple[str, ...]]:
        """Sentences of a source as warnings, where priors or a group were given, or else as notes."""
        return (tuple(Notice("prior", each) for each in sentences), ()) if self.asked else ((), sentences)

    def of_prior(self, prior: Prior, source: Source) -> Target:
        """The median of a prior that was looked up, or its mean where no median is known."""
        what = "mean" if prior.p50 is None else "median"
        half = "" if prior.p25 is None else f"; half of them between {prior.p25:.2f} and {prior.p75:.2f}"
        songs = f"{prior.n} songs{_presence(prior)}" if prior.n else "an unknown number of songs"
        reason = f"{what} of {songs} of {title(source.priors)} (group {prior.group}){half}"
        warnings, notes = self.warnings_and_notes(source.notes)
        warnings += tuple(Notice("unreliable", each) for each in source.unknown)
        taken = (facts(prior, source),)
        found = Target(prior.statistic, centre(prior), reason, taken, warnings, notes, half_of(prior), prior.stem)
        sd = spread(sd_of(prior), prior.statistic, self.duration_s)
        return self.like.draw(replace(found, sd=sd, n=prior.n or None))


def _relied_on(source: Source, names: Sequence[tuple[str, str]]) -> Source:
    """The source, noting what is not known of its separation.

    Raises:
        Unreliable: if a statistic differs less between its songs than separation errs.
    """
    reliabilities = source.priors.reliabilities
    for name in names:
        if (doubt := reliabilities.doubt(*name)) is not None:
            raise Unreliable(doubt)
    unknown = [note for name in names if (note := reliabilities.unknown(*name)) is not None]
    return replace(source, unknown=(*source.unknown, *unknown))


def _presence(prior: Prior) -> str:
    """How many songs have the stem, where some have not."""
    if not prior.n_absent or prior.share_present is None:
        return ""
    low, high = prior.share_present_low, prior.share_present_high
    of = "both vocals and backing" if prior.stem == SONG else prior.stem
    return f" with {of} ({prior.share_present:.0%} of all songs have them, 95 % interval {low:.0%} to {high:.0%})"


def half_of(prior: Prior) -> tuple[float, float] | None:
    """The range of the middle half of the songs, see `Target`."""
    if prior.p25 is not None and prior.p75 is not None:
        return prior.p25, prior.p75
    if prior.mean is None or prior.sd is None:
        return None
    return prior.mean - QUARTILE_SD * prior.sd, prior.mean + QUARTILE_SD * prior.sd


def sd_of(prior: Prior) -> float | None:
    """Standard deviation of the songs, or that of a normal distribution with their quartiles."""
    if prior.sd is not None or prior.p25 is None or prior.p75 is None:
        return prior.sd
    return (prior.p75 - prior.p25) / (2 * QUARTILE_SD)


def facts(prior: Prior, source: Source) -> Mapping[str, Any]:
    """The numbers of a prior and where it is stored, as a recipe has them."""
    definition = source.priors.manifest.get("statistics", {}).get(prior.statistic, {}).get("definition")
    names = {"statistic": prior.statistic, "stem": prior.stem, "definition": definition}
    return {**_place(source), **names, **{name: getattr(prior, name) for name in _NUMBERS}}


def _place(source: Source) -> dict[str, Any]:
    file = source.priors.path / PRIORS_FILE
    return {"priors": title(source.priors), "sha256": _sha256(file), "group": source.group}


@lru_cache(maxsize=8)
def _sha256(file: Place) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
