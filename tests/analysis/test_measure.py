"""measure: stems in memory read as `mine` reads them from files, and what is no stem is refused in one line."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyloudnorm
import pytest
import soundfile

from mixprior.analysis.measure import measure
from mixprior.pipeline.audio import decode
from mixprior.pipeline.store.records import Song
from mixprior.stats import registry
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.stem import StemSet


def sound(rate_hz, seconds=6.0, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    swell = 0.05 + 0.2 * np.abs(np.sin(np.pi * 2 * time)) ** 4
    return (swell * np.clip(rng.standard_normal((channels, time.size)) / 4, -1, 1)).astype(np.float32)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame):
    assert found.index.tolist() == expected.index.tolist()
    assert found.columns.tolist() == expected.columns.tolist()
    for column in found:
        for ours, theirs in zip(found[column], expected[column], strict=True):
            np.testing.assert_allclose(
                np.array(ours, float), np.array(theirs, float), rtol=0, atol=1e-9, err_msg=column
            )


@pytest.mark.parametrize(("rate_hz", "bass_channels"), [(44_100, 2), (48_000, 1)])
def test_stems_in_memory_read_as_files_do(tmp_path, rate_hz, bass_channels):
    stems = {"vocals": sound(rate_hz), "bass": sound(rate_hz, channels=bass_channels, seed=1)}
    for name, audio in stems.items():
        soundfile.write(tmp_path / f"{name}.wav", audio.T, rate_hz, subtype="FLOAT")
    song = Song(str(tmp_path), tuple((name, str(tmp_path / f"{name}.wav")) for name in stems))
    rows = registry.measure(StemSet(*decode.decode_stems(song)))
    table = registry.to_table("id", rows, "key")
    pq.write_table(table, tmp_path / "rows.parquet")
    expected = pd.read_parquet(tmp_path / "rows.parquet").drop(columns="song_id").set_index("stem")
    assert_same(measure(stems, rate_hz), expected)


def test_integrated_loudness_is_that_of_an_independent_meter():
    rate_hz = 48_000
    stems = {"vocals": sound(rate_hz), "drums": sound(rate_hz, channels=1, seed=2)[0]}
    frame = measure(stems, rate_hz)
    meter = pyloudnorm.Meter(44_100, filter_class="DeMan")
    for name, audio in stems.items():
        expected = meter.integrated_loudness(Sound.of(audio, rate_hz).at(44_100).stereo.audio.T)
        # pyloudnorm cuts its blocks of 400 ms by rounding times: within a few thousandths.
        assert frame.loc[name, "integrated_lufs"] == pytest.approx(expected, abs=0.01)


def test_one_stem_of_any_name_is_enough():
    frame = measure({"guitar": sound(44_100, channels=1)[0]}, 44_100)
    assert frame.index.tolist() == ["guitar", "backing", "mixture", "song"]
    assert frame.loc["guitar", "integrated_lufs"] == frame.loc["mixture", "integrated_lufs"]
    assert frame.loc["backing", "integrated_lufs"] == frame.loc["mixture", "integrated_lufs"]
    assert pd.isna(frame.loc["song", "vocal_to_backing_lu"])
    assert frame.loc["guitar", "magnitude_spectrum_db"].shape == (2049,)
    assert frame.loc["song", "magnitude_spectrum_db"] is None
    assert json.loads(frame.drop(columns="sps_phi").to_json())["duration_s"]["song"] == pytest.approx(6.0)


def test_vocals_and_backing_are_a_song():
    vocals, backing = sound(44_100), 2 * sound(44_100, seed=1)
    frame = measure({"vocals": vocals, "backing": backing}, 44_100)
    as_stems = measure({"vocals": vocals, "bass": backing}, 44_100)
    assert frame.index.tolist() == ["vocals", "backing", "mixture", "song"]
    assert frame.loc["song", "vocal_to_backing_lu"] == as_stems.loc["song", "vocal_to_backing_lu"]


def test_a_mixture_is_taken_as_it_is():
    vocals = sound(44_100)
    frame = measure({"vocals": vocals, "bass": sound(44_100, seed=1), "mixture": 2 * vocals}, 44_100)
    assert frame.loc["mixture", "integrated_lufs"] == pytest.approx(
        frame.loc["vocals", "integrated_lufs"] + 6.02, abs=0.01
    )
    assert frame.loc["backing", "true_peak_dbtp"] == pytest.approx(frame.loc["vocals", "true_peak_dbtp"], abs=1e-6)


def test_a_stem_that_ends_a_little_early_is_followed_by_silence():
    vocals = sound(44_100)
    frame = measure({"vocals": vocals, "bass": vocals[:, :-4000]}, 44_100)
    assert frame.loc["song", "duration_s"] == pytest.approx(6.0)


GOOD = np.zeros((2, 44_100), np.float32)


@pytest.mark.parametrize(
    ("stems", "rate_hz", "message"),
    [
        ({}, 44_100, "no stems"),
        ({"vocals": GOOD.T}, 44_100, r"vocals has shape \(44100, 2\): give \(channels, samples\)"),
        ({"vocals": GOOD, "bass": GOOD[:, :20_000]}, 44_100, "bass lasts 0.45 s, the longest stem 1.00 s"),
        ({"vocals": GOOD, "bass": GOOD, "backing": GOOD}, 44_100, "'backing'"),
        ({"bass": GOOD, "backing": GOOD}, 44_100, "'backing'"),
        ({"song": GOOD}, 44_100, "'song'"),
        ({"mixture": GOOD}, 44_100, "only a mixture"),
        ({"vocals": GOOD[:, :0]}, 44_100, "vocals holds no samples"),
        ({"vocals": GOOD + 32_767}, 44_100, "peaks at 3.28e"),
        ({"vocals": (GOOD * 0).astype(np.int16)}, 44_100, "int16"),
        ({"vocals": GOOD * np.float32(np.nan)}, 44_100, "not numbers"),
        ({"vocals": GOOD}, 44, "sample rate of 44 Hz"),
    ],
)
def test_what_is_no_song_is_refused_in_a_line_that_says_what_to_do(stems, rate_hz, message):
    with pytest.raises(InputError, match=message) as error:
        measure(stems, rate_hz)
    assert "\n" not in str(error.value)
