"""The music an evaluation works on: where it is, and how its tracks are read. None of it is part of the project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixprior.pipeline.audio.decode import decode
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.stats.errors import InputError
from mixprior.stats.measures.balance import vocal_to_backing_lu
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet

TRACK_ROLES = (
    ("vocals", r"VOX"),
    ("pad and bass", r"PAD \+ BASS"),
    ("drums", r"KICK|SNARE|HH|HATS?|CLAP|TOPS|BEAT|PRC|FILL|DRUMS?|K & SN"),
    ("bass", r"BASS"),
    ("other", r""),
)
"""Role of a track of the multitracks by its name; the first pattern found counts. A pad and a bass on one track are
neither bass nor other."""

PEAK = 0.9

Stems = dict[str, np.ndarray]
"""Sounds by name or role: float32, (2, samples), 44.1 kHz."""


@dataclass(frozen=True)
class Material:
    """Folders of an evaluation.

    Attributes:
        music: holds songs/, more_songs/, multitracks/, stems/ and voices/.
        responses: impulse responses of rooms and plates; None if there are none: there are no wet scenes then.
        output: where excerpts, separated clips and tables are kept.
        recordings: of the table of roles.
    """

    music: Path
    responses: Path | None
    output: Path
    recordings: tuple[Recording, ...] = ()

    @property
    def human(self) -> Path:
        """Folder of tracks before and after a person mixed them, by `tools.songs.human_mixes`; it may be missing."""
        return self.output / "human"

    def recording(self, collection: str, path: str) -> Recording:
        """Return the row of a recording.

        Raises:
            InputError: if the table of roles lacks it.
        """
        for each in self.recordings:
            if (each.collection, each.path) == (collection, path):
                return each
        raise InputError(f"the table of roles has no {collection}/{path}: its artists are not known")


def tracks_of(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Decode the tracks of a multitrack one by one: name and sound."""
    for path in sorted(folder.glob("*.m4a")):
        yield path.stem.split("_Stem_")[1], decode(str(path))


def role_of(track: str) -> str:
    """Role of a track by `TRACK_ROLES`.

    >>> role_of("LEAD VOX"), role_of("SUB BASS"), role_of("GTR")
    ('vocals', 'bass', 'other')
    """
    return next(role for role, pattern in TRACK_ROLES if re.search(pattern, track))


def stems_of(folder: Path) -> Stems:
    """Sum the tracks of a multitrack by role."""
    stems: Stems = {}
    for name, track in tracks_of(folder):
        role = role_of(name)
        known = stems.get(role, track[:, :0])
        samples = max(known.shape[1], track.shape[1])
        stems[role] = total(np.pad(x, ((0, 0), (0, samples - x.shape[1]))) for x in (known, track))
    samples = min(audio.shape[1] for audio in stems.values())
    return {role: audio[:, :samples] for role, audio in stems.items()}


def total(sounds: Iterable[np.ndarray]) -> np.ndarray:
    """Sum arrays of one shape."""
    return np.asarray(np.sum(list(sounds), axis=0))


def excerpt(audio: np.ndarray, start_s: float, duration_s: float) -> np.ndarray:
    """Cut out a part; shorter where the sound ends before."""
    start = int(start_s * SAMPLE_RATE_HZ)
    return audio[:, start : start + round(duration_s * SAMPLE_RATE_HZ)]


def balanced(vocals: np.ndarray, backing: Mapping[str, np.ndarray], balance_lu: float) -> Stems:
    """Set the loudness of vocals against a backing (`mixprior.stats.measures.balance`), and the peak of the sum.

    Raises:
        ValueError: if either is silent.
    """
    ratio_lu = vocal_to_backing_lu(StemSet({"vocals": vocals, **backing}))
    if ratio_lu is None:
        raise ValueError("vocals or backing are silent: they have no balance")
    stems = {"vocals": vocals * 10 ** ((balance_lu - ratio_lu) / 20), **backing}
    gain = PEAK / np.abs(total(stems.values())).max()
    return {name: gain * audio for name, audio in stems.items()}
