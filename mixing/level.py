"""The level step: a voice is brought to its ratio to the backing, or a share of the way."""

from __future__ import annotations

from mixing import ratio
from mixing.step import Step
from mixing.targets import Target
from stats.loudness_blocks import Blocks


def set_level(
    of: str, vocal: Blocks, backing: Blocks, target: Target, amount: float = 1.0, wanted_lu: float | None = None
) -> tuple[float, Step, float | None]:
    """Find the gain of a voice.

    Args:
        of: name of the voice.
        vocal: its energies.
        backing: those of all the rest.
        target: the ratio, by one of `mixing.ratio.DEFINITIONS`.
        amount: share of the way to go.
        wanted_lu: where that share led before, to go there again.

    Returns:
        The gain in dB, the step, and the ratio that was aimed for; None where there is nothing to measure.
    """
    own_lu = ratio.ratio_lu(vocal, backing, target.statistic)
    if own_lu is None:
        warning = f"the {of} or the backing is silent, or shorter than 0.4 s, so that there is no ratio to set"
        step = Step("level", of, f"{of} left as loud as it is", {target.statistic: None}, warnings=(warning,))
        return 0.0, step, None
    if wanted_lu is None:
        wanted_lu = own_lu + amount * (target.value - own_lu)
    gain_db = ratio.vocal_gain_db(vocal, backing, wanted_lu, target.statistic) or 0.0
    share = "" if amount == 1 else f" ({amount:.0%} of the way to {target.value:+.2f})"
    step = Step(
        "level",
        of,
        f"{of} {gain_db:+.2f} dB, to stand at {wanted_lu:+.2f} LU to the backing{share}: {target.reason}",
        {target.statistic: own_lu},
        {target.statistic: wanted_lu, "definition": ratio.DEFINITIONS[target.statistic]},
        {"gain_db": gain_db},
        target.priors,
        target.warnings,
        target.notes,
    )
    return gain_db, step, wanted_lu
