"""Whether a stem is there: on songs whose answer is known by construction."""

import numpy as np
import pytest

from mixprior.stats import pieces, registry
from mixprior.stats.measures import presence
from mixprior.stats.measures.presence import FXNORM, PRESENT, SEPARATED, Gate, is_present
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet


def noise(seed, level_db, seconds=6):
    wave = np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE_HZ))
    return np.tile(10 ** (level_db / 20) * wave, (2, 1)).astype(np.float32)


def stems(**levels_db):
    """Steady noise by stem, at RMS levels in dBFS; None is digital silence."""
    return {
        name: np.zeros((2, 6 * SAMPLE_RATE_HZ), np.float32) if level_db is None else noise(seed, level_db)
        for seed, (name, level_db) in enumerate(levels_db.items())
    }


BAND = {"vocals": -20, "drums": -20, "bass": -20, "other": -20}


@pytest.mark.parametrize("name", list(BAND))
@pytest.mark.parametrize("is_estimated", [False, True])
def test_stems_that_sound_are_there_and_silent_ones_are_not(name, is_estimated):
    song = StemSet(stems(**{**BAND, name: None}), is_estimated=is_estimated)
    assert {stem: is_present(song[stem]) for stem in BAND} == {stem: stem != name for stem in BAND}


@pytest.mark.parametrize("name", list(BAND))
def test_what_a_separator_leaves_of_an_absent_source_is_not_there(name):
    bleed = stems(**{**BAND, name: -70})
    assert not is_present(StemSet(bleed, is_estimated=True)[name])


def test_true_drums_may_be_quieter_than_bleed():
    quiet = stems(**{**BAND, "drums": -55})
    assert is_present(StemSet(quiet)["drums"])
    assert not is_present(StemSet(quiet, is_estimated=True)["drums"])


def test_backing_is_there_if_any_of_its_stems_is():
    alone = StemSet(stems(vocals=-20, drums=None, bass=None, other=-80), is_estimated=True)
    assert not is_present(alone["backing"])
    assert is_present(StemSet(stems(vocals=-20, drums=None, bass=None, other=-20), is_estimated=True)["backing"])
    assert is_present(StemSet(stems(vocals=-20), noise(9, -20))["backing"])  # true vocals in a mixture


def test_of_a_mixture_and_of_the_song_it_is_not_asked():
    rows = registry.measure(StemSet(stems(**BAND)))
    assert {name: row[PRESENT] for name, row in rows.items()} == {
        **dict.fromkeys([*BAND, "backing"], 1.0),
        "mixture": None,
        "song": None,
    }


def test_facts_about_vocals_are_null_without_a_backing():
    rows = registry.measure(StemSet(stems(vocals=-20, drums=None, bass=None, other=-80), is_estimated=True))
    assert rows["song"]["vocal_to_backing_lu"] is None
    assert rows["vocals"][PRESENT] == 1.0


def test_a_song_in_pieces_has_the_presence_of_the_whole():
    whole = stems(**{**BAND, "drums": -60})
    cut = [{name: audio[:, k : k + 50_000] for name, audio in whole.items()} for k in range(0, 264_600, 50_000)]
    for is_estimated in (False, True):
        found = registry.measure(pieces.measured(lambda: iter(cut), is_estimated=is_estimated))
        expected = registry.measure(StemSet(whole, is_estimated=is_estimated))
        assert {n: row[PRESENT] for n, row in found.items()} == {n: row[PRESENT] for n, row in expected.items()}


def test_fxnorms_gate_is_the_peak_of_minus_50_dbfs():
    other = noise(2, -20)
    for peak_db, expected in ((-49.9, True), (-50.1, False)):
        burst = np.zeros_like(other)
        burst[:, :44_100] = np.float32(10 ** (peak_db / 20))
        burst[:, 1:44_100:2] *= -1
        assert FXNORM.passes(StemSet({"drums": burst, "other": other})["drums"]) is expected


def test_every_condition_of_a_gate_holds_alone():
    song = StemSet(stems(drums=-40, other=-20))
    level_lu = song["drums"].integrated_lufs - song["mixture"].integrated_lufs
    assert Gate(against_mixture_lu=level_lu - 0.1).passes(song["drums"])
    assert not Gate(against_mixture_lu=level_lu + 0.1).passes(song["drums"])
    assert not Gate(active_ratio=0.5).passes(song["drums"])  # 20 LU below the mixture in every frame
    assert Gate(active_ratio=0.5).passes(song["other"])


def test_every_stem_of_a_separator_has_its_gate():
    assert set(SEPARATED) == set(BAND)
    for name, gate in SEPARATED.items():
        assert gate.against_mixture_lu > presence.TRUE.against_mixture_lu, name
