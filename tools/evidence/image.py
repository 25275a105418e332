"""Sizes of the image, and what a change costs: rows that `python -m tools.image` keeps."""

from __future__ import annotations

from tools import ROOT
from tools.image import rows

DOCUMENT = ROOT / "docs" / "running.md"


def table() -> str:
    """The table, in Markdown."""
    lines = [
        "| DEVICE | size, unpacked | build after a change of code, s | of what measures songs, s |",
        "|---|--:|--:|--:|",
    ]
    lines += [f"| {each.device} | {each.size} | {each.code_s} | {each.measures_s} |" for each in rows.kept()]
    return "\n".join(lines)
