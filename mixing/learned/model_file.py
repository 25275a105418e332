"""A model on disk: MODEL.npz of weights, and MODEL.json beside it, the card: what they are, and made of what."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.pipeline.store.files import write_bytes
from mixprior.stats import json_document
from mixprior.stats.errors import InputError

VERSION = 1
"""Of the layout of a model."""

REMEDY = "give the .npz that `mixprior train` wrote, with its .json beside it"


@dataclass(frozen=True)
class ModelFile:
    """What a model holds.

    Attributes:
        card: what it is, and what it was made of.
        weights: by name, all finite.
        sha256: of the file of the weights, in hex.
    """

    card: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]
    sha256: str


def read(path: str | Path) -> ModelFile:
    """Read a model.

    Raises:
        InputError: if there is none, it is damaged, of another version, or its weights are not finite
            or not those of its card.
    """
    path = Path(path)
    card = _card(path)
    try:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != card.pop("sha256", None):
            raise InputError(f"{path} is not what its card describes (its SHA-256 is another); {REMEDY}")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
        if not is_finite(weights):
            raise InputError(f"{path} has weights that are not finite: train it again")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise not_a_model(path, error) from error
    return ModelFile(card, weights, digest)


def not_a_model(path: str | Path, error: Exception) -> InputError:
    """The error for a file that lacks what a model has."""
    return InputError(f"{path} is no model ({type(error).__name__} {error}); {REMEDY}")


def write(path: Path, weights: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> None:
    """Write the weights, and the card beside them. Raises InputError where that cannot be."""
    content = _packed(weights)
    document = {"model_version": VERSION, **card, "sha256": hashlib.sha256(content).hexdigest()}
    try:
        text = json.dumps(document, indent=2, allow_nan=False)
    except ValueError as error:
        raise InputError(f"{path} is not written: its card has numbers that are not finite") from error
    if not is_finite(weights):
        raise InputError(f"{path} is not written: its weights are not finite")
    write_bytes(str(path), content)
    write_bytes(str(path.with_suffix(".json")), f"{text}\n".encode())


def sha256(weights: Mapping[str, np.ndarray]) -> str:
    """Digest of the file that `write` makes of weights."""
    return hashlib.sha256(_packed(weights)).hexdigest()


def is_finite(weights: Mapping[str, np.ndarray]) -> bool:
    """Whether all weights are numbers."""
    return all(np.isfinite(each).all() for each in weights.values())


def _card(path: Path) -> dict[str, Any]:
    if not path.name:
        raise InputError(f"{path} is no model; {REMEDY}")
    card = json_document.read(path.with_suffix(".json"), "card of a model", REMEDY)
    if card.pop("model_version", None) != VERSION:
        raise InputError(f"{path} is no model of version {VERSION}: train it again")
    return dict(card)


def _packed(weights: Mapping[str, np.ndarray]) -> bytes:
    with io.BytesIO() as file:
        np.savez(file, **dict[str, Any](weights))
        return file.getvalue()
