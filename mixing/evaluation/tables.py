"""Tables of an evaluation in Markdown, from its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tabulate import tabulate

from mixprior.mixing.evaluation import damage, verdict
from mixprior.mixing.evaluation.evaluation import RATIO
from mixprior.mixing.evaluation.metrics import METRICS
from mixprior.mixing.evaluation.systems import DEFAULT, LIKE, ORACLE, SUM, with_and_without
from mixprior.mixing.evaluation.tasks import OWN, SCALES, SHOWN, SONG, TRACKS, Own
from mixprior.mixing.evaluation.verdict import Comparison, Row
from mixprior.mixing.plan.step import DEFAULT_STEPS

NOMINAL = "1"
_TRACKS_OF = {damage.RAW: "damaged", damage.HUMAN: "raw, human mix", "": "undamaged"}
_OUTCOMES = ("class_lu", "spectrum_db", "ratio_lu")


def report_of_songs(rows: Sequence[Row]) -> str:
    """Tables of whole songs."""
    parts = (
        "Whole songs damaged in all ways at once, means over the draws; the sum, the default, like another song:",
        songs(rows),
        "The same beside the sum; farther: songs whose distance is larger than the sum's, in the mean over draws:",
        against_the_sum(rows, ((DEFAULT, damage.RAW, SONG), (LIKE, damage.RAW, SONG), (DEFAULT, "", SONG))),
    )
    return "\n\n".join(parts) + "\n"


def report_of_steps(rows: Sequence[Row]) -> str:
    """Tables of the steps, and of the raw tracks of projects."""
    projects = against_the_sum(rows, ((DEFAULT, damage.HUMAN, TRACKS),))
    parts = (
        "Distance with the step minus distance without it, by the size of the damage; steps in bold are the default's:",
        steps(rows),
        *(("Raw tracks that people mixed, beside their sum:", projects) if projects else ()),
    )
    return "\n\n".join(parts) + "\n"


def steps(rows: Sequence[Row]) -> str:
    """Each step on its own task: how far it moves undamaged mixes, and what it gains by the size of the damage."""
    scales = [f"gain at {scale:g}" for scale in SCALES]
    head = ["mixed as", "step", "task", "distance", "undamaged: median, 90th", *scales, "spectrum at 1", "artists",
            "at 1", "raw to human"]  # fmt: skip
    lines = [line for own in OWN for metric in own.metrics for line in _step(rows, own, metric)]
    return _table(head, lines, (0, 1, 2, 3, 10))


def _step(rows: Sequence[Row], own: Own, metric: str) -> Iterator[list[str]]:
    ours = [row for row in rows if row["planner"] == own.planner]
    pair = with_and_without(own.step)
    curve = [verdict.compare(_of(ours, own.task, f"{scale:g}"), *pair, metric) for scale in SCALES]
    at_nominal = curve[SCALES.index(float(NOMINAL))]
    if at_nominal is None:
        return
    shown = verdict.compare(_of(ours, own.task, NOMINAL), *pair, SHOWN)
    name = f"**{own.step}**" if own.step in DEFAULT_STEPS else own.step
    moved = _moved(verdict.compare(_of(ours, "", "0"), *pair, metric), metric)
    human = verdict.compare(_of(ours, damage.HUMAN, NOMINAL), *pair, metric)
    yield [own.planner, name, own.task, metric, moved, *map(_interval, curve), _interval(shown),
           str(at_nominal.artists), at_nominal.verdict, _interval(human)]  # fmt: skip


def _moved(found: Comparison | None, metric: str) -> str:
    """How much farther undamaged mixes are with the step: the median and the 90th percentile of scenes."""
    if found is None:
        return "-"
    median, most = np.percentile(found.all_differences, (50, 90))
    noticeable = METRICS[metric].noticeable
    mark = " (noticed)" if noticeable is not None and median > noticeable else ""
    return f"{median:+.2f}, {most:+.2f}{mark}"


def songs(rows: Sequence[Row]) -> str:
    """Every song whose raw tracks were mixed: distances of the sum and of ours, and the ratio itself."""
    raw = _raw(rows)
    systems = [name for name in (SUM, DEFAULT, LIKE) if any(row["system"] == name for row in raw)]
    head = ["song", *(f"{metric}: {' / '.join(systems)}" for metric in _OUTCOMES[:2])]
    head += [f"ratio, LU: {' / '.join(systems)} / human"]
    lines = []
    for song in dict.fromkeys(str(row["scene"]) for row in raw):
        own = [row for row in raw if row["scene"] == song]
        cells = [" / ".join(_mean(own, name, metric, 2) for name in systems) for metric in _OUTCOMES[:2]]
        ratios = " / ".join(_mean(own, name, RATIO, 1) for name in (*systems, ORACLE))
        lines.append([song, *cells, ratios])
    return _table(head, lines)


def against_the_sum(rows: Sequence[Row], compared: Sequence[tuple[str, str, str]]) -> str:
    """Distances of ours minus those of the sum, in the mean over songs, and every song that is farther.

    Args:
        rows: of an evaluation.
        compared: system, task and planner of each.

    Returns:
        A table; empty where no rows are of these.
    """
    lines = []
    for system, task, planner in compared:
        own = [row for row in rows if (row["task"], row["planner"]) == (task, planner)]
        for metric in (*_OUTCOMES, "loudness_lu", "mape"):
            found = verdict.compare(own, system, SUM, metric)
            if found is not None:
                off = {scene: np.mean(each) for scene, each in sorted(found.differences.items())}
                farther = ", ".join(f"{scene} {each:+.2f}" for scene, each in off.items() if each > 0)
                about = [
                    system,
                    _TRACKS_OF[task],
                    metric,
                    _interval(found),
                    str(found.artists),
                    found.verdict if task else "-",
                ]
                lines.append([*about, farther or "none"])
    if not lines:
        return ""
    head = ["system", "tracks", "distance", "minus that of the sum", "artists", "verdict", "farther than the sum"]
    return _table(head, lines, (0, 1, 2, 5, 6))


def _raw(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["task"] == damage.RAW and row["planner"] == SONG]


def _of(rows: Sequence[Row], task: str, scale: str) -> list[Row]:
    return [row for row in rows if (row["task"], row["scale"]) == (task, scale)]


def _mean(rows: Sequence[Row], system: str, metric: str, digits: int) -> str:
    known = [float(row[metric] or 0.0) for row in rows if row["system"] == system and row[metric] is not None]
    return f"{np.mean(known):.{digits}f}" if known else "-"


def _interval(found: Comparison | None) -> str:
    if found is None:
        return "-"
    ends = "" if found.low is None else f" ({found.low:+.2f} to {found.high:+.2f})"
    return f"{found.mean:+.2f}{ends}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], names: Sequence[int] = (0,)) -> str:
    """A table whose columns of `names` are flush left."""
    sides = ["left" if column in names else "right" for column in range(len(head))]
    return tabulate([head, *lines], "firstrow", tablefmt="pipe", disable_numparse=True, colalign=sides)
