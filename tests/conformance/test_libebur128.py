"""Our meters beside libebur128, on real songs: three always, all of them in `make nightly PART=conformance`."""

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.reference import MUSIC
from tools.conformance import libebur128, music
from tools.docs import conformance

DOCUMENT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(libebur128.find() is None, reason="apt-get install libebur128-1")


def assert_they_agree(song: music.Comparison) -> None:
    assert song.loudness_passes, song
    # Where the peaks differ, ours is the one that is near to what a far denser interpolation reads.
    if not song.peak_passes:
        assert abs(song.ours.true_peak_dbtp - song.dense_peak_dbtp) <= music.PEAK_DB, song
        assert abs(song.theirs.true_peak_dbtp - song.dense_peak_dbtp) > music.PEAK_DB, song
    assert conformance.songs([song]).splitlines()[-1] in DOCUMENT


@pytest.mark.reference("music/songs", "music/more_songs")
@pytest.mark.parametrize("name", ["Kevin_MacLeod_-_Vibe_Ace", "Summer_Joyride", "admiralbob77_-_Choice"])
def test_a_song_reads_the_same(name):
    [path] = [path for path in music.songs(MUSIC) if path.name.startswith(name)]
    assert_they_agree(music.compare(path))


@pytest.mark.nightly("conformance")
@pytest.mark.reference("music/songs", "music/more_songs")
def test_every_song_reads_the_same():
    songs = list(music.comparisons(MUSIC))
    assert len(songs) >= 20
    for song in songs:
        assert_they_agree(song)


def test_noise_and_tones_read_the_same():
    rng = np.random.default_rng(0)
    n = np.arange(48_000 * 12)
    fade = (0.02 + 0.3 * np.abs(np.sin(2 * np.pi * n / n.size * 3))).astype(np.float32)
    audio = fade * (0.3 * rng.standard_normal((2, n.size)) + np.sin(2 * np.pi * 997 / 48_000 * n)).astype(np.float32)
    ours, theirs = music.ours(audio, 48_000), libebur128.read(audio, 48_000)
    assert ours.integrated_lufs == pytest.approx(theirs.integrated_lufs, abs=0.001)
    assert ours.loudness_range_lu == pytest.approx(theirs.loudness_range_lu, abs=0.01)
    assert ours.true_peak_dbtp == pytest.approx(theirs.true_peak_dbtp, abs=music.PEAK_DB)
