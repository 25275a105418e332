"""The pan step: `mixprior.mixing.rules.spread` on the narrow tracks of a class, by the priors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.effects.panner import gains
from mixprior.mixing.effects.settings import Chain
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Targets, Unreliable
from mixprior.mixing.rules.posterior import towards
from mixprior.mixing.rules.spread import Pair, pairs, spread
from mixprior.stats.loudness_blocks import BLOCKS_PER_S
from mixprior.stats.measures.panning import mid_energy_fraction
from mixprior.stats.sound import Sound

SPREAD = (VOCALS, "other")
"""Classes whose tracks are put left and right; drums and bass, of which kick, snare and the lowest notes belong in the
centre, stay where they are."""

WIDTH = "mid_energy_fraction"

_NARROW = 0.95


@dataclass(frozen=True)
class Track:
    """A track.

    Attributes:
        role: its class.
        lufs: its loudness; None if silent.
        energies: L^2, R^2 and L R.
        seconds: K-weighted energy of every second, (seconds,).
        is_placed: whether a person has fixed its place.
    """

    role: str
    lufs: float | None
    energies: tuple[float, float, float]
    seconds: np.ndarray
    is_placed: bool = False

    @classmethod
    def of(cls, sound: Sound, role: str) -> Track:
        """Measure a sound of two channels."""
        blocks = sound.blocks.weighted.sum(axis=0)
        starts = np.arange(0, len(blocks), BLOCKS_PER_S)
        return cls(
            role, sound.integrated_lufs, sound.energies, np.add.reduceat(blocks, starts) if len(blocks) else blocks
        )

    @property
    def is_narrow(self) -> bool:
        """Whether it is mono, or nearly, and in the centre, so that it can be put elsewhere."""
        left, right, cross = self.energies
        return not self.is_placed and left + right > 0 and mid_energy_fraction(left, right, cross) >= _NARROW

    def processed(self, given: Chain) -> Track:
        """The track with the gain and the place of a chain; one that has a place is no more put elsewhere."""
        if given.pan is None:
            return self.gained(given.input_gain_db)
        left, right = gains(given.pan.position, given.pan.law)
        power_left, power_right, cross = self.energies
        energies = (power_left * left**2, power_right * right**2, cross * left * right)
        return replace(self, energies=energies, is_placed=True).gained(given.input_gain_db)

    def gained(self, gain_db: float) -> Track:
        """The track with a gain."""
        factor = 10 ** (gain_db / 10)
        left, right, cross = (energy * factor for energy in self.energies)
        lufs = None if self.lufs is None else self.lufs + gain_db
        return replace(self, lufs=lufs, energies=(left, right, cross), seconds=self.seconds * factor)


def place(
    bus: str, members: Mapping[str, Track], targets: Targets, options: Options
) -> tuple[Mapping[str, float], list[Step]]:
    """Put pairs of narrow tracks of a class left and right, until it is as wide as the posterior of its width.

    Args:
        bus: the class.
        members: its tracks by name.
        targets: priors and group.
        options: how it is mixed.

    Returns:
        Places of the tracks that are moved, and the step.
    """
    audible = {name: track for name, track in members.items() if track.lufs is not None}
    if bus not in SPREAD or not audible:
        return {}, []
    try:
        target = targets.spread(bus, WIDTH)
    except Unreliable as error:
        return {}, [error.step("pan", bus)]
    tracks = {name: track.energies for name, track in audible.items()}
    partners = _partners(bus, audible)
    heard = spread(tracks, [], target.value).mid_before
    aim = target.aim(heard, "pan", options.trust, options.aim)
    wanted = heard if aim.value is None else towards(heard, aim.value, options.amount)
    found = spread(tracks, partners, wanted)
    narrow = sum(track.is_narrow for track in audible.values())
    if found.positions:
        reason = f"{2 * len(partners)} of {narrow} narrow tracks of {bus} put left and right in pairs: {aim.reason}"
    elif heard <= wanted:
        why = f"as wide as {wanted:.2f}, or wider: {aim.reason}" if options.amount else "and --amount is 0"
        reason = f"{bus} not moved: {heard:.2f} of its energy is in the middle, {why}"
    else:
        reason = f"{bus} not moved: of its {narrow} narrow tracks no two are about as loud and sound together"
    step = Step(
        name="pan",
        of=bus,
        reason=f"{reason}; {target.reason}",
        measured={WIDTH: heard, "expected": found.mid_after},
        target={WIDTH: wanted},
        setting=dict(found.positions),
        priors=target.priors,
        warnings=target.warnings,
        notes=target.notes,
        aims=(aim.to_dict(),),
    )
    return found.positions, [step]


def _partners(bus: str, audible: Mapping[str, Track]) -> list[Pair]:
    """Partners among the narrow tracks; the loudest voice leads, and stays in the centre."""
    narrow = {name: track.seconds for name, track in audible.items() if track.is_narrow}
    if bus == VOCALS and narrow:
        del narrow[max(narrow, key=lambda name: float(narrow[name].sum()))]
    longest = max(map(len, narrow.values()), default=0)
    return pairs({name: np.pad(energy, (0, longest - len(energy))) for name, energy in narrow.items()})
