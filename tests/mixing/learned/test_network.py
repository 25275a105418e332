"""A model is its weights and its card, and a sound's own level does not matter to it."""

import hashlib
import json

import numpy as np
import pytest

from mixprior.mixing.learned import network
from mixprior.mixing.learned.mel import blocks, log_mel_db
from mixprior.mixing.learned.planner import predictions
from mixprior.stats.errors import InputError
from tests.mixing.learned.model import drawn, read, written
from tests.mixing.sounds import RATE_HZ, band, sound, voice


def test_a_model_is_read_as_it_was_written(tmp_path):
    made, again = drawn(), read(written(tmp_path))
    assert again.sha256 == made.sha256
    assert again.card == made.card
    mel_db = np.stack([log_mel_db(voice()), log_mel_db(band())])
    assert again.predict(mel_db) == made.predict(mel_db)


def test_without_weights_in_its_last_layer_a_network_predicts_the_prior():
    said = drawn(last=0.0).predict(np.stack([log_mel_db(voice()), log_mel_db(band())]))
    assert said["vocal_to_backing_lu"] == network.Prediction(-2.0, 2.5, -2.0, 2.5)


def test_the_level_of_a_file_does_not_matter():
    one = predictions(drawn(), sound(voice()), sound(band()))
    softer = predictions(drawn(), sound(0.1 * voice()), sound(0.5 * band()))
    for name in one:
        assert softer[name].mean == pytest.approx(one[name].mean, abs=0.02)


def test_a_tone_is_in_the_band_of_its_frequency_at_its_level():
    time_s = np.arange(RATE_HZ) / RATE_HZ
    mel_db = log_mel_db(np.sin(2 * np.pi * 1000 * time_s)[None])
    assert np.ptp(mel_db.max(axis=0)) < 0.5
    assert 30 <= mel_db.mean(axis=1).argmax() <= 33
    half_db = log_mel_db(0.5 * np.sin(2 * np.pi * 1000 * time_s)[None])
    assert (mel_db - half_db).max() == pytest.approx(6.02, abs=0.05)


def test_blocks_follow_each_other():
    mel_db = np.arange(2 * 128 * 150, dtype=float).reshape(2, 128, 150)
    assert np.array_equal(blocks(mel_db)[1], mel_db[..., 64:128])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b"PK"), "is not what its card describes"),
        (lambda path: path.unlink(), "is no model"),
        (lambda path: path.with_suffix(".json").unlink(), "no such file"),
        (lambda path: _card(path, model_version=9), "no model of version 1"),
        (lambda path: _card(path, targets=["rt60_s"]), "predicts other targets"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(tmp_path, damage, message):
    path = written(tmp_path)
    damage(path)
    with pytest.raises(InputError, match=message):
        read(path)


def test_weights_that_are_not_finite_are_neither_written_nor_read(tmp_path):
    made = drawn(prior=np.array([[-2.0, 2.5], [np.nan, 3.0]]))
    path = written(tmp_path)
    with pytest.raises(InputError, match="weights are not finite"):
        made.write(path)
    np.savez(path, **made.weights)
    _card(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(InputError, match="weights that are not finite"):
        read(path)


def test_a_card_with_a_loss_that_is_not_finite_is_not_written(tmp_path):
    made = drawn()
    with pytest.raises(InputError, match="not finite"):
        network.made(made.targets, made.weights, {"loss": float("nan")}).write(tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", [".", "/"])
def test_a_folder_without_a_name_is_no_model(path):
    with pytest.raises(InputError, match="is no model"):
        read(path)


def _card(path, **facts):
    card = path.with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), **facts}))
