"""Songs made of arithmetic, whose loudness ratios, pans and tempi are known because they were set."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

RATE_HZ = 44_100
STEMS = ("vocals", "drums", "bass", "other")


@dataclass(frozen=True)
class Score:
    """What a generated song is to be: its truth.

    Attributes:
        title: name of the song, fit for a file.
        genre: what its manifest says.
        tempo_bpm: beats a minute.
        vocal_to_backing_lu: integrated loudness of the vocals minus that of the backing.
        pan: position of each stem by the linear law, 0 left, 0.5 centre, 1 right.
        key_hz: root of the chords, one octave below the vocals.
        seed: of the melody and the noises.
        duration_s: length in seconds.
    """

    title: str
    genre: str
    tempo_bpm: float
    vocal_to_backing_lu: float
    pan: dict[str, float]
    key_hz: float
    seed: int
    duration_s: float = 24.0


SCORES = (
    Score("Amber", "pop", 96.0, -1.0, {"vocals": 0.5, "drums": 0.5, "bass": 0.5, "other": 0.35}, 130.8, 1),
    Score("Birch", "rock", 128.0, -5.0, {"vocals": 0.5, "drums": 0.5, "bass": 0.5, "other": 0.7}, 110.0, 2),
    Score("Cedar", "pop", 112.0, 1.5, {"vocals": 0.45, "drums": 0.5, "bass": 0.5, "other": 0.6}, 146.8, 3),
    Score("Dune", "rock", 144.0, -3.0, {"vocals": 0.55, "drums": 0.5, "bass": 0.48, "other": 0.25}, 123.5, 4),
    Score("Ember", "pop", 84.0, 3.0, {"vocals": 0.5, "drums": 0.52, "bass": 0.5, "other": 0.45}, 116.5, 5),
)
"""The songs of the demo."""

_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10, 12)
_CHORDS = ((0, 3, 7), (-4, 0, 3), (3, 7, 10), (-2, 2, 5))
_VOWEL_FORMANTS_HZ = ((800, 1200, 2800), (500, 1800, 2600), (320, 2300, 3000), (450, 850, 2700), (350, 700, 2600))


def perform(score: Score) -> dict[str, np.ndarray]:
    """Make the stems of a song; they sum to its mixture, whose sample peak is 0.7.

    Returns:
        float32 arrays of shape (2, samples) at 44.1 kHz for vocals, drums, bass and other. The loudness ratio is set
        by pyloudnorm, so that it is a truth our own meters can be held against.
    """
    import pyloudnorm  # here, as scipy.signal below: a help text that names the songs needs neither

    rng = np.random.default_rng(score.seed)
    beat_s = 60.0 / score.tempo_bpm
    mono = {
        "vocals": _voice(score, beat_s, rng),
        "drums": _drums(score, beat_s, rng),
        "bass": 0.5 * _bass(score, beat_s),
        "other": 0.35 * _chords(score, beat_s),
    }
    stems = {name: np.stack([(1 - score.pan[name]) * mono[name], score.pan[name] * mono[name]]) for name in STEMS}
    backing = stems["drums"] + stems["bass"] + stems["other"]
    meter = pyloudnorm.Meter(RATE_HZ, filter_class="DeMan")
    vocals_lufs, backing_lufs = (meter.integrated_loudness(x.T) for x in (stems["vocals"], backing))
    stems["vocals"] *= 10 ** ((score.vocal_to_backing_lu + backing_lufs - vocals_lufs) / 20)
    peak = np.abs(stems["vocals"] + backing).max()
    return {name: (0.7 / peak * audio).astype(np.float32) for name, audio in stems.items()}


def _samples(score: Score) -> int:
    return round(score.duration_s * RATE_HZ)


def _add(track: np.ndarray, at_s: float, sound: np.ndarray) -> None:
    start = round(at_s * RATE_HZ)
    end = min(start + sound.size, track.size)
    if start < end:
        track[start:end] += sound[: end - start]


def _decay(duration_s: float, half_life_s: float) -> np.ndarray:
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return 0.5 ** (time_s / half_life_s)


def _drums(score: Score, beat_s: float, rng: np.random.Generator) -> np.ndarray:
    from scipy import signal

    track = np.zeros(_samples(score))
    envelope = _decay(0.35, 0.05)
    time_s = np.arange(envelope.size) / RATE_HZ
    kick = envelope * np.sin(2 * np.pi * (50 * time_s + 4.0 * (1 - np.exp(-time_s / 0.03))))
    highs = signal.butter(4, 7000, "highpass", fs=RATE_HZ, output="sos")
    for eighth in range(int(2 * score.duration_s / beat_s)):
        at_s, beat = eighth * beat_s / 2, (eighth // 2) % 4
        noise = rng.standard_normal(envelope.size)
        _add(track, at_s, 0.15 * signal.sosfilt(highs, noise) * _decay(0.35, 0.012))
        if eighth % 2 == 0 and beat in (0, 2):
            _add(track, at_s, 1.2 * kick)
        if eighth % 2 == 0 and beat in (1, 3):
            tone = np.sin(2 * np.pi * 190 * time_s) * _decay(0.35, 0.03)
            _add(track, at_s, 0.5 * tone + 0.35 * rng.standard_normal(envelope.size) * _decay(0.35, 0.04))
    return track


@functools.lru_cache(maxsize=16)  # the notes of a song: each is played many times
def _saw(frequency_hz: float, duration_s: float, brightness_hz: float) -> np.ndarray:
    phase = 2 * np.pi * frequency_hz * np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    harmonics = np.arange(1, min(40, int(16_000 / frequency_hz)) + 1)
    weights = 1 / harmonics / (1 + (harmonics * frequency_hz / brightness_hz) ** 2)
    return np.sum([w * np.sin(k * phase) for k, w in zip(harmonics, weights, strict=True)], axis=0)


def _bass(score: Score, beat_s: float) -> np.ndarray:
    track = np.zeros(_samples(score))
    for eighth in range(int(2 * score.duration_s / beat_s)):
        root = _CHORDS[(eighth // 8) % 4][0]
        note = _saw(score.key_hz / 2 * 2 ** (root / 12), 0.45 * beat_s, 400.0)
        _add(track, eighth * beat_s / 2, note * np.minimum(1, 20 * _decay(0.45 * beat_s, 0.08 * beat_s)))
    return track


def _chords(score: Score, beat_s: float) -> np.ndarray:
    track = np.zeros(_samples(score))
    for bar in range(int(score.duration_s / beat_s / 4) + 1):
        for strum in (0.0, 1.5, 2.5):
            for semitones in _CHORDS[bar % 4]:
                note = _saw(score.key_hz * 2 ** (semitones / 12), 1.2 * beat_s, 2500.0)
                _add(track, (4 * bar + strum) * beat_s, note * _decay(1.2 * beat_s, 0.3 * beat_s))
    return track


def _voice(score: Score, beat_s: float, rng: np.random.Generator) -> np.ndarray:
    # A pulse train shaped by vowel formants, gliding from note to note with vibrato, three bars of four sung.
    from scipy import signal

    control_hz = 200.0
    steps = int(score.duration_s * control_hz) + 2
    semitones, level = np.zeros(steps), np.zeros(steps)
    formants_hz = np.zeros((3, steps))
    track = np.zeros(_samples(score))
    highs = signal.butter(2, 4000, "highpass", fs=RATE_HZ, output="sos")
    degree = 4
    for beat in range(int(score.duration_s / beat_s)):
        start, end = int(beat * beat_s * control_hz), int((beat + 1) * beat_s * control_hz)
        degree = int(np.clip(degree + rng.integers(-2, 3), 0, len(_MINOR_SCALE) - 1))
        semitones[start:end] = _MINOR_SCALE[degree]
        formants_hz[:, start:end] = np.array(_VOWEL_FORMANTS_HZ[rng.integers(5)])[:, None]
        if (beat // 4) % 4 != 3:
            level[start : end - int(0.12 * beat_s * control_hz)] = 1.0
            consonant = signal.sosfilt(highs, rng.standard_normal(2600)) * _decay(2600 / RATE_HZ, 0.015)
            _add(track, beat * beat_s, 0.06 * consonant)
    smooth = np.hanning(15) / np.hanning(15).sum()
    semitones, level = np.convolve(semitones, smooth, "same"), np.convolve(level, smooth, "same")
    time_s, control_s = np.arange(track.size) / RATE_HZ, np.arange(steps) / control_hz
    vibrato = 0.35 * np.sin(2 * np.pi * 5.3 * control_s)
    pitch_hz = 2 * score.key_hz * 2 ** ((semitones + vibrato) / 12)
    phase = 2 * np.pi * np.cumsum(np.interp(time_s, control_s, pitch_hz)) / RATE_HZ
    for k in range(1, int(9000 / pitch_hz.max()) + 1):
        resonance = sum(
            gain / (1 + ((k * pitch_hz - formants_hz[i]) / width_hz) ** 2)
            for i, (gain, width_hz) in enumerate(((1.0, 90.0), (0.6, 120.0), (0.35, 180.0)))
        )
        amplitude = level * (resonance + 0.03) / k**0.5
        track += np.interp(time_s, control_s, amplitude) * np.sin(k * phase)
    return track
