"""What was done to make a mix, and why: the JSON file that lies beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

SCHEMA_VERSION = 1
"""Major version of the recipe's layout: keys are added, never renamed."""


@dataclass(frozen=True)
class Input:
    """One of the files that were mixed.

    Attributes:
        path: as it was given.
        sha256: of its bytes, in hex.
        sample_rate_hz: its own sample rate.
        channels: its number of channels; a mono file was put on both sides.
        duration_s: its length in seconds.
        integrated_lufs: its loudness as it entered the mix, in stereo and before any gain; None if silent.
    """

    path: str
    sha256: str
    sample_rate_hz: int
    channels: int
    duration_s: float
    integrated_lufs: float | None


@dataclass(frozen=True)
class Output:
    """The mix.

    Attributes:
        path: where it was written.
        sha256: of its bytes, in hex.
        sample_rate_hz: the highest of the inputs' rates and 44.1 kHz.
        duration_s: length of the longer input, in seconds.
    """

    path: str
    sha256: str
    sample_rate_hz: int
    duration_s: float


@dataclass(frozen=True)
class PriorUsed:
    """The numbers a setting was taken from.

    Attributes:
        path: the priors file.
        sha256: of its bytes, in hex.
        stem: the row it stands in.
        statistic: its name, with its unit at the end.
        definition: how it was measured, as the priors' manifest has it; None if it has none.
        group: the songs it is about.
        n: how many of them were measured.
        p25: first quartile.
        p50: median, which was aimed for.
        p75: third quartile.
    """

    path: str
    sha256: str
    stem: str
    statistic: str
    definition: str | None
    group: str
    n: int
    p25: float
    p50: float
    p75: float


@dataclass(frozen=True)
class Target:
    """The ratio of vocal to backing that was aimed for.

    Attributes:
        statistic: which ratio.
        definition: how it is measured.
        ratio_lu: its value.
        source: "prior", "asked" (`--ratio-lu`) or "published" (the built-in default).
        prior: numbers it was taken from; None from another source.
    """

    statistic: str
    definition: str
    ratio_lu: float
    source: str
    prior: PriorUsed | None


@dataclass(frozen=True)
class Settings:
    """The whole processing: mix = (vocal * vocal gain + backing) * mix gain.

    Attributes:
        vocal_gain_db: gain of the vocal.
        mix_gain_db: gain of their sum.
    """

    vocal_gain_db: float
    mix_gain_db: float


@dataclass(frozen=True)
class Results:
    """What was reached.

    Attributes:
        vocal_to_backing_lu: ratio of the two inside the mix, measured before they were summed; None if one is silent.
        integrated_lufs: loudness of the written file; None if silent.
        true_peak_dbtp: true peak of the written file; None if silent.
    """

    vocal_to_backing_lu: float | None
    integrated_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True)
class Recipe:
    """All of a mix but its audio.

    Attributes:
        inputs: the files, as "vocal" and "backing".
        output: the mix's file.
        target: what was aimed for.
        settings: what was done.
        results: what was reached.
        reasons: why, in sentences.
        warnings: what a listener should know, in sentences.
    """

    inputs: Mapping[str, Input]
    output: Output
    target: Target
    settings: Settings
    results: Results
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """One JSON object with stable keys; null where something could not be measured."""
        document = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
