"""Speech turned into singing: vowels are held and follow a melody; consonants and word ends are kept."""

from __future__ import annotations

import numpy as np

FRAME_S = 0.005
"""Hop of the analysis and of the pitch contour."""

_SCALE = (-5, -3, 0, 2, 4, 7, 9)
_NUCLEUS_DB = 8.0
_LONGEST_NOTE_S = 1.5


def sing(speech: np.ndarray, sample_rate_hz: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Turn a few spoken words into singing by the WORLD vocoder (Morise et al. 2016, doi:10.1587/transinf.2015EDP7457).

    Only the loud core of each vowel is held, 2 to 4 times as long. Word ends are kept as spoken, so that a dry
    recording stays dry. The melody is a random walk on a pentatonic scale around the speaker's own pitch, with glides
    of 60 ms and, on notes longer than 0.25 s, a vibrato of 5 to 6 Hz and 30 to 60 cents.

    Args:
        speech: shape (samples,).
        sample_rate_hz: its rate, 16 kHz or more.
        rng: draws the melody, the vibrato and the holds.

    Returns:
        The singing, float32 of shape (samples,), and its target pitch in Hz every 5 ms, 0 where it is unvoiced.

    Raises:
        ImportError: without pyworld, which needs a setuptools older than 81.
        ValueError: if no frame is voiced.
    """
    import pyworld

    sound = np.ascontiguousarray(speech, dtype=np.float64)
    rough_hz, time_s = pyworld.dio(sound, sample_rate_hz, frame_period=1000 * FRAME_S)
    spoken_hz = pyworld.stonemask(sound, rough_hz, time_s, sample_rate_hz)
    vowels = _runs(spoken_hz > 0, shortest=8)
    if not vowels:
        raise ValueError("no frame is voiced")
    spectrum = np.log(pyworld.cheaptrick(sound, spoken_hz, time_s, sample_rate_hz))
    noisiness = pyworld.d4c(sound, spoken_hz, time_s, sample_rate_hz)

    level_db = 10 * np.log10(np.exp(spectrum).sum(axis=1) + 1e-12)
    hold = np.ones(spoken_hz.size)
    for start, end in vowels:
        core = start + np.flatnonzero(level_db[start:end] > level_db[start:end].max() - _NUCLEUS_DB)
        core = core[core < end - 6]
        hold[core] = np.clip(rng.uniform(2, 4), 1, max(1.0, _LONGEST_NOTE_S / FRAME_S / max(core.size, 1)))
    sung_at = np.concatenate([[0.0], np.cumsum(hold)])
    source = np.interp(np.arange(int(sung_at[-1])), sung_at[:-1], np.arange(hold.size))

    voiced = np.zeros(source.size, dtype=bool)
    for start, end in vowels:
        voiced |= (source >= start) & (source <= end - 1)
    pitch_hz = np.where(voiced, _melody_hz(voiced, float(np.median(spoken_hz[spoken_hz > 0])), rng), 0.0)
    before, part = np.floor(source).astype(int), (source % 1.0)[:, None]
    after = np.minimum(before + 1, hold.size - 1)
    spectrum = np.exp((1 - part) * spectrum[before] + part * spectrum[after])
    noisiness = (1 - part) * noisiness[before] + part * noisiness[after]
    singing = pyworld.synthesize(pitch_hz, spectrum, noisiness, sample_rate_hz, 1000 * FRAME_S)
    return singing.astype(np.float32), pitch_hz


def share_in_tune(singing: np.ndarray, pitch_hz: np.ndarray, sample_rate_hz: int) -> float:
    """Return the share of voiced frames whose measured pitch is within 50 cents of the target."""
    import pyworld

    sound = np.ascontiguousarray(singing, dtype=np.float64)
    measured_hz, _ = pyworld.dio(sound, sample_rate_hz, frame_period=1000 * FRAME_S)
    frames = min(measured_hz.size, pitch_hz.size)
    measured_hz, target_hz = measured_hz[:frames], pitch_hz[:frames]
    cents = 1200 * np.log2(np.maximum(measured_hz, 1.0) / np.maximum(target_hz, 1.0))
    return float(np.mean(np.abs(cents[target_hz > 0]) < 50))


def _runs(flags: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def _melody_hz(voiced: np.ndarray, spoken_hz: float, rng: np.random.Generator) -> np.ndarray:
    # A note lasts 0.2 to 0.9 s of voiced time, and continues through the consonants between.
    semitones, held_s = np.zeros(voiced.size), np.zeros(voiced.size)
    step = int(rng.integers(len(_SCALE)))
    left = 0
    for start, end in _runs(voiced, shortest=1):
        for frame in range(start, end):
            if left == 0 or (frame == start and rng.random() < 0.5):
                step = int(np.clip(step + rng.integers(-2, 3), 0, len(_SCALE) - 1))
                left, held = int(rng.uniform(0.2, 0.9) / FRAME_S), 0
            semitones[frame] = _SCALE[step]
            held_s[frame] = held * FRAME_S
            left, held = left - 1, held + 1
        semitones[end:] = _SCALE[step]
    glide = np.hanning(14)[1:-1]
    semitones = np.convolve(np.pad(semitones, 6, mode="edge"), glide / glide.sum(), "same")[6:-6]
    time_s = np.arange(voiced.size) * FRAME_S
    depth = rng.uniform(0.3, 0.6) * np.clip((held_s - 0.25) / 0.2, 0, 1)
    depth = np.convolve(np.pad(depth, 6, mode="edge"), glide / glide.sum(), "same")[6:-6]
    semitones += depth * np.sin(2 * np.pi * rng.uniform(5, 6) * time_s + rng.uniform(0, 6))
    return spoken_hz * rng.uniform(1.0, 1.5) * 2 ** (semitones / 12)
