"""Damage of PCM that has no checksum: single wrong samples, short dropouts to zero, bursts of garbage.

Everything is judged by the fourth difference, which is six times the error of predicting a sample from its two
neighbours on either side. What a song holds on purpose looks otherwise. An onset, a clipped peak, the edge of a square
wave and a click of vinyl ring or stay: with one sample repaired, the fourth difference around it is as large as before.
A gate closes near zero. Noise decays. And what recurs all through a sound is of the sound, unless it is flipped bits.
"""

from __future__ import annotations

import numba
import numpy as np

_PIECE = 32
"""Samples whose fourth differences are looked at together."""
_PIECES_AT_ONCE = 64
_MARGIN = 34 * _PIECE
"""Samples that must be known on either side of a place: the longest dropout, and a piece at each end."""
_HEAD = 2 * _MARGIN + 2 * _PIECE
"""More samples than are ever left of a piece for the next one."""
_RATIO = 6.0
"""Fourth difference at a wrong sample over the largest within 32 samples of it once it is repaired."""
_SMALLEST = 1 / 32
"""Smallest error of a single sample that is looked for."""
_DROPOUT_SAMPLES = (16, 1_024)
"""Shortest and longest dropout: 200 bytes are 50 samples of 16-bit stereo, 4 KiB are 1 024."""
_EDGE = 1 / 1024
"""Level at both ends of a dropout: music that is zero for a while is near zero before and after."""
_EDGE_STEPS = 4.0
"""The same over the smallest difference of neighbours within 32 samples."""
_LOUD = 1 / 8
"""Level from which two equal highest samples are clipped."""
_GARBAGE, _STILL_GARBAGE = 2.0, 1.5
"""Mean absolute fourth difference of a piece; that of random bytes is 3.9."""
_ABRUPT = 6.0
"""Mean absolute fourth difference of garbage over that before and after it."""
_RARE = 0.25
"""Share of a sound's seconds up to which events are accidents."""
_BIT_SHARE, _BIT_OCTAVES, _ONE_SIZE, _FEWEST_BITS = 0.4, 0.07, 0.75, 12
"""Of so many errors, share within so many octaves of a power of two (0.14 by chance), and largest share of one size."""


class DamageSearch:
    """Searches a sound that comes in pieces of any length, but for its first and last 1 088 samples.

    Args:
        rate_hz: sample rate.

    >>> music = np.sin(np.arange(88_200) / 20, dtype=np.float32).reshape(1, -1)
    >>> search = DamageSearch(44_100)
    >>> search.add(music)
    >>> search.is_damaged()
    False
    >>> music[0, 20_000] -= 0.5
    >>> search = DamageSearch(44_100)
    >>> search.add(music)
    >>> search.is_damaged()
    True
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = 0
        self._rest: np.ndarray | None = None
        self._bursts = np.zeros(0)
        self._seconds: set[int] = set()
        self._errors: list[np.ndarray] = []

    def add(self, audio: np.ndarray) -> None:
        """Take the next piece: float32, shape (channels, samples), full scale 1.0, finite."""
        if self._rest is None:
            self._rest, self._bursts = np.zeros((len(audio), 0), np.float32), np.zeros(len(audio))
        audio = np.ascontiguousarray(audio)
        if self._rest.shape[1] and audio.shape[1] > _HEAD:
            # What is left goes with the beginning of the piece, and what that leaves begins in the piece itself.
            self._take(np.concatenate([self._rest, audio[:, :_HEAD]], axis=1), _HEAD)
            left = self._rest.shape[1]
            self._take(audio[:, _HEAD - left :], audio.shape[1] - _HEAD)
        else:
            self._take(np.concatenate([self._rest, audio], axis=1), audio.shape[1])

    def _take(self, sound: np.ndarray, new: int) -> None:
        """Search a sound that begins with what is left of the one before, and has so many new samples."""
        self._samples += new
        begins = self._samples - sound.shape[1]
        end = (sound.shape[1] - _MARGIN) // _PIECE * _PIECE
        if end <= _MARGIN:
            self._rest = sound
            return
        places = [_dropouts(sound, _MARGIN, end)]
        for number, channel in enumerate(sound):
            highest, mean = _bends(channel, _MARGIN - 2 * _PIECE, end + 2 * _PIECE)
            wrong, errors = _wrong_samples(channel, highest, _MARGIN)
            garbage, self._bursts[number] = _garbage(channel, mean, _MARGIN, self._bursts[number])
            self._errors.append(errors)
            places += [wrong, _MARGIN + garbage * _PIECE]
        self._seconds.update(((begins + np.concatenate(places)) // self._rate_hz).tolist())
        self._rest = sound[:, end - _MARGIN :].copy()

    def is_damaged(self) -> bool:
        """Whether what was found so far is damage."""
        seconds = len(self._seconds)
        return 0 < seconds <= max(2.0, _RARE * self._samples / self._rate_hz) or self._are_flipped_bits()

    def _are_flipped_bits(self) -> bool:
        """Whether many of the errors are powers of two, and of several sizes: of one size, they may be a metronome."""
        octaves = np.log2(np.abs(np.concatenate([*self._errors, np.zeros(0)])))
        nearest = np.round(octaves)
        sizes, counts = np.unique(nearest[np.abs(octaves - nearest) < _BIT_OCTAVES], return_counts=True)
        if len(octaves) < _FEWEST_BITS or len(sizes) < 2:
            return False
        return bool(counts.sum() > _BIT_SHARE * len(octaves) and counts.max() < _ONE_SIZE * len(octaves))


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _bends(x: np.ndarray, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest and mean absolute fourth difference of each piece from `start` to `end`."""
    # Sizes of floats are compared as the integers that their bits are: the compiler vectorises no maximum of floats.
    pieces, half = (end - start) // _PIECE, _PIECE // 2
    highest, mean = np.zeros(pieces, np.int32), np.zeros(pieces, np.float32)
    four, six, of_all = np.float32(4), np.float32(6), np.float32(1 / _PIECE)
    bends = np.empty(_PIECES_AT_ONCE * _PIECE, np.float32)
    bits = bends.view(np.int32)
    for first in range(0, pieces, _PIECES_AT_ONCE):
        some = min(_PIECES_AT_ONCE, pieces - first)
        part = x[start + first * _PIECE - 2 : start + (first + some) * _PIECE + 2]
        for n in range(some * _PIECE):
            bends[n] = abs(part[n] + part[n + 4] - four * (part[n + 1] + part[n + 3]) + six * part[n + 2])
        for i in range(some):
            piece, piece_bits = bends[i * _PIECE : (i + 1) * _PIECE], bits[i * _PIECE : (i + 1) * _PIECE]
            high, total = np.int32(0), np.float32(0)
            for n in range(half):
                total += piece[n] + piece[n + half]
            for n in range(half):
                high = max(high, max(piece_bits[n], piece_bits[n + half]))
            highest[first + i], mean[first + i] = high, total * of_all
    return highest.view(np.float32), mean


@numba.njit(cache=True, nogil=True)
def _wrong_samples(x: np.ndarray, highest: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and errors of single wrong samples; `highest` is of the pieces from two before `start` to two after."""
    places, errors = [], []
    for i in range(2, len(highest) - 2):
        # An error at the edge of a piece is seen in one of its neighbours, too.
        if highest[i] > 6 * _SMALLEST and highest[i] > _RATIO * min(highest[i - 1], highest[i + 1]):
            at, high = 0, -1.0
            for n in range(start + (i - 2) * _PIECE, start + (i - 1) * _PIECE):
                bend = abs(_bend(x, n, x[n]))
                if bend > high:
                    at, high = n, bend
            repaired = (4 * (x[at - 1] + x[at + 1]) - x[at - 2] - x[at + 2]) / 6
            around = 0.0
            for n in range(at - _PIECE, at + _PIECE + 1):
                error = x[at] - repaired
                weight = 6 if n == at else -4 if abs(n - at) == 1 else 1 if abs(n - at) == 2 else 0
                around = max(around, abs(_bend(x, n, x[n]) - weight * error))
            if abs(x[at] - repaired) >= _SMALLEST and high > _RATIO * around and not _is_beside_flat(x, at):
                places.append(at)
                errors.append(x[at] - repaired)
    return np.array(places, np.int64), np.array(errors, np.float64)


@numba.njit(cache=True, nogil=True)
def _is_beside_flat(x: np.ndarray, n: int) -> bool:
    """Whether samples beside it are equal: clipped, or silence that a gate or an edit left."""
    if x[n] == x[n - 1] or x[n] == x[n + 1] or (x[n - 4] == x[n - 3] == x[n - 2]) or (x[n + 2] == x[n + 3] == x[n + 4]):
        return True
    around = np.concatenate((x[n - 5 : n], x[n + 1 : n + 6]))
    return (around.max() > _LOUD and (around == around.max()).sum() > 1) or (
        around.min() < -_LOUD and (around == around.min()).sum() > 1
    )


@numba.njit(cache=True, nogil=True)
def _bend(x: np.ndarray, n: int, value: float) -> float:
    """Fourth difference at a sample, of this value."""
    return x[n - 2] + x[n + 2] - 4 * (x[n - 1] + x[n + 1]) + 6 * value


@numba.njit(cache=True, nogil=True)
def _garbage(x: np.ndarray, mean: np.ndarray, start: int, level: float) -> tuple[np.ndarray, float]:
    """Where bursts end, in pieces, and the level of one that has not ended; arguments are as of `_wrong_samples`."""
    ends = []
    for i in range(2, len(mean) - 2):
        if level == 0 and mean[i] >= _GARBAGE and mean[i] > _ABRUPT * mean[i - 2]:
            level = mean[i]
        elif level > 0 and mean[i] < _STILL_GARBAGE:
            if level > _ABRUPT * mean[i + 1]:
                ends.append(i - 2)
            level = 0.0
        if level > 0 and _is_clipped(x, start + (i - 2) * _PIECE):
            level = 0.0
    return np.array(ends, np.int64), level


@numba.njit(cache=True, nogil=True)
def _is_clipped(x: np.ndarray, start: int) -> bool:
    """Whether a piece has its highest or lowest sample twice; of random bytes it hardly ever does."""
    piece = x[start : start + _PIECE]
    return (piece == piece.max()).sum() > 1 or (piece == piece.min()).sum() > 1


@numba.njit(cache=True, nogil=True)
def _dropouts(sound: np.ndarray, start: int, end: int) -> np.ndarray:
    """Where all channels fall to zero at once and come back at once."""
    shortest, longest = _DROPOUT_SAMPLES
    places = []
    for n in range(start, end, shortest):  # every dropout covers one of these
        before = after = n
        while before > n - shortest and _is_zero(sound, before):
            before -= 1
        if not n - shortest < before < n:
            continue
        while after - before <= longest and _is_zero(sound, after):
            after += 1
        if shortest < after - before <= longest + 1:
            edge = min(_edge(sound, before, -1), _edge(sound, after, 1))
            if edge >= _EDGE and edge > _EDGE_STEPS * _step(sound, before, after):
                places.append(n)
    return np.array(places, np.int64)


@numba.njit(cache=True, nogil=True)
def _is_zero(sound: np.ndarray, n: int) -> bool:
    for channel in range(len(sound)):  # noqa: SIM110  (numba compiles no generators)
        if sound[channel, n] != 0:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _step(sound: np.ndarray, before: int, after: int) -> float:
    """Smallest difference of neighbours next to a dropout: a step of a coarse sound, which rests at zero."""
    step = np.inf
    for channel in sound:
        for n in range(_PIECE):
            for place in (before - n, after + n + 1):
                difference = abs(channel[place] - channel[place - 1])
                if 0 < difference < step:
                    step = difference
    return step


@numba.njit(cache=True, nogil=True)
def _edge(sound: np.ndarray, n: int, away: int) -> float:
    """Level of the last sample before zero, unless the one before it (`away`) says that zero is where it was going."""
    level = 0.0
    for channel in range(len(sound)):
        here, next_to_it = sound[channel, n], sound[channel, n + away]
        if here != next_to_it:  # else samples are held
            level = max(level, min(abs(here), abs(2 * here - next_to_it)))
    return level
