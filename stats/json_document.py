"""JSON documents as dataclasses: one strict decoder, whose errors are one line that names the field."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mixprior.stats.errors import InputError

T = TypeVar("T")

_SHOWN = 40
"""Characters of a wrong value that a message quotes."""


def read(path: str | Path, name: str, remedy: str) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        path: the file.
        name: what it should be, for the message: "recipe".
        remedy: what to give instead: "give the .json that `mixprior mix` wrote".

    Raises:
        InputError: if there is no such file, or it holds something else.
    """
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path} is no {name} ({error.strerror}); {remedy}") from error
    try:
        return parse(text)
    except InputError as error:
        raise InputError(f"{path} is no {name} ({error}); {remedy}") from error


def parse(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object that a text holds.

    Raises:
        InputError: if it is not JSON (RFC 8259), or no object. NaN, Infinity and 1e999 are not JSON here, nor is an
            object with a key twice, half a surrogate pair, or a text nested so deeply that the stack does not hold it.

    >>> parse('{"gain_db": -3}')
    {'gain_db': -3}
    >>> parse('{"gain_db": -3, "gain_db": 0}')
    Traceback (most recent call last):
    ...
    mixprior.stats.errors.InputError: not JSON: the key "gain_db" is there twice
    """
    try:
        if isinstance(text, bytes | bytearray):
            text = text.decode(json.detect_encoding(text))
        found = _DECODER.decode(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise InputError("not JSON: it holds characters that are none") from error
    except RecursionError as error:
        raise InputError("not JSON: nested too deeply") from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError("no JSON object")
    return found


def decode(kind: type[T], document: object, at: str = "", others: bool = False) -> T:
    """Make a dataclass of what JSON holds.

    Fields are dataclasses, float, int, str, bool, `tuple[X, ...]`, `Mapping[str, X]`, unions of these, None or Any.
    Numbers are finite; a float takes a whole number, and an int one written as 15.0.

    Args:
        kind: the dataclass, or another of the types above.
        document: what `json.loads` returned.
        at: where in its file the document is, for messages.
        others: whether to pass over fields that the dataclass does not have, as files of a later version may hold.

    Raises:
        InputError: naming the field: if one is missing, unknown, of another type, or refused by its class.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Band:
    ...     frequency_hz: float
    ...     q: float = 1.0
    >>> decode(Band, {"frequency_hz": 100})
    Band(frequency_hz=100.0, q=1.0)
    >>> decode(tuple[Band, ...], [{"frequency_hz": "low"}], at="bands")
    Traceback (most recent call last):
    ...
    mixprior.stats.errors.InputError: bands[0].frequency_hz is "low", not a number
    """
    return _value(kind, document, at, others)  # type: ignore[no-any-return]


def _value(kind: Any, found: Any, at: str, others: bool) -> Any:
    origin, of = get_origin(kind), get_args(kind)
    if kind is Any or kind is object:
        return found
    if origin in (Union, UnionType):
        return _one_of(of, found, at, others)
    if is_dataclass(kind):
        return _record(kind, found, at, others)
    if origin is tuple:
        return _tuple(of, found, at, others)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(found, dict):
            raise _wrong(found, at, "an object")
        return {name: _value(of[1], value, _within(at, name), others) for name, value in found.items()}
    is_kind, words = _SCALARS[kind]
    if not is_kind(found):
        raise _wrong(found, at, words)
    return kind(found) if kind in (int, float) else found


def _record(kind: Any, found: Any, at: str, others: bool) -> Any:
    if not isinstance(found, dict):
        raise _wrong(found, at, "an object")
    types, known = _types(kind), {field.name: field for field in fields(kind)}
    unknown = [name for name in found if name not in known]
    if unknown and not others:
        raise InputError(f"{_within(at, unknown[0])} is unknown; there are {', '.join(known)}")
    missing = [name for name, field in known.items() if name not in found and _is_required(field)]
    if missing:
        raise InputError(f"{_within(at, missing[0])} is missing")
    values = {
        name: _value(types[name], value, _within(at, name), others) for name, value in found.items() if name in known
    }
    try:
        return kind(**values)
    except ValueError as error:
        raise InputError(f"{at}: {error}" if at else str(error)) from error


def _tuple(of: Sequence[Any], found: Any, at: str, others: bool) -> tuple[Any, ...]:
    if not isinstance(found, list | tuple):
        raise _wrong(found, at, "a list")
    if len(of) == 2 and of[1] is ...:
        if of[0] is float and all(type(value) is float and math.isfinite(value) for value in found):
            return tuple(found)  # long curves
        of = (of[0],) * len(found)
    if len(of) != len(found):
        raise _wrong(found, at, f"a list of {len(of)}")
    return tuple(
        _value(kind, value, f"{at}[{k}]", others) for k, (kind, value) in enumerate(zip(of, found, strict=True))
    )


def _one_of(of: Sequence[Any], found: Any, at: str, others: bool) -> Any:
    if type(found) in of:  # before an int is taken for a float
        return _value(type(found), found, at, others)
    kinds = [kind for kind in of if kind is not NoneType]
    if len(kinds) == 1:
        return _value(kinds[0], found, at, others)
    for kind in kinds:
        try:
            return _value(kind, found, at, others)
        except InputError:
            continue
    raise _wrong(found, at, f"any of {', '.join(getattr(kind, '__name__', str(kind)) for kind in of)}")


def _is_finite(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and abs(found) <= sys.float_info.max


_SCALARS: Mapping[Any, tuple[Callable[[Any], bool], str]] = {
    float: (_is_finite, "a number"),
    int: (lambda found: _is_finite(found) and found == int(found), "a whole number"),
    str: (lambda found: isinstance(found, str), "a text"),
    bool: (lambda found: isinstance(found, bool), "true or false"),
    NoneType: (lambda found: found is None, "null"),
}


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _within(at: str, name: str) -> str:
    if len(name) > _SHOWN or not name.isprintable():
        name = _quoted(name)
    return f"{at}.{name}" if at else name


def _wrong(found: Any, at: str, wanted: str) -> InputError:
    return InputError(f"{at or 'the document'} is {_quoted(found)}, not {wanted}")


def _quoted(found: Any) -> str:
    """The beginning of a value as JSON, where a control character is an escape."""
    if isinstance(found, str):
        found = found[: _SHOWN + 1]
    try:
        text = json.dumps(found, default=str)
    except RecursionError:
        text = "nested too deeply"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {_quoted(twice)} is there twice")
    return found


def _finite(text: str) -> float:
    found = float(text)
    if math.isinf(found):
        raise ValueError(f"{text[:_SHOWN]} is no number")
    return found


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse, object_pairs_hook=_unique)
"""Made once: `json.loads` makes one for each call that has hooks."""
