"""A small console mixer without torch: weights that were drawn."""

from pathlib import Path

import numpy as np

from mixprior.mixing.learned import console
from mixprior.mixing.learned.console import GROUPED, OUTPUTS, SHELVES
from mixprior.mixing.learned.heard import ASKED

SPREAD = {"output_gain_db": 4.0, "pan": 0.1, "band_gain_db": 3.0}


def drawn(seed: int = 0, last: float = 0.5, width: int = 8) -> console.ConsoleNetwork:
    """A network; with `last` 0 it is untrained."""
    rng = np.random.default_rng(seed)
    shapes = {
        "frame.weight": (width, GROUPED, 1),
        "frame.bias": (width,),
        "time.weight": (width, width, 5),
        "time.bias": (width,),
        "encode.0.weight": (width, GROUPED + 2 * (GROUPED + 2 * width)),
        "encode.0.bias": (width,),
        "attention.in_proj_weight": (3 * width, width),
        "attention.in_proj_bias": (3 * width,),
        "attention.out_proj.weight": (width, width),
        "attention.out_proj.bias": (width,),
        "joined.0.weight": (2 * width, 3 * width + 1 + 2 * len(ASKED)),
        "joined.0.bias": (2 * width,),
        "last.weight": (len(OUTPUTS) + len(SHELVES), 2 * width),
        "last.bias": (len(OUTPUTS) + len(SHELVES),),
    }
    weights = {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}
    weights["last.weight"] *= last
    weights["last.bias"] *= last
    slopes = {name: np.full(1, 0.25, np.float32) for name in ("encode.1.weight", "joined.1.weight")}
    return console.made(SPREAD, {**weights, **slopes}, {"songs": [], "seed": seed})


def written(folder: Path, **options) -> Path:
    path = folder / "console.npz"
    drawn(**options).write(path)
    return path
