"""What the rows work on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tools import SHARED

RATE_HZ = 44_100
SONGS = SHARED / "music" / "songs"
MINUTES = 4


def song(minutes: float = MINUTES) -> np.ndarray:
    """Real music, repeated to length, float32 (2, samples); swelling noise where no songs are beside the checkout."""
    from scipy.signal import lfilter

    from mixprior.pipeline.audio.decode import decode

    samples = round(minutes * 60 * RATE_HZ)
    for path in sorted(SONGS.glob("*Better*")):
        return np.resize(decode(str(path)).T, (samples, 2)).T.copy()
    noise = np.random.default_rng(1).standard_normal((2, samples))
    swell = 1 + np.sin(np.arange(samples) / RATE_HZ)
    return (0.02 * swell * lfilter([1], [1, -0.95], noise)).astype(np.float32)


def bursts(minutes: float = MINUTES) -> np.ndarray:
    """Coloured noise in bursts, a little wide: float32 (2, samples)."""
    rng = np.random.default_rng(0)
    samples = round(minutes * 60 * RATE_HZ)
    middle, side = rng.standard_normal((2, samples), dtype=np.float32)
    pulse = np.exp(-(np.arange(samples) % (RATE_HZ // 2)) / (0.1 * RATE_HZ)).astype(np.float32)
    return 0.05 * pulse * np.stack([middle + 0.3 * side, middle - 0.3 * side])


def voice_and_backing(minutes: float = MINUTES) -> tuple[np.ndarray, np.ndarray]:
    """Noise in notes of a quarter second, and noise, each float32 (2, samples)."""
    rng = np.random.default_rng(0)
    notes = np.repeat(rng.random(round(minutes * 60 * 4)) ** 2, RATE_HZ // 4)
    voice = (0.1 * notes * rng.standard_normal((2, notes.size))).astype(np.float32)
    return voice, (0.05 * rng.standard_normal(voice.shape)).astype(np.float32)


def stems(duration_s: float) -> dict[str, np.ndarray]:
    """The stems of a generated song, each float32 (2, samples)."""
    from mixprior.pipeline.synthesis import SCORES, perform

    return perform(replace(SCORES[0], duration_s=duration_s))


def write_stems(folder: Path, duration_s: float) -> None:
    """Write them into a folder as float WAV files, with the song's four usual names."""
    import soundfile

    folder.mkdir(parents=True)
    for name, audio in stems(duration_s).items():
        soundfile.write(folder / f"{name}.wav", audio.T, RATE_HZ, "FLOAT")


def song_file() -> Path:
    """`song` as a float WAV file in the folder of the process."""
    import soundfile

    path = Path("song.wav").absolute()
    soundfile.write(path, song().T, RATE_HZ, "FLOAT")
    return path
