"""Where a training writes: a model on this machine, and its checkpoints beside it."""

from __future__ import annotations

from pathlib import Path

from mixprior.pipeline.store import sources
from mixprior.stats.errors import InputError


def model_path(name: str) -> Path:
    """The file that a model is written to.

    Raises:
        InputError: if the name does not end in .npz, or is of an object store: checkpoints go beside the model.

    >>> model_path("mixer.npz").name
    'mixer.npz'
    """
    if sources.is_remote(name):
        raise InputError(f"{name} is in an object store: train into a file of this machine, and copy it there")
    path = Path(sources.local_path(name))
    if path.suffix != ".npz":
        raise InputError(f"{name} is to be a model: give a name that ends in .npz")
    return path
