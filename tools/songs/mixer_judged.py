"""A console mixer beside the posterior rule on songs of a set: stems damaged by seed, mixed by both, and judged.

`python -m tools.songs.mixer_judged MODEL MUSIC -o FOLDER [--set choose|judge]`: FOLDER is that of the
evaluation (`python -m mixprior.mixing.evaluation`), whose separated windows are used and made.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tabulate import tabulate

from mixprior.mixing.effects import chain
from mixprior.mixing.evaluation import damage, excerpts
from mixprior.mixing.evaluation.evaluation import refuse_taught, taught
from mixprior.mixing.evaluation.judge import Judge
from mixprior.mixing.evaluation.kept_priors import shipped
from mixprior.mixing.evaluation.material import Material
from mixprior.mixing.evaluation.scenes import Mixed, Scene
from mixprior.mixing.evaluation.verdict import Row, compare
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


def rows_of(scene: Scene, network: console.ConsoleNetwork, targets: Targets) -> Iterator[Row]:
    """Mix a scene with each damage by each system, and judge the mixes."""
    judge = Judge(Mixed.summed(scene.by_role(scene.tracks)))
    given = {name: Role(role, 1.0, "as the scene has it") for name, role in scene.roles.items()}
    rule = partial(multitrack.plan, targets=targets, options=Options(steps=("level",)), roles_given=given)
    for seed in range(SEEDS):
        drawn = damage.draw(scene, damage.RAW, 1.0, seed)
        sounds = drawn.apply(scene)
        planned = rule(sounds)
        plans = {RULE: planned} | {
            name: _moved(planned, sounds, network, targets, steps) for name, steps in STEPS.items()
        }
        mixes = {SUM: scene.by_role(sounds)} | {
            n: dict(chain.parts(plan.settings, sounds)) for n, plan in plans.items()
        }
        for name, parts in mixes.items():
            found = judge.distances(Mixed.summed({role: parts[role] for role in scene.parts}), METRICS)
            about = {"scene": scene.name, "artist": scene.artist, "planner": "tracks", "task": damage.RAW}
            yield {**about, "scale": "1", "seed": str(seed), "system": name, "kind": scene.kind, **found}


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


def table(rows: list[Row]) -> str:
    """Distances of each system to the originals, and how much nearer than the rule with its 95 % interval."""
    lines = []
    for metric in METRICS:
        for name in (SUM, *STEPS):
            found = compare(rows, name, RULE, metric)
            if found is not None:
                ends = "too few artists" if found.low is None else f"{found.low:+.2f} to {found.high:+.2f}"
                lines.append([metric, name, f"{found.mean:+.2f}", ends, found.artists, found.verdict])
    return tabulate(lines, ["distance", "system", "minus that of the rule", "95 %", "artists", "verdict"], "github")


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
    parser.add_argument("model")
    parser.add_argument("music", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--set", choices=excerpts.SETS, default=excerpts.CHOOSE)
    parser.add_argument("--roles", type=Path, default=Path("tools", "data_roles.csv"))
    args = parser.parse_args()
    material = Material(args.music, None, args.output, roles.read(args.roles))
    network = console.of_file(args.model, model_file.read(args.model))
    trained = heard(network.card["songs"], material.recordings)
    rows: list[Row] = []
    for name, make in excerpts.songs(material, args.set).items():
        scene = make()
        refuse_taught(scene, taught(material.recordings))
        if scene.artists & trained:
            raise InputError(f"{name} cannot judge {args.model}: it was trained on a song of its artists")
        rows += rows_of(scene, network, shipped())
        print(f"{name}: {scene.kind}, {len(scene.tracks)} tracks", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
