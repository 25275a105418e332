"""`mixprior merge` gives, byte for byte, what one run over all songs gives; shared songs count once."""

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mixprior.analysis.merge import merge
from mixprior.analysis.priors import open_priors
from mixprior.pipeline.store.layout import parquet_bytes
from mixprior.stats.errors import InputError
from tools.catalogs.generated import write_run

GROUPS = ("--group-by", "genre,decade", "--min-group", 3)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, mixprior):
    """Runs of songs 0 to 50, 50 to 80, 40 to 80, and 0 to 80, aggregated."""
    root = tmp_path_factory.mktemp("merge")
    found = {}
    for name, first, songs in (("a", 0, 50), ("b", 50, 30), ("overlapping", 40, 40), ("whole", 0, 80)):
        found[name] = write_run(root / name, songs, first)
        mixprior("aggregate", found[name], "-j", 1, *GROUPS)
    return found


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_merged_priors_are_the_bytes_of_one_run(runs, mixprior, tmp_path, order):
    done = mixprior("merge", *(runs[name] / "priors" for name in order), "-o", tmp_path / "c")
    assert content(tmp_path / "c") == content(runs["whole"] / "priors")
    assert "80 songs" in done.stdout
    assert done.stderr == ""


def test_songs_in_two_catalogs_count_once_when_rows_are_at_hand(runs, mixprior, tmp_path):
    done = mixprior("merge", runs["a"] / "priors", runs["overlapping"], "-o", tmp_path / "c")
    assert "shares 10 songs" in done.stderr
    merged, whole = content(tmp_path / "c"), content(runs["whole"] / "priors")
    for name in ("priors.parquet", "joint.parquet", "state.parquet", "moments.parquet"):
        assert merged[name] == whole[name], name
    manifest = json.loads(merged["manifest.json"])
    assert (manifest["songs"], manifest["duplicates"]) == (80, 10)


def test_songs_in_two_catalogs_are_refused_when_only_sums_are_at_hand(runs, mixprior, tmp_path):
    done = mixprior("merge", runs["a"] / "priors", runs["overlapping"] / "priors", "-o", tmp_path / "c", expect=2)
    assert "10 songs that another counts too" in done.stderr
    assert "give the output folder of the run" in done.stderr
    assert not (tmp_path / "c").exists()


def test_a_song_whose_rows_were_lost_since_is_not_counted(runs, tmp_path):
    run = shutil.copytree(runs["overlapping"], tmp_path / "run")
    (part,) = run.glob("archive/*/*.parquet")
    table = pq.read_table(part)
    part.write_bytes(parquet_bytes(table.filter(pc.not_equal(table["song_id"], f"{79:016x}"))))
    assert merge([runs["a"] / "priors", run], tmp_path / "c").songs == 79
    assert open_priors(tmp_path / "c").manifest["lost"] == [f"{79:016x}"]


def test_a_run_that_was_mined_again_since_its_priors_were_built_is_refused(runs, tmp_path):
    run = write_run(tmp_path / "run", 41, 40)
    shutil.copytree(runs["overlapping"] / "priors", run / "priors")
    with pytest.raises(InputError, match="run `mixprior aggregate` again"):
        merge([runs["a"] / "priors", run], tmp_path / "c")


def test_a_song_that_failed_in_one_catalog_and_counts_in_another_counts(runs, mixprior, tmp_path):
    run = write_run(tmp_path / "failed", 50)
    songs = pq.read_table(run / "songs.parquet")
    rows = songs.to_pylist()
    rows[45] |= {"status": "failed", "error": "Truncated", "stage": "decode", "message": "cut", "duration_s": None}
    pq.write_table(pa.Table.from_pylist(rows, songs.schema), run / "songs.parquet")
    mixprior("aggregate", run, "-j", 1, *GROUPS)
    assert open_priors(run).manifest["failures"] == {"Truncated": 1}
    tail = write_run(tmp_path / "tail", 35, 45)
    whole = [song for song in pq.read_table(tail / "songs.parquet").to_pylist() if not 46 <= number(song) < 50]
    pq.write_table(pa.Table.from_pylist(whole, songs.schema), tail / "songs.parquet")
    mixprior("aggregate", tail, "-j", 1, *GROUPS)
    mixprior("merge", run / "priors", tail / "priors", "-o", tmp_path / "c")
    merged, wanted = content(tmp_path / "c"), content(runs["whole"] / "priors")
    assert merged["state.parquet"] == wanted["state.parquet"]
    assert open_priors(tmp_path / "c").manifest["failed"] == 0


def number(song) -> int:
    return int(song["song_id"], 16)


def test_an_interrupted_merge_leaves_no_old_manifest_beside_new_tables(runs, tmp_path):
    out = tmp_path / "c"
    shutil.copytree(runs["a"] / "priors", out)
    (out / "priors.parquet").unlink()
    (out / "priors.parquet").mkdir()  # cannot be replaced by a file
    with pytest.raises(InputError, match="cannot be written"):
        merge([runs["b"] / "priors"], out)
    assert not (out / "manifest.json").exists()


def test_it_says_when_it_cannot_know_whether_songs_are_shared(runs, mixprior, tmp_path):
    shutil.copytree(runs["a"] / "priors", tmp_path / "a")
    (tmp_path / "a" / "members.parquet").unlink()
    done = mixprior("merge", tmp_path / "a", runs["b"] / "priors", "-o", tmp_path / "c")
    assert "is not known" in done.stderr
    assert not (tmp_path / "c" / "members.parquet").exists()
    assert json.loads((tmp_path / "c" / "manifest.json").read_text())["songs"] is None
    assert (tmp_path / "c" / "state.parquet").read_bytes() == (runs["whole"] / "priors" / "state.parquet").read_bytes()


def test_groups_that_not_all_have_are_left_out_and_told(runs, mixprior, tmp_path):
    mixprior("aggregate", runs["b"], "-o", tmp_path / "b", "-j", 1, "--group-by", "genre", "--min-group", 3)
    done = mixprior("merge", runs["a"] / "priors", tmp_path / "b", "-o", tmp_path / "c")
    assert "not all are grouped by decade" in done.stderr
    mixprior("aggregate", runs["whole"], "-o", tmp_path / "whole", "-j", 1, "--group-by", "genre", "--min-group", 3)
    assert content(tmp_path / "c") == content(tmp_path / "whole")


def test_priors_without_their_state_are_told_how_to_be_mergeable(runs, mixprior, tmp_path):
    shutil.copytree(runs["a"] / "priors", tmp_path / "a")
    (tmp_path / "a" / "state.parquet").unlink()
    done = mixprior("merge", tmp_path / "a", runs["b"] / "priors", "-o", tmp_path / "c", expect=2)
    assert "lacks state.parquet" in done.stderr
    assert "mixprior aggregate" in done.stderr


def test_parts_nest_and_merge_to_the_whole(runs, mixprior, tmp_path):
    for name, first in (("c", 50), ("d", 65)):
        mixprior("aggregate", write_run(tmp_path / name, 15, first), "-j", 1, *GROUPS)
    mixprior("merge", tmp_path / "d" / "priors", tmp_path / "c" / "priors", "-o", tmp_path / "tail")
    mixprior("merge", tmp_path / "tail", runs["a"] / "priors", "-o", tmp_path / "all")
    assert content(tmp_path / "all") == content(runs["whole"] / "priors")


def test_measured_by_different_versions_is_refused(runs, mixprior, tmp_path):
    shutil.copytree(runs["a"] / "priors", tmp_path / "a")
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    for facts in manifest["features"].values():
        facts["feature_version"] = 99
    (tmp_path / "a" / "manifest.json").write_text(json.dumps(manifest))
    done = mixprior("merge", tmp_path / "a", runs["b"] / "priors", "-o", tmp_path / "c", expect=2)
    assert "different versions" in done.stderr


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ("weights_sha256", "stems are not of one kind"),
        ("reverb_model_sha256", "estimates of reverberation are not of one kind"),
    ],
)
def test_runs_of_different_models_are_merged_and_named(runs, mixprior, tmp_path, fact, said):
    shutil.copytree(runs["a"] / "priors", tmp_path / "a")
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    for facts in manifest["features"].values():
        facts[fact] = "0123456789abcdef"
    (tmp_path / "a" / "manifest.json").write_text(json.dumps(manifest))
    done = mixprior("merge", tmp_path / "a", runs["b"] / "priors", "-o", tmp_path / "c")
    assert said in done.stderr
    assert f"{fact} 0123456789ab" in done.stderr
    assert "80 songs" in done.stdout


def test_the_state_holds_whole_numbers_only(runs):
    schema = pq.read_schema(runs["a"] / "priors" / "state.parquet")
    assert all(pa.types.is_integer(schema.field(name).type.value_type) for name in ("n", "total", "keys", "counts"))


def test_a_withheld_group_is_told_as_such(runs, mixprior):
    withheld = json.loads((runs["a"] / "priors" / "manifest.json").read_text())["withheld"]
    group = next(iter(withheld))
    done = mixprior("query", runs["a"], "--group", group, expect=2)
    assert f"has {withheld[group]} songs" in done.stderr
    assert "--min-group" in done.stderr


def test_only_the_groups_asked_for_are_kept(runs, mixprior, tmp_path):
    merged = merge([runs["a"], runs["b"]], tmp_path / "c", group_by=["genre"])
    assert merged.songs == 80
    mixprior("aggregate", runs["whole"], "-o", tmp_path / "whole", "-j", 1, "--group-by", "genre", "--min-group", 3)
    assert content(tmp_path / "c") == content(tmp_path / "whole")
    with pytest.raises(InputError, match="not grouped by mood"):
        merge([runs["a"], runs["b"]], tmp_path / "d", group_by=["mood"])
