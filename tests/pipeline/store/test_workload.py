"""The time left follows the audio that is still to be mined, not the number of files."""

import io

import pytest

from mixprior.pipeline.store import progress, workload
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Outcome, Song
from mixprior.pipeline.store.workload import Workload

MP3_S, WAV_S = 16_000, 176_400
"""Bytes of a second."""


def mined(work: Workload, path: str, audio_s: float, bytes_s: int, now_s: float) -> None:
    work.expect(path, round(audio_s * bytes_s), 0.0)
    work.finish(path, round(audio_s * bytes_s), audio_s, now_s)


def test_nothing_is_promised_before_a_song_is_mined():
    work = Workload()
    assert work.left_s(unread=100, now_s=5.0) is None
    work.skip()
    work.expect("a.mp3", 1000, now_s=1.0)
    assert work.left_s(unread=100, now_s=5.0) is None
    work.finish("a.mp3", 1000, audio_s=0.0, now_s=2.0)  # it failed
    assert work.left_s(unread=100, now_s=5.0) is None


def test_a_resumed_run_counts_what_it_mines_not_what_it_keeps():
    """9,990 of 10,000 songs are kept: after one of ten was mined in a minute, nine minutes are left."""
    work = Workload()
    for _ in range(9990):
        work.skip()
    for k in range(10):
        work.expect(f"{k}.mp3", 240 * MP3_S, now_s=100.0)
    work.finish("0.mp3", 240 * MP3_S, audio_s=240.0, now_s=160.0)
    assert work.left_s(unread=0, now_s=160.0) == pytest.approx(9 * 60.0)


def test_a_few_long_songs_weigh_as_much_as_they_last():
    work = Workload()
    mined(work, "short.mp3", 60.0, MP3_S, now_s=30.0)
    work.expect("long.mp3", 1200 * MP3_S, now_s=30.0)
    assert work.left_s(unread=0, now_s=30.0) == pytest.approx(600.0)


def test_bytes_are_compared_within_a_format():
    work = Workload()
    mined(work, "a.mp3", 100.0, MP3_S, now_s=50.0)
    mined(work, "a.wav", 100.0, WAV_S, now_s=100.0)
    work.expect("b.wav", 200 * WAV_S, now_s=100.0)
    work.expect("b.mp3", 100 * MP3_S, now_s=100.0)
    assert work.audio_left_s(unread=0) == pytest.approx(300.0)
    assert work.left_s(unread=0, now_s=100.0) == pytest.approx(150.0)


def test_a_format_of_which_none_was_mined_is_taken_for_the_others():
    work = Workload()
    mined(work, "a.mp3", 100.0, MP3_S, now_s=50.0)
    work.expect("b.ogg", 200 * MP3_S, now_s=50.0)
    assert work.audio_left_s(unread=0) == pytest.approx(200.0)


def test_songs_of_unknown_size_last_as_long_as_others():
    work = Workload()
    mined(work, "s3://music/a.mp3", 100.0, 0, now_s=50.0)
    for name in "bcd":
        work.expect(f"s3://music/{name}.mp3", 0, now_s=50.0)
    assert work.audio_left_s(unread=0) == pytest.approx(300.0)


def test_songs_yet_to_be_read_are_like_those_read_last(monkeypatch):
    """In a resumed run the first thousand are kept, and the rest is not."""
    work = Workload()
    for _ in range(1000):
        work.skip()
    for k in range(workload._RECENT):
        work.expect(f"{k}.mp3", 100 * MP3_S, now_s=0.0)
    for k in range(10):
        work.finish(f"{k}.mp3", 100 * MP3_S, audio_s=100.0, now_s=10.0)
    assert work.audio_left_s(unread=1000) == pytest.approx(100.0 * (workload._RECENT - 10 + 1000))
    for _ in range(workload._RECENT):
        work.skip()
    assert work.audio_left_s(unread=1000) == pytest.approx(100.0 * (workload._RECENT - 10))


def test_what_is_left_falls_while_a_song_is_mined_and_never_below_nothing():
    work = Workload()
    mined(work, "a.mp3", 100.0, MP3_S, now_s=50.0)
    work.expect("b.mp3", 100 * MP3_S, now_s=50.0)
    assert [work.left_s(0, now_s) for now_s in (50.0, 70.0, 300.0)] == pytest.approx([50.0, 30.0, 0.0])


def test_mining_lasts_from_the_start_of_the_first_song_to_the_end_of_the_last():
    work = Workload()
    assert work.mining_s == 0.0
    for name in "abc":
        work.expect(f"{name}.mp3", MP3_S, now_s=0.0)
    # Two at a time from the fifth second on; one that failed is not mined.
    work.finish("a.mp3", MP3_S, 1.0, now_s=7.0, took_s=1.5)
    work.finish("b.mp3", MP3_S, 1.0, now_s=9.0, took_s=4.0)
    work.finish("c.mp3", MP3_S, 0.0, now_s=20.0)
    assert work.mining_s == pytest.approx(4.0)


def test_a_run_shows_it(tmp_path, monkeypatch):
    now_s = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s[0])
    folder, told = RunFolder.at(tmp_path).mining(b"", "one"), io.StringIO()
    path, display, log = progress.path_in(folder), progress.Display(False, told), progress.Log(folder)
    progress.begin(folder)
    for k in range(98):
        progress.report(path, Outcome(Song(f"kept {k}.mp3"), f"{k}", "kept", "key", 240.0))
    for name in "ab":
        progress.expect(path, Outcome(Song(f"{name}.mp3"), name, "to mine", "key"), 240 * MP3_S)
    log.report(100, display)
    now_s[0] += 60.0
    progress.report(path, Outcome(Song("a.mp3"), "a", "mined", "key", 240.0), 240.0)
    log.report(100, display)
    assert told.getvalue() == "99/100 songs, 0 failed, 1.650 songs/s, 4.00x real time, 1.0 min left\n"
