"""Gains of classes of tracks and the vocals' ratio, found together: every level is against the sum of all.

The posterior of a level is normal about its mean (`mixprior.mixing.rules.posterior`), so that the loss of a mix is the
sum of ((level - mean) / sd)^2 over its levels. Loudness against the loudness of a gated sum is not convex, and jumps
where a gate opens: a pattern search (Kolda, Lewis and Torczon, SIAM Review 2003), which needs no slope, goes down from
the best points of a coarse grid, and the least is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np

from mixprior.stats.measures.loudness import (
    ABSOLUTE_GATE_LUFS,
    MOMENTARY_BLOCKS,
    OFFSET_LU,
    RELATIVE_GATE_LU,
    window_means,
)
from mixprior.stats.sound import Sound

LIMIT_DB = 12.0
"""No class is raised or cut by more."""

_GATE = 10 ** ((ABSOLUTE_GATE_LUFS - OFFSET_LU) / 10)
_RELATIVE_GATE = 10 ** (RELATIVE_GATE_LU / 10)
_LEAST_SD = 0.05  # LU: less than anyone hears
_OUTSIDE = 30.0  # what 1 LU outside the range costs, in standard deviations
_GAIN = 0.002  # what 1 dB of gain costs, likewise: of equal mixes the one with the smallest gains is taken
_COARSE_DB = (-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
_STARTS = 3
_STEPS_DB = (1.5, 0.5, 0.15, 0.05, 0.01)  # of the resolution of gains: a gate opens between two numbers
_ANYWHERE = (-np.inf, np.inf)
_VOCALS = "vocals"


@dataclass(frozen=True)
class Goal:
    """What a level should be.

    Attributes:
        low, high: from where to where it is as good as it can be; a posterior mean has both the same.
        sd: how far off costs 1.
        keep: it is not moved out of this range to please other levels; where it is now must be inside.
    """

    low: float
    high: float
    sd: float = 1.0
    keep: tuple[float, float] = _ANYWHERE

    def miss(self, level: float) -> float:
        """How far a level is outside `low` to `high`, with its sign."""
        return level - min(max(level, self.low), self.high)

    def cost(self, level: float) -> float:
        """Square of the miss in standard deviations, and much more outside of the range."""
        outside = level - min(max(level, self.keep[0]), self.keep[1])
        return (self.miss(level) / max(self.sd, _LEAST_SD)) ** 2 + (_OUTSIDE * outside) ** 2


@dataclass(frozen=True)
class Found:
    """Gains that cost least.

    Attributes:
        gains_db: of each class with a goal, in steps of 0.01 dB.
        ratio_lu: vocals to backing; None without vocals.
    """

    gains_db: dict[str, float]
    ratio_lu: float | None


def shared_energies(sounds: Mapping[str, Sound]) -> dict[tuple[str, str], np.ndarray]:
    """Measure what each two sounds add to the energy of their sum beyond their own energies: bleed, or the same notes.

    Args:
        sounds: by name, of one rate and number of channels.

    Returns:
        By the names of both, twice the mean product of the two after the K filter, in blocks of 100 ms: shape
        (channels, blocks), negative where they cancel.

    >>> tone = Sound.of(np.tile(0.1 * np.sin(np.arange(44_100) / 7), (2, 1)), 44_100)
    >>> shared = shared_energies({"bass": tone, "other": tone})["bass", "other"]
    >>> bool(np.allclose(shared, 2 * tone.blocks.weighted, rtol=1e-3))
    True
    """
    return {(one, other): _shared_energy(sounds[one], sounds[other]) for one, other in combinations(sounds, 2)}


def _shared_energy(one: Sound, other: Sound) -> np.ndarray:
    size = min(one.samples, other.samples)
    both = Sound(one.audio[:, :size] + other.audio[:, :size], one.rate_hz).blocks.weighted
    blocks = both.shape[1]
    return np.asarray(both - one.blocks.weighted[:, :blocks] - other.blocks.weighted[:, :blocks])


@dataclass
class Together:
    """Sounds that are summed: their energies add, and what any two of them share adds, too.

    Args:
        classes: by name, none silent.
        vocals: the vocals, not silent; None without vocals.
        shared: from `shared_energies`, the vocals as "vocals"; two that are not among them are taken for unrelated.

    >>> tone = Sound.of(np.tile(0.1 * np.sin(np.arange(220_500) / 7), (2, 1)), 44_100)
    >>> together = Together({"bass": tone, "other": tone})
    >>> together.find({"bass": Goal(-9.0, -6.0), "other": Goal(-20.0, 0.0)}).gains_db
    {'bass': -2.99, 'other': 1.76}
    """

    classes: Mapping[str, Sound]
    vocals: Sound | None = None
    shared: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)
    _powers: np.ndarray = field(init=False, repr=False)  # (classes, windows)
    _backing: np.ndarray = field(init=False, repr=False)  # (pairs of classes, windows): classes, then what two share
    _sung: np.ndarray = field(init=False, repr=False)  # (vocals and classes, windows): vocals, then what they share

    def __post_init__(self) -> None:
        """Measure every 400 ms of each sound once; gains scale it."""
        names = list(self.classes)
        sounds = [*self.classes.values(), *([self.vocals] if self.vocals else [])]
        blocks = max(sound.blocks.weighted.shape[1] for sound in sounds)
        self._powers = np.array([_windows(sound.blocks.weighted, blocks) for sound in self.classes.values()])
        shared = [self._shared(one, other, blocks) for one, other in combinations(names, 2)]
        self._backing = np.vstack([self._powers, *shared])
        if self.vocals is not None:
            sung = _windows(self.vocals.blocks.weighted, blocks)
            # At 0 LUFS: their gain is the loudness that they are to have.
            amplitude = 10 ** (-_lufs(sung) / 20)
            with_classes = [amplitude * self._shared(name, _VOCALS, blocks) for name in names]
            self._sung = np.vstack([amplitude**2 * sung, *with_classes])

    def _shared(self, one: str, other: str, blocks: int) -> np.ndarray:
        energy = self.shared.get((one, other), self.shared.get((other, one)))
        return np.zeros(self._powers.shape[1]) if energy is None else _windows(energy, blocks)

    def stand_lu(self, gains_db: Mapping[str, float], ratio_lu: float | None) -> dict[str, float]:
        """Integrated loudness of each class at its gain, minus that of the mix; those without a gain stay."""
        amplitudes = self._amplitudes(gains_db)
        whole = self._sum(amplitudes)
        if self.vocals is not None and ratio_lu is not None:
            sung = 10 ** ((_lufs(whole) + ratio_lu) / 20)
            whole = whole + sung * np.array([sung, *amplitudes]) @ self._sung
        whole_lufs = _lufs(whole)
        powers = amplitudes[:, np.newaxis] ** 2 * self._powers
        return {name: _lufs(power) - whole_lufs for name, power in zip(self.classes, powers, strict=True)}

    def _amplitudes(self, gains_db: Mapping[str, float]) -> np.ndarray:
        return np.array([10 ** (gains_db.get(name, 0.0) / 20) for name in self.classes])

    def _sum(self, amplitudes: np.ndarray) -> np.ndarray:
        """Energy of all classes together, (windows,)."""
        factors = [*amplitudes**2, *(one * other for one, other in combinations(amplitudes, 2))]
        return np.asarray(np.array(factors) @ self._backing)

    def find(self, goals: Mapping[str, Goal], ratio: Goal | None = None) -> Found:
        """Find the gains that cost least.

        Classes without a goal stay as they are. Where all have one, their sum stays about as loud as it was. Nothing is
        raised or cut by more than `LIMIT_DB`.

        Args:
            goals: of the classes, by name: their level is that of `stand_lu`.
            ratio: goal of the vocals' loudness minus that of all classes; needed where there are vocals.
        """
        bounds = [(-LIMIT_DB, LIMIT_DB)] * len(goals)
        if ratio is not None:
            middle = (ratio.low + ratio.high) / 2
            bounds.append(ratio.keep if ratio.keep != _ANYWHERE else (middle - LIMIT_DB, middle + LIMIT_DB))

        def cost(at: Sequence[float] | np.ndarray) -> float:
            gains_db, ratio_lu = _parts(at, goals, ratio)
            return self.loss(gains_db, ratio_lu, goals, ratio) + sum(
                (_GAIN * gain_db) ** 2 for gain_db in gains_db.values()
            )

        starts = sorted((cost(start), *start) for start in self._starts(goals, ratio))[:_STARTS]
        low, high = np.array(bounds).T
        ends = [_descend(cost, np.array(start), low, high) for _, *start in starts]
        gains_db, ratio_lu = _parts(min(ends, key=cost), goals, ratio)
        if len(goals) == len(self.classes):
            gains_db = self._as_loud(gains_db)
        rounded = {name: round(min(max(gain_db, -LIMIT_DB), LIMIT_DB), 2) + 0.0 for name, gain_db in gains_db.items()}
        return Found(rounded, ratio_lu)

    def loss(
        self,
        gains_db: Mapping[str, float],
        ratio_lu: float | None,
        goals: Mapping[str, Goal],
        ratio: Goal | None = None,
    ) -> float:
        """What the levels at these gains cost."""
        levels = self.stand_lu(gains_db, ratio_lu)
        classes = sum(goal.cost(levels[name]) for name, goal in goals.items())
        return classes if ratio is None or ratio_lu is None else classes + ratio.cost(ratio_lu)

    def _starts(self, goals: Mapping[str, Goal], ratio: Goal | None) -> Iterator[tuple[float, ...]]:
        """Where to start from: a coarse grid, and each class moved as if alone."""
        ratio_lu = () if ratio is None else ((ratio.low + ratio.high) / 2,)
        levels = self.stand_lu({}, *(ratio_lu or (None,)))
        alone = (round(min(max(-goal.miss(levels[name]), -LIMIT_DB), LIMIT_DB), 2) for name, goal in goals.items())
        yield (*alone, *ratio_lu)
        for gains_db in product(_COARSE_DB, repeat=len(goals)):
            yield (*gains_db, *ratio_lu)

    def _as_loud(self, gains_db: Mapping[str, float]) -> dict[str, float]:
        """Move all together, so that the sum of the classes is as loud as it was."""
        before, after = (_lufs(self._sum(self._amplitudes(gains))) for gains in ({}, gains_db))
        return {name: gain_db + before - after for name, gain_db in gains_db.items()}


def _parts(
    at: Sequence[float] | np.ndarray, goals: Mapping[str, Goal], ratio: Goal | None
) -> tuple[dict[str, float], float | None]:
    """Gains and ratio of a point."""
    values = [float(each) for each in at]
    return dict(zip(goals, values, strict=False)), None if ratio is None else values[-1]


def _descend(cost: Callable[[np.ndarray], float], at: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Move by one coordinate or two as long as that costs less, in ever smaller steps."""
    axes = np.eye(at.size)
    pairs = [axes[i] + sign * axes[j] for i in range(at.size) for j in range(i) for sign in (1, -1)]
    ways = [sign * way for way in (*axes, *pairs) for sign in (1, -1)]
    at = np.clip(at, low, high)
    least = cost(at)
    for step in _STEPS_DB:
        better = True
        while better:
            better = False
            for way in ways:
                other = np.clip(at + step * way, low, high)
                found = cost(other)
                if found < least - 1e-9:
                    at, least, better = other, found, True
    return at


def _windows(weighted: np.ndarray, blocks: int) -> np.ndarray:
    return window_means(np.pad(weighted, ((0, 0), (0, blocks - weighted.shape[1]))), MOMENTARY_BLOCKS)


def _lufs(power: np.ndarray) -> float:
    """Loudness of windows of 400 ms as `integrated_lufs` finds it; never below -70."""
    power = power[power > _GATE]
    if not power.size:
        return ABSOLUTE_GATE_LUFS
    return float(OFFSET_LU + 10 * np.log10(power[power > _RELATIVE_GATE * power.mean()].mean()))
