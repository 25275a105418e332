"""The posterior mean: between what is heard and the prior, by their spreads and the trust."""

import numpy as np
import pytest

from mixprior.mixing.rules.posterior import into, towards, weight


def test_the_weight_is_that_of_two_normal_distributions():
    assert weight(2.0, 1.0) == pytest.approx(1 / 5)
    assert weight(0.0, 1.0) == 1.0
    assert weight(1.0, 0.0) == 0.0


@pytest.mark.parametrize(("prior_sd", "error_sd"), [(2.5, 1.4), (0.1, 9.0), (9.0, 0.1)])
def test_the_weight_rises_with_trust_from_what_is_heard_to_the_centre(prior_sd, error_sd):
    weights = [weight(prior_sd, error_sd, trust) for trust in np.linspace(0, 1, 21)]
    assert (weights[0], weights[10], weights[-1]) == (0.0, pytest.approx(weight(prior_sd, error_sd)), 1.0)
    assert np.all(np.diff(weights) > 0)


@pytest.mark.parametrize("spreads", [(None, 1.0), (1.0, None), (0.0, 0.0)])
def test_a_spread_that_is_not_known_gives_no_weight_but_at_the_ends_of_trust(spreads):
    assert weight(*spreads) is None
    assert (weight(*spreads, trust=0.0), weight(*spreads, trust=1.0)) == (0.0, 1.0)


def test_no_other_share_of_the_way_errs_less_in_the_mean_square():
    rng = np.random.default_rng(1)
    truth = rng.normal(-2.0, 2.5, 100_000)
    heard = truth + rng.normal(0.0, 1.4, truth.size)
    errors = {share: np.mean((towards(heard, -2.0, share) - truth) ** 2) for share in np.linspace(0, 1, 101)}
    assert min(errors, key=errors.__getitem__) == pytest.approx(weight(2.5, 1.4), abs=0.011)


def test_inside_a_dead_band_nothing_moves():
    assert [into(heard, -3.0, -1.0) for heard in (-5.0, -3.0, -2.0, 0.0)] == [-3.0, -3.0, -2.0, -1.0]
