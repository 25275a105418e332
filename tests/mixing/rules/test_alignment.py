"""The offset of vocals: found where they share a sound with the backing, refused where they share none."""

import numpy as np
import pytest
import scipy.signal

from mixprior.mixing.rules.alignment import RATE_HZ, alignment
from mixprior.stats.sound import Sound
from tests.mixing.multitrack_song import bass, kick, pad, sung

DURATION_S = 8.0


def mono(audio: np.ndarray) -> Sound:
    return Sound(np.ascontiguousarray(audio[np.newaxis], np.float32), RATE_HZ)


def song(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vocals with pauses, and a backing of noise bursts at random times over regular drums, bass and a pad."""
    rng = np.random.default_rng(seed)
    backing = kick(DURATION_S, RATE_HZ) + bass(DURATION_S, RATE_HZ) + pad(rng.uniform(200, 300), DURATION_S, RATE_HZ)

    for start in rng.integers(0, backing.size - 2_000, 30):
        backing[start : start + 2_000] += 0.1 * rng.standard_normal(2_000) * np.exp(-np.arange(2_000) / 500)
    return sung(rng.uniform(180, 400), DURATION_S, RATE_HZ), backing


def late(audio: np.ndarray, offset_s: float) -> np.ndarray:
    """The same as a file that has to start so much later to be in time."""
    samples = round(offset_s * RATE_HZ)
    return audio[samples:] if samples > 0 else np.pad(audio, (-samples, 0))


def level(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(audio**2)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bleed_db", [-40.0, -60.0])
@pytest.mark.parametrize("offset_s", [-1.25, 0.4])
def test_bleed_of_headphones_tells_the_offset(seed, bleed_db, offset_s):
    vocals, backing = song(seed)
    rng = np.random.default_rng(seed + 100)
    leaked = scipy.signal.sosfilt(scipy.signal.butter(2, [300, 4500], "band", fs=RATE_HZ, output="sos"), backing)
    heard = vocals + 10 ** (bleed_db / 20) * level(vocals) / level(leaked) * leaked
    heard = heard + 10 ** (-80 / 20) * level(vocals) * rng.standard_normal(heard.size)
    found = alignment(mono(late(heard, offset_s)), mono(backing))
    assert found.is_sure
    assert found.offset_s == pytest.approx(offset_s, abs=0.002)


@pytest.mark.parametrize("seed", range(3))
def test_a_guide_track_in_the_backing_tells_it_too(seed):
    vocals, backing = song(seed)
    breath = 0.01 * np.random.default_rng(seed).standard_normal(vocals.size)
    found = alignment(mono(late(vocals + breath, 0.7)), mono(backing + 0.3 * (vocals + breath)))
    assert found.is_sure
    assert found.offset_s == pytest.approx(0.7, abs=0.002)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise_db", [None, -60.0])
def test_where_nothing_is_shared_no_offset_is_sure(seed, noise_db):
    """Neither beats nor keys, in time or of another song."""
    vocals, backing = song(seed)
    if noise_db is not None:
        vocals = vocals + 10 ** (noise_db / 20) * level(vocals) * np.random.default_rng(seed).standard_normal(
            vocals.size
        )
    assert not alignment(mono(vocals), mono(backing)).is_sure
    assert not alignment(mono(vocals), mono(song(seed + 50)[1])).is_sure


def test_silence_has_no_offset():
    vocals, backing = song(0)
    assert alignment(mono(vocals * 0), mono(backing)) is None
    assert alignment(mono(vocals), mono(backing * 0)) is None
