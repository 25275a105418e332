"""Classes of tracks brought to where half of a catalog's songs have them, each against the whole mix."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from stats.loudness import integrated_lufs
from stats.loudness_blocks import Blocks

LIMIT_DB = 12.0
"""No class is raised or cut by more."""

_ROUNDS = 300
_PACE = 0.5
_GIVE = (0.3, 0.002)  # Every gain gives way to 0, ever less: of the ways into the intervals that leads to the shortest.
_GATE_LUFS = -70.0  # Nothing is read below it (ITU-R BS.1770).


class Group:
    """The instruments of a song by class, taken for unrelated: their energies add.

    Args:
        classes: energies of each, with sound in it.
        voice_lu: the loudness a voice will have against their sum; None without a voice.

    >>> tone = Blocks(*(np.full(shape, 0.01) for shape in ((2, 50), (2, 50), (50,), (2, 250))))
    >>> group = Group({"bass": tone, "other": tone})
    >>> group.gains_db({"bass": (-9.0, -6.0), "other": (-20.0, 0.0)})
    {'bass': -2.97, 'other': 1.75}
    """

    def __init__(self, classes: Mapping[str, Blocks], voice_lu: float | None = None) -> None:
        blocks = max(each.weighted.shape[1] for each in classes.values())
        self._energies = {
            name: np.pad(each.weighted, ((0, 0), (0, blocks - each.weighted.shape[1])))
            for name, each in classes.items()
        }
        self._voice_adds_lu = 0.0 if voice_lu is None else 10 * math.log10(1 + 10 ** (voice_lu / 10))

    def stand_lu(self, gains_db: Mapping[str, float]) -> dict[str, float]:
        """Integrated loudness of each class at its gain, minus that of the mix."""
        energies = self._gained(gains_db)
        whole = _lufs(sum(energies.values())) + self._voice_adds_lu
        return {name: _lufs(energy) - whole for name, energy in energies.items()}

    def gains_db(self, wanted_lu: Mapping[str, tuple[float, float]]) -> dict[str, float]:
        """Gains that bring every class into its interval, and leave their sum about as loud as it was.

        A class inside its interval is not moved for its own sake, one outside comes to the nearer end. Where intervals
        exclude each other (all below what any sum allows) every class misses its own by as much. Nothing is raised or
        cut by more than `LIMIT_DB`: what lies 30 dB down (a leak, an instrument that waits for its cue) is not made
        loud.

        Args:
            wanted_lu: by class, lowest and highest of `stand_lu`.

        Returns:
            Gain of each class, in steps of 0.01 dB.
        """
        gains_db = dict.fromkeys(self._energies, 0.0)
        before = _lufs(sum(self._energies.values()))
        for give in np.geomspace(*_GIVE, _ROUNDS):
            missing = {
                name: min(max(now, wanted_lu[name][0]), wanted_lu[name][1]) - now
                for name, now in self.stand_lu(gains_db).items()
            }
            if min(missing.values()) > 0 or max(missing.values()) < 0:
                # Moved together, they stand where they stood: what all of them miss, none can reach.
                common = min(missing.values(), key=abs)
                missing = {name: each - common for name, each in missing.items()}
            gains_db = {name: _limited((1 - give) * gains_db[name] + _PACE * missing[name]) for name in missing}
        back_db = before - _lufs(sum(self._gained(gains_db).values()))
        return {name: round(_limited(gain_db + back_db), 2) for name, gain_db in gains_db.items()}

    def _gained(self, gains_db: Mapping[str, float]) -> dict[str, np.ndarray]:
        return {name: 10 ** (gains_db[name] / 10) * energy for name, energy in self._energies.items()}


def _limited(gain_db: float) -> float:
    return float(min(max(gain_db, -LIMIT_DB), LIMIT_DB))


def _lufs(energy: np.ndarray | int) -> float:
    found = integrated_lufs(np.asarray(energy))
    return _GATE_LUFS if found is None else found
