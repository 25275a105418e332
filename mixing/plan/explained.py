"""A target given what the song is: moved by the regression of the priors on something else that is measured."""

from __future__ import annotations

from dataclasses import replace

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.packaged.default_priors import Source
from mixprior.analysis.regression import Name, regress
from mixprior.mixing.plan.like import NOTHING
from mixprior.mixing.plan.targets import Target, Targets
from mixprior.mixing.rules.posterior import QUARTILE_SD
from mixprior.stats.errors import InputError


def explained(targets: Targets, stem: str, statistic: str, by: Name, heard: float | None) -> Target:
    """Look up a statistic for songs that are like this one in another.

    Args:
        targets: priors and group.
        stem: whose statistic.
        statistic: its name.
        by: stem and statistic that explain it.
        heard: what is measured of that; it is taken for no more and no less than 90 % of the songs have.

    Returns:
        The value and the spread of the regression's residuals; those of all songs of the group where the priors have
        no regression, its interval holds 0, or nothing is measured.

    Raises:
        InputError: if no priors hold the statistic.
    """
    prior, source = targets.lookup(stem, statistic)
    target = replace(targets, like=NOTHING).of_prior(prior, source)
    return targets.like.draw(target if heard is None else _given(target, source, by, heard))


def _given(target: Target, source: Source, by: Name, heard: float) -> Target:
    try:
        (line,) = regress(source.priors, (target.stem, target.statistic), [by], source.group)
        range_of = source.priors.lookup(*by, source.group)
    except (InputError, PriorsLookupError):
        return target
    slope, low, high, intercept, sd = (
        float(line[key])  # type: ignore[arg-type]
        for key in ("slope", "slope_low", "slope_high", "intercept", "residual_sd")
    )
    if low <= 0 <= high or range_of.p5 is None or range_of.p95 is None:
        return target
    value = intercept + slope * min(max(heard, range_of.p5), range_of.p95)
    reason = (
        f"{value:.2f} is usual where {by[1]} of {by[0]} is {heard:.2f} (R2 {line['r2']:.2f} over {line['n']} songs); "
        f"{target.reason}"
    )
    half = (value - QUARTILE_SD * sd, value + QUARTILE_SD * sd)
    return replace(target, value=value, sd=sd, n=int(str(line["n"])), half=half, reason=reason)
