"""The packaged priors `published`: numbers from the literature, named by what they measure, with their sources.

    python -m mixprior.analysis.packaged.published_table

writes them to `analysis/packaged/published_priors`. The numbers are facts; nothing else of the sources is used.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mixprior.analysis.constants.compare import OCTAVES_HZ
from mixprior.analysis.packaged import published
from mixprior.analysis.packaged.published_facts import COLUMNS, CORRECTIONS, RULES, SOURCES
from mixprior.analysis.priors import EVERY_SONG, PACKAGED
from mixprior.pipeline.store.layout import MANIFEST_FILE, PRIORS_FILE, parquet_bytes
from mixprior.stats.priors.derived import definitions
from mixprior.stats.priors.interval import mean_interval
from mixprior.stats.reverb.fdn.presets import PRESETS
from mixprior.stats.schema import PRIORS_SCHEMA, QUANTILES, SCHEMA_VERSION, with_metadata

_SONGS = 150
"""Songs of MUSDB18, the source of most of the numbers."""
_NUMBERS = ("mean", "sd", "min", "max", *QUANTILES, "median_low", "median_high")


@dataclass(frozen=True)
class _Row:
    """One published number, or one bin of a curve.

    Attributes:
        source: key of `SOURCES`.
        stem: as priors call it.
        statistic: name of what it measures, whatever the source calls it.
        numbers: as many of `_NUMBERS` as are known.
        n: songs; 0 where the source does not give their number.
        n_missing: songs of the set without a value.
        bin: place in a curve, and its frequency.
        group: group of songs; None for the group of the source.
    """

    source: str
    stem: str
    statistic: str
    numbers: Sequence[float | None]
    n: int = 0
    n_missing: int = 0
    bin: tuple[int, float] | None = None
    group: str | None = None


def _rows() -> Iterator[_Row]:
    """Yield the numbers; of those with the same name, first the one that is used for all songs."""
    yield from _li()
    for stem, levels in published.MAGNITUDE_SPECTRUM_DB.items():
        yield from _curve("fxnorm", stem, "magnitude_spectrum_octaves_db", OCTAVES_HZ, levels)
    yield from _curve(
        "ito-master", "mixture", "magnitude_spectrum_octaves_db", OCTAVES_HZ, published.MIXTURE_SPECTRUM_DB
    )
    for stem, similarity in published.SPS_PHI.items():
        yield from _curve("fxnorm", stem, "sps_phi_octaves", OCTAVES_HZ, similarity)
    for source, statistics in _OF_STEMS.items():
        for statistic, means in statistics.items():
            for stem, mean in zip(("vocals", "drums", "bass", "other"), means, strict=True):
                yield _Row(source, stem, statistic, [mean])
    yield _Row("ito-master", "mixture", "integrated_lufs", [-15.688])
    yield _Row("ito-master", "mixture", "mid_energy_fraction", [0.8833])


def _li() -> Iterator[_Row]:
    """Kelian Li's numbers; quantiles and intervals of medians are computed from his numbers of single songs."""
    ratio, level_range = "vocal_to_backing_lu", "loudness_range_100ms_lu"
    for source, n, numbers in (
        ("li-musdb18", 150, "-2.353 2.696 -14.806 5.516 -6.312 -5.276 -3.832 -1.960 -0.727 0.448 1.282 -2.485 -1.612"),
        (
            "li-musdb18-train",
            100,
            "-2.151 2.482 -11.046 5.516 -5.491 -4.995 -3.728 -1.888 -0.618 .346 1.312 -2.485 -1.477",
        ),
        (
            "li-musdb18-test",
            50,
            "-2.756 3.068 -14.806 4.058 -7.670 -5.960 -4.164 -2.176 -0.931 .448 .776 -3.709 -1.239",
        ),
    ):
        yield _Row(source, "song", ratio, [float(number) for number in numbers.split()], n)
    yield _Row("li-msd", "song", "vocal_to_backing_mono_lu", [-1.77])
    numbers = "15.729 3.765 3.238 22.817 9.325 10.403 13.058 16.282 18.459 20.088 21.729 14.876 17.006"
    yield _Row("li-musdb18-train", "vocals", level_range, [float(number) for number in numbers.split()], 100)
    of_test = [15.58, 3.70, None, None, 10.5, None, 13.3, 14.74, 17.2, None, 22.8]
    yield _Row("li-musdb18-test", "vocals", level_range, of_test, 49, 1)
    yield _Row("li-msd", "vocals", level_range, [16.3574])
    numbers = "1.712 1.150 0.170 4.110 0.269 0.299 0.637 1.640 2.353 3.476 3.841 1.360 2.040"
    yield _Row("li-chameleon", "vocals", "chameleon_rt60_s", [float(number) for number in numbers.split()], 100)
    for name, mean in _CHAMELEON_FDN.items():
        yield _Row("li-chameleon", "vocals", f"chameleon_fdn_{name}", [mean], 100)
    for genre, mean in _BY_GENRE_DB.items():
        yield _Row("li-gtzan", "vocals", "vocal_minus_mixture_svr_db", [mean], group=f"genre={genre}")


def _curve(source: str, stem: str, statistic: str, hz: Sequence[float], means: Sequence[float]) -> Iterator[_Row]:
    for k, mean in enumerate(means):
        yield _Row(source, stem, statistic, [mean], bin=(k, hz[k]))


_PRESET = asdict(PRESETS["seed mean"].settings)
_CHAMELEON_FDN = {**{name: mean for name, mean in _PRESET.items() if name != "fdn_size"}, "room_size": 14.546935}
"""Means of his fits; the preset has the room size as the plug-in rounds it."""

_BY_GENRE_DB = {
    "blues": -6.90,
    "country": -5.51,
    "disco": -7.02,
    "hiphop": -6.69,
    "metal": -7.13,
    "pop": -6.52,
    "reggae": -7.58,
    "rock": -6.36,
}

_OF_STEMS: dict[str, dict[str, tuple[float, float, float, float]]] = {
    "fxnorm": {
        "onset_peak_mean_db": (-14.241, -13.479, -13.131, -14.659),
        "onset_peak_sd_db": (1.371, 1.129, 0.898, 1.268),
        "loudness_after_normalisation_lufs": (-30.729, -34.178, -29.727, -31.172),
    },
    "koo": {
        "onset_peak_mean_db": (-14.244, -13.531, -13.171, -14.768),
        "onset_peak_sd_db": (1.363, 1.130, 0.874, 1.297),
        "loudness_after_normalisation_lufs": (-25.365, -28.967, -24.374, -26.164),
        "mid_energy_fraction": (0.918, 0.945, 0.982, 0.794),
    },
}
"""Means by statistic, of vocals, drums, bass and other."""


def files() -> dict[str, bytes]:
    """Return the content of the folder's files by name; the bytes are the same every time."""
    rows, labels = _placed()
    table = pa.Table.from_pylist(rows, with_metadata(PRIORS_SCHEMA))
    order = [(name, "ascending") for name in ("group", "stem", "statistic", "bin")]
    manifest = json.dumps(_manifest(labels), indent=2, sort_keys=True, ensure_ascii=False)
    return {PRIORS_FILE: parquet_bytes(table.sort_by(order)), MANIFEST_FILE: f"{manifest}\n".encode()}


def _placed() -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Rows of the priors, and the manifest's entry for each: a number in its own group, the first in "all" too."""
    rows: list[dict[str, Any]] = []
    labels: list[dict[str, str]] = []
    for_all: dict[tuple[str, str], str] = {}
    for row in _rows():
        groups = [row.group or f"source={row.source}"]
        if row.group is None and for_all.setdefault((row.stem, row.statistic), row.source) == row.source:
            groups.append(EVERY_SONG)
        for group in groups:
            rows.append(_record(row, group))
            label = {"group": group, "stem": row.stem, "statistic": row.statistic, "source": row.source}
            if label not in labels:
                labels.append(label)
    return rows, sorted(labels, key=lambda label: (label["group"], label["stem"], label["statistic"]))


def _record(row: _Row, group: str) -> dict[str, Any]:
    numbers = dict(zip(_NUMBERS, row.numbers, strict=False))
    mean, sd = numbers["mean"], numbers.get("sd")
    if mean is not None and sd is not None:
        se = sd / np.sqrt(row.n)
        low, high = mean_interval(np.array([mean]), np.array([se]), np.array([row.n]))
        numbers |= {"se": float(se), "mean_low": float(low[0]), "mean_high": float(high[0])}
    return {
        "group": group,
        "stem": row.stem,
        "statistic": row.statistic,
        "unit": _facts(row.statistic)["unit"],
        "bin": row.bin and row.bin[0],
        "bin_hz": row.bin and row.bin[1],
        "n": row.n,
        "n_missing": row.n_missing,
        **numbers,
        "parent": None if group == EVERY_SONG else EVERY_SONG,
    }


def _facts(statistic: str) -> dict[str, Any]:
    """Unit, definition and resolution: those of mixprior's statistic where the published one is the same."""
    column = COLUMNS.get(statistic) or definitions([statistic])[statistic]
    return {"unit": column.unit, "definition": column.definition, "resolution": column.resolution}


def _manifest(labels: Sequence[dict[str, str]]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "title": "Published numbers on how music is mixed",
        "songs": _SONGS,
        "songs_are": "MUSDB18, which most numbers are of; n of each row counts: n is 0 where its source does not give "
        "it",
        "group_by": ["genre", "source"],
        "min_group": 1,
        "features": {},
        "calibration": None,
        "statistics": {name: _facts(name) for name in sorted({label["statistic"] for label in labels})},
        "sources": SOURCES,
        "rows": list(labels),
        "corrections": CORRECTIONS,
        "rules": RULES,
        "versions": {},
    }


def write(folder: Path, content: dict[str, bytes]) -> None:
    """Write the files of a folder of priors, the manifest last: readers refuse a folder without it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(content, key=MANIFEST_FILE.__eq__):
        (folder / name).write_bytes(content[name])


if __name__ == "__main__":
    write(PACKAGED["published"], files())
    sys.stdout.write(f"{PACKAGED['published']}\n")
