"""A mix before and after: spectra and levels of its parts, where priors have them, and what was aimed for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mixprior.analysis.errors import PriorsLookupError
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import VOCALS, Sum
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.mix.render import Mixed
from mixprior.mixing.plan.level import GROUP_LEVEL
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Targets, Unreliable, half_of
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.posterior import QUARTILE_SD
from mixprior.mixing.rules.ratio import RATIO
from mixprior.stats.measures.spectrum import third_octave_db
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SONG

Range = tuple[float, float]
MIXTURE = "mixture"


@dataclass(frozen=True)
class Level:
    """A level before and after.

    Attributes:
        before: of the plain sum, in LU.
        after: of the mix, in LU.
        half: the range of half of the songs of the priors; None where they have none to rely on.
        aim: what was aimed for, a range or twice the same number; None where nothing was.
    """

    before: float
    after: float
    half: Range | None = None
    aim: Range | None = None


class Songs(NamedTuple):
    """Third octaves of the songs of the priors, dB: quartiles and what is between them, the median or the mean."""

    low_db: np.ndarray
    middle_db: np.ndarray
    high_db: np.ndarray


@dataclass(frozen=True)
class Spectra:
    """The spectrum of a sound before and after.

    Attributes:
        name: "vocals", a class of instruments, "backing", or "mixture": the whole.
        before_db: third octaves of the plain sum, dB of the sound's energy, as `third_octave_db` has them.
        after_db: the same of the mix.
        songs: the same of the priors; None where they have none to rely on.
    """

    name: str
    before_db: np.ndarray
    after_db: np.ndarray
    songs: Songs | None


@dataclass(frozen=True)
class Part(Spectra):
    """A part of a mix before and after.

    Attributes:
        level: its loudness over that of the whole.
    """

    level: Level


@dataclass(frozen=True)
class Comparison:
    """A mix before and after.

    Attributes:
        before: the plain sum.
        whole: the spectrum of the sum; None where it is silent.
        parts: those that are heard before and after.
        ratio: loudness of the vocals minus that of the rest; None where one of them is not heard.
    """

    before: Sum
    whole: Spectra | None
    parts: tuple[Part, ...]
    ratio: Level | None


def untouched(settings: MixSettings) -> MixSettings:
    """The same tracks and buses with nothing done to them."""
    return MixSettings(
        dict.fromkeys(settings.tracks, Chain()), dict.fromkeys(settings.buses, Chain()), settings.routing
    )


def compare(mixed: Mixed, targets: Targets) -> Comparison:
    """Compare a mix with the plain sum of what it was made of.

    Args:
        mixed: the mix.
        targets: whose songs to compare it with.
    """
    before, after = chain.sum_up(untouched(mixed.recipe.settings), mixed.sounds), mixed.summed
    targets, steps = replace(targets, sung=VOCALS in after.parts), mixed.recipe.steps
    names = [name for name in before.with_backing if _heard(before, name) and _heard(after, name)]
    parts = [_part(name, before, after, targets, steps) for name in names]
    return Comparison(before, _whole(before, after, targets), tuple(parts), _ratio(before, after, targets, steps))


def _whole(before: Sum, after: Sum, targets: Targets) -> Spectra | None:
    if before.sound.silent or after.sound.silent:
        return None
    return Spectra(MIXTURE, spectrum_db(before.sound), spectrum_db(after.sound), _songs(targets, MIXTURE))


def _heard(summed: Sum, name: str) -> bool:
    return not summed.sound.silent and not summed.with_backing[name].silent


def _part(name: str, before: Sum, after: Sum, targets: Targets, steps: Iterable[Step]) -> Part:
    first, last = before.with_backing[name], after.with_backing[name]
    level = Level(
        _share_lu(first, before.sound),
        _share_lu(last, after.sound),
        _half(targets, name, GROUP_LEVEL),
        _aim(steps, name, GROUP_LEVEL),
    )
    return Part(name, spectrum_db(first), spectrum_db(last), _songs(targets, name), level)


def _ratio(before: Sum, after: Sum, targets: Targets, steps: Iterable[Step]) -> Level | None:
    first, last = (
        None if each.backing is None or VOCALS not in each.parts else ratio.ratio_lu(each.parts[VOCALS], each.backing)
        for each in (before, after)
    )
    if first is None or last is None:
        return None
    return Level(first, last, _half(targets, SONG, RATIO), _aim(steps, VOCALS, RATIO))


def _share_lu(part: Sound, whole: Sound) -> float:
    assert part.integrated_lufs is not None
    assert whole.integrated_lufs is not None
    return part.integrated_lufs - whole.integrated_lufs


def spectrum_db(sound: Sound) -> np.ndarray:
    """Third octaves of a sound that is not silent, dB of its energy, (30,)."""
    return third_octave_db(at_44100(sound).spectra.power)


def _aim(steps: Iterable[Step], of: str, statistic: str) -> Range | None:
    """What the last step on it aimed for."""
    aims = [step.target[statistic] for step in steps if step.of == of and step.target.get(statistic) is not None]
    if not aims:
        return None
    aim = aims[-1]
    low, high = aim if isinstance(aim, (tuple, list)) else (aim, aim)
    return float(low), float(high)


def _half(targets: Targets, stem: str, statistic: str) -> Range | None:
    try:
        return half_of(targets.lookup(stem, statistic)[0])
    except (PriorsLookupError, Unreliable):
        return None


def _songs(targets: Targets, stem: str) -> Songs | None:
    try:
        source = targets.source([(stem, "third_octave_db")])
    except (PriorsLookupError, Unreliable):
        return None
    rows = source.priors.rows(stem, "third_octave_db", source.group).sort_by("bin")
    names = ("p25", "p50", "p75", "mean", "sd")
    low, middle, high, mean, sd = (np.array(rows[name].to_pylist(), np.float64) for name in names)
    if np.isnan(low).all():
        return Songs(mean - QUARTILE_SD * sd, mean, mean + QUARTILE_SD * sd)
    return Songs(low, middle, high)
