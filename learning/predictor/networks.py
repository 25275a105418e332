"""The networks in torch: Kelian Li's, and ours, which `mixprior.mixing.learned.network` runs without torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from mixprior.learning.predictor.linear import Linear
from mixprior.mixing.learned.mel import BANDS, FRAMES
from mixprior.mixing.learned.network import GROUPED, LOG_SD, SCALE_DB

_CHANNELS = (8, 16, 32, 64)
_DROPOUT = 0.3

WIDTH = 8
KERNEL = 5


class LiNetwork(nn.Module):
    """The CNN of Kelian Li (github likelian/Lab_spring2022, `MSD_fader_net.py`), from its description.

    Four blocks of a convolution of 3 x 3 without padding, batch norm, ReLU and a pooling of 2; dropout; one linear
    layer. 25 thousand weights.

    Args:
        outputs: numbers that are predicted.

    >>> network = LiNetwork(1)
    >>> sum(each.numel() for each in network.parameters())
    25465
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((2, *_CHANNELS), _CHANNELS, strict=False):
            layers += [nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(_DROPOUT))
        with torch.no_grad():
            size = self.features(torch.zeros(1, 2, BANDS, FRAMES)).shape[1]
        self.last = nn.Linear(size, outputs)

    def forward(self, mel_db: torch.Tensor) -> torch.Tensor:
        """Predict, (batch, outputs), in standard deviations about the mean, from (batch, 2, 128, 64)."""
        predicted: torch.Tensor = self.last(self.features(mel_db / SCALE_DB))
        return predicted


class PriorNetwork(nn.Module):
    """Ours: an encoder of its own on the same input of any length, and a Gaussian for each target about its prior.

    What is loud or soft as a whole is taken out of each sound first, so that the level of a file does not matter. The
    last layer begins at 0: untrained, the network predicts the prior, or what a linear regression says. What is
    learned is added to that.

    Args:
        prior: (targets, 2), mean and standard deviation of each target.
        linear: of the same targets; None for none.
    """

    def __init__(self, prior: np.ndarray, linear: Linear | None = None) -> None:
        super().__init__()
        self.register_buffer("prior", torch.tensor(np.asarray(prior), dtype=torch.float32))
        for name, value in _base(np.asarray(prior, float), linear).items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))
        self.frame = nn.Conv1d(2 * GROUPED, WIDTH, 1)
        self.time = nn.Conv1d(WIDTH, WIDTH, KERNEL)
        pooled = 2 * (2 * GROUPED + 2 * WIDTH)
        self.norm = nn.BatchNorm1d(pooled, affine=False)
        self.dropout = nn.Dropout(_DROPOUT)
        self.last = nn.Linear(pooled, 2 * len(prior))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, mel_db: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Predict mean and standard deviation, (batch, targets) each, from (batch, 2, 128, frames)."""
        x = grouped(mel_db)
        first = torch.relu(self.frame(x))
        second = torch.relu(self.time(first))
        pooled = torch.cat([_pooled(each) for each in (x, first, second)], dim=1)
        answer = self.last(self.dropout(self.norm(pooled))) + self._regression(pooled)
        shift, log_sd = answer.chunk(2, dim=1)
        prior: torch.Tensor = self.get_buffer("prior")
        return prior[:, 0] + prior[:, 1] * shift, prior[:, 1] * torch.exp(log_sd.clamp(*LOG_SD))

    def _regression(self, pooled: torch.Tensor) -> torch.Tensor:
        weight = self.get_buffer("base_weight")
        return nn.functional.linear(pooled[:, : weight.shape[1]], weight, self.get_buffer("base_bias"))

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Weights by name, as `mixprior.mixing.learned.network.Network` takes them: one last layer for both sums."""
        arrays = {name: value.detach().cpu().numpy() for name, value in self.state_dict().items()}
        weight, bias = arrays.pop("base_weight"), arrays.pop("base_bias")
        read = weight.shape[1]
        spread = np.sqrt(arrays["norm.running_var"][:read] + self.norm.eps)
        last = arrays["last.weight"].copy()
        last[:, :read] += weight * spread
        arrays["last.weight"] = last
        arrays["last.bias"] = arrays["last.bias"] + bias + weight @ arrays["norm.running_mean"][:read]
        return arrays


def _base(prior: np.ndarray, linear: Linear | None) -> dict[str, np.ndarray]:
    """A linear regression in standard deviations about the prior, and the logarithm of its error over them."""
    weight = np.zeros((2 * len(prior), 4 * GROUPED))
    bias = np.zeros(2 * len(prior))
    if linear is not None:
        mean, sd = prior.T
        weight[: len(prior)] = linear.weights * SCALE_DB / sd[:, None]
        bias = np.concatenate([(linear.constants - mean) / sd, np.log(np.maximum(linear.rmse, 1e-6) / sd)])
    return {"base_weight": weight, "base_bias": bias}


def grouped(mel_db: torch.Tensor) -> torch.Tensor:
    """Bands as our network reads them: (batch, 2 x 16, frames), each sound without its mean, in units of 20 dB."""
    batch, sounds, bands, frames = mel_db.shape
    means = mel_db.reshape(batch, sounds, GROUPED, bands // GROUPED, frames).mean(dim=3)
    means = means - means.mean(dim=(2, 3), keepdim=True)
    return (means / SCALE_DB).reshape(batch, sounds * GROUPED, frames)


def _pooled(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x.mean(dim=2), x.std(dim=2, correction=0)], dim=1)
