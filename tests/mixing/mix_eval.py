"""Does mixing by priors come nearer to the original? `python -m tests.mixing.mix_eval [--quick]`.

Mixes that people made are damaged (`evaluation.scramble`) and mended by every system of `evaluation.systems`; the
distances to the original (`evaluation.metrics`) go to outputs/mix_eval/results.csv, the tables to report.md beside it
and to the screen. A song is never mixed by priors it is part of. The first run separates the songs, half a minute each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixprior.analysis.priors import Priors
from tests.mixing.evaluation import tables
from tests.mixing.evaluation.command import Evaluation
from tests.mixing.evaluation.leave_one_out import priors_for
from tests.mixing.evaluation.metrics import METRICS, Judge, Sounds
from tests.mixing.evaluation.scenes import Scene, catalog, scenes
from tests.mixing.evaluation.scramble import UNDAMAGED, Damage, draw
from tests.mixing.evaluation.systems import (
    ALL,
    DEFAULT,
    ORACLE,
    RANDOM,
    STEPS,
    SUM,
    SYSTEMS,
    VARIANTS,
    all_by,
    only,
    run,
    without,
)
from tests.mixing.evaluation.tables import Held
from tests.mixing.evaluation.verdict import Row

QUICK_SCENES = ("3.Sodium 196 s", "vocadito_14 in hall", "Jonathan_Coulton_-_Better")

OWN_METRICS = {
    "level": "balance_lu",
    "eq": "voice_spectrum_db",
    "compression": "voice_range_lu",
    "reverb": "voice_wet_db",
    "loudness": "loudness_lu",
}
"""What each step is for."""

SHOWN = [name for name in METRICS if not name.startswith("mape_")]


def _held(step: str, name: str, alone: str, among: str) -> Held:
    metrics = dict.fromkeys((OWN_METRICS[step], "spectrum_db", "crest_db", "mape"))
    return Held(name, alone, among, without(step), list(metrics))


HELD = (
    *(_held(step, step, only(step), ALL) for step in STEPS),
    *(_held(step, f"{step} by {rule}", only(step, rule), all_by(step, rule)) for step, _, rule in VARIANTS),
)


def _of_scene(name: str, scrambles: int) -> list[Row]:
    (scene,) = scenes([name])
    judge = Judge(Sounds.summed(scene.voice, scene.backing))
    priors = priors_for(scene.song)
    damages = [UNDAMAGED, *(draw(name, seed) for seed in range(scrambles))]
    return [row for damage in damages for row in _of_case(scene, damage, judge, priors)]


def _of_case(scene: Scene, damage: Damage, judge: Judge, priors: Priors) -> Iterator[Row]:
    damaged = Sounds.summed(*damage.apply(scene))
    for system in SYSTEMS:
        distances = judge.distances(run(system, scene, damage, damaged, priors))
        yield {"scene": scene.name, "kind": scene.kind, "damage": damage.label, "system": system.name, **distances}


def report(rows: Sequence[Row]) -> str:
    """All tables in Markdown.

    Args:
        rows: one for each scene, damage and system.
    """
    names = [system.name for system in SYSTEMS]
    damaged = [row for row in rows if row["damage"] != UNDAMAGED.label]
    undamaged = [row for row in rows if row["damage"] == UNDAMAGED.label]
    parts = ["Distances to the original, 0 is best; for what each is, see tests/mixing/evaluation/metrics.py."]
    for kind in ("true", "wet", "separated", None):
        own = [row for row in damaged if kind in (None, row["kind"])]
        if own:
            title = f"## {kind} scenes" if kind else "## All scenes"
            parts += [f"{title}, damaged ({tables.cases(own)})", tables.means(own, names, SHOWN)]
    parts += [f"## All scenes as they were ({tables.cases(undamaged)})", tables.means(undamaged, names, SHOWN)]
    parts += ["## Steps, damaged scenes: distance with the step minus distance without it"]
    parts += [tables.steps(damaged, HELD, SUM)]
    parts += ["## Anchors: distance of the default steps minus that of the other"]
    parts += [tables.anchors(damaged, DEFAULT, (SUM, RANDOM, ORACLE), SHOWN)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    description = (__doc__ or "").partition("\n")[0]
    Evaluation(description, "results", list(METRICS), list(catalog()), QUICK_SCENES, 3, _of_scene, report).main()
