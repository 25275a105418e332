"""A dry run says what mining takes: by the last run on this machine, or by a clip."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mixprior.pipeline import estimate
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.estimate import CLIP, LAST_RUN
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import pace
from mixprior.pipeline.song.pace import Pace
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import user_cache
from mixprior.pipeline.store.ledger import Found
from mixprior.pipeline.store.records import Song
from mixprior.stats.errors import InputError

PACE = Pace(audio_s=120.0, elapsed_s=60.0, cpu_s=100.0, workers=2, song_rows=7, song_bytes=30_000)
SETTINGS = MiningSettings(SeparationSettings(weights_sha256="0" * 64, precision="fp32", device="cpu"), DecodeLimits())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def clip(monkeypatch) -> list[bool]:
    """In place of mining clips: of each that was asked for, whether it came with its stems."""
    asked = []
    monkeypatch.setattr(pace, "measured", lambda _settings, has_stems: asked.append(has_stems) or PACE)
    return asked


@pytest.fixture
def songs(tmp_path) -> list[Found]:
    """An hour of songs: of 200 files every fifth is of 30 s, the others of 15 s."""
    found = []
    for duration_s in (15, 30):
        soundfile.write(tmp_path / f"{duration_s}.wav", np.zeros(8000 * duration_s), 8000, "PCM_16")
    for k in range(200):
        path = tmp_path / f"{15 if k % 5 else 30}.wav"
        found.append(Found(Song(str(path)), path.stat().st_size))
    return found


def test_songs_are_as_long_as_headers_and_sizes_say(songs):
    assert estimate.audio_s(songs, SETTINGS) == pytest.approx(3600.0, rel=0.01)
    assert estimate.audio_s([Found(Song("missing.wav"), 1000)], SETTINGS) is None


def test_a_clip_is_mined_where_no_run_told_the_pace(songs, clip):
    found = estimate.of(songs, SETTINGS, workers=4)
    assert clip == [False]
    assert found.by == CLIP
    assert found.audio_hours == pytest.approx(1.0, rel=0.01)
    assert found.hours == pytest.approx(0.25, rel=0.01)
    assert (found.workers, found.rows, found.disk_bytes) == (4, 1400, 6_000_000)
    said = f"to mine: {found.audio_hours:.2f} h of audio in {60 * found.hours:.1f} min on 4 cores"
    assert found.text() == f"{said}, 1400 rows, 6.0 MB; by {CLIP}"


def test_a_song_that_is_separated_is_mined_on_all_cores_and_one_with_stems_on_one():
    assert pace.cores_at_work(8, 1, SETTINGS, [False]) == 8
    assert pace.cores_at_work(8, 3, SETTINGS, [True]) == 3


def test_the_last_run_of_such_songs_tells_it(songs, clip):
    pace.remember(Pace(100.0, 400.0, 400.0, 1, 7, 1000), SETTINGS, [False])
    found = estimate.of(songs, SETTINGS, workers=2)
    assert not clip
    assert (found.by, found.disk_bytes) == (LAST_RUN, 200_000)
    assert found.hours == pytest.approx(2.0, rel=0.01)
    with_stems = [Found(Song("a", (("vocals", "a/vocals.wav"),)))]
    assert estimate.of(with_stems, SETTINGS, workers=2).by == CLIP


@pytest.mark.parametrize("document", [[], {"audio_s": 1}, {**vars(PACE), "audio_s": 0.0}, {**vars(PACE), "more": 1}])
def test_a_damaged_pace_costs_a_clip(songs, clip, document):
    user_cache.write("pace", pace._name(SETTINGS, [False]), document)
    assert estimate.of(songs, SETTINGS, workers=2).by == CLIP


def test_nothing_is_promised_where_nothing_is_known(songs, clip, monkeypatch):
    assert estimate.of([], SETTINGS, workers=2) is None
    unfetched = MiningSettings(SeparationSettings(precision="fp32", device="cpu"), DecodeLimits())
    assert estimate.of(songs, unfetched, workers=2) is None
    assert not clip

    def fail(*_):
        raise InputError("the model is damaged")

    monkeypatch.setattr(pace, "measured", fail)
    assert estimate.of(songs, SETTINGS, workers=2) is None


def test_a_clip_tells_the_pace_and_what_a_song_leaves(stems_catalog, mixprior, tmp_path):
    told = mixprior("mine", stems_catalog, "-o", tmp_path / "new", "--dry-run", "--json", "-j", 2)
    found = json.loads(told.stdout)["estimate"]
    assert found["by"] == CLIP
    assert found["audio_hours"] == pytest.approx(5 * 6 / 3600, abs=1e-4)
    assert 0 < found["hours"] < 0.1
    assert found["rows"] == 5 * 7
    assert not Path(tmp_path / "new").exists()
