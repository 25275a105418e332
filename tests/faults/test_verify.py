"""`mixprior verify` sees each kind of inconsistency, says what to do, and repairs only what a rerun rebuilds."""

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import mixprior as package
from mixprior.pipeline.store import archive, files, stray
from mixprior.pipeline.store.layout import RunFolder, content_hash
from tools.catalogs.generated import KEY, write_run


def a_song(run: Path) -> Path:
    return sorted(run.glob("features/*/*/*.parquet"))[0]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_song(run: Path) -> None:
    first, second = sorted(run.glob("features/*/*/*.parquet"))[:2]
    shutil.copy(first, second)


def other_run(run: Path) -> None:
    table = files.read_table(str(run / "songs.parquet"))
    files.write_table(
        str(run / "songs.parquet"),
        table.replace_schema_metadata({**table.schema.metadata, b"members_sha256": b"0" * 64}),
    )


FAULTS = {
    "a song's file is cut": (lambda run: cut(a_song(run)), "damaged", True),
    "a song's file has a changed bit": (lambda run: flip(a_song(run)), "damaged", True),
    "a song's file holds another song": (other_song, "damaged", True),
    "a song's file is gone": (lambda run: a_song(run).unlink(), "lost", False),
    "settings are gone": (lambda run: next(run.glob("features/*/settings.json")).unlink(), "missing", False),
    "priors have a changed bit": (lambda run: flip(run / "priors/state.parquet"), "damaged", True),
    "the manifest is gone": (lambda run: (run / "priors/manifest.json").unlink(), "missing", False),
    "songs and priors are of two runs": (other_run, "mixed", True),
    "the table of songs is damaged": (lambda run: flip(run / "songs.parquet"), "missing", True),
    "a table in full is damaged": (lambda run: flip(next(run.glob("songs/*.parquet"))), "damaged", True),
    "a failure is damaged": (lambda run: files.write_bytes(f"{run}/failures/k/0.parquet", b"no"), "damaged", True),
    "flags are damaged": (lambda run: files.write_bytes(f"{run}/flags/k/0.json", b"no"), "damaged", True),
}


def content(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_a_run_is_sound_and_nothing_is_changed_by_looking(mined_run, mixprior):
    before = content(mined_run)
    assert mixprior("verify", mined_run).stdout == f"{mined_run}: sound\n"
    assert package.verify(f"file://{mined_run}").is_sound
    assert content(mined_run) == before


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_what_to_do_and_repaired_by_a_rerun(mined_run, mixprior, tmp_path, fault):
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    inject, kind, repairs = FAULTS[fault]
    inject(run)
    done = mixprior("verify", run, expect=1)
    assert f"{kind}: " in done.stdout
    assert "mine the catalog again" in done.stdout or "mixprior aggregate" in done.stdout
    before = content(run)
    repaired = package.verify(run, repair=True).repaired
    assert bool(repaired) == repairs
    # Rows are never deleted: what was set aside is there.
    for path in repaired:
        name = str(Path(path).relative_to(run))
        if name.startswith("features/"):
            assert content(run)[f"damaged/{name}"] == before[name]


def test_what_is_repaired_and_mined_again_is_sound_and_the_same(stems_catalog, mined_run, mixprior, tmp_path):
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    flip(a_song(run))
    flip(run / "priors/priors.parquet")
    done = mixprior("verify", run, "--repair", expect=1)
    assert done.stdout.count("repaired: ") == 2
    mixprior("mine", stems_catalog, "-o", run, "-j", 1)
    assert mixprior("verify", run).stdout.endswith(": sound\n")
    name = "priors/priors.parquet"
    assert (run / name).read_bytes() == (mined_run / name).read_bytes()


def test_a_damaged_part_is_found_among_whole_ones(tmp_path, mixprior):
    run = write_run(tmp_path / "run", 5000)
    flip(Path(archive.parts(RunFolder.at(run), KEY)[1]))
    found = json.loads(mixprior("verify", run, "--json", expect=1).stdout)
    assert [each["kind"] for each in found["findings"]] == ["damaged"]
    assert not found["sound"]


def test_a_song_of_no_table_and_a_song_twice_are_told_and_harm_nothing(tmp_path, mixprior):
    run = write_run(tmp_path / "run", 8)
    [part] = archive.parts(RunFolder.at(run), KEY)
    table = pq.read_table(part)
    files.write_table(RunFolder.at(run).features(KEY, "0" * 16), table.slice(0, 7))
    songs = files.read_table(str(run / "songs.parquet"))
    files.write_table(str(run / "songs.parquet"), songs.slice(0, 7))
    kinds = {each.kind for each in package.verify(run).findings}
    assert kinds == {"double", "orphan"}
    assert mixprior("verify", run).stdout.endswith(": sound\n")


@pytest.mark.fault(30)
def test_row_30_stale_temporary_files_and_foreign_files_are_ignored_and_only_ours_removed(
    mined_run, mixprior, stems_catalog, tmp_path
):
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    ended = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(ended, 0)
    stale = a_song(run).with_name("." + stray.name().replace(f"-{os.getpid()}-", f"-{ended}-") + ".tmp")
    foreign = [run / "notes.txt", a_song(run).with_name("notes.tmp"), run / "features" / "song.parquet.tmp"]
    for path in (stale, *foreign):
        path.write_text("text")
    before = (run / "priors/priors.parquet").read_bytes()
    done = mixprior("verify", run)
    assert f"left behind: {stale}" in done.stdout
    mixprior("aggregate", run, "-j", 1)
    assert stale.exists()
    mixprior("mine", stems_catalog, "-o", run, "-j", 1)
    assert not stale.exists()
    assert all(path.read_text() == "text" for path in foreign)
    assert (run / "priors/priors.parquet").read_bytes() == before


def test_no_run_is_told(tmp_path, mixprior):
    assert "holds no songs.parquet" in mixprior("verify", tmp_path, expect=2).stderr


def test_names_by_content_say_what_is_in_the_file(mined_run):
    for path in [*mined_run.glob("catalogs/*"), *mined_run.glob("songs/*")]:
        assert path.stem == content_hash(path.read_bytes())
