"""Mixes a damaged scene by every system: the only module of the evaluation that runs the mixer."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from mixprior.analysis.packaged.default_priors import PriorsChain
from mixprior.analysis.priors import Priors, open_priors
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.evaluation import random_settings
from mixprior.mixing.evaluation.damage import Damage
from mixprior.mixing.evaluation.scenes import Mixed, Scene
from mixprior.mixing.evaluation.systems import ORACLE, RANDOM, SUM, System
from mixprior.mixing.plan import loudness, multitrack, pair
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import Role

_KEPT = 8
"""Mixes kept before their loudness: those that share one are no further apart in the lists of systems."""


class Desk:
    """Mixes one damaged scene by any system.

    Systems that differ in the loudness of the mix alone share everything up to the sum.

    Args:
        scene: the original; only the oracle uses it.
        damage: what was done to it; only the oracle and the seed of the random settings use it.
        priors: the targets of the mixer; the packaged "published" ones are read for what they lack.
    """

    def __init__(self, scene: Scene, damage: Damage, priors: Priors) -> None:
        self.scene, self.damage, self.priors = scene, damage, priors
        self.tracks = damage.apply(scene)
        self._summed: dict[tuple[Options, bool], tuple[MixSettings, Mixed]] = {}

    def mix(self, system: System) -> Mixed:
        """Mix the scene by a system."""
        if system.name == SUM:
            return Mixed.summed(self.scene.by_role(self.tracks))
        if system.name == ORACLE:
            return Mixed.summed(self.scene.by_role(self.damage.repair(self.scene, self.tracks)))
        if system.name == RANDOM:
            return self._rendered(self._random())
        assert system.steps is not None, f"{system.name} has no steps"
        options = Options(steps=system.steps, **system.options)
        settings, mixed = self._up_to_the_sum(options, system.published_first)
        if "loudness" not in system.steps:
            return mixed
        lufs = options.target_lufs
        if system.mixture_lufs:
            lufs = self.priors.lookup("mixture", "integrated_lufs").p50
        return replace(mixed, mix=loudness.finish(mixed.mix, settings, lufs).sound)

    def _random(self) -> MixSettings:
        seed = zlib.crc32(f"{self.scene.name} {self.damage.label}".encode())
        rng = np.random.default_rng([seed, 1])
        return random_settings.of_pair(rng) if self.scene.is_pair else random_settings.of_tracks(self.scene.roles, rng)

    def _up_to_the_sum(self, options: Options, published_first: bool) -> tuple[MixSettings, Mixed]:
        options = replace(options, steps=tuple(step for step in options.steps if step != "loudness"))
        key = options, published_first
        if key not in self._summed:
            if len(self._summed) == _KEPT:
                del self._summed[next(iter(self._summed))]
            settings = self._planned(options, published_first)
            self._summed[key] = settings, self._rendered(settings)
        return self._summed[key]

    def _planned(self, options: Options, published_first: bool) -> MixSettings:
        published = open_priors("published")
        targets = Targets(PriorsChain((published, self.priors) if published_first else (self.priors, published)))
        if self.scene.is_pair:
            return pair.plan(self.tracks, targets, options).settings
        roles = {name: Role(role, 1.0, "as the scene has it") for name, role in self.scene.roles.items()}
        return multitrack.plan(self.tracks, targets, options, roles).settings

    def _rendered(self, settings: MixSettings) -> Mixed:
        found = dict(chain.parts(settings, self.tracks))
        return Mixed.summed({role: found[role] for role in self.scene.parts})
