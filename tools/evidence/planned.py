"""What `mixprior plan` says of runs, beside the runs: rows that `python -m tools.engines.planned` keeps."""

from __future__ import annotations

from tools import ROOT
from tools.engines import planned

DOCUMENT = ROOT / "docs" / "running.md"
_HEAD = (
    "| engine | workers | songs | wall s, planned / was | ratio | CPU s, planned / was | ratio | load | measured |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|---|"
)


def table() -> str:
    """The table, in Markdown."""
    lines = [_HEAD]
    for row in planned.kept():
        wall, cpu = row.planned_wall_s / row.wall_s, row.planned_cpu_s / row.cpu_s
        lines.append(
            f"| {row.engine} | {row.workers} | {row.songs} | {row.planned_wall_s:.1f} / {row.wall_s:.1f} | {wall:.2f} "
            f"| {row.planned_cpu_s:.1f} / {row.cpu_s:.1f} | {cpu:.2f} | {row.load:.1f} | {row.measured} |"
        )
    return "\n".join(lines)
