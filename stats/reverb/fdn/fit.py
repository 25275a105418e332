"""Finds settings of FdnReverb that sound like a measured reverb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.energy_decay import OCTAVE_BANDS_HZ, EnergyDecay
from mixprior.stats.reverb.fdn import coding, genetic, level
from mixprior.stats.reverb.fdn.broadband import BroadbandDecay
from mixprior.stats.reverb.fdn.closed_form import COLUMNS, TEMPLATE_RATE_HZ, ClosedForm, Target, columns
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

_LEAST_DEVIATION_DB, _LEAST_SOFTNESS_DB = 0.5, 0.3
_BLIND_TIME_DB, _BLIND_LEVEL_DB = 0.8, 2.5  # 0.8 dB: a fifth

_RESTART_SCALE = 0.1
_SNAP_ITERATIONS, _ROUNDS = 3, 30
_TOLERANCE = 1e-3  # of the least squares
# Different shelves and reverberation times give one decay: of those within hundredths of a dB the flattest is taken.
_FLAT_DB_S, _FLAT_WEIGHT = 10.0, 0.01
# Fit and target differ alike in neighbouring cells: so many count as one observation. Chosen on generated targets, so
# that nine of ten knobs are within two deviations (tests/stats/reverb/fdn/test_fit.py).
_CELLS_ALIKE = 200.0
_SHORTER = (0.75, 0.5)
_SHELVES = [coding.LOW_GAIN, coding.HIGH_GAIN]
_MOVES = (-10.0, -3.0, -1.0, 1.0, 3.0, 10.0)

_SEARCH = genetic.Options(population=64, generations=44, difference=0.7)


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    Attributes:
        search: of the genetic algorithm.
        restarts: after the search, least squares begin at the best, and at so many points near by.
        sample_rate_hz: of the reverb that will run with the settings.
    """

    search: genetic.Options = _SEARCH
    restarts: int = 1
    sample_rate_hz: float = TEMPLATE_RATE_HZ


_DEFAULT = FitOptions()


@dataclass(frozen=True)
class Fit:
    """Settings found, and how far to trust them.

    Attributes:
        settings: on the steps of the plug-in.
        wet_dry_db: energy of the reverb over that of the direct sound, of `settings`.
        loss_db: mean distance between the decays of target and `settings`, in the cells less than 60 dB down.
        identifiability: by name of the parameter, 0 (undetermined by the target) to 1: one less the standard deviation
            left, over that of a uniform prior over the range searched. With J the change of the levels by gene, 0 to 1
            over that range, and s the deviation between fit and target (at least 0.5 dB), the variances left are the
            diagonal of (J'J / (200 s^2) + 12)^-1 (Gauss-Newton information, with 200 neighbouring cells for one
            observation, and prior), and 1/12 is the prior's. On generated targets nine of ten knobs are within two
            such deviations. For the room size, the same of the posterior over its thirty values. Fixed parameters
            have 0.
        evaluations: candidates that were judged.
    """

    settings: FdnReverbSettings
    wet_dry_db: float
    loss_db: float
    identifiability: dict[str, float]
    evaluations: int


def fit(
    target: EnergyDecay,
    *,
    seed: int,
    options: FitOptions = _DEFAULT,
    fixed: Mapping[str, float] = {},
) -> Fit:
    """Fit all settings to a measured decay: genetic search, least squares, steps of the plug-in.

    Args:
        target: of `energy_decay.measure`.
        seed: the same seed finds the same.
        options: see `FitOptions`.
        fixed: values by name that are not to be searched (any but dry_wet and fdn_size).

    Raises:
        InputError: if a fixed name is unknown or its value out of range.
    """
    return Fitter(Target.of(target), options, fixed).run(np.random.default_rng(seed))


def with_level(found: Fit, target: EnergyDecay, missing_db: float) -> Fit:
    """The fit with its `dry_wet` moved to the step nearest to a level that is higher by so many dB.

    The cells count alike, whatever energy they hold: their best level may be some tenths of a dB off the sound's.
    """
    ratio = found.settings.dry_wet / (1.0 - found.settings.dry_wet) * 10.0 ** (missing_db / 20.0)
    wanted = float(np.clip(ratio / (1.0 + ratio), coding.LOW[coding.WET], coding.HIGH[coding.WET]))
    settings = replace(found.settings, dry_wet=wanted).snapped()
    loss = ClosedForm().loss_db(columns(settings)[None], Target.of(target))
    return replace(found, settings=settings, wet_dry_db=_level_db(settings), loss_db=float(loss[0]))


def fit_decay(rt60_s: Sequence[float | None], wet_dry_db: float, *, seed: int, prior: FdnReverbSettings) -> Fit:
    """Settings for a reverb of which only decay times by octave and the level are known, as of wet vocals.

    Reverberation time and both gains are fitted to the decay times, `dry_wet` to the level; all else is the prior's.

    Args:
        rt60_s: in the octaves 250, 500, 1000, 2000 and 4000 Hz; None where not known.
        wet_dry_db: energy of the reverb over that of the direct sound.
        seed: the same seed finds the same.
        prior: typical settings.

    Returns:
        `loss_db` is the mean distance of the decay times, as 10 log10 of their ratio; `identifiability` takes the
        decay times for known to 20 % and the level to 2.5 dB, what blind estimates reach.

    Raises:
        InputError: if no decay time is known.
    """
    known = [i for i, time_s in enumerate(rt60_s) if time_s is not None]
    if not known:
        raise InputError("no decay time is known in any octave: there is nothing to fit")
    wanted = np.array([10.0 * np.log10(rt60_s[i]) for i in known])  # type: ignore[arg-type]
    model = ClosedForm()
    base = columns(replace(prior, dry_wet=0.5))
    offset = np.zeros(30)
    genes = coding.encode(base, offset)
    free = np.array([coding.TIME, coding.LOW_GAIN, coding.HIGH_GAIN])
    # An octave decays as its three third-octaves do on average.
    thirds_hz = np.array([OCTAVE_BANDS_HZ[i] * 2.0 ** (k / 3) for i in known for k in (-1, 0, 1)])

    def rows(population: np.ndarray) -> np.ndarray:
        out = np.repeat(base[None], len(population), axis=0)
        out[:, free] = coding.decode(population, offset)[:, free]
        return out

    def residuals(population: np.ndarray) -> np.ndarray:
        decay = model.decay_db_s(rows(population), thirds_hz).reshape(len(population), -1, 3).mean(axis=2)
        return 10.0 * np.log10(60.0 / np.maximum(decay, 0.1)) - wanted

    def whole(few: np.ndarray) -> np.ndarray:
        population = np.repeat(genes[None], len(few), axis=0)
        population[:, free] = few
        return population

    weights = np.full(len(known), 1.0 / len(known))
    search = genetic.Options(population=24, generations=10, difference=0.7)
    found = genetic.minimise(
        lambda few: np.abs(residuals(whole(few))).mean(axis=1), free.size, np.random.default_rng(seed), search
    )
    polished = genetic.polish(residuals, weights, whole(found.genes[None])[0], free, iterations=8)
    evaluations = found.evaluations + polished.evaluations
    sides = []
    for side in (0, 1):
        row = rows(polished.genes[None])[0]
        row[coding.TIME] = coding.step_beside(row, coding.TIME, side)
        sides.append(genetic.polish(residuals, weights, coding.encode(row, offset), free[1:], iterations=4))
    best = min(sides, key=lambda one: one.loss)
    snapped = _at_level(coding.to_settings(coding.to_knobs(rows(best.genes[None])[0])), prior, wet_dry_db).snapped()
    snapped = replace(snapped, dry_wet=float(np.clip(snapped.dry_wet, coding.LOW[coding.WET], coding.HIGH[coding.WET])))
    slopes = genetic.slope(residuals, best.genes, residuals(best.genes[None])[0], free)
    left = np.full(len(COLUMNS), 1.0 / 12.0)
    left[free] = np.diag(np.linalg.inv(slopes @ slopes.T / _BLIND_TIME_DB**2 + 12.0 * np.eye(free.size)))
    left[coding.WET] = 1.0 / (((coding.WET_DB[1] - coding.WET_DB[0]) / _BLIND_LEVEL_DB) ** 2 + 12.0)
    return Fit(
        settings=snapped,
        wet_dry_db=_level_db(snapped),
        loss_db=float(np.abs(residuals(best.genes[None])).mean()),
        identifiability=_identifiability(left),
        evaluations=evaluations + sum(one.evaluations for one in sides),
    )


def _at_level(settings: FdnReverbSettings, prior: FdnReverbSettings, wet_dry_db: float) -> FdnReverbSettings:
    """The settings with the prior's fade-in, at most half the time, and the `dry_wet` for a level, or the nearest."""
    # As long as the time it would take all of the reverb away, and nearly as long nearly all; whole steps of 0.01 s.
    fade_in_s = min(prior.fade_in_s, np.floor(50.0 * settings.reverberation_time_s) / 100.0)
    settings = replace(settings, fade_in_s=fade_in_s)
    try:
        return replace(settings, dry_wet=level.dry_wet_for(settings, wet_dry_db))
    except InputError:
        return replace(settings, dry_wet=1.0)


def _level_db(settings: FdnReverbSettings) -> float:
    level_db = level.wet_dry_db(settings)
    assert level_db is not None  # dry_wet is neither 0 nor 1, and the fade-in shorter than the time
    return level_db


class Fitter:
    """One fit: the target, the model, and which genes are free."""

    def __init__(self, target: Target, options: FitOptions, fixed: Mapping[str, float]) -> None:
        unknown = set(fixed) - set(COLUMNS[1:])
        if unknown:
            raise InputError(f"{sorted(unknown)[0]} cannot be fixed; these can: {', '.join(COLUMNS[1:])}")
        self.target = target
        self.options = options
        self.model = ClosedForm(options.sample_rate_hz)
        FdnReverbSettings(**dict(fixed))  # type: ignore[arg-type]  # refuses what is out of range
        self.fixed = {COLUMNS.index(name): float(value) for name, value in fixed.items()}
        self.free = np.array([i for i in range(len(COLUMNS)) if i not in self.fixed])
        self.movable = self.free[self.free != coding.ROOM]
        self.low, self.high = coding.LOW.copy(), coding.HIGH.copy()
        for column, value in self.fixed.items():
            self.low[column] = self.high[column] = value
        self.broadband = BroadbandDecay(target)
        self.weights = np.concatenate(
            [target.weights.ravel(), self.broadband.weights, np.full(len(_SHELVES), _FLAT_WEIGHT)]
        )
        self.room_offset_db = self.model.room_level_db - self.model.room_level_db.mean()
        self.softness = _LEAST_SOFTNESS_DB
        self.evaluations = 0

    def decode(self, genes: np.ndarray) -> np.ndarray:
        rows: np.ndarray = coding.decode(genes, self.room_offset_db)
        for column, value in self.fixed.items():
            rows[:, column] = value
        return rows

    def knobs(self, genes: np.ndarray) -> np.ndarray:
        return coding.to_knobs(self.decode(genes[None])[0], keep_fade_in=coding.FADE in self.fixed)

    def loss(self, genes: np.ndarray) -> np.ndarray:
        return self.model.loss_db(self.decode(genes), self.target)

    def differences_db(self, genes: np.ndarray) -> np.ndarray:
        return self.model.residuals_db(self.decode(genes), self.target)

    def residuals(self, genes: np.ndarray) -> np.ndarray:
        return self.residuals_of(self.decode(genes))

    def residuals_of(self, rows: np.ndarray) -> np.ndarray:
        """Differences of the cells, of the broadband decay, and shelf gains from 0 dB/s, (candidates, residuals)."""
        differences_db = self.model.residuals_db(rows, self.target)
        flatness = rows[:, _SHELVES] / _FLAT_DB_S
        return np.concatenate([differences_db, self.broadband.residuals(differences_db), flatness], axis=1)

    def run(self, generator: np.random.Generator) -> Fit:
        # Every other frame shows the search where to go.
        every_other, target = ClosedForm(self.options.sample_rate_hz, frame_step=2), self.target.every(2)
        found = genetic.minimise(
            lambda genes: every_other.loss_db(self.decode(genes), target), len(COLUMNS), generator, self.options.search
        )
        self.evaluations += found.evaluations
        # Squares average out noise; absolute values keep to the cells that fit when the rest does not.
        self.softness = max(found.loss, _LEAST_SOFTNESS_DB)
        genes = self.finished(found.genes, generator)
        snapped = coding.to_settings(self.on_steps(genes)).snapped()
        if snapped.fade_in_s >= snapped.reverberation_time_s:  # by rounding; it would take all of the reverb away
            snapped = replace(snapped, fade_in_s=snapped.reverberation_time_s - 0.01).snapped()
        return Fit(
            settings=snapped,
            wet_dry_db=_level_db(snapped),
            loss_db=float(self.model.loss_db(columns(snapped)[None], self.target)[0]),
            identifiability=self.identifiability(genes),
            evaluations=self.evaluations,
        )

    def finished(self, genes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Polish what the search found, again from points near by, and in the likeliest room size if it is another.

        A longer time with stronger shelves decays nearly alike, and the search may end there: shorter ones are tried.
        """
        best = self.polished(genes, self.movable)
        starts = []
        for _ in range(self.options.restarts):
            starts.append(best.genes.copy())
            starts[-1][self.movable] += _RESTART_SCALE * generator.standard_normal(self.movable.size)
        rooms = _in_all_rooms(best.genes)
        likeliest = rooms[int(np.argmin(self.loss(rooms)))]
        if coding.ROOM not in self.fixed and abs(likeliest[coding.ROOM] - best.genes[coding.ROOM]) > 0.5 / 29.0:
            starts.append(likeliest)
        found = min([best, *(self.polished(start, self.movable) for start in starts)], key=lambda one: one.loss)
        if {coding.TIME, *_SHELVES} <= set(self.movable):
            tried = [found, *(self.polished(self.shortened(found.genes, by), self.movable) for by in _SHORTER)]
            found = min(tried, key=lambda one: one.loss)
        return found.genes

    def shortened(self, genes: np.ndarray, by: float) -> np.ndarray:
        """A time so many times as long, with gains that leave the decay of lows and highs alone."""
        row = self.decode(genes[None])[0]
        time_s = max(by * row[coding.TIME], coding.LOW[coding.TIME])
        row[_SHELVES] = np.minimum(row[_SHELVES] + 60.0 / time_s - 60.0 / row[coding.TIME], 0.0)
        row[coding.TIME] = time_s
        return coding.encode(row, self.room_offset_db)

    def polished(self, genes: np.ndarray, free: np.ndarray, iterations: int = 20) -> genetic.Found:
        found = genetic.polish(
            self.residuals,
            self.weights,
            genes,
            free,
            iterations=iterations,
            softness=self.softness,
            tolerance=_TOLERANCE,
        )
        self.evaluations += found.evaluations
        return found

    def on_steps(self, genes: np.ndarray) -> np.ndarray:
        """The best knobs on the plug-in's steps, shape (10,), see `coding.KNOBS`.

        The coarse ones go first: for the two nearest reverberation times, and then for the two nearest values of
        dry_wet, all others are polished anew. The rest is rounded, and then moved by steps as long as that helps.
        """
        coarse, free = [genes], self.movable
        for column in (coding.TIME, coding.WET):
            if column not in self.fixed:
                free = free[free != column]
                coarse = [self.pinned(one, column, side, free) for one in coarse for side in (0, 1)]
        knobs = coding.on_steps(np.array([self.knobs(one) for one in coarse]), self.low, self.high)
        best = knobs[int(np.argmin(self.judge(knobs)))]
        return self.stepped(best)

    def pinned(self, genes: np.ndarray, column: int, side: int, free: np.ndarray) -> np.ndarray:
        """One parameter set to the step below (0) or above (1) its value, the free ones polished."""
        knobs = self.knobs(genes)
        knobs[column] = coding.step_beside(knobs, column, side)
        start = coding.encode(coding.to_rows(knobs[None])[0], self.room_offset_db)
        return self.polished(start, free, _SNAP_ITERATIONS).genes

    def stepped(self, knobs: np.ndarray) -> np.ndarray:
        """Move one parameter, or the time with both gains that make up for it, while the loss falls."""
        loss = self.judge(knobs[None])[0]
        singles = np.concatenate([move * np.diag(coding.STEP)[self.movable] for move in _MOVES])
        for _ in range(_ROUNDS):
            moves = singles
            if {coding.TIME, coding.LOW_GAIN, coding.HIGH_GAIN} <= set(self.movable):
                moves = np.concatenate([singles, _exchanges(knobs)])
            rivals = coding.on_steps(knobs + moves, self.low, self.high)
            losses = self.judge(rivals)
            best = int(np.argmin(losses))
            if losses[best] >= loss:
                break
            knobs, loss = rivals[best], losses[best]
        return knobs

    def judge(self, knobs: np.ndarray) -> np.ndarray:
        self.evaluations += len(knobs)
        residuals = self.residuals_of(coding.to_rows(knobs))
        loss: np.ndarray = genetic.soft_loss(residuals, self.weights, self.softness)
        return loss

    def identifiability(self, genes: np.ndarray) -> dict[str, float]:
        """See `Fit`."""
        residual = self.differences_db(genes[None])[0]
        shares = self.target.weights.ravel() / self.target.weights.max()
        variance = max(float(np.average(residual**2, weights=shares)), _LEAST_DEVIATION_DB**2)
        slopes = genetic.slope(self.differences_db, genes, residual, self.movable)
        variance *= _CELLS_ALIKE
        precision = (slopes * shares) @ slopes.T / variance + 12.0 * np.eye(self.movable.size)
        left = np.zeros(len(COLUMNS)) + 1.0 / 12.0
        left[self.movable] = np.diag(np.linalg.inv(precision))
        if coding.ROOM not in self.fixed:
            rooms = _in_all_rooms(genes)
            misfit = self.differences_db(rooms) ** 2 @ shares / variance
            likelihood = np.exp(-(misfit - misfit.min()) / 2.0)
            place = rooms[:, coding.ROOM]
            mean = np.average(place, weights=likelihood)
            left[coding.ROOM] = np.average((place - mean) ** 2, weights=likelihood)
        return _identifiability(left)


def _identifiability(left: np.ndarray) -> dict[str, float]:
    """One less the deviation left over that of the prior, by name of the parameter."""
    known = np.clip(1.0 - np.sqrt(12.0 * left), 0.0, 1.0)
    return {name: float(value) for name, value in zip(coding.KNOBS, known, strict=True)}


def _in_all_rooms(genes: np.ndarray) -> np.ndarray:
    rooms = np.repeat(genes[None], 30, axis=0)
    rooms[:, coding.ROOM] = np.linspace(0.0, 1.0, 30)
    return rooms


def _exchanges(knobs: np.ndarray) -> np.ndarray:
    """A reverberation time of a step more and of one less, with gains that leave the decay of lows and highs alone."""
    moves = np.zeros((2, len(COLUMNS)))
    for move, side in zip(moves, (-1.0, 1.0), strict=True):
        time_s = np.clip(
            knobs[coding.TIME] + side * coding.STEP[coding.TIME], coding.LOW[coding.TIME], coding.HIGH[coding.TIME]
        )
        move[coding.TIME] = time_s - knobs[coding.TIME]
        move[[coding.LOW_GAIN, coding.HIGH_GAIN]] = 60.0 / time_s - 60.0 / knobs[coding.TIME]
    return moves
