"""Options of a mix: each declared once, with its help, unit, range and step; the command line is derived from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mixprior.mixing.effects.ceiling import CEILING_DBTP
from mixprior.mixing.plan import locks
from mixprior.mixing.plan.aim import RULES as AIMS
from mixprior.mixing.plan.locks import GAIN, Locks
from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS
from mixprior.mixing.rules.posterior import AS_MEASURED
from mixprior.mixing.rules.tempo_rule import RULES as REVERB_RULES
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import PARAMETERS
from mixprior.stats.statistic import VOCALS

DEFAULT_LUFS = -16.0
"""What streaming services and the AES recommend: AES TD1008 (2021) recommends -16 LUFS for a track."""

EQ_RULES = ("hafezi-reiss", "seed")
RANGE_MEASURES = ("ebu", "100ms")
BALANCES = ("keep", "equal")

AUTO = "auto"
"""An offset of the vocals that is to be found."""

PAIR, TRACKS = "pair", "tracks"
"""What is mixed: vocals and a backing, or the tracks of a song."""

_KIND_NAMES = {
    PAIR: "vocals and a backing (--vocal and --backing, or `mix`)",
    TRACKS: "the tracks of a song (--tracks, or `mix_tracks`)",
}
_LEVELS = (-100.0, 100.0)
_TIMES_S = next((each.low, each.high) for each in PARAMETERS if each.name == "reverberation_time_s")


@dataclass(frozen=True)
class About:
    """Facts on an option beside its name, type and default.

    Attributes:
        help: a few words on what it sets.
        step: the step it is for: giving the option adds that step; empty for an option of all steps.
        unit: of a number, as people write it.
        within: lowest and highest value of a number.
        choices: of words.
        kind: `PAIR` or `TRACKS` where it is for one of them; empty for both.
        none: the word for None on the command line, where None can be given.
        unset: what None stands for where nothing is given.
        flag: its argument on the command line where that is another than its name; of a bool, what turns it off.
    """

    help: str
    step: str = ""
    unit: str = ""
    within: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    kind: str = ""
    none: str = ""
    unset: str = "from the priors"
    flag: str = ""


def _option(default: Any, text: str, **about: Any) -> Any:
    return field(default=default, metadata={"about": About(text, **about)})


@dataclass(frozen=True)
class Options:
    """Options of a mix; where one is None, the priors set it."""

    steps: tuple[str, ...] = _option(DEFAULT_STEPS, "the steps to take", choices=STEPS)
    amount: float = _option(
        1.0, "share of every step to apply, 0 none, 1 all; not of the mix's loudness", unit="0..1", within=(0.0, 1.0)
    )
    trust: float = _option(
        AS_MEASURED,
        "how far the priors are followed: 0 keeps what is measured, 0.5 as raw material is off, 1 to their centre",
        unit="0..1",
        within=(0.0, 1.0),
    )
    aim: str = _option(
        AIMS[0], "where steps go: the posterior mean, into the quartiles of songs, or to their centre", choices=AIMS
    )
    ratio_lu: float | None = _option(
        None, "loudness of the vocals minus that of the backing", step="level", unit="LU", within=_LEVELS
    )
    eq_rule: str = _option(
        EQ_RULES[0], "how vocals and the rest leave each other room", step="unmask", choices=EQ_RULES
    )
    loudness_range_lu: float | None = _option(
        None,
        "loudness range of the vocals",
        step="compression",
        unit="LU",
        within=(0.01, 100.0),
    )
    range_measure: str = _option(
        RANGE_MEASURES[0],
        "which loudness range: EBU Tech 3342, or of 100 ms blocks",
        step="compression",
        choices=RANGE_MEASURES,
    )
    rt60_s: float | None = _option(None, "reverberation time of the vocals", step="reverb", unit="S", within=_TIMES_S)
    wet_dry_db: float | None = _option(
        None, "energy of the reverb over that of the dry vocals", step="reverb", unit="DB", within=_LEVELS
    )
    reverb_rule: str | None = _option(
        None, "rule that sets the reverberation time by the tempo", step="reverb", choices=REVERB_RULES
    )
    target_lufs: float | None = _option(
        DEFAULT_LUFS,
        "integrated loudness of the mix; none keeps it",
        step="loudness",
        unit="LUFS",
        within=_LEVELS,
        none="none",
    )
    vocal_gain_db: float = _option(0.0, "gain of the vocals on top of what the steps set", unit="DB", within=_LEVELS)
    ceiling_dbtp: float | None = _option(
        None,
        "highest true peak of the file",
        unit="DBTP",
        within=(-60.0, 0.0),
        unset=f"{CEILING_DBTP:g}, or the own one of a finished song",
        flag="--ceiling",
    )
    limiter: bool = _option(
        True, "turn the mix down where its peaks would pass the ceiling, in place of limiting them", flag="--no-limiter"
    )
    lock: tuple[str, ...] = _option(
        (),
        "fix NAME.gain_db or NAME.pan (-1 left to 1) of a track or class, and solve the rest with that",
        unit="LOCKS",
    )
    balance: str = _option(BALANCES[0], "levels of tracks inside a class", step="level", choices=BALANCES, kind=TRACKS)

    def __post_init__(self) -> None:
        """Refuse values that cannot be. Raises InputError."""
        if not isinstance(self.lock, (tuple, list)) or not all(isinstance(words, str) for words in self.lock):
            raise InputError(f'lock is {self.lock!r}: give a tuple of words, as ("vocals.pan=0",)')
        for each in fields(self):
            value = getattr(self, each.name)
            for one in value if isinstance(value, tuple) else (value,):
                check(each.name, one)
        if self.locks.fixes(VOCALS, GAIN) and (self.ratio_lu is not None or self.vocal_gain_db):
            other = "vocal_gain_db" if self.ratio_lu is None else "ratio_lu"
            raise InputError(f"lock fixes {VOCALS}.{GAIN}, which {other} would set: give one of the two")
        if self.trust != AS_MEASURED and self.aim != AIMS[0]:
            raise InputError(f"trust slides the posterior mean, and aim {self.aim} goes by none: give one of the two")
        if self.reverb_rule is not None and self.rt60_s is not None:
            raise InputError("reverb_rule sets the reverberation time, and so does rt60_s: give one of the two")

    @property
    def locks(self) -> Locks:
        """What is fixed."""
        return locks.read(self.lock)


ABOUT: Mapping[str, About] = {each.name: each.metadata["about"] for each in fields(Options)}
"""Facts on each option, by its name."""

Options.__doc__ = f"{Options.__doc__}\n\n    Attributes:\n" + "".join(
    f"        {name}: {about.help}{f': {_listed}' if (_listed := ', '.join(about.choices)) else ''}.\n"
    for name, about in ABOUT.items()
)


def check(name: str, value: Any) -> None:
    """Refuse a value that an option cannot have.

    Raises:
        InputError: if it is out of range, or no choice.

    >>> check("amount", 2.0)
    Traceback (most recent call last):
    mixprior.stats.errors.InputError: amount is 2.0: it must be within 0 to 1
    """
    about = ABOUT[name]
    if value is None:
        return
    if about.choices and value not in about.choices:
        raise InputError(f"{name} is {value!r}: it must be one of {', '.join(about.choices)}")
    if about.within:
        low, high = about.within
        if not low <= value <= high:
            raise InputError(f"{name} is {value}: it must be within {low:g} to {high:g}")


def chosen(
    kind: str,
    given: Mapping[str, Any],
    *,
    only: Collection[str] = (),
    also: Collection[str] = (),
    without: Collection[str] = (),
    default: Collection[str] = DEFAULT_STEPS,
) -> Options:
    """Make options of those that were given: an option adds the step it is for.

    Args:
        kind: `PAIR` or `TRACKS`.
        given: by name; `steps` are set here.
        only: the steps to take; without them those of `default` and those that options add.
        also: steps beside those.
        without: steps to leave out.
        default: the steps that are taken where none are named.

    Raises:
        InputError: if an option is for the other kind or for a step that is left out, or a value cannot be.
        TypeError: if there is no option of a name.

    >>> chosen(PAIR, {"rt60_s": 1.2}).steps
    ('level', 'reverb', 'loudness')
    """
    unknown = [name for name in given if name not in ABOUT]
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}; there are: {', '.join(ABOUT)}")
    for name in given:
        if ABOUT[name].kind not in ("", kind):
            raise InputError(f"{name} is an option for {_KIND_NAMES[ABOUT[name].kind]}")
    aimed_at = {name: ABOUT[name].step for name in given if ABOUT[name].step}
    steps = set(only or (*default, *also, *aimed_at.values())) - set(without)
    if kind == PAIR and "pan" in steps:
        raise InputError(f"pan is a step for {_KIND_NAMES[TRACKS]}: vocals and a backing are not panned")
    for name, step in aimed_at.items():
        if step not in steps:
            raise InputError(f"{name} is for the step {step}, which is left out: give one of the two")
    for step in steps:
        check("steps", step)
    return Options(**{**given, "steps": tuple(step for step in STEPS if step in steps)})
