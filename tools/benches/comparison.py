"""What is compared with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

BEFORE = "9fa59e7"
"""The commit that rows called "before" compare with: the last one before anything was tuned."""

NO_RESIDUAL_DB = -300.0
"""What `residual_db` says of sounds that are alike to the last bit."""

Work = Callable[[Any], Any]
"""Takes what `Comparison.given` returned; what it returns is compared. Pickled by name."""


class Missing(Exception):
    """Something that a row needs is not on this machine: the row is left out, with this message."""


@dataclass(frozen=True)
class Peer:
    """What we are held against.

    Attributes:
        name: with its version where that matters.
        work: what it does.
        commit: the commit whose `mixprior` it imports; None for the working tree's.
    """

    name: str
    work: Work
    commit: str | None = None


@dataclass(frozen=True)
class Comparison:
    """A row of the table.

    Attributes:
        row: its name on the command line.
        what: what both do, for people: "integrated loudness, 4 minutes of stereo".
        ours: what we do.
        peer: what it is held against.
        given: makes what both take, once in each process, before the clock runs. The process is in an empty folder.
        off: how far the result of the peer is from ours, in `unit`; None where they cannot be compared.
        unit: unit of `off`.
        runs: how often either is timed, after a run that is not counted; an odd number.
        warm_up: whether there is such a run. Without it a row says what a first run costs.
        threads: threads that libraries may take; 0 for all cores.
        by: "cpu", "wall" or "part": the time whose ratio is held to the bar.
        bar: the ratio aimed at.
        bar_s: seconds of ours that it should take at most.
        part: seconds of a part of the work, from its result; the table states them beside those of the whole.
        part_name: what the part is: "mining".
        audio_s: seconds of audio, where the table says how many times real time we are.
        on: "cpu", or "cuda" for a row of `make bench-gpu`.
        long: whether it takes so long that it is measured only where it is named.
    """

    row: str
    what: str
    ours: Work
    peer: Peer
    given: Callable[[], Any] | None = None
    off: Callable[[Any, Any], float] | None = None
    unit: str = ""
    runs: int = 5
    warm_up: bool = True
    threads: int = 1
    by: str = "cpu"
    bar: float | None = None
    bar_s: float | None = None
    part: Callable[[Any], float] | None = None
    part_name: str = ""
    audio_s: float | None = None
    on: str = "cpu"
    long: bool = False


def before(work: Work) -> Peer:
    """The same work, or what did it then, by the code of the commit `BEFORE`."""
    return Peer(f"commit {BEFORE}", work, BEFORE)


def difference(ours: Any, theirs: Any) -> float:
    """Largest absolute difference of two results: numbers, arrays, or mappings and sequences of them."""
    if isinstance(ours, dict):
        return max(difference(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple):
        return max(difference(*pair) for pair in zip(ours, theirs, strict=True))
    return float(np.max(np.abs(np.asarray(ours, float) - np.asarray(theirs, float))))


def residual_db(ours: Any, theirs: Any) -> float:
    """Energy of the difference of two sounds of one shape, over that of the peer's, in dB."""
    reference = np.asarray(theirs, float)
    share = np.square(ours - reference).sum() / np.square(reference).sum()
    return float(10 * np.log10(share)) if share else NO_RESIDUAL_DB
