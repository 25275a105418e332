"""A quiet song with a direct current: its spectrum relative to its loudness is beyond what is counted."""

import json

import numpy as np
import pyarrow.parquet as pq
import soundfile


def test_a_quiet_song_with_a_direct_current_is_mined_and_named(tmp_path, mixprior):
    rng = np.random.default_rng(1)
    for stem in ("vocals", "drums", "bass", "other"):
        (tmp_path / "songs" / "one").mkdir(parents=True, exist_ok=True)
        noise = 0.003 * rng.standard_normal((44_100 * 4, 2)) + 0.03
        soundfile.write(tmp_path / "songs" / "one" / f"{stem}.wav", noise, 44_100, "PCM_16")
    done = mixprior("mine", tmp_path / "songs", "-o", tmp_path / "run", "-j", 1, "--quiet", "--min-group", 1)
    [song] = pq.read_table(tmp_path / "run" / "songs.parquet").to_pylist()
    assert song["status"] == "mined"
    assert f"magnitude_spectrum of backing of song {song['song_id']}" in done.stderr
    unused = json.loads((tmp_path / "run" / "priors" / "manifest.json").read_text())["unused"]
    assert unused["count"] == 6
    priors = pq.read_table(tmp_path / "run" / "priors" / "priors.parquet").to_pylist()
    spectrum = [r for r in priors if (r["stem"], r["statistic"]) == ("vocals", "magnitude_spectrum")]
    assert (spectrum[0]["n"], spectrum[0]["n_missing"]) == (0, 1)
    assert spectrum[1000]["n"] == 1
