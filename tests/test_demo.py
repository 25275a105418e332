"""The demo tells truth against measurement, and says plainly what ran."""

import os
import re
from pathlib import Path

import soundfile

from mixprior.pipeline.synthesis import SCORES


def test_without_weights_the_demo_mines_true_stems_and_says_so(mixprior_process, tmp_path):
    nowhere = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    nowhere["PATH"] = "/usr/bin:/bin" if not Path("/usr/bin/npm").exists() else str(tmp_path)
    told = mixprior_process("demo", "-o", tmp_path / "demo", env=nowhere).stdout
    assert "The model's weights are not available here" in told
    assert "Mined from: stems." in told
    errors = [float(error) for error in re.findall(r"mean absolute error +([0-9.]+)", told)]
    balance_lu, vocals_pan, other_pan, tempo_bpm = errors
    assert balance_lu <= 0.02
    assert max(vocals_pan, other_pan) <= 0.002
    assert tempo_bpm <= 0.5
    mix, rate_hz = soundfile.read(tmp_path / "demo" / "mix.wav")
    assert len(mix) / rate_hz == SCORES[0].duration_s
    assert (tmp_path / "demo" / "mix.mix.json").exists()
