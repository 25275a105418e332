"""What is said of a track: its gain, pan and equaliser as anybody can compare them, each with an interval.

The gain is what the direct path does to the level of the track, and the equaliser what it does to frequencies beside
that: a shelf over all that a track holds is a gain. So both are determined by the mix, whatever bands they were set by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mixprior.learning.reverse import coding
from mixprior.learning.reverse.compressor import CompressorFigures
from mixprior.learning.reverse.figure import Figure
from mixprior.learning.reverse.fit import Fit
from mixprior.learning.reverse.intervals import Spread
from mixprior.learning.reverse.path import Path, response
from mixprior.learning.reverse.send import is_sent
from mixprior.learning.reverse.statistics import Power

GRID_HZ = 1000.0 * 2 ** (np.arange(-17, 14) / 3)
"""Thirds of an octave, from 20 Hz to 20 kHz."""
HEARD_DB = 40.0
"""The equaliser is said where a track is within this of its loudest third of an octave."""
RESOLUTION = {"gain_db": 0.02, "pan": 0.002, "eq_db": 0.1, "send_db": 0.2}
"""Least half width of an interval: gains are taken as constant in a band, and effects as linear."""
MOST = {"gain_db": 3.0, "pan": 0.15, "eq_db": 6.0}
"""A figure whose interval is wider to either side is not said."""
ALIKE = 0.95
"""Tracks, or the errors of their gains, that correlate by more cannot be distinguished."""
_STEP = 1e-4


@dataclass(frozen=True)
class TrackFigures:
    """What was found of a track.

    Attributes:
        level_db: energy of the track in the mix over that of the mix; None where it is silent in what was compared.
        gain_db: change of level by the direct path; None where it was not found.
        pan: position, 0 left, 1 right, constant power; None where it was not found.
        eq_db: gain of the equaliser beside `gain_db` by frequency in Hz; None where the track holds too little there.
        reasons: by the name of a figure that was not found, why.
        send_db: amplitude of the late reverb, as the plug-in's knob has it, over the direct sound; None for no send.
        compressor: None for none.
    """

    level_db: float | None
    gain_db: Figure | None
    pan: Figure | None
    eq_db: dict[float, Figure | None]
    reasons: dict[str, str]
    send_db: Figure | None = None
    compressor: CompressorFigures | None = None


SILENT = TrackFigures(None, None, None, {}, dict.fromkeys(("gain_db", "pan", "eq_db"), "silent where it was compared"))
"""Of a track that is not heard."""


def of_track(fit: Fit, spread: Spread, power: Power, track: int, names: tuple[str, ...]) -> TrackFigures:
    """Figures of one track of a fit; `power` is that of the tracks."""
    of, path = fit.statistics, fit.paths[track]
    heard = power.centres_hz, power.energy[:, track]
    grid = GRID_HZ[of.bands.centres_hz[-1] > GRID_HZ]
    values = _values(path, heard, grid, fit.rate_hz)
    slopes = np.zeros((len(values), len(spread.owners)))
    own = np.flatnonzero(fit.owners == track)
    for k, place in enumerate(own):
        up, down = (path.moved(path.numbers + step * np.eye(len(own))[k]) for step in (_STEP, -_STEP))
        change = _values(up, heard, grid, fit.rate_hz) - _values(down, heard, grid, fit.rate_hz)
        slopes[:, place] = change / (2 * _STEP)
    kinds = ["gain_db", "pan", *["eq_db"] * len(grid)]
    found = [
        Figure(float(value), float(np.hypot(spread.half_width(slope, track), RESOLUTION[kind]) + lowered))
        for value, slope, kind, lowered in zip(values, slopes, kinds, _lowered(fit, spread, track, grid), strict=True)
    ]
    in_mix = float(np.sum(np.abs(fit.gains[:, :, track]) ** 2 * of.energy[:, :, track]) / of.mix.sum())
    level_db = float(10 * np.log10(max(in_mix, 1e-20)))
    kept: list[Figure | None] = [
        each if each.half_width <= MOST[kind] else None for each, kind in zip(found, kinds, strict=True)
    ]
    thirds = _thirds(power.centres_hz, grid) @ power.energy[:, track]
    is_loud = thirds > thirds.max() * 10 ** (-HEARD_DB / 10)
    eq = {float(hz): kept[2 + k] if is_loud[k] else None for k, hz in enumerate(grid)}
    why = _why(fit, spread, track, names, level_db)
    reasons = {kind: why for kind, each in zip(kinds[:2], kept[:2], strict=True) if each is None}
    if not any(eq.values()):
        reasons["eq_db"] = why
    return TrackFigures(level_db, kept[0], kept[1], eq, reasons)


def with_send(track: TrackFigures, amount: Figure) -> TrackFigures:
    """The figures with the send to a reverb, if there is one."""
    if not is_sent(amount):
        return track
    half = float(np.hypot(20 / np.log(10) * amount.half_width / amount.value, RESOLUTION["send_db"]))
    return replace(track, send_db=Figure(float(20 * np.log10(amount.value)), half))


def with_compressor(track: TrackFigures, compressor: CompressorFigures, lower_db: float) -> TrackFigures:
    """The figures of a compressed track, whose level the compressor lowers after the equaliser."""
    gain_db = track.gain_db
    if gain_db is not None:
        reduction = compressor.reduction_db
        unsure = 0.0 if reduction is None else reduction.half_width
        gain_db = Figure(gain_db.value - lower_db, float(np.hypot(gain_db.half_width, unsure)))
    reasons = dict(track.reasons)
    if compressor.ratio is None:
        reasons["compressor"] = "it acts too seldom: other values leave nearly the same mix"
    return replace(track, gain_db=gain_db, compressor=compressor, reasons=reasons)


def without_twin(track: TrackFigures, twin: str) -> TrackFigures:
    """The figures of one of two tracks that sound alike, either of which may be the one that was compressed."""
    why = dict.fromkeys(("gain_db", "pan", "eq_db", "compressor"), _twin_of(twin))
    return replace(track, gain_db=None, pan=None, eq_db={}, compressor=None, reasons=why)


def _twin_of(name: str) -> str:
    return f"it cannot be distinguished from {name}: the two sound alike, and only what they add up to is known"


def _values(path: Path, heard: tuple[np.ndarray, np.ndarray], grid: np.ndarray, rate_hz: float) -> np.ndarray:
    """Change of level, pan, and the curve beside that change."""
    centres, energy = heard
    power = np.abs(response(path.bands, centres, rate_hz)) ** 2
    change_db = 10 * np.log10(float((energy * power).sum() / energy.sum()))
    curve_db = 20 * np.log10(np.abs(response(path.bands, grid, rate_hz)))
    return np.concatenate([[path.gain_db + change_db, path.pan], curve_db - change_db])


def _lowered(fit: Fit, spread: Spread, track: int, grid: np.ndarray) -> np.ndarray:
    """By how much a coder may have moved each value: the level, not the pan, the curve beside the level."""
    of = fit.statistics
    in_mix = (np.abs(fit.gains[:, :, track]) ** 2 * of.energy[:, :, track]).sum(axis=1)
    whole = coding.lowered_db(spread.noise[track], in_mix)
    by_third = coding.lowered_db(spread.noise[track], in_mix * _thirds(of.bands.centres_hz, grid))
    return np.concatenate([[whole, 0.0], np.maximum(by_third, whole)])


def _thirds(centres_hz: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Which bands are within a third of an octave around each frequency, (grid, bands)."""
    return np.asarray(np.abs(np.log2(centres_hz / grid[:, None])) < 1 / 6)


def _why(fit: Fit, spread: Spread, track: int, names: tuple[str, ...], level_db: float) -> str:
    """Why a figure of a track is not determined."""
    sides = fit.statistics.energy[:, :, track].sum(axis=0)
    likeness = np.abs(spread.likeness()[track])
    likeness[track] = 0.0
    twin = int(np.argmax(likeness))
    if likeness[twin] > ALIKE:
        return _twin_of(names[twin])
    if sides.min() < 1e-6 * sides.max():
        return "it sounds in one channel alone: gain and pan do the same"
    return f"it is {-level_db:.0f} dB below the mix, and what the mix holds beside these tracks covers it"
