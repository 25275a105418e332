"""What each step is judged by: the damage it is there for, and the distance it is to lessen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mixprior.mixing.evaluation import damage
from mixprior.mixing.evaluation.damage import UNDAMAGED, Damage, draw
from mixprior.mixing.evaluation.metrics import MAPE
from mixprior.mixing.evaluation.scenes import Scene
from mixprior.mixing.evaluation.systems import DEFAULT, LIKE, ORACLE, SUM, changed

SCALES = (0.5, 1.0, 2.0)
"""Sizes of damage beside none, as multiples of the nominal one."""
SEEDS = {damage.LEVELS: 4, damage.TILTED: 2}
"""Draws of a task, in opposite pairs; the other tasks have nothing that is drawn."""
RAW_SEEDS = {"choose": 4, "judge": 6}

PAIR, TRACKS, SONG = "pair", "tracks", "song"
"""How a scene is mixed: vocals and backing, or tracks of an excerpt, by each task; a whole song's tracks, raw alone."""
WET, SEPARATED = "wet", "separated"
SHOWN = "spectrum_db"
"""Distance that is measured for every step beside its own."""


@dataclass(frozen=True)
class Own:
    """What a step is judged by.

    Attributes:
        step: one of `mixprior.mixing.plan.step.STEPS`.
        task: the damage it is there for, one of those in `mixprior.mixing.evaluation.damage`.
        planner: `PAIR` or `TRACKS`.
        metrics: the distances it is to lessen.
    """

    step: str
    task: str
    planner: str
    metrics: tuple[str, ...]


OWN = (
    Own("level", damage.LEVELS, PAIR, ("ratio_lu",)),
    Own("loudness", damage.LEVELS, PAIR, ("loudness_lu",)),
    Own("eq", damage.TILTED, PAIR, ("vocals_spectrum_db",)),
    Own("unmask", damage.MASKED, PAIR, ("masked_db",)),
    Own("compression", damage.UNCOMPRESSED, PAIR, ("vocals_range_lu", "vocals_range_100ms_lu")),
    Own("reverb", damage.DRY, PAIR, ("vocals_wet_db",)),
    Own("level", damage.LEVELS, TRACKS, ("class_lu", "ratio_lu")),
    Own("loudness", damage.LEVELS, TRACKS, ("loudness_lu",)),
    Own("eq", damage.TILTED, TRACKS, ("class_spectrum_db",)),
    Own("unmask", damage.MASKED, TRACKS, ("masked_db",)),
    Own("compression", damage.UNCOMPRESSED, TRACKS, ("vocals_range_lu", "vocals_range_100ms_lu")),
    Own("pan", damage.MONO, TRACKS, ("class_mid",)),
)


@dataclass(frozen=True)
class Case:
    """A damage, the systems that mix it, and what they are judged by."""

    damage: Damage
    systems: tuple[str, ...]
    metrics: tuple[str, ...]


def of_song(scene: Scene, which: str, like: bool) -> Iterator[Case]:
    """The cases of a whole song: as it is, and as raw tracks.

    Args:
        scene: the original.
        which: the set of scenes, whose number of raw mixes differs.
        like: whether there is a song to mix like.
    """
    metrics = ("class_lu", "spectrum_db", "ratio_lu", "loudness_lu")
    yield Case(UNDAMAGED, (SUM, DEFAULT), metrics)
    systems = (SUM, DEFAULT, *((LIKE,) if like else ()), ORACLE)
    for seed in range(RAW_SEEDS[which]):
        yield Case(draw(scene, damage.RAW, 1.0, seed), systems, (*metrics, *((MAPE,) if seed == 0 else ())))


def cases(scene: Scene) -> Iterator[Case]:
    """The cases of an excerpt as it is given, a pair or tracks: each step's own task, by the size of the damage."""
    planner = PAIR if scene.is_pair else TRACKS
    own = [each for each in OWN if each.planner == planner and (scene.kind == WET) == (each.task == damage.DRY)]
    everything = tuple(dict.fromkeys(name for each in own for name in (*each.metrics, SHOWN)))
    steps = tuple(dict.fromkeys(each.step for each in own))
    yield Case(UNDAMAGED, (DEFAULT, *map(changed, steps)), everything)
    if scene.raw:
        kept = tuple(name for name in everything if name != "loudness_lu")  # A render has no loudness of its own.
        yield Case(Damage(damage.HUMAN, 1.0), (SUM, DEFAULT, *map(changed, steps), ORACLE), kept)
        return
    for task in dict.fromkeys(each.task for each in own):
        ours = [each for each in own if each.task == task]
        systems = (SUM, DEFAULT, *(changed(each.step) for each in ours))
        metrics = tuple(dict.fromkeys(name for each in ours for name in (*each.metrics, SHOWN)))
        for scale in SCALES:
            for seed in range(SEEDS.get(task, 1)):
                yield Case(draw(scene, task, scale, seed), systems, metrics)
