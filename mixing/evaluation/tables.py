"""Tables of an evaluation in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from mixprior.mixing.evaluation import verdict
from mixprior.mixing.evaluation.verdict import Row


@dataclass(frozen=True)
class Ablation:
    """A step compared with leaving it out.

    Attributes:
        name: in the table.
        alone: system with nothing but the step.
        among: system with all steps.
        without: system with all but this one.
        metrics: distances to compare, the step's own first.
    """

    name: str
    alone: str
    among: str
    without: str
    metrics: Sequence[str]


def cases(rows: Sequence[Row]) -> int:
    """Number of scenes and damages."""
    return len({(row["scene"], row["damage"]) for row in rows})


def means(rows: Sequence[Row], systems: Sequence[str], metrics: Sequence[str]) -> str:
    """Mean distance of each system."""
    found = verdict.means(rows, systems, metrics)
    return _table(
        ["system", *metrics],
        [[system, *(f"{found[system][metric]:.3g}" for metric in metrics)] for system in systems],
    )


def steps(rows: Sequence[Row], ablations: Sequence[Ablation], nothing: str) -> str:
    """Each step compared with leaving it out: alone, and in the chain, which decides.

    Args:
        rows: of damaged scenes.
        ablations: the steps.
        nothing: system without any step.
    """
    lines = []
    for step in ablations:
        for metric in step.metrics:
            alone = verdict.compare(rows, step.alone, nothing, metric)
            among = verdict.compare(rows, step.among, step.without, metric)
            if alone is not None and among is not None:
                share = "-" if np.isnan(among.nearer) else f"{among.nearer:.0%}"
                nearer = f"{share} of {among.cases}"
                lines.append([step.name, metric, _interval(alone), _interval(among), nearer, among.verdict])
    head = [
        "step",
        "distance",
        "alone, against the sum",
        "in the chain, against leaving it out",
        "nearer in",
        "verdict",
    ]
    return _table(head, lines, (0, 1, 5))


def anchors(rows: Sequence[Row], system: str, others: Sequence[str], metrics: Sequence[str]) -> str:
    """A system compared with others."""
    lines = []
    for metric in metrics:
        found = [verdict.compare(rows, system, other, metric) for other in others]
        lines.append([metric, *("-" if each is None else f"{_interval(each)} {each.verdict}" for each in found)])
    return _table(["distance", *others], lines)


def _interval(found: verdict.Comparison) -> str:
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], names: Sequence[int] = (0,)) -> str:
    """A table whose columns of `names` are flush left."""
    sides = ["left" if column in names else "right" for column in range(len(head))]
    return tabulate([head, *lines], "firstrow", tablefmt="pipe", disable_numparse=True, colalign=sides)
