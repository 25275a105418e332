"""Settings by name, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings


@dataclass(frozen=True)
class Preset:
    """Named settings.

    Attributes:
        settings: as the source has them.
        source: where they come from.
    """

    settings: FdnReverbSettings
    source: str


PRESETS = {
    "plug-in": Preset(
        FdnReverbSettings(),
        "What a fresh IEM FdnReverb 1.2.4 shows. (It sounds with 3.0 s until the time is changed: it acts on changes.)",
    ),
    "seed mean": Preset(
        FdnReverbSettings(
            room_size=15,
            reverberation_time_s=1.5948825,
            lows_cutoff_hz=101.77251,
            lows_q=0.5270046,
            lows_gain_db_s=-2.1335206,
            highs_cutoff_hz=11858.535,
            highs_q=0.7714809,
            highs_gain_db_s=-16.023586,
            dry_wet=0.11475082,
            fade_in_s=0.6773426,
        ),
        "Means of fits to 100 responses matched to the vocals of MUSDB18's training songs: K. Li, Autonomous Vocal and "
        "Backing Track Mixing (Georgia Tech, 2022), results/reverb/mean/train_mean.csv. Its room size of 14.546935 "
        "acts as 15 in the plug-in. Parameters were averaged one by one: the reverb is at -40 dB, next to inaudible.",
    ),
}


def preset(name: str) -> FdnReverbSettings:
    """Look up settings; `level.at_level` brings them to an audible level.

    Args:
        name: a key of `PRESETS`.

    Raises:
        InputError: if there is no such preset.

    >>> preset("seed mean").dry_wet
    0.11475082
    """
    if name not in PRESETS:
        raise InputError(f"no preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name].settings
