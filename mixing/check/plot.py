"""The percentiles of a song as a picture: a panel for each stem, a line for each statistic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mixprior.analysis import picture
from mixprior.mixing.check.check import MIDDLE, Check
from mixprior.mixing.check.standing import STEMS, Standing
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAND, _INSIDE, _OUTSIDE = "C0", "0.25", "C3"
_COLUMNS = 2
_LINE_INCHES, _HEAD_INCHES = 0.19, 0.9
_SPECTRUM = "third_octave_db"


def write(path: Path, found: Check) -> None:
    """Draw where each statistic stands, with its 95 % interval, and the spectra in percentiles.

    Args:
        path: .png, .pdf or .svg to write; `picture.check` it first.
        found: the check.

    Raises:
        InputError: if the picture cannot be written.
    """
    panels: list[tuple[str, list[Standing]]] = []
    for stem in STEMS:
        scalars = [each for each in found.found.standings if each.stem == stem and each.hz is None]
        if scalars:
            panels.append((stem, scalars))
    spectra = {
        stem: [each for each in found.found.standings if each.stem == stem and each.column.name == _SPECTRUM]
        for stem in STEMS
    }
    heights = [_LINE_INCHES * max(len(scalars), 4) + _HEAD_INCHES for _, scalars in panels]
    rows = [max(heights[k : k + _COLUMNS]) for k in range(0, len(heights), _COLUMNS)] + [3.2]
    figure = picture.figure(11.0, sum(rows))
    grid = figure.add_gridspec(len(rows), _COLUMNS, height_ratios=rows)
    for k, (stem, scalars) in enumerate(panels):
        _draw(figure.add_subplot(grid[k // _COLUMNS, k % _COLUMNS]), stem, scalars)
    _draw_spectra(figure.add_subplot(grid[len(rows) - 1, :]), {k: v for k, v in spectra.items() if v})
    figure.suptitle("Percentile among the songs; shaded: half of them, and nine in ten", fontsize="medium")
    picture.write(figure, path, dpi=110)


def _draw(axis: Axes, stem: str, scalars: list[Standing]) -> None:
    _shade(axis.axvspan)
    low, high = MIDDLE
    for row, standing in enumerate(scalars):
        place = standing.percentile
        colour = _INSIDE if low <= place.percentile <= high else _OUTSIDE
        axis.plot([place.low, place.high], [row, row], color=colour, lw=1, alpha=0.6)
        axis.plot(place.percentile, row, "o", ms=4, color=colour, mfc=colour if standing.is_known else "white")
    axis.set_yticks(range(len(scalars)), [each.column.title for each in scalars], fontsize="x-small")
    axis.set(xlim=(0, 100), ylim=(len(scalars) - 0.5, -0.5), title=f"{stem} (n {_songs(scalars)})")
    axis.tick_params(axis="x", labelsize="x-small")


def _draw_spectra(axis: Axes, spectra: dict[str, list[Standing]]) -> None:
    _shade(axis.axhspan)
    for stem, bands in spectra.items():
        places = dict.fromkeys(BAND_CENTRES_HZ, np.nan)  # no line crosses bands that are left out
        places |= {each.hz or 0.0: each.percentile.percentile for each in bands}
        axis.plot(list(places), list(places.values()), ".-", label=stem, lw=1)
    axis.set(xscale="log", ylim=(0, 100), title="third octaves", xlabel="Hz", ylabel="percentile")
    axis.set_xlim(BAND_CENTRES_HZ[0], BAND_CENTRES_HZ[-1])
    axis.set_xticks([63, 250, 1000, 4000], ["63", "250", "1k", "4k"])
    axis.minorticks_off()
    if spectra:
        axis.legend(fontsize="x-small", ncols=len(spectra))


def _shade(span: object) -> None:
    for low, high in (MIDDLE, (25, 75)):
        span(low, high, color=_BAND, alpha=0.1, lw=0)  # type: ignore[operator]


def _songs(scalars: list[Standing]) -> str:
    counts = sorted({each.percentile.n for each in scalars})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
