"""Draws the damage of a scene from a seed: of a pair by track, of several tracks by class."""

from __future__ import annotations

import zlib

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.evaluation.damage import Damage, TrackDamage
from mixprior.mixing.evaluation.scenes import Scene
from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.stats.reverb.fdn.level import at_level
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

GAIN_DB = 12.0
TILT_DB_PER_OCTAVE = 2.0
POSITIONS = (0.2, 0.8)
RATIOS = (4.0, 12.0)
COMPRESSED = 0.5
"""Share of the vocals, or of the classes, that are compressed."""
WET = 1 / 3
"""Share of the scenes whose vocals get too much reverb."""
FOLDED = 0.5
"""Share of the scenes of several tracks that are folded to mono."""
REVERB_S, REVERB_WET_DRY_DB = (1.5, 4.0), (-8.0, -2.0)


def draw(scene: Scene, seed: int) -> Damage:
    """Draw the damage of a scene: it depends on the scene's name, its tracks and the seed alone.

    Args:
        scene: the one to be damaged.
        seed: of this draw among those of the scene.
    """
    rng = np.random.default_rng([zlib.crc32(scene.name.encode()), seed])
    return _of_pair(str(seed), rng) if scene.is_pair else _of_tracks(scene, str(seed), rng)


def _of_pair(label: str, rng: np.random.Generator) -> Damage:
    """Gains of both; the rest on the vocals. A third lose their reverb, where the scene has dry vocals."""
    vocals_gain_db, backing_gain_db = map(float, rng.uniform(-GAIN_DB, GAIN_DB, 2))
    tilt, position = rng.uniform(-TILT_DB_PER_OCTAVE, TILT_DB_PER_OCTAVE), rng.uniform(*POSITIONS)
    ratio = rng.uniform(*RATIOS) if rng.random() < COMPRESSED else 1.0
    choice = int(rng.integers(3))
    reverb = _too_much_reverb(rng)
    vocals = TrackDamage(vocals_gain_db, tilt, position, ratio, choice == 0, reverb if choice == 1 else None)
    return Damage(label, {VOCALS: vocals, BACKING: TrackDamage(backing_gain_db)})


def _of_tracks(scene: Scene, label: str, rng: np.random.Generator) -> Damage:
    """Gain, tilt and compression of a class, and a place for each track unless the scene is folded to mono."""
    of_class = {}
    for role in CLASSES:
        gain_db, tilt = rng.uniform(-GAIN_DB, GAIN_DB), rng.uniform(-TILT_DB_PER_OCTAVE, TILT_DB_PER_OCTAVE)
        ratio = rng.uniform(*RATIOS)
        of_class[role] = float(gain_db), float(tilt), float(ratio) if rng.random() < COMPRESSED else 1.0
    reverb = _too_much_reverb(rng)
    wet, folded = rng.random() < WET, bool(rng.random() < FOLDED)
    of_track = {}
    for name in scene.tracks:
        role, position = scene.roles[name], float(rng.uniform(*POSITIONS))
        gain_db, tilt, ratio = of_class[role]
        of_track[name] = TrackDamage(
            gain_db, tilt, 0.5 if folded else position, ratio, reverb=reverb if wet and role == VOCALS else None
        )
    return Damage(label, of_track, folded)


def _too_much_reverb(rng: np.random.Generator) -> FdnReverbSettings:
    """Draw a long and loud reverb."""
    room = FdnReverbSettings(
        room_size=int(rng.integers(10, 31)),
        reverberation_time_s=rng.uniform(*REVERB_S),
        highs_cutoff_hz=4000.0,
        highs_gain_db_s=-20.0,
        fade_in_s=0.05,
    )
    return at_level(room, rng.uniform(*REVERB_WET_DRY_DB))
