"""A vocal and a backing become one sound: arrays in, array out, with the reasons for its gains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixing import ceiling, level
from mixing.level import LevelTarget
from mixing.recipe import Settings
from stats import loudness_blocks
from stats.loudness import integrated, integrated_lufs
from stats.loudness_blocks import Blocks
from stats.true_peak import true_peak_dbtp


@dataclass(frozen=True)
class Mixdown:
    """A mix in memory.

    Attributes:
        audio: float32, shape (2, samples): (vocal * vocal gain + backing) * mix gain.
        settings: the gains.
        vocal_lufs: integrated loudness of the vocal before its gain; None if silent or shorter than 0.4 s.
        backing_lufs: the same of the backing.
        vocal_to_backing_lu: ratio of the two inside the mix; None where one of them is None.
        reasons: why the gains are what they are, in sentences.
        warnings: what could not be done, in sentences.
    """

    audio: np.ndarray
    settings: Settings
    vocal_lufs: float | None
    backing_lufs: float | None
    vocal_to_backing_lu: float | None
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


def mix_down(
    vocal: np.ndarray,
    backing: np.ndarray,
    rate_hz: int,
    target: LevelTarget = level.PUBLISHED,
    target_lufs: float | None = None,
    ceiling_dbtp: float = ceiling.CEILING_DBTP,
) -> Mixdown:
    """Mix two sounds; both start at 0, and the shorter is followed by silence.

    Args:
        vocal: float32, shape (2, samples), full scale 1.0.
        backing: the same; its length may differ.
        rate_hz: sample rate of both.
        target: the ratio of vocal to backing to reach; a vocal next to silence keeps its level.
        target_lufs: integrated loudness of the mix; None leaves it where the backing has it.
        ceiling_dbtp: the mix is turned down as a whole where its true peak would pass this.
    """
    length = max(vocal.shape[1], backing.shape[1])
    vocal, backing = (np.pad(sound, ((0, 0), (0, length - sound.shape[1]))) for sound in (vocal, backing))
    vocal_blocks, backing_blocks = (loudness_blocks.measure(sound, rate_hz) for sound in (vocal, backing))
    vocal_gain_db, reason, warnings = _set_vocal(vocal_blocks, backing_blocks, target)
    audio = vocal * _factor(vocal_gain_db) + backing
    mix_gain_db, mix_reason, mix_warnings = _set_mix(audio, rate_hz, target_lufs, ceiling_dbtp)
    gains = (vocal_gain_db, mix_gain_db)
    return Mixdown(
        audio=audio * _factor(mix_gain_db),
        settings=Settings(*gains),
        vocal_lufs=integrated_lufs(vocal_blocks.weighted),
        backing_lufs=integrated_lufs(backing_blocks.weighted),
        vocal_to_backing_lu=level.vocal_to_backing_lu(vocal_blocks, backing_blocks, *gains),
        reasons=(reason, mix_reason),
        warnings=(*target.warnings, *warnings, *mix_warnings),
    )


def _set_vocal(vocal: Blocks, backing: Blocks, target: LevelTarget) -> tuple[float, str, tuple[str, ...]]:
    gain_db = level.vocal_gain_db(vocal, backing, target.ratio_lu)
    if gain_db is None:
        warning = "the vocal or the backing is silent, or shorter than 0.4 s, so that there is no ratio to set"
        return 0.0, "vocal left as it is", (warning,)
    reason = f"vocal {gain_db:+.2f} dB, to stand at {target.ratio_lu:+.2f} LU to the backing: {target.reason}"
    return gain_db, reason, ()


def _set_mix(
    audio: np.ndarray, rate_hz: int, target_lufs: float | None, ceiling_dbtp: float
) -> tuple[float, str, tuple[str, ...]]:
    wanted_db, aim, warnings = 0.0, "left as it is", []
    lufs = integrated(audio, rate_hz)
    if target_lufs is not None and lufs is not None:
        wanted_db = round(target_lufs - lufs, 2)
        aim = f"{wanted_db:+.2f} dB, to {target_lufs:.2f} LUFS as asked for"
    elif target_lufs is not None:
        warnings.append(f"the mix is silent, or shorter than 0.4 s, and cannot be brought to {target_lufs:.2f} LUFS")
    gain_db = ceiling.gain_db(true_peak_dbtp(audio), ceiling_dbtp)
    if gain_db >= wanted_db:
        return wanted_db, f"mix {aim}; its true peak stays under {ceiling.CEILING_DBTP:g} dBTP", tuple(warnings)
    if target_lufs is not None and lufs is not None:
        missed = target_lufs - lufs - gain_db
        warnings.append(f"{target_lufs:.2f} LUFS missed by {missed:.2f} LU: a louder mix would need a limiter")
    reason = (
        f"mix {gain_db:+.2f} dB, to keep its true peak under {ceiling.CEILING_DBTP:g} dBTP: a plain gain, no limiter"
    )
    return gain_db, reason, tuple(warnings)


def _factor(gain_db: float) -> np.float32:
    return np.float32(10 ** (gain_db / 20))
