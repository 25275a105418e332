"""Where the tracks of a class are put: as wide as the target, the loudest in the centre."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Chain, PanSettings
from mixprior.mixing.rules.spread import LAW, spread
from mixprior.stats.measures.panning import energies, mid_energy_fraction
from tests.mixing.sounds import RATE_HZ, sound


def mono(energy: float) -> tuple[float, float, float]:
    """Energies of a sound that is the same on both channels."""
    return energy, energy, energy


def test_two_tracks_are_solved_by_hand():
    """At a place p a mono track has L R over L^2 + R^2 of sin(pi p) / 2; the loudest keeps 1 / 2.

    Of 4 and 1 units the mid energy is (4 + 1 + 4 + sin(pi p)) / 10: 0.95 where the sine is a half, p = 1/6.
    """
    found = spread({"a": mono(1.0), "b": mono(4.0)}, ["a", "b"], 0.95)
    assert found.positions == {"a": pytest.approx(1 / 6, abs=0.001)}
    assert (found.mid_before, found.mid_after) == (1.0, pytest.approx(0.95, abs=1e-6))


def test_the_loudest_stays_and_the_others_go_left_and_right_the_further_the_quieter():
    loudnesses = {"a": 3.0, "b": 5.0, "c": 1.0, "d": 2.0, "e": 4.0}
    found = spread({name: mono(energy) for name, energy in loudnesses.items()}, list(loudnesses), 0.8)
    out = {name: position - 0.5 for name, position in found.positions.items()}
    assert set(out) == set("acde")
    assert [np.sign(out[name]) for name in "eadc"] == [-1, 1, -1, 1]
    assert out["a"] == -out["e"]
    assert out["c"] == -out["d"] == pytest.approx(2 * out["a"], abs=0.0011)


def test_a_class_that_is_wide_enough_is_left():
    tracks = {"synth": (1.0, 1.0, 0.0), "a": mono(0.5), "b": mono(0.4)}
    found = spread(tracks, ["a", "b"], 0.8)
    assert found.positions == {}
    assert found.mid_before == found.mid_after == pytest.approx(0.5 + 0.9 / 3.8)


def test_what_cannot_be_moved_counts():
    """A loud mono sound that has to stay, and one beside it: the others go further out."""
    alone = spread({"a": mono(1.0), "b": mono(1.0)}, ["a", "b"], 0.9)
    beside = spread({"a": mono(1.0), "b": mono(1.0), "kick": mono(1.0)}, ["a", "b"], 0.9)
    assert beside.positions["b"] < alone.positions["b"] < 0.5
    assert beside.mid_after == alone.mid_after == pytest.approx(0.9, abs=1e-6)


def test_what_cannot_be_reached_is_come_as_near_as_possible():
    found = spread({"a": mono(9.0), "b": mono(1.0)}, ["a", "b"], 0.6)
    assert found.positions == {"b": 0.0}
    assert found.mid_after == pytest.approx(0.95)


@pytest.mark.parametrize("movable", [[], ["a"]])
def test_one_track_stays_in_the_centre(movable):
    found = spread({"a": mono(1.0), "b": (1.0, 1.0, 0.9)}, movable, 0.5)
    assert found.positions == {}
    assert found.mid_before == found.mid_after == pytest.approx(0.975)


def test_a_silent_track_among_others_moves_nothing():
    found = spread({"a": mono(1.0), "b": mono(1.0), "c": mono(0.0)}, ["a", "b", "c"], 0.8)
    assert np.isfinite(list(found.positions.values())).all()
    assert found.mid_after == pytest.approx(0.8, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=20),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(-1, 1)), max_size=3),
    st.floats(0.5, 1.0),
)
def test_every_place_lies_between_the_channels_and_the_target_is_met_or_the_limit(narrow, wide, target_mid):
    tracks = {f"mono {k}": mono(energy) for k, energy in enumerate(narrow)}
    tracks |= {f"wide {k}": (left, right, part * (left * right) ** 0.5) for k, (left, right, part) in enumerate(wide)}
    found = spread(tracks, [name for name in tracks if name.startswith("mono")], target_mid)
    assert all(0 <= position <= 1 for position in found.positions.values())
    if found.mid_before <= target_mid:
        assert found.positions == {}
        return
    outermost = max(abs(position - 0.5) for position in found.positions.values())
    assert found.mid_after == pytest.approx(target_mid, abs=1e-5) or outermost == 0.5
    assert found.mid_after >= target_mid - 1e-5


@pytest.mark.parametrize("target_mid", [0.6, 0.794, 0.918, 0.95])
@pytest.mark.parametrize("count", [3, 8])
def test_the_rendered_sum_is_as_wide_as_asked_for(target_mid, count):
    """Unrelated noises, some louder than others, and a wide one among them."""
    rng = np.random.default_rng(count)
    sounds = {
        f"track {k}": np.tile(rng.uniform(0.5, 1.0) * rng.standard_normal(3 * RATE_HZ), (2, 1)).astype(np.float32)
        for k in range(count)
    }
    movable = list(sounds)
    sounds["wide"] = (0.3 * rng.standard_normal((2, 3 * RATE_HZ))).astype(np.float32)
    found = spread({name: energies(audio) for name, audio in sounds.items()}, movable, target_mid)
    total = np.zeros((2, 3 * RATE_HZ), np.float32)
    for name, audio in sounds.items():
        place = PanSettings(found.positions[name], LAW) if name in found.positions else None
        total += chain.process(Chain(pan=place), sound(audio)).audio
    reached = mid_energy_fraction(*energies(total))
    assert reached == pytest.approx(found.mid_after, abs=0.01)
    assert reached == pytest.approx(target_mid, abs=0.01) or min(found.positions.values()) == 0.0
