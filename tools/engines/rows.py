"""What came of the scenarios, kept as tools/evidence/rows/engines.csv."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields

from tools import ROOT
from tools.engines import scenarios, store_scenarios
from tools.engines.scenarios import Row

ALL = {**scenarios.ALL, **store_scenarios.ALL}
"""The scenarios by name, in the order of the table."""
PATH = ROOT / "tools" / "evidence" / "rows" / "engines.csv"


def kept() -> dict[str, Row]:
    """Return the rows by the name of their scenario, in the order of the scenarios."""
    if not PATH.exists():
        return {}
    with PATH.open(encoding="utf-8", newline="") as file:
        found = {line.pop("scenario"): line for line in csv.DictReader(file)}
    return {name: _row(found[name]) for name in ALL if name in found}


def keep(name: str, row: Row) -> None:
    """Keep a row in place of that of the same scenario."""
    rows = {**kept(), name: row}
    with PATH.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["scenario", *(each.name for each in fields(Row))], lineterminator="\n")
        writer.writeheader()
        writer.writerows({"scenario": each, **asdict(rows[each])} for each in ALL if each in rows)


def _row(line: dict[str, str]) -> Row:
    given = {**line, "songs": int(line["songs"]), "is_same": line["is_same"] == "True"}
    return Row(**given)  # type: ignore[arg-type]
