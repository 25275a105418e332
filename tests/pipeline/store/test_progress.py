"""How far a run is: told once a song, whoever reports it and however often."""

import io
import os

from mixprior.pipeline.store import progress
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure, Outcome, Song


def outcome(path: str, status: str, duration_s: float | None = None, message: str | None = None) -> Outcome:
    failure = Failure("id", path, "decode", "Truncated", message) if message else None
    return Outcome(Song(path), f"id of {path}", status, "key", duration_s, failure)


def test_songs_are_counted_once_and_only_audio_measured_just_now_counts(tmp_path):
    folder, told = RunFolder.at(tmp_path).mining(b"", "one"), io.StringIO()
    path, display = progress.path_in(folder), progress.Display(quiet=False, stream=told)
    progress.begin(folder)
    log = progress.Log(folder)
    for done, audio_s in (
        (outcome("a.mp3", "mined", 60.0), 60.0),
        (outcome("a.mp3", "mined", 60.0), 60.0),
        (outcome("b.mp3", "kept", 90.0), 0.0),
        (outcome("c.mp3", "failed", message="is cut short"), 0.0),
    ):
        progress.report(path, done, audio_s, took_s=audio_s, cpu_s=audio_s / 2)
        log.report(4, display)
    assert len(log.notes) == 3
    assert (log.audio_s, log.cpu_s, log.failed) == (60.0, 30.0, 1)
    assert told.getvalue() == "failed: c.mp3: is cut short\n"


def test_a_line_that_is_still_being_written_waits(tmp_path):
    folder = RunFolder.at(tmp_path).mining(b"", "one")
    progress.begin(folder)
    log = progress.Log(folder)
    progress.report(progress.path_in(folder), outcome("a.mp3", "mined", 60.0))
    path = tmp_path / "calls" / "one" / "progress.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    assert not log.read()
    path.write_bytes(whole)
    assert len(log.read()) == 1


def test_whoever_follows_a_run_hears_of_every_song_while_it_lasts(tmp_path):
    folder, ticks = RunFolder.at(tmp_path).mining(b"", "one"), []
    progress.begin(folder)
    path = progress.path_in(folder)
    with progress.followed(folder, lambda: ticks.append(1)):
        progress.report(path, outcome("a.mp3", "mined"))
    progress.report(path, outcome("b.mp3", "mined"))
    assert ticks == [1]


def test_the_progress_of_a_run_in_an_object_store_is_a_file_of_this_machine():
    assert progress.path_in(RunFolder.at("memory://bucket/run")) is None
    folder, other = (RunFolder.at(f"memory://bucket/{name}").mining(b"", "one") for name in ("run", "other"))
    path = progress.path_in(folder)
    assert path != progress.path_in(other)
    progress.report(path, outcome("a.mp3", "mined"))  # no command follows it here
    assert not os.path.exists(path)
    progress.begin(folder)
    progress.report(path, outcome("a.mp3", "mined"))
    assert len(progress.Log(folder).read()) == 1
    progress.end(folder)
    assert not os.path.exists(path)


def test_the_progress_of_a_run_on_this_machine_is_a_file_of_its_call():
    own = progress.path_in(RunFolder.at("outputs/run").mining(b"", "one"))
    assert own.endswith("outputs/run/calls/one/progress.jsonl")
