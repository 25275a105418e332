"""Damage of stored rows is seen wherever it is, named and set aside; what is whole counts, the rest is mined again."""

import json
import random
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.aggregate import aggregate
from mixprior.pipeline.store import archive, features, files, seal
from mixprior.pipeline.store.layout import RunFolder, parquet_bytes
from mixprior.stats.errors import RowsLost
from mixprior.stats.schema import with_metadata
from tools.catalogs.generated import KEY, rows, write_run

SONGS = 5000  # two parts


def damaged(content: bytes, rng: random.Random) -> bytes:
    """One of four kinds of damage at random: bytes changed, a block of zeros, an end cut off, a block doubled."""
    kind, changed = rng.randrange(4), bytearray(content)
    start = rng.randrange(len(changed))
    end = min(len(changed), start + rng.choice((16, 512, 4096)))
    if kind == 0:
        for _ in range(rng.choice((1, 1, 2, 8))):
            changed[rng.randrange(len(changed))] ^= rng.randint(1, 255)
    elif kind == 1:
        changed[start:end] = bytes(end - start)
    elif kind == 2:
        del changed[start:]
    else:
        changed[start:start] = changed[start:end]
    return bytes(changed)


def test_no_damage_of_two_thousand_is_read_as_a_song(tmp_path):
    table = rows(0, 1)
    content = parquet_bytes(table.replace_schema_metadata(with_metadata(table.schema, feature_key=KEY).metadata))
    assert features.parsed(content, KEY) is not None
    rng = random.Random(20261128)
    wrong = 0
    for _ in range(2000):
        other = damaged(content, rng)
        wrong += other != content and features.parsed(other, KEY) is not None
    assert wrong == 0


def test_every_single_byte_of_the_end_of_a_file_is_sealed():
    table = rows(0, 1).select(["song_id", "stem"])
    content = parquet_bytes(table)
    for place in range(len(content) - 400, len(content)):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        with pytest.raises(seal.Damaged):
            seal.table(bytes(changed))


def test_other_programs_read_sealed_files_and_ours_reads_theirs(tmp_path):
    table = rows(0, 2)
    (tmp_path / "sealed.parquet").write_bytes(parquet_bytes(table))
    assert pq.read_table(tmp_path / "sealed.parquet").equals(table)
    duckdb = pytest.importorskip("duckdb")
    [[count]] = duckdb.sql(f"SELECT count(*) FROM read_parquet('{tmp_path}/sealed.parquet')").fetchall()
    assert count == len(table)
    pq.write_table(table, tmp_path / "theirs.parquet")
    assert files.read_table(str(tmp_path / "theirs.parquet")).equals(table)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"), SONGS)


def damage(path: str, place: int) -> None:
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x10]))


@pytest.mark.parametrize("place", ["pages", "footer"])
def test_a_damaged_part_is_set_aside_and_the_rest_is_aggregated(run, mixprior, tmp_path, place):
    run = Path(shutil.copytree(run, tmp_path / "run"))
    part = archive.parts(RunFolder.at(run), KEY)[1]
    content = Path(part).read_bytes()
    damage(part, len(content) // 2 if place == "pages" else len(content) - 30)
    done = mixprior("aggregate", run, "-j", 1)
    [told] = done.stderr.splitlines()
    assert "904 songs are damaged or gone" in told
    assert "mixprior mine" in told
    aside = run / "damaged" / Path(part).relative_to(run)
    assert str(aside) in told
    assert aside.stat().st_size == len(content)
    assert not Path(part).exists()
    manifest = json.loads((run / "priors" / "manifest.json").read_text())
    assert (manifest["songs"], manifest["failed"], manifest["failures"]) == (4096, 904, {"Lost": 904})
    assert len(manifest["lost"]) == 904
    # What is left gives the bytes that it gives alone.
    alone = write_run(tmp_path / "alone", 4096)
    mixprior("aggregate", alone, "-j", 1)
    for name in ("priors", "joint", "state", "moments"):
        assert (run / f"priors/{name}.parquet").read_bytes() == (alone / f"priors/{name}.parquet").read_bytes()
    # The warning is repeated until the songs are mined; the library raises it, too.
    with pytest.warns(RowsLost, match="904 songs"):
        assert aggregate(run, workers=1).songs == 4096


def test_a_damaged_file_of_a_song_is_left_out_and_mined_again(stems_catalog, mined_run, mixprior, tmp_path):
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    song = sorted(run.glob("features/*/*/*.parquet"))[0]
    whole = song.read_bytes()
    damage(str(song), len(whole) // 3)
    done = mixprior("aggregate", run, "-j", 1, "--json")
    assert song.stem in done.stderr
    assert json.loads(done.stdout)["songs"] == 4
    assert (run / "damaged" / song.relative_to(run)).stat().st_size == len(whole)
    again = json.loads(mixprior("mine", stems_catalog, "-o", run, "-j", 1, "--json").stdout)
    assert (again["mined"], again["kept"]) == (1, 4)
    assert song.read_bytes() == whole
    name = "priors/priors.parquet"
    assert (run / name).read_bytes() == (mined_run / name).read_bytes()


def test_files_of_before_there_were_seals_still_count(tmp_path, mixprior):
    run = write_run(tmp_path / "run", 40)
    [part] = archive.parts(RunFolder.at(run), KEY)
    pq.write_table(pq.read_table(part), part)
    mixprior("aggregate", run, "-j", 1)
    assert json.loads((run / "priors" / "manifest.json").read_text())["songs"] == 40
