"""How far a run is: told once a song, whoever reports it and however often."""

import io

from mixprior.pipeline.store import progress
from mixprior.pipeline.store.records import Failure, Outcome, Song


def outcome(path: str, status: str, duration_s: float | None = None, message: str | None = None) -> Outcome:
    failure = Failure("id", path, "decode", "Truncated", message) if message else None
    return Outcome(Song(path), f"id of {path}", status, "key", duration_s, failure)


def test_songs_are_counted_once_and_only_new_audio_counts(tmp_path):
    path, told = str(tmp_path / "progress.jsonl"), io.StringIO()
    display = progress.Display(path, 4, quiet=False, stream=told)
    for done in (
        outcome("a.mp3", "mined", 60.0),
        outcome("a.mp3", "mined", 60.0),
        outcome("b.mp3", "kept", 90.0),
        outcome("c.mp3", "failed", message="is cut short"),
    ):
        progress.report(path, done)
        display.refresh()
    assert len(display.notes) == 3
    assert display.audio_s == 60.0
    assert told.getvalue() == "failed: c.mp3: is cut short\n"


def test_a_line_that_is_still_being_written_waits(tmp_path):
    path = tmp_path / "progress.jsonl"
    display = progress.Display(str(path), 1, quiet=True, stream=io.StringIO())
    progress.report(str(path), outcome("a.mp3", "mined", 60.0))
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    display.refresh()
    assert not display.notes
    path.write_bytes(whole)
    display.refresh()
    assert len(display.notes) == 1


def test_object_stores_have_no_progress_file():
    assert progress.path_in("memory://bucket/run") is None
    assert progress.path_in("outputs/run").endswith("outputs/run/progress.jsonl")
