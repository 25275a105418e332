"""One table of the songs of a run: every number of every song, in its own column, and no formula."""

import csv
import json
import zipfile
from xml.etree import ElementTree

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixprior.analysis import song_table as tables
from mixprior.analysis.priors import open_priors
from mixprior.analysis.songs import open_songs
from mixprior.pipeline.store import songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure, Outcome, Song
from mixprior.pipeline.store.rows import Rows

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def run(mined_run, tmp_path_factory):
    """The run, as if its catalog had metadata, one more song failed and one was listed twice."""
    import shutil

    root = shutil.copytree(mined_run, tmp_path_factory.mktemp("tagged") / "run")
    rows = open_songs(mined_run).table.to_pylist()
    tags = [(("title", "=1+1"), ("year", 1999)), (("title", "\x1b[2J"), ("mood", True)), (("status", "good"),), (), ()]
    outcomes = [
        Outcome(Song(row["path"], metadata=own), row["song_id"], "kept", row["feature_key"], row["duration_s"])
        for row, own in zip(rows, tags, strict=True)
    ]
    failure = Failure("f" * 16, "/z/broken.mp3", "decode", "Undecodable", "is no audio")
    outcomes.append(Outcome(Song("/z/broken.mp3"), "f" * 16, "failed", rows[0]["feature_key"], failure=failure))
    outcomes.append(Outcome(Song("/z/copy.wav"), rows[0]["song_id"], "duplicate", rows[0]["feature_key"]))
    folder = RunFolder.at(root).mining(b"")
    songs.write(folder, outcomes)
    shutil.copy(songs.of_call(folder), root / "songs.parquet")
    return root


@pytest.fixture(scope="module")
def made(run):
    return tables.song_table(run)


def test_every_number_of_every_song_is_there_once(run, made):
    values = made.values.to_pandas()
    assert values["path"].is_monotonic_increasing
    assert list(values["status"]) == ["kept"] * 5 + ["failed", "duplicate"]
    features = Rows.open(run).table().to_pylist()
    scalars = {name for name in features[0] if not isinstance(features[0][name], list)} - {"song_id", "stem"}
    for row in features:
        (own,) = values[(values["song_id"] == row["song_id"]) & (values["status"] == "kept")].to_dict("records")
        for name in scalars:
            column = f"{row['stem']}.{name}"
            if row[name] is not None and not isinstance(row[name], list):
                assert own[column] == row[name], column
    of_stems = [name for name in values if "." in name and not name.startswith(tables.CATALOG)]
    assert values[values["status"] != "kept"][of_stems].isna().all(axis=None)


def test_a_song_measured_with_stems_and_without_counts_once(run):
    found = open_songs(run).table
    again = found.slice(0, 1).to_pylist()[0] | {"path": "/z/stems", "feature_key": "z" * 16}
    twice = pa.concat_tables([found, pa.Table.from_pylist([again], found.schema)])
    measured = dict(tables._measured(run, twice))
    assert measured["vocals.integrated_lufs"].to_pylist()[0] is not None
    assert all(cells.to_pylist()[-1] is None for cells in measured.values())


def test_means_of_the_table_are_those_of_the_priors(run, made):
    prior = open_priors(run).lookup("vocals", "integrated_lufs")
    assert made.values.to_pandas()["vocals.integrated_lufs"].mean() == pytest.approx(prior.mean, abs=1e-4)


def test_the_catalogs_columns_have_one_type_and_names_of_their_own(made):
    values = made.values.to_pandas()
    assert list(values["year"].dropna()) == [1999]
    assert list(values["catalog.status"].dropna()) == ["good"]
    assert list(values["mood"].dropna()) == [True]


def test_a_spreadsheet_takes_no_text_for_a_formula(run, mixprior, tmp_path):
    for suffix in ("csv", "xlsx"):
        assert "7 songs" in mixprior("songs", run, "-o", tmp_path / f"a.{suffix}").stdout
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["title"] == "'=1+1"
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheets = [ElementTree.fromstring(book.read(f"xl/worksheets/sheet{k}.xml")) for k in (1, 2)]
    cells = [cell for sheet in sheets for cell in sheet.iter(f"{SHEET}c")]
    assert not list(sheets[0].iter(f"{SHEET}f"))
    texts = ["".join(cell.itertext()) for cell in cells if cell.get("t") == "inlineStr"]
    assert {"=1+1", "\\x1b[2J", "vocals.integrated_lufs", "LUFS"} <= set(texts)


def test_units_and_definitions_come_with_every_file(run, mixprior, tmp_path):
    for suffix in ("csv", "parquet"):
        mixprior("songs", run, "-o", tmp_path / f"a.{suffix}")
    columns = pd.read_csv(tmp_path / "a.columns.csv").set_index("column")
    assert columns.loc["vocals.integrated_lufs", "unit"] == "LUFS"
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.field("vocals.integrated_lufs").metadata[b"unit"] == b"LUFS"
    assert set(columns.index) == {name for name in schema.names if schema.field(name).metadata}
    frames = pd.read_csv(tmp_path / "a.csv"), pd.read_parquet(tmp_path / "a.parquet")
    assert frames[0]["drums.true_peak_dbtp"].tolist() == pytest.approx(frames[1]["drums.true_peak_dbtp"], nan_ok=True)


def test_the_reliability_of_a_column_is_that_of_the_priors(run):
    path = run / "priors" / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    facts = {"hz": None, "reliability": 0.25, "low": 0.1, "high": 0.4, "sources": 9, "songs": 20}
    judged = {"vocals": {"integrated_lufs": {name: [value] for name, value in facts.items()}}}
    path.write_text(json.dumps(manifest | {"reliability": judged}), "utf-8")
    try:
        found = tables.song_table(run).facts
    finally:
        path.write_text(json.dumps(manifest), "utf-8")
    known = {name: each["reliability"] for name, each in found.items() if each["reliability"] is not None}
    assert known == {"vocals.integrated_lufs": 0.25}


def test_another_kind_of_file_or_folder_is_refused_in_one_line(run, mixprior, tmp_path):
    assert "does not end in .csv, .parquet, .xlsx" in mixprior("songs", run, "-o", tmp_path / "a.ods", expect=2).stderr
    assert "songs.parquet" in mixprior("songs", tmp_path, "-o", tmp_path / "a.csv", expect=2).stderr
    told = json.loads(mixprior("songs", run, "-o", tmp_path / "a.csv", "--json").stdout)
    assert told["songs"] == 7
