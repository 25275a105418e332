"""The scenes of the shared music by name: those that choose what a mixer does, and those that judge it once.

tracks: multitracks, as their makers exported the tracks; what is silent in an excerpt is left out.
stems: the four true stems of a MUSDB18 excerpt.
separated: a clip of each sung song of the role through HTDemucs, which the project's own separation runs.
human: classes of free projects, raw and as their authors mixed them, which `tools.songs.human_mixes` renders.
wet: solo vocals in a real room or plate over the backing of such a clip, at a balance about the published mean
    (MUSDB18-HQ, -2.15 LU, sd 2.48). Made up, but how wet the vocals are is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from scipy.signal import oaconvolve

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.evaluation import separated, windows
from mixprior.mixing.evaluation.material import Material, Stems, balanced, excerpt, role_of, total, tracks_of
from mixprior.mixing.evaluation.scenes import Scene, audible
from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.audio.decode import decode, decode_stems
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.store.records import Song
from mixprior.stats.errors import InputError
from mixprior.stats.measures.presence import is_present
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet

Makers = dict[str, Callable[[], Scene]]
"""What makes each scene, by name; nothing is read before it is called."""

CHOOSE, JUDGE = "choose", "judge"
SETS = (CHOOSE, JUDGE)

LENGTH_S = 20
MULTITRACKS = {"3.Sodium": 196, "4.Potassium": 203}
"""Title and start in seconds, of role `calibrate`: 28 and 19 tracks, and singing in 40 % of the excerpt and more."""

WET = {
    CHOOSE: (
        ("vocadito_1.wav", "Fantasma_-_Los_Rombos.mp3", "plate", -14.0, -4.0),
        ("vocadito_10.wav", "Mes_Larmes_-_kobzx2z.mp3", "medium_room", -11.0, 0.0),
        ("vocadito_14.wav", "Joshua_Morin_-_On_the_run.ogg", "hall", -17.0, -2.0),
    ),
    JUDGE: (
        ("alex-voc-04.flac", "Yuanan_-_Miedo_-_Yuanan.mp3", "plate", -14.0, -4.0),
        ("alex-voc-03.flac", "de_bonne_humeur_-_Le_Nez_Tordu.mp3", "medium_room", -11.0, 0.0),
        ("alex-voc-01.flac", "Le_royaume_des_glous_glous_-_Raoul_de_QSM.mp3", "hall", -17.0, -2.0),
    ),
}
"""Voice, song whose backing is heard, response, wet to dry energy in dB, vocals to backing in LU.

The blind reverb estimate was trained on the voices that choose (role `train-blind`), and not on those that judge.
"""


def songs(material: Material, which: str) -> Makers:
    """Songs of a set by title, each as windows that stand for all of it (`mixprior.mixing.evaluation.windows`).

    Raises:
        InputError: if the table of roles has no songs for it.
    """
    makers: Makers = {song.title: partial(_song, material, song) for song in _sung(material, which)}
    if which == CHOOSE:
        makers["Music Delta"] = partial(_musdb, material, None)
        for title in MULTITRACKS:
            makers[title] = partial(_multitrack, material, title, None)
    return makers


def scenes(material: Material, which: str) -> Makers:
    """Excerpts of a set, `CHOOSE` or `JUDGE`, of `LENGTH_S` or less.

    Raises:
        InputError: if the table of roles has no songs for it.
    """
    makers: Makers = {}
    for song in _sung(material, which):
        makers[song.title] = partial(_separated, material, song)
    for name in _projects(material) if which == CHOOSE else ():
        makers[name] = partial(_human, material, name)
    if material.responses is not None:
        for row in WET[which]:
            makers[f"{row[0]} in {row[2]}"] = partial(_wet, material, *row)
    if which == CHOOSE:
        makers["Music Delta"] = partial(_musdb, material, LENGTH_S)
        for title, start_s in MULTITRACKS.items():
            makers[f"{title} {start_s} s"] = partial(_multitrack, material, title, start_s)
    return makers


def _sung(material: Material, which: str) -> list[Recording]:
    found = separated.sung(material, which)
    if not found:
        raise InputError(f"the table of roles has no sung song of role {which}")
    return found


def _multitrack(material: Material, title: str, start_s: float | None) -> Scene:
    recording = material.recording("multitracks", title)
    name = title if start_s is None else f"{title} {start_s} s"
    file = material.output / "stems" / f"{name}.npz"
    found = audible(separated.kept(file, lambda: _excerpts(material, title, start_s)))
    roles = {track: _class_of(track) for track in found}
    return Scene(name, "tracks", found, roles, *_artists(recording))


def _excerpts(material: Material, title: str, start_s: float | None) -> Stems:
    """The excerpt of each track, or its windows; those of the first track, which is as long as the song."""
    found, starts_s = {}, [] if start_s is None else [start_s]
    for name, whole in tracks_of(material.music / "multitracks" / title):
        starts_s = starts_s or [start / SAMPLE_RATE_HZ for start in windows.starts(whole.shape[1])]
        cut = [{name: _padded(excerpt(whole, each_s, LENGTH_S))} for each_s in starts_s]
        found[name.removesuffix("_mobile")] = windows.joined(cut)[name]
    return found


def _padded(audio: np.ndarray) -> np.ndarray:
    return np.pad(audio, ((0, 0), (0, LENGTH_S * SAMPLE_RATE_HZ - audio.shape[1])))


def _class_of(track: str) -> str:
    role = role_of(track)
    return role if role in CLASSES else "bass"  # The pad and bass on one track are all the bass that song has.


def _musdb(material: Material, length_s: float | None) -> Scene:
    (file,) = (material.music / "stems").glob("*.stem.mp4")
    whole = dict(decode_stems(Song(str(file)))[0])
    stems = whole if length_s is None else {role: excerpt(audio, 0, length_s) for role, audio in whole.items()}
    return _of_stems("Music Delta", "stems", stems, *_artists(material.recording("stems", file.name)))


def _separated(material: Material, song: Recording) -> Scene:
    return _of_stems(song.title, "separated", there(_clip(material, song)), *_artists(song))


def _song(material: Material, song: Recording) -> Scene:
    stems = there(separated.four_stems_of_windows(song, material))
    return _of_stems(song.title, "separated", stems, *_artists(song))


def there(stems: Stems) -> Stems:
    """The separated stems that are there by the gates of presence; what is left of the others is put into "other".

    What a separator leaves of vocals where nobody sings is no vocals, and must not be mixed or judged as such.
    """
    song = StemSet(stems, is_estimated=True)
    present = {name: audio for name, audio in stems.items() if name == "other" or is_present(song[name])}
    return present | {"other": total(audio for name, audio in stems.items() if name not in present or name == "other")}


def _clip(material: Material, song: Recording) -> Stems:
    start_s = (separated.CLIP_S - LENGTH_S) / 2
    return {name: excerpt(x, start_s, LENGTH_S) for name, x in separated.four_stems(song, material).items()}


def _of_stems(name: str, kind: str, stems: Stems, artist: str, artists: frozenset[str]) -> Scene:
    tracks = audible(stems)
    return Scene(name, kind, tracks, {role: role for role in tracks}, artist, artists)


def _projects(material: Material) -> list[str]:
    """Names of the projects of which two classes and more were rendered, raw and mixed."""
    mixed = [path.name.rsplit(".", 3)[0] for path in sorted(material.human.glob("*.mixed.wav"))]
    return [name for name in dict.fromkeys(mixed) if mixed.count(name) > 1]


def _human(material: Material, name: str) -> Scene:
    (recording,) = (each for each in material.recordings if PurePosixPath(each.path).stem == name)
    raw, mixed = (_classes(material.human, name, version) for version in ("raw", "mixed"))
    heard = [role for role in mixed if role in raw]
    made = Scene(name, "human", {role: mixed[role] for role in heard}, {role: role for role in heard})
    artist, artists = _artists(recording)
    return replace(made, artist=artist, artists=artists, raw={role: raw[role] for role in heard})


def _classes(folder: Path, name: str, version: str) -> dict[str, Sound]:
    """Classes of a project by name, as long as each other."""
    files = {role: folder / f"{name}.{role}.{version}.wav" for role in CLASSES}
    read = {role: excerpt(decode(str(file)), 0, LENGTH_S) for role, file in files.items() if file.exists()}
    return audible({role: _padded(audio) for role, audio in read.items()})


def _artists(*recordings: Recording) -> tuple[str, frozenset[str]]:
    """Whose scene it is, and everybody who is heard."""
    return recordings[0].artist.casefold(), frozenset().union(*(each.artists for each in recordings))


def _wet(material: Material, voice: str, path: str, response: str, wet_db: float, balance_lu: float) -> Scene:
    singer = material.recording("voices", voice)
    (song,) = (each for each in material.recordings if each.path == path)
    dry = excerpt(decode(str(material.music / "voices" / voice)), 0, LENGTH_S)
    assert material.responses is not None
    room = audio_file.read(material.responses / f"{response}.wav").sound.at(SAMPLE_RATE_HZ).audio
    tail = oaconvolve(dry, room, axes=-1)[:, : dry.shape[1]]
    tail *= 10 ** (wet_db / 20) * np.sqrt(np.sum(dry**2) / np.sum(tail**2))
    wet = (dry + tail).astype(np.float32)
    backing = total(audio for role, audio in _clip(material, song).items() if role != VOCALS)
    backing = excerpt(backing, 0, wet.shape[1] / SAMPLE_RATE_HZ)
    stems = {role: audio.astype(np.float32) for role, audio in balanced(wet, {BACKING: backing}, balance_lu).items()}
    gain = np.float32(np.sqrt(np.sum(stems[VOCALS] ** 2) / np.sum(wet**2)))
    made = _of_stems(f"{voice} in {response}", "wet", stems, *_artists(singer, song))
    return replace(made, dry={VOCALS: Sound(gain * dry, SAMPLE_RATE_HZ)})
