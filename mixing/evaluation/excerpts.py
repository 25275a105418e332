"""The scenes of the shared music, by name: of pairs (vocals and backing) and of the tracks of a song.

Pairs, from the best known to the most real:
true: tracks of the multitracks, summed by role as their makers exported them, and a MUSDB18 excerpt.
wet: solo vocals over an instrumental, in a real room or plate, at a balance about the published mean (MUSDB18-HQ,
    -2.15 LU, sd 2.48): made up, but the dry vocals are known, so that a reverb can be left out.
separated: a clip of each sung song whose role is to choose or to judge, through HTDemucs; its mix is the song itself.

Several tracks:
tracks: the multitracks, as their makers exported the tracks; what is silent in an excerpt is left out.
stems: the four true stems of a MUSDB18 excerpt.
separated: the four stems of the same clips.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from scipy.signal import oaconvolve

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.evaluation import separated
from mixprior.mixing.evaluation.material import Material, Stems, balanced, excerpt, role_of, stems_of, total, tracks_of
from mixprior.mixing.evaluation.scenes import Scene, audible
from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.audio.decode import decode, decode_stems
from mixprior.pipeline.store.records import Song
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

Makers = dict[str, Callable[[], Scene]]
"""What makes each scene, by name; nothing is read before it is called."""

PAIR_KINDS = ("true", "wet", "separated")
TRACK_KINDS = ("tracks", "stems", "separated")

PAIR_S, TRACKS_S = 28, 20
"""Length of the scenes."""
PAIR_STARTS_S = {"3.Sodium": (196, 238), "4.Potassium": (147, 203)}
"""Where the excerpts of the multitracks begin: there is singing in 40 % of each and more."""
TRACK_STARTS_S = {"3.Sodium": (136, 196, 238), "4.Potassium": (60, 147, 203)}
"""One more of each, with few or no vocals and many other tracks."""

WET = (
    ("alex-voc-04", "songs/Kevin_MacLeod_-_Vibe_Ace.hq.ogg", 15, "plate", -14.0, -4.0),
    ("alex-voc-03", "songs/admiralbob77_-_Choice_-_Drum-bass.hq.ogg", 3, "medium_room", -11.0, 0.0),
    ("alex-voc-01", "songs/Kevin_MacLeod_-_Vibe_Ace.hq.ogg", 30, "hall", -17.0, -2.0),
)
"""Vocals, of a singer that the blind reverb estimate was not trained on; instrumental, where it starts in seconds,
response, wet to dry energy in dB, vocals to backing in LU."""


def pairs(material: Material) -> Makers:
    """The scenes of vocals and backing."""
    makers: Makers = {}
    for title, starts_s in PAIR_STARTS_S.items():
        for start_s in starts_s:
            makers[f"{title} {start_s} s"] = partial(_pair_of_multitrack, material, title, start_s)
    makers["Music Delta"] = partial(_pair_of_musdb, material)
    if material.responses is not None:
        for row in WET:
            makers[f"{row[0]} in {row[3]}"] = partial(_wet, material, *row)
    for song in separated.sung(material):
        makers[song.stem] = partial(_separated_pair, material, song)
    return makers


def tracks(material: Material) -> Makers:
    """The scenes of several tracks."""
    makers: Makers = {}
    for title, starts_s in TRACK_STARTS_S.items():
        for start_s in starts_s:
            makers[f"{title} {start_s} s"] = partial(_tracks_of_multitrack, material, title, start_s)
    makers["Music Delta"] = partial(_stems_of_musdb, material)
    for song in separated.sung(material):
        makers[song.stem] = partial(_separated_stems, material, song)
    return makers


def _pair(stems: Stems) -> Stems:
    """Vocals, and the sum of the others."""
    return {VOCALS: stems[VOCALS], BACKING: total(audio for role, audio in stems.items() if role != VOCALS)}


def _pair_of_multitrack(material: Material, title: str, start_s: float) -> Scene:
    whole = _whole_pair(material, title)
    stems = {role: excerpt(audio, start_s, PAIR_S) for role, audio in whole.items()}
    return Scene.of_stems(f"{title} {start_s} s", "true", stems, artists=material.artists_of(f"multitracks/{title}"))


@lru_cache(maxsize=1)
def _whole_pair(material: Material, title: str) -> Stems:
    return _pair(stems_of(material.music / "multitracks" / title))


def _pair_of_musdb(material: Material) -> Scene:
    stems, artists = _musdb(material)
    return Scene.of_stems("Music Delta", "true", _pair(stems), artists=artists)


def _musdb(material: Material) -> tuple[Stems, frozenset[str]]:
    """Stems and artists."""
    (file,) = (material.music / "stems").glob("*.stem.mp4")
    return dict(decode_stems(Song(str(file)))[0]), material.artists_of(f"stems/{file.name}")


def _separated_pair(material: Material, song: Path) -> Scene:
    vocals, backing = separated.pair(song, material)
    artists = material.artists_of(f"{song.parent.name}/{song.name}")
    return Scene.of_stems(song.stem, "separated", {VOCALS: vocals, BACKING: backing}, artists=artists)


def _wet(
    material: Material, singer: str, instrumental: str, start_s: float, response: str, wet_db: float, balance_lu: float
) -> Scene:
    voice = f"voices/{singer}.flac"
    dry = excerpt(decode(str(material.music / voice)), 0, PAIR_S)
    assert material.responses is not None
    file = material.responses / f"{response}.wav"
    tail = oaconvolve(dry, audio_file.read(file).sound.at(SAMPLE_RATE_HZ).audio, axes=-1)[:, : dry.shape[1]]
    tail *= 10 ** (wet_db / 20) * np.sqrt(np.sum(dry**2) / np.sum(tail**2))
    wet = (dry + tail).astype(np.float32)
    backing = excerpt(decode(str(material.music / instrumental)), start_s, dry.shape[1] / SAMPLE_RATE_HZ)
    stems = balanced(wet, {BACKING: backing}, balance_lu)
    gain = np.float32(np.sqrt(np.sum(stems[VOCALS] ** 2) / np.sum(wet**2)))
    stems = {role: audio.astype(np.float32) for role, audio in stems.items()}
    artists = material.artists_of(voice, instrumental)
    return Scene.of_stems(f"{singer} in {response}", "wet", stems, dry_vocals=gain * dry, artists=artists)


def _tracks_of_multitrack(material: Material, title: str, start_s: float) -> Scene:
    found = _excerpts(material, title)[start_s]
    roles = {name: _class_of(name) for name in found}
    artists = material.artists_of(f"multitracks/{title}")
    return Scene(f"{title} {start_s} s", "tracks", Sound.sum(found.values()), found, roles, artists=artists)


@lru_cache(maxsize=1)
def _excerpts(material: Material, title: str) -> dict[float, dict[str, Sound]]:
    """Audible tracks by name, by where the excerpt starts; they are decoded once for all."""
    samples = TRACKS_S * SAMPLE_RATE_HZ
    found: dict[float, dict[str, Sound]] = {start_s: {} for start_s in TRACK_STARTS_S[title]}
    for name, whole in tracks_of(material.music / "multitracks" / title):
        for start_s, own in found.items():
            audio = excerpt(whole, start_s, TRACKS_S)
            padded = np.pad(audio, ((0, 0), (0, samples - audio.shape[1])))
            own |= audible({name.removesuffix("_mobile"): padded})
    return found


def _class_of(track: str) -> str:
    role = role_of(track)
    return role if role in CLASSES else "bass"  # The pad and bass on one track are all the bass that song has.


def _stems_of_musdb(material: Material) -> Scene:
    whole, artists = _musdb(material)
    stems = {name: excerpt(audio, 0, TRACKS_S) for name, audio in whole.items()}
    return Scene.of_stems("Music Delta", "stems", stems, artists=artists)


def _separated_stems(material: Material, song: Path) -> Scene:
    clip, whole = separated.four_stems(song, material)
    start_s = (separated.CLIP_S - TRACKS_S) / 2
    stems = {name: excerpt(audio, start_s, TRACKS_S) for name, audio in whole.items()}
    artists = material.artists_of(f"{song.parent.name}/{song.name}")
    return Scene.of_stems(song.stem, "separated", stems, excerpt(clip, start_s, TRACKS_S), artists=artists)
