"""Writes the errors of separation that come with the package: `python -m tools.songs.separation_errors RUN`.

RUN is the folder in which `mixprior calibrate` kept its songs, made by `tools.songs.calibration_truth`:

    python -m tools.songs.calibration_truth outputs/truth
    mixprior calibrate outputs/truth/truth.csv -o outputs/truth/calibration.json --fold-by source
    python -m tools.songs.separation_errors outputs/truth/calibration

The singers whom the blind estimate of reverberation was trained on are left out of the errors of that estimate.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.pipeline.store.rows import Rows
from mixprior.stats.priors.separation_errors import SHIPPED, SeparationErrors, errors_of
from mixprior.stats.priors.tally import metadata_of
from mixprior.stats.reverb import columns as reverb
from mixprior.stats.schema import FEATURE_VERSION
from tools import ROOT

_TRAINED_ON = ROOT / "learning" / "reverb_training" / "voices.csv"


def errors_in(run: Path) -> SeparationErrors:
    """Errors of the songs of a run of `mixprior calibrate`."""
    separated, true = (Rows.open(str(run / way)) for way in ("separated", "true"))
    (key,) = separated.feature_keys
    facts = separated.settings(key)
    sources = {song_id: (metadata_of(text) or {})["source"] for song_id, text in separated.metadata(key).items()}
    with _TRAINED_ON.open(encoding="utf-8") as file:
        trained_on = {row["singer"] for row in csv.DictReader(file)}
    heard = [song_id for song_id, source in sources.items() if source in trained_on]
    measured = _without_reverb(separated.table(), heard)
    errors = errors_of(measured, true.table(), sources)
    return SeparationErrors(str(facts["model"]), str(facts["weights_sha256"]), FEATURE_VERSION, errors)


def _without_reverb(rows: pa.Table, song_ids: list[str]) -> pa.Table:
    taken = pc.is_in(rows["song_id"], pa.array(song_ids, pa.string()))
    for column in reverb.STATISTIC.columns:
        place = rows.schema.get_field_index(column.name)
        kept = pc.if_else(taken, pa.nulls(len(rows), rows.schema.field(place).type), rows[column.name])
        rows = rows.set_column(place, rows.schema.field(place), kept)
    return rows


def main(run: str) -> None:
    found = errors_in(Path(run))
    head = {name: value for name, value in asdict(found).items() if name != "errors"}
    lines = ",\n".join(json.dumps(asdict(error), sort_keys=True) for error in found.errors)
    SHIPPED.write_text(f'{json.dumps(head)[:-1]}, "errors": [\n{lines}\n]}}\n', "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
