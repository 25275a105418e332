"""Nothing is judged by what it taught: what reads recordings reads those whose role allows it."""

import csv
from pathlib import Path

import pyarrow.parquet as pq

from mixprior.analysis.priors import PACKAGED
from mixprior.learning.reverb_training.voices import SOURCES
from mixprior.mixing.evaluation import excerpts, separated
from mixprior.mixing.evaluation.excerpts import CHOOSE, JUDGE
from mixprior.mixing.evaluation.material import Material
from mixprior.pipeline.catalogs import roles
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.store.layout import MEMBERS_FILE
from tools import ROLES, ROOT, SHARED
from tools.evidence import activity
from tools.songs import calibration_truth, projects

RECORDINGS = roles.read(ROLES)
BY_PLACE = {f"{each.collection}/{each.path}": each for each in RECORDINGS}
NO_PLACE = Material(SHARED / "music", SHARED, SHARED, RECORDINGS)


def artists(recordings) -> set[str]:
    return {artist for each in recordings for artist in each.artists}


def starter() -> list[Recording]:
    """The songs that the packaged priors rest on."""
    members = pq.read_table(PACKAGED["starter"] / MEMBERS_FILE)["song_id"].to_pylist()
    known = {each.song_id: each for each in RECORDINGS}
    assert set(members) <= known.keys()
    return [known[song_id] for song_id in members]


def trained_on() -> list[Recording]:
    """The singers that the blind estimate was trained on."""
    with SOURCES.open(encoding="utf-8", newline="") as file:
        names = {row["singer"] for row in csv.DictReader(file) if row.get("role", "train") == "train"}
    known = {each.artist: each for each in RECORDINGS if each.role == "train-blind"}
    assert names <= known.keys()
    return [known[name] for name in names]


def scenes(which: str) -> list[Recording]:
    """What mixes are chosen or judged on."""
    voices = [BY_PLACE[f"voices/{row[0]}"] for row in excerpts.WET[which]]
    tracks = [BY_PLACE[f"multitracks/{title}"] for title in excerpts.MULTITRACKS] if which == CHOOSE else []
    return [*separated.sung(NO_PLACE, which), *voices, *tracks]


def test_starter_priors_rest_on_songs_of_their_role_alone():
    assert {each.role for each in starter()} == {"prior"}


def test_starter_priors_rest_on_five_songs_by_one_artist_at_most():
    roles.refuse_many_by_one(starter())


def test_no_artist_of_the_starter_priors_is_in_the_scenes_that_choose_or_judge():
    assert not artists(starter()) & artists(scenes(CHOOSE) + scenes(JUDGE))


def test_no_artist_of_the_scenes_that_judge_is_in_those_that_choose():
    assert {each.role for each in scenes(JUDGE)} == {"judge"}
    assert {each.role for each in scenes(CHOOSE)} == {"choose", "calibrate", "train-blind"}
    assert not artists(scenes(CHOOSE)) & artists(scenes(JUDGE))


def test_no_singer_that_the_blind_estimate_was_trained_on_is_in_the_scenes_that_judge():
    assert not artists(trained_on()) & artists(scenes(JUDGE))


def test_wet_scenes_have_the_backing_of_a_song_of_their_set():
    for which, rows in excerpts.WET.items():
        songs = {each.path for each in separated.sung(NO_PLACE, which)}
        assert {row[1] for row in rows} <= songs


def test_calibration_reads_no_song_of_priors():
    songs = [*calibration_truth.EXCERPTS_S, *(row[0] for row in calibration_truth.BACKINGS)]
    assert {BY_PLACE[f"multitracks/{name}"].role for name in songs} == {"calibrate"}
    assert {BY_PLACE[f"lmms-common/{each.path}"].role for each in projects.USED} == {"calibrate"}


def test_gates_of_presence_rest_on_no_song_of_priors():
    """Solo voices of any role are among them: whether they are there does not depend on their reverb."""
    with (ROOT / "tools" / "evidence" / "rows" / "presence.csv").open(encoding="utf-8", newline="") as file:
        sources = {row["source"].casefold().removeprefix("lmms ") for row in csv.DictReader(file)}
    names = {name: each.role for each in RECORDINGS for name in (*each.artists, Path(each.path).stem.casefold())}
    called = {"multitracks": "signals", "musdb": "music delta", "supertux2": "wansti", "warzone2100": "lupusmechanicus"}
    found = {source: names.get(called.get(source, source)) for source in sources}
    assert set(found.values()) <= {"calibrate", "choose", "judge", "train-blind"}, found


def test_the_songs_that_chose_activity_are_those_of_the_role():
    stems = {Path(each.path).stem: each.role for each in RECORDINGS if each.collection == "more_songs"}
    assert {stems[name] for name in activity.CHOSE} == {"choose"}
    assert {stems[name] for name in activity.songs() if name not in activity.CHOSE} == {"judge"}


def test_thresholds_are_chosen_on_other_artists_than_they_are_judged_on():
    chosen, judged = roles.read(ROLES, "choose"), roles.read(ROLES, "judge")
    assert not artists(chosen) & artists(judged)
    timed = [each for each in (*chosen, *judged) if each.collection == "more_songs"]
    assert [sum(each.role == role for each in timed) for role in ("choose", "judge")] == [2, 4]
