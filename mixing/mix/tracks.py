"""The tracks of a song, less those that are the sum of others: MUSDB18 keeps a mixture beside its stems."""

from __future__ import annotations

from collections.abc import Sequence

from mixprior.pipeline.store import file_names
from mixprior.stats.errors import InputError


def kept_tracks(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide tracks by their names into those to mix and those that are the sum of others.

    Raises:
        InputError: if a mixture would be left out, and vocals alone are left.

    >>> kept_tracks(["bass", "mixture", "vocals"])
    (['bass', 'vocals'], ['mixture'])
    >>> kept_tracks(["Kick", "mixture"])
    (['Kick', 'mixture'], [])
    """
    sums = file_names.sums(name.lower() for name in names)
    kept = [name for name in names if name.lower() not in sums]
    left_out = [name for name in names if name.lower() in sums]
    if left_out and len(kept) == 1:
        raise InputError(f"{left_out[0]} contains {kept[0]}, and there is no other track: give the stems or a backing")
    return kept, left_out
