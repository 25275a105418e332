"""Aggregation, merging and queries from a thousand songs to a million: `python -m tools.benches.million FOLDER`.

Writes catalogs of generated rows under FOLDER (8 GB for all sizes), times `mixprior aggregate` with groups in one
process, `mixprior merge` of a hundred parts and a warm query, and writes docs/scale.json and docs/scale.png.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from mixprior.analysis.priors import open_priors
from mixprior.pipeline.store.evidence import Evidence
from mixprior.pipeline.store.layout import MANIFEST_FILE, PRIORS_FOLDER, SONGS_FILE
from mixprior.pipeline.store.members import members_of
from mixprior.stats.priors.tally import Grouping, tally
from tools import ROOT
from tools.benches.command import Watcher
from tools.catalogs.generated import KEY, SETTINGS, rows, songs_table, write_run

GROUP_BY = "genre,decade,tempo_band"
DOCS = ROOT / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--curves", default="1000,10000", help="sizes to aggregate with the curves of 2,049 bins, too")
    args = parser.parse_args()
    found: dict[str, list[dict]] = {"aggregate": [], "merge": [], "query": []}
    sizes = [(int(n), False) for n in args.sizes.split(",")] + [(int(n), True) for n in args.curves.split(",") if n]
    for songs, curves in sizes:
        run = args.folder / f"{songs}{'-curves' if curves else ''}"
        if not (run / SONGS_FILE).exists():
            write_run(run, songs, curves=curves)
        size_mb = sum(path.stat().st_size for path in (run / "archive").rglob("*.parquet")) / 1e6
        taken = measured(*("aggregate", run, "--group-by", GROUP_BY, "-j", args.workers, "-o", run / PRIORS_FOLDER))
        groups = len(open_priors(run).manifest["withheld"]) + len({row["group"] for row in open_priors(run).contents})
        row = {"songs": songs, "curves": curves, "rows_mb": round(size_mb, 1), "groups": groups, **taken}
        found["aggregate"].append(row)
        print(row, flush=True)
    for grouped in ("", "genre"):
        parts = hundred_parts(args.folder / f"parts-{grouped or 'all'}", grouped)
        row = {"parts": len(parts), "songs_a_part": PART, "group_by": grouped or None}
        row |= measured("merge", *parts, "-o", args.folder / "merged")
        found["merge"].append(row)
        print(row, flush=True)
    found["query"] = [queries(args.folder / args.sizes.split(",")[-1])]
    print(found["query"])
    (DOCS / "scale.json").write_text(json.dumps(found, indent=1) + "\n")
    plot(found["aggregate"])


PART = 1000


def hundred_parts(folder: Path, group_by: str) -> list[Path]:
    """Priors of a hundred catalogs of a thousand songs, made without Beam: a hundred starts of it would take longer."""
    parts = [folder / f"{k:03d}" for k in range(100)]
    grouping = Grouping((group_by,) if group_by else ())
    for k, part in enumerate(parts):
        if not (part / MANIFEST_FILE).exists():
            songs = songs_table(k * PART, PART)
            metadata = dict(zip(songs["song_id"].to_pylist(), songs["metadata"].to_pylist(), strict=True))
            digests = dict(tally(rows(k * PART, PART), metadata, grouping, separated=True))
            members = members_of(songs)
            evidence = Evidence(digests, members, {KEY: SETTINGS}, {"numpy": ["2"]}, grouping.group_by)
            evidence.write(str(part))
    return parts


def measured(*arguments: object) -> dict[str, float]:
    """Run the command; give seconds, and the greatest memory of it and its workers together."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "mixprior", *map(str, arguments)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    watcher = Watcher(process.pid)
    assert process.wait() == 0, arguments
    return {"seconds": round(time.monotonic() - started, 1), "peak_mb": round(watcher.stop())}


def queries(run: Path) -> dict[str, float]:
    """Warm seconds of lookups in the priors of the largest catalog."""
    priors = open_priors(run)
    found = {}
    for name, ask in {
        "lookup_ms": lambda: open_priors(run).lookup("song", "vocal_to_backing_lu", "genre=rock"),
        "rows_of_a_stem_ms": lambda: open_priors(run).rows(stem="vocals", group="genre=rock"),
        "groups_of_a_statistic_ms": lambda: priors.rows("song", "vocal_to_backing_lu"),
    }.items():
        ask()
        started = time.perf_counter()
        for _ in range(5):
            ask()
        found[name] = round((time.perf_counter() - started) / 5 * 1000, 1)
    return found


def plot(rows: list[dict]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for curves, label in ((False, "scalars and third octaves"), (True, "with curves of 2,049 bins")):
        own = [row for row in rows if row["curves"] == curves]
        left.loglog([row["songs"] for row in own], [row["seconds"] for row in own], "o-", label=label)
        right.semilogx([row["songs"] for row in own], [row["peak_mb"] / 1000 for row in own], "o-", label=label)
    left.axhline(600, color="grey", linestyle=":", linewidth=1)
    right.axhline(2, color="grey", linestyle=":", linewidth=1)
    left.set(xlabel="songs", ylabel="seconds", title="mixprior aggregate, groups and pairs")
    right.set(xlabel="songs", ylabel="GB, all processes", title="memory", ylim=(0, None))
    left.legend(frameon=False)
    figure.savefig(DOCS / "scale.png", dpi=110)


if __name__ == "__main__":
    main()
