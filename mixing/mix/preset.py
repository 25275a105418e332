"""A preset: the style of a mix, its aims and options, without the gains that came of them in one song."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mixprior.mixing.mix import recipe
from mixprior.mixing.plan.options import ABOUT, Options, chosen
from mixprior.mixing.plan.step import STEPS
from mixprior.stats import json_document
from mixprior.stats.errors import InputError

VERSION = 1
"""Of the layout of a preset."""

_DEFAULTS = {each.name: each.default for each in fields(Options)}
_REMEDY = "give a .json that `--preset save` wrote"


@dataclass(frozen=True)
class Preset:
    """A style: how any song is to be mixed.

    Attributes:
        priors: as they were named; None for the packaged ones.
        group: of their songs; None for all.
        steps: the steps to take.
        options: by name, see `Options`: those of the steps that are taken, and those of all steps.
    """

    priors: str | None
    group: str | None
    steps: tuple[str, ...]
    options: Mapping[str, Any]

    @classmethod
    def of(cls, kind: str, options: Options, priors: str | None = None, group: str | None = None) -> Preset:
        """The style of a mix.

        Args:
            kind: `mixprior.mixing.plan.options.PAIR` or `TRACKS`.
            options: how it is mixed.
            priors: as they were named.
            group: of their songs.
        """
        kept = {name: value for name, value in asdict(options).items() if _is_of(name, (kind, ""), options.steps)}
        return cls(priors, group, options.steps, kept)

    def to_json(self) -> str:
        """One JSON object, that `read` reads."""
        return recipe.dump({"preset_version": VERSION, **asdict(self)})

    def applied(
        self,
        kind: str,
        given: Mapping[str, Any],
        *,
        only: Collection[str] = (),
        also: Collection[str] = (),
        without: Collection[str] = (),
    ) -> Options:
        """Options of this style, and of what was given beside it, which comes first.

        Arguments and errors are those of `mixprior.mixing.plan.options.chosen`.

        >>> Preset(None, None, ("level",), {"ratio_lu": -3.0}).applied("pair", {"rt60_s": 1.0}).steps
        ('level', 'reverb')
        """
        aimed_at = (ABOUT[name].step for name in given if name in ABOUT and ABOUT[name].step)
        steps = set(only or (*self.steps, *also, *aimed_at)) - set(without)
        others = {
            name: value
            for name, value in self.options.items()
            if _is_of(name, (kind, ""), tuple(steps)) or (ABOUT[name].step in ("", *steps) and value != _DEFAULTS[name])
        }
        return chosen(kind, {**others, **given}, only=tuple(steps), without=() if steps else STEPS)


def read(path: str | Path) -> Preset:
    """Read a preset.

    Raises:
        InputError: if it cannot be read, is something else, such as the recipe of a mix, or of another version.
    """
    document = json_document.read(path, "preset", _REMEDY)
    if "settings" in document:
        raise InputError(
            f"{path} holds the gains of one mix, which fit no other song: --replay MIX.mix.json makes it again of the "
            "same files, and --preset save keeps a style"
        )
    if "preset_version" not in document:
        raise InputError(f"{path} is no preset; {_REMEDY}")
    if document.pop("preset_version") != VERSION:
        raise InputError(f"{path} is of another version than this mixprior reads ({VERSION}): save the preset again")
    try:
        found = json_document.decode(Preset, document)
        # Checks names, types and ranges.
        options = json_document.decode(Options, {**found.options, "steps": list(found.steps)}, at="options")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return Preset(found.priors, found.group, options.steps, {name: getattr(options, name) for name in found.options})


def _is_of(name: str, kinds: Collection[str], steps: Collection[str]) -> bool:
    return name != "steps" and ABOUT[name].kind in kinds and ABOUT[name].step in ("", *steps)
