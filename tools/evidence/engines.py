"""Engines that mined the same catalog, and what came of faults: rows that `python -m tools.engines` keeps."""

from __future__ import annotations

from tools import ROOT
from tools.engines import rows

DOCUMENT = ROOT / "docs" / "running.md"
_HEAD = "| engine | started as | songs | byte-equal | fault | outcome |\n|---|---|--:|---|---|---|"
_NOT_RUN = (
    (
        "Flink 1.20",
        "not run by us",
        "options parsed and the job request built by our command (`tests`); no jar at hand",
    ),
    ("Spark 3", "not run by us", "as Flink"),
    ("Dataflow", "not run by us", "options parsed; no account at hand"),
    ("Dask on Slurm, on Kubernetes", "not run by us", "the engine is that of the rows above; the commands are not run"),
)


def table() -> str:
    """The table, in Markdown."""
    lines = [_HEAD]
    for row in rows.kept().values():
        cells = (f"{row.engine} {row.version}", row.how, str(row.songs), "yes" if row.is_same else "no")
        lines.append(f"| {' | '.join((*cells, row.fault, row.outcome))} |")
    lines += [f"| {engine} | {how} | | | | {checked} |" for engine, how, checked in _NOT_RUN]
    return "\n".join(lines)
