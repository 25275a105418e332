"""Bleed: what the microphone of a player hears of the others in a room, by image sources.

J. Allen and D. Berkley, "Image method for efficiently simulating small-room acoustics", JASA 65 (1979): in a box with
rigid walls each reflection is a source of its own, mirrored at the walls that it met. Its sound falls with the distance
and by the walls' reflection factor at each of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import oaconvolve

from mixprior.stats.statistic import SAMPLE_RATE_HZ

SPEED_M_S = 343.0
"""Of sound in air of 20 degrees."""
CLOSE_M = 0.3
"""From a player to the own microphone."""
ORDER = 3
"""Most reflections along each axis: later ones are weaker than close sound by 30 dB and more."""

_TAPS = 40
"""Samples before and after an arrival that its band-limited impulse takes."""
_SIZES_M = ((4.0, 3.5, 2.4), (12.0, 9.0, 4.0))
_ABSORPTION = (0.15, 0.7)
_WALL_M = 0.5

Place = tuple[float, float, float]


@dataclass(frozen=True)
class Room:
    """A box with one kind of wall, and who is where in it.

    Attributes:
        size_m: length, width, height.
        absorption: share of the energy that a wall takes, 0 to 1.
        places_m: of each player, by name; a corner of the room is the origin.
    """

    size_m: Place
    absorption: float
    places_m: Mapping[str, Place]

    def microphone_m(self, name: str) -> Place:
        """Where a player's microphone is: `CLOSE_M` above."""
        x, y, z = self.places_m[name]
        return x, y, z + CLOSE_M

    def response(self, source: str, microphone: str) -> np.ndarray:
        """Impulse response from a player to a player's microphone, float32, where the own close sound is 1 at once.

        >>> room = Room((6.0, 5.0, 3.0), 0.5, {"a": (2.0, 2.0, 1.2), "b": (4.0, 3.0, 1.2)})
        >>> bool(abs(room.response("a", "a")).max() > abs(room.response("b", "a")).max())
        True
        """
        distances_m, reflections = _images(self.size_m, self.places_m[source], self.microphone_m(microphone))
        gains = CLOSE_M / distances_m * np.sqrt(1 - self.absorption) ** reflections
        return _impulses((distances_m - CLOSE_M) / SPEED_M_S * SAMPLE_RATE_HZ, gains)


def draw(names: list[str], rng: np.random.Generator) -> Room:
    """Draw a room, and places in it that are half a metre and more from the walls."""
    low, high = (np.array(each) for each in _SIZES_M)
    size_m = rng.uniform(low, high)
    absorption = float(rng.uniform(*_ABSORPTION))
    spots_m = rng.uniform(_WALL_M, size_m - _WALL_M - np.array([0.0, 0.0, CLOSE_M]), (len(names), 3))
    return Room(_place(size_m), absorption, {name: _place(spot) for name, spot in zip(names, spots_m, strict=True)})


def with_bleed(tracks: Mapping[str, np.ndarray], room: Room) -> dict[str, np.ndarray]:
    """Add to each track what its microphone hears of the others.

    Args:
        tracks: by name of the player, float32, (2, samples), 44.1 kHz: close sound.
        room: where they play.

    Returns:
        The same with bleed, which is mono: one microphone a player.
    """
    mono = {name: track.mean(axis=0) for name, track in tracks.items()}
    found = {}
    for name, track in tracks.items():
        others = [oaconvolve(mono[other], room.response(other, name)) for other in tracks if other != name]
        heard = sum((each[: track.shape[1]] for each in others), np.zeros(track.shape[1], np.float32))
        found[name] = (track + heard).astype(np.float32)
    return found


def _images(size_m: Place, source_m: Place, microphone_m: Place) -> tuple[np.ndarray, np.ndarray]:
    """Distances of the image sources, and the walls that each has met."""
    axes = []
    for length, at, heard in zip(size_m, source_m, microphone_m, strict=True):
        numbers = [(n, mirrored) for n in range(-ORDER, ORDER + 1) for mirrored in (0, 1)]
        offsets = [(1 - 2 * mirrored) * at + 2 * n * length - heard for n, mirrored in numbers]
        met = [abs(n - mirrored) + abs(n) for n, mirrored in numbers]
        axes.append([(offset, count) for offset, count in zip(offsets, met, strict=True) if count <= ORDER])
    combined = np.array(list(itertools.product(*axes)))
    distances_m = np.linalg.norm(combined[..., 0], axis=1)
    return distances_m, combined[..., 1].sum(axis=1)


def _impulses(delays: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Sum band-limited impulses at delays in samples; what a delay below `_TAPS` has before 0 is cut off."""
    out = np.zeros(int(delays.max()) + 2 * _TAPS + 2)
    around = np.arange(-_TAPS, _TAPS + 1)
    for delay, gain in zip(delays, gains, strict=True):
        nearest = round(float(delay))
        off = around - (delay - nearest)
        window = np.cos(np.pi * off / (2 * _TAPS + 2)) ** 2
        taps = gain * np.sinc(off) * window
        start = nearest - _TAPS
        out[max(start, 0) : start + taps.size] += taps[max(-start, 0) :]
    return out.astype(np.float32)


def _place(values: np.ndarray) -> Place:
    x, y, z = (float(value) for value in values)
    return x, y, z
