"""Damage that a mixer is to repair: done to the tracks of a scene, and undone where that is possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.signal import lfilter

from mixprior.mixing.evaluation.scenes import Scene
from mixprior.stats import loudness_blocks
from mixprior.stats.measures.loudness import difference, integrated_lufs
from mixprior.stats.reverb.fdn.network import FdnReverb
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

BELOW_RMS_DB = 15.0
"""The threshold of the compressor under the RMS of the track."""

_PIVOT_HZ, _TILT_OCTAVES = 1000.0, 5.0
_BLOCK = 441
_SMOOTHING_S = 0.03


@dataclass(frozen=True)
class TrackDamage:
    """What is done to a track, in this order: reverb left out, tilt, compression, reverb added, pan, gain.

    Attributes:
        gain_db: gain.
        tilt_db_per_octave: slope of a zero-phase filter about 1 kHz, five octaves either way.
        position: 0 left, 0.5 centre, 1 right, by the constant-power law on both channels; None leaves them as they are.
        ratio: of a compressor with its threshold `BELOW_RMS_DB` below the track's RMS; 1 for none.
        without_reverb: whether to start from the track before its reverb, where the scene has it.
        reverb: added; None for none.
    """

    gain_db: float = 0.0
    tilt_db_per_octave: float = 0.0
    position: float | None = None
    ratio: float = 1.0
    without_reverb: bool = False
    reverb: FdnReverbSettings | None = None

    def apply(self, audio: np.ndarray) -> np.ndarray:
        """Damage a track, all but `without_reverb`: (2, samples), float32."""
        audio = compressed(tilted(audio, self.tilt_db_per_octave), self.ratio)
        if self.reverb is not None:
            audio = FdnReverb(self.reverb, SAMPLE_RATE_HZ).process(audio)
        if self.position is not None:
            audio = audio * pan_gains(self.position)
        return (audio * _factor(self.gain_db)).astype(np.float32)

    def undo(self, audio: np.ndarray) -> np.ndarray:
        """Undo gain, pan and tilt: (2, samples)."""
        gains = _factor(self.gain_db) if self.position is None else pan_gains(self.position) * _factor(self.gain_db)
        return tilted(audio / gains, -self.tilt_db_per_octave)

    @property
    def is_gain(self) -> bool:
        """Whether the level is all that changes."""
        return replace(self, gain_db=0.0) == TrackDamage()

    @property
    def is_lossy(self) -> bool:
        """Whether something is done that cannot be undone."""
        return self.ratio > 1 or self.reverb is not None


@dataclass(frozen=True)
class Damage:
    """What is done to the tracks of a scene.

    Attributes:
        label: the seed it was drawn from, or a name.
        of_track: by name; nothing is done to a track that is not among them.
        folded: whether every track is made mono first.
    """

    label: str
    of_track: Mapping[str, TrackDamage] = field(default_factory=dict)
    folded: bool = False

    def apply(self, scene: Scene) -> dict[str, Sound]:
        """Damage a scene: its tracks by name."""
        damaged = {}
        for name, track in scene.tracks.items():
            damage = self.of_track.get(name, TrackDamage())
            audio = (scene.dry.get(name, track) if damage.without_reverb else track).audio
            damaged[name] = Sound(damage.apply(_mono(audio) if self.folded else audio), track.rate_hz)
        return damaged

    def repair(self, scene: Scene, tracks: Mapping[str, Sound]) -> dict[str, Sound]:
        """Undo gains, places and tilts, and give a track its reverb back; what `is_lossy` gets its loudness back only.

        Args:
            scene: the original.
            tracks: what `apply` made of it.
        """
        repaired = {}
        for name, track in tracks.items():
            original, damage = scene.tracks[name], self.of_track.get(name, TrackDamage())
            if damage.is_gain and not self.folded:
                repaired[name] = original
                continue
            audio = damage.undo(track.audio)
            if damage.without_reverb and name in scene.dry:
                audio = audio + (original.audio - scene.dry[name].audio)
            if damage.is_lossy or self.folded:
                audio = _as_loud_as(original, audio)
            repaired[name] = Sound(audio.astype(np.float32), track.rate_hz)
        return repaired


UNDAMAGED = Damage("undamaged")
"""No damage: what a mixer does to a mix that is good already."""


def tilted(audio: np.ndarray, tilt_db_per_octave: float) -> np.ndarray:
    """Tilt the spectrum about 1 kHz, without phase, and level beyond five octaves; the opposite slope undoes it."""
    if tilt_db_per_octave == 0:
        return audio
    spectrum = np.fft.rfft(audio, axis=-1)
    frequencies_hz = np.fft.rfftfreq(audio.shape[-1], 1 / SAMPLE_RATE_HZ)
    octaves = np.log2(np.maximum(frequencies_hz, 1.0) / _PIVOT_HZ).clip(-_TILT_OCTAVES, _TILT_OCTAVES)
    return np.fft.irfft(spectrum * 10 ** (tilt_db_per_octave * octaves / 20), audio.shape[-1], axis=-1)


def compressed(audio: np.ndarray, ratio: float) -> np.ndarray:
    """Compress far too much, and restore the energy.

    Feed-forward on the power of both channels in blocks of 10 ms, smoothed with a time constant of 30 ms; what is more
    than `BELOW_RMS_DB` below the RMS of the whole is not changed.
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


def _as_loud_as(original: Sound, audio: np.ndarray) -> np.ndarray:
    own_lufs = integrated_lufs(loudness_blocks.measure(audio, original.rate_hz).weighted)
    missing_lu = difference(original.integrated_lufs, own_lufs)
    return audio if missing_lu is None else audio * _factor(missing_lu)


def _mono(audio: np.ndarray) -> np.ndarray:
    return np.repeat(audio.mean(axis=0, keepdims=True), 2, axis=0)


def _factor(gain_db: float) -> float:
    return float(10 ** (gain_db / 20))
