"""Reverb sends: one FdnReverb that all tracks share, and how much of each goes to it.

What the direct paths leave is compared with the late response of the network to each track. The responses of two room
sizes have nothing in common sample by sample, so that the room is found by correlation; its times by the search of
Nelder and Mead, the sends at each step by least squares.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.fft
import scipy.optimize

from mixprior.learning.reverse.figure import Figure
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.residual import rendered
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.reverb import response
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound

LEAST_LEFT_DB = -60.0
"""Below this nothing is left that a reverb could have made."""
LEAST_SEND = 0.01
"""Amplitude below which a send is none."""
LEAST_EXPLAINED = 0.2
"""Share of what is left that a room has to explain."""
_FIRST = FdnReverbSettings(
    reverberation_time_s=1.2, highs_cutoff_hz=5000.0, lows_gain_db_s=0.0, highs_gain_db_s=-12.0, dry_wet=1.0
)
_LEAST_ALONE = 0.02
_LOW_HZ, _HIGH_HZ = 200.0, 10_000.0
_SECONDS = 12.0
_EARLY_S = 0.4
_TRIED = 90
_GROUPS, _RANGES = 24, 48


@dataclass(frozen=True)
class Sends:
    """A shared reverb.

    Attributes:
        room: its settings, all wet.
        amounts: amplitude of each track's late response, over its direct sound, with half widths; in the order of the
            tracks.
        early: amplitude of the direct sound within the network's response.
    """

    room: FdnReverbSettings
    amounts: tuple[Figure, ...]
    early: float


def sends(material: Material, settings: MixSettings, turned: Collection[str]) -> Sends | None:
    """Find the reverb that explains what direct paths leave; None where none does.

    Args:
        material: tracks and mix.
        settings: direct paths of the tracks.
        turned: tracks of the other polarity.
    """
    space = _Space.of(material, settings, turned)
    if space is None:
        return None
    rooms = [replace(_FIRST, room_size=size) for size in range(1, 31)]
    best = max(rooms, key=lambda room: space.alone(room, _EARLY_S))
    if space.alone(best, _EARLY_S) < _LEAST_ALONE * float(np.square(np.abs(space.left)).sum()):
        return None
    room = space.searched(best)
    return space.solved(room) if space.explained(room) >= LEAST_EXPLAINED else None


def again(material: Material, settings: MixSettings, turned: Collection[str], known: Sends) -> Sends:
    """The sends to a known room, whose times are searched for once more, by better direct paths."""
    space = _Space.of(material, settings, turned)
    return known if space is None else space.solved(space.searched(known.room))


def sent(direct: Chain, amount: Figure, found: Sends) -> Chain:
    """A direct path with its send: the knob lowers the dry sound, and the gain before it makes up for that."""
    if not is_sent(amount):
        return direct
    wet = min(amount.value / (1 + amount.value * (1 - found.early)), 0.95)
    gain_db = direct.input_gain_db - 20 * np.log10(1 - wet + wet * found.early)
    return replace(direct, input_gain_db=float(gain_db), reverb=replace(found.room, dry_wet=float(wet)))


def is_sent(amount: Figure) -> bool:
    """Whether a send is more than its own uncertainty, and than nothing."""
    return amount.value > max(2 * amount.half_width, LEAST_SEND)


@dataclass(frozen=True, eq=False)
class _Space:
    """Spectra of a stretch: of tracks, (tracks, 2, bins), and of what is left, (2, bins)."""

    direct: np.ndarray
    left: np.ndarray
    rate_hz: int
    size: int
    first: int

    @classmethod
    def of(cls, material: Material, settings: MixSettings, turned: Collection[str]) -> _Space | None:
        """The stretch in which most is left; None where nothing is that a reverb could have made."""
        rate_hz = material.rate_hz
        left = material.mix - rendered(material, settings, turned)
        power = np.square(left, dtype=np.float64).sum(axis=0)
        if power.sum() <= np.square(material.mix, dtype=np.float64).sum() * 10 ** (LEAST_LEFT_DB / 10):
            return None
        length = min(round(_SECONDS * rate_hz), left.shape[1])
        summed = np.concatenate([[0.0], np.cumsum(power)])
        at = int(np.argmax(summed[length:] - summed[: summed.size - length]))
        before = max(at - rate_hz, 0)
        size = scipy.fft.next_fast_len(length + round(3 * rate_hz), real=True)
        low, high = (int(hz * size / rate_hz) for hz in (_LOW_HZ, min(_HIGH_HZ, 0.45 * rate_hz)))
        spectra = []
        for name, audio in zip(material.names, material.tracks, strict=True):
            piece = Sound(np.ascontiguousarray(audio[:, before : at + length]), rate_hz)
            made = chain.process(settings.tracks[name], piece).audio[:, at - before :]
            spectrum = np.asarray(scipy.fft.rfft(made, size)[:, low:high], np.complex64)
            spectra.append(-spectrum if name in turned else spectrum)
        of_left = np.asarray(scipy.fft.rfft(left[:, at : at + length], size)[:, low:high], np.complex64)
        return cls(np.stack(spectra), of_left, rate_hz, size, low)

    def late(self, room: FdnReverbSettings, seconds: float | None = None) -> tuple[np.ndarray, float]:
        """Late responses of all tracks, (tracks, 2, bins), and the amplitude of the early part."""
        wet = response(room, self.rate_hz)
        early = float(wet[0, 0, 0])
        wet = wet[..., : self.size if seconds is None else round(seconds * self.rate_hz)].copy()
        wet[[0, 1], [0, 1], 0] = 0.0
        of_room = scipy.fft.rfft(wet, self.size)[..., self.first : self.first + self.left.shape[1]]
        made = np.einsum("kib,ijb->kjb", self.direct, of_room.astype(np.complex64))
        return np.asarray(made), early

    def alone(self, room: FdnReverbSettings, seconds: float) -> float:
        """What the beginning of each track's response explains by itself, added up."""
        made, _ = self.late(room, seconds)
        pull = (made.conj() * self.left).sum(axis=(1, 2)).real
        return float(np.sum(pull**2 / np.maximum(np.square(np.abs(made)).sum(axis=(1, 2)), 1e-20)))

    @cached_property
    def _bases(self) -> list[tuple[slice, int, np.ndarray]]:
        """What direct paths could explain: orthonormal spectra of all tracks, (bins, tracks), by range and channel."""
        bins = self.left.shape[1]
        edges = np.unique(np.geomspace(self.first, self.first + bins, _RANGES + 1).astype(int)) - self.first
        places = [slice(int(low), int(high)) for low, high in pairwise(edges)]
        return [
            (place, channel, np.linalg.qr(self.direct[:, channel, place].T + np.complex64(1e-20))[0])
            for place in places
            for channel in range(2)
        ]

    def beside(self, spectra: np.ndarray) -> np.ndarray:
        """What of spectra, (..., 2, bins), no direct path explains: that of what is left is taken out of it already."""
        found = spectra.copy()
        for place, channel, basis in self._bases:
            part = spectra[..., channel, place]
            found[..., channel, place] = part - (part @ basis.conj()) @ basis.T
        return found

    @cached_property
    def left_beside(self) -> np.ndarray:
        """What is left and no direct path explains, (2, bins)."""
        return self.beside(self.left)

    def explained(self, room: FdnReverbSettings) -> float:
        """Share of what is left that all responses explain together."""
        matrix, pull, _, _ = self._system(room)
        return float(pull @ np.linalg.solve(matrix, pull)) / float(np.square(np.abs(self.left_beside)).sum())

    def searched(self, room: FdnReverbSettings) -> FdnReverbSettings:
        """Times and shelves that explain most."""

        def of(point: np.ndarray) -> FdnReverbSettings:
            time_s, highs_hz = np.clip(np.exp(point[:2]), (0.1, 200.0), (9.0, 20_000.0))
            highs_db, lows_db = np.clip(point[2:], -80.0, (4.0, 6.0))
            return replace(
                room,
                reverberation_time_s=float(time_s),
                highs_cutoff_hz=float(highs_hz),
                highs_gain_db_s=float(highs_db),
                lows_gain_db_s=float(lows_db),
            )

        def loss(point: np.ndarray) -> float:
            try:
                return -self.explained(of(point))
            except InputError:  # a sound that would grow
                return 0.0

        times = room.reverberation_time_s, room.highs_cutoff_hz
        start = np.array([*np.log(times), room.highs_gain_db_s, room.lows_gain_db_s])
        simplex = start + np.vstack([np.zeros(4), np.diag([0.4, -0.4, -8.0, -3.0])])
        options = {"maxfev": _TRIED, "initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-6}
        return of(scipy.optimize.minimize(loss, start, method="Nelder-Mead", options=options).x)

    def solved(self, room: FdnReverbSettings) -> Sends:
        """Sends by least squares; half widths by scores clustered in groups of bins."""
        matrix, pull, made, early = self._system(room)
        inverse = np.linalg.inv(matrix)
        amounts = inverse @ pull
        left = self.left_beside - np.einsum("k,kcb->cb", amounts, made)
        edges = np.linspace(0, left.shape[1], _GROUPS + 1).astype(int)[:-1]
        scores = np.add.reduceat((made.conj() * left).real.sum(axis=1), edges, axis=1)  # (tracks, groups)
        spread = np.sqrt(np.square(inverse @ scores).sum(axis=1))
        found = [Figure(float(a), float(1.71 * s)) for a, s in zip(amounts, spread, strict=True)]
        return Sends(room, tuple(found), early)

    def _system(self, room: FdnReverbSettings) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        whole, early = self.late(room)
        made = self.beside(whole)
        flat = made.reshape(len(made), -1)
        matrix = (flat.conj() @ flat.T).real.astype(np.float64)
        matrix += np.diag(1e-6 * np.diag(matrix) + 1e-9 * np.diag(matrix).max() + 1e-20)
        pull = (flat.conj() @ self.left_beside.reshape(-1)).real.astype(np.float64)
        return matrix, pull, made, early
