"""Writes docs/measured/songs.md from runs on real songs: `python -m tools.docs.results > docs/measured/songs.md`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path, PurePath

from mixprior.analysis.priors import open_priors
from mixprior.analysis.songs import open_songs

SONGS, SEPARATED, TRUE = (Path("outputs") / name for name in ("songs", "stems-separated", "stems-true"))
RATIOS = (
    "vocal_to_backing_lu",
    "vocal_to_backing_mono_lu",
    "vocal_to_backing_rms_db",
    "vocal_to_backing_active_rms_db",
)
PRIORS = (
    ("song", ("vocal_to_backing_lu", "vocal_to_backing_mono_lu", "separation_residual_db")),
    ("vocals", ("integrated_lufs", "loudness_range_lu", "loudness_range_100ms_lu", "vocal_active_ratio")),
    ("mixture", ("integrated_lufs", "loudness_range_lu", "true_peak_dbtp", "tilt_db_per_octave")),
    ("backing", ("integrated_lufs", "tempo_bpm")),
    ("drums", ("loudness_vs_mixture_lu", "onset_peak_mean_db")),
    ("bass", ("loudness_vs_mixture_lu", "pan_position")),
    ("other", ("loudness_vs_mixture_lu", "mid_energy_fraction")),
)


def number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *("--:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def priors() -> str:
    found = open_priors(SONGS)
    rows = []
    for stem, statistics in PRIORS:
        for statistic in statistics:
            prior = found.lookup(stem, statistic)
            values = (prior.mean, prior.sd, prior.p5, prior.p25, prior.p50, prior.p75, prior.p95)
            rows.append([f"{stem} {statistic}", prior.unit, str(prior.n), *map(number, values)])
    return table(["statistic", "unit", "n", "mean", "sd", "p5", "p25", "p50", "p75", "p95"], rows)


def song_by_song() -> str:
    run = open_songs(SONGS)
    columns = [
        {row["path"]: row["value"] for row in run.rows(stem, statistic)}
        for stem, statistic in (
            ("song", "duration_s"),
            *(("song", ratio) for ratio in RATIOS),
            ("vocals", "vocal_active_ratio"),
            ("backing", "tempo_bpm"),
            ("song", "separation_residual_db"),
        )
    ]
    head = ["song", "s", "LU", "mono LU", "RMS dB", "active RMS dB", "active", "tempo", "residual dB"]
    return table(head, [[PurePath(path).stem, *(number(column[path]) for column in columns)] for path in columns[0]])


def separated_beside_true() -> str:
    separated, true = open_priors(SEPARATED), open_priors(TRUE)
    rows = []
    for row in true.rows().to_pylist():
        other = separated.rows(row["stem"], row["statistic"]).to_pylist()[0]
        if row["mean"] is None and other["mean"] is None:
            continue
        known = row["mean"] is not None and other["mean"] is not None
        rows.append(
            [
                f"{row['stem']} {row['statistic']}",
                row["unit"],
                number(row["mean"], 3),
                number(other["mean"], 3),
                number(other["mean"] - row["mean"], 3) if known else "-",
            ]
        )
    return table(["statistic", "unit", "true stems", "separated", "difference"], rows)


def vectors_beside_true() -> str:
    separated, true = open_priors(SEPARATED), open_priors(TRUE)
    rows = []
    for stem in ("vocals", "drums", "bass", "other", "backing", "mixture"):
        for statistic in ("third_octave_db", "magnitude_spectrum_db", "sps_phi"):
            pairs = [
                (a["mean"], b["mean"])
                for a, b in zip(
                    true.rows(stem, statistic).to_pylist(), separated.rows(stem, statistic).to_pylist(), strict=True
                )
                if a["mean"] is not None and b["mean"] is not None and 60 <= a["bin_hz"] <= 12_000
            ]
            differences = [b - a for a, b in pairs]
            mean = sum(differences) / len(differences)
            absolute = sum(map(abs, differences)) / len(differences)
            rows.append([f"{stem} {statistic}", str(len(pairs)), number(mean, 3), number(absolute, 3)])
    return table(["vector, bins of 60 Hz to 12 kHz", "bins", "mean difference", "mean absolute difference"], rows)


def feature_version() -> str:
    """Return the version of the statistics that the songs were measured by."""
    settings = open_priors(SONGS).manifest["features"].values()
    return ", ".join(sorted({str(each["feature_version"]) for each in settings}))


def main() -> None:
    run = json.loads(SONGS.with_suffix(".json").read_text())
    print(
        f"""# Results on real songs

Of feature version {feature_version()}. The priors that come with the package: `docs/evidence.md`, "The priors that come
with the package, before and now".

Made by these commands, {date.today()}, on 2 cores (Intel Xeon, 2.5 GHz, no bf16) without a GPU. The songs (Creative
Commons) are reference material (CONTRIBUTING.md, "Reference material"), here in `../shared`:

```sh
mixprior mine ../shared/music/songs -o outputs/songs --json > outputs/songs.json
mixprior mine ../shared/music/stems -o outputs/stems-true
python -m tools.songs.mixtures ../shared/music/stems outputs/stems-mixed
mixprior mine outputs/stems-mixed -o outputs/stems-separated
python -m tools.docs.results > docs/measured/songs.md
```

## Eleven songs through HTDemucs

{run["mined"]} songs mined, {run["failed"]} failed: {run["audio_s"] / 60:.1f} min of audio in \
{run["elapsed_s"] / 60:.1f} min, {run["audio_s"] / run["elapsed_s"]:.2f}x real time (fp32, two worker processes of one
thread each). The time that this version takes: `docs/performance.md`, row `mine-eleven`.

{priors()}

## Song by song

Vocals against backing in four definitions (the column heads are those of `mixprior query --songs`:
{", ".join(f"`{ratio}`" for ratio in RATIOS)}), share of frames with singing, tempo of the backing, energy of the
mixture over what the stems leave of it. A dash: less than a tenth of the song is sung, so no ratio is measured.

{song_by_song()}

## Separated beside true stems

The 7-second excerpt of MUSDB18 (Music Delta, 80s Rock), measured on its true stems, and on those that HTDemucs made of
its mixture. One short excerpt: a sanity check, not a calibration.

{separated_beside_true()}

{vectors_beside_true()}"""
    )


if __name__ == "__main__":
    main()
