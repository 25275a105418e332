"""Settings of a mix: everything a renderer needs, and nothing of why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

KINDS = ("peak", "low shelf", "high shelf")
LAWS = ("linear", "constant power")


@dataclass(frozen=True)
class Range:
    """From where to where a setting goes when it is searched for or learned; an effect takes any value it can run with.

    Attributes:
        low: least value.
        high: largest value.
        log: equal ways along the range multiply by the same factor; else they add the same amount.
    """

    low: float
    high: float
    log: bool = False

    def at(self, way: Any) -> Any:
        """Value a part of the way along the range: 0 its low end, 1 its high end; one number, an array or a tensor.

        >>> Range(20.0, 2_000.0, log=True).at(0.5), Range(-12.0, 0.0).at(0.25)
        (200.0, -9.0)
        """
        return self.low * (self.high / self.low) ** way if self.log else self.low + (self.high - self.low) * way


RANGES: Mapping[str, Range] = {
    "input_gain_db": Range(-48.0, 24.0),
    "band_frequency_hz": Range(20.0, 20_000.0, log=True),
    "band_gain_db": Range(-24.0, 24.0),
    "band_q": Range(0.1, 10.0, log=True),
    "threshold_dbfs": Range(-80.0, 0.0),
    "ratio": Range(1.0, 20.0, log=True),
    "attack_s": Range(0.001, 0.5, log=True),
    "release_s": Range(0.005, 3.0, log=True),
    "knee_db": Range(0.0, 24.0),
    "makeup_db": Range(0.0, 24.0),
    "pan": Range(0.0, 1.0),
    "dry_wet": Range(0.0, 1.0),
    "output_gain_db": Range(-48.0, 24.0),
    "gain_db": Range(-48.0, 24.0),
}
"""Of the settings of a chain and of a mix, by the names that the console (`mixprior.learning.console`) gives them.
Those of FdnReverb are `mixprior.stats.reverb.fdn.settings.PARAMETERS`."""


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


@dataclass(frozen=True)
class PanSettings:
    """Where a sound is put: a gain for each channel.

    Attributes:
        position: 0 left, 0.5 centre, 1 right.
        law: one of `LAWS`; either leaves a centred sound as it is.
    """

    position: float
    law: str = "constant power"


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
        """Refuse a route from or to nowhere. Raises InputError."""
        for track, bus in self.routing.items():
            if track not in self.tracks or bus not in self.buses:
                raise InputError(f"{track} is routed to {bus}, and one of the two is not there")

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers and None, as JSON takes them."""
        return asdict(self)
