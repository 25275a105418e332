"""Settings of FdnReverb as people and hosts have them: a table to read, and a JSON file to write and read again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mixprior.analysis.table import table
from mixprior.pipeline.audio import writer
from mixprior.pipeline.store import files
from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings

SCHEMA_VERSION = 2
"""Major version of the layout: keys are added, never renamed. In version 1 warnings were sentences without a code."""

_SHOWN = {
    "delayLength": "Room Size",
    "revTime": "Reverberation Time",
    "lowCutoff": "Lows Cutoff Frequency",
    "lowQ": "Lows Q Factor",
    "lowGain": "Lows Gain",
    "highCutoff": "Highs Cutoff Frequency",
    "highQ": "Highs Q Factor",
    "highGain": "Highs Gain",
    "dryWet": "Dry/Wet",
    "fadeInTime": "Fade-in Time",
    "fdnSize": "Fdn Size (internal)",
}


def document(settings: FdnReverbSettings, **facts: Any) -> dict[str, Any]:
    """Settings by our names, by the plug-in's ids and as a host sees them (0 to 1), and after them the facts given."""
    return {
        "schema_version": SCHEMA_VERSION,
        "settings": asdict(settings),
        "plugin": settings.to_plugin(),
        "normalised": {name: round(value, 6) for name, value in settings.normalised().items()},
        **facts,
    }


def to_json(document: Mapping[str, Any]) -> str:
    """One JSON object, null where something could not be measured."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_table(settings: FdnReverbSettings, heading: str, notes: Mapping[str, str]) -> str:
    """A line a parameter: its name as the plug-in shows it, value, unit, and a note by our name of it."""
    lines = []
    for parameter in PARAMETERS:
        value = getattr(settings, parameter.name)
        decimals = max(0, -math.floor(math.log10(parameter.step)))
        unit = "" if parameter.name == "fdn_size" or parameter.unit == "1" else parameter.unit
        lines.append((_SHOWN[parameter.plugin_id], f"{value:.{decimals}f}", unit, notes.get(parameter.name, "")))
    return table(("parameter", "value", "unit", heading), lines, words=(True, False, True, True))


def check_output(path: Path) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises:
        InputError: if it is no .json, or its folder cannot be made.
    """
    if path.suffix.lower() != ".json":
        raise InputError(f"{path}: settings are written as .json")
    writer.check_folder(path)


def write(path: Path, text: str) -> None:
    """Write a JSON file whole or not at all, and make its folder.

    Raises:
        InputError: if it cannot be written.
    """
    writer.make_folder(path)
    with files.replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def read(path: str | Path) -> FdnReverbSettings:
    """Read what `write` wrote, or a plain JSON object of values by plug-in id (defaults for those left out).

    Raises:
        InputError: if the file cannot be read, or a value is no number or out of range; the message names both.
    """
    found = json_document.read(path, "file of reverb settings", "give what `mixprior reverb fit -o` wrote")
    try:
        if "settings" in found:
            return json_document.decode(FdnReverbSettings, found["settings"], at="settings")
        return _of_plugin(json_document.decode(dict[str, float], found))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _of_plugin(values: Mapping[str, float]) -> FdnReverbSettings:
    """As the plug-in takes them, rounded to its steps; but what is out of range is refused, not clipped."""
    if not values:
        raise InputError("there are no settings in it")
    for parameter in PARAMETERS:
        value = values.get(parameter.plugin_id, parameter.default)
        if not parameter.low <= value <= parameter.high:
            raise InputError(
                f"{parameter.plugin_id} is {value:g}; it must be within {parameter.low} to {parameter.high} "
                f"({parameter.unit})"
            )
    return FdnReverbSettings.from_plugin(values)
