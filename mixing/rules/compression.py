"""The compressor that brings a sound to a loudness range, or its onsets to a level: threshold by bisection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mixprior.mixing.effects.compressor import Compressor
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import CompressorSettings
from mixprior.mixing.effects.stereo import checked
from mixprior.mixing.rules.compression_model import RANGES, Model, OnsetModel, RangeModel
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

RANGE_START = CompressorSettings(threshold_dbfs=0.0, ratio=2.9, attack_s=0.03, release_s=0.15, knee_db=6.0)
"""For the loudness range of vocals: ratio to begin with and times of Kelian Li's mixing code; the knee is ours."""
RANGE_MAX_RATIO = 10.0

ONSET_STARTS = {
    "vocals": CompressorSettings(threshold_dbfs=0.0, ratio=4.0, attack_s=0.0075, release_s=0.4),
    "drums": CompressorSettings(threshold_dbfs=0.0, ratio=6.0, attack_s=0.01, release_s=0.18),
    "bass": CompressorSettings(threshold_dbfs=0.0, ratio=5.0, attack_s=0.01, release_s=0.5),
    "other": CompressorSettings(threshold_dbfs=0.0, ratio=4.0, attack_s=0.015, release_s=0.666),
}
"""For onset peaks: ratios to begin with and times of FxNorm-automix, by stem."""
ONSET_MAX_RATIO = 20.0

_CLOSE = 0.1  # LU or dB that a compressor may be off
_CLOSE_PREDICTED = 0.02
_RATIO_STEP = 2.0
_THRESHOLD_STEP_DB = 4.0
_THRESHOLDS = 9  # down to 32 dB below the loudest level: both sources stop there, about 30 dB below the peak
_HALVINGS = 10
_ROUNDS = 4


@dataclass(frozen=True)
class Compression:
    """A compressor, and what it does to the sound.

    Attributes:
        settings: None where none is wanted, or none helps. The makeup gives back the integrated loudness.
        measured: what was found before and, with a compressor, after it, by the sample-rate compressor itself; None
            where it cannot be measured.
        reason: in a sentence.
        on_target: whether the sound, compressed or not, is where it should be.
    """

    settings: CompressorSettings | None
    measured: Mapping[str, float | None]
    reason: str
    on_target: bool


def to_loudness_range(
    sound: Sound,
    target_lu: float,
    measure: str = "ebu",
    start: CompressorSettings = RANGE_START,
    max_ratio: float = RANGE_MAX_RATIO,
) -> Compression:
    """Bring a loudness range down to a target, as near as 0.1 LU if it can be reached.

    The mildest threshold of the first ratio is taken that reaches it; only where none does is the ratio doubled. Where
    nothing reaches it the compressor that comes nearest is given, if that is half the way, and the reason says so.
    Compression has a limit that no ratio moves: pauses and breaths come up, pass the measure's gate at -20 LU, and
    widen the range again.

    Args:
        sound: two channels.
        target_lu: wanted range; a sound whose range is smaller already stays as it is.
        measure: "ebu" for EBU Tech 3342, "100ms" for its rule on single blocks of 100 ms; see
            `stats.measures.loudness_range`.
        start: ratio to begin with, times, and knee; the threshold is not looked at.
        max_ratio: none above it.

    Raises:
        InputError: if the target is below 0 or not finite, there is no such measure, or the sound is not finite stereo.
    """
    if measure not in RANGES:
        raise InputError(f"no loudness range {measure!r}; there are: {', '.join(RANGES)}")
    if not 0 <= target_lu < np.inf:
        raise InputError(f"a loudness range cannot be {target_lu} LU; give 0 or more")
    name = "loudness_range" if measure == "ebu" else "loudness_range_100ms"
    checked(sound.audio)
    own, lufs = RANGES[measure](sound), sound.integrated_lufs
    measured: dict[str, float | None] = {f"{name}_lu": own}
    if own is None or lufs is None:
        return Compression(None, measured, "the loudness range cannot be measured: too short, or silent", False)
    if own <= target_lu + _CLOSE:
        reason = f"the loudness range is {own:.1f} LU already, and {target_lu:.1f} LU are wanted: no compression"
        return Compression(None, measured, reason, True)
    settings, after = _fit(RangeModel(sound, measure), sound, lufs, target_lu, start, max_ratio)
    by = _described(settings)
    if after is not None and abs(after - target_lu) <= _CLOSE:
        measured[f"{name}_after_lu"] = after
        return Compression(settings, measured, f"loudness range from {own:.1f} to {after:.1f} LU by {by}", True)
    reason = f"the loudness range of {own:.1f} LU cannot be brought to {target_lu:.1f} LU"
    if after is None or after > (own + target_lu) / 2:
        nearest = "" if after is None else f" (the nearest would be {after:.1f} LU)"
        return Compression(None, measured, f"{reason}, nor half the way{nearest}: no compression", False)
    measured[f"{name}_after_lu"] = after
    return Compression(settings, measured, f"{reason}; the nearest is {after:.1f} LU, by {by}", False)


def to_onset_peaks(sound: Sound, stem: str, mean_db: float, sd_db: float) -> Compression:
    """Bring the mean of the loudest onset peaks within a standard deviation of a reference, if a compressor can.

    FxNorm-automix's compression normalisation, with two differences. It lowers the peaks without looking at how far the
    sound's own peak falls with them, so that measured anew they are not where it put them; here the sound after the
    compressor is measured as any sound (`stats.measures.dynamics`). And a threshold is found by bisection, not on a
    grid of rendered trials: the mildest that brings the mean to the nearer end of the interval, and a little inside.
    Compression evens peaks out; where they are too even already only an attack that lets each onset through can help,
    and often nothing does.

    Args:
        sound: two channels; measured at 44.1 kHz.
        stem: one of `ONSET_STARTS`: ratio to begin with, and times.
        mean_db: reference, the sound's peak being at -10 dBFS.
        sd_db: its standard deviation; 0.1 dB at the least is allowed for.

    Raises:
        InputError: if there is no such stem, the reference is not finite, or the sound is not finite stereo.
    """
    if stem not in ONSET_STARTS:
        raise InputError(f"no onset peaks of {stem!r}; there are: {', '.join(ONSET_STARTS)}")
    if not (np.isfinite(mean_db) and 0 <= sd_db < np.inf):
        raise InputError(f"onset peaks cannot be {mean_db} dB with a standard deviation of {sd_db} dB")
    checked(sound.audio)
    sound, sd_db = at_44100(sound), max(sd_db, _CLOSE)
    lufs, found = sound.integrated_lufs, sound.onset_peaks_db
    own = found[0] if found else None
    measured = {"onset_peak_mean_db": own}
    if own is None or lufs is None:
        return Compression(None, measured, "there are no onsets to measure: too short, or silent", False)
    wanted = f"{mean_db:.1f} +- {sd_db:.1f} dB"
    if abs(own - mean_db) <= sd_db:
        reason = f"the onset peaks are at {own:.1f} dB already, within {wanted}: no compression"
        return Compression(None, measured, reason, True)
    inside = sd_db - _CLOSE
    target = mean_db + (inside if own > mean_db else -inside)
    settings, after = _fit(OnsetModel(sound), sound, lufs, target, ONSET_STARTS[stem], ONSET_MAX_RATIO)
    if after is not None and abs(after - mean_db) <= sd_db:
        measured["onset_peak_mean_after_db"] = after
        return Compression(
            settings, measured, f"onset peaks from {own:.1f} to {after:.1f} dB by {_described(settings)}", True
        )
    nearest = "" if after is None else f"; the nearest would be {after:.1f} dB, by {_described(settings)}"
    reason = f"no compressor brings the onset peaks from {own:.1f} dB to {wanted}: no compression{nearest}"
    return Compression(None, measured, reason, False)


def search(
    model: Model, target: float, start: CompressorSettings, max_ratio: float
) -> tuple[CompressorSettings, float | None]:
    """Find the first ratio and the mildest threshold for which a model predicts the target, or comes nearest.

    The number need not follow the threshold one way: quiet parts that rise into a gate widen a loudness range. So the
    thresholds are walked down in steps of 4 dB, and wherever the target is crossed it is bisected.

    Args:
        model: predicts the number.
        target: what it should be.
        start: ratio to begin with, times, knee.
        max_ratio: none above it; the ratio is doubled each time.

    Returns:
        The compressor, threshold and ratio in steps of 0.01, and the number predicted.
    """
    nearest: tuple[CompressorSettings, float | None] = (start, None)
    for ratio in _ratios(start.ratio, max_ratio):
        for settings, value in _tried(model, target, replace(start, ratio=ratio)):
            if nearest[1] is None or abs(value - target) < abs(nearest[1] - target):
                nearest = settings, value
            if abs(value - target) <= _CLOSE_PREDICTED:
                return settings, value
    return nearest


def _ratios(first: float, last: float) -> Iterator[float]:
    while first < last:
        yield round(first, 2)
        first *= _RATIO_STEP
    yield last


def _tried(model: Model, target: float, start: CompressorSettings) -> Iterator[tuple[CompressorSettings, float]]:
    # Walks the thresholds down; where two neighbours are on either side of the target, halves the way between.
    above: tuple[float, float] | None = None
    for step in range(_THRESHOLDS):
        settings = replace(start, threshold_dbfs=round(model.top_db + start.knee_db / 2 - step * _THRESHOLD_STEP_DB, 2))
        value = model.predict(settings)
        if value is None:
            return
        yield settings, value
        below = settings.threshold_dbfs, value
        if above is not None and (above[1] - target) * (value - target) < 0:
            yield from _halved(model, target, start, above, below)
        above = below


def _halved(
    model: Model, target: float, start: CompressorSettings, above: tuple[float, float], below: tuple[float, float]
) -> Iterator[tuple[CompressorSettings, float]]:
    for _ in range(_HALVINGS):
        settings = replace(start, threshold_dbfs=round((above[0] + below[0]) / 2, 2))
        value = model.predict(settings)
        if value is None:
            return
        yield settings, value
        middle = settings.threshold_dbfs, value
        if (above[1] - target) * (value - target) < 0:
            below = middle
        else:
            above = middle


def _fit(
    model: Model,
    sound: Sound,
    lufs: float,
    target: float,
    start: CompressorSettings,
    max_ratio: float,
) -> tuple[CompressorSettings, float | None]:
    # Searches by the model, compresses in earnest, and searches again for what the model was off by.
    best: tuple[CompressorSettings, float | None] = (start, None)
    aim = target
    for _ in range(_ROUNDS):
        settings, predicted = search(model, aim, start, max_ratio)
        compressed = Sound(Compressor(settings, sound.rate_hz).process(sound.audio), sound.rate_hz)
        now_lufs = compressed.integrated_lufs
        makeup_db = round(lufs - now_lufs, 2) if now_lufs is not None else 0.0
        value = model.measure(compressed, makeup_db)
        if value is not None and (best[1] is None or abs(value - target) < abs(best[1] - target)):
            best = replace(settings, makeup_db=makeup_db), value
        if value is None or predicted is None or abs(value - target) <= _CLOSE / 2:
            break
        if abs(predicted - aim) > _CLOSE:  # Out of reach already by the model.
            break
        aim += target - value
    return best


def _described(settings: CompressorSettings) -> str:
    return f"{settings.ratio:g}:1 above {settings.threshold_dbfs:.1f} dBFS"
