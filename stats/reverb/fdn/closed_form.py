"""The energy decay of FdnReverb without running it: a template for each room size, bent by envelope and shelves.

All lines of the network lose alike per second, so that its response is the lossless response times an envelope (exact
without shelves, as IEM FdnReverb is built; Jot and Chaigne, AES 90th Convention (1991), preprint 3030). In a cell of
`energy_decay` at band b and frame k, all in dB:

    level(b, k) = wet + template(b, k) + envelope(k) + slope(k) (tau(b, k) - t(k)) + shelves(b) tau(b, k)

`envelope` is (10^(-3t/RT) - 10^(-3t/FT))^2, averaged over the frame by two nodes; tau is when the template's energy
arrives in that very cell, t the middle of the frame; `shelves` are both RBJ shelves for the delay d = sum d_i^2 /
sum d_i of the room size, divided by d, in dB/s.
`python -m mixprior.stats.reverb.fdn.closed_form` renders the templates anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numba
import numpy as np

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.energy_decay import EnergyDecay
from mixprior.stats.reverb.fdn import network
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

COLUMNS = (
    "wet_db",
    "reverberation_time_s",
    "room_size",
    "fade_in_s",
    "lows_cutoff_hz",
    "lows_q",
    "lows_gain_db_s",
    "highs_cutoff_hz",
    "highs_q",
    "highs_gain_db_s",
)
"""Of a population, shape (candidates, 10); wet_db is the amplitude of the reverb over that of the direct sound."""

TEMPLATE_RATE_HZ = 44_100
_FILE = Path(__file__).with_name("templates.npz")
_RENDERED_S, _SLOWEST_S, _PROBE_S = 2.6, 9.0, 3.0
_LATE_FRAMES = 12
_RANGE_DB = 60.0
_WEIGHT_BELOW = 0.1
_DB = 10.0 / np.log(10.0)
SHORTEST_FADE_S = 0.08
"""Below, the plug-in's second network is silent (see `network`): a fade-in that only takes away the undelayed copy."""
_SILENT_S = 1e-4
_GROWTH_WEIGHT, _GROWTH_MARGIN_DB_S = 10.0, 0.5


@dataclass(frozen=True)
class Target:
    """A measured decay as the fit sees it.

    Attributes:
        level_db: shape (bands, frames), never below the floor.
        floor_db: 60 dB under the loudest cell: what is below cannot be distinguished from noise and counts as "below".
        weights: of the cells, shape (bands, frames), summing to one; 0 where long windows smear the onset.
    """

    level_db: np.ndarray
    floor_db: float
    weights: np.ndarray

    @classmethod
    def of(cls, decay: EnergyDecay) -> Target:
        """Floor and weights of a measured decay."""
        resolved = energy_decay.resolved_cells()
        floor = float(decay.level_db[resolved].max()) - _RANGE_DB
        level = np.maximum(decay.level_db, floor)
        weights = np.where(level > floor, 1.0, _WEIGHT_BELOW) * resolved
        return cls(level, floor, weights / weights.sum())

    def every(self, step: int) -> Target:
        """The target at every so many frames, from the last one back."""
        weights = np.ascontiguousarray(self.weights[:, ::-step][:, ::-1])
        return Target(np.ascontiguousarray(self.level_db[:, ::-step][:, ::-1]), self.floor_db, weights / weights.sum())


class ClosedForm:
    """Predicts energy decays of many settings at once.

    Args:
        sample_rate_hz: of the network; it bends the shelves near half of it.
        frame_step: predict every so many frames alone, from the last one back.
    """

    def __init__(self, sample_rate_hz: float = TEMPLATE_RATE_HZ, *, frame_step: int = 1) -> None:
        rendered = _templates_at(frame_step)
        self._shape = rendered["level_db"].shape[1:]
        self._model = (
            rendered["level_db"],
            rendered["arrival_s"],
            rendered["delay_s"],
            rendered["node_s"],
            rendered["node_weight"],
            energy_decay.is_low_band(),
            np.tan(np.pi * energy_decay.band_centres_hz() / sample_rate_hz) ** 2,
            float(sample_rate_hz),
        )
        self.room_level_db = rendered["level_db"][:, :, -_LATE_FRAMES:].mean(axis=(1, 2))
        """How loud the late reverb of each room size is at the same wet level, shape (30,)."""

    def levels_db(self, population: np.ndarray) -> np.ndarray:
        """Levels of `energy_decay.measure`, shape (candidates, bands, frames), of a population: see COLUMNS."""
        levels: np.ndarray = _levels(population, self._model, np.zeros(self._shape), -np.inf)
        return levels

    def decay(self, settings: FdnReverbSettings) -> EnergyDecay:
        """The decay that `measure` would find on the response of these settings to an impulse in both inputs."""
        return energy_decay.on_grid(self.levels_db(columns(settings)[None])[0])

    def loss_db(self, population: np.ndarray, target: Target) -> np.ndarray:
        """Weighted mean of |level - target| over the cells, shape (candidates,); large where the sound would grow."""
        loss: np.ndarray = _loss(population, self._model, target.level_db, target.floor_db, target.weights)
        return loss

    def residuals_db(self, population: np.ndarray, target: Target) -> np.ndarray:
        """Differences of level and target, never below the floor, shape (candidates, bands x frames)."""
        differences: np.ndarray = _levels(population, self._model, target.level_db, target.floor_db)
        return differences.reshape(len(population), -1)

    def decay_db_s(self, population: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
        """How fast the late reverb decays, shape (candidates, frequencies); below zero it grows."""
        delay_s, rate = self._model[2], self._model[-1]
        decay: np.ndarray = _decay(population, delay_s, np.tan(np.pi * frequencies_hz / rate) ** 2, rate)
        return decay


def columns(settings: FdnReverbSettings) -> np.ndarray:
    """A row of a population for settings with dry_wet between 0 and 1, shape (10,).

    Without fade-in the network passes an undelayed copy of the sound, which adds to the dry path.
    """
    wet = settings.dry_wet
    ratio = wet / (1.0 - wet) if settings.fade_in_s > 0 else wet
    return np.array([20.0 * np.log10(ratio), *(float(getattr(settings, name)) for name in COLUMNS[1:])])


def shelves_db_s(settings: FdnReverbSettings, frequencies_hz: np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """What both shelves add to the level in a second, in dB, at frequencies below half the rate, the same shape."""
    shelves = np.empty_like(frequencies_hz)
    warped = np.tan(np.pi * frequencies_hz / sample_rate_hz) ** 2
    delay_s = templates()["delay_s"][settings.room_size - 1]
    _shelves(columns(replace(settings, dry_wet=0.5)), delay_s, warped, float(sample_rate_hz), shelves)
    return shelves


# No fastmath in kernels that call kernels: whether the callee came from the cache or was compiled in this process
# decides what is inlined, and with it the rounding; the same song would not always give the same row.
@numba.njit(cache=True, error_model="numpy", inline="always")
def decayed(exponent: float) -> float:
    """exp(exponent), to seven digits between -20 and 20: a loop of products fills the vector registers."""
    x = max(exponent, -100.0) / 256.0
    power = 1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0))))
    for _ in range(8):
        power *= power
    return power


@numba.njit(cache=True, error_model="numpy")
def _envelope(
    row: np.ndarray, node_s: np.ndarray, node_weight: np.ndarray, envelope: np.ndarray, slope: np.ndarray
) -> None:
    """Fill the envelope in dB and its slope in dB/s, both of shape (2 groups of bands, frames)."""
    early = 3.0 * np.log(10.0) / row[1]
    late = 3.0 * np.log(10.0) / (row[3] if row[3] >= SHORTEST_FADE_S else _SILENT_S)
    for group in range(2):
        for k in range(node_s.shape[2]):
            envelope[group, k], slope[group, k] = 1e-30, 0.0
        for node in range(2):
            for k in range(node_s.shape[2]):
                a, b = decayed(-early * node_s[node, group, k]), decayed(-late * node_s[node, group, k])
                share = node_weight[node, group, k] * (a - b)
                envelope[group, k] += share * (a - b)
                slope[group, k] += 2.0 * share * (late * b - early * a)
        for k in range(node_s.shape[2]):
            slope[group, k] *= _DB / envelope[group, k]
            envelope[group, k] = row[0] + _DB * np.log(envelope[group, k])


@numba.njit(cache=True, error_model="numpy")
def _shelves(row: np.ndarray, delay: float, warped: np.ndarray, rate: float, shelves: np.ndarray) -> float:
    """Fill both shelves' dB/s, shape (bands,); return how fast, at worst, the sound decays, in dB/s.

    RBJ's low shelf after the bilinear transform, with x = (tan(w/2) / tan(w0/2))^2:
    |H|^2 = A^2 ((A - x)^2 + A x / Q^2) / ((1 - A x)^2 + A x / Q^2). The high shelf has the fraction upside down.
    """
    low = 1.0 / np.tan(np.pi * min(row[4] / rate, 0.4995)) ** 2
    high = 1.0 / np.tan(np.pi * min(row[7] / rate, 0.4995)) ** 2
    low_a, high_a = 10.0 ** (row[6] * delay / 40.0), 10.0 ** (row[9] * delay / 40.0)
    low_ridge, high_ridge = low_a / row[5] ** 2, high_a / row[8] ** 2
    highest = max(row[6], row[9])
    for b in range(warped.size):
        x, y = warped[b] * low, warped[b] * high
        above = ((low_a - x) ** 2 + low_ridge * x) * ((1.0 - high_a * y) ** 2 + high_ridge * y)
        below = ((1.0 - low_a * x) ** 2 + low_ridge * x) * ((high_a - y) ** 2 + high_ridge * y)
        shelves[b] = (row[6] + row[9]) / 2.0 + _DB * np.log(above / below) / delay
        highest = max(highest, shelves[b])
    return 60.0 / max(row[1], row[3]) - highest


@numba.njit(cache=True, error_model="numpy")
def _decay(population: np.ndarray, delay_s: np.ndarray, warped: np.ndarray, rate: float) -> np.ndarray:
    out = np.empty((population.shape[0], warped.size))
    for c in range(population.shape[0]):
        _shelves(population[c], delay_s[int(population[c, 2]) - 1], warped, rate, out[c])
        for b in range(warped.size):
            out[c, b] = 60.0 / population[c, 1] - out[c, b]
    return out


@numba.njit(cache=True, error_model="numpy", inline="always")
def _fill(row: np.ndarray, model: tuple, floor: float, levels: np.ndarray) -> float:
    """Fill one candidate's levels, never below the floor, (bands, frames); return how fast, at worst, it decays."""
    template, arrival_s, delay_s, node_s, node_weight, low_band, warped, rate = model
    bands, frames = levels.shape
    envelope, slope, shelves = np.empty((2, frames)), np.empty((2, frames)), np.empty(bands)
    room = int(row[2]) - 1
    _envelope(row, node_s, node_weight, envelope, slope)
    slowest = _shelves(row, delay_s[room], warped, rate, shelves)
    for b in range(bands):
        group = 0 if low_band[b] else 1
        for k in range(frames):
            level = template[room, b, k] + envelope[group, k] + shelves[b] * node_s[2, group, k]
            levels[b, k] = max(level + (slope[group, k] + shelves[b]) * arrival_s[room, b, k], floor)
    return slowest


@numba.njit(cache=True, error_model="numpy")
def _levels(population: np.ndarray, model: tuple, target: np.ndarray, floor: float) -> np.ndarray:
    """Levels, never below the floor, less the target, shape (candidates, bands, frames)."""
    out = np.empty((population.shape[0], *target.shape))
    for c in range(population.shape[0]):
        _fill(population[c], model, floor, out[c])
        out[c] -= target
    return out


@numba.njit(cache=True, error_model="numpy")
def _loss(population: np.ndarray, model: tuple, target: np.ndarray, floor: float, weights: np.ndarray) -> np.ndarray:
    """Weighted mean distance of the levels from the target, shape (candidates,), and a penalty for growing."""
    out, levels, sums = np.empty(population.shape[0]), np.empty(target.shape), np.empty(target.shape[1])
    for c in range(population.shape[0]):
        slowest = _fill(population[c], model, floor, levels)
        sums[:] = 0.0
        for b in range(target.shape[0]):
            for k in range(target.shape[1]):
                sums[k] += weights[b, k] * abs(levels[b, k] - target[b, k])
        out[c] = sums.sum() + _GROWTH_WEIGHT * max(_GROWTH_MARGIN_DB_S - slowest, 0.0)
    return out


@lru_cache(maxsize=1)
def templates() -> dict[str, np.ndarray]:
    """What `build` made, as float64."""
    with np.load(_FILE) as file:
        return {name: file[name].astype(np.float64) for name in file.files}


@lru_cache(maxsize=2)
def _templates_at(frame_step: int) -> dict[str, np.ndarray]:
    """Templates at every so many frames, from the last one back, as the kernels take them: frames on the last axis."""
    rendered = templates() | {name: templates()[name].transpose(2, 0, 1) for name in ("node_s", "node_weight")}
    for name in ("level_db", "arrival_s", "node_s", "node_weight"):
        rendered[name] = np.ascontiguousarray(rendered[name][..., ::-frame_step][..., ::-1])
    return rendered


def build() -> dict[str, np.ndarray]:
    """Render the lossless network of every room size and measure it; about half a minute."""
    node_s, node_weight = _nodes()
    group = np.where(energy_decay.is_low_band(), 0, 1)
    probe = _mean_db(node_s, node_weight, _PROBE_S)[group]
    levels, arrivals, delays_s, echoes = [], [], [], []
    for room_size in range(1, 31):
        settings = FdnReverbSettings(room_size, _SLOWEST_S, lows_gain_db_s=0.0, highs_gain_db_s=0.0, dry_wet=1.0)
        response = network.vocal_response(settings, TEMPLATE_RATE_HZ, _RENDERED_S)
        time_s = np.arange(response.shape[1]) / TEMPLATE_RATE_HZ
        response *= 10 ** (3 * time_s / _SLOWEST_S)
        echoes.append(_echoes(np.mean(response**2, axis=0), time_s))
        level = _late_level_db(response)
        probed = _late_level_db(response * 10 ** (-3 * time_s / _PROBE_S))
        levels.append(level)
        # Energy that comes later than the middle of the frame loses more.
        arrivals.append((probed - level - probe) / (-60.0 / _PROBE_S))
        delay_s = network.delays(room_size, settings.fdn_size, TEMPLATE_RATE_HZ) / TEMPLATE_RATE_HZ
        delays_s.append(np.sum(delay_s**2) / np.sum(delay_s))
    return {
        "level_db": np.array(levels, np.float16),
        "arrival_s": np.array(arrivals, np.float16),
        "delay_s": np.array(delays_s, np.float32),
        "echo_energy": np.array(echoes, np.float32)[:, 0],
        "echo_s": np.array(echoes, np.float32)[:, 1],
        "node_s": node_s.astype(np.float32),
        "node_weight": node_weight.astype(np.float32),
    }


def _echoes(energy: np.ndarray, time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Energy after sample 0 and before 2.5 s, gathered at 96 instants: energies, and the instants."""
    borders = np.geomspace(2e-4, 2.5, 97)
    weights = [energy * ((time_s >= a) & (time_s < b)) for a, b in pairwise(borders)]
    gathered = np.array([weight.sum() for weight in weights])
    moments = np.array([weight @ time_s for weight in weights])
    middles = np.sqrt(borders[:-1] * borders[1:])
    return gathered, np.where(gathered > 0, moments / np.maximum(gathered, 1e-30), middles)


def _late_level_db(response: np.ndarray) -> np.ndarray:
    """Level against a direct sound that nothing adds to: the wet sound is turned down far below it."""
    faint = 0.01 * response
    faint[:, 0] = 1.0
    return energy_decay.measure(faint, TEMPLATE_RATE_HZ).level_db + 40.0


def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Two-point quadrature over the instants that enter each frame, by its first three moments.

    Returns:
        Times, shape (2 groups of bands, frames, 3): both nodes, and the mean; weights of the nodes, (2, frames, 2).
    """
    times = np.empty((2, energy_decay.frame_times_s().size, 3))
    weights = np.empty((*times.shape[:2], 2))
    for group, kernels in enumerate(energy_decay.frame_kernels()):
        for k, (time_s, share) in enumerate(kernels):
            mean = np.sum(share * time_s)
            spread = np.sqrt(np.sum(share * (time_s - mean) ** 2))
            skew = np.sum(share * (time_s - mean) ** 3) / spread**3
            root = np.sqrt(1.0 + skew**2 / 4.0)
            times[group, k] = mean + spread * (skew / 2.0 - root), mean + spread * (skew / 2.0 + root), mean
            weights[group, k] = 0.5 + skew / 4.0 / root, 0.5 - skew / 4.0 / root
    return times, weights


def _mean_db(node_s: np.ndarray, node_weight: np.ndarray, time_s: float) -> np.ndarray:
    decayed: np.ndarray = 10.0 * np.log10(np.sum(node_weight * 10 ** (-6.0 * node_s[..., :2] / time_s), axis=2))
    return decayed


if __name__ == "__main__":
    np.savez_compressed(_FILE, **build())  # type: ignore[arg-type]
