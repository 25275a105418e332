"""Classes of tracks against the mix: those in place stay, those outside come to the edge, and nothing is torn up."""

from dataclasses import dataclass

import numpy as np
import pytest

from mixprior.mixing.rules.group_balance import LIMIT_DB, Group
from mixprior.stats.loudness_blocks import Blocks
from mixprior.stats.measures.loudness import integrated_lufs

ANYWHERE = (-90.0, 0.0)


@dataclass
class Steady:
    """Stands for a sound of which only the energies are asked for."""

    blocks: Blocks

    @property
    def lufs(self) -> float:
        return integrated_lufs(self.blocks.weighted)


def steady(lufs: float, blocks: int = 50) -> Steady:
    energy = 10 ** ((lufs + 0.691) / 10) / 2
    shapes = ((2, blocks), (2, blocks), (blocks,), (2, 5 * blocks))
    return Steady(Blocks(*(np.full(shape, energy) for shape in shapes)))


def stand_lu(classes: dict[str, Steady], gains_db: dict[str, float], voice_lu: float | None = None) -> dict[str, float]:
    """Loudness of each class against the mix, energies added."""
    power = {name: 10 ** ((each.lufs + gains_db[name]) / 10) for name, each in classes.items()}
    whole = sum(power.values()) * (1 + (0 if voice_lu is None else 10 ** (voice_lu / 10)))
    return {name: 10 * np.log10(each / whole) for name, each in power.items()}


def test_classes_in_place_are_not_moved():
    classes = {"drums": steady(-24.0), "bass": steady(-26.0), "other": steady(-20.0)}
    own = stand_lu(classes, dict.fromkeys(classes, 0.0))
    wanted = {name: (own[name] - 0.5, own[name] + 2.0) for name in classes}
    assert Group(classes).gains_db(wanted) == dict.fromkeys(classes, 0.0)


@pytest.mark.parametrize("voice_lu", [None, -2.0])
def test_a_class_outside_comes_to_the_nearer_end(voice_lu):
    classes = {"drums": steady(-18.0), "bass": steady(-40.0), "other": steady(-20.0)}
    wanted = {"drums": (-12.0, -9.0), "bass": (-18.0, -8.0), "other": ANYWHERE}
    voice = None if voice_lu is None else steady(-50.0)
    reached = stand_lu(classes, Group(classes, voice, voice_lu or 0.0).gains_db(wanted), voice_lu)
    assert reached["drums"] == pytest.approx(-9.0, abs=0.05)
    assert reached["bass"] == pytest.approx(-18.0, abs=0.05)


def test_a_class_that_comes_into_place_by_itself_is_not_moved():
    """Once the drums are where they belong, the sum is lower, and the bass stands high enough in it."""
    classes = {"drums": steady(-18.0), "bass": steady(-30.0), "other": steady(-20.0)}
    gains_db = Group(classes).gains_db({"drums": (-12.0, -9.0), "bass": (-13.0, -8.0), "other": ANYWHERE})
    assert gains_db["bass"] == pytest.approx(gains_db["other"], abs=0.02)
    assert stand_lu(classes, gains_db)["drums"] == pytest.approx(-9.0, abs=0.05)


def test_the_sum_stays_as_loud_as_it_was():
    classes = {"drums": steady(-18.0), "bass": steady(-30.0), "other": steady(-20.0)}
    gains_db = Group(classes).gains_db({"drums": (-12.0, -9.0), "bass": (-13.0, -8.0), "other": ANYWHERE})
    before, after = (
        sum(10 ** ((each.lufs + gains.get(name, 0.0)) / 10) for name, each in classes.items())
        for gains in ({}, gains_db)
    )
    assert 10 * np.log10(after / before) == pytest.approx(0.0, abs=0.02)


def test_where_no_sum_lets_all_in_every_class_misses_by_as_much():
    classes = {"drums": steady(-18.0), "bass": steady(-24.0), "other": steady(-20.0)}
    wanted = {"drums": (-20.0, -9.0), "bass": (-20.0, -12.0), "other": (-20.0, -6.0)}
    reached = stand_lu(classes, Group(classes).gains_db(wanted))
    over = [reached[name] - wanted[name][1] for name in classes]
    assert min(over) > 0
    assert over == pytest.approx([over[0]] * 3, abs=0.05)


def test_a_leak_is_not_made_an_instrument():
    """The drums of a separated song without drums lie 50 LU down; the priors' quarter of them would be +40 dB."""
    classes = {"drums": steady(-68.0), "other": steady(-20.0)}
    for other in (ANYWHERE, (-6.5, -4.2)):
        gains_db = Group(classes).gains_db({"drums": (-23.4, -8.8), "other": other})
        assert max(abs(gain_db) for gain_db in gains_db.values()) <= LIMIT_DB
        assert gains_db["drums"] == pytest.approx(LIMIT_DB, abs=0.1)


def test_a_class_that_plays_a_while_counts_while_it_plays():
    short = steady(-20.0, blocks=30)
    gains_db = Group({"drums": short, "other": steady(-20.0, blocks=300)}).gains_db(
        {"drums": (-9.0, -6.0), "other": ANYWHERE}
    )
    assert gains_db["drums"] < -4.0


def test_a_voice_counts_where_it_sings():
    """A voice that sings half of the time adds half of the energy, and more by the gate than none."""
    classes = {"drums": steady(-20.0, 400), "other": steady(-20.0, 400)}
    half = steady(-30.0, 400)
    half.blocks.weighted[:, 200:] = 0.0
    none, sung, throughout = (
        Group(classes, voice).stand_lu(dict.fromkeys(classes, 0.0))["drums"]
        for voice in (None, half, steady(-30.0, 400))
    )
    assert none == pytest.approx(-3.01, abs=0.01)
    assert throughout == pytest.approx(-6.02, abs=0.01)
    assert sung == pytest.approx(-3.01 - 10 * np.log10(1.5), abs=0.05)
