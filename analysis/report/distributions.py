"""The chapters of a report that show distributions: every scalar statistic, spectra, panning by frequency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mixprior.analysis.constants.compare import OCTAVES_HZ
from mixprior.analysis.packaged import published
from mixprior.analysis.report.axis import Axis
from mixprior.analysis.report.chart import Curve, Number, Strip, curves, strips
from mixprior.analysis.report.figure import NUMBERS_HEADER, Figure, Table, numbers
from mixprior.analysis.report.material import Material, Row, kind, smooth
from mixprior.analysis.report.wording import (
    decimals,
    family,
    number,
    title,
    unit,
)
from mixprior.stats.statistic import Family

_QUANTILES = ("p5", "p25", "p50", "p75", "p95")
_SPECTRUM = Axis(25.0, 20_000.0, log=True)
_FLOOR_DB = -80.0
"""Third-octave levels below this are drawn at it: they are inaudible, and would flatten the rest."""


def statistics(material: Material) -> dict[str, Any]:
    """Show every scalar statistic by family, a card each; those of reverb have a chapter of their own."""
    families = {
        each.value: [_card(material, name) for name in material.scalars if family(name) is each]
        for each in Family
        if each is not Family.REVERB
    }
    return {"heading": "Every statistic, stem by stem", "families": families}


def reverb(material: Material) -> dict[str, Any] | None:
    """Show statistics of reverb, if there are any."""
    names = [name for name in material.scalars if family(name) is Family.REVERB]
    return {"heading": "Reverb", "families": {"": [_card(material, name) for name in names]}} if names else None


def _card(material: Material, statistic: str) -> Figure:
    facts = material.manifest.get("statistics", {}).get(statistic, {})
    rows = material.scalars[statistic]
    measured = {stem: row for stem, row in rows.items() if row["n"]}
    digits = decimals(facts)
    sources = {found.source for stem in rows for found in published.SCALARS.get((stem, statistic), ())}
    drawn = [
        Strip(
            stem,
            kind(stem),
            {name: row[name] for name in (*_QUANTILES, "median_low", "median_high", "mean")},
            str(row["n"]),
            published=[
                (found.value, f"{found.label}: {number(found.value)}")
                for found in published.SCALARS.get((stem, statistic), ())
            ],
        )
        for stem, row in measured.items()
    ]
    definition = str(facts.get("definition") or "")
    found = {stem: material.priors.reliabilities.doubt(stem, statistic) for stem in rows}
    doubts = {stem: doubt for stem, doubt in found.items() if doubt is not None}
    lines = [(stem, *numbers(row, digits)) for stem, row in rows.items()]
    return Figure(
        title(statistic),
        strips(f"{title(statistic)} by stem", drawn) if drawn else None,
        Table(("stem", *NUMBERS_HEADER), lines, doubtful=doubts.keys()),
        doubts=tuple(doubts.values()),
        doubtful=bool(measured) and doubts.keys() >= measured.keys(),
        unit=unit(facts),
        code=statistic,
        definition=definition[:1].upper() + definition[1:],
        sources=sorted(sources),
    )


@dataclass(frozen=True)
class _Curves:
    """Curves of one statistic, a figure a stem, with what they show in words."""

    name: str
    definition: str
    figures: Sequence[Figure]


def spectra(material: Material) -> dict[str, Any] | None:
    """Show third-octave levels, and the magnitude spectrum beside published values."""
    bands = material.bins("third_octave_db")
    drawings = {
        stem: Curve(
            kind(stem),
            [row["bin_hz"] for row in rows],
            _floored(rows, "p50"),
            [(_floored(rows, low), _floored(rows, high)) for low, high in (("p5", "p95"), ("p25", "p75"))],
        )
        for stem, rows in bands.items()
    }
    header = ("Hz", "n", "mean", "sd", "5 %", "25 %", "median", "75 %", "95 %")
    tables = {
        stem: [
            (number(row["bin_hz"], 0), str(row["n"]), *(number(row[name], 1) for name in ("mean", "sd", *_QUANTILES)))
            for row in rows
        ]
        for stem, rows in bands.items()
    }
    parts = [
        _curves(
            "Level in third octaves, relative to the whole sound (dB)",
            "Median of the songs; the bands hold 25 to 75 % and 5 to 95 % of them.",
            drawings,
            header,
            tables,
        ),
        _magnitudes(material),
    ]
    parts = [part for part in parts if part.figures]
    return {"heading": "Spectra", "parts": parts} if parts else None


def _magnitudes(material: Material) -> _Curves:
    """Draw the mean magnitude spectrum: the mean of magnitudes where the priors have it, else that of levels in dB."""
    in_db, linear = material.bins("magnitude_spectrum_db"), material.bins("magnitude_spectrum")
    drawings, tables = {}, {}
    for stem, rows in in_db.items():
        hz = [row["bin_hz"] for row in rows]
        middle = [_db(row["mean"]) for row in linear[stem]] if stem in linear else [row["mean"] for row in rows]
        grid, line = smooth(hz, middle)
        points = _published(OCTAVES_HZ, published.MAGNITUDE_SPECTRUM_DB.get(stem, ()), "dB")
        low, high = (smooth(hz, edge)[1] for edge in _around(rows))
        drawings[stem] = Curve(kind(stem), grid, line, [(low, high)], points)
        tables[stem] = _points(grid, line, low, high, 1)
    how = (
        "Mean of the songs' magnitudes" if linear else "Mean of the songs' levels in dB, lower than that of magnitudes"
    )
    return _curves(
        "Magnitude spectrum of the sound at \N{MINUS SIGN}30 LUFS (dB)",
        f"{how}, averaged over sixths of an octave; the band is one standard deviation of the songs' dB. "
        f"Points: MUSDB18, {published.FXNORM}.",
        drawings,
        ("Hz", "mean", "mean \N{MINUS SIGN} sd of dB", "mean + sd of dB"),
        tables,
    )


def panning(material: Material) -> dict[str, Any] | None:
    """Show panning similarity over frequency beside published values."""
    drawings, tables = {}, {}
    for stem, rows in material.bins("sps_phi").items():
        hz = [row["bin_hz"] for row in rows]
        grid, line = smooth(hz, [row["mean"] for row in rows])
        low, high = (smooth(hz, edge)[1] for edge in _around(rows))
        high = [None if value is None else min(value, 1.0) for value in high]
        points = _published(OCTAVES_HZ, published.SPS_PHI.get(stem, ()), "")
        drawings[stem] = Curve(kind(stem), grid, line, [(low, high)], points)
        tables[stem] = _points(grid, line, low, high, 3)
    if not drawings:
        return None
    definition = (
        "1 is a sound in the middle, 0 a sound on one side only. Mean of the songs with one standard deviation, "
        f"averaged over sixths of an octave. Points: MUSDB18, {published.FXNORM}."
    )
    header = ("Hz", "mean", "mean \N{MINUS SIGN} sd", "mean + sd")
    part = _curves("Panning similarity phi", definition, drawings, header, tables)
    return {"heading": "Panning by frequency", "parts": [part]}


def _curves(
    name: str,
    definition: str,
    drawings: Mapping[str, Curve],
    header: Sequence[str],
    tables: Mapping[str, Sequence[Sequence[str]]],
) -> _Curves:
    up = Axis.around([value for drawing in drawings.values() for value in drawing.reach()], 0.03)
    figures = [
        Figure(
            stem.capitalize(),
            curves(f"{name}, {stem}", [drawing], _SPECTRUM, up),
            Table(header, tables[stem]),
            label_px=30,
            note_px=6,
        )
        for stem, drawing in drawings.items()
    ]
    return _Curves(name, definition, figures)


def _floored(rows: Sequence[Row], name: str) -> list[Number]:
    return [None if row[name] is None else max(row[name], _FLOOR_DB) for row in rows]


def _around(rows: Sequence[Row]) -> tuple[list[Number], list[Number]]:
    """Mean minus and plus the standard deviation, per bin."""
    known = [(row["mean"], row["sd"]) if row["sd"] is not None else None for row in rows]
    return [k and k[0] - k[1] for k in known], [k and k[0] + k[1] for k in known]


def _db(magnitude: Number) -> Number:
    return 20.0 * math.log10(magnitude) if magnitude else None


def _published(hz: Sequence[float], values: Sequence[float], of: str) -> list[tuple[float, float, str]]:
    return [
        (f, value, f"MUSDB18 at {f:g} Hz: {value:g} {of}".strip())
        for f, value in zip(hz, values, strict=False)
        if f >= _SPECTRUM.low
    ]


def _points(
    hz: Sequence[float], line: Sequence[Number], low: Sequence[Number], high: Sequence[Number], digits: int
) -> list[tuple[Any, ...]]:
    return [
        (number(f, 0), *(number(value, digits) for value in values))
        for f, *values in zip(hz, line, low, high, strict=True)
    ]
