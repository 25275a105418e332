"""Whether a stem is there: how much of the song it sounds in, and how loud it is against the mixture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mixprior.stats.measures.activity import MIN_ACTIVE_RATIO, active_ratio
from mixprior.stats.measures.loudness import difference
from mixprior.stats.statistic import BACKING, MIXTURE, SONG, VOCALS, Column, Family, Statistic
from mixprior.stats.stem import Stem

PRESENT = "present"
"""Name of the column: 1 for a stem that is there, 0 for one that is not, null for the mixture."""


@dataclass(frozen=True)
class Gate:
    """What a sound has to reach to count as there; a silent one never does.

    Attributes:
        peak_dbfs: sample peak.
        active_ratio: share of the song's 400 ms frames in which it is active (`activity.active`).
        against_mixture_lu: integrated loudness against that of the mixture (ITU-R BS.1770-5).
    """

    peak_dbfs: float = -math.inf
    active_ratio: float = 0.0
    against_mixture_lu: float = -math.inf

    def passes(self, stem: Stem) -> bool:
        """Whether a stem reaches all of it."""
        if stem.silent or stem.peak < 10 ** (self.peak_dbfs / 20):
            return False
        level_lu = difference(stem.integrated_lufs, stem.song[MIXTURE].integrated_lufs)
        if level_lu is not None and level_lu < self.against_mixture_lu:
            return False
        return self.active_ratio == 0 or (active_ratio(stem.song, stem.name) or 0.0) >= self.active_ratio


FXNORM = Gate(peak_dbfs=-50.0)
"""What FxNorm-automix leaves out of its features: stems that nowhere reach -50 dBFS (`data_normalization.py`)."""
TRUE = Gate(against_mixture_lu=-40.0)
"""True stems: one that is further below the mixture is not there for a listener."""
TRUE_VOCALS = Gate(active_ratio=MIN_ACTIVE_RATIO, against_mixture_lu=-30.0)
"""True vocals: a song with less singing counts as instrumental."""
SEPARATED: Mapping[str, Gate] = MappingProxyType(
    {
        VOCALS: Gate(active_ratio=MIN_ACTIVE_RATIO, against_mixture_lu=-25.0),
        "drums": Gate(active_ratio=0.05, against_mixture_lu=-20.0),
        "bass": Gate(against_mixture_lu=-30.0),
        "other": Gate(against_mixture_lu=-30.0),
    }
)
"""Separated stems, by name: above what HTDemucs leaves of an absent source (docs/evidence.md: five in six times or more
it is below, and nineteen in twenty present stems are above)."""


def gate_of(stem: Stem) -> Gate:
    """The gate of a stem: by its name, and whether a separator made it."""
    if stem.song.is_estimated and stem.name in SEPARATED:
        return SEPARATED[stem.name]
    return TRUE_VOCALS if stem.name == VOCALS else TRUE


def is_present(stem: Stem) -> bool | None:
    """Whether a stem is there.

    The backing is there if any of its stems is; where vocals are the only stem, if it passes as a true stem does.

    Returns:
        None for the mixture, and for the row of facts about the song.
    """
    if stem.name in (MIXTURE, SONG):
        return None
    if stem.name != BACKING:
        return gate_of(stem).passes(stem)
    parts = [name for name in stem.song.separated if name not in (VOCALS, BACKING)]
    return any(is_present(stem.song[name]) for name in parts) if parts else TRUE.passes(stem)


def _measure(stem: Stem) -> dict[str, float | None]:
    found = is_present(stem)
    return {PRESENT: None if found is None else float(found)}


STATISTIC = Statistic(
    columns=(
        Column(
            PRESENT,
            "1",
            "1 where the stem is there, 0 where it is not: not silent, active in enough of the song's 400 ms frames, "
            "and loud enough against the mixture; a separated stem above what separation leaves of an absent source. "
            "The backing is there if any of its stems is.",
            1.0,
            title="Present",
            family=Family.BALANCE,
        ),
    ),
    rows=None,
    measure=_measure,
)
