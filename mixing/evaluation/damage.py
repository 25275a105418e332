"""Damage that a mixer is to repair: the model of what raw tracks differ by from a mix, drawn for each task of a step.

Nothing in it is lost for good: a compressor narrows an expanded range, a reverb wets what is dry. Every damage has a
scale. 1 is its nominal size (`SD_DB` and the like), 0 leaves the scene as it is, and a larger scale of one seed is more
of the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy.fft
from scipy.signal import lfilter

from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.evaluation.scenes import Scene
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

GAIN_SD_DB = 4.0
"""Of each class, or of vocals and backing: levels of classes in raw tracks are off by 3.7 LU (standard deviation) from
those of their human mix, in eight projects by as many authors, of role `calibrate` (`tools.songs.human_mixes`)."""
TOGETHER_SD_DB = 6.0
"""Of all tracks together."""
TILT_SD_DB_PER_OCTAVE = 1.0
BUMP_DB = 6.0
"""Of what masks the vocals: raised about `BUMP_HZ`, where voices have most of their energy, by a Gauss curve with a
standard deviation of `BUMP_OCTAVES`."""
BUMP_HZ, BUMP_OCTAVES = 800.0, 1.0
EXPANSION = 1.0
"""Levels in dB about their mean are twice as far from it: what a compressor of 2:1 undoes."""
TAIL_DB = -20.0
"""What is left of a known reverb."""
NARROWING = 0.5
"""Share of the side signal that is taken away; all of it at scale 2."""

_PIVOT_HZ, _TILT_OCTAVES = 1000.0, 5.0
_BLOCK = 441
_SMOOTHING_S = 0.03
_LEAST_POWER = 1e-4
"""Of the mean power: below, a level is not expanded any further, so that pauses keep their noise."""

LEVELS, TILTED, MASKED, UNCOMPRESSED, DRY, MONO, RAW = (
    "levels", "tilted", "masked vocals", "uncompressed", "dry vocals", "mono", "raw",
)  # fmt: skip
"""Tasks: one for what each step is there for; `RAW` is levels, tilt, range and width together."""
HUMAN = "human"
"""No damage of ours: the tracks as they were before a person mixed them, of scenes that have them."""


@dataclass(frozen=True)
class TrackDamage:
    """What is done to a track, in this order: reverb lowered, expansion, filters, width, gain.

    Attributes:
        gain_db: gain.
        tilt_db_per_octave: slope of a zero-phase filter about 1 kHz, five octaves either way.
        bump_db: height of a zero-phase bell.
        expansion: 0 for none; levels in dB about their mean are 1 + this times as far from it.
        tail_db: gain of the track's reverb, where the scene has the track without it.
        width: factor of the side signal.
    """

    gain_db: float = 0.0
    tilt_db_per_octave: float = 0.0
    bump_db: float = 0.0
    expansion: float = 0.0
    tail_db: float = 0.0
    width: float = 1.0

    def apply(self, audio: np.ndarray, dry: np.ndarray | None = None) -> np.ndarray:
        """Damage a track, (2, samples), float32; `dry` is the track before its reverb, where that is known."""
        if dry is not None and self.tail_db:
            audio = dry + (audio - dry) * _factor(self.tail_db)
        audio = filtered(expanded(audio, self.expansion), self.tilt_db_per_octave, self.bump_db)
        if self.width != 1:
            mid, side = audio.mean(axis=0), self.width * (audio[0] - audio[1]) / 2
            audio = np.stack([mid + side, mid - side])
        return (audio * _factor(self.gain_db)).astype(np.float32)


@dataclass(frozen=True)
class Damage:
    """What is done to the tracks of a scene.

    Attributes:
        task: one of the tasks above; empty for none.
        scale: size of the damage as a multiple of the nominal one.
        seed: it was drawn from.
        of_track: by name; nothing is done to a track that is not among them.
    """

    task: str = ""
    scale: float = 0.0
    seed: int = 0
    of_track: Mapping[str, TrackDamage] = field(default_factory=dict)

    def apply(self, scene: Scene) -> dict[str, Sound]:
        """Damage a scene: its tracks by name."""
        if self.task == HUMAN:
            return dict(scene.raw)
        damaged = {}
        for name, track in scene.tracks.items():
            damage = self.of_track.get(name, TrackDamage())
            dry = scene.dry[name].audio if name in scene.dry else None
            unchanged = damage == TrackDamage()
            damaged[name] = track if unchanged else Sound(damage.apply(track.audio, dry), track.rate_hz)
        return damaged


UNDAMAGED = Damage()
"""No damage: how far a mixer moves a mix that is good already."""


def draw(scene: Scene, task: str, scale: float = 1.0, seed: int = 0) -> Damage:
    """Draw the damage of a scene: it depends on the scene's name and classes, the task, the scale and the seed alone.

    Args:
        scene: the one to be damaged.
        task: what is damaged.
        scale: multiple of the nominal size; the draws of one seed are multiples of each other.
        seed: of this draw; an odd one draws the opposite of the one before, so that pairs of draws are balanced.
    """
    rng = np.random.default_rng([zlib.crc32(f"{scene.name} {task}".encode()), seed // 2])
    sign = 1 - 2 * (seed % 2)
    together_db = float(rng.normal(0, TOGETHER_SD_DB))
    of_role = {role: _of_role(role, task, scale, sign, together_db, rng) for role in scene.parts}
    return Damage(task, scale, seed, {name: of_role[role] for name, role in scene.roles.items()})


def _of_role(
    role: str, task: str, scale: float, sign: int, together_db: float, rng: np.random.Generator
) -> TrackDamage:
    gain_db, tilt = rng.normal(0, GAIN_SD_DB), rng.normal(0, TILT_SD_DB_PER_OCTAVE)
    raw, sung = task == RAW, role == VOCALS
    return TrackDamage(
        gain_db=sign * scale * float(gain_db + together_db) if raw or task == LEVELS else 0.0,
        tilt_db_per_octave=sign * scale * float(tilt) if raw or task == TILTED else 0.0,
        bump_db=scale * BUMP_DB if task == MASKED and not sung else 0.0,
        expansion=scale * EXPANSION if (raw and sung) or task == UNCOMPRESSED else 0.0,
        tail_db=scale * TAIL_DB if (raw or task == DRY) and sung else 0.0,
        width=max(0.0, 1 - scale * NARROWING) if raw or task == MONO else 1.0,
    )


def filtered(audio: np.ndarray, tilt_db_per_octave: float, bump_db: float = 0.0) -> np.ndarray:
    """Tilt the spectrum about 1 kHz, level beyond five octaves, and raise it about `BUMP_HZ`; without phase."""
    if tilt_db_per_octave == 0 and bump_db == 0:
        return audio
    samples = scipy.fft.next_fast_len(audio.shape[-1], real=True)
    spectrum = scipy.fft.rfft(audio, samples, axis=-1)
    frequencies_hz = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ), 1.0)
    octaves = np.log2(frequencies_hz / _PIVOT_HZ).clip(-_TILT_OCTAVES, _TILT_OCTAVES)
    bell = np.exp(-0.5 * (np.log2(frequencies_hz / BUMP_HZ) / BUMP_OCTAVES) ** 2)
    gains_db = tilt_db_per_octave * octaves + bump_db * bell
    gains = (10 ** (gains_db / 20)).astype(audio.dtype)
    return scipy.fft.irfft(spectrum * gains, samples, axis=-1)[:, : audio.shape[-1]]


def expanded(audio: np.ndarray, expansion: float) -> np.ndarray:
    """Widen the range of levels, and keep the energy: what a track is like before its compressor.

    Levels are of the power of both channels in blocks of 10 ms, smoothed with a time constant of 30 ms; their distance
    to the mean, in dB, grows by the share `expansion`.
    """
    if expansion == 0:
        return audio
    samples = audio.shape[-1]
    power = np.mean(audio[:, : samples // _BLOCK * _BLOCK].reshape(len(audio), -1, _BLOCK) ** 2, axis=(0, 2))
    keep = np.exp(-_BLOCK / (_SMOOTHING_S * SAMPLE_RATE_HZ))
    smooth = lfilter([1 - keep], [1, -keep], power)
    gains = np.maximum(smooth / np.mean(power), _LEAST_POWER) ** (0.5 * expansion)
    out = audio * np.interp(np.arange(samples), (np.arange(len(gains)) + 0.5) * _BLOCK, gains)
    return out * np.sqrt(np.sum(np.square(audio, dtype=np.float64)) / np.sum(np.square(out)))


def _factor(gain_db: float) -> float:
    return float(10 ** (gain_db / 20))
