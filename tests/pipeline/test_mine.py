"""A run is resumable, keeps going past bad songs, and says what it did."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from mixprior.pipeline import aggregate, estimate
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.mine import mine, plan
from mixprior.pipeline.separation import model_store
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import pace, shared_pool
from mixprior.pipeline.song.cores import Cores
from mixprior.pipeline.song.fingerprint import Fingerprints
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import digests, sources
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure, Song


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """What other runs of these tests left there must not matter."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def features(root: Path) -> dict[str, int]:
    """Every finished song and when it was written."""
    return {p.stem: p.stat().st_mtime_ns for p in root.glob("features/*/*/*.parquet")}


def songs(root: Path) -> list[dict]:
    return pq.read_table(root / "songs.parquet").to_pylist()


@pytest.fixture
def finished(mined_run, tmp_path) -> Path:
    """A finished run that a test may go on with."""
    return Path(shutil.copytree(mined_run, tmp_path / "finished"))


def test_a_second_run_mines_nothing_again_and_force_mines_all(stems_catalog, mixprior, finished):
    before = features(finished)
    priors = (finished / "priors" / "priors.parquet").read_bytes()
    summary = json.loads(mixprior("mine", stems_catalog, "-o", finished, "-j", 1, "--json").stdout)
    assert (summary["kept"], summary["mined"]) == (5, 0)
    assert features(finished) == before
    assert (finished / "priors" / "priors.parquet").read_bytes() == priors
    summary = json.loads(mixprior("mine", stems_catalog, "-o", finished, "-j", 1, "--json", "--force").stdout)
    assert (summary["kept"], summary["mined"]) == (0, 5)
    assert features(finished).keys() == before.keys()
    assert all(features(finished)[song] > before[song] for song in before)


def test_nothing_is_started_where_nothing_is_to_be_mined(stems_catalog, finished, monkeypatch):
    monkeypatch.setattr(shared_pool, "get", lambda *_: pytest.fail("a pool was asked for"))
    assert mine(stems_catalog, finished, workers=2).kept == 5


def test_a_song_alone_has_all_cores_of_the_run(stems_catalog, tmp_path, monkeypatch):
    shares, deal = [], Cores.deal

    def dealt(cores, total, busy):
        deal(cores, total, busy)
        shares.extend(map(cores.share, busy))

    monkeypatch.setattr(Cores, "deal", dealt)
    assert mine(stems_catalog, tmp_path, workers=3, limit=1).mined == 1
    assert shares == [3]


def test_dry_run_tells_and_touches_nothing(stems_catalog, mixprior, finished, tmp_path, monkeypatch):
    counts = {"songs": 5, "to_mine": 0, "kept": 5, "duplicate": 0, "failed": 0}
    told = json.loads(mixprior("mine", stems_catalog, "-o", finished, "--dry-run", "--json").stdout)
    assert told == {**counts, "estimate": None}
    monkeypatch.setattr(estimate, "of", lambda found, *_: len(found))
    told = json.loads(mixprior("mine", stems_catalog, "-o", tmp_path / "new", "--dry-run", "--json").stdout)
    assert told == {**counts, "to_mine": 5, "kept": 0, "estimate": 5}
    assert not features(tmp_path / "new")


def test_a_dry_run_without_the_model_finds_the_rows_of_its_pinned_weights(tmp_path, monkeypatch):
    monkeypatch.delenv(model_store.MODEL_REPO_VARIABLE, raising=False)
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros(44_100), 44_100)
    separation = replace(SeparationSettings().resolved(), weights_sha256=model_store.PINNED["htdemucs"])
    [((key, song_id), _)] = Fingerprints(MiningSettings(separation, DecodeLimits())).of([Song(str(path))])
    failure = Failure(song_id, str(path), "decode", "Silent", "is silent")
    Checkpoint(RunFolder(str(tmp_path / "run")), key).fail(failure)
    planned = plan(path, tmp_path / "run")
    assert (planned.to_mine, planned.failed) == (0, 1)


def test_limit_takes_the_first_songs(stems_catalog, mixprior, tmp_path):
    mixprior("mine", stems_catalog, "-o", tmp_path, "-j", 1, "--limit", 2)
    assert [Path(song["path"]).name for song in songs(tmp_path)] == ["Amber", "Birch"]


@pytest.mark.fault(4)
def test_a_half_written_file_is_not_taken_for_a_finished_song(stems_catalog, mixprior, finished):
    victim = next(finished.glob("features/*/*/*.parquet"))
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    summary = json.loads(mixprior("mine", stems_catalog, "-o", finished, "-j", 1, "--json").stdout)
    assert (summary["kept"], summary["mined"]) == (4, 1)
    assert victim.read_bytes() == whole


@pytest.fixture(scope="module")
def motley_catalog(stems_catalog, tmp_path_factory) -> Path:
    """Good songs among a corrupt one, an empty one, a text, a silent one, a mono one and a copy."""
    root = tmp_path_factory.mktemp("motley")
    for title in ("Amber", "Birch", "Cedar", "Dune"):
        (root / title).mkdir()
        for wav in (stems_catalog / title).iterdir():
            (root / title / wav.name).write_bytes(wav.read_bytes())
    (root / "Birch" / "bass.wav").write_bytes(b"")
    (root / "Cedar" / "bass.wav").write_text("not a sound")
    vocals, rate_hz = soundfile.read(root / "Dune" / "vocals.wav")
    soundfile.write(root / "Dune" / "vocals.wav", vocals.mean(axis=1), rate_hz)
    (root / "Copy of Amber").mkdir()
    for wav in (root / "Amber").iterdir():
        (root / "Copy of Amber" / wav.name).write_bytes(wav.read_bytes())
    (root / "Silent").mkdir()
    for name in ("vocals", "drums", "bass", "other"):
        soundfile.write(root / "Silent" / f"{name}.wav", np.zeros((44_100 * 5, 2)), 44_100)
    return root


@pytest.mark.fault(1)
def test_bad_songs_are_rows_with_reasons_and_good_ones_are_mined(motley_catalog, mixprior, tmp_path):
    done = mixprior("mine", motley_catalog, "-o", tmp_path, "-j", 2)
    found = {Path(song["path"]).name: song for song in songs(tmp_path)}
    assert {name: song["status"] for name, song in found.items()} == {
        "Amber": "mined",
        "Copy of Amber": "duplicate",
        "Birch": "failed",
        "Cedar": "failed",
        "Dune": "mined",
        "Silent": "failed",
    }
    assert found["Birch"]["error"] == "Undecodable"
    assert found["Cedar"]["error"] == "Undecodable"
    assert found["Silent"]["error"] == "Silent"
    assert "3 failed" in done.stdout
    assert "Birch" in done.stderr
    failures = pq.read_table(tmp_path / "failures").to_pylist()
    assert {Path(row["path"]).name for row in failures} == {"Birch", "Cedar", "Silent"}
    manifest = json.loads((tmp_path / "priors" / "manifest.json").read_text())
    assert (manifest["songs"], manifest["failed"], manifest["duplicates"]) == (2, 3, 1)

    again = json.loads(mixprior("mine", motley_catalog, "-o", tmp_path, "-j", 1, "--json").stdout)
    assert (again["kept"], again["failed"]) == (2, 3)
    assert mixprior("mine", motley_catalog, "-o", tmp_path, "--max-failures", "2", expect=3).stdout
    assert mixprior("mine", motley_catalog, "-o", tmp_path, "--max-failures", "10%", expect=3).stdout


def test_a_failed_song_is_tried_again_only_on_request(stems_catalog, mixprior, tmp_path):
    song = tmp_path / "catalog" / "Song"
    song.mkdir(parents=True)
    for wav in (stems_catalog / "Amber").iterdir():
        (song / wav.name).write_bytes(wav.read_bytes())
    (song / "bass.wav").write_text("not a sound")
    out = tmp_path / "out"
    assert "no song could be mined" in mixprior("mine", song.parent, "-o", out, "-j", 1, expect=3).stdout
    failure = next(out.glob("failures/*/*.parquet"))
    written = failure.stat().st_mtime_ns
    mixprior("mine", song.parent, "-o", out, "-j", 1, expect=3)
    assert failure.stat().st_mtime_ns == written
    mixprior("mine", song.parent, "-o", out, "-j", 1, "--retry-failed", expect=3)
    assert failure.stat().st_mtime_ns > written


def test_groups_come_from_the_manifest(stems_catalog, mixprior, tmp_path):
    manifest = tmp_path / "catalog.csv"
    rows = ["path,vocals,drums,bass,other,genre,year"]
    for title, genre, year in (("Amber", "pop", 1999), ("Birch", "rock", 2004), ("Cedar", "pop", 2004)):
        stems = [f"{stems_catalog}/{title}/{name}.wav" for name in ("vocals", "drums", "bass", "other")]
        rows.append(",".join([f"{title}", *stems, genre, str(year)]))
    manifest.write_text("\n".join(rows) + "\n")
    mixprior("mine", manifest, "-o", tmp_path / "out", "-j", 1, "--group-by", "genre,year", "--min-group", 1)
    priors = pq.read_table(tmp_path / "out" / "priors" / "priors.parquet").to_pylist()
    counts = {row["group"]: row["n"] for row in priors if (row["stem"], row["statistic"]) == ("song", "duration_s")}
    singles = {"genre=pop": 2, "genre=rock": 1, "year=1999": 1, "year=2004": 2}
    pairs = {"genre=pop,year=1999": 1, "genre=pop,year=2004": 1, "genre=rock,year=2004": 1}
    assert counts == {"all": 3, **singles, **pairs}
    assert json.loads(songs(tmp_path / "out")[0]["metadata"]) == {"genre": "pop", "year": 1999}


def test_groups_come_from_tags_and_what_has_none_is_counted(stems_catalog, mixprior, tmp_path):
    for title, genre in (("Amber", "Rock"), ("Birch", "rock"), ("Cedar", None)):
        folder = shutil.copytree(stems_catalog / title, tmp_path / "music" / title)
        mixture = sum(soundfile.read(stem)[0] for stem in folder.iterdir())
        soundfile.write(folder / "mixture.flac", mixture / np.abs(mixture).max(), 44_100)
        if genre:
            file = mutagen.File(folder / "mixture.flac")
            file.tags["genre"] = genre
            file.save()
    done = mixprior(
        "mine", tmp_path / "music", "-o", tmp_path / "out", "-j", 1, "--group-by", "genre", "--min-group", 1
    )
    assert "1 of 3 songs have no genre and are in no group of it" in done.stdout
    priors = pq.read_table(tmp_path / "out" / "priors" / "priors.parquet").to_pylist()
    counts = {row["group"]: row["n"] for row in priors if (row["stem"], row["statistic"]) == ("song", "duration_s")}
    assert counts == {"all": 3, "genre=rock": 2}
    again = mixprior("aggregate", tmp_path / "out", "-o", tmp_path / "priors", "-j", 1, "--group-by", "genre")
    assert "1 groups with fewer than 5 songs are withheld" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "nowhere"),
        (("{catalog}", "--group-by", "mood"), "mood"),
        (("{catalog}", "--max-failures", "many"), "--max-failures"),
        (("{catalog}", "--limt", "3"), "--limt"),
        (("{catalog}", "--limit", "-1"), "--limit"),
        (("{catalog}", "-o", "/proc/nothing"), "/proc/nothing"),
    ],
)
def test_wrong_input_is_told_in_one_line_with_exit_code_2(stems_catalog, mixprior, tmp_path, arguments, told):
    arguments = [argument.format(catalog=stems_catalog) for argument in arguments]
    output = () if "-o" in arguments else ("-o", tmp_path)
    done = mixprior("mine", *arguments, *output, expect=2)
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_rerun_reads_no_song_that_has_not_changed_and_with_rehash_all(stems_catalog, finished, monkeypatch):
    read = []
    digest = sources.sha256
    monkeypatch.setattr(sources, "sha256", lambda file: read.append(file) or digest(file))
    now_ns = digests.time.time_ns()
    monkeypatch.setattr(digests.time, "time_ns", lambda: now_ns + 3_600_000_000_000)
    for again, reads in (({}, 20), ({}, 0), ({"rehash": True}, 20)):
        read.clear()
        assert mine(stems_catalog, finished, workers=1, **again).kept == 5
        assert len(read) == reads


def test_a_rerun_that_changes_nothing_keeps_the_priors_and_force_builds_them(stems_catalog, finished, monkeypatch):
    before = {path.name: path.read_bytes() for path in (finished / "priors").iterdir()}
    mine(stems_catalog, finished, workers=1)
    monkeypatch.setattr(aggregate, "_aggregate", lambda *_: pytest.fail("aggregated"))
    assert mine(stems_catalog, finished, workers=1).kept == 5
    assert {path.name: path.read_bytes() for path in (finished / "priors").iterdir()} == before
    assert {song["status"] for song in songs(finished)} == {"kept"}
    with pytest.raises(pytest.fail.Exception, match="aggregated"):
        mine(stems_catalog, finished, workers=1, group_by=["tempo_band"])


def test_a_run_tells_the_next_dry_run_how_fast_it_was(stems_catalog, mixprior, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "_LEAST_S", 1.0)
    mixprior("mine", stems_catalog, "-o", tmp_path / "run", "-j", 1, "--limit", 1)
    told = json.loads(mixprior("mine", stems_catalog, "-o", tmp_path / "new", "--dry-run", "--json").stdout)
    assert told["estimate"]["by"] == estimate.LAST_RUN
    assert told["estimate"]["rows"] == 5 * 7
