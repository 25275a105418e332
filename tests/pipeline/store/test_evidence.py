"""Priors of parts, merged in whatever order and nesting, are byte for byte the priors of the whole."""

import json
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixprior.pipeline.store.evidence import Evidence
from mixprior.pipeline.store.state import moments_table, state_table
from mixprior.stats.errors import InputError
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.schema import MEMBERS_SCHEMA
from tools.catalogs.generated import KEY, SETTINGS, rows, songs_table

pytestmark = pytest.mark.slow

SONGS = 24
ROWS = rows(0, SONGS, curves=True)
CATALOG = songs_table(0, SONGS)
METADATA = dict(zip(CATALOG["song_id"].to_pylist(), CATALOG["metadata"].to_pylist(), strict=True))
DURATIONS = dict(zip(CATALOG["song_id"].to_pylist(), CATALOG["duration_s"].to_pylist(), strict=True))
GROUPING = Grouping(("genre", "tempo_band"), min_group=2)


def evidence(song_ids, grouping=GROUPING, failed=()) -> Evidence:
    table = ROWS.filter(pa.compute.is_in(ROWS["song_id"], pa.array(list(song_ids), pa.string())))
    metadata = {song_id: METADATA[song_id] for song_id in song_ids}
    digests = (
        {group: [digest] for group, digest in tally(table, metadata, grouping, separated=True)} if metadata else {}
    )
    members = [
        {"song_id": s, "feature_key": KEY, "duration_s": DURATIONS[s], "error": None, "copies": 0} for s in song_ids
    ]
    members += [{"song_id": s, "feature_key": KEY, "duration_s": None, "error": "Silent", "copies": 0} for s in failed]
    return Evidence(
        {group: Digest.merged(found) for group, found in digests.items()},
        pa.Table.from_pylist(sorted(members, key=lambda m: m["song_id"]), MEMBERS_SCHEMA),
        {KEY: SETTINGS},
        {"numpy": ["2.0"]},
        tuple(sorted(grouping.group_by)),
        grouping.min_group,
    )


def content(found: Evidence) -> dict[str, bytes]:
    return dict(found.files())


def state(found: Evidence) -> tuple:
    """All that the files are made of."""
    return state_table(found.digests), moments_table(found.digests), found.members, found.manifest()


ALL_IDS = sorted(METADATA)


@cache
def whole() -> dict[str, bytes]:
    return content(evidence(ALL_IDS))


@cache
def whole_state() -> tuple:
    return state(evidence(ALL_IDS))


@given(st.permutations(ALL_IDS), st.lists(st.integers(1, SONGS - 1), max_size=4, unique=True), st.randoms())
@settings(max_examples=12, deadline=None)
def test_permuted_split_and_nested_merges_give_the_state_of_one_run(song_ids, cuts, random):
    edges = [0, *sorted(cuts), SONGS]
    parts = [evidence(song_ids[a:b]) for a, b in pairwise(edges)]
    random.shuffle(parts)
    while len(parts) > 1:  # nested: any two or three at a time
        size = random.randint(2, min(3, len(parts)))
        parts = [Evidence.merged(parts[:size]), *parts[size:]]
        random.shuffle(parts)
    assert state(parts[0]) == whole_state()


def test_what_was_written_reads_back_and_writes_the_same():
    read = Evidence.read(whole().__getitem__)
    assert content(read) == whole()


def test_merging_through_files_gives_the_bytes_of_one_run():
    halves = [content(evidence(ALL_IDS[::2])), content(evidence(ALL_IDS[1::2]))]
    merged = Evidence.merged([Evidence.read(half.__getitem__) for half in halves])
    assert content(merged) == whole()


def test_a_stem_that_one_part_lacks_merges_too():
    no_drums = ROWS.filter(pa.compute.not_equal(ROWS["stem"], "drums"))
    first, last = ALL_IDS[:10], ALL_IDS[10:]
    part = dict(tally(_of(no_drums, first), {s: METADATA[s] for s in first}, Grouping(), True))
    other = dict(tally(_of(ROWS, last), {s: METADATA[s] for s in last}, Grouping(), True))
    mixed = pa.concat_tables([_of(no_drums, first), _of(ROWS, last)])
    direct = dict(tally(mixed, METADATA, Grouping(), True))
    for a, b in ((part, other), (other, part)):
        merged = Digest.merged([a["all"], b["all"]])
        assert content(Evidence({"all": merged}, None, {}, {})) == content(Evidence(direct, None, {}, {}))


def test_groups_that_lack_a_stem_keep_no_cells_of_it_however_songs_are_batched():
    pop = [s for s in ALL_IDS if json.loads(METADATA[s])["genre"] == "pop"]
    mask = [stem != "bass" or song not in pop for song, stem in zip(*_columns(ROWS, "song_id", "stem"), strict=True)]
    table = ROWS.filter(pa.array(mask))
    grouping = Grouping(("genre",), min_group=2)

    def part(song_ids):
        metadata = {s: METADATA[s] for s in song_ids}
        return Evidence(dict(tally(_of(table, song_ids), metadata, grouping, True)), None, {}, {}, ("genre",), 2)

    merged = Evidence.merged([part(ALL_IDS[:7]), part(ALL_IDS[7:15]), part(ALL_IDS[15:])])
    assert state(merged) == state(part(ALL_IDS))
    assert "bass" not in {cell.stem for cell in merged.digests["genre=pop"].cells}


def test_true_stems_are_trusted_fully_and_bleed_is_not():
    [(_, separated)] = tally(ROWS, METADATA, Grouping(), separated=True)
    [(_, true)] = tally(ROWS, METADATA, Grouping(), separated=False)
    np.testing.assert_array_equal(true.counted.weight, 256 * true.counted.n)
    assert (separated.counted.weight < true.counted.weight).any()
    np.testing.assert_array_equal(separated.counted.total, true.counted.total)


def test_the_manifest_counts_songs_hours_and_failures_by_cause():
    manifest = json.loads(content(evidence(ALL_IDS[:3], failed=["f" * 16, "e" * 16]))["manifest.json"])
    assert manifest["songs"] == 3
    assert manifest["failures"] == {"Silent": 2}
    assert manifest["hours"] == pytest.approx(sum(DURATIONS[s] for s in ALL_IDS[:3]) / 3600, abs=1e-6)
    assert manifest["features"][KEY]["weights_sha256"] == SETTINGS["weights_sha256"]
    assert manifest["features"][KEY]["songs"] == 3
    assert manifest["statistics"]["integrated_lufs"]["unit"] == "LUFS"


def test_groups_below_the_minimum_are_withheld_and_named_but_stay_in_the_state():
    grouping = Grouping(("genre",), min_group=6)
    files = content(evidence(ALL_IDS, grouping))
    manifest = json.loads(files["manifest.json"])
    published = set(_table(files["priors.parquet"])["group"].to_pylist())
    kept = set(_table(files["state.parquet"])["group"].to_pylist())
    assert manifest["withheld"]
    assert all(songs < 6 for songs in manifest["withheld"].values())
    assert published.isdisjoint(manifest["withheld"])
    assert set(manifest["withheld"]) < kept
    assert "all" in published


def test_no_nan_and_no_infinity_reaches_a_table():
    for name, found in whole().items():
        if name.endswith(".parquet"):
            table = _table(found)
            for column in table.columns:
                flat = column.combine_chunks()
                while pa.types.is_list(flat.type):
                    flat = flat.flatten()
                if pa.types.is_floating(flat.type):
                    assert np.isfinite(flat.drop_null().to_numpy()).all(), name


def test_differently_calibrated_priors_do_not_merge():
    one = evidence(ALL_IDS[:4])
    other = Evidence(one.digests, one.members, one.features, one.versions, calibration={"corrections": []})
    with pytest.raises(InputError, match="calibrated differently"):
        Evidence.merged([one, other])


def test_a_statistic_counted_otherwise_is_refused_with_the_remedy():
    state = _table(whole()["state.parquet"])
    resolution = pa.array(np.full(len(state), 0.123))
    changed = state.set_column(state.column_names.index("resolution"), state.schema.field("resolution"), resolution)
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(changed, sink)
    unsaid = json.dumps({**json.loads(whole()["manifest.json"]), "files_sha256": {}}).encode()
    files = {**whole(), "state.parquet": sink.getvalue().to_pybytes(), "manifest.json": unsaid}
    with pytest.raises(InputError, match="mixprior aggregate"):
        Evidence.read(files.__getitem__)


def _columns(table: pa.Table, *names: str) -> list[list[str]]:
    return [table[name].to_pylist() for name in names]


def _of(table: pa.Table, song_ids) -> pa.Table:
    return table.filter(pa.compute.is_in(table["song_id"], pa.array(song_ids)))


def _table(found: bytes) -> pa.Table:
    return pa.parquet.read_table(pa.BufferReader(found))
