"""Distributions as priors have them: by song from the state, by quantile where that is all there is."""

import numpy as np
import pytest

from mixprior.analysis.distribution import Distribution, of_group
from mixprior.analysis.priors import open_priors
from mixprior.analysis.songs import open_songs
from mixprior.stats.schema import QUANTILES


def of_quantiles(values: np.ndarray, with_extremes: bool = True) -> Distribution:
    row = {"n": values.size, "min": None, "max": None}
    row |= {name: float(np.quantile(values, q)) for name, q in QUANTILES.items()}
    if with_extremes:
        row |= {"min": float(values.min()), "max": float(values.max())}
    return Distribution(row, None, np.zeros(0), np.zeros(0))


def test_every_song_of_a_run_has_the_place_that_its_values_give_it(mined_run):
    found = dict(of_group(open_priors(mined_run), "all"))
    songs = open_songs(mined_run)
    for name in [("song", "vocal_to_backing_lu", None), ("mixture", "integrated_lufs", None)]:
        distribution = found[name]
        values = np.array([row["value"] for row in songs.rows(*name[:2])])
        assert distribution.row["n"] == values.size
        coarse = np.rint(values / distribution.resolution)
        for value, own in zip(values, coarse, strict=True):
            place = distribution.percentile(value)
            assert (place.fewest, place.most) == ((coarse < own).sum(), (coarse <= own).sum())


def test_bins_of_a_vector_are_counted_too(mined_run):
    found = dict(of_group(open_priors(mined_run), "all"))
    rows = open_songs(mined_run).rows("mixture", "third_octave_db")
    values = np.array([row["value"][10] for row in rows])
    place = found["mixture", "third_octave_db", 10].percentile(values.max() + 1)
    assert place.fewest == place.n == len(rows)


@pytest.mark.parametrize("n", [3, 22, 150])
@pytest.mark.parametrize("with_extremes", [True, False])
def test_quantiles_bound_the_count_of_songs_below(n, with_extremes):
    rng = np.random.default_rng(n)
    values = rng.normal(-2, 3, n)
    distribution = of_quantiles(values, with_extremes)
    for value in [*rng.normal(-2, 4, 200), *values[:3], -30.0, 30.0, *np.quantile(values, list(QUANTILES.values()))]:
        place = distribution.percentile(value)
        assert place.fewest <= (values < value - 1e-9).sum()
        assert place.most >= (values <= value + 1e-9).sum()


def test_between_quantiles_the_percentile_is_near_the_count():
    values = np.random.default_rng(1).normal(0, 1, 150)
    distribution = of_quantiles(values)
    for value in np.linspace(-2, 2, 41):
        exact = 100 * ((values < value).sum() + 0.5) / 151
        assert distribution.percentile(value).percentile == pytest.approx(exact, abs=4)


def test_what_was_published_as_a_mean_alone_places_nothing():
    found = dict(of_group(open_priors("published"), "all"))
    assert not found["mixture", "integrated_lufs", None].is_known
    assert found["song", "vocal_to_backing_lu", None].is_known
