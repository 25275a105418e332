"""How loud the vocal stands against the backing: the target, and the gain that reaches it."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.priors import EVERY_SONG, Prior, Priors, PriorsLookupError
from stats.errors import InputError
from stats.loudness import difference, integrated_lufs
from stats.loudness_blocks import Blocks

RATIO = "vocal_to_backing_lu"
"""The statistic that a mix is set by, in the row "song" of priors."""
DEFINITION = "integrated loudness of the vocal minus that of the backing (ITU-R BS.1770-5), both stereo"

LEAST_SONGS = 10
"""A group of fewer songs gives way to all songs: with the published spread of 2.5 LU the standard error of
its median (1.25 sd / sqrt(n)) would pass 1 LU."""

_CORRECTIONS = 3


@dataclass(frozen=True)
class LevelTarget:
    """The ratio of vocal to backing that a mix should have, and where it was taken from.

    Attributes:
        ratio_lu: integrated loudness of the vocal minus that of the backing.
        source: "prior", "asked" or "published".
        reason: the same in words.
        prior: the prior it is the median of; None from another source.
        warnings: what its user should know of it.
    """

    ratio_lu: float
    source: str
    reason: str
    prior: Prior | None = None
    warnings: tuple[str, ...] = ()


PUBLISHED = LevelTarget(
    -2.15,
    "published",
    "mean of the 100 songs of the MUSDB18-HQ training set, true stems (K. Li, Autonomous Vocal and Backing Track "
    "Mixing, Georgia Tech; sd 2.48 LU)",
)
"""What to aim for without priors: github likelian/Lab_spring2022, data/vox_acc_ratio, measured in stereo."""


def asked(ratio_lu: float) -> LevelTarget:
    """The ratio that a person asked for."""
    return LevelTarget(ratio_lu, "asked", "as asked for")


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
    return LevelTarget(prior.p50, "prior", reason, prior, tuple(warnings))


def vocal_to_backing_lu(
    vocal: Blocks, backing: Blocks, vocal_gain_db: float = 0.0, mix_gain_db: float = 0.0
) -> float | None:
    """The ratio after gains, without rendering them; None where either is silent or shorter than 0.4 s."""
    vocal_lufs = _loudness(vocal, vocal_gain_db + mix_gain_db)
    backing_lufs = _loudness(backing, mix_gain_db)
    return difference(vocal_lufs, backing_lufs)


def vocal_gain_db(vocal: Blocks, backing: Blocks, ratio_lu: float) -> float | None:
    """Gain of the vocal that brings it to the ratio, in steps of 0.01 dB; None where there is nothing to measure.

    The gates of BS.1770 look at absolute levels, so that a gain can change the loudness of a sparse sound by more or
    less than itself; the gain is therefore measured again and corrected.
    """
    reached = vocal_to_backing_lu(vocal, backing)
    if reached is None:
        return None
    gain_db = ratio_lu - reached
    for _ in range(_CORRECTIONS):
        reached = vocal_to_backing_lu(vocal, backing, gain_db)
        if reached is None:  # The vocal comes to lie under the gate at -70 LUFS: there is nothing to correct by.
            break
        gain_db += ratio_lu - reached
    return round(gain_db, 2)


def _loudness(blocks: Blocks, gain_db: float) -> float | None:
    return integrated_lufs(blocks.weighted * 10 ** (gain_db / 10))
