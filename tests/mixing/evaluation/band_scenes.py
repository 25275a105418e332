"""Scenes of a whole band: tracks of known classes and the mix that somebody made of them.

tracks: excerpts of the shared multitracks, as their makers exported the tracks; what is silent in one is left out.
stems: the four true stems of a MUSDB18 excerpt.
separated: the four stems of a clip of each shared song with singing, through HTDemucs; its mix is the song itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.pipeline.audio.decode import decode, decode_stems
from mixprior.pipeline.store.records import Song
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation import separated
from tests.mixing.evaluation.scenes import STARTS_S
from tools.songs.calibration_truth import MUSIC, ROLES, excerpt, total

KINDS = ("tracks", "stems", "separated")
SECONDS = 20
BAND_STARTS_S = {"3.Sodium": (136, *STARTS_S["3.Sodium"]), "4.Potassium": (60, *STARTS_S["4.Potassium"])}
"""Where the excerpts of the multitracks begin: one more of each, of few or no voices and many other tracks."""

_SAMPLES = SECONDS * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class BandScene:
    """A mix and the tracks it was made of.

    Attributes:
        name: unlike all others.
        kind: one of `KINDS`.
        mix: float32, (2, samples), 44.1 kHz: the original.
        tracks: the same shape, by name; none is silent. They sum to the mix, but for what a separation loses.
        roles: class of each track, one of `mixprior.mixing.plan.multitrack.CLASSES`.
        song: file name of the song in a catalog, whose measurements must not serve to mix it; None for none.
    """

    name: str
    kind: str
    mix: np.ndarray
    tracks: Mapping[str, np.ndarray]
    roles: Mapping[str, str]
    song: str | None = None

    @classmethod
    def of_stems(
        cls, name: str, kind: str, stems: Mapping[str, np.ndarray], mix: np.ndarray, song: str | None = None
    ) -> BandScene:
        """A scene with a track for each class."""
        audible = {stem: audio for stem, audio in stems.items() if _is_audible(audio)}
        return cls(name, kind, mix, audible, {stem: stem for stem in audible}, song)

    def by_class(self, tracks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Sum sounds of the tracks by class."""
        return {
            role: total(tracks[name] for name in tracks if self.roles[name] == role)
            for role in CLASSES
            if role in self.roles.values()
        }


def catalog() -> dict[str, Callable[[], BandScene]]:
    """What makes each scene, by name; nothing is read before it is called. Empty without the shared music."""
    makers: dict[str, Callable[[], BandScene]] = {}
    for title, starts_s in BAND_STARTS_S.items():
        for start_s in starts_s:
            makers[f"{title} {start_s} s"] = partial(_of_multitrack, title, start_s)
    makers["Music Delta"] = _of_musdb
    for song in separated.sung():
        makers[song.stem] = partial(_separated, song)
    return makers if MUSIC.exists() else {}


def _of_multitrack(title: str, start_s: float) -> BandScene:
    tracks = _excerpts(title)[start_s]
    roles = {name: _role(name) for name in tracks}
    return BandScene(f"{title} {start_s} s", "tracks", total(tracks.values()), tracks, roles)


@lru_cache(maxsize=1)
def _excerpts(title: str) -> dict[float, dict[str, np.ndarray]]:
    """Audible tracks by name, by where the excerpt starts; they are decoded once for all."""
    found: dict[float, dict[str, np.ndarray]] = {start_s: {} for start_s in BAND_STARTS_S[title]}
    for path in sorted((MUSIC / "multitracks" / title).glob("*.m4a")):
        whole = decode(str(path))
        for start_s, tracks in found.items():
            audio = excerpt(whole, start_s, _SAMPLES)
            if _is_audible(audio):
                name = path.stem.split("_Stem_")[1].removesuffix("_mobile")
                tracks[name] = np.pad(audio, ((0, 0), (0, _SAMPLES - audio.shape[1])))
    return found


def _role(track: str) -> str:
    role = next(role for role, pattern in ROLES if re.search(pattern, track))
    return role if role in CLASSES else "bass"  # The pad and bass on one track are all the bass that song has.


def _of_musdb() -> BandScene:
    (file,) = (MUSIC / "stems").glob("*.stem.mp4")
    stems = {name: excerpt(audio, 0, _SAMPLES) for name, audio in decode_stems(Song(str(file)))[0].items()}
    return BandScene.of_stems("Music Delta", "stems", stems, total(stems.values()))


def _separated(song: Path) -> BandScene:
    clip, whole = separated.four_stems(song)
    start_s = (separated.CLIP_S - SECONDS) / 2
    stems = {name: excerpt(audio, start_s, _SAMPLES) for name, audio in whole.items()}
    return BandScene.of_stems(song.stem, "separated", stems, excerpt(clip, start_s, _SAMPLES), song.name)


def _is_audible(audio: np.ndarray) -> bool:
    return integrated(audio, SAMPLE_RATE_HZ) is not None
