"""Songs that a mix is to be like, beside the priors: `mixprior.mixing.rules.reference` on their statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from mixprior.analysis.packaged.default_priors import PriorsChain
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan, Step
from mixprior.mixing.rules import reference
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.posterior import QUARTILE_SD
from mixprior.mixing.rules.timbre import SpectrumPrior
from mixprior.stats.statistic import MIXTURE

if TYPE_CHECKING:
    from mixprior.mixing.plan.targets import Target

_LOUDNESS, _THIRD_OCTAVES = "integrated_lufs", "third_octave_db"


@dataclass(frozen=True)
class Like:
    """Songs to sound like; none is the catalog alone.

    Attributes:
        songs: their statistics.
        chain: the priors, which know how reliable statistics of separated stems are; None if none do.
    """

    songs: tuple[SongRows, ...] = ()
    chain: PriorsChain | None = None

    def __bool__(self) -> bool:
        """Whether there is a song."""
        return bool(self.songs)

    @property
    def steps(self) -> tuple[str, ...]:
        """Steps that run besides the usual ones: who names a song expects its spectrum, too."""
        return ("eq",) if self else ()

    @property
    def names(self) -> str:
        """Their names, for a sentence."""
        return " and ".join(PurePath(song.name).name for song in self.songs)

    @property
    def lufs(self) -> float | None:
        """The loudness of the songs, their mean; None where none can be measured."""
        found = [lufs for song in self.songs if (lufs := song.value(MIXTURE, _LOUDNESS)) is not None]
        return sum(found) / len(found) if found else None

    def options(self, options: Options, is_loudness_given: bool) -> Options:
        """The options, with the loudness of the songs as the target where a person gave none.

        Args:
            options: of the mix.
            is_loudness_given: whether a person gave the loudness, or none.
        """
        lufs = self.lufs
        return options if is_loudness_given or lufs is None else replace(options, target_lufs=round(lufs, 2))

    def draw(self, target: Target) -> Target:
        """Draw what the songs have towards a target of the catalog; the target itself where they have nothing."""
        spread = target.spread
        if not self or target.given:
            return target
        songs = [song for song in self.songs if song.value(target.stem, target.statistic) is not None]
        if not songs or spread is None:
            lacks = f"has no {target.statistic} of {target.stem}" if not songs else "is not followed"
            why = "" if not songs else f" in {target.statistic} of {target.stem}: how far songs differ is not known"
            return replace(target, notes=(*target.notes, f"{self.names} {lacks}{why}"))
        facts, found = self._facts(songs, target.stem, target.statistic, target.value, spread)
        half = QUARTILE_SD * found.sd
        return replace(
            target,
            value=found.value,
            reason=f"{_shares(facts)} and {1 - sum(found.weights):.0%} {target.value:.2f}, {target.reason}",
            priors=(*target.priors, *facts),
            half=(found.value - half, found.value + half),
            sd=found.sd,
            n=None,
        )

    def draw_spectrum(self, stem: str, prior: SpectrumPrior) -> tuple[SpectrumPrior, tuple[dict[str, Any], ...]]:
        """Draw third-octave levels towards those of the catalog, band by band.

        Returns:
            What is wanted in place of the catalog's, and what a recipe says of each song: its mean weight over the
            bands.
        """
        centre_db, sd_db = prior.centre_db.copy(), prior.sd_db.copy()
        weights: dict[str, list[float]] = {song.name: [] for song in self.songs}
        for k in np.flatnonzero(np.isfinite(centre_db) & np.isfinite(sd_db)):
            songs = [song for song in self.songs if song.value(stem, _THIRD_OCTAVES, int(k)) is not None]
            spread = float(sd_db[k] * np.sqrt(1 + 1 / max(int(prior.n[k]), 1)))
            facts, found = self._facts(songs, stem, _THIRD_OCTAVES, float(centre_db[k]), spread, int(k))
            if songs:
                centre_db[k], sd_db[k] = found.value, found.sd
            for fact in facts:
                weights[fact["reference"]].append(fact["weight"])
        said = tuple(
            {"reference": name, "stem": stem, "statistic": _THIRD_OCTAVES, "weight": float(np.mean(each))}
            for name, each in weights.items()
            if each
        )
        return replace(prior, centre_db=centre_db, sd_db=sd_db), said

    def songs_of(self, references: Sequence[Mapping[str, Any]], songs: str) -> str:
        """Words for the songs whose spectrum was aimed for, given what a recipe says of references, and the catalog."""
        parts = [f"{each['weight']:.0%} {PurePath(each['reference']).name}" for each in references]
        return f"{' and '.join(parts)} and else {songs}" if parts else songs

    def announced(self, plan: Plan, options: Options) -> Plan:
        """The plan, with a first step that names the songs."""
        if not self:
            return plan
        lufs, wanted = self.lufs, options.target_lufs if "loudness" in options.steps else None
        reason = f"like {self.names}, whose statistics are weighed against the catalog's"
        if lufs is not None and wanted is not None and abs(wanted - lufs) < 0.01:
            reason += f"; as loud, {lufs:.2f} LUFS"
        step = Step(
            name="like",
            of="mix",
            reason=reason,
            measured={song.name: song.value(MIXTURE, _LOUDNESS) for song in self.songs},
            warnings=tuple(Notice("file", doubt) for song in self.songs for doubt in song.doubts),
            notes=tuple(f"{song.name}: stems {'separated' if song.separated else 'as given'}" for song in self.songs),
        )
        return replace(plan, steps=(step, *plan.steps))

    def _facts(
        self,
        songs: Sequence[SongRows],
        stem: str,
        statistic: str,
        centre: float,
        spread: float,
        place: int | None = None,
    ) -> tuple[list[dict[str, Any]], reference.Drawn]:
        """What a recipe says of each song, and what is wanted."""
        reliability = self._reliability(stem, statistic, place)
        values = [song.value(stem, statistic, place) or 0.0 for song in songs]
        errors = [reference.error_sd(spread, reliability if song.separated else 1.0) for song in songs]
        found = reference.drawn(centre, spread, list(zip(values, errors, strict=True)))
        facts = [
            {
                "reference": song.name,
                "stem": stem,
                "statistic": statistic,
                "value": value,
                "error_sd": error if isfinite(error) else None,
                "weight": weight,
            }
            for song, value, error, weight in zip(songs, values, errors, found.weights, strict=True)
        ]
        return facts, found

    def _reliability(self, stem: str, statistic: str, place: int | None) -> float | None:
        """That of separated stems, by the first priors that have one; 1 for the mixture; None if it is not known."""
        if stem == MIXTURE:
            return 1.0
        for link in self.chain.links if self.chain else ():
            bands = link.reliabilities.by_statistic.get((stem, statistic), ())
            if bands:
                return bands[0 if place is None else min(place, len(bands) - 1)].reliability
        return None


NOTHING = Like()
"""No song: the catalog alone."""


def _shares(facts: Sequence[dict[str, Any]]) -> str:
    parts = [f"{fact['weight']:.0%} {PurePath(fact['reference']).name}, {fact['value']:.2f}" for fact in facts]
    return f"like {' and '.join(parts)}"
