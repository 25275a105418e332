"""A reference drawn towards a catalog: nearer to what is wanted than either, and as sure as it says."""

import numpy as np
import pytest

from mixprior.mixing.rules.reference import WANTED_SHARE, drawn, error_sd

CENTRE, SPREAD = -2.0, 2.5


def cases(references: int, error: float, seed: int = 1, count: int = 4000):
    """What is wanted, and what each of the references has."""
    rng = np.random.default_rng(seed)
    wanted = rng.normal(CENTRE, SPREAD, count)
    return wanted, wanted[:, np.newaxis] + rng.normal(0, error, (count, references))


@pytest.mark.parametrize("references", [1, 2, 5])
@pytest.mark.parametrize("error", [0.5, 1.25, 6.0])
def test_it_is_nearer_to_what_is_wanted_than_the_catalog_and_than_the_references(references, error):
    wanted, heard = cases(references, error)
    found = [drawn(CENTRE, SPREAD, [(value, error) for value in row]) for row in heard]
    errors = np.array([each.value for each in found]) - wanted
    of_catalog, of_references = CENTRE - wanted, heard.mean(axis=1) - wanted
    assert np.mean(errors**2) < min(np.mean(of_catalog**2), np.mean(of_references**2))
    standard = errors / found[0].sd
    assert np.std(standard) == pytest.approx(1, abs=0.05)
    assert np.mean(np.abs(standard) < 1.96) == pytest.approx(0.95, abs=0.012)


def test_where_the_assumed_spread_is_half_or_double_the_catalog_alone_is_still_farther():
    for true_share in (WANTED_SHARE / 2, WANTED_SHARE * 2):
        wanted, heard = cases(1, true_share * SPREAD)
        assumed = error_sd(SPREAD)
        errors = np.array([drawn(CENTRE, SPREAD, [(row[0], assumed)]).value for row in heard]) - wanted
        assert np.mean(errors**2) < np.mean((CENTRE - wanted) ** 2)


def test_several_references_take_the_catalogs_place_more_and_narrow_it():
    one, three = (drawn(CENTRE, SPREAD, [(-7.0, 1.25)] * n) for n in (1, 3))
    assert one.value > three.value > -7.0
    assert three.sd < one.sd < SPREAD
    assert sum(three.weights) > sum(one.weights)


def test_without_a_reference_or_spread_it_is_the_catalog():
    assert drawn(CENTRE, SPREAD, []) == drawn(CENTRE, SPREAD, [(-7.0, np.inf)]).__class__(CENTRE, SPREAD, ())
    assert drawn(CENTRE, SPREAD, [(-7.0, np.inf)]).value == CENTRE
    assert drawn(CENTRE, 0.0, [(-7.0, 1.0)]).value == CENTRE


def test_what_separation_errs_on_counts_less():
    exact, separated, unknown, nothing = (error_sd(SPREAD, each) for each in (1.0, 0.8, None, 0.0))
    assert exact == WANTED_SHARE * SPREAD
    assert exact < separated < unknown < nothing == np.inf
