"""Mixes a damaged scene by every system: the only module of the evaluation that runs the mixer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.evaluation.damage import UNDAMAGED, Damage
from mixprior.mixing.evaluation.scenes import Mixed, Scene
from mixprior.mixing.evaluation.systems import ORACLE, SUM, System
from mixprior.mixing.plan import loudness, multitrack, pair
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import STEPS
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import Role


class Desk:
    """Mixes one damaged scene by any system, as `mixprior mix` does with the packaged priors.

    Systems that differ in the loudness of the mix alone share everything up to the sum.

    Args:
        scene: the original; only the oracle uses it.
        damage: what was done to it.
        targets: of the mixer.
        like: targets after another song, for the system that mixes like it.
    """

    def __init__(self, scene: Scene, damage: Damage, targets: Targets, like: Targets | None = None) -> None:
        self.scene, self.damage, self.targets, self.like = scene, damage, targets, like
        self.tracks = damage.apply(scene)
        self._summed: dict[tuple[Options, bool], tuple[MixSettings, Mixed]] = {}

    def mix(self, system: System) -> Mixed:
        """Mix the scene by a system."""
        if system.name in (SUM, ORACLE):
            tracks = self.tracks if system.name == SUM else self.scene.tracks
            damage = self.damage if system.name == SUM else UNDAMAGED
            return Mixed.summed(self.scene.by_role(tracks), self.tail_db(self.scene, damage))
        assert system.steps is not None, f"{system.name} has no steps"
        options = Options(steps=system.steps, **system.options)
        if system.like and self.like is not None:
            steps = tuple(step for step in STEPS if step in (*system.steps, *self.like.like.steps))
            options = self.like.like.options(replace(options, steps=steps), is_loudness_given=False)
        settings, mixed = self._up_to_the_sum(options, system.like)
        if "loudness" not in system.steps:
            return mixed
        return replace(mixed, mix=loudness.finish(mixed.mix, settings, options.target_lufs).sound)

    def _up_to_the_sum(self, options: Options, like: bool) -> tuple[MixSettings, Mixed]:
        options = replace(options, steps=tuple(step for step in options.steps if step != "loudness"))
        key = options, like
        if key not in self._summed:
            settings = self._planned(options, like)
            found = dict(chain.parts(settings, self.tracks))
            parts = {role: found[role] for role in self.scene.parts}
            self._summed[key] = settings, Mixed.summed(parts, self._wet_dry_db(settings))
        return self._summed[key]

    def _planned(self, options: Options, like: bool) -> MixSettings:
        targets = self.like if like else self.targets
        assert targets is not None, "there is no song to mix like"
        if self.scene.is_pair:
            return pair.plan(self.tracks, targets, options).settings
        roles = {name: Role(role, 1.0, "as the scene has it") for name, role in self.scene.roles.items()}
        return multitrack.plan(self.tracks, targets, options, roles).settings

    @staticmethod
    def tail_db(scene: Scene, damage: Damage = UNDAMAGED) -> float | None:
        """Energy of the known reverb of a scene's vocals over that of the dry ones; None where it is not known."""
        if VOCALS not in scene.dry:
            return None
        dry = scene.dry[VOCALS].audio
        lowered = damage.of_track.get(VOCALS)
        return _ratio_db(scene.tracks[VOCALS].audio - dry, dry) + (0.0 if lowered is None else lowered.tail_db)

    def _wet_dry_db(self, settings: MixSettings) -> float | None:
        """The known reverb and the one that was added, over the dry vocals.

        The two are taken as uncorrelated. The added one is what the effect puts out beside (1 - dry_wet) times its
        input. Equaliser and compressor are taken to change dry and wet alike.
        """
        tail_db = self.tail_db(self.scene, self.damage)
        own = settings.tracks.get(VOCALS) if self.scene.is_pair else settings.buses.get(VOCALS)
        if tail_db is None or own is None or own.reverb is None:
            return tail_db
        vocals = self.scene.by_role(self.tracks)[VOCALS]
        before = chain.process(replace(own, reverb=None, output_gain_db=0.0), vocals)
        after = chain.process(Chain(reverb=own.reverb), before).audio
        passed = np.float32(1 - own.reverb.dry_wet) * before.audio
        tail, added = 10 ** (tail_db / 10), 10 ** (_ratio_db(after - passed, passed) / 10)
        return float(10 * np.log10(tail + added * (1 + tail)))


def _ratio_db(one: np.ndarray, other: np.ndarray) -> float:
    energies = [float(np.sum(np.square(each, dtype=np.float64))) for each in (one, other)]
    return float(10 * np.log10(max(energies[0], 1e-12) / energies[1]))
