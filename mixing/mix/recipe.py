"""What was done to make a mix, and why: the JSON file beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.plan.step import Step
from mixprior.mixing.rules.notice import Notice
from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible

SCHEMA_VERSION = 3
"""Major version of the recipe's layout: keys are added, never renamed. In version 2 warnings were sentences without a
code, and the vocals beside a backing were called "vocal"."""

_READ_VERSIONS = (2, 3)


@dataclass(frozen=True)
class Input:
    """One of the sounds that were mixed.

    Attributes:
        path: as it was given; None for an array.
        sha256: of the file's bytes, in hex; None for an array.
        sample_rate_hz: its own sample rate.
        channels: its number of channels; a mono sound was put on both sides.
        duration_s: its length in seconds.
        integrated_lufs: its loudness as it entered the mix, in stereo and before any gain; None if silent.
        offset_s: seconds by which it starts after the mix; below 0 so much of its beginning is left out.
        model: that separated it into vocals and backing; None where it was mixed as it is.
    """

    path: str | None
    sha256: str | None
    sample_rate_hz: int
    channels: int
    duration_s: float
    integrated_lufs: float | None
    offset_s: float = 0.0
    model: str | None = None


@dataclass(frozen=True)
class Output:
    """The mix.

    Attributes:
        path: where it was written; None for an array.
        sha256: of the file's bytes, in hex; None for an array.
        sample_rate_hz: the highest of the inputs' rates and 44.1 kHz.
        duration_s: length of the longest input, in seconds.
    """

    path: str | None
    sha256: str | None
    sample_rate_hz: int
    duration_s: float


@dataclass(frozen=True)
class Results:
    """What was reached.

    Attributes:
        vocal_to_backing_lu: ratio of the two inside the mix, in stereo, with the gain of its limiter; None if one is
            silent.
        vocal_to_backing_mono_lu: the same of the means of their channels.
        integrated_lufs: loudness of the mix, as written; None if silent.
        true_peak_dbtp: true peak of the mix, as written; None if silent.
        parts_lufs: loudness of the vocals and the backing, or of each bus and, as "backing", of all but the vocals, at
            the gains of the mix and its limiter.
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
        inputs: the sounds, by the name of the track.
        output: the mix.
        options: how it is mixed.
        steps: what was measured, aimed for and set, and why; see `mixprior.mixing.plan.step.Step`.
        settings: the whole processing; with the inputs it makes the same mix again.
        results: what was reached.
        warnings: what a listener should know.
    """

    inputs: Mapping[str, Input]
    output: Output
    options: Mapping[str, Any]
    steps: tuple[Step, ...]
    settings: MixSettings
    results: Results
    warnings: tuple[Notice, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers and None."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self), "settings": self.settings.to_dict()}

    def to_json(self) -> str:
        """One JSON object with stable keys; null where something could not be measured."""
        return dump(self.to_dict())


def dump(document: Mapping[str, Any]) -> str:
    """A JSON object as it is written."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read(path: str | Path) -> dict[str, Any]:
    """Read the JSON object of a recipe.

    Raises:
        InputError: if it cannot be read, is something else, or of another version.
    """
    document = json_document.read(path, "recipe", "give the .json that `mixprior mix` wrote")
    if "settings" not in document:
        raise InputError(f"{path} holds no settings of a mix; give the .json that `mixprior mix` wrote")
    if document.get("schema_version") not in _READ_VERSIONS:
        version = visible(document.get("schema_version"))[:40]
        raise InputError(f"{path} is of version {version}, this mixprior reads {SCHEMA_VERSION}: mix again")
    return document


def read_settings(path: str | Path) -> MixSettings:
    """Read the settings of a recipe. Raises as `read`."""
    document = read(path)
    try:
        settings = json_document.decode(MixSettings, document["settings"], at="settings")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return replace(settings, tracks={track_name(document, name): chain for name, chain in settings.tracks.items()})


def track_name(document: Mapping[str, Any], name: str) -> str:
    """Name of a track in a recipe as it is called today: in version 2 the vocals beside a backing were "vocal"."""
    is_old_pair = document["schema_version"] == 2 and document["settings"]["tracks"].keys() == {"vocal", BACKING}
    return VOCALS if is_old_pair and name == "vocal" else name


def path_of(mix: str | Path) -> Path:
    """Where the recipe of a mix is written.

    >>> path_of("songs/a.b.flac").as_posix()
    'songs/a.b.mix.json'
    """
    return Path(mix).with_suffix(".mix.json")


def is_recipe(path: Path) -> bool:
    """Whether a file is a recipe, of any version."""
    try:
        document = json_document.read(path, "recipe", "")
    except InputError:
        return False
    return {"schema_version", "settings"} <= document.keys()


def is_mix(path: Path) -> bool:
    """Whether a sound file is a mix: whether its recipe is beside it, under its name of today or of version 2."""
    return is_recipe(path_of(path)) or is_recipe(path.with_suffix(".json"))


def check_output(mix: str | Path) -> None:
    """Refuse to replace a file that is no recipe, before any work is done.

    Raises:
        InputError: if there is one where the recipe of the mix is written.
    """
    path = path_of(mix)
    if path.exists() and not is_recipe(path):
        raise InputError(f"{path} exists and is no recipe of a mix: move it, or give the mix another name")
