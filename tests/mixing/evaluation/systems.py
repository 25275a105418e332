"""What is compared: lower anchors, the mixer with all, one or all but one of its steps, variants, and the oracle.

The only module here that knows the mixer.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mixprior.analysis.packaged.default_priors import PriorsChain
from mixprior.analysis.priors import Priors, open_priors
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, MixSettings
from mixprior.mixing.plan import loudness, pair
from mixprior.mixing.plan.options import EQ_RULES, RANGE_MEASURES, Options
from mixprior.mixing.plan.step import DEFAULT_STEPS
from mixprior.mixing.plan.targets import Targets
from mixprior.stats.reverb.fdn.dry_wet import at_level
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation.metrics import Sounds
from tests.mixing.evaluation.scenes import Scene
from tests.mixing.evaluation.scramble import Damage

STEPS = pair.POSSIBLE_STEPS
SUM, RANDOM, ORACLE, ALL, DEFAULT = "sum as it is", "random settings", "oracle", "all steps", "default steps"


@dataclass(frozen=True)
class System:
    """A way to mix.

    Attributes:
        name: unlike all others.
        steps: of the mixer; None for a system that is not the mixer.
        options: fields of `mixprior.mixing.plan.options.Options` beside the steps.
        mixture_lufs: whether the loudness of the mix is the priors' median of mixtures.
        published_first: whether the priors that come with mixprior as "published" are asked first, as by default.
    """

    name: str
    steps: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    mixture_lufs: bool = False
    published_first: bool = False


VARIANTS = (
    *(("eq", "eq_rule", rule) for rule in EQ_RULES if rule != Options.eq_rule),
    *(("compression", "range_measure", measure) for measure in RANGE_MEASURES if measure != Options.range_measure),
)
"""Step, field of `mixprior.mixing.plan.options.Options`, and a value that is not the default."""


def only(step: str, by: str | None = None) -> str:
    """Name of the mixer with a single step, by its default rule or another."""
    return f"only {step}" if by is None else f"only {step} by {by}"


def all_by(step: str, by: str) -> str:
    """Name of the mixer with all steps, one of them by another rule than by default."""
    return f"all, {step} by {by}"


def without(step: str) -> str:
    """Name of the mixer with all steps but one."""
    return f"without {step}"


SYSTEMS = (
    System(SUM),
    System(RANDOM),
    *(System(only(step), (step,)) for step in STEPS),
    System(DEFAULT, DEFAULT_STEPS),
    System(ALL, STEPS),
    *(System(without(step), tuple(other for other in STEPS if other != step)) for step in STEPS),
    *(System(only(step, other), (step,), {field: other}) for step, field, other in VARIANTS),
    *(System(all_by(step, other), STEPS, {field: other}) for step, field, other in VARIANTS),
    System("all, half way", STEPS, {"amount": 0.5}),
    System("all, loudness of the priors", STEPS, mixture_lufs=True),
    System("all, published priors first", STEPS, published_first=True),
    System(ORACLE),
)


def run(system: System, scene: Scene, damage: Damage, damaged: Sounds, priors: Priors) -> Sounds:
    """Mix a damaged scene.

    Args:
        system: one of `SYSTEMS`.
        scene: the original; only the oracle looks at it.
        damage: what was done to it; only the oracle and the seed of the random settings look at it.
        damaged: what everyone gets.
        priors: what the mixer goes by.
    """
    if system.name == SUM:
        return damaged
    if system.name == ORACLE:
        return Sounds.summed(*damage.mend(scene, damaged.voice))
    if system.name == RANDOM:
        settings = random_settings(np.random.default_rng([zlib.crc32(f"{scene.name} {damage.label}".encode()), 1]))
        return _rendered(settings, damaged, None)
    assert system.steps is not None, f"{system.name} has no steps"
    options = Options(steps=system.steps, **system.options)
    sounds = {pair.VOCAL: damaged.voice, pair.BACKING: damaged.backing}
    first = (open_priors("published"),) if system.published_first else ()
    plan = pair.plan(sounds, SAMPLE_RATE_HZ, Targets(PriorsChain((*first, priors))), options)
    lufs = priors.lookup("mixture", "integrated_lufs").p50 if system.mixture_lufs else options.target_lufs
    return _rendered(plan.settings, damaged, lufs if "loudness" in system.steps else None)


def random_settings(rng: np.random.Generator) -> MixSettings:
    """Settings drawn evenly from the ranges in which K. Li's chain sets its own: the lower anchor of his test."""
    voice = random_chain(rng)
    reverb = FdnReverbSettings(
        room_size=int(rng.integers(5, 31)), reverberation_time_s=float(rng.uniform(0.3, 3.0)), fade_in_s=0.05
    )
    gain_db = float(rng.uniform(-12, 12))
    voice = replace(voice, input_gain_db=gain_db, reverb=at_level(reverb, float(rng.uniform(-30, -6))))
    return MixSettings({pair.VOCAL: voice, pair.BACKING: Chain()})


def random_chain(rng: np.random.Generator) -> Chain:
    """Equaliser and compressor of the same kind."""
    bands = tuple(
        Band("peak", float(frequency_hz), float(rng.uniform(-8, 8)), 1.0)
        for frequency_hz in rng.choice(63.0 * 2.0 ** np.arange(9), 4, replace=False)
    )
    return Chain(
        bands=bands,
        compressor=CompressorSettings(float(rng.uniform(-35, 0)), float(rng.uniform(1, 10)), 0.03, 0.15),
    )


def _rendered(settings: MixSettings, damaged: Sounds, lufs: float | None) -> Sounds:
    """Render a mix. The limiter belongs to the loudness: without one there is the sum, as for `SUM`."""
    voice, backing = (
        chain.process(settings.tracks[name], sound, SAMPLE_RATE_HZ)
        for name, sound in ((pair.VOCAL, damaged.voice), (pair.BACKING, damaged.backing))
    )
    if lufs is None:
        return Sounds.summed(voice, backing)
    return Sounds(loudness.finish(voice + backing, SAMPLE_RATE_HZ, settings, lufs).audio, voice, backing)
