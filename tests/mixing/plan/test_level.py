"""The level step: the voice goes to its ratio, or a share of the way, and the step says so."""

import numpy as np
import pytest

from mixprior.mixing.plan.level import set_level
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.targets import Target
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.ratio import DEFINITIONS, RATIO, RATIO_MONO, ratio_lu
from tests.mixing.sounds import RATE_HZ, band, sound, voice

VOCAL, BAND = sound(voice()), sound(band())
OWN_LU = ratio_lu(VOCAL, BAND)
WHY = "median of 100 songs"
TARGET = Target(RATIO, -2.0, "as given")


@pytest.mark.parametrize("amount", [0.0, 0.25, 0.5, 1.0])
def test_the_voice_goes_the_share_of_the_way(amount):
    gain_db, step, wanted_lu = set_level("vocal", VOCAL, BAND, TARGET, Options(amount=amount))
    assert wanted_lu == pytest.approx(OWN_LU + amount * (-2.0 - OWN_LU))
    assert ratio_lu(VOCAL, BAND, vocal_gain_db=gain_db) == pytest.approx(wanted_lu, abs=0.006)
    assert step.setting == {"gain_db": gain_db}


def test_no_share_of_the_way_is_no_gain():
    assert set_level("vocal", VOCAL, BAND, TARGET, Options(amount=0.0))[0] == 0.0


def test_the_step_tells_what_was_measured_aimed_for_and_why():
    priors = ({"priors": "mine", "n": 100},)
    warnings, notes = (Notice("prior", "few songs"),), ("another group",)
    target = Target(RATIO_MONO, -3.0, "median of 100 songs", priors, warnings, notes)
    gain_db, step, _ = set_level("lead", VOCAL, BAND, target, Options(aim="centre"))
    assert (step.name, step.of) == ("level", "lead")
    assert step.measured == {RATIO_MONO: ratio_lu(VOCAL, BAND, RATIO_MONO)}
    assert step.target == {RATIO_MONO: -3.0, "definition": DEFINITIONS[RATIO_MONO]}
    assert (step.priors, step.warnings, step.notes) == (priors, warnings, notes)
    why = "to the centre of the songs; median of 100 songs"
    assert step.reason == f"lead {gain_db:+.2f} dB, to -3.00 LU against the backing: {why}"


def test_a_share_of_the_way_is_told_in_words():
    _, step, wanted_lu = set_level("vocal", VOCAL, BAND, TARGET, Options(amount=0.5))
    assert f"to {wanted_lu:+.2f} LU against the backing (50% of the way to -2.00): as given" in step.reason


@pytest.mark.parametrize(
    ("vocal", "backing"),
    [
        (np.zeros((2, RATE_HZ), np.float32), band(1.0)),
        (voice(1.0), np.zeros((2, RATE_HZ), np.float32)),
        (voice(0.3), band(1.0)),
    ],
)
def test_with_nothing_to_measure_the_voice_keeps_its_level_with_a_warning(vocal, backing):
    gain_db, step, wanted_lu = set_level("vocal", sound(vocal), sound(backing), TARGET, Options())
    assert (gain_db, wanted_lu, step.measured) == (0.0, None, {RATIO: None})
    (warning,) = step.warnings
    assert warning.code == "silent"
    assert not step.setting
