"""Mixes with random settings, and sounds for them."""

import math

import numpy as np

from mixprior.mixing.effects.settings import (
    KINDS,
    LAWS,
    RANGES,
    Band,
    Chain,
    CompressorSettings,
    MixSettings,
    PanSettings,
)
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

ROOM = FdnReverbSettings(room_size=3, reverberation_time_s=0.4, highs_gain_db_s=-20.0, fade_in_s=0.1)


def settings(rng: np.random.Generator, tracks: int, *, bands: int = 4, one_room: bool = True) -> MixSettings:
    """Settings of a mix, drawn from their ranges; quick reverbs."""
    return MixSettings(
        {f"track {n}": chain(rng, bands, ROOM if one_room else room(rng)) for n in range(tracks)},
        gain_db=float(rng.uniform(-12, 6)),
    )


def chain(rng: np.random.Generator, bands: int, reverb: FdnReverbSettings) -> Chain:
    def drawn(name: str) -> float:
        return float(RANGES[name].at(rng.uniform()))

    return Chain(
        input_gain_db=rng.uniform(-12, 12),
        bands=tuple(
            Band(KINDS[rng.integers(3)], drawn("band_frequency_hz"), drawn("band_gain_db") / 2, drawn("band_q"))
            for _ in range(bands)
        ),
        compressor=CompressorSettings(
            rng.uniform(-45, -10), drawn("ratio"), drawn("attack_s"), drawn("release_s"), drawn("knee_db"), 3.0
        ),
        pan=PanSettings(rng.uniform(), LAWS[rng.integers(2)]),
        reverb=FdnReverbSettings(**{**vars(reverb), "dry_wet": rng.uniform(0, 0.8)}),
        output_gain_db=rng.uniform(-12, 6),
    )


def room(rng: np.random.Generator) -> FdnReverbSettings:
    return FdnReverbSettings(
        room_size=int(rng.integers(1, 5)),
        reverberation_time_s=rng.uniform(0.2, 0.5),
        highs_gain_db_s=rng.uniform(-30, 0),
        lows_gain_db_s=rng.uniform(-20, 0),
    )


def sounds(rng: np.random.Generator, tracks: int, channels: int, samples: int) -> np.ndarray:
    """Bursts of noise at changing levels, float32, (tracks, channels, samples)."""
    level = 10 ** (rng.uniform(-40, 0, (tracks, 1, 16)) / 20)
    held = np.repeat(level, math.ceil(samples / 16), axis=-1)[..., :samples]
    return (0.3 * held * rng.standard_normal((tracks, channels, samples))).astype(np.float32)
