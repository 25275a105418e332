"""The options of a mix on the command line: arguments made of `mixprior.mixing.plan.options.Options`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mixprior.mixing.plan.options import ABOUT, AUTO, PAIR, TRACKS, Options, check, chosen
from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS
from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    from mixprior.mixing.mix.preset import Preset  # it loads numba
    from mixprior.mixing.plan.like import Like

NAMES = tuple(name for name in ABOUT if name != "steps")
"""Options that have an argument of their own; steps have three."""

MOST_OFFSET_S = 600.0

NONE = object()
"""In place of None, where its word was given."""


def add_options(group: argparse._ArgumentGroup) -> None:
    """Declare an argument for each option."""
    defaults = {each.name: each.default for each in fields(Options)}
    for name in NAMES:
        about = ABOUT[name]
        default = about.unset if defaults[name] is None and not about.choices else defaults[name]
        if isinstance(default, tuple):
            group.add_argument(flag(name), dest=name, type=_words, metavar=about.unit, help=about.help)
            continue
        text = about.help if default is None else f"{about.help} ({default})"
        if isinstance(default, bool):
            group.add_argument(flag(name), dest=name, action="store_const", const=not default, help=about.help)
        elif about.choices:
            group.add_argument(flag(name), choices=about.choices, help=text)
        else:
            group.add_argument(flag(name), dest=name, type=_number(name), metavar=about.unit, help=text)


def add_steps(group: argparse._ArgumentGroup) -> None:
    """Declare the arguments that choose steps."""
    group.add_argument("--only", type=_steps, metavar="STEPS", help=f"run these steps alone, of {','.join(STEPS)}")
    beside = f"run these steps besides {','.join(DEFAULT_STEPS)}"
    group.add_argument("--with", dest="also", type=_steps, metavar="STEPS", help=beside)
    group.add_argument("--without", type=_steps, metavar="STEPS", help="leave these steps out")


def options(args: argparse.Namespace, style: Preset | None = None, like: Like | None = None) -> Options:
    """Read the options.

    Args:
        args: the arguments.
        style: what is not given is taken from it.
        like: songs to be like: they add a step, and set the loudness that is not given.

    Raises:
        InputError: if they contradict each other.
    """
    if args.only and (args.without or args.also):
        raise InputError(f"--only and {'--without' if args.without else '--with'} exclude each other")
    given = {name: getattr(args, name) for name in NAMES if getattr(args, name) is not None}
    given = {name: None if value is NONE else value for name, value in given.items()}
    steps = {name: getattr(args, name) or () for name in ("only", "also", "without")}
    if like:
        steps["also"] = (*steps["also"], *like.steps)
    if style is not None:
        return style.applied(kind(args), given, **steps)
    found = chosen(kind(args), given, **steps, default=() if args.song and not like and not args.by else DEFAULT_STEPS)
    if like:
        found = like.options(found, "target_lufs" in given)
    if args.song and not found.steps and "vocal_gain_db" not in given:
        raise InputError("say what to do with the vocals of the song: --vocal-gain-db or --ratio-lu")
    return found


def kind(args: argparse.Namespace) -> str:
    """What is mixed."""
    return TRACKS if args.tracks else PAIR


def flag(name: str) -> str:
    """The argument of an option.

    >>> flag("rt60_s"), flag("also"), flag("ceiling_dbtp")
    ('--rt60-s', '--with', '--ceiling')
    """
    own = ABOUT[name].flag if name in ABOUT else ""
    return own or ("--with" if name == "also" else f"--{name.replace('_', '-')}")


def offset(text: str) -> float | str:
    """Read an offset in seconds, or the word for one that is to be found.

    >>> offset("-0.25"), offset("auto")
    (-0.25, 'auto')
    """
    if text == AUTO:
        return text
    value = float(text)
    if not abs(value) <= MOST_OFFSET_S:
        raise argparse.ArgumentTypeError(f"an offset is within {-MOST_OFFSET_S:g} to {MOST_OFFSET_S:g} seconds")
    return value


def _number(name: str) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        if ABOUT[name].none and text == ABOUT[name].none:
            return NONE
        value = float(text)
        try:
            check(name, value)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return value

    return number


def _words(text: str) -> tuple[str, ...]:
    """Assignments between commas; a comma in a name parts nothing: what has no "=" belongs to what follows."""
    found = [""]
    for piece in text.split(","):
        if "=" in found[-1]:
            found.append(piece)
        else:
            found[-1] = f"{found[-1]},{piece}" if found[-1].strip() else piece
    return tuple(word.strip() for word in found if word.strip())


def _steps(text: str) -> tuple[str, ...]:
    steps = tuple(step.strip() for step in text.split(",") if step.strip())
    if not steps:
        raise argparse.ArgumentTypeError(f"name one or more of {', '.join(STEPS)}")
    for step in steps:
        if step not in STEPS:
            raise argparse.ArgumentTypeError(f"{step} is no step; there are: {', '.join(STEPS)}")
    return steps
