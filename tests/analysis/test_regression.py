"""Regressions are those of the songs that have all of the statistics: from moments for one, from rows for several."""

import json
import shutil

import numpy as np
import pytest
from scipy import stats

from mixprior.analysis.priors import open_priors
from mixprior.analysis.regression import named, rank_correlations, regress
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError
from mixprior.stats.priors.calibration import Calibration, Correction
from mixprior.stats.priors.measurements import Measurements
from mixprior.stats.schema import FEATURE_VERSION
from tools.catalogs.generated import KEY, SETTINGS, write_run

LOUDNESS, TEMPO, CREST = ("mixture", "integrated_lufs"), ("backing", "tempo_bpm"), ("mixture", "crest_factor_db")
SEVERAL = ("--regress", ":".join(LOUDNESS), "--on", f"{':'.join(TEMPO)},{':'.join(CREST)}")


@pytest.fixture(scope="module")
def run(tmp_path_factory, mixprior):
    folder = write_run(tmp_path_factory.mktemp("regression") / "run", 300)
    mixprior("aggregate", folder, "-j", 1, "--group-by", "genre")
    return folder


@pytest.fixture(scope="module")
def values(run):
    """Loudness, tempo and crest factor of each song, shape (3, songs); some have no tempo."""
    [table] = Rows.open(run).tables(KEY)
    measured = Measurements.of(table)
    found = np.stack([measured.scalar(*name) for name in (LOUDNESS, TEMPO, CREST)])
    assert np.isnan(found[1]).any()
    return found


def test_on_several_statistics_it_is_least_squares_over_the_songs_that_have_them_all(run, values):
    rows = regress(open_priors(run), LOUDNESS, [TEMPO, CREST])
    whole = values[:, np.isfinite(values).all(axis=0)]
    design = np.column_stack([np.ones(whole.shape[1]), whole[1:].T])
    expected = np.linalg.lstsq(design, whole[0], rcond=None)[0]
    assert [row["slope"] for row in rows] == pytest.approx(expected[1:].tolist(), rel=1e-9)
    assert all(row["slope_low"] < row["slope"] < row["slope_high"] for row in rows)
    assert (rows[0]["n"], rows[0]["intercept"]) == (whole.shape[1], pytest.approx(expected[0]))


def test_on_one_statistic_the_moments_give_the_line_of_the_songs_that_have_both(run, values):
    (row,) = regress(open_priors(run), LOUDNESS, [TEMPO])
    both = np.isfinite(values[:2]).all(axis=0)
    line = stats.linregress(values[1, both], values[0, both])
    assert row["n"] == both.sum()
    # Moments count in units of the statistics' resolution: to a hundredth of the standard error.
    near = line.stderr / 100
    assert row["slope"] == pytest.approx(line.slope, abs=near)
    assert row["r2"] == pytest.approx(line.rvalue**2, abs=0.001)
    reach = stats.t.ppf(0.975, both.sum() - 2) * line.stderr
    assert (row["slope_low"], row["slope_high"]) == pytest.approx((line.slope - reach, line.slope + reach), abs=near)


def test_ranks_are_those_of_the_songs_of_the_group(run, values):
    rows = rank_correlations(open_priors(run), LOUDNESS, [TEMPO, CREST])
    for row, other in zip(rows, values[1:], strict=True):
        both = np.isfinite(other)
        assert row["n"] == both.sum()
        assert row["rank_correlation"] == pytest.approx(stats.spearmanr(values[0, both], other[both]).statistic)
        assert row["rank_correlation_low"] < row["rank_correlation"] < row["rank_correlation_high"]
    (of_pop,) = rank_correlations(open_priors(run), LOUDNESS, [CREST], "genre=pop")
    assert of_pop["n"] == open_priors(run).lookup(*CREST, "genre=pop").n < rows[1]["n"]


def test_corrected_statistics_are_those_that_the_priors_are_of(run, mixprior, tmp_path):
    vocals, corrected = ("vocals", "integrated_lufs"), ("vocals", "integrated_lufs_corrected")
    line = Correction(*vocals, 3.0, 0.5, "linear", 9, 9, 0.0, 0.0, 0.0, 0.0, 0.0, -100.0, 0.0)
    separation = {name: SETTINGS[name] for name in ("model", "weights_sha256", "precision", "overlap")}
    calibration = Calibration(**separation, feature_version=FEATURE_VERSION, songs=9, fold_by=None, corrections=(line,))
    (tmp_path / "calibration.json").write_text(calibration.to_json())
    folder = shutil.copytree(run, tmp_path / "run")
    mixprior("aggregate", folder, "-j", 1, "--calibration", tmp_path / "calibration.json")
    measured = regress(open_priors(folder), LOUDNESS, [vocals, CREST])
    found = regress(open_priors(folder), LOUDNESS, [corrected, CREST])
    assert found[0]["slope"] == pytest.approx(2.0 * measured[0]["slope"], rel=1e-9)
    assert found[1]["slope"] == pytest.approx(measured[1]["slope"], rel=1e-9)


def test_the_command_prints_a_table_or_json(run, mixprior):
    words = ("query", run, "--regress", "mixture:integrated_lufs", "--on", "backing:tempo_bpm", "--group", "genre=pop")
    assert "r2" in mixprior(*words).stdout.splitlines()[0]
    [row] = json.loads(mixprior(*words, "--json").stdout)["rows"]
    assert row["group"] == "genre=pop"
    assert row["on"] == "backing:tempo_bpm"
    assert "rank_correlation_low" in mixprior(*words, "--rank").stdout.splitlines()[0]


def test_merged_priors_have_the_line_of_one_statistic_and_say_that_several_need_rows(run, mixprior, tmp_path):
    mixprior("merge", run, "-o", tmp_path / "merged")
    merged = open_priors(tmp_path / "merged")
    assert regress(merged, LOUDNESS, [TEMPO]) == regress(open_priors(run), LOUDNESS, [TEMPO])
    for words in (SEVERAL, (*SEVERAL[:3], ":".join(TEMPO), "--rank")):
        refused = mixprior("query", tmp_path / "merged", *words, expect=2).stderr
        assert "no rows of songs beside it" in refused
        assert refused.count("\n") == 1


def test_rows_of_other_songs_than_the_priors_are_refused(mixprior, tmp_path):
    folder = write_run(tmp_path / "run", 30)
    mixprior("aggregate", folder, "-j", 1)
    write_run(tmp_path / "run", 31)
    assert "aggregate it again" in mixprior("query", folder, *SEVERAL, expect=2).stderr


def test_what_is_not_there_is_told(run, mixprior):
    assert "no scalar song:mood" in mixprior("query", run, "--regress", "mood", "--on", "duration_s", expect=2).stderr
    assert "belong together" in mixprior("query", run, "--regress", "duration_s", expect=2).stderr
    assert "belong together" in mixprior("query", run, "--rank", expect=2).stderr
    assert "explain itself" in mixprior("query", run, *SEVERAL[:3], ":".join(LOUDNESS), expect=2).stderr
    unknown = mixprior("query", run, *SEVERAL[:3], "mood,duration_s", expect=2).stderr
    assert "no scalar song:mood" in unknown
    with pytest.raises(InputError, match="no joint moments"):
        regress(open_priors(run), named("duration_s"), [named("separation_residual_db")], "genre=polka")
    with pytest.raises(InputError, match="no group 'genre=polka'"):
        regress(open_priors(run), LOUDNESS, [TEMPO, CREST], "genre=polka")
