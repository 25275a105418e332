"""Scenes: the same seed gives the same bytes, damage is that of the evaluation, and only songs of the role are read."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mixprior.learning.scenes import room
from mixprior.learning.scenes.scenes import Scenes, SceneSettings
from mixprior.learning.scenes.songs import songs_of
from mixprior.mixing.evaluation import damage
from mixprior.mixing.evaluation.scenes import Scene
from mixprior.pipeline.audio import writer
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

CONSTANTS = {"loudness": {stem: np.array([-20.0]) for stem in ("vocals", "drums", "bass", "other")}}
SHORT = SceneSettings(duration_s=1.5, effects=("loudness",), in_a_row=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three generated songs as folders of stems, with roles in a manifest beside them."""
    root = tmp_path_factory.mktemp("songs")
    for score in SCORES[:3]:
        for name, audio in perform(replace(score, duration_s=4.0)).items():
            (root / score.title).mkdir(exist_ok=True)
            writer.write(root / score.title / f"{name}.wav", audio, RATE_HZ, writer.UNCLIPPED)
    with (root / "songs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "artist", "featured", "collection", "role"])
        rows.writerow(["Amber", "Ann", "", "first", "train-mixer"])
        rows.writerow(["Birch", "Bob", "Ann; Eve", "first", "train-mixer"])
        rows.writerow(["Cedar", "Cem", "", "second", "judge"])
    return root


@pytest.fixture(scope="module")
def songs(folder):
    return songs_of(folder / "songs.csv")


def test_only_songs_of_the_role_are_trained_on(songs):
    assert {Path(each.song.path).name for each in songs} == {"Amber", "Birch"}
    assert {each.role for each in songs} == {"train-mixer"}
    assert max(songs, key=lambda each: len(each.artists)).artists == {"bob", "ann", "eve"}


def test_a_catalog_without_the_role_is_refused_and_one_without_roles_is_its_owners(folder):
    with pytest.raises(InputError, match="no song of role train-blind among 3"):
        songs_of(folder / "songs.csv", role="train-blind")
    assert len(songs_of(folder)) == 3


def test_the_same_seed_gives_the_same_bytes_from_any_number_on(songs):
    scenes = Scenes(songs, CONSTANTS, SHORT)
    first = [next(iter([each])) for each, _ in zip(scenes, range(6), strict=False)]
    again = [each for each, _ in zip(Scenes(songs, CONSTANTS, SHORT).beginning(3), range(3), strict=False)]
    for one, other in zip(first[3:], again, strict=True):
        assert one.song_id == other.song_id
        assert [x.tobytes() for x in one.inputs.values()] == [x.tobytes() for x in other.inputs.values()]
    assert any(each.room for each in first)
    assert not all(each.room for each in first)
    other = Scenes(songs, CONSTANTS, replace(SHORT, seed=1)).scene(0)
    assert first[0].inputs["drums"].tobytes() != other.inputs["drums"].tobytes()


def test_damage_is_that_of_the_evaluation_and_bleed_that_of_the_room(songs):
    scenes = Scenes(songs, None, replace(SHORT, effects=(), bleed_share=1.0, seed=2))
    made = scenes.scene(5)
    sounds = {name: Sound(audio, RATE_HZ) for name, audio in made.targets.items()}
    scene = Scene(made.song_id, "separated", sounds, {name: name for name in sounds})
    drawn = damage.draw(scene, damage.RAW, 1.0, 2 * 1_000_003 + 5)
    assert drawn == made.damage
    damaged = {name: sound.audio for name, sound in drawn.apply(scene).items()}
    expected = room.with_bleed(damaged, made.room)
    assert all(np.array_equal(made.inputs[name], expected[name]) for name in expected)


def test_stems_are_at_the_constants_where_nothing_is_damaged(songs):
    scenes = Scenes(songs, CONSTANTS, replace(SHORT, task="", bleed_share=0.0))
    for number in range(3):
        for audio in scenes.scene(number).inputs.values():
            assert Sound(audio, RATE_HZ).integrated_lufs == pytest.approx(-20.0, abs=0.1)


def test_targets_sum_to_the_excerpt_of_the_song(songs):
    made = Scenes(songs, CONSTANTS, SHORT).scene(1)
    (song,) = (each for each in songs if each.song_id == made.song_id)
    start = round(made.start_s * RATE_HZ)
    whole = np.sum(list(song.stems().values()), axis=0)[:, start : start + made.mix.shape[1]]
    if len(made.targets) == 4:
        np.testing.assert_allclose(made.mix, whole, atol=1e-6)


def test_every_song_comes_before_any_comes_again(songs):
    scenes = Scenes(songs, None, replace(SHORT, in_a_row=1, bleed_share=0.0))
    order = [scenes.scene(number).song_id for number in range(4)]
    assert len(set(order[:2])) == len(set(order[2:])) == 2


def test_settings_that_cannot_be_are_refused():
    for wrong in ({"parts": "tracks"}, {"effects": ("reverb",)}, {"bleed_share": 2.0}, {"in_a_row": 0}):
        with pytest.raises(InputError):
            SceneSettings(**wrong)
