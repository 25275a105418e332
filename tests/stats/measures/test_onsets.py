"""Onsets: the smoothing is that of scipy's filter; where onsets are found is held in the tests of dynamics."""

import numpy as np
import scipy.signal

from mixprior.stats.measures import onsets


def test_the_smoothing_is_that_of_scipys_filter_to_the_bit():
    numerator, (_, _, last) = scipy.signal.butter(2, 0.34)
    assert (tuple(numerator), last) == (onsets._LOW_PASS, onsets._POLE)
    forward = scipy.signal.lfilter(numerator, (1.0, last), np.eye(7), axis=-1)
    both = scipy.signal.lfilter(numerator, (1.0, last), forward[:, ::-1], axis=-1)[:, ::-1]
    assert (onsets._zero_phase_smoothing(7) == both).all()
