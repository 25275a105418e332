"""The command that made a mix, to be run again with other values."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass

from mixprior.mixing.mix import arguments, command

SET_ON_THE_PAGE = ("amount", "ratio_lu", "vocal_gain_db")
"""Options that a page writes itself."""
_LEFT_OUT = (*SET_ON_THE_PAGE, "page", "plot", "json", "explain", "stems")
"""These, and what a mix writes beside."""


@dataclass(frozen=True)
class Again:
    """The command of a mix but for what a page sets.

    Attributes:
        words: as a shell takes them.
    """

    words: str

    @classmethod
    def of(cls, args: argparse.Namespace) -> Again | None:
        """Take it from the arguments of `mixprior mix`; None where all of it was set before.

        >>> parser = argparse.ArgumentParser()
        >>> command.add_arguments(parser)
        >>> Again.of(parser.parse_args(["--tracks", "a song", "--amount=0.5", "--with=eq", "-o", "mix.wav"])).words
        "mixprior mix --tracks 'a song' --output=mix.wav --with=eq"
        """
        if args.replay:
            return None
        parser = argparse.ArgumentParser(add_help=False)
        command.add_arguments(parser)
        words = ["mixprior", "mix"]
        for action in parser._actions:
            value = getattr(args, action.dest, action.default)
            if action.dest in _LEFT_OUT or value == action.default or (action.dest == "preset" and value[0] == "save"):
                continue
            flag = max(action.option_strings, key=len)
            words += [flag] if action.nargs == 0 else _words(flag, value)
        return cls(shlex.join(words))


def _words(flag: str, value: object) -> list[str]:
    if isinstance(value, list):
        return [flag, *map(str, value)]
    if value is arguments.NONE:
        return [f"{flag}=none"]
    return [f"{flag}={','.join(map(str, value)) if isinstance(value, tuple) else value}"]
