"""Songs with stems are measured both ways, once each, and their corrections are written."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from mixprior.pipeline.audio.decode import DecodeLimits, decode_mixture
from mixprior.pipeline.catalogs.song_folder import songs
from mixprior.pipeline.separation import separator
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import measure
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.records import Song
from mixprior.stats.priors.calibration import Calibration
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import MIXTURE
from tests.pipeline.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory) -> Path:
    # Its stems are loud enough to count as present.
    return write_tiny_model(tmp_path_factory.mktemp("model"), gain=8.0)


@pytest.fixture(scope="module")
def calibrated(stems_catalog, tiny_model, mixprior, tmp_path_factory) -> tuple[Path, str]:
    """Folder of a finished calibration, and what it printed."""
    root = tmp_path_factory.mktemp("calibrated")
    return root, calibrate(mixprior, stems_catalog, root, tiny_model).stdout


def calibrate(mixprior, catalog, root, model, *more, **keywords):
    options = ("-o", root / "calibration.json", "-n", "tiny", "--model-repo", model, "-j", 1, "--precision", "fp32")
    return mixprior("calibrate", catalog, *options, *more, **keywords)


def features(root: Path) -> dict[Path, int]:
    return {p.relative_to(root): p.stat().st_mtime_ns for p in root.glob("calibration/*/features/*/*/*.parquet")}


def test_every_song_is_measured_both_ways_and_the_corrections_fit_the_rows(calibrated, stems_catalog):
    root, told = calibrated
    assert len(features(root)) == 10
    calibration = Calibration.load((root / "calibration.json").read_bytes())
    assert (calibration.songs, calibration.model, calibration.fold_by) == (5, "tiny", None)
    found = {(each.stem, each.statistic): each for each in calibration.corrections}
    loudness = {
        way: {
            (row["song_id"], row["stem"]): row["integrated_lufs"]
            for path in root.glob(f"calibration/{way}/features/*/*/*.parquet")
            for row in pq.read_table(path, columns=["song_id", "stem", "integrated_lufs"]).to_pylist()
        }
        for way in ("true", "separated")
    }
    errors = [
        loudness["separated"][key] - true
        for key, true in loudness["true"].items()
        if key[1] == "drums" and true is not None and loudness["separated"][key] is not None
    ]
    assert found["drums", "integrated_lufs"].bias_before == pytest.approx(np.mean(errors), rel=1e-4)
    assert found["drums", "integrated_lufs"].n == len(errors) == 5
    # The mixture is the same either way, and so is the length.
    assert not {"mixture"} & {stem for stem, _ in found}
    assert not {"duration_s", "separation_residual_db"} & {statistic for _, statistic in found}
    assert "integrated_lufs" in told


def test_a_second_run_separates_nothing_and_writes_the_same_bytes(
    calibrated, stems_catalog, tiny_model, mixprior, monkeypatch
):
    root, _ = calibrated
    monkeypatch.setattr(ModelFolder, "weights_sha256", lambda _self: pytest.fail("weights were digested again"))
    before, text = features(root), (root / "calibration.json").read_text()
    again = calibrate(mixprior, stems_catalog, root, tiny_model, "--json")
    assert features(root) == before
    assert (root / "calibration.json").read_text() == text
    assert json.loads(again.stdout) == json.loads(text)


def test_a_lost_song_alone_is_measured_again(calibrated, stems_catalog, tiny_model, mixprior):
    root, _ = calibrated
    text = (root / "calibration.json").read_text()
    before = features(root)
    lost = next(path for path in before if path.parts[1] == "separated")
    (root / lost).unlink()
    calibrate(mixprior, stems_catalog, root, tiny_model)
    after = features(root)
    assert {path for path in before if after[path] != before[path]} == {lost}
    assert (root / "calibration.json").read_text() == text


def test_songs_of_one_source_are_held_out_together(calibrated, stems_catalog, tiny_model, mixprior, tmp_path):
    manifest = tmp_path / "truth.csv"
    with open(manifest, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "singer"])
        writer.writerows([folder, name] for folder, name in zip(sorted(stems_catalog.iterdir()), "aabbc", strict=True))
    root, _ = calibrated
    run = ("--run", root / "calibration")
    calibrate(mixprior, manifest, tmp_path, tiny_model, "--fold-by", "singer", *run)
    calibration = Calibration.load((tmp_path / "calibration.json").read_text())
    assert calibration.fold_by == "singer"
    assert {each.folds for each in calibration.corrections} == {3}
    assert len(features(root)) == 10


def test_what_is_separated_is_the_sum_of_the_stems(stems_catalog, tmp_path):
    song = next(songs(str(stems_catalog)))
    settings = MiningSettings(SeparationSettings(), DecodeLimits(), separate_all=True)
    assert settings.feature_key(True) == settings.feature_key(False)
    heard = []

    class Separator:
        def separate_blocks(self, blocks, begun):
            audio = np.concatenate(list(blocks()), axis=1)
            heard.append(audio)
            begun(audio.shape[1] / 44_100)
            yield {"vocals": audio, "other": 0 * audio, MIXTURE: audio}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separator, "load", lambda _: Separator())
        found = measure.load(song, settings)
    stems = [soundfile.read(path, dtype="float32")[0].T for _, path in song.stems]
    assert np.abs(heard[0] - np.sum(stems, axis=0)).max() < 1e-6
    assert found[MIXTURE].energies == Sound(heard[0], 44_100).energies
    # A mixture of its own is separated where there is one.
    soundfile.write(tmp_path / "mixture.wav", 0.5 * heard[0].T, 44_100, "FLOAT")
    mixed = Song(song.path, song.stems, str(tmp_path / "mixture.wav"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separator, "load", lambda _: Separator())
        measure.load(mixed, settings)
    assert np.array_equal(heard[1], decode_mixture(Song(str(tmp_path / "mixture.wav"))))


def test_a_song_that_fails_is_told_and_the_others_are_fitted(stems_catalog, tiny_model, mixprior, tmp_path):
    for folder in sorted(stems_catalog.iterdir())[:4]:
        (tmp_path / "truth" / folder.name).mkdir(parents=True)
        for wav in folder.iterdir():
            (tmp_path / "truth" / folder.name / wav.name).write_bytes(wav.read_bytes())
    (tmp_path / "truth" / "Amber" / "bass.wav").write_text("not a sound")
    done = calibrate(mixprior, tmp_path / "truth", tmp_path, tiny_model)
    assert "failed: " in done.stderr
    assert "1 songs failed" in done.stderr
    assert Calibration.load((tmp_path / "calibration.json").read_text()).songs == 3


def test_too_few_songs_are_told_with_exit_code_3(stems_catalog, tiny_model, mixprior, tmp_path):
    one = next(iter(sorted(stems_catalog.iterdir())))
    assert "nothing could be judged" in calibrate(mixprior, one, tmp_path, tiny_model, expect=3).stderr
    assert Calibration.load((tmp_path / "calibration.json").read_text()).corrections == ()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "nowhere"),
        (("{catalog}", "--fold-by", "singer"), "singer"),
        (("{catalog}", "-j", "0"), "--workers"),
        (("{catalog}/Amber/vocals.wav",), "stems"),
        (("{catalog}", "-o", "corrections"), "--run"),
        (("{catalog}", "--run", "/proc/nothing"), "/proc/nothing"),
    ],
)
def test_wrong_input_is_told_in_one_line_with_exit_code_2(
    stems_catalog, tiny_model, mixprior, tmp_path, arguments, told
):
    first, *more = (argument.format(catalog=stems_catalog) for argument in arguments)
    done = calibrate(mixprior, first, tmp_path, tiny_model, *more, expect=2)
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
