"""A trained console mixer without torch: what it hears of the parts of a mix in, moves of their controls out.

The arithmetic is that of `mixprior.learning.mixer.network.ConsoleMixer`, which is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.learned import model_file
from mixprior.mixing.learned.heard import ASKED, SCALES, Heard
from mixprior.mixing.learned.mel import BANDS
from mixprior.mixing.learned.model_file import ModelFile
from mixprior.mixing.learned.network import SCALE_DB
from mixprior.stats.errors import InputError

SYSTEM = "console"
"""What its card calls it."""

OUTPUTS = ("output_gain_db", "pan", "threshold_dbfs", "dry_wet")
"""Controls that the network answers for, besides `band_gain_db` of the bands; it moves those that have a spread."""
STEP_OF = {"output_gain_db": "level", "band_gain_db": "eq", "pan": "pan"}
"""The step of a mix that a control is moved for: other controls are not moved in a mix."""
SHELVES = (("low shelf", 200.0), ("high shelf", 4000.0))
"""Bands of the equaliser that it adds, and their frequencies in Hz."""
SHELF_Q = 0.7071
REACH_SD = 2.0
"""No control is moved further, in standard deviations."""
GROUPED = 32
"""Bands that are read: each is the mean of four mel bands."""
HEADS = 4
NEPERS = float(SCALE_DB * np.log(10) / 10)
"""Natural logarithm of power in a unit of what is read."""


@dataclass(frozen=True)
class ConsoleNetwork:
    """Moves controls of the parts of a mix about what the posterior rule sets. Make one with `of_file`.

    Attributes:
        spread: standard deviations by control, `output_gain_db`, `pan` (positions) and `band_gain_db`.
        weights: by name, as `mixprior.learning.mixer.network.ConsoleMixer` has them.
        card: what it was made of.
        sha256: of its weights' file, in hex.
    """

    spread: Mapping[str, float]
    weights: Mapping[str, np.ndarray] = field(repr=False)
    card: Mapping[str, Any] = field(repr=False)
    sha256: str

    def moves(self, parts: Sequence[Heard]) -> dict[str, np.ndarray]:
        """How far each control of each part goes.

        Args:
            parts: of a mix, in any order.

        Returns:
            By control: (parts,), and (parts, 2) of `band_gain_db`, in the order of `SHELVES`.
        """
        return self.moves_of_encoded(np.stack([self.encoded(each.mel_db) for each in parts]), parts)

    def moves_of_encoded(self, encoded: np.ndarray, parts: Sequence[Heard]) -> dict[str, np.ndarray]:
        """The same of parts that are encoded already, (parts, width)."""
        w = self.weights
        mean = np.broadcast_to(encoded.mean(axis=0), encoded.shape)
        facts = np.array([[each.balance, *_asked(each)] for each in parts], np.float32)
        joined = np.concatenate([encoded, mean, self._attended(encoded), facts], axis=1)
        hidden = _prelu(joined @ w["joined.0.weight"].T + w["joined.0.bias"], w["joined.1.weight"])
        answers = hidden @ w["last.weight"].T + w["last.bias"]
        of = {name: answers[:, k] for k, name in enumerate(OUTPUTS)} | {"band_gain_db": answers[:, len(OUTPUTS) :]}
        return {name: REACH_SD * sd * np.tanh(of[name] / REACH_SD) for name, sd in self.spread.items()}

    def encoded(self, mel_db: np.ndarray) -> np.ndarray:
        """What a part sounds like, (width,), of its spectra, (128, frames)."""
        w = self.weights
        grouped = mel_db.reshape(GROUPED, BANDS // GROUPED, -1).mean(axis=1)
        x = (grouped - grouped.mean()) / np.float32(SCALE_DB)
        first = np.maximum(np.einsum("cf,oc->of", x, w["frame.weight"][:, :, 0]) + w["frame.bias"][:, None], 0)
        second = np.maximum(_convolved(first, w["time.weight"], w["time.bias"]), 0)
        pooled = np.concatenate([part for each in (x, first, second) for part in (each.mean(axis=1), each.std(axis=1))])
        loudest = x.max(axis=1, keepdims=True)
        power = loudest[:, 0] + np.log(np.exp(NEPERS * (x - loudest)).mean(axis=1)) / NEPERS
        read = np.concatenate([power, pooled])
        return _prelu(w["encode.0.weight"] @ read + w["encode.0.bias"], w["encode.1.weight"])

    def _attended(self, encoded: np.ndarray) -> np.ndarray:
        w, (tracks, width) = self.weights, encoded.shape
        projected = encoded @ w["attention.in_proj_weight"].T + w["attention.in_proj_bias"]
        query, key, value = (
            each.reshape(tracks, HEADS, width // HEADS).swapaxes(0, 1) for each in np.split(projected, 3, axis=1)
        )
        scores = query @ key.swapaxes(1, 2) / np.sqrt(width / HEADS)
        shares = np.exp(scores - scores.max(axis=2, keepdims=True))
        heard = (shares / shares.sum(axis=2, keepdims=True)) @ value
        joined = heard.swapaxes(0, 1).reshape(tracks, width)
        return np.asarray(joined @ w["attention.out_proj.weight"].T + w["attention.out_proj.bias"])

    def write(self, path: Path) -> None:
        """Write the weights, and the card beside them. Raises InputError where that cannot be."""
        model_file.write(path, self.weights, {"system": SYSTEM, "spread": dict(self.spread), **self.card})


def made(spread: Mapping[str, float], weights: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> ConsoleNetwork:
    """A network of weights in memory."""
    return ConsoleNetwork(spread, weights, card, model_file.sha256(weights))


def is_console(file: ModelFile) -> bool:
    """Whether a model is a console mixer."""
    return file.card.get("system") == SYSTEM


def of_file(path: str | Path, file: ModelFile) -> ConsoleNetwork:
    """The network in a model that is read.

    Raises:
        InputError: if its weights do not fit its card, each other or this network, or a spread is of another control,
            or no spread.
    """
    card = {name: value for name, value in file.card.items() if name not in ("system", "spread")}
    try:
        spread = {str(name): float(sd) for name, sd in file.card["spread"].items()}
        if not spread.keys() <= STEP_OF.keys() or not all(0 < sd < np.inf for sd in spread.values()):
            raise ValueError(f"spreads are to be of {', '.join(STEP_OF)}, finite and above 0")
        width, reads = (file.weights[name].shape[k] for name, k in (("frame.weight", 0), ("encode.0.weight", 1)))
        if reads != GROUPED + 2 * (GROUPED + 2 * width):
            raise InputError(f"{path} is of another network than this version of mixprior has: train it again")
        found = ConsoleNetwork(spread, file.weights, card, file.sha256)
        moved = found.moves([Heard(np.zeros((BANDS, 1), np.float32), 0.0)])
        if moved.get("band_gain_db", np.zeros((1, len(SHELVES)))).shape[1] != len(SHELVES):
            raise ValueError("another number of bands")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise model_file.not_a_model(path, error) from error
    return found


def _asked(part: Heard) -> list[float]:
    """What is asked for, 0 where it is not; and which of it is."""
    given = [part.asked.get(name, 0.0) / scale for name, scale in zip(ASKED, SCALES, strict=True)]
    return [*given, *(float(name in part.asked) for name in ASKED)]


def _prelu(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, slope * x)


def _convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Convolve (channels, frames) by (outputs, channels, taps), with silence at both ends: as many frames."""
    taps, frames = weight.shape[2], x.shape[1]
    padded = np.pad(x, ((0, 0), (taps // 2, taps // 2)))
    return np.asarray(sum(weight[:, :, k] @ padded[:, k : k + frames] for k in range(taps)) + bias[:, None])
