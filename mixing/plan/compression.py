"""The compression step: `mixprior.mixing.rules.compression`, for vocals whose loudness range is too large."""

from __future__ import annotations

from dataclasses import asdict, replace

from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.effects.settings import CompressorSettings
from mixprior.mixing.plan.explained import explained
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Target, Targets, Unreliable
from mixprior.mixing.rules import compression
from mixprior.mixing.rules.compression_model import RANGES
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.posterior import towards
from mixprior.stats.measures.activity import active_frames
from mixprior.stats.sound import Sound

ACTIVITY = (VOCALS, "vocal_active_ratio")
"""What explains the range: over songs, R2 is 0.52 in the packaged priors."""

_STATISTICS = {"ebu": "loudness_range_lu", "100ms": "loudness_range_100ms_lu"}


def compress(vocals: Sound, targets: Targets, options: Options) -> tuple[CompressorSettings | None, Step]:
    """Choose a compressor that brings down the loudness range of vocals, by the posterior.

    Vocals are compressed whose range is above the middle half of the songs, or above the range that is given. A smaller
    one stays as it is.

    Raises:
        InputError: if no priors hold the range.
    """
    try:
        target = _target(vocals, targets, options)
    except Unreliable as error:
        return None, error.step("compression", VOCALS)
    heard_lu = RANGES[options.range_measure](vocals)
    aim = target.aim(heard_lu, "compression", options.trust, options.aim)
    most_lu = target.value if target.given or target.half is None else target.half[1]
    step = Step(
        name="compression",
        of=VOCALS,
        reason=f"no compression: {most_lu:.1f} LU and less are usual: {target.reason}",
        measured={target.statistic: heard_lu},
        priors=target.priors,
        warnings=target.warnings,
        notes=target.notes,
        aims=(aim.to_dict(),),
    )
    if heard_lu is not None and heard_lu <= most_lu and not target.given:
        return None, step
    aim_lu = target.value if heard_lu is None or aim.value is None else _aim_lu(heard_lu, aim.value, options)
    found = compression.to_loudness_range(vocals, aim_lu, options.range_measure)
    missed = () if found.on_target else (Notice("out-of-reach", found.reason),)
    why = target.reason if target.given else f"{aim.reason}; {target.reason}"
    return found.settings, replace(
        step,
        reason=f"{found.reason}{_share(aim_lu, aim.value, options)}: {why}",
        measured=found.measured,
        target={target.statistic: aim_lu},
        setting=asdict(found.settings) if found.settings else {},
        warnings=(*target.warnings, *missed),
    )


def _target(vocals: Sound, targets: Targets, options: Options) -> Target:
    """The range to be: vocals that sing now and then have a larger one."""
    statistic = _STATISTICS[options.range_measure]
    if options.loudness_range_lu is not None:
        return targets.scalar(VOCALS, statistic, options.loudness_range_lu)
    frames = active_frames(vocals.momentary_lufs, vocals.integrated_lufs, vocals.momentary_lufs)
    return explained(targets, VOCALS, statistic, ACTIVITY, float(frames.mean()) if frames.size else None)


def _aim_lu(heard_lu: float, aim_lu: float, options: Options) -> float:
    """A share of the way down; a range that is smaller is not made larger."""
    return towards(heard_lu, aim_lu, options.amount) if heard_lu > aim_lu else aim_lu


def _share(aim_lu: float, whole_lu: float | None, options: Options) -> str:
    if options.amount == 1 or whole_lu is None or aim_lu == whole_lu:
        return ""
    return f" ({options.amount:.0%} of the way to {whole_lu:.1f})"
