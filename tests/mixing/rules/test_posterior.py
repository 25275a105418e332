"""The posterior mean: between what is measured and the prior, by their spreads and the trust."""

import numpy as np
import pytest

from mixprior.mixing.rules.posterior import into, towards, weight, weight_of_kinds


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


KINDS = ((0.9, 1.0), (0.1, 6.0))


def test_one_kind_of_material_is_weighed_as_before():
    assert weight_of_kinds(9.0, 2.0, ((1.0, 1.0),)) == weight(2.0, 1.0)


def test_of_two_kinds_the_mean_of_the_posterior_is_found():
    """Against the integral over what the mix may be."""
    mix = np.linspace(-40, 40, 80_001)
    for heard in (-15.0, -6.0, 0.5, 3.0):
        density = np.exp(-((mix / 2.5) ** 2) / 2) * sum(
            share / sd * np.exp(-(((heard - mix) / sd) ** 2) / 2) for share, sd in KINDS
        )
        expected = np.sum(mix * density) / np.sum(density)
        assert towards(heard, 0.0, weight_of_kinds(heard, 2.5, KINDS)) == pytest.approx(expected, abs=1e-6)


def test_what_no_song_would_do_goes_farther_and_the_weight_rises_with_trust():
    far = [weight_of_kinds(distance, 2.5, KINDS) for distance in (0.0, 4.0, 8.0, 16.0, 400.0)]
    assert np.all(np.diff(far) >= 0)
    assert far[-1] == pytest.approx(weight(2.5, 6.0))
    for distance in (0.0, 4.0, 8.0, 16.0):
        assert np.all(np.diff([weight_of_kinds(distance, 2.5, KINDS, trust) for trust in np.linspace(0, 1, 21)]) > 0)


def test_two_kinds_without_a_spread_give_no_weight():
    assert weight_of_kinds(1.0, None, KINDS) is None
    assert weight_of_kinds(1.0, 2.5, ((0.9, None), (0.1, 6.0))) is None
    assert weight_of_kinds(1.0, None, KINDS, 1.0) == 1.0
