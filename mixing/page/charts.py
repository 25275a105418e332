"""Drawings of a page: spectra and levels before and after, over where half of the songs of the priors are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from mixprior.analysis.report import svg
from mixprior.analysis.report.axis import Axis
from mixprior.analysis.report.chart import Curve, Number, curves
from mixprior.analysis.report.wording import number
from mixprior.mixing.mix.comparison import Comparison, Level, Spectra, spectrum_db
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ
from mixprior.stats.sound import Sound

_ACROSS = Axis(20.0, 20_000.0, log=True)
_DEEPEST_DB = -50.0
"""Bands this far below the whole are cut off: nothing is heard there."""
_ROW = 30
_FOOT = 22
_AXIS_LU = 6.0
"""An axis of levels is at least this long."""


@dataclass(frozen=True)
class Drawn:
    """The drawing of a spectrum.

    Attributes:
        name: of what.
        chart: the drawing.
        has_band: whether the priors' songs are in it.
    """

    name: str
    chart: Markup
    has_band: bool


def spectra(comparison: Comparison, reference: Sound | None = None) -> list[Drawn]:
    """Draw the third octaves of the whole and of every part, all over one range; the reference beside the whole."""
    beside = None if reference is None or reference.silent else spectrum_db(reference)
    shown: list[tuple[Spectra, np.ndarray | None]] = [(part, None) for part in comparison.parts]
    if comparison.whole is not None:
        shown = [(comparison.whole, beside), *shown]
    reach = [_cut(curve) for each, _ in shown for curve in (each.before_db, each.after_db, *(each.songs or ()))]
    up = Axis.around([value for curve in reach for value in curve])
    return [Drawn(each.name, _spectrum(each, other, up), each.songs is not None) for each, other in shown]


def _spectrum(found: Spectra, beside: np.ndarray | None, up: Axis) -> Markup:
    drawings = []
    hz = [float(centre) for centre in BAND_CENTRES_HZ]
    if found.songs is not None:
        low, middle, high = map(_cut, found.songs)
        drawings.append(Curve("prior", hz, middle, [(low, high)]))
    drawings.append(Curve("before", hz, _cut(found.before_db)))
    if beside is not None:
        drawings.append(Curve("reference", hz, _cut(beside)))
    drawings.append(Curve("after", hz, _cut(found.after_db)))
    return curves(f"Spectrum of {found.name} before and after", drawings, _ACROSS, up)


def _cut(curve: np.ndarray) -> list[Number]:
    return [float(value) if np.isfinite(value) and value >= _DEEPEST_DB else None for value in curve]


def levels(title: str, rows: Sequence[tuple[str, Level]], now: bool = False) -> Markup:
    """Draw levels below each other: where half of the songs are, the aim, before and after.

    Args:
        title: for readers who hear the page.
        rows: names and levels, in LU.
        now: whether to draw a mark that a script can move: it has the axis as `data-low` and `data-high`.
    """
    axis = _axis([value for _, level in rows for value in _reach(level)])
    bottom = _ROW * len(rows)
    grid = [
        part
        for tick in axis.ticks()
        for part in (
            svg.upright(axis.share(tick), 0, bottom, "grid"),
            svg.TICK.format(100 * axis.share(tick), bottom + 15, axis.name(tick)),
        )
    ]
    drawn = [part for place, row in enumerate(rows) for part in _row(axis, place * _ROW, *row)]
    mark = [_NOW.format(axis.low, axis.high, bottom)] if now else []
    return svg.drawing(title, bottom + _FOOT, *grid, *drawn, *mark)


_NOW = Markup('<line id="now" class="now" data-low="{:.4f}" data-high="{:.4f}" y1="0" y2="{}" x1="0" x2="0"/>')


def _reach(level: Level) -> Iterable[float]:
    return level.before, level.after, *(level.half or ()), *(level.aim or ())


def _axis(values: Sequence[float]) -> Axis:
    spare = max(0.0, _AXIS_LU - (max(values) - min(values))) / 2
    return Axis.around([min(values) - spare, max(values) + spare], margin=0.08)


def _row(axis: Axis, top: float, name: str, level: Level) -> list[Markup]:
    middle = top + _ROW / 2
    parts = [svg.LABEL.format(-10, middle + 4, name)]
    if level.half is not None:
        parts.append(svg.rect(axis.share(level.half[0]), axis.share(level.half[1]), middle - 7, 14, "half"))
    if level.aim is not None:
        parts += [svg.upright(axis.share(edge), middle - 10, middle + 10, "aim") for edge in sorted(set(level.aim))]
    moved = sorted((axis.share(level.before), axis.share(level.after)))
    parts.append(svg.line(moved[0], moved[1], middle, "moved"))
    parts.append(svg.circle(axis.share(level.before), middle, 4, "dot-before", f"before {number(level.before, 1)} LU"))
    parts.append(svg.circle(axis.share(level.after), middle, 5, "dot-after", f"after {number(level.after, 1)} LU"))
    return [svg.GROUP.format("row", svg.joined(parts))]


_COLUMNS = 400
_WAVE_HEIGHT = 64
_WAVE = Markup('<svg class="wave" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>')


def wave(whole: Sound, vocals: Sound | None) -> Markup:
    """Draw how loud a mix is over time, its vocals in front: for the place to play from, to be looked at alone."""
    outlines = [(_outline(sound, whole.samples), kind) for sound, kind in ((whole, "rest"), (vocals, "sung")) if sound]
    highest = max((float(outline.max(initial=0.0)) for outline, _ in outlines), default=0.0) or 1.0
    drawn = [svg.PATH.format(_bars(outline / highest), kind) for outline, kind in outlines]
    return _WAVE.format(_COLUMNS, _WAVE_HEIGHT, svg.joined(drawn))


def _outline(sound: Sound, samples: int) -> np.ndarray:
    """Root mean square of each column, (columns,)."""
    power = np.square(sound.audio, dtype=np.float64).mean(axis=0)
    until = np.concatenate([[0.0], np.cumsum(power)])
    edges = (np.arange(_COLUMNS + 1) * samples) // _COLUMNS
    energy = np.diff(until[np.minimum(edges, sound.samples)])
    return np.sqrt(np.maximum(energy, 0.0) / np.maximum(np.diff(edges), 1))


def _bars(heights: np.ndarray) -> str:
    middle = _WAVE_HEIGHT / 2
    tall = np.maximum(heights * (middle - 1), 0.4)
    return "".join(f"M{x + 0.15:g} {middle - h:.1f}h.7v{2 * h:.1f}h-.7z" for x, h in enumerate(tall))
