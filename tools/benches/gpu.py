"""Separation of twelve songs on a GPU, by precision, beside demucs' `apply_model` on the same card."""

from __future__ import annotations

from functools import partial

import numpy as np

from tools.benches.comparison import Comparison, Missing, Peer, residual_db
from tools.benches.separation import STEMS, apply_model
from tools.benches.sounds import RATE_HZ, stems

SONGS, SONG_S = 12, 60.0
PRECISIONS = ("fp32", "bf16")


def songs() -> list[np.ndarray]:
    """Generated songs, each another turn of one."""
    import torch

    if not torch.cuda.is_available():
        raise Missing("no CUDA device here")
    mixture = np.sum(list(stems(SONG_S).values()), axis=0, dtype=np.float32)
    return [np.roll(mixture, song * RATE_HZ, axis=1) for song in range(SONGS)]


def ours(songs: list[np.ndarray], precision: str) -> np.ndarray:
    """Stems of the last song, shape (4, 2, samples), of all that were separated."""
    from mixprior.pipeline.separation.separator import SeparationSettings, load

    separator = load(SeparationSettings(device="cuda", precision=precision))
    found = [separator.separate(song) for song in songs]
    return np.stack([found[-1][name] for name in STEMS])


def by_demucs(songs: list[np.ndarray]) -> np.ndarray:
    return [apply_model(song, "cuda") for song in songs][-1]


ROWS = tuple(
    Comparison(
        f"gpu-{precision}",
        f"separation of {SONGS} songs of {SONG_S:g} s on a GPU, {precision}",
        partial(ours, precision=precision),
        Peer("demucs, apply_model on the same card", by_demucs),
        songs,
        residual_db,
        "dB",
        threads=0,
        by="wall",
        bar=6.0 if precision == "bf16" else None,
        audio_s=SONGS * SONG_S,
        on="cuda",
    )
    for precision in PRECISIONS
)
