"""The settings of the reverb as genes between 0 and 1, as rows of numbers for the closed form, and as knobs.

A row has the columns of `closed_form.COLUMNS`; the knobs of a row have dry_wet in place of its first, wet_db.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numba
import numpy as np

from mixprior.stats.reverb.fdn.closed_form import COLUMNS, SHORTEST_FADE_S
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings

_RANGE = {parameter.name: parameter for parameter in PARAMETERS}
WET, TIME, ROOM, FADE, LOW_HZ, LOW_Q, LOW_GAIN, HIGH_HZ, HIGH_Q, HIGH_GAIN = range(len(COLUMNS))
# The level of a dry_wet of 0.01 and of 0.99; a fade-in is between a five-hundredth of the reverberation time and 0.95
# of it, since a time and a fade-in exchanged sound alike.
WET_DB = (-40.0, 40.0)
FADE_SHARE = (0.002, 0.95)
# Shelves that reach past the middle, or slope over all frequencies, exchange with the reverberation time; kept apart,
# the time is that of the middle frequencies, and means over a catalog make sense.
_TIME_S = (_RANGE["reverberation_time_s"].low, _RANGE["reverberation_time_s"].high)
_LOW_DB_S = (_RANGE["lows_gain_db_s"].low, _RANGE["lows_gain_db_s"].high)
_HIGH_DB_S = (_RANGE["highs_gain_db_s"].low, _RANGE["highs_gain_db_s"].high)
_LOWS_HZ, _HIGHS_HZ, _Q = (20.0, 1000.0), (1000.0, 20_000.0), (0.1, 0.9)
KNOBS = ("dry_wet", *COLUMNS[1:])
LOW, HIGH, STEP = np.array([(_RANGE[name].low, _RANGE[name].high, _RANGE[name].step) for name in KNOBS]).T
# There must be a wet level, and a dry one. Cutoffs and Qs keep to what is searched.
LOW[WET], HIGH[WET] = 0.01, 0.99
LOW[[LOW_HZ, HIGH_HZ, LOW_Q, HIGH_Q]] = _LOWS_HZ[0], _HIGHS_HZ[0], _Q[0], _Q[0]
HIGH[[LOW_HZ, HIGH_HZ, LOW_Q, HIGH_Q]] = _LOWS_HZ[1], _HIGHS_HZ[1], _Q[1], _Q[1]


@numba.njit(cache=True)
def decode(genes: np.ndarray, room_offset_db: np.ndarray) -> np.ndarray:
    """Population of `closed_form` from genes between 0 and 1, both of shape (candidates, 10).

    Times and frequencies are logarithmic, gains closer towards 0 dB/s. The level gene is that of the late reverb:
    `room_offset_db`, shape (30,), is how much louder than others each room size is at the same settings.
    """
    rows = np.empty_like(genes)
    for c in range(genes.shape[0]):
        u, row = genes[c], rows[c]
        row[ROOM] = np.rint(1.0 + 29.0 * u[ROOM])
        row[WET] = WET_DB[0] + (WET_DB[1] - WET_DB[0]) * u[WET] - room_offset_db[int(row[ROOM]) - 1]
        row[TIME] = _TIME_S[0] * (_TIME_S[1] / _TIME_S[0]) ** u[TIME]
        row[FADE] = row[TIME] * FADE_SHARE[0] * (FADE_SHARE[1] / FADE_SHARE[0]) ** u[FADE]
        row[LOW_HZ] = _LOWS_HZ[0] * (_LOWS_HZ[1] / _LOWS_HZ[0]) ** u[LOW_HZ]
        row[HIGH_HZ] = _HIGHS_HZ[0] * (_HIGHS_HZ[1] / _HIGHS_HZ[0]) ** u[HIGH_HZ]
        row[LOW_Q] = _Q[0] + (_Q[1] - _Q[0]) * u[LOW_Q]
        row[HIGH_Q] = _Q[0] + (_Q[1] - _Q[0]) * u[HIGH_Q]
        row[LOW_GAIN] = _LOW_DB_S[0] + (_LOW_DB_S[1] - _LOW_DB_S[0]) * np.sqrt(u[LOW_GAIN])
        row[HIGH_GAIN] = _HIGH_DB_S[0] + (_HIGH_DB_S[1] - _HIGH_DB_S[0]) * np.sqrt(u[HIGH_GAIN])
    return rows


def encode(row: np.ndarray, room_offset_db: np.ndarray) -> np.ndarray:
    """Genes of one row of a population, shape (10,), clipped to 0 to 1: the inverse of `decode`."""
    genes = np.empty(len(COLUMNS))
    genes[WET] = _position(WET_DB, row[WET] + room_offset_db[int(row[ROOM]) - 1])
    genes[ROOM] = (row[ROOM] - 1.0) / 29.0
    genes[TIME] = _position(np.log(_TIME_S), np.log(row[TIME]))
    genes[FADE] = _position(np.log(FADE_SHARE), np.log(max(row[FADE] / row[TIME], FADE_SHARE[0])))
    genes[LOW_HZ] = _position(np.log(_LOWS_HZ), np.log(row[LOW_HZ]))
    genes[HIGH_HZ] = _position(np.log(_HIGHS_HZ), np.log(row[HIGH_HZ]))
    genes[LOW_Q], genes[HIGH_Q] = _position(_Q, row[LOW_Q]), _position(_Q, row[HIGH_Q])
    genes[LOW_GAIN] = _position(_LOW_DB_S, row[LOW_GAIN]) ** 2
    genes[HIGH_GAIN] = _position(_HIGH_DB_S, row[HIGH_GAIN]) ** 2
    return np.clip(genes, 0.0, 1.0)


def to_knobs(row: np.ndarray, *, keep_fade_in: bool = False) -> np.ndarray:
    """Knobs of a row, both of shape (10,).

    An inaudibly short fade-in is none; without one the level cannot pass 0 dB, so that a louder one gets a step.
    """
    knobs = row.copy()
    ratio = 10.0 ** (row[WET] / 20.0)
    if not keep_fade_in and row[FADE] < SHORTEST_FADE_S - STEP[FADE] / 2.0:
        knobs[FADE] = 0.0 if ratio < 1.0 else STEP[FADE]
    knobs[WET] = ratio if knobs[FADE] == 0.0 else ratio / (1.0 + ratio)
    return knobs


def to_rows(knobs: np.ndarray) -> np.ndarray:
    """Rows of knobs, both of shape (candidates, 10): see `closed_form.columns`."""
    rows = knobs.copy()
    wet = knobs[:, WET]
    with np.errstate(divide="ignore"):
        rows[:, WET] = 20.0 * np.log10(np.where(knobs[:, FADE] > 0.0, wet / (1.0 - wet), wet))
    return rows


def on_steps(knobs: np.ndarray, low: np.ndarray = LOW, high: np.ndarray = HIGH) -> np.ndarray:
    """Knobs rounded to the plug-in's steps, and clipped, any leading shape."""
    rounded: np.ndarray = np.rint((knobs - LOW) / STEP) * STEP + LOW
    return np.clip(rounded, low, high)


def step_beside(knobs: np.ndarray, column: int, side: int) -> float:
    """The step of the plug-in below (0) or above (1) a parameter's value."""
    steps = np.floor((knobs[column] - LOW[column]) / STEP[column] + 1e-9) + side
    return float(np.clip(LOW[column] + steps * STEP[column], LOW[column], HIGH[column]))


def to_settings(knobs: np.ndarray) -> FdnReverbSettings:
    """Settings of knobs; a shelf that would let the sound grow outside the measured bands shortens the time."""
    values = {name: round(float(value), 9) for name, value in zip(KNOBS, knobs, strict=True)}
    settings = FdnReverbSettings(**{**values, "room_size": int(values["room_size"])})  # type: ignore[arg-type]
    while not settings.is_stable:
        shorter = max(settings.reverberation_time_s - STEP[TIME], LOW[TIME])
        settings = replace(settings, reverberation_time_s=round(shorter, 9), fade_in_s=min(settings.fade_in_s, shorter))
    return settings


def _position(bounds: Sequence[float] | np.ndarray, value: float) -> float:
    return float((value - bounds[0]) / (bounds[1] - bounds[0]))
