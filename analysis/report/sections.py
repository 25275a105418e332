"""The sections of a report that tell of songs: the catalog, the headline, groups, joint facts, failures, doubts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from mixprior.analysis.packaged import published
from mixprior.analysis.report.axis import Axis
from mixprior.analysis.report.chart import Strip, strips
from mixprior.analysis.report.distributions import NUMBERS_HEADER, numbers, plot
from mixprior.analysis.report.doubts import doubts
from mixprior.analysis.report.markup import Markup, element, joined
from mixprior.analysis.report.material import RATIO, Material
from mixprior.analysis.report.wording import count, interval, number, table, title

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


def catalog(material: Material) -> Markup:
    """Tell what was mined, and how."""
    manifest = material.manifest
    features = list(manifest.get("features", {}).values())
    hours = manifest.get("hours")
    facts = {
        "Songs": str(manifest.get("songs", "\N{EN DASH}")),
        "Music": "\N{EN DASH}" if hours is None else _duration(hours),
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
    told = [joined(element("dt", name), element("dd", fact)) for name, fact in facts.items() if fact]
    return element(
        "header",
        element("p", "mixprior report", class_="kicker"),
        element("h1", f"How {count(manifest.get('songs') or 0, 'song')} are mixed"),
        element("dl", *(element("div", fact) for fact in told), class_="facts"),
        element("p", "Failed: ", ", ".join(causes), class_="versions") if causes else "",
        element("p", "Measured with ", " \N{MIDDLE DOT} ".join(versions), class_="versions") if versions else "",
    )


def headline(material: Material) -> Markup:
    """Show the vocal-to-backing ratio in all its definitions, beside published values."""
    rows = {name: row for name in _DEFINITIONS if (row := material.scalar("song", name))}
    if RATIO not in rows:
        return Markup()
    row = rows[RATIO]
    corrected = rows.get(f"{RATIO}_corrected")
    drawn = {
        name: Strip(
            _DEFINITIONS[name],
            "vocals",
            found,
            str(found["n"]),
            dots=[(value, f"{song}: {number(value)}") for value, song in material.values("song", name)],
            shape=found["n"] >= _SHAPED_FROM,
        )
        for name, found in rows.items()
    }
    rules = [(p.value, f"{p.label} {number(p.value)}") for p in _PUBLISHED]
    axis = Axis.around([v for strip in drawn.values() for v in strip.reach()] + [value for value, _ in rules])
    in_loudness = [strip for name, strip in drawn.items() if "rms" not in name]
    in_rms = [strip for name, strip in drawn.items() if "rms" in name]
    median, known = row["p50"], row["median_low"] is not None
    side = "below" if median < 0 else "above"
    sentence = (
        f"In the median song the vocals are {number(abs(median), 1)} LU {side} the backing. "
        f"{row['n']} of {count(row['n'] + row['n_missing'], 'song')} have singing to measure."
    )
    if corrected:
        sentence += f" Corrected for the errors of separation, the median is {number(corrected['p50'], 1)} LU."
    return element(
        "section",
        element("h2", "Vocals against backing"),
        element(
            "div",
            element("p", element("strong", number(median, 1)), element("span", "LU", class_="unit"), class_="big"),
            element(
                "p",
                f"median; 95 % interval {interval(row['median_low'], row['median_high'], 1)} LU" if known else "median",
                class_="big-note",
            ),
            element("p", sentence, class_="sentence"),
            class_="lead",
        ),
        plot(strips("Vocal-to-backing ratio in LU, with published means", in_loudness, axis, rules), 72),
        plot(strips("Vocal-to-backing ratio in dB", in_rms, axis), 72) if in_rms else "",
        element(
            "p",
            "LU above, dB below; negative: the vocals are quieter. ",
            "Dots are songs. " if any(strip.dots for strip in drawn.values()) else "",
            "Steps: the density that the quantiles imply. "
            if any(strip.shape and not strip.dots for strip in drawn.values())
            else "",
            "Bars hold 5 to 95 % and 25 to 75 % of the songs, with the median; under them the mean with its 95 % "
            "interval. Of the published means, MUSDB18's compare with the stereo row and MSD's with the mono row.",
            class_="definition",
        ),
        element("p", "Published: ", "; ".join(_sources()), class_="source"),
        table(
            ("definition", *NUMBERS_HEADER),
            [
                *((title(name), *numbers(found, 2)) for name, found in rows.items()),
                *(
                    (p.label, str(p.n or "\N{EN DASH}"), "", "", number(p.value), *[""] * (len(NUMBERS_HEADER) - 4))
                    for p in _PUBLISHED
                ),
            ],
        ),
        id="headline",
    )


def failures(material: Material) -> Markup:
    """List the songs that could not be mined, by cause, and one by one where the run is there."""
    causes = material.manifest.get("failures") or {}
    if not causes:
        return Markup()
    rows = [row for row in material.songs.table.to_pylist() if row["status"] == "failed"] if material.songs else []
    told = [
        (PurePath(row["path"]).name, row["stage"] or "", row["error"] or "", row["message"] or "")
        for row in rows[:_MOST_FAILURES]
    ]
    items = [element("li", f"{cause}: {count(n, 'song')}") for cause, n in sorted(causes.items())]
    listing = table(("song", "stage", "error", "message"), told, f"{len(told)} of them") if told else ""
    return element("section", element("h2", "Failures"), element("ul", *items), listing, id="failures")


def distrust(material: Material) -> Markup:
    """Say what to distrust."""
    told = doubts(material)
    items = element("ul", *(element("li", sentence) for sentence in told)) if told else ""
    nothing = (
        "" if told else element("p", "The numbers themselves give no cause; what they cannot see, they cannot tell.")
    )
    return element("section", element("h2", "What to distrust"), items, nothing, id="distrust")


def _sources() -> list[str]:
    by_source: dict[str, list[str]] = {}
    for found in _PUBLISHED:
        by_source.setdefault(found.source, []).append(f"{found.label}{f' (n {found.n})' if found.n else ''}")
    return [f"{', '.join(labels)}: {source}" for source, labels in by_source.items()]


def _each(features: Sequence[dict[str, Any]], name: str) -> str:
    return ", ".join(sorted({str(found[name]) for found in features if found.get(name) is not None}))


def _duration(hours: float) -> str:
    return f"{60 * hours:.0f} min" if hours < 2 else f"{hours:,.1f} h"
