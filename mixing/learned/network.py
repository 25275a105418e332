"""A trained predictor without torch: log-mel spectra in, each target's mean and spread out, by numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.learned import model_file
from mixprior.mixing.learned.mel import BANDS
from mixprior.mixing.learned.model_file import ModelFile
from mixprior.stats.errors import InputError

SCALE_DB = 20.0
"""Spectra are read in units of this."""
GROUPED = 16
"""Bands that are read: each is the mean of eight mel bands."""
LOG_SD = (-3.0, 1.5)
"""Least and most of the logarithm of a predicted spread over that of the prior."""
_WEIGHTS = (
    *("prior", "frame.weight", "frame.bias", "time.weight", "time.bias"),
    *("norm.running_mean", "norm.running_var", "last.weight", "last.bias"),
)
_LEAST_VARIANCE = 1e-5
"""Added to variances by torch's batch norm."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of one target.

    Attributes:
        mean: expected value, in the target's unit.
        sd: standard deviation about it.
        prior_mean, prior_sd: the same before anything was heard.
    """

    mean: float
    sd: float
    prior_mean: float
    prior_sd: float


@dataclass(frozen=True)
class Network:
    """A predictor of how vocals and backing are mixed. Make one with `of_file`.

    Attributes:
        targets: names of what it predicts, in the order of its outputs.
        weights: by name, as `mixprior.learning.predictor.networks.PriorNetwork` has them.
        card: what it was made of.
        sha256: of its weights' file, in hex.
    """

    targets: tuple[str, ...]
    weights: Mapping[str, np.ndarray] = field(repr=False)
    card: Mapping[str, Any] = field(repr=False)
    sha256: str

    def predict(self, mel_db: np.ndarray) -> dict[str, Prediction]:
        """Predict each target from the spectra of vocals and backing, (2, 128, frames), `mel.log_mel_db` of each."""
        x = _grouped(np.asarray(mel_db, np.float32))
        first = np.maximum(_convolved(x, self.weights["frame.weight"], self.weights["frame.bias"]), 0)
        second = np.maximum(_convolved(first, self.weights["time.weight"], self.weights["time.bias"]), 0)
        pooled = np.concatenate([_pooled(each) for each in (x, first, second)])
        pooled = (pooled - self.weights["norm.running_mean"]) / np.sqrt(
            self.weights["norm.running_var"] + _LEAST_VARIANCE
        )
        answer = self.weights["last.weight"] @ pooled + self.weights["last.bias"]
        shift, log_sd = np.split(answer, 2)
        means, sds = self.weights["prior"].T
        spread = sds * np.exp(np.clip(log_sd, *LOG_SD))
        columns = zip(means + sds * shift, spread, means, sds, strict=True)
        return {name: Prediction(*map(float, each)) for name, each in zip(self.targets, columns, strict=True)}

    def write(self, path: Path) -> None:
        """Write the weights, and the card beside them. Raises InputError where that cannot be."""
        model_file.write(path, self.weights, {"targets": list(self.targets), **self.card})


def made(targets: tuple[str, ...], weights: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> Network:
    """A network of weights in memory."""
    return Network(targets, weights, card, model_file.sha256(weights))


def of_file(path: str | Path, file: ModelFile) -> Network:
    """The network in a model that is read. Raises InputError if it is none, or another than its card says."""
    card = dict(file.card)
    try:
        weights = {name: file.weights[name] for name in _WEIGHTS}
        targets = tuple(str(name) for name in card.pop("targets"))
        if weights["last.bias"].shape != (2 * len(targets),) or weights["prior"].shape != (len(targets), 2):
            raise InputError(f"{path} predicts other targets than its card names; {model_file.REMEDY}")
    except (ValueError, KeyError, TypeError) as error:
        raise model_file.not_a_model(path, error) from error
    return Network(targets, weights, card, file.sha256)


def _grouped(mel_db: np.ndarray) -> np.ndarray:
    """(2 x 16, frames), each sound without its mean."""
    means = mel_db.reshape(2, GROUPED, BANDS // GROUPED, -1).mean(axis=2)
    means = means - means.mean(axis=(1, 2), keepdims=True)
    return (means / SCALE_DB).reshape(2 * GROUPED, -1)


def _convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Convolve (channels, frames) without padding by (outputs, channels, taps)."""
    taps = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2], axis=1)
    return np.einsum("cft,oct->of", taps, weight, optimize=True) + bias[:, None]


def _pooled(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x.mean(axis=1), x.std(axis=1)])
