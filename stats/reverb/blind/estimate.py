"""The reverberation of vocals, estimated from the wet vocals alone: times, wet-to-dry energy, confidence.

No dry vocals and no impulse response are needed. Small networks were trained on vocals of known reverberation, in clean
recordings and as HTDemucs separates them (`blind_model.json` records on what, and
how well). Singing shows reverberation times by octave and the wet level; it does not show room size, fade-in or the
corners of the shelves.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numba
import numpy as np

from mixprior.stats.frames import joined
from mixprior.stats.reverb.blind import beyond_middle, decay_features
from mixprior.stats.reverb.blind.decay_features import OCTAVES_HZ, SEGMENT_S
from mixprior.stats.reverb.blind.perceptron import Perceptrons

DECAY_TIMES_S = tuple(float(t) for t in np.geomspace(0.02, 2.0, 12))
"""Times after the direct sound at which the decay is given."""
MOST_SEGMENTS = 8
SHORTEST_S = 3.0

_RATE_HZ = 44_100
_BLOCK = 4_410
_ACTIVE_DB = -25.0  # a block this far below the loudest is a pause
_LEAST_ACTIVE = 0.25
_MIDDLE_DB = -40.0  # under its side: vocals out of phase with themselves, which cannot be measured
_OCTAVES = len(OCTAVES_HZ)
_TIMES, _LEVELS = slice(0, 1 + _OCTAVES), slice(1 + _OCTAVES, 2 + 2 * _OCTAVES)


@dataclass(frozen=True)
class Reverberation:
    """The estimated reverberation of vocals.

    Attributes:
        rt60_s: reverberation time (T20 of the response, all frequencies), seconds for 60 dB.
        rt60_octaves_s: the same in the octaves 250 Hz to 4 kHz, float64, (5,).
        wet_dry_db: energy of the reverberation against that of the direct sound, dB.
        wet_dry_octaves_db: the same in the octaves, (5,).
        confidence: 0 to 1: exp(-e), e being the expected |ln estimate - ln truth| of the reverberation time. It depends
            on the level, and on whether the vocals were separated: `Perceptrons.expected_error`.
        segments: how many stretches of 7.8 s it was read from.
        rt60_interval_s: 90 % interval of `rt60_s`: `Perceptrons.interval`; None where it is not known.
    """

    rt60_s: float
    rt60_octaves_s: np.ndarray
    wet_dry_db: float
    wet_dry_octaves_db: np.ndarray
    confidence: float
    segments: int
    rt60_interval_s: tuple[float, float] | None = None

    @property
    def wet_dry_250_4000_db(self) -> float:
        """Wet-to-dry energy in the five octaves: the mean, as of a direct sound with equal energy in each."""
        return float(10 * np.log10(np.mean(10 ** (self.wet_dry_octaves_db / 10))))

    def decay_db(self, times_s: np.ndarray) -> np.ndarray:
        """Energy decay relief: energy of the reverberation per second, against the direct sound's in that octave.

        Exponential in each octave: `wet_dry + 10 log10(ln(10^6) / rt60) - 60 t / rt60`.

        Args:
            times_s: after the direct sound, (frames,).

        Returns:
            float64 dB, (5, frames).
        """
        rate = np.log(1e6) / self.rt60_octaves_s
        level = self.wet_dry_octaves_db + 10 * np.log10(rate)
        return level[:, None] - 60 * times_s[None] / self.rt60_octaves_s[:, None]


def estimate(vocals: np.ndarray, rest: np.ndarray | None = None) -> Reverberation | None:
    """Estimate the reverberation of vocals.

    Args:
        vocals: float32, (2, samples), 44.1 kHz.
        rest: what else is in the song, of the same shape, if the vocals were separated from it; tails that it covers
            are not trusted then, and a larger error is expected.

    Returns:
        The estimate; None where there are not three seconds of singing.
    """
    stretches = SungStretches()
    stretches.add(vocals)
    stretches.add_again(vocals, rest)
    return stretches.result()


def joint(rows: list[np.ndarray], separated: bool) -> Reverberation:
    """Estimate of the whole by the features of its stretches, and whether it was separated."""
    answers, spread = model().predict(np.stack(rows))
    expected = np.asarray(spread[:, 0], np.float64)
    weight = expected**-2 / np.sum(expected**-2)
    answer = weight @ answers
    times_s = np.clip(np.exp(model().log_times(answer[_TIMES], np.array(separated))), 0.05, 10.0)
    level_db = answer[_LEVELS][0]
    error = model().expected_error(weight @ expected, level_db, np.array(separated))
    factor = np.exp(model().interval(error, np.array(separated)))
    return Reverberation(
        rt60_s=float(times_s[0]),
        rt60_octaves_s=times_s[1:],
        wet_dry_db=float(level_db),
        wet_dry_octaves_db=answer[_LEVELS][1:],
        confidence=float(np.exp(-error)),
        segments=len(rows),
        rt60_interval_s=(float(times_s[0] / factor), float(times_s[0] * factor)),
    )


def segments(vocals: np.ndarray) -> list[tuple[int, int]]:
    """Where there is most singing: (start, stop) in samples of at most `MOST_SEGMENTS` stretches, in order.

    The song is cut into stretches of 7.8 s, the last one ending with it; one counts if a quarter of its 100 ms blocks
    is within 25 dB of the loudest block, in the middle of the stereo picture. No stretch counts with less than three
    seconds of such blocks in all, or if the middle holds next to none of their energy.
    """
    return _chosen(*_block_energies(vocals, 0.0))


def _chosen(energy: np.ndarray, side: float) -> list[tuple[int, int]]:
    """`segments` by the energy of the middle in each 100 ms and that of the side in all."""
    blocks = energy.size
    if blocks == 0 or not energy.sum() > side * 10 ** (_MIDDLE_DB / 10):
        return []
    active = energy > energy.max() * 10 ** (_ACTIVE_DB / 10)
    if active.sum() * 0.1 < SHORTEST_S:
        return []
    length = round(SEGMENT_S * 10)
    starts = list(range(0, max(1, blocks - length + 1), length))
    if blocks - starts[-1] > length:
        starts.append(blocks - length)
    share = np.array([active[s : s + length].mean() for s in starts])
    # A stable sort: the earlier of two stretches alike comes first.
    chosen = [k for k in np.argsort(-share, kind="stable")[:MOST_SEGMENTS] if share[k] >= _LEAST_ACTIVE]
    return [(starts[k] * _BLOCK, min(starts[k] + length, blocks) * _BLOCK) for k in sorted(chosen)]


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _block_energies(vocals: np.ndarray, side: float) -> tuple[np.ndarray, float]:
    """Energy of the middle in each 100 ms, (blocks,), and of the side in all, added to what it was."""
    middle = np.zeros(vocals.shape[1] // _BLOCK)
    for block in range(middle.size):
        left, right = vocals[0, block * _BLOCK :], vocals[1, block * _BLOCK :]
        sums = differences = 0.0
        for n in range(_BLOCK):
            sums += (left[n] + right[n]) ** 2
            differences += (left[n] - right[n]) ** 2
        middle[block] = sums / 4
        side += differences / 4
    return middle, side


class SungStretches:
    """`estimate` of vocals that come in pieces of any length, twice, or once and then again at a distance.

    Where there is most singing is known for sure when all pieces have come once. From then on only the stretches that
    are chosen are described; before that, all that may be.
    """

    def __init__(self) -> None:
        self._rest = np.zeros((2, 0), np.float32)
        self._energy: list[np.ndarray] = []
        self._side = 0.0
        self._parts = np.zeros((3, 0), np.float32)
        self._first = self._end = 0  # the samples that are in there
        self._separated = False
        self._rows: dict[int, np.ndarray] = {}
        self._chosen: set[int] | None = None

    def add(self, vocals: np.ndarray) -> None:
        """Take the next piece: float32, (2, samples), 44.1 kHz."""
        vocals = np.ascontiguousarray(joined(self._rest, vocals))
        energy, self._side = _block_energies(vocals, self._side)
        self._energy.append(energy)
        self._rest = vocals[:, energy.size * _BLOCK :].copy()

    def add_again(self, vocals: np.ndarray, rest: np.ndarray | None = None, complete: bool = True) -> None:
        """Take the next piece again.

        Args:
            vocals: as before.
            rest: what else sounds, of the same shape.
            complete: whether all pieces have come once.
        """
        self._separated = rest is not None
        length, before = round(SEGMENT_S * 10) * _BLOCK, self._end
        self._append(vocals, rest)
        if self._end // length == before // length:  # no stretch has become complete
            return
        wanted = self._wanted(complete)
        for start in range(-(-self._first // length) * length, self._end - length + 1, length):
            if start in wanted and start not in self._rows:
                self._describe(start, start + length)
        # The last stretch ends with the song, and may begin in the last of these.
        kept = max(0, (self._end // length - 1) * length - self._first)
        left = self._end - self._first - kept
        self._parts[:, :left] = self._parts[:, kept : kept + left].copy()
        self._first += kept

    def result(self) -> Reverberation | None:
        """Return the estimate over all pieces; None where there are not three seconds of singing."""
        segments = self._segments()
        for start, stop in segments:
            if start not in self._rows:
                self._describe(start, stop)
        return joint([self._rows[start] for start, _ in segments], self._separated) if segments else None

    def _append(self, vocals: np.ndarray, rest: np.ndarray | None) -> None:
        """Keep the parts of a piece that are described."""
        begin = self._end - self._first
        self._end += vocals.shape[1]
        end = self._end - self._first
        if end > self._parts.shape[1]:
            room = np.empty((3, end + 2 * round(SEGMENT_S * _RATE_HZ)), np.float32)
            room[:, :begin] = self._parts[:, :begin]
            self._parts = room
        for row, part in zip(self._parts, _parts(vocals, rest), strict=False):
            row[begin:end] = part

    def _describe(self, start: int, stop: int) -> None:
        parts = self._parts[: 2 + self._separated, start - self._first : stop - self._first]
        self._rows[start] = _description(*parts)

    def _segments(self) -> list[tuple[int, int]]:
        return _chosen(np.concatenate(self._energy), self._side)

    def _wanted(self, complete: bool) -> set[int]:
        """Starts of the stretches that are chosen, or may be."""
        if complete:
            if self._chosen is None:
                self._chosen = {start for start, _ in self._segments()}
            return self._chosen
        length, energy = round(SEGMENT_S * 10), np.concatenate(self._energy)
        active = energy > energy.max(initial=0.0) * 10 ** (_ACTIVE_DB / 10)
        starts = range(0, energy.size - length + 1, length)
        return {start * _BLOCK for start in starts if active[start : start + length].mean() >= _LEAST_ACTIVE}


def describe(vocals: np.ndarray, rest: np.ndarray | None = None) -> np.ndarray:
    """Features of one stretch, float32, (features,); arguments as `estimate` has them."""
    return _description(*_parts(vocals, rest))


def _parts(vocals: np.ndarray, rest: np.ndarray | None) -> Iterator[np.ndarray]:
    """The middle of the vocals, their side, and the middle of the rest, each (samples,)."""
    half = np.float32(0.5)
    yield (vocals[0] + vocals[1]) * half
    yield (vocals[0] - vocals[1]) * half
    if rest is not None:
        yield (rest[0] + rest[1]) * half


def _description(middle: np.ndarray, side: np.ndarray, rest: np.ndarray | None = None) -> np.ndarray:
    beyond = beyond_middle.beyond(middle, side)
    middle, side, beyond = map(decay_features.band_power, (middle, side, beyond))
    rest = np.zeros_like(middle) if rest is None else decay_features.band_power(rest)
    return np.concatenate([decay_features.features(middle, side, rest), beyond_middle.features(middle, beyond, rest)])


@lru_cache(maxsize=1)
def model() -> Perceptrons:
    """The model that the package carries."""
    return Perceptrons.load(io.BytesIO(_model_file()))


@lru_cache(maxsize=1)
def model_sha256() -> str:
    """Digest of the model's file, in hex: estimates of different models are not to be mixed."""
    return hashlib.sha256(_model_file()).hexdigest()


def _model_file() -> bytes:
    return resources.files("mixprior.stats.reverb.blind").joinpath("blind_model.npz").read_bytes()
