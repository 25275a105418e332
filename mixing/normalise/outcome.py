"""What a normalised stem reached of its constants, and what it missed, effect by effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mixprior.analysis.constants.constants import Features
from mixprior.mixing.normalise import repanning
from mixprior.mixing.rules import spectrum
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ

LOUDNESS_LU = 0.1
EQ_DB = 0.5
SIMILARITY = 0.02
ONSET_DB = 0.05
"""Beyond the band of one standard deviation."""


def outcomes(
    stem: str, after: Mapping[str, Any], features: Features, effects: Sequence[str], done: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Say for each effect how far the stem is from its constants.

    Args:
        stem: its name.
        after: what was measured of the outcome: `mixprior.mixing.normalise.stem.measured`.
        features: constants.
        effects: those that were asked for.
        done: the moves made.

    Returns:
        By effect `reached`, `missed_by` (with the sign of outcome minus target, the largest over bands) and its `unit`;
        with panning and eq the bands `left_alone_hz` that hold too little to be matched, with what is missed `why`.
        Empty for a silent stem; without an effect that has no constants, as reverb.
    """
    if after["integrated_lufs"] is None:
        return {}
    measures: dict[str, Callable[[np.ndarray], dict[str, Any] | None]] = {
        "eq": lambda target: _eq(after["eq_above_reference_db"], target),
        "compression": lambda target: _compression(after, target, done),
        "panning": lambda target: _panning(after["similarity"], target, stem),
        "loudness": lambda target: _loudness(after, float(target[0]), done),
    }
    found = {
        effect: measure(features[effect][stem])
        for effect, measure in measures.items()
        if effect in effects and effect in features
    }
    return {effect: facts for effect, facts in found.items() if facts is not None}


def shortfall(outcome: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Write what was missed in a sentence; None where all was reached.

    >>> shortfall({"loudness": {"reached": False, "missed_by": -12.6, "unit": "LU", "why": "held by its peak"}})
    'loudness misses its target by -12.6 LU (held by its peak)'
    """
    missed = [
        f"{effect} misses its target by {facts['missed_by']:+.3g} {facts['unit']}".rstrip() + f" ({facts['why']})"
        for effect, facts in outcome.items()
        if not facts["reached"]
    ]
    return "; ".join(missed) or None


def _loudness(after: Mapping[str, Any], target_lufs: float, done: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    missed = after["integrated_lufs"] - target_lufs
    held = any(move.get("held_by_peak") for move in done) or any(move["effect"] == "full scale" for move in done)
    return _facts(missed, "LU", LOUDNESS_LU, "the peak is at full scale" if held else "it moves with other effects")


def _eq(above_db: Sequence[float | None], reference: np.ndarray) -> dict[str, Any]:
    off_db = np.array(above_db, np.float64)
    matched = spectrum.matched_bands(off_db, reference)
    why = "bands draw on one another, or other effects move them"
    return {**_facts(_worst(off_db[matched]), "dB", EQ_DB, why), "left_alone_hz": _centres_hz(~matched)}


def _panning(similarity: Sequence[float | None], reference: np.ndarray, stem: str) -> dict[str, Any]:
    off = np.array(similarity, np.float64) - np.array(repanning.by_band(reference), np.float64)
    panned = np.isfinite(off) & (repanning.PANNED_BELOW_HZ[stem] >= BAND_CENTRES_HZ)
    why = "the stem is wider than the constants wherever it is moved to"
    return {**_facts(_worst(off[panned]), "", SIMILARITY, why), "left_alone_hz": _centres_hz(~panned)}


def _compression(
    after: Mapping[str, Any], target: np.ndarray, done: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    if after["onset_peak_mean_db"] is None:
        return None
    mean_db, sd_db = target[:2].tolist()
    reasons = [move["not_done"] for move in done if "not_done" in move]
    why = reasons[-1] if reasons else "other effects move it"
    return _facts(after["onset_peak_mean_db"] - mean_db, "dB", sd_db + ONSET_DB, why)


def _facts(missed_by: float, unit: str, tolerance: float, why: str) -> dict[str, Any]:
    reached = abs(missed_by) <= tolerance
    return {"reached": reached, "missed_by": missed_by, "unit": unit, **({} if reached else {"why": why})}


def _worst(off: np.ndarray) -> float:
    return float(off[np.argmax(np.abs(off))]) if off.size else 0.0


def _centres_hz(bands: np.ndarray) -> list[float]:
    return [float(hz) for hz in BAND_CENTRES_HZ[bands].round(1)]
