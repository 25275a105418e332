"""A scene: an original mix and the tracks it was made of, to be damaged and mixed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

ROLES = (VOCALS, BACKING, *CLASSES[1:])
"""What a track is: vocals or backing in a pair, one of `CLASSES` in a song of several tracks."""


@dataclass(frozen=True, eq=False)
class Scene:
    """An original and its tracks; a pair is a scene of the tracks "vocals" and "backing".

    Attributes:
        name: unlike all others.
        kind: where the tracks come from: "true", "wet" or "separated" for pairs, "tracks", "stems" or "separated".
        mix: the original, in stereo at 44.1 kHz.
        tracks: by name, as long as the mix. They sum to the mix, except for what a separation loses.
        roles: one of `ROLES` for each track.
        dry: tracks before their reverb, as loud, where they are known.
        artists: who is heard, in small letters: the priors that mix it rest on no song of theirs.
    """

    name: str
    kind: str
    mix: Sound
    tracks: Mapping[str, Sound]
    roles: Mapping[str, str]
    dry: Mapping[str, Sound] = field(default_factory=dict)
    artists: frozenset[str] = frozenset()

    @classmethod
    def of_stems(
        cls,
        name: str,
        kind: str,
        stems: Mapping[str, np.ndarray],
        mix: np.ndarray | None = None,
        dry_vocals: np.ndarray | None = None,
        artists: frozenset[str] = frozenset(),
    ) -> Scene:
        """Make a scene of one track for each role; silent ones are left out.

        Args:
            name: of the scene.
            kind: of the scene.
            stems: float32, (2, samples), 44.1 kHz, by role.
            mix: the original; None for the sum of the stems.
            dry_vocals: the vocals before their reverb, if they are known.
            artists: as the attribute.
        """
        tracks = audible(stems)
        whole = Sound.sum(tracks.values()) if mix is None else Sound(mix, SAMPLE_RATE_HZ)
        dry = {} if dry_vocals is None else {VOCALS: Sound(dry_vocals, SAMPLE_RATE_HZ)}
        return cls(name, kind, whole, tracks, {role: role for role in tracks}, dry, artists)

    @property
    def is_pair(self) -> bool:
        """Whether there are vocals and a backing, and nothing else."""
        return BACKING in self.roles.values()

    @property
    def parts(self) -> list[str]:
        """The roles there are, in the order of `ROLES`."""
        return [role for role in ROLES if role in self.roles.values()]

    def by_role(self, tracks: Mapping[str, Sound]) -> dict[str, Sound]:
        """Sum versions of the tracks by role."""
        members = {role: [tracks[name] for name in tracks if self.roles[name] == role] for role in self.parts}
        return {role: each[0] if len(each) == 1 else Sound.sum(each) for role, each in members.items()}


@dataclass(frozen=True, eq=False)
class Mixed:
    """A mix and what it was made of.

    Attributes:
        mix: two channels, 44.1 kHz.
        parts: tracks summed by role, as they are in the mix before its own gain and limiter.
    """

    mix: Sound
    parts: Mapping[str, Sound]

    @classmethod
    def summed(cls, parts: Mapping[str, Sound]) -> Mixed:
        """The mix that is the sum of its parts."""
        return cls(Sound.sum(parts.values()), parts)


def audible(tracks: Mapping[str, np.ndarray]) -> dict[str, Sound]:
    """Sounds at 44.1 kHz of the arrays that have a loudness."""
    sounds = {name: Sound(audio, SAMPLE_RATE_HZ) for name, audio in tracks.items()}
    return {name: sound for name, sound in sounds.items() if not sound.silent}
