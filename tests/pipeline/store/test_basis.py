"""Priors stay where nothing they follow from has changed, and are made anew where anything has."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixprior import stats
from mixprior.pipeline import aggregate
from mixprior.pipeline.aggregate import build_priors
from mixprior.pipeline.store import basis, files, songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.priors.tally import Grouping
from tools.catalogs import generated

BY_GENRE = Grouping(("genre",), min_group=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A run of six songs with its priors by genre; not to be changed."""
    folder = generated.write_run(tmp_path_factory.mktemp("made") / "run", 6)
    build_priors(songs.kept(folder), RunFolder.at(folder).priors, BY_GENRE, 1, ())
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch) -> Path:
    """The run, finished by this user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = Path(shutil.copytree(made, tmp_path / "run"))
    now = basis.of(Rows.open(folder), BY_GENRE, aggregate.library_versions())
    assert now is not None
    basis.note(str(folder / "priors"), now)
    return folder


@pytest.fixture
def built(made, monkeypatch) -> list[str]:
    """The folders of priors that were built anew: by copying those of the run, which is faster."""
    found = []

    def build_all(aggregation, *_):
        found.append(aggregation.folder)
        shutil.copytree(made / "priors", aggregation.folder, dirs_exist_ok=True)

    monkeypatch.setattr(aggregate, "_aggregate", build_all)
    return found


def build(folder: Path, grouping: Grouping = BY_GENRE) -> None:
    """As `mine` builds priors at its end."""
    build_priors(songs.kept(folder), RunFolder.at(folder).priors, grouping, 1, (), keep=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*(folder / "priors").iterdir(), folder / "songs.parquet"]}


def change_songs(folder: Path, name: str, value: object) -> None:
    """Change what the table of songs says of its first song."""
    table = pq.read_table(folder / "songs.parquet")
    rows = table.to_pylist()
    rows[0][name] = value
    pq.write_table(pa.Table.from_pylist(rows, table.schema), folder / "songs.parquet")


def test_priors_of_what_has_not_changed_stay_and_are_what_would_be_built(run, monkeypatch):
    before = contents(run)
    shutil.rmtree(run / "priors")
    build(run)  # by aggregation
    assert contents(run) == before
    monkeypatch.setattr(aggregate, "_aggregate", lambda *_: pytest.fail("built again"))
    build(run)
    assert contents(run) == before


@pytest.mark.parametrize(
    ("name", "value", "is_other"),
    [
        ("metadata", '{"genre": "opera"}', True),
        ("status", "failed", True),
        ("duration_s", 1.0, True),
        ("status", "kept", False),
        ("path", "elsewhere.wav", False),
    ],
)
def test_what_is_known_of_the_songs_counts_unless_no_prior_follows_from_it(run, built, name, value, is_other):
    change_songs(run, name, value)
    if value == "failed":
        change_songs(run, "error", "Silent")
    build(run)
    assert bool(built) == is_other


def test_another_grouping_correction_version_or_code_counts(run, built, monkeypatch):
    rows = Rows.open(run)
    versions = {"numpy": "1"}
    groupings = [BY_GENRE, Grouping(("genre",), 2), Grouping((), 1), Grouping(("genre",), 1, "{}")]
    found = [basis.of(rows, grouping, versions) for grouping in groupings]
    found.append(basis.of(rows, BY_GENRE, {"numpy": "2"}))
    monkeypatch.setattr(basis, "_code_sha256", lambda: "other code")
    found.append(basis.of(rows, BY_GENRE, versions))
    assert len({*found}) == 6
    build(run, Grouping(("year",), 1))
    assert len(built) == 1


def test_other_data_of_the_code_count(tmp_path, monkeypatch):
    """The errors of separation that come with the package change the reliability of priors."""
    monkeypatch.setattr(basis, "__file__", str(tmp_path / "pipeline" / "store" / "basis.py"))
    data = tmp_path / "stats" / "priors" / "separation_errors.json"
    data.parent.mkdir(parents=True)
    found = set()
    for content in ("{}", '{"htdemucs": 1}'):
        data.write_text(content)
        found.add(basis._code_sha256.__wrapped__())
    assert len(found) == 2


def test_data_of_the_code_are_read_of_all_kinds_that_there_are():
    folders = [Path(stats.__file__).parent, Path(basis.__file__).parent]
    files_of = (path for folder in folders for path in folder.rglob("*.*") if "__pycache__" not in path.parts)
    assert {path.suffix for path in files_of} == {*basis._SUFFIXES}


def test_rows_that_were_written_anew_count(run, built):
    part = next(run.glob("archive/*/*.parquet"))
    files.write_bytes(str(part), part.read_bytes())
    build(run)
    assert len(built) == 1
    build(run)
    assert len(built) == 1


@pytest.mark.parametrize("name", ["manifest.json", "priors.parquet", "state.parquet", "joint.parquet"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_priors_that_are_damaged_or_gone_are_built_anew(run, built, name, damage):
    before = contents(run)
    victim = run / "priors" / name
    if damage == "gone":
        victim.unlink()
    else:
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    build(run)
    assert len(built) == 1
    assert contents(run) == before


def test_a_folder_cannot_vouch_for_itself(run, built, tmp_path, monkeypatch):
    """Priors that somebody changed, manifest and all, or that came with a copy of the folder, are built anew."""
    manifest = run / "priors" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "hours": 1.0}))
    build(run)
    assert len(built) == 1
    build(Path(shutil.copytree(run, tmp_path / "copy")))
    assert len(built) == 2
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another user's"))
    build(run)
    assert len(built) == 3


def test_priors_are_not_kept_where_another_run_ends_meanwhile(run, built, monkeypatch):
    """It writes its own priors between the check of ours and the table of songs that goes with them."""
    write = basis.published.write_beside

    def write_after_another(beside):
        (run / "priors" / "manifest.json").unlink(missing_ok=True)
        write(beside)

    monkeypatch.setattr(basis.published, "write_beside", write_after_another)
    built_with = Rows.open(run)
    assert not basis.keep(str(run / "priors"), basis.of(built_with, BY_GENRE, aggregate.library_versions()), {})
    monkeypatch.undo()
