"""What is reported of a reverb beside its settings: how long it lasts, broadband and by octave, and how loud it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixprior.analysis.table import table
from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.energy_decay import OCTAVE_BANDS_HZ
from mixprior.stats.reverb.fdn.level import wet_dry_db
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.reverb.response import without_direct

RATE_HZ = 48_000
LONGEST_S = 30.0
"""The longest response or tail where no duration is given."""

_DECAY_DB = 80.0
_AUDIBLE_HZ = np.geomspace(20.0, 20_000.0, 200)
_UNKNOWN = "-"


@dataclass(frozen=True)
class Decay:
    """How a reverb decays and how loud it is.

    Attributes:
        rt60_s: reverberation time, broadband; like all here, None where not measurable.
        rt60_octaves_s: in the octaves 250 Hz to 4 kHz.
        wet_dry_db: energy of the reverberation against that of the direct sound.
    """

    rt60_s: float | None
    rt60_octaves_s: tuple[float | None, ...]
    wet_dry_db: float | None

    def to_dict(self) -> dict[str, Any]:
        """Rounded to what is certain: milliseconds and hundredths of a dB."""
        return {
            "rt60_s": _rounded(self.rt60_s, 3),
            "rt60_octaves_s": [_rounded(time_s, 3) for time_s in self.rt60_octaves_s],
            "wet_dry_db": _rounded(self.wet_dry_db, 2),
        }


def of_response(response: np.ndarray, rate_hz: int) -> Decay:
    """Measure a response, (channels, samples): the times of what comes after the direct sound."""
    late = without_direct(response, rate_hz)
    return Decay(
        energy_decay.reverberation_time_s(late, rate_hz) if late.any() else None,
        energy_decay.octave_reverberation_times_s(late, rate_hz) if late.any() else (None,) * len(OCTAVE_BANDS_HZ),
        energy_decay.wet_dry_db(response, rate_hz),
    )


def of_render(settings: FdnReverbSettings) -> Decay:
    """Measure the response that these settings render at 48 kHz as `of_response` measures any other."""
    return of_response(vocal_response(settings, RATE_HZ, length_s(settings)), RATE_HZ)


def of_settings(settings: FdnReverbSettings) -> Decay:
    """Measure the reverb that runs with these settings at 48 kHz, fed with centred vocals.

    The level is that of `mixprior.stats.reverb.fdn.level`: all that comes after the very first sample, which vocals
    carry, while `of_response` counts what comes within 2.5 ms of a peak as direct sound.
    """
    # The times do not hang on the knob, and at an inaudible level could not be read.
    wet = vocal_response(settings, RATE_HZ, length_s(settings), wet_only=True)
    measured = of_response(wet, RATE_HZ)
    return Decay(measured.rt60_s, measured.rt60_octaves_s, wet_dry_db(settings))


def length_s(settings: FdnReverbSettings) -> float:
    """Until all that is audible has decayed by 80 dB; at most 30 s."""
    slowest_s = float(settings.decay_time_s(_AUDIBLE_HZ).max())
    return min(max(slowest_s, settings.fade_in_s) * _DECAY_DB / 60, LONGEST_S)


def to_table(rows: Mapping[str, Decay | Sequence[str]]) -> str:
    """Reverberation times, a line a row; cells of a row may be given in words."""
    heads = ["all", *(f"{f:.0f} Hz" if f < 1000 else f"{f / 1000:.0f} kHz" for f in OCTAVE_BANDS_HZ)]
    lines = []
    for name, row in rows.items():
        cells = [_time(t) for t in (row.rt60_s, *row.rt60_octaves_s)] if isinstance(row, Decay) else row
        lines.append([name, *cells])
    return table(("decay, T20 (s)", *heads), lines)


def level(decibels: float | None) -> str:
    """A level in words."""
    return "not measurable" if decibels is None else f"{decibels:.1f} dB"


def _time(seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else f"{seconds:.2f}"


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
