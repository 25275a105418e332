"""Vocals and their backing: each step a small function of the sounds and of priors, in the order of K. Li's chain.

Order: level, equalisers, compressor, reverb, level again (github likelian/Lab_spring2022), which is that in which they
are rendered; the loudness of the mix comes after their sum (`mixprior.mixing.plan.loudness`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.plan import level
from mixprior.mixing.plan.compression import compress
from mixprior.mixing.plan.locks import GAIN
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import add_reverb
from mixprior.mixing.plan.spectrum import equalise, equalise_mix
from mixprior.mixing.plan.step import Plan, Step
from mixprior.mixing.plan.targets import Target, Targets
from mixprior.mixing.plan.unmasking import unmask
from mixprior.stats.sound import Sound

_NOTHING: Mapping[str, Any] = {}


def plan(sounds: Mapping[str, Sound], targets: Targets, options: Options) -> Plan:
    """Decide on everything up to the sum of "vocals" and "backing".

    Args:
        sounds: by these two names, two channels each and of one rate.
        targets: priors and group.
        options: how it is mixed.

    Raises:
        InputError: if the priors lack what a step needs.
    """
    locks = options.locks
    steps = locks.steps((VOCALS, BACKING))
    draft = _Draft(sounds, {name: locks.chain(name) for name in (VOCALS, BACKING)}, steps)
    longest_s = max(draft.vocals.duration_s, draft.backing.duration_s)
    targets = replace(targets, sung=True, duration_s=longest_s)
    wanted_ratio: tuple[Target, float] | None = None
    if "level" in options.steps and not locks.fixes(VOCALS, GAIN):
        target = targets.ratio(options.ratio_lu)
        gain_db, step, wanted_lu = level.set_level(VOCALS, draft.vocals, draft.backing, target, options)
        wanted_ratio = None if wanted_lu is None else (target, wanted_lu)
        draft.take(step, {"input_gain_db": gain_db})
    _shape(draft, targets, options)
    if wanted_ratio is not None and {"eq", "unmask", "compression", "reverb"} & set(options.steps):
        target, wanted_lu = wanted_ratio
        gain_db, step, _ = level.set_level(VOCALS, draft.vocals, draft.backing, target, options, wanted_lu)
        again = replace(step, reason=f"again, after the other steps: {step.reason}")
        vocals = draft.chains[VOCALS]
        draft.chains[VOCALS] = replace(vocals, output_gain_db=round(vocals.output_gain_db + gain_db, 2))
        draft.steps.append(again)
    return targets.like.announced(Plan(MixSettings(draft.chains), tuple(draft.steps)), options)


@dataclass
class _Draft:
    """Vocals and backing as they are so far, and what was done to them.

    Attributes:
        given: both as they were, by name.
        chains: of both, by name.
        steps: in their order.
        vocals: as its chain makes it.
        backing: likewise.
    """

    given: Mapping[str, Sound]
    chains: dict[str, Chain]
    steps: list[Step]
    vocals: Sound = field(init=False)
    backing: Sound = field(init=False)

    def __post_init__(self) -> None:
        """Render what is fixed."""
        self.vocals, self.backing = (self._rendered(name) for name in (VOCALS, BACKING))

    def take(self, step: Step, vocals: Mapping[str, Any] = _NOTHING, backing: Mapping[str, Any] = _NOTHING) -> None:
        """Add a step, and the settings that it made, by the names of `Chain`: both sounds go through their chains."""
        self.steps.append(step)
        for name, changes in ((VOCALS, vocals), (BACKING, backing)):
            changed = replace(self.chains[name], **changes)
            if changed != self.chains[name]:
                self.chains[name] = changed
                setattr(self, name, self._rendered(name))

    @property
    def unplaced_vocals(self) -> Sound:
        """The vocals as they come to a compressor, which is before their place."""
        unplaced = replace(self.chains[VOCALS], pan=None)
        return self.vocals if unplaced == self.chains[VOCALS] else chain.process(unplaced, self.given[VOCALS])

    def _rendered(self, name: str) -> Sound:
        return chain.process(self.chains[name], self.given[name])


def _shape(draft: _Draft, targets: Targets, options: Options) -> None:
    """All steps between the two of the level."""
    if "eq" in options.steps and not targets.like:
        curve, step = equalise(VOCALS, draft.vocals, targets, options)
        draft.take(step, {"match": curve})
    if targets.like and "eq" in options.steps:
        curve, step = equalise_mix([draft.vocals, draft.backing], targets, options)
        draft.take(step, {"match": curve}, {"match": curve})
    if "unmask" in options.steps:
        bands, rest, step = unmask(draft.vocals, draft.backing, options)
        draft.take(step, {"bands": bands}, {"bands": rest})
    if "compression" in options.steps:
        settings, step = compress(draft.unplaced_vocals, targets, options)
        draft.take(step, {"compressor": settings})
    if "reverb" in options.steps:
        made, step = add_reverb(VOCALS, draft.vocals, draft.backing, targets, options)
        draft.take(step, {"reverb": made.reverb, "output_gain_db": made.output_gain_db})
