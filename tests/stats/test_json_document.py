"""JSON becomes dataclasses, or one line that names the file and the field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from mixprior.stats.errors import InputError
from mixprior.stats.json_document import decode, parse, read


@dataclass(frozen=True)
class Band:
    frequency_hz: float
    kind: str = "peak"

    def __post_init__(self):
        if self.frequency_hz <= 0:
            raise InputError("frequency_hz must be above 0")


@dataclass(frozen=True)
class Chain:
    bands: tuple[Band, ...]
    lines: int = 16
    wet: bool = False
    pan: float | None = None
    value: int | float | str | None = None
    place: tuple[float, str] | None = None
    sends: Mapping[str, Band] = field(default_factory=dict)
    facts: Any = None


def test_every_kind_of_field_is_read():
    text = (
        '{"bands": [{"frequency_hz": 80}, {"frequency_hz": 90.5, "kind": "low shelf"}], "lines": 32.0, "wet": true,'
        '"pan": 1, "value": 2.0, "place": [0.5, "left"], "sends": {"hall": {"frequency_hz": 7}}, "facts": [null]}'
    )
    found = decode(Chain, parse(text))
    assert found == Chain(
        (Band(80.0), Band(90.5, "low shelf")), 32, True, 1.0, 2.0, (0.5, "left"), {"hall": Band(7.0)}, [None]
    )
    assert isinstance(found.lines, int)
    assert isinstance(found.value, float)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "chain.bands is missing"),
        ({"bands": {}}, "chain.bands is {}, not a list"),
        ({"bands": [], "band": 1}, "chain.band is unknown; there are bands, lines"),
        ({"bands": [{}]}, "chain.bands[0].frequency_hz is missing"),
        ({"bands": [{"frequency_hz": 1}, 3]}, "chain.bands[1] is 3, not an object"),
        ({"bands": [{"frequency_hz": -1}]}, "chain.bands[0]: frequency_hz must be above 0"),
        ({"bands": [{"frequency_hz": True}]}, "chain.bands[0].frequency_hz is true, not a number"),
        ({"bands": [{"frequency_hz": float("inf")}]}, "chain.bands[0].frequency_hz is Infinity, not a number"),
        ({"bands": [{"frequency_hz": 10**400}]}, "not a number"),
        ({"bands": [], "lines": 2.5}, "chain.lines is 2.5, not a whole number"),
        ({"bands": [], "wet": 1}, "chain.wet is 1, not true or false"),
        ({"bands": [], "pan": "left"}, 'chain.pan is "left", not a number'),
        ({"bands": [], "value": []}, "chain.value is [], not any of int, float, str, NoneType"),
        ({"bands": [], "place": [1]}, "chain.place is [1], not a list of 2"),
        ({"bands": [], "sends": {"hall": {"frequency_hz": None}}}, "chain.sends.hall.frequency_hz is null"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_name_of_its_field(document, told):
    with pytest.raises(InputError) as caught:
        decode(Chain, document, at="chain")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fields_of_a_later_version_are_passed_over_on_request():
    assert decode(Chain, {"bands": [{"frequency_hz": 1, "slope": 2}], "more": 1}, others=True) == Chain((Band(1.0),))


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_json_object_is_refused_by_its_name_and_what_to_give(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"a\.json is no recipe \(.*\); mix again$"):
        read(path, "recipe", "mix again")
    with pytest.raises(InputError, match=r"b\.json: no such file"):
        read(tmp_path / "b.json", "recipe", "mix again")
    with pytest.raises(InputError, match="is no recipe"):
        read(tmp_path, "recipe", "mix again")


def test_a_long_curve_is_read_as_it_is():
    curve = [0.1 * k for k in range(32_769)]
    assert decode(tuple[float, ...], json.loads(json.dumps(curve))) == tuple(curve)
    with pytest.raises(InputError, match=r"mean\[32768\] is null"):
        decode(tuple[float, ...], [*curve[:-1], None], at="mean")
