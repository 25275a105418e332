"""The page of a training: its curves, and spectrograms of mixes as pictures that any browser reads."""

import base64
import io
import re

import numpy as np
from PIL import Image

from mixprior.learning.training import curves
from mixprior.learning.training.loop import Look

LOOKS = {"ours": [Look(10, 2.0, 1.5), Look(20, 1.0, 1.2)]}


def pictures(page: str) -> list[np.ndarray]:
    """Brightness of each picture, (rows, columns)."""
    found = re.findall('src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("L"), int) for each in found]


def test_a_page_without_mixes_has_its_curve_alone():
    page = curves.page("Levels", LOOKS)
    assert (page.count("<svg"), pictures(page)) == (1, [])


def test_a_low_tone_is_bright_at_the_bottom_and_a_high_one_at_the_top():
    time_s = np.arange(44_100) / 44_100
    tones = {f"{hz} & more": np.sin(2 * np.pi * hz * time_s)[None] for hz in (100, 12_000)}
    page = curves.page("Tones", LOOKS, tones)
    low, high = pictures(page)
    assert low.shape == (128, 42)
    assert low[-8:].max() > 200 > 50 > low[:64].max()
    assert high[:24].max() > 200 > 50 > high[64:].max()
    assert "100 &amp; more" in page


def test_silence_is_a_picture_too_and_three_mixes_of_a_song_stay_under_a_megabyte():
    rng = np.random.default_rng(0)
    mixes = {name: rng.standard_normal((2, 6 * 44_100)) for name in "ab"} | {"silence": np.zeros((2, 44_100))}
    page = curves.page("Noise", LOOKS, mixes)
    assert len(pictures(page)) == 3
    assert len(page) < 1_000_000
