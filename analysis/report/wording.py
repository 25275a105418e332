"""How statistics, numbers and groups are called on a page for people."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mixprior.analysis.report.markup import Markup, element

NONE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_TITLES = {
    "bleed_floor_lufs": "Bleed floor",
    "centroid_hz": "Spectral centroid",
    "integrated_lufs": "Integrated loudness",
    "loudness_range_100ms_lu": "Loudness range of 100 ms blocks",
    "loudness_vs_mixture_lu": "Loudness against the mixture",
    "loudness_vs_rest_lu": "Loudness against the rest",
    "max_momentary_lufs": "Loudest 400 ms",
    "max_short_term_lufs": "Loudest 3 s",
    "mid_energy_fraction": "Share of energy in the middle",
    "onset_peak_mean_db": "Onset peaks, mean",
    "onset_peak_sd_db": "Onset peaks, spread",
    "pan_position": "Pan position",
    "separation_residual_db": "Mixture over separation residual",
    "sps_rms_full": "Panning, all frequencies",
    "sps_rms_high": "Panning above 2.5 kHz",
    "sps_rms_low": "Panning below 250 Hz",
    "sps_rms_mid": "Panning, 250 Hz to 2.5 kHz",
    "tilt_db_per_octave": "Spectral tilt",
    "true_peak_dbtp": "True peak",
    "vocal_active_ratio": "Share of the song that is sung",
    "vocal_to_backing_active_rms_db": "Vocal to backing, RMS while singing",
    "vocal_to_backing_lu": "Vocal to backing, loudness",
    "vocal_to_backing_mono_lu": "Vocal to backing, loudness in mono",
    "vocal_to_backing_rms_db": "Vocal to backing, RMS",
}
_UNITS = {"lufs", "lu", "db", "dbtp", "dbfs", "hz", "s", "ms", "bpm"}
_CORRECTED = "_corrected"
REVERB = "Reverb"
FAMILIES = {
    REVERB: ("reverb", "rt60", "t60", "t30", "edt", "c50", "c80", "drr", "decay", "wet", "predelay"),
    "Balance": ("vs", "vocal", "residual"),
    "Dynamics": ("range", "crest", "onset", "bleed"),
    "Loudness": ("lufs", "dbtp"),
    "Spectrum": ("centroid", "tilt", "spectrum", "octave"),
    "Stereo": ("sps", "pan", "mid", "side", "width"),
    "Time": ("tempo", "duration"),
}
"""Families of statistics by words in their names; the first that fits counts."""
ELSE = "More"


def title(statistic: str) -> str:
    """Name a statistic.

    >>> title("crest_factor_db"), title("integrated_lufs_corrected")
    ('Crest factor', 'Integrated loudness, corrected')
    """
    base = statistic.removesuffix(_CORRECTED)
    words = base.split("_")
    while len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    name = _TITLES.get(base, " ".join(words).capitalize())
    return f"{name}, corrected" if base != statistic else name


def family(statistic: str) -> str:
    """Return the family a statistic belongs to.

    >>> family("loudness_range_lu"), family("true_peak_dbtp"), family("sparkle")
    ('Dynamics', 'Loudness', 'More')
    """
    words = set(statistic.split("_"))
    return next((name for name, known in FAMILIES.items() if words & set(known)), ELSE)


def number(value: float | None, decimals: int = 2) -> str:
    """Write a number for people; a dash for none.

    >>> number(-0.001, 1), number(1234.5, 0), number(None)
    ('0.0', '1234', '–')
    """
    if value is None:
        return NONE
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", _MINUS)


def decimals(facts: Mapping[str, Any]) -> int:
    """Return how many decimals a statistic is known to: those of its resolution in the manifest, or 2.

    >>> decimals({"resolution": 0.05}), decimals({"resolution": 10.0}), decimals({})
    (2, 0, 2)
    """
    resolution = facts.get("resolution") or 0.01
    return max(0, -math.floor(math.log10(resolution) + 1e-9))


def unit(facts: Mapping[str, Any]) -> str:
    """Return a unit as it stands after a number; nothing for a plain number."""
    return "" if facts.get("unit") in (None, "1") else str(facts["unit"])


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Write an interval; a dash for none."""
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


def table(header: Sequence[str], rows: Sequence[Sequence[str]], summary: str = "Numbers") -> Markup:
    """Return a folded table; the first column holds names."""
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in header)))
    body = element(
        "tbody",
        *(
            element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:]))
            for row in rows
        ),
    )
    return element("details", element("summary", summary), element("div", element("table", head, body), class_="wide"))
