"""Reliability: known errors and spreads give the known number, its interval covers, and few sources give none."""

import numpy as np
import pyarrow as pa
import pytest

from mixprior.pipeline.store.evidence import Evidence
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ
from mixprior.stats.priors.calibration import Calibration
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.grouping import EVERY_SONG
from mixprior.stats.priors.reliability import LEAST_SOURCES, Reliability, document, read
from mixprior.stats.priors.reliability_estimate import fits, reliabilities, reliability
from mixprior.stats.priors.separation_errors import SeparationError, SeparationErrors, errors_of, shipped
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.registry import FEATURES_SCHEMA

RUNS = 1_000


def simulated(rng, sources, songs, error_sd, bias):
    """Reliability of a catalog with spread 1, by as many sources and songs."""
    errors = bias + error_sd * rng.standard_normal(sources)
    measured = bias + rng.standard_normal(songs) + error_sd * rng.standard_normal(songs)
    return reliability(float((errors**2).mean()), float(errors.mean()), sources, float(measured.var(ddof=1)), songs)


@pytest.mark.parametrize("error_sd", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("sources", "songs"), [(5, 11), (8, 30), (12, 30)])
def test_the_interval_covers_what_errors_and_spread_make(sources, songs, error_sd):
    rng = np.random.default_rng(sources)
    truth = 1.0 / (1.0 + error_sd**2)
    found = np.array([simulated(rng, sources, songs, error_sd, 0.0) for _ in range(RUNS)])
    assert 0.93 <= np.mean((found[:, 1] <= truth) & (truth <= found[:, 2])) <= 0.97
    assert np.median(found[:, 0]) == pytest.approx(truth, abs=0.18 if sources == 5 else 0.12)


@pytest.mark.parametrize("bias", [0.5, 1.5])
def test_a_bias_counts_as_error_and_is_covered(bias):
    rng = np.random.default_rng(1)
    truth = 1.0 / (1.0 + 0.5**2 + bias**2)
    found = np.array([simulated(rng, 10, 30, 0.5, bias) for _ in range(RUNS)])
    assert np.mean((found[:, 1] <= truth) & (truth <= found[:, 2])) >= 0.95
    assert np.median(found[:, 0]) == pytest.approx(truth, abs=0.06)


def test_with_many_songs_and_sources_it_is_the_known_number():
    found = simulated(np.random.default_rng(0), 20_000, 20_000, 1.0, 0.0)
    assert found == pytest.approx((0.5, 0.5, 0.5), abs=0.03)
    assert reliability(0.0, 0.0, 9, 0.0, 9) == (1.0, 1.0, 1.0)
    assert reliability(1.0, 1.0, 9, 0.0, 9)[0] == 0.0


def rows(values, bands=None):
    """Rows of vocals, a song each: loudness, and a level for every third octave."""
    table = [
        {
            "song_id": f"{k:016x}",
            "stem": "vocals",
            "present": 1.0,
            "integrated_lufs": float(value),
            "third_octave_db": [float(value)] * 30 if bands is None else bands[k],
        }
        for k, value in enumerate(values)
    ]
    return pa.Table.from_pylist(table, FEATURES_SCHEMA)


def test_errors_are_of_sources_and_of_bands():
    true, off = np.array([-20.0, -22.0, -24.0]), np.array([1.0, 1.0, 4.0])
    bands = [[float(true[k])] * 29 + [None] for k in range(3)]
    sources = {f"{k:016x}": source for k, source in enumerate(("a", "a", "b"))}
    found = {(each.statistic, each.hz): each for each in errors_of(rows(true + off), rows(true, bands), sources)}
    loudness = found["integrated_lufs", None]
    assert (loudness.sources, loudness.songs) == (2, 3)
    assert (loudness.bias, loudness.mean_square) == (2.5, 8.5)  # a errs by 1, b by 4
    assert ("third_octave_db", BAND_CENTRES_HZ[0]) in found
    assert ("third_octave_db", BAND_CENTRES_HZ[-1]) not in found  # no true stem has it


def test_stems_that_are_absent_have_no_error():
    true, measured = rows([-20.0, -22.0, -24.0]), rows([-19.0, -21.0, -60.0])
    measured = measured.set_column(measured.schema.get_field_index("present"), "present", pa.array([1.0, None, 0.0]))
    sources = {f"{k:016x}": str(k) for k in range(3)}
    errors = {each.statistic: each for each in errors_of(measured, true, sources)}
    assert (errors["integrated_lufs"].songs, errors["integrated_lufs"].bias) == (2, 1.0)


def digest_of(values) -> Digest:
    texts = {f"{k:016x}": "{}" for k in range(len(values))}
    found = tally(rows(values), texts, Grouping((), 1, None), True)
    return Digest.merged([digest for group, digest in found if group == EVERY_SONG])


@pytest.mark.parametrize("same", [True, False])
def test_the_manifest_holds_it_where_the_model_is_the_one_with_known_errors(same):
    errors = shipped()
    weights = errors.weights_sha256 if same else "another"
    facts = {"stems": "separated", "weights_sha256": weights, "feature_version": errors.feature_version}
    features = {"key": facts}
    digests = {EVERY_SONG: digest_of(np.linspace(-30.0, -10.0, 12))}
    found = read(Evidence(digests, None, features, {}).manifest()["reliability"])
    names = {(each.stem, each.statistic) for each in found}
    assert names == ({("vocals", "integrated_lufs"), ("vocals", "third_octave_db")} if same else set())
    assert all(each.sources > 0 for each in found)


def test_a_catalogs_songs_are_held_against_the_errors():
    spread = np.array([-10.0, -20.0, -30.0, -15.0, -25.0, -18.0])
    whole = digest_of(spread)
    errors = (
        SeparationError("vocals", "integrated_lufs", None, 4.0, 0.0, 8, 16),
        SeparationError("vocals", "third_octave_db", float(BAND_CENTRES_HZ[5]), 400.0, 0.0, 8, 16),
        SeparationError("vocals", "rt60_s", None, 1.0, 0.0, 8, 16),
        SeparationError("vocals", "true_peak_dbtp", None, 1.0, 0.0, LEAST_SOURCES - 1, 16),
    )
    found = {each.statistic: each for each in reliabilities(whole, SeparationErrors("m", "w", 2, errors))}
    variance = spread.var(ddof=1)
    assert found["integrated_lufs"].reliability == pytest.approx(1 - 4.0 / variance, abs=1e-3)
    assert found["third_octave_db"].reliability == 0.0
    assert "rt60_s" not in found  # of no song
    assert read(document(found.values())) == tuple(found.values())


def test_fewer_than_five_sources_leave_it_unknown():
    laid = document([Reliability("vocals", "rt60_s", None, None, None, None, 4, 9)])
    assert read(laid)[0].reliability is None
    assert read(None) == ()


def test_errors_are_those_of_one_model():
    errors = shipped()
    same = {"stems": "separated", "weights_sha256": errors.weights_sha256, "feature_version": errors.feature_version}
    assert fits(same, errors)
    assert not fits({**same, "weights_sha256": "another"}, errors)
    assert not fits({**same, "feature_version": errors.feature_version - 1}, errors)
    assert not fits({"stems": "from the catalog"}, errors)
    levels = [error for error in errors.errors if error.statistic == "loudness_vs_mixture_lu"]
    assert {error.stem for error in levels if error.sources >= LEAST_SOURCES} >= {"vocals", "drums", "bass", "other"}


def test_a_calibration_keeps_its_errors():
    error = SeparationError("vocals", "rt60_s", None, 0.1, 0.2, 5, 6)
    calibration = Calibration("htdemucs", "abc", "fp32", 0.25, 2, 6, None, (), (error,))
    assert Calibration.load(calibration.to_json()) == calibration
