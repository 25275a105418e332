"""A seed as it is given on a command line."""

from __future__ import annotations

import argparse


def seed(text: str) -> int:
    """Read a seed.

    Raises:
        argparse.ArgumentTypeError: if it is no whole number from 0: numpy's generators take no other.

    >>> seed("12")
    12
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no seed: whole numbers from 0")
    return int(text)
