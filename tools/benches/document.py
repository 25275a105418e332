"""Writes what was measured between the marks of docs/performance.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tools import ROOT
from tools.benches.comparison import NO_RESIDUAL_DB, Comparison
from tools.benches.measured import Record

DOCUMENT = ROOT / "docs" / "performance.md"
HEAD = (
    "row",
    "what",
    "beside",
    "CPU s, ours / theirs",
    "wall s",
    "CPU ratio",
    "wall ratio",
    "bar",
    "peak MB",
    "off",
    "real time",
    "machine",
    "measured",
    "load",
)


def write(comparisons: Sequence[Comparison], records: Sequence[Record], mark: str, path: Path = DOCUMENT) -> None:
    """Replace the table between two marks; what else the document says stays."""
    replace(mark, table(comparisons, records), path)


def replace(mark: str, words: str, path: Path = DOCUMENT) -> None:
    """Replace what is between two marks of the document as it is now."""
    text = path.read_text(encoding="utf-8")
    between = f"<!-- {mark} -->"
    if text.count(between) != 2:
        raise ValueError(f"{path} has no two marks {between}")
    written = f"{between}\n{words}\n{between}"
    path.write_text(re.sub(f"{between}.*{between}", lambda _: written, text, flags=re.DOTALL), encoding="utf-8")


def table(comparisons: Sequence[Comparison], records: Sequence[Record]) -> str:
    """Every record of a row that there is, in the order of the rows; below, the machines."""
    known = [(row, record) for row in comparisons for record in records if record.row == row.row]
    if not known:
        return "Not run yet."
    machines = {machine: chr(ord("A") + k) for k, machine in enumerate(dict.fromkeys(r.machine for _, r in known))}
    lines = [_line(HEAD), _line(["---"] * 3 + ["--:"] * (len(HEAD) - 6) + ["---", "---", "--:"])]
    lines += [_line(_cells(row, record, machines[record.machine])) for row, record in known]
    return "\n".join([*lines, "", *(f"Machine {letter}: {name}." for name, letter in machines.items())])


def _cells(row: Comparison, record: Record, machine: str) -> list[str]:
    runs = "" if record.runs >= 5 else f" ({record.runs} run{'s'[: record.runs > 1]})"
    return [
        f"`{row.row}`",
        row.what,
        row.peer.name,
        _pair(record.cpu_s) + runs,
        _with_part(_pair(record.wall_s), row, None if record.part_s is None else _pair(record.part_s)),
        f"{record.cpu_ratio:.2f}",
        _with_part(f"{record.wall_ratio:.2f}", row, None if record.part_ratio is None else f"{record.part_ratio:.2f}"),
        _bar(row, record),
        f"{record.peak_mb[0]:.0f} / {record.peak_mb[1]:.0f}",
        _off(row, record),
        "" if row.audio_s is None else f"{row.audio_s / record.wall_s[0]:.3g}x",
        machine,
        record.measured_on,
        "" if record.load is None else f"{record.load:g}",
    ]


def _with_part(whole: str, row: Comparison, part: str | None) -> str:
    return f"{whole}; {row.part_name} {part}" if part else whole


def _off(row: Comparison, record: Record) -> str:
    if record.off is None:
        return ""
    return "none" if record.off in (0.0, NO_RESIDUAL_DB) else f"{record.off:.2g} {row.unit}".strip()


def _bar(row: Comparison, record: Record) -> str:
    """What the row aims at, and whether it was missed."""
    times = {
        "cpu": (record.cpu_ratio, record.cpu_s),
        "wall": (record.wall_ratio, record.wall_s),
        "part": (record.part_ratio, record.part_s),
    }
    ratio, seconds = times[row.by]
    if ratio is None or seconds is None:  # measured before the row named its part
        return ""
    by, ours_s, aims = row.part_name if row.by == "part" else row.by, seconds[0], []
    if row.bar is not None:
        aims.append(f"{by} {row.bar:g}x{'' if ratio >= row.bar else ', **missed**'}")
    if row.bar_s is not None:
        aims.append(f"{by} ≤ {row.bar_s:g} s{'' if ours_s <= row.bar_s else ', **missed**'}")
    return "; ".join(aims)


def _pair(values: tuple[float, float]) -> str:
    return " / ".join(f"{value:.3g}" for value in values)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
