"""A known bias is found among outliers, none is made up, and corrections stay within what they were fitted on."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from mixprior.stats.errors import InputError
from mixprior.stats.priors.calibration import Calibration, Correction
from mixprior.stats.priors.calibration_fit import fit, fit_all, folds_of
from mixprior.stats.registry import FEATURES_SCHEMA

LINE = Correction("song", "vocal_to_backing_lu", 0.5, 0.8, "linear", 20, 7, 0.5, 0.0, 0.6, 0.1, 0.1, -8.0, 4.0)
OFFSET = Correction("vocals", "integrated_lufs", -0.3, 1.0, "offset", 20, 7, 0.3, 0.0, 0.3, 0.1, 0.1, -30.0, -10.0)
SHARE = Correction("vocals", "vocal_active_ratio", 0.1, 1.0, "offset", 20, 7, -0.1, 0.0, 0.1, 0.0, 0.0, 0.3, 0.9)
CALIBRATION = Calibration("htdemucs", "abc", "fp32", 0.25, 1, 20, "source", (LINE, OFFSET, SHARE))


def rows(**cells: list) -> pa.Table:
    """Rows of the features, null but for the given columns."""
    return pa.Table.from_pylist(
        [dict(zip(cells, values, strict=True)) for values in zip(*cells.values(), strict=True)], FEATURES_SCHEMA
    )


def songs(count: int, seed: int, sources: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured balances in LU, noise, and the source of each song."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-9, 5, count), rng.normal(0, 0.05, count), np.arange(count) % sources


def test_a_known_line_is_recovered_among_outliers():
    measured, noise, sources = songs(80, 1)
    true = 0.7 + 0.85 * measured + noise
    true[::10] += 6.0
    found = fit("song", "vocal_to_backing_lu", measured, true, sources)
    assert found.kind == "linear"
    assert found.a == pytest.approx(0.7, abs=0.05)
    assert found.b == pytest.approx(0.85, abs=0.01)
    assert (found.low, found.high) == pytest.approx((measured.min(), measured.max()), rel=1e-5)


def test_a_known_offset_is_recovered_and_its_errors_are_those_of_the_noise():
    measured, noise, sources = songs(60, 2)
    found = fit("song", "vocal_to_backing_lu", measured, measured - 0.4 + noise, sources)
    assert (found.kind, found.b) == ("offset", 1.0)
    assert found.a == pytest.approx(-0.4, abs=0.02)
    assert found.bias_before == pytest.approx(0.4, abs=0.02)
    assert abs(found.bias_after) < 0.02
    # The mean absolute value of a normal variable is sqrt(2 / pi) of its standard deviation.
    assert found.mae_after == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.2)
    assert found.residual_sd == pytest.approx(0.05, rel=0.2)


@pytest.mark.parametrize("seed", range(3, 9))
def test_nothing_to_speak_of_is_corrected_where_no_correction_is_needed(seed):
    measured, noise, sources = songs(60, seed)
    found = fit("song", "vocal_to_backing_lu", measured, measured + noise, sources)
    corrected = found.apply(measured)
    assert np.abs(corrected - measured).max() < 0.03
    assert found.mae_after <= found.mae_before


def test_an_offset_that_every_source_has_of_its_own_is_not_taken_for_a_bias():
    measured, noise, sources = songs(60, 10, sources=6)
    own = np.array([1.0, -1.0, 0.9, -0.9, 1.1, -1.1])[sources]
    found = fit("song", "vocal_to_backing_lu", measured, measured + own + noise, sources)
    assert (found.kind, found.a, found.b) == ("none", 0.0, 1.0)
    assert found.mae_after == found.mae_before


def noisy(rng: np.random.Generator, sources: int, own: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Balances of three songs a source, measured with an error of 1.5 LU and an offset of each source, and true."""
    source = np.repeat(np.arange(sources), 3)
    true = rng.normal(-2, 3, source.size)
    return true + rng.normal(0, own, sources)[source] + rng.normal(0, 1.5, source.size), true, source


@pytest.mark.parametrize(("sources", "own"), [(5, 0.0), (8, 1.0)])
def test_noise_alone_is_corrected_in_at_most_five_of_a_hundred_runs(sources, own):
    rng = np.random.default_rng(30)
    found = [fit("song", "vocal_to_backing_lu", *noisy(rng, sources, own)) for _ in range(1000)]
    assert np.mean([each.kind != "none" for each in found]) <= 0.05


def test_catalogs_far_from_the_songs_of_the_fit_are_not_moved_by_its_noise():
    # A line of true on measured values has a slope of 0.8 here: it would move them by 0.8 LU.
    rng = np.random.default_rng(31)
    found = [fit("song", "vocal_to_backing_lu", *noisy(rng, 12)) for _ in range(50)]
    for catalog_lu in (-6.0, 2.0):
        measured = rng.normal(catalog_lu, 2, 300)
        assert abs(np.mean([each.apply(measured).mean() for each in found]) - measured.mean()) < 0.1


def test_a_line_is_the_inverse_of_measured_on_true_and_brings_catalogs_anywhere_in_its_range_home():
    rng = np.random.default_rng(32)
    true = rng.uniform(-9, 5, 90)
    measured = 1.0 + 0.6 * true + rng.normal(0, 0.8, 90)
    found = fit("song", "vocal_to_backing_lu", measured, true, np.arange(90) // 3)
    assert found.kind == "linear"
    assert found.b == pytest.approx(1 / 0.6, abs=0.1)
    for catalog_lu in (-6.0, 2.0):
        songs_lu = rng.normal(catalog_lu, 1, 400)
        corrected = found.apply(1.0 + 0.6 * songs_lu + rng.normal(0, 0.8, 400))
        assert corrected.mean() == pytest.approx(songs_lu.mean(), abs=0.3)


@pytest.mark.parametrize(("sources", "slope"), [(7, 0.6), (30, -0.6)])
def test_there_is_no_line_of_few_sources_or_of_a_falling_slope(sources, slope):
    rng = np.random.default_rng(33)
    true = rng.uniform(-9, 5, 10 * sources)
    measured = slope * true + rng.normal(0, 0.3, true.size)
    assert fit("song", "vocal_to_backing_lu", measured, true, np.arange(true.size) % sources).kind != "linear"


def test_errors_after_correction_are_of_sources_that_were_held_out():
    # One source is biased by 4, the others not at all: no fit without it can know.
    measured, _, sources = songs(40, 11, sources=4)
    true = measured - 1.0
    true[sources == 3] -= 4.0
    found = fit("song", "vocal_to_backing_lu", measured, true, sources)
    assert found.mae_after >= 4.0 / 4 - 1e-6


@pytest.mark.parametrize("sources", [3, 7, 10, 23])
def test_folds_are_disjoint_in_sources_and_none_is_empty(sources):
    names = np.array([f"source {k % sources}" for k in range(4 * sources)])
    fold = folds_of(names)
    assert set(fold) == set(range(min(sources, 10)))
    for name in set(names):
        assert len(set(fold[names == name])) == 1


def test_rows_are_paired_by_song_and_stem_and_what_separation_leaves_is_passed_over():
    count = 12
    ids = [f"{k:02d}" for k in range(count)] * 2
    stems = ["vocals"] * count + ["song"] * count
    lufs = [-20.0 + k / 2 for k in range(count)]
    nothing = [None] * count
    duration_s, residual_db = nothing + [30.0] * count, nothing + [25.0] * count
    true = rows(song_id=ids, stem=stems, integrated_lufs=lufs + nothing, duration_s=duration_s)
    louder = [value + 0.25 for value in lufs]
    louder[0] = None
    columns = {"integrated_lufs": louder + nothing, "duration_s": duration_s, "separation_residual_db": residual_db}
    measured = rows(song_id=ids, stem=stems, **columns)
    shuffled = measured.take(np.random.default_rng(12).permutation(2 * count))
    (found,) = fit_all(shuffled, true, {song_id: song_id for song_id in ids})
    assert (found.stem, found.statistic, found.n, found.folds) == ("vocals", "integrated_lufs", 11, 11)
    assert (found.kind, found.a) == ("offset", -0.25)
    assert fit_all(measured, true, {song_id: str(int(song_id) % 2) for song_id in ids}) == []


def test_corrected_columns_stand_beside_the_measured_ones():
    table = rows(
        song_id=["a", "a", "a", "b"],
        stem=["vocals", "drums", "song", "song"],
        integrated_lufs=[-20.0, -18.0, None, None],
        vocal_active_ratio=[0.95, None, None, None],
        vocal_to_backing_lu=[None, None, -2.0, None],
    )
    found = CALIBRATION.corrected(table)
    assert found.column_names[: table.num_columns] == table.column_names
    assert found.select(table.column_names) == table
    assert found["integrated_lufs_corrected"].to_pylist() == [pytest.approx(-20.3), None, None, None]
    assert found["vocal_to_backing_lu_corrected"].to_pylist() == [None, None, pytest.approx(0.5 - 1.6), None]
    assert found["vocal_active_ratio_corrected"].to_pylist() == [1.0, None, None, None]
    assert found["integrated_lufs_corrected"].type == pa.float64()
    untouched = CALIBRATION.corrected(table, separated=False)
    assert untouched["integrated_lufs_corrected"].to_pylist() == [-20.0, None, None, None]


def test_beyond_the_measured_range_the_offset_at_its_edge_holds():
    measured = np.array([-20.0, -8.0, 4.0, 30.0])
    assert LINE.apply(measured) - measured == pytest.approx([0.5 + 1.6, 0.5 + 1.6, 0.5 - 0.8, 0.5 - 0.8])


def test_json_is_read_back_as_it_was_and_has_the_same_bytes():
    text = CALIBRATION.to_json()
    assert Calibration.load(text) == CALIBRATION
    assert Calibration.load(text.encode()).to_json() == text
    measured, noise, sources = songs(60, 2)
    found = [fit("song", "vocal_to_backing_lu", measured, measured - 0.4 + noise, sources) for _ in range(2)]
    order = np.random.default_rng(13).permutation(60)
    again = fit("song", "vocal_to_backing_lu", measured[order], (measured - 0.4 + noise)[order], sources[order])
    assert found[0] == found[1] == again


@pytest.mark.parametrize(
    ("feature_version", "model", "weights", "told"),
    [(2, "htdemucs", "abc", "feature_version"), (1, "mdx", "abc", "model"), (1, "htdemucs", "abd", "weights_sha256")],
)
def test_rows_of_another_kind_are_refused(feature_version, model, weights, told):
    CALIBRATION.check(1, "htdemucs", "abc")
    with pytest.raises(InputError, match=told):
        CALIBRATION.check(feature_version, model, weights)


def without(name: str) -> str:
    found = json.loads(CALIBRATION.to_json())
    del found[name]
    return json.dumps(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        b"\xff",
        without("schema_version"),
        without("corrections"),
        without("weights_sha256"),
        CALIBRATION.to_json().replace('"schema_version": 1', '"schema_version": 2'),
        CALIBRATION.to_json().replace('"a": 0.5', '"a": NaN'),
        CALIBRATION.to_json().replace('"low"', '"lowest"'),
        replace(CALIBRATION, corrections=(replace(LINE, statistic="sparkle_db"),)).to_json(),
    ],
)
def test_what_is_no_calibration_is_refused(text):
    with pytest.raises(InputError, match="calibrat"):
        Calibration.load(text)
