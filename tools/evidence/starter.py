"""The packaged priors `starter` before recordings had roles, and now: `python -m tools.evidence starter`.

Before: eleven songs, absent stems counted as quiet ones (rows/starter_before.csv, from the packaged priors then).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from tabulate import tabulate

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.priors import EVERY_SONG, Prior, open_priors

BEFORE = Path(__file__).with_name("rows") / "starter_before.csv"
GROUPS = (EVERY_SONG, "singing=yes")
_SPREAD = ("p25", "p50", "p75")
_HEADER = ("stem", "statistic", "before: n", "quartiles", "now, all songs: n", "quartiles", "now, sung: n", "quartiles")


def table() -> str:
    """Return n, median and quartiles of what mixes are set by, and how many songs there are."""
    with BEFORE.open(encoding="utf-8", newline="") as file:
        before = list(csv.DictReader(file))
    priors = open_priors("starter")
    rows = []
    for row in before:
        cells = [row["stem"], row["statistic"], row["n"], _quartiles(row)]
        for group in GROUPS:
            try:
                now = priors.lookup(row["stem"], row["statistic"], group)
            except PriorsLookupError:
                cells += ["", ""]
            else:
                cells += [_counts(now), _quartiles(vars(now))]
        rows.append(cells)
    return f"{_songs(priors.manifest)}\n\n{tabulate(rows, _HEADER, 'github', disable_numparse=True)}"


def _counts(prior: Prior) -> str:
    return f"{prior.n}" if prior.share_present is None else f"{prior.n} ({100 * prior.share_present:.0f} % have it)"


def _quartiles(values: Mapping[str, object]) -> str:
    p25, p50, p75 = (float(str(values[name])) for name in _SPREAD)
    return f"{p50:.3g} ({p25:.3g} to {p75:.3g})"


def _songs(manifest: Mapping) -> str:
    now = manifest.get("songs_are", f"{manifest['songs']}, as before")
    return (
        f"Before: 11 songs by 7 artists, 5 by one; in 9 vocals are present. Now: {now}. "
        f"Medians with quartiles; sung: the group `{GROUPS[1]}`, by which mixes with vocals are set."
    )
