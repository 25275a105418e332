"""The level of the vocal: where the target comes from, and that the gain reaches it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from analysis.priors import open_priors
from mixing import level
from stats.errors import InputError
from stats.loudness_blocks import measure
from tests.analysis.priors_folder import RATIO, RATIO_OF_ALL, row, write_priors
from tests.mixing.sounds import RATE_HZ, band, voice


@pytest.fixture
def priors(tmp_path):
    return open_priors(write_priors(tmp_path))


def test_the_target_is_the_median_of_the_group(priors):
    of_all, of_rock = level.from_priors(priors), level.from_priors(priors, "genre=rock")
    assert (of_all.ratio_lu, of_all.source, of_all.warnings) == (-1.89, "prior", ())
    assert (of_rock.ratio_lu, of_rock.warnings) == (-3.25, ())
    assert of_rock.reason == "median of 40 songs (group genre=rock); half of them lie between -4.50 and -2.50"


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ("genre=rok", "no group 'genre=rok' .* did you mean genre=rock"),
        ("genre=polka", "its 1 songs are fewer than 10"),
        ("genre=jazz", "its 0 songs are fewer than 10"),
    ],
)
def test_all_songs_stand_in_for_a_group_that_says_too_little(priors, group, told):
    target = level.from_priors(priors, group)
    assert target.prior == priors.lookup("song", RATIO)
    (warning,) = target.warnings
    assert warning.startswith("all songs stand in for the group")
    assert re.search(told, warning)


def test_priors_without_a_ratio_are_refused(tmp_path):
    priors = open_priors(write_priors(tmp_path, [row("all", "song", RATIO, "LU", 0)]))
    with pytest.raises(InputError, match="no song had vocals and a backing; give --ratio-lu"):
        level.from_priors(priors)


def test_a_prior_of_a_few_songs_is_used_with_a_warning(tmp_path):
    priors = open_priors(write_priors(tmp_path, [row("all", "song", RATIO, "LU", 3, RATIO_OF_ALL)]))
    target = level.from_priors(priors)
    assert (target.ratio_lu, target.warnings) == (-1.89, ("the prior rests on 3 songs only",))


@pytest.mark.shared
def test_the_published_ratio_is_the_mean_of_the_published_songs():
    published = Path(__file__).parents[3] / "shared" / "reference" / "published" / "musdb18hq_vox_acc_ratio.json"
    if not published.is_file():
        pytest.skip("the reference material is not beside the checkout")
    songs = json.loads(published.read_text("utf-8"))
    assert "stereo" in songs["definition"]
    assert len(songs["train"]) == 100
    assert np.mean(songs["train"]) == pytest.approx(level.PUBLISHED.ratio_lu, abs=0.005)


@pytest.mark.parametrize("ratio_lu", [-8.0, -2.15, 3.5])
@pytest.mark.parametrize("vocal_level", [0.003, 0.1, 0.9])
def test_the_gain_brings_the_vocal_to_the_ratio(ratio_lu, vocal_level):
    vocal, backing = measure(voice(level=vocal_level), RATE_HZ), measure(band(), RATE_HZ)
    gain_db = level.vocal_gain_db(vocal, backing, ratio_lu)
    reached = level.vocal_to_backing_lu(vocal, backing, gain_db)
    assert reached == pytest.approx(ratio_lu, abs=0.006)


def test_a_gain_that_lifts_bleed_over_the_gate_is_corrected():
    """One short phrase over bleed at -71 LUFS: the bleed is gated out before the gain, and counts after it."""
    seconds = 60
    bleed = np.random.default_rng(3).standard_normal((2, seconds * RATE_HZ)).astype(np.float32) * 1.2e-4
    bleed[:, : RATE_HZ // 2] *= 20
    vocal, backing = measure(bleed, RATE_HZ), measure(band(seconds), RATE_HZ)
    ratio_lu = -2.0
    one_step = ratio_lu - level.vocal_to_backing_lu(vocal, backing)
    missed = level.vocal_to_backing_lu(vocal, backing, vocal_gain_db=one_step) - ratio_lu
    assert abs(missed) > 5
    gain_db = level.vocal_gain_db(vocal, backing, ratio_lu)
    assert level.vocal_to_backing_lu(vocal, backing, vocal_gain_db=gain_db) == pytest.approx(ratio_lu, abs=0.006)


def test_a_target_under_the_gate_is_no_silence():
    vocal, backing = measure(voice(), RATE_HZ), measure(band(level=0.01), RATE_HZ)
    now = level.vocal_to_backing_lu(vocal, backing)
    assert level.vocal_gain_db(vocal, backing, -60.0) == pytest.approx(-60.0 - now, abs=0.006)


@pytest.mark.parametrize("silent", ["vocal", "backing"])
def test_there_is_no_gain_next_to_silence(silent):
    sounds = {"vocal": voice(), "backing": band()}
    sounds[silent] = np.zeros_like(sounds[silent])
    blocks = {name: measure(audio, RATE_HZ) for name, audio in sounds.items()}
    assert level.vocal_gain_db(**blocks, ratio_lu=-2.0) is None
