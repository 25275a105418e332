"""What is compared: lower anchors, the mixer of tracks with all, one or all but one of its steps, and the oracle."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from unittest import mock

import numpy as np

from mixprior.analysis.packaged.default_priors import PriorsChain
from mixprior.analysis.priors import Priors, open_priors
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Chain, MixSettings, PanSettings
from mixprior.mixing.plan import loudness, multitrack
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import Role
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation.band_metrics import BandSounds, digest
from tests.mixing.evaluation.band_scenes import BandScene
from tests.mixing.evaluation.band_scramble import BandDamage
from tests.mixing.evaluation.systems import ALL, DEFAULT, ORACLE, RANDOM, SUM, System, only, random_chain, without

Process = Callable[[Chain, np.ndarray, int], np.ndarray]

SYSTEMS = (
    System(SUM),
    System(RANDOM),
    *(System(only(step), (step,)) for step in STEPS),
    System(DEFAULT, DEFAULT_STEPS),
    System(ALL, STEPS),
    *(System(without(step), tuple(other for other in STEPS if other != step)) for step in STEPS),
    System("all, half way", STEPS, {"amount": 0.5}),
    System("all, tracks equally loud", STEPS, {"balance": "equal"}),
    System(ORACLE),
)


class Desk:
    """Mixes one damaged scene by every system.

    What systems share is made once: sums, which the loudness of the mix does not change, and sounds through the same
    chain, of which the planner and the renderer make every one.

    Args:
        scene: the original; only the oracle looks at it.
        damage: what was done to it; only the oracle and the seed of the random settings look at it.
        priors: what the mixer goes by; the packaged "published" ones are asked for what they lack.
    """

    def __init__(self, scene: BandScene, damage: BandDamage, priors: Priors) -> None:
        self.scene, self.damage = scene, damage
        self.tracks = damage.apply(scene)
        self.targets = Targets(PriorsChain((priors, open_priors("published"))))
        self.roles = {name: Role(role, 1.0, "told by the scene") for name, role in scene.roles.items()}
        self._summed: dict[Options, tuple[MixSettings, BandSounds]] = {}
        self._process = _remembered(chain.process)

    def mix(self, system: System) -> BandSounds:
        """Mix the scene by one of `SYSTEMS`."""
        if system.name == SUM:
            return BandSounds.summed(self.scene.by_class(self.tracks))
        if system.name == ORACLE:
            return BandSounds.summed(self.scene.by_class(self.damage.mend(self.scene, self.tracks)))
        if system.name == RANDOM:
            seed = zlib.crc32(f"{self.scene.name} {self.damage.label}".encode())
            return self._rendered(random_settings(self.scene.roles, np.random.default_rng([seed, 1])))
        assert system.steps is not None, f"{system.name} has no steps"
        options = Options(steps=system.steps, **system.options)
        settings, sounds = self._up_to_the_sum(options)
        if "loudness" not in system.steps:
            return sounds
        return replace(sounds, mix=loudness.finish(sounds.mix, SAMPLE_RATE_HZ, settings, options.target_lufs).audio)

    def _up_to_the_sum(self, options: Options) -> tuple[MixSettings, BandSounds]:
        key = replace(options, steps=tuple(step for step in options.steps if step != "loudness"))
        if key not in self._summed:
            with mock.patch.object(chain, "process", self._process):
                settings = multitrack.plan(self.tracks, SAMPLE_RATE_HZ, self.targets, key, self.roles).settings
                self._summed[key] = settings, self._rendered(settings)
        return self._summed[key]

    def _rendered(self, settings: MixSettings) -> BandSounds:
        found = dict(chain.parts(settings, self.tracks, SAMPLE_RATE_HZ))
        return BandSounds.summed({role: found[role] for role in multitrack.CLASSES if role in found})


def _remembered(process: Process) -> Process:
    known: dict[tuple[Chain, int, bytes], np.ndarray] = {}

    def remembering(settings: Chain, audio: np.ndarray, rate_hz: int) -> np.ndarray:
        if settings == Chain():
            return audio
        key = settings, rate_hz, digest(audio)
        if key not in known:
            known[key] = process(settings, audio, rate_hz)
        return known[key]

    return remembering


def random_settings(roles: Mapping[str, str], rng: np.random.Generator) -> MixSettings:
    """Settings drawn evenly: a place for each track, gain, four bands and a compressor for each class.

    Args:
        roles: class by track.
        rng: what to draw from.
    """
    tracks = {name: Chain(pan=PanSettings(float(rng.uniform(0, 1)))) for name in roles}
    buses = {
        role: replace(random_chain(rng), input_gain_db=float(rng.uniform(-12, 12)))
        for role in multitrack.CLASSES
        if role in roles.values()
    }
    return MixSettings(tracks, buses, dict(roles))
