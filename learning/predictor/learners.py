"""What can learn to predict from examples: networks, and the rivals that they have to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial, wraps
from pathlib import Path

import numpy as np
import torch

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.intervals import LEAST_SONGS, interval
from mixprior.learning.predictor.linear import solved
from mixprior.learning.predictor.tasks import LiTask, OurTask, li_prediction, network_of
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.loop import State, device_of, train

Predictor = Callable[[Examples], np.ndarray]
"""Predicts (rows, targets) of examples."""
Learner = Callable[[Examples, Examples, int, Path | None], Predictor]
"""Learns from training examples and those that choose when to stop, with a seed; checkpoints go to a folder."""

NETWORK, REGRESSION = "network", "regression"
"""What of ours is kept."""
PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
"""Of ridge regression on features in standard deviations."""

LI = TrainingConfig(steps=600, batch=25, rate=1e-3, check_every=30, patience=6)
"""Li trains for 50 epochs; ours ends when the choosing songs say so."""
OURS = TrainingConfig(steps=200, batch=32, rate=2e-3, weight_decay=1.0, check_every=20, patience=4)
"""Width, rate and decay were chosen on a law of R2 .2 (`known_truth`, seed 5), by what was found of it."""


def mean(training: Examples, choosing: Examples, _seed: int, _folder: Path | None = None) -> Predictor:
    """The mean of all examples that it is given; NaN for a target that none has."""
    return _constant(training, choosing, np.mean)


def median(training: Examples, choosing: Examples, _seed: int, _folder: Path | None = None) -> Predictor:
    """The median of all examples that it is given; NaN for a target that none has."""
    return _constant(training, choosing, np.median)


def _constant(training: Examples, choosing: Examples, statistic: Callable[[np.ndarray], float]) -> Predictor:
    known = [each[np.isfinite(each)] for each in np.concatenate([training.targets, choosing.targets]).T]
    constant = np.array([statistic(each) if len(each) else np.nan for each in known], float)
    return lambda examples: np.tile(constant, (len(examples), 1))


def _of_known(learner: Learner) -> Learner:
    """Learn the targets that are known on both sides; the answer for another is the mean."""

    @wraps(learner)
    def learn(training: Examples, choosing: Examples, seed: int, folder: Path | None = None) -> Predictor:
        known = training.known & choosing.known
        constant = mean(training, choosing, seed)
        if not known.any():
            return constant
        learned = learner(training.of_targets(known), choosing.of_targets(known), seed, folder)

        def predict(examples: Examples) -> np.ndarray:
            answer = constant(examples)
            answer[:, known] = learned(examples)
            return answer

        return predict

    return learn


def li(
    training: Examples, choosing: Examples, seed: int, folder: Path | None = None, config: TrainingConfig = LI
) -> Predictor:
    """Li's network."""
    model = train(LiTask(training, choosing), replace(config, seed=seed), folder).model
    prior = training.prior
    return lambda examples: li_prediction(model, examples, prior)


def ours(
    training: Examples, choosing: Examples, seed: int, folder: Path | None = None, config: TrainingConfig = OURS
) -> Predictor:
    """Our network; of songs so few that nothing learned can be shown to gain, the linear regression alone."""
    if len(np.unique(choosing.songs)) < LEAST_SONGS:
        linear = solved(training.with_(choosing))
        return lambda examples: linear.predict(examples.features)
    model = train_ours(training, choosing, replace(config, seed=seed), folder).state.model
    return lambda examples: our_prediction(model, examples)[0]


@dataclass(frozen=True)
class Trained:
    """Our network, trained.

    Attributes:
        state: whose model is the one that is kept.
        kept: `NETWORK`, or `REGRESSION` of the examples of both sides.
    """

    state: State
    kept: str


def train_ours(training: Examples, choosing: Examples, config: TrainingConfig, folder: Path | None = None) -> Trained:
    """Train our network.

    It begins as a linear regression of the training examples. What it learns beyond is kept if the interval of the gain
    by choosing song is above 0; else the network is the regression of all examples. The same songs choose the step by
    their least loss, so that this gain is too large on average and a network is kept in more than the 2.5 % of chance.
    How good what is kept is, only songs of neither side say.
    """
    task = OurTask(training, choosing)
    state = train(task, config, folder)
    device = device_of(config)
    begun = task.choosing_losses(task.model().to(device).eval())
    trained = task.choosing_losses(state.model)
    if len(begun) < LEAST_SONGS or interval([begun[song] - trained[song] for song in begun])[0] <= 0:
        state.model = network_of(training.with_(choosing)).to(device).eval()
        return Trained(state, REGRESSION)
    return Trained(state, NETWORK)


def our_prediction(model: torch.nn.Module, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations, (rows, targets) each."""
    device = next(model.parameters()).device
    with torch.no_grad():
        mean, sd = model(torch.from_numpy(examples.mel_db.astype(np.float32)).to(device))
    return mean.cpu().numpy(), sd.cpu().numpy()


@_of_known
def boosting(training: Examples, choosing: Examples, seed: int, _folder: Path | None = None) -> Predictor:
    """Gradient boosting on features; the choosing examples say how many trees."""
    from sklearn.ensemble import GradientBoostingRegressor  # comes with librosa

    features, chosen_by = training.features, choosing.features
    models = []
    for k in range(len(training.names)):
        known, tested = np.isfinite(training.targets[:, k]), np.isfinite(choosing.targets[:, k])
        model = GradientBoostingRegressor(
            n_estimators=80, learning_rate=0.05, max_depth=2, subsample=0.5, max_features=0.3, random_state=seed
        )
        model.fit(features[known], training.targets[known, k])
        constant = float(training.targets[known, k].mean())
        stages = [np.full(int(tested.sum()), constant), *model.staged_predict(chosen_by[tested])]
        errors = [np.mean((stage - choosing.targets[tested, k]) ** 2) for stage in stages]
        models.append((model, constant, int(np.argmin(errors))))

    def predict(examples: Examples) -> np.ndarray:
        rows = examples.features
        columns = []
        for model, constant, trees in models:
            stages = [np.full(len(rows), constant), *model.staged_predict(rows)]
            columns.append(stages[trees])
        return np.stack(columns, axis=1)

    return predict


@_of_known
def ridge(training: Examples, choosing: Examples, _seed: int, _folder: Path | None = None) -> Predictor:
    """Ridge regression on features; the choosing examples say how far its weights are drawn to 0."""
    rows, tested = training.features, choosing.features
    centre, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    columns = []
    for k in range(len(training.names)):
        known, there = np.isfinite(training.targets[:, k]), np.isfinite(choosing.targets[:, k])
        x, y = (rows[known] - centre) / scale, training.targets[known, k]
        chosen_x, chosen_y = (tested[there] - centre) / scale, choosing.targets[there, k]
        gram, product = x.T @ x, x.T @ (y - y.mean())
        found = [np.linalg.solve(gram + penalty * np.eye(len(gram)), product) for penalty in PENALTIES]
        found.append(np.zeros_like(found[0]))
        errors = [np.mean((chosen_x @ weights + y.mean() - chosen_y) ** 2) for weights in found]
        columns.append((found[int(np.argmin(errors))], y.mean()))

    def predict(examples: Examples) -> np.ndarray:
        x = (examples.features - centre) / scale
        return np.stack([x @ weights + constant for weights, constant in columns], axis=1)

    return predict


def learners(device: str = "cpu", precision: str = "fp32") -> dict[str, Learner]:
    """All of them by name, of which the networks are trained on a device, at a precision of `TrainingConfig`."""
    networks = (li, LI), (ours, OURS)
    there = [partial(each, config=replace(config, device=device, precision=precision)) for each, config in networks]
    return {
        "mean": mean,
        "median": median,
        "boosting": boosting,
        "ridge": ridge,
        "li": _of_known(there[0]),
        "ours": _of_known(there[1]),
    }


LEARNERS: Mapping[str, Learner] = learners()
"""By name, on the processor."""
