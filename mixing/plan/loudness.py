"""The loudness of the whole mix, and the limiter it may need."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.ceiling import AIM_DBTP, CEILING_DBTP
from mixprior.mixing.effects.settings import LimiterSettings, MixSettings
from mixprior.mixing.plan.step import Step
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.measures.true_peak import true_peak_dbtp

DEFAULT_LUFS = -16.0
"""What streaming services and the AES ask for: AES TD1008 (2021) recommends -16 LUFS for a track."""

_CLOSE_LU = 0.02
_ROUNDS = 6
_MISSED_LU = 0.1
_HEAVY_DB = 6.0


@dataclass(frozen=True)
class Finish:
    """The end of a mix.

    Attributes:
        audio: float32, (2, samples): the mix.
        settings: with the gain and the limiter.
        step: what was done.
    """

    audio: np.ndarray
    settings: MixSettings
    step: Step


def finish(
    audio: np.ndarray,
    rate_hz: int,
    settings: MixSettings,
    target_lufs: float | None = DEFAULT_LUFS,
    ceiling_dbtp: float = AIM_DBTP,
) -> Finish:
    """Bring a sum to a loudness, with a limiter only if its peaks would pass the ceiling.

    The limiter takes loudness away, so gain and limiter are tried together, at most six times.

    Args:
        audio: float32, (2, samples): the sum of all.
        rate_hz: its sample rate.
        settings: of the mix so far.
        target_lufs: integrated loudness of the mix (BS.1770-5); None leaves it where it is.
        ceiling_dbtp: no true peak above it, a hair below the ceiling of the written file.
    """
    lufs, peak_dbtp = integrated(audio, rate_hz), true_peak_dbtp(audio)
    measured = {"integrated_lufs": lufs, "true_peak_dbtp": peak_dbtp}
    gain_db, aim, warnings = 0.0, "left as loud as it is", []
    target = {"ceiling_dbtp": CEILING_DBTP}
    if target_lufs is not None and lufs is None:
        warnings.append(f"the mix is silent, or shorter than 0.4 s, and cannot be brought to {target_lufs:.2f} LUFS")
    elif target_lufs is not None and lufs is not None:
        gain_db = round(target_lufs - lufs, 2)
        aim = f"{gain_db:+.2f} dB, from {lufs:.2f} to {target_lufs:.2f} LUFS"
        target["integrated_lufs"] = target_lufs
    settings = replace(settings, gain_db=gain_db, limiter=None)

    def told(reason: str, reached_lufs: float | None) -> Step:
        setting = {"gain_db": settings.gain_db, "limiter": settings.limiter is not None}
        reached = {"integrated_lufs": reached_lufs}
        return Step("loudness", "mix", reason, measured, target, setting, warnings=tuple(warnings), reached=reached)

    if peak_dbtp is None or peak_dbtp + gain_db <= ceiling_dbtp:
        done = chain.finish(audio, settings, rate_hz)
        reason = f"mix {aim}; its true peak stays under {CEILING_DBTP:g} dBTP without a limiter"
        return Finish(done, settings, told(reason, integrated(done, rate_hz)))
    wanted_lufs = target.get("integrated_lufs")
    done, settings, reached_lufs = _limited(audio, rate_hz, settings, wanted_lufs, ceiling_dbtp)
    over_db = peak_dbtp + settings.gain_db - ceiling_dbtp
    if wanted_lufs is not None and reached_lufs is not None:
        aim = f"{settings.gain_db:+.2f} dB, from {lufs:.2f} to {reached_lufs:.2f} LUFS"
        missed_lu = wanted_lufs - reached_lufs
        if abs(missed_lu) > _MISSED_LU:
            warnings.append(f"{wanted_lufs:.2f} LUFS missed by {missed_lu:.2f} LU: no limiter makes it that loud")
    if over_db > _HEAVY_DB and not warnings:
        remedy = "" if wanted_lufs is None else ": a lower --target-lufs is cleaner"
        warnings.append(f"the limiter takes up to {over_db:.1f} dB from the peaks{remedy}")
    reason = f"mix {aim}; a limiter takes up to {over_db:.1f} dB off the peaks to keep them under {CEILING_DBTP:g} dBTP"
    return Finish(done, settings, told(reason, reached_lufs))


def _limited(
    audio: np.ndarray, rate_hz: int, settings: MixSettings, wanted_lufs: float | None, ceiling_dbtp: float
) -> tuple[np.ndarray, MixSettings, float | None]:
    """Limit a sum, with the gain that makes the outcome as loud as wanted, or as near as it gets."""
    settings = replace(settings, limiter=LimiterSettings(ceiling_dbtp))
    best: tuple[float, np.ndarray, MixSettings, float | None] | None = None
    for _ in range(_ROUNDS):
        done = chain.finish(audio, settings, rate_hz)
        reached_lufs = integrated(done, rate_hz)
        if wanted_lufs is None or reached_lufs is None:
            return done, settings, reached_lufs
        missed_lu = wanted_lufs - reached_lufs
        if best is not None and abs(missed_lu) >= abs(best[0]):
            break
        best = (missed_lu, done, settings, reached_lufs)
        if abs(missed_lu) <= _CLOSE_LU:
            break
        settings = replace(settings, gain_db=round(settings.gain_db + missed_lu, 2))
    assert best is not None
    return best[1:]
