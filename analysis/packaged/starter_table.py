"""The packaged priors `starter`: of eleven songs mined by mixprior, reduced to what mixing and queries need.

    mixprior mine SONGS -o outputs/songs
    python -m mixprior.analysis.packaged.starter_table outputs/songs

writes them to `analysis/packaged/starter_priors`. They hold statistics only: the songs may not be redistributed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.analysis.packaged.published_table import write
from mixprior.analysis.priors import PACKAGED, open_priors
from mixprior.pipeline.store.layout import (
    MANIFEST_FILE,
    MEMBERS_FILE,
    MOMENTS_FILE,
    PRIORS_FILE,
    STATE_FILE,
    parquet_bytes,
)
from mixprior.stats.errors import InputError

_CURVES = ("magnitude_spectrum", "magnitude_spectrum_db", "sps_phi")
_KEPT_OF_CURVES = ("mean", "sd", "weighted_mean")

_COULTON = ("Jonathan Coulton", "CC BY-NC 3.0", "song list of UltraStar Deluxe's installer")
_TAGS = "tags of the file"
_LIBROSA = "librosa/data, the text beside the file"
CREDITS: Mapping[str, tuple[str, str, str, str]] = {
    "f77b81113588cec4": ("Twit JournalisT", "Alaclair Ensemble", "CC BY-SA 3.0", _TAGS),
    "e6a217a505354f4e": ("Better", *_COULTON),
    "a2bfd1c1e8fafa0c": ("Chiron Beta Prime", *_COULTON),
    "32f1484bf4161060": ("Flickr", *_COULTON),
    "92b093a17f15538e": ("Mr. Fancy Pants", *_COULTON),
    "4e3154ed1f4ccc9a": ("Not About You", *_COULTON),
    "5ba89ddf982ee014": ("On The Run", "Joshua Morin", "CC BY-SA 2.5", "song list of UltraStar Deluxe's installer"),
    "85901bde0bc5f2ca": ("Let's Go Fishin'", "Karissa Hobbs", "CC BY 3.0", _LIBROSA),
    "73d6443ef90a7c02": ("Vibe Ace", "Kevin MacLeod", "CC BY 3.0", _TAGS),
    "6b0556b54099ee33": (
        "Northern Star",
        "Steven Dunston",
        "CC BY-NC-SA 2.5",
        "song list of UltraStar Deluxe's installer; Jamendo by its tags",
    ),
    "57b4d95473b92a84": (
        "Choice (drums and bass, an excerpt)",
        "Admiral Bob (admiralbob77) ft. Snowflake",
        "CC BY-NC, version 3.0 in words and 4.0 by link",
        _LIBROSA,
    ),
}
"""Title, artist, licence of the recording and where the licence was read, by song id: the hash of the file."""


def files(run: Path) -> dict[str, bytes]:
    """Return the content of the folder's files by name.

    Args:
        run: output folder of `mixprior mine` on these songs, or its priors.

    Raises:
        InputError: if there are no such priors, or they include a song whose licence is not listed here.
    """
    priors = open_priors(run)
    members = pq.read_table(priors.path / MEMBERS_FILE)
    unknown = sorted(set(members["song_id"].to_pylist()) - CREDITS.keys())
    if unknown:
        raise InputError(
            f"{priors.path} includes songs without a licence in analysis/packaged/starter_table.py: {unknown}"
        )
    state = pq.read_table(priors.path / STATE_FILE)
    scalars = state.filter(pc.equal(pc.list_value_length(state["n"]), 1))
    manifest = json.dumps(_manifest(priors.manifest, members), indent=2, sort_keys=True, ensure_ascii=False)
    return {
        PRIORS_FILE: _compact(thinned(pq.read_table(priors.path / PRIORS_FILE))),
        STATE_FILE: parquet_bytes(scalars),
        MOMENTS_FILE: (priors.path / MOMENTS_FILE).read_bytes(),
        MEMBERS_FILE: (priors.path / MEMBERS_FILE).read_bytes(),
        MANIFEST_FILE: f"{manifest}\n".encode(),
    }


def thinned(rows: pa.Table) -> pa.Table:
    """Keep mean, sd and weighted mean of the curves of 2,049 bins, to the seven figures of single precision.

    Args:
        rows: priors, `mixprior.stats.schema.PRIORS_SCHEMA`.
    """
    of_curve = pc.is_in(rows["statistic"], pa.array(_CURVES))
    for place, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type) and field.name != "bin_hz":
            kept = rows[field.name].cast(pa.float32()).cast(field.type)
            if field.name not in _KEPT_OF_CURVES:
                kept = pa.nulls(len(rows), field.type)
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


def _manifest(of_run: Mapping[str, Any], members: pa.Table) -> dict[str, Any]:
    return {
        **of_run,
        "title": "Starter priors of mixprior",
        "stems_are": "separated by mixprior with HTDemucs (features: model, weights, settings); not calibrated",
        "left_out": f"joint.parquet; of {', '.join(_CURVES)} all but mean, sd and weighted mean, which have seven "
        "figures; curves in state.parquet",
        "licence": "These statistics are facts about the recordings below and are shipped with mixprior; the "
        "recordings, some of them for non-commercial use only, are not.",
        "catalog": [
            dict(zip(("title", "artist", "licence", "licence_read_in"), CREDITS[song_id], strict=True), song_id=song_id)
            for song_id in sorted(members["song_id"].to_pylist())
        ],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the packaged priors `starter` anew.")
    parser.add_argument("run", type=Path, metavar="RUN", help="output folder of `mixprior mine` on the eleven songs")
    write(PACKAGED["starter"], files(parser.parse_args().run))
    sys.stdout.write(f"{PACKAGED['starter']}\n")
