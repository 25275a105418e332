"""A replay: the settings of a mix, applied once more to the very files that it was made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixprior.mixing.effects.ceiling import CEILING_DBTP
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix import recipe
from mixprior.mixing.mix.recipe import Input
from mixprior.stats.errors import InputError


@dataclass(frozen=True)
class Replay:
    """What makes a mix again.

    Attributes:
        source: the recipe's path.
        settings: the whole processing.
        sha256: of the bytes of each input, in hex.
        offsets_s: of the inputs that do not start with the others.
        ceiling_dbtp: that the mix was made for.
        output: path and SHA-256 of the mix; None for what the recipe does not have.
    """

    source: str
    settings: MixSettings
    sha256: Mapping[str, str]
    offsets_s: Mapping[str, float]
    ceiling_dbtp: float
    output: tuple[str | None, str | None] = (None, None)

    def without_mix(self, paths: Mapping[str, Path]) -> dict[str, Path]:
        """Leave out the mix that was made, by its path or its bytes: it may lie among its tracks."""
        return {name: path for name, path in paths.items() if name in self.sha256 or not self._is_mix(path)}

    def _is_mix(self, path: Path) -> bool:
        made, sha256 = self.output
        if made is not None and path.resolve() == Path(made).resolve():
            return True
        return sha256 is not None and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256

    def check(self, inputs: Mapping[str, Input]) -> None:
        """Refuse other inputs.

        Raises:
            InputError: naming the first that is another.
        """
        if inputs.keys() != self.sha256.keys():
            made, others = (", ".join(sorted(names)) for names in (self.sha256, inputs))
            raise InputError(f"{self.source} is of a mix of {made}, not of {others}: --replay takes the same files")
        for name, given in inputs.items():
            if given.sha256 != self.sha256[name]:
                raise InputError(
                    f"{given.path} is not the {name} that {self.source} was made of (its SHA-256 is another): --replay "
                    "takes the same files; --preset carries a style to others"
                )


def read(path: str | Path) -> Replay:
    """Read the recipe of a mix, to make it again.

    Raises:
        InputError: if it is no recipe, or names no files: presets of before version 3 of mixprior's presets, and mixes
            of arrays.
    """
    document = recipe.read(path)
    settings = recipe.read_settings(path)
    inputs: Any = document.get("inputs")
    if not isinstance(inputs, dict) or not inputs:
        raise InputError(f"{path} does not say of which files it was made: give the .mix.json beside the mix")
    try:
        sha256 = {recipe.track_name(document, name): given["sha256"] for name, given in inputs.items()}
        offsets_s = {name: float(given.get("offset_s", 0.0)) for name, given in inputs.items()}
        ceiling_dbtp = document["options"].get("ceiling_dbtp")
        output = document.get("output") or {}
        made = output.get("path"), output.get("sha256")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__} {error}): mix again") from error
    if None in sha256.values():
        raise InputError(f"{path} is of a mix of arrays, and there are no files to make it of again")
    ceiling = CEILING_DBTP if ceiling_dbtp is None else float(ceiling_dbtp)
    return Replay(str(path), settings, sha256, {name: s for name, s in offsets_s.items() if s}, ceiling, made)
