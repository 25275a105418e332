"""The command that made a mix, to be run again with other values."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass

from mixprior.mixing.mix import arguments

SET_ON_THE_PAGE = ("amount", "ratio_lu")
_FILES = ("vocal", "backing", "tracks", "roles", "priors", "group", "output")
_STEPS = ("only", "also", "without")


@dataclass(frozen=True)
class Again:
    """The command of a mix but for what a page sets.

    Attributes:
        words: as a shell takes them.
    """

    words: str

    @classmethod
    def of(cls, args: argparse.Namespace) -> Again | None:
        """Take it from the arguments of `mixprior mix`; None where a preset set everything."""
        if args.preset and args.preset[0] != "save":
            return None
        words = ["mixprior", "mix"]
        for name in (*_FILES, *_STEPS, *arguments.NAMES):
            value = getattr(args, name, None)
            if value is None or name in SET_ON_THE_PAGE:
                continue
            flag = "--output" if name == "output" else arguments.flag(name)
            if name == "tracks":
                words += [flag, *map(str, value)]
            else:
                words.append(f"{flag}={_value(value)}")
        return cls(shlex.join(words))


def _value(value: object) -> str:
    if value is arguments.NONE:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
