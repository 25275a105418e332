"""Training scenes: an excerpt of a song as its stems, and the same stems as raw material for a mixer.

The stems are normalised by constants, as `mixprior normalize` does, then damaged by `mixprior.mixing.evaluation.damage`
as raw tracks are, then played in a room. What a mixer is to reach is the excerpt as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from mixprior.analysis.constants.constants import Features
from mixprior.learning.scenes import room
from mixprior.learning.scenes.room import Room
from mixprior.learning.scenes.songs import Stems, TrainingSong
from mixprior.mixing.effects.chain import BACKING
from mixprior.mixing.evaluation import damage
from mixprior.mixing.evaluation.damage import Damage
from mixprior.mixing.evaluation.scenes import Scene, audible
from mixprior.mixing.normalise.effects import EFFECTS
from mixprior.mixing.normalise.stem import normalise
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

PARTS = ("stems", "pair")
_SEEDS = 1_000_003
_TRIES = 20


@dataclass(frozen=True)
class SceneSettings:
    """How scenes are made.

    Attributes:
        parts: "stems", or "pair" for vocals and backing, which no constants are known of.
        duration_s: length of a scene.
        effects: of `mixprior normalize`; empty for none. "reverb" is not among them: it is drawn elsewhere.
        task: what is damaged, of `mixprior.mixing.evaluation.damage`; "" for nothing.
        scale: of the damage, 1 for its nominal size.
        bleed_share: share of the scenes that are played in a room.
        in_a_row: scenes of a song before the next song is read.
        seed: of everything that is drawn.

    Raises:
        InputError: if a value cannot be.
    """

    parts: str = "stems"
    duration_s: float = 6.0
    effects: tuple[str, ...] = ("loudness",)
    task: str = damage.RAW
    scale: float = 1.0
    bleed_share: float = 0.5
    in_a_row: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.parts not in PARTS:
            raise InputError(f"scenes are of {' or '.join(PARTS)}, not of {self.parts!r}")
        unknown = [each for each in self.effects if each not in EFFECTS or each == "reverb"]
        if unknown:
            raise InputError(f"scenes are not normalised by {unknown[0]!r}: give of {', '.join(EFFECTS)} but reverb")
        if self.in_a_row < 1 or self.duration_s <= 0 or not 0 <= self.bleed_share <= 1:
            raise InputError("a scene lasts more than 0 s, is one in a row or more, and a share is from 0 to 1")


@dataclass(frozen=True, eq=False)
class TrainingScene:
    """One scene.

    Attributes:
        song_id: of the song.
        start_s: where the excerpt begins in it.
        inputs: raw material by name of the stem: float32, (2, samples), 44.1 kHz.
        targets: the same stems as they are in the song.
        damage: what was done to each.
        room: where it was played; None for without bleed.
    """

    song_id: str
    start_s: float
    inputs: Mapping[str, np.ndarray] = field(repr=False)
    targets: Mapping[str, np.ndarray] = field(repr=False)
    damage: Damage
    room: Room | None

    @property
    def mix(self) -> np.ndarray:
        """The excerpt as it is in the song, float32, (2, samples)."""
        return np.asarray(np.sum(list(self.targets.values()), axis=0), np.float32)


@dataclass(frozen=True)
class Scenes:
    """Scenes without an end: scene `k` depends on songs, constants, settings and `k` alone. One song is in memory.

    Attributes:
        songs: to take them from, sorted by id: `mixprior.learning.scenes.songs.songs_of`.
        constants: to normalise by; without any, nothing is normalised.
        settings: how they are made.
    """

    songs: Sequence[TrainingSong]
    constants: Features | None = None
    settings: SceneSettings = SceneSettings()

    def __iter__(self) -> Iterator[TrainingScene]:
        return self.beginning(0)

    def beginning(self, number: int) -> Iterator[TrainingScene]:
        """The scenes from a number on."""
        while True:
            yield self.scene(number)
            number += 1

    def scene(self, number: int) -> TrainingScene:
        """Make one scene.

        Raises:
            SongError: if its song cannot be read or separated.
            InputError: if its song is silent wherever it was tried.
        """
        made = self.settings
        song = self._song(number // made.in_a_row)
        rng = np.random.default_rng([made.seed, number])
        start, targets = _excerpt(song, _read(song, made.parts), round(made.duration_s * SAMPLE_RATE_HZ), rng)
        sounds = audible({name: self._normalised(name, audio) for name, audio in targets.items()})
        scene = Scene(song.song_id, "separated", sounds, {name: name for name in sounds})
        drawn = (
            damage.draw(scene, made.task, made.scale, made.seed * _SEEDS + number) if made.task else damage.UNDAMAGED
        )
        inputs = {name: sound.audio for name, sound in drawn.apply(scene).items()}
        place = room.draw(sorted(inputs), rng) if rng.random() < made.bleed_share and len(inputs) > 1 else None
        if place is not None:
            inputs = room.with_bleed(inputs, place)
        kept = {name: targets[name] for name in inputs}
        return TrainingScene(song.song_id, start / SAMPLE_RATE_HZ, inputs, kept, drawn, place)

    def _song(self, turn: int) -> TrainingSong:
        """The songs in an order that is drawn anew each time all have been read."""
        round_, place = divmod(turn, len(self.songs))
        order = np.random.default_rng([self.settings.seed, round_, 1]).permutation(len(self.songs))
        return self.songs[int(order[place])]

    def _normalised(self, name: str, audio: np.ndarray) -> np.ndarray:
        sound = Sound(audio, SAMPLE_RATE_HZ)
        if self.constants is None or name == BACKING or not self.settings.effects:
            return audio
        return normalise(sound, name, self.constants, self.settings.effects).sound.audio


def _excerpt(song: TrainingSong, stems: Stems, samples: int, rng: np.random.Generator) -> tuple[int, Stems]:
    """An excerpt where something is heard: its start, and the stems that are not silent there."""
    whole = min(audio.shape[1] for audio in stems.values())
    if whole < samples:
        raise InputError(f"{song.song.path} lasts {whole / SAMPLE_RATE_HZ:.1f} s: shorter than a scene")
    for _ in range(_TRIES):
        start = int(rng.integers(0, whole - samples + 1))
        found = audible({name: np.ascontiguousarray(x[:, start : start + samples]) for name, x in stems.items()})
        if found:
            return start, {name: sound.audio for name, sound in found.items()}
    raise InputError(f"{song.song.path} is silent in {_TRIES} places: leave it out")


@lru_cache(maxsize=1)
def _read(song: TrainingSong, parts: str) -> Stems:
    return song.pair() if parts == "pair" else song.stems()
