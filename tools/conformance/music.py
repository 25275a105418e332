"""Real songs by our meters and by libebur128, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from scipy.signal import firwin, upfirdn

from mixprior.stats.sound import Sound
from tools.conformance import libebur128

FOLDERS = ("songs", "more_songs")
SUFFIXES = {".mp3", ".ogg"}
INTEGRATED_LU, RANGE_LU, PEAK_DB = 0.01, 0.1, 0.1
"""How far our reading may be from libebur128's."""


@dataclass(frozen=True)
class Comparison:
    """One song: our readings and theirs.

    Attributes:
        dense_peak_dbtp: where the true peaks differ by more than `PEAK_DB`, that of a far longer and denser
            interpolation; None elsewhere.
    """

    song: str
    ours: libebur128.Reading
    theirs: libebur128.Reading
    dense_peak_dbtp: float | None

    @property
    def loudness_passes(self) -> bool:
        """Whether integrated loudness and loudness range agree."""
        integrated = abs(self.ours.integrated_lufs - self.theirs.integrated_lufs) <= INTEGRATED_LU
        return integrated and abs(self.ours.loudness_range_lu - self.theirs.loudness_range_lu) <= RANGE_LU

    @property
    def peak_passes(self) -> bool:
        """Whether the true peaks agree."""
        return abs(self.ours.true_peak_dbtp - self.theirs.true_peak_dbtp) <= PEAK_DB


def songs(music: Path) -> list[Path]:
    """List the songs below `FOLDERS` of a folder."""
    return sorted(path for name in FOLDERS for path in (music / name).iterdir() if path.suffix in SUFFIXES)


def compare(path: Path) -> Comparison:
    """Decode a song once and measure the same samples twice, at the rate of the file."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        decoded = (*container.decode(audio=0), None)
        audio = np.hstack([frame.to_ndarray() for piece in decoded for frame in resampler.resample(piece)])
        rate_hz = int(container.streams.audio[0].rate)
    song = Comparison(path.stem, ours(audio, rate_hz), libebur128.read(audio, rate_hz), None)
    return song if song.peak_passes else replace(song, dense_peak_dbtp=dense_peak_dbtp(audio))


def dense_peak_dbtp(audio: np.ndarray) -> float:
    """True peak by 64-fold interpolation over 1,000 samples, around the highest peak of a fourfold one.

    Both meters take four values a sample from short filters. This one shows which of them is nearer.

    Args:
        audio: float, shape (channels, samples), full scale 1.0.
    """
    peaks = []
    for channel in audio.astype(float):
        coarse = np.abs(_interpolated(channel, 4, reach=64))
        highest = int(coarse.argmax()) // 4 - 64
        around = channel[max(0, highest - 2_000) : highest + 2_000]
        peaks.append(np.abs(_interpolated(around, 64, reach=500)).max())
    return 20 * float(np.log10(max(peaks)))


def _interpolated(samples: np.ndarray, factor: int, reach: int) -> np.ndarray:
    low_pass = factor * firwin(2 * reach * factor + 1, 1 / factor, window=("kaiser", 12.0))
    return np.asarray(upfirdn(low_pass, samples, factor))


def comparisons(music: Path) -> Iterator[Comparison]:
    """Compare every song of a folder."""
    yield from map(compare, songs(music))


def ours(audio: np.ndarray, rate_hz: int) -> libebur128.Reading:
    """What we read of a sound: float32, shape (channels, samples)."""
    sound = Sound(audio, rate_hz)
    values = (sound.integrated_lufs, sound.loudness_range_lu, None, sound.true_peak_dbtp)
    return libebur128.Reading(*(float("nan") if value is None else value for value in values))
