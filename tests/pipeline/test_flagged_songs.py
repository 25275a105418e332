"""A song that is mined although something may be wrong with it carries flags: in the run, on a rerun, anew by force."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.synthesis import SCORES, perform
from tests.pipeline.sounds import write


def stems_of(folder: Path, score=SCORES[0]) -> Path:
    folder.mkdir(parents=True)
    for name, audio in perform(replace(score, duration_s=6.0)).items():
        write(folder / f"{name}.wav", audio)
    return folder


def damage(path: Path) -> None:
    """Zero 200 bytes at the loudest place."""
    content = bytearray(path.read_bytes())
    samples = np.abs(np.frombuffer(bytes(content[44:]), np.int16).astype(np.int32))
    loudest = 20_000 + int(np.argmax(samples[20_000:-20_000]))
    content[44 + 2 * loudest - 100 : 44 + 2 * loudest + 100] = bytes(200)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("catalog")
    stems_of(root / "whole")
    damage(stems_of(root / "damaged", SCORES[1]) / "other.wav")
    stems_of(root / "surround", SCORES[2])
    path = root / "surround" / "bass.wav"
    bass = perform(replace(SCORES[2], duration_s=6.0))["bass"]
    write(path, np.concatenate([bass, np.zeros((4, bass.shape[1]), np.float32)]))
    return root


def flags_in(out: Path) -> dict[str, list[str] | None]:
    rows = pq.read_table(out / "songs.parquet").select(["path", "flags"]).to_pylist()
    return {Path(row["path"]).name: row["flags"] for row in rows}


EXPECTED = {"damaged": ["damaged_pcm"], "surround": ["downmixed"], "whole": None}


@pytest.fixture
def run(catalog, tmp_path, mixprior):
    """The output of a run, which may be changed, and how to mine again."""
    out = tmp_path / "out"

    def mine(*words, **keywords):
        return mixprior("mine", catalog, "-o", out, "-j", 1, "--quiet", *words, **keywords)

    return out, mine


def test_row_13_and_17_a_mined_song_carries_its_flags_now_and_on_a_rerun(run):
    out, mine = run
    told = mine().stdout
    assert flags_in(out) == EXPECTED
    assert f"flagged: 1 damaged_pcm, 1 downmixed (column flags of {out}/songs/" in told
    priors = (out / "priors" / "priors.parquet").read_bytes()
    files = sorted(path.relative_to(out).as_posix().split("/")[0] for path in out.glob("flags/*/*.json"))
    assert files == ["flags", "flags"], "a song without flags has no file"
    assert json.loads(mine("--json").stdout)["flagged"] == {"damaged_pcm": 1, "downmixed": 1}
    assert flags_in(out) == EXPECTED
    assert (out / "priors" / "priors.parquet").read_bytes() == priors
    [path] = (path for path in out.glob("flags/*/*.json") if "damaged" in path.read_text())
    path.write_text("{")
    mine()
    assert flags_in(out) == {**EXPECTED, "damaged": None}, "a damaged note is none"
    mine("--force")
    assert flags_in(out) == EXPECTED


def test_force_forgets_the_flags_of_a_song_that_has_none_any_more(tmp_path):
    checkpoint = Checkpoint(RunFolder.at(tmp_path), "k" * 16)
    checkpoint.finish("a", b"", ("length_unsure",))
    assert (checkpoint.flags("a"), checkpoint.flagged()) == (("length_unsure",), {"a"})
    checkpoint.finish("a", b"")
    assert (checkpoint.flags("a"), checkpoint.flagged()) == ((), set())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"flags": 3}', '{"flags": ["other", 1, []]}', "[" * 100_000])
def test_a_damaged_note_of_flags_is_none(tmp_path, text):
    checkpoint = Checkpoint(RunFolder.at(tmp_path), "k" * 16)
    checkpoint.finish("a", b"", ("length_unsure",))
    (tmp_path / "flags" / ("k" * 16) / "a.json").write_text(text)
    assert checkpoint.flags("a") == ()


def test_a_run_of_whole_songs_has_no_folder_of_flags(mined_run):
    assert set(pq.read_table(mined_run / "songs.parquet")["flags"].to_pylist()) == {None}
    assert not (mined_run / "flags").exists()
