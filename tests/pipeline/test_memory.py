"""Memory of the process that mines: it grows neither with the length of a song nor with how many there were."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mixprior.pipeline.synthesis import SCORES, perform
from tests.conftest import ROOT
from tests.pipeline.tiny_model import write_tiny_model

MINES = """
import resource, sys
from pathlib import Path
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import measure
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.records import Song

folder, repo, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
stems = tuple((path.stem, str(path)) for path in sorted(folder.glob("*.flac"))) if folder.is_dir() else ()
separation = SeparationSettings(model="tiny", model_repo=repo, device="cpu", precision="fp32")
settings = MiningSettings(separation, DecodeLimits(max_minutes=200))
for k in range(times):
    measure.features(Song(str(folder), stems), "song", settings)
    if k == 19:
        after_20 = int(Path("/proc/self/statm").read_text().split()[1])
if times > 20:
    print(int(Path("/proc/self/statm").read_text().split()[1]) / after_20)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)
"""


def mined(song: Path, repo: Path, times: int = 1) -> float:
    """Peak of the resident memory in GB; or what it is after all songs over what it was after 20."""
    command = [sys.executable, "-c", MINES, str(song), str(repo), str(times)]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def song(path: Path, duration_s: float, separated: bool) -> Path:
    """A song of any length, of 20 s that come again at other levels: its stems in a folder, or one file."""
    parts = perform(SCORES[0])
    sounds = {path: sum(parts.values())} if separated else {path / f"{name}.flac": a for name, a in parts.items()}
    for file, audio in sounds.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        left = round(duration_s * 44_100)
        with soundfile.SoundFile(file, "w", 44_100, 2, "PCM_16") as out:
            for k in range(left // audio.shape[1] + 1):
                out.write((audio * np.float32(0.9 - 0.2 * (k % 3)))[:, :left].T)
                left -= min(left, audio.shape[1])
    return path


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("repo"))


@pytest.mark.nightly("memory")
@pytest.mark.parametrize("separated", [False, True], ids=["from stems", "separated"])
def test_three_hours_are_mined_in_under_2_5_gb(tmp_path, repo, separated):
    made = song(tmp_path / ("song.flac" if separated else "song"), 3 * 3600.0, separated)
    assert mined(made, repo) < 2.5


@pytest.mark.nightly("memory")
@pytest.mark.parametrize("separated", [False, True], ids=["from stems", "separated"])
def test_the_thousandth_song_takes_no_more_memory_than_the_twentieth(tmp_path, repo, separated):
    made = song(tmp_path / ("song.flac" if separated else "song"), 4.0, separated)
    assert mined(made, repo, times=1000) < 1.05
