"""What was done to make a mix, and why: the JSON file that lies beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.plan.step import Step
from mixprior.stats import json_document
from mixprior.stats.errors import InputError

SCHEMA_VERSION = 2
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
        duration_s: length of the longest input, in seconds.
    """

    path: str
    sha256: str
    sample_rate_hz: int
    duration_s: float


@dataclass(frozen=True)
class Results:
    """What was reached.

    Attributes:
        vocal_to_backing_lu: ratio of the two inside the mix, in stereo, measured before they were summed and limited;
            None if one is silent.
        vocal_to_backing_mono_lu: the same of the means of their channels.
        integrated_lufs: loudness of the written file; None if silent.
        true_peak_dbtp: true peak of the written file; None if silent.
        parts_lufs: loudness of the vocal and the backing, or of each bus, at the gain of the mix, before the limiter.
    """

    vocal_to_backing_lu: float | None
    vocal_to_backing_mono_lu: float | None
    integrated_lufs: float | None
    true_peak_dbtp: float | None
    parts_lufs: Mapping[str, float | None]


@dataclass(frozen=True)
class Recipe:
    """All of a mix but its audio.

    Attributes:
        inputs: the files, by the name of the track.
        output: the mix's file.
        options: what was asked for.
        steps: what was measured, aimed for and set, and why; see `mixprior.mixing.plan.step.Step`.
        settings: the whole processing; with the inputs it makes the same mix again.
        results: what was reached.
        warnings: what a listener should know, in sentences.
    """

    inputs: Mapping[str, Input]
    output: Output
    options: Mapping[str, Any]
    steps: tuple[Step, ...]
    settings: MixSettings
    results: Results
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers and None."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self), "settings": self.settings.to_dict()}

    def to_json(self) -> str:
        """One JSON object with stable keys; null where something could not be measured."""
        return dump(self.to_dict())


def dump(document: Mapping[str, Any]) -> str:
    """A JSON object as it lies on disk."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def preset(settings: MixSettings) -> str:
    """Settings alone, as a JSON object that `read_settings` reads."""
    return dump({"schema_version": SCHEMA_VERSION, "settings": settings.to_dict()})


def read(path: str | Path) -> dict[str, Any]:
    """Read a recipe or a preset as it lies on disk.

    Raises:
        InputError: if it cannot be read, is something else, or of another version.
    """
    document = json_document.read(path, "recipe", "give the .json that `mixprior mix` wrote")
    if "settings" not in document:
        raise InputError(f"{path} holds no settings of a mix; give the .json that `mixprior mix` wrote")
    if document.get("schema_version") != SCHEMA_VERSION:
        version = document.get("schema_version")
        raise InputError(f"{path} is of version {version}, this mixprior reads {SCHEMA_VERSION}: mix again")
    return document


def read_settings(path: str | Path) -> MixSettings:
    """Read the settings of a recipe or a preset. Raises as `read`."""
    document = read(path)
    try:
        return json_document.decode(MixSettings, document["settings"], at="settings")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
