"""Settings drawn at random: the lower anchor of the listening test in K. Li's thesis, with the ranges of his chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, MixSettings, PanSettings
from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.stats.reverb.fdn.level import at_level
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

_GAIN_DB = (-12, 12)


def of_pair(rng: np.random.Generator) -> MixSettings:
    """Draw four bands, a compressor, a reverb and a gain for the vocals."""
    chain = _chain(rng)
    reverb = FdnReverbSettings(
        room_size=int(rng.integers(5, 31)), reverberation_time_s=float(rng.uniform(0.3, 3.0)), fade_in_s=0.05
    )
    gain_db = float(rng.uniform(*_GAIN_DB))
    chain = replace(chain, input_gain_db=gain_db, reverb=at_level(reverb, float(rng.uniform(-30, -6))))
    return MixSettings({VOCALS: chain, BACKING: Chain()})


def of_tracks(roles: Mapping[str, str], rng: np.random.Generator) -> MixSettings:
    """Draw a place for each track, and a gain, four bands and a compressor for each class.

    Args:
        roles: class by track.
        rng: what to draw from.
    """
    tracks = {name: Chain(pan=PanSettings(float(rng.uniform(0, 1)))) for name in roles}
    buses = {
        role: replace(_chain(rng), input_gain_db=float(rng.uniform(*_GAIN_DB)))
        for role in CLASSES
        if role in roles.values()
    }
    return MixSettings(tracks, buses, dict(roles))


def _chain(rng: np.random.Generator) -> Chain:
    bands = tuple(
        Band("peak", float(frequency_hz), float(rng.uniform(-8, 8)), 1.0)
        for frequency_hz in rng.choice(63.0 * 2.0 ** np.arange(9), 4, replace=False)
    )
    compressor = CompressorSettings(float(rng.uniform(-35, 0)), float(rng.uniform(1, 10)), 0.03, 0.15)
    return Chain(bands=bands, compressor=compressor)
