"""Kelian Li's table of errors: 48 songs of MUSDB18-HQ's test set, which chose his epoch as well.

Source: his project's slides and results (github likelian/Lab_spring2022). Mean absolute errors.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One column of his table, and what of ours stands for it.

    Attributes:
        name: in words.
        unit: of the errors.
        network, constant: errors of his CNN, and of the mean.
        targets: our statistics, whose errors are averaged; empty where what we mine is assumed, and not measured.
    """

    name: str
    unit: str
    network: float
    constant: float
    targets: tuple[str, ...] = ()


EQ_HZ = (63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
EQ = tuple(f"eq_{hz}_hz_db" for hz in EQ_HZ)

TABLE = (
    Row("vocals to backing", "dB", 1.64, 2.13, ("vocal_to_backing_lu",)),
    Row("loudness range (100 ms)", "dB", 2.63, 2.88, ("loudness_range_100ms_lu",)),
    Row("EQ gain", "dB", 4.48, 3.33, EQ),
    Row("dry-wet", "%", 6.13, 7.16, ("fdn_dry_wet_percent",)),
    Row("reverberation time", "s", 1.006, 1.007, ("rt60_s",)),
    Row("fade-in", "s", 0.401, 0.403),
    Row("room size", "1", 7.30, 7.31),
    Row("low shelf, cutoff", "Hz", 41.55, 40.26),
    Row("low shelf, gain", "dB/s", 3.62, 3.65, ("fdn_lows_gain_db_s",)),
    Row("low shelf, Q", "1", 0.355, 0.360),
    Row("high shelf, cutoff", "Hz", 3390, 3462),
    Row("high shelf, gain", "dB/s", 5.01, 5.35, ("fdn_highs_gain_db_s",)),
    Row("high shelf, Q", "1", 0.14, 0.17),
)

MIXED = ("loudness_range_lu", "wet_dry_db")
"""What a mix aims for beside."""
TARGETS = (*dict.fromkeys(name for row in TABLE for name in row.targets), *MIXED)
