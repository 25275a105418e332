"""One song never ends a run: whatever it does to the process that mines it becomes its row, and the rest is mined."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from mixprior.pipeline import mine as command
from mixprior.pipeline.graphs import options
from mixprior.pipeline.song import causes, shared_pool, trouble
from mixprior.pipeline.song.time_limits import TimeLimits
from mixprior.pipeline.store.copies import Copies
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from mixprior.stats.errors import TooManyFailed
from tests.faults import faulty_songs

pytestmark = pytest.mark.slow


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Mines songs of these names; gives the rows of the table of songs by name. All in the same folder."""
    for name, value in faulty_songs.environment(tmp_path / "faulty").items():
        monkeypatch.setenv(name, value)
    exec(faulty_songs.SITE, {})  # here the protocol is known, and nothing happens
    monkeypatch.setattr(trouble, "BACK_OFF_S", (0.01, 0.02))
    usual = options.settings

    def hasty(*arguments):
        return replace(usual(*arguments), time_limits=TimeLimits(stage_s=10.0, decode=0.0, measure=100.0))

    monkeypatch.setattr(options, "settings", hasty)
    monkeypatch.setattr(Copies, "keep", lambda *_: None)  # without copies a child reads the song itself
    shared_pool.close()  # children of this environment

    def run(names, **keywords) -> dict[str, dict]:
        folder, stems = tmp_path / "songs", perform(replace(SCORES[0], duration_s=4.0))
        for k, name in enumerate(names):
            title = folder / name
            title.mkdir(parents=True, exist_ok=True)
            for stem, audio in stems.items():
                soundfile.write(title / f"{name}_{stem}.wav", np.roll(audio, 100 * k, axis=1).T, RATE_HZ)
        lines = [
            json.dumps(
                {
                    "path": f"faulty://{folder / name}",
                    **{
                        stem: f"faulty://{folder / name / name}_{stem}.wav"
                        for stem in ("vocals", "drums", "bass", "other")
                    },
                }
            )
            for name in names
        ]
        manifest = tmp_path / "songs.jsonl"
        manifest.write_text("\n".join(lines))
        command.mine(manifest, tmp_path / "run", workers=2, **keywords)
        rows = pq.read_table(tmp_path / "run" / "songs.parquet").to_pylist()
        return {Path(row["path"]).name: row for row in rows}

    yield run
    shared_pool.close()


@pytest.mark.fault(6, 7, 8)
def test_row_6_7_8_songs_that_crash_hang_or_exhaust_memory_are_rows_and_the_others_are_mined(mine, tmp_path):
    names = [
        "crash_a",
        "killedonce_a",
        "hang_a",
        "memory_a",
        "memoryonce_a",
        "cuda_a",
        "disk_a",
        "diskonce_a",
    ]
    rows = mine([*names, "fine_a"])
    errors = {name: row["error"] for name, row in rows.items()}
    assert errors == {
        "crash_a": "Crashed",
        "hang_a": "TimedOut",
        "memory_a": "OutOfMemory",
        "cuda_a": "DeviceLost",
        "disk_a": "ReadTrouble",
        **dict.fromkeys(("killedonce_a", "memoryonce_a", "diskonce_a", "fine_a")),
    }
    assert all(row["status"] == "mined" for row in rows.values() if row["error"] is None)
    assert "SIGSEGV" in rows["crash_a"]["message"]
    # A song that crashed or hung is not tried again by itself; trouble is.
    attempts = tmp_path / "faulty" / "notes" / "attempts"
    attempts.unlink()
    again = mine([*names, "fine_a"])
    assert set(attempts.read_text().split()) == {"memory_a", "cuda_a", "disk_a"}
    assert {name: row["error"] for name, row in again.items()} == errors
    assert {row["status"] for row in again.values()} == {"kept", "failed"}


@pytest.mark.fault(8)
def test_a_run_in_which_most_songs_fail_for_one_cause_stops_and_says_so(mine, monkeypatch):
    monkeypatch.setattr(causes, "LEAST", 3)
    monkeypatch.setattr(trouble, "BACK_OFF_S", ())  # each is tried once
    with pytest.raises(TooManyFailed, match=r"3 of \d songs failed by DeviceLost .*CUDA error"):
        mine([f"cuda_{k}" for k in range(8)])
