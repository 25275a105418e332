"""Settings that a person fixes: `NAME.gain_db=DB` and `NAME.pan=PLACE`. The rest of a mix is solved with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite

from mixprior.mixing.effects.settings import RANGES, Chain, PanSettings
from mixprior.mixing.plan.step import Step
from mixprior.mixing.rules.spread import LAW
from mixprior.stats.errors import InputError

GAIN, PAN = "gain_db", "pan"
SETTINGS = (GAIN, PAN)
"""What can be fixed: a gain in dB, and a place from -1, left, to 1, right."""

_WITHIN = {
    GAIN: (RANGES["input_gain_db"].low, RANGES["input_gain_db"].high),
    PAN: (2 * RANGES["pan"].low - 1, 2 * RANGES["pan"].high - 1),
}


@dataclass(frozen=True)
class Locks:
    """Settings that are fixed.

    Attributes:
        of: value by setting, by name of a track, a class or "backing".
    """

    of: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def fixes(self, name: str, setting: str) -> bool:
        """Whether a setting is fixed."""
        return setting in self.of.get(name, {})

    def gain_db(self, name: str) -> float:
        """The gain that is fixed, or 0."""
        return self.of.get(name, {}).get(GAIN, 0.0)

    def position(self, name: str) -> float | None:
        """The place that is fixed, 0 left, 0.5 centre, 1 right; None where none is."""
        place = self.of.get(name, {}).get(PAN)
        return None if place is None else (place + 1) / 2

    def chain(self, name: str) -> Chain:
        """What is fixed of a sound."""
        position = self.position(name)
        return Chain(self.gain_db(name), pan=None if position is None else PanSettings(position, LAW))

    def steps(self, known: Collection[str]) -> list[Step]:
        """A step for each name.

        Args:
            known: names of tracks and classes that there are.

        Raises:
            InputError: if there is none of a name.
        """
        unknown = [name for name in self.of if name not in known]
        if unknown:
            raise InputError(f"lock: there is no {unknown[0]!r} in this mix; there are: {', '.join(known)}")
        return [
            Step(
                name="lock",
                of=name,
                reason=f"{name}: {_said(values)}, as given; the rest is solved with that",
                setting=dict(values),
            )
            for name, values in self.of.items()
        ]


def _said(values: Mapping[str, float]) -> str:
    return " and ".join(f"{each} is {value:g}" for each, value in values.items())


def read(given: Iterable[str]) -> Locks:
    """Read `NAME.SETTING=VALUE`, any number of them.

    Raises:
        InputError: if one is not of this form, there is no such setting, it is given twice, or a value is out of its
            range.

    >>> read(("vocals.pan=0", "Kick 1.2.gain_db=-3")).of
    {'vocals': {'pan': 0.0}, 'Kick 1.2': {'gain_db': -3.0}}
    """
    found: dict[str, dict[str, float]] = {}
    for words in given:
        left, equals, value = words.rpartition("=")
        name, _, setting = left.rpartition(".")
        if not equals or not name or setting not in SETTINGS:
            raise InputError(f"lock {words!r}: give NAME.{' or NAME.'.join(SETTINGS)} and a value, as vocals.pan=0")
        if setting in found.get(name, {}):
            raise InputError(f"lock {words!r}: {name}.{setting} is given twice")
        found.setdefault(name, {})[setting] = _number(words, setting, value)
    return Locks(found)


def _number(words: str, setting: str, text: str) -> float:
    low, high = _WITHIN[setting]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not low <= value <= high:
        raise InputError(f"lock {words!r}: {setting} must be a number within {low:g} to {high:g}")
    return value
