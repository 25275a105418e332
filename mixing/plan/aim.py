"""How far to go from what is measured to a target, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mixprior.mixing.plan.raw_error import RawError
from mixprior.mixing.rules import posterior
from mixprior.mixing.rules.posterior import AS_MEASURED

RULES = ("posterior", "quartiles", "centre")
"""How far a step goes: to the posterior mean; no farther than into the middle half of the songs; to their centre."""

_UNITS = {"lu": " LU", "db": " dB", "s": " s", "lufs": " LUFS", "hz": " Hz", "bpm": " bpm"}


@dataclass(frozen=True)
class Aim:
    """A value to bring a statistic to.

    Attributes:
        statistic: its name, with the unit at the end.
        value: the value; None if nothing was heard.
        weight: share of the way from what is measured to the centre, 0 to 1; None where it is not known or not used.
        reason: how far and why, in words.
        heard: what was measured.
        centre: the target itself.
        rule: one of `RULES`, or "given" for a number that a person gave.
        prior_sd: spread of the songs about the centre, with the uncertainty of the centre; None if not known.
        error: how far raw material is off; None if not known.
        trust: see `mixprior.mixing.rules.posterior.weight`.
    """

    statistic: str
    value: float | None
    weight: float | None
    reason: str
    heard: float | None
    centre: float
    rule: str
    prior_sd: float | None = None
    error: RawError | None = None
    trust: float = AS_MEASURED

    def to_dict(self) -> dict[str, Any]:
        """The numbers, as the field `aim` of a step has them."""
        error = self.error
        return {
            "statistic": self.statistic,
            "value": self.value,
            "weight": self.weight,
            "rule": self.rule,
            "trust": self.trust,
            "heard": self.heard,
            "centre": self.centre,
            "prior_sd": self.prior_sd,
            "error_sd": error and error.sd,
            "error_far": [error.far_share, error.far_sd] if error and error.far_share else None,
            "error_pairs": error and error.pairs,
            "error_source": error and error.source,
        }


def given(statistic: str, heard: float | None, value: float) -> Aim:
    """The aim that a person gave: all of the way."""
    return Aim(statistic, None if heard is None else value, 1.0, "as given", heard, value, "given")


def into_half(statistic: str, heard: float | None, centre: float, half: tuple[float, float] | None) -> Aim:
    """The nearest value in the range of the middle half of the songs; the centre where that range is not known."""
    low, high = half or (centre, centre)
    value = None if heard is None else posterior.into(heard, low, high)
    unit = _unit(statistic)
    if heard is None:
        reason = "nothing is measured"
    elif value == heard:
        reason = f"stays: half of the songs are between {low:.2f} and {high:.2f}{unit}"
    else:
        reason = f"to the nearer end of {low:.2f} to {high:.2f}{unit}, the middle half of the songs"
    return Aim(statistic, value, None, reason, heard, centre, "quartiles")


def to_centre(statistic: str, heard: float | None, centre: float) -> Aim:
    """The centre of the songs."""
    value = None if heard is None else centre
    return Aim(statistic, value, 1.0, "to the centre of the songs", heard, centre, "centre")


def to_posterior(
    statistic: str,
    heard: float | None,
    centre: float,
    prior_sd: float | None,
    error: RawError | None,
    trust: float = AS_MEASURED,
) -> Aim:
    """The posterior mean; what is measured where no weight is known."""
    distance = 0.0 if heard is None else heard - centre
    kinds: Sequence[tuple[float, float | None]] = error.kinds if error else ((1.0, None),)
    weight = posterior.weight_of_kinds(distance, prior_sd, kinds, trust)
    value = None if heard is None else posterior.towards(heard, centre, weight or 0.0)
    reason = _why(statistic, heard, centre, weight, prior_sd, error, trust)
    return Aim(statistic, value, weight, reason, heard, centre, "posterior", prior_sd, error, trust)


def _why(
    statistic: str,
    heard: float | None,
    centre: float,
    weight: float | None,
    prior_sd: float | None,
    error: RawError | None,
    trust: float,
) -> str:
    unit = _unit(statistic)
    if heard is None:
        return "nothing is measured"
    if weight is None:
        lacking = "how far songs differ" if prior_sd is None else "how far raw material is off"
        return f"kept at {heard:.2f}{unit}: {lacking} is not known"
    way = f"{weight:.0%} of the way from {heard:.2f} to {centre:.2f}{unit}"
    slid = "" if trust == AS_MEASURED else f", trust {trust:g}"
    if prior_sd is None or error is None:
        return f"{way}{slid}"
    off = f"{error.sd:.2f}{unit}"
    if error.far_share:
        off += f", {error.far_share:.0%} of it by {error.far_sd:.2f}{unit}"
    return f"{way}: songs differ by {prior_sd:.2f}{unit}, raw material is off by {off} ({error}){slid}"


def _unit(statistic: str) -> str:
    return _UNITS.get(statistic.rsplit("_", 1)[-1], "")
