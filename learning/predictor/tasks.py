"""What the networks are trained on: batches of examples, their losses, and what chooses when to stop."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.linear import solved
from mixprior.learning.predictor.networks import LiNetwork, PriorNetwork
from mixprior.learning.training.digest import digest
from mixprior.mixing.learned.mel import FRAMES, blocks

GAIN_DB = 6.0
"""Most that a batch is amplified or attenuated for Li's network, one gain a batch."""

CUT = 128
"""Frames of an excerpt that a batch of ours is of."""


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
    """Ours: what a linear regression leaves, cuts of excerpts, and the likelihood of a Gaussian for each target."""

    def model(self) -> torch.nn.Module:
        return network_of(self.training)

    def loss(self, model: torch.nn.Module, rng: np.random.Generator, batch: int) -> torch.Tensor:
        cut = min(CUT, self.training.mel_db.shape[-1])
        start = int(rng.integers(0, self.training.mel_db.shape[-1] - cut + 1))
        drawn = self.training[rng.integers(0, len(self.training), batch)]
        return self._likelihood(model, replace(drawn, mel_db=drawn.mel_db[..., start : start + cut]))

    def choosing_loss(self, model: torch.nn.Module) -> float:
        return float(self._likelihood(model, self.choosing))

    def choosing_losses(self, model: torch.nn.Module) -> dict[str, float]:
        """The same by song."""
        with torch.no_grad():
            songs = np.unique(self.choosing.songs)
            return {song: float(self._likelihood(model, self.choosing.of([song]))) for song in songs}

    def _likelihood(self, model: torch.nn.Module, examples: Examples) -> torch.Tensor:
        device = next(model.parameters()).device
        mean, sd = model(torch.from_numpy(examples.mel_db.astype(np.float32)).to(device))
        scale = torch.tensor(self.training.prior[:, 1], dtype=torch.float32, device=device)
        wanted = torch.from_numpy(examples.targets.astype(np.float32)).to(device)
        off, spread = (mean.float() - torch.nan_to_num(wanted)) / scale, sd.float() / scale
        return masked(0.5 * (off / spread) ** 2 + torch.log(spread), torch.isfinite(wanted))


def network_of(examples: Examples) -> PriorNetwork:
    """Our network before it is trained: the linear regression of examples."""
    return PriorNetwork(examples.prior, solved(examples))


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


def _standard(targets: np.ndarray, prior: np.ndarray) -> np.ndarray:
    return np.asarray((targets - prior[:, 0]) / prior[:, 1], np.float32)
