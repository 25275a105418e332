"""Windows and filters that are computed here, since scipy.signal takes half a second to load, are scipy's."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.signal

from mixprior.stats.measures import true_peak
from mixprior.stats.windows import periodic_hann


@pytest.mark.parametrize("samples", [2, 1024, 2048, 4096])
def test_the_hann_window_is_bit_for_bit_scipys(samples):
    assert np.array_equal(periodic_hann(samples), scipy.signal.get_window("hann", samples))


def test_the_interpolator_of_true_peaks_is_the_filter_of_resample_poly():
    up, reach = 4, true_peak.REACH
    taps = up * scipy.signal.firwin(2 * reach * up + 1, 1 / up, window=("kaiser", 5.0))
    ours = np.sort(true_peak._interpolators().ravel())
    assert np.allclose(ours, np.sort(np.concatenate([taps, np.zeros(up - 1)])), atol=1e-15)


def test_measuring_a_song_and_writing_its_rows_loads_no_library_that_takes_long():
    slow = {"librosa.core", "pandas", "scipy.interpolate", "scipy.signal", "scipy.stats", "torch"}
    code = f"""
import sys
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import measure, mining
from mixprior.pipeline.song.settings import MiningSettings
found, measured = [], measure.registry.measure
measure.ensure_compiled = lambda: None
measure.registry.measure = lambda song: found.append(measured(song)) or found[0]
mining.prepare(True, MiningSettings(SeparationSettings(), DecodeLimits()), None)
print(found[0]["backing"]["tempo_bpm"] is not None, {slow} & {{*sys.modules}})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True set()"
