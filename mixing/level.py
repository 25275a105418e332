"""How loud the vocal stands against the backing: the target, and the gain that reaches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.priors import EVERY_SONG, Prior, Priors, PriorsLookupError
from stats.errors import InputError
from stats.loudness import integrated_lufs
from stats.loudness_blocks import Blocks

RATIO = "vocal_to_backing_lu"
RATIO_OF_MONO = "vocal_to_backing_mono_lu"
DEFINITIONS = {
    RATIO: "integrated loudness of the vocal minus that of the backing (ITU-R BS.1770-5), both stereo",
    RATIO_OF_MONO: "integrated loudness of the vocal minus that of the backing (ITU-R BS.1770-5), "
    "both as the mean of their channels",
}
_ENERGIES: dict[str, Callable[[Blocks], np.ndarray]] = {
    RATIO: lambda blocks: blocks.weighted,
    RATIO_OF_MONO: lambda blocks: blocks.mono_weighted[np.newaxis],
}

LEAST_SONGS = 10
"""A group of fewer songs gives way to all songs: with the published spread of 2.5 LU the standard error of
its median (1.25 sd / sqrt(n)) would pass 1 LU."""

_PASSES = 4


@dataclass(frozen=True)
class LevelTarget:
    """The ratio of vocal to backing that a mix should have, and where it was taken from.

    Attributes:
        statistic: which ratio it is: a key of `DEFINITIONS`.
        ratio_lu: its value.
        source: "prior", "asked" or "published".
        reason: the same in words.
        prior: the prior it is the median of; None from another source.
        warnings: what its user should know of it.
    """

    statistic: str
    ratio_lu: float
    source: str
    reason: str
    prior: Prior | None = None
    warnings: tuple[str, ...] = ()


PUBLISHED = LevelTarget(
    RATIO_OF_MONO,
    -2.15,
    "published",
    "mean of the 100 songs of the MUSDB18-HQ training set, true stems, measured in mono (Li, Autonomous Vocal and "
    "Backing Track Mixing, 2022)",
)
"""What to aim for without priors. It was measured on the mean of the channels, so it is reached on that."""


def asked(ratio_lu: float) -> LevelTarget:
    """The ratio that a person asked for."""
    return LevelTarget(RATIO, ratio_lu, "asked", "as asked for")


def from_priors(priors: Priors, group: str = EVERY_SONG) -> LevelTarget:
    """The median of a group of songs; that of all songs where there is no such group, or hardly a song in it.

    Raises:
        InputError: if the priors hold no vocal-to-backing ratio of any song.
    """
    warnings: list[str] = []
    prior = priors.lookup("song", RATIO)
    if group != EVERY_SONG:
        try:
            of_group = priors.lookup("song", RATIO, group)
        except PriorsLookupError as error:
            warnings.append(f"all songs stand in for the group: {error}")
        else:
            if of_group.n >= LEAST_SONGS:
                prior = of_group
            else:
                warnings.append(
                    f"all songs stand in for the group {group}: its {of_group.n} songs are fewer than {LEAST_SONGS}"
                )
    if prior.p50 is None:
        raise InputError(f"{priors.path} has no {RATIO}: no song had vocals and a backing; give --ratio-lu instead")
    if prior.n < LEAST_SONGS:
        warnings.append(f"the prior rests on {prior.n} songs only")
    reason = (
        f"median of {prior.n} songs (group {prior.group}); half of them lie between {prior.p25:.2f} and {prior.p75:.2f}"
    )
    return LevelTarget(RATIO, prior.p50, "prior", reason, prior, tuple(warnings))


def vocal_to_backing_lu(
    vocal: Blocks, backing: Blocks, statistic: str = RATIO, vocal_gain_db: float = 0.0, mix_gain_db: float = 0.0
) -> float | None:
    """The ratio after gains, without rendering them; None where either is silent or shorter than 0.4 s."""
    vocal_lufs = _loudness(vocal, statistic, vocal_gain_db + mix_gain_db)
    backing_lufs = _loudness(backing, statistic, mix_gain_db)
    return None if vocal_lufs is None or backing_lufs is None else vocal_lufs - backing_lufs


def vocal_gain_db(vocal: Blocks, backing: Blocks, target: LevelTarget) -> float | None:
    """Gain of the vocal that brings it to the target, in steps of 0.01 dB; None where there is nothing to measure.

    The gates of BS.1770 look at absolute levels, so that a gain can change the loudness of a sparse sound by more or
    less than itself; the gain is therefore measured again and corrected.
    """
    gain_db = 0.0
    for _ in range(_PASSES):
        reached = vocal_to_backing_lu(vocal, backing, target.statistic, gain_db)
        if reached is None:
            return None
        gain_db += target.ratio_lu - reached
    return round(gain_db, 2)


def _loudness(blocks: Blocks, statistic: str, gain_db: float) -> float | None:
    return integrated_lufs(_ENERGIES[statistic](blocks) * 10 ** (gain_db / 10))
