"""Examples of songs: their stems brought to equal loudness or left as they are, damaged, and what undoes the damage."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from mixprior.learning.console.controls import Controls
from mixprior.learning.console.settings import desk
from mixprior.learning.mixer.task import Example
from mixprior.learning.scenes.songs import Stems, as_pair
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.effects.equaliser import response_db
from mixprior.mixing.effects.settings import KINDS, Band, Chain, MixSettings, PanSettings
from mixprior.mixing.evaluation.damage import GAIN_SD_DB, TILT_SD_DB_PER_OCTAVE, TrackDamage
from mixprior.mixing.evaluation.scenes import audible
from mixprior.mixing.learned.console import SHELF_Q, SHELVES
from mixprior.mixing.learned.heard import ASKED, SCALES, Heard, hear, statistics_of
from mixprior.mixing.learned.mel import LUFS
from mixprior.mixing.plan import multitrack, pair
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import Role
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

SPREAD = {"output_gain_db": 4.0, "pan": 0.1, "band_gain_db": 3.0}
"""Standard deviations of the controls about the posterior rule's: about those of the damage that they undo."""
PAN_SD, MOST_PAN = 0.08, 0.2
"""Of the damage: positions about the centre."""
ASKED_SD = (1.5, 0.5)
"""A song that is asked for is not this song: what an example is told of its own level and slope is off by so much."""
SOUND_SAMPLES = 65_536
"""Of an example that a loss on the mix reads: 1.5 s."""

_LEVEL = Options(steps=("level",))
_FITTED_HZ = np.geomspace(50.0, 14_000.0, 60)


@dataclass(frozen=True)
class Draw:
    """What is done to the parts of a song, by name.

    Attributes:
        gains_db: of parts that are at their own level.
        tilts: of their spectra about 1 kHz, in dB per octave.
        positions: that they are put at, 0 left, 0.5 centre, 1 right.
    """

    gains_db: Mapping[str, float]
    tilts: Mapping[str, float]
    positions: Mapping[str, float]

    def apply(self, parts: Mapping[str, Sound]) -> dict[str, Sound]:
        """Damage the parts."""
        return {name: self._damaged(name, sound) for name, sound in parts.items()}

    def _damaged(self, name: str, sound: Sound) -> Sound:
        done = TrackDamage(gain_db=self.gains_db[name], tilt_db_per_octave=self.tilts[name]).apply(sound.audio)
        return chain.process(Chain(pan=PanSettings(self.positions[name])), Sound(done, sound.rate_hz))

    def undone(self, name: str) -> tuple[float, float, tuple[float, float]]:
        """Gain in dB, position, and gains of the shelves that undo what is done to a part."""
        position = self.positions[name]
        # A pan law's gains at a position and opposite it multiply to sin(pi x position) in both channels.
        gain_db = -self.gains_db[name] - 20 * np.log10(np.sin(np.pi * position))
        low_db, high_db = _shelves_of_a_slope()
        return float(gain_db), 1 - position, (-low_db * self.tilts[name], -high_db * self.tilts[name])


def draw(parts: Mapping[str, Sound], number: int, rng: np.random.Generator) -> Draw:
    """Draw damage; for every other number of parts that are equally loud before."""
    equal = number // 2 % 2 == 0
    own_lufs = {name: sound.integrated_lufs or LUFS for name, sound in parts.items()}
    lift_db = {name: LUFS - lufs if equal else 0.0 for name, lufs in own_lufs.items()}
    return Draw(
        {name: float(lift_db[name] + rng.normal(0, GAIN_SD_DB)) for name in parts},
        {name: float(rng.normal(0, TILT_SD_DB_PER_OCTAVE)) for name in parts},
        {name: float(0.5 + np.clip(rng.normal(0, PAN_SD), -MOST_PAN, MOST_PAN)) for name in parts},
    )


def examples_of(
    song_id: str, stems: Stems, draws: int, targets: Targets, seed: int = 0, sound_samples: int = 0
) -> list[Example]:
    """Examples of one song: of its stems, and for every other draw of vocals and backing, where it has them.

    Args:
        song_id: the draws depend on it.
        stems: that sum to the song, by class.
        draws: number of examples.
        targets: of the rule that the network starts from.
        seed: of the draws.
        sound_samples: of the damaged parts that an example keeps, from a place that is drawn; 0 for none.
    """
    found = []
    for number in range(draws):
        rng = np.random.default_rng([seed, zlib.crc32(song_id.encode()), number])
        is_pair = number % 2 == 1 and VOCALS in stems and len(stems) > 1
        parts = audible(as_pair(stems) if is_pair else stems)
        if len(parts) > 1:
            found.append(example(parts, draw(parts, number, rng), targets, rng, sound_samples))
    return found


def example(
    parts: Mapping[str, Sound], drawn: Draw, targets: Targets, rng: np.random.Generator, sound_samples: int = 0
) -> Example:
    """One example: damaged parts, what the posterior rule sets for them, and what undoes the damage."""
    damaged = drawn.apply(parts)
    settings = by_rule(damaged, targets)
    heard = {name: _heard(sound) for name, sound in damaged.items()}
    centre = centre_of(settings)
    undone = [drawn.undone(name) for name in parts]
    gains_db = torch.tensor([[each[0] for each in undone]], dtype=torch.float32) - centre.input_gain_db
    # What all gains have in common is the loudness of the mix, which another step sets.
    gains_db += (centre.output_gain_db - gains_db).mean()
    wanted = replace(
        centre,
        output_gain_db=gains_db,
        pan=torch.tensor([[each[1] for each in undone]], dtype=torch.float32),
        band_gain_db=torch.tensor([[each[2] for each in undone]], dtype=torch.float32),
    )
    return Example(
        torch.stack([torch.from_numpy(each.mel_db) for each in heard.values()]),
        centre,
        wanted,
        balance=torch.tensor([each.balance for each in heard.values()], dtype=torch.float32),
        statistics=_asked(parts, damaged, settings, rng),
        tracks=_cut(damaged, sound_samples, rng) if sound_samples else None,
    )


def _cut(parts: Mapping[str, Sound], samples: int, rng: np.random.Generator) -> torch.Tensor:
    """So many samples of all parts from one place, (parts, 2, samples); all of shorter ones."""
    audio = np.stack([sound.audio for sound in parts.values()])
    start = int(rng.integers(0, max(0, audio.shape[2] - samples) + 1))
    return torch.from_numpy(np.ascontiguousarray(audio[:, :, start : start + samples], np.float32))


def by_rule(parts: Mapping[str, Sound], targets: Targets) -> MixSettings:
    """What the posterior rule sets for the levels of parts: vocals and "backing", or classes."""
    if chain.BACKING in parts:
        return pair.plan(parts, targets, _LEVEL).settings
    return multitrack.plan(parts, targets, _LEVEL, {name: Role(name, 1.0, "as given") for name in parts}).settings


def centre_of(settings: MixSettings) -> Controls:
    """Settings of the rule on the console, with the shelves at rest."""
    found = desk(settings).controls
    shape = (*found.tracks, len(SHELVES))
    kinds = torch.tensor([KINDS.index(kind) for kind, _ in SHELVES]).expand(shape)
    frequencies_hz = torch.tensor([frequency_hz for _, frequency_hz in SHELVES]).expand(shape)
    return replace(
        found,
        band_kind=kinds,
        band_frequency_hz=frequencies_hz,
        band_gain_db=torch.zeros(shape),
        band_q=torch.full(shape, SHELF_Q),
    )


def _heard(sound: Sound) -> Heard:
    heard = hear(sound)
    assert heard is not None, "audible parts alone are damaged"
    return heard


def _asked(
    parts: Mapping[str, Sound], damaged: Mapping[str, Sound], settings: MixSettings, rng: np.random.Generator
) -> torch.Tensor:
    """What each part has more in the song than by the rule, (parts, statistics), NaN where that cannot be measured."""
    own = statistics_of(parts)
    now = statistics_of(dict(chain.parts(settings, damaged)))
    nothing = float("nan")
    rows = [
        [own.get(name, {}).get(each, nothing) - now.get(name, {}).get(each, nothing) for each in ASKED]
        for name in parts
    ]
    off = rng.normal(0, ASKED_SD, (len(rows), len(ASKED)))
    return torch.from_numpy(((np.array(rows) + off) / SCALES).astype(np.float32))


@lru_cache(maxsize=1)
def _shelves_of_a_slope() -> tuple[float, float]:
    """Gains of the shelves that come nearest to 1 dB per octave about 1 kHz, by least squares over 50 Hz to 14 kHz."""
    octaves = np.log2(_FITTED_HZ / 1000.0)
    unit = [
        response_db([Band(kind, frequency_hz, 1.0, SHELF_Q)], _FITTED_HZ, SAMPLE_RATE_HZ)
        for kind, frequency_hz in SHELVES
    ]
    # And a gain, which the level takes.
    columns = np.stack([*unit, np.ones_like(octaves)], axis=1)
    low_db, high_db, _ = np.linalg.lstsq(columns, octaves, rcond=None)[0]
    return float(low_db), float(high_db)


def errors(examples: Sequence[Example], controls: Sequence[Controls]) -> dict[str, float]:
    """How far mixes are off, root mean square by control of `SPREAD`; of gains after what a mix has in common."""
    off: dict[str, list[np.ndarray]] = {name: [] for name in SPREAD}
    for found, each in zip(controls, examples, strict=True):
        for name, of in off.items():
            apart = (getattr(found, name) - getattr(each.wanted, name))[0].detach().cpu().numpy()
            of.append((apart - apart.mean() if name == "output_gain_db" else apart).ravel())
    return {name: float(np.sqrt(np.mean(np.square(np.concatenate(of))))) for name, of in off.items()}
