"""`make bench` times both sides in processes of their own, keeps what others measured, and writes between the marks."""

import os
from dataclasses import replace

import pytest

from tools.benches import document, growth, measured
from tools.benches.comparison import BEFORE, Comparison, Missing, Peer, before, difference
from tools.benches.rows import ROWS
from tools.benches.timing import Times, measure, ratio

TURNS = "turns.txt"


def ours(given):
    return _noted("ours", given)


def theirs(given):
    return _noted("theirs", given)


def _noted(who, folder):
    with open(f"{folder}/{TURNS}", "a") as file:
        file.write(f"{who} {os.getpid()}\n")
    return len(who)


def absent(given):
    raise Missing("no such library")


class Here:
    """Gives a folder that both sides know."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __call__(self):
        return self.folder


def test_sides_take_turns_in_processes_of_their_own(tmp_path):
    row = Comparison("word", "a word", ours, Peer("they", theirs), Here(tmp_path), difference, runs=3)
    found = measured.record(row, *measure(row))
    turns = [line.split() for line in (tmp_path / TURNS).read_text().splitlines()]
    warm_up, counted = [who for who, _ in turns[:2]], [who for who, _ in turns[2:]]
    assert (warm_up, counted) == (["ours", "theirs"], ["ours", "theirs", "theirs", "ours", "ours", "theirs"])
    assert len({pid for _, pid in turns} | {str(os.getpid())}) == 3
    assert (found.off, found.runs) == (2.0, 3)
    assert min(found.peak_mb) > 0


def halved(length):
    return length / 2


def test_a_part_of_the_work_is_stated_beside_the_whole_and_held_to_the_bar(tmp_path):
    row = Comparison("word", "a word", ours, Peer("they", theirs), Here(tmp_path), runs=1, by="part", bar=1.6)
    row = replace(row, part=halved, part_name="half")
    record = measured.record(row, *measure(row))
    assert (record.part_s, record.part_ratio) == ((2.0, 3.0), 1.5)
    cells = document.table([row], [record])
    assert "; half 2 / 3 |" in cells
    assert "; half 1.50 | half 1.6x, **missed** |" in cells


def test_a_row_that_needs_what_is_not_there_says_so(tmp_path):
    with pytest.raises(Missing, match="no such library"):
        measure(Comparison("word", "a word", absent, Peer("they", theirs), Here(tmp_path)))


def test_rows_are_named_once_and_timed_an_odd_number_of_times():
    names = [row.row for row in ROWS]
    assert len(set(names)) == len(names)
    assert all(row.runs % 2 for row in ROWS)


def test_before_is_the_earlier_commit():
    assert before(ours).commit == BEFORE


def test_a_busy_minute_slows_both():
    assert ratio([1.0, 10.0, 1.0], [2.0, 20.0, 2.0]) == 2.0


def test_a_record_takes_the_place_of_the_same_row_on_the_same_machine(tmp_path):
    path = tmp_path / "performance.json"
    row = Comparison("word", "a word", ours, Peer("they", theirs))
    first = measured.record(row, Times([1.0], [1.0], 5.0), Times([2.0], [4.0], 6.0))
    for each in (first, replace(first, machine="another"), replace(first, cpu_ratio=3.0)):
        measured.keep(each, path)
    assert {(each.machine, each.cpu_ratio) for each in measured.read(path)} == {(first.machine, 3.0), ("another", 2.0)}


def test_only_what_is_between_the_marks_is_written(tmp_path):
    path = tmp_path / "performance.md"
    path.write_text("Before.\n<!-- cpu -->\nold\n<!-- cpu -->\nAfter.\n")
    row = Comparison("word", "a word", ours, Peer("they", theirs), runs=1, bar=3.0)
    record = measured.record(row, Times([1.0], [1.0], 5.0), Times([2.0], [4.0], 6.0))
    document.write([row], [record], "cpu", path)
    text = path.read_text()
    assert text.startswith("Before.\n<!-- cpu -->\n| row |")
    assert text.endswith("<!-- cpu -->\nAfter.\n")
    assert "| `word` | a word | they | 1 / 2 (1 run) | 1 / 4 | 2.00 | 4.00 | cpu 3x, **missed** | 5 / 6 |" in text


def test_a_line_through_runs_says_what_a_song_adds():
    runs = [growth.Growth("generated", n, 5 + 0.2 * n, 3 + 0.1 * n, 200 + 0.004 * n, 400.0) for n in (10, 100, 1000)]
    text = growth.table([*runs, growth.Growth("real", 10, 7.0, 4.0, 200.0, 400.0)])
    assert "| 100 generated | 25.0 | 13.0 | 0.250 | 0.130 | 200 | 400 |" in text
    assert "generated: 0.2000 CPU s a song and 5.0 s for the run; memory of the command grows by 4.0 kB a song" in text
    assert "real: " not in text  # one run has no line
