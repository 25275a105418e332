"""`mixprior train predictor` on generated songs: a model, its card, its curve, a table, all of it again."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from mixprior import main
from mixprior.learning.predictor import equaliser_rule, errors, learners, song_examples
from mixprior.learning.predictor.errors import Errors, table
from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.known_truth import Remixes
from mixprior.learning.predictor.published import EQ, TABLE, TARGETS
from mixprior.learning.predictor.run import _that_mix
from mixprior.learning.scenes.songs import songs_of
from mixprior.learning.scenes.split import split
from mixprior.pipeline.audio import writer
from mixprior.pipeline.store.records import SongError
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from mixprior.stats.errors import InputError
from tests.mixing.learned.model import read

SHORT = ("--steps", "20")


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Four songs by four artists as folders of stems, and a manifest of them."""
    root = tmp_path_factory.mktemp("train")
    with (root / "songs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "artist", "role", "licence"])
        for score in SCORES[:4]:
            for name, audio in perform(replace(score, duration_s=9.0)).items():
                (root / score.title).mkdir(exist_ok=True)
                writer.write(root / score.title / f"{name}.wav", audio, RATE_HZ, ".wav")
            role = "judge" if score.title == "Dune" else "train-mixer"
            rows.writerow([score.title, f"{score.title} Band", role, "CC0"])
    return root / "songs.csv"


@pytest.fixture(autouse=True)
def run_that_measured_the_songs(songs, monkeypatch):
    """In place of mining them, which takes a minute."""
    facts = {
        each.song_id: {name: float(len(name)) + k for name in TARGETS} for k, each in enumerate(songs_of(songs), 1)
    }
    monkeypatch.setattr(song_examples, "measured", lambda _run: facts)


@pytest.fixture
def model(songs, tmp_path):
    path = tmp_path / "mixer.npz"
    assert main(["train", "predictor", str(songs), "-o", str(path), *SHORT]) == 0
    return path


def test_a_model_comes_with_its_card_and_its_curve(model):
    made = read(model)
    assert "vocal_to_backing_lu" in made.targets
    songs = made.card["songs"]
    assert {song["role"] for song in songs} == {"train-mixer"}
    assert {song["licence"] for song in songs} == {"CC0"}
    assert len(songs) == 3
    assert made.card["config"]["steps"] == 20
    assert "<svg" in model.with_suffix(".html").read_text()


@pytest.mark.parametrize("gains", [False, True])
def test_it_says_whether_network_or_regression_is_kept(songs, tmp_path, capsys, monkeypatch, gains):
    if gains:
        monkeypatch.setattr(learners, "LEAST_SONGS", 1)
        monkeypatch.setattr(learners, "interval", lambda _gains: (1.0, 2.0))
    path = tmp_path / "kept.npz"
    assert main(["train", "predictor", str(songs), "-o", str(path), *SHORT]) == 0
    card, page = read(path).card, path.with_suffix(".html").read_text()
    words = "kept the network: 2 songs trained it, 1 chose step" if gains else "kept the regression, of all 3 songs"
    assert words in capsys.readouterr().out
    assert card["kept"] == ("network" if gains else "regression")
    assert {song["side"] for song in card["songs"]} == ({"train", "choose"} if gains else {"train"})
    assert ("the regression is kept" in page) is not gains


def test_the_same_command_gives_the_same_bytes(songs, model, tmp_path):
    again = tmp_path / "again.npz"
    assert main(["train", "predictor", str(songs), "-o", str(again), *SHORT]) == 0
    assert again.read_bytes() == model.read_bytes()
    cards = [json.loads(path.with_suffix(".json").read_text()) for path in (again, model)]
    assert cards[0] == cards[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "model.pt"], "give a name that ends in .npz"),
        (["-o", "model.npz", "--role", "train-blind"], "no song of role train-blind"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(songs, capsys, monkeypatch, tmp_path, words, message):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["train", "predictor", str(songs), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_song_that_cannot_be_read_is_left_out_with_a_warning(songs, model, tmp_path, capsys, monkeypatch):
    first, real = songs_of(songs)[0], song_examples._kept

    def kept(song, *rest):
        if song.song_id == first.song_id:
            raise SongError("decode", "it ends in the middle")
        return real(song, *rest)

    monkeypatch.setattr(song_examples, "_kept", kept)
    path = tmp_path / "fewer.npz"
    assert main(["train", "predictor", str(songs), "-o", str(path), *SHORT]) == 0
    assert f"{first.song.path} is left out: it ends in the middle" in capsys.readouterr().err
    ids = [{song["song_id"] for song in read(each).card["songs"]} for each in (model, path)]
    assert ids[0] - ids[1] == {first.song_id}


def test_another_run_does_not_go_on_from_the_checkpoint_of_this_one(songs, model, capsys, monkeypatch):
    other = {song: {name: value + 1 for name, value in of.items()} for song, of in song_examples.measured("").items()}
    monkeypatch.setattr(song_examples, "measured", lambda _run: other)
    before = model.read_bytes()
    assert main(["train", "predictor", str(songs), "-o", str(model), *SHORT]) == 2
    assert "other songs or another configuration: give another folder, or remove it" in capsys.readouterr().err
    assert model.read_bytes() == before


def _without(facts, songs, names):
    nothing = dict.fromkeys(names, float("nan"))
    return {song: {**of, **(nothing if song in songs else {})} for song, of in facts.items()}


def test_a_target_that_no_training_song_has_is_left_out_of_the_model(songs, model, tmp_path, monkeypatch):
    facts = song_examples.measured("")
    trained = split(songs_of(songs))["train"]
    monkeypatch.setattr(song_examples, "measured", lambda _run: _without(facts, trained, ["loudness_range_lu"]))
    path = tmp_path / "fewer.npz"
    assert main(["train", "predictor", str(songs), "-o", str(path), *SHORT]) == 0
    made = read(path)
    assert set(read(model).targets) - set(made.targets) == {"loudness_range_lu"}
    assert all(np.isfinite(each).all() for each in made.weights.values())


def test_without_a_target_on_both_sides_nothing_is_trained():
    examples = Examples(np.zeros((4, 2, 128, 8)), np.full((4, 1), np.nan), np.array(list("aabb")), ("rt60_s",))
    with pytest.raises(InputError, match="too few statistics to train on"):
        _that_mix(examples, {"train": ["a"], "choose": ["b"]})


def test_errors_need_artists_however_the_songs_are_split(songs, tmp_path, capsys):
    manifest = songs.with_name("unnamed.csv")
    manifest.write_text("path,role\n" + "".join(f"{score.title},train-mixer\n" for score in SCORES[:4]))
    words = ["train", "predictor", str(manifest), "-o", str(tmp_path / "m.npz"), "--split-by", "song", "--errors"]
    assert main(words) == 2
    assert "the artist of" in capsys.readouterr().err


def test_many_songs_of_few_artists_do_not_make_a_gain_sure():
    constant = np.ones((20, len(TARGETS)))
    artists = tuple(np.repeat(list("abcd"), 5))
    ours = constant - np.repeat([0.5, 0.1, -0.05, 0.3], 5)[:, np.newaxis]
    of_songs, of_artists = (
        table(Errors({"mean": constant, "ours": ours}, TARGETS, (), groups)) for groups in ((), artists)
    )
    assert ", better" in of_songs.splitlines()[2]
    assert "undecided" in of_artists.splitlines()[2]


def test_a_song_that_one_learner_has_no_answer_for_is_not_counted():
    constant = np.ones((6, len(TARGETS)))
    ours = constant.copy()
    ours[0] = np.nan
    rows = table(Errors({"mean": constant, "ours": ours}, TARGETS)).splitlines()
    assert "| 5 " in rows[2]
    assert "nan" not in rows[2]


def test_his_equaliser_cuts_where_the_vocals_are_above_their_backing():
    mel_db = np.full((1, 2, 128, 4), -30.0)
    mels = np.linspace(0, 60.0, 130)[1:-1]
    centres_hz = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    mel_db[:, 0, np.abs(np.log2(centres_hz / 1000)) < 0.5] += 6.0
    gains_db = song_examples.equaliser(mel_db)
    assert min(gains_db, key=gains_db.get) == "eq_1000_hz_db"
    assert gains_db["eq_1000_hz_db"] == pytest.approx(-6 + 6 / 9, abs=0.01)
    assert sum(gains_db.values()) == pytest.approx(0, abs=1e-9)


def test_the_table_has_his_thirteen_rows_and_says_where_a_constant_does_as_well():
    rng = np.random.default_rng(0)
    constant = rng.uniform(1, 3, (20, len(TARGETS)))
    ours = constant + rng.normal(0, 0.2, constant.shape)
    ours[:, 0] -= 1.0
    rows = table(Errors({"mean": constant, "ours": ours}, TARGETS)).splitlines()
    assert len(rows) == 2 + 13 == 2 + len(TABLE)
    assert ", better" in rows[2]
    assert "undecided: a constant does as well" in rows[3]
    assert sum("assumed, not measured" in row for row in rows) == 6
    assert "the mean itself" in table(Errors({"mean": constant, "ours": constant * (1 + 1e-6)}, TARGETS))
    assert len(EQ) == 9


def test_networks_of_the_table_are_trained_where_the_model_is(songs, tmp_path, monkeypatch):
    seen = []

    def train(task, config, _folder=None):
        seen.append((type(task).__name__, config.precision))
        raise InputError("seen")

    def cross_validated(examples, _songs, _seeds, by, *_):
        assert set(examples.group_of) >= set(examples.songs)
        monkeypatch.setattr(learners, "train", train)
        for name in ("li", "ours"):
            with pytest.raises(InputError, match="seen"):
                by[name](examples, examples, 0, None)
        raise InputError("enough")

    monkeypatch.setattr(errors, "cross_validated", cross_validated)
    words = ["train", "predictor", str(songs), "-o", str(tmp_path / "m.npz"), "--errors", "--precision", "bf16"]
    assert main([*words, *SHORT]) == 2
    assert seen == [("LiTask", "bf16"), ("OurTask", "bf16")]


def test_errors_by_song_are_means_over_seeds_and_are_read_again(songs):
    first = songs_of(songs)[0]
    of = [replace(first, song_id=f"{k}", artists=frozenset([f"artist {k}"])) for k in range(6)]
    ids = np.repeat([each.song_id for each in of], 2)
    rng = np.random.default_rng(0)
    targets = np.repeat(rng.normal(0, 1, (len(of), len(TARGETS))), 2, axis=0)
    targets[ids == of[0].song_id, 0] = np.nan
    examples = Examples(rng.normal(0, 1, (len(ids), 2, 128, 8)), targets, ids, TARGETS)
    simple = {name: learners.LEARNERS[name] for name in ("mean", "median")}
    one, two, both = (errors.cross_validated(examples, of, seeds, simple) for seeds in ([0], [1], [0, 1]))
    np.testing.assert_allclose(both.by_learner["mean"], (one.by_learner["mean"] + two.by_learner["mean"]) / 2)
    again = errors.read(both.csv())
    assert (again.names, again.songs, again.groups) == (TARGETS, both.songs, both.songs)
    np.testing.assert_allclose(again.by_learner["median"], both.by_learner["median"], rtol=1e-3)
    assert np.isnan(again.by_learner["mean"]).sum() == 1


def test_his_rule_undoes_a_tilt_over_a_backing_that_is_as_the_vocals_were():
    level_db = np.full((4, 2, 128, 4), -30.0)
    level_db[1:, 0] += np.linspace(-6, 6, 128)[:, None] * np.array([1.0, 0.5, -1.0])[:, None, None]
    (found,) = equaliser_rule.tested(
        Remixes(level_db[None], np.zeros((1, 4)), np.zeros((1, 4)), np.zeros((1, 4, 2)), np.array(["flat"]))
    ).values()
    assert found.follows == pytest.approx(-1, abs=0.01)
    assert found.after_db == pytest.approx(0, abs=0.01)
    assert found.off_db > 1


@pytest.mark.nightly("training")
def test_a_run_that_was_mined_is_trained_on(songs, tmp_path, monkeypatch):
    monkeypatch.undo()
    assert main(["mine", str(songs), "-o", str(tmp_path / "run"), "--quiet"]) == 0
    path = tmp_path / "mixer.npz"
    assert main(["train", "predictor", str(tmp_path / "run"), "-o", str(path), *SHORT]) == 0
    assert read(path).card["songs"]
