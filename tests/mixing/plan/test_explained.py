"""Targets given what the song is, by the packaged priors."""

import pytest

from mixprior.analysis.priors import open_priors
from mixprior.mixing.plan.compression import ACTIVITY
from mixprior.mixing.plan.explained import explained
from mixprior.mixing.plan.targets import Targets

RANGE = ("vocals", "loudness_range_lu")


def test_vocals_that_sing_now_and_then_are_expected_to_have_a_larger_range():
    everyone = Targets.of().scalar(*RANGE)
    rare, often = (explained(Targets.of(), *RANGE, ACTIVITY, share) for share in (0.4, 0.8))
    assert rare.value > everyone.value > often.value
    assert rare.sd == often.sd < everyone.sd
    assert "is usual where vocal_active_ratio of vocals is 0.40" in rare.reason
    assert rare.half[0] < rare.value < rare.half[1]


def test_no_song_is_taken_for_more_unusual_than_those_of_the_priors():
    least = open_priors("starter").lookup(*ACTIVITY).p5
    found, last = (explained(Targets.of(), *RANGE, ACTIVITY, share) for share in (0.0, least))
    assert found.value == pytest.approx(last.value)


@pytest.mark.parametrize(
    ("by", "heard"), [(ACTIVITY, None), (("backing", "tempo_bpm"), 120.0), (("vocals", "sps_phi"), 1.0)]
)
def test_what_explains_nothing_changes_nothing(by, heard):
    assert explained(Targets.of(), *RANGE, by, heard) == Targets.of().scalar(*RANGE)


def test_priors_without_joint_moments_are_taken_as_they_are():
    of_li = ("vocals", "loudness_range_100ms_lu")
    assert explained(Targets.of(), *of_li, ACTIVITY, 0.4) == Targets.of().scalar(*of_li)
