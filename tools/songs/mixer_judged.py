"""A console mixer beside the posterior rule on songs of a set: stems damaged by seed, mixed by both, and judged.

`python -m tools.songs.mixer_judged MUSIC -o FOLDER --models MODEL... [--set choose|judge]`: FOLDER is that of the
evaluation (`python -m mixprior.mixing.evaluation`), whose separated windows are used and made. Distances go to
tools/evidence/rows/mixer_judged.csv and the cards of the models to mixer_judged.json beside it; the table is made by
`python -m tools.evidence mixer_judged`.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mixprior.mixing.effects import chain
from mixprior.mixing.evaluation import damage, excerpts
from mixprior.mixing.evaluation.evaluation import refuse_taught, taught
from mixprior.mixing.evaluation.judge import Judge
from mixprior.mixing.evaluation.kept_priors import shipped
from mixprior.mixing.evaluation.material import Material
from mixprior.mixing.evaluation.scenes import Mixed, Scene
from mixprior.mixing.learned import console, console_planner, model_file
from mixprior.mixing.plan import multitrack
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import Role
from mixprior.pipeline.catalogs import roles
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

SUM, RULE, LEVELS, ALL = "sum", "rule", "console, levels", "console, levels and shelves"
STEPS = {LEVELS: ("level",), ALL: ("level", "eq")}
METRICS = ("class_lu", "ratio_lu", "spectrum_db")
SEEDS = 4
ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "mixer_judged.csv"
CARDS = ROWS.with_suffix(".json")
COLUMNS = ("scene", "artist", "kind", "seed", "model", "system", *METRICS)
"""The seed is of the damage; a model is its weights' SHA-256, empty of the systems that have none."""


def rows_of(scene: Scene, networks: Sequence[console.ConsoleNetwork], targets: Targets) -> Iterator[dict[str, str]]:
    """Mix a scene with each damage by each system, and judge the mixes: rows as `COLUMNS` has them."""
    judge = Judge(Mixed.summed(scene.by_role(scene.tracks)))
    given = {name: Role(role, 1.0, "as the scene has it") for name, role in scene.roles.items()}
    rule = partial(multitrack.plan, targets=targets, options=Options(steps=("level",)), roles_given=given)
    for seed in range(SEEDS):
        drawn = damage.draw(scene, damage.RAW, 1.0, seed)
        sounds = drawn.apply(scene)
        planned = rule(sounds)
        plans = {("", RULE): planned} | {
            (network.sha256, name): _moved(planned, sounds, network, targets, steps)
            for network in networks
            for name, steps in STEPS.items()
        }
        mixes = {("", SUM): scene.by_role(sounds)} | {
            of: dict(chain.parts(plan.settings, sounds)) for of, plan in plans.items()
        }
        for (model, name), parts in mixes.items():
            found = judge.distances(Mixed.summed({role: parts[role] for role in scene.parts}), METRICS)
            about = (scene.name, scene.artist, scene.kind, str(seed), model, name)
            yield dict(zip(COLUMNS, about, strict=False)) | {each: _cell(found[each]) for each in METRICS}


def _cell(distance: float | None) -> str:
    return "" if distance is None else f"{distance:.4f}"


def _moved(
    planned: Plan,
    sounds: Mapping[str, Sound],
    network: console.ConsoleNetwork,
    targets: Targets,
    steps: tuple[str, ...],
) -> Plan:
    """The rule's plan, which is made once, moved by the network."""
    base = partial(lambda _sounds, options: planned, options=None)
    return console_planner.planner(network, base, targets, Options(steps=steps))(sounds)


def heard(songs: Sequence[Mapping[str, Any]], recordings: Sequence[Recording]) -> frozenset[str]:
    """Everybody on the songs that a card lists: artists of the card, and of the same songs in the table of roles.

    Raises:
        InputError: if neither knows the artists of a song.
    """
    known = {each.song_id: each.artists for each in recordings}
    found: set[str] = set()
    for song in songs:
        artists = known.get(song["song_id"], frozenset()).union(song["artists"])
        if not artists:
            raise InputError(f"nothing can judge this model: the artists of {song['song_id']} in its card are unknown")
        found |= artists
    return frozenset(found)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("music", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--models", nargs="+", required=True, metavar="MODEL")
    parser.add_argument("--set", choices=excerpts.SETS, default=excerpts.CHOOSE)
    parser.add_argument("--roles", type=Path, default=Path("tools", "data_roles.csv"))
    args = parser.parse_args()
    material = Material(args.music, None, args.output, roles.read(args.roles))
    networks = [console.of_file(each, model_file.read(each)) for each in args.models]
    trained = heard([song for each in networks for song in each.card["songs"]], material.recordings)
    scenes = [make() for make in excerpts.songs(material, args.set).values()]
    for scene in scenes:
        refuse_taught(scene, taught(material.recordings))
        if scene.artists & trained:
            raise InputError(f"{scene.name} cannot judge these models: one was trained on a song of its artists")
    rows = [row for scene in scenes for row in _said(rows_of(scene, networks, shipped()), scene)]
    with ROWS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    cards = {each.sha256: dict(each.card) for each in networks}
    CARDS.write_text(json.dumps(cards, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _said(rows: Iterator[dict[str, str]], scene: Scene) -> list[dict[str, str]]:
    found = list(rows)
    print(f"{scene.name}: {scene.kind}, {len(scene.tracks)} tracks", flush=True)
    return found


if __name__ == "__main__":
    main()
