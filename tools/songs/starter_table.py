"""The packaged priors `starter`: of the songs whose role is `prior`, reduced to what mixing and queries need.

    python -m tools.songs.manifest prior FOLDER... -o outputs/songs.csv
    mixprior mine outputs/songs.csv -o outputs/songs --group-by singing
    python -m tools.songs.starter_table outputs/songs

writes them to `analysis/packaged/starter_priors`. They hold statistics only: the songs may not be redistributed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.analysis.packaged.published_table import write
from mixprior.analysis.priors import EVERY_SONG, PACKAGED, Priors, open_priors
from mixprior.pipeline.catalogs import roles
from mixprior.pipeline.catalogs.roles import MOST_BY_AN_ARTIST, Recording
from mixprior.pipeline.store.layout import (
    MANIFEST_FILE,
    MEMBERS_FILE,
    MOMENTS_FILE,
    PRIORS_FILE,
    STATE_FILE,
    parquet_bytes,
)
from mixprior.stats.errors import InputError
from mixprior.stats.priors.grouping import SINGING
from tools import ROLES

_CURVES = ("magnitude_spectrum", "magnitude_spectrum_db", "sps_phi")
_KEPT_OF_CURVES = ("mean", "sd", "weighted_mean")
_CREDITS = ("title", "artist", "featured", "genre", "year", "sung", "licence", "source")


def files(run: Path) -> dict[str, bytes]:
    """Return the content of the folder's files by name.

    Args:
        run: output folder of `mixprior mine` on these songs, or its priors.

    Raises:
        InputError: if there are no such priors, they include a song that has another role or none, or more than five
            by one artist.
    """
    priors = open_priors(run)
    members = pq.read_table(priors.path / MEMBERS_FILE)
    known = {each.song_id: each for each in roles.read(ROLES, "prior")}
    song_ids = sorted(members["song_id"].to_pylist())
    if unknown := [song_id for song_id in song_ids if song_id not in known]:
        raise InputError(f"{priors.path} includes songs whose role in {ROLES} is not prior: {', '.join(unknown)}")
    credits = [known[song_id] for song_id in song_ids]
    roles.refuse_many_by_one(credits)
    state = pq.read_table(priors.path / STATE_FILE)
    scalars = state.filter(pc.equal(pc.list_value_length(state["n"]), 1))
    content = {
        PRIORS_FILE: _compact(thinned(pq.read_table(priors.path / PRIORS_FILE))),
        STATE_FILE: parquet_bytes(scalars),
        MOMENTS_FILE: (priors.path / MOMENTS_FILE).read_bytes(),
        MEMBERS_FILE: (priors.path / MEMBERS_FILE).read_bytes(),
    }
    manifest = _manifest(priors.manifest, credits, _sung(priors))
    manifest["files_sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(content.items())}
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    return {**content, MANIFEST_FILE: f"{text}\n".encode()}


def thinned(rows: pa.Table) -> pa.Table:
    """Keep mean, sd and weighted mean of the curves of 2,049 bins, to the seven figures of single precision.

    Of the songs with singing, by which mixes are set, the mean is kept; of other groups, no such curve.

    Args:
        rows: priors, `mixprior.stats.schema.PRIORS_SCHEMA`.
    """
    of_curve = pc.is_in(rows["statistic"], pa.array(_CURVES))
    rows = rows.filter(pc.or_(pc.invert(of_curve), pc.is_in(rows["group"], pa.array((EVERY_SONG, SINGING)))))
    of_curve = pc.is_in(rows["statistic"], pa.array(_CURVES))
    of_all = pc.equal(rows["group"], EVERY_SONG)
    for place, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type) and field.name != "bin_hz":
            kept = rows[field.name].cast(pa.float32()).cast(field.type)
            if field.name not in _KEPT_OF_CURVES:
                kept = pa.nulls(len(rows), field.type)
            elif field.name != "mean":
                kept = pc.if_else(of_all, kept, None)
            rows = rows.set_column(place, field, pc.if_else(of_curve, kept, rows[field.name]))
    return rows


def _compact(table: pa.Table) -> bytes:
    """Return a Parquet file a quarter the size that `parquet_bytes` gives: curves compress byte by byte."""
    numbers = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    words = [field.name for field in table.schema if pa.types.is_string(field.type)]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=19,
        use_dictionary=words,
        use_byte_stream_split=numbers,
        row_group_size=1 << 14,
    )
    return bytes(sink.getvalue())


def _sung(priors: Priors) -> int:
    """Return how many songs are in the group with singing.

    Raises:
        PriorsLookupError: if the songs are not grouped by singing, or are too few.
    """
    return priors.lookup("song", "duration_s", SINGING).n


def _manifest(of_run: Mapping[str, Any], credits: Sequence[Recording], sung: int) -> dict[str, Any]:
    artists = len({each.artist for each in credits})
    return {
        **of_run,
        "title": "Starter priors of mixprior",
        "stems_are": "separated by mixprior with HTDemucs (features: model, weights, settings); not calibrated",
        "songs_are": f"{len(credits)} by {artists} artists, at most {MOST_BY_AN_ARTIST} by one; "
        f"in {sung} vocals are present",
        "left_out": f"joint.parquet; of {', '.join(_CURVES)} all but mean, sd and weighted mean, which have seven "
        f"figures, and but the mean in the group {SINGING}; curves of other groups, and in state.parquet",
        "licence": "These statistics are facts about the recordings below and are shipped with mixprior; the "
        "recordings, some of them for non-commercial use only, are not.",
        "catalog": [{"song_id": each.song_id, **{name: getattr(each, name) for name in _CREDITS}} for each in credits],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the packaged priors `starter` anew.")
    parser.add_argument("run", type=Path, metavar="RUN", help="output folder of `mixprior mine` on the songs")
    write(PACKAGED["starter"], files(parser.parse_args().run))
    sys.stdout.write(f"{PACKAGED['starter']}\n")
