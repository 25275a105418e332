"""A plot of one statistic: boxes for a scalar, curves for a vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mixprior.analysis import picture
from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES_SHOWN = 12
_LOWEST_HZ = 20.0

Row = Mapping[str, Any]


def plot(rows: Iterable[Row], path: str | Path) -> None:
    """Draw rows of priors of one statistic into a file (.png, .pdf or .svg).

    A scalar is a box a stem and group: quartiles and median, whiskers from p5 to p95, the mean as a point. A vector is
    a curve a stem and group, of its means over frequency; its band is the quartiles, or one sd where there are none.

    Args:
        rows: as `Priors.rows(...).to_pylist()` gives them, of one statistic.
        path: file to write.

    Raises:
        InputError: if matplotlib is not installed, there is nothing to draw, or the file cannot be written.
    """
    picture.check(path)
    known = [row for row in rows if row["mean"] is not None]
    if not known:
        raise InputError("nothing to plot: the statistic was measured on no song")
    if len({row["statistic"] for row in known}) > 1:
        raise InputError("a plot shows one statistic: name it with --stat")
    series: dict[str, list[Row]] = {}
    several = len({row["group"] for row in known}) > 1
    for row in known:
        series.setdefault(f"{row['stem']}, {row['group']}" if several else row["stem"], []).append(row)
    vector = known[0]["bin"] is not None
    figure = picture.figure(8.0, 4.5 if vector else 1.4 + 0.35 * len(series))
    axes = figure.add_subplot()
    (_curves if vector else _boxes)(axes, series)
    axes.grid(alpha=0.3)
    label = f"{known[0]['statistic']} ({known[0]['unit']})"
    (axes.set_ylabel if vector else axes.set_xlabel)(label)
    if not several:
        axes.set_title(f"group: {known[0]['group']}", fontsize="medium")
    picture.write(figure, path, dpi=120)


def _boxes(axes: Axes, series: Mapping[str, list[Row]]) -> None:
    axes.bxp(
        [
            {
                "label": f"{name} (n = {row['n']})",
                **dict(zip(("whislo", "q1", "med", "q3", "whishi"), _quantiles(row), strict=True)),
                "mean": row["mean"],
            }
            for name, (row, *_) in reversed(list(series.items()))
        ],
        orientation="horizontal",
        showfliers=False,
        showmeans=True,
        widths=0.6,
    )


def _quantiles(row: Row) -> tuple[float, ...]:
    return tuple(row["mean"] if row[name] is None else row[name] for name in ("p5", "p25", "p50", "p75", "p95"))


def _curves(axes: Axes, series: Mapping[str, list[Row]]) -> None:
    if len(series) > _CURVES_SHOWN:
        raise InputError(f"{len(series)} curves are too many for one plot: choose with --stem and --group")
    for name, rows in series.items():
        column = {
            key: np.array([row[key] for row in rows], np.float64) for key in ("bin_hz", "mean", "sd", "p25", "p75")
        }
        audible = column["bin_hz"] >= _LOWEST_HZ
        place_hz, mean, sd, low, high = (values[audible] for values in column.values())
        spread = "quartiles"
        if np.isnan(low).all():
            low, high, spread = mean - sd, mean + sd, "one sd"
        (line,) = axes.plot(place_hz, mean, linewidth=1.2, label=f"{name}, {spread} (n = {max(r['n'] for r in rows)})")
        axes.fill_between(place_hz, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    axes.set_xlabel("frequency (Hz)")
    axes.legend(fontsize="small")
