"""Mutated sound files crash nothing, hang nothing, and are decoded within limits or refused in words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mixprior.pipeline.song.pool import Pool
from mixprior.pipeline.song.time_limits import TimeLimits
from mixprior.pipeline.store.records import SongError
from tests.faults import mutations

A_JOB = 50
REFUSALS = {
    "NoAudio",
    "NonFinite",
    "OverScale",
    "TooLarge",
    "TooLong",
    "TooShort",
    "Truncated",
    "Undecodable",
    "Unsupported",
}


def fuzz(folder: Path, place: Path, count: int) -> Counter[str]:
    """Decode `count` damaged files in children; return how many ended in what way."""
    ends: Counter[str] = Counter()
    mistakes: list[str] = []
    limits = TimeLimits(stage_s=20.0, decode=1.0)
    with Pool(2) as pool:
        jobs = {}
        for first in range(0, count, A_JOB):
            there = place / str(first)
            there.mkdir()
            numbers = range(first, min(first + A_JOB, count))
            target = f"{mutations.HERE}:decode_all"
            # Longer than a job takes, for a machine at work; a file that hangs exceeds it all the same.
            jobs[there] = pool.submit(target, str(folder), str(there), numbers, longest_s=2.0 * A_JOB, limits=limits)
        for there, job in jobs.items():
            try:
                facts = job.result().facts
            except SongError as error:
                left = [path.name for path in there.iterdir()]
                mistakes.append(f"{error.kind} by the files {left}: {error.message}")
                continue
            mistakes += facts["mistakes"]
            ends.update(facts["ends"])
    assert mistakes == []
    return ends


@pytest.fixture(scope="session")
def sources(once) -> Path:
    return once("mutation_sources", mutations.write_sources)


def check(ends: Counter[str], count: int) -> None:
    print(dict(ends))
    assert sum(ends.values()) == count
    assert set(ends) <= {"decoded"} | REFUSALS
    # Neither all of them may be refused, nor none: then nothing was tried.
    assert count / 5 < ends["decoded"] < count * 4 / 5


def test_300_mutated_files_are_decoded_or_refused(sources, tmp_path):
    check(fuzz(sources, tmp_path, 300), 300)


@pytest.mark.nightly("fuzz")
@pytest.mark.timeout(3600)
def test_5000_mutated_files_are_decoded_or_refused(sources, tmp_path):
    check(fuzz(sources, tmp_path, 5_000), 5_000)
