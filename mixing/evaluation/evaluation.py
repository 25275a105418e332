"""The two evaluations: of vocals and backing, and of the tracks of a song. Scenes, damages and systems give rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mixprior.analysis.priors import Priors
from mixprior.mixing.evaluation import excerpts
from mixprior.mixing.evaluation.damage import UNDAMAGED
from mixprior.mixing.evaluation.desk import Desk
from mixprior.mixing.evaluation.draw import draw
from mixprior.mixing.evaluation.excerpts import Makers
from mixprior.mixing.evaluation.judge import Judge
from mixprior.mixing.evaluation.leave_one_out import KeptPriors, priors_without
from mixprior.mixing.evaluation.material import Material
from mixprior.mixing.evaluation.metrics import PAIR_METRICS, TRACK_METRICS, Metric
from mixprior.mixing.evaluation.scenes import Mixed, Scene
from mixprior.mixing.evaluation.systems import (
    ALL,
    PAIR_STEPS,
    PAIR_SYSTEMS,
    TRACK_STEPS,
    TRACK_SYSTEMS,
    VARIANTS,
    System,
    all_by,
    only,
    without,
)
from mixprior.mixing.evaluation.tables import Ablation
from mixprior.mixing.evaluation.verdict import Row


@dataclass(frozen=True)
class Evaluation:
    """An evaluation.

    Attributes:
        name: of its files: rows as .csv, tables as .md.
        description: in a sentence.
        scenes: gives what makes each scene, by name.
        quick: names of a few of them.
        kinds: of the scenes.
        draws: damages of each scene, by default.
        systems: what is compared.
        metrics: what it is judged by.
        ablations: the steps, each compared with leaving it out.
    """

    name: str
    description: str
    scenes: Callable[[Material], Makers]
    quick: Sequence[str]
    kinds: Sequence[str]
    draws: int
    systems: Sequence[System]
    metrics: tuple[Metric, ...]
    ablations: Sequence[Ablation]

    def rows(self, scene: Scene, draws: int, priors: Priors) -> Iterator[Row]:
        """Mix a scene as it is and with each of its damages by all systems, and judge the mixes.

        Args:
            scene: the original.
            draws: number of damages.
            priors: what the mixer goes by.
        """
        judge = Judge(Mixed(scene.mix, scene.by_role(scene.tracks)), self.metrics)
        for damage in (UNDAMAGED, *(draw(scene, seed) for seed in range(draws))):
            desk = Desk(scene, damage, priors)
            for system in self.systems:
                distances = judge.distances(desk.mix(system))
                case = {"scene": scene.name, "kind": scene.kind, "damage": damage.label, "system": system.name}
                yield {**case, **distances}


def _ablations(own: Mapping[str, str], shown: Sequence[str]) -> Iterator[Ablation]:
    for step, metric in own.items():
        yield Ablation(step, only(step), ALL, without(step), tuple(dict.fromkeys((metric, *shown))))


def _pair_ablations() -> Iterator[Ablation]:
    own = {
        "level": "balance_lu",
        "eq": "vocals_spectrum_db",
        "compression": "vocals_range_lu",
        "reverb": "vocals_wet_db",
        "loudness": "loudness_lu",
    }
    shown = ("spectrum_db", "crest_db", "mape")
    yield from _ablations({step: own[step] for step in PAIR_STEPS}, shown)
    for step, _, rule in VARIANTS:
        yield Ablation(f"{step} by {rule}", only(step, rule), all_by(step, rule), without(step), (own[step], *shown))


def _track_ablations() -> Iterator[Ablation]:
    own = {
        "level": "class_lu",
        "eq": "class_spectrum_db",
        "compression": "class_peaks_db",
        "pan": "class_mid",
        "reverb": "vocals_wet_db",
        "loudness": "loudness_lu",
    }
    yield from _ablations({step: own[step] for step in TRACK_STEPS}, ("spectrum_db", "crest_db", "panning", "mape"))


PAIRS = Evaluation(
    "pairs",
    "Is a mix of vocals and backing by priors nearer to the original?",
    excerpts.pairs,
    ("3.Sodium 196 s", "alex-voc-01 in hall", "de_bonne_humeur_-_Le_Nez_Tordu"),
    excerpts.PAIR_KINDS,
    3,
    PAIR_SYSTEMS,
    PAIR_METRICS,
    tuple(_pair_ablations()),
)
TRACKS = Evaluation(
    "tracks",
    "Is a mix of the tracks of a song by priors nearer to the original?",
    excerpts.tracks,
    ("4.Potassium 203 s", "de_bonne_humeur_-_Le_Nez_Tordu"),
    excerpts.TRACK_KINDS,
    2,
    TRACK_SYSTEMS,
    TRACK_METRICS,
    tuple(_track_ablations()),
)
EVALUATIONS = {each.name: each for each in (PAIRS, TRACKS)}


def rows_of(name: str, material: Material, draws: int, scene: str) -> list[Row]:
    """The rows of a scene of the shared music, never mixed by priors that rest on a song of its artists.

    Args:
        name: of the evaluation.
        material: the folders.
        draws: damages of the scene.
        scene: its name.
    """
    evaluation = EVALUATIONS[name]
    made = evaluation.scenes(material)[scene]()
    folder = material.output / "priors" / f"without the artists of {scene}"
    priors = priors_without(material.run, made.artists, material.recordings, folder)
    return list(evaluation.rows(made, draws, KeptPriors.of(priors)))
