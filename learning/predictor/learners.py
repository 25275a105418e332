"""What can learn to predict from examples: networks, and the rivals that they have to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path

import numpy as np
import torch

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.networks import LiNetwork, PriorNetwork
from mixprior.learning.training.config import TrainingConfig
from mixprior.learning.training.digest import digest
from mixprior.learning.training.loop import State, train
from mixprior.mixing.learned.mel import FRAMES, blocks

Predictor = Callable[[Examples], np.ndarray]
"""Predicts (rows, targets) of examples."""
Learner = Callable[[Examples, Examples, int, Path | None], Predictor]
"""Learns from training examples and those that choose when to stop, with a seed; checkpoints go to a folder."""

GAIN_DB = 6.0
"""Most that a batch is amplified or attenuated for Li's network, one gain a batch."""

CUT = 128
"""Frames of an excerpt that a batch of ours is of."""

PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
"""Of ridge regression on features in standard deviations."""

LI = TrainingConfig(steps=600, batch=25, rate=1e-3, check_every=30, patience=6)
"""Li trains for 50 epochs; ours ends when the choosing songs say so."""
OURS = TrainingConfig(steps=200, batch=32, rate=2e-3, weight_decay=1.0, check_every=20, patience=4)
"""Width, rate and decay were chosen on a law of R2 .2 (`known_truth`, seed 5), by what was found of it."""


@dataclass
class _Sides:
    training: Examples
    choosing: Examples

    @property
    def digest(self) -> str:
        """Of the songs of both sides, their spectra and targets."""
        return digest(*self.training.parts, *self.choosing.parts)


@dataclass
class LiTask(_Sides):
    """Li's training: blocks of 64 frames, mean squared error of targets in standard deviations."""

    def model(self) -> torch.nn.Module:
        return LiNetwork(len(self.training.names))

    def loss(self, model: torch.nn.Module, rng: np.random.Generator, batch: int) -> torch.Tensor:
        rows = rng.integers(0, len(self.training), batch)
        starts = rng.integers(0, self.training.mel_db.shape[-1] - FRAMES + 1, batch)
        drawn = [self.training.mel_db[k, ..., s : s + FRAMES] for k, s in zip(rows, starts, strict=True)]
        gain_db = float(rng.uniform(-GAIN_DB, GAIN_DB))
        device = next(model.parameters()).device
        heard = torch.from_numpy(np.stack(drawn).astype(np.float32)).to(device) + gain_db
        wanted = torch.from_numpy(_standard(self.training.targets[rows], self.training.prior)).to(device)
        known = torch.isfinite(wanted)
        return masked((model(heard).float() - torch.nan_to_num(wanted)) ** 2, known)

    def choosing_loss(self, model: torch.nn.Module) -> float:
        prior = self.training.prior
        off = _standard(li_prediction(model, self.choosing, prior), prior) - _standard(self.choosing.targets, prior)
        return float(np.nanmean(off**2))


@dataclass
class OurTask(_Sides):
    """Ours: cuts of excerpts, and the likelihood of a Gaussian for each target."""

    def model(self) -> torch.nn.Module:
        return PriorNetwork(self.training.prior)

    def loss(self, model: torch.nn.Module, rng: np.random.Generator, batch: int) -> torch.Tensor:
        cut = min(CUT, self.training.mel_db.shape[-1])
        start = int(rng.integers(0, self.training.mel_db.shape[-1] - cut + 1))
        drawn = self.training[rng.integers(0, len(self.training), batch)]
        return self._likelihood(model, replace(drawn, mel_db=drawn.mel_db[..., start : start + cut]))

    def choosing_loss(self, model: torch.nn.Module) -> float:
        return float(self._likelihood(model, self.choosing))

    def _likelihood(self, model: torch.nn.Module, examples: Examples) -> torch.Tensor:
        device = next(model.parameters()).device
        mean, sd = model(torch.from_numpy(examples.mel_db.astype(np.float32)).to(device))
        scale = torch.tensor(self.training.prior[:, 1], dtype=torch.float32, device=device)
        wanted = torch.from_numpy(examples.targets.astype(np.float32)).to(device)
        off, spread = (mean.float() - torch.nan_to_num(wanted)) / scale, sd.float() / scale
        return masked(0.5 * (off / spread) ** 2 + torch.log(spread), torch.isfinite(wanted))


def masked(losses: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean over the targets that are known."""
    return torch.where(known, losses, torch.zeros_like(losses)).sum() / known.sum().clamp(min=1)


def li_prediction(model: torch.nn.Module, examples: Examples, prior: np.ndarray) -> np.ndarray:
    """Mean over the blocks of each example."""
    device = next(model.parameters()).device
    cut = blocks(examples.mel_db).astype(np.float32)
    with torch.no_grad():
        answers = [model(torch.from_numpy(block).to(device)).cpu().numpy() for block in cut]
    return np.asarray(prior[:, 0] + prior[:, 1] * np.mean(answers, axis=0))


def mean(training: Examples, _choosing: Examples, _seed: int, _folder: Path | None = None) -> Predictor:
    """The mean of the training examples; NaN for a target that none has."""
    return _constant(training, np.mean)


def median(training: Examples, _choosing: Examples, _seed: int, _folder: Path | None = None) -> Predictor:
    """The median of the training examples; NaN for a target that none has."""
    return _constant(training, np.median)


def _constant(training: Examples, statistic: Callable[[np.ndarray], float]) -> Predictor:
    known = [each[np.isfinite(each)] for each in training.targets.T]
    constant = np.array([statistic(each) if len(each) else np.nan for each in known], float)
    return lambda examples: np.tile(constant, (len(examples), 1))


def _of_known(learner: Learner) -> Learner:
    """Learn the targets that are known on both sides; the answer for another is the mean of the training examples."""

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


@_of_known
def li(training: Examples, choosing: Examples, seed: int, folder: Path | None = None) -> Predictor:
    """Li's network."""
    model = train(LiTask(training, choosing), replace(LI, seed=seed), folder).model
    prior = training.prior
    return lambda examples: li_prediction(model, examples, prior)


@_of_known
def ours(training: Examples, choosing: Examples, seed: int, folder: Path | None = None) -> Predictor:
    """Our network."""
    model = train_ours(training, choosing, replace(OURS, seed=seed), folder).model
    return lambda examples: our_prediction(model, examples)[0]


def train_ours(training: Examples, choosing: Examples, config: TrainingConfig, folder: Path | None = None) -> State:
    """Train our network."""
    return train(OurTask(training, choosing), config, folder)


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


LEARNERS: Mapping[str, Learner] = {
    "mean": mean,
    "median": median,
    "boosting": boosting,
    "ridge": ridge,
    "li": li,
    "ours": ours,
}
"""By name."""


def _standard(targets: np.ndarray, prior: np.ndarray) -> np.ndarray:
    return np.asarray((targets - prior[:, 0]) / prior[:, 1], np.float32)
