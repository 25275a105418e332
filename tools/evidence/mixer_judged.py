"""Console mixers beside the posterior rule: rows of `tools.songs.mixer_judged`."""

from __future__ import annotations

import csv
import json

from tabulate import tabulate

from mixprior.mixing.evaluation.verdict import Comparison, Row, compare
from tools import ROOT
from tools.songs.mixer_judged import CARDS, METRICS, ROWS, RULE, STEPS, SUM

DOCUMENT = ROOT / "docs" / "learned.md"
NAMES = {"class_lu": "levels of classes, LU", "ratio_lu": "vocals to the rest, LU", "spectrum_db": "spectrum, dB"}


def read(model: str) -> list[Row]:
    """The rows of one model, and of the systems that have none."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        return [
            {**row, "planner": "tracks", "task": "raw", "scale": "1"} | {each: row[each] or None for each in METRICS}
            for row in csv.DictReader(file)
            if row["model"] in ("", model)
        ]


def cards() -> dict[str, dict[str, object]]:
    """The card of each model, by its weights' SHA-256, in the order of their seeds."""
    found = json.loads(CARDS.read_text(encoding="utf-8"))
    return dict(sorted(found.items(), key=lambda each: each[1]["seed"]))


def compared(model: str, system: str, metric: str) -> Comparison | None:
    """A system less the rule."""
    return compare(read(model), system, RULE, metric)


def table() -> str:
    """Each system less the rule, in each distance and for each model; and what the models are."""
    models = cards()
    lines = [
        [NAMES[metric], system, *(_said(compared(model, system, metric)) for model in models)]
        for metric in METRICS
        for system in (SUM, *STEPS)
    ]
    heads = ("distance to the original", "system, minus the rule", *(f"seed {c['seed']}" for c in models.values()))
    listed = tabulate(lines, heads, tablefmt="github", disable_numparse=True)
    return f"{listed}\n\n" + "\n".join(_model(model, card) for model, card in models.items())


def _said(found: Comparison | None) -> str:
    if found is None:
        return ""
    if found.low is None:
        return f"{found.mean:+.2f} (too few artists)"
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f}), {found.verdict}"


def _model(model: str, card: dict[str, object]) -> str:
    songs, config = card["songs"], card["config"]
    assert isinstance(songs, list)
    assert isinstance(config, dict)
    sides = [sum(each["side"] == side for each in songs) for side in ("train", "choose")]
    artists = len({artist for each in songs for artist in each["artists"]})
    return (
        f"- Seed {card['seed']}: {sides[0]} songs trained it and {sides[1]} chose, {artists} artists; step "
        f"{_kept(card)} of {config['steps']}, weight of the loss on the mix {config['mix_weight']:g}; weights "
        f"{model[:12]}."
    )


def _kept(card: dict[str, object]) -> int:
    """The step whose weights are kept."""
    looks = card["looks"]
    assert isinstance(looks, list)
    return int(min(looks, key=lambda look: look["choosing_loss"])["step"])
