"""The settings of the reverb: the eleven parameters of IEM FdnReverb, their ranges, steps and meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from mixprior.stats import biquad
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.delay_lines import delays

FDN_SIZES = (16, 32, 64)
"""Numbers of delay lines; the plug-in's parameter is the index into these."""

_GRID_HZ = np.geomspace(10.0, 24_000.0, 128)


@dataclass(frozen=True)
class Parameter:
    """A parameter of the plug-in.

    Attributes:
        name: of the field of `FdnReverbSettings`.
        plugin_id: the plug-in's own name of it.
        low: least value.
        high: largest value.
        step: the plug-in rounds to low plus a whole number of these.
        default: value of a fresh plug-in.
        unit: of the value; "1" for a pure number.
        skew: a host sees ((value - low) / (high - low)) ** skew.
    """

    name: str
    plugin_id: str
    low: float
    high: float
    step: float
    default: float
    unit: str
    skew: float = 1.0

    def snapped(self, value: float) -> float:
        """Round to the nearest step, halves up, within the range, as the plug-in does with whatever a host sends."""
        steps = math.floor((value - self.low) / self.step + 0.5)
        return min(max(round(self.low + steps * self.step, 6), self.low), self.high)

    def normalised(self, value: float) -> float:
        """Return the value as a host sees it, 0 to 1."""
        return float(((value - self.low) / (self.high - self.low)) ** self.skew)


PARAMETERS = (
    Parameter("room_size", "delayLength", 1, 30, 1, 20, "1"),
    Parameter("reverberation_time_s", "revTime", 0.1, 9.0, 0.1, 5.0, "s"),
    Parameter("lows_cutoff_hz", "lowCutoff", 20, 20_000, 1, 100, "Hz", 0.2),
    Parameter("lows_q", "lowQ", 0.01, 0.9, 0.01, 0.5, "1"),
    Parameter("lows_gain_db_s", "lowGain", -80, 6, 0.1, 1.0, "dB/s"),
    Parameter("highs_cutoff_hz", "highCutoff", 20, 20_000, 1, 2000, "Hz", 0.2),
    Parameter("highs_q", "highQ", 0.01, 0.9, 0.01, 0.5, "1"),
    Parameter("highs_gain_db_s", "highGain", -80, 4, 0.1, -10.0, "dB/s"),
    Parameter("dry_wet", "dryWet", 0, 1, 0.01, 0.5, "1"),
    Parameter("fade_in_s", "fadeInTime", 0, 9, 0.01, 0.0, "s"),
    Parameter("fdn_size", "fdnSize", 0, 2, 1, 2, "index of 16, 32, 64 lines"),
)
"""In the plug-in's order. Source: IEM Plug-in Suite 1.14, FdnReverb (Grill and Rudrich, IEM Graz)."""


@dataclass(frozen=True)
class FdnReverbSettings:
    """Settings of IEM FdnReverb; any values within its ranges, which `snapped` rounds to what the plug-in can take.

    Attributes:
        room_size: how long the delay lines are, 1 to 30, whole: from 15 ms on average to 281 ms (64 lines).
        reverberation_time_s: until the middle band has decayed by 60 dB, 0.1 to 9.
        lows_cutoff_hz: of the low shelf, 20 to 20,000.
        lows_q: of the low shelf, 0.01 to 0.9.
        lows_gain_db_s: decay of the lows beyond that of the middle, -80 to 6; above 0 they last longer.
        highs_cutoff_hz: of the high shelf, 20 to 20,000.
        highs_q: of the high shelf, 0.01 to 0.9.
        highs_gain_db_s: decay of the highs beyond that of the middle, -80 to 4.
        dry_wet: amplitude of the reverb, 0 to 1; the dry sound has the rest.
        fade_in_s: reverberation time of a second network that is subtracted, 0 (none) to 9.
        fdn_size: delay lines: 16, 32 or 64.

    Raises:
        InputError: if a value is out of its range; the message names parameter, value and range.

    >>> FdnReverbSettings(reverberation_time_s=1.24).snapped().reverberation_time_s
    1.2
    """

    room_size: int = 20
    reverberation_time_s: float = 5.0
    lows_cutoff_hz: float = 100.0
    lows_q: float = 0.5
    lows_gain_db_s: float = 1.0
    highs_cutoff_hz: float = 2000.0
    highs_q: float = 0.5
    highs_gain_db_s: float = -10.0
    dry_wet: float = 0.5
    fade_in_s: float = 0.0
    fdn_size: int = 64

    def __post_init__(self) -> None:
        if self.fdn_size not in FDN_SIZES:
            raise InputError(f"fdn_size is {self.fdn_size}; it must be one of {FDN_SIZES}")
        for parameter in PARAMETERS[:-1]:
            value = getattr(self, parameter.name)
            if not parameter.low <= value <= parameter.high:
                raise InputError(
                    f"{parameter.name} is {value}; it must be within {parameter.low} to {parameter.high} "
                    f"({parameter.unit})"
                )
        if self.room_size != int(self.room_size):
            raise InputError(f"room_size is {self.room_size}; it must be a whole number within 1 to 30")

    @classmethod
    def from_plugin(cls, values: Mapping[str, float]) -> FdnReverbSettings:
        """Take values by plug-in id as the plug-in would: clipped, rounded to its steps, defaults for those left out.

        Raises:
            InputError: if there is no such plug-in id.

        >>> FdnReverbSettings.from_plugin({"delayLength": 14.54, "fdnSize": 1}).room_size
        15
        """
        unknown = set(values) - {parameter.plugin_id for parameter in PARAMETERS}
        if unknown:
            raise InputError(f"FdnReverb has no parameter {sorted(unknown)[0]!r}")
        taken = {p.name: p.snapped(values.get(p.plugin_id, p.default)) for p in PARAMETERS}
        return cls(
            **{**taken, "room_size": int(taken["room_size"]), "fdn_size": FDN_SIZES[int(taken["fdn_size"])]}  # type: ignore[arg-type]
        )

    def to_plugin(self) -> dict[str, float]:
        """Return the values by plug-in id, in the plug-in's units (`fdnSize` 0, 1 or 2)."""
        values = {p.plugin_id: float(getattr(self, p.name)) for p in PARAMETERS}
        return {**values, "fdnSize": float(FDN_SIZES.index(self.fdn_size))}

    def normalised(self) -> dict[str, float]:
        """Return the values by plug-in id as a host sees them, 0 to 1.

        >>> round(FdnReverbSettings().normalised()["lowCutoff"], 4)
        0.3315
        """
        values = self.to_plugin()
        return {p.plugin_id: p.normalised(values[p.plugin_id]) for p in PARAMETERS}

    def snapped(self) -> FdnReverbSettings:
        """Return the settings that the plug-in makes of these: each rounded to its step."""
        return self.from_plugin(self.to_plugin())

    def decay_time_s(self, frequencies_hz: np.ndarray, sample_rate_hz: float = 48_000.0) -> np.ndarray:
        """Return the time until a band has decayed by 60 dB: 60 / (60/T60 - shelves in dB/s).

        Measured decays follow it within some percent. The curve that the plug-in draws takes one shelf with the gain of
        a whole second for the many weak ones that sound passes in it, and so slopes otherwise: around the cutoffs it
        can be a fifth off, and more where Q is large.

        Args:
            frequencies_hz: float, any shape.
            sample_rate_hz: of the network; it matters near half of it.

        Returns:
            Seconds, float64, the same shape; infinite where the reverb does not decay.
        """
        loss_db_s = 60.0 / self.reverberation_time_s - self.shelves_db_s(frequencies_hz, sample_rate_hz)
        with np.errstate(divide="ignore"):
            return np.where(loss_db_s > 0, 60.0 / np.maximum(loss_db_s, 0.0), np.inf)

    def shelves_db_s(self, frequencies_hz: np.ndarray, sample_rate_hz: float = 48_000.0) -> np.ndarray:
        """Return what the shelves add to the level in a second: over all lines, their gains by their delays.

        Args:
            frequencies_hz: float, any shape.
            sample_rate_hz: of the network.

        Returns:
            dB/s, float64, the same shape; below 0 where they shorten the reverb.
        """
        delays_s = delays(int(self.room_size), self.fdn_size, sample_rate_hz) / sample_rate_hz
        frequencies = np.asarray(frequencies_hz, np.float64)
        total_db = np.zeros(frequencies.size)
        for design, cutoff_hz, q, gain_db_s in (
            (biquad.low, self.lows_cutoff_hz, self.lows_q, self.lows_gain_db_s),
            (biquad.high, self.highs_cutoff_hz, self.highs_q, self.highs_gain_db_s),
        ):
            filters = design(cutoff_hz, q, 10 ** (gain_db_s / 20 * delays_s[:, None]), sample_rate_hz)
            total_db += biquad.gain_db(filters, frequencies.ravel(), sample_rate_hz).sum(axis=0)
        return (total_db / delays_s.sum()).reshape(frequencies.shape)

    @property
    def is_stable(self) -> bool:
        """Whether all bands decay: raised lows or highs can outweigh a long reverberation time, and the sound grows.

        Looked up between 10 Hz and 24 kHz; the second network, of the fade-in, counts too.

        >>> raised = dict(lows_cutoff_hz=4000.0, lows_gain_db_s=6.0, highs_gain_db_s=4.0)
        >>> [FdnReverbSettings(reverberation_time_s=time_s, **raised).is_stable for time_s in (5.0, 9.0)]
        [True, False]
        """
        slowest_s = max(self.reverberation_time_s, self.fade_in_s)
        return bool(self.shelves_db_s(_GRID_HZ).max() < 60.0 / slowest_s)

    def check_stable(self) -> None:
        """Refuse settings that are not stable.

        Raises:
            InputError: if they are not.
        """
        if not self.is_stable:
            raise InputError(
                "these shelf gains outweigh the reverberation time and the sound would grow: "
                "lower lows_gain_db_s, highs_gain_db_s, reverberation_time_s or fade_in_s"
            )


assert [field.name for field in fields(FdnReverbSettings)] == [parameter.name for parameter in PARAMETERS]
