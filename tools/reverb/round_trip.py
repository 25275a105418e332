"""Puts the reverb fitted to songs on dry voices and estimates it again: `python -m tools.reverb.round_trip RUN VOICES`.

RUN is a folder that `mixprior mine` wrote, VOICES a folder of dry voices. Estimate, settings, network, estimate: the
second estimate is compared with the response of the settings.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixprior.analysis.songs import open_songs
from mixprior.pipeline.audio.decode import decode
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.columns import ASSUMED, FITTED
from mixprior.stats.reverb.energy_decay import reverberation_time_s
from mixprior.stats.reverb.fdn.level import wet_dry_db
from mixprior.stats.reverb.fdn.network import FdnReverb, vocal_response
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

RATE_HZ = 44_100


def settings_of(row: dict[str, Any]) -> FdnReverbSettings:
    found = {name: row[f"fdn_{name}"] for name in FITTED}
    fade_in_s = min(ASSUMED.fade_in_s, math.floor(50 * found["reverberation_time_s"]) / 100)
    return replace(ASSUMED, **found, fade_in_s=fade_in_s)


def main(run: str, voices: str) -> None:
    print("| song | voice | RT s: song | settings | again | wet dB: song | settings | again |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    off, wet_off = [], []
    songs = open_songs(run)
    names = ["rt60_s", "wet_dry_db", *(f"fdn_{name}" for name in FITTED)]
    table = pd.concat([songs.query("vocals", n).set_index("path")["value"].rename(n) for n in names], axis=1)
    rows = [row for row in table.reset_index().to_dict("records") if pd.notna(row["rt60_s"])]
    assert rows, f"{run}: no song with reverberation"
    for row in rows:
        settings = settings_of(row)
        true_s = reverberation_time_s(vocal_response(settings, RATE_HZ, 8.0, wet_only=True)[:, 1:], RATE_HZ)
        true_db = wet_dry_db(settings)
        for path in sorted(Path(voices).glob("*.wav")):
            found = blind.estimate(FdnReverb(settings, RATE_HZ).process(decode(str(path))))
            if found is None or true_s is None or true_db is None:
                raise SystemExit(f"{path} with the reverb of {row['path']}: no reverberation")
            off.append(abs(found.rt60_s / true_s - 1))
            wet_off.append(abs(found.wet_dry_db - true_db))
            print(
                f"| {Path(row['path']).stem} | {path.stem} | {row['rt60_s']:.2f} | {true_s:.2f} | {found.rt60_s:.2f} "
                f"| {row['wet_dry_db']:.1f} | {true_db:.1f} | {found.wet_dry_db:.1f} |"
            )
    print(f"\nmedian: RT {100 * np.median(off):.0f} %, wet level {np.median(wet_off):.1f} dB; ", end="")
    print(f"within 15 %: {np.mean(np.array(off) < 0.15):.0%}, within 2 dB: {np.mean(np.array(wet_off) < 2):.0%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
