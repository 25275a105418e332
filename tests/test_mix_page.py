"""The page of songs mixed three ways: what it plays is equally loud, and free to be shown."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.evaluation.material import Material
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.catalogs import roles
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from tests.mixing.learned.console_model import written
from tests.mixing.multitrack_song import band_of_four
from tests.mixing.sounds import RATE_HZ
from tools import ROLES
from tools.songs import mix_page


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    model = written(tmp_path_factory.mktemp("model"))
    return mix_page.mixed(band_of_four(), RATE_HZ, model, "Sam & Ella, CC0 1.0")


def test_a_page_plays_three_mixes_of_a_song_as_loud_as_each_other_and_says_why(song, tmp_path):
    page = mix_page.page({"Song": song}, "console.npz")
    coded = re.findall('src="data:audio/ogg;base64,([^"]+)"', page)
    lufs = []
    for number, text in enumerate(coded):
        (tmp_path / f"{number}.ogg").write_bytes(base64.b64decode(text))
        lufs.append(audio_file.read(tmp_path / f"{number}.ogg").sound.integrated_lufs)
    assert len(lufs) == 3
    assert np.ptp(lufs) < 0.3
    assert [name in page for name in ("Song, plain sum", "Song, by priors", "Song, by the console mixer")] == [True] * 3
    assert "Sam &amp; Ella, CC0 1.0" in page
    assert page.count("<li>") == len(song.reasons) == 4
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_the_three_mixes_differ_by_more_than_a_gain(song):
    shapes = [sound.audio / np.linalg.norm(sound.audio) for sound in song.mixes.values()]
    for one, other in ((0, 1), (1, 2)):
        assert np.linalg.norm(shapes[one] - shapes[other]) > 0.01


def test_no_mix_is_near_full_scale_and_a_silent_one_is_refused():
    rng = np.random.default_rng(0)
    loud, soft = (Sound((gain * rng.standard_normal((2, RATE_HZ))).astype(np.float32), RATE_HZ) for gain in (1.0, 0.1))
    gains_db = mix_page.gains_db({"a": loud, "b": soft})
    assert gains_db["b"] - gains_db["a"] == pytest.approx(20, abs=0.2)
    assert loud.gained(gains_db["a"]).peak == pytest.approx(10 ** (-1 / 20), abs=0.1)
    with pytest.raises(InputError, match="the b of a song is silent"):
        mix_page.gains_db({"a": loud, "b": Sound(np.zeros((2, RATE_HZ), np.float32), RATE_HZ)})


def test_songs_that_may_not_be_shown_are_refused_and_those_of_the_page_may(tmp_path):
    recordings = roles.read(ROLES)
    material = Material(tmp_path, None, tmp_path, recordings)
    assert {material.recording("multitracks", name).licence for name in mix_page.SONGS} == {"CC0 1.0"}
    held = replace(material, recordings=tuple(replace(each, licence="CC BY-NC 3.0") for each in recordings))
    with pytest.raises(InputError, match=r"3.Sodium is CC BY-NC 3\.0: songs under CC0 alone"):
        mix_page.song_of(held, "3.Sodium", 0.0, "model.npz")
