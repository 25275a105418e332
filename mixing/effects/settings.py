"""Settings of a mix: everything a renderer needs, and nothing of why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings

KINDS = ("peak", "low shelf", "high shelf")
LAWS = ("linear", "constant power")


@dataclass(frozen=True)
class Range:
    """From where to where a setting goes when it is searched for or learned, and what an effect can run with.

    Attributes:
        low: least value that is searched for.
        high: largest value that is searched for.
        log: equal ways along the range multiply by the same factor; else they add the same amount.
        least: least value that an effect can run with.
        most: largest value that an effect can run with.
        above: whether it has to be above the least.
    """

    low: float
    high: float
    log: bool = False
    least: float = -math.inf
    most: float = math.inf
    above: bool = False

    def at(self, way: Any) -> Any:
        """Value a part of the way along the range: 0 its low end, 1 its high end; one number, an array or a tensor.

        >>> Range(20.0, 2_000.0, log=True).at(0.5), Range(-12.0, 0.0).at(0.25)
        (200.0, -9.0)
        """
        return self.low * (self.high / self.low) ** way if self.log else self.low + (self.high - self.low) * way

    def takes(self, value: float) -> bool:
        """Whether an effect can run with a value.

        >>> Range(0.1, 10.0, least=0.0, above=True).takes(0.0), Range(-24.0, 24.0).takes(float("nan"))
        (False, False)
        """
        over = self.least < value if self.above else self.least <= value
        return math.isfinite(value) and over and value <= self.most

    def __str__(self) -> str:
        """What an effect can run with, for people.

        >>> str(Range(1.0, 20.0, least=1.0)), str(Range(0.0, 1.0, least=0.0, most=1.0)), str(Range(-24.0, 24.0))
        ('a finite number from 1', 'a number from 0 to 1', 'a finite number')
        """
        if math.isfinite(self.most):
            return f"a number from {self.least:g} to {self.most:g}"
        least = f" {'above' if self.above else 'from'} {self.least:g}" if math.isfinite(self.least) else ""
        return f"a finite number{least}"


_DRY_WET = next(each for each in PARAMETERS if each.name == "dry_wet")

RANGES: Mapping[str, Range] = {
    "input_gain_db": Range(-48.0, 24.0),
    "band_frequency_hz": Range(20.0, 20_000.0, log=True, least=0.0, above=True),
    "band_gain_db": Range(-24.0, 24.0),
    "band_q": Range(0.1, 10.0, log=True, least=0.0, above=True),
    "threshold_dbfs": Range(-80.0, 0.0),
    "ratio": Range(1.0, 20.0, log=True, least=1.0),
    "attack_s": Range(0.001, 0.5, log=True, least=0.0),
    "release_s": Range(0.005, 3.0, log=True, least=0.0),
    "knee_db": Range(0.0, 24.0, least=0.0),
    "makeup_db": Range(0.0, 24.0),
    "pan": Range(0.0, 1.0, least=0.0, most=1.0),
    "dry_wet": Range(_DRY_WET.low, _DRY_WET.high, least=_DRY_WET.low, most=_DRY_WET.high),
    "output_gain_db": Range(-48.0, 24.0),
    "gain_db": Range(-48.0, 24.0),
}
"""Of the settings of a chain and of a mix, by the names that the console (`mixprior.learning.console`) gives them.
Those of FdnReverb are `mixprior.stats.reverb.fdn.settings.PARAMETERS`."""


def check(of: str, **values: float) -> None:
    """Refuse values that no effect can run with, by their names in `RANGES`.

    Raises:
        InputError: naming the first.
    """
    for name, value in values.items():
        if not RANGES[name].takes(value):
            raise InputError(f"{name} of {of} cannot be {value}: it is {RANGES[name]}")


@dataclass(frozen=True)
class Band:
    """One band of the parametric equaliser (R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filters").

    Attributes:
        kind: one of `KINDS`.
        frequency_hz: centre of a peak, middle of a shelf's slope.
        gain_db: at the centre, or on the shelf.
        q: quality.
    """

    kind: str
    frequency_hz: float
    gain_db: float
    q: float

    def __post_init__(self) -> None:
        """Refuse what is no band. Raises InputError."""
        if self.kind not in KINDS:
            raise InputError(f"no band {self.kind!r}; there are: {', '.join(KINDS)}")
        numbers = {"band_frequency_hz": self.frequency_hz, "band_gain_db": self.gain_db, "band_q": self.q}
        check("an equaliser", **numbers)


@dataclass(frozen=True)
class Curve:
    """A gain by frequency, for a linear-phase filter: straight lines in dB over log frequency, level beyond the ends.

    Attributes:
        frequencies_hz: ascending.
        gains_db: at each of them.
    """

    frequencies_hz: tuple[float, ...]
    gains_db: tuple[float, ...]


@dataclass(frozen=True)
class CompressorSettings:
    """A feed-forward compressor; see `mixprior.mixing.effects.compressor`.

    Attributes:
        threshold_dbfs: level above which it acts.
        ratio: dB in over dB out above the threshold, at least 1.
        attack_s: time constant while the gain falls.
        release_s: time constant while it rises.
        knee_db: width of the soft knee around the threshold; 0 is hard.
        makeup_db: gain after it.
    """

    threshold_dbfs: float
    ratio: float
    attack_s: float
    release_s: float
    knee_db: float = 0.0
    makeup_db: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot run. Raises InputError."""
        check("a compressor", **vars(self))


@dataclass(frozen=True)
class PanSettings:
    """Where a sound is put: a gain for each channel.

    Attributes:
        position: 0 left, 0.5 centre, 1 right.
        law: one of `LAWS`; either leaves a centred sound as it is.
    """

    position: float
    law: str = "constant power"

    def __post_init__(self) -> None:
        """Refuse what is no place. Raises InputError."""
        check("a panner", pan=self.position)


@dataclass(frozen=True)
class LimiterSettings:
    """A true-peak limiter; see `mixprior.mixing.effects.limiter`.

    Attributes:
        ceiling_dbtp: no true peak above it.
        lookahead_s: how long before a peak the gain begins to fall.
        release_s: time constant with which it comes back.
    """

    ceiling_dbtp: float = -1.0
    lookahead_s: float = 0.005
    release_s: float = 0.1


@dataclass(frozen=True)
class Chain:
    """What is done to one sound, in this order; what is None or empty or 0 is left out.

    Attributes:
        input_gain_db: gain before everything else.
        match: linear-phase filter towards a spectrum.
        bands: parametric equaliser.
        compressor: compressor.
        pan: place between the channels.
        reverb: reverb, dry sound included.
        output_gain_db: gain after everything else.
    """

    input_gain_db: float = 0.0
    match: Curve | None = None
    bands: tuple[Band, ...] = ()
    compressor: CompressorSettings | None = None
    pan: PanSettings | None = None
    reverb: FdnReverbSettings | None = None
    output_gain_db: float = 0.0

    def __post_init__(self) -> None:
        """Refuse gains that are none. Raises InputError."""
        check("a chain", input_gain_db=self.input_gain_db, output_gain_db=self.output_gain_db)


@dataclass(frozen=True)
class MixSettings:
    """The whole processing of a mix.

    Sounds pass their chain and are summed by bus; the sums pass the chain of their bus and are summed; that passes the
    master's gain and limiter.

    Attributes:
        tracks: chain of each sound, by its name.
        buses: chain of each bus, by its name.
        routing: by name of a sound, the bus it goes to; a sound that is not in it goes to the mix directly.
        gain_db: of the mix.
        limiter: after that gain; None for none.
    """

    tracks: Mapping[str, Chain]
    buses: Mapping[str, Chain] = field(default_factory=dict)
    routing: Mapping[str, str] = field(default_factory=dict)
    gain_db: float = 0.0
    limiter: LimiterSettings | None = None

    def __post_init__(self) -> None:
        """Refuse a route from or to nowhere, and a gain that is none. Raises InputError."""
        check("a mix", gain_db=self.gain_db)
        for track, bus in self.routing.items():
            if track not in self.tracks or bus not in self.buses:
                raise InputError(f"{track} is routed to {bus}, and one of the two is not there")

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers and None, as JSON takes them."""
        return asdict(self)
