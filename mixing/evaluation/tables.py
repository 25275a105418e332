"""Tables of an evaluation in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mixprior.mixing.evaluation import verdict
from mixprior.mixing.evaluation.verdict import Row


@dataclass(frozen=True)
class Held:
    """A step held against leaving it out.

    Attributes:
        name: in the table.
        alone: system with nothing but the step.
        among: system with all steps.
        without: system with all but this one.
        metrics: distances to look at, the step's own first.
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
    lines = [f"| system | {' | '.join(metrics)} |", f"|---|{'--:|' * len(metrics)}"]
    for system, of_metric in verdict.means(rows, systems, metrics).items():
        lines.append(f"| {system} | {' | '.join(f'{of_metric[metric]:.3g}' for metric in metrics)} |")
    return "\n".join(lines)


def steps(rows: Sequence[Row], held: Sequence[Held], nothing: str) -> str:
    """Each step against leaving it out: alone, and in the chain, by which the verdict goes.

    Args:
        rows: of damaged scenes.
        held: the steps.
        nothing: system without any step.
    """
    lines = [
        "| step | distance | alone, against the sum | in the chain, against leaving it out | nearer in | verdict |"
    ]
    lines += ["|---|---|--:|--:|--:|---|"]
    for step in held:
        for metric in step.metrics:
            alone = verdict.compare(rows, step.alone, nothing, metric)
            among = verdict.compare(rows, step.among, step.without, metric)
            if alone is not None and among is not None:
                lines.append(
                    f"| {step.name} | {metric} | {_interval(alone)} | {_interval(among)} | {among.nearer:.0%} of "
                    f"{among.cases} | {among.verdict} |"
                )
    return "\n".join(lines)


def anchors(rows: Sequence[Row], system: str, others: Sequence[str], metrics: Sequence[str]) -> str:
    """A system against others."""
    lines = [f"| distance | {' | '.join(others)} |", f"|---|{'--:|' * len(others)}"]
    for metric in metrics:
        found = [verdict.compare(rows, system, other, metric) for other in others]
        cells = ["-" if each is None else f"{_interval(each)} {each.verdict}" for each in found]
        lines.append(f"| {metric} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _interval(found: verdict.Comparison) -> str:
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
