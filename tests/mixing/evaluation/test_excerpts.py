"""Scenes of the shared music are tracks whose artists are known, in two sets that share none."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from mixprior.mixing.evaluation import excerpts, separated, windows
from mixprior.mixing.evaluation.damage import HUMAN
from mixprior.mixing.evaluation.excerpts import CHOOSE, JUDGE, WET
from mixprior.mixing.evaluation.material import Material
from mixprior.mixing.evaluation.tasks import cases
from mixprior.pipeline.catalogs import roles
from mixprior.stats.errors import InputError
from mixprior.stats.measures.loudness import difference
from mixprior.stats.measures.presence import is_present
from mixprior.stats.stem import StemSet
from tests.reference import FOLDER, MUSIC
from tools import ROLES

RESPONSES = FOLDER / "reference" / "impulse_responses"


@pytest.fixture
def material(tmp_path) -> Material:
    return Material(MUSIC, RESPONSES, tmp_path, roles.read(ROLES))


@pytest.fixture
def noise(monkeypatch):
    """Stems of noise in place of separated ones."""
    rng = np.random.default_rng(0)
    stems = {role: 0.1 * rng.standard_normal((2, 29 * 44_100)) for role in ("vocals", "drums", "bass", "other")}
    monkeypatch.setattr(excerpts.separated, "four_stems", lambda *_: stems)


@pytest.mark.reference("music", "reference/impulse_responses")
class TestShared:
    def test_an_excerpt_of_true_stems_has_vocals_and_a_backing(self, material):
        scene = excerpts.scenes(material, CHOOSE)["Music Delta"]().pair()
        vocals, backing = (scene.tracks[role].audio for role in ("vocals", "backing"))
        assert vocals.shape == backing.shape
        assert is_present(StemSet({"vocals": vocals, "backing": backing})["vocals"])
        assert scene.artist == "music delta"

    def test_reverb_and_balance_of_wet_vocals_are_as_listed(self, material, noise):
        row = WET[JUDGE][1]
        scene = excerpts.scenes(material, JUDGE)[f"{row[0]} in {row[2]}"]()
        vocals, dry = scene.tracks["vocals"], scene.dry["vocals"].audio
        assert 10 * np.log10(np.sum((vocals.audio - dry) ** 2) / np.sum(dry**2)) == pytest.approx(row[3], abs=0.01)
        balance_lu = difference(vocals.integrated_lufs, scene.tracks["backing"].integrated_lufs)
        assert balance_lu == pytest.approx(row[4], abs=0.05)
        assert scene.artist == "alex"
        assert scene.artists == {"alex", "le nez tordu"}


def test_projects_are_scenes_of_raw_tracks_and_their_human_mix(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "human").mkdir()
    for role, gain in (("drums", 0.5), ("bass", 0.25)):
        audio = 0.1 * rng.standard_normal((4 * 44_100, 2))
        for version, factor in (("raw", 1.0), ("mixed", gain)):
            soundfile.write(tmp_path / "human" / f"DirtyLove.{role}.{version}.wav", factor * audio, 44_100)
    made = excerpts.scenes(Material(tmp_path, None, tmp_path, roles.read(ROLES)), CHOOSE)["DirtyLove"]()
    assert made.parts == ["drums", "bass"]
    (both,) = [case for case in cases(made) if case.damage.task == HUMAN]
    raw, mixed = both.damage.apply(made)["bass"], made.tracks["bass"]
    assert raw.integrated_lufs - mixed.integrated_lufs == pytest.approx(12.04, abs=0.1)
    assert made.artist == "dirtylove"


def test_the_sets_are_of_these_songs(material):
    assert [name for name in excerpts.scenes(material, CHOOSE) if ".wav in" not in name] == [
        *("On The Run", "Fantasma", "Mes Larmes", "Music Delta", "3.Sodium 196 s", "4.Potassium 203 s"),
    ]
    assert list(excerpts.scenes(material, JUDGE))[:4] == [
        *("Le royaume des glous glous", "Séculaire feat. Nÿme", "Miedo", "de bonne humeur"),
    ]


def test_songs_are_judged_whole_by_windows(material, monkeypatch):
    """A song that gets louder: its windows have its mean level, and not that of its middle, as a clip has."""
    monkeypatch.setattr(windows, "LENGTH_S", 1.0)
    ramp = np.linspace(0, 0.2, 10 * 44_100, dtype=np.float32)
    audio = np.stack([ramp, ramp]) * np.sin(np.arange(ramp.size) / 7)
    monkeypatch.setattr(separated, "decode", lambda _: audio)
    monkeypatch.setattr(separated, "_stems", lambda clip: {"bass": 0.5 * clip, "other": 0.5 * clip})
    scene = excerpts.songs(material, JUDGE)["Miedo"]()
    found = scene.tracks["bass"].audio
    assert found.shape == (2, 4 * 44_100)
    assert np.mean(found**2) == pytest.approx(np.mean((0.5 * audio) ** 2), rel=0.03)
    assert list(excerpts.songs(material, JUDGE)) == list(excerpts.scenes(material, JUDGE))[:4]
    assert list(excerpts.songs(material, CHOOSE))[3:] == ["Music Delta", "3.Sodium", "4.Potassium"]


def test_without_responses_there_are_no_wet_scenes(tmp_path):
    material = Material(tmp_path, None, tmp_path, roles.read(ROLES))
    assert len(excerpts.scenes(material, JUDGE)) == 4


def test_without_songs_of_the_role_there_is_nothing_to_judge(tmp_path):
    with pytest.raises(InputError, match="no sung song of role judge"):
        excerpts.scenes(Material(tmp_path, None, tmp_path), JUDGE)


def test_what_a_separator_leaves_of_absent_vocals_is_no_vocals():
    rng = np.random.default_rng(0)
    loud = {role: 0.1 * rng.standard_normal((2, 5 * 44_100)).astype(np.float32) for role in ("drums", "bass", "other")}
    for gain, roles_there in ((1.0, {"vocals", *loud}), (1e-3, set(loud))):
        vocals = np.float32(gain * 0.1) * rng.standard_normal((2, 5 * 44_100)).astype(np.float32)
        found = excerpts.there({"vocals": vocals, **loud})
        assert set(found) == roles_there
        assert np.allclose(sum(found.values()), vocals + sum(loud.values()), atol=1e-6)
