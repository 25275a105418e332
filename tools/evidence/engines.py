"""Engines that mined the same catalog, and what came of faults: rows that `python -m tools.engines` keeps."""

from __future__ import annotations

from tools import ROOT
from tools.engines import rows

DOCUMENT = ROOT / "docs" / "running.md"
_HEAD = "| engine | started as | songs | byte-equal | fault | outcome |\n|---|---|--:|---|---|---|"
_JOB, _DATAFLOW = (f"tests/pipeline/graphs/test_{name}.py" for name in ("job_request", "dataflow_job"))
_NOT_RUN = (
    ("Flink 1.20", f"options parsed and the job request built by our command (`{_JOB}`); no job server's jar at hand"),
    ("Spark 3", "as Flink"),
    (
        "Dataflow",
        f"our command's job request, by a stub of the service (`{_DATAFLOW}`); without credentials refused in "
        "one line within 2 s; no account at hand",
    ),
    (
        "Dataflow, flex template",
        "the job that its program writes; the same program on the local runner, two songs, byte-equal "
        "(`tests/pipeline/test_submit.py`)",
    ),
    ("Dask on Slurm", "the engine is that of the rows above; the commands are not run"),
    (
        "Dask on Kubernetes",
        "as on Slurm; the manifest fits the operator's schema (`python -m tools.engines.manifests CRD.yaml ...`)",
    ),
    ("Flink on Kubernetes", "as Flink; the manifest fits the operator's schema"),
)


def table() -> str:
    """The table, in Markdown."""
    lines = [_HEAD]
    for row in rows.kept().values():
        cells = (f"{row.engine} {row.version}", row.how, str(row.songs), "yes" if row.is_same else "no")
        lines.append(f"| {' | '.join((*cells, row.fault, row.outcome))} |")
    lines += [f"| {engine} | not run by us | | | | {checked} |" for engine, checked in _NOT_RUN]
    return "\n".join(lines)
