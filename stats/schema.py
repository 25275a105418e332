"""The tables on disk, declared once: songs of a run, their failures, priors of a catalog.

The features of a song have a column for each statistic: `mixprior.stats.registry.FEATURES_SCHEMA`.
"""

from __future__ import annotations

import pyarrow as pa

FEATURE_VERSION = 2
"""Raised whenever a statistic changes its meaning or its value, so that old rows are not taken for new ones."""

SCHEMA_VERSION = 1
"""Major version of the tables' layout. A reader refuses another one."""

QUANTILES = {"p5": 0.05, "p10": 0.10, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p90": 0.90, "p95": 0.95}
"""Published quantiles by column name."""

FAILURES_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("song_id", "path", "stage", "error", "message")],
)
"""Songs that could not be mined, and why."""

SONGS_SCHEMA = pa.schema(
    [
        pa.field("song_id", pa.string()),
        pa.field("path", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("feature_key", pa.string(), nullable=False),
        pa.field("duration_s", pa.float64()),
        pa.field("stage", pa.string()),
        pa.field("error", pa.string()),
        pa.field("message", pa.string()),
        pa.field("metadata", pa.string(), nullable=False),
        pa.field("flags", pa.list_(pa.string())),
    ]
)
"""What became of every song of the catalog; `metadata` is a JSON object of the manifest's columns.

`flags` are those of `mixprior.pipeline.audio.flags.FLAGS`, null without any; null in files that lack the column.
"""

FINISHED = ("mined", "kept")
"""The statuses of songs whose rows are on disk."""

PRIORS_SCHEMA = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False),
        pa.field("stem", pa.string(), nullable=False),
        pa.field("statistic", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("bin", pa.int32()),
        pa.field("bin_hz", pa.float64()),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("n_missing", pa.int64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in ("mean", "sd", "min", "max", *QUANTILES)),
        pa.field("n_silent", pa.int64()),
        *(
            pa.field(name, pa.float64())
            for name in (
                *("se", "mean_low", "mean_high", "median_low", "median_high"),
                *("trimmed_mean", "weighted_mean", "shrunk_mean", "shrinkage"),
            )
        ),
        pa.field("parent", pa.string()),
        pa.field("n_absent", pa.int64()),
        *(pa.field(name, pa.float64()) for name in ("share_present", "share_present_low", "share_present_high")),
        *(
            pa.field(name, pa.float64())
            for name in ("median_level", "median_interpolated_low", "median_interpolated_high")
        ),
    ]
)
"""The priors: a row for each group, stem and statistic, and for each bin of a vector.

`n_missing` songs have no value; of these, `n_absent` because the stem is absent, and of these, `n_silent` because it is
silent. `share_present` of the songs have the stem (of facts about the song, both vocals and backing), with its 95 %
interval; all else is of these songs: the distribution given presence. `se` is the standard error of the mean;
`mean_low` to `mean_high` is nominally a 95 % interval; `median_low` to `median_high` are order statistics that hold the
median with the probability `median_level`, at least 95 %, and `median_interpolated_low` to `median_interpolated_high`
is an interval of about 95 % between order statistics; `trimmed_mean` leaves out a tenth at either end; `weighted_mean`
weights songs with the confidence in their separation. `shrunk_mean` is the mean
drawn towards that of the `parent` group, by the share `shrinkage`: what to use where a group is small. Files written
before the columns from `n_silent` on existed read as null there.
"""

JOINT_SCHEMA = pa.schema(
    [
        *(
            pa.field(name, pa.string(), nullable=False)
            for name in ("group", "stem", "statistic", "other_stem", "other_statistic")
        ),
        pa.field("n", pa.int64(), nullable=False),
        *(
            pa.field(name, pa.float64())
            for name in ("correlation", "correlation_low", "correlation_high", "slope", "intercept", "residual_sd")
        ),
    ]
)
"""Joint facts: for each pair of scalar statistics, over the songs that have both, Pearson's correlation with its 95 %
interval, and the least-squares line `statistic = intercept + slope * other_statistic`, whose R2 is the correlation
squared.
"""

STATE_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("group", "stem", "statistic")),
        pa.field("resolution", pa.float64(), nullable=False),
        *(
            pa.field(name, pa.list_(pa.int64()))
            for name in ("n", "missing", "silent", "total", "weight", "weighted", "squares_high", "squares_low")
        ),
        *(pa.field(name, pa.list_(pa.float64())) for name in ("low", "high")),
        *(pa.field(name, pa.list_(pa.int64())) for name in ("keys", "counts")),
        *(pa.field(name, pa.list_(pa.int64())) for name in ("absent", "judged")),
    ]
)
"""What priors are made of and merged by: `stats.priors.summary.Summary`, a number a bin (keys and counts: sparse).

Files written before `absent` and `judged` existed have neither: it is not known whether their songs' stems are there.
"""

MOMENTS_SCHEMA = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False),
        *(pa.field(name, pa.list_(pa.string())) for name in ("stems", "statistics")),
        *(pa.field(name, pa.list_(pa.int64())) for name in ("n", "total", "square", "cross")),
    ]
)
"""What joint facts are made of: `mixprior.stats.priors.moments.Moments`, square matrices row by row."""

MEMBERS_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("song_id", "feature_key")),
        pa.field("duration_s", pa.float64()),
        pa.field("error", pa.string()),
        pa.field("copies", pa.int64(), nullable=False),
    ]
)
"""The songs that priors are of, by content: `error` of those that failed, `copies` beside the one that counts."""


SHARDS_SCHEMA = pa.schema([pa.field("table", pa.string(), False), pa.field("songs", pa.int64(), False)])
"""A table of songs that is stored in shards: the name of each, by the hash of its content, and how many songs it has.

Songs are dealt to shards by ranges of `song_id`, in the order of the rows.
"""


def with_metadata(schema: pa.Schema, **metadata: str) -> pa.Schema:
    """Return the schema with the version of the layout, and `metadata`, in the file's key-value metadata."""
    pairs = {"schema_version": str(SCHEMA_VERSION), **metadata}
    return schema.with_metadata({key: pairs[key] for key in sorted(pairs)})
