"""The packaged priors `starter` before recordings had roles, and now: `python -m tools.evidence starter`.

Before: eleven songs, absent stems counted as quiet ones (rows/starter_before.csv, from the packaged priors then).
"""

from __future__ import annotations

import csv
from collections import Counter
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
    catalog = manifest["catalog"]
    by_lead = Counter(song["artist"] for song in catalog)
    sung = sum(song.get("sung") == "yes" for song in catalog)
    lead, most = by_lead.most_common(1)[0]
    return (
        f"Before: 11 songs by 7 artists, 9 of them sung, 5 by one. "
        f"Now: {len(catalog)} by {len(by_lead)} artists, {sung} of them sung, {most} by one ({lead}). "
        f"Medians with quartiles; sung: the group `singing=yes`, by which mixes with vocals are set."
    )
