"""Writes the list of statistics of docs/priors.md from the registry: `python -m tools.docs.statistics`."""

from __future__ import annotations

from mixprior.stats.registry import STATISTICS
from mixprior.stats.statistic import Column, Family, Statistic
from tools import ROOT
from tools.benches.document import replace

DOCUMENT = ROOT / "docs" / "priors.md"


def table() -> str:
    """Lay out every statistic: a family after the other, in each the order of the registry."""
    columns = [(column, statistic) for statistic in STATISTICS for column in statistic.columns]
    lines = ["| family | statistic | unit | of | definition |", "|---|---|---|---|---|"]
    for family in Family:
        name = family.value
        for column, statistic in columns:
            if column.family is family:
                lines.append(f"| {name} | `{column.name}` | {_unit(column)} | {_of(statistic)} | {_words(column)} |")
                name = ""
    return "\n".join(lines)


def _unit(column: Column) -> str:
    return column.unit if column.axis_hz is None else f"{column.unit}; {len(column.axis_hz):,} bins"


def _of(statistic: Statistic) -> str:
    return "every sound" if statistic.rows is None else ", ".join(statistic.rows)


def _words(column: Column) -> str:
    return column.definition.removesuffix(".").replace("|", r"\|").replace("*", r"\*")


if __name__ == "__main__":
    replace("statistics", table(), DOCUMENT)
