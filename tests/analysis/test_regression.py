"""Regressions from joint moments are those of the songs' rows."""

import json

import numpy as np
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.analysis.regression import named, regress
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError
from mixprior.stats.priors.measurements import Measurements
from tools.catalogs.generated import KEY, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory, mixprior):
    folder = write_run(tmp_path_factory.mktemp("regression") / "run", 300)
    mixprior("aggregate", folder, "-j", 1, "--group-by", "genre")
    return folder


def test_it_is_least_squares_over_the_songs(run):
    [table] = Rows.open(run).tables(KEY)
    measured = Measurements.of(table)
    y = measured.scalar("mixture", "integrated_lufs")
    x = np.stack([measured.scalar("backing", "tempo_bpm"), measured.scalar("mixture", "crest_factor_db")])
    rows = regress(
        open_priors(run), ("mixture", "integrated_lufs"), [("backing", "tempo_bpm"), ("mixture", "crest_factor_db")]
    )
    whole = np.isfinite(x).all(axis=0) & np.isfinite(y)
    design = np.column_stack([np.ones(whole.sum()), x[:, whole].T])
    expected = np.linalg.lstsq(design, y[whole], rcond=None)[0]
    # Songs without a tempo still tell of the other two: close, not equal.
    assert [row["slope"] for row in rows] == pytest.approx(expected[1:].tolist(), rel=0.1, abs=0.02)
    assert all(row["slope_low"] < row["slope"] < row["slope_high"] for row in rows)
    assert 0.0 <= rows[0]["r2"] <= 1.0


def test_the_command_prints_a_table_or_json(run, mixprior):
    words = ("query", run, "--regress", "mixture:integrated_lufs", "--on", "backing:tempo_bpm", "--group", "genre=pop")
    assert "r2" in mixprior(*words).stdout.splitlines()[0]
    [row] = json.loads(mixprior(*words, "--json").stdout)["rows"]
    assert row["group"] == "genre=pop"
    assert row["on"] == "backing:tempo_bpm"


def test_what_is_not_there_is_told(run, mixprior):
    assert "no scalar song:mood" in mixprior("query", run, "--regress", "mood", "--on", "duration_s", expect=2).stderr
    assert "belong together" in mixprior("query", run, "--regress", "duration_s", expect=2).stderr
    with pytest.raises(InputError, match="no joint moments"):
        regress(open_priors(run), named("duration_s"), [named("separation_residual_db")], "genre=polka")
