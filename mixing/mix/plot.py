"""A mix as a picture: spectra and levels of its parts before and after, over what the priors have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixprior.analysis import picture
from mixprior.mixing.mix.comparison import Comparison, Level, Part
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BEFORE, _AFTER, _SONGS, _AIM = "0.62", "C3", "C0", "0.1"
_HALF, _MIDDLE = "half of the songs", "their median"
_TICKS_HZ = {63: "63", 250: "250", 1000: "1k", 4000: "4k"}
_RANGE_HZ = (20.0, 20_000.0)
_LOWEST_DB = -45.0
_WIDTH_INCHES, _DPI = 10.9, 110
"""1,200 pixels, as wide as a page of a document."""
_MOST_COLUMNS = 3
_ROW_INCHES = 2.7


def write(path: Path, comparison: Comparison) -> None:
    """Draw spectra and levels before and after mixing, the middle half of the priors, and what was aimed for.

    Args:
        path: .png, .pdf or .svg to write; `picture.check` it first.
        comparison: of the mix with the plain sum.

    Raises:
        InputError: if the picture cannot be written.
    """
    cells = len(comparison.parts) + 1
    columns = min(cells, _MOST_COLUMNS)
    rows = math.ceil(cells / columns)
    figure = picture.figure(_WIDTH_INCHES, _ROW_INCHES * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for place, (axis, part) in enumerate(zip(axes, comparison.parts, strict=False)):
        _draw_spectrum(axis, part)
        axis.set_ylabel("dB of the part, by third octave" if place % columns == 0 else "")
    _draw_levels(axes[cells - 1], comparison)
    for axis in axes[cells:]:
        axis.remove()
    handles, labels = _legend(axes[:cells])
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(handles), frameon=False)
    picture.write(figure, path, dpi=_DPI)


def _draw_spectrum(axis: Axes, part: Part) -> None:
    if part.songs is not None:
        low_db, middle_db, high_db = part.songs
        axis.fill_between(BAND_CENTRES_HZ, low_db, high_db, color=_SONGS, alpha=0.2, lw=0, label=_HALF)
        axis.plot(BAND_CENTRES_HZ, middle_db, color=_SONGS, lw=1, label=_MIDDLE)
    axis.plot(BAND_CENTRES_HZ, part.before_db, color=_BEFORE, lw=4, alpha=0.6, label="before")
    axis.plot(BAND_CENTRES_HZ, part.after_db, color=_AFTER, lw=1.4, label="after")
    axis.set(xscale="log", xlim=_RANGE_HZ, ylim=(_LOWEST_DB, 0))
    axis.set_title(part.name if part.songs is not None else f"{part.name} (no reliable prior)", loc="left")
    axis.set_xticks(list(_TICKS_HZ), [f"{name} Hz" if hz == 63 else name for hz, name in _TICKS_HZ.items()])
    axis.set_xticks([], minor=True)
    axis.grid(alpha=0.3)


def _draw_levels(axis: Axes, comparison: Comparison) -> None:
    rows: Sequence[tuple[str, Level]] = [(part.name, part.level) for part in comparison.parts]
    if comparison.ratio is not None:
        rows = [*rows, ("vocals over\nbacking", comparison.ratio)]
    for place, (_, level) in enumerate(rows):
        if level.half is not None:
            axis.barh(place, level.half[1] - level.half[0], 0.66, left=level.half[0], color=_SONGS, alpha=0.2)
        for edge in sorted(set(level.aim or ())):
            axis.plot([edge, edge], [place - 0.4, place + 0.4], color=_AIM, lw=1.6, label="target")
        axis.plot([level.before, level.after], [place - 0.16, place + 0.16], color=_BEFORE, lw=1)
        axis.plot(level.before, place - 0.16, "o", mfc="w", mec=_BEFORE, mew=2)
        axis.plot(level.after, place + 0.16, "o", color=_AFTER)
    axis.use_sticky_edges = False  # bars would have no margin
    axis.margins(x=0.08)
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.invert_yaxis()
    axis.set_title("levels over the whole, LU", loc="left")
    axis.grid(alpha=0.3)


def _legend(axes: Sequence[Axes]) -> tuple[list[Any], list[str]]:
    """One entry for each label of all axes."""
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
