"""Files of constants: written as npz, as FxNorm-automix's npy or as JSON; read without unpickling."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixprior.analysis.constants.constants import BIN_HZ, POOLED_BIN_HZ, Constants, Features
from mixprior.pipeline.store.places import Place, RemotePath
from mixprior.stats import json_document
from mixprior.stats.errors import InputError

FXNORM = ("eq", "compression", "panning", "loudness")
"""The effects in FxNorm-automix's file, in its order."""

_CONVERT = (
    "python -c \"import numpy as np; d = np.load('IN.npy', allow_pickle=True)[()]; "
    "np.savez('OUT.npz', **{f'{e}/{s}': v for e in d for s, v in d[e].items()})\""
)


@dataclass(frozen=True)
class _Feature:
    """What is read of one feature in a JSON file."""

    mean: tuple[float, ...]


@dataclass(frozen=True)
class _Written:
    """What is read of a JSON file: features by effect, then stem."""

    features: Mapping[str, Mapping[str, _Feature]]


def to_npz(constants: Constants) -> bytes:
    """Arrays named "effect/stem", float32, and `provenance`: a JSON string. Read it with `numpy.load(file)`."""
    arrays: dict[str, Any] = {
        f"{effect}/{stem}": values.astype(np.float32)
        for effect in FXNORM
        for stem, values in constants.features[effect].items()
    }
    file = io.BytesIO()
    np.savez_compressed(file, provenance=np.array(_provenance(constants)), **arrays)
    return file.getvalue()


def to_npy(constants: Constants) -> bytes:
    """The pickled dictionary effect -> stem -> array that FxNorm-automix's `--features-load` takes.

    One more key, `provenance`, holds a JSON string; FxNorm-automix ignores it.
    """
    layout: dict[str, Any] = {effect: dict(constants.features[effect]) for effect in FXNORM}
    layout["provenance"] = {"json": _provenance(constants)}
    file = io.BytesIO()
    np.save(file, np.array(layout, object), allow_pickle=True)
    return file.getvalue()


def to_json(constants: Constants) -> str:
    """Every feature with its mean, sd over songs and n; curves with the width of their bins."""
    effects: dict[str, dict[str, Any]] = {}
    for effect, stems in constants.features.items():
        for stem, mean in stems.items():
            effects.setdefault(effect, {})[stem] = {
                "n": constants.n[effect][stem],
                "mean": _numbers(mean),
                "sd": _numbers(constants.sd[effect][stem]),
            }
    document = {
        "provenance": constants.provenance,
        "mean_bin_hz": BIN_HZ,
        "sd_bin_hz": POOLED_BIN_HZ,
        "features": effects,
    }
    return json.dumps(document, allow_nan=False, ensure_ascii=False)


def read(path: Place) -> Features:
    """Read the means of a file of constants: ours, or a published one as npz of "effect/stem" arrays.

    Raises:
        InputError: if there is no such file, it needs unpickling, or it holds no constants.
    """
    suffix = os.path.splitext(path.name)[1]
    if suffix == ".json":
        return _of_json(path)
    try:
        loaded = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except OSError as error:
        raise InputError(
            f"cannot read {path} ({error.strerror or error}): give .npz, .json or a priors folder"
        ) from error
    except ValueError as error:
        if suffix == ".npy":
            raise InputError(
                f"{path} is pickled, and loading a pickle can run code; if you trust it, convert it: {_CONVERT}"
            ) from error
        raise InputError(f"{path} is no file of constants; give .npz, .json or a priors folder") from error
    except Exception as error:  # what a damaged zip raises depends on where it is damaged
        raise InputError(f"{path} is damaged ({type(error).__name__}); make it again") from error
    return _of_npz(path, loaded)


def _of_npz(path: Place, loaded: Any) -> Features:
    features: dict[str, dict[str, np.ndarray]] = {}
    try:
        with loaded:
            for name in loaded.files:
                effect, slash, stem = name.partition("/")
                if slash and effect != "provenance":
                    features.setdefault(effect, {})[stem] = np.atleast_1d(loaded[name]).astype(np.float64)
    except Exception as error:
        raise InputError(f"{path} holds arrays that are no constants ({type(error).__name__})") from error
    return _checked(path, features)


def _of_json(path: Place) -> Features:
    if isinstance(path, RemotePath):
        raise InputError(f"{path} is not on this machine: copy it, and give the copy")
    document = json_document.read(path, "file of constants", "give what `mixprior constants --format json` wrote")
    try:
        written = json_document.decode(_Written, document, others=True)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return _checked(
        path,
        {
            effect: {stem: np.array(feature.mean, np.float64) for stem, feature in stems.items()}
            for effect, stems in written.features.items()
        },
    )


def _checked(path: Place, features: Mapping[str, Mapping[str, np.ndarray]]) -> Features:
    if not features:
        raise InputError(f'{path} holds no arrays named "effect/stem": no constants')
    for effect, stems in features.items():
        for stem, values in stems.items():
            if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
                raise InputError(f"{path}: {effect}/{stem} is no list of numbers")
    return features


def _provenance(constants: Constants) -> str:
    return json.dumps({**constants.provenance, "n": constants.n}, ensure_ascii=False)


def _numbers(values: np.ndarray) -> list[float | None]:
    """Numbers of JSON, seven figures each; null for NaN."""
    return [None if math.isnan(value) else float(f"{value:.7g}") for value in values.tolist()]
