"""Sizes and times of the image, kept as tools/evidence/rows/image.csv."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields

from tools import ROOT

PATH = ROOT / "tools" / "evidence" / "rows" / "image.csv"


@dataclass(frozen=True)
class Row:
    """An image.

    Attributes:
        device: what it was built for.
        size: of its layers, unpacked, in words.
        code_s: seconds of a build after a change of code.
        measures_s: the same, of code that measures songs.
    """

    device: str
    size: str
    code_s: int
    measures_s: int


def kept() -> list[Row]:
    """Return the rows, by device."""
    if not PATH.exists():
        return []
    with PATH.open(encoding="utf-8", newline="") as file:
        return [
            Row(each["device"], each["size"], int(each["code_s"]), int(each["measures_s"]))
            for each in csv.DictReader(file)
        ]


def keep(row: Row) -> None:
    """Keep a row in place of that of the same device."""
    rows = {each.device: each for each in [*kept(), row]}
    with PATH.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(rows[device]) for device in sorted(rows))
