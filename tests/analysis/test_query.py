"""`mixprior query` as a user sees it."""

import json
import subprocess
import sys

import pytest

from mixprior import main
from mixprior.stats.schema import PRIORS_SCHEMA
from tests.analysis.priors_folder import RATIO, RATIO_OF_ROCK, SPREAD, row, write_priors
from tests.conftest import ROOT

LISTING = """\
stem    statistic            unit  group          n     p50    mean      sd      p5     p25     p75     p95
song    vocal_to_backing_lu  LU    all          100   -1.89   -2.15    2.48   -5.50   -3.70   -0.60    1.30
vocals  centroid_hz          Hz    all          100  1007.0  1000.0  1001.0  1004.0  1006.0  1008.0  1010.0
song    vocal_to_backing_lu  LU    genre=jazz     0       -       -       -       -       -       -       -
song    vocal_to_backing_lu  LU    genre=polka    1   -1.00   -1.00       -   -1.00   -1.00   -1.00   -1.00
song    vocal_to_backing_lu  LU    genre=rock    40   -3.25   -3.50    1.50   -6.00   -4.50   -2.50   -1.00

Vectors, whose bins --stat NAME prints:
stem    statistic  unit  group   n
vocals  sps_phi    1     all    92  3 bins
"""

BINS = """\
stem    statistic  unit  group  bin  bin_hz   n    p50   mean     sd     p5    p25    p75    p95
vocals  sps_phi    1     all      0       0  90  0.000  0.000  0.000  0.000  0.000  0.000  0.000
vocals  sps_phi    1     all      1      10  91  0.100  0.100  0.100  0.100  0.100  0.100  0.100
vocals  sps_phi    1     all      2      20  92  0.200  0.200  0.200  0.200  0.200  0.200  0.200
"""


@pytest.fixture
def folder(tmp_path):
    return str(write_priors(tmp_path))


def test_without_options_scalars_are_listed_and_vectors_named(folder, capsys):
    assert main(["query", folder]) == 0
    assert capsys.readouterr().out == LISTING


def test_a_vector_asked_for_is_printed_bin_by_bin(folder, capsys):
    assert main(["query", folder, "--stat", "sps-phi"]) == 0
    assert capsys.readouterr().out == BINS


def test_options_narrow_the_table(folder, capsys):
    main(["query", folder, "--stem", "song", "--stat", RATIO, "--group", "genre=rock"])
    header, line = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "stem"
    assert line.split() == f"song {RATIO} LU genre=rock 40 -3.25 -3.50 1.50 -6.00 -4.50 -2.50 -1.00".split()


def test_vectors_are_named_only_where_stem_and_group_fit(folder, capsys):
    main(["query", folder, "--stem", "song"])
    main(["query", folder, "--group", "genre=rock"])
    assert "sps_phi" not in capsys.readouterr().out


def test_json_holds_every_column_and_null_for_what_is_missing(folder, capsys):
    main(["query", folder, "--json"])
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert {key: document[key] for key in ("priors", "schema_version")} == {"priors": folder, "schema_version": 1}
    rows = {(found["group"], found["statistic"]): found for found in document["rows"]}
    names = [*PRIORS_SCHEMA.names, *(f"reliability{end}" for end in ("", "_low", "_high", "_sources", "_songs"))]
    assert set(rows["genre=rock", RATIO]) == set(names)
    written = row("genre=rock", "song", RATIO, "LU", 40, RATIO_OF_ROCK)
    assert rows["genre=rock", RATIO] == {**dict.fromkeys(names), **written}
    assert all(rows["genre=jazz", RATIO][name] is None for name in SPREAD)
    vector = {"group": "all", "stem": "vocals", "statistic": "sps_phi", "unit": "1", "n": 92, "bins": 3}
    assert document["vectors"] == [vector]


def test_json_of_a_vector_holds_its_bins(folder, capsys):
    main(["query", folder, "--stat", "sps_phi", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert [(found["bin"], found["bin_hz"]) for found in document["rows"]] == [(0, 0.0), (1, 10.0), (2, 20.0)]
    assert document["vectors"] == []


@pytest.mark.parametrize("options", [["--stem", "vocal"], ["--stat", "loud"], ["--group", "genre=rok"]])
def test_an_unknown_name_ends_with_2_and_one_line(folder, capsys, options):
    assert main(["query", folder, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "there are: " in err


def test_no_priors_end_with_2_and_one_line(tmp_path, capsys):
    assert main(["query", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"mixprior: {tmp_path} holds no priors.parquet; give the folder that `mixprior mine` wrote\n"
    )


def test_a_reader_that_leaves_early_causes_no_complaint(tmp_path):
    rows = [row("all", "vocals", "sps_phi", "1", 9, [0.5] * 11, i, 10.0 * i) for i in range(20_000)]
    command = [sys.executable, "-m", "mixprior", "query", str(write_priors(tmp_path, rows)), "--stat", "sps_phi"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as query:
        assert query.stdout is not None
        assert query.stderr is not None
        assert query.stdout.readline().startswith(b"stem")
        query.stdout.close()
        assert query.stderr.read() == b""
        assert query.wait() == 0


INTERVALS = """\
stem  statistic            unit  group   n    p50  median_low  median_high   mean    sd    p25    p75
song  vocal_to_backing_lu  LU    all    40  -3.25       -3.90        -2.80  -3.50  1.50  -4.50  -2.50
"""
ENDS = {"median_low": -3.9, "median_high": -2.8, "mean_low": -3.98, "mean_high": -3.02}


def test_the_median_and_its_interval_lead(tmp_path, capsys):
    write_priors(tmp_path, [{**row("all", "song", RATIO, "LU", 40, RATIO_OF_ROCK), **ENDS}])
    assert main(["query", str(tmp_path)]) == 0
    assert capsys.readouterr().out == INTERVALS


def test_a_table_that_would_be_wide_leaves_out_quantiles_and_keeps_the_interval_of_the_median(tmp_path, capsys):
    group = "decade=1990s,genre=rock"
    write_priors(tmp_path, [{**row(group, "song", "vocal_to_backing_active_rms_db", "dB", 40, RATIO_OF_ROCK), **ENDS}])
    main(["query", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[4:] == ["n", "p50", "median_low", "median_high", "mean", "sd"]
    assert max(map(len, lines)) <= 120


def test_a_curve_without_quantiles_shows_mean_and_sd_alone(tmp_path, capsys):
    rows = [row("all", "vocals", "sps_phi", "1", 3, (0.9, 0.1, 0.8, 1.0, *[None] * 7), i, 10.0 * i) for i in range(2)]
    main(["query", str(write_priors(tmp_path, rows)), "--stat", "sps_phi"])
    assert capsys.readouterr().out.splitlines()[0].split()[-3:] == ["n", "mean", "sd"]


def test_keys_of_the_json_are_the_documented_ones(folder, mined_run, capsys):
    page = (ROOT / "docs" / "query.md").read_text("utf-8")
    vocals = ["--songs", "--stem", "vocals", "--stat", "centroid_hz"]
    for options in ([folder], [str(mined_run), *vocals], [folder, "--sql", "SELECT 1 AS n"]):
        assert main(["query", *options, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        rows = [] if "--sql" in options else document["rows"] + document.get("vectors", [])
        keys = set(document).union(*rows)
        assert not {key for key in keys if f"`{key}`" not in page}


def test_names_alone_load_neither_database_nor_plots(folder):
    code = (  # pandas is not in the list: pyarrow.dataset loads it by itself
        "import sys, mixprior\n"
        f"mixprior.main(['query', {folder!r}, '--json'])\n"
        "print(sorted({'duckdb', 'matplotlib', 'numba', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_the_table_shows_the_share_of_songs_with_a_stem_where_some_lack_it(tmp_path, capsys):
    shares = {"n_absent": 8, "share_present": 2 / 3, "share_present_low": 0.45, "share_present_high": 0.84}
    drums = {**row("all", "drums", "integrated_lufs", "LUFS", 16, RATIO_OF_ROCK), **shares}
    write_priors(tmp_path, [drums, row("all", "mixture", "integrated_lufs", "LUFS", 24, RATIO_OF_ROCK)])
    main(["query", str(tmp_path)])
    header, drums_line, mixture_line = capsys.readouterr().out.splitlines()
    assert header.split()[4:6] == ["n", "present"]
    assert drums_line.split()[4:7] == ["16", "67%", "(45-84)"]
    assert mixture_line.split()[4:6] == ["24", "-"]


def doubtful_folder(tmp_path):
    folder = write_priors(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    numbers = {"reliability": [0.31], "low": [0.1], "high": [0.6], "sources": [7], "songs": [13]}
    few = {"reliability": [None], "low": [None], "high": [None], "sources": [4], "songs": [4]}
    manifest["reliability"] = {
        "song": {RATIO: {"hz": [None], **numbers}},
        "vocals": {"centroid_hz": {"hz": [None], **few}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_what_is_not_reliable_is_marked_and_greyed_out_on_a_terminal(tmp_path, capsys, monkeypatch):
    folder = doubtful_folder(tmp_path)
    assert main(["query", str(folder), "--group", "all"]) == 0
    plain = capsys.readouterr().out
    ratio, centroid = (next(line for line in plain.splitlines() if name in line) for name in (RATIO, "centroid_hz"))
    assert " no: 0.31 " in ratio
    assert " ? " in centroid
    assert "\x1b" not in plain
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["query", str(folder), "--group", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("\x1b[2m") for line in lines[:3]] == [False, True, False]


def test_json_holds_the_reliability_with_its_interval_and_counts(tmp_path, capsys):
    assert main(["query", str(doubtful_folder(tmp_path)), "--stat", RATIO, "--group", "all", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["reliability"], row["reliability_low"], row["reliability_high"]) == (0.31, 0.1, 0.6)
    assert (row["reliability_sources"], row["reliability_songs"]) == (7, 13)
