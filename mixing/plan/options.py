"""What a person asks of a mix."""

from __future__ import annotations

from dataclasses import dataclass

from mixprior.mixing.plan.loudness import DEFAULT_LUFS
from mixprior.mixing.plan.step import DEFAULT_STEPS

EQ_RULES = ("hafezi-reiss", "seed", "match")
RANGE_MEASURES = ("ebu", "100ms")
REVERB_RULES = ("seed", "catalog")
BALANCES = ("keep", "equal")


@dataclass(frozen=True)
class Options:
    """Choices; None takes what the priors say.

    Attributes:
        steps: which of `mixprior.mixing.plan.step.STEPS` are taken.
        amount: share of each move that is made: 0 none, 1 all. Loudness and ceiling of the mix do not take part.
        ratio_lu: vocal to backing.
        eq_rule: one of `EQ_RULES`.
        loudness_range_lu: of the voice, by `range_measure`.
        range_measure: one of `RANGE_MEASURES`.
        rt60_s: reverberation time of the voice.
        wet_dry_db: energy of its reverb over that of the dry voice.
        reverb_rule: one of `REVERB_RULES`, by which the tempo sets the reverberation time.
        target_lufs: loudness of the mix; None leaves it where it is.
        balance: of tracks inside a class: one of `BALANCES`.
    """

    steps: tuple[str, ...] = DEFAULT_STEPS
    amount: float = 1.0
    ratio_lu: float | None = None
    eq_rule: str = EQ_RULES[0]
    loudness_range_lu: float | None = None
    range_measure: str = "ebu"
    rt60_s: float | None = None
    wet_dry_db: float | None = None
    reverb_rule: str | None = None
    target_lufs: float | None = DEFAULT_LUFS
    balance: str = "keep"
