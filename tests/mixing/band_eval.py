"""Does mixing a band's tracks by priors come nearer to the original? `python -m tests.mixing.band_eval [--quick]`.

The same as `tests.mixing.mix_eval` for `mixprior.mixing.plan.multitrack`: mixes that people made are damaged
(`evaluation.band_scramble`) and mended by every system of `evaluation.band_systems`; the distances to the original
(`evaluation.band_metrics`) go to outputs/mix_eval/tracks.csv, the tables to tracks.md beside it and to the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixprior.mixing.plan.step import STEPS
from tests.mixing.evaluation import tables
from tests.mixing.evaluation.band_metrics import METRICS, BandJudge, BandSounds
from tests.mixing.evaluation.band_scenes import KINDS, BandScene, catalog
from tests.mixing.evaluation.band_scramble import UNDAMAGED, BandDamage, draw
from tests.mixing.evaluation.band_systems import SYSTEMS, Desk
from tests.mixing.evaluation.command import Evaluation
from tests.mixing.evaluation.leave_one_out import priors_for
from tests.mixing.evaluation.systems import ALL, DEFAULT, ORACLE, RANDOM, SUM, only, without
from tests.mixing.evaluation.tables import Held
from tests.mixing.evaluation.verdict import Row

QUICK_SCENES = ("4.Potassium 203 s", "Jonathan_Coulton_-_Better")

OWN_METRICS = {
    "level": "class_lu",
    "eq": "class_spectrum_db",
    "compression": "class_peaks_db",
    "pan": "class_mid",
    "reverb": "voice_wet_db",
    "loudness": "loudness_lu",
}
"""What each step is for."""

HELD = tuple(
    Held(step, only(step), ALL, without(step), (OWN_METRICS[step], "spectrum_db", "crest_db", "panning", "mape"))
    for step in STEPS
)


def _of_scene(name: str, scrambles: int) -> list[Row]:
    scene = catalog()[name]()
    judge = BandJudge(BandSounds(scene.mix, scene.by_class(scene.tracks)))
    damages = [UNDAMAGED, *(draw(scene, seed) for seed in range(scrambles))]
    return [row for damage in damages for row in _of_case(scene, damage, judge)]


def _of_case(scene: BandScene, damage: BandDamage, judge: BandJudge) -> Iterator[Row]:
    desk = Desk(scene, damage, priors_for(scene.song))
    for system in SYSTEMS:
        distances = judge.distances(desk.mix(system))
        yield {"scene": scene.name, "kind": scene.kind, "damage": damage.label, "system": system.name, **distances}


def report(rows: Sequence[Row]) -> str:
    """All tables in Markdown.

    Args:
        rows: one for each scene, damage and system.
    """
    names = [system.name for system in SYSTEMS]
    undamaged = [row for row in rows if row["damage"] == UNDAMAGED.label]
    damaged = [row for row in rows if row["damage"] != UNDAMAGED.label]
    parts = ["Distances to the original, 0 is best; for what each is, see tests/mixing/evaluation/band_metrics.py."]
    for kind in KINDS:
        own = [row for row in damaged if row["kind"] == kind]
        if own:
            parts += [f"## {kind}, damaged ({tables.cases(own)})", tables.means(own, names, list(METRICS))]
            parts += ["Distance with the step minus distance without it:", tables.steps(own, HELD, SUM)]
    parts += [f"## All scenes, damaged ({tables.cases(damaged)})", tables.means(damaged, names, list(METRICS))]
    parts += [f"## All scenes as they were ({tables.cases(undamaged)})"]
    parts += [tables.means(undamaged, names, list(METRICS))]
    parts += ["## Steps, damaged scenes: distance with the step minus distance without it"]
    parts += [tables.steps(damaged, HELD, SUM)]
    parts += ["## Steps, scenes as they were", tables.steps(undamaged, HELD, SUM)]
    parts += ["## Anchors, damaged scenes: distance of the default steps minus that of the other"]
    parts += [tables.anchors(damaged, DEFAULT, (SUM, RANDOM, ORACLE), list(METRICS))]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    description = (__doc__ or "").partition("\n")[0]
    Evaluation(description, "tracks", list(METRICS), list(catalog()), QUICK_SCENES, 2, _of_scene, report).main()
