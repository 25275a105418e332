"""How hard a sound hits: the level of its loudest onsets, and its crest factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from mixprior.stats.fft.lanes import LANES
from mixprior.stats.frames import Frames
from mixprior.stats.measures import onsets, panning
from mixprior.stats.statistic import Column, Family, Statistic, Value

if TYPE_CHECKING:
    from mixprior.stats.stem import Stem

PEAK_DBFS = -10.0
"""Peak of the sound before its onsets are looked for."""

PERCENTILE = 75.0


def onset_peaks_db(audio: np.ndarray) -> tuple[float, float] | None:
    """Mean and standard deviation of the loudest onset peaks, once the sound's peak is at -10 dBFS.

    FxNorm-automix's compression feature: the peak |x| from each onset to the next, in dB; of these, the ones above
    their 75th percentile (all of them where none is above), channel by channel; then the mean over the channels.
    A channel without onsets is left out.

    Args:
        audio: float32, shape (channels, samples), with sound in it.

    Returns:
        Mean and standard deviation in dB; None where no channel has an onset.
    """
    peaks, highest = OnsetPeaks(len(audio)), _peak(audio)
    peaks.add(audio, highest)
    return peaks.result(highest)


class OnsetPeaks:
    """`onset_peaks_db` of a sound that comes in pieces of any length.

    Args:
        channels: number of channels.
    """

    def __init__(self, channels: int) -> None:
        self._frames = Frames(onsets.HOP, onsets.HOP, LANES)
        self._channels = [_Hits() for _ in range(channels)]
        self._waiting: list[np.ndarray] = []  # samples of which it is not known which onset they follow
        self._first = 0  # the first of them

    def add(self, audio: np.ndarray, peak: float) -> None:
        """Take the next piece.

        Args:
            audio: float32, shape (channels, samples).
            peak: largest sample of the whole sound; where it is not known yet, of what is known of it.
        """
        self._waiting.append(audio)
        for batch in self._frames.add(audio):
            self._find(batch, peak)
        self._waiting = [np.concatenate(self._waiting, axis=1)]  # not views

    def result(self, peak: float) -> tuple[float, float] | None:
        """Return mean and standard deviation in dB over all pieces; to be called once."""
        self._find(self._frames.last(), peak)
        self._settle(self._first + sum(part.shape[1] for part in self._waiting))
        found = [values for hits in self._channels if (values := hits.loudest_db(_gain(peak))) is not None]
        if not found:
            return None
        mean_db, sd_db = np.mean([(values.mean(), values.std()) for values in found], axis=0)
        return float(mean_db), float(sd_db)

    def _find(self, batch: np.ndarray, peak: float) -> None:
        for hits, *novelty in zip(self._channels, *onsets.novelty(batch, _gain(peak)), strict=True):
            hits.find(*novelty)
        self._settle(self._channels[0].settled)

    def _settle(self, end: int) -> None:
        """Take up to a sample what waits into the peaks of its onsets."""
        while self._waiting and self._first < end:
            samples = min(end - self._first, self._waiting[0].shape[1])
            for hits, signal in zip(self._channels, self._waiting[0], strict=True):
                hits.take(signal[:samples], self._first)
            self._first += samples
            left = self._waiting.pop(0)[:, samples:]
            if left.size:
                self._waiting.insert(0, left)


class _Hits:
    """Onsets of one channel and the largest |x| from each to the next."""

    def __init__(self) -> None:
        self._finder = onsets.OnsetFinder()
        self._starts = np.zeros(0, np.int64)  # of which the samples have not been taken
        self._peaks: list[float] = []

    @property
    def settled(self) -> int:
        """Samples from the beginning in which no more onsets will be found."""
        return self._finder.settled

    def find(self, novelty: np.ndarray, audible: np.ndarray) -> None:
        """Find the onsets of some more frames."""
        self._starts = np.concatenate((self._starts, self._finder.add(novelty, audible)))

    def take(self, signal: np.ndarray, first: int) -> None:
        """Take the next samples, of which all onsets are known, and which begin with sample `first`."""
        count = np.searchsorted(self._starts, first + len(signal))
        before, *peaks = _largest(np.ascontiguousarray(signal), self._starts[:count] - first).tolist()
        if self._peaks:
            self._peaks[-1] = max(self._peaks[-1], before)
        self._peaks += peaks
        self._starts = self._starts[count:]

    def loudest_db(self, gain: float) -> np.ndarray | None:
        """The peaks above the percentile, float32, all of them where none is above; None without onsets."""
        if not self._peaks:
            return None
        peaks_db = 20.0 * np.log10(np.array(self._peaks, np.float32) * np.float32(gain))
        loudest = peaks_db[peaks_db > np.percentile(peaks_db, PERCENTILE)]
        return loudest if len(loudest) else peaks_db


@numba.njit(cache=True, nogil=True)
def _largest(signal: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Largest |x| before the first of the ascending places `starts`, and from each of them to the next: float32."""
    # Sizes of floats are compared as the integers that their bits are: the compiler vectorises no maximum of floats.
    found, bits, unsigned = np.zeros(starts.size + 1, np.int32), signal.view(np.int32), np.int32(0x7FFFFFFF)
    for k in range(found.size):
        begin = 0 if k == 0 else starts[k - 1]
        end = signal.size if k == starts.size else starts[k]
        part, largest = bits[begin:end], np.int32(0)
        for n in range(part.size):
            largest = max(largest, part[n] & unsigned)
        found[k] = largest
    return found.view(np.float32)


def _gain(peak: float) -> float:
    """To a peak of -10 dBFS; silence is left silent."""
    return 10.0 ** (PEAK_DBFS / 20) / peak if peak > 0 else 0.0


def crest_factor_db(audio: np.ndarray) -> float:
    """Peak over root mean square, both over all channels, in dB.

    A sine alike in both channels reads 3.01, and 6.02 if it is on one side only.

    Args:
        audio: float32, shape (channels, samples), one or two channels, with sound in it.
    """
    left, right, _ = panning.energies(np.broadcast_to(audio, (2, audio.shape[1])))
    return crest_factor_of_sums_db(_peak(audio), left + right, 2 * audio.shape[1])


def crest_factor_of_sums_db(peak: float, energy: float, samples: int) -> float:
    """`crest_factor_db` by the peak, the sum of squares, and how many samples there are, over all channels."""
    return float(20.0 * np.log10(peak) - 10.0 * np.log10(energy / samples))


def _peak(audio: np.ndarray) -> float:
    return float(max(audio.max(), -audio.min()))


def _measure(stem: Stem) -> dict[str, Value]:
    if stem.silent:
        return dict.fromkeys((column.name for column in STATISTIC.columns), None)
    mean_db, sd_db = stem.onset_peaks_db or (None, None)
    return {"onset_peak_mean_db": mean_db, "onset_peak_sd_db": sd_db, "crest_factor_db": stem.crest_factor_db}


STATISTIC = Statistic(
    columns=(
        Column(
            "onset_peak_mean_db",
            "dBFS",
            "mean of the onset peaks above their 75th percentile, the sound's peak at -10 dBFS, mean over the channels "
            "(FxNorm-automix; onsets by high-frequency content)",
            0.05,
            title="Onset peaks, mean",
            family=Family.DYNAMICS,
        ),
        Column(
            "onset_peak_sd_db",
            "dB",
            "standard deviation of the same onset peaks, mean over the channels (FxNorm-automix)",
            0.05,
            title="Onset peaks, spread",
            family=Family.DYNAMICS,
        ),
        Column(
            "crest_factor_db",
            "dB",
            "peak over root mean square, both over all channels",
            0.05,
            title="Crest factor",
            family=Family.DYNAMICS,
        ),
    ),
    rows=None,
    measure=_measure,
)
