"""Separation of twelve songs on a GPU, by precision, batch and compilation, beside demucs on the same card."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from tools.benches.comparison import Comparison, Missing, Peer, residual_db
from tools.benches.separation import STEMS, apply_model
from tools.benches.sounds import RATE_HZ, stems

SONGS, SONG_S = 12, 60.0
AT_ONCE = 4
"""Songs whose segments share batches."""
WAYS = (
    ("fp32", 8, False),
    ("bf16", 8, False),
    *(("fp16", batch, False) for batch in (1, 4, 8, 16, 32)),
    ("bf16", 8, True),
    ("fp16", 8, True),
)
"""Precision, segments of a batch, whether the model is compiled."""


def songs() -> list[np.ndarray]:
    """Generated songs, each another turn of one."""
    import torch

    if not torch.cuda.is_available():
        raise Missing("no CUDA device here")
    mixture = np.sum(list(stems(SONG_S).values()), axis=0, dtype=np.float32)
    return [np.roll(mixture, song * RATE_HZ, axis=1) for song in range(SONGS)]


def ours(songs: list[np.ndarray], precision: str, batch: int, compiled: bool) -> np.ndarray:
    """Stems of the last song, shape (4, 2, samples), of all that were separated."""
    from mixprior.pipeline.separation.separator import SeparationSettings, load

    separator = load(SeparationSettings(device="cuda", precision=precision, batch=batch, compiled=compiled))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(separator.separate, songs))
    return np.stack([found[-1][name] for name in STEMS])


def by_demucs(songs: list[np.ndarray]) -> np.ndarray:
    return [apply_model(song, "cuda") for song in songs][-1]


def _row(precision: str, batch: int, compiled: bool) -> Comparison:
    return Comparison(
        f"gpu-{precision}-{batch}{'-compiled' if compiled else ''}",
        f"{SONGS} songs of {SONG_S:g} s, {precision}, batches of {batch}{', compiled' if compiled else ''}",
        partial(ours, precision=precision, batch=batch, compiled=compiled),
        Peer("demucs, apply_model in fp32 on the same card", by_demucs),
        songs,
        residual_db,
        "dB",
        threads=0,
        by="wall",
        bar=6.0 if precision != "fp32" else None,
        audio_s=SONGS * SONG_S,
        on="cuda",
    )


ROWS = tuple(_row(*way) for way in WAYS)
