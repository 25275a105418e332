"""The blind estimate: what it must say of voices whose reverberation is known, and when it must say nothing."""

import io
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve

from mixprior.pipeline.synthesis import SCORES, perform
from mixprior.stats.reverb import columns
from mixprior.stats.reverb.blind import decay_features
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.perceptron import Perceptrons
from mixprior.stats.reverb.fdn.level import wet_dry_db
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.stem import StemSet
from tests import reference

pytestmark = pytest.mark.slow

RATE_HZ = 44_100


@pytest.fixture(scope="module")
def dry() -> np.ndarray:
    """Bursts of a harmonic tone of changing pitch, a third of the time silent: ends of notes without any tail."""
    rng = np.random.default_rng(3)
    notes = []
    for _ in range(48):
        length = int(rng.uniform(0.15, 0.5) * RATE_HZ)
        t = np.arange(length) / RATE_HZ
        pitch_hz = rng.uniform(150, 500) * (1 + 0.005 * np.sin(2 * np.pi * 5.5 * t))
        phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
        tone = sum(np.sin(k * phase) / k for k in range(1, 16)) + 0.05 * rng.standard_normal(length)
        fade = np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
        notes += [tone * fade, np.zeros(int(rng.uniform(0.05, 0.3) * RATE_HZ))]
    mono = 0.1 * np.concatenate(notes).astype(np.float32)
    return np.stack([mono, mono])


def wet(dry: np.ndarray, time_s: float, wet_dry_db: float) -> np.ndarray:
    settings = FdnReverbSettings(
        reverberation_time_s=time_s, lows_gain_db_s=0.0, highs_gain_db_s=-3.0, fade_in_s=0.1, dry_wet=1.0
    )
    response = vocal_response(settings, RATE_HZ, 1.2 * time_s, wet_only=True)
    response *= np.sqrt(10 ** (wet_dry_db / 10) / (np.sum(response**2) / 2))
    tail = np.stack([fftconvolve(dry[0], channel)[: dry.shape[1]] for channel in response])
    return (dry + tail).astype(np.float32)


def test_longer_and_louder_reverberation_reads_longer_and_louder(dry):
    times = [blind.estimate(wet(dry, time_s, -10)).rt60_s for time_s in (0.4, 1.0, 2.5)]
    assert times == sorted(times)
    assert times[2] > 2.0 * times[0]
    levels = [blind.estimate(wet(dry, 1.2, level)).wet_dry_db for level in (-25, -15, -6)]
    assert levels == sorted(levels)
    assert levels[2] - levels[0] > 8


VOICES = reference.files("music/voices", "*.wav") or [None]


@pytest.mark.reference("music/voices")
@pytest.mark.parametrize("path", VOICES, ids=lambda path: path and path.stem)
def test_a_known_reverberation_of_a_singer_is_read_within_a_third(path):
    # The shipped model has heard these singers: this guards the model's file and its features, not how good it is.
    audio, _ = soundfile.read(path, dtype="float32")
    found = blind.estimate(wet(np.stack([audio, audio]), 1.5, -8))
    assert found.rt60_s == pytest.approx(1.5, rel=0.33)
    assert found.wet_dry_db == pytest.approx(-8, abs=6)
    assert 0.5 < found.confidence < 1


def test_the_gain_of_a_recording_does_not_matter(dry):
    sound = wet(dry, 1.5, -10)
    loud, soft = blind.estimate(sound), blind.estimate(0.01 * sound)
    assert soft.rt60_s == pytest.approx(loud.rt60_s, rel=0.02)
    assert soft.wet_dry_db == pytest.approx(loud.wet_dry_db, abs=0.2)


def test_silence_and_seconds_too_few_are_not_measurable(dry):
    assert blind.estimate(np.zeros((2, 20 * RATE_HZ), np.float32)) is None
    assert blind.estimate(dry[:, : 2 * RATE_HZ]) is None
    assert blind.estimate(dry[:, :0]) is None


def test_segments_are_where_the_voice_sings(dry):
    pause = np.zeros((2, 40 * RATE_HZ), np.float32)
    found = blind.segments(np.concatenate([pause, dry], axis=1))
    assert found
    assert all(stop > 40 * RATE_HZ for _, stop in found)
    assert len(blind.segments(np.tile(dry, 10))) == blind.MOST_SEGMENTS


def test_a_voice_at_the_very_end_is_heard_and_one_out_of_phase_is_not(dry):
    voice = dry[:, : round(7.7 * RATE_HZ)]
    pause = np.zeros((2, round(7.8 * RATE_HZ)), np.float32)
    assert len(blind.segments(np.concatenate([pause, voice], axis=1))) == 1
    assert blind.segments(np.stack([dry[0], -dry[0]])) == []


def test_the_decay_holds_the_energy_that_the_wet_level_tells():
    found = blind.Reverberation(1.0, np.array([0.5, 1, 1, 2, 3.0]), -10, np.array([-3.0, -10, -12, -20, 0]), 0.8, 1)
    step_s = 1e-3
    energy = 10 ** (found.decay_db(np.arange(0, 8, step_s) + step_s / 2) / 10)
    np.testing.assert_allclose(10 * np.log10(energy.sum(1) * step_s), found.wet_dry_octaves_db, atol=0.01)


def test_features_are_finite_or_marked_as_missing_for_any_sound():
    rng = np.random.default_rng(0)
    sizes = set()
    for sound in (rng.standard_normal(200_000), np.ones(200_000), np.eye(1, 200_000)[0], 1e-9 * np.ones(150_000)):
        power = decay_features.band_power(sound.astype(np.float32))
        row = decay_features.features(power, 0 * power, 0 * power)
        sizes.add(row.size)
        assert not np.isinf(row).any()
    assert len(sizes) == 1


def test_the_arrays_say_what_the_trained_networks_said():
    torch = pytest.importorskip("torch")
    from mixprior.learning.reverb_training import train
    from mixprior.learning.reverb_training.rows import Rows

    rng = np.random.default_rng(1)
    features = rng.standard_normal((400, 20)).astype(np.float32)
    features[rng.random(features.shape) < 0.05] = np.nan
    known = np.nan_to_num(features)
    truth = np.repeat((known[:, 0] + 0.5 * known[:, 1])[:, None], 6, axis=1)
    rows = Rows(features, truth, 10 * truth, np.full(400, 0.2), rng.random(400) < 0.5, *(np.zeros(400, int),) * 3)
    torch.set_num_threads(1)
    model = train.fit(rows, networks=2)
    estimate, spread = model.predict(features)
    assert np.corrcoef(estimate[:, 0], truth[:, 0])[0, 1] > 0.9
    np.testing.assert_allclose(np.abs(estimate[:, 0] - truth[:, 0]).mean(), spread[:, 0].mean(), rtol=0.6)
    again, _ = train.fit(rows, networks=2).predict(features)
    np.testing.assert_array_equal(again, estimate)


def test_a_model_reads_back_as_it_was_written():
    file = io.BytesIO()
    blind.model().save(file)
    file.seek(0)
    rows = np.random.default_rng(0).standard_normal((3, blind.model().centre.size)).astype(np.float32)
    rows[0, ::5] = np.nan
    for ours, theirs in zip(Perceptrons.load(file).predict(rows), blind.model().predict(rows), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_file_without_a_factor_leaves_times_as_the_networks_say():
    file, model = io.BytesIO(), blind.model()
    np.savez(file, **{name: value for name, value in vars(model).items() if name != "separated_factor"})
    file.seek(0)
    log_s = np.random.default_rng(2).standard_normal((4, 6))
    kinds = np.array([False, True, False, True])
    np.testing.assert_array_equal(Perceptrons.load(file).log_times(log_s, kinds), log_s)
    moved, centre = model.log_times(log_s, kinds), model.target_centre[:6]
    np.testing.assert_array_equal(moved[~kinds], log_s[~kinds])
    np.testing.assert_allclose((moved - centre)[kinds], model.separated_factor * (log_s - centre)[kinds])


def test_the_model_is_small_and_holds_no_pickles():
    path = resources.files("mixprior.stats.reverb.blind").joinpath("blind_model.npz")
    assert len(path.read_bytes()) < 2_000_000
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays)


def test_columns_of_a_wet_voice_are_filled_and_marked(dry):
    voice = wet(dry, 1.2, -3)
    song = StemSet({"vocals": voice, "other": 0.01 * voice[:, ::-1].copy()})
    values = columns.measure(song["vocals"])
    assert set(values) == {column.name for column in columns.STATISTIC.columns}
    for column in columns.STATISTIC.columns:
        value = values[column.name]
        assert value is not None, column.name
        assert np.size(value) == (len(column.axis_hz) if column.axis_hz else 1)
        if column.name != "reverb_decay_db":
            assert np.isfinite(value).all(), column.name
    decay_db = np.reshape(values["reverb_decay_db"], (5, -1))
    assert np.isfinite(decay_db[:, 0]).all()
    assert np.nanmin(decay_db) >= columns.LEAST_DECAY_DB
    found = {name: values[f"fdn_{name}"] for name in columns.FITTED}
    shorter_s = min(columns.ASSUMED.fade_in_s, np.floor(50 * found["reverberation_time_s"]) / 100)
    settings = replace(columns.ASSUMED, **found, fade_in_s=shorter_s)
    assert settings == settings.snapped()
    decay_s = settings.decay_time_s(np.array(decay_features.OCTAVES_HZ))
    np.testing.assert_allclose(decay_s, values["rt60_octaves_s"], rtol=0.15)
    assert wet_dry_db(settings) == pytest.approx(values["wet_dry_db"], abs=1.0)
    assert {name for name in values if name.startswith("fdn_")} == {f"fdn_{name}" for name in columns.FITTED}
    assert values["wet_dry_250_4000_db"] == pytest.approx(values["wet_dry_db"], abs=6)


@pytest.mark.parametrize("level_db", [-33.0, columns.LEAST_WET_FOR_TIMES_DB - 0.1])
def test_a_voice_with_little_reverb_has_a_level_but_no_times(monkeypatch, level_db):
    song = StemSet(perform(SCORES[0]))
    ones = np.ones(5)
    monkeypatch.setattr(
        blind, "estimate", lambda voice, rest=None: blind.Reverberation(1.0, ones, level_db, level_db * ones, 0.7, 2)
    )
    values = columns.measure(song["vocals"])
    assert values["wet_dry_db"] == level_db
    assert values["wet_dry_250_4000_db"] == pytest.approx(level_db)
    assert values["rt60_s"] is None
    assert values["fdn_dry_wet"] is None


def test_the_interval_holds_the_estimate_and_goes_by_the_kind_of_vocals(dry):
    voice = wet(dry, 1.2, -3)
    alone, separated = blind.estimate(voice), blind.estimate(voice, np.zeros_like(voice))
    for found in (alone, separated):
        low_s, high_s = found.rt60_interval_s
        assert low_s < found.rt60_s < high_s
        assert found.rt60_s / low_s == pytest.approx(high_s / found.rt60_s)
    ratios = [found.rt60_interval_s[1] / found.rt60_s for found in (alone, separated)]
    laws = blind.model().interval_law
    assert np.log(ratios[0]) == pytest.approx(-laws[0] * np.log(alone.confidence), rel=1e-4)
    assert np.log(ratios[1]) == pytest.approx(-laws[1] * np.log(separated.confidence), rel=1e-4)


def test_bleed_in_an_instrumental_has_no_reverberation(dry):
    band = wet(dry, 1.2, -3)
    assert set(columns.measure(StemSet({"vocals": 0.003 * band, "other": band})["vocals"]).values()) == {None}


def test_an_instrumental_has_no_reverberation():
    stems = perform(SCORES[0])
    stems["vocals"] = np.zeros_like(stems["vocals"])
    assert set(columns.measure(StemSet(stems)["vocals"]).values()) == {None}
