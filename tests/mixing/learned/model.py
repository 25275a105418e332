"""A small model without torch: weights that were drawn, with a card."""

from pathlib import Path

import numpy as np

from mixprior.mixing.learned import model_file, network

TARGETS = ("vocal_to_backing_lu", "loudness_range_lu")
PRIOR = np.array([[-2.0, 2.5], [8.0, 3.0]])


def drawn(seed: int = 0, targets: tuple[str, ...] = TARGETS, prior: np.ndarray = PRIOR, last: float = 0.02):
    rng = np.random.default_rng(seed)
    shapes = {
        "frame.weight": (8, 32, 1),
        "frame.bias": (8,),
        "time.weight": (8, 8, 5),
        "time.bias": (8,),
        "norm.running_mean": (96,),
        "last.weight": (2 * len(targets), 96),
        "last.bias": (2 * len(targets),),
    }
    weights = {name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    weights["last.weight"] *= last
    weights["last.bias"] *= 0
    weights["norm.running_var"] = np.ones(96, np.float32)
    return network.made(targets, {"prior": prior.astype(np.float32), **weights}, {"songs": [], "seed": seed})


def read(path: str | Path) -> network.Network:
    return network.of_file(path, model_file.read(path))


def written(folder: Path, **options) -> Path:
    path = folder / "model.npz"
    drawn(**options).write(path)
    return path
