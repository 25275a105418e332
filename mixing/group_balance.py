"""Classes of tracks brought to where half of a catalog's songs have them, each against the whole mix."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from stats.loudness import integrated_lufs
from stats.loudness_blocks import Blocks

LIMIT_DB = 12.0
"""No class is raised or cut by more, but for the gain that all of them share."""

_ROUNDS = 300
_PACE = 0.5
_GIVE = (0.3, 0.002)  # Every gain gives way to 0, ever less: of the ways into the intervals that leads to the shortest.


def group_gains_db(
    classes: Mapping[str, Blocks], wanted_lu: Mapping[str, tuple[float, float]], voice_lu: float | None = None
) -> dict[str, float]:
    """Gains that bring instruments into intervals of loudness against the mix, and their sum back to what it was.

    A class inside its interval is not moved for its own sake, one outside comes to the nearer end. Where intervals
    exclude each other (all below what any sum allows) every class misses its own by as much. Nothing is raised or cut
    by more than `LIMIT_DB`: what lies 30 dB down (a leak, an instrument that waits for its cue) is not made loud.
    Classes are taken for unrelated: their energies add.

    Args:
        classes: energies of the instruments, each with sound in it.
        wanted_lu: by class, lowest and highest integrated loudness minus that of the mix.
        voice_lu: the loudness a voice will have against the sum of the instruments; None without a voice.

    Returns:
        Gain of each class, in steps of 0.01 dB.

    >>> tone = Blocks(*(np.full(shape, 0.01) for shape in ((2, 50), (2, 50), (50,), (2, 250))))
    >>> group_gains_db({"bass": tone, "other": tone}, {"bass": (-9.0, -6.0), "other": (-20.0, 0.0)})
    {'bass': -2.97, 'other': 1.75}
    """
    blocks = max(each.weighted.shape[1] for each in classes.values())
    energies = {
        name: np.pad(each.weighted, ((0, 0), (0, blocks - each.weighted.shape[1]))) for name, each in classes.items()
    }
    voice_adds_lu = 0.0 if voice_lu is None else 10 * math.log10(1 + 10 ** (voice_lu / 10))
    gains_db = dict.fromkeys(classes, 0.0)

    def gained(name: str) -> np.ndarray:
        return 10 ** (gains_db[name] / 10) * energies[name]

    def sum_lufs() -> float:
        return _lufs(np.sum([gained(name) for name in classes], axis=0))

    before = sum_lufs()
    for give in np.geomspace(*_GIVE, _ROUNDS):
        whole = sum_lufs() + voice_adds_lu
        now = {name: _lufs(gained(name)) - whole for name in classes}
        missing = {name: min(max(now[name], wanted_lu[name][0]), wanted_lu[name][1]) - now[name] for name in classes}
        if min(missing.values()) > 0 or max(missing.values()) < 0:
            # Moved together, they stand where they stood: what all of them miss, none can reach.
            common = min(missing.values(), key=abs)
            missing = {name: each - common for name, each in missing.items()}
        moved = {name: (1 - give) * gains_db[name] + _PACE * missing[name] for name in classes}
        gains_db = {name: min(max(gain_db, -LIMIT_DB), LIMIT_DB) for name, gain_db in moved.items()}
    back_db = before - sum_lufs()
    return {name: round(float(gain_db + back_db), 2) for name, gain_db in gains_db.items()}


def _lufs(energy: np.ndarray) -> float:
    found = integrated_lufs(energy)
    assert found is not None, "a class without sound has no loudness to be balanced"
    return found
