"""What documents say of rows that are kept: presence, vocal activity, reverberation, mixes like a song."""

import csv

import numpy as np
import pytest

from mixprior.learning.reverb_training.spread import recalibrated
from mixprior.mixing.rules.space import NEARLY_DRY_DB
from mixprior.stats.measures.presence import SEPARATED
from mixprior.stats.reverb.blind import estimate as blind
from tools.evidence import activity, like, mixer_judged, mixer_law, presence, reverb, reverse

ROWS = presence.read()


@pytest.mark.parametrize("stem", list(SEPARATED))
def test_gates_call_few_present_stems_absent_and_most_absent_ones(stem):
    gate = SEPARATED[stem]
    called = {
        there: [not presence.passes(row, gate) for row in ROWS if (row.stem, row.is_there) == (stem, there)]
        for there in (True, False)
    }
    assert np.mean(called[True]) <= 0.05
    assert np.mean(called[False]) >= 0.8


@pytest.mark.parametrize("stem", list(SEPARATED))
def test_thresholds_chosen_without_a_source_hold_for_it(stem):
    _, _, wrong, right = presence.left_out([row for row in ROWS if row.stem == stem], SEPARATED[stem])
    assert wrong <= 0.05
    assert right >= 0.8


def test_vocal_activity_agrees_with_the_words_that_people_heard():
    readings = [activity.read(rows) for rows in activity.songs().values()]
    judged = [reading for reading in readings if reading.song not in activity.CHOSE]
    assert (len(readings), len(judged)) == (6, 4)
    for reading in judged:
        assert reading.precision > 0.9
        assert reading.recall > 0.95


def test_the_reverberation_of_separated_wet_vocals_is_answered_and_errs_as_stated():
    kept, role = reverb.rows()
    of_judge = kept.separated & (role == "judge")
    assert len(kept.wet) == 888
    for part in (
        reverb.judged(kept[kept.separated], role[kept.separated]),
        reverb.judged(kept[of_judge], role[of_judge]),
    ):
        wet = part[part.wet_db > reverb.WET_DB]
        assert reverb.answers(wet) >= 80
        assert reverb.error(wet[wet.answered]) < 0.6 * reverb.of_mean(wet)


def test_expected_error_and_interval_of_reverberation_times_cover_nine_of_ten_for_voices_that_did_not_set_them():
    kept, role = reverb.rows()
    which = role == "calibrate"
    again = recalibrated(blind.model(), kept[which])
    for law in ("spread_law", "interval_law"):
        np.testing.assert_allclose(getattr(again, law), getattr(blind.model(), law), rtol=1e-3)
    found = reverb.judged(kept[which], role[which])
    for of_kind in (found.separated, ~found.separated):
        assert reverb.covered(found[of_kind & found.answered]) >= 90


def test_the_factor_of_times_of_separated_vocals_is_the_least_by_which_the_speakers_reach_the_slope():
    kept, role = reverb.rows()
    found = reverb.judged(kept[kept.separated], role[kept.separated], whole=True)
    near = found[~found.sung & (found.wet_db > reverb.ROUND_DB[0]) & (found.wet_db < reverb.ROUND_DB[1])]
    slopes = [reverb.slope(reverb.with_factor(near, factor)) for factor in reverb.FACTORS]
    assert reverb.FACTORS[int(np.argmax(np.array(slopes) >= 0.7))] == pytest.approx(blind.model().separated_factor)


def test_a_clip_of_several_stretches_is_estimated_as_a_song_is():
    kept, role = reverb.rows()
    whole = reverb.judged(kept, role, whole=True)
    place = 7
    which = (kept.clip == whole.clip[place]) & (kept.separated == whole.separated[place])
    found = blind.joint(list(kept.features[which]), bool(whole.separated[place]))
    assert np.log(found.rt60_s) == pytest.approx(whole.found[place], abs=1e-4)
    assert found.wet_dry_db == pytest.approx(whole.found_wet_db[place], abs=1e-3)


def test_mixes_like_a_song_are_nearer_to_it_than_the_sum_as_loud_and_under_the_ceiling():
    systems = like.read()
    ours, summed, matched = (systems[name] for name in ("mix --like", "sum", "matchering"))
    assert len(ours) == len(summed) == len(matched) == 15

    def mean(cases, figure):
        return np.mean([case[figure] for case in cases if case[figure] is not None])

    for figure in ("spectrum_db", "class_lu", "ratio_lu"):
        assert mean(ours, figure) < mean(summed, figure), figure
    for figure in ("class_lu", "ratio_lu"):
        assert mean(ours, figure) < mean(matched, figure), figure
    assert max(case["loudness_lu"] for case in ours) < 0.2
    assert max(case["true_peak_dbtp"] for case in ours) <= -1.0


def test_settings_of_random_mixes_come_back_within_the_bars_but_a_gain_of_a_lossy_mix_in_twenty():
    kept = [each for each in reverse.read() if each.near and each.kind in reverse.DIRECT]
    for kind in {each.kind for each in kept}:
        for figure in ("gain_db", "pan", "eq"):
            found = [each for each in kept if (each.kind, each.figure) == (kind, figure)]
            least = 0.95 if kind.startswith(".") and figure == "gain_db" else 1.0
            assert reverse.within(found) >= least, (kind, figure)


def test_intervals_of_gains_hold_the_truth_on_songs_that_chose_nothing():
    kept = [each for each in reverse.read() if each.kind in reverse.DIRECT and each.song != "Potassium"]
    for of in (kept, [each for each in kept if each.near]):
        assert reverse.covered([each for each in of if each.figure == "gain_db"]) >= 0.9


def test_mixers_are_judged_on_songs_of_artists_that_none_of_them_was_trained_on():
    cards = mixer_judged.cards()
    with mixer_judged.ROWS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == {"", *cards}
    trained = {artist for card in cards.values() for song in card["songs"] for artist in song["artists"]}
    assert trained
    assert not trained & {row["artist"] for row in rows}
    assert {song["role"] for card in cards.values() for song in card["songs"]} <= {"prior", "train-mixer"}


def test_a_law_is_judged_on_artists_of_its_own_and_each_track_counts_once():
    rows = mixer_law.read()
    most = [row for row in rows if row["songs"] == max((each["songs"] for each in rows), key=int)]
    assert {row["seed"] for row in most} == {"0", "1", "2"}
    untrained = mixer_law.by_seed(most, "untrained")
    assert all(found < 0.5 * before for found, before in zip(mixer_law.by_seed(most, ""), untrained, strict=True))
    two = [{"system": "a", "tracks": "3", "off_db": "1"}, {"system": "a", "tracks": "1", "off_db": "3"}]
    assert mixer_law.off(two, "a") == pytest.approx(np.sqrt(3))


def test_beside_compressors_figures_are_within_the_bars_and_their_intervals_hold_the_truth():
    kept = [each for each in reverse.read() if each.near and each.kind.startswith("compressed")]
    for figure in ("gain_db", "pan", "eq"):
        found = [each for each in kept if each.figure == figure]
        assert reverse.within(found) >= 0.98, figure
        assert reverse.covered(found) >= 0.9, figure


def test_no_wet_vocals_are_taken_for_nearly_dry():
    """Of the nine speakers, who chose the level; half a decibel more would take some."""
    kept, role = reverb.rows()
    of_speakers = (role == "calibrate") & ~kept.separated
    found = reverb.judged(kept[of_speakers], role[of_speakers])
    wet_db = found.found_wet_db[~found.sung & (found.wet_db >= -21.0)]
    assert len(wet_db) > 200
    assert NEARLY_DRY_DB <= wet_db.min() < NEARLY_DRY_DB + 0.5
