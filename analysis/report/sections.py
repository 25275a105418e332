"""The chapters of a report about its songs: the catalog, the headline, failures, doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from mixprior.analysis.packaged import published
from mixprior.analysis.report.axis import Axis
from mixprior.analysis.report.chart import Strip, strips
from mixprior.analysis.report.doubts import doubts
from mixprior.analysis.report.figure import NUMBERS_HEADER, Table, numbers
from mixprior.analysis.report.material import RATIO, Material, Row
from mixprior.analysis.report.wording import NONE, count, interval, number, title

_PUBLISHED = [found for means in published.VOCAL_TO_BACKING.values() for found in means]
_DEFINITIONS = {
    RATIO: "loudness",
    f"{RATIO}_corrected": "corrected",
    "vocal_to_backing_mono_lu": "in mono",
    "vocal_to_backing_rms_db": "RMS",
    "vocal_to_backing_active_rms_db": "RMS, sung",
}
_SHAPED_FROM = 30
_MOST_FAILURES = 50


def catalog(material: Material) -> dict[str, Any]:
    """Say what was mined, and how."""
    manifest = material.manifest
    features = list(manifest.get("features", {}).values())
    hours = manifest.get("hours")
    facts = {
        "Songs": str(manifest.get("songs", NONE)),
        "Music": NONE if hours is None else _duration(hours),
        "Failed": str(manifest.get("failed") or 0),
        "Duplicates": str(manifest.get("duplicates", 0)),
        "Stems": _each(features, "stems"),
        "Model": _each(features, "model"),
        "Weights": ", ".join(sorted({str(f["weights_sha256"])[:12] for f in features if f.get("weights_sha256")})),
        "Precision": _each(features, "precision"),
        "Features": ", ".join(sorted({f"version {f['feature_version']}" for f in features if "feature_version" in f})),
        "Grouped by": ", ".join(manifest.get("group_by") or ["nothing"]),
        "Calibrated": "yes" if manifest.get("calibration") else "no",
    }
    versions = [
        f"{name} {', '.join(found) if isinstance(found, list) else found}"
        for name, found in sorted(manifest.get("versions", {}).items())
    ]
    causes = [f"{cause} {n}" for cause, n in sorted((manifest.get("failures") or {}).items())]
    songs = count(manifest.get("songs") or 0, "song")
    return {"songs": songs, "facts": facts, "versions": versions, "causes": causes}


def headline(material: Material) -> dict[str, Any] | None:
    """Show the vocal-to-backing ratio in all its definitions, beside published values."""
    rows = {name: row for name in _DEFINITIONS if (row := material.scalar("song", name))}
    if RATIO not in rows:
        return None
    row = rows[RATIO]
    corrected = rows.get(f"{RATIO}_corrected")
    drawn = {name: _strip(material, name, found) for name, found in rows.items()}
    rules = [(p.value, f"{p.label} {number(p.value)}") for p in _PUBLISHED]
    axis = Axis.around([v for strip in drawn.values() for v in strip.reach()] + [value for value, _ in rules])
    in_loudness = [strip for name, strip in drawn.items() if "rms" not in name]
    in_rms = [strip for name, strip in drawn.items() if "rms" in name]
    known = row["median_low"] is not None
    return {
        "median": number(row["p50"], 1),
        "median_interval": interval(row["median_low"], row["median_high"], 1) if known else None,
        "distance": number(abs(row["p50"]), 1),
        "side": "below" if row["p50"] < 0 else "above",
        "measured": row["n"],
        "songs": count(row["n"] + row["n_missing"], "song"),
        "corrected": number(corrected["p50"], 1) if corrected else None,
        "loudness": strips("Vocal-to-backing ratio in LU, with published means", in_loudness, axis, rules),
        "rms": strips("Vocal-to-backing ratio in dB", in_rms, axis) if in_rms else None,
        "has_dots": any(strip.dots for strip in drawn.values()),
        "has_steps": any(strip.shape and not strip.dots for strip in drawn.values()),
        "sources": _sources(),
        "table": _ratios(rows),
    }


def _strip(material: Material, statistic: str, row: Row) -> Strip:
    dots = [(value, f"{song}: {number(value)}") for value, song in material.values("song", statistic)]
    return Strip(_DEFINITIONS[statistic], "vocals", row, str(row["n"]), dots=dots, shape=row["n"] >= _SHAPED_FROM)


def _ratios(rows: Mapping[str, Row]) -> Table:
    """Our numbers of the ratio, and below them the published means."""
    of_mean = NUMBERS_HEADER.index("mean")
    before, after = [""] * (of_mean - 1), [""] * (len(NUMBERS_HEADER) - of_mean - 1)
    ours = [(title(name), *numbers(found, 2)) for name, found in rows.items()]
    theirs = [(p.label, str(p.n or NONE), *before, number(p.value), *after) for p in _PUBLISHED]
    return Table(("definition", *NUMBERS_HEADER), [*ours, *theirs])


def failures(material: Material) -> dict[str, Any] | None:
    """List the songs that could not be mined, by cause, and one by one where the run is there."""
    causes = material.manifest.get("failures") or {}
    if not causes:
        return None
    rows = [row for row in material.songs.table.to_pylist() if row["status"] == "failed"] if material.songs else []
    songs = [
        (PurePath(row["path"]).name, row["stage"] or "", row["error"] or "", row["message"] or "")
        for row in rows[:_MOST_FAILURES]
    ]
    return {
        "causes": [f"{cause}: {count(n, 'song')}" for cause, n in sorted(causes.items())],
        "table": Table(("song", "stage", "error", "message"), songs, f"{len(songs)} of them") if songs else None,
    }


def distrust(material: Material) -> dict[str, Any]:
    """Say what to distrust."""
    return {"doubts": doubts(material)}


def _sources() -> list[str]:
    by_source: dict[str, list[str]] = {}
    for found in _PUBLISHED:
        by_source.setdefault(found.source, []).append(f"{found.label}{f' (n {found.n})' if found.n else ''}")
    return [f"{', '.join(labels)}: {source}" for source, labels in by_source.items()]


def _each(features: Sequence[dict[str, Any]], name: str) -> str:
    return ", ".join(sorted({str(found[name]) for found in features if found.get(name) is not None}))


def _duration(hours: float) -> str:
    return f"{60 * hours:.0f} min" if hours < 2 else f"{hours:,.1f} h"
