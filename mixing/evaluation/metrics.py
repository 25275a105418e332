"""What a mix is judged by: figures of a mix and its parts, each compared with that of the original.

Nothing is compared with the priors a mixer works by. The percentages of `automix_metrics` are what papers report; they
depend on where a scale has its zero (a peak of -0.1 dBFS instead of -0.3 is 67 % off), so decisions rest on LU and dB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.evaluation.scenes import Mixed
from mixprior.mixing.rules.masking import masked_db
from mixprior.mixing.rules.timbre import COMPARED
from mixprior.stats.measures.loudness import difference
from mixprior.stats.measures.panning import mid_energy_fraction
from mixprior.stats.measures.spectrum import third_octave_db
from mixprior.stats.sound import Sound

Value = np.ndarray | float | None
"""A figure; None where it cannot be measured."""

MASKED_FLOOR_DB = -30.0
"""A smaller share of masked energy is taken as this one: whether 0.1 % or 0.01 % is masked is not heard."""


@dataclass(frozen=True)
class Metric:
    """An absolute difference to the original; 0 is best.

    Attributes:
        name: with the unit at its end.
        definition: what it is, in a phrase.
        figures: what is measured of a mix, one value or one for each part; the mean of the differences is taken.
        noticeable: a just noticeable difference; None where none is known.
    """

    name: str
    definition: str
    figures: Callable[[Mixed], Sequence[Value]]
    noticeable: float | None = None


def bands_db(sound: Sound) -> Value:
    """Third-octave levels about their own mean: a spectrum's shape, whatever its level."""
    if sound.silent:
        return None
    levels_db = third_octave_db(sound.spectra.power)[COMPARED]
    return levels_db - np.nanmean(levels_db)


def ratio_lu(mixed: Mixed) -> float | None:
    """Integrated loudness of the vocals minus that of all the rest."""
    rest = _rest(mixed)
    if VOCALS not in mixed.parts or rest is None:
        return None
    return difference(mixed.parts[VOCALS].integrated_lufs, rest.integrated_lufs)


def _rest(mixed: Mixed) -> Sound | None:
    others = [sound for role, sound in mixed.parts.items() if role != VOCALS]
    return Sound.sum(others) if others else None


def _vocals(mixed: Mixed) -> list[Sound]:
    return [sound for role, sound in mixed.parts.items() if role == VOCALS]


def _class_lu(mixed: Mixed) -> list[Value]:
    whole = Sound.sum(mixed.parts.values()).integrated_lufs
    return [difference(sound.integrated_lufs, whole) for sound in mixed.parts.values()]


def _masked_db(mixed: Mixed) -> list[Value]:
    rest = _rest(mixed)
    if rest is None:
        return []
    shares_db = [masked_db(sound, rest) for sound in _vocals(mixed)]
    return [MASKED_FLOOR_DB if share_db is None else max(share_db, MASKED_FLOOR_DB) for share_db in shares_db]


def _mid(sound: Sound) -> Value:
    return None if sound.silent else mid_energy_fraction(*sound.energies)


METRICS = {
    each.name: each
    for each in (
        Metric("ratio_lu", "loudness of the vocals minus that of the rest", lambda mixed: [ratio_lu(mixed)], 0.5),
        Metric("class_lu", "loudness of a class minus that of the sum, mean over the classes", _class_lu, 0.5),
        Metric("loudness_lu", "integrated loudness of the mix", lambda mixed: [mixed.mix.integrated_lufs], 0.5),
        Metric("spectrum_db", "third octaves of the mix about their mean, 63 Hz to 12.5 kHz",
               lambda mixed: [bands_db(mixed.mix)], 0.5),
        Metric("vocals_spectrum_db", "the same of the vocals",
               lambda mixed: [bands_db(sound) for sound in _vocals(mixed)], 0.5),
        Metric("class_spectrum_db", "the same of a class, mean over the classes",
               lambda mixed: [bands_db(sound) for sound in mixed.parts.values()], 0.5),
        Metric("masked_db", "share of the vocals' energy that the rest masks", _masked_db, 0.5),
        Metric("vocals_range_lu", "loudness range of the vocals (EBU Tech 3342)",
               lambda mixed: [sound.loudness_range_lu for sound in _vocals(mixed)], 0.5),
        Metric("vocals_range_100ms_lu", "the same, of 100 ms levels",
               lambda mixed: [sound.loudness_range_100ms_lu for sound in _vocals(mixed)], 0.5),
        Metric("class_mid", "share of mid energy of a class, mean over the classes",
               lambda mixed: [_mid(sound) for sound in mixed.parts.values()]),
        Metric("vocals_wet_db", "true energy of the vocals' reverb over that of the dry vocals",
               lambda mixed: [mixed.wet_dry_db], 0.5),
    )
}  # fmt: skip
MAPE = "mape"
"""Mean of the four percentages of `automix_metrics`, as a share."""
NAMES = (*METRICS, MAPE)
