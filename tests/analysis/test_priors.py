"""Reading priors: known numbers come back, whatever is not priors is refused in words."""

import re
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixprior.analysis.errors import NotPriors, PriorsLookupError, PriorsVersionError
from mixprior.analysis.priors import open_priors
from mixprior.stats.errors import InputError
from mixprior.stats.schema import PRIORS_SCHEMA
from tests.analysis.priors_folder import RATIO, RATIO_OF_ALL, ROWS, SPREAD, row, write_priors
from tests.conftest import ROOT


@pytest.fixture
def priors(tmp_path):
    return open_priors(write_priors(tmp_path / "priors"))


SINCE_THEN = PRIORS_SCHEMA.names[PRIORS_SCHEMA.names.index("n_silent") :]


def test_lookup_gives_the_numbers_that_were_written(priors):
    prior = priors.lookup("song", RATIO)
    written = {name: value for name, value in asdict(prior).items() if name not in SINCE_THEN}
    assert written == {
        "group": "all",
        "stem": "song",
        "statistic": RATIO,
        "unit": "LU",
        "n": 100,
        "n_missing": 2,
        **dict(zip(SPREAD, RATIO_OF_ALL, strict=True)),
    }


def test_a_group_has_its_own_numbers(priors):
    assert priors.lookup("song", RATIO, "genre=rock").p50 == -3.25


def test_what_no_song_had_is_none_and_not_zero(priors):
    nobody, one = (priors.lookup("song", RATIO, group) for group in ("genre=jazz", "genre=polka"))
    assert [getattr(nobody, name) for name in SPREAD] == [None] * len(SPREAD)
    assert (one.mean, one.sd) == (-1.0, None)


def test_a_vector_is_no_single_prior(priors):
    with pytest.raises(PriorsLookupError, match="sps_phi of vocals is a vector of 3 bins"):
        priors.lookup("vocals", "sps_phi")


def test_query_leaves_vectors_out_unless_they_are_asked_for(priors):
    scalars, everything, named = priors.query(), priors.query(vectors=True), priors.query(statistic="sps_phi")
    assert list(scalars.columns) == PRIORS_SCHEMA.names
    assert scalars["statistic"].tolist() == [RATIO, "centroid_hz", RATIO, RATIO, RATIO]
    assert len(everything) == len(ROWS)
    assert named["bin"].tolist() == [0, 1, 2]
    assert named["bin_hz"].tolist() == [0.0, 10.0, 20.0]


def test_query_narrows_by_stem_statistic_and_group(priors):
    assert priors.query(stem="vocals")["statistic"].tolist() == ["centroid_hz"]
    assert priors.query(stem="song", group="genre=rock")["p50"].tolist() == [-3.25]
    assert priors.query(statistic="vocal-to-backing-lu", group="all")["mean"].tolist() == [-2.15]


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"stem": "vocal"}, "no stem 'vocal' in .*; did you mean vocals\\? there are: song, vocals"),
        ({"statistic": "vocal_to_backing"}, f"did you mean {RATIO}\\? there are: centroid_hz, sps_phi, {RATIO}"),
        ({"group": "genre=rok"}, "did you mean genre=rock\\? there are: all, genre=jazz, genre=polka, genre=rock"),
        ({"stem": "vocals", "statistic": RATIO}, f"no statistic '{RATIO}' of vocals in .*; it belongs to song"),
        ({"stem": "zzz"}, "no stem 'zzz' in .*; there are: song, vocals"),
    ],
)
def test_an_unknown_name_is_answered_with_the_choices(priors, asked, told):
    with pytest.raises(PriorsLookupError, match=told) as caught:
        priors.query(**asked)
    assert isinstance(caught.value, LookupError)
    assert isinstance(caught.value, InputError)
    assert "\n" not in str(caught.value)


def test_many_choices_are_cut_to_what_one_can_read(tmp_path):
    rows = [row(f"year={1900 + i}", "song", RATIO, "LU", 1, [0.0] * 11) for i in range(100)]
    with pytest.raises(PriorsLookupError, match=r"year=1900, .* and 70 more$"):
        open_priors(write_priors(tmp_path, rows)).query(group="all")


def test_the_output_folder_of_a_run_opens_as_its_priors_do(tmp_path):
    write_priors(tmp_path / "priors")
    priors = open_priors(tmp_path)
    assert priors.path == tmp_path / "priors"
    assert priors.manifest["songs"] == 102


def test_priors_of_no_song_open(tmp_path):
    priors = open_priors(write_priors(tmp_path, rows=[]))
    assert priors.query().empty
    with pytest.raises(PriorsLookupError):
        priors.lookup("song", RATIO)


def test_a_newer_minor_version_with_more_columns_is_read(tmp_path):
    schema = PRIORS_SCHEMA.insert(3, pa.field("skewness", pa.float64()))
    priors = open_priors(write_priors(tmp_path, schema=schema, version="1.3"))
    assert list(priors.query().columns) == PRIORS_SCHEMA.names
    assert priors.lookup("song", RATIO).p50 == -1.89


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("version", "remedy"),
    [("2", "version 2, this mixprior reads 1; update mixprior"), ("0.9", "version 0.9, .* reads 1; build them again")],
)
def test_another_version_is_refused_with_both_versions_and_a_remedy(tmp_path, version, remedy):
    with pytest.raises(PriorsVersionError, match=remedy):
        open_priors(write_priors(tmp_path, version=version))


def test_a_missing_column_is_refused_by_name(tmp_path):
    schema = PRIORS_SCHEMA.remove(PRIORS_SCHEMA.get_field_index("p90"))
    with pytest.raises(PriorsVersionError, match="lack p90"):
        open_priors(write_priors(tmp_path, schema=schema))


@pytest.mark.fault(26)
def test_foreign_parquet_is_refused(tmp_path):
    with pytest.raises(NotPriors, match="not priors of mixprior"):
        open_priors(write_priors(tmp_path, version=None))


def test_columns_of_another_type_are_refused(tmp_path):
    place = PRIORS_SCHEMA.get_field_index("p50")
    rows = [{**ROWS[0], "p50": "loud"}]
    write_priors(tmp_path, rows, PRIORS_SCHEMA.set(place, pa.field("p50", pa.string())))
    with pytest.raises(NotPriors, match="damaged"):
        open_priors(tmp_path).query()


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_folder_without_priors_is_refused(tmp_path, path):
    with pytest.raises(NotPriors, match=r"holds no priors.parquet; give the folder that `mixprior mine` wrote"):
        open_priors(tmp_path / path)


@pytest.mark.fault(26)
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"<html>" * 99])
def test_a_damaged_file_is_refused(tmp_path, damage):
    file = write_priors(tmp_path) / "priors.parquet"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(NotPriors, match=re.escape(f"{file} is not Parquet, or cut short")):
        open_priors(tmp_path)


@pytest.mark.fault(26)
def test_a_file_damaged_inside_is_refused_when_read(tmp_path):
    file = write_priors(tmp_path) / "priors.parquet"
    start = pq.read_metadata(file).row_group(0).column(0).dictionary_page_offset
    data = bytearray(file.read_bytes())
    data[start : start + 40] = b"\xff" * 40
    file.write_bytes(bytes(data))
    priors = open_priors(tmp_path)
    with pytest.raises(NotPriors, match="damaged"):
        priors.query()


@pytest.mark.parametrize("text", [None, "", "{", "[1, 2]"])
def test_a_missing_or_damaged_manifest_is_refused(tmp_path, text):
    manifest = write_priors(tmp_path) / "manifest.json"
    manifest.unlink()
    if text is not None:
        manifest.write_text(text)
    with pytest.raises(NotPriors, match=r"manifest.json is missing or damaged"):
        open_priors(tmp_path)


def test_priors_written_by_version_1_are_read_for_ever():
    priors = open_priors(ROOT / "tests" / "analysis" / "priors_v1")
    assert priors.lookup("song", RATIO, "genre=rock").p50 == -3.25
    assert priors.query(vectors=True)["n"].tolist() == [100, 100, 90, 91, 92, 0, 1, 40]
    assert priors.manifest["songs"] == 102
