"""What a console network hears of parts of a mix, and of songs to be like: nothing of it is a level of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.learned.mel import LUFS, QUIETEST_DB, log_mel_db
from mixprior.mixing.rules.timbre import COMPARED
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db
from mixprior.stats.sound import Sound

LEVEL, SLOPE = "loudness_vs_mixture_lu", "slope_db_per_octave"
ASKED = (LEVEL, SLOPE)
"""Statistics of a part that may be asked for: its loudness against the mix, and how its spectrum falls."""
SCALES = (6.0, 1.0)
"""A network reads them in units of these, LU and dB per octave."""
BALANCE_DB = 6.0
"""Unit that it reads the balance of the channels in; more than twice that counts as that."""

_OCTAVES = np.log2(BAND_CENTRES_HZ / 1000.0)
_LEAST_BANDS = 6
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Heard:
    """A part of a mix as a network hears it.

    Attributes:
        mel_db: (128, frames), `mixprior.mixing.learned.mel.log_mel_db` at -20 LUFS.
        balance: energy of the left channel over that of the right one, in units of `BALANCE_DB`.
        asked: what it is to have more than it has, by the names of `ASKED`; what is not asked for is not there.
    """

    mel_db: np.ndarray = field(repr=False)
    balance: float
    asked: Mapping[str, float] = field(default_factory=dict)


def hear(sound: Sound, asked: Mapping[str, float] | None = None) -> Heard | None:
    """Hear a part, of two channels; None of one that is silent."""
    lufs = sound.integrated_lufs
    if lufs is None:
        return None
    mel_db = log_mel_db(at_44100(sound).gained(LUFS - lufs).audio)
    return Heard(np.maximum(mel_db, np.float32(QUIETEST_DB)), balance_of(sound), asked or {})


def balance_of(sound: Sound) -> float:
    """Energy of the left channel over that of the right one, in units of `BALANCE_DB`."""
    left, right, _ = sound.energies
    balance_db = 10 * np.log10((left + _LEAST) / (right + _LEAST))
    return float(np.clip(balance_db / BALANCE_DB, -2, 2))


def slope_of(levels_db: np.ndarray) -> float | None:
    """Slope of third-octave levels from 63 Hz to 12.5 kHz, in dB per octave; None where hardly a band is known.

    >>> round(slope_of(-3.0 * _OCTAVES), 2)
    -3.0
    """
    known = COMPARED & np.isfinite(levels_db)
    if known.sum() < _LEAST_BANDS:
        return None
    return float(np.polyfit(_OCTAVES[known], levels_db[known], 1)[0])


def statistics_of(parts: Mapping[str, Sound]) -> dict[str, dict[str, float]]:
    """What may be asked for, of each part of a mix as it is: by part and statistic, what can be measured."""
    whole_lufs = Sound.sum(parts.values()).integrated_lufs if parts else None
    found: dict[str, dict[str, float]] = {}
    for name, sound in parts.items():
        lufs, slope = sound.integrated_lufs, None
        if lufs is not None and whole_lufs is not None:
            slope = slope_of(third_octave_db(at_44100(sound).spectra.power))
            found[name] = {LEVEL: lufs - whole_lufs} | ({} if slope is None else {SLOPE: slope})
    return found


def statistics_of_song(song: SongRows, part: str) -> dict[str, float]:
    """The same of a song that was measured."""
    levels_db = [song.value(part, "third_octave_db", k) for k in range(len(BAND_CENTRES_HZ))]
    slope = slope_of(np.array([np.nan if each is None else each for each in levels_db], float))
    given = {LEVEL: song.value(part, LEVEL), SLOPE: slope}
    return {name: value for name, value in given.items() if value is not None and not song.is_absent(part)}
