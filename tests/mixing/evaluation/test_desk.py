"""Every system mixes what it is given as the shipped mixer does, and only the oracle uses the original."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.evaluation.damage import LEVELS, UNDAMAGED, Damage, TrackDamage, draw
from mixprior.mixing.evaluation.desk import Desk
from mixprior.mixing.evaluation.kept_priors import shipped
from mixprior.mixing.evaluation.metrics import ratio_lu
from mixprior.mixing.evaluation.systems import DEFAULT, LIKE, ORACLE, SUM, SYSTEMS, changed, with_and_without
from mixprior.mixing.evaluation.tasks import OWN
from mixprior.mixing.mix.arrays import mix
from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS
from mixprior.mixing.plan.targets import Targets
from mixprior.stats.sound import Sound

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(pair):
    return Desk(pair, draw(pair, LEVELS), Targets.of())


def test_every_step_is_judged_by_a_system_with_it_and_one_without():
    judged = {(each.planner, each.step) for each in OWN}
    assert {step for of, step in judged if of == "pair"} == set(STEPS) - {"pan"}
    # No scene of tracks has vocals whose reverb is known.
    assert {step for of, step in judged if of == "tracks"} == set(STEPS) - {"reverb"}
    for step in STEPS:
        ours, other = (SYSTEMS[name].steps for name in with_and_without(step))
        assert set(ours) - set(other) == {step}
        assert DEFAULT_STEPS in (ours, other)


def test_the_sum_is_what_was_given_and_the_oracle_the_original(desk, pair):
    damaged = Sound.sum(desk.tracks.values()).audio
    assert np.array_equal(desk.mix(SYSTEMS[SUM]).mix.audio, damaged)
    original = Sound.sum(pair.tracks.values()).audio
    assert np.array_equal(desk.mix(SYSTEMS[ORACLE]).mix.audio, original)


def test_what_is_judged_is_what_a_user_gets(desk):
    made = mix(desk.tracks["vocals"].audio, desk.tracks["backing"].audio, 44_100)
    assert np.array_equal(desk.mix(SYSTEMS[DEFAULT]).mix.audio, made.audio)


def test_a_mix_like_a_song_has_its_loudness_and_a_ratio_towards_its_own(band):
    rows = {"mixture": {"integrated_lufs": -11.0}, "song": {"vocal_to_backing_lu": 6.0}}
    like = SongRows("loud", rows, separated=False)
    desk = Desk(band, draw(band, LEVELS), shipped(), shipped([like]))
    ours, theirs = (desk.mix(SYSTEMS[name]) for name in (LIKE, DEFAULT))
    assert ours.mix.integrated_lufs == pytest.approx(-11, abs=0.2)
    assert ratio_lu(ours) > ratio_lu(theirs) + 0.5


def test_the_loudness_of_the_mix_changes_no_part(desk):
    ours, theirs = (desk.mix(SYSTEMS[name]) for name in (DEFAULT, changed("loudness")))
    assert all(np.array_equal(ours.parts[role].audio, part.audio) for role, part in theirs.parts.items())
    assert not np.array_equal(ours.mix.audio, theirs.mix.audio)


def test_the_level_comes_nearer_to_the_ratio_of_songs_from_far_away(pair):
    far = Damage("levels", 1, 0, {"vocals": TrackDamage(gain_db=20.0)})
    desk = Desk(pair, far, Targets.of())
    ours, theirs = (ratio_lu(desk.mix(SYSTEMS[name])) for name in (DEFAULT, changed("level")))
    assert theirs - ours > 6  # of 17 to the centre: levels of 6 s are spread more widely than those of songs


def test_wetness_of_vocals_is_that_of_their_construction(pair):
    for tail_db, wanted_db in ((0.0, -14.0), (-20.0, -34.0)):
        damage = Damage("dry vocals", 1, 0, {"vocals": TrackDamage(tail_db=tail_db)}) if tail_db else UNDAMAGED
        assert Desk(pair, damage, Targets.of()).mix(SYSTEMS[SUM]).wet_dry_db == pytest.approx(wanted_db, abs=0.1)


def test_tracks_are_mixed_by_their_classes(band):
    desk = Desk(band, draw(band, LEVELS), Targets.of())
    mixed = desk.mix(SYSTEMS[DEFAULT])
    assert list(mixed.parts) == band.parts
    assert mixed.mix.integrated_lufs == pytest.approx(-16, abs=0.1)


def test_priors_that_are_kept_have_the_same_rows():
    for kept, link in zip(shipped().chain.links, Targets.of().chain.links, strict=True):
        assert kept.path == link.path
        pd.testing.assert_frame_equal(kept.query(), link.query())
