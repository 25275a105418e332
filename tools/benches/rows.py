"""Every row of the table, in its order."""

from __future__ import annotations

from tools.benches import chain, consoles, gpu, loudness, mining, rerun, reverb, separation, song, spectra
from tools.benches.comparison import Comparison

ROWS: tuple[Comparison, ...] = (
    *separation.ROWS,
    *mining.ROWS,
    *rerun.ROWS,
    *song.ROWS,
    *loudness.ROWS,
    *spectra.ROWS,
    *reverb.ROWS,
    *chain.ROWS,
    *consoles.ROWS,
    *gpu.ROWS,
)
