"""Charts as inline SVG whose text keeps its size at any width: x coordinates are percentages of the width.

Each chart is an `svg` without a view box, in a box whose padding holds the labels; only curves are stretched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from markupsafe import Markup

from mixprior.analysis.report import svg
from mixprior.analysis.report.axis import Axis

Number = float | None

_ROW = 26
_FOOT = 22
_HALF_TEXT = 4
_LANE = 8
_PILE = 96
_GOLDEN = 0.618034
_DOT_SHARE = 0.034
"""Width of a dot as a share of the width of a chart on a phone."""
_LABEL_ROW = 17
_QUANTILES = (("min", 0.0), ("p5", 0.05), ("p10", 0.1), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p90", 0.9))
_MASSES = (*_QUANTILES, ("p95", 0.95), ("max", 1.0))
_CURVE_HEIGHT = 150
_STRETCH = 1000


@dataclass(frozen=True)
class Strip:
    """One row of a chart of distributions; what is None is not drawn.

    Attributes:
        label: its name.
        kind: CSS class of its colour: a stem.
        note: short text at its end.
        row: min, p5, ..., p95, max, median_low, median_high, mean, mean_low, mean_high, shrunk_mean, as a row of the
            priors has them. The interval drawn is the median's, or the mean's where there is no other.
        dots: values of single songs, and their names.
        shape: whether to draw the density that the quantiles imply.
        published: published values, and their names.
    """

    label: str
    kind: str
    row: Mapping[str, Number]
    note: str = ""
    dots: Sequence[tuple[float, str]] = ()
    shape: bool = False
    published: Sequence[tuple[float, str]] = ()

    def reach(self) -> list[Number]:
        """Return the values that an axis must hold."""
        names = ("p5", "p25", "p75", "p95", "mean", *_interval(self.row), "shrunk_mean")
        extremes = (self.row.get("min"), self.row.get("max")) if self.shape else ()
        return [
            *(self.row.get(name) for name in names),
            *extremes,
            *(value for value, _ in (*self.dots, *self.published)),
        ]


def strips(
    title: str,
    rows: Sequence[Strip],
    axis: Axis | None = None,
    rules: Sequence[tuple[float, str]] = (),
    named: bool = True,
) -> Markup:
    """Draw distributions below each other: p5 to p95 thin, p25 to p75 thick, median, its interval, mean.

    Args:
        title: for readers who hear the page.
        rows: what to draw.
        axis: the range of all; None makes one that holds them.
        rules: values to draw through all rows, with labels above them.
        named: whether to write the values of the grid under it.
    """
    axis = axis or Axis.around([value for row in rows for value in row.reach()] + [value for value, _ in rules])
    head = _LABEL_ROW * sum(1 for _, label in rules if label) + (4 if rules else 0)
    drawn: list[Markup] = []
    top: float = head
    for row in rows:
        lanes = _lanes([axis.share(value) for value, _ in row.dots])
        above = (max(lanes, default=-1) + 1) * _pitch(lanes) + (4 if lanes else 0) or (22 if row.shape else 0)
        drawn.append(_strip(row, axis, top, above, lanes))
        top += above + _ROW
    foot = _FOOT if named else 0
    return svg.drawing(title, top + foot, _grid(axis, head, top, named), _rules(axis, rules, top), *drawn)


@dataclass(frozen=True)
class Curve:
    """A curve over frequency, with bands around it.

    Attributes:
        kind: CSS class of its colour: a stem.
        hz: frequencies of the bins.
        middle: the curve; None leaves a gap.
        bands: pairs of lower and upper edges, widest first.
        points: published values as (Hz, value, what it is).
    """

    kind: str
    hz: Sequence[float]
    middle: Sequence[Number]
    bands: Sequence[tuple[Sequence[Number], Sequence[Number]]] = ()
    points: Sequence[tuple[float, float, str]] = field(default=())

    def reach(self) -> list[Number]:
        """Return the values that an axis must hold."""
        edges = [value for band in self.bands for edge in band for value in edge]
        return [*self.middle, *edges, *(value for _, value, _ in self.points)]


def curves(title: str, drawings: Sequence[Curve], across: Axis, up: Axis) -> Markup:
    """Draw curves over each other.

    Args:
        title: for readers who hear the page.
        drawings: what to draw, the last one on top.
        across: frequencies.
        up: values.
    """

    def place(hz: float, value: float) -> str:
        return f"{_STRETCH * across.share(hz):.0f} {_CURVE_HEIGHT * (1 - up.share(value)):.1f}"

    level = [
        part
        for tick in up.ticks()
        for part in (
            svg.line(0.0, 1.0, _CURVE_HEIGHT * (1 - up.share(tick)), "grid"),
            svg.LABEL.format(-6, _CURVE_HEIGHT * (1 - up.share(tick)) + _HALF_TEXT, up.name(tick)),
        )
    ]
    drawn = [svg.GROUP.format(drawing.kind, _shapes(drawing, place)) for drawing in drawings]
    points = [
        svg.circle(across.share(hz), _CURVE_HEIGHT * (1 - up.share(value)), 3.5, "published", name)
        for drawing in drawings
        for hz, value, name in drawing.points
    ]
    return svg.drawing(title, _CURVE_HEIGHT + _FOOT, _grid(across, 0, _CURVE_HEIGHT), *level, *drawn, *points)


def _shapes(drawing: Curve, place: Callable[[float, float], str]) -> Markup:
    """A curve and its bands, stretched to the width of the chart."""
    areas = [
        svg.PATH.format(f"M{'L'.join([*lower, *reversed(upper)])}Z", "band")
        for lows, highs in drawing.bands
        for lower, upper in _runs(drawing.hz, lows, highs, place)
    ]
    lines = [
        svg.PATH.format("M" + "L".join(lower), "curve")
        for lower, _ in _runs(drawing.hz, drawing.middle, drawing.middle, place)
    ]
    return svg.STRETCHED.format(_CURVE_HEIGHT, _STRETCH, _CURVE_HEIGHT, svg.joined([*areas, *lines]))


def _strip(strip: Strip, axis: Axis, top: float, above: float, lanes: Sequence[int]) -> Markup:
    row, base, pitch = strip.row, top + above, _pitch(lanes)
    parts: list[Markup] = []
    for (value, name), lane in zip(sorted(strip.dots), lanes, strict=True):
        parts.append(
            svg.circle(axis.share(value), base - 4 - lane * pitch, 3.5 if pitch == _LANE else 2.5, "dot", name)
        )
    if strip.shape and not strip.dots:
        parts += _density(row, axis, base)
    ends, box = _pair(row, "p5", "p95"), _pair(row, "p25", "p75")
    y = bar = base + (9 if row.get("p50") is not None else 13)
    if ends:
        parts.append(svg.line(axis.share(ends[0]), axis.share(ends[1]), y, "range"))
    if box:
        parts.append(svg.rect(axis.share(box[0]), axis.share(box[1]), y - 4, 8, "box"))
    if (median := row.get("p50")) is not None:
        parts.append(svg.upright(axis.share(median), y - 6, y + 6, "median"))
        y += 10
    interval = _pair(row, *_interval(row))
    if interval:
        parts.append(svg.line(axis.share(interval[0]), axis.share(interval[1]), y, "interval"))
    if (mean := row.get("mean")) is not None:
        parts.append(svg.circle(axis.share(mean), y, 2.8, "mean"))
    if (shrunk := row.get("shrunk_mean")) is not None:
        parts.append(svg.mark(axis.share(shrunk), y, "M-4.5 0L0-4.5L4.5 0L0 4.5Z", "shrunk", "shrunk mean"))
    for value, name in strip.published:
        parts.append(svg.mark(axis.share(value), base + 2, "M-4-5H4L0 2Z", "published", name))
    middle = bar + _HALF_TEXT
    parts += [svg.LABEL.format(-8, middle, strip.label), svg.NOTE.format(middle, strip.note)]
    return svg.GROUP.format(strip.kind, svg.joined(parts))


def _density(row: Mapping[str, Number], axis: Axis, base: float) -> list[Markup]:
    """Draw the density that the quantiles imply: the area of a step is its share of the songs."""
    known = [(value, share) for name, share in _MASSES if (value := row.get(name)) is not None]
    steps = [(low, high, (b - a) / (high - low)) for (low, a), (high, b) in pairwise(known) if high > low]
    tallest = max((height for *_, height in steps), default=1.0)
    tall = [(low, high, 20 * height / tallest) for low, high, height in steps]
    return [svg.rect(axis.share(low), axis.share(high), base - height, height, "density") for low, high, height in tall]


def _lanes(shares: Sequence[float]) -> list[int]:
    """Stack dots that are closer than the width of one; the stacks show how many there are.

    In a stack the order is that of multiples of the golden ratio, which keeps neighbours apart.
    """
    found = []
    for _, pile in groupby(sorted(shares), key=lambda share: int(share / _DOT_SHARE)):
        spots = [k * _GOLDEN % 1.0 for k, _ in enumerate(pile)]
        found += [sorted(spots).index(spot) for spot in spots]
    return found


def _pitch(lanes: Sequence[int]) -> float:
    """Return the height of a lane: less where stacks are high."""
    return min(_LANE, _PILE / (max(lanes, default=0) + 1))


def _rules(axis: Axis, rules: Sequence[tuple[float, str]], bottom: float) -> Markup:
    """Draw values through all rows; labels go to the roomier side, in the order in which no line crosses one."""
    shares = [axis.share(value) for value, _ in rules]
    to_right = not shares or sum(shares) / len(shares) < 0.5
    parts: list[Markup] = []
    labels = 0
    for value, label in sorted(rules, reverse=not to_right):
        share, y = axis.share(value), _LABEL_ROW * (labels + 1) - 4
        parts.append(svg.upright(share, y - 9 if label else 0, bottom, "rule"))
        if label:
            side = (5, "start") if to_right else (-5, "end")
            parts.append(svg.RULE_LABEL.format(100 * share, y, *side, label))
            labels += 1
    return svg.joined(parts)


def _grid(axis: Axis, top: float, bottom: float, named: bool = True) -> Markup:
    ticks = axis.ticks()
    lines = [svg.upright(axis.share(tick), top, bottom, "grid" if tick else "grid zero") for tick in ticks]
    names = [svg.TICK.format(100 * axis.share(tick), bottom + 15, axis.name(tick)) for tick in ticks if named]
    return svg.joined([*lines, *names])


def _runs(
    hz: Sequence[float],
    lows: Sequence[Number],
    highs: Sequence[Number],
    place: Callable[[float, float], str],
) -> list[tuple[list[str], list[str]]]:
    """Places of the lower and the upper edge, for every stretch without gaps."""
    together = zip(hz, lows, highs, strict=True)
    return [
        ([place(f, low) for f, low, _ in known], [place(f, high) for f, _, high in known])
        for there, run in groupby(together, key=lambda bin_: bin_[1] is not None and bin_[2] is not None)
        if there and (known := [(f, low, high) for f, low, high in run if low is not None and high is not None])
    ]


def _interval(row: Mapping[str, Number]) -> tuple[str, str]:
    """Names of the ends of the interval that is drawn."""
    of_median = _pair(row, "median_low", "median_high") is not None
    return ("median_low", "median_high") if of_median else ("mean_low", "mean_high")


def _pair(row: Mapping[str, Number], low: str, high: str) -> tuple[float, float] | None:
    first, last = row.get(low), row.get(high)
    return None if first is None or last is None else (first, last)
