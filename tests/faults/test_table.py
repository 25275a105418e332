"""Every row of the table of faults has a test that injects it, and the document says what they found."""

import re
from pathlib import Path

from tests.faults.table import FAULTS

TESTS = Path(__file__).parents[1]


def held() -> dict[int, list[str]]:
    """Names of tests by the row they are marked with."""
    found: dict[int, list[str]] = {number: [] for number in FAULTS}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for numbers, name in re.findall(r"mark\.fault\(([\d, ]+)\)(?:\n@.*|\n[ )\]].*)*\ndef (test_\w+)", text):
            for number in map(int, numbers.split(",")):
                found[number].append(name)
    return found


def test_every_row_has_a_test() -> None:
    assert [number for number, names in held().items() if not names] == []


def test_the_document_names_every_row_and_the_tests_that_hold_it() -> None:
    text = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = {int(number): row for number, row in re.findall(r"^\| (\d+) \|(.*)$", text, re.MULTILINE)}
    for number, names in held().items():
        assert all(f"`{name}`" in rows[number] for name in names), f"row {number}: python -m tools.docs.reliability"
