"""Damage to a whole band: a class of tracks is damaged alike, and the places of the tracks are lost."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mixprior.mixing.plan.multitrack import CLASSES
from tests.mixing.evaluation.band_scenes import BandScene
from tests.mixing.evaluation.scramble import (
    GAIN_DB,
    POSITIONS,
    RATIOS,
    TILT_DB_PER_OCTAVE,
    Damage,
    as_loud_as,
    too_much_reverb,
)

_NONE = Damage("")


@dataclass(frozen=True)
class BandDamage:
    """What is done to the tracks of a scene.

    Attributes:
        label: seed, or what there is of damage.
        of_track: as to a voice, by name; nothing where there is none.
        folded: whether every track is made mono before.
    """

    label: str
    of_track: Mapping[str, Damage] = field(default_factory=dict)
    folded: bool = False

    def apply(self, scene: BandScene) -> dict[str, np.ndarray]:
        """Damage a scene: its tracks by name, float32, (2, samples)."""
        return {
            name: self.of_track.get(name, _NONE).of_voice(_mono(audio) if self.folded else audio)
            for name, audio in scene.tracks.items()
        }

    def mend(self, scene: BandScene, tracks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Undo gains, places and tilts; where more was lost the tracks get the original's loudness, and no more.

        Args:
            scene: the one that was damaged.
            tracks: as `apply` gave them.

        Returns:
            Tracks by name, float32.
        """
        mended = {}
        for name, audio in tracks.items():
            damage = self.of_track.get(name, _NONE)
            undone = damage.off_voice(audio)
            lost = self.folded or damage.loses
            mended[name] = (as_loud_as(scene.tracks[name], undone) if lost else undone).astype(np.float32)
        return mended


UNDAMAGED = BandDamage("undamaged")
"""Nothing: what a mixer does to a mix that is good already."""


def draw(scene: BandScene, seed: int) -> BandDamage:
    """Draw the damage of a scene.

    Gain, tilt and compression are of a class; half of the classes are compressed. A third of the scenes have voices
    with too much reverb. Half of the scenes are folded to mono, in the others every track is put somewhere.

    Args:
        scene: the one to be damaged.
        seed: of this draw among those of the scene.
    """
    rng = np.random.default_rng([zlib.crc32(scene.name.encode()), seed])
    of_class = {}
    for role in CLASSES:
        gain_db, tilt = rng.uniform(-GAIN_DB, GAIN_DB), rng.uniform(-TILT_DB_PER_OCTAVE, TILT_DB_PER_OCTAVE)
        ratio = rng.uniform(*RATIOS)
        of_class[role] = float(gain_db), float(tilt), float(ratio) if rng.random() < 0.5 else 1.0
    reverb = too_much_reverb(rng)
    wet, folded = rng.random() < 1 / 3, bool(rng.random() < 0.5)
    of_track = {}
    for name in scene.tracks:
        role, position = scene.roles[name], float(rng.uniform(*POSITIONS))
        gain_db, tilt, ratio = of_class[role]
        of_track[name] = Damage(
            str(seed),
            voice_gain_db=gain_db,
            tilt_db_per_octave=tilt,
            position=0.5 if folded else position,
            ratio=ratio,
            reverb=reverb if wet and role == "vocals" else None,
        )
    return BandDamage(str(seed), of_track, folded)


def _mono(audio: np.ndarray) -> np.ndarray:
    return np.repeat(audio.mean(axis=0, keepdims=True), 2, axis=0)
