"""Reverberation as columns of the vocals' row: what is estimated from the vocals, and FdnReverb settings like it."""

from __future__ import annotations

import numpy as np

from mixprior.stats.measures.activity import MIN_ACTIVE_RATIO, active_ratio
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.decay_features import OCTAVES_HZ
from mixprior.stats.reverb.fdn.fit import fit_decay
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.statistic import Column, Family, Statistic, Value
from mixprior.stats.stem import Stem

ASSUMED = FdnReverbSettings(
    room_size=15,
    lows_cutoff_hz=400.0,
    lows_q=0.5,
    highs_cutoff_hz=3000.0,
    highs_q=0.5,
    fade_in_s=0.1,
)
"""What wet vocals do not show, and is taken from here: room size, corners and slopes of the shelves, fade-in.

The corners lie between the octaves whose times are read, so that the two shelf gains can follow them; the room size is
in the middle of its range. Without a fade-in more than half of the reverb's energy would come within a millisecond of
the vocals, where it is not perceived as reverb; with this one three quarters come after 50 ms.
"""

FITTED = ("reverberation_time_s", "lows_gain_db_s", "highs_gain_db_s", "dry_wet")
"""The settings that are fitted to wet vocals."""

LEAST_WET_DB = -30.0
"""Vocals with less reverberation are dry."""

LEAST_WET_FOR_TIMES_DB = -18.0
"""Vocals with less reverberation do not show its times: see the reliability by level in docs/evidence.md."""

LEAST_DECAY_DB = -90.0
"""A decay is not extrapolated to inaudible levels."""

_SEED = 1

_SHOWN = (
    Column(
        "rt60_s",
        "s",
        "Reverberation time of the voice (T20 of ISO 3382-1, all frequencies), estimated blindly (stats.reverb.blind); "
        f"null for a voice with a wet-to-dry energy under {LEAST_WET_FOR_TIMES_DB:g} dB.",
        0.02,
        title="Reverberation time",
        family=Family.REVERB,
    ),
    Column(
        "rt60_octaves_s",
        "s",
        "The same in the octaves 250 Hz to 4 kHz.",
        0.02,
        OCTAVES_HZ,
        title="Reverberation time by octave",
        family=Family.REVERB,
    ),
    Column(
        "wet_dry_db",
        "dB",
        "Energy of the impulse response that the voice is in, but for its direct sound, against that direct sound, "
        "estimated blindly; -35 is the least there is. A voice carries 2 to 3 dB more of it, having no highs.",
        0.1,
        title="Wet-to-dry energy",
        family=Family.REVERB,
    ),
    Column(
        "reverb_decay_db",
        "dB",
        "Energy decay relief: reverberation per second against the direct sound in that octave; in each of the octaves "
        f"250 Hz to 4 kHz {len(blind.DECAY_TIMES_S)} values, 20 ms to 2 s after it, at equal ratios; null under -90.",
        0.5,
        tuple(f for f in OCTAVES_HZ for _ in blind.DECAY_TIMES_S),
        title="Reverb decay",
        family=Family.REVERB,
    ),
    Column(
        "reverb_confidence",
        "1",
        "exp(-e), e being the expected |ln estimate - ln truth| of rt60_s: 0.8 stands for 0.22, that is 22 %.",
        0.005,
        title="Reverb confidence",
        family=Family.REVERB,
    ),
)

_UNITS = {"_s": ("s", 0.02), "_db_s": ("dB/s", 0.1)}


def _setting_column(name: str) -> Column:
    end = next((end for end in ("_db_s", "_s") if name.endswith(end)), "")
    unit, resolution = _UNITS[end] if end else ("1", 0.01)
    title, family = f"FdnReverb's {name.removesuffix(end).replace('_', ' ')}", Family.REVERB
    definition = f"{title}, fitted to rt60_octaves_s and wet_dry_db (stats.reverb.fdn.fit)."
    return Column(f"fdn_{name}", unit, definition, resolution, title=title, family=family)


_SETTINGS = {name: _setting_column(name) for name in FITTED}
_LOSS = Column(
    "reverb_fit_loss_db",
    "dB",
    "Mean |10 log10(fitted / estimated reverberation time)| of the octaves.",
    0.02,
    title="Reverb fit loss",
    family=Family.REVERB,
)
_MIDDLE = Column(
    "wet_dry_250_4000_db",
    "dB",
    "wet_dry_db in the octaves 250 Hz to 4 kHz: the mean of their energies, as of a direct sound with equal energy in "
    "each.",
    0.1,
    title="Wet-to-dry energy, 250 Hz to 4 kHz",
    family=Family.REVERB,
)
_INTERVAL = tuple(
    Column(
        f"rt60_{end}_s",
        "s",
        f"The {end} end of the 90 % interval of rt60_s (stats.reverb.blind).",
        0.02,
        title=f"Reverberation time, {end} end of its interval",
        family=Family.REVERB,
    )
    for end in ("low", "high")
)


def measure(stem: Stem) -> dict[str, Value]:
    """Estimate the reverberation of the vocals and fit FdnReverb to it; None for what cannot be measured."""
    values: dict[str, Value] = {column.name: None for column in STATISTIC.columns}
    sung = active_ratio(stem.song)
    if sung is None or sung < MIN_ACTIVE_RATIO:  # what is left of an instrumental is bleed, and has no reverberation
        return values
    found = stem.reverberation
    if found is None:
        return values
    values |= {"wet_dry_db": found.wet_dry_db, _MIDDLE.name: found.wet_dry_250_4000_db}
    if found.wet_dry_db < LEAST_WET_FOR_TIMES_DB:
        return values
    decay_db = found.decay_db(np.array(blind.DECAY_TIMES_S)).ravel()
    fit = fit_decay(found.rt60_octaves_s.tolist(), found.wet_dry_db, seed=_SEED, prior=ASSUMED)
    values |= {
        "rt60_s": found.rt60_s,
        "rt60_octaves_s": found.rt60_octaves_s,
        "reverb_decay_db": np.where(decay_db < LEAST_DECAY_DB, np.nan, decay_db),
        "reverb_confidence": found.confidence,
        "reverb_fit_loss_db": fit.loss_db,
    }
    values |= zip((column.name for column in _INTERVAL), found.rt60_interval_s or (None, None), strict=True)
    return values | {column.name: float(getattr(fit.settings, name)) for name, column in _SETTINGS.items()}


STATISTIC = Statistic(
    columns=(*_SHOWN, *_SETTINGS.values(), _LOSS, _MIDDLE, *_INTERVAL), rows=("vocals",), measure=measure
)
