"""Figures of the page: a drawing with its heading, its text and the table of its numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mixprior.analysis.report.material import Row
from mixprior.analysis.report.wording import NONE, interval, number

_QUANTILES = ("p5", "p25", "p75", "p95")

NUMBERS_HEADER = (
    *("n", "missing", "absent", "present", "median", "95 % interval", "its level"),
    *("mean", "nominal 95 % interval", "sd", "min", "5 %", "25 %", "75 %", "95 %", "max"),
)
"""The columns of `numbers`."""


@dataclass(frozen=True)
class Table:
    """A table, folded away until a reader opens it.

    Attributes:
        header: names of the columns.
        rows: cells; the first of each row is its name.
        doubtful: names of the rows that are greyed out.
        summary: what to click on.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    summary: str = "Numbers"
    doubtful: Collection[str] = ()


@dataclass(frozen=True)
class Figure:
    """A drawing in a card of its own.

    Attributes:
        heading: what it shows.
        chart: the drawing; None where nothing was measured.
        table: the numbers it is drawn from.
        label_px: room at the left of the drawing, for the names of its rows.
        note_px: room at its right.
        unit: of the numbers, beside the heading.
        code: column name of the statistic.
        definition: text above the drawing.
        note: text below it.
        sources: of the published numbers in it.
        doubts: what of it is not to be relied on, a sentence each.
        doubtful: whether nothing of it is: it is greyed out.
    """

    heading: str
    chart: Markup | None
    table: Table
    label_px: int = 64
    note_px: int = 30
    unit: str = ""
    code: str = ""
    definition: str = ""
    note: str = ""
    sources: Sequence[str] = ()
    doubts: Sequence[str] = ()
    doubtful: bool = False


def numbers(row: Row, digits: int) -> list[str]:
    """Write the numbers of a row of the priors, in the columns of `NUMBERS_HEADER`."""
    absent, share = row["n_silent"] if row["n_absent"] is None else row["n_absent"], row["share_present"]
    counts = [str(row["n"]), str(row["n_missing"]), NONE if absent is None else str(absent)]
    counts.append(NONE if share is None else f"{share:.0%}")
    level = row["median_level"]
    return [
        *counts,
        number(row["p50"], digits),
        interval(row["median_low"], row["median_high"], digits),
        NONE if level is None else f"{100 * level:.1f} %",
        number(row["mean"], digits),
        interval(row["mean_low"], row["mean_high"], digits),
        *(number(row[name], digits) for name in ("sd", "min", *_QUANTILES, "max")),
    ]
