"""The loudness that a player keeps is the one that a meter reads, wherever the sliders are."""

import numpy as np
import pytest

from mixprior.mixing.effects.chain import Sum
from mixprior.mixing.page import loudness
from mixprior.mixing.page.parts import parts_of
from tests.mixing.sounds import RATE_HZ, band, sound, voice

SECONDS = 8.0
VOCALS, BACKING = voice(SECONDS, level=0.05), band(SECONDS) * np.linspace(0, 1, round(SECONDS * RATE_HZ))
GAINS_DB = {"vocals": 5.0, "backing": -2.0}


def summed(vocals_db: float, backing_db: float) -> Sum:
    vocals, backing = sound(VOCALS * 10 ** (vocals_db / 20)), sound(BACKING * 10 ** (backing_db / 20))
    return Sum(sound(vocals.audio + backing.audio), {"vocals": vocals, "backing": backing}, backing)


def test_what_only_gains_did_is_found_to_be_gains():
    parts = {part.name: part for part in parts_of(summed(0, 0), summed(5, -2))}
    assert {name: part.level_db for name, part in parts.items()} == pytest.approx(GAINS_DB, abs=1e-4)
    assert not any(part.processed for part in parts.values())


def test_the_table_holds_what_a_meter_reads():
    before, after = summed(0, 0), summed(5, -2)
    found = loudness.table(parts_of(before, after), before.sound.integrated_lufs, after.sound.integrated_lufs)
    for amount, row in zip(found["amounts"], found["lufs"], strict=True):
        for vocals_db, lufs in zip(found["vocals_db"], row, strict=True):
            read = summed(5 * amount + vocals_db, -2 * amount).sound.integrated_lufs
            assert lufs == pytest.approx(read, abs=0.05)


def test_silence_has_no_table():
    silent = Sum(sound(np.zeros((2, RATE_HZ))), {}, None)
    assert loudness.table(parts_of(silent, silent), None, None) is None
