"""Classes of tracks brought to where half of a catalog's songs have them, each against the whole mix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.sound import Sound

LIMIT_DB = 12.0
"""No class is raised or cut by more."""

_ROUNDS = 300
_PACE = 0.5
_GIVE = (0.3, 0.002)  # Every gain gives way to 0, ever less: of the ways into the intervals that leads to the shortest.
_GATE_LUFS = -70.0  # Nothing is read below it (ITU-R BS.1770).


class Group:
    """The instruments of a song by class, taken for unrelated: their energies add.

    Args:
        classes: each class, none silent.
        vocals: the vocals, not silent; None without vocals.
        vocals_lu: the loudness they will have against the sum of the classes.

    >>> tone = Sound.of(np.tile(0.1 * np.sin(np.arange(220_500) / 7), (2, 1)), 44_100)
    >>> group = Group({"bass": tone, "other": tone})
    >>> group.gains_db({"bass": (-9.0, -6.0), "other": (-20.0, 0.0)})
    {'bass': -2.97, 'other': 1.75}
    """

    def __init__(self, classes: Mapping[str, Sound], vocals: Sound | None = None, vocals_lu: float = 0.0) -> None:
        sounds = (*classes.values(), *([vocals] if vocals else []))
        self._blocks = max(sound.blocks.weighted.shape[1] for sound in sounds)
        self._energies = {name: self._padded(sound) for name, sound in classes.items()}
        # The vocals at 0 LUFS, so that their gain is the loudness that they are to have.
        self._vocals = np.zeros(1)
        if vocals is not None:
            self._vocals = self._padded(vocals) / 10 ** (_lufs(vocals.blocks.weighted) / 10)
        self._vocals_lu = vocals_lu

    def stand_lu(self, gains_db: Mapping[str, float]) -> dict[str, float]:
        """Integrated loudness of each class at its gain, minus that of the mix."""
        energies = self._gained(gains_db)
        together = _sum(energies)
        whole = _lufs(together + 10 ** ((_lufs(together) + self._vocals_lu) / 10) * self._vocals)
        return {name: _lufs(energy) - whole for name, energy in energies.items()}

    def gains_db(self, wanted_lu: Mapping[str, tuple[float, float]]) -> dict[str, float]:
        """Gains that bring every class into its interval, and leave their sum about as loud as it was.

        A class inside its interval is not moved for its own sake, one outside comes to the nearer end. Where intervals
        exclude each other (all below what any sum allows) every class misses its own by as much. Nothing is raised or
        cut by more than `LIMIT_DB`: what is 30 dB down (a leak, an instrument that waits for its cue) is not made
        loud.

        Args:
            wanted_lu: by class, lowest and highest of `stand_lu`.

        Returns:
            Gain of each class, in steps of 0.01 dB.
        """
        gains_db = dict.fromkeys(self._energies, 0.0)
        before = _lufs(_sum(self._energies))
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
        back_db = before - _lufs(_sum(self._gained(gains_db)))
        return {name: round(_limited(gain_db + back_db), 2) for name, gain_db in gains_db.items()}

    def _padded(self, sound: Sound) -> np.ndarray:
        weighted = sound.blocks.weighted
        return np.pad(weighted, ((0, 0), (0, self._blocks - weighted.shape[1])))

    def _gained(self, gains_db: Mapping[str, float]) -> dict[str, np.ndarray]:
        return {name: 10 ** (gains_db[name] / 10) * energy for name, energy in self._energies.items()}


def _sum(energies: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.sum(list(energies.values()), axis=0)


def _limited(gain_db: float) -> float:
    return float(min(max(gain_db, -LIMIT_DB), LIMIT_DB))


def _lufs(energy: np.ndarray) -> float:
    found = integrated_lufs(energy)
    return _GATE_LUFS if found is None else found
