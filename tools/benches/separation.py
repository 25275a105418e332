"""Separation beside demucs, on a CPU and on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tools.benches.comparison import Comparison, Missing, Peer, before, difference, residual_db
from tools.benches.sounds import stems

SECONDS = 11.7
"""Two segments."""
STEMS = ("drums", "bass", "other", "vocals")

ALONE_S = 23.0
"""Four segments."""


def mixture() -> np.ndarray:
    return np.asarray(np.sum(list(stems(SECONDS).values()), axis=0, dtype=np.float32))


def four_segments() -> np.ndarray:
    return np.asarray(np.sum(list(stems(ALONE_S).values()), axis=0, dtype=np.float32))


def ours(audio: np.ndarray) -> np.ndarray:
    """As `mixprior mine` separates on this machine, on one core: shape (4, 2, samples)."""
    return _separated(audio, "auto")


def ours_fp32(audio: np.ndarray) -> np.ndarray:
    return _separated(audio, "fp32")


def on_two_cores(audio: np.ndarray) -> np.ndarray:
    """One song alone, two segments at the same time."""
    return _separated(audio, "auto", threads=2)


def _separated(audio: np.ndarray, precision: str, threads: int = 1) -> np.ndarray:
    from mixprior.pipeline.separation.separator import SeparationSettings, load

    found = load(SeparationSettings(device="cpu", precision=precision, threads=threads)).separate(audio)
    return np.stack([found[name] for name in STEMS])


def apply_model(audio: np.ndarray, device: str = "cpu") -> np.ndarray:
    """As demucs comes, without its random shift: shape (4, 2, samples)."""
    import torch
    from demucs import apply

    bag = model(device)
    mono = audio.mean(axis=0)
    mean, scale = mono.mean(), mono.std(ddof=1) + 1e-8
    with torch.inference_mode():
        song = torch.from_numpy((audio - mean) / scale)[None]
        return np.asarray(apply.apply_model(bag, song, shifts=0, device=device)[0].cpu().numpy() * scale + mean)


_loaded: dict[str, Any] = {}


def model(device: str) -> Any:
    """The model out of our store, kept from run to run."""
    if device not in _loaded:
        from mixprior.pipeline.separation.model_folder import ModelFolder

        found = _files()
        bag = ModelFolder(found.folder, found.name).load(found.weights_sha256, found.arguments_sha256)
        _loaded[device] = bag.to(device)
    return _loaded[device]


def _files() -> Any:
    from mixprior.pipeline.separation import model_store

    found = model_store.find()
    if found is None:
        raise Missing("no separation model on this machine: mixprior model fetch")
    return found


def write_repository() -> None:
    """Our store's model as demucs' own command reads it with `--repo repository`: pickled, beside the bag."""
    import shutil

    import torch
    from demucs.htdemucs import HTDemucs

    found, folder = _files(), Path("repository")
    folder.mkdir()
    bag = model("cpu")
    shutil.copy(next(found.folder.glob("*.yaml")), folder / f"{found.name}.yaml")
    for path, each in zip(sorted(found.folder.glob("*.safetensors")), bag.models, strict=True):
        args, kwargs = each._init_args_kwargs
        package = {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": each.state_dict()}
        torch.save(package, folder / f"{path.stem}.th")


LENGTH = f"{SECONDS:g} s of a generated song, htdemucs"
ROWS = (
    Comparison(
        "separation",
        f"separation of {LENGTH}, as `mine` does it",
        ours,
        Peer("demucs, apply_model", apply_model),
        mixture,
        residual_db,
        "dB",
        bar=3.0,
        audio_s=SECONDS,
    ),
    Comparison(
        "separation-fp32",
        f"separation of {LENGTH}, fp32",
        ours_fp32,
        Peer("demucs, apply_model", apply_model),
        mixture,
        residual_db,
        "dB",
        audio_s=SECONDS,
    ),
    Comparison(
        "separation-alone",
        f"separation of one song alone, {ALONE_S:g} s, on two cores",
        on_two_cores,
        Peer("the same on one core", ours),
        four_segments,
        difference,
        "of full scale",
        by="wall",
        bar=1.8,
        audio_s=ALONE_S,
    ),
    Comparison(
        "separation-before",
        f"separation of {LENGTH}, as `mine` does it",
        ours,
        before(ours),
        mixture,
        residual_db,
        "dB",
        audio_s=SECONDS,
    ),
)
