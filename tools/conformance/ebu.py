"""What we read of the sequences of EBU Tech 3341 and 3342, beside what the documents demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from mixprior.stats.loudness_blocks import BLOCKS_PER_S, PARTS_PER_BLOCK, measure
from mixprior.stats.measures import loudness
from mixprior.stats.sound import Sound
from tools.conformance import sequences

RATES_HZ = (44_100, 48_000, 96_000)
STEPS_PER_S = BLOCKS_PER_S * PARTS_PER_BLOCK
LOUDNESS_LU, RANGE_LU, PEAK_DB = (0.1, 0.1), (1.0, 1.0), (0.4, 0.2)
"""What Tech 3341 and 3342 allow below and above the expected value."""

GOLDEN_LUFS = {1: -22.9933, 2: -32.9933, 3: -23.0139, 4: -23.0139, 5: -22.9787, 6: -23.0163}
"""What the coefficients that BS.1770 prints for 48 kHz give of cases 1 to 6, in double precision."""
FINER_LU = {
    (48_000, 48_000): 0.001,
    (44_100, 44_100): 0.02,
    (96_000, 96_000): 0.04,
    (44_100, 48_000): 0.02,
    (96_000, 48_000): 0.02,
    (48_000, 44_100): 0.02,
    (96_000, 44_100): 0.02,
}
"""How far from `GOLDEN_LUFS` we may read: by the rate of the sound, and the rate to which it is resampled."""
FILES = {
    "seq-3341-1-16bit": (-23, None),
    "seq-3341-2-16bit": (-33, None),
    "seq-3341-3-16bit-v02": (-23, None),
    "seq-3341-4-16bit-v02": (-23, None),
    "seq-3341-5-16bit-v02": (-23, None),
    "seq-3341-7_seq-3342-5-16bit": (-23, 5),
    "seq-3342-1-16bit": (None, 10),
    "seq-3342-2-16bit": (None, 5),
    "seq-3342-3-16bit": (None, 20),
    "seq-3342-4-16bit": (None, 15),
}
"""The EBU's own files that are at hand, with the integrated loudness and the loudness range they are to have."""


@dataclass(frozen=True)
class Check:
    """One value that a document demands.

    Attributes:
        case: document and number: `3341-1`.
        measure: what is measured, with its unit.
        expected: the value demanded.
        below, above: how far under and over it a meter may read.
        measured: of all readings the one that is furthest from `expected`; NaN where there is none.
    """

    case: str
    measure: str
    expected: float
    below: float
    above: float
    measured: float

    @property
    def passes(self) -> bool:
        """Whether it lies within the tolerance.

        >>> Check("3341-1", "I, LUFS", -23, 0.1, 0.1, -22.95).passes
        True
        >>> Check("3341-1", "I, LUFS", -23, 0.1, 0.1, float("nan")).passes
        False
        """
        return -self.below <= self.measured - self.expected <= self.above


@cache
def checks(rate_hz: int) -> tuple[Check, ...]:
    """Measure every sequence at this rate."""
    return (*_integrated(rate_hz), *_series(rate_hz), *_true_peak(rate_hz), *_range(rate_hz))


@cache
def integrated_lufs(case: int, rate_hz: int, measured_at_hz: int) -> float:
    """Measure the integrated loudness of one of the cases 1 to 6, as it is or resampled.

    A `Sound` has one or two channels; the five of case 6 are filtered and summed by the functions that it calls.
    """
    steps = sequences.INTEGRATED.get(case)
    audio = sequences.surround(rate_hz) if steps is None else sequences.tone(steps, rate_hz, channels=1)
    audio = np.vstack([Sound(channel[np.newaxis], rate_hz).at(measured_at_hz).audio for channel in audio])
    if steps is None:
        found = loudness.integrated_lufs(measure(audio, measured_at_hz).weighted)
    else:
        found = Sound(audio, measured_at_hz).stereo.integrated_lufs
    return float("nan") if found is None else found


def file_checks(folder: Path) -> Iterator[Check]:
    """Measure the EBU's own files, `NAME.flac` in a folder."""
    for name, (lufs, range_lu) in FILES.items():
        audio, rate_hz = soundfile.read(folder / f"{name}.flac", dtype="float32", always_2d=True)
        sounds = [Sound.of(audio.T, rate_hz)]
        if lufs is not None:
            yield _check(name, "I, LUFS", lufs, LOUDNESS_LU, sounds, lambda sound: sound.integrated_lufs)
        if range_lu is not None:
            yield _check(name, "LRA, LU", range_lu, RANGE_LU, sounds, lambda sound: sound.loudness_range_lu)


def _integrated(rate_hz: int) -> Iterator[Check]:
    for case in GOLDEN_LUFS:
        expected = -33 if case == 2 else -23
        if case in (1, 2):
            sounds = [Sound(sequences.tone(sequences.INTEGRATED[case], rate_hz), rate_hz)]
            yield _check(f"3341-{case}", "M, LUFS", expected, LOUDNESS_LU, sounds, lambda sound: sound.momentary_lufs)
            yield _check(f"3341-{case}", "S, LUFS", expected, LOUDNESS_LU, sounds, lambda sound: sound.short_term_lufs)
        yield Check(f"3341-{case}", "I, LUFS", expected, *LOUDNESS_LU, integrated_lufs(case, rate_hz, rate_hz))


def _series(rate_hz: int) -> Iterator[Check]:
    def sounds(arrays: Iterable[np.ndarray]) -> list[Sound]:
        return [Sound(audio, rate_hz) for audio in arrays]

    def short_term(sound: Sound) -> np.ndarray:
        return loudness.short_term_lufs(sound.blocks.weighted_20ms, STEPS_PER_S)

    def momentary_after_1_s(sound: Sound) -> np.ndarray:
        first = STEPS_PER_S - loudness.MOMENTARY_BLOCKS * PARTS_PER_BLOCK
        return loudness.momentary_lufs(sound.blocks.weighted_20ms, STEPS_PER_S)[first:]

    steady_s, steady_m = (sequences.tone(steps, rate_hz) for steps in (sequences.SHORT_TERM, sequences.MOMENTARY))
    for case, measure_name, arrays, read in (
        (9, "S", [steady_s], short_term),
        (10, "max S", sequences.short_term_bursts(rate_hz), lambda sound: loudness.max_short_term_lufs(sound.blocks)),
        (12, "M", [steady_m], momentary_after_1_s),
        (13, "max M", sequences.momentary_bursts(rate_hz), lambda sound: loudness.max_momentary_lufs(sound.blocks)),
    ):
        yield _check(f"3341-{case}", f"{measure_name}, LUFS", -23, LOUDNESS_LU, sounds(arrays), read)


def _true_peak(rate_hz: int) -> Iterator[Check]:
    for case in range(15, 24):
        audio = sequences.sine(case, rate_hz) if case in sequences.SINES else sequences.burst(case)
        expected = 3 if case == 19 else 0 if case >= 20 else -6
        sounds = [Sound(audio, rate_hz)]
        yield _check(f"3341-{case}", "true peak, dBTP", expected, PEAK_DB, sounds, lambda sound: sound.true_peak_dbtp)


def _range(rate_hz: int) -> Iterator[Check]:
    for (case, steps), expected in zip(sequences.RANGES.items(), (10, 5, 20, 15), strict=True):
        sounds = [Sound(sequences.tone(steps, rate_hz), rate_hz)]
        yield _check(f"3342-{case}", "LRA, LU", expected, RANGE_LU, sounds, lambda sound: sound.loudness_range_lu)


def _check(
    case: str,
    measure_name: str,
    expected: float,
    tolerance: tuple[float, float],
    sounds: Iterable[Sound],
    read: Callable[[Sound], np.ndarray | float | None],
) -> Check:
    readings = np.concatenate([np.ravel(np.asarray(read(sound), float)) for sound in sounds])
    furthest = readings[np.argmax(np.abs(readings - expected))] if readings.size else float("nan")
    return Check(case, measure_name, expected, *tolerance, float(furthest))
