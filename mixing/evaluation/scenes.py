"""A scene: an original mix as the tracks it is the sum of, to be damaged and mixed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

ROLES = (VOCALS, BACKING, *CLASSES[1:])
"""What a track is: vocals or backing in a pair, one of `CLASSES` in a song of several tracks."""


@dataclass(frozen=True, eq=False)
class Scene:
    """An original as its tracks, which sum to it; a pair is a scene of the tracks "vocals" and "backing".

    Attributes:
        name: unlike all others.
        kind: where the tracks come from: "tracks", "stems", "separated", "wet" or "human".
        tracks: by name, in stereo at 44.1 kHz, of one length.
        roles: one of `ROLES` for each track.
        artist: whose it is, in small letters: scenes of one artist are drawn together.
        artists: everybody who is heard, in small letters: the priors that mix it rest on no song of theirs.
        dry: tracks before their reverb, where they are known.
        raw: tracks before a person mixed them, where they are known.
    """

    name: str
    kind: str
    tracks: Mapping[str, Sound]
    roles: Mapping[str, str]
    artist: str = ""
    artists: frozenset[str] = frozenset()
    dry: Mapping[str, Sound] = field(default_factory=dict)
    raw: Mapping[str, Sound] = field(default_factory=dict)

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

    def pair(self) -> Scene:
        """The same as vocals and backing."""
        parts = self.by_role(self.tracks)
        vocals = parts.pop(VOCALS)
        tracks = {VOCALS: vocals, BACKING: Sound.sum(parts.values())}
        return replace(self, tracks=tracks, roles={name: name for name in tracks})


@dataclass(frozen=True, eq=False)
class Mixed:
    """A mix and what it was made of.

    Attributes:
        mix: two channels, 44.1 kHz.
        parts: tracks summed by role, as they are in the mix before its own gain and limiter.
        wet_dry_db: true energy of the vocals' reverb over that of the dry vocals; None where that is not known.
    """

    mix: Sound
    parts: Mapping[str, Sound]
    wet_dry_db: float | None = None

    @classmethod
    def summed(cls, parts: Mapping[str, Sound], wet_dry_db: float | None = None) -> Mixed:
        """The mix that is the sum of its parts."""
        return cls(Sound.sum(parts.values()), parts, wet_dry_db)


def audible(tracks: Mapping[str, np.ndarray]) -> dict[str, Sound]:
    """Sounds at 44.1 kHz of the arrays that have a loudness."""
    sounds = {name: Sound(audio, SAMPLE_RATE_HZ) for name, audio in tracks.items()}
    return {name: sound for name, sound in sounds.items() if not sound.silent}
