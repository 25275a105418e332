"""Stems in memory, normalised as the command normalises their files."""

import json

import numpy as np
import pytest
import soundfile

from mixprior import main
from mixprior.mixing.normalise.arrays import normalize
from mixprior.stats.errors import InputError

RATE_HZ = 44_100
CONSTANTS = {
    "loudness": {stem: np.array([-22.0]) for stem in ("vocals", "drums", "bass", "other")},
    "compression": {stem: np.array([-13.0, 1.0]) for stem in ("vocals", "drums", "bass", "other")},
}


def stems(rate_hz: int = RATE_HZ) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    noise = 0.05 * rng.standard_normal((2, 2 * rate_hz))
    return {"drums": (noise * (np.arange(2 * rate_hz) % (rate_hz // 4) < rate_hz // 20)).astype(np.float32)}


def test_stems_come_out_as_the_command_writes_them(tmp_path):
    arrays = {f"{effect}/{stem}": value for effect, of in CONSTANTS.items() for stem, value in of.items()}
    np.savez(tmp_path / "constants.npz", **arrays)
    (tmp_path / "song").mkdir()
    soundfile.write(tmp_path / "song" / "drums.wav", stems()["drums"].T, RATE_HZ, "FLOAT")
    words = ("--constants", str(tmp_path / "constants.npz"), "--effects", "compression,loudness")
    assert main(["normalize", str(tmp_path / "song"), *words, "-o", str(tmp_path / "out")]) == 0
    written, _ = soundfile.read(tmp_path / "out" / "drums.wav", dtype="float32", always_2d=True)
    for constants in (CONSTANTS, tmp_path / "constants.npz"):
        done = normalize(stems(), RATE_HZ, constants, effects=["compression", "loudness"])
        assert np.abs(done.stems["drums"] - written.T).max() <= 2.0**-23
    record = json.loads((tmp_path / "out" / "normalize.json").read_text())["stems"]["drums"]
    assert record["after"]["integrated_lufs"] == pytest.approx(
        done.record["drums"]["after"]["integrated_lufs"], abs=1e-4
    )


def test_another_rate_and_mono_come_out_as_stereo_at_44100_hz():
    seen = []
    mono = {"bass": stems(48_000)["drums"][0]}
    done = normalize(
        mono, 48_000, CONSTANTS, effects=["loudness"], progress=lambda done, total: seen.append((done, total))
    )
    assert (done.rate_hz, done.stems["bass"].shape, seen) == (RATE_HZ, (2, 2 * RATE_HZ), [(1, 1)])


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"stems": {"drums": np.zeros((1000, 2))}}, r"drums has shape \(1000, 2\): give \(channels, samples\)"),
        ({"stems": {"guitar": np.zeros(1000)}}, "no constants are known of a stem 'guitar'"),
        ({"effects": ["flanger"]}, "no effect 'flanger'"),
        ({"effects": ["eq"]}, "holds no constants of eq"),
        ({"effects": ["reverb"]}, "reverb needs impulse responses"),
        ({"panning": "left"}, "no panning 'left'"),
    ],
)
def test_what_cannot_be_done_is_refused(given, refusal):
    arguments = {"stems": stems(), "rate_hz": RATE_HZ, "constants": CONSTANTS, "effects": ["loudness"], **given}
    with pytest.raises(InputError, match=refusal):
        normalize(**arguments)
