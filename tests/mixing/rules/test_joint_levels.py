"""Levels found together: what is in place stays, what is outside comes in, and no grid finds a mix that costs less."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from mixprior.mixing.rules.joint_levels import LIMIT_DB, Goal, Together, shared_energies
from mixprior.stats.loudness_blocks import Blocks
from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.sound import Sound

ANYWHERE = Goal(-90.0, 0.0)


@dataclass
class Steady:
    """Stands for a sound of which only the energies are asked for."""

    blocks: Blocks

    @property
    def lufs(self) -> float:
        return integrated_lufs(self.blocks.weighted)


def steady(lufs: float, blocks: int = 50) -> Steady:
    return varying(np.full(blocks, 10 ** ((lufs + 0.691) / 10) / 2))


def varying(energy: np.ndarray) -> Steady:
    blocks = energy.size
    shapes = ((2, blocks), (2, blocks), (blocks,))
    return Steady(Blocks(*(np.broadcast_to(energy, shape) for shape in shapes), np.repeat(energy, 5)))


def stand_lu(classes: dict[str, Steady], gains_db: dict[str, float], voice_lu: float | None = None) -> dict[str, float]:
    """Loudness of each class against the mix, energies added."""
    power = {name: 10 ** ((each.lufs + gains_db.get(name, 0.0)) / 10) for name, each in classes.items()}
    whole = sum(power.values()) * (1 + (0 if voice_lu is None else 10 ** (voice_lu / 10)))
    return {name: 10 * np.log10(each / whole) for name, each in power.items()}


def sparse(rng: np.random.Generator) -> Steady:
    """Loud and quiet passages, and rests."""
    passages = 10 ** (rng.uniform(-45, -20, 12) / 10) * (rng.random(12) < 0.7)
    passages[0] = 10**-3
    return varying(np.repeat(passages, 10))


BAND = {"drums": steady(-24.0), "bass": steady(-26.0), "other": steady(-20.0)}
LOUD_DRUMS = {"drums": steady(-18.0), "bass": steady(-40.0), "other": steady(-20.0)}


def test_classes_in_place_are_not_moved():
    own = stand_lu(BAND, {})
    goals = {name: Goal(own[name] - 0.5, own[name] + 2.0) for name in BAND}
    assert Together(BAND).find(goals).gains_db == dict.fromkeys(BAND, 0.0)


@pytest.mark.parametrize("voice_lu", [None, -2.0])
def test_a_class_outside_comes_to_the_nearer_end(voice_lu):
    goals = {"drums": Goal(-12.0, -9.0), "bass": Goal(-18.0, -8.0), "other": ANYWHERE}
    voice = None if voice_lu is None else steady(-50.0)
    ratio = None if voice_lu is None else Goal(voice_lu, voice_lu, 0.0, (voice_lu, voice_lu))
    found = Together(LOUD_DRUMS, voice).find(goals, ratio)
    reached = stand_lu(LOUD_DRUMS, found.gains_db, voice_lu)
    assert reached["drums"] == pytest.approx(-9.0, abs=0.05)
    assert max(abs(gain_db) for gain_db in found.gains_db.values()) <= LIMIT_DB
    assert found.ratio_lu == (None if voice_lu is None else pytest.approx(voice_lu, abs=0.06))


def test_the_sum_stays_as_loud_as_it_was():
    classes = {**LOUD_DRUMS, "bass": steady(-30.0)}
    goals = {"drums": Goal(-12.0, -9.0), "bass": Goal(-13.0, -8.0), "other": ANYWHERE}
    gains_db = Together(classes).find(goals).gains_db
    before, after = (
        sum(10 ** ((each.lufs + gains.get(name, 0.0)) / 10) for name, each in classes.items())
        for gains in ({}, gains_db)
    )
    assert 10 * np.log10(after / before) == pytest.approx(0.0, abs=0.02)


def test_a_class_without_a_goal_stays_and_counts():
    found = Together(BAND).find({"drums": Goal(-9.0, -9.0)})
    assert set(found.gains_db) == {"drums"}
    assert stand_lu(BAND, found.gains_db)["drums"] == pytest.approx(-9.0, abs=0.05)


def test_where_no_sum_lets_all_in_the_miss_is_shared_by_what_it_costs():
    """All three are to be lower than any sum allows; the one whose songs differ most gives way most."""
    goals = {"drums": Goal(-12.0, -12.0, 1.0), "bass": Goal(-12.0, -12.0, 1.0), "other": Goal(-12.0, -12.0, 3.0)}
    reached = stand_lu(BAND, Together(BAND).find(goals).gains_db)
    assert reached["drums"] == pytest.approx(reached["bass"], abs=0.05)
    assert reached["other"] > reached["drums"] + 2.0 > -12.0 + 2.0


def test_a_class_inside_its_range_is_not_pushed_out_of_it_for_others():
    """The drums would have the bass go far down; it stays in its range, and the drums stay away from their aim."""
    own = stand_lu(BAND, {})
    keep = (own["other"] - 0.5, own["other"] + 0.5)
    goals = {"drums": Goal(-1.0, -1.0, 0.5), "other": Goal(own["other"], own["other"], 5.0)}
    free = stand_lu(BAND, Together(BAND).find(goals).gains_db)
    goals["other"] = Goal(own["other"], own["other"], 5.0, keep)
    kept = stand_lu(BAND, Together(BAND).find(goals).gains_db)
    assert free["other"] < keep[0] - 1.0
    assert keep[0] - 0.1 <= kept["other"] <= keep[1] + 0.1
    assert kept["drums"] < free["drums"] - 1.0


def test_the_vocals_give_way_too_where_they_are_not_sure():
    goals = {"drums": Goal(-6.0, -6.0, 0.5), "bass": Goal(-8.0, -8.0, 0.5), "other": Goal(-9.0, -9.0, 0.5)}
    together = Together(BAND, steady(-20.0))
    sure, unsure = (together.find(goals, Goal(2.0, 2.0, sd)).ratio_lu for sd in (0.05, 3.0))
    assert sure == pytest.approx(2.0, abs=0.1)
    assert unsure < 1.0


def test_a_class_that_plays_a_while_counts_while_it_plays():
    short = steady(-20.0, blocks=30)
    goals = {"drums": Goal(-9.0, -6.0), "other": ANYWHERE}
    assert Together({"drums": short, "other": steady(-20.0, blocks=300)}).find(goals).gains_db["drums"] < -4.0


def test_a_voice_counts_where_it_sings():
    """A voice that sings half of the time adds half of the energy, and more by the gate than none."""
    classes = {"drums": steady(-20.0, 400), "other": steady(-20.0, 400)}
    half = varying(np.where(np.arange(400) < 200, 10**-3.0, 0.0))
    none, sung, throughout = (
        Together(classes, voice).stand_lu({}, 0.0)["drums"] for voice in (None, half, steady(-30.0, 400))
    )
    assert none == pytest.approx(-3.01, abs=0.01)
    assert throughout == pytest.approx(-6.02, abs=0.01)
    assert sung == pytest.approx(-3.01 - 10 * np.log10(1.5), abs=0.05)


@pytest.mark.parametrize("seed", range(6))
def test_no_mix_of_a_grid_costs_less(seed):
    """Generated classes with rests, so that gates open and close with the gains; every 1.5 dB within the limit."""
    rng = np.random.default_rng(seed)
    classes = {name: sparse(rng) for name in ("drums", "bass", "other")}
    together = Together(classes, sparse(rng) if seed % 2 else None)
    own = together.stand_lu({}, 0.0)
    goals = {}
    for name in ("drums", "bass"):
        aim = own[name] + rng.normal(0.0, 6.0)
        goals[name] = Goal(aim, aim, rng.uniform(0.3, 3.0), (min(own[name], aim) - 1, max(own[name], aim) + 1))
    ratio = Goal(0.0, 0.0, 1.0, (-3.0, 3.0)) if seed % 2 else None
    found = together.find(goals, ratio)
    steps_db = np.arange(-LIMIT_DB, LIMIT_DB + 0.1, 1.5)
    grid = (
        together.loss({"drums": drums, "bass": bass}, ratio_lu, goals, ratio)
        for drums, bass in product(steps_db, steps_db)
        for ratio_lu in ((-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0) if ratio else (None,))
    )
    assert together.loss(found.gains_db, found.ratio_lu, goals, ratio) <= min(grid) + 1e-3


@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_levels_are_those_of_the_sum_where_classes_and_vocals_share_sound(polarity):
    """Bleed: each has a share of one noise, of either polarity, and one is shorter."""
    rng = np.random.default_rng(3)
    bleed, *own = (0.05 * rng.standard_normal((2, 88_200)).astype(np.float32) for _ in range(4))
    sounds = {
        "drums": Sound(own[0] + bleed, 22_050),
        "other": Sound((own[1] + polarity * 0.8 * bleed)[:, :79_380], 22_050),
        "vocals": Sound(own[2] + 0.5 * bleed, 22_050),
    }
    gains_db, ratio_lu = {"drums": -4.0, "other": 3.0}, -2.0
    mixed = {name: sounds[name].gained(gain_db).audio for name, gain_db in gains_db.items()}
    mixed["other"] = np.pad(mixed["other"], ((0, 0), (0, 88_200 - 79_380)))
    backing = Sound(mixed["drums"] + mixed["other"], 22_050)
    vocal_db = backing.integrated_lufs + ratio_lu - sounds["vocals"].integrated_lufs
    mix = Sound(backing.audio + sounds["vocals"].gained(vocal_db).audio, 22_050)
    classes = {name: sounds[name] for name in gains_db}
    reached = Together(classes, sounds["vocals"], shared_energies(sounds)).stand_lu(gains_db, ratio_lu)
    for name in classes:
        measured = Sound(mixed[name], 22_050).integrated_lufs - mix.integrated_lufs
        assert reached[name] == pytest.approx(measured, abs=0.02)
