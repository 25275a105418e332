"""`--lock`: what a person fixes stays as given, and the rest is solved with it."""

import argparse

import numpy as np
import pytest

import mixprior
from mixprior.mixing.mix import arguments
from mixprior.mixing.plan import locks
from mixprior.mixing.plan.options import Options
from mixprior.stats.errors import InputError
from tests.mixing.learned.console_model import written
from tests.mixing.multitrack_song import band_of_four
from tests.mixing.sounds import RATE_HZ, band, voice


@pytest.fixture(scope="module")
def tracks() -> dict[str, np.ndarray]:
    return band_of_four()


@pytest.fixture(scope="module")
def free(tracks):
    """The recipe without anything fixed."""
    return mixprior.mix_tracks(tracks, RATE_HZ).recipe


def gain_db(chain) -> float:
    return chain.input_gain_db + chain.output_gain_db


def gains_db(recipe) -> dict[str, float]:
    return {name: gain_db(chain) for name, chain in recipe.settings.buses.items()}


@pytest.mark.parametrize("name", ["vocals", "drums"])
def test_a_gain_that_is_fixed_stays_and_the_levels_of_the_rest_are_solved_with_it(tracks, free, name):
    own_db = gains_db(free)[name]
    found = mixprior.mix_tracks(tracks, RATE_HZ, lock=(f"{name}.gain_db={own_db + 4:g}",)).recipe
    assert gains_db(found)[name] == pytest.approx(own_db + 4, abs=1e-6)
    rest = [each for each in gains_db(free) if each != name]
    moved_db = [gains_db(found)[each] - gains_db(free)[each] for each in rest]
    # Louder against the rest, and the rest against each other about as it was.
    assert np.mean(moved_db) < 3.0
    assert found.steps[1].name == "lock"
    assert "as given; the rest is solved with that" in found.steps[1].reason


def test_at_the_gain_that_is_set_anyway_the_rest_hardly_changes(tracks, free):
    own_db = gains_db(free)
    found = gains_db(mixprior.mix_tracks(tracks, RATE_HZ, lock=(f"vocals.gain_db={own_db['vocals']:g}",)).recipe)
    for name, gain in own_db.items():
        assert found[name] == pytest.approx(gain, abs=1.5)


def test_places_are_fixed_of_tracks_and_of_classes(tracks):
    found = mixprior.mix_tracks(
        tracks, RATE_HZ, lock=("Pad.pan=-0.5", "vocals.pan=0", "Kick.gain_db=-2")
    ).recipe.settings
    assert found.tracks["Pad"].pan.position == 0.25
    assert found.buses["vocals"].pan.position == 0.5
    assert found.tracks["Kick"].input_gain_db == -2.0


def test_vocals_and_a_backing_are_fixed_too():
    recipe = mixprior.mix(voice(), band(), RATE_HZ, lock=("vocals.gain_db=-1.5", "backing.pan=1")).recipe
    assert gain_db(recipe.settings.tracks["vocals"]) == -1.5
    assert recipe.settings.tracks["backing"].pan.position == 1.0
    lower = mixprior.mix(voice(), band(), RATE_HZ, lock=("backing.gain_db=-6",)).recipe
    free = mixprior.mix(voice(), band(), RATE_HZ).recipe
    assert lower.settings.tracks["backing"].input_gain_db == -6.0
    # The ratio is solved again: a softer backing is heard, and not all of that is taken back.
    softer, as_it_is = (each.results.vocal_to_backing_lu for each in (lower, free))
    assert as_it_is < softer < as_it_is + 6.0


def test_a_network_leaves_what_is_fixed(tmp_path, tracks):
    model = written(tmp_path)
    found = mixprior.mix_tracks(
        tracks, RATE_HZ, by=model, lock=("vocals.gain_db=1", "drums.pan=0"), steps=("level", "pan")
    )
    assert gains_db(found.recipe)["vocals"] == pytest.approx(1.0)
    assert found.recipe.settings.buses["drums"].pan.position == 0.5
    assert found.recipe.settings.buses["bass"].pan.position != 0.5


def test_unmasking_adds_no_gain_to_vocals_that_are_fixed(tracks):
    found = mixprior.mix_tracks(tracks, RATE_HZ, steps=("unmask",), lock=("vocals.gain_db=-10",))
    vocals = found.recipe.settings.buses["vocals"]
    assert any(bus.bands for bus in found.recipe.settings.buses.values())
    assert (vocals.input_gain_db, vocals.output_gain_db) == (-10.0, 0.0)


@pytest.mark.parametrize("other", [{"ratio_lu": -3.0}, {"vocal_gain_db": 2.0}])
def test_a_gain_of_vocals_that_is_fixed_goes_with_nothing_that_would_set_it(other):
    with pytest.raises(InputError, match=rf"lock fixes vocals\.gain_db, which {next(iter(other))} would set"):
        Options(lock=("vocals.gain_db=1",), **other)
    assert Options(lock=("vocals.pan=0",), **other).lock


@pytest.mark.parametrize("lock", [None, (3,), "vocals.pan=0"])
def test_a_lock_that_is_no_tuple_of_words_is_refused(lock):
    with pytest.raises(InputError, match="give a tuple of words"):
        Options(lock=lock)


def test_a_setting_that_is_fixed_twice_is_refused():
    with pytest.raises(InputError, match=r"Pad\.pan is given twice"):
        locks.read(("Pad.pan=0", "Pad.gain_db=1", "Pad.pan=1"))


def test_a_name_with_a_comma_is_fixed_on_the_command_line():
    parser = argparse.ArgumentParser()
    arguments.add_options(parser.add_argument_group())
    given = parser.parse_args(["--lock", "Kick, close.wav.gain_db=-3, Pad.pan=0,"])
    assert given.lock == ("Kick, close.wav.gain_db=-3", "Pad.pan=0")


@pytest.mark.parametrize("words", ["vocals", "vocals.width=1", "vocals.pan=2", "vocals.gain_db=loud", ".pan=0"])
def test_what_cannot_be_fixed_is_refused(words):
    with pytest.raises(InputError, match="lock"):
        locks.read((words,))


def test_a_name_that_is_not_there_is_refused(tracks):
    with pytest.raises(InputError, match="there is no 'Vox' in this mix; there are: Kick, Bass, Pad, Lead Vox, vocals"):
        mixprior.mix_tracks(tracks, RATE_HZ, lock=("Vox.pan=0",))
