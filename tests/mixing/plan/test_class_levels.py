"""The level step of tracks: classes and vocals are weighed, found together, and the reason says what was traded."""

from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.plan.class_levels import set_levels
from mixprior.mixing.plan.level import GROUP_LEVEL
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.raw_error import raw_error
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Target, Unreliable
from mixprior.mixing.rules.posterior import weight_of_kinds
from mixprior.mixing.rules.ratio import RATIO, ratio_lu
from mixprior.stats.sound import Sound
from tests.mixing.sounds import RATE_HZ, sound

WHY = "median of 100 songs"


class Known:
    """Targets by class: centre, spread of the songs, and their middle half; None is unreliable."""

    def __init__(self, ratio_lu: float = -2.0, **levels: tuple[float, float] | None) -> None:
        self.levels, self.ratio_lu = levels, ratio_lu

    def scalar(self, stem: str, statistic: str) -> Target:
        found = self.levels[stem]
        if found is None:
            raise Unreliable(f"{statistic} of separated {stem} differs less than separation errs")
        return self.target(statistic, stem, *found)

    def ratio(self, asked_lu: float | None) -> Target:
        if asked_lu is not None:
            return Target(RATIO, asked_lu, "as given")
        return self.target(RATIO, "song", self.ratio_lu, 2.5)

    @staticmethod
    def target(statistic: str, stem: str, centre: float, sd: float) -> Target:
        half = (centre - 0.67 * sd, centre + 0.67 * sd)
        return Target(statistic, centre, WHY, ({"n": 100},), half=half, stem=stem, sd=sd, n=100)


def noises(**levels_db: float) -> dict[str, Sound]:
    """Noise of each class, not related."""
    rng = np.random.default_rng(3)
    return {
        name: sound(10 ** (level_db / 20) * 0.1 * rng.standard_normal((2, 2 * RATE_HZ)))
        for name, level_db in levels_db.items()
    }


def levels(mixed: dict[str, Sound], known: Known, **options: object) -> tuple[dict[str, float], dict[str, Step]]:
    gains_db, steps = set_levels(mixed, known, Options(**options))
    return gains_db, {step.of: step for step in steps}


def test_a_class_beside_one_that_stays_goes_to_its_posterior_mean():
    gains_db, steps = levels(noises(drums=0.0, other=0.0), Known(drums=(-8.0, 3.0), other=None))
    step = steps["drums"]
    (aim,) = step.aims
    share = weight_of_kinds(aim["heard"] + 8.0, 3.0 * 1.01**0.5, raw_error("level", GROUP_LEVEL, "drums").kinds)
    assert aim["weight"] == pytest.approx(share)
    assert step.measured[GROUP_LEVEL] == pytest.approx(-3.01, abs=0.05)
    assert step.reached[GROUP_LEVEL] == pytest.approx((1 - share) * -3.01 + share * -8.0, abs=0.05)
    assert step.setting == {"gain_db": gains_db["drums"]}
    assert step.reason.endswith(f"; {WHY}")
    assert f"{share:.0%} of the way" in step.reason


def test_a_class_that_is_unreliable_absent_or_of_unknown_spread_stays():
    class Spreadless(Known):
        def scalar(self, stem: str, statistic: str) -> Target:
            found = super().scalar(stem, statistic)
            return replace(found, sd=None) if stem == "bass" else found

    mixed = noises(drums=0.0, other=0.0, bass=-3.0) | {"leak": noises(leak=-45.0)["leak"]}
    known = Spreadless(drums=(-8.0, 3.0), other=None, bass=(-9.0, 3.0), leak=(-10.0, 3.0))
    gains_db, steps = levels(mixed, known)
    assert gains_db["drums"] < 0.0
    assert [gains_db[name] for name in ("other", "bass", "leak")] == [0.0, 0.0, 0.0]
    assert [warning.code for warning in steps["other"].warnings] == ["unreliable"]
    assert "how far songs differ is not known" in steps["bass"].reason
    assert "taken for absent" in steps["leak"].reason


def test_what_was_traded_is_in_the_reason():
    """All are to be lower than any sum allows."""
    known = Known(drums=(-14.0, 1.0), bass=(-14.0, 1.0), other=(-14.0, 3.0))
    _, steps = levels(noises(drums=0.0, bass=0.0, other=0.0), known)
    traded = [step.reason for step in steps.values() if "LU off that" in step.reason]
    assert traded
    assert any("would be at" in reason or "as the sum and the vocals allow" in reason for reason in traded)


def test_no_trust_moves_nothing_and_full_trust_goes_to_the_centres():
    mixed = noises(drums=0.0, other=-3.0, vocals=-6.0)
    known = Known(drums=(-8.0, 3.0), other=(-4.5, 3.0))
    gains_db, _ = levels(mixed, known, trust=0.0)
    assert gains_db == pytest.approx(dict.fromkeys(mixed, 0.0), abs=0.05)
    _, steps = levels(mixed, known, trust=1.0)
    assert steps["vocals"].target[RATIO] == pytest.approx(-2.0, abs=0.5)
    assert steps["drums"].reached[GROUP_LEVEL] == pytest.approx(-8.0, abs=0.5)


def test_the_vocals_reach_their_ratio_to_the_classes_as_they_are_set():
    mixed = noises(drums=0.0, other=-3.0, vocals=-20.0)
    gains_db, steps = levels(mixed, Known(drums=(-8.0, 3.0), other=(-4.5, 3.0)))
    backing = sound(sum(mixed[name].gained(gains_db[name]).audio for name in ("drums", "other")))
    reached = ratio_lu(mixed["vocals"], backing, RATIO, gains_db["vocals"])
    assert reached == pytest.approx(steps["vocals"].target[RATIO], abs=0.02)
    assert steps["vocals"].measured[RATIO] < reached < -2.0


def test_a_ratio_that_a_person_gave_is_not_traded():
    _, steps = levels(
        noises(drums=0.0, other=-3.0, vocals=-20.0), Known(drums=(-8.0, 1.0), other=(-4.5, 1.0)), ratio_lu=-12.0
    )
    assert steps["vocals"].target[RATIO] == pytest.approx(-12.0, abs=0.01)


def test_silent_vocals_keep_their_level_and_the_classes_are_found_without_them():
    mixed = noises(drums=0.0, other=0.0) | {"vocals": sound(np.zeros((2, 2 * RATE_HZ)))}
    gains_db, steps = levels(mixed, Known(drums=(-8.0, 3.0), other=None))
    assert gains_db["drums"] < 0.0
    assert [warning.code for warning in steps["vocals"].warnings] == ["silent"]


def test_a_dead_band_brings_classes_to_the_nearer_end_and_keeps_those_inside():
    known = Known(drums=(-9.0, 3.0), other=(-2.0, 3.0))
    _, steps = levels(noises(drums=0.0, other=0.0), known, aim="quartiles")
    assert steps["drums"].reached[GROUP_LEVEL] == pytest.approx(-9.0 + 0.67 * 3.0, abs=0.1)
    assert "to the nearer end of" in steps["drums"].reason
    assert -4.0 <= steps["other"].reached[GROUP_LEVEL] <= 0.0


def test_half_of_the_way_is_half_of_the_gains():
    mixed, known = noises(drums=0.0, other=0.0), Known(drums=(-12.0, 3.0), other=None)
    whole, _ = levels(mixed, known)
    half, steps = levels(mixed, known, amount=0.5)
    assert half["drums"] == pytest.approx(whole["drums"] / 2, abs=0.01)
    assert "50% of the way" in steps["drums"].reason


@pytest.mark.parametrize("vocals_db", [-50.0, 50.0])
def test_vocals_or_all_else_that_is_absent_moves_nothing(vocals_db):
    """Silence between two singers, or a voice alone over what leaks: there is no balance to set."""
    mixed = noises(drums=0.0, other=-1.0, vocals=vocals_db)
    gains_db, steps = levels(mixed, Known(drums=(-3.0, 3.0), other=None))
    assert gains_db["vocals"] == 0.0
    assert "taken for absent" in steps["vocals"].reason
    given, _ = levels(mixed, Known(drums=(-3.0, 3.0), other=None), ratio_lu=0.0)
    assert abs(given["vocals"]) > 30
