"""The tables of an evaluation, from its rows."""

from __future__ import annotations

from collections.abc import Sequence

from mixprior.mixing.evaluation import tables
from mixprior.mixing.evaluation.automix_metrics import VERSION
from mixprior.mixing.evaluation.damage import UNDAMAGED
from mixprior.mixing.evaluation.evaluation import Evaluation
from mixprior.mixing.evaluation.metrics import MAPE, SHARES, names
from mixprior.mixing.evaluation.systems import DEFAULT, ORACLE, RANDOM, SUM
from mixprior.mixing.evaluation.verdict import Row


def report(evaluation: Evaluation, rows: Sequence[Row]) -> str:
    """Write all tables in Markdown.

    Args:
        evaluation: that made the rows.
        rows: one for each scene, damage and system.
    """
    systems, metrics = [system.name for system in evaluation.systems], names(evaluation.metrics)
    damaged = [row for row in rows if row["damage"] != UNDAMAGED.label]
    undamaged = [row for row in rows if row["damage"] == UNDAMAGED.label]
    parts = ["Distances to the original, 0 is best:", _definitions(evaluation)]
    for kind in evaluation.kinds:
        own = [row for row in damaged if row["kind"] == kind]
        if own:
            parts += [f"## {kind}, damaged ({tables.cases(own)})", tables.means(own, systems, metrics)]
            parts += ["Distance with the step minus distance without it:", tables.steps(own, evaluation.ablations, SUM)]
    parts += [f"## All scenes, damaged ({tables.cases(damaged)})", tables.means(damaged, systems, metrics)]
    parts += [f"## All scenes as they were ({tables.cases(undamaged)})", tables.means(undamaged, systems, metrics)]
    parts += ["## Steps, damaged scenes: distance with the step minus distance without it"]
    parts += [tables.steps(damaged, evaluation.ablations, SUM)]
    parts += ["## Steps, scenes as they were", tables.steps(undamaged, evaluation.ablations, SUM)]
    parts += ["## Anchors, damaged scenes: distance of the default steps minus that of the other"]
    parts += [tables.anchors(damaged, DEFAULT, (SUM, RANDOM, ORACLE), metrics)]
    return "\n\n".join(parts) + "\n"


def _definitions(evaluation: Evaluation) -> str:
    definitions = {metric.name: metric.definition for metric in evaluation.metrics}
    definitions |= {**SHARES, MAPE: f"{VERSION}: mean of the four"}
    return "\n".join(f"- {name}: {definition}" for name, definition in definitions.items())
