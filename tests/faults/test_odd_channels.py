"""Songs whose channels or levels are odd are mined: every value is defined, and the priors hold all of them."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from mixprior.pipeline.store.rows import Rows

RATE_HZ = 44_100
SECONDS = 5

pytestmark = pytest.mark.slow


def noise(seed: int, level: float = 0.05) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, RATE_HZ * SECONDS).astype(np.float32)


def odd_songs() -> dict[str, np.ndarray]:
    """Vocals of shape (channels, samples) by the name of the song."""
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE_HZ * SECONDS) / RATE_HZ).astype(np.float32)
    return {
        "mono": noise(1)[np.newaxis],
        "equal": np.stack([noise(2), noise(2)]),
        "opposite": np.stack([noise(3), -noise(3)]),
        "one side": np.stack([noise(4), 0 * noise(4)]),
        "offset": np.stack([noise(5, 0.003), noise(6, 0.003)]) + np.float32(0.03),
        "clipped": np.clip(np.stack([4 * tone, 4 * tone]), -1, 1),
        "surround": np.stack([noise(10 + k, 0.02) for k in range(6)]),
    }


@pytest.mark.fault(17)
def test_row_17_mono_surround_opposite_offset_and_clipped_songs_are_mined_with_defined_values(mixprior, tmp_path):
    for name, vocals in odd_songs().items():
        folder = tmp_path / "songs" / name
        folder.mkdir(parents=True)
        soundfile.write(folder / "vocals.wav", vocals.T, RATE_HZ, "PCM_16")
        soundfile.write(folder / "other.wav", np.stack([noise(7, 0.01), noise(8, 0.01)]).T, RATE_HZ, "PCM_16")
    mixprior("mine", tmp_path / "songs", "-o", tmp_path / "run", "-j", 2)
    songs = pq.read_table(tmp_path / "run" / "songs.parquet").to_pylist()
    assert {row["status"] for row in songs} == {"mined"}
    names = {row["song_id"]: row["path"].rpartition("/")[2] for row in songs}
    rows = {(names[row["song_id"]], row["stem"]): row for row in Rows.open(tmp_path / "run").table().to_pylist()}
    for (name, stem), row in rows.items():
        for column, value in row.items():
            values = [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, float)]
            assert np.isfinite(values).all(), (name, stem, column)
    middle = {name: rows[name, "vocals"]["mid_energy_fraction"] for name in ("mono", "equal", "opposite", "one side")}
    assert middle == pytest.approx({"mono": 1.0, "equal": 1.0, "opposite": 0.0, "one side": 0.5}, abs=1e-6)
    priors = pq.read_table(tmp_path / "run" / "priors" / "priors.parquet").to_pylist()
    [loudness] = [row for row in priors if (row["stem"], row["statistic"]) == ("vocals", "integrated_lufs")]
    assert loudness["n"] == len(odd_songs())
