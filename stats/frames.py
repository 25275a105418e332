"""Overlapping frames of a sound that comes in pieces of any length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numba
import numpy as np

from mixprior.stats.fft.lanes import LANES, load, store, zeros


class Frames:
    """Cuts a sound that comes in pieces of any length into frames.

    No end is padded; what does not fill a frame at the end is left out. How many frames come at once depends on the
    pieces: what is measured of a frame must not depend on those beside it.

    Args:
        frame: samples of a frame.
        hop: samples from one frame to the next.
        at_once: frames come in multiples of this.

    >>> frames = Frames(4, 2, 2)
    >>> [batch.tolist() for batch in frames.add(np.arange(7.0)[np.newaxis])]
    [[[[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0]]]]
    >>> [batch.tolist() for batch in frames.add(np.arange(7.0, 9.0)[np.newaxis])], frames.last().tolist()
    ([], [[[4.0, 5.0, 6.0, 7.0]]])
    """

    def __init__(self, frame: int, hop: int, at_once: int) -> None:
        self._frame, self._hop, self._at_once = frame, hop, at_once
        self._rest: np.ndarray | None = None

    def add(self, audio: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the frames that a piece completes: views of shape (channels, a multiple of at_once, frame).

        Args:
            audio: float, shape (channels, samples): what follows the pieces before.
        """
        left = 0 if self._rest is None else self._rest.shape[1]
        step = self._hop * self._at_once
        batches = -(-left // step)  # that begin in what is left: with it goes as much of the piece as they take
        taken = (batches - 1) * step + step - self._hop + self._frame - left
        if left and taken <= audio.shape[1]:
            yield self._frames(joined(self._rest, audio[:, :taken]), batches * self._at_once)
            audio = audio[:, batches * step - left :]
        else:
            audio = joined(self._rest, audio)
        whole = self._count(audio) // self._at_once * self._at_once
        self._rest = audio[:, whole * self._hop :].copy()
        if whole:
            yield self._frames(audio, whole)

    def last(self) -> np.ndarray:
        """Return the frames that are left: shape (channels, fewer than at_once, frame)."""
        assert self._rest is not None, "no piece was added"
        return self._frames(self._rest, self._count(self._rest))

    def _count(self, audio: np.ndarray) -> int:
        return max(0, (audio.shape[1] - self._frame) // self._hop + 1)

    def _frames(self, audio: np.ndarray, count: int) -> np.ndarray:
        # (At a tenth of the time of numpy's sliding_window_view, which checks what is known here.)
        of_channel, of_sample = audio.strides
        shape, strides = (len(audio), count, self._frame), (of_channel, self._hop * of_sample, of_sample)
        return np.lib.stride_tricks.as_strided(audio, shape, strides, writeable=False)


class LongFrames:
    """`Frames` that are longer than pieces are: their samples are copied once, into a buffer of several batches.

    Args:
        frame: samples of a frame.
        hop: samples from one frame to the next.
        at_once: frames of a batch, which is read before the next is asked for.
        channels: rows of the sound.

    >>> frames = LongFrames(4, 2, 1, 1)
    >>> [batch.copy().tolist() for batch in frames.add(np.arange(11.0)[np.newaxis])]
    [[[[0.0, 1.0, 2.0, 3.0]]], [[[2.0, 3.0, 4.0, 5.0]]], [[[4.0, 5.0, 6.0, 7.0]]], [[[6.0, 7.0, 8.0, 9.0]]]]
    >>> [batch.tolist() for batch in frames.add(np.arange(11.0, 12.0)[np.newaxis])], [*frames.last()][0].tolist()
    ([], [[[8.0, 9.0, 10.0, 11.0]]])
    """

    _BATCHES = 4

    def __init__(self, frame: int, hop: int, at_once: int, channels: int) -> None:
        self._at_once, self._taken = at_once, hop * at_once * self._BATCHES
        self._buffer = zeros(channels, self._taken - hop + frame)
        self._frames = np.lib.stride_tricks.sliding_window_view(self._buffer, frame, axis=-1)[:, ::hop]
        self._frame, self._hop, self._held = frame, hop, 0

    def add(self, audio: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the full batches that a piece, float32, shape (channels, samples), completes: views as of `Frames`."""
        room = self._buffer.shape[1]
        while audio.shape[1]:
            part = audio[:, : room - self._held]
            self._buffer[:, self._held : self._held + part.shape[1]] = part
            self._held, audio = self._held + part.shape[1], audio[:, part.shape[1] :]
            if self._held == room:
                yield from self._batches(self._frames.shape[1])
                self._buffer[:, : room - self._taken] = self._buffer[:, self._taken :]  # they do not overlap
                self._held = room - self._taken

    def last(self) -> Iterator[np.ndarray]:
        """Yield the frames that are left, in batches of which the last may not be full."""
        yield from self._batches(max(0, (self._held - self._frame) // self._hop + 1))

    def _batches(self, frames: int) -> Iterator[np.ndarray]:
        for start in range(0, frames, self._at_once):
            yield self._frames[:, start : min(start + self._at_once, frames)]


class Stack:
    """Sounds of a song one above the other, without those that are sums: their spectra are the sums of spectra.

    Args:
        names: of the sounds.
        sums: those of them that are sums of others, and of which; a sum may be made of sums before it.

    Attributes:
        names: of the sounds.
        members: int64, shape (sounds, most members): for each sound the sounds in the stack that it is the sum of, its
            own place where it is none; then -1.

    >>> stack = Stack(["a", "b", "c", "all"], {"both": ["a", "b"], "all": ["both", "c"]})
    >>> stack.members.tolist()
    [[0, -1, -1], [1, -1, -1], [2, -1, -1], [0, 1, 2]]
    >>> stack.of({name: np.full((2, 1), k) for k, name in enumerate("abc")}).ravel().tolist()
    [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    """

    def __init__(self, names: Iterable[str], sums: Mapping[str, Sequence[str]]) -> None:
        self.names = list(names)
        self._stacked = [name for name in self.names if name not in sums]

        def parts(name: str) -> list[int]:
            return [place for part in sums[name] for place in parts(part)] if name in sums else [places[name]]

        places = {name: place for place, name in enumerate(self._stacked)}
        found = [parts(name) for name in self.names]
        self.members = np.full((len(found), max(map(len, found))), -1)
        for row, members in zip(self.members, found, strict=True):
            row[: len(members)] = members

    @property
    def channels(self) -> int:
        """Rows of the stack."""
        return 2 * len(self._stacked)

    def of(self, sounds: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the stack, shape (channels, samples), of stereo sounds that are equally long."""
        return stacked([sounds[name] for name in self._stacked])


def stacked(sounds: Sequence[np.ndarray]) -> np.ndarray:
    """Put sounds of one shape, (channels, samples), one above the other as float32, row by row in memory.

    Returns:
        A view where they are that already.

    >>> both = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]], np.float32)
    >>> np.shares_memory(stacked([both[:2], both[2:]]), both), stacked([both[2:], both[:2]]).tolist()[0]
    (True, [4.0, 5.0])
    """
    first = sounds[0]
    begin, bytes_each = first.__array_interface__["data"][0], first.nbytes
    if first.base is not None and all(
        sound.base is first.base
        and sound.__array_interface__["data"][0] == begin + k * bytes_each
        and sound.flags.c_contiguous
        and sound.dtype == np.float32
        for k, sound in enumerate(sounds)
    ):
        return np.lib.stride_tricks.as_strided(first, (len(first) * len(sounds), first.shape[1]))
    return np.ascontiguousarray(np.concatenate(sounds), np.float32)


@numba.njit(nogil=True)
def sum_of_members(stack: np.ndarray, members: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the part of a stack that is a sound's, or `total`, filled with its sum over the sound's members.

    Args:
        stack: float32, shape (sounds in the stack * size,).
        members: of the sound: a row of `Stack.members`.
        total: float32, shape (size,).
    """
    size = total.size
    if members.size == 1 or members[1] < 0:
        return stack[members[0] * size : (members[0] + 1) * size]
    one, other = stack[members[0] * size : (members[0] + 1) * size], stack[members[1] * size : (members[1] + 1) * size]
    for n in range(0, size, LANES):
        store(total, n, load(one, n) + load(other, n))
    for member in members[2:]:
        if member >= 0:
            other = stack[member * size : (member + 1) * size]
            for n in range(0, size, LANES):
                store(total, n, load(total, n) + load(other, n))
    return total


def joined(rest: np.ndarray | None, audio: np.ndarray) -> np.ndarray:
    """Put a piece after what is left of the pieces before; without a rest, the piece itself."""
    return audio if rest is None or rest.shape[1] == 0 else np.concatenate([rest, audio], axis=1)
