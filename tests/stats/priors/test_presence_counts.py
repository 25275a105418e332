"""Songs without a stem are counted apart: a prior is the distribution given presence, and the share with it."""

import numpy as np
import pyarrow as pa
import pytest

from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.interval import share_interval
from mixprior.stats.priors.priors_table import priors_table
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.registry import COLUMNS, FEATURES_SCHEMA

LEVELS_LUFS = [-20.0, -19.0, -21.0, -18.0, -60.0, None, -22.0]
PRESENT = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]

BINS = len(next(column for column in COLUMNS if column.name == "third_octave_db").axis_hz)


def rows(songs, present=PRESENT):
    """Drums of level and presence; vocals and backing as present as these, and their ratio in the song's row."""
    records = []
    for k in songs:
        level = {"integrated_lufs": LEVELS_LUFS[k], "present": present[k]}
        ratio = -3.0 if present[k] else None
        records += [
            {"song_id": f"{k}", "stem": "drums", **level, "third_octave_db": [float(k)] * BINS},
            {"song_id": f"{k}", "stem": "vocals", **level},
            {"song_id": f"{k}", "stem": "backing", "integrated_lufs": -15.0, "present": 1.0},
            {"song_id": f"{k}", "stem": "mixture", "integrated_lufs": -14.0},
            {"song_id": f"{k}", "stem": "song", "vocal_to_backing_lu": ratio, "duration_s": 100.0},
        ]
    return pa.Table.from_pylist(records, FEATURES_SCHEMA)


def digests(songs, **kwargs):
    metadata = {f"{k}": "{}" for k in songs}
    return dict(tally(rows(songs, **kwargs), metadata, Grouping(), separated=True))


def prior(found, stem, statistic):
    table = priors_table(found, 1).to_pylist()
    (row, *_) = [row for row in table if (row["stem"], row["statistic"]) == (stem, statistic)]
    return row


def test_absent_stems_are_neither_values_nor_failures():
    row = prior(digests(range(7)), "drums", "integrated_lufs")
    assert (row["n"], row["n_missing"], row["n_absent"], row["n_silent"]) == (5, 2, 2, 1)
    assert row["mean"] == pytest.approx(-20.0)
    assert row["min"] == -22.0


def test_the_share_has_the_interval_of_a_share():
    row = prior(digests(range(7)), "drums", "integrated_lufs")
    low, high = share_interval(np.array([5]), np.array([7]))
    assert (row["share_present"], row["share_present_low"], row["share_present_high"]) == (5 / 7, low[0], high[0])


def test_vectors_and_facts_about_vocals_are_counted_alike():
    vector = prior(digests(range(7)), "drums", "third_octave_db")
    ratio = prior(digests(range(7)), "song", "vocal_to_backing_lu")
    for row in (vector, ratio):
        assert (row["n"], row["n_absent"], row["share_present"]) == (5, 2, 5 / 7)


def test_of_mixture_and_duration_no_share_is_given():
    for stem, statistic in (("mixture", "integrated_lufs"), ("song", "duration_s")):
        row = prior(digests(range(7)), stem, statistic)
        assert (row["n"], row["n_absent"], row["share_present"]) == (7, None, None)


def test_of_rows_that_do_not_say_no_share_is_given_and_no_value_left_out():
    row = prior(digests(range(7), present=[None] * 7), "drums", "integrated_lufs")
    assert (row["n"], row["n_missing"], row["n_absent"], row["n_silent"]) == (6, 1, None, 1)
    assert row["share_present"] is None


def test_counts_merge_exactly():
    parts = [digests(songs) for songs in ([0, 4], [5], [1, 2, 3, 6])]
    for order in ((0, 1, 2), (2, 0, 1)):
        merged = {"all": Digest.merged([parts[k]["all"] for k in order])}
        assert priors_table(merged, 1).equals(priors_table(digests(range(7)), 1))


def test_songs_are_grouped_by_whether_anybody_sings():
    metadata = {f"{k}": "{}" for k in range(7)}
    found = dict(tally(rows(range(7)), metadata, Grouping(("singing",), min_group=1), separated=True))
    assert sorted(found) == ["all", "singing=no", "singing=yes"]
    assert prior(found, "song", "duration_s")["n"] == 7
    table = priors_table(found, 1).to_pylist()
    drums = {row["group"]: row for row in table if (row["stem"], row["statistic"]) == ("drums", "integrated_lufs")}
    assert (drums["singing=yes"]["n"], drums["singing=no"]["n_absent"]) == (5, 2)


def test_a_song_of_which_it_is_not_known_is_in_neither_group():
    metadata = {f"{k}": "{}" for k in range(2)}
    table = rows(range(2), present=[None] * 7)
    assert sorted(dict(tally(table, metadata, Grouping(("singing",)), separated=True))) == ["all"]
