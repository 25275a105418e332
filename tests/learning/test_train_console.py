"""`mixprior train console` on generated songs: a mixer, its card and its curve, all of it again, and a mix by it."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from mixprior import main
from mixprior.learning.console.controls import Controls
from mixprior.learning.mixer import run, song_examples
from mixprior.learning.mixer.network import ConsoleMixer
from mixprior.learning.scenes.songs import TrainingSong
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Band, Chain, PanSettings
from mixprior.mixing.evaluation.kept_priors import shipped
from mixprior.mixing.evaluation.scenes import audible
from mixprior.mixing.learned import console, model_file
from mixprior.mixing.learned.console import SHELF_Q, SHELVES
from mixprior.mixing.learned.heard import Heard
from mixprior.pipeline.audio import writer
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.store.records import Song
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from mixprior.stats.errors import InputError
from tools.songs.mixer_judged import heard
from tools.songs.mixer_law import sides_of

SHORT = ("--steps", "6")


def stems(number: int, duration_s: float = 4.0) -> dict[str, np.ndarray]:
    return {
        name: np.asarray(audio, np.float32)
        for name, audio in perform(replace(SCORES[number], duration_s=duration_s)).items()
    }


@pytest.fixture(scope="module", autouse=True)
def fewer_examples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "DRAWS", 2)
        yield


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Two songs by two artists as folders of stems, and a manifest of them."""
    root = tmp_path_factory.mktemp("train")
    with (root / "songs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "artist", "role", "licence"])
        for score in SCORES[:2]:
            for name, audio in perform(replace(score, duration_s=4.0)).items():
                (root / score.title).mkdir(exist_ok=True)
                writer.write(root / score.title / f"{name}.wav", audio, RATE_HZ, ".wav")
            rows.writerow([score.title, f"{score.title} Band", "train-mixer", "CC0"])
    return root / "songs.csv"


@pytest.fixture(scope="module")
def model(songs, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "console.npz"
    assert main(["train", "console", str(songs), "-o", str(path), *SHORT]) == 0
    return path


def test_a_mixer_comes_with_its_card_and_its_curve_and_the_same_again(songs, model, tmp_path, capsys):
    read = console.of_file(model, model_file.read(model))
    assert {song["side"] for song in read.card["songs"]} == {"train", "choose"}
    assert read.card["config"]["steps"] == 6
    assert np.abs(read.weights["last.weight"]).max() > 0
    page = model.with_suffix(".html").read_text()
    assert "<svg" in page
    assert re.findall("<figcaption>(.*?)</figcaption>", page) == ["plain sum", "the network&#39;s mix", "wanted"]
    assert len(page) < 1_000_000
    again = tmp_path / "again.npz"
    assert main(["train", "console", str(songs), "-o", str(again), *SHORT]) == 0
    assert again.read_bytes() == model.read_bytes()
    printed = capsys.readouterr().out
    for words in ("gains, dB", "given the song's own levels and slopes", "the rule", "as they are"):
        assert words in printed


def test_a_loss_on_the_mix_is_asked_for_and_stands_in_the_card(songs, model, tmp_path, capsys):
    path = tmp_path / "console.npz"
    assert main(["train", "console", str(songs), "-o", str(path), "--steps", "2", "--mix-loss", "0.5"]) == 0
    assert model_file.read(path).card["config"]["mix_weight"] == 0.5
    assert "0.5 x spectra and features of the mix" in path.with_suffix(".html").read_text()
    alone = [model_file.read(each).card["looks"][0]["choosing_loss"] for each in (model, path)]
    assert alone[1] > 1.1 * alone[0]
    assert main(["train", "console", str(songs), "-o", str(path), "--mix-loss", "-1"]) == 2
    assert "the loss on the mix has a weight of -1: give 0 or more" in capsys.readouterr().err


@pytest.mark.parametrize("system", ["console", "predictor"])
def test_songs_without_artists_are_not_split_by_artist(songs, tmp_path, capsys, system):
    manifest = songs.with_name("unnamed.csv")
    manifest.write_text("path\n" + "".join(f"{score.title}\n" for score in SCORES[:2]))
    assert main(["train", system, str(manifest), "-o", str(tmp_path / "m.npz"), *SHORT]) == 2
    assert "the artist of" in capsys.readouterr().err


def test_a_card_is_heard_by_its_artists_and_by_its_songs_in_the_table_and_refused_where_neither_knows():
    row = dict.fromkeys(Recording.__dataclass_fields__, "")
    table = [Recording(**{**row, "sha256": "a" * 64, "artist": "Sam", "featured": "Ella"})]
    named, unnamed = ({"song_id": song_id, "artists": a} for song_id, a in (("b" * 16, ["bea"]), ("a" * 16, [])))
    assert heard([named, unnamed], table) == {"bea", "sam", "ella"}
    with pytest.raises(InputError, match="the artists of cccc in its card are unknown"):
        heard([named, {"song_id": "cccc", "artists": []}], table)


def test_a_song_that_cannot_be_decoded_or_read_is_left_out_with_a_warning(songs, tmp_path, capsys):
    (songs.parent / "broken.wav").write_bytes(b"no sound")
    manifest = songs.with_name("broken.csv")
    rows = "broken.wav,Broken Band,train-mixer,CC0\nnone.wav,No Band,train-mixer,CC0\n"
    manifest.write_text(songs.read_text() + rows)
    path = tmp_path / "fewer.npz"
    assert main(["train", "console", str(manifest), "-o", str(path), *SHORT]) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "is left out: " in line]
    assert [name in line for line, name in zip(warned, ("none.wav", "broken.wav"), strict=True)] == [True, True]
    assert len(console.of_file(path, model_file.read(path)).card["songs"]) == 2


@pytest.mark.parametrize("system", ["console", "predictor"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "s3://bucket/m.npz"], "s3://bucket/m.npz is in an object store"),
        (["-o", "m.npz", "--steps", "0"], "steps is 0: it must be 1 or more"),
    ],
)
def test_a_remote_name_and_no_steps_are_refused(songs, tmp_path, capsys, monkeypatch, system, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["train", system, str(songs), *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_judge_of_the_law_keeps_artists_on_one_side():
    songs = [TrainingSong(Song(f"{k}"), f"{k}", frozenset({f"{k // 4}"})) for k in range(12)]
    for seed in range(5):
        artists = [{int(song) // 4 for song in side} for side in sides_of(songs, seed).values()]
        assert not set.intersection(*artists)
    with pytest.raises(InputError, match="the artist of 12 is not known"):
        sides_of([*songs, TrainingSong(Song("12"), "12")], 0)


def test_it_mixes_the_tracks_of_a_song(songs, model, tmp_path):
    folder = songs.parent / SCORES[0].title
    assert main(["mix", "--tracks", str(folder), "--by", str(model), "-o", str(tmp_path / "mix.wav")]) == 0
    document = json.loads((tmp_path / "mix.mix.json").read_text())
    assert {step["of"] for step in document["steps"] if step["name"] == "prediction"} >= {"vocals", "drums"}


def test_without_torch_it_moves_the_same():
    torch.manual_seed(1)
    mixer = ConsoleMixer(2, 2, width=16).eval()
    torch.nn.init.normal_(mixer.last.weight)
    mel_db = 20 * torch.randn(1, 3, 128, 30, generator=torch.manual_seed(2)) - 40
    balance = torch.tensor([[0.5, -1.0, 0.0]])
    asked, known = (
        torch.tensor([[[1.0, 2.0], [0.5, 0.0], [0.0, -1.0]]]),
        torch.tensor([[[True, True], [True, False], [False, True]]]),
    )
    centre = Controls.at_rest(1, 3, 2)
    with torch.no_grad():
        found = mixer(mel_db, centre, run.spread(), balance=balance, statistics=asked, known=known)
    network = console.made(song_examples.SPREAD, mixer.arrays(), {})
    names, scales = np.array(song_examples.ASKED), np.array(song_examples.SCALES)
    parts = [
        Heard(
            mel_db[0, k].numpy(),
            float(balance[0, k]),
            {
                str(n): float(v)
                for n, v, there in zip(names, asked[0, k].numpy() * scales, known[0, k], strict=True)
                if there
            },
        )
        for k in range(3)
    ]
    for name, moved in network.moves(parts).items():
        assert np.allclose(moved, (getattr(found, name) - getattr(centre, name))[0].numpy(), atol=1e-4), name


def test_what_is_wanted_undoes_the_damage():
    parts = audible(stems(0))
    drawn = song_examples.draw(parts, 2, np.random.default_rng(3))
    damaged = drawn.apply(parts)
    for name, sound in parts.items():
        gain_db, position, gains_db = drawn.undone(name)
        bands = tuple(Band(kind, hz, each, SHELF_Q) for (kind, hz), each in zip(SHELVES, gains_db, strict=True))
        back = chain.process(Chain(bands=bands, pan=PanSettings(position), output_gain_db=gain_db), damaged[name])
        off_db = 10 * np.log10(np.mean((back.audio - sound.audio) ** 2) / np.mean(sound.audio**2))
        assert back.integrated_lufs == pytest.approx(sound.integrated_lufs, abs=1.0)
        assert off_db < -8, name


def test_examples_are_of_tracks_and_pairs_and_know_what_the_song_has():
    examples = song_examples.examples_of("song", stems(0), 2, shipped())
    assert [len(each.mel_db) for each in examples] == [4, 2]
    for each in examples:
        assert each.statistics is not None
        assert each.statistics.shape == (len(each.mel_db), 2)
        assert torch.isfinite(each.statistics).all()
        assert float((each.wanted.output_gain_db - each.centre.output_gain_db).mean()) == pytest.approx(0, abs=1e-4)
