"""Songs of known truth, mined twice by the commands a user would type: from their stems, and from their mixtures."""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from tabulate import tabulate

from mixprior.pipeline.audio import writer
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, Score, perform
from mixprior.stats.errors import Stopped

_COMMAND = str(Path(sys.executable).with_name("mixprior"))
_PAIR = SCORES[1]
"""The song whose vocal and backing are mixed at the end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior demo`."""
    parser.add_argument("-o", "--output", default="outputs/demo", metavar="OUT", help="folder of the demo")


def run(args: argparse.Namespace) -> int:
    """Run `mixprior demo`; return its exit code."""
    root = Path(args.output)
    _generate(root)
    _announce("1. Mine the songs from their true stems: nothing is separated.")
    _mixprior("mine", str(root / "stems"), "-o", str(root / "from-stems"))
    sources = {"stems": root / "from-stems"}
    _announce("2. Mine them from their mixtures, through HTDemucs.")
    if _mixprior("model", "fetch", may_fail=True):
        _mixprior(*("mine", str(root / "mixes" / "catalog.csv"), "-o", str(root / "from-mixes"), "--group-by", "genre"))
        sources["HTDemucs"] = root / "from-mixes"
    else:
        print("The model's weights are not available here, so nothing was separated: only the true stems were mined.")
    _announce("3. Truth against measurement.")
    _compare(sources)
    priors = Path(RunFolder.at(list(sources.values())[-1]).priors)
    _announce("4. The priors of how these songs are mixed.")
    _mixprior("query", str(priors), "--stem", "song", "--group", "all")
    _mixprior("query", str(priors), "--stem", "vocals", "--group", "all")
    _announce("5. Mix a vocal and a backing as these songs are mixed.")
    pair = root / "pair"
    _mixprior(
        *("mix", "--vocal", str(pair / "vocals.wav"), "--backing", str(pair / "backing.wav")),
        *("--priors", str(priors), "-o", str(root / "mix.wav")),
    )
    print(f"\nMined from: {' and '.join(sources)}. Everything is stored in {root}.")
    return 0


def _generate(root: Path) -> None:
    catalog = root / "mixes" / "catalog.csv"
    if catalog.exists():
        return
    (root / "mixes").mkdir(parents=True, exist_ok=True)
    (root / "pair").mkdir(exist_ok=True)
    for score in SCORES:
        stems = perform(score)
        folder = root / "stems" / score.title
        folder.mkdir(parents=True, exist_ok=True)
        mixture = np.sum(list(stems.values()), axis=0)
        for name, audio in {**stems, "mixture": mixture}.items():
            writer.write(folder / f"{name}.wav", audio, RATE_HZ, writer.UNCLIPPED)
        writer.write(root / "mixes" / f"{score.title}.flac", mixture, RATE_HZ, ".flac")
        if score is _PAIR:
            writer.write(root / "pair" / "vocals.wav", stems["vocals"], RATE_HZ, ".wav")
            writer.write(root / "pair" / "backing.wav", mixture - stems["vocals"], RATE_HZ, ".wav")
    with open(catalog, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "title", "genre", "tempo"])
        rows.writerows([f"{score.title}.flac", score.title, score.genre, score.tempo_bpm] for score in SCORES)
    print(f"Generated {len(SCORES)} songs of {SCORES[0].duration_s:.0f} s in {root}.")


def _compare(sources: dict[str, Path]) -> None:
    quantities = (
        ("vocal to backing, LU", "song", "vocal_to_backing_lu", lambda score: score.vocal_to_backing_lu, 2),
        ("pan of vocals", "vocals", "pan_position", lambda score: score.pan["vocals"], 3),
        ("pan of other", "other", "pan_position", lambda score: score.pan["other"], 3),
        ("tempo, BPM", "backing", "tempo_bpm", lambda score: score.tempo_bpm, 1),
    )
    lines = [["song", "", "truth", *(f"from {source}" for source in sources)]]
    for label, stem, statistic, truth, digits in quantities:
        measured = {source: _per_song(run_, stem, statistic) for source, run_ in sources.items()}
        for score in SCORES:
            values = [_value(found, score) for found in measured.values()]
            cells = ("-" if value is None else f"{value:.{digits}f}" for value in values)
            lines.append([score.title, label, f"{truth(score):.{digits}f}", *cells])
        errors = (
            [abs(value - truth(score)) for score in SCORES if (value := _value(found, score)) is not None]
            for found in measured.values()
        )
        means = (f"{sum(each) / len(each):.{digits}f}" if each else "-" for each in errors)
        lines += [["", "mean absolute error", "", *means], [""] * (3 + len(sources))]
    sides = ("left", "left", *["right"] * (1 + len(sources)))
    print(tabulate(lines, tablefmt="plain", disable_numparse=True, colalign=sides))


def _value(found: dict[str, float | None], score: Score) -> float | None:
    return found.get(score.title)


def _per_song(run_: Path, stem: str, statistic: str) -> dict[str, float | None]:
    command = (_COMMAND, "query", str(run_), "--songs", "--stem", stem, "--stat", statistic, "--json")
    rows = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["rows"]
    return {Path(row["path"]).stem: row["value"] for row in rows}


def _announce(text: str) -> None:
    print(f"\n{text}\n", flush=True)


def _mixprior(*arguments: str, may_fail: bool = False) -> bool:
    print(f"$ mixprior {shlex.join(arguments)}", flush=True)
    code = subprocess.run((_COMMAND, *arguments)).returncode
    if code and not may_fail:
        raise Stopped(f"mixprior {arguments[0]} ended with exit code {code}, which ends the demo")
    return code == 0
