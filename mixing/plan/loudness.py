"""The loudness of the whole mix, and the limiter it may need."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.ceiling import AIM_DBTP, CEILING_DBTP
from mixprior.mixing.effects.settings import LimiterSettings, MixSettings
from mixprior.mixing.plan.options import DEFAULT_LUFS
from mixprior.mixing.plan.step import Step
from mixprior.mixing.rules.notice import Notice
from mixprior.stats.sound import Sound

_CLOSE_LU = 0.02
_ROUNDS = 6
_LEAST_SLOPE = 0.5
_MISSED_LU = 0.1
_HEAVY_DB = 6.0
_SILENT = "the mix is silent, or shorter than 0.4 s, and cannot be brought to {:.2f} LUFS"


@dataclass(frozen=True)
class Finish:
    """The end of a mix.

    Attributes:
        sound: the mix.
        settings: with the gain and the limiter.
        step: what was done.
    """

    sound: Sound
    settings: MixSettings
    step: Step


def finish(
    summed: Sound,
    settings: MixSettings,
    target_lufs: float | None = DEFAULT_LUFS,
    aim_dbtp: float = AIM_DBTP,
    ceiling_dbtp: float = CEILING_DBTP,
    limiter: bool = True,
    limited_db: float | None = None,
) -> Finish:
    """Bring a sum to a loudness, with a limiter only if its peaks would pass the ceiling.

    The limiter lowers the loudness, so gain and limiter are tried together, at most six times. Without it the gain is
    what keeps the peaks under the ceiling.

    Args:
        summed: the sum of all, two channels.
        settings: of the mix so far.
        target_lufs: integrated loudness of the mix (BS.1770-5); None keeps its loudness.
        aim_dbtp: highest true peak, slightly below the ceiling of the written file.
        ceiling_dbtp: that ceiling, for the record.
        limiter: whether peaks may be limited.
        limited_db: gain that brought a sum with a limiter there for nearly the same peak; it is tried first.
    """
    lufs, peak_dbtp = summed.integrated_lufs, summed.true_peak_dbtp
    wanted_lufs = None if lufs is None else target_lufs
    gain_db = 0.0 if wanted_lufs is None or lufs is None else round(wanted_lufs - lufs, 2)
    settings = replace(settings, gain_db=gain_db, limiter=None)
    over_db = lowered_db = None
    if peak_dbtp is None or peak_dbtp + gain_db <= aim_dbtp:
        done = chain.finish(summed, settings)
    elif limiter:
        settings = settings if limited_db is None else replace(settings, gain_db=limited_db)
        done, settings = _limited(summed, settings, wanted_lufs, aim_dbtp)
        over_db = peak_dbtp + settings.gain_db - aim_dbtp
    else:
        lowered_db = gain_db - _floor(aim_dbtp - peak_dbtp)
        settings = replace(settings, gain_db=_floor(aim_dbtp - peak_dbtp))
        done = chain.finish(summed, settings)
    is_silent = wanted_lufs is None and target_lufs is not None
    silent = (Notice("silent", _SILENT.format(target_lufs)),) if is_silent else ()
    to_lufs = wanted_lufs if over_db is None and lowered_db is None else done.integrated_lufs
    wanted = {} if wanted_lufs is None else {"integrated_lufs": wanted_lufs}
    kept = _kept_under(ceiling_dbtp, over_db, lowered_db)
    step = Step(
        name="loudness",
        of="mix",
        reason=f"{_moved(settings.gain_db, lufs, to_lufs, wanted_lufs)}; {kept}",
        measured={"integrated_lufs": lufs, "true_peak_dbtp": peak_dbtp},
        target={"ceiling_dbtp": ceiling_dbtp, **wanted},
        setting={"gain_db": settings.gain_db, "limiter": settings.limiter is not None},
        warnings=(*silent, *_peak_warnings(wanted_lufs, done.integrated_lufs, over_db, lowered_db, is_silent)),
        reached={"integrated_lufs": done.integrated_lufs},
    )
    return Finish(done, settings, step)


def _floor(gain_db: float) -> float:
    """The next lower gain in steps of 0.01 dB."""
    return math.floor(round(gain_db * 100, 6)) / 100


def _moved(gain_db: float, lufs: float | None, to_lufs: float | None, wanted_lufs: float | None) -> str:
    if wanted_lufs is None or to_lufs is None:
        return "mix loudness not changed" if gain_db == 0 else f"mix {gain_db:+.2f} dB"
    return f"mix {gain_db:+.2f} dB, from {lufs:.2f} to {to_lufs:.2f} LUFS"


def _kept_under(ceiling_dbtp: float, over_db: float | None, lowered_db: float | None) -> str:
    if over_db is not None:
        return f"a limiter takes up to {over_db:.1f} dB off the peaks to keep them under {ceiling_dbtp:g} dBTP"
    if lowered_db is not None:
        return f"turned down by {lowered_db:.2f} dB to keep its peaks under {ceiling_dbtp:g} dBTP without a limiter"
    return f"its true peak stays under {ceiling_dbtp:g} dBTP without a limiter"


def _peak_warnings(
    wanted_lufs: float | None,
    reached_lufs: float | None,
    over_db: float | None,
    lowered_db: float | None,
    is_silent: bool,
) -> list[Notice]:
    if over_db is None and lowered_db is None:
        return []
    if wanted_lufs is not None and reached_lufs is not None and abs(wanted_lufs - reached_lufs) > _MISSED_LU:
        why = "no limiter makes it that loud" if lowered_db is None else "its peaks allow no more without a limiter"
        missed = f"{wanted_lufs:.2f} LUFS missed by {wanted_lufs - reached_lufs:.2f} LU: {why}"
        return [Notice("out-of-reach", missed)]
    if over_db is None or over_db <= _HEAVY_DB or is_silent:
        return []
    remedy = "" if wanted_lufs is None else ": a lower --target-lufs is cleaner"
    return [Notice("limiter", f"the limiter takes up to {over_db:.1f} dB from the peaks{remedy}")]


def _limited(
    summed: Sound, settings: MixSettings, wanted_lufs: float | None, aim_dbtp: float
) -> tuple[Sound, MixSettings]:
    """Limit a sum, with the gain that makes the outcome as loud as wanted, or as near as it gets."""
    settings = replace(settings, limiter=LimiterSettings(aim_dbtp))
    best: tuple[float, Sound, MixSettings] | None = None
    slope = 1.0  # of the loudness over the gain: a limiter takes a part of it
    for _ in range(_ROUNDS):
        done = chain.finish(summed, settings)
        if wanted_lufs is None or done.integrated_lufs is None:
            return done, settings
        missed_lu = wanted_lufs - done.integrated_lufs
        if best is not None:
            if abs(missed_lu) >= abs(best[0]):
                break
            gained_db = settings.gain_db - best[2].gain_db
            slope = min(max((best[0] - missed_lu) / gained_db, _LEAST_SLOPE), 1.0) if gained_db else 1.0
        best = (missed_lu, done, settings)
        if abs(missed_lu) <= _CLOSE_LU:
            break
        settings = replace(settings, gain_db=round(settings.gain_db + missed_lu / slope, 2))
    assert best is not None
    return best[1:]
