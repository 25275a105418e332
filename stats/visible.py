"""Text of strangers (paths, tags, messages) made safe to show: no terminal or spreadsheet obeys it."""

from __future__ import annotations

import re

_SURROGATES = re.compile("[\ud800-\udfff]")
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
"""Control characters (C0, C1), those that turn the direction of writing or end a line, and halves of characters."""
_FORMULA = re.compile(r"[=+\-@\t\r]")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
"""A decimal number as people and programs write it."""


def visible(text: object) -> str:
    r"""Return text as a terminal may show it: on one line, and nothing in it moves the cursor or hides the rest.

    >>> print(visible("a\x1b[2J\nb\u202egpj.exe"))
    a\x1b[2J\x0ab\u202egpj.exe
    """
    return _OBEYED.sub(_escaped, str(text))


def as_utf8(text: str) -> str:
    r"""Return text as UTF-8 can hold it; bytes of a file's name that are not UTF-8 are written as numbers.

    >>> import os
    >>> print(as_utf8(os.fsdecode(b"caf\xe9.mp3")))
    caf\xe9.mp3
    """
    return _SURROGATES.sub(_escaped, text)


def csv_cell(value: object) -> object:
    """Return a value as a cell of CSV that no spreadsheet takes for a formula; numbers stay numbers.

    The quote in front is what spreadsheets themselves write to keep a text a text. `csv_text` takes it away.

    >>> csv_cell("=1+1"), csv_cell("-3.5"), csv_cell("- a song"), csv_cell(-3)
    ("'=1+1", '-3.5', "'- a song", -3)
    """
    if isinstance(value, str) and _FORMULA.match(value.lstrip("'")) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_text(cell: str) -> str:
    """Return the text that `csv_cell` made a cell of.

    >>> csv_text(csv_cell("=1+1")), csv_text(csv_cell("'=1+1")), csv_text("'tis")
    ('=1+1', "'=1+1", "'tis")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell.lstrip("'")) else cell


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python names it (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
