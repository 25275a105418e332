"""Known reverbs: random settings on the plug-in's steps, as the exact network renders them."""

from functools import cache

import numpy as np

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.energy_decay import EnergyDecay
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

RATE_HZ = 44_100
HEARD_HZ = np.geomspace(125.0, 6000.0, 20)


def draw(generator: np.random.Generator) -> FdnReverbSettings:
    """Settings as songs have them; no band lasts longer than seven seconds."""
    while True:
        time_s = float(np.exp(generator.uniform(np.log(0.3), np.log(6.0))))
        most_db_s = 60.0 / time_s - 60.0 / 7.0
        settings = FdnReverbSettings(
            room_size=int(generator.integers(1, 31)),
            reverberation_time_s=time_s,
            lows_cutoff_hz=float(np.exp(generator.uniform(np.log(60.0), np.log(600.0)))),
            lows_q=generator.uniform(0.3, 0.9),
            lows_gain_db_s=min(generator.uniform(-20.0, 2.0), most_db_s),
            highs_cutoff_hz=float(np.exp(generator.uniform(np.log(1500.0), np.log(7000.0)))),
            highs_q=generator.uniform(0.3, 0.9),
            highs_gain_db_s=min(generator.uniform(-40.0, 1.0), most_db_s),
            dry_wet=float(np.exp(generator.uniform(np.log(0.04), np.log(0.5)))),
            fade_in_s=generator.uniform(0.03, 0.6) * time_s if generator.random() < 0.85 else 0.0,
        ).snapped()
        if settings.is_stable:
            return settings


def draw_extreme(generator: np.random.Generator) -> FdnReverbSettings:
    """Settings from all over the ranges, shelves of -80 dB/s among them."""
    while True:
        time_s = float(np.exp(generator.uniform(np.log(0.3), np.log(6.0))))
        settings = FdnReverbSettings(
            room_size=int(generator.integers(1, 31)),
            reverberation_time_s=time_s,
            lows_cutoff_hz=float(np.exp(generator.uniform(np.log(40.0), np.log(2000.0)))),
            lows_q=generator.uniform(0.05, 0.9),
            lows_gain_db_s=generator.uniform(-80.0, 2.0),
            highs_cutoff_hz=float(np.exp(generator.uniform(np.log(800.0), np.log(12_000.0)))),
            highs_q=generator.uniform(0.05, 0.9),
            highs_gain_db_s=generator.uniform(-80.0, 1.0),
            dry_wet=0.3,
            fade_in_s=generator.uniform(0.0, 0.6) * time_s,
        ).snapped()
        if settings.is_stable:
            return settings


def measured(settings: FdnReverbSettings, rate_hz: int = RATE_HZ) -> EnergyDecay:
    return energy_decay.measure(vocal_response(settings, rate_hz, 2.6), rate_hz)


@cache
def known_decays(count: int, seed: int = 123) -> list[tuple[FdnReverbSettings, EnergyDecay]]:
    generator = np.random.default_rng(seed)
    drawn = [draw(generator) for _ in range(count)]
    return [(settings, measured(settings)) for settings in drawn]


def decay_time_error(found: FdnReverbSettings, truth: FdnReverbSettings) -> float:
    """Mean of |T60 found / T60 true - 1| over 20 log-spaced frequencies, 125 to 6000 Hz."""
    return float(np.mean(np.abs(found.decay_time_s(HEARD_HZ) / truth.decay_time_s(HEARD_HZ) - 1.0)))
