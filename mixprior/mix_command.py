"""`mixprior mix`: vocals and backing, or all the tracks of a song, are mixed by priors, and a recipe says why."""

from __future__ import annotations

import argparse

from mixprior.mixing.mix.command import add_arguments

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Mix by the arguments, report on stdout, warn on stderr, and return 0.

    Raises:
        InputError: if a file cannot be read, mixed or written, or the priors cannot be used.
    """
    from mixprior.measured_song import measure_song
    from mixprior.mixing.mix import run  # here: a help text needs no library of signals
    from mixprior.separated import separate

    return run.run(args, separate, measure_song)
