"""Where the tracks of a class are put: in pairs, as wide as the target, both sides equally loud."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Chain, PanSettings
from mixprior.mixing.rules.spread import LAW, LIKE_DB, pairs, spread
from mixprior.stats.measures.panning import energies, mid_energy_fraction
from tests.mixing.sounds import RATE_HZ, sound

ALWAYS = np.ones(8)
FIRST_HALF = np.repeat([1.0, 0.0], 4)


def mono(energy: float) -> tuple[float, float, float]:
    """Energies of a sound that is the same on both channels."""
    return energy, energy, energy


def left_over_right_db(audio: np.ndarray) -> float:
    left, right, _ = energies(audio)
    return float(10 * np.log10(left / right))


def test_a_lone_track_and_one_like_no_other_have_no_partner():
    assert pairs({"guitar": ALWAYS}) == []
    assert pairs({"guitar": ALWAYS, "shaker": 0.1 * ALWAYS}) == []
    assert pairs({"guitar": ALWAYS, "silence": 0 * ALWAYS}) == []


def test_tracks_that_do_not_sound_together_are_no_partners():
    assert pairs({"verse": FIRST_HALF, "chorus": FIRST_HALF[::-1]}) == []
    assert pairs({"verse": 2 * FIRST_HALF, "guitar": ALWAYS}) == []
    assert pairs({"verse": FIRST_HALF, "double": 0.9 * FIRST_HALF}) == [("verse", "double")]


def test_the_two_that_are_most_alike_are_partners():
    loudnesses = {"a": 1.0, "b": 1.9, "c": 2.0, "d": 1.1, "e": 0.1}
    assert pairs({name: energy * ALWAYS for name, energy in loudnesses.items()}) == [("c", "b"), ("d", "a")]


def test_of_three_alike_one_stays():
    assert pairs({"a": ALWAYS, "b": 1.3 * ALWAYS, "c": 1.31 * ALWAYS}) == [("c", "b")]


def test_two_alike_are_solved_by_hand():
    """At a place p a mono track has L R over L^2 + R^2 of sin(pi p) / 2: 0.9 of mid energy where the sine is 0.8."""
    found = spread({"a": mono(1.0), "b": mono(1.0)}, [("a", "b")], 0.9)
    place = np.arcsin(0.8) / np.pi
    assert found.positions == {"a": pytest.approx(1 - place, abs=0.001), "b": pytest.approx(place, abs=0.001)}
    assert (found.mid_before, found.mid_after) == (1.0, pytest.approx(0.9, abs=1e-6))


def test_the_louder_of_two_goes_less_far_and_the_sides_stay_equally_loud():
    found = spread({"a": mono(2.0), "b": mono(1.0)}, [("a", "b")], 0.95)
    louder, quieter = found.positions["a"] - 0.5, 0.5 - found.positions["b"]
    assert 0 < louder < quieter
    # Left less right of a track at a place p is its energy times 2 cos(pi p).
    assert 2 * np.cos(np.pi * found.positions["a"]) + np.cos(np.pi * found.positions["b"]) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("partners", [("a", "b"), ("b", "a")])
def test_the_one_of_less_energy_goes_further_out_whichever_is_the_louder_by_ear(partners):
    """Loudness is K-weighted, energy is not: a low track may be the quieter of two and have more energy."""
    found = spread({"a": mono(2.0), "b": mono(1.0)}, [partners], 0.7)
    far, near = (abs(found.positions[name] - 0.5) for name in ("b", "a"))
    assert 0 < near < far <= 0.5
    assert found.mid_after == pytest.approx(0.7, abs=1e-5) or far == pytest.approx(0.5, abs=0.001)


def test_pairs_go_to_either_side_in_turn_the_quieter_ones_further_out():
    tracks = {name: mono(energy) for name, energy in {"a": 4.0, "b": 4.0, "c": 1.0, "d": 1.0}.items()}
    out = {name: place - 0.5 for name, place in spread(tracks, [("a", "b"), ("c", "d")], 0.8).positions.items()}
    assert out["a"] == pytest.approx(-out["b"], abs=0.0011)
    assert out["c"] == pytest.approx(-out["d"], abs=0.0011)
    assert out["d"] == pytest.approx(2 * out["a"], abs=0.0021)
    assert out["a"] > 0 > out["c"]


def test_a_class_that_is_wide_enough_is_left():
    tracks = {"synth": (1.0, 1.0, 0.0), "a": mono(0.5), "b": mono(0.5)}
    found = spread(tracks, [("a", "b")], 0.8)
    assert found.positions == {}
    assert found.mid_before == found.mid_after == pytest.approx(0.5 + 1.0 / 4)


def test_what_cannot_be_moved_counts():
    """A loud mono sound that has to stay, and a pair beside it: the pair goes further out."""
    alone = spread({"a": mono(1.0), "b": mono(1.0)}, [("a", "b")], 0.9)
    beside = spread({"a": mono(1.0), "b": mono(1.0), "kick": mono(1.0)}, [("a", "b")], 0.9)
    assert beside.positions["b"] < alone.positions["b"] < 0.5
    assert beside.mid_after == alone.mid_after == pytest.approx(0.9, abs=1e-6)


def test_what_cannot_be_reached_is_come_as_near_as_possible():
    found = spread({"a": mono(1.0), "b": mono(1.0), "kick": mono(18.0)}, [("a", "b")], 0.6)
    assert found.positions == {"a": 1.0, "b": 0.0}
    assert found.mid_after == pytest.approx(0.95)


def test_without_a_pair_nothing_moves():
    found = spread({"a": mono(1.0), "b": (1.0, 1.0, 0.9)}, [], 0.5)
    assert found.positions == {}
    assert found.mid_before == found.mid_after == pytest.approx(0.975)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=20),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(-1, 1)), max_size=3),
    st.floats(0.5, 1.0),
)
def test_the_sides_stay_as_they_were_and_the_target_is_met_or_the_limit(narrow, wide, target_mid):
    tracks = {f"mono {k}": mono(energy) for k, energy in enumerate(narrow)}
    partners = pairs({name: each[0] * ALWAYS for name, each in tracks.items()})
    tracks |= {f"wide {k}": (left, right, part * (left * right) ** 0.5) for k, (left, right, part) in enumerate(wide)}
    found = spread(tracks, partners, target_mid)
    assert all(0 <= position <= 1 for position in found.positions.values())
    if found.mid_before <= target_mid or not partners:
        assert found.positions == {}
        return
    before, after = (
        sum(each[0] - each[1] - 2 * each[0] * np.cos(np.pi * placed.get(name, 0.5)) for name, each in tracks.items())
        for placed in ({}, found.positions)
    )
    assert after - before == pytest.approx(0.0, abs=0.01 * sum(narrow))
    outermost = max(abs(position - 0.5) for position in found.positions.values())
    assert found.mid_after == pytest.approx(target_mid, abs=1e-5) or outermost == pytest.approx(0.5, abs=0.001)
    assert found.mid_after >= target_mid - 1e-5


@pytest.mark.parametrize("target_mid", [0.7, 0.794, 0.918, 0.95])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_the_rendered_sum_is_as_wide_as_asked_for_and_both_sides_are_equally_loud(target_mid, count):
    """Unrelated noises within `LIKE_DB`, and a wide one among them."""
    rng = np.random.default_rng(count)
    sounds = {
        f"track {k}": np.tile(rng.uniform(0.5, 0.95) * rng.standard_normal(2 * RATE_HZ), (2, 1)).astype(np.float32)
        for k in range(count)
    }
    seconds = {name: np.square(audio).sum(axis=0).reshape(2, -1).sum(axis=1) for name, audio in sounds.items()}
    partners = pairs(seconds)
    assert len(partners) == count // 2
    assert all(10 * np.log10(seconds[a].sum() / seconds[b].sum()) <= LIKE_DB for a, b in partners)
    sounds["wide"] = (0.3 * rng.standard_normal((2, 2 * RATE_HZ))).astype(np.float32)
    before = left_over_right_db(np.sum(list(sounds.values()), axis=0))
    found = spread({name: energies(audio) for name, audio in sounds.items()}, partners, target_mid)
    total = np.zeros((2, 2 * RATE_HZ), np.float32)
    for name, audio in sounds.items():
        place = PanSettings(found.positions[name], LAW) if name in found.positions else None
        total += chain.process(Chain(pan=place), sound(audio)).audio
    assert mid_energy_fraction(*energies(total)) == pytest.approx(found.mid_after, abs=0.01)
    assert abs(left_over_right_db(total) - before) < 0.3
