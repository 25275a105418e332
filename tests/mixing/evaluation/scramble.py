"""Damage that a mixer shall mend: drawn from a seed, done to the sounds of a scene, and undone where it can be."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from mixprior.stats.measures.loudness import difference, integrated
from mixprior.stats.reverb.fdn.dry_wet import at_level
from mixprior.stats.reverb.fdn.network import FdnReverb
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation.scenes import Scene

KINDS = ("gain", "tilt", "pan", "compression", "reverb")

GAIN_DB = 12.0
TILT_DB_PER_OCTAVE = 2.0
POSITIONS = (0.2, 0.8)
RATIOS = (4.0, 12.0)
BELOW_RMS_DB = 15.0
REVERB_S, REVERB_WET_DRY_DB = (1.5, 4.0), (-8.0, -2.0)

_PIVOT_HZ, _TILT_OCTAVES = 1000.0, 5.0
_BLOCK = 441
_SMOOTHING_S = 0.03


@dataclass(frozen=True)
class Damage:
    """What is done to a scene, in this order: reverb left out, tilt, compression, reverb added, pan, gains.

    Attributes:
        label: seed, or what there is of damage.
        voice_gain_db: on the voice.
        backing_gain_db: on the backing.
        tilt_db_per_octave: slope of a zero-phase filter on the voice about 1 kHz, five octaves either way.
        position: 0 left, 0.5 centre, 1 right; the voice's channels are balanced by the constant-power law.
        ratio: of a compressor of the voice with its threshold 15 dB below the voice's RMS; 1 for none.
        reverb_left_out: whether a scene that knows its dry voice begins with that.
        reverb: added to the voice; None for none.
    """

    label: str
    voice_gain_db: float = 0.0
    backing_gain_db: float = 0.0
    tilt_db_per_octave: float = 0.0
    position: float = 0.5
    ratio: float = 1.0
    reverb_left_out: bool = False
    reverb: FdnReverbSettings | None = None

    def apply(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Damage a scene: voice and backing, float32, (2, samples)."""
        voice = scene.dry if self.reverb_left_out and scene.dry is not None else scene.voice
        return self.of_voice(voice), (scene.backing * _factor(self.backing_gain_db)).astype(np.float32)

    def of_voice(self, voice: np.ndarray) -> np.ndarray:
        """Do to a voice what is done to it after its reverb was left out: float32, (2, samples)."""
        voice = compressed(tilted(voice, self.tilt_db_per_octave), self.ratio)
        if self.reverb is not None:
            voice = FdnReverb(self.reverb, SAMPLE_RATE_HZ).process(voice)
        return (voice * pan_gains(self.position) * _factor(self.voice_gain_db)).astype(np.float32)

    def mend(self, scene: Scene, voice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Undo what `apply` did: gains, pan and tilt, and the reverb left out; not compression and reverb added.

        Those two take away what nobody can bring back; the voice then has the original's loudness, and no more.

        Args:
            scene: the one that was damaged.
            voice: as `apply` gave it.

        Returns:
            Voice and backing, float32.
        """
        voice = self.off_voice(voice)
        if self.reverb_left_out and scene.dry is not None:
            voice = voice + (scene.voice - scene.dry)
        if self.loses:
            voice = as_loud_as(scene.voice, voice)
        return voice.astype(np.float32), scene.backing

    def off_voice(self, voice: np.ndarray) -> np.ndarray:
        """Undo gain, pan and tilt of a voice: float64, (2, samples)."""
        return tilted(voice / (pan_gains(self.position) * _factor(self.voice_gain_db)), -self.tilt_db_per_octave)

    @property
    def loses(self) -> bool:
        """Whether something is done to the voice that nobody can undo."""
        return self.ratio > 1 or self.reverb is not None


UNDAMAGED = Damage("undamaged")
"""Nothing: what a mixer does to a mix that is good already."""


def draw(scene: str, seed: int, kinds: tuple[str, ...] = KINDS) -> Damage:
    """Draw the damage of a scene.

    Every kind is drawn, whichever are done, so that a kind alone is the same as among the others. Half of the voices
    are compressed; a third lose their reverb where they have one to lose, a third get one.

    Args:
        scene: name of the scene.
        seed: of this draw among those of the scene.
        kinds: of `KINDS`, what is done.
    """
    rng = np.random.default_rng([zlib.crc32(scene.encode()), seed])
    voice_gain_db, backing_gain_db = map(float, rng.uniform(-GAIN_DB, GAIN_DB, 2))
    tilt = rng.uniform(-TILT_DB_PER_OCTAVE, TILT_DB_PER_OCTAVE)
    position = rng.uniform(*POSITIONS)
    ratio = rng.uniform(*RATIOS) if rng.random() < 0.5 else 1.0
    choice = int(rng.integers(3))
    reverb = too_much_reverb(rng)
    return Damage(
        str(seed) if kinds == KINDS else f"{seed}: {', '.join(kinds)}",
        voice_gain_db=voice_gain_db if "gain" in kinds else 0.0,
        backing_gain_db=backing_gain_db if "gain" in kinds else 0.0,
        tilt_db_per_octave=tilt if "tilt" in kinds else 0.0,
        position=position if "pan" in kinds else 0.5,
        ratio=ratio if "compression" in kinds else 1.0,
        reverb_left_out=choice == 0 and "reverb" in kinds,
        reverb=reverb if choice == 1 and "reverb" in kinds else None,
    )


def too_much_reverb(rng: np.random.Generator) -> FdnReverbSettings:
    """Draw a long and loud reverb."""
    room = FdnReverbSettings(
        room_size=int(rng.integers(10, 31)),
        reverberation_time_s=rng.uniform(*REVERB_S),
        highs_cutoff_hz=4000.0,
        highs_gain_db_s=-20.0,
        fade_in_s=0.05,
    )
    return at_level(room, rng.uniform(*REVERB_WET_DRY_DB))


def as_loud_as(original: np.ndarray, audio: np.ndarray) -> np.ndarray:
    """Give a sound the loudness of another; one of which nothing is left stays as it is."""
    missing_lu = difference(*(integrated(sound, SAMPLE_RATE_HZ) for sound in (original, audio)))
    return audio if missing_lu is None else audio * _factor(missing_lu)


def tilted(audio: np.ndarray, tilt_db_per_octave: float) -> np.ndarray:
    """Slope the spectrum about 1 kHz, without phase, and level beyond five octaves; the opposite slope undoes it."""
    if tilt_db_per_octave == 0:
        return audio
    spectrum = np.fft.rfft(audio, axis=-1)
    frequencies_hz = np.fft.rfftfreq(audio.shape[-1], 1 / SAMPLE_RATE_HZ)
    octaves = np.log2(np.maximum(frequencies_hz, 1.0) / _PIVOT_HZ).clip(-_TILT_OCTAVES, _TILT_OCTAVES)
    return np.fft.irfft(spectrum * 10 ** (tilt_db_per_octave * octaves / 20), audio.shape[-1], axis=-1)


def compressed(audio: np.ndarray, ratio: float) -> np.ndarray:
    """Compress far too much, and bring the energy back to what it was.

    Feed-forward on the power of both channels, 10 ms at a time, smoothed with a time constant of 30 ms; everything
    more than 15 dB below the RMS of the whole is left alone.
    """
    if ratio == 1:
        return audio
    samples = audio.shape[-1]
    power = np.mean(audio[:, : samples // _BLOCK * _BLOCK].reshape(len(audio), -1, _BLOCK) ** 2, axis=(0, 2))
    keep = np.exp(-_BLOCK / (_SMOOTHING_S * SAMPLE_RATE_HZ))
    smooth = lfilter([1 - keep], [1, -keep], power)
    threshold = np.mean(power) * 10 ** (-BELOW_RMS_DB / 10)
    gains = np.maximum(smooth / threshold, 1.0) ** (0.5 * (1 / ratio - 1))
    out = audio * np.interp(np.arange(samples), (np.arange(len(gains)) + 0.5) * _BLOCK, gains)
    return out * np.sqrt(np.sum(np.square(audio, dtype=np.float64)) / np.sum(np.square(out)))


def pan_gains(position: float) -> np.ndarray:
    """Gains of left and right by the constant-power law, (2, 1); 1 and 1 in the centre."""
    angle = 0.5 * np.pi * position
    return np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]])


def _factor(gain_db: float) -> float:
    return float(10 ** (gain_db / 20))
