"""The chapters of a report that compare: the vocal-to-backing ratio of groups, and correlations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from mixprior.analysis.report.axis import Axis
from mixprior.analysis.report.chart import Strip, strips
from mixprior.analysis.report.figure import NUMBERS_HEADER, Figure, Table, numbers
from mixprior.analysis.report.material import RATIO, Material, Row, kind
from mixprior.analysis.report.wording import count, family, in_order, interval, number, title, value_of
from mixprior.stats.statistic import Family

_MOST_ROWS = 40
_STRONGEST = 12
_NAMES = {"decade": "decade", "tempo_band": "tempo"}
_AGAINST = (
    ("backing", "tempo_bpm"),
    ("song", "duration_s"),
    ("mixture", "integrated_lufs"),
    ("mixture", "loudness_range_lu"),
    ("mixture", "centroid_hz"),
    ("vocals", "loudness_range_lu"),
    ("vocals", "crest_factor_db"),
    ("vocals", "centroid_hz"),
    ("backing", "centroid_hz"),
    ("backing", "mid_energy_fraction"),
)


def groups(material: Material) -> dict[str, Any] | None:
    """Show the vocal-to-backing ratio of groups, a chart for each column."""
    found = material.ratio_groups
    withheld = material.manifest.get("withheld") or {}
    if not found and not withheld:
        return None
    every = material.scalar("song", RATIO)
    rules = [(every["mean"], f"all songs {number(every['mean'], 1)}")] if every else []
    reach = [value for rows in found.values() for row in rows for value in _strip(row).reach()]
    axis = Axis.around([*reach, *(value for value, _ in rules)])
    named = [f"{group} ({count(n, 'song')})" for group, n in sorted(withheld.items())]
    return {
        "figures": [_group_card(column, rows, axis, rules) for column, rows in sorted(found.items())],
        "withheld": named[:_MOST_ROWS],
        "more_withheld": len(named[_MOST_ROWS:]),
    }


def _group_card(column: str, rows: Sequence[Row], axis: Axis, rules: Sequence[tuple[float, str]]) -> Figure:
    by_value = {value_of(row["group"]): row for row in rows}
    if all(any(letter.isdigit() for letter in value) for value in by_value):
        ordered = in_order(list(by_value))
    else:
        ordered = sorted(by_value, key=lambda value: -by_value[value]["mean"])
    drawn = [_strip(by_value[value]) for value in ordered[:_MOST_ROWS]]
    name = _NAMES.get(column, column)
    more = len(ordered) - len(drawn)
    cells = [
        (value, *numbers(row, 2), number(row["shrunk_mean"]), number(row["shrinkage"]), row["parent"] or "")
        for value, row in ((value, by_value[value]) for value in ordered)
    ]
    return Figure(
        f"By {name}",
        strips(f"Vocal-to-backing ratio by {name}", drawn, axis, rules),
        Table(("group", *NUMBERS_HEADER, "shrunk mean", "shrinkage", "parent"), cells),
        label_px=104,
        note=f"{more} more are in the table." if more > 0 else "",
    )


def _strip(row: Row) -> Strip:
    names = ("p25", "p75", "p50", "median_low", "median_high", "mean", "shrunk_mean")
    return Strip(_short(value_of(row["group"])), "vocals", {name: row[name] for name in names}, str(row["n"]))


def joint(material: Material) -> dict[str, Any] | None:
    """Show what the vocal-to-backing ratio correlates with, and the strongest correlations between families."""
    rows = material.joint
    if not rows:
        return None
    ratio = [row for row in rows if (row["stem"], row["statistic"]) == ("song", RATIO)]
    against = [row for other in _AGAINST for row in ratio if (row["other_stem"], row["other_statistic"]) == other]
    unlike = [
        row
        for row in rows
        if (row["stem"], row["statistic"]) < (row["other_stem"], row["other_statistic"])
        and _sort(row["statistic"]) != _sort(row["other_statistic"])
    ]
    strongest = sorted(unlike, key=_strength, reverse=True)[:_STRONGEST]
    parts = [
        _correlations("The vocal-to-backing ratio against", against, _other),
        _correlations("The strongest correlations", strongest, _both),
    ]
    return {"parts": [part for part in parts if part["pairs"]]}


def _correlations(heading: str, rows: Sequence[Row], label: Callable[[Row], str]) -> dict[str, Any]:
    header = ("pair", "r", "95 % interval", "n", "slope", "intercept", "residual sd")
    cells = [
        (
            _both(row),
            number(row["correlation"]),
            interval(row["correlation_low"], row["correlation_high"]),
            str(row["n"]),
            *(number(row[key], 3) for key in ("slope", "intercept", "residual_sd")),
        )
        for row in rows
    ]
    pairs = [(label(row), _correlation(label(row), row, named=row is rows[-1])) for row in rows]
    return {"heading": heading, "pairs": pairs, "table": Table(header, cells)}


def _correlation(name: str, row: Row, named: bool) -> Markup:
    drawn = {"mean": row["correlation"], "mean_low": row["correlation_low"], "mean_high": row["correlation_high"]}
    strip = Strip(number(row["correlation"]), kind(row["other_stem"]), drawn, str(row["n"]))
    return strips(f"{name}: correlation", [strip], Axis(-1.0, 1.0), named=named)


def _sort(statistic: str) -> Family:
    """The family of a statistic; levels and their differences are one."""
    found = family(statistic)
    return Family.LOUDNESS if found is Family.BALANCE else found


def _other(row: Row) -> str:
    return f"{title(row['other_statistic'])} \N{MIDDLE DOT} {row['other_stem']}"


def _both(row: Row) -> str:
    return f"{title(row['statistic'])} \N{MIDDLE DOT} {row['stem']} / {_other(row)}"


def _strength(row: Row) -> float:
    """Return the least distance of the interval from zero."""
    low, high = row["correlation_low"], row["correlation_high"]
    return 0.0 if low is None or high is None else max(low, -high, 0.0)


def _short(name: str, most: int = 17) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
