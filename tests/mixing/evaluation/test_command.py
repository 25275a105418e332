"""The command writes rows and tables of its scenes, and refuses what is not there or what taught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.evaluation import command, evaluation, results, separated, tasks
from mixprior.mixing.evaluation.evaluation import COLUMNS, refuse_taught, taught
from mixprior.mixing.evaluation.material import Material
from mixprior.mixing.evaluation.tasks import cases, of_song
from mixprior.mixing.plan.targets import Targets
from mixprior.pipeline.catalogs import roles
from mixprior.stats.errors import InputError
from tests.mixing.evaluation import started
from tools import ROLES

pytestmark = pytest.mark.slow


def rows_of(scene: str) -> list[dict]:
    case = {
        "scene": scene,
        "artist": scene,
        "kind": "stems",
        "planner": "song",
        "task": "raw",
        "scale": "1",
        "seed": "0",
    }
    figures = dict.fromkeys(COLUMNS, 1.0)
    return [{**case, "system": system, **figures} for system in ("sum", "default", "oracle")]


def test_rows_are_read_as_they_were_written(tmp_path):
    path, shown = tmp_path / "new" / "judge.csv", []
    results.write(path, COLUMNS, rows_of, ["a", "b"], 1, lambda *done: shown.append(done))
    assert list(results.read(path, COLUMNS)) == [*rows_of("a"), *rows_of("b")]
    assert shown == [(1, 2), (2, 2)]


def test_rows_of_before_stand_until_all_are_made_anew(tmp_path):
    path = tmp_path / "judge.csv"
    results.write(path, COLUMNS, rows_of, ["a"], 1)
    with pytest.raises(ZeroDivisionError):
        results.write(path, COLUMNS, lambda part: [rows_of(part)[0], 1 / 0], ["b"], 1)
    assert list(results.read(path, COLUMNS)) == rows_of("a")


def test_processes_are_not_forked_from_one_that_may_have_threads(tmp_path):
    results.write(tmp_path / "judge.csv", (), started.rows_of, ["a", "b"], 2)
    assert {row["kind"] for row in results.read(tmp_path / "judge.csv", ())} == {"SpawnProcess"}


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Two songs, one of which has an excerpt, in place of music."""
    monkeypatch.setattr(command, "PARTS", {
        "songs": lambda *_: [("a", "song"), ("b", "song")], "steps": lambda *_: [("b", "tracks")],
    })  # fmt: skip
    monkeypatch.setattr(command, "REPORTS", dict.fromkeys(command.PARTS, lambda rows: f"{len(rows)} rows"))
    monkeypatch.setattr(command, "rows_of", lambda material, which, part: rows_of(part[0]))
    monkeypatch.setattr(command.separated, "fill", lambda *_: None)
    return ["choose", str(tmp_path), "-o", str(tmp_path), "--roles", str(ROLES), "-j", "1"]


def test_some_scenes_alone_do_not_replace_the_rows_of_all(few, tmp_path):
    assert command.main(few) == 0
    assert command.main([*few, "--only", "a"]) == 0
    scenes = {path.name: {row["scene"] for row in results.read(path, COLUMNS)} for path in tmp_path.glob("*.csv")}
    assert scenes == {"choose-songs.csv": {"a", "b"}, "choose-steps.csv": {"b"}, "choose-songs-only.csv": {"a"}}


@pytest.mark.parametrize(
    ("words", "message"),
    [(["a", "z"], "there is no scene 'z'; there are: a, b"), (["a", "--document", "page.md"], "leave out --document")],
)
def test_scenes_alone_that_are_not_there_or_are_for_a_document_are_refused(few, tmp_path, capsys, words, message):
    assert command.main([*few, "--only", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.csv"))


def test_tables_of_earlier_rows_are_written_between_the_marks_of_a_document(tmp_path, capsys):
    results.write(tmp_path / "judge-songs.csv", COLUMNS, rows_of, ["a"], 1)
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- mix-eval judge songs -->\nold\n<!-- mix-eval judge songs -->\nafter\n", "utf-8")
    arguments = ["judge", str(tmp_path), "-o", str(tmp_path), "--of", "songs", "--tables"]
    arguments += ["--document", str(document)]
    assert command.main(arguments) == 0
    written = (tmp_path / "judge-songs.md").read_text("utf-8")
    assert written in capsys.readouterr().out
    marked = f"<!-- mix-eval judge songs -->\n{written}<!-- mix-eval judge songs -->"
    assert document.read_text("utf-8") == f"before\n{marked}\nafter\n"
    document.write_text("nothing", "utf-8")
    assert command.main(arguments) == 2
    assert "has no two marks" in capsys.readouterr().err
    (tmp_path / "judge-songs.csv").unlink()
    assert command.main(arguments) == 2
    assert "has no rows of songs" in capsys.readouterr().err


def test_a_folder_of_music_that_is_not_there_is_refused(tmp_path, capsys):
    assert command.main(["choose", str(tmp_path / "none"), "-o", str(tmp_path)]) == 2
    assert "none is not a folder" in capsys.readouterr().err


def test_a_scene_whose_artist_taught_the_packaged_priors_is_refused(band):
    artists = taught(roles.read(ROLES))
    refuse_taught(band, artists)
    with pytest.raises(InputError, match="rest on a song of"):
        refuse_taught(replace(band, artists=frozenset([min(artists)])), artists)


def test_rows_of_a_wet_scene_judge_the_reverb_alone(pair, monkeypatch):
    monkeypatch.setattr(tasks, "SCALES", (1.0,))
    made = list(evaluation.rows(pair, tasks.PAIR, cases(pair), Targets.of()))
    assert {row["task"] for row in made} == {"", "dry vocals"}
    assert {row["system"] for row in made} == {"sum", "default", "default + reverb"}
    dry = {row["scale"]: row["vocals_wet_db"] for row in made if row["system"] == "sum" and row["task"]}
    assert dry == pytest.approx({"1": 20}, abs=0.1)


def test_tracks_are_judged_on_every_task_and_whole_songs_as_raw_tracks(band):
    tasks = {each.damage.task for each in cases(band)}
    assert tasks == {"", "levels", "tilted", "masked vocals", "uncompressed", "mono"}
    untouched, *raw = of_song(band, "judge", like=True)
    assert (untouched.damage.of_track, untouched.systems) == ({}, ("sum", "default"))
    assert len(raw) == 6
    assert {each.systems for each in raw} == {("sum", "default", "like", "oracle")}


def test_a_song_is_mixed_like_the_next_of_its_set_by_another_artist(band, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    stems = {name: rng.standard_normal((2, 44_100), np.float32) for name in ("vocals", "other")}
    monkeypatch.setattr(evaluation.separated, "four_stems_of_windows", lambda *_: stems)
    monkeypatch.setattr(evaluation.SongRows, "of_song", lambda name, song: (name, song.is_estimated))
    material = Material(tmp_path, None, tmp_path, roles.read(ROLES))
    titles = [song.title for song in separated.sung(material, "judge")]
    for own, following in zip(titles, (*titles[1:], titles[0]), strict=True):
        assert evaluation.another(material, "judge", replace(band, name=own)) == (following, True)
