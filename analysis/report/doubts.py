"""What to distrust in a catalog's priors, found from their numbers."""

from __future__ import annotations

from collections.abc import Iterator

from mixprior.analysis.packaged import published
from mixprior.analysis.report.material import RATIO, Material, Row
from mixprior.analysis.report.wording import count, interval, number, title

FEW_SONGS = 30
_QUIET_LU = -30.0
_GOOD_RESIDUAL_DB = 20.0
_OFTEN = 0.2
_OFTEN_ABSENT = 0.1
_WIDE_LU = 1.0
_NAMED = 8


def doubts(material: Material) -> list[str]:
    """Return sentences, those about the whole catalog first."""
    return [
        *_catalog(material),
        *_separation(material),
        *_headline(material),
        *_groups(material),
        *_stems(material),
        *_statistics(material),
        *_joint(material),
    ]


def _catalog(material: Material) -> Iterator[str]:
    manifest = material.manifest
    songs, failed = manifest.get("songs") or 0, manifest.get("failed") or 0
    if songs < FEW_SONGS:
        yield (
            f"The catalog is small: {count(songs, 'song')}. The 5 % and 95 % quantiles rest on one or two songs, and "
            "one more song may move every number."
        )
    if failed:
        share = 100 * failed / (failed + songs)
        yield (
            f"{count(failed, 'song')} ({share:.0f} %) could not be mined; if they have something in common, it is "
            "missing here."
        )
    keys = len(manifest.get("features", {}))
    if keys > 1:
        yield (
            f"Songs were measured in {keys} ways (models, settings or feature versions); differences between them are "
            "in the spread."
        )
    mixed = [name for name, found in manifest.get("versions", {}).items() if isinstance(found, list) and len(found) > 1]
    if mixed:
        yield f"More than one version of {_listed(mixed)} measured these songs."
    rows = [row for found in material.scalars.values() for row in found.values()]
    if any(row["sd"] is not None and row["se"] is None for row in rows):
        yield "These priors were written without intervals, by an older mixprior; mixprior aggregate writes them."


def _separation(material: Material) -> Iterator[str]:
    features = material.manifest.get("features", {}).values()
    if any(found.get("stems") == "separated" for found in features) and not material.manifest.get("calibration"):
        yield (
            "Stems are estimates of a separation model, and nothing here is corrected against true stems: bleed lifts "
            "quiet stems and widens what is centred."
        )
    residual = material.scalar("song", "separation_residual_db")
    if residual and residual["p5"] is not None and residual["p5"] < _GOOD_RESIDUAL_DB:
        yield (
            f"In a twentieth of the songs the stems add up badly: the mixture is only {number(residual['p5'], 1)} dB "
            "or less above what they leave over."
        )


def _headline(material: Material) -> Iterator[str]:
    row = material.scalar("song", RATIO)
    if not row:
        yield "No song has a vocal-to-backing ratio: the songs have hardly any singing, or it was not measured."
        return
    if row["n_missing"]:
        yield (
            f"The vocal-to-backing ratio is known for {row['n']} of {row['n'] + row['n_missing']} songs; the others "
            "have hardly any singing."
        )
    low, high = row["median_low"], row["median_high"]
    if low is not None and high is not None and high - low > _WIDE_LU:
        yield f"The median ratio is known only to {number(high - low, 1)} LU, from {interval(low, high, 1)}."
    for statistic, means in published.VOCAL_TO_BACKING.items():
        found = material.scalar("song", statistic)
        low, high = (found["mean_low"], found["mean_high"]) if found else (None, None)
        if low is None or high is None:
            continue
        within = [mean.label for mean in means if low <= mean.value <= high]
        if within:
            where = "in mono" if "mono" in statistic else "in stereo"
            yield (
                f"The interval of the mean ratio {where}, {interval(low, high, 1)} LU, holds the published means of "
                f"{_listed(within)}: this catalog may not differ from them."
            )


def _groups(material: Material) -> Iterator[str]:
    withheld = material.manifest.get("withheld") or {}
    least = material.manifest.get("min_group")
    if withheld:
        under = f" with fewer than {count(least, 'song')}" if least else ""
        yield f"{count(len(withheld), 'group')}{under} are not published: {_listed(sorted(withheld))}."
    small = [row["group"] for rows in material.ratio_groups.values() for row in rows if row["n"] < FEW_SONGS]
    if small:
        yield f"Fewer than {FEW_SONGS} songs with singing stand behind {_listed(small)}: use their shrunk means."


def _stems(material: Material) -> Iterator[str]:
    for stem, row in material.scalars.get("integrated_lufs", {}).items():
        songs = row["n"] + row["n_missing"]
        absent = (row["n_silent"] if row["n_absent"] is None else row["n_absent"]) or 0
        if songs and absent / songs > _OFTEN_ABSENT:
            yield (
                f"{stem.capitalize()}: absent from {absent} of {songs} songs, which are left out of that stem's "
                f"numbers{_share(row)}."
            )
    for stem, row in material.scalars.get("loudness_vs_mixture_lu", {}).items():
        if row["p5"] is not None and row["p5"] < _QUIET_LU:
            yield (
                f"In the quietest twentieth of the songs, the {stem} stem is {number(-row['p5'], 0)} LU or more "
                "below the mixture: what is measured there is mostly bleed."
            )


def _share(row: Row) -> str:
    low, high = row["share_present_low"], row["share_present_high"]
    return "" if low is None else f" (present in {100 * low:.0f} to {100 * high:.0f} % of such songs)"


def _statistics(material: Material) -> Iterator[str]:
    rare = [
        f"{title(statistic)} of {stem} ({row['n']} of {row['n'] + _failed(row)})"
        for statistic, rows in material.scalars.items()
        for stem, row in rows.items()
        if row["n"] and statistic != RATIO and _failed(row) > _OFTEN * (row["n"] + _failed(row))
    ]
    if rare:
        yield f"Often not measurable, so known only of a part of the songs: {_listed(rare)}."


def _failed(row: Row) -> int:
    """Songs that have the stem, and no value."""
    return int(row["n_missing"] - (row["n_absent"] or 0))


def _joint(material: Material) -> Iterator[str]:
    pairs = len(material.joint) // 2
    if pairs:
        yield (
            f"{pairs} pairs were correlated: by chance alone, about {pairs // 20} intervals would leave out zero. A "
            "correlation is no cause."
        )
    fewest = min((row["n"] for row in material.joint), default=FEW_SONGS)
    if fewest < FEW_SONGS:
        yield f"Some correlations rest on {count(fewest, 'song')}: one odd song, or one silent stem, can make them."


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    if more > 0:
        return f"{', '.join(names[:_NAMED])} and {more} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
