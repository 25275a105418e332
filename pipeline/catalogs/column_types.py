"""Types of a manifest's metadata columns: one for all the cells of a column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from mixprior.pipeline.store.records import MetadataValue
from mixprior.stats.visible import NUMBER, as_utf8

_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_LEADING_ZERO = re.compile(r"[-+]?0\d")


def is_missing(cell: object) -> bool:
    """Whether a cell has no value: it is empty, null, NaN or infinite."""
    return cell is None or cell == "" or (isinstance(cell, float) and not math.isfinite(cell))


def of_text(text: str) -> str:
    """Return the type of a text; what begins with a superfluous zero is a name, not a number.

    >>> [of_text(text) for text in ("True", "12", "0.5", "007", "1e3", "1_000")]
    ['bool', 'int', 'float', 'str', 'float', 'str']
    """
    if text.lower() in ("true", "false"):
        return "bool"
    if _INTEGER.fullmatch(text):
        return "int"
    return "float" if NUMBER.fullmatch(text) and not _LEADING_ZERO.match(text) else "str"


def of_value(value: object) -> str:
    """Return the type of a scalar; other values are stored as JSON text. What no column of integers holds is a float.

    >>> [of_value(value) for value in (True, 12, 10**19, 0.5, "a", ["a"])]
    ['bool', 'int', 'float', 'float', 'str', 'str']
    """
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "float"
    return type(value).__name__ if isinstance(value, bool | int | float) else "str"


def common(a: str | None, b: str | None) -> str | None:
    """Return the type that holds values of both types; None means no value yet."""
    if a is None or b is None or a == b:
        return a or b
    return "float" if {a, b} == {"int", "float"} else "str"


def _to_text(value: object) -> str:
    if isinstance(value, str):
        return as_utf8(value)
    return str(value) if isinstance(value, int | float | bool) else json.dumps(value, default=str)


def _to_float(value: Any) -> float | None:
    """A number; None of one that is beyond all floats, as of one that is infinite.

    >>> _to_float("1e3"), _to_float("1e999"), _to_float(10**400)
    (1000.0, None, None)
    """
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


CASTS: dict[str, Callable[[Any], MetadataValue]] = {
    "bool": lambda value: str(value).lower() == "true",
    "int": int,
    "float": _to_float,
    "str": _to_text,
}
"""For each type, how a cell of its column is converted to it."""
