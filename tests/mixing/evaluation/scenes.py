"""Scenes: a voice and a backing whose sum is a mix that somebody made, to be damaged and mended.

Three kinds, from the best known to the most real:
true: tracks of the shared multitracks, summed by role as their makers exported them, and a MUSDB18 excerpt.
wet: a solo voice over an instrumental, in a real room or plate, at a balance about the published mean (MUSDB18-HQ,
    -2.15 LU, sd 2.48): made up, but the dry voice is known, so that a reverb can be left out.
separated: a clip of each shared song with singing, through HTDemucs; its mix is the song itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import oaconvolve

from mixprior.pipeline.audio.decode import decode, decode_stems
from mixprior.pipeline.store.records import Song
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.conftest import SHARED
from tests.mixing.evaluation import separated
from tools.songs.calibration_truth import MUSIC, balanced, excerpt, multitrack, total

SECONDS = 28
STARTS_S = {"3.Sodium": (196, 238), "4.Potassium": (147, 203)}
"""Where the excerpts of the multitracks begin: there is singing in 40 % of each and more."""

WET = (
    ("vocadito_1", "songs/Kevin_MacLeod_-_Vibe_Ace.hq.ogg", 15, "plate", -14.0, -4.0),
    ("vocadito_10", "songs/admiralbob77_-_Choice_-_Drum-bass.hq.ogg", 3, "medium_room", -11.0, 0.0),
    ("vocadito_14", "songs/Kevin_MacLeod_-_Vibe_Ace.hq.ogg", 40, "hall", -17.0, -2.0),
)
"""Voice, instrumental, where it starts in seconds, response, wet to dry energy in dB, voice to backing in LU."""


@dataclass(frozen=True)
class Scene:
    """A mix and the two sounds it is the sum of.

    Attributes:
        name: unlike all others.
        kind: "true", "wet" or "separated".
        voice: float32, (2, samples), 44.1 kHz.
        backing: the same shape.
        dry: the voice before its reverb, as loud; None where only the voice as it is is known.
        song: file name of the song in a catalog, whose measurements must not serve to mix it; None for none.
    """

    name: str
    kind: str
    voice: np.ndarray
    backing: np.ndarray
    dry: np.ndarray | None = None
    song: str | None = None

    @property
    def mix(self) -> np.ndarray:
        """The original."""
        return self.voice + self.backing


def catalog() -> dict[str, Callable[[], Scene]]:
    """What makes each scene, by name; nothing is read before it is called. Empty without the shared music."""
    makers: dict[str, Callable[[], Scene]] = {}
    for title, starts_s in STARTS_S.items():
        for start_s in starts_s:
            makers[f"{title} {start_s} s"] = partial(_of_multitrack, title, start_s)
    makers["Music Delta"] = _of_musdb
    for row in WET:
        makers[f"{row[0]} in {row[3]}"] = partial(_wet, *row)
    for song in separated.sung():
        makers[song.stem] = partial(_separated, song)
    return makers if MUSIC.exists() else {}


def scenes(names: list[str]) -> Iterator[Scene]:
    """Make the scenes of these names, one at a time."""
    makers = catalog()
    for name in names:
        yield makers[name]()


def _separated(song: Path) -> Scene:
    voice, backing = separated.stems(song)
    return Scene(song.stem, "separated", voice, backing, song=song.name)


def _of_multitrack(title: str, start_s: float) -> Scene:
    voice, backing = (excerpt(audio, start_s, SECONDS * SAMPLE_RATE_HZ) for audio in _voice_and_backing(title))
    return Scene(f"{title} {start_s} s", "true", voice, backing)


@lru_cache(maxsize=1)
def _voice_and_backing(title: str) -> tuple[np.ndarray, np.ndarray]:
    stems = multitrack(MUSIC / "multitracks" / title)
    voice = stems.pop("vocals")
    return voice, total(stems.values())


def _of_musdb() -> Scene:
    (file,) = (MUSIC / "stems").glob("*.stem.mp4")
    stems, _ = decode_stems(Song(str(file)))
    voice = stems.pop("vocals")
    return Scene("Music Delta", "true", voice, total(stems.values()))


def _wet(voice: str, instrumental: str, start_s: float, response: str, wet_db: float, balance_lu: float) -> Scene:
    dry = excerpt(decode(str(MUSIC / "voices" / f"{voice}.wav")), 0, SECONDS * SAMPLE_RATE_HZ)
    audio, rate_hz = soundfile.read(SHARED / "reference" / "impulse_responses" / f"{response}.wav", dtype="float32")
    assert (rate_hz, audio.shape[1]) == (SAMPLE_RATE_HZ, 2), f"{response} is not in stereo at 44.1 kHz"
    tail = oaconvolve(dry, audio.T, axes=-1)[:, : dry.shape[1]]
    tail *= 10 ** (wet_db / 20) * np.sqrt(np.sum(dry**2) / np.sum(tail**2))
    wet = (dry + tail).astype(np.float32)
    backing = excerpt(decode(str(MUSIC / instrumental)), start_s, dry.shape[1])
    stems = balanced(wet, {"backing": backing}, balance_lu)
    gain = np.float32(np.sqrt(np.sum(stems["vocals"] ** 2) / np.sum(wet**2)))
    sung, played = (stems[name].astype(np.float32) for name in ("vocals", "backing"))
    return Scene(f"{voice} in {response}", "wet", sung, played, dry=gain * dry)
