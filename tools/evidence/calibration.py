"""How often noise alone is corrected, and how far catalogs are moved by corrections, in generated calibrations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.stats.priors.calibration_fit import fit

CATALOGS_LU = (-6.0, -2.0, 2.0)
SPREAD_LU = 3.0
"""Standard deviation of the true balances of the songs of a calibration, about -2 LU."""


@dataclass(frozen=True)
class Setting:
    """Songs with true stems, and how they are measured: `offset_lu + slope * true` and noise, about -2 LU."""

    words: str
    sources: int
    songs: int
    noise_lu: float
    own_lu: float = 0.0
    offset_lu: float = 0.0
    slope: float = 1.0
    heavy: bool = False

    def measured(self, true: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Measure songs, without what their sources have of their own."""
        noise = rng.standard_t(3, true.shape) if self.heavy else rng.normal(0, 1, true.shape)
        return -2.0 + self.offset_lu + self.slope * (true + 2.0) + self.noise_lu * noise


SETTINGS = (
    Setting("noise 1 LU", 3, 1, 1.0),
    Setting("noise 1 LU, 1 LU of each source's own", 7, 8, 1.0, own_lu=1.0),
    Setting("noise 1 LU", 8, 1, 1.0),
    Setting("noise 1 LU, 0.5 LU of each source's own", 8, 5, 1.0, own_lu=0.5),
    Setting("heavy-tailed noise 2 LU, 1 LU of each source's own", 20, 3, 2.0, own_lu=1.0, heavy=True),
    Setting("bias -0.9 LU, noise 1 LU", 20, 3, 1.0, offset_lu=-0.9),
    Setting("slope 0.6, noise 0.8 LU", 20, 3, 0.8, slope=0.6),
    Setting("slope 0.6, noise 2 LU", 12, 5, 2.0, slope=0.6),
)


def outcomes(setting: Setting, runs: int, seed: int = 1) -> tuple[dict[str, float], dict[float, float]]:
    """Share of runs that give an offset and a line; mean error of catalogs of 300 songs after correction."""
    rng = np.random.default_rng(seed)
    kinds, off = [], []
    for _ in range(runs):
        source = np.repeat(np.arange(setting.sources), setting.songs)
        true = rng.normal(-2.0, SPREAD_LU, source.size)
        own = rng.normal(0, setting.own_lu, setting.sources)[source]
        found = fit("song", "vocal_to_backing_lu", setting.measured(true, rng) + own, true, source)
        kinds.append(found.kind)
        catalogs = [rng.normal(centre, 2.0, 300) for centre in CATALOGS_LU]
        off.append([found.apply(setting.measured(songs, rng)).mean() - songs.mean() for songs in catalogs])
    shares = {kind: kinds.count(kind) / runs for kind in ("offset", "linear")}
    return shares, dict(zip(CATALOGS_LU, np.mean(off, axis=0).tolist(), strict=True))


def table() -> str:
    """Corrections found, and errors of catalogs' means after them."""
    runs = 1000
    places = " | ".join(f"at {at:+g} LU" for at in CATALOGS_LU)
    lines = [
        f"{runs:,} calibrations each, of songs about -2 LU; the last columns are the mean error (LU) of catalogs of "
        "300 songs after correction. The first five are noise alone.",
        "",
        f"| measured | sources | songs of each | offset found | line found | {places} |",
        f"|---|--:|--:|--:|--:|{'--:|' * len(CATALOGS_LU)}",
    ]
    for setting in SETTINGS:
        shares, off = outcomes(setting, runs)
        cells = [setting.words, setting.sources, setting.songs, *(f"{100 * share:.1f} %" for share in shares.values())]
        cells += [f"{value + 0.0:+.2f}" for value in off.values()]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
