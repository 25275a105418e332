"""The closed form agrees with the network as it runs."""

import numpy as np
import pytest

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.energy_decay import EnergyDecay
from mixprior.stats.reverb.fdn import closed_form
from mixprior.stats.reverb.fdn.closed_form import ClosedForm, Target, columns
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tools.reverb.truths import draw, draw_extreme, known_decays, measured


def octave_error_db(settings: FdnReverbSettings, decay: EnergyDecay) -> float:
    """Mean of |closed form - network| over time and seven octaves from 100 Hz, down to -60 dB."""
    exact, closed = decay.level_db, ClosedForm().decay(settings).level_db
    resolved = energy_decay.resolved_cells()
    errors = []
    for first in range(0, 21, 3):
        bands = slice(first, first + 3)
        width = np.array([1.0, 2 ** (1 / 3), 2 ** (2 / 3)])[:, None]
        one, other = (10 * np.log10(np.sum(width * 10 ** (level[bands] / 10), axis=0)) for level in (exact, closed))
        counted = resolved[first + 2]
        counted = counted & (one > one[counted].max() - 60)
        errors.append(np.abs(one - other)[counted].mean())
    return float(np.mean(errors))


@pytest.mark.slow
def test_octave_levels_are_those_of_the_network() -> None:
    errors = [octave_error_db(*known) for known in known_decays(24)]
    assert np.mean(errors) <= 0.05
    assert np.max(errors) <= 0.2


def test_octave_levels_are_those_of_the_network_for_steep_shelves() -> None:
    generator = np.random.default_rng(22)
    drawn = [draw_extreme(generator) for _ in range(12)]
    errors = [octave_error_db(settings, measured(settings)) for settings in drawn]
    assert np.mean(errors) <= 0.2


def test_a_population_is_judged_as_its_members_are() -> None:
    generator = np.random.default_rng(4)
    population = np.array([columns(draw(generator)) for _ in range(16)])
    model = ClosedForm()
    levels = model.levels_db(population)
    target = Target.of(energy_decay.on_grid(levels[3]))
    losses = model.loss_db(population, target)
    assert losses[3] == pytest.approx(0.0, abs=1e-9)
    by_hand = np.sum(target.weights * np.abs(np.maximum(levels, target.floor_db) - target.level_db), axis=(1, 2))
    assert np.allclose(losses, by_hand)
    assert np.allclose([model.loss_db(row[None], target)[0] for row in population], losses)
    difference = model.residuals_db(population, target)
    assert np.allclose(np.abs(difference) @ target.weights.ravel(), losses)


def test_a_growing_sound_is_a_bad_candidate() -> None:
    row = columns(FdnReverbSettings(reverberation_time_s=3.0, lows_gain_db_s=0.0, highs_gain_db_s=0.0))
    model = ClosedForm()
    target = Target.of(energy_decay.on_grid(model.levels_db(row[None])[0]))
    growing = row.copy()
    growing[1], growing[9] = 9.0, 4.0
    assert model.loss_db(row[None], target)[0] < 0.01
    assert model.loss_db(np.array([growing]), target)[0] > 1.0
    growing[1] = 20.0
    assert model.loss_db(np.array([growing]), target)[0] > 10.0


def test_templates_are_small_and_those_of_the_network() -> None:
    assert closed_form._FILE.stat().st_size < 200_000
    # One room rendered here: without shelves and fade-in, only the envelope is left to the closed form.
    settings = FdnReverbSettings(9, 9.0, lows_gain_db_s=0.0, highs_gain_db_s=0.0, dry_wet=0.01)
    exact, closed = measured(settings).level_db, ClosedForm().decay(settings).level_db
    assert np.abs(exact - closed)[energy_decay.resolved_cells()].max() < 0.1
