"""How the page writes statistics, numbers and groups."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from mixprior.analysis.packaged import published_facts
from mixprior.stats.priors.derived import definitions
from mixprior.stats.statistic import Column, Family

NONE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def title(statistic: str) -> str:
    """Return the title of a statistic; the words of its name where this mixprior does not measure it.

    >>> title("crest_factor_db"), title("integrated_lufs_corrected"), title("sparkle_ratio")
    ('Crest factor', 'Integrated loudness, corrected', 'Sparkle ratio')
    """
    column = _column(statistic)
    return statistic.replace("_", " ").capitalize() if column is None else column.title


def family(statistic: str) -> Family:
    """Return the family a statistic belongs to; `Family.OTHER` where this mixprior does not measure it.

    >>> family("loudness_range_lu").value, family("true_peak_dbtp").value, family("sparkle").value
    ('Dynamics', 'Loudness', 'More')
    """
    column = _column(statistic)
    return Family.OTHER if column is None else column.family


@cache
def _column(statistic: str) -> Column | None:
    return definitions([statistic]).get(statistic) or published_facts.COLUMNS.get(statistic)


def number(value: float | None, decimals: int = 2) -> str:
    """Write a number; a dash for None.

    >>> number(-0.001, 1), number(1234.5, 0), number(None)
    ('0.0', '1234', '–')
    """
    if value is None:
        return NONE
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", _MINUS)


def decimals(facts: Mapping[str, Any]) -> int:
    """Return the decimals of a statistic: those of its resolution in the manifest, or 2.

    >>> decimals({"resolution": 0.05}), decimals({"resolution": 10.0}), decimals({})
    (2, 0, 2)
    """
    resolution = facts.get("resolution") or 0.01
    return max(0, -math.floor(math.log10(resolution) + 1e-9))


def unit(facts: Mapping[str, Any]) -> str:
    """Return a unit as it is written after a number; nothing for a plain number."""
    return "" if facts.get("unit") in (None, "1") else str(facts["unit"])


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Write an interval; a dash for None."""
    return NONE if low is None or high is None else f"{number(low, digits)} to {number(high, digits)}"


def value_of(group: str) -> str:
    """Return the value of a single group: "rock" of "genre=rock"."""
    return group.partition("=")[2]


def in_order(groups: Sequence[str]) -> list[str]:
    """Sort values that hold numbers by their first number.

    >>> in_order(["from 140 BPM", "80-100 BPM", "100-120 BPM", "below 80 BPM"])
    ['below 80 BPM', '80-100 BPM', '100-120 BPM', 'from 140 BPM']
    """

    def key(value: str) -> tuple[float, bool, str]:
        found = re.search(r"\d+", value)
        return (int(found.group()) if found else math.inf, not value.startswith("below"), value)

    return sorted(groups, key=key)


def count(n: int, noun: str) -> str:
    """Write a count with its noun.

    >>> count(1, "song"), count(11, "song")
    ('1 song', '11 songs')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
