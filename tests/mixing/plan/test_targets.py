"""What the priors say: the number, where it was taken from, and what stood in for what."""

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.mixing.plan.aim import RULES as AIMS
from mixprior.mixing.plan.raw_error import raw_error
from mixprior.mixing.plan.targets import Target, Targets, Unreliable
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.posterior import weight_of_kinds
from mixprior.mixing.rules.ratio import RATIO, RATIO_MONO
from mixprior.stats.errors import InputError
from tests.analysis.priors_folder import RATIO_OF_ALL, row, write_priors

PUBLISHED, STARTER = "the packaged priors published", "the packaged priors starter"


@pytest.fixture
def folder(tmp_path):
    return write_priors(tmp_path / "priors")


def test_the_ratio_is_the_median_of_the_group(folder):
    of_all, of_rock = Targets.of(folder).ratio(), Targets.of(folder, "genre=rock").ratio()
    assert (of_all.statistic, of_all.value, of_all.warnings, of_all.notes) == (RATIO, -1.89, (), ())
    assert (of_rock.value, of_rock.warnings) == (-3.25, ())
    spread = "half of them between -4.50 and -2.50"
    assert of_rock.reason == f"median of 40 songs of {folder} (group genre=rock); {spread}"


def test_the_number_is_told_with_its_place_and_definition(folder):
    (told,) = Targets.of(folder, "genre=rock").ratio().priors
    sha256 = hashlib.sha256((folder / "priors.parquet").read_bytes()).hexdigest()
    place = {"priors": str(folder), "sha256": sha256, "group": "genre=rock"}
    names = {"statistic": RATIO, "stem": "song", "definition": "vocal minus backing"}
    numbers = {"n": 40, "mean": -3.5, "sd": 1.5, "p25": -4.5, "p50": -3.25, "p75": -2.5}
    assert told.items() >= {**place, **names, **numbers}.items()


@pytest.mark.parametrize(
    ("group", "why"),
    [
        ("genre=rok", "no group 'genre=rok' .* did you mean genre=rock"),
        ("genre=polka", "its 1 songs are fewer than 10"),
        ("genre=jazz", "was measured on no song of genre=jazz"),
    ],
)
def test_all_songs_stand_in_for_a_group_that_says_too_little_with_a_warning(folder, group, why):
    target = Targets.of(folder, group).ratio()
    assert target.value == -1.89
    (warning,) = target.warnings
    assert warning.code == "prior"
    assert warning.text.startswith(f"all songs are used in place of the group {group}")
    assert re.search(why, warning.text)
    assert target.notes == ()


def test_a_prior_of_a_few_songs_is_used_with_a_warning(tmp_path):
    folder = write_priors(tmp_path, [row("all", "song", RATIO, "LU", 3, RATIO_OF_ALL)])
    target = Targets.of(folder).ratio()
    assert target.value == -1.89
    assert target.warnings == (Notice("prior", f"the prior of {RATIO} of song rests on 3 songs only"),)


def test_without_priors_the_ratio_is_the_published_one():
    target = Targets.of().ratio()
    assert target.value == open_priors("published").lookup("song", RATIO).p50
    assert target.reason.startswith(f"median of 150 songs of {PUBLISHED}")
    assert (target.warnings, target.notes) == ((), ())


def test_priors_that_know_the_ratio_of_means_alone_are_gone_by(tmp_path):
    folder = write_priors(tmp_path, [row("all", "song", RATIO_MONO, "LU", 20, RATIO_OF_ALL)])
    target = Targets.of(folder).ratio()
    assert (target.statistic, target.value) == (RATIO_MONO, -1.89)


def test_published_priors_stand_in_for_some_that_lack_the_ratio_with_a_warning(tmp_path):
    folder = write_priors(tmp_path, [row("all", "song", RATIO, "LU", 0)])
    target = Targets.of(folder).ratio()
    assert target.value == open_priors("published").lookup("song", RATIO).p50
    (warning,) = target.warnings
    assert str(folder) in warning.text
    assert PUBLISHED in warning.text


def test_priors_of_nothing_leave_the_ratio_to_be_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("mixprior.analysis.packaged.default_priors.PACKAGED", {})
    folder = write_priors(tmp_path, [row("all", "song", RATIO, "LU", 0)])
    with pytest.raises(InputError, match="give --ratio-lu"):
        Targets.of(folder).ratio()


def test_what_was_asked_for_needs_no_priors(folder):
    targets = Targets.of(folder)
    assert targets.ratio(-4.0) == Target(RATIO, -4.0, "as given")
    assert targets.scalar("vocals", "no_such_statistic", 3.0) == Target(
        "no_such_statistic", 3.0, "as given", stem="vocals"
    )


def test_the_mean_is_taken_where_no_median_is_known(tmp_path):
    numbers = (6.0, 2.0, *[None] * 9)
    folder = write_priors(tmp_path, [row("all", "vocals", "loudness_range_lu", "LU", 50, numbers)])
    target = Targets.of(folder).scalar("vocals", "loudness_range_lu")
    assert target.value == 6.0
    assert target.reason == f"mean of 50 songs of {folder} (group all)"


def test_what_stands_in_is_a_note_when_nothing_was_asked_for_and_a_warning_when_it_was(folder):
    at_home, asked = (each.scalar("vocals", "loudness_range_lu") for each in (Targets.of(), Targets.of(folder)))
    assert at_home.value == asked.value == open_priors("starter").lookup("vocals", "loudness_range_lu").p50
    assert at_home.warnings == ()
    assert at_home.notes == (f"{PUBLISHED} has no loudness_range_lu of vocals: taken from {STARTER}",)
    assert asked.notes == ()
    (warning,) = asked.warnings
    assert warning.text.startswith(f"{folder} has no loudness_range_lu of vocals; {PUBLISHED} has no")


def test_a_number_that_no_priors_know_is_refused():
    with pytest.raises(InputError, match="no_such_statistic"):
        Targets.of().scalar("vocals", "no_such_statistic")


def test_priors_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        Targets.of(tmp_path / "nowhere")


def test_the_spectrum_of_a_stem_comes_with_its_prior():
    spectrum, source, (facts,) = Targets.of().spectrum("vocals")
    assert spectrum.centre_db.shape == spectrum.sd_db.shape == spectrum.n.shape == spectrum.reliable.shape == (30,)
    assert np.isfinite(spectrum.centre_db[spectrum.n > 1]).all()
    assert (facts["priors"], facts["statistic"], facts["stem"]) == (STARTER, "third_octave_db", "vocals")
    assert facts["n"] == spectrum.n.max() > 0
    assert source.priors.path == open_priors("starter").path


def test_the_first_priors_that_know_a_spread_are_taken():
    """The published mean of the width of others has none."""
    assert Targets.of().scalar("other", "mid_energy_fraction").sd is None
    assert Targets.of().spread("other", "mid_energy_fraction").sd > 0


LEVEL = "loudness_vs_mixture_lu"


def level(group, n, median, n_absent=None):
    numbers = row(group, "drums", LEVEL, "LU", n, (median, 2.0, *[median] * 9))
    shares = dict.fromkeys(("share_present", "share_present_low", "share_present_high"))
    if n_absent is not None:
        shares = {"share_present": n / (n + n_absent), "share_present_low": 0.4, "share_present_high": 0.9}
    return {**numbers, "n_absent": n_absent, **shares}


def test_a_mix_with_vocals_goes_by_the_songs_with_vocals_where_there_are_enough(tmp_path):
    folder = write_priors(tmp_path, [level("all", 30, -12.0), level("singing=yes", 20, -10.0)])
    sung = replace(Targets.of(folder), sung=True)
    assert (sung.scalar("drums", LEVEL).value, Targets.of(folder).scalar("drums", LEVEL).value) == (-10.0, -12.0)
    assert sung.scalar("drums", LEVEL).warnings == ()


def test_few_songs_with_vocals_are_passed_over_without_a_word(tmp_path):
    folder = write_priors(tmp_path, [level("all", 30, -12.0), level("singing=yes", 9, -10.0)])
    target = replace(Targets.of(folder), sung=True).scalar("drums", LEVEL)
    assert (target.value, target.warnings, target.notes) == (-12.0, (), ())


def test_the_part_of_a_group_with_vocals_is_preferred(tmp_path):
    groups = [("all", -12.0), ("genre=rock", -11.0), ("singing=yes", -10.0), ("genre=rock,singing=yes", -9.0)]
    folder = write_priors(tmp_path, [level(group, 20, median) for group, median in groups])
    sung = replace(Targets.of(folder, "genre=rock"), sung=True)
    assert sung.scalar("drums", LEVEL).value == -9.0


def test_the_reason_says_how_many_songs_have_the_stem(tmp_path):
    folder = write_priors(tmp_path, [level("all", 16, -12.0, n_absent=8)])
    target = Targets.of(folder).scalar("drums", LEVEL)
    assert "median of 16 songs with drums (67% of all songs have them, 95 % interval 40% to 90%)" in target.reason
    assert target.priors[0]["share_present"] == 16 / 24


def judged(folder, reliability, sources):
    manifest = json.loads((folder / "manifest.json").read_text())
    lists = {"hz": [None], "low": [reliability], "high": [reliability], "sources": [sources], "songs": [sources]}
    manifest["reliability"] = {"vocals": {"centroid_hz": {"reliability": [reliability], **lists}}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Targets.of(folder)


def test_a_default_from_what_is_not_reliable_is_refused_and_the_step_left_out(folder):
    with pytest.raises(Unreliable, match=r"reliability 0.31 by 8 songs with true stems of 8 sources") as refused:
        judged(folder, 0.31, 8).scalar("vocals", "centroid_hz")
    step = refused.value.step("eq", "vocals")
    assert (step.setting, [warning.code for warning in step.warnings]) == ({}, ["unreliable"])
    assert judged(folder, 0.31, 8).scalar("vocals", "centroid_hz", 900.0).value == 900.0  # as given
    assert judged(folder, 0.51, 8).scalar("vocals", "centroid_hz").warnings == ()


def test_a_default_of_unknown_reliability_is_used_with_a_warning(folder):
    target = judged(folder, None, 4).scalar("vocals", "centroid_hz")
    assert target.value == 1007.0
    (warning,) = target.warnings
    assert warning.code == "unreliable"
    assert "true stems of 4 sources, 5 are needed" in warning.text


def test_the_aim_is_the_posterior_mean_and_says_what_it_weighed(folder):
    target = Targets.of(folder).ratio()
    aim = target.aim(-9.0, "level")
    error, spread = raw_error("level", RATIO, "song"), target.sd * (1 + 1 / target.n) ** 0.5
    assert aim.weight == pytest.approx(weight_of_kinds(-9.0 - target.value, spread, error.kinds))
    assert aim.value == pytest.approx(aim.weight * target.value + (1 - aim.weight) * -9.0)
    assert aim.reason.startswith(f"{aim.weight:.0%} of the way from -9.00 to {target.value:.2f} LU: songs differ by")
    assert str(error) in aim.reason
    assert aim.to_dict().items() >= {"weight": aim.weight, "error_sd": error.sd, "rule": "posterior"}.items()


def test_without_a_spread_of_the_songs_or_of_raw_material_what_is_heard_stays():
    known = Target(RATIO, -2.0, "published", ({"n": 9},))
    assert known.aim(-8.0, "level").value == -8.0
    assert "how far songs differ is not known" in known.aim(-8.0, "level").reason
    assert replace(known, sd=2.5).aim(-8.0, "reverb").value == -8.0
    assert known.aim(-8.0, "level", trust=1.0).value == -2.0


def test_what_a_person_gave_is_the_aim_whatever_the_trust():
    assert Target(RATIO, -4.0, "as given").aim(-8.0, "level", trust=0.0).value == -4.0


def test_what_cannot_be_measured_has_no_aim():
    for rule in AIMS:
        assert Target(RATIO, -2.0, "published", sd=2.5, n=150).aim(None, "level", rule=rule).value is None


def test_a_dead_band_keeps_what_half_of_the_songs_have():
    target = Target(RATIO, -2.0, "published", sd=2.5, n=150, half=(-3.6, -0.7))
    assert [target.aim(heard, "level", rule="quartiles").value for heard in (-8.0, -1.0, 3.0)] == [-3.6, -1.0, -0.7]
    assert target.aim(-8.0, "level", rule="centre").value == -2.0


def test_levels_of_short_material_are_drawn_less_far_than_those_of_a_song():
    """A part of a song differs from songs by more than songs differ, so that it says less of what is raw."""
    whole, clip = Targets.of("starter"), replace(Targets.of("starter"), duration_s=20.0)
    for stem, statistic in (("bass", "loudness_vs_mixture_lu"), ("song", "vocal_to_backing_lu")):
        ours, theirs = (found.scalar(stem, statistic).aim(-20.0, "level") for found in (clip, whole))
        assert ours.prior_sd > theirs.prior_sd + 0.3
        assert ours.weight < theirs.weight
    assert clip.scalar("vocals", "loudness_range_lu") == whole.scalar("vocals", "loudness_range_lu")
    assert replace(whole, duration_s=240.0).ratio() == whole.ratio()
