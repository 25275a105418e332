"""No row makes aggregation raise: what cannot be counted counts as null, and is named."""

import json

import numpy as np
import pyarrow as pa
import pytest

from mixprior.stats.priors.grouping import Group
from mixprior.stats.priors.priors_table import priors_table
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.priors.unused import NAMED, OUT_OF_RANGE, SECOND_ROW, WRONG_LENGTH, Unused
from tools.catalogs.generated import rows

SONGS = 6


def digest(table: pa.Table, metadata: str = "{}", group_by=()):
    """The digest of all songs."""
    ids = dict.fromkeys(table["song_id"].unique().to_pylist(), metadata)
    return dict(tally(table, ids, Grouping(group_by, 1), True))[Group().name]


def changed(column: str, stem: str, value) -> pa.Table:
    """Rows of which the first one of a stem has another value."""
    records = rows(0, SONGS)
    found = records.to_pylist()
    next(row for row in found if row["stem"] == stem)[column] = value
    return pa.Table.from_pylist(found, records.schema)


def named(table: pa.Table) -> list[tuple[str, str, str]]:
    return [(value.stem, value.column, value.reason) for value in digest(table).unused.first]


def test_rows_that_can_be_counted_are_all_used():
    assert digest(rows(0, SONGS)).unused == Unused()


@pytest.mark.fault(1, 17)
@pytest.mark.parametrize("value", [1e300, -1e300, 1e9, -1e9, np.finfo(float).max])
def test_a_value_beyond_all_counting_is_null_and_named(value):
    table = changed("integrated_lufs", "vocals", value)
    assert ("vocals", "integrated_lufs", OUT_OF_RANGE) in named(table)
    priors = priors_table({"all": digest(table)}, min_group=1).to_pylist()
    [row] = [row for row in priors if (row["stem"], row["statistic"]) == ("vocals", "integrated_lufs")]
    assert (row["n"], row["n_missing"]) == (SONGS - 1, 1)
    assert np.isfinite(row["mean"])


def test_the_smallest_numbers_count():
    assert named(changed("integrated_lufs", "vocals", 5e-324)) == []


def test_a_curve_of_another_length_is_null_and_named():
    vector = next(field.name for field in rows(0, 1).schema if pa.types.is_list(field.type))
    table = changed(vector, "vocals", [1.0, 2.0])
    assert ("vocals", vector, WRONG_LENGTH) in named(table)


def test_of_two_rows_of_one_stem_the_first_counts():
    table = rows(0, SONGS)
    twice = pa.concat_tables([table, table.slice(0, 1)])
    assert named(twice) == [(table["stem"][0].as_py(), "stem", SECOND_ROW)]
    assert priors_table({"all": digest(twice)}, 1).equals(priors_table({"all": digest(table)}, 1))


@pytest.mark.parametrize("metadata", ['{"genre": ', "[]", "[" * 100_000, '{"a": 1, "a": 2}', '"\\ud800"', "NaN"])
def test_damaged_metadata_cost_the_groups_not_the_song(metadata):
    found = digest(rows(0, SONGS), metadata, group_by=("genre",))
    assert found.unused.count == SONGS
    assert {value.column for value in found.unused.first} == {"metadata"}


@pytest.mark.parametrize("value", [[1], {"a": 1}, "x" * 1_000_000])
def test_what_is_no_value_groups_no_song(value):
    found = digest(rows(0, SONGS), json.dumps({"genre": value}), group_by=("genre",))
    assert {each.column for each in found.unused.first} == {"genre"}


def test_what_is_named_is_bounded_and_merges_in_any_order():
    parts = [Unused.of([(f"{k:04d}", "song", "x", "why")]) for k in range(100)]
    merged = Unused.merged(parts)
    assert (merged.count, len(merged.first)) == (100, NAMED)
    assert merged == Unused.merged([Unused.merged(parts[50:]), Unused.merged(parts[:50])])
    assert len(merged.text("manifest.json")) < 1000
