"""`mixprior query --sql`: what is asked in SQL is what the files hold, and nothing else can be reached."""

import glob
import json
import os
import shutil

import pytest

from mixprior import main
from mixprior.analysis.sql import sql
from mixprior.pipeline.store import archive, files
from mixprior.pipeline.store.layout import RunFolder
from mixprior.stats.errors import InputError
from mixprior.stats.schema import PRIORS_SCHEMA
from tests.analysis.priors_folder import RATIO, row, write_priors
from tests.conftest import ROOT
from tools.catalogs.generated import KEY, write_run

ROCK = f"SELECT mean, sd FROM priors WHERE \"group\" = 'genre=rock' AND statistic = '{RATIO}'"


def test_priors_answer_a_select(tmp_path):
    assert sql(write_priors(tmp_path), ROCK) == [{"mean": -3.5, "sd": 1.5}]


def test_json_has_null_for_null_and_for_what_is_no_number(tmp_path, capsys):
    query = "SELECT 'NaN'::DOUBLE AS nan, NULL AS nothing, [1.5, NULL] AS list, 2::HUGEINT AS many"
    assert main(["query", str(write_priors(tmp_path)), "--sql", query, "--json"]) == 0
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert document["rows"] == [{"nan": None, "nothing": None, "list": [1.5, None], "many": 2}]
    assert document["sql"] == query


def test_a_table_sets_words_left_and_numbers_right(tmp_path, capsys):
    main(
        [
            "query",
            str(write_priors(tmp_path)),
            "--sql",
            "SELECT 'a' AS word, 10.25 AS number UNION ALL SELECT 'bcdef', NULL",
        ]
    )
    assert capsys.readouterr().out == "word   number\na       10.25\nbcdef       -\n"


def test_priors_of_the_first_layout_have_the_newer_columns_as_null():
    folder = ROOT / "tests" / "analysis" / "priors_v1"
    found = sql(folder, "SELECT * FROM priors WHERE \"group\" = 'genre=rock' LIMIT 1")
    assert list(found[0]) == PRIORS_SCHEMA.names
    assert found[0]["mean_low"] is None
    assert found[0]["mean"] is not None


def test_songs_join_their_features(mined_run):
    query = (
        "SELECT count(*) AS songs, avg(vocal_to_backing_lu) AS mean FROM songs "
        "JOIN features USING (song_id, feature_key) WHERE stem = 'song'"
    )
    (found,) = sql(mined_run, query)
    assert found["songs"] == 5
    (prior,) = sql(mined_run, f"SELECT mean FROM priors WHERE statistic = '{RATIO}' AND \"group\" = 'all'")
    assert found["mean"] == pytest.approx(prior["mean"], abs=0.005)


@pytest.fixture
def archived_run(tmp_path, mixprior):
    """A run of eight songs, each in two parts of the archive, with priors."""
    run = write_run(tmp_path / "run", 8)
    mixprior("aggregate", run, "-j", 1)
    [part] = archive.parts(RunFolder.at(run), KEY)
    shutil.copy(part, RunFolder.at(run).part(KEY, 2, "0" * 16))
    return run


def test_songs_in_two_parts_of_the_archive_count_once(archived_run):
    assert sql(archived_run, "SELECT count(*) AS rows FROM features WHERE stem = 'song'") == [{"rows": 8}]


def test_files_that_go_while_they_are_read_are_listed_anew(archived_run, monkeypatch):
    own, gone = files.below, []

    def below(url):
        names = own(url)
        if url.endswith("archive") and len(gone) < most:
            gone.append(url)
            for path in archive.parts(RunFolder.at(archived_run), KEY):
                os.rename(path, f"{path}.moved")
        else:
            for path in glob.glob(f"{archived_run}/archive/{KEY}/*.moved"):
                os.rename(path, path.removesuffix(".moved"))
            names = own(url)
        return names

    monkeypatch.setattr(files, "below", below)
    query, most = "SELECT count(*) AS rows FROM features WHERE stem = 'song'", 1
    assert sql(archived_run, query) == [{"rows": 8}]
    assert gone
    most = 100
    with pytest.raises(InputError, match="packing rows; ask again"):
        sql(archived_run, query)


def test_a_damaged_table_of_songs_is_said_in_one_line(archived_run, capsys):
    table = archived_run / "songs.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    assert main(["query", str(archived_run), "--sql", "SELECT 1"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "songs.parquet is damaged" in line


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("COPY priors TO 'here.csv'", "one SELECT"),
        ("CREATE TABLE t AS SELECT 1", "one SELECT"),
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("", "one SELECT"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM prior", "prior does not exist"),
        ("SELECT * FROM features", "features does not exist"),
        ("SELECT 1 AS n, 2 AS n", "two columns are called n"),
    ],
)
def test_what_is_no_select_is_refused_in_one_line(tmp_path, capsys, query, complaint):
    assert main(["query", str(write_priors(tmp_path)), "--sql", query]) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == 1


def test_no_other_file_can_be_read(tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("secret\n1\n")
    with pytest.raises(InputError, match="disabled by configuration"):
        sql(write_priors(tmp_path / "priors"), f"SELECT * FROM read_csv('{outside}')")


def test_a_quote_in_the_path_is_no_sql(tmp_path):
    folder = write_priors(tmp_path / "o'clock", [row("all", "vocals", "centroid_hz", "Hz", 1)])
    assert sql(folder, "SELECT n FROM priors") == [{"n": 1}]


def test_without_duckdb_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(InputError, match=r"pip install 'mixprior\[sql\]'"):
        sql(write_priors(tmp_path), ROCK)


def test_sql_beside_another_question_is_refused(tmp_path, capsys):
    assert main(["query", str(write_priors(tmp_path)), "--sql", ROCK, "--stem", "song"]) == 2
    assert "--sql takes no --stem" in capsys.readouterr().err


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM read_blob('{folder}/manifest.json')",
        "SELECT * FROM '{outside}'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('{folder}/../outside.parquet')",
        "SELECT * FROM sqlite_scan('{outside}', 't')",
        "SELECT * FROM there",
    ],
)
def test_nothing_but_the_tables_of_the_run_can_be_read(tmp_path, query):
    (tmp_path / "outside.csv").write_text("secret\n1\n")
    folder = write_priors(tmp_path / "priors")
    there = {"secret": [1]}  # a name of ours, which DuckDB would look up in the frames above
    with pytest.raises(InputError, match="SQL: ") as caught:
        sql(folder, query.format(outside=tmp_path / "outside.csv", folder=folder))
    assert "\n" not in str(caught.value)
    assert there


@pytest.mark.parametrize(
    "query", ["INSTALL httpfs", "LOAD json", "SET memory_limit = '1TB'", "ATTACH 'x.db'", "EXPORT DATABASE 'x'"]
)
def test_nothing_is_loaded_set_or_written(tmp_path, monkeypatch, query):
    folder = write_priors(tmp_path / "priors")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="one SELECT"):
        sql(folder, query)
    assert not list((tmp_path / "here").iterdir())


ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"
LARGE = "SELECT max(x) FROM (SELECT string_agg(range::VARCHAR || repeat('x', 1000), '') AS x FROM range(1000000))"


def test_an_endless_query_ends_at_its_time_limit_in_one_line(tmp_path, capsys):
    assert main(["query", str(write_priors(tmp_path)), "--sql", ENDLESS, "--sql-limits", "0.3,500"]) == 2
    assert capsys.readouterr().err == ("mixprior: SQL: no answer within 0.3 s: narrow the query, or raise the limit\n")


def test_a_large_query_ends_at_its_memory_limit_and_writes_nothing(tmp_path, monkeypatch):
    folder = write_priors(tmp_path / "priors")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="SQL: takes more than 64 MB"):
        sql(folder, LARGE, memory_limit_mb=64)
    assert not list((tmp_path / "here").iterdir())


def test_an_answer_of_too_many_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match="more than 1000000 rows: end the query with LIMIT"):
        sql(write_priors(tmp_path), "SELECT * FROM range(100000000)")


@pytest.mark.parametrize("limits", ["nan,1", "0,1", "inf,1", "1,0", "1", "a,b"])
def test_limits_of_sql_out_of_range_are_refused(tmp_path, capsys, limits):
    assert main(["query", str(write_priors(tmp_path)), "--sql", "SELECT 1", "--sql-limits", limits]) == 2
    assert capsys.readouterr().err.count("\n") == 1
